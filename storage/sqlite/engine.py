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
from dataclasses import dataclass
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


@dataclass(frozen=True, slots=True)
class Step:
    """One change of the schema."""

    #: "0001_first".
    name: str
    #: What it changes, for a reader.
    what: str


@dataclass(frozen=True, slots=True)
class Schema:
    """The steps that a store's schema has taken, and those that this program would add."""

    applied: tuple[Step, ...]
    pending: tuple[Step, ...]

    @property
    def version(self) -> str:
        """The name of the newest step."""
        return self.applied[-1].name if self.applied else "nothing"


class Engine:
    """One database file. Make it with `Engine.open`."""

    def __init__(self, path: Path, *, create: bool = True) -> None:
        self._path = path
        self._address = f"{path.absolute().as_uri()}?mode={'rwc' if create else 'rw'}"
        self._writer = ThreadPoolExecutor(1, thread_name_prefix="sqlite-writer")
        self._readers = ThreadPoolExecutor(_READERS, thread_name_prefix="sqlite-reader")
        self._local = threading.local()
        self._connections: list[sqlite3.Connection] = []
        self._closed = False

    @classmethod
    async def open(cls, path: Path, *, migrate: bool = True) -> Engine:
        """Open or create the file and bring its schema up to date, or (not `migrate`) do neither.

        Raises:
            StorageError: it is corrupt, or a newer version of Crumbs wrote it; without `migrate`
                also: it is missing, or its schema is not up to date.
            StorageUnavailable: it cannot be opened now.
        """
        engine = cls(path, create=migrate)
        prepare = engine._migrate if migrate else engine._require_current
        try:
            await asyncio.get_running_loop().run_in_executor(engine._writer, prepare)
        except BaseException:
            await engine.close()
            raise
        return engine

    @classmethod
    async def schema(cls, path: Path) -> Schema | None:
        """Look how far a file's schema is, changing nothing; None when there is no such file.

        Raises:
            StorageError: it is corrupt, or a newer version of Crumbs wrote it.
            StorageUnavailable: it cannot be opened now.
        """
        engine = cls(path, create=False)
        try:
            return await asyncio.get_running_loop().run_in_executor(engine._writer, engine._schema)
        finally:
            await engine.close()

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
                self._address,
                uri=True,
                isolation_level=None,
                check_same_thread=False,
                timeout=BUSY_MS / 1000,
            )
            self._connections.append(connection)
            connection.execute("PRAGMA foreign_keys = ON")
            connection.execute(
                "PRAGMA synchronous = FULL"
            )  # a settled send must survive power loss
            db = self._local.db = Database(connection)
        return db

    def _migrate(self) -> None:
        self._schema()  # refuses a store that is damaged or newer before anything is written
        try:
            db = self._database()
            db.enable_wal()
            migrations.apply(db)
        except sqlite3.Error as error:
            raise translate(error, self._path) from error

    def _require_current(self) -> None:
        schema = self._schema()
        if schema is None:
            raise StorageError(
                f"{self._path}: there is no store here yet. `crumbs run` makes one, and so does "
                "`crumbs migrate`; if there should be one, correct CRUMBS_DATABASE_URL."
            )
        if schema.pending:
            raise StorageError(
                f"{self._path}: was written by an older version of Crumbs; bring it up to date "
                f"with `crumbs migrate` (from {schema.version} to {schema.pending[-1].name})"
            )

    def _schema(self) -> Schema | None:
        try:
            if not self._path.exists():
                return None
            applied = [m.name for m in migrations.applied(self._database())]
        except sqlite3.Error as error:
            raise translate(error, self._path) from error
        except OSError as error:
            raise StorageUnavailable(f"{self._path}: cannot be used now ({error})") from error
        steps = {
            m.name: Step(m.name.removeprefix("m"), (m.fn.__doc__ or "").partition("\n")[0])
            for m in migrations._migrations  # noqa: SLF001  no public list of them
        }
        if unknown := set(applied) - set(steps):
            raise StorageError(
                f"{self._path}: was written by a newer version of Crumbs "
                f"({', '.join(sorted(unknown))}); upgrade Crumbs or restore an older backup"
            )
        return Schema(
            applied=tuple(steps[name] for name in applied),
            pending=tuple(step for name, step in steps.items() if name not in applied),
        )

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
