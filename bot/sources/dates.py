"""Dates as feeds write them, in and out of the standards."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone
from email.utils import parsedate_tz
from functools import lru_cache
from zoneinfo import ZoneInfo

#: Zone names that Korean and Japanese publishers write, and those that all do.
_ZONES = {"kst": "+0900", "jst": "+0900", "z": "+0000", "utc": "+0000", "gmt": "+0000"}
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
#: The years before feeds existed: such dates are placeholders ("0001-01-01", "1970-01-01").
_EARLIEST = 1990

_TIME = r"(?P<hour>\d{1,2}):(?P<minute>\d{2})(?::(?P<second>\d{2})(?:[.,]\d+)?)?"
_ZONE = r"\s?(?P<zone>[a-z]{1,4}|(?:gmt|utc)?[+-]\d{2}:?\d{2})?(?:\s\(\w+\))?"
#: RFC 822, with months also as numbers: "Tue, 11 Aug 2026 07:00:00 +0900", "11 08 2026 07:00 KST".
_DAY_FIRST = re.compile(
    rf"(?:[a-z]+,?\s)?(?P<day>\d{{1,2}})\s(?P<month>[a-z]{{3,9}}|\d{{1,2}})\s(?P<year>\d{{4}})"
    rf"(?:\s{_TIME})?{_ZONE}",
    re.ASCII | re.IGNORECASE,
)
#: ISO 8601, and as people write in Korea: "2026-08-11T07:00:00+09:00", "2026. 8. 11. 오후 3:07".
_YEAR_FIRST = re.compile(
    r"(?P<year>\d{4})\s?[-./년]\s?(?P<month>\d{1,2})\s?[-./월]\s?(?P<day>\d{1,2})\s?[일.]?"
    rf"(?:[t,\s]\s?(?:(?P<half>오전|오후|am|pm)\s)?{_TIME})?{_ZONE}",
    re.ASCII | re.IGNORECASE,
)
#: "20260811", "202608110700", "20260811T070000Z".
_COMPACT = re.compile(
    r"(?P<year>\d{4})(?P<month>\d\d)(?P<day>\d\d)"
    r"(?:t?(?P<hour>\d\d)(?P<minute>\d\d)(?P<second>\d\d)?)?(?P<zone>z|[+-]\d{2}:?\d{2})?",
    re.ASCII | re.IGNORECASE,
)


def parse_date(text: str, tz: str = "UTC") -> datetime | None:
    """The moment that `text` means, in UTC; None when it cannot be told.

    Args:
        text: RFC 822 or ISO 8601, with the liberties that publishers take.
        tz: IANA zone that dates without a zone of their own are in.

    Raises:
        zoneinfo.ZoneInfoNotFoundError: there is no zone `tz`.
    """
    zone = ZoneInfo(tz)
    text = " ".join(text[:100].split())
    try:
        moment = _usual(text) or _unusual(text)
        if moment is None:
            return None
        aware = (moment if moment.tzinfo else moment.replace(tzinfo=zone)).astimezone(UTC)
    except (ValueError, OverflowError):  # a 13th month, a 25th hour, the year 0 or 9999
        return None
    return aware if aware.year >= _EARLIEST else None


def _usual(text: str) -> datetime | None:
    match = _DAY_FIRST.fullmatch(text) or _YEAR_FIRST.fullmatch(text) or _COMPACT.fullmatch(text)
    if match is None:
        return None
    part = match.groupdict()
    zone = _offset(part["zone"]) if part["zone"] else None
    if part["zone"] and zone is None:
        return None
    hour = int(part["hour"] or 0)
    if half := part.get("half"):
        hour = hour % 12 + (12 if half.lower() in ("오후", "pm") else 0)
    return datetime(
        int(part["year"]),
        _month(part["month"]),
        int(part["day"]),
        hour,
        int(part["minute"] or 0),
        min(int(part["second"] or 0), 59),  # a leap second
        tzinfo=zone,
    )


def _month(text: str) -> int:
    return int(text) if text.isdecimal() else _MONTHS.index(text[:3].lower()) + 1


@lru_cache(maxsize=256)
def _offset(zone: str) -> timezone | None:
    zone = zone.lower()
    zone = _ZONES.get(zone, zone).removeprefix("gmt").removeprefix("utc").replace(":", "")
    if not zone[1:].isdecimal():
        return None
    offset = timedelta(hours=int(zone[1:3]), minutes=int(zone[3:]))
    return timezone(-offset if zone[0] == "-" else offset)


def _unusual(text: str) -> datetime | None:
    """What only the standard library reads: American zone names, years of two digits."""
    fields = parsedate_tz(text)
    if fields is None:
        return None
    year, month, day, hour, minute, second, *_, offset = fields
    zone = timezone(timedelta(seconds=offset or 0))
    return datetime(year, month, day, hour, minute, min(second, 59), tzinfo=zone)
