"""`crumbs preview`: the real pipeline without a token; announcements are drawn in the terminal."""

from __future__ import annotations

import asyncio
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import click
import discord
import msgspec
from rich.console import Console

from bot import logs, settings
from bot.app import Core, source_clients, user_agent, utc_now
from bot.cli import cards
from bot.domain.errors import ConfigError
from bot.domain.lookup import clear_leader
from bot.domain.ports import Storage
from bot.domain.roster import Roster
from bot.domain.types import (
    Edit,
    Judgement,
    Message,
    Outcome,
    Pair,
    Place,
    Post,
    Sent,
    Source,
    Watch,
)
from bot.embeds import announcement
from bot.pipeline import deliver_once, ingest_once, match_posts, watched
from bot.seeds import load_seeds, load_sources
from bot.settings import Settings
from bot.sources.http import Fetcher
from storage import open_storage


@click.command()
@click.option(
    "--pair",
    "pairs",
    type=(str, str),
    multiple=True,
    metavar="A B",
    help="Watch this pair (repeatable). Without it, every pair is watched.",
)
@click.option(
    "--source",
    "addresses",
    multiple=True,
    metavar="URL|FILE",
    help="Read this feed instead of the sources file (repeatable).",
)
@click.option("--once", is_flag=True, help="Poll every source once, then end.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line instead of drawings.")
def command(
    pairs: Sequence[tuple[str, str]], addresses: Sequence[str], *, once: bool, as_json: bool
) -> None:
    """Show what would be announced, and why the rest would not. Needs no token.

    The real pipeline runs on a database that is thrown away. Unlike the bot, it takes everything
    that the feeds hold now as news.

    Example:
        crumbs preview --once --pair jisoo mingyu --source https://www.soompi.com/feed
    """
    given = settings.load()
    logs.configure("error", given.log_format)  # what fails is shown on the screen
    core = Core.of(load_seeds(given.roster, given.lexicon))
    sources = [_source(a) for a in dict.fromkeys(addresses)] or load_sources(given.sources)
    watch = [_pair(core, a, b) for a, b in pairs]
    show: Screen = JsonLines() if as_json else Terminal(core.lookup.roster)
    asyncio.run(preview(given, core, sources, watch, show, once=once))


def _source(address: str) -> Source:
    if "://" not in address:
        path = Path(address).expanduser()
        if not path.is_file():
            raise ConfigError(
                f"--source: there is no file {address}; an address needs its https://"
            )
        return Source(id=path.name, kind="feed", url=path.resolve().as_uri(), name=path.name)
    return Source(id=address, kind="feed", url=address, name=address.split("/")[2])


def _pair(core: Core, first: str, second: str) -> Pair:
    ids = []
    for typed in (first, second):
        found = core.lookup.find(typed)
        leader = clear_leader(found)
        if leader is None:
            roster, today = core.lookup.roster, utc_now().date()
            near = [
                roster.label(f.idol_id, today) for f in (found or core.lookup.nearest(typed))[:4]
            ]
            hint = f"; did you mean {' or '.join(near)}?" if near else ""
            raise ConfigError(f"--pair: it is not clear who {typed!r} is{hint}")
        ids.append(leader.idol_id)
    if ids[0] == ids[1]:
        raise ConfigError(f"--pair: {first!r} and {second!r} are the same idol")
    return Pair.of(*ids)


class Screen:
    """Where a preview is shown."""

    def judged(self, post: Post, judgement: Judgement) -> None:
        """A post went by."""

    def announced(self, embeds: Sequence[discord.Embed], buttons: Sequence[str]) -> None:
        """A message would be sent."""

    def failed(self, source: Source, problem: str) -> None:
        """A source could not be read."""

    def done(self, posts: int, messages: int) -> None:
        """Everything there is has been shown."""


class Terminal(Screen):
    """Drawn with rich, in colour where the terminal has it."""

    def __init__(self, roster: Roster, *, to: str = "#preview") -> None:
        self._roster = roster
        self._to = to
        self._console = Console(highlight=False, soft_wrap=False)

    def judged(self, post: Post, judgement: Judgement) -> None:
        self._console.print(cards.verdict(post, judgement, self._roster))

    def announced(self, embeds: Sequence[discord.Embed], buttons: Sequence[str]) -> None:
        self._console.print()
        for embed in embeds:
            self._console.print(cards.card(embed, buttons, to=self._to))
        self._console.print()

    def failed(self, source: Source, problem: str) -> None:
        self._console.print(f"{source.name}: {problem}", style="red", markup=False)

    def done(self, posts: int, messages: int) -> None:
        self._console.print(
            f"{posts} post{'s' * (posts != 1)} read, {messages} "
            f"announcement{'s' * (messages != 1)}.",
            style="bold",
        )


