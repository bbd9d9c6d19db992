"""Posts, verdicts and stories, and what each watching channel is then owed."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from typing import Any

import msgspec
from sqlite_utils import Database

from bot.domain.ports import Clusterer
from bot.domain.types import (
    Interaction,
    Kind,
    Pair,
    Post,
    Report,
    Step,
    Story,
    StoryPair,
    StoryState,
    Tier,
    Verdict,
)
from storage.base import SEEN_FOR, Entry, Filed, OwedState, file_post, instant, micros

Row = dict[str, Any]

#: Stories of a pair that are offered to the clusterer, latest first. Look-backs reach far, and a
#: pair has few stories.
_CANDIDATES = 50
#: SQLite's default limit on bound values is 32,766; this is well within and fast enough.
_CHUNK = 500


def unseen(db: Database, post_ids: Collection[str]) -> set[str]:
    """See `Storage.unseen`."""
    left = set(post_ids)
    for chunk in _chunks(sorted(left)):
        marks = ",".join("?" * len(chunk))
        known = db.execute(
            f"SELECT id FROM posts WHERE id IN ({marks}) "  # noqa: S608  only question marks
            f"UNION SELECT id FROM seen WHERE id IN ({marks})",
            [*chunk, *chunk],
        ).fetchall()
        left.difference_update(row[0] for row in known)
    return left


def mark_seen(db: Database, post_ids: Collection[str], now: datetime) -> None:
    """See `Storage.mark_seen`."""
    db.table("seen").insert_all(
        ({"id": i, "at": micros(now)} for i in post_ids), pk="id", replace=True
    )
    db.execute("DELETE FROM seen WHERE at < ?", [micros(now - SEEN_FOR)])


def record(
    db: Database,
    post: Post,
    verdicts: Sequence[Verdict],
    cluster: Clusterer,
    hold: float,
    now: datetime,
) -> bool:
    """See `Storage.record`."""
    if not _insert_post(db, post, now):
        return False
    interactions = [v for v in verdicts if isinstance(v, Interaction)]
    report = cluster.report(post)
    candidates = _candidates(db, [i.pair for i in interactions])
    placements = cluster(post, interactions, candidates) if interactions else ()
    recording = file_post(post, report, verdicts, placements, candidates, now)
    for entry in recording.entries:
        _write_story(db, entry, report, now)
        for pair in entry.joined:
            _fan_out(db, entry.story.id, pair, hold, now)
    db.table("verdicts").insert_all(_verdict_row(post, f) for f in recording.verdicts)
    return True


def _insert_post(db: Database, post: Post, now: datetime) -> bool:
    row = {
        "id": post.id,
        "source_id": post.source_id,
        "outlet": post.outlet,
        "title": _storable(post.title),
        "text": _storable(post.text),
        "url": _storable(post.url),
        "lang": post.lang,
        "author": _storable(post.author),
        "published": None if post.published is None else micros(post.published),
        "seen_at": micros(post.seen_at),
        "image": _storable(post.image),
        "official": int(post.official),
        "archive": int(post.archive),
        "recorded_at": micros(now),
    }
    before = db.conn.total_changes
    db.table("posts").insert(row, pk="id", ignore=True)
    return db.conn.total_changes > before


def _storable(text: str) -> str:
    """Text without lone surrogates, which have no UTF-8."""
    return text.encode("utf-8", "replace").decode()


def _candidates(db: Database, pairs: Iterable[Pair]) -> list[Story]:
    """Stories that a report of these pairs could belong to."""
    ids: dict[str, None] = {}
    for pair in sorted(set(pairs)):
        for (story_id,) in db.execute(
            "SELECT p.story_id FROM story_pairs p JOIN stories s ON s.id = p.story_id "
            "WHERE p.a = ? AND p.b = ? ORDER BY s.last_seen DESC LIMIT ?",
            [pair.a, pair.b, _CANDIDATES],
        ).fetchall():
            ids[story_id] = None
    return load(db, ids)


def load(db: Database, story_ids: Iterable[str]) -> list[Story]:
    """Whole stories by their ids, in that order."""
    wanted = list(story_ids)
    heads: dict[str, Row] = {}
    pairs: dict[str, list[StoryPair]] = defaultdict(list)
    reports: dict[str, list[Report]] = defaultdict(list)
    for chunk in _chunks(wanted):
        marks = ",".join("?" * len(chunk))
        for row in db.query(f"SELECT * FROM stories WHERE id IN ({marks})", chunk):  # noqa: S608  marks
            heads[row["id"]] = row
        for row in db.query(
            f"SELECT * FROM story_pairs WHERE story_id IN ({marks}) ORDER BY a, b",  # noqa: S608  marks
            chunk,
        ):
            pairs[row["story_id"]].append(_story_pair(row))
        for row in db.query(
            f"SELECT * FROM reports WHERE story_id IN ({marks}) ORDER BY at, post_id",  # noqa: S608  marks
            chunk,
        ):
            reports[row["story_id"]].append(_report(row))
    return [
        Story(
            id=i,
            state=StoryState(heads[i]["state"]),
            pairs=tuple(pairs[i]),
            reports=tuple(reports[i]),
            first_seen=instant(heads[i]["first_seen"]),
            last_seen=instant(heads[i]["last_seen"]),
            revision=heads[i]["revision"],
        )
        for i in wanted
    ]


def latest(db: Database, pair: Pair | None, limit: int) -> list[Story]:
    """See `Storage.stories`."""
    if pair is None:
        rows = db.execute("SELECT id FROM stories ORDER BY last_seen DESC LIMIT ?", [limit])
    else:
        rows = db.execute(
            "SELECT s.id FROM stories s JOIN story_pairs p ON p.story_id = s.id "
            "WHERE p.a = ? AND p.b = ? ORDER BY s.last_seen DESC LIMIT ?",
            [pair.a, pair.b, limit],
        )
    return load(db, [row[0] for row in rows.fetchall()])


def _write_story(db: Database, entry: Entry, report: Report, now: datetime) -> None:
    story = entry.story
    db.execute(
        """
        INSERT INTO stories (id, state, created_at, first_seen, last_seen, revision)
        VALUES (:id, :state, :created_at, :first_seen, :last_seen, :revision)
        ON CONFLICT (id) DO UPDATE SET state = excluded.state, first_seen = excluded.first_seen,
            last_seen = excluded.last_seen, revision = excluded.revision
        """,
        {
            "id": story.id,
            "state": story.state,
            "created_at": micros(now),
            "first_seen": micros(story.first_seen),
            "last_seen": micros(story.last_seen),
            "revision": story.revision,
        },
    )
    db.table("story_pairs").upsert_all(
        (
            {
                "story_id": story.id,
                "a": p.pair.a,
                "b": p.pair.b,
                "kind": p.kind,
                "tier": p.tier,
                "confidence": float(p.confidence),
                "evidence": _storable(p.evidence),
                "happened_at": None if p.happened_at is None else micros(p.happened_at),
            }
            for p in story.pairs
        ),
        pk=("story_id", "a", "b"),
    )
    db.table("reports").insert(
        {
            "story_id": story.id,
            "post_id": report.post_id,
            "outlet": report.outlet,
            "title": _storable(report.title),
            "url": _storable(report.url),
            "url_key": report.url_key,
            "fingerprint": report.fingerprint,
            "anchors": msgspec.json.encode(report.anchors).decode(),
            "lang": report.lang,
            "at": micros(report.at),
            "image": _storable(report.image),
            "official": int(report.official),
        },
        pk=("story_id", "post_id"),
        replace=True,
    )


def _fan_out(db: Database, story_id: str, pair: Pair, hold: float, now: datetime) -> None:
    """Owe the story to every channel that watches the pair since before it was first recorded."""
    at = micros(now)
    values = {
        "story": story_id,
        "a": pair.a,
        "b": pair.b,
        "now": at,
        "due": at + int(hold * 1_000_000),
        "first": Step.FIRST,
        "upgrade": Step.UPGRADE,
        "pending": OwedState.PENDING,
    }
    watching = """
        SELECT w.channel_id, min(w.guild_id) AS guild_id
        FROM watches w JOIN stories s ON s.id = :story
        WHERE ((w.a = :a AND w.b = :b) OR w.a = '') AND w.created_at <= s.created_at
        GROUP BY w.channel_id
    """
    # A pair that joins after the first message was frozen is told in a message of its own.
    db.execute(
        f"""
        INSERT INTO owed (story_id, channel_id, step, guild_id, state, created_at, due_at)
        SELECT :story, channel_id, :upgrade, guild_id, :pending, :now, :due FROM ({watching}) w
        WHERE EXISTS (SELECT 1 FROM owed o WHERE o.story_id = :story AND o.step = :first
                      AND o.channel_id = w.channel_id AND o.message_id IS NOT NULL)
        ON CONFLICT (story_id, channel_id, step) DO NOTHING
        """,  # noqa: S608  a constant
        values,
    )
    db.execute(
        f"""
        INSERT INTO owed (story_id, channel_id, step, guild_id, state, created_at, due_at)
        SELECT :story, channel_id, :first, guild_id, :pending, :now, :due FROM ({watching}) w
        WHERE true
        ON CONFLICT (story_id, channel_id, step) DO UPDATE
            SET due_at = min(due_at, excluded.due_at)
        """,  # noqa: S608  a constant
        values,
    )


def _verdict_row(post: Post, filed: Filed) -> Row:
    v = filed.verdict
    pair = v.pair
    row: Row = {
        "post_id": post.id,
        "a": pair.a if pair else None,
        "b": pair.b if pair else None,
        "state": filed.state,
        "story_id": filed.story_id,
        **dict.fromkeys(
            ("reason", "kind", "tier", "past", "confidence", "evidence", "field", "happened_at")
        ),
        "detail": "",
        "because": _storable(msgspec.json.encode(v.because).decode()),
    }
    if isinstance(v, Interaction):
        row |= {
            "kind": v.kind,
            "tier": v.tier,
            "past": int(v.past),
            "confidence": float(v.confidence),
            "evidence": _storable(v.evidence),
            "field": v.field,
            "happened_at": None if v.happened_at is None else micros(v.happened_at),
        }
    else:
        row |= {"reason": v.reason, "detail": _storable(v.detail)}
    return row


def _story_pair(row: Row) -> StoryPair:
    return StoryPair(
        pair=Pair(row["a"], row["b"]),
        kind=Kind(row["kind"]),
        tier=Tier(row["tier"]),
        confidence=row["confidence"],
        evidence=row["evidence"],
        happened_at=None if row["happened_at"] is None else instant(row["happened_at"]),
    )


def _report(row: Row) -> Report:
    return Report(
        post_id=row["post_id"],
        outlet=row["outlet"],
        title=row["title"],
        url=row["url"],
        url_key=row["url_key"],
        fingerprint=row["fingerprint"],
        anchors=tuple(msgspec.json.decode(row["anchors"], type=list[str])),
        lang=row["lang"],
        at=instant(row["at"]),
        image=row["image"],
        official=bool(row["official"]),
    )


def _chunks(items: Sequence[str]) -> Iterable[Sequence[str]]:
    return (items[i : i + _CHUNK] for i in range(0, len(items), _CHUNK))
