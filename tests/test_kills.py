"""`kill -9` at any moment, again and again: afterwards every channel has every story once."""

from __future__ import annotations

import asyncio
import os
import random
import sqlite3
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from bot.domain.types import Watch
from bot.seeds import load_sources
from storage import open_storage
from tests.delivery import PAIRS, met
from tests.processes import bot, environment, rss
from tests.standin import Limits, StandIn
from tests.standin.channels import Channel
from tests.standin.ledger import Request

#: Servers, and channels that watch everything in each; the last of them is a forum.
SERVERS, CHANNELS = 3, 8
#: Kills that share one database, so that each finds what the one before has left.
KILLS = 10
#: What a report is corrected to.
CORRECTED = "wave at each other and chat"

Ledger = Counter[tuple[str, str, str]]


@dataclass
class World:
    """Discord with channels that watch, a feed, and what `crumbs run` needs to know of them."""

    api: StandIn
    feed: Path
    database: Path
    env: dict[str, str]
    #: What the outlet says: a text for each of its posts.
    said: dict[str, str] = field(default_factory=dict)

    def publish(self, number: int) -> None:
        """Another story, and a correction of the one before."""
        if number:
            self.said[f"post-{number - 1}"] = met(number - 1, act=CORRECTED)
        self.said[f"post-{number}"] = met(number)
        new = self.feed.with_suffix(".new")
        new.write_text(rss(*((i, "", text) for i, text in self.said.items())), "utf-8")
        new.replace(self.feed)  # at once: a poll never sees half of it

    def ledger(self) -> Ledger:
        """How often each channel shows a story, by its title and what is told."""
        return Counter(
            (m.channel.overwrites_source.id, e["title"], e["description"])
            for m in self.api.ledger.messages()
            for e in m.embeds
        )

    def read(self, sql: str) -> list[tuple[Any, ...]]:
        """Rows of the books, read beside the running process."""
        books = sqlite3.connect(f"file:{self.database}?mode=ro", uri=True)
        try:
            return books.execute(sql).fetchall()
        finally:
            books.close()

    def look(self, sql: str) -> int:
        """A number from the books."""
        return int(self.read(sql)[0][0])

    def sends(self) -> list[Request]:
        """What was asked of Discord that users can see."""
        calls = self.api.ledger.requests
        return [
            r for r in calls if r.method in ("POST", "PATCH") and r.path.startswith("/channels")
        ]

    def polls_run_out(self) -> None:
        """Let the two minutes pass for which a source is lent to the poll that was killed."""
        books = sqlite3.connect(self.database)
        with books:
            books.execute("UPDATE sources SET lease_until = 0 WHERE lease_until IS NOT NULL")
        books.close()

    def owes(self) -> int:
        """Posts that were not recorded as they are now, messages not sent, edits not made."""
        unheard = set(self.said.items()) - {
            (post_id.removeprefix("outlet:"), text)
            for post_id, text in self.read("SELECT id, text FROM posts")
        }
        return (
            len(unheard)
            + self.look("SELECT count(*) FROM owed WHERE state = 'pending'")
            + self.look("SELECT count(*) FROM fan_outs")
            + self.look("SELECT count(*) FROM messages WHERE state = 'sent' AND wanted > shown")
        )


@asynccontextmanager
async def world(folder: Path) -> AsyncIterator[World]:
    folder.mkdir()
    feed, sources, database = folder / "feed.xml", folder / "sources.toml", folder / "crumbs.db"
    sources.write_text(
        f'[[source]]\nid = "outlet"\nkind = "feed"\nurl = "{feed.as_uri()}"\nlang = "en"\n'
        "every = 1\nenabled = true\n"
    )
    # Every send takes long enough to be interrupted.
    async with StandIn(limits=Limits.off(), latency=0.1) as api:
        channels: list[Channel] = []
        for server in range(SERVERS):
            guild = api.add_guild(f"Server {server}")
            channels += [guild.add_text_channel(f"{server}-{n}") for n in range(CHANNELS - 1)]
            channels.append(guild.add_forum(f"{server}-forum"))
        await _prepare(database, sources, channels)
        env = environment(
            DISCORD_TOKEN=api.token,
            CRUMBS_DISCORD_API_URL=api.api_url,
            CRUMBS_DATABASE_URL=f"sqlite:///{database}",
            CRUMBS_SOURCES=str(sources),
            CRUMBS_TICK_SECONDS="0.1",
            CRUMBS_HOLD_SECONDS="0",
        )
        yield World(api, feed, database, env)


