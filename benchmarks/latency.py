"""From a post entering `match_posts` to its request arriving at Discord's stand-in, idle.

One watching channel, one post at a time, the hold switched off; beside it the time that discord.py
alone takes from `channel.send` to the request's arrival. Everything on loopback, full durability.
"""

from __future__ import annotations

import asyncio
import tempfile
import time
from dataclasses import replace
from datetime import UTC, datetime
from statistics import quantiles

from bot import logs
from bot.announcer import Announcer
from bot.app import Core
from bot.client import Client
from bot.domain.types import Pair, Post, Watch
from bot.pipeline import deliver_once, match_posts
from bot.seeds import load_seeds
from bot.settings import SEEDS
from storage import open_storage
from tests.standin import Limits, StandIn

POSTS = 300
TEXT = "BLACKPINK's Jisoo and SEVENTEEN's Mingyu are seen bowing to each other at the Dior show."


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
                    created_at=_now(),
                )
            )  # fmt: skip
            bare, line = [], []
            target = client.get_partial_messageable(int(channel.id))
            announcer = Announcer(client, lambda: core.lookup.roster, _now)
            pairs = _pairs(core)
            for number in range(POSTS):
                begin = time.perf_counter()
                await target.send("bare")
                bare.append(time.perf_counter() - begin)
                first, second = pairs[number]
                text = TEXT.replace("BLACKPINK's Jisoo", first).replace(
                    "SEVENTEEN's Mingyu", second
                )
                post = Post(
                    id=f"bench:{number}", source_id="bench", text=text, lang="en",
                    url=f"https://bench.example/{number}", published=_now(), seen_at=_now(),
                )  # fmt: skip
                sent = len(api.ledger.messages(channel))
                begin = time.perf_counter()
                await match_posts(
                    [post], storage=storage, judge=core.judge, cluster=core.cluster, clock=_now,
                    hold=0.0,
                )  # fmt: skip
                await deliver_once(storage, announcer, _now)
                line.append(time.perf_counter() - begin)
                assert len(api.ledger.messages(channel)) == sent + 1
            await client.close()
            await storage.close()
    for name, times in (("bare send and answer", bare), ("post to answer", line)):
        cuts = quantiles(times, n=100)
        print(f"{name}: p50 {cuts[49] * 1e3:.1f} ms, p99 {cuts[98] * 1e3:.1f} ms")
    ratio = quantiles(line, n=2)[0] / quantiles(bare, n=2)[0]
    print(f"ratio of the medians: {ratio:.1f} (both with the answer's way back)")


def _pairs(core: Core) -> list[tuple[str, str]]:
    """Pairs of well-known idols whose meeting is announced, each with its group."""
    roster, today = core.lookup.roster, _now().date()
    names = []
    for idol in roster.idols.values():
        home = roster.home(idol.id, today)
        if home and idol.prior >= 0.7 and not roster.is_minor(idol.id, today):
            names.append((idol.id, f"{home.name}'s {idol.name}"))
    found = []
    for a, first in names:
        for b, second in names:
            if a < b and roster.common_group(Pair(a, b), today) is None:
                post = Post(
                    id="probe", source_id="probe", seen_at=_now(),
                    text=TEXT.replace("BLACKPINK's Jisoo", first)
                    .replace("SEVENTEEN's Mingyu", second),
                )  # fmt: skip
                judged = core.judge(replace(post, lang="en")).interactions
                if [i.pair for i in judged if i.tier == "announce"] == [Pair(a, b)]:
                    found.append((first, second))
            if len(found) == POSTS:
                return found
    return found


def _now() -> datetime:
    return datetime.now(UTC)
