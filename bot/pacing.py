"""The pace of what we ask of Discord: below its global limit, and far below being shut out.

discord.py learns the limits of single routes from the answers, but meets the global one (50
requests a second for a bot) only after the fact: many sends at once mostly fail. Here every request
of the client waits for its turn first, discord.py's own retries too, because aiohttp awaits a trace
before each request. Nothing here needs the gateway.

https://discord.com/developers/docs/topics/rate-limits
"""

from __future__ import annotations

import asyncio
import re
from collections import deque
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from enum import Enum
from types import SimpleNamespace

import aiohttp
import discord
import structlog

log = structlog.get_logger()

#: Requests a second that start evenly spaced. Discord counts when they arrive, not when they leave:
#: with up to 200 ms on the way 45 is met by 0.1 % refusals where 48 is met by 3 %.
FULL_RATE = 45.0
#: What a global refusal leaves of the rate (40 a second is met by none where 45 is met by 0.1 %),
#: and below what no number of them brings it.
_CUT, _LEAST_RATE = 0.9, 5.0
#: What each second without another gives back, in requests a second (AIMD, as TCP does it).
_RECOVERY = 0.1
#: While both lanes wait, one turn in so many is for what is no announcement.
OTHERS_SHARE = 8
#: Seconds: who would wait longer is told to come back. A message's lease and the trust in its
#: nonce, both a minute, would end while it waits.
LONGEST_WAIT = 30.0

#: Refusals (401, 403 and 429) in ten minutes from which on we slow down, and at which announcements
#: stop. At 10,000 Discord shuts the address out.
SLOW_AT, STOP_AT = 300, 1_000
WINDOW = 600.0
#: Requests a second of the other lane at least, however many were refused.
_CRAWL = 1.0
#: Seconds: how long we keep away when a refusal does not say.
_UNTOLD = 60.0

_ANNOUNCEMENT = re.compile(r"/channels/\d+/(messages|threads)$")
#: The token tells them from a webhook's own routes, which count.
_INTERACTION = re.compile(r"/(interactions|webhooks)/\d+/[^/]+(/.*)?$")


class Lane(Enum):
    """Where a request queues."""

    ANNOUNCEMENTS = "announcements"
    OTHERS = "others"
    #: Answers to interactions: the global limit spares them, and they have three seconds.
    FREE = "free"


def lane_of(method: str, path: str) -> Lane:
    """The lane of a request, by its method and its path, whatever base that has."""
    if _INTERACTION.search(path):
        return Lane.FREE
    if method == "POST" and _ANNOUNCEMENT.search(path):
        return Lane.ANNOUNCEMENTS
    return Lane.OTHERS


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """How fast we go, and what Discord refused."""

    #: Requests a second that may start now.
    rate: float
    #: Requests that wait for their turn.
    waiting: int
    #: Requests, 429s of the global limit and 429s of any kind since the start.
    requests: int
    global_429s: int
    all_429s: int
    #: Refusals of the last ten minutes that count towards being shut out.
    invalid: int
    #: Whether announcements are stopped because of them.
    braking: bool


