"""`bot.domain.ports.Storage` in one SQLite file: each method is one function in one transaction."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path

from filelock import FileLock, Timeout

from bot.domain.ports import Clusterer
from bot.domain.types import (
    Accounting,
    DeadLetter,
    Edit,
    Message,
    Outcome,
    Pair,
    PollResult,
    Post,
    Source,
    SourceHealth,
    SourceLease,
    Story,
    Verdict,
    Watch,
)
from storage.sqlite import outbox, sources, stories, watches
from storage.sqlite.engine import Engine


class SqliteStorage:
    """The store in a file. The contract of every method stands in `bot.domain.ports.Storage`."""

    def __init__(self, engine: Engine, path: Path) -> None:
        self._engine = engine
        # The operating system drops the lock with the process; beside the database, so that two
        # processes which see the same file see the same lock.
        self._sending = FileLock(path.with_name(f"{path.name}.lock"), blocking=False)
        self._write = engine.write
        self._read = engine.read

    @classmethod
    async def open(cls, path: Path, *, migrate: bool = True) -> SqliteStorage:
        """Open the file; see `Engine.open`."""
        return cls(await Engine.open(path, migrate=migrate), path)

    async def close(self) -> None:
        await self._engine.close()
        self._sending.release(force=True)

    # ── sources ──

    async def sync_sources(self, given: Sequence[Source], now: datetime) -> None:
        await self._write(lambda db: sources.sync(db, given, now))

    async def claim_sources(self, now: datetime, *, limit: int, lease: float) -> list[SourceLease]:
        return await self._write(lambda db: sources.claim(db, now, limit, lease))

    async def finish_poll(self, lease: SourceLease, result: PollResult, now: datetime) -> bool:
        return await self._write(lambda db: sources.finish(db, lease, result, now))

    async def source_health(self) -> list[SourceHealth]:
        return await self._read(sources.health)

    # ── posts and stories ──

    async def unseen(self, digests: Mapping[str, str]) -> dict[str, bool]:
        return await self._read(lambda db: stories.unseen(db, digests))

    async def mark_seen(self, digests: Mapping[str, str], now: datetime) -> None:
        if digests:
            await self._write(lambda db: stories.mark_seen(db, digests, now))

    async def record(
        self,
        post: Post,
        verdicts: Sequence[Verdict],
        cluster: Clusterer,
        *,
        hold: float,
        now: datetime,
    ) -> bool:
        return await self._write(lambda db: stories.record(db, post, verdicts, cluster, hold, now))

    async def retract(self, post_id: str, now: datetime) -> bool:
        return await self._write(lambda db: stories.retract(db, post_id, now))

    async def stories(self, pair: Pair | None = None, *, limit: int = 20) -> list[Story]:
        return await self._read(lambda db: stories.latest(db, pair, limit))

    # ── watches ──

    async def add_watch(self, watch: Watch) -> bool:
        return await self._write(lambda db: watches.add(db, watch))

    async def remove_watch(self, guild_id: int, channel_id: int | None, pair: Pair) -> int:
        return await self._write(lambda db: watches.remove(db, guild_id, channel_id, pair))

    async def watches(self, guild_id: int) -> list[Watch]:
        return await self._read(lambda db: watches.of_guild(db, guild_id))

    # ── delivery ──

    async def claim_messages(self, now: datetime, *, limit: int, lease: float) -> list[Message]:
        return await self._write(lambda db: outbox.claim(db, now, limit, lease))

    async def settle(self, message: Message, outcome: Outcome, now: datetime) -> bool:
        return await self._write(lambda db: outbox.settle(db, message, outcome, now))

    async def claim_edits(self, now: datetime, *, limit: int, lease: float) -> list[Edit]:
        return await self._write(lambda db: outbox.claim_edits(db, now, limit, lease))

    async def settle_edit(self, edit: Edit, outcome: Outcome, now: datetime) -> bool:
        return await self._write(lambda db: outbox.settle_edit(db, edit, outcome, now))

    async def dead_letters(self, guild_id: int | None, *, limit: int = 20) -> list[DeadLetter]:
        return await self._read(lambda db: outbox.dead_letters(db, guild_id, limit))

    async def retry_dead(self, guild_id: int | None, now: datetime) -> int:
        return await self._write(lambda db: outbox.retry_dead(db, guild_id, now))

    async def lock_sending(self) -> bool:
        try:
            self._sending.acquire()
        except Timeout:
            return False
        return True

    async def release_messages(self) -> int:
        return await self._write(outbox.release)

    async def closed_channels(self, guild_id: int | None) -> dict[int, str]:
        return await self._read(lambda db: outbox.closed_channels(db, guild_id))

    async def open_channel(self, channel_id: int) -> None:
        await self._write(lambda db: outbox.open_channel(db, channel_id))

    async def message(self, message_id: str) -> Message | None:
        return await self._read(lambda db: outbox.message(db, message_id))

    # ── books ──

    async def accounting(self) -> Accounting:
        return await self._read(outbox.accounting)

    async def get(self, key: str) -> str | None:
        row = await self._read(
            lambda db: db.execute("SELECT value FROM memory WHERE key = ?", [key]).fetchone()
        )
        return None if row is None else str(row[0])

    async def put(self, key: str, value: str) -> None:
        await self._write(
            lambda db: db.table("memory").insert(
                {"key": key, "value": value}, pk="key", replace=True
            )
        )