class JsonLines(Screen):
    """One JSON object a line on standard output."""

    def __init__(self) -> None:
        self._roster: Roster | None = None

    def judged(self, post: Post, judgement: Judgement) -> None:
        self._write(
            {
                "type": "verdict",
                "post": {
                    "id": post.id,
                    "outlet": post.outlet,
                    "title": post.title,
                    "url": post.url,
                    "published": post.published,
                },
                "interactions": judgement.interactions,
                "rejections": judgement.rejections,
            }
        )

    def announced(self, embeds: Sequence[discord.Embed], buttons: Sequence[str]) -> None:
        self._write(
            {
                "type": "announcement",
                "embeds": [e.to_dict() for e in embeds],
                "buttons": list(buttons),
            }
        )

    def failed(self, source: Source, problem: str) -> None:
        self._write({"type": "source_error", "source": source.id, "problem": problem})

    def done(self, posts: int, messages: int) -> None:
        self._write({"type": "done", "posts": posts, "announcements": messages})

    def _write(self, row: dict[str, Any]) -> None:
        sys.stdout.buffer.write(msgspec.json.encode(row) + b"\n")
        sys.stdout.buffer.flush()


class _ScreenSender:
    """`bot.domain.ports.Sender` onto a screen."""

    def __init__(self, show: Screen, roster: Roster) -> None:
        self._show = show
        self._roster = roster
        self.sent = 0

    async def send(self, message: Message) -> Outcome:
        """Draw the message; that is all there is to it."""
        embeds, view = announcement(message, self._roster)
        labels = [i.label or "" for i in view.children if isinstance(i, discord.ui.Button)]
        self._show.announced(embeds, labels)
        self.sent += 1
        return Sent(place=Place(channel_id=message.channel_id, message_id=self.sent))

    async def edit(self, edit: Edit) -> Outcome:
        """What was drawn stays as it is."""
        return Sent(place=edit.place)


async def preview(
    given: Settings,
    core: Core,
    sources: Sequence[Source],
    pairs: Sequence[Pair],
    show: Screen,
    *,
    once: bool,
) -> None:
    """Run the pipeline on a database that is thrown away, showing all that happens."""
    with tempfile.TemporaryDirectory(prefix="crumbs-preview-") as folder:
        storage = await open_storage(f"sqlite:///{folder}/preview.db")
        async with Fetcher(user_agent(given), allow=given.fetch_allow) as fetcher:
            try:
                await _preview(given, core, sources, pairs, show, storage, fetcher, once=once)
            finally:
                await storage.close()


async def _preview(
    given: Settings,
    core: Core,
    sources: Sequence[Source],
    pairs: Sequence[Pair],
    show: Screen,
    storage: Storage,
    fetcher: Fetcher,
    *,
    once: bool,
) -> None:
    sources = [replace(s, enabled=True) for s in sources if s.enabled]
    await storage.sync_sources(sources, utc_now())
    for pair in pairs or (None,):
        await storage.add_watch(
            Watch(guild_id=1, channel_id=1, pair=pair, user_id=1, created_at=utc_now())
        )
    posts = 0

    def count(post: Post, judgement: Judgement) -> None:
        nonlocal posts
        posts += 1
        show.judged(post, judgement)

    judge = watched(core.judge, count)

    async def sink(batch: Sequence[Post]) -> None:
        await match_posts(
            batch,
            storage=storage,
            judge=judge,
            cluster=core.cluster,
            clock=utc_now,
            hold=0.0 if once else given.hold_seconds,
        )

    clients = source_clients(fetcher, allow_files=True)
    sender = _ScreenSender(show, core.lookup.roster)
    told: dict[str, str | None] = {}
    while True:
        await ingest_once(
            storage, clients, sink, utc_now, limit=max(len(sources), 1), baseline=False
        )
        await deliver_once(storage, sender, utc_now)
        for health in await storage.source_health():
            if health.last_error and told.get(health.source.id) != health.last_error:
                show.failed(health.source, health.last_error)
            told[health.source.id] = health.last_error
        if once:
            break
        await asyncio.sleep(given.tick_seconds)
    show.done(posts, sender.sent)
