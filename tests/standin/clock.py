"""Time as the stand-in sees it: it runs like the wall clock, but a test may push it forward."""

from __future__ import annotations

import time
from datetime import UTC, datetime


class Clock:
    """Seconds since the epoch; ``advance`` moves it, ``frozen`` lets it stand still otherwise."""

    def __init__(self, *, frozen: bool = False) -> None:
        self._frozen_at = time.time() if frozen else None
        self._start = (time.time(), time.monotonic())
        self._advanced = 0.0

    def now(self) -> float:
        """Return the present moment as a POSIX timestamp."""
        if self._frozen_at is not None:
            return self._frozen_at + self._advanced
        wall, mark = self._start
        return wall + (time.monotonic() - mark) + self._advanced

    def advance(self, seconds: float) -> None:
        """Let that many seconds pass at once."""
        self._advanced += seconds


def iso(moment: float) -> str:
    """Write a moment as Discord writes timestamps."""
    return datetime.fromtimestamp(moment, UTC).isoformat()
