"""Looking at a store without changing it: `migrate=False`, and how far a schema is."""

from __future__ import annotations

import sqlite3
from datetime import UTC, datetime
from pathlib import Path

import pytest

from bot.domain.errors import StorageError, StorageUnavailable
from bot.domain.ports import Storage
from bot.domain.types import Pair, Source, Watch
from storage import open_storage, schema
from storage.sqlite import engine

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def url(path: Path) -> str:
    return f"sqlite:///{path}"


def files(folder: Path) -> dict[str, bytes]:
    return {p.name: p.read_bytes() for p in folder.iterdir()}


def empty_database(path: Path) -> None:
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA user_version = 1")
    connection.close()


async def test_a_missing_file_is_a_sentence_and_is_not_made(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match=r"no store here yet.*crumbs run.*CRUMBS_DATABASE_URL"):
        await open_storage(url(tmp_path / "crumbs.db"), migrate=False)
    assert await schema(url(tmp_path / "crumbs.db")) is None
    assert files(tmp_path) == {}


async def test_a_store_with_pending_migrations_names_the_command_and_stays(tmp_path: Path) -> None:
    path = tmp_path / "crumbs.db"
    empty_database(path)
    before = files(tmp_path)
    with pytest.raises(StorageError, match=r"older version of Crumbs.*`crumbs migrate`") as caught:
        await open_storage(url(path), migrate=False)
    assert not isinstance(caught.value, StorageUnavailable)
    assert files(tmp_path) == before


async def test_a_current_store_can_be_read_beside_its_writer_and_stays(tmp_path: Path) -> None:
    path = tmp_path / "a b?#%.db"  # every character that an address could trip over
    address = url(tmp_path) + "/a%20b%3F%23%25.db"
    writer = await open_storage(address)
    assert path.exists()
    await writer.sync_sources(
        [Source(id="s", kind="feed", url="https://x.example/", name="S")], NOW
    )
    reader = await open_storage(address, migrate=False)
    assert [h.source.id for h in await reader.source_health()] == ["s"]
    await writer.put("later", "seen")
    assert await reader.get("later") == "seen"
    await reader.close()
    await writer.close()
    before = files(tmp_path)
    reader = await open_storage(address, migrate=False)
    await reader.accounting()
    await reader.close()
    assert files(tmp_path) == before


@pytest.mark.parametrize("migrate", [True, False])
async def test_a_newer_or_damaged_store_is_refused_either_way(
    tmp_path: Path, migrate: bool
) -> None:
    newer, damaged = tmp_path / "newer.db", tmp_path / "damaged.db"
    await (await open_storage(url(newer))).close()
    connection = sqlite3.connect(newer)
    connection.execute(
        "INSERT INTO _sqlite_migrations (migration_set, name, applied_at) "
        "VALUES ('crumbs', 'm9999_later', '')"
    )
    connection.commit()
    connection.close()
    damaged.write_text("somebody's notes " * 100)
    before = files(tmp_path)
    with pytest.raises(StorageError, match="newer version"):
        await open_storage(url(newer), migrate=migrate)
    with pytest.raises(StorageError, match="no SQLite database"):
        await open_storage(url(damaged), migrate=migrate)
    assert files(tmp_path) == before


async def test_the_schema_tells_steps_with_what_they_do(tmp_path: Path) -> None:
    path = tmp_path / "crumbs.db"
    empty_database(path)
    old = await schema(url(path))
    assert old is not None
    assert (old.applied, old.version) == ((), "nothing")
    await (await open_storage(url(path))).close()
    new = await schema(url(path))
    assert new is not None
    assert (new.applied, new.pending) == (old.pending, ())
    assert len(new.applied) == len(engine.migrations._migrations)
    assert new.version == new.applied[-1].name
    assert all(step.what.endswith(".") for step in new.applied)


async def test_closed_channels_of_one_server_or_of_all(storage: Storage, tmp_path: Path) -> None:
    connection = sqlite3.connect(tmp_path / "crumbs.db")
    connection.executemany(
        "INSERT INTO channels (channel_id, guild_id, reason, closed_at, probe_at) "
        "VALUES (?, ?, ?, 0, 0)",
        [(10, 1, "Missing Access"), (20, 2, "Unknown Channel")],
    )
    connection.commit()
    connection.close()
    assert await storage.closed_channels(1) == {10: "Missing Access"}
    assert await storage.closed_channels(None) == {10: "Missing Access", 20: "Unknown Channel"}


async def test_a_store_that_was_opened_so_can_be_written(tmp_path: Path) -> None:
    path = tmp_path / "crumbs.db"
    await (await open_storage(url(path))).close()
    store = await open_storage(url(path), migrate=False)
    watch = Watch(guild_id=1, channel_id=2, pair=Pair("a", "b"), user_id=3, created_at=NOW)
    assert await store.add_watch(watch)
    await store.close()
