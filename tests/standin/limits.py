"""Discord's rate limits on an injected clock. Every one can be loosened or switched off."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from .clock import Clock


@dataclass(frozen=True, slots=True)
class Rate:
    """So many requests in so many seconds; a leaky bucket regains them one by one."""

    limit: int
    per: float
    kind: Literal["fixed", "leaky"] = "fixed"


FREE = Rate(10_000, 1.0)


@dataclass(slots=True)
class Limits:
    """The numbers in force; change them at any time."""

    global_limit: int | None = 50
    global_window: Literal["sliding", "fixed"] = "sliding"
    messages: Rate | None = Rate(5, 5.0)
    edits: Rate | None = Rate(5, 5.0)
    deletes: Rate | None = Rate(5, 1.0)
    webhook: Rate | None = Rate(5, 2.0)
    webhook_channel: Rate | None = Rate(30, 60.0)
    crossposts: Rate | None = Rate(10, 3600.0)
    other: Rate | None = Rate(50, 1.0)
    invalid: int | None = 10_000
    invalid_seconds: float = 600.0

    @classmethod
    def off(cls) -> Limits:
        """Return limits that never bite."""
        return cls(
            global_limit=None,
            messages=None,
            edits=None,
            deletes=None,
            webhook=None,
            webhook_channel=None,
            crossposts=None,
            other=None,
            invalid=None,
        )


@dataclass(slots=True)
class Refusal:
    """A 429 to be answered."""

    scope: Literal["user", "global", "shared"]
    retry_after: float
    code: int = 0
    message: str = "You are being rate limited."


class Limited(Exception):
    """A limit that only a handler can see was hit."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal)
        self.refusal = refusal


@dataclass(slots=True)
class Bucket:
    """The state of one rate for one resource."""

    rate: Rate
    since: float
    used: float = 0.0

    def take(self, now: float) -> float:
        """Use one token and return 0, or return how long to wait for the next one."""
        self._settle(now)
        if self.used + 1 <= self.rate.limit + 1e-9:
            self.used += 1
            return 0.0
        if self.rate.kind == "fixed":
            return self.reset_after(now)
        return (self.used + 1 - self.rate.limit) * self.rate.per / self.rate.limit

    def remaining(self) -> int:
        """Return the whole tokens that are left."""
        return max(0, int(self.rate.limit - self.used + 1e-9))

    def reset_after(self, now: float) -> float:
        """Return the seconds until the window ends, or until a leaky bucket is full again."""
        if self.rate.kind == "fixed":
            return max(0.0, self.since + self.rate.per - now)
        return self.used * self.rate.per / self.rate.limit

    def _settle(self, now: float) -> None:
        if self.rate.kind == "fixed":
            if now - self.since >= self.rate.per:
                self.since, self.used = now, 0.0
        else:
            regained = (now - self.since) * self.rate.limit / self.rate.per
            self.since, self.used = now, max(0.0, self.used - regained)


@dataclass(slots=True)
class Counters:
    """What has been used so far."""

    limits: Limits
    clock: Clock
    buckets: dict[tuple[str, str], Bucket] = field(default_factory=dict)
    _global: dict[str, deque[float]] = field(default_factory=dict)
    _invalid: deque[float] = field(default_factory=deque)

    def take_global(self, owner: str) -> Refusal | None:
        """Count a request against the limit of the bot, or of the address it came from."""
        limit = self.limits.global_limit
        if limit is None:
            return None
        now = self.clock.now()
        log = self._global.setdefault(owner, deque())
        if self.limits.global_window == "fixed":
            while log and int(log[0]) != int(now):
                log.popleft()
            wait = int(now) + 1 - now
        else:
            while log and log[0] <= now - 1.0:
                log.popleft()
            wait = log[0] + 1.0 - now if log else 0.0
        if len(log) >= limit:
            return Refusal("global", wait)
        log.append(now)
        return None

    def take(self, name: str, resource: str, rate: Rate | None) -> tuple[Bucket, float]:
        """Take a token of a resource's bucket; return the bucket and the wait, 0 if it passed."""
        now = self.clock.now()
        key = (name, resource)
        bucket = self.buckets.get(key)
        if bucket is None or bucket.rate != (rate or FREE):
            bucket = self.buckets[key] = Bucket(rate or FREE, now)
        return bucket, bucket.take(now)

    def note_invalid(self) -> None:
        """Count a 401, 403 or 429 that was the bot's own doing."""
        self._invalid.append(self.clock.now())

    def invalid_count(self) -> int:
        """Return how many invalid requests the window holds."""
        horizon = self.clock.now() - self.limits.invalid_seconds
        while self._invalid and self._invalid[0] <= horizon:
            self._invalid.popleft()
        return len(self._invalid)

    def banned(self) -> float:
        """Return for how long the address is shut out, 0 if it is not."""
        if self.limits.invalid is None or self.invalid_count() < self.limits.invalid:
            return 0.0
        overdue = self._invalid[-self.limits.invalid]
        return overdue + self.limits.invalid_seconds - self.clock.now()