async def _prepare(database: Path, sources: Path, channels: list[Channel]) -> None:
    """A store in which an hour ago the source was added and the channels began to watch."""
    before = datetime.now(UTC) - timedelta(hours=1)
    store = await open_storage(f"sqlite:///{database}")
    await store.sync_sources(load_sources(sources), before)
    for channel in channels:
        assert channel.guild is not None
        await store.add_watch(
            Watch(
                guild_id=int(channel.guild.id),
                channel_id=int(channel.id),
                pair=None,
                user_id=1,
                created_at=before,
            )
        )
    await store.close()


async def drain(w: World) -> float:
    """A run that nothing disturbs, until all is told; the seconds that took."""
    started = time.monotonic()
    async with bot(w.env, w.feed.parent) as child:
        while w.owes():
            assert child.returncode is None, "it has ended by itself"
            assert time.monotonic() < started + 60, "it does not come to an end"
            await asyncio.sleep(0.05)
        return time.monotonic() - started


async def killed_run(w: World, seconds: float, sends: int | None) -> None:
    """Start the bot and kill it after so many seconds or sends, with no time to tidy up."""
    before, deadline = len(w.sends()), time.monotonic() + seconds
    async with bot(w.env, w.feed.parent) as child:
        while time.monotonic() < deadline:
            if sends is not None and len(w.sends()) - before >= sends:
                break
            await asyncio.sleep(0.01)
        assert child.returncode is None, "it was refused, or has ended by itself"
        child.kill()
        await child.wait()
    w.polls_run_out()


async def kill_often(folder: Path, kills: int, dice: random.Random) -> str:
    """Kill runs, then let one end, and compare with a run that was never killed; the figures."""
    async with world(folder / "undisturbed") as w:
        w.publish(0)
        span = await drain(w)
        for number in range(1, len(PAIRS)):
            w.publish(number)
        await drain(w)
        titles = Counter((title, told) for _, title, told in w.ledger().elements())
        assert set(titles.values()) == {SERVERS * CHANNELS}
        assert len(titles) == len(PAIRS)
    done = interrupted = 0
    while done < kills:
        batch = min(KILLS, kills - done)
        async with world(folder / f"after-{done}") as w:
            for kill in range(batch):
                w.publish(kill * len(PAIRS) // batch)
                # At any moment of the whole run, or surely in the middle of its sends.
                if dice.random() < 0.5:
                    await killed_run(w, dice.uniform(0, span), None)
                else:
                    await killed_run(w, span, dice.randint(1, SERVERS * CHANNELS))
                interrupted += w.look(
                    "SELECT count(*) > 0 FROM messages WHERE lease_until IS NOT NULL"
                )
            for number in range(len(w.said), len(PAIRS)):
                w.publish(number)
            await drain(w)
            shown = w.ledger()
            assert set(shown.values()) == {1}, "a story was told twice"
            assert Counter((t, told) for _, t, told in shown) == titles
            store = await open_storage(f"sqlite:///{w.database}")
            books = await store.accounting()
            await store.close()
            assert books.balanced, books
            assert (books.sent, books.planned) == (len(shown), len(shown)), books
        done += batch
    return f"{done} kills, {interrupted} while messages were lent; a whole run takes {span:.1f} s"


def _dice() -> tuple[int, random.Random]:
    seed = random.SystemRandom().randrange(2**32)
    return seed, random.Random(seed)


@pytest.mark.timeout(300)
async def test_twenty_kills(tmp_path: Path) -> None:
    seed, dice = _dice()
    print(f"seed {seed}")  # noqa: T201
    print(await kill_often(tmp_path, 20, dice))  # noqa: T201


@pytest.mark.soak
@pytest.mark.timeout(24000)
async def test_hundreds_of_kills(tmp_path: Path) -> None:
    seed, dice = _dice()
    kills = 200 * int(os.environ.get("CRUMBS_TEST_SOAK", "1"))
    print(f"\nseed {seed}")  # noqa: T201
    print(await kill_often(tmp_path, kills, dice))  # noqa: T201
