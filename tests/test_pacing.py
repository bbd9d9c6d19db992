"""The pacer alone in virtual time, and the real client with it against the stand-in."""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping
from dataclasses import dataclass, field, replace
from itertools import pairwise
from random import Random
from typing import Any

import discord
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from structlog.testing import capture_logs

from bot import pacing
from bot.announcer import Announcer
from bot.app import Core, all_cogs, utc_now
from bot.client import Client
from bot.domain.ports import Storage
from bot.domain.types import Gone, Outcome, Retry, Sent
from bot.pacing import FULL_RATE, LONGEST_WAIT, OTHERS_SHARE, SLOW_AT, STOP_AT, Lane, Pacer, lane_of
from tests.announcer.world import POSTS, frozen
from tests.standin import StandIn, faults
from tests.standin.discordpy import point

A, OTHER, FREE = Lane.ANNOUNCEMENTS, Lane.OTHERS, Lane.FREE
STEP = 1 / FULL_RATE
VIA = {"Via": "1.1 google"}
GLOBAL = {**VIA, "X-RateLimit-Global": "true", "X-RateLimit-Scope": "global"}

# ── virtual time ──────────────────────────────────────────────────────────────────────────────


class _Jump(selectors.DefaultSelector):
    """Does not wait for the next timer but moves the clock to it, or somewhat past it."""

    now = 1000.0
    late: Callable[[], float] = staticmethod(lambda: 0.0)

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        assert timeout is not None, "everybody waits, and nothing will ever happen"
        if timeout > 0:
            self.now += timeout + self.late()
        return super().select(0)


class _Loop(asyncio.SelectorEventLoop):
    def __init__(self) -> None:
        self.jump = _Jump()
        super().__init__(self.jump)

    def time(self) -> float:
        return self.jump.now


def virtually(
    scene: Callable[[], Coroutine[Any, Any, None]], late: Callable[[], float] | None = None
) -> None:
    """Run a scene on a loop whose time passes at once; `late` says by how much timers are late."""
    loop = _Loop()
    if late is not None:
        loop.jump.late = late  # type: ignore[method-assign]
    with asyncio.Runner(loop_factory=lambda: loop) as runner:
        runner.run(scene())


def now() -> float:
    return asyncio.get_running_loop().time()


def busiest(times: list[float], seconds: float = 1.0) -> int:
    """The most moments in any window that does not hold its end."""
    return max((sum(t <= u < t + seconds for u in times) for t in times), default=0)


@dataclass
class Queue:
    """Asks a pacer for turns, and writes down when they came."""

    pacer: Pacer = field(default_factory=Pacer)
    left: list[tuple[float, Lane, int]] = field(default_factory=list)
    told: list[float] = field(default_factory=list)
    _asked: int = 0

    def ask(self, lane: Lane) -> asyncio.Task[None]:
        self._asked += 1
        return asyncio.create_task(self._ask(lane, self._asked))

    async def _ask(self, lane: Lane, number: int) -> None:
        try:
            await self.pacer.turn(lane)
        except discord.RateLimited as error:
            self.told.append(error.retry_after)
        else:
            self.left.append((now(), lane, number))

    @property
    def times(self) -> list[float]:
        return [at for at, _, _ in self.left]


def refuse(pacer: Pacer, times: int, *, status: int = 403, **headers: str) -> None:
    for _ in range(times):
        pacer.answered(status, {**VIA, **headers}, started=now())


ARRIVALS = st.lists(
    st.tuples(st.sampled_from([0.0, 0.0, 0.0, 0.001, STEP, 0.4]), st.sampled_from([A, A, OTHER])),
    min_size=80,
    max_size=160,
)


