"""When a text says that something was: the dates, months, years and fashion seasons it names.

What a date leaves out is filled in from the day of the report: "27 February" is the latest one that
is not more than two months ahead, "27일" the nearest. Outlets write in their own time zones, so a
day is right within one.
"""

from __future__ import annotations

import calendar
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

#: How far ahead of a report a date without a year may lie.
_AHEAD = timedelta(days=60)
#: A day without a month lies this near to the report.
_NEAR = timedelta(days=20)

_YEAR = r"(?P<y>(?:19[89]|20[0-4]|25[4-9])\d)"
_CJK_DAY = re.compile(
    rf"(?:{_YEAR}\s?[年년]\s?)?(?<!\d)(?P<m>\d{{1,2}})\s?[月월]\s?(?P<d>\d{{1,2}})\s?[日号號일]"
)
_CJK_MONTH = re.compile(
    rf"(?:{_YEAR}\s?[年년]\s?)?(?<!\d)(?P<m>\d{{1,2}})\s?[月월](?!\s?\d{{1,2}}\s?[日号號일])"
)
#: "27일", "27日": not "3일간", "3日間", "2日目".
_DAY_ALONE = re.compile(
    r"(?<![\d월月.]\s)(?<![\d월月.])(?P<d>\d{1,2})(?:일(?![간째차])|日(?![間目ぶ]))"
)
_NUMERIC = re.compile(rf"(?<!\d){_YEAR}[-./](?P<m>\d{{1,2}})[-./](?P<d>\d{{1,2}})(?!\d)")
_YEAR_ALONE = re.compile(rf"(?<![\d#]){_YEAR}(?!\d)(?![-/]\d)")


@dataclass(frozen=True, slots=True)
class Days:
    """From one day to another, both included."""

    first: date
    last: date

    @property
    def length(self) -> int:
        """How many days."""
        return (self.last - self.first).days + 1

    @property
    def middle(self) -> date:
        """The day in the middle."""
        return self.first + (self.last - self.first) // 2

    def overlaps(self, other: Days) -> bool:
        """Whether there is a day in both."""
        return self.first <= other.last and other.first <= self.last

    def distance(self, day: date) -> int:
        """How many days lie between a day and these; 0 inside."""
        return max(0, (self.first - day).days, (day - self.last).days)

    def __str__(self) -> str:
        return f"{self.first}/{self.last}"

    @classmethod
    def parse(cls, text: str) -> Days:
        """Those of which `text` is the string."""
        return cls(*map(date.fromisoformat, text.split("/")))


@dataclass(frozen=True, slots=True, kw_only=True)
class Named:
    """The times that a text names, each in no order and possibly twice."""

    days: tuple[date, ...]
    months: tuple[Days, ...]
    years: tuple[Days, ...]
    #: "2025-ss", "2024-fw".
    seasons: tuple[str, ...]


class Language:
    """How one language writes dates."""

    def __init__(self, months: Sequence[str], summer: Sequence[str], winter: Sequence[str]) -> None:
        self._months = [re.compile(m) for m in months]
        any_month = "|".join(months) or "(?!)"
        of = r"(?:st|nd|rd|th|er|º|\.)?(?:[\s,/-]|de|del|of|\bngày\b)*"
        year = rf"(?:(?:[\s,/-]|de|del|năm|พ\.ศ\.|ค\.ศ\.|ปี)*{_YEAR}(?!\d))?"
        self._dates = [
            re.compile(
                rf"(?<![a-z\d])(?P<m>{any_month})(?!\w)\s?(?P<d>\d{{1,2}})(?:st|nd|rd|th)?(?![\d:]){year}"
            ),
            re.compile(rf"(?<!\d)(?P<d>\d{{1,2}}){of}(?P<m>{any_month})(?![a-z]){year}"),
        ]
        self._month = re.compile(rf"(?<![a-z\d])(?P<m>{any_month})(?![a-z]){year}")
        self._seasons = [
            *(_seasons("ss", summer)),
            *(_seasons("fw", winter)),
        ]

    def dates(self, norm: str) -> Iterator[re.Match[str]]:
        """Matches with a month's name, a day and perhaps a year."""
        for pattern in self._dates:
            yield from pattern.finditer(norm)

    def months(self, norm: str) -> Iterator[re.Match[str]]:
        """Matches with a month's name and perhaps a year."""
        # A short name alone is an ordinary word as often ("may", "mar").
        return (x for x in self._month.finditer(norm) if x["y"] or len(x["m"]) > 3)

    def month(self, name: str) -> int:
        """The number of a month by its name."""
        return next((n for n, x in enumerate(self._months, 1) if x.fullmatch(name)), 0)

    def seasons(self, norm: str) -> Iterator[str]:
        """The fashion seasons: those of two years by the first."""
        for half, pattern in self._seasons:
            for found in pattern.finditer(norm):
                year = int(found["y"])
                yield f"{year + 2000 if year < 100 else year}-{half}"


