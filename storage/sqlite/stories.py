"""Posts, verdicts and stories: what recording a post, or taking it back, changes."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import msgspec
from sqlite_utils import Database

from bot.domain.ports import Clusterer
from bot.domain.types import (
    Interaction,
    Kind,
    Pair,
    Placement,
    Post,
    Report,
    Story,
    StoryPair,
    StoryState,
    Tier,
    Verdict,
)
from storage.base import (
    SEEN_FOR,
    Filed,
    VerdictState,
    file_post,
    instant,
    micros,
    strongest,
)
from storage.sqlite import fan_out

Row = dict[str, Any]

#: Stories of a pair that are offered to the clusterer, latest first. Look-backs reach far, and a
#: pair has few stories.
_CANDIDATES = 50
#: Stands for the digest of a post that its source took back.
_GONE = "gone"
#: SQLite's default limit on bound values is 32,766; this is well within and fast enough.
_CHUNK = 500


def unseen(db: Database, digests: Mapping[str, str]) -> dict[str, bool]:
    """See `Storage.unseen`."""
    new = dict.fromkeys(digests, False)
    for chunk in _chunks(list(digests)):
        marks = ",".join("?" * len(chunk))
        known = db.execute(
            f"SELECT id, digest, 1 FROM posts WHERE id IN ({marks}) "  # noqa: S608  question marks
            f"UNION ALL SELECT id, digest, 0 FROM seen WHERE id IN ({marks})",
            [*chunk, *chunk],
        ).fetchall()
        for post_id, digest, recorded in known:
            # One that was remembered without its digest counts as unchanged.
            if digest in ("", _GONE, digests[post_id]):
                new.pop(post_id, None)
            elif recorded and post_id in new:
                new[post_id] = True
    return new


def mark_seen(db: Database, digests: Mapping[str, str], now: datetime) -> None:
    """See `Storage.mark_seen`."""
    at = micros(now)
    db.conn.executemany(
        "INSERT INTO seen (id, digest, at) VALUES (?, ?, ?) ON CONFLICT (id) DO UPDATE "
        "SET at = excluded.at, digest = iif(digest = ?, digest, excluded.digest)",
        [(i, digest, at, _GONE) for i, digest in digests.items()],
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
    known = _digest(db, post.id)
    if known in (_GONE, post.digest):
        return False
    if known is not None and _was_archive(db, post.id):
        post = replace(post, archive=True)  # older than its source's first poll, and stays so
    _write_post(db, post, now)
    if known is not None and _said(db, post.id) == Counter(map(_comparable, verdicts)):
        return False
    report = cluster.report(post)
    before = _take_back(db, post.id) if known is not None else {}
    interactions = [v for v in verdicts if isinstance(v, Interaction)]
    if before:  # a correction stays where its post was
        stories = [b.without for b in before.values()]
        placements = _kept_places(post, interactions, before)
    else:
        stories = _candidates(db, [i.pair for i in interactions])
        placements = list(cluster(post, interactions, stories)) if interactions else []
    told = {i: b.pairs for i, b in before.items()}
    recording = file_post(post, report, verdicts, placements, stories, now, told=told)
    for entry in recording.entries:
        _write_story(db, entry.story, now)
        _write_report(db, entry.story.id, report)
        for pair in entry.joined:
            fan_out.owe(db, entry.story.id, pair, hold, now)
    grown = {e.story.id: e.story for e in recording.entries}
    for story in stories:
        if story.id in before and story.id not in grown:
            _abandon(db, story, now)
        elif story.id in before or story.revision < grown.get(story.id, story).revision:
            fan_out.touch(db, story.id, now, must=story.id in before)
    db.table("verdicts").insert_all(_verdict_row(post, f) for f in recording.verdicts)
    return True


def retract(db: Database, post_id: str, now: datetime) -> bool:
    """See `Storage.retract`."""
    known = _digest(db, post_id)
    mark_seen(db, {post_id: _GONE}, now)
    if known in (None, _GONE):
        return False
    for before in _take_back(db, post_id).values():
        _abandon(db, before.without, now)
    db.execute("UPDATE posts SET digest = ? WHERE id = ?", [_GONE, post_id])
    return True


@dataclass(frozen=True, slots=True, kw_only=True)
class _Before:
    """A story before a report of it was taken back, and without it."""

    #: Pairs that the story had, or that this report ever told of: no news when told again.
    pairs: tuple[StoryPair, ...]
    without: Story
    #: Pairs that the report ever told of.
    told: frozenset[Pair]


def _take_back(db: Database, post_id: str) -> dict[str, _Before]:
    """Withdraw a post's verdicts and take its report out of its stories, which are not written."""
    told: dict[str, list[StoryPair]] = defaultdict(list)
    for row in list(
        db.query(
            "SELECT * FROM verdicts WHERE post_id = ? AND story_id IS NOT NULL ORDER BY id",
            [post_id],
        )
    ):
        told[row["story_id"]].append(_story_pair(row))
    db.execute("UPDATE verdicts SET state = 'withdrawn' WHERE post_id = ?", [post_id])
    db.execute("DELETE FROM reports WHERE post_id = ?", [post_id])
    return {
        story.id: _Before(
            pairs=strongest((*story.pairs, *told[story.id])),
            without=replace(story, pairs=_still_told(db, story.id), revision=story.revision + 1),
            told=frozenset(p.pair for p in told[story.id]),
        )
        for story in load(db, told)
    }