@settings(deadline=None, max_examples=60)
@given(
    arrivals=ARRIVALS,
    late=st.sampled_from([0.0, 0.004, 0.05, 1.0]),
    seed=st.integers(0, 2**16),
    hits=st.dictionaries(st.integers(0, 160), st.sampled_from([0.0, 0.3, 2.0, 20.0]), max_size=3),
)
def test_no_second_has_more_departures_than_allowed_and_nobody_is_lost(
    arrivals: list[tuple[float, Lane]], late: float, seed: int, hits: Mapping[int, float]
) -> None:
    dice = Random(seed)

    async def scene() -> None:
        queue, pauses, tasks = Queue(), [], []
        for number, (pause, lane) in enumerate(arrivals):
            if pause:
                await asyncio.sleep(pause)
            if number in hits:
                wait = str(hits[number])
                queue.pacer.answered(429, {**GLOBAL, "Retry-After": wait}, started=now())
                pauses.append((now(), now() + hits[number]))
            tasks.append(queue.ask(lane))
        await asyncio.gather(*tasks)
        assert len(queue.left) + len(queue.told) == len(arrivals)
        assert all(told > 0 for told in queue.told)
        assert busiest(queue.times) <= FULL_RATE + 2
        assert not [t for t in queue.times for begin, end in pauses if begin < t < end - 1e-6]
        assert queue.pacer.pace.waiting == 0
        if not hits:
            assert not queue.told

    virtually(scene, lambda: dice.uniform(0, late))


@settings(deadline=None, max_examples=60)
@given(lanes=st.lists(st.sampled_from([A, OTHER]), min_size=1, max_size=150))
def test_lanes_are_first_come_first_served_and_share_turns(lanes: list[Lane]) -> None:
    async def scene() -> None:
        queue = Queue()
        await queue.pacer.turn(OTHER)  # from here on there is a queue
        await asyncio.gather(*[queue.ask(lane) for lane in lanes])
        order = [lane for _, lane, _ in queue.left]
        for lane in (A, OTHER):
            numbers = [n for _, each, n in queue.left if each is lane]
            assert numbers == sorted(numbers)
        both = min(
            max((i for i, each in enumerate(order) if each is lane), default=-1)
            for lane in (A, OTHER)
        )  # as long as that both lanes wait
        for start in range(both - OTHERS_SHARE + 1):
            assert order[start : start + OTHERS_SHARE].count(OTHER) == 1
        gaps = [b - a for a, b in pairwise(queue.times)]
        assert gaps == pytest.approx([STEP] * len(gaps))  # whoever waits alone has every turn

    virtually(scene)


@settings(deadline=None, max_examples=100)
@given(
    waiters=st.lists(
        st.tuples(st.sampled_from([A, OTHER]), st.none() | st.integers(0, 20)), max_size=60
    ),
    before=st.booleans(),
)
def test_who_is_cancelled_takes_no_turn_from_the_others(
    waiters: list[tuple[Lane, int | None]], before: bool
) -> None:
    async def scene() -> None:
        queue = Queue()
        await queue.pacer.turn(OTHER)
        begin = now()
        tasks = [queue.ask(lane) for lane, _ in waiters]
        await asyncio.sleep(0)
        for task, (_, at) in zip(tasks, waiters, strict=True):
            if at is not None:  # just before or after a turn was given, which may be its own
                moment = begin + at * STEP + (-1e-10 if before else 1e-10)
                asyncio.get_running_loop().call_at(moment, task.cancel)
        ended = await asyncio.gather(*tasks, return_exceptions=True)
        stayed = [end for end in ended if not isinstance(end, asyncio.CancelledError)]
        assert len(stayed) == len(queue.left) >= sum(at is None for _, at in waiters)
        expected = [begin + (turn + 1) * STEP for turn in range(len(stayed))]
        assert queue.times == pytest.approx(expected)
        assert queue.pacer.pace.waiting == 0
        await queue.pacer.turn(A)
        await queue.pacer.turn(OTHER)

    virtually(scene)


