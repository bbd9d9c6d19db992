"""What Discord, the network and the disk can do to a fan-out costs no message and doubles none."""

from __future__ import annotations

import asyncio
import contextlib
import random
import sqlite3
from collections import Counter
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from bot import pipeline
from bot.app import Core
from bot.domain.errors import StorageUnavailable
from storage.sqlite import engine
from tests.delivery import Delivery, logged_in, met
from tests.standin import faults
from tests.standin.channels import Channel
from tests.standin.discordpy import hurry

POSTS = ("POST", "/channels/{id}/messages")


@dataclass
class World:
    """Two servers full of channels that watch everything, one of them a forum."""

    d: Delivery
    channels: list[Channel]
    path: Path

    async def publish(self, *numbers: int) -> None:
        await self.d.match([self.d.post(n, met(n)) for n in numbers])

    def told(self, *channels: Channel) -> list[Counter[str]]:
        """How often each story was told in each channel."""
        return [Counter(self.d.titles(c)) for c in channels or self.channels]

    async def deliver_until(self, done: Callable[[], bool]) -> None:
        """Deliver as the role's loop does, which waits for the store, until something is so."""
        async with asyncio.timeout(30):
            while True:
                with contextlib.suppress(BaseExceptionGroup):
                    await self.d.deliver()
                if done():
                    return
                await asyncio.sleep(0.02)

    async def until_sent(self, many: int) -> None:
        async with asyncio.timeout(30):
            while len(self.d.api.ledger.messages()) < many:
                await asyncio.sleep(0.005)


