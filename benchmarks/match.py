"""The whole of `match_posts` on SQLite files that watch 100, 10,000 and 1,000,000 pairs.

The watches are inserted in bulk on the store's own connection: one by one, each in a durable
transaction, a million would take hours. Each post reports two idols whom nobody watches, or 10,
100 or 1,000 channels; every store gets the same posts in turn.
"""

from __future__ import annotations

import asyncio
import random
import tempfile
import time
from collections import defaultdict
from functools import partial
from itertools import combinations, islice
from statistics import median

from sqlite_utils import Database

from benchmarks._texts import now, post, reports
from bot import logs
from bot.app import Core
from bot.domain.types import Pair
from bot.pipeline import match_posts
from bot.seeds import load_seeds
from bot.settings import SEEDS
from storage import open_storage
from storage.base import micros
from storage.sqlite import SqliteStorage

WATCHED = (100, 10_000, 1_000_000)
REACHED = (0, 10, 100, 1000)
POSTS = 60  #: of each reach


def main() -> None:
    """Print milliseconds per post by watched pairs and by watchers reached."""
    logs.configure("error", "text")
    asyncio.run(_main())


async def _main() -> None:
    core = Core.of(load_seeds(SEEDS / "roster", SEEDS / "lexicon"))
    told = list(islice(reports(core), len(REACHED) * POSTS))
    reach = {pair: REACHED[number % len(REACHED)] for number, (pair, _) in enumerate(told)}
    times: dict[tuple[int, int], list[float]] = defaultdict(list)
    with tempfile.TemporaryDirectory() as folder:
        stores = {n: await open_storage(f"sqlite:///{folder}/{n}.db") for n in WATCHED}
        for count, store in stores.items():
            assert isinstance(store, SqliteStorage)
            # A million watches one at a time would take hours.
            await store._write(partial(_watch, core, reach, count))  # noqa: SLF001  in bulk
        for number, (pair, text) in enumerate(told):
            for count, store in random.sample(list(stores.items()), len(stores)):
                begin = time.perf_counter()
                await match_posts(
                    [post(number, text, "en")], storage=store, judge=core.judge,
                    cluster=core.cluster, clock=now, hold=60.0,
                )  # fmt: skip
                times[count, reach[pair]].append(time.perf_counter() - begin)
        for store in stores.values():
            assert (await store.accounting()).planned == sum(reach.values())
            await store.close()
    print(
        f"ms a post (medians of {POSTS})" + "".join(f"{n:>12,} pairs" for n in WATCHED) + "  ratio"
    )
    for reached in REACHED:
        row = [median(times[count, reached]) for count in WATCHED]
        print(
            f"  {reached:>5,} watchers reached    "
            + "".join(f"{took * 1e3:18.2f}" for took in row)
            + f"{row[-1] / row[0]:7.2f}"
        )


def _watch(core: Core, reach: dict[Pair, int], count: int, db: Database) -> None:
    """Watch `count` pairs by a channel each, and those of the posts by as many as they reach."""
    roster, at = core.lookup.roster, micros(now())
    others = (
        p for p in (Pair.of(a, b) for a, b in combinations(roster.idols, 2)) if p not in reach
    )
    rows = [(number, p) for number, p in enumerate(islice(others, count))]
    rows += [(2_000_000 + number, p) for p, watchers in reach.items() for number in range(watchers)]
    random.Random(7).shuffle(rows)  # as they come in real life: not in the order of the index
    db.conn.executemany(
        "INSERT INTO watches (guild_id, channel_id, a, b, user_id, created_at) "
        "VALUES (?, ?, ?, ?, 1, ?)",
        ((channel // 10, channel, p.a, p.b, at) for channel, p in rows),
    )


if __name__ == "__main__":
    main()
