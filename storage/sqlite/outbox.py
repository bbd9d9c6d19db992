"""The outbox: freezing, lending and settling messages, and the books."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import msgspec
from sqlite_utils import Database

from bot.domain.types import (
    Accounting,
    DeadLetter,
    Edit,
    Gone,
    Item,
    Message,
    Outcome,
    Pair,
    Place,
    Retry,
    Sent,
    Step,
    Story,
    StoryState,
    Tier,
)
from storage.base import (
    BACKLOG,
    COSMETIC_FOR,
    EDIT_EVERY,
    EXPIRES,
    PROBE,
    TOGETHER,
    OwedState,
    VerdictState,
    instant,
    micros,
    new_id,
    taken_back,
)
from storage.sqlite import fan_out, stories

Row = dict[str, Any]

#: Tries of one edit, hourly ones in a closed channel, before it is given up.
_EDIT_TRIES = 24

_OPEN = """
    NOT EXISTS (SELECT 1 FROM channels c WHERE c.channel_id = {0}.channel_id AND c.probe_at > :now)
"""
_FREE = "(lease_until IS NULL OR lease_until <= :now)"


def claim(db: Database, now: datetime, limit: int, lease: float) -> list[Message]:
    """See `Storage.claim_messages`."""
    at = micros(now)
    fan_out.go_on(db, now)
    _expire(db, at)
    due = [
        row["id"]
        for row in db.query(
            f"""
            SELECT id FROM messages WHERE state = 'pending' AND next_at <= :now
              AND {_FREE} AND {_OPEN.format("messages")}
            ORDER BY next_at, id LIMIT :limit
            """,  # noqa: S608  constants
            {"now": at, "limit": limit},
        )
    ]
    if len(due) < limit:
        due += _freeze(db, at, limit - len(due))
    claimed = [_lend(db, message_id, at, lease) for message_id in due]
    return [_message(row) for row in claimed]


def _expire(db: Database, at: int) -> None:
    """Withdraw what a closed channel has been owed for too long."""
    late = {"since": at - _micros(EXPIRES), "now": at}
    db.execute(
        f"""
        UPDATE messages SET state = 'withdrawn', lease_until = NULL, error = 'expired'
        WHERE state = 'pending' AND created_at < :since AND {_FREE}
          AND channel_id IN (SELECT channel_id FROM channels)
        """,  # noqa: S608  constants
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


# An upgrade speaks of a message that must be there first.
_READY = """
    state = 'pending' AND message_id IS NULL AND due_at <= :due
    AND NOT (step = 'upgrade' AND EXISTS (
        SELECT 1 FROM owed f WHERE f.story_id = owed.story_id AND f.channel_id = owed.channel_id
            AND f.step = 'first' AND f.state = 'pending'))