def test_a_turn_whose_owner_is_cancelled_at_once_goes_to_the_next() -> None:
    async def scene() -> None:
        queue = Queue()
        await queue.pacer.turn(A)
        first, second = queue.ask(A), queue.ask(A)
        asyncio.get_running_loop().call_at(now() + STEP + 1e-10, first.cancel)
        begin = now()
        await second
        assert first.cancelled()
        assert now() == pytest.approx(begin + STEP)

    virtually(scene)


def test_a_global_refusal_cuts_the_rate_once_and_it_comes_back_slowly() -> None:
    async def scene() -> None:
        pacer = Pacer()
        started = now()
        for _ in range(5):  # all of them left before the first answer came
            pacer.answered(429, {**GLOBAL, "Retry-After": "1"}, started=started)
        assert pacer.pace.rate == pytest.approx(FULL_RATE * 0.9)
        assert (pacer.pace.global_429s, pacer.pace.invalid) == (5, 5)
        await asyncio.sleep(20)
        assert FULL_RATE * 0.9 < pacer.pace.rate < FULL_RATE
        await asyncio.sleep(60)
        assert pacer.pace.rate == FULL_RATE
        for _ in range(30):
            pacer.answered(429, {**GLOBAL, "Retry-After": "1"}, started=now())
            await asyncio.sleep(1)
        assert pacer.pace.rate == pytest.approx(5, abs=0.2)

    virtually(scene)


@pytest.mark.parametrize(
    ("status", "headers", "counts"),
    [
        (401, VIA, 1),
        (403, VIA, 1),
        (429, {**VIA, "X-RateLimit-Scope": "user"}, 1),
        (429, GLOBAL, 1),
        (429, {"Content-Type": "text/html"}, 1),
        (429, {**VIA, "X-RateLimit-Scope": "shared"}, 0),
        (200, VIA, 0),
        (404, VIA, 0),
        (500, VIA, 0),
    ],
)
def test_what_counts_towards_being_shut_out(
    status: int, headers: dict[str, str], counts: int
) -> None:
    async def scene() -> None:
        pacer = Pacer()
        pacer.answered(status, headers, started=now())
        assert pacer.pace.invalid == counts
        assert pacer.pace.all_429s == (status == 429)
        await asyncio.sleep(601)
        assert pacer.pace.invalid == 0

    virtually(scene)


def test_many_refusals_slow_announcements_down_and_then_stop_them() -> None:
    async def scene() -> None:
        queue = Queue()
        pacer = queue.pacer
        refuse(pacer, SLOW_AT)
        rates = [pacer.pace.rate]
        with capture_logs() as logs:
            await pacer.turn(OTHER)
            waiting = [queue.ask(lane) for lane in (A, A, OTHER)]
            await asyncio.sleep(0)
            while pacer.pace.invalid < STOP_AT:
                refuse(pacer, 100)
                rates.append(pacer.pace.rate)
            refuse(pacer, 10)
            await asyncio.gather(*waiting)
        assert rates[0] == FULL_RATE
        assert rates == sorted(rates, reverse=True)
        assert pacer.pace.braking
        assert [lane for _, lane, _ in queue.left] == [OTHER]  # others crawl
        assert queue.told == pytest.approx([600, 600])
        await queue.ask(A)
        await queue.ask(FREE)
        assert len(queue.told) == 3
        assert [lane for _, lane, _ in queue.left] == [OTHER, FREE]
        [line] = [x for x in logs if x["log_level"] == "error"]
        assert "stopped" in line["event"]
        assert line["refused"] == STOP_AT
        await asyncio.sleep(queue.told[-1] + 0.1)
        assert not pacer.pace.braking
        await queue.ask(A)
        assert queue.left[-1][1] is A

    virtually(scene)


