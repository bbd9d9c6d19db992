"""What is SQLite's own: the schema's history, damage, locks, a second process."""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from bot.domain.cluster import Clusterer
from bot.domain.errors import ConfigError, StorageError, StorageUnavailable
from bot.domain.lexicon import Lexicon
from bot.domain.types import (
    Interaction,
    Kind,
    Pair,
    Post,
    Reason,
    Rejection,
    Tier,
    Watch,
)
from storage import open_storage, sqlite_path
from storage.sqlite import SqliteStorage, engine

DUMPS = Path(__file__).resolve().parents[2] / "storage" / "schema" / "sqlite"
WATCH = Watch(
    guild_id=1,
    channel_id=2,
    pair=Pair("a.one", "b.two"),
    user_id=3,
    created_at=datetime(2026, 1, 1, tzinfo=UTC),
)

POST = Post(id="src:1", source_id="src", text="text", seen_at=datetime(2026, 1, 2, tzinfo=UTC))
MET = Interaction(
    pair=Pair("a.one", "b.two"),
    kind=Kind.GREETING,
    tier=Tier.ANNOUNCE,
    confidence=0.9,
    evidence="they bowed",
)
CLUSTER = Clusterer(Lexicon({}, {}))


def schema_of(path: Path) -> str:
    """The schema as SQL, in an order that does not depend on how it came about."""
    connection = sqlite3.connect(path)
    try:
        rows = connection.execute(
            "SELECT sql FROM sqlite_master WHERE sql IS NOT NULL AND name NOT LIKE '\\_sqlite%' "
            "ESCAPE '\\' AND tbl_name NOT LIKE '\\_sqlite%' ESCAPE '\\' "
            "ORDER BY type <> 'table', type, name"
        ).fetchall()
    finally:
        connection.close()
    return "".join(f"{sql};\n" for (sql,) in rows)


async def test_the_newest_dump_is_the_schema_that_migrations_make(tmp_path: Path) -> None:
    store = await SqliteStorage.open(tmp_path / "new.db")
    await store.close()
    newest = max(DUMPS.glob("*.sql"))
    assert schema_of(tmp_path / "new.db") == newest.read_text("utf-8")


def test_every_migration_has_its_dump() -> None:
    names = sorted(p.stem for p in DUMPS.glob("*.sql"))
    assert names == sorted(m.name.removeprefix("m") for m in engine.migrations._migrations)


@pytest.mark.parametrize("dump", sorted(DUMPS.glob("*.sql")), ids=lambda p: p.stem)
async def test_every_old_schema_opens_and_works(dump: Path, tmp_path: Path) -> None:
    path = tmp_path / "old.db"
    connection = sqlite3.connect(path)
    connection.executescript(dump.read_text("utf-8"))
    connection.executescript(
        "CREATE TABLE _sqlite_migrations (id INTEGER PRIMARY KEY, migration_set TEXT, name TEXT,"
        " applied_at TEXT);"
    )
    applied = [m.name for m in engine.migrations._migrations if m.name <= f"m{dump.stem}"]
    connection.executemany(
        "INSERT INTO _sqlite_migrations (migration_set, name, applied_at) VALUES ('crumbs', ?, '')",
        [(name,) for name in applied],
    )
    connection.commit()
    connection.close()
    store = await SqliteStorage.open(path)
    assert await store.add_watch(WATCH)
    await store.close()
    assert schema_of(path) == max(DUMPS.glob("*.sql")).read_text("utf-8")


async def test_a_store_of_a_newer_version_is_refused_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "newer.db"
    await (await SqliteStorage.open(path)).close()
    connection = sqlite3.connect(path)
    connection.execute(
        "INSERT INTO _sqlite_migrations (migration_set, name, applied_at) "
        "VALUES ('crumbs', 'm9999_later', '')"
    )
    connection.commit()
    connection.close()
    with pytest.raises(StorageError, match=r"newer version of Crumbs .*m9999_later.*upgrade"):
        await SqliteStorage.open(path)


async def test_a_file_that_is_no_database_is_refused_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "notes.db"
    path.write_text("not a database, but somebody's notes " * 100)
    before = path.read_bytes()
    with pytest.raises(StorageError, match="no SQLite database") as caught:
        await SqliteStorage.open(path)
    assert not isinstance(caught.value, StorageUnavailable)
    assert path.read_bytes() == before


async def test_a_folder_that_does_not_exist_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(StorageUnavailable, match="cannot be used now"):
        await SqliteStorage.open(tmp_path / "missing" / "crumbs.db")


