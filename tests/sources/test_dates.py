"""Dates as publishers write them."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfoNotFoundError

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.sources.dates import parse_date

SEVEN_IN_SEOUL = datetime(2026, 8, 10, 22, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    "text",
    [
        "Tue, 11 Aug 2026 07:00:00 +0900",
        "Tue, 11 Aug 2026 07:00:00 KST",
        "Tue, 11 Aug 2026 07:00:00 kst",
        "Tue, 11 Aug 2026 07:00:00 JST",
        "Tue, 11 Aug 2026 07:00:00",
        "Tue, 11 Aug 2026 07:00",
        "11 Aug 2026 07:00:00 +0900",
        "11 August 2026 07:00:00 +0900",
        "Tue, 11 08 2026 07:00:00 +0900",
        "Tue, 11 8 2026 07:00:00 KST",
        "Tue,  11 Aug  2026  07:00:00  +0900",
        "\n  Tue, 11 Aug 2026 07:00:00 +0900\t",
        "Mon, 10 Aug 2026 22:00:00 GMT",
        "Mon, 10 Aug 2026 22:00:00 UTC",
        "Mon, 10 Aug 2026 22:00:00 Z",
        "Mon, 10 Aug 2026 22:00:00 -0000",
        "10 Aug  2026 22:00:00 GMT",
        "Mon, 10 Aug 2026 18:00:00 EDT",
        "Mon, 10 Aug 26 22:00:00 GMT",
        "2026-08-11T07:00:00+09:00",
        "2026-08-11T07:00:00+0900",
        "2026-08-11T07:00:00.123+09:00",
        "2026-08-11T07:00+09:00",
        "2026-08-10T22:00:00Z",
        "2026-08-10t22:00:00z",
        "2026-08-10T22:00:00.000000Z",
        "2026-08-11T07:00:00",
        "2026-08-11 07:00:00",
        "2026-08-11 07:00",
        "2026-08-11  07:00:00",
        "2026-08-11 07:00:00 KST",
        "2026-08-11 07:00:00 +0900",
        "2026-08-10 22:00:00 UTC",
        "2026.08.11 07:00",
        "2026. 8. 11. 07:00",
        "2026/08/11 07:00:00",
        "2026년 8월 11일 07:00",
        "2026-08-11 오전 7:00:00",
        "20260811070000",
        "20260811T070000",
        "20260810T220000Z",
    ],
)
def test_ways_to_write_one_moment(text):
    assert parse_date(text, "Asia/Seoul") == SEVEN_IN_SEOUL


@pytest.mark.parametrize(
    ("text", "tz", "expected"),
    [
        ("2026-08-11 07:00", "UTC", datetime(2026, 8, 11, 7, tzinfo=UTC)),
        ("2026-08-11 07:00", "America/New_York", datetime(2026, 8, 11, 11, tzinfo=UTC)),
        ("2026-01-11 07:00", "America/New_York", datetime(2026, 1, 11, 12, tzinfo=UTC)),
        ("2026-08-11", "Asia/Seoul", datetime(2026, 8, 10, 15, tzinfo=UTC)),
        ("20260811", "Asia/Tokyo", datetime(2026, 8, 10, 15, tzinfo=UTC)),
        ("2026-08-11 오후 3:07:10", "Asia/Seoul", datetime(2026, 8, 11, 6, 7, 10, tzinfo=UTC)),
        ("2026-08-11 오후 12:30", "Asia/Seoul", datetime(2026, 8, 11, 3, 30, tzinfo=UTC)),
        ("2026-08-11 오전 12:30", "Asia/Seoul", datetime(2026, 8, 10, 15, 30, tzinfo=UTC)),
        ("Tue, 11 08 2026 07:00:00 +0900", "UTC", SEVEN_IN_SEOUL),
        ("2026-12-31T23:59:60Z", "UTC", datetime(2026, 12, 31, 23, 59, 59, tzinfo=UTC)),
    ],
)
def test_zones_and_halves_of_the_day(text, tz, expected):
    assert parse_date(text, tz) == expected


@pytest.mark.parametrize(
    "text",
    [
        "",
        "   ",
        "yesterday",
        "0",
        "²",
        "0000-00-00 00:00:00",
        "0001-01-01T00:00:00Z",
        "1970-01-01T00:00:00Z",
        "Thu, 01 Jan 1970 00:00:00 GMT",
        "Mon, 01 Jan 0001 00:00:00 +0000",
        "2026-13-01",
        "2026-02-30",
        "2026-08-11 25:00",
        "2026-08-11T07:00:00+99:99",
        "Tue, 11 13 2026 07:00:00 +0900",
        "Tue, 32 Aug 2026 07:00:00 +0900",
        "9999-12-31T23:59:59-12:00",
        "<b>2026</b>",
        "2026-08-11 07:00 XYZ",
        "1" * 100_000,
    ],
)
def test_what_is_no_date_is_none(text):
    assert parse_date(text, "Asia/Seoul") is None


def test_an_unknown_zone_is_an_error():
    with pytest.raises(ZoneInfoNotFoundError):
        parse_date("2026-08-11", "Asia/Atlantis")


@given(st.text() | st.from_regex(r"\w{3}, \d+ \w{2,4} \d+ [\d:]+ [+\-\w]+"))
def test_any_text_is_a_date_in_utc_or_none(text):
    moment = parse_date(text, "Asia/Seoul")
    assert moment is None or (moment.tzinfo is UTC and moment.year >= 1990)
