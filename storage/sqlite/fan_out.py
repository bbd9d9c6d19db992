"""From a story to its channels: who is owed a message of it, and whose message is due an edit.

Both may concern very many channels. They are written in batches behind a row of `fan_outs`, the
first with the story itself and the others as messages are claimed, so that no transaction is long
and no channel is forgotten.
"""

from __future__ import annotations

from collections import Counter
from datetime import datetime
from typing import Any

from sqlite_utils import Database

from bot.domain.types import Pair, Step
from storage.base import FAN_OUT, micros, rank

Row = dict[str, Any]

_OWE, _TOUCH = "owe", "touch"


def owe(db: Database, story_id: str, pair: Pair, hold: float, now: datetime) -> None:
    """Owe a story to every channel that watches the pair since before it was first recorded."""
    _start(db, story_id, _OWE, pair, now, hold=hold)


def touch(db: Database, story_id: str, now: datetime, *, must: bool) -> None:
    """Make messages that tell of a story due an edit; `must` when they are wrong as they stand."""
    _start(db, story_id, _TOUCH, None, now, must=must)


def go_on(db: Database, now: datetime) -> None:
    """Write the next batch of the oldest fan-out that is not finished, if there is one."""
    row = next(iter(db.query("SELECT * FROM fan_outs ORDER BY id LIMIT 1")), None)
    if row is not None:
        _batch(db, row, now)


def _start(
    db: Database,
    story_id: str,
    what: str,
    pair: Pair | None,
    now: datetime,
    *,
    hold: float = 0.0,
    must: bool = False,
) -> None:
    at = micros(now)
    row: Row = {
        "story_id": story_id,
        "what": what,
        "a": pair.a if pair else "",
        "b": pair.b if pair else "",
        "must": int(must),
        "created_at": at,
        "due_at": at + int(hold * 1_000_000),
        "after": -1,
    }
    row["id"] = db.table("fan_outs").insert(row, pk="id").last_pk
    _batch(db, row, now)


def _batch(db: Database, row: Row, now: datetime) -> None:
    after = _touch_some(db, row, now) if row["what"] == _TOUCH else _owe_some(db, row)
    if after is None:
        db.execute("DELETE FROM fan_outs WHERE id = ?", [row["id"]])
    else:
        db.execute("UPDATE fan_outs SET after = ? WHERE id = ?", [after, row["id"]])


def _owe_some(db: Database, row: Row) -> int | None:
    """Owe to the next channels by id; the last of them, or None when there are no more."""
    # Each half stops at the limit by itself, so that a batch costs the same wherever it begins.
    half = """
        SELECT * FROM (
            SELECT w.channel_id, w.guild_id, {direct} AS direct FROM watches w
            WHERE w.a = {a} AND w.b = {b} AND w.channel_id > :after
              AND w.created_at <= (SELECT created_at FROM stories WHERE id = :story_id)
            ORDER BY w.channel_id LIMIT :many)
    """
    values = {"story_id": row["story_id"], "a": row["a"], "b": row["b"], "after": row["after"]}
    watching = db.execute(
        f"""
        SELECT channel_id, min(guild_id), max(direct)
        FROM ({half.format(a=":a", b=":b", direct=1)}
              UNION ALL {half.format(a="''", b="''", direct=0)})
        GROUP BY channel_id ORDER BY channel_id LIMIT :many
        """,  # noqa: S608  constants
        {**values, "many": FAN_OUT},
    ).fetchall()
    if not watching:
        return None
    told = {
        channel_id
        for (channel_id,) in db.execute(
            "SELECT channel_id FROM owed WHERE story_id = ? AND channel_id BETWEEN ? AND ? "
            "AND step = 'first' AND message_id IS NOT NULL",
            [row["story_id"], watching[0][0], watching[-1][0]],
        ).fetchall()
    }
    served = _served(db, row["created_at"])
    turns = Counter({guild_id: _waiting(db, guild_id) for guild_id in {w[1] for w in watching}})
    rows = []
    for channel_id, guild_id, direct in watching:
        rows.append(
            {
                "story": row["story_id"],
                "channel": channel_id,
                # What joins after the first message was frozen is told in a message of its own.
                "step": Step.UPGRADE if channel_id in told else Step.FIRST,
                "guild": guild_id,
                "created_at": row["created_at"],
                "due": row["due_at"],
                "rank": rank(row["due_at"], turns[guild_id], direct=bool(direct), served=served),
            }
        )
        turns[guild_id] += 1
    db.conn.executemany(
        """
        INSERT INTO owed (story_id, channel_id, step, guild_id, state, created_at, due_at, rank)
        VALUES (:story, :channel, :step, :guild, 'pending', :created_at, :due, :rank)
        ON CONFLICT (story_id, channel_id, step) DO UPDATE
            SET rank = min(rank, excluded.rank), due_at = min(due_at, excluded.due_at)
        """,
        rows,
    )
    return watching[-1][0] if len(watching) == FAN_OUT else None


def _served(db: Database, at: int) -> int | None:
    """The rank that the queue has come to; None when nobody waits in it."""
    row = db.execute(
        """
        SELECT count FROM totals WHERE name = 'served' AND EXISTS (
            SELECT 1 FROM owed WHERE state = 'pending' AND message_id IS NULL AND due_at <= ?
                AND channel_id NOT IN (SELECT channel_id FROM channels))
        """,
        [at],
    ).fetchone()
    return None if row is None else row[0]


def _waiting(db: Database, guild_id: int) -> int:
    """How many channels of a server wait already."""
    count: int = db.execute(
        "SELECT count(*) FROM owed WHERE guild_id = ? AND state = 'pending' AND message_id IS NULL",
        [guild_id],
    ).fetchone()[0]
    return count


def _touch_some(db: Database, row: Row, now: datetime) -> int | None:
    """Make the next messages by channel due an edit; the last channel, or None at the end."""
    rows = db.execute(
        """
        SELECT channel_id, message_id FROM owed
        WHERE story_id = ? AND channel_id > ? ORDER BY channel_id LIMIT ?
        """,
        [row["story_id"], row["after"], FAN_OUT],
    ).fetchall()
    if not rows:
        return None
    # A channel has a few rows of one story at most; those of the last may be cut off by the limit.
    last: int = rows[-1][0]
    whole = len(rows) < FAN_OUT
    db.conn.executemany(
        """
        UPDATE messages SET wanted = wanted + 1, must = max(must, :must),
            edit_at = iif(:must AND shown = 0, :now, edit_at)
        WHERE id = :id AND state IN ('pending', 'sent')
        """,
        [
            {"id": message_id, "must": row["must"], "now": micros(now)}
            for channel_id, message_id in rows
            if message_id is not None and (whole or channel_id != last)
        ],
    )
    return None if whole else last - 1
