"""How long a publisher asks to be left alone after a good answer."""

from __future__ import annotations

import re
from collections.abc import Mapping

from bot.sources.status import answered_at, http_time

#: Publishers' wishes beyond this are not followed: news is late by then.
MAX_INTERVAL = 3_600.0

_MAX_AGE = re.compile(r"(?:^|[,\s])max-age\s*=\s*\"?(\d{1,9})", re.IGNORECASE)
_NO_CACHE = re.compile(r"(?:^|[,\s])no-(?:cache|store)(?:$|[,\s=])", re.IGNORECASE)


def min_interval(headers: Mapping[str, str], ttl: float | None) -> float | None:
    """Seconds to leave between polls, at most `MAX_INTERVAL`; None when nothing is asked for.

    The longest of what HTTP says (`Cache-Control`, else `Expires`) and of the feed's own `ttl`.
    """
    longest = max(_fresh_for(headers), ttl or 0.0)
    return min(longest, MAX_INTERVAL) if longest > 0 else None


def _fresh_for(headers: Mapping[str, str]) -> float:
    control = headers.get("Cache-Control", "")
    if _NO_CACHE.search(control):
        return 0.0
    if age := _MAX_AGE.search(control):
        return float(age[1])
    expires = http_time(headers.get("Expires", ""))
    return 0.0 if expires is None else expires - answered_at(headers)
