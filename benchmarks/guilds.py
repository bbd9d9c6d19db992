"""Memory at 10,000 guilds: Crumbs' client beside discord.py's default one.

Each client runs in a process of its own, connected to the stand-in's gateway, and is told of the
same guilds: one with 20 channels and 30 roles, made by the stand-in and renumbered 9,999 times.
What counts is how the resident memory of the process grows from before the connection until all
are known. discord.py offers no public way to keep less of a guild, and the checks of permissions
need its channels and roles, so the two are expected to be alike.
"""

from __future__ import annotations

import asyncio
import re
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import msgspec

from tests.processes import environment, process
from tests.standin import Limits, StandIn
from tests.standin.guilds import Guild

ROOT = Path(__file__).parent.parent
GUILDS, CHANNELS, ROLES = 10_000, 20, 30

_CLIENT = """
import asyncio, gc, sys, time, discord, yarl
from discord.gateway import DiscordWebSocket
from bot.client import Client

def resident():
    gc.collect()
    lines = open("/proc/self/status").read().splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("VmRSS"))

async def main(kind, api, token, count):
    discord.http.Route.BASE = api
    client = Client() if kind == "crumbs" else discord.Client(intents=discord.Intents.default())
    await client.login(token)
    _, url, _ = await client.http.get_bot_gateway()
    DiscordWebSocket.DEFAULT_GATEWAY = yarl.URL(url)
    before, spent = resident(), time.process_time()
    connection = asyncio.create_task(client.connect())
    while len(client.guilds) < count or client.guilds[-1].unavailable:
        await asyncio.sleep(0.1)
    spent = time.process_time() - spent
    known = client.guilds
    assert sum(len(g.text_channels) for g in known) == count * CHANNELS
    print(before, resident(), spent)
    await client.close()
    await asyncio.gather(connection, return_exceptions=True)

asyncio.run(main(*sys.argv[1:4], int(sys.argv[4])))
""".replace("CHANNELS", str(CHANNELS))


def main() -> None:
    """Print the figures."""
    grown = {}
    for kind in ("plain", "crumbs"):
        before, after, spent = asyncio.run(_measure(kind))
        grown[kind] = after - before
        name = {"plain": "discord.py's default client", "crumbs": "Crumbs' client"}[kind]
        print(
            f"{name}: {before:.0f} MB, with {GUILDS:,} guilds {after:.0f} MB "
            f"({grown[kind] * 1024 / GUILDS:.1f} kB each), {spent:.1f} s of processor time"
        )
    print(f"ratio of the growth: {grown['crumbs'] / grown['plain']:.2f}")


async def _measure(kind: str) -> tuple[float, float, float]:
    async with StandIn(openapi=False, limits=Limits.off()) as api:
        template = api.add_guild("Guild")
        for number in range(CHANNELS):
            template.add_text_channel(f"channel-{number}")
        while len(template.roles) < ROLES:
            template.add_role(f"role-{len(template.roles)}")
        command = (sys.executable, "-W", "ignore", "-c", _CLIENT, kind, api.api_url, api.token)
        async with process(*command, str(GUILDS), env=environment(), cwd=ROOT, show=False) as child:
            await api.wait_ready(60)
            [session] = api.gateway.sessions.values()
            for data in _renumbered(template, GUILDS - 1):
                session.dispatch("GUILD_CREATE", data)
                session.sent.clear()  # nobody resumes here
                if session.sequence % 50 == 0:
                    await asyncio.sleep(0.01)
            assert child.stdout is not None
            output = (await asyncio.wait_for(child.communicate(), 600))[0].decode()
    before, after, spent = map(float, output.split()[-3:])
    return before, after, spent


def _renumbered(template: Guild, count: int) -> Iterator[msgspec.Raw]:
    """The GUILD_CREATE of a guild again and again, with other ids for all that is its own."""
    text = msgspec.json.encode(template.to_gateway_json()).decode()
    own = sorted({template.id, *template.channels, *template.roles})
    ids = re.compile("|".join(own))
    for number in range(1, count + 1):
        moved = partial(_moved, by=number << 30)
        yield msgspec.Raw(ids.sub(moved, text).encode())


def _moved(found: re.Match[str], by: int) -> str:
    return str(int(found[0]) + by)
