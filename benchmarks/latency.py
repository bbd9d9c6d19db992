"""From a post entering `match_posts` to its request arriving at Discord's stand-in.

Idle, beside what discord.py alone takes from `channel.send` to the arrival; and, for the news of
one server, while a story goes out to 5,000 channels of fifty others at Discord's own limits. The
hold is switched off; everything on loopback, with full durability. `CRUMBS_BENCH_CHANNELS` sets how
many channels (5,000).
"""

from __future__ import annotations

import asyncio
import os
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from statistics import quantiles

from benchmarks._texts import now, post, reports
from bot import logs
from bot.announcer import Announcer
from bot.app import Core
from bot.client import Client
from bot.domain.ports import Storage
from bot.domain.types import Pair, Post, Watch
from bot.pipeline import deliver_once, match_posts
from bot.seeds import load_seeds
from bot.settings import SEEDS
from storage import open_storage
from tests.standin import Limits, StandIn
from tests.standin.channels import Channel

IDLE = 300
CHANNELS = int(os.environ.get("CRUMBS_BENCH_CHANNELS", "5000"))
DURING = 200
#: Seconds between two measured sends, so that none waits for the turn of the one before.
PAUSE = 0.05
#: Channels of a server.
SERVER = 100
BOW = "BLACKPINK's Jisoo and SEVENTEEN's Mingyu are seen bowing to each other at the Dior show."
BUSY = Pair("blackpink.jisoo", "seventeen.mingyu")


def main() -> None:
    """Print the figures."""
    logs.configure("error", "text")
    asyncio.run(_main())


async def _main() -> None:
    core = Core.of(load_seeds(SEEDS / "roster", SEEDS / "lexicon"))
    with tempfile.TemporaryDirectory() as folder:
        storage = await open_storage(f"sqlite:///{folder}/crumbs.db")
        async with StandIn(openapi=False, limits=Limits()) as api:
            api.limits.messages = None  # one channel gets more here than Discord would let it
            client = Client()
            await client.log_in(api.token, api.api_url, [])
            line = _Line(core, storage, client, api)
            bare, idle = await line.idle()
            _print("bare send, idle", bare)
            _print("post to request, idle", idle)
            ratio = quantiles(idle, n=2)[0] / quantiles(bare, n=2)[0]
            print(f"ratio of the medians: {ratio:.1f}")
            _print(f"post to request, {CHANNELS} channels waiting", await line.during())
            await client.close()
        await storage.close()


def _print(name: str, times: Sequence[float]) -> None:
    cuts = quantiles(times, n=100)
    print(f"{name}: p50 {cuts[49] * 1e3:.1f} ms, p99 {cuts[98] * 1e3:.1f} ms ({len(times)})")


@dataclass
class _Line:
    core: Core
    storage: Storage
    client: Client
    api: StandIn

    async def idle(self) -> tuple[list[float], list[float]]:
        guild = self.api.add_guild("Twosome")
        channel = guild.add_text_channel("crumbs")
        await self._watch(channel, None)
        bare, line = [], []
        target = self.client.get_partial_messageable(int(channel.id))
        for number, (_, text) in enumerate(islice(reports(self.core), IDLE)):
            await asyncio.sleep(PAUSE)
            begin = self.api.clock.now()
            await target.send("bare")
            bare.append(self._arrived(channel) - begin)
            await asyncio.sleep(PAUSE)
            begin = self.api.clock.now()
            await self._match(post(number, text, "en"))
            await self._deliver()
            line.append(self._arrived(channel) - begin)
        await self.storage.remove_watch(int(guild.id), None, BUSY)
        return bare, line

    async def during(self) -> list[float]:
        for number in range(CHANNELS // SERVER):
            guild = self.api.add_guild(f"Large {number}")
            for _ in range(SERVER):
                await self._watch(guild.add_text_channel("crumbs"), BUSY)
        small = self.api.add_guild("Small")
        channel = small.add_text_channel("crumbs")
        # Each pair once, and none that has a story already, which a later watch would not hear of.
        known = {BUSY, *(pair for pair, _ in islice(reports(self.core), IDLE))}
        fresh = {p: t for p, t in islice(reports(self.core), IDLE, 4 * IDLE) if p not in known}
        told = list(fresh.items())[:DURING]
        for pair, _ in told:
            await self._watch(channel, pair)
        await self._match(post(10_000, BOW, "en"))
        delivering = asyncio.create_task(self._deliver())
        begin: dict[str, float] = {}
        for number, (_, text) in enumerate(told):
            await asyncio.sleep(CHANNELS / 50 / DURING * 0.8)
            one = post(20_000 + number, text, "en")
            begin[one.url] = self.api.clock.now()
            await self._match(one)
        assert not delivering.done(), "the fan-out was over before the measurement"
        await delivering
        arrived = {m.embeds[0]["url"]: m.created_at for m in self.api.ledger.messages(channel)}
        assert arrived.keys() == begin.keys()
        return [arrived[url] - at for url, at in begin.items()]

    async def _watch(self, channel: Channel, pair: Pair | None) -> None:
        guild_id = int(channel.guild.id) if channel.guild else 0
        await self.storage.add_watch(
            Watch(
                guild_id=guild_id, channel_id=int(channel.id), pair=pair, user_id=1,
                created_at=now(),
            )
        )  # fmt: skip

    async def _match(self, told: Post) -> None:
        await match_posts(
            [told], storage=self.storage, judge=self.core.judge, cluster=self.core.cluster,
            clock=now, hold=0.0,
        )  # fmt: skip

    async def _deliver(self) -> None:
        announcer = Announcer(self.client, lambda: self.core.lookup.roster, now)
        await deliver_once(self.storage, announcer, now)

    def _arrived(self, channel: Channel) -> float:
        route = f"/channels/{channel.id}/messages"
        return next(r.at for r in reversed(self.api.ledger.requests) if r.path.endswith(route))
