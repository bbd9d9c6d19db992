"""The line from posts to channels in this process, on one clock for both ends.

The real store, client and announcer; Discord is the stand-in. What users see is read from its
ledger and nowhere else.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from bot.announcer import Announcer
from bot.app import Core
from bot.client import Client
from bot.domain.ports import Storage
from bot.domain.types import Batch, Pair, Post, Source, Watch
from bot.pipeline import deliver_once, ingest_once, match_posts
from storage import open_storage
from tests.standin import Clock, Limits, StandIn
from tests.standin.channels import Channel

SOURCE = Source(id="s", kind="feed", url="https://s.example/feed", name="S", every=60)
#: Pairs whose posts open a story each; the judge is very sure of all of them.
PAIRS = (
    ("BLACKPINK's Jisoo", "SEVENTEEN's Mingyu", Pair("blackpink.jisoo", "seventeen.mingyu")),
    ("aespa's Karina", "BTS's Jimin", Pair("aespa.karina", "bts.jimin")),
    ("IVE's Wonyoung", "Stray Kids' Hyunjin", Pair("ive.wonyoung", "stray-kids.hyunjin")),
    ("TWICE's Nayeon", "BTS's Jungkook", Pair("bts.jungkook", "twice.nayeon")),
    ("Red Velvet's Seulgi", "SHINee's Taemin", Pair("red-velvet.seulgi", "shinee.taemin")),
    ("ITZY's Ryujin", "TXT's Yeonjun", Pair("itzy.ryujin", "txt.yeonjun")),
    ("LE SSERAFIM's Sakura", "ENHYPEN's Jake", Pair("enhypen.jake", "le-sserafim.sakura")),
)  # fmt: skip

#: What a channel shows of one message: an embed's title and what it tells, each story once.
Shown = tuple[tuple[str, str], ...]


def met(number: int, *, act: str = "are seen bowing to each other") -> str:
    """A sentence that tells of the pair of that number."""
    one, other, _ = PAIRS[number]
    return f"{one} and {other} {act} at the Dior show."


@dataclass
class Feed:
    """A source in memory: what it says now is what the next poll brings."""

    posts: list[Post] = field(default_factory=list)

    async def poll(self, source: Source, cursor: Mapping[str, str], now: datetime) -> Batch:
        await asyncio.sleep(0)  # as a real poll, it can be interrupted
        return Batch(posts=tuple(self.posts), cursor={"polled": now.isoformat()})


@dataclass
class Delivery:
    """A store, a bot that is logged in, and Discord."""

    api: StandIn
    client: Client
    core: Core
    storage: Storage
    feed: Feed = field(default_factory=Feed)

    def __post_init__(self) -> None:
        self.restart()
        loop = asyncio.get_running_loop()
        real, self._passed = loop.time, [0.0]
        loop.time = lambda: real() + self._passed[0]  # type: ignore[method-assign]

    def restart(self) -> None:
        """Forget what a process knows by heart."""
        self.sender = Announcer(self.client, lambda: self.core.lookup.roster, self.now)

    # ── time ──

    def now(self) -> datetime:
        return datetime.fromtimestamp(self.api.clock.now(), UTC)

    def let_pass(self, seconds: float) -> None:
        """Let time pass for Discord, for us, and for what waits in the event loop."""
        self.api.clock.advance(seconds)
        self._passed[0] += seconds

    # ── the world ──

    async def watch(self, channel: Channel, pair: Pair | None = None) -> None:
        await self.storage.add_watch(
            Watch(
                guild_id=int(channel.guild_id or 0),
                channel_id=int(channel.id),
                pair=pair,
                user_id=1,
                created_at=self.now() - timedelta(hours=1),
            )
        )

    def post(self, number: int, text: str, **changes: object) -> Post:
        made = Post(
            id=f"s:{number}",
            source_id="s",
            outlet=f"Outlet {number}",
            title="",
            text=text,
            url=f"https://outlet.example/{number}",
            lang="en",
            published=self.now(),
            seen_at=self.now(),
        )
        return replace(made, **changes)

    # ── the rounds ──

    async def match(self, posts: Sequence[Post]) -> None:
        await match_posts(
            posts,
            storage=self.storage,
            judge=self.core.judge,
            cluster=self.core.cluster,
            clock=self.now,
            hold=0.0,
        )

    async def ingest(self) -> int:
        return await ingest_once(
            self.storage, {"feed": self.feed}, self.match, self.now, baseline=False
        )

    async def deliver(self) -> int:
        return await deliver_once(self.storage, self.sender, self.now)

    async def drain(self, *, rounds: int = 5, step: float = 70.0) -> None:
        """Deliver what is due and what falls due while so many steps of seconds pass."""
        for _ in range(rounds):
            await self.deliver()
            self.let_pass(step)
        await self.deliver()

    # ── what came of it ──

    def shown(self, channel: Channel) -> list[Shown]:
        """The messages of a channel, or of a forum's posts, as they stand now."""
        return [
            tuple((e["title"], "\n".join([e["description"], *_sources(e)])) for e in message.embeds)
            for message in self.api.ledger.messages()
            if channel in (message.channel, message.channel.overwrites_source)
        ]

    def titles(self, channel: Channel) -> list[str]:
        """Every story that a channel was told, in order, as often as it was."""
        return [title for message in self.shown(channel) for title, _ in message]

    async def assert_settled(self) -> None:
        """The books balance, nothing is waiting and nothing was given up."""
        books = await self.storage.accounting()
        assert books.balanced, books
        assert (books.pending, books.dead) == (0, 0), books


def _sources(embed: Mapping[str, object]) -> list[str]:
    fields = embed.get("fields") or []
    return [f["value"] for f in fields if f["name"] == "Source"]  # type: ignore[attr-defined]


@contextlib.asynccontextmanager
async def logged_in(
    core: Core, path: Path, *, limits: Limits | None = None
) -> AsyncIterator[Delivery]:
    """A delivery without a gateway, on a clock that stands still until it is moved."""
    async with StandIn(limits=limits or Limits.off(), clock=Clock(frozen=True)) as api:
        client = Client()
        storage = await open_storage(f"sqlite:///{path}")
        try:
            await client.log_in(api.token, api.api_url, [])
            yield Delivery(api, client, core, storage)
        finally:
            await client.close()
            await storage.close()
