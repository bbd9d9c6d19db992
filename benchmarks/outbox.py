"""Posts recorded, messages claimed and outcomes settled a second on SQLite, with full durability.

Each is a transaction of its own that is on the disk when it returns. Beside it how many of the
smallest such transactions the same disk takes.
"""

from __future__ import annotations

import asyncio
import sqlite3
import tempfile
import time
from collections.abc import Awaitable, Callable
from datetime import timedelta
from itertools import islice
from pathlib import Path

from benchmarks._texts import now, post, reports
from bot import logs
from bot.app import Core
from bot.domain.types import Message, Place, Sent, Watch
from bot.seeds import load_seeds
from bot.settings import SEEDS
from storage import open_storage

POSTS = 300
CHANNELS = 20
#: As many as the delivery asks for in one go.
CLAIM = 32


def main() -> None:
    """Print the figures."""
    logs.configure("error", "text")
    asyncio.run(_main())


async def _main() -> None:
    core = Core.of(load_seeds(SEEDS / "roster", SEEDS / "lexicon"))
    told = [post(n, text, "en") for n, (_, text) in enumerate(islice(reports(core), POSTS))]
    judged = [(p, core.judge(p).verdicts) for p in told]
    with tempfile.TemporaryDirectory() as folder:
        bare = _bare(Path(folder))
        storage = await open_storage(f"sqlite:///{folder}/crumbs.db")
        for channel in range(CHANNELS):
            await storage.add_watch(
                Watch(
                    guild_id=1, channel_id=channel, pair=None, user_id=1,
                    created_at=now() - timedelta(minutes=1),
                )
            )  # fmt: skip
        rows: list[tuple[str, int, float]] = []

        async def timed(what: str, work: Callable[[], Awaitable[int]]) -> None:
            begin = time.perf_counter()
            count = await work()
            rows.append((what, count, time.perf_counter() - begin))

        async def record() -> int:
            for one, verdicts in judged:
                await storage.record(one, verdicts, core.cluster, hold=0.0, now=now())
            return len(judged)

        claimed: list[Message] = []

        async def claim() -> int:
            while some := await storage.claim_messages(now(), limit=CLAIM, lease=600.0):
                claimed.extend(some)
            return len(claimed)

        async def settle() -> int:
            for n, message in enumerate(claimed):
                place = Place(channel_id=message.channel_id, message_id=n)
                await storage.settle(message, Sent(place=place), now())
            return len(claimed)

        await timed("posts recorded, 20 channels each", record)
        await timed("messages frozen and claimed, 32 at a time", claim)
        await timed("outcomes settled, one by one", settle)
        books = await storage.accounting()
        assert books.balanced
        assert books.sent == len(claimed)
        await storage.close()
    print(f"{'bare transactions of one row':45} {bare:8,.0f}/s")
    for what, count, took in rows:
        print(f"{what:45} {count / took:8,.0f}/s  ({count / took / bare:.2f} of the bare ones)")


def _bare(folder: Path) -> float:
    connection = sqlite3.connect(folder / "bare.db", isolation_level=None)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("CREATE TABLE t (n INTEGER)")
    begin = time.perf_counter()
    for n in range(1000):
        connection.execute("INSERT INTO t VALUES (?)", [n])
    took = time.perf_counter() - begin
    connection.close()
    return 1000 / took
