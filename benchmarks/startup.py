"""From nothing to ready: imports, the core's automata, and the memory they take.

Each figure is the median of fresh processes. `crumbs run` is timed from its start to READY on the
stand-in's gateway, on an empty store; beside it a bare discord.py client, which is what no bot on
that library can start faster than.
"""

from __future__ import annotations

import asyncio
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

from tests.processes import environment, process
from tests.standin import StandIn

ROUNDS = 5

_CORE = """
import resource, time
begin = time.perf_counter()
from bot.domain.judge import Judge
from bot.seeds import load_seeds
from bot.settings import SEEDS
imported = time.perf_counter()
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
seeds = load_seeds(SEEDS / "roster", SEEDS / "lexicon")
read = time.perf_counter()
judge = Judge(seeds.roster, seeds.lexicon)
built = time.perf_counter()
after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
print(imported - begin, read - imported, built - read, before / 1024, (after - before) / 1024,
      len(seeds.roster.groups), len(seeds.roster.idols), len(seeds.roster.decoys))
"""

_BARE = """
import asyncio, sys, yarl, discord, discord.gateway
discord.http.Route.BASE = sys.argv[1]
class Bare(discord.Client):
    async def on_ready(self): await self.close()
async def main():
    client = Bare(intents=discord.Intents(guilds=True))
    await client.login(sys.argv[2])
    _, url, _ = await client.http.get_bot_gateway()
    discord.gateway.DiscordWebSocket.DEFAULT_GATEWAY = yarl.URL(url)
    await client.connect()
asyncio.run(main())
"""


def main() -> None:
    """Print the figures."""
    with tempfile.TemporaryDirectory() as folder:
        runs = [_core(Path(folder)) for _ in range(ROUNDS)]
        imports, read, build, base, grown, groups, idols, decoys = (
            median(column) for column in zip(*runs, strict=True)
        )
        print(f"roster: {groups:.0f} groups, {idols:.0f} idols, {decoys:.0f} decoys")
        print(
            f"imports {imports * 1e3:.0f} ms, seeds {read * 1e3:.0f} ms, core {build * 1e3:.0f} ms"
        )
        print(f"memory: {base:.0f} MB with the imports, {grown:.1f} MB more with the core")
        ours, bare = asyncio.run(_ready(Path(folder)))
        print(
            f"process start to READY: crumbs {ours:.2f} s, bare discord.py {bare:.2f} s "
            f"(ratio {ours / bare:.2f})"
        )


def _core(folder: Path) -> list[float]:
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", _CORE],
        capture_output=True, text=True, check=True, cwd=folder, env=environment(),
    )  # fmt: skip
    return [float(x) for x in done.stdout.split()]


async def _ready(folder: Path) -> tuple[float, float]:
    sources = folder / "sources.toml"
    sources.write_text("")
    times: dict[str, list[float]] = {"ours": [], "bare": []}
    for number in range(ROUNDS):
        for name, taken in times.items():
            async with StandIn(openapi=False) as api:
                api.add_guild("Twosome")
                env = environment(
                    DISCORD_TOKEN=api.token,
                    CRUMBS_DISCORD_API_URL=api.api_url,
                    CRUMBS_DATABASE_URL=f"sqlite:///{folder}/{number}.db",
                    CRUMBS_SOURCES=str(sources),
                )
                command = (
                    [sys.executable, "-m", "bot", "run"]
                    if name == "ours"
                    else [sys.executable, "-W", "ignore", "-c", _BARE, api.api_url, api.token]
                )
                begin = time.perf_counter()
                async with process(*command, env=env, cwd=folder, show=False):
                    await api.wait_ready()
                    taken.append(time.perf_counter() - begin)
    return median(times["ours"]), median(times["bare"])