"""


def _freeze(db: Database, at: int, limit: int) -> list[str]:
    """Turn what is due into frozen messages; their ids."""
    rows = db.query(
        f"""
        SELECT * FROM owed WHERE {_READY} AND {_OPEN.format("owed")}
        ORDER BY rank, channel_id LIMIT :limit
        """,  # noqa: S608  constants
        {"now": at, "due": at, "limit": limit},
    )
    frozen: list[str] = []
    done: set[tuple[str, int, str]] = set()
    for row in list(rows):
        if _key(row) in done:
            continue
        together = [row] if row["due_at"] > at - _micros(BACKLOG) else _backlog(db, row, at)
        done.update(map(_key, together))
        db.execute("UPDATE totals SET count = max(count, ?) WHERE name = 'served'", [row["rank"]])
        frozen += _freeze_together(db, together, at)
    return frozen


def _key(row: Row) -> tuple[str, int, str]:
    return row["story_id"], row["channel_id"], row["step"]


def _backlog(db: Database, row: Row, at: int) -> list[Row]:
    """What else a channel has been owed for long, with the row itself, oldest first."""
    return list(
        db.query(
            f"""
            SELECT * FROM owed WHERE channel_id = :channel AND {_READY}
            ORDER BY due_at, story_id, step LIMIT :limit
            """,  # noqa: S608  constants
            {"channel": row["channel_id"], "due": at - _micros(BACKLOG), "limit": TOGETHER},
        )
    )


def _freeze_together(db: Database, rows: Sequence[Row], at: int) -> list[str]:
    """One message for rows of one channel; no id when nothing of them is left to tell."""
    loaded = {s.id: s for s in stories.load(db, {row["story_id"]: None for row in rows})}
    items: list[Item] = []
    told: list[list[object]] = []
    message_id = new_id()
    for row in rows:
        story = _as_watched(db, loaded[row["story_id"]], row["channel_id"])
        if story is None:
            db.execute(
                "UPDATE owed SET state = 'withdrawn', reason = 'no longer watched or reported' "
                "WHERE story_id = ? AND channel_id = ? AND step = ?",
                list(_key(row)),
            )
            continue
        items.append(Item(step=Step(row["step"]), story=story))
        told.append([message_id, *_key(row)])
    if not items:
        return []
    earlier = _earlier(db, items[0], rows[0]["channel_id"]) if len(items) == 1 else None
    db.table("messages").insert(
        {
            "id": message_id,
            "guild_id": rows[0]["guild_id"],
            "channel_id": rows[0]["channel_id"],
            "items": msgspec.json.encode(items).decode(),
            "state": OwedState.PENDING,
            "created_at": min(row["created_at"] for row in rows),
            "first_attempt_at": at,
            "attempt": 0,
            "next_at": at,
            "token": 0,
            "reply_channel": earlier[0] if earlier else None,
            "reply_message": earlier[1] if earlier else None,
        }
    )
    db.conn.executemany(
        "UPDATE owed SET message_id = ? WHERE story_id = ? AND channel_id = ? AND step = ?", told
    )
    return [message_id]


def _earlier(db: Database, item: Item, channel_id: int) -> tuple[int, int] | None:
    """Where the message stands that an upgrade refers to."""
    if item.step is not Step.UPGRADE:
        return None
    found: tuple[int, int] | None = db.execute(
        """
        SELECT coalesce(m.place, m.channel_id), m.discord_id
        FROM owed o JOIN messages m ON m.id = o.message_id
        WHERE o.story_id = ? AND o.channel_id = ? AND o.step = 'first' AND m.state = 'sent'
        """,
        [item.story.id, channel_id],
    ).fetchone()
    return found


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
        case Sent(place=place):
            _close(db, message, OwedState.SENT, None)
            db.execute(
                "UPDATE messages SET discord_id = ?, place = ?, sent_at = ?, "
                "edit_at = iif(must, ?, ?) WHERE id = ?",
                [place.message_id, place.channel_id, at, at, at + _micros(EDIT_EVERY), message.id],
            )
            open_channel(db, message.channel_id)
        case Retry(after=after, reason=reason):
            if at - held[0] > _micros(EXPIRES):
                _close(db, message, OwedState.DEAD, f"gave up after a day: {reason}")
            else:
                _postpone(db, message, at + int(after * 1_000_000), reason)
        case Gone(reason=reason, channel=True):
            _shut(db, message, reason, now)
            _postpone(db, message, at, reason)
        case Gone(reason=reason):
            _close(db, message, OwedState.DEAD, reason)
    return True


def _shut(db: Database, message: Message, reason: str, now: datetime) -> None:
    """Remember that a channel is closed to us."""
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
            "now": micros(now),
            "probe": micros(now + PROBE),
        },
    )


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


def claim_edits(db: Database, now: datetime, limit: int, lease: float) -> list[Edit]:
    """See `Storage.claim_edits`."""
    at = micros(now)
    db.execute(
        f"""
        UPDATE messages SET wanted = shown WHERE state = 'sent' AND wanted > shown
          AND NOT must AND sent_at <= :old AND {_FREE}
        """,  # noqa: S608  constants
        {"old": at - _micros(COSMETIC_FOR), "now": at},
    )
    rows = db.query(
        f"""
        SELECT id FROM messages WHERE state = 'sent' AND wanted > shown AND edit_at <= :now
          AND {_FREE} AND {_OPEN.format("messages")}
        ORDER BY edit_at, id LIMIT :limit
        """,  # noqa: S608  constants
        {"now": at, "limit": limit},
    )
    edits = []
    for row in list(rows):
        db.execute(
            "UPDATE messages SET token = token + 1, edit_tries = edit_tries + 1, lease_until = ? "
            "WHERE id = ?",
            [at + int(lease * 1_000_000), row["id"]],
        )
        held = next(iter(db.query("SELECT * FROM messages WHERE id = ?", [row["id"]])))
        edits.append(
            Edit(
                message=_as_now(db, replace(_message(held), attempt=held["edit_tries"])),
                place=Place(
                    channel_id=held["place"] or held["channel_id"], message_id=held["discord_id"]
                ),
                revision=held["wanted"],
            )
        )
    return edits


def _as_now(db: Database, message: Message) -> Message:
    now = {s.id: s for s in stories.load(db, {i.story.id: None for i in message.items})}
    return replace(message, items=tuple(taken_back(i, now[i.story.id]) for i in message.items))


def settle_edit(db: Database, edit: Edit, outcome: Outcome, now: datetime) -> bool:
    """See `Storage.settle_edit`."""
    held = db.execute(
        "SELECT edit_tries FROM messages WHERE id = ? AND token = ? AND state = 'sent'",
        [edit.message.id, edit.message.token],
    ).fetchone()
    if held is None:
        return False
    at = micros(now)
    match outcome:
        case Sent():
            _shown(db, edit, at, msgspec.json.encode(edit.message.items).decode())
        case Retry(after=after) if held[0] < _EDIT_TRIES:
            _put_off(db, edit, at + int(after * 1_000_000))
        case Gone(reason=reason, channel=True) if held[0] < _EDIT_TRIES:
            _shut(db, edit.message, reason, now)
            _put_off(db, edit, at)
        case _:  # deleted by somebody, refused, or tried for long enough
            _shown(db, edit, at, None)
    return True


def _shown(db: Database, edit: Edit, at: int, items: str | None) -> None:
    db.execute(
        """
        UPDATE messages SET shown = :shown, must = must AND wanted > :shown, lease_until = NULL,
            edit_tries = 0, edit_at = :next, items = coalesce(:items, items)
        WHERE id = :id
        """,
        {
            "shown": edit.revision,
            "next": at + _micros(EDIT_EVERY),
            "items": items,
            "id": edit.message.id,
        },
    )


def _put_off(db: Database, edit: Edit, next_at: int) -> None:
    db.execute(
        "UPDATE messages SET edit_at = ?, lease_until = NULL WHERE id = ?",
        [next_at, edit.message.id],
    )


def dead_letters(db: Database, guild_id: int | None, limit: int) -> list[DeadLetter]:
    """See `Storage.dead_letters`."""
    rows = db.query(
        "SELECT * FROM messages WHERE state = 'dead' AND (:guild IS NULL OR guild_id = :guild) "
        "ORDER BY created_at DESC, id LIMIT :limit",
        {"guild": guild_id, "limit": limit},
    )
    return [
        DeadLetter(message=_message(r), reason=r["error"] or "", since=instant(r["created_at"]))
        for r in rows
    ]


def retry_dead(db: Database, guild_id: int | None, now: datetime) -> int:
    """See `Storage.retry_dead`."""
    ids = db.execute(
        "UPDATE messages SET state = 'pending', by_hand = 1, attempt = 0, next_at = :now, "
        "created_at = :now, error = NULL "
        "WHERE state = 'dead' AND (:guild IS NULL OR guild_id = :guild) RETURNING id",
        {"guild": guild_id, "now": micros(now)},
    ).fetchall()
    db.conn.executemany(
        "UPDATE owed SET state = 'pending', reason = NULL WHERE message_id = ?", ids
    )
    return len(ids)


def release(db: Database) -> int:
    """See `Storage.release_messages`."""
    return db.execute(
        "UPDATE messages SET lease_until = NULL "
        "WHERE state IN ('pending', 'sent') AND lease_until IS NOT NULL"
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
        reply_to=None
        if row["reply_message"] is None
        else Place(channel_id=row["reply_channel"], message_id=row["reply_message"]),
        by_hand=bool(row["by_hand"]),
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
    totals = dict(db.execute("SELECT name, count FROM totals").fetchall())
    owed = dict(db.execute("SELECT state, count(*) FROM owed GROUP BY state").fetchall())
    adrift = db.execute(
        "SELECT count(*) FROM owed o JOIN messages m ON m.id = o.message_id "
        "WHERE o.state <> m.state"
    ).fetchone()[0]
    return Accounting(
        verdicts=verdicts,
        recorded=totals["recorded"],
        planned=totals["planned"],
        sent=owed.get(OwedState.SENT, 0),
        withdrawn=owed.get(OwedState.WITHDRAWN, 0),
        pending=owed.get(OwedState.PENDING, 0),
        dead=owed.get(OwedState.DEAD, 0),
        adrift=adrift,
    )


def _micros(length: timedelta) -> int:
    return length // timedelta(microseconds=1)
