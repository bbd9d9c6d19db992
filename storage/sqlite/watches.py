"""Watches: which channel wants to hear of which pair."""

from __future__ import annotations

from typing import Any

from sqlite_utils import Database

from bot.domain.types import Pair, Watch
from storage.base import OwedState, instant, micros


def add(db: Database, watch: Watch) -> bool:
    """See `Storage.add_watch`."""
    before = db.conn.total_changes
    db.table("watches").insert(
        {
            "guild_id": watch.guild_id,
            "channel_id": watch.channel_id,
            "a": watch.pair.a if watch.pair else "",
            "b": watch.pair.b if watch.pair else "",
            "user_id": watch.user_id,
            "created_at": micros(watch.created_at),
        },
        ignore=True,
    )
    return db.conn.total_changes > before


def remove(db: Database, guild_id: int, channel_id: int | None, pair: Pair) -> int:
    """See `Storage.remove_watch`."""
    gone = db.execute(
        "DELETE FROM watches WHERE guild_id = ? AND a = ? AND b = ? "
        "AND (? IS NULL OR channel_id = ?) RETURNING channel_id",
        [guild_id, pair.a, pair.b, channel_id, channel_id],
    ).fetchall()
    for (channel,) in gone:
        _withdraw_unwatched(db, channel)
    return len(gone)


def _withdraw_unwatched(db: Database, channel_id: int) -> None:
    """Withdraw what a channel is owed and no watch of it covers, unless it is being sent.

    A message of several stories stays whole as long as one of them is watched.
    """
    stale = db.execute(
        """
        WITH unwatched AS (
            SELECT o.* FROM owed o
            WHERE o.channel_id = ? AND o.state = 'pending' AND NOT EXISTS (
                SELECT 1 FROM story_pairs p JOIN watches w
                  ON w.channel_id = o.channel_id AND ((w.a = p.a AND w.b = p.b) OR w.a = '')
                WHERE p.story_id = o.story_id))
        SELECT u.story_id, u.step, u.message_id FROM unwatched u
        LEFT JOIN messages m ON m.id = u.message_id
        WHERE m.lease_until IS NULL
          AND (SELECT count(*) FROM owed o WHERE o.message_id = u.message_id)
            = (SELECT count(*) FROM unwatched o WHERE o.message_id = u.message_id)
        """,
        [channel_id],
    ).fetchall()
    for story_id, step, message_id in stale:
        db.execute(
            "UPDATE owed SET state = ?, reason = 'no longer watched' "
            "WHERE story_id = ? AND channel_id = ? AND step = ?",
            [OwedState.WITHDRAWN, story_id, channel_id, step],
        )
        db.execute("UPDATE messages SET state = ? WHERE id = ?", [OwedState.WITHDRAWN, message_id])


def of_guild(db: Database, guild_id: int) -> list[Watch]:
    """See `Storage.watches`."""
    return [
        watch(row)
        for row in db.query(
            "SELECT * FROM watches WHERE guild_id = ? ORDER BY created_at, id", [guild_id]
        )
    ]


def watch(row: dict[str, Any]) -> Watch:
    """A watch from its row."""
    return Watch(
        guild_id=row["guild_id"],
        channel_id=row["channel_id"],
        pair=Pair(row["a"], row["b"]) if row["a"] else None,
        user_id=row["user_id"],
        created_at=instant(row["created_at"]),
    )
