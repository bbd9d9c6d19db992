"""One story to many channels, beside plain discord.py all at once and one by one.

Discord's stand-in runs in this process with its strict 50 a second and 100 ms of latency, each
sender in a process of its own. What was delivered and refused is read from the stand-in's ledger.
`CRUMBS_BENCH_CHANNELS` sets how many channels (500).
"""

from __future__ import annotations

import asyncio
import os
import resource
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta
from pathlib import Path

import discord

from benchmarks._texts import now, post
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

CHANNELS = int(os.environ.get("CRUMBS_BENCH_CHANNELS", "500"))
LATENCY = 0.1
BOW = "BLACKPINK's Jisoo and SEVENTEEN's Mingyu are seen bowing to each other at the Dior show."


def main() -> None:
    """Print the figures."""
    logs.configure("error", "text")
    asyncio.run(_main())


async def _main() -> None:
    print(f"{CHANNELS} channels; 50 a second would take {CHANNELS / 50:.0f} s")
    for name in SENDERS:
        async with StandIn(openapi=False, limits=Limits(), latency=LATENCY) as api:
            guilds = [api.add_guild(f"Guild {n}") for n in range(CHANNELS)]
            places = [f"{g.id}:{g.add_text_channel('crumbs').id}" for g in guilds]
            child = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "benchmarks.fan_out", name, api.api_url, api.token,
                *places, stdout=asyncio.subprocess.PIPE,
            )  # fmt: skip
            out, _ = await child.communicate()
            took, cpu = map(float, out.split())
            messages = api.ledger.messages()
            reached = {m.channel_id for m in messages}
            print(
                f"{name:20} {len(reached):6} reached, {len(messages) - len(reached)} doubled, "
                f"{api.ledger.too_many():6} refused (429), {took:6.1f} s, "
                f"{len(messages) / took:5.1f}/s, at most {api.ledger.peak()} in a second, "
                f"{cpu * 1e3 / max(len(messages), 1):.2f} ms CPU a message"
            )


Targets = Sequence[tuple[int, int]]


async def _crumbs(client: Client, targets: Targets) -> Callable[[], Awaitable[object]]:
    core = Core.of(load_seeds(SEEDS / "roster", SEEDS / "lexicon"))
    folder = tempfile.mkdtemp()
    storage = await open_storage(f"sqlite:///{Path(folder) / 'crumbs.db'}")
    for guild_id, channel_id in targets:
        await storage.add_watch(
            Watch(
                guild_id=guild_id, channel_id=channel_id, pair=None, user_id=1,
                created_at=now() - timedelta(minutes=1),
            )
        )  # fmt: skip
    told = post(1, BOW, "en")
    await match_posts(
        [told], storage=storage, judge=core.judge, cluster=core.cluster, clock=now, hold=0.0
    )
    sender = Announcer(client, lambda: core.lookup.roster, now)

    async def work() -> None:
        while (await storage.accounting()).pending:
            await deliver_once(storage, sender, now)

    return work


async def _at_once(client: Client, targets: Targets) -> Callable[[], Awaitable[object]]:
    places = [client.get_partial_messageable(c) for _, c in targets]

    async def work() -> None:
        await asyncio.gather(*(p.send(embed=_embed()) for p in places), return_exceptions=True)

    return work


async def _one_by_one(client: Client, targets: Targets) -> Callable[[], Awaitable[object]]:
    async def work() -> None:
        for _, channel_id in targets:
            await client.get_partial_messageable(channel_id).send(embed=_embed())

    return work


def _embed() -> discord.Embed:
    return discord.Embed(title="Jisoo × Mingyu", description=BOW, url="https://example.org/1")


SENDERS = {
    "crumbs": _crumbs,
    "discord.py gather": _at_once,
    "discord.py in turn": _one_by_one,
}


async def _send(name: str, api_url: str, token: str, given: Sequence[str]) -> None:
    logs.configure("error", "text")
    client = Client() if name == "crumbs" else discord.Client(intents=discord.Intents.none())
    discord.http.Route.BASE = api_url
    await client.login(token)
    targets = [(int(g), int(c)) for g, c in (t.split(":") for t in given)]
    work = await SENDERS[name](client, targets)  # type: ignore[arg-type]  # plain for the others
    before = resource.getrusage(resource.RUSAGE_SELF)
    begin = time.perf_counter()
    await work()
    took = time.perf_counter() - begin
    after = resource.getrusage(resource.RUSAGE_SELF)
    print(took, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    await client.close()


if __name__ == "__main__":
    asyncio.run(_send(sys.argv[1], sys.argv[2], sys.argv[3], sys.argv[4:]))
