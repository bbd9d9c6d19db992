"""SQLite from asyncio: one writer thread, reader threads, whole transactions, clear errors.

WAL lets readers go on beside the writer, so a command never queues behind a fan-out. A write is
`BEGIN IMMEDIATE` from the start: a deferred transaction that reads first fails at once when
another process wrote in between. Work runs in threads to its end even when the coroutine that
waits for it is cancelled, so a transaction happens wholly or not at all.
"""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

from sqlite_utils import Database

from bot.domain.errors import StorageError, StorageUnavailable
from storage.sqlite.migrations import migrations

T = TypeVar("T")

#: Milliseconds to wait for a lock that another process holds.
BUSY_MS = 5000
_READERS = 2
#: SQLite result codes that pass with time or with room; https://www.sqlite.org/rescode.html
_PASSING = ("BUSY", "LOCKED", "FULL", "IOERR", "CANTOPEN", "READONLY", "NOMEM", "PROTOCOL")


def translate(error: sqlite3.Error, path: Path) -> StorageError:
    """A SQLite error as Crumbs' own, with what to do about it."""
    name = getattr(error, "sqlite_errorname", "") or ""
    code = name.removeprefix("SQLITE_")
    if code.startswith("FULL"):
        return StorageUnavailable(f"{path}: the disk is full; free some room ({error})")
    if code.startswith(_PASSING):
        return StorageUnavailable(f"{path}: cannot be used now ({error})")
    if code.startswith(("CORRUPT", "NOTADB")):
        return StorageError(f"{path}: is damaged or no SQLite database; restore a backup ({error})")
    return StorageError(f"{path}: {error}")


class Engine:
    """One database file. Make it with `Engine.open`."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._writer = ThreadPoolExecutor(1, thread_name_prefix="sqlite-writer")
        self._readers = ThreadPoolExecutor(_READERS, thread_name_prefix="sqlite-reader")
        self._local = threading.local()
        self._connections: list[sqlite3.Connection] = []
        self._closed = False

    @classmethod
    async def open(cls, path: Path) -> Engine:
        """Open or create the file and bring its schema up to date.

        Raises:
            StorageError: it is corrupt, or a newer version of Crumbs wrote it.
            StorageUnavailable: it cannot be opened now.
        """
        engine = cls(path)
        try:
            await asyncio.get_running_loop().run_in_executor(engine._writer, engine._prepare)
        except BaseException:
            await engine.close()
            raise
        return engine

    async def write(self, work: Callable[[Database], T]) -> T:
        """Run `work` in one immediate transaction on the writer thread."""
        return await self._run(self._writer, self._transact, work)

    async def read(self, work: Callable[[Database], T]) -> T:
        """Run `work` in one read transaction: all its queries see the same moment."""
        return await self._run(self._readers, self._snapshot, work)

    async def close(self) -> None:
        """Let running work end, then close every connection."""
        if self._closed:
            return
        self._closed = True
        for pool in (self._readers, self._writer):
            await asyncio.to_thread(pool.shutdown, wait=True)
        for connection in self._connections:
            connection.close()

    async def _run(
        self,
        pool: ThreadPoolExecutor,
        how: Callable[[Callable[[Database], T]], T],
        work: Callable[[Database], T],
    ) -> T:
        if self._closed:
            raise StorageUnavailable(f"{self._path}: is closed")
        return await asyncio.get_running_loop().run_in_executor(pool, how, work)

    # ── on the threads ──

    def _database(self) -> Database:
        db: Database | None = getattr(self._local, "db", None)
        if db is None:
            connection = sqlite3.connect(
                self._path, isolation_level=None, check_same_thread=False, timeout=BUSY_MS / 1000
            )
            self._connections.append(connection)
            connection.execute("PRAGMA foreign_keys = ON")
            connection.execute(
                "PRAGMA synchronous = FULL"
            )  # a settled send must survive power loss
            db = self._local.db = Database(connection)
        return db

    def _prepare(self) -> None:
        try:
            db = self._database()
            db.enable_wal()
            unknown = {m.name for m in migrations.applied(db)} - {
                m.name
                for m in migrations._migrations  # noqa: SLF001  no public list of names
            }
            if unknown:
                raise StorageError(
                    f"{self._path}: was written by a newer version of Crumbs "
                    f"({', '.join(sorted(unknown))}); upgrade Crumbs or restore an older backup"
                )
            migrations.apply(db)
        except sqlite3.Error as error:
            raise translate(error, self._path) from error

    def _transact(self, work: Callable[[Database], T]) -> T:
        try:
            db = self._database()
            db.conn.execute("BEGIN IMMEDIATE")
            try:
                result = work(db)
                db.conn.execute("COMMIT")
            except BaseException:
                if db.conn.in_transaction:
                    db.conn.execute("ROLLBACK")
                raise
        except sqlite3.Error as error:
            raise translate(error, self._path) from error
        return result

    def _snapshot(self, work: Callable[[Database], T]) -> T:
        try:
            db = self._database()
            db.conn.execute("PRAGMA query_only = ON")
            db.conn.execute("BEGIN")
            try:
                return work(db)
            finally:
                db.conn.execute("ROLLBACK")
        except sqlite3.Error as error:
            raise translate(error, self._path) from error