def test_being_shut_out_stops_everything_for_as_long_as_it_says() -> None:
    async def scene() -> None:
        queue = Queue()
        await queue.pacer.turn(A)
        waiting = [queue.ask(lane) for lane in (A, OTHER)]
        await asyncio.sleep(0)
        queue.pacer.answered(429, {"Retry-After": "600"}, started=now())
        await asyncio.gather(*waiting, *[queue.ask(lane) for lane in Lane])
        assert queue.left == []
        assert queue.told == [600.0] * 5
        await asyncio.sleep(600)
        await asyncio.gather(*[queue.ask(lane) for lane in Lane])
        assert {lane for _, lane, _ in queue.left} == set(Lane)

    virtually(scene)


def test_nobody_waits_longer_than_a_lease_allows() -> None:
    async def scene() -> None:
        queue = Queue()
        begin = now()
        tasks = [queue.ask(A) for _ in range(int(FULL_RATE * LONGEST_WAIT) + 100)]
        await asyncio.sleep(0)
        await asyncio.gather(*tasks, queue.ask(OTHER))  # the other lane has its share all the same
        assert max(queue.times) - begin <= LONGEST_WAIT + STEP
        assert 0 < len(queue.told) <= 100
        assert all(told > LONGEST_WAIT for told in queue.told)
        assert sum(lane is OTHER for _, lane, _ in queue.left) == 1

    virtually(scene)


@pytest.mark.parametrize(
    ("method", "path", "lane"),
    [
        ("POST", "/channels/1/messages", A),
        ("POST", "/channels/1/threads", A),
        ("PATCH", "/channels/1/messages/2", OTHER),
        ("GET", "/channels/1/messages", OTHER),
        ("POST", "/channels/1/messages/2/crosspost", OTHER),
        ("GET", "/channels/1/webhooks", OTHER),
        ("PUT", "/applications/1/commands", OTHER),
        ("GET", "/users/@me", OTHER),
        ("GET", "/webhooks/1", OTHER),
        ("POST", "/interactions/1/token/callback", FREE),
        ("POST", "/webhooks/1/token", FREE),
        ("PATCH", "/webhooks/1/token/messages/@original", FREE),
    ],
)
def test_the_lane_of_a_request(method: str, path: str, lane: Lane) -> None:
    assert lane_of(method, f"/api/v10{path}") is lane


# ── on the wire ───────────────────────────────────────────────────────────────────────────────


@dataclass
class World:
    """The real client at the stand-in, with channels to announce in."""

    api: StandIn
    client: Client
    core: Core
    guild: Any
    channels: list[Any]

    async def announce(self, channel: Any) -> Outcome:
        sender = Announcer(self.client, lambda: self.core.lookup.roster, utc_now)
        message = frozen(int(channel.id), int(self.guild.id))
        return await sender.send(replace(message, id=f"{message.channel_id:x}"))

    async def announce_everywhere(self) -> list[Outcome]:
        return await asyncio.gather(*map(self.announce, self.channels))

    def sent(self) -> list[int]:
        return [len(self.api.ledger.messages(channel)) for channel in self.channels]