def _still_told(db: Database, story_id: str) -> tuple[StoryPair, ...]:
    """The pairs of a story as its remaining verdicts tell them; look-backs only add."""
    rows = list(
        db.query(
            "SELECT * FROM verdicts WHERE story_id = ? AND state IN ('story', 'digest', 'archive') "
            "ORDER BY id",
            [story_id],
        )
    )
    news = strongest(_story_pair(r) for r in rows if r["state"] != VerdictState.ARCHIVE)
    fresh = {p.pair for p in news}
    archive = strongest(_story_pair(r) for r in rows if r["state"] == VerdictState.ARCHIVE)
    return tuple(sorted((*news, *(p for p in archive if p.pair not in fresh)), key=_by_pair))


def _by_pair(pair: StoryPair) -> Pair:
    return pair.pair


def _kept_places(
    post: Post, interactions: Sequence[Interaction], before: Mapping[str, _Before]
) -> list[Placement]:
    pairs: dict[str, list[Pair]] = defaultdict(list)
    for i in interactions:
        place = next((s for s, b in before.items() if i.pair in b.told), next(iter(before)))
        pairs[place].append(i.pair)
    past = {i.pair for i in interactions if i.past}
    return [
        Placement(story_id=s, pairs=tuple(p), archive=post.archive or past.issuperset(p))
        for s, p in pairs.items()
    ]


def _abandon(db: Database, story: Story, now: datetime) -> None:
    """Write a story that a report was taken out of, and correct what was told of it."""
    if not story.reports:
        story = replace(story, state=StoryState.WITHDRAWN)
    _write_story(db, story, now)
    fan_out.touch(db, story.id, now, must=True)


def _said(db: Database, post_id: str) -> Counter[tuple[object, ...]]:
    """What a post was last found to say."""
    return Counter(
        tuple(row)
        for row in db.execute(
            "SELECT a, b, reason, kind, tier, past, evidence FROM verdicts "
            "WHERE post_id = ? AND state <> 'withdrawn'",
            [post_id],
        ).fetchall()
    )


def _comparable(v: Verdict) -> tuple[object, ...]:
    pair = (v.pair.a, v.pair.b) if v.pair else (None, None)
    if isinstance(v, Interaction):
        return (*pair, None, v.kind, v.tier, int(v.past), _storable(v.evidence))
    return (*pair, v.reason, None, None, None, None)


def _digest(db: Database, post_id: str) -> str | None:
    """What a post said when it was recorded; None when it never was."""
    row = db.execute(
        "SELECT digest FROM posts WHERE id = :id "
        "UNION ALL SELECT digest FROM seen WHERE id = :id AND digest = :gone",
        {"id": post_id, "gone": _GONE},
    ).fetchone()
    return None if row is None else row[0]


def _was_archive(db: Database, post_id: str) -> bool:
    return bool(db.execute("SELECT archive FROM posts WHERE id = ?", [post_id]).fetchone()[0])


def _write_post(db: Database, post: Post, now: datetime) -> None:
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
        "digest": post.digest,
    }
    db.table("posts").upsert(row, pk="id")


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


def _write_story(db: Database, story: Story, now: datetime) -> None:
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
    db.execute("DELETE FROM story_pairs WHERE story_id = ?", [story.id])
    db.table("story_pairs").insert_all(
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
    )


def _write_report(db: Database, story_id: str, report: Report) -> None:
    db.table("reports").insert(
        {
            "story_id": story_id,
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
