"""Discord's ids: a timestamp in the upper bits, a counter in the lower ones."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .clock import Clock

EPOCH = 1_420_070_400.0
YEARS_AGO = 200_000_000_000  # in milliseconds since Discord's epoch


class Snowflakes:
    """Mints ids that never repeat and whose order is the order of creation."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._last = 0
        self._old = 0

    def mint_old(self) -> str:
        """Return an id from years ago; each is a millisecond older, so shards share them evenly."""
        self._old += 1
        return str(((YEARS_AGO + self._old) << 22) | 1)

    def mint(self) -> str:
        """Return a new id for something that is created now."""
        fresh = int((self._clock.now() - EPOCH) * 1000) << 22
        self._last = max(fresh, self._last + 1)
        return str(self._last)


def created_at(snowflake: str) -> float:
    """Return the POSIX timestamp that an id carries."""
    return (int(snowflake) >> 22) / 1000 + EPOCH


def shard_of(guild_id: str | None, shards: int) -> int:
    """Return the shard that is told about a guild; direct messages belong to shard 0."""
    return (int(guild_id) >> 22) % shards if guild_id else 0