@pytest.fixture
async def world(core: Core, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[World]:
    async with StandIn(openapi=False) as api:
        point(api, monkeypatch)
        guild = api.add_guild("Twosome")
        client = Client()
        await client.log_in(api.token, api.api_url, [])
        channels = [guild.add_text_channel(f"c{i}") for i in range(300)]
        yield World(api, client, core, guild, channels)
        await client.close()


async def test_hundreds_of_channels_at_once_are_all_served_below_the_limit(world: World) -> None:
    world.api.latency = (0.05, 0.2)
    outcomes = await world.announce_everywhere()
    assert {type(o) for o in outcomes} == {Sent}
    assert world.sent() == [1] * 300
    assert world.api.ledger.peak() <= 50
    # 200 ms of difference on the way crowd some arrivals: one in a thousand is to be expected.
    assert world.api.ledger.too_many() <= 3
    assert world.client.pacer.pace.requests == len(world.api.ledger.requests)


async def test_with_an_even_way_there_is_no_refusal_at_all(world: World) -> None:
    world.api.latency = 0.1
    world.channels = world.channels[:150]
    await world.announce_everywhere()
    assert world.sent() == [1] * 150
    assert world.api.ledger.too_many() == 0


async def test_a_global_refusal_makes_everything_wait_and_go_slower(world: World) -> None:
    world.channels = world.channels[:60]
    world.api.faults.on(
        *POSTS, do=faults.TooMany(1.0, "global"), times=1, when=lambda _: sum(world.sent()) >= 20
    )
    outcomes = await world.announce_everywhere()
    assert {type(o) for o in outcomes} == {Sent}
    assert world.sent() == [1] * 60
    assert world.client.pacer.pace.global_429s == world.api.ledger.too_many("global") == 1
    assert world.client.pacer.pace.rate < FULL_RATE
    [hit] = [r.at for r in world.api.ledger.requests if r.status == 429]
    assert not [r for r in world.api.ledger.requests if hit + 0.2 < r.at < hit + 0.9]


async def test_a_wave_of_refusals_engages_the_brake(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pacing, "SLOW_AT", 20)
    monkeypatch.setattr(pacing, "STOP_AT", 40)
    monkeypatch.setattr(pacing, "_CRAWL", 20.0)
    world.channels = world.channels[:100]
    for channel in world.channels:
        channel.deny_bot("send_messages")
    with capture_logs() as logs:
        outcomes = await world.announce_everywhere()
    refused = world.api.ledger.statuses()[403]
    assert 40 <= refused <= 45  # those on their way when the brake came
    assert sum(isinstance(o, Gone) for o in outcomes) == refused
    waits = [o.after for o in outcomes if isinstance(o, Retry)]
    assert len(waits) == 100 - refused
    assert all(550 < wait <= 600 for wait in waits)
    assert world.client.pacer.pace.braking
    assert len([x for x in logs if "stopped" in x["event"]]) == 1
    before = len(world.api.ledger.requests)
    assert isinstance(await world.announce(world.channels[0]), Retry)
    assert len(world.api.ledger.requests) == before


async def test_shut_out_by_cloudflare_nothing_leaves(world: World) -> None:
    world.api.faults.on(*POSTS, do=faults.Ban(600.0), times=1)
    assert isinstance(await world.announce(world.channels[0]), Retry)
    before = len(world.api.ledger.requests)
    outcome = await world.announce(world.channels[1])
    assert isinstance(outcome, Retry)
    assert 590 < outcome.after <= 600
    with pytest.raises(discord.RateLimited):
        await world.client.tree.sync()
    assert len(world.api.ledger.requests) == before


async def test_commands_are_answered_while_announcements_wait(
    core: Core, storage: Storage, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with StandIn(openapi=False, latency=0.05) as api:
        point(api, monkeypatch)
        guild = api.add_guild("Twosome")
        channels = [guild.add_text_channel(f"c{i}") for i in range(200)]
        mod = guild.add_member("mod", permissions=["view_channel", "manage_channels"])
        client = Client()
        await client.log_in(api.token, api.api_url, all_cogs(client, storage, lambda: core.lookup))
        await client.register_commands(storage)
        serving = asyncio.create_task(client.serve())
        await api.wait_ready()
        world = World(api, client, core, guild, channels)
        announcing = asyncio.create_task(world.announce_everywhere())
        while not sum(world.sent()):
            await asyncio.sleep(0.01)
        pair = {"first": "jisoo", "second": "mingyu"}
        answer = await mod.command(channels[0], "pair", **pair)
        assert "Mingyu" in answer.content
        client.pacer.answered(429, {**GLOBAL, "Retry-After": "1"}, started=0.0)  # even so
        listed = await mod.command(channels[0], "pairs")
        assert "Jisoo" in str(listed.embeds)
        assert client.pacer.pace.waiting > 100
        await announcing
        assert world.sent() == [1] * 200
        await client.close()
        serving.cancel()
        await asyncio.gather(serving, return_exceptions=True)
