"""What reports say of their occasion, the same in every language."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime

import pytest

from bot.domain.lexicon import Lexicon
from bot.domain.occasion import Reader
from bot.domain.text import read
from bot.domain.types import Post
from bot.domain.when import Days

MakePost = Callable[..., Post]
#: A Friday.
AT = datetime(2025, 3, 14, 3, tzinfo=UTC)


@pytest.fixture(scope="module")
def reader(lexicon: Lexicon) -> Reader:
    return Reader(lexicon)


def of_kind(reader: Reader, post: Post, *kinds: str) -> set[str]:
    return {a for a in reader.anchors(post) if a.partition(":")[0] in kinds}


@pytest.mark.parametrize(
    ("text", "anchors"),
    [
        ("at the Dior show", {"brand:dior"}),
        ("디올 쇼에서", {"brand:dior"}),
        ("ディオールのショー", {"brand:dior"}),
        ("迪奥大秀", {"brand:dior"}),
        ("DIOR's show and Chanel’s", {"brand:chanel", "brand:dior"}),
        ("Diorama", set()),
        ("on Music Bank", {"show:music-bank"}),
        ("이번 주 '뮤뱅'", {"show:music-bank"}),
        ("골든디스크 시상식", {"award:golden-disc"}),
        ("ซูโฮ ที่งานดิออร์", {"brand:dior"}),
        ("at MAMA", {"award:mama"}),
        ("mama said so, for mamá", set()),
        ("MAMAMOO", set()),
        ("they met", set()),
    ],
)
def test_occasions_are_known_by_their_names_in_any_language(
    text: str, anchors: set[str], reader: Reader
) -> None:
    assert reader.named(read(text)) == anchors


def test_what_stands_first_is_what_a_report_is_about(reader: Reader, post: MakePost) -> None:
    made = post("A hug at the AAA. Days ago they met at MAMA, and once in Paris.", published=AT)
    assert of_kind(reader, made, "award", "city") == {"award:asia-artist", "city:paris"}
    titled = post("They met at the Dior show.", title="At Chanel", published=AT)
    assert of_kind(reader, titled, "brand") == {"brand:chanel", "brand:dior"}


@pytest.mark.parametrize(
    ("text", "works"),
    [
        ('They sang "Love wins all" together', {"work:lovewinsall"}),
        ("They sang “Love Wins All” together", {"work:lovewinsall"}),
        ("They sang 'Love wins all', and it's what they're known for", {"work:lovewinsall"}),
        ("'팔레트'를 함께 불렀다", {"work:팔레트"}),
        ("「パレット」を歌った", {"work:パレット"}),
        ("《调色盘》合唱", {"work:调色盘"}),
        ("« Palette » en duo", {"work:palette"}),
        ('"Thank you so much for everything you did", he said', set()),
        ('"Thank you, hyung"', set()),
        ("it's theirs and they're glad", set()),
    ],
)
def test_titles_are_what_is_quoted_and_not_said(
    text: str, works: set[str], reader: Reader, post: MakePost
) -> None:
    assert of_kind(reader, post(text, published=AT), "work") == works


@pytest.mark.parametrize(
    ("text", "lang", "day"),
    [
        ("on February 27", "en", "2025-02-27"),
        ("on 27 February 2024", "en", "2024-02-27"),
        ("on Feb. 27", "en", None),
        ("February 27th, 2024", "en", "2024-02-27"),
        ("on December 31", "en", "2024-12-31"),
        ("on May 2", "en", "2025-05-02"),
        ("2월 27일", "ko", "2025-02-27"),
        ("2024년 2월 27일", "ko", "2024-02-27"),
        ("12일 공개된", "ko", "2025-03-12"),
        ("20일 공개", "ko", "2025-03-20"),
        ("3일간 열린", "ko", None),
        ("2月27日", "ja", "2025-02-27"),
        ("12日に行われた", "ja", "2025-03-12"),
        ("2日間にわたり", "ja", None),
        ("2024年2月27日", "zh", "2024-02-27"),
        ("วันที่ 27 กุมภาพันธ์ 2567", "th", "2024-02-27"),
        ("el 27 de febrero de 2024", "es", "2024-02-27"),
        ("27 de fevereiro", "pt", "2025-02-27"),
        ("27 Februari 2024", "id", "2024-02-27"),
        ("ngày 27 tháng 2", "vi", "2025-02-27"),
        ("le 27 février", "fr", "2025-02-27"),
        ("am 27. Februar", "de", "2025-02-27"),
        ("27 февраля", "ru", "2025-02-27"),
        ("2024-02-27", "en", "2024-02-27"),
        ("2024.02.27", "ko", "2024-02-27"),
        ("30 February", "en", None),
        ("13월 40일", "ko", None),
    ],
)
def test_days_are_read_as_each_language_writes_them(
    text: str, lang: str, day: str | None, reader: Reader, post: MakePost
) -> None:
    found = of_kind(reader, post(f"x {text} x", lang=lang, published=AT), "date")
    assert found == ({f"date:{day}"} if day else set())


@pytest.mark.parametrize(
    ("text", "lang", "season"),
    [
        ("Dior Spring 2025", "en", "2025-ss"),
        ("the Spring-Summer 2025 show", "en", "2025-ss"),
        ("Spring/Summer 2026", "en", "2026-ss"),
        ("SS26", "en", "2026-ss"),
        ("AW24", "en", "2024-fw"),
        ("Autumn-Winter 2024-2025", "en", "2024-fw"),
        ("fall-winter 2025", "en", "2025-fw"),
        ("winter 26", "en", "2026-fw"),
        ("2025 S/S 쇼", "ko", "2025-ss"),
        ("2024 F/W 쇼", "ko", "2024-fw"),
        ("2025-26年秋冬", "ja", "2025-fw"),
        ("2026春夏大秀", "zh", "2026-ss"),
        ("ฤดูใบไม้ผลิ 2026", "th", "2026-ss"),
        ("outono-inverno 2024", "pt", "2024-fw"),
        ("otoño-invierno 2025", "es", "2025-fw"),
        ("automne-hiver 2024", "fr", "2024-fw"),
    ],
)
def test_seasons_are_those_of_fashion_houses(
    text: str, lang: str, season: str, reader: Reader, post: MakePost
) -> None:
    assert of_kind(reader, post(text, lang=lang, published=AT), "season") == {f"season:{season}"}


@pytest.mark.parametrize(
    ("text", "lang"),
    [
        ("episode 4", "en"),
        ("episode four", "en"),
        ("the fourth episode", "en"),
        ("Ep.4", "en"),
        ("슈취타 4화", "ko"),
        ("第4話", "ja"),
        ("第四期", "zh"),
        ("quarto episódio", "pt"),
        ("episodio cuatro", "es"),
        ("episode ke-4", "id"),
        ("tập 4", "vi"),
        ("épisode 4", "fr"),
    ],
)
def test_episodes_are_counted_in_digits_and_words(
    text: str, lang: str, reader: Reader, post: MakePost
) -> None:
    assert of_kind(reader, post(text, lang=lang, published=AT), "episode") == {"episode:4"}


@pytest.mark.parametrize(
    ("text", "spans"),
    [
        # Everything that it says of the time; the narrowest that fits a story counts.
        ("exactly two years ago they met", {"2022-12-29/2023-05-28", "2023-02-22/2023-04-03"}),
        ("Throwback to February 2024", {"2024-01-01/2024-12-31", "2024-02-01/2024-02-29"}),
        ("throwback to that bow", {""}),
        ("They met. A throwback would be nice", set()),  # not where it begins
        ("30 years ago today it was founded", set()),  # no memory of two idols
        ("They meet again after two years", set()),
    ],
)
def test_what_a_report_looks_back_at(
    text: str, spans: set[str], reader: Reader, post: MakePost
) -> None:
    found = of_kind(reader, post(text, published=AT), "back")
    assert {a.removeprefix("back:") for a in found} == spans


def test_steps_lead_where_they_stand_first(reader: Reader, post: MakePost) -> None:
    made = post("He sent a coffee truck. She thanked him at her concert.", published=AT)
    assert of_kind(reader, made, "step", "lead") == {"step:gift", "lead:gift", "step:stage"}


def test_days_and_their_string() -> None:
    days = Days(date(2025, 2, 1), date(2025, 2, 11))
    assert Days.parse(str(days)) == days
    assert (days.length, days.middle) == (11, date(2025, 2, 6))
    assert [days.distance(date(2025, m, 1)) for m in (1, 2, 3)] == [31, 0, 18]
    assert days.overlaps(Days(date(2025, 2, 11), date(2025, 3, 1)))
    assert not days.overlaps(Days(date(2025, 2, 12), date(2025, 3, 1)))