@pytest.fixture
async def world(
    core: Core, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[World]:
    hurry(monkeypatch)
    path = tmp_path / "crumbs.db"
    async with logged_in(core, path) as d:
        channels = []
        for name in ("Twosome", "Pairs"):
            guild = d.api.add_guild(name)
            channels += [guild.add_text_channel(f"{name}-{n}") for n in range(7)]
            channels.append(guild.add_forum(f"{name}-forum"))
        for channel in channels:
            await d.watch(channel)
        yield World(d, channels, path)


#: What the embeds of `PAIRS` are titled.
TITLES = (
    "Jisoo (BLACKPINK) × Mingyu (SEVENTEEN)",
    "Karina (aespa) × Jimin (BTS)",
    "Wonyoung (IVE) × Hyunjin (Stray Kids)",
    "Jungkook (BTS) × Nayeon (TWICE)",
    "Seulgi (Red Velvet) × Taemin (SHINee)",
    "Ryujin (ITZY) × Yeonjun (TOMORROW X TOGETHER)",
    "Jake (ENHYPEN) × Sakura (LE SSERAFIM)",
)


def once(*numbers: int) -> Counter[str]:
    """The titles of the stories of those pairs, each one time."""
    return Counter(TITLES[n] for n in numbers)


# ── Discord and the network ───────────────────────────────────────────────────────────────────

TROUBLES = {
    "answer lost": faults.ResetAfter(),
    "answer cut off": faults.Truncate(),
    "reset before": faults.ResetBefore(),
    "slow": faults.Slow(0.2),
    "500": faults.Status(500),
    "502": faults.Status(502),
    "503": faults.Status(503),
    "504": faults.Status(504),
    "429 user": faults.TooMany(0.5, "user"),
    "429 shared": faults.TooMany(0.5, "shared"),
    "429 global": faults.TooMany(0.5, "global"),
    "429 of Cloudflare": faults.Ban(),
}


@pytest.mark.parametrize("trouble", TROUBLES)
async def test_half_of_all_requests_fail_for_a_while(world: World, trouble: str) -> None:
    d = world.d

    fault = TROUBLES[trouble]
    # Each of these keeps everything else away for a while.
    times = 2 if isinstance(fault, faults.Ban) else 6 if trouble == "429 global" else 60

    def break_half() -> None:
        rng = random.Random(7)
        d.api.faults.on("*", "*", do=fault, probability=0.5, rng=rng, times=times)

    break_half()
    await world.publish(0, 1, 2)
    await d.drain(rounds=30, step=45)
    assert world.told() == [once(0, 1, 2)] * len(world.channels)
    break_half()
    correction = d.post(0, met(0, act="wave at each other and chat"))
    await d.match([correction])
    await d.drain(rounds=30, step=45)
    assert world.told() == [once(0, 1, 2)] * len(world.channels)
    for channel in world.channels:
        assert sum("chat" in told for [(_, told)] in d.shown(channel)) == 1
    await d.assert_settled()


async def test_an_attempt_that_takes_too_long_is_made_again(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pipeline, "_ATTEMPT", 1.5)
    world.d.api.faults.on(*POSTS, do=faults.Slow(4.0), every=3, times=10)
    await world.publish(0)
    await world.d.drain()
    assert world.told() == [once(0)] * len(world.channels)
    await world.d.assert_settled()


async def test_a_global_pause_that_outlasts_an_attempt_is_no_pause_for_ever(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pipeline, "_ATTEMPT", 1.5)
    world.d.api.faults.on(*POSTS, do=faults.TooMany(100.0, "global"), times=1)
    await world.publish(0)
    await world.d.drain()
    assert world.told() == [once(0)] * len(world.channels)
    await world.d.assert_settled()


# ── channels that are gone ────────────────────────────────────────────────────────────────────


async def test_a_third_of_the_channels_is_gone_and_some_of_them_come_back(world: World) -> None:
    d = world.d
    mute, blind, deleted = world.channels[0:2], world.channels[2:4], world.channels[4:6]
    for channel in mute:
        channel.deny_bot("send_messages")
    for channel in blind:
        channel.deny_bot("view_channel")
    for channel in deleted:
        channel.delete()
    gone, fine = world.channels[:6], world.channels[6:]
    await world.publish(0)
    await d.deliver()
    assert world.told(*fine) == [once(0)] * len(fine)
    assert set(await d.storage.closed_channels(None)) == {int(c.id) for c in gone}
    await world.publish(1, 2)  # what is owed meanwhile waits too
    await d.drain()
    assert world.told(*fine) == [once(0, 1, 2)] * len(fine)
    assert world.told(*gone) == [Counter()] * len(gone)
    books = await d.storage.accounting()
    assert (books.sent, books.pending) == (3 * len(fine), 3 * len(gone))
    mute[0].allow_bot("send_messages")
    blind[0].allow_bot("view_channel")
    d.let_pass(3600)
    await d.drain()
    back = [mute[0], blind[0]]
    assert world.told(*back) == [once(0, 1, 2)] * 2
    # What came later was owed for long and comes together.
    assert {len(m) for m in d.shown(mute[0])} == {1, 2}
    d.let_pass(24 * 3600)
    await d.drain()
    for channel in mute:
        channel.allow_bot("send_messages")  # too late: yesterday's news is withdrawn
    d.let_pass(3600)
    await d.drain()
    books = await d.storage.accounting()
    assert (books.sent, books.withdrawn) == (3 * (len(fine) + 2), 3 * 4)
    await d.assert_settled()
    await world.publish(3)
    await d.drain()
    assert world.told(*mute) == [once(0, 1, 2, 3), once(3)]


# ── the gateway ───────────────────────────────────────────────────────────────────────────────

GATEWAY: dict[str, Callable[[Delivery], None]] = {
    "op 7": lambda d: d.api.gateway.reconnect(),
    "op 9": lambda d: d.api.gateway.invalidate(),
    "op 9, resumable": lambda d: d.api.gateway.invalidate(resumable=True),
    "close 1000": lambda d: d.api.gateway.close(1000),
    "close 4000": lambda d: d.api.gateway.close(4000),
    "close 4007": lambda d: d.api.gateway.close(4007),
    "close 4009": lambda d: d.api.gateway.close(4009),
    "dropped": lambda d: d.api.gateway.abort(),
    "silent": lambda d: d.api.gateway.hold(),
    "a channel without a server": lambda d: d.api.gateway.dispatch_raw(
        "CHANNEL_CREATE", {"id": "1", "type": 0}
    ),
    "a server without anything": lambda d: d.api.gateway.dispatch_raw("GUILD_CREATE", {}),
    "no object": lambda d: d.api.gateway.dispatch_raw("CHANNEL_UPDATE", None),
    "an unknown event": lambda d: d.api.gateway.dispatch_raw("WEATHER", ["rain"]),
}


async def _until_connected(d: Delivery) -> None:
    async with asyncio.timeout(30):
        while d.client.ws is None or not d.client.ws.open or not d.client.is_ready():
            await asyncio.sleep(0.05)


@pytest.mark.parametrize("trouble", GATEWAY)
async def test_trouble_at_the_gateway_during_a_fan_out(world: World, trouble: str) -> None:
    d = world.d
    d.api.latency = 0.02
    serving = asyncio.create_task(d.client.serve())
    try:
        await d.api.wait_ready()
        await world.publish(0, 1, 2)
        delivering = asyncio.create_task(d.deliver())
        await world.until_sent(5)
        assert not delivering.done()
        GATEWAY[trouble](d)
        await delivering
        await d.drain()
        assert world.told() == [once(0, 1, 2)] * len(world.channels)
        await d.assert_settled()
        assert not serving.done()
    finally:
        d.api.gateway.release()
        # A connection that is being made leaves a thread behind when it is given up.
        await _until_connected(d)
        await d.client.close()
        serving.cancel()
        await asyncio.gather(serving, return_exceptions=True)


# ── an outage ─────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("asleep", [False, True], ids=["the bot goes on", "the bot is down too"])
async def test_twenty_minutes_of_outage(world: World, *, asleep: bool) -> None:
    d = world.d
    d.api.faults.on("*", "*", do=faults.Status(503))
    for minute in range(20):
        if minute % 3 == 0:
            await world.publish(minute // 3)  # seven stories, the last of them a minute old
        if not asleep:
            await d.deliver()
        d.let_pass(60)
    assert world.told() == [Counter()] * len(world.channels)
    d.api.faults.clear()
    await d.drain(rounds=12, step=60)
    assert world.told() == [once(*range(7))] * len(world.channels)
    if asleep:  # those owed for more than ten minutes come together
        assert all(Counter(map(len, d.shown(c))) == {4: 1, 1: 3} for c in world.channels)
    await d.assert_settled()


# ── the store ─────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """The store gives up soon on a lock, and outcomes that wait to be written are tried often."""
    monkeypatch.setattr(engine, "BUSY_MS", 20)
    monkeypatch.setattr(pipeline, "_SETTLE_PAUSE", 0.05)
    monkeypatch.setattr(pipeline, "_LOOK", 0.01)


@pytest.mark.usefixtures("impatient")
async def test_a_store_that_is_locked_in_the_middle_of_sends(world: World) -> None:
    d = world.d
    d.api.latency = 0.1
    # Here nobody could look whether a message that was interrupted has arrived.
    blind = world.channels[:3]
    for channel in blind:
        channel.deny_bot("read_message_history")
    await world.publish(0)
    locked = sqlite3.connect(world.path, isolation_level=None)
    delivering = asyncio.create_task(
        world.deliver_until(lambda: len(d.api.ledger.messages()) == len(world.channels))
    )
    while not d.api.ledger.calls(*_SENDS):
        await asyncio.sleep(0.005)
    locked.execute("BEGIN IMMEDIATE")
    await asyncio.sleep(0.25)
    locked.execute("ROLLBACK")
    locked.close()
    await delivering
    assert (await d.storage.accounting()).sent == len(world.channels)  # and no lease had to end
    await d.drain()
    assert world.told() == [once(0)] * len(world.channels)
    await d.assert_settled()


_SENDS = ("POST", "/channels/{channel_id}/messages")


@pytest.mark.usefixtures("impatient")
async def test_a_disk_that_is_full_in_the_middle_of_a_fan_out(world: World) -> None:
    d = world.d
    d.api.latency = 0.02
    await world.publish(0)
    pages = await d.storage._engine.write(lambda db: db.execute("PRAGMA page_count").fetchone()[0])
    await d.storage._engine.write(lambda db: db.execute(f"PRAGMA max_page_count = {pages}"))

    async def go_on() -> None:
        for number in range(1, 7):
            await world.publish(number)
            await d.deliver()

    with pytest.raises((StorageUnavailable, ExceptionGroup)):
        await go_on()
    await d.storage._engine.write(lambda db: db.execute("PRAGMA max_page_count = 1000000"))
    await world.publish(*range(1, 7))
    await world.deliver_until(lambda: True)
    await d.drain()
    assert world.told() == [once(*range(7))] * len(world.channels)
    await d.assert_settled()