def _seasons(half: str, words: Sequence[str]) -> Iterator[tuple[str, re.Pattern[str]]]:
    any_word = "|".join(words)
    if words:
        short = r"(?P<y>20[1-4]\d|[1-4]\d)(?!\d)"
        yield half, re.compile(rf"(?<![a-z])(?:{any_word})[\s'-]?{short}")
        yield (
            half,
            re.compile(
                rf"(?<!\d)(?P<y>20[1-4]\d)(?:[-/](?:20)?\d\d)?[\s年년'-]*(?:{any_word})(?![a-z])"
            ),
        )


class Reader:
    """Finds the times that texts name. Immutable."""

    def __init__(self, languages: Mapping[str, Language]) -> None:
        self._languages = languages

    def named(self, norm: str, codes: Sequence[str], at: date) -> Named:
        """The times that a normalised text names, read in some languages as of a day."""
        languages = [self._languages[c] for c in codes if c in self._languages]
        days = [
            *(_day(x["y"], int(x["m"]), int(x["d"]), at) for x in _CJK_DAY.finditer(norm)),
            *(_day(x["y"], int(x["m"]), int(x["d"]), at) for x in _NUMERIC.finditer(norm)),
            *(_nearest(int(x["d"]), at) for x in _DAY_ALONE.finditer(norm)),
            *(
                _day(x["y"], language.month(x["m"]), int(x["d"]), at)
                for language in languages
                for x in language.dates(norm)
            ),
        ]
        months = [
            *(_month(x["y"], int(x["m"]), at) for x in _CJK_MONTH.finditer(norm)),
            *(
                _month(x["y"], language.month(x["m"]), at)
                for language in languages
                for x in language.months(norm)
            ),
        ]
        years = [int(x["y"]) for x in _YEAR_ALONE.finditer(norm)]
        return Named(
            days=tuple(d for d in days if d),
            months=tuple(m for m in months if m),
            years=tuple(Days(date(y, 1, 1), date(y, 12, 31)) for y in map(_common_era, years)),
            seasons=tuple(s for language in languages for s in language.seasons(norm)),
        )


def years_before(at: date, years: int) -> date:
    """The same day some years earlier; 28 February where there is no 29th."""
    year = max(1, at.year - years)
    return date(year, at.month, min(at.day, calendar.monthrange(year, at.month)[1]))


def _common_era(year: int) -> int:
    return year - 543 if year > 2500 else year  # Thai years count from the Buddha's death


def _day(year: str | None, month: int, day: int, at: date) -> date | None:
    years = [_common_era(int(year))] if year else [at.year + 1, at.year, at.year - 1]
    for one in years:
        if 1 <= month <= 12 and 1 <= day <= calendar.monthrange(one, month)[1]:
            made = date(one, month, day)
            if year or made <= at + _AHEAD:
                return made
    return None


def _nearest(day: int, at: date) -> date | None:
    near = (at + timedelta(days=n) for n in range(-_NEAR.days, _NEAR.days + 1))
    return min((d for d in near if d.day == day), key=lambda d: abs(d - at), default=None)


def _month(year: str | None, month: int, at: date) -> Days | None:
    if not 1 <= month <= 12:
        return None
    one = _common_era(int(year)) if year else at.year - (month > at.month)
    return Days(date(one, month, 1), date(one, month, calendar.monthrange(one, month)[1]))
