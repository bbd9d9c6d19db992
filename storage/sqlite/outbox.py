"""The outbox: freezing, lending and settling messages, and the books."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any

import msgspec
from sqlite_utils import Database

from bot.domain.types import (
    Accounting,
    Gone,
    Item,
    Message,
    Outcome,
    Pair,
    Retry,
    Sent,
    Step,
    Story,
    StoryState,
    Tier,
)
from storage.base import EXPIRES, PROBE, OwedState, VerdictState, instant, micros, new_id
from storage.sqlite import stories

Row = dict[str, Any]

_OPEN = """
    NOT EXISTS (SELECT 1 FROM channels c WHERE c.channel_id = {0}.channel_id AND c.probe_at > :now)
"""


def claim(db: Database, now: datetime, limit: int, lease: float) -> list[Message]:
    """See `Storage.claim_messages`."""
    at = micros(now)
    _expire(db, at)
    due = [
        row["id"]
        for row in db.query(
            f"""
            SELECT id FROM messages WHERE state = 'pending' AND next_at <= :now
              AND (lease_until IS NULL OR lease_until <= :now) AND {_OPEN.format("messages")}
            ORDER BY next_at, id LIMIT :limit
            """,  # noqa: S608  a constant
            {"now": at, "limit": limit},
        )
    ]
    if len(due) < limit:
        due += _freeze(db, at, limit - len(due))
    claimed = [_lend(db, message_id, at, lease) for message_id in due]
    return [_message(row) for row in claimed]


def _expire(db: Database, at: int) -> None:
    """Withdraw what a closed channel has been owed for too long."""
    late = {"since": at - EXPIRES.total_seconds() * 1_000_000}
    db.execute(
        """
        UPDATE messages SET state = 'withdrawn', lease_until = NULL, error = 'expired'
        WHERE state = 'pending' AND created_at < :since
          AND channel_id IN (SELECT channel_id FROM channels)
        """,
        late,
    )
    db.execute(
        """
        UPDATE owed SET state = 'withdrawn', reason = 'expired: the channel was closed to the bot'
        WHERE state = 'pending' AND channel_id IN (SELECT channel_id FROM channels)
          AND (message_id IN (SELECT id FROM messages WHERE state = 'withdrawn')
               OR (message_id IS NULL AND created_at < :since))
        """,
        late,
    )


def _freeze(db: Database, at: int, limit: int) -> list[str]:
    """Turn what is due into frozen messages; their ids."""
    owed = list(
        db.query(
            f"""
            SELECT * FROM owed WHERE state = 'pending' AND message_id IS NULL AND due_at <= :now
              AND {_OPEN.format("owed")}
            ORDER BY due_at, channel_id, step LIMIT :limit
            """,  # noqa: S608  a constant
            {"now": at, "limit": limit},
        )
    )
    loaded = {s.id: s for s in stories.load(db, {row["story_id"]: None for row in owed})}
    frozen = []
    for row in owed:
        key = [row["story_id"], row["channel_id"], row["step"]]
        story = _as_watched(db, loaded[row["story_id"]], row["channel_id"])
        if story is None:
            db.execute(
                "UPDATE owed SET state = 'withdrawn', reason = 'no longer watched' "
                "WHERE story_id = ? AND channel_id = ? AND step = ?",
                key,
            )
            continue
        message_id = new_id()
        items = (Item(step=Step(row["step"]), story=story),)
        db.table("messages").insert(
            {
                "id": message_id,
                "guild_id": row["guild_id"],
                "channel_id": row["channel_id"],
                "items": msgspec.json.encode(items).decode(),
                "state": OwedState.PENDING,
                "created_at": row["created_at"],
                "first_attempt_at": at,
                "attempt": 0,
                "next_at": at,
                "lease_until": None,
                "token": 0,
                "discord_id": None,
                "error": None,
            }
        )
        db.execute(
            "UPDATE owed SET message_id = ? WHERE story_id = ? AND channel_id = ? AND step = ?",
            [message_id, *key],
        )
        frozen.append(message_id)
    return frozen


def _as_watched(db: Database, story: Story, channel_id: int) -> Story | None:
    """A story with the announceable pairs that a channel watches; None when there are none."""
    if story.state is not StoryState.LIVE:
        return None
    rows = db.execute(
        """
        SELECT DISTINCT p.a, p.b FROM story_pairs p JOIN watches w
          ON w.channel_id = ? AND ((w.a = p.a AND w.b = p.b) OR w.a = '')
        WHERE p.story_id = ? AND p.tier = ?
        """,
        [channel_id, story.id, Tier.ANNOUNCE],
    ).fetchall()
    watched = {Pair(a, b) for a, b in rows}
    pairs = tuple(p for p in story.pairs if p.pair in watched)
    return replace(story, pairs=pairs) if pairs else None


def _lend(db: Database, message_id: str, at: int, lease: float) -> Row:
    db.execute(
        "UPDATE messages SET token = token + 1, attempt = attempt + 1, lease_until = ? "
        "WHERE id = ?",
        [at + int(lease * 1_000_000), message_id],
    )
    return next(iter(db.query("SELECT * FROM messages WHERE id = ?", [message_id])))


def settle(db: Database, message: Message, outcome: Outcome, now: datetime) -> bool:
    """See `Storage.settle`."""
    held = db.execute(
        "SELECT created_at FROM messages WHERE id = ? AND token = ? AND state = 'pending'",
        [message.id, message.token],
    ).fetchone()
    if held is None:
        return False
    at = micros(now)
    match outcome:
        case Sent(discord_id=discord_id):
            _close(db, message, OwedState.SENT, None)
            db.execute("UPDATE messages SET discord_id = ? WHERE id = ?", [discord_id, message.id])
            open_channel(db, message.channel_id)
        case Retry(after=after, reason=reason):
            if at - held[0] > EXPIRES.total_seconds() * 1_000_000:
                _close(db, message, OwedState.DEAD, f"gave up after a day: {reason}")
            else:
                _postpone(db, message, at + int(after * 1_000_000), reason)
        case Gone(reason=reason, channel=True):
            db.execute(
                """
                INSERT INTO channels (channel_id, guild_id, reason, closed_at, probe_at)
                VALUES (:channel, :guild, :reason, :now, :probe)
                ON CONFLICT (channel_id) DO UPDATE
                    SET reason = excluded.reason, probe_at = excluded.probe_at
                """,
                {
                    "channel": message.channel_id,
                    "guild": message.guild_id,
                    "reason": reason,
                    "now": at,
                    "probe": micros(now + PROBE),
                },
            )
            _postpone(db, message, at, reason)
        case Gone(reason=reason):
            _close(db, message, OwedState.DEAD, reason)
    return True


def _close(db: Database, message: Message, state: OwedState, reason: str | None) -> None:
    db.execute(
        "UPDATE messages SET state = ?, lease_until = NULL, error = ? WHERE id = ?",
        [state, reason, message.id],
    )
    db.execute(
        "UPDATE owed SET state = ?, reason = ? WHERE message_id = ?", [state, reason, message.id]
    )


def _postpone(db: Database, message: Message, next_at: int, reason: str) -> None:
    db.execute(
        "UPDATE messages SET next_at = ?, lease_until = NULL, error = ? WHERE id = ?",
        [next_at, reason, message.id],
    )


def release(db: Database) -> int:
    """See `Storage.release_messages`."""
    return db.execute(
        "UPDATE messages SET lease_until = NULL WHERE state = 'pending' AND lease_until IS NOT NULL"
    ).rowcount


def closed_channels(db: Database, guild_id: int | None) -> dict[int, str]:
    """See `Storage.closed_channels`."""
    rows = db.execute(
        "SELECT channel_id, reason FROM channels WHERE :guild IS NULL OR guild_id = :guild",
        {"guild": guild_id},
    )
    return dict(rows.fetchall())


def open_channel(db: Database, channel_id: int) -> None:
    """See `Storage.open_channel`."""
    db.execute("DELETE FROM channels WHERE channel_id = ?", [channel_id])


def message(db: Database, message_id: str) -> Message | None:
    """See `Storage.message`."""
    row = next(iter(db.query("SELECT * FROM messages WHERE id = ?", [message_id])), None)
    return None if row is None else _message(row)


def _message(row: Row) -> Message:
    return Message(
        id=row["id"],
        guild_id=row["guild_id"],
        channel_id=row["channel_id"],
        items=msgspec.json.decode(row["items"], type=tuple[Item, ...]),
        first_attempt_at=instant(row["first_attempt_at"]),
        attempt=row["attempt"],
        token=row["token"],
    )


def accounting(db: Database) -> Accounting:
    """See `Storage.accounting`."""
    verdicts = {
        f"rejected:{reason}" if state == VerdictState.REJECTED else state: count
        for state, reason, count in db.execute(
            "SELECT state, iif(state = 'rejected', reason, '') AS r, count(*) FROM verdicts "
            "GROUP BY state, r"
        ).fetchall()
    }
    recorded = db.execute("SELECT count(*) FROM verdicts").fetchone()[0]
    owed = dict(db.execute("SELECT state, count(*) FROM owed GROUP BY state").fetchall())
    return Accounting(
        verdicts=verdicts,
        recorded=recorded,
        planned=db.execute("SELECT count(*) FROM owed").fetchone()[0],
        sent=owed.get(OwedState.SENT, 0),
        withdrawn=owed.get(OwedState.WITHDRAWN, 0),
        pending=owed.get(OwedState.PENDING, 0),
        dead=owed.get(OwedState.DEAD, 0),
    )
