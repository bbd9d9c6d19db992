"""From nothing to ready: imports, the core's automata, and the memory they take.

Each figure is the median of fresh processes. What each part of the core keeps is counted by
tracemalloc; of the automaton, which is not Python's, by how the process grows over many of them.
`crumbs run` is timed from its start to READY on the stand-in's gateway, on an empty store; beside
it a bare discord.py client, which is what no bot on that library can start faster than.
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

ROOT = Path(__file__).parent.parent
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

_MEMORY = """
import gc, resource, tracemalloc
from bot.domain import lexicon, roster
from bot.domain.link import Linker
from bot.settings import SEEDS

def texts(folder):
    return {p.name: p.read_text("utf-8") for p in (SEEDS / folder).glob("*.toml")}

def kept(make, *given):
    gc.collect()
    before = tracemalloc.get_traced_memory()[0]
    made = make(*given)
    gc.collect()
    took.append((tracemalloc.get_traced_memory()[0] - before) / 2**20)
    return made

took = []
tracemalloc.start()
people = kept(roster.load, texts("roster"))
words = kept(lexicon.load, texts("lexicon"))
linker = kept(Linker, people, words)
tracemalloc.stop()
automaton, copies = linker._automaton, []
while len(copies) < 21:  # the first takes up what the others freed
    if len(copies) == 1:
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    copies.append(type(automaton)(linker._patterns, implementation=KIND))
grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
print(*took, grown / 20 / 1024)
""".replace("KIND", "__import__('ahocorasick_rs').Implementation.ContiguousNFA")

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
        runs = [_figures(_CORE) for _ in range(ROUNDS)]
        imports, read, build, base, grown, groups, idols, decoys = (
            median(column) for column in zip(*runs, strict=True)
        )
        print(f"roster: {groups:.0f} groups, {idols:.0f} idols, {decoys:.0f} decoys")
        print(
            f"imports {imports * 1e3:.0f} ms, seeds {read * 1e3:.0f} ms, core {build * 1e3:.0f} ms"
        )
        print(f"memory: {base:.0f} MB with the imports, {grown:.1f} MB more with the core")
        kept = [_figures(_MEMORY) for _ in range(ROUNDS)]
        parts = zip(
            ("roster", "lexicon", "linker", "automaton"), zip(*kept, strict=True), strict=True
        )
        print("of which " + ", ".join(f"{part} {median(took):.1f} MB" for part, took in parts))
        ours, bare = asyncio.run(_ready(Path(folder)))
        print(
            f"process start to READY: crumbs {ours:.2f} s, bare discord.py {bare:.2f} s "
            f"(ratio {ours / bare:.2f})"
        )


def _figures(script: str) -> list[float]:
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", script],
        capture_output=True, text=True, check=True, cwd=ROOT, env=environment(),
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
