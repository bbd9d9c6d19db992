"""Dates as feeds write them, in and out of the standards."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone
from email.utils import parsedate_tz
from zoneinfo import ZoneInfo

#: Zone names that RFC 822 readers do not know and Korean and Japanese publishers write.
_ZONES = {"KST": "+0900", "JST": "+0900", "Z": "+0000", "UTC": "+0000", "GMT": "+0000"}
#: The years before feeds existed: such dates are placeholders ("0001-01-01", "1970-01-01").
_EARLIEST = 1990

_YEAR_FIRST = re.compile(
    r"""(\d{4}) \s?[-./년]\s? (\d{1,2}) \s?[-./월]\s? (\d{1,2}) \s?[일.]?
        (?: (?:[T,]|\s)\s? (?:(?P<half>오전|오후|AM|PM)\s)?
            (\d{1,2}) : (\d{2}) (?: : (\d{2}) (?:[.,]\d+)? )? )?
        \s? (?P<zone> [A-Z]{1,4} | (?:GMT|UTC)?[+-]\d{2}:?\d{2} )? (?:\s?\(\w+\))?""",
    re.VERBOSE | re.IGNORECASE,
)
#: All digits, as in 20260811, 202608110700 or 20260811T070000Z.
_COMPACT = re.compile(r"(\d{4})(\d\d)(\d\d)(?:T?(\d\d)(\d\d)(\d\d)?)?(Z|[+-]\d{2}:?\d{2})?")
#: "11 08 2026" in the place of "11 Aug 2026".
_NUMBERED_MONTH = re.compile(r"^(\w+,? )?(\d{1,2}) (\d{1,2}) (\d{4})\b")
_NO_ZONE = re.compile(r":\d+$|\d{4}$(?<![+-]\d{4})")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


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
        moment = (text[:1].isdigit() and _year_first(text)) or _rfc822(text)
        if moment is None:
            return None
        aware = moment if moment.tzinfo else moment.replace(tzinfo=zone)
        aware = aware.astimezone(UTC)
    except (ValueError, OverflowError):  # a 13th month, a 25th hour, the year 0 or 9999
        return None
    return aware if aware.year >= _EARLIEST else None


def _year_first(text: str) -> datetime | None:
    if match := _YEAR_FIRST.fullmatch(text):
        year, month, day, half, hour, minute, second, zone = match.groups()
    elif match := _COMPACT.fullmatch(text):
        year, month, day, hour, minute, second, zone = match.groups()
        half = None
    else:
        return None
    hours = int(hour or 0)
    if half:
        hours = hours % 12 + (12 if half.upper() in ("오후", "PM") else 0)
    moment = datetime(  # noqa: DTZ001 - the zone follows, where there is one
        int(year), int(month), int(day), hours, int(minute or 0), min(int(second or 0), 59)
    )
    return moment.replace(tzinfo=_offset(zone)) if zone else moment


def _offset(zone: str) -> timezone:
    zone = zone.upper()
    zone = _ZONES.get(zone, zone).removeprefix("GMT").removeprefix("UTC").replace(":", "")
    if not zone[1:].isdecimal():
        raise ValueError(zone)
    hours, minutes = int(zone[1:3]), int(zone[3:])
    offset = timedelta(hours=hours, minutes=minutes)
    return timezone(-offset if zone[0] == "-" else offset)


def _rfc822(text: str) -> datetime | None:
    text = _NUMBERED_MONTH.sub(_named_month, text)
    head, _, name = text.rpartition(" ")
    if name.upper() in _ZONES:
        text = f"{head} {_ZONES[name.upper()]}"
    fields = parsedate_tz(text)
    if fields is None:
        return None
    year, month, day, hour, minute, second, *_, offset = fields
    moment = datetime(year, month, day, hour, minute, min(second, 59))  # noqa: DTZ001
    if _NO_ZONE.search(text):
        return moment
    return moment.replace(tzinfo=timezone(timedelta(seconds=offset or 0)))


def _named_month(match: re.Match[str]) -> str:
    weekday, day, month, year = match.groups()
    if not 1 <= int(month) <= 12:
        return match[0]
    return f"{weekday or ''}{day} {_MONTHS[int(month) - 1]} {year}"
