"""From a post entering `match_posts` to its request arriving at Discord's stand-in, idle.

One watching channel, one post at a time, the hold switched off; beside it the time that discord.py
alone takes from `channel.send` to the request's arrival. Everything on loopback, full durability.
"""

from __future__ import annotations

import asyncio
import tempfile
import time
from itertools import islice
from statistics import quantiles

from benchmarks._texts import now, post, reports
from bot import logs
from bot.announcer import Announcer
from bot.app import Core
from bot.client import Client
from bot.domain.types import Watch
from bot.pipeline import deliver_once, match_posts
from bot.seeds import load_seeds
from bot.settings import SEEDS
from storage import open_storage
from tests.standin import Limits, StandIn

POSTS = 300


def main() -> None:
    """Print the figures."""
    logs.configure("warning", "text")
    asyncio.run(_main())


async def _main() -> None:
    core = Core.of(load_seeds(SEEDS / "roster", SEEDS / "lexicon"))
    with tempfile.TemporaryDirectory() as folder:
        async with StandIn(openapi=False, limits=Limits.off()) as api:
            guild = api.add_guild("Twosome")
            channel = guild.add_text_channel("crumbs")
            storage = await open_storage(f"sqlite:///{folder}/crumbs.db")
            client = Client()
            await client.log_in(api.token, api.api_url, [])
            await storage.add_watch(
                Watch(
                    guild_id=int(guild.id), channel_id=int(channel.id), pair=None, user_id=1,
                    created_at=now(),
                )
            )  # fmt: skip
            bare, line = [], []
            target = client.get_partial_messageable(int(channel.id))
            announcer = Announcer(client, lambda: core.lookup.roster, now)
            for number, (_, text) in enumerate(islice(reports(core), POSTS)):
                begin = time.perf_counter()
                await target.send("bare")
                bare.append(time.perf_counter() - begin)
                told = post(number, text, "en")
                sent = len(api.ledger.messages(channel))
                begin = time.perf_counter()
                await match_posts(
                    [told], storage=storage, judge=core.judge, cluster=core.cluster, clock=now,
                    hold=0.0,
                )  # fmt: skip
                await deliver_once(storage, announcer, now)
                line.append(time.perf_counter() - begin)
                assert len(api.ledger.messages(channel)) == sent + 1
            await client.close()
            await storage.close()
    for name, times in (("bare send and answer", bare), ("post to answer", line)):
        cuts = quantiles(times, n=100)
        print(f"{name}: p50 {cuts[49] * 1e3:.1f} ms, p99 {cuts[98] * 1e3:.1f} ms")
    ratio = quantiles(line, n=2)[0] / quantiles(bare, n=2)[0]
    print(f"ratio of the medians: {ratio:.1f} (both with the answer's way back)")
