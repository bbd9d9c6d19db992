"""What every backend decides in the same way, kept apart from any SQL."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from bot.domain.cluster import LONGEST
from bot.domain.types import (
    Interaction,
    Pair,
    Placement,
    Post,
    Reason,
    Rejection,
    Report,
    Story,
    StoryPair,
    StoryState,
    Tier,
    Verdict,
)

#: What a channel is owed for longer than this while it is closed to us is withdrawn.
EXPIRES = timedelta(hours=24)
#: A closed channel is tried again after this.
PROBE = timedelta(hours=1)
#: Ids of posts that were not recorded are forgotten after this.
SEEN_FOR = timedelta(days=14)


class VerdictState(StrEnum):
    """Where a recorded verdict ended; each is in exactly one."""

    STORY = "story"
    ARCHIVE = "archive"
    DIGEST = "digest"
    REJECTED = "rejected"
    WITHDRAWN = "withdrawn"


class OwedState(StrEnum):
    """What became of what a channel is owed; `planned` is the sum of all."""

    PENDING = "pending"
    SENT = "sent"
    WITHDRAWN = "withdrawn"
    DEAD = "dead"


def new_id() -> str:
    """A random id of 20 URL-safe characters: 120 bits, within Discord's 25 for a nonce."""
    return secrets.token_urlsafe(15)


def micros(at: datetime) -> int:
    """A datetime as whole microseconds since 1970, exact and ordered."""
    return (at - _EPOCH) // timedelta(microseconds=1)


def instant(value: int) -> datetime:
    """The datetime of `micros`."""
    return _EPOCH + timedelta(microseconds=value)


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Filed:
    """A verdict with the state it is recorded in."""

    verdict: Verdict
    state: VerdictState
    story_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One story after a post has joined it, and who has to be told."""

    story: Story
    new: bool
    #: Pairs that became announceable with this post: watching channels are owed a message.
    joined: tuple[Pair, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Recording:
    """Everything that recording a post writes."""

    verdicts: tuple[Filed, ...]
    entries: tuple[Entry, ...]


def file_post(
    post: Post,
    report: Report,
    verdicts: Sequence[Verdict],
    placements: Sequence[Placement],
    candidates: Sequence[Story],
    now: datetime,
) -> Recording:
    """Work out what recording a post means, given where the clusterer put its pairs.

    A post more than `cluster.LONGEST` old when it arrives is no news: its interactions are
    archive, and its merely possible moments are rejected as stale.
    """
    late = now - post.at > LONGEST
    stale = {
        v.pair: Rejection(pair=v.pair, reason=Reason.STALE, detail="an old, merely possible moment")
        for v in verdicts
        if late and isinstance(v, Interaction) and v.tier is Tier.DIGEST
    }
    by_pair = {v.pair: v for v in verdicts if isinstance(v, Interaction) and v.pair not in stale}
    stories = {s.id: s for s in candidates}
    filed: list[Filed] = []
    entries: list[Entry] = []
    for placement in placements:
        told = [by_pair[p] for p in placement.pairs if p in by_pair]
        if not told:
            continue
        archive = placement.archive or late
        existing = stories.get(placement.story_id or "")
        entry = _join(existing, report, told, archive=archive)
        entries.append(entry)
        filed += [
            Filed(verdict=i, state=_state(i, archive=archive), story_id=entry.story.id)
            for i in told
        ]
    rejected = [v for v in verdicts if isinstance(v, Rejection)] + list(stale.values())
    filed += [Filed(verdict=r, state=VerdictState.REJECTED) for r in rejected]
    return Recording(verdicts=tuple(filed), entries=tuple(entries))


def _state(interaction: Interaction, *, archive: bool) -> VerdictState:
    if archive:
        return VerdictState.ARCHIVE
    return VerdictState.DIGEST if interaction.tier is Tier.DIGEST else VerdictState.STORY


def _join(
    story: Story | None, report: Report, told: Sequence[Interaction], *, archive: bool
) -> Entry:
    state = StoryState.ARCHIVE if archive else StoryState.LIVE
    if story is None:
        fresh = Story(
            id=new_id(),
            state=state,
            pairs=tuple(_story_pair(i) for i in told),
            reports=(report,),
            first_seen=report.at,
            last_seen=report.at,
            revision=1,
        )
        return Entry(story=fresh, new=True, joined=() if archive else _announced(fresh, ()))
    pairs = {p.pair: p for p in story.pairs}
    if archive:  # a look-back adds itself and changes nothing that a reader sees
        pairs |= {i.pair: _story_pair(i) for i in told if i.pair not in pairs}
    else:
        for told_one in map(_story_pair, told):
            known = pairs.get(told_one.pair)
            if known is None or _strength(told_one) > _strength(known):
                pairs[told_one.pair] = told_one
    grown = replace(
        story,
        # News of an occasion that was only known from a first poll makes it news.
        state=story.state if archive or story.state is StoryState.WITHDRAWN else StoryState.LIVE,
        pairs=tuple(pairs[p] for p in sorted(pairs)),
        reports=(*(r for r in story.reports if r.post_id != report.post_id), report),
        first_seen=story.first_seen if archive else min(story.first_seen, report.at),
        last_seen=story.last_seen if archive else max(story.last_seen, report.at),
        revision=story.revision + 1,
    )
    if archive or grown.state is not StoryState.LIVE:
        return Entry(story=grown, new=False, joined=())
    before = story.pairs if story.state is StoryState.LIVE else ()
    return Entry(story=grown, new=False, joined=_announced(grown, before))


def _announced(story: Story, before: Sequence[StoryPair]) -> tuple[Pair, ...]:
    already = {p.pair for p in before if p.tier is Tier.ANNOUNCE}
    return tuple(p.pair for p in story.pairs if p.tier is Tier.ANNOUNCE and p.pair not in already)


def _story_pair(i: Interaction) -> StoryPair:
    return StoryPair(
        pair=i.pair,
        kind=i.kind,
        tier=i.tier,
        confidence=i.confidence,
        evidence=i.evidence,
        happened_at=i.happened_at,
    )


def _strength(pair: StoryPair) -> tuple[int, float]:
    return -list(Tier).index(pair.tier), pair.confidence