class Pacer:
    """Lets requests go one by one, and learns from the answers.

    In any second at most `FULL_RATE` + 2 start: a timer that fired late is made up for by one.
    Answers to interactions pass at once, unless the address is shut out. Time is the event
    loop's.
    """

    def __init__(self) -> None:
        self._queues: dict[Lane, deque[asyncio.Future[None]]] = {
            Lane.ANNOUNCEMENTS: deque(),
            Lane.OTHERS: deque(),
        }
        self._timer: asyncio.TimerHandle | None = None
        self._next = 0.0  # when the next turn is
        self._in_a_row = 0  # announcements since the last turn of the others
        self._cut_rate, self._cut_at = FULL_RATE, 0.0
        self._shut_out_until = 0.0
        self._invalid: deque[float] = deque()
        self._told = False
        self._requests = self._global_429s = self._all_429s = 0

    def trace(self) -> aiohttp.TraceConfig:
        """What makes a client's requests wait here, for discord.py's `http_trace`."""
        trace = aiohttp.TraceConfig()
        trace.on_request_start.append(self._on_start)
        trace.on_request_end.append(self._on_end)
        return trace

    @property
    def pace(self) -> Pace:
        """The numbers of this moment."""
        now = asyncio.get_running_loop().time()
        return Pace(
            rate=self._rate(now),
            waiting=self._waiting,
            requests=self._requests,
            global_429s=self._global_429s,
            all_429s=self._all_429s,
            invalid=self._refused(now),
            braking=self._refused(now) >= STOP_AT,
        )

    async def turn(self, lane: Lane) -> None:
        """Wait until a request of this lane may start.

        Raises:
            discord.RateLimited: that would take longer than `LONGEST_WAIT`; it says how long.
        """
        now = asyncio.get_running_loop().time()
        if now < self._shut_out_until:
            raise discord.RateLimited(self._shut_out_until - now)
        if lane is Lane.FREE:
            return
        if lane is Lane.ANNOUNCEMENTS and self._refused(now) >= STOP_AT:
            raise discord.RateLimited(self._room_in(now))
        queue = self._queues[lane]
        if not self._waiting and self._next <= now:
            self._next = now
            self._use_turn(now)
            return
        ahead = self._waiting
        if lane is Lane.OTHERS:
            ahead = min(ahead, len(queue) * OTHERS_SHARE)
        wait = max(self._next - now, 0.0) + ahead / self._rate(now)
        if wait > LONGEST_WAIT:
            raise discord.RateLimited(wait)
        mine = asyncio.get_running_loop().create_future()
        queue.append(mine)
        self._set_timer()
        try:
            await mine
        except asyncio.CancelledError:
            if mine.cancelled():
                with suppress(ValueError):  # a turn that came meanwhile has passed us over
                    queue.remove(mine)
            elif mine.exception() is None:  # it was our turn, which is now somebody else's
                self._wake_one()
            raise

    def answered(self, status: int, headers: Mapping[str, str], *, started: float) -> None:
        """Learn from an answer to a request that started at that time of the loop's."""
        if status not in (401, 403, 429):
            return
        now = asyncio.get_running_loop().time()
        if status == 429:
            self._all_429s += 1
            wait = _seconds(headers.get("Retry-After"))
            if "Via" not in headers:
                self._shut_out(now, wait)
            elif "X-RateLimit-Global" in headers or headers.get("X-RateLimit-Scope") == "global":
                self._slow_down(now, wait, started)
        if headers.get("X-RateLimit-Scope") != "shared":
            self._invalid.append(now)
            self._brake(now)

    # ── whose turn it is ──────────────────────────────────────────────────────────────────────

    @property
    def _waiting(self) -> int:
        return sum(map(len, self._queues.values()))

    def _set_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = None
        if self._waiting:
            self._timer = asyncio.get_running_loop().call_at(self._next, self._on_timer)

    def _on_timer(self) -> None:
        self._timer = None
        if self._wake_one():
            self._use_turn(asyncio.get_running_loop().time())
        self._set_timer()

    def _use_turn(self, now: float) -> None:
        """Put the next turn one step later; what a late timer cost is made up for by one turn."""
        self._next = max(self._next + 1 / self._rate(now), now)

    def _wake_one(self) -> bool:
        announcements, others = self._queues.values()
        while announcements or others:
            if others and (not announcements or self._in_a_row >= OTHERS_SHARE - 1):
                self._in_a_row = 0
                waiter = others.popleft()
            else:
                self._in_a_row += 1
                waiter = announcements.popleft()
            if not waiter.done():
                waiter.set_result(None)
                return True
        return False

    def _turn_away(self, lane: Lane, seconds: float) -> None:
        """Tell all who wait in a lane to come back later."""
        queue = self._queues[lane]
        while queue:
            waiter = queue.popleft()
            if not waiter.done():
                waiter.set_exception(discord.RateLimited(seconds))

    # ── how fast ──────────────────────────────────────────────────────────────────────────────

    def _rate(self, now: float) -> float:
        allowed = self._recovered(now)
        if (refused := self._refused(now)) > SLOW_AT:
            allowed *= max(STOP_AT - refused, 0) / (STOP_AT - SLOW_AT)
            allowed = max(allowed, _CRAWL)
        return allowed

    def _recovered(self, now: float) -> float:
        """What the global limit's refusals leave of the rate."""
        return min(self._cut_rate + _RECOVERY * max(now - self._cut_at, 0.0), FULL_RATE)

    def _slow_down(self, now: float, wait: float, started: float) -> None:
        """One excess refuses several requests, but cuts the rate once."""
        self._global_429s += 1
        if started >= self._cut_at:
            self._cut_rate = max(self._recovered(now) * _CUT, _LEAST_RATE)
            log.warning(
                "Discord's global limit was hit; slower for a while",
                requests_a_second=round(self._cut_rate, 1),
                again_in=wait,
            )
        self._cut_at = max(self._cut_at, now + wait)
        self._keep_away(now, wait)

    def _shut_out(self, now: float, wait: float) -> None:
        if now >= self._shut_out_until:
            log.error(
                "Discord has shut this address out (Cloudflare). Nothing is asked of it until that "
                "is over; what is owed is kept and sent then. Look for refused requests before "
                "this, and for other bots behind the same address.",
                seconds=wait,
            )
        self._shut_out_until = max(self._shut_out_until, now + wait)
        self._keep_away(now, wait)

    def _keep_away(self, now: float, wait: float) -> None:
        self._next = max(self._next, now + wait)
        if wait > LONGEST_WAIT:
            for lane in self._queues:
                self._turn_away(lane, wait)
        self._set_timer()

    # ── the brake ─────────────────────────────────────────────────────────────────────────────

    def _refused(self, now: float) -> int:
        """How many refusals the window holds."""
        while self._invalid and self._invalid[0] <= now - WINDOW:
            self._invalid.popleft()
        return len(self._invalid)

    def _room_in(self, now: float) -> float:
        """Seconds until the window has room for another announcement."""
        return self._invalid[-STOP_AT] + WINDOW - now

    def _brake(self, now: float) -> None:
        refused = self._refused(now)
        if refused < SLOW_AT:
            self._told = False
        elif refused >= STOP_AT:
            if not self._told:
                self._told = True
                log.error(
                    "Announcements are stopped for up to ten minutes, for Discord refuses too many "
                    "requests and shuts out who goes on. What is owed is kept and sent later; "
                    "commands work. Usually many channels have taken a permission away, or the "
                    "token was reset: see the deliveries above, and `crumbs status`.",
                    refused=refused,
                )
            self._turn_away(Lane.ANNOUNCEMENTS, self._room_in(now))

    # ── what aiohttp calls ────────────────────────────────────────────────────────────────────

    async def _on_start(
        self,
        _: aiohttp.ClientSession,
        context: SimpleNamespace,
        request: aiohttp.TraceRequestStartParams,
    ) -> None:
        context.started = None
        if "Upgrade" in request.headers:
            return  # the gateway's WebSocket, which has limits of its own
        await self.turn(lane_of(request.method, request.url.path))
        context.started = asyncio.get_running_loop().time()
        self._requests += 1

    async def _on_end(
        self,
        _: aiohttp.ClientSession,
        context: SimpleNamespace,
        request: aiohttp.TraceRequestEndParams,
    ) -> None:
        if context.started is not None:
            answer = request.response
            self.answered(answer.status, answer.headers, started=context.started)


def _seconds(said: str | None) -> float:
    """What `Retry-After` says, in seconds."""
    try:
        return max(float(said or _UNTOLD), 0.0)
    except ValueError:  # a date, which neither Discord nor Cloudflare sends today
        return _UNTOLD
