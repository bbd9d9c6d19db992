"""One story for thousands of channels: the real line against the stand-in with Discord's limits.

Only the stand-in's ledger decides: what arrived, how often, how fast, and what was refused.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

import pytest
from structlog.testing import capture_logs

from bot.announcer import Announcer
from bot.app import Core, all_cogs, utc_now
from bot.client import Client
from bot.domain.ports import Storage
from bot.domain.types import Pair, Post, Watch
from bot.pipeline import deliver_once, match_posts
from storage import open_storage
from tests.announcer.world import POSTS
from tests.standin import StandIn, faults
from tests.standin.discordpy import point

SCALE = int(os.environ.get("CRUMBS_TEST_SOAK", "1"))
PAIR = Pair("blackpink.jisoo", "seventeen.mingyu")
STORY = "In a video BLACKPINK's Jisoo and SEVENTEEN's Mingyu are seen bowing to each other."
MANAGER = ["view_channel", "send_messages", "manage_channels"]
#: Channels of a server.
CHANNELS = 50


@dataclass
class Line:
    """The line from a post to the channels that watch the pair."""

    api: StandIn
    storage: Storage
    client: Client
    core: Core
    channels: list[Any]
    mod: Any

    async def tell(self) -> None:
        """One story becomes known; the outbox grows to all channels as messages are claimed."""
        post = Post(
            id="s:1", source_id="s", outlet="S", text=STORY, url="https://s.example/1", lang="en",
            published=utc_now(), seen_at=utc_now(),
        )  # fmt: skip
        await match_posts(
            [post],
            storage=self.storage,
            judge=self.core.judge,
            cluster=self.core.cluster,
            clock=utc_now,
            hold=0.0,
        )
        assert (await self.storage.accounting()).planned > 0

    async def deliver(self) -> None:
        """Deliver until nothing is owed any more."""
        sender = Announcer(self.client, lambda: self.core.lookup.roster, utc_now)
        while (await self.storage.accounting()).pending:
            if not await deliver_once(self.storage, sender, utc_now):
                await asyncio.sleep(0.2)

    def copies(self) -> Counter[int]:
        """How many channels have how many messages."""
        arrived = Counter(m.channel_id for m in self.api.ledger.messages())
        return Counter(arrived[c.id] for c in self.channels)


@asynccontextmanager
async def line(
    count: int, folder: Path, core: Core, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Line]:
    """Servers with so many channels that watch the pair, and the bot connected to them."""
    storage = await open_storage(f"sqlite:///{folder}/crumbs.db")
    async with StandIn(openapi=False, latency=(0.05, 0.2)) as api:
        point(api, monkeypatch)
        guilds = [api.add_guild(f"Twosome {n}") for n in range(-(-count // CHANNELS))]
        channels = [guilds[n // CHANNELS].add_text_channel(f"c{n}") for n in range(count)]
        mod = guilds[0].add_member("mod", permissions=MANAGER)
        for channel in channels:
            await storage.add_watch(
                Watch(
                    guild_id=int(channel.guild.id), channel_id=int(channel.id), pair=PAIR,
                    user_id=1, created_at=utc_now(),
                )
            )  # fmt: skip
        client = Client()
        await client.log_in(api.token, api.api_url, all_cogs(client, storage, lambda: core.lookup))
        await client.register_commands(storage)
        serving = asyncio.create_task(client.serve())
        await api.wait_ready()
        with capture_logs():  # one line for each delivery
            yield Line(api, storage, client, core, channels, mod)
        await client.close()
        serving.cancel()
        await asyncio.gather(serving, return_exceptions=True)
    await storage.close()


@pytest.mark.soak
@pytest.mark.timeout(24000)
async def test_one_story_for_five_thousand_channels(
    core: Core, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    count = 5_000 * SCALE
    async with line(count, tmp_path, core, monkeypatch) as it:
        await it.tell()
        begin = time.monotonic()
        delivering = asyncio.create_task(it.deliver())
        acknowledged = []
        while not delivering.done():
            answer = await it.mod.command(it.channels[0], "pairs")
            acknowledged.append(answer.ack_seconds)
            await asyncio.wait([delivering], timeout=10)
        await delivering
        elapsed = time.monotonic() - begin
        ledger = it.api.ledger
        print(  # noqa: T201
            f"\n{count:,} channels in {elapsed:.1f} s beside {count / 50:.0f} s at 50 a second; "
            f"{ledger.too_many()} of {len(ledger.requests):,} requests were 429s, at most "
            f"{ledger.peak()} were accepted in a second; {len(acknowledged)} commands acknowledged "
            f"in at most {max(acknowledged):.2f} s"
        )
        assert it.copies() == {1: count}
        assert ledger.too_many() <= 0.002 * len(ledger.requests)
        assert ledger.peak() <= 50
        assert max(acknowledged) < 1
        assert (await it.storage.accounting()).balanced


@pytest.mark.soak
@pytest.mark.timeout(24000)
async def test_lost_answers_and_server_errors_lose_and_double_nothing(
    core: Core, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    count = 1_000 * SCALE
    dice = Random(seed := Random().randrange(2**32))
    async with line(count, tmp_path, core, monkeypatch) as it:
        rules = [
            it.api.faults.on(*POSTS, do=fault, probability=0.05, rng=dice)
            for fault in (faults.ResetAfter(), faults.Status(500))
        ]
        await it.tell()
        begin = time.monotonic()
        await it.deliver()
        hits = [rule.hits for rule in rules]
        print(  # noqa: T201
            f"\n{count:,} channels in {time.monotonic() - begin:.1f} s beside {count / 50:.0f} s; "
            f"{hits[0]} answers lost, {hits[1]} server errors; "
            f"{it.api.ledger.too_many()} 429s; seed {seed}"
        )
        assert min(hits) > 0
        assert it.copies() == {1: count}, f"seed {seed}"
        assert it.api.ledger.peak() <= 50