async def test_a_locked_database_is_unavailable_and_works_afterwards(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine, "BUSY_MS", 50)
    path = tmp_path / "crumbs.db"
    store = await SqliteStorage.open(path)
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(StorageUnavailable, match="locked"):
        await store.add_watch(WATCH)
    assert await store.watches(1) == []  # readers are not kept waiting
    other.execute("ROLLBACK")
    assert await store.add_watch(WATCH)
    other.close()
    await store.close()


async def test_a_full_disk_is_unavailable_and_works_afterwards(tmp_path: Path) -> None:
    store = await SqliteStorage.open(tmp_path / "crumbs.db")
    pages = await store._engine.write(lambda db: db.execute("PRAGMA page_count").fetchone()[0])
    await store._engine.write(lambda db: db.execute(f"PRAGMA max_page_count = {pages}"))
    with pytest.raises(StorageUnavailable, match="disk is full"):
        await store.put("big", "x" * 1_000_000)
    assert await store.get("big") is None
    await store._engine.write(lambda db: db.execute(f"PRAGMA max_page_count = {pages * 1000}"))
    await store.put("big", "x" * 1_000_000)
    await store.close()


HOLD = """
import asyncio, sys
from pathlib import Path
from storage.sqlite import SqliteStorage

async def hold():
    store = await SqliteStorage.open(Path(sys.argv[1]))
    print(await store.lock_sending(), flush=True)
    await asyncio.sleep(60)

asyncio.run(hold())
"""


async def test_a_second_sender_is_refused_until_the_first_dies(tmp_path: Path) -> None:
    path = tmp_path / "crumbs.db"
    await (await SqliteStorage.open(path)).close()
    holder = subprocess.Popen([sys.executable, "-c", HOLD, str(path)], stdout=subprocess.PIPE)
    assert holder.stdout is not None
    assert holder.stdout.readline() == b"True\n"
    store = await SqliteStorage.open(path)
    assert not await store.lock_sending()
    holder.kill()
    holder.communicate()
    assert await store.lock_sending()
    await store.close()


def test_addresses_name_relative_and_absolute_files() -> None:
    assert sqlite_path("sqlite:///crumbs.db") == Path("crumbs.db")
    assert sqlite_path("sqlite:////var/lib/a%20b.db") == Path("/var/lib/a b.db")


@pytest.mark.parametrize("url", ["mysql://x/y", "crumbs.db", "sqlite://host/x", "sqlite:///"])
async def test_other_addresses_are_refused_with_an_example(url: str) -> None:
    with pytest.raises(ConfigError, match=r"sqlite:///crumbs\.db"):
        await open_storage(url)


async def test_what_counted_is_kept_with_each_verdict(tmp_path: Path) -> None:
    because = (("in one list", 0.55), ("Jisoo: bound to BLACKPINK", 4.0))
    met = replace(MET, because=because)
    unmet = Rejection(pair=Pair("a.one", "c.three"), reason=Reason.CO_MENTION)
    store = await SqliteStorage.open(tmp_path / "kept.db")
    try:
        assert await store.record(POST, (met, unmet), CLUSTER, hold=0.0, now=POST.seen_at)
    finally:
        await store.close()
    connection = sqlite3.connect(tmp_path / "kept.db")
    try:
        rows = connection.execute("SELECT because FROM verdicts ORDER BY id").fetchall()
    finally:
        connection.close()
    assert [json.loads(b) for (b,) in rows] == [[list(x) for x in because], []]


async def test_the_books_miss_a_row_that_was_lost(tmp_path: Path) -> None:
    path = tmp_path / "crumbs.db"
    store = await SqliteStorage.open(path)
    assert await store.add_watch(WATCH)
    await store.record(POST, [MET], CLUSTER, hold=0, now=POST.seen_at)
    assert (await store.accounting()).balanced
    with sqlite3.connect(path) as behind:
        behind.execute("DELETE FROM owed")
    assert not (await store.accounting()).balanced
    await store.close()


async def test_the_books_see_what_is_owed_and_its_message_disagree(tmp_path: Path) -> None:
    path = tmp_path / "crumbs.db"
    store = await SqliteStorage.open(path)
    assert await store.add_watch(WATCH)
    await store.record(POST, [MET], CLUSTER, hold=0, now=POST.seen_at)
    await store.claim_messages(POST.seen_at, limit=1, lease=60)
    with sqlite3.connect(path) as behind:
        behind.execute("UPDATE owed SET state = 'sent'")
    books = await store.accounting()
    assert (books.adrift, books.balanced) == (1, False)
    await store.close()
