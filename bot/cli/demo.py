"""`crumbs demo`: one moment, from five outlets to one announcement; no token and no network."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

import click
from aiohttp import web

from bot import logs
from bot.app import Core, utc_now
from bot.cli.preview import JsonLines, Screen, Terminal, preview
from bot.domain.types import Pair, Source
from bot.seeds import load_seeds, load_sources
from bot.settings import SEEDS, Settings

DEMO = SEEDS / "demo"
_DATE = re.compile(r"\{\{(rfc822|iso) -(\d+)m\}\}")


@click.command()
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line instead of drawings.")
def command(*, as_json: bool) -> None:
    """Show the whole line at work on bundled feeds.

    It needs no token and no network, and takes less than a minute. Eight invented
    outlets are served on this machine. Five report in five languages that Jisoo and Mingyu bowed to
    each other; the others carry what must not be announced.
    """
    logs.configure("warning", "text")
    # The demo is the same for everybody: no .env, no environment.
    given = Settings.model_construct(fetch_allow=frozenset({"127.0.0.1"}))
    core = Core.of(load_seeds(given.roster, given.lexicon))
    show: Screen = JsonLines() if as_json else Terminal(core.lookup.roster, to="#crumbs")
    if not as_json:
        click.echo(
            "A channel watches Jisoo (BLACKPINK) × Mingyu (SEVENTEEN). Eight outlets are read:\n"
        )
    asyncio.run(_demo(given, core, show))
    if not as_json:
        click.echo(
            "\nNext: put your bot's DISCORD_TOKEN into .env (cp .env.example .env), start it with "
            "`make run`,\nand type /pair jisoo mingyu on your server."
        )


async def _demo(given: Settings, core: Core, show: Screen) -> None:
    async with _served(DEMO) as origin:
        sources = [_moved(s, origin) for s in load_sources(DEMO / "sources.toml")]
        pair = Pair.of("blackpink.jisoo", "seventeen.mingyu")
        await preview(given, core, sources, [pair], show, once=True)


def _moved(source: Source, origin: str) -> Source:
    return replace(source, url=f"{origin}/{source.url.rsplit('/', 1)[1]}")


@asynccontextmanager
async def _served(folder: Path) -> AsyncIterator[str]:
    """Serve a folder's feeds on a free loopback port, with their dates made today's."""

    async def feed(request: web.Request) -> web.Response:
        path = folder / f"{request.match_info['name']}.xml"
        if not path.is_file():
            raise web.HTTPNotFound
        return web.Response(
            text=_dated(path.read_text("utf-8"), utc_now()), content_type="application/xml"
        )

    app = web.Application()
    app.router.add_get(r"/{name:[a-z-]+}.xml", feed)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        host, port = runner.addresses[0][:2]
        yield f"http://{host}:{port}"
    finally:
        await runner.cleanup()


def _dated(text: str, now: datetime) -> str:
    def date(match: re.Match[str]) -> str:
        at = now - timedelta(minutes=int(match[2]))
        return format_datetime(at) if match[1] == "rfc822" else at.isoformat(timespec="seconds")

    return _DATE.sub(date, text)
