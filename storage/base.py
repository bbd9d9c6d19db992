"""What every backend decides in the same way, kept apart from any SQL."""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from types import MappingProxyType

from bot.domain.cluster import LONGEST
from bot.domain.types import (
    Interaction,
    Item,
    Kind,
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
#: Between two edits of one message.
EDIT_EVERY = timedelta(minutes=3)
#: A further source is worth an edit for so long. Discord limits edits of messages older than an
#: hour (error 30046), https://discord.com/developers/docs/topics/opcodes-and-status-codes#json
COSMETIC_FOR = timedelta(hours=1)
#: What has been due for longer than this is a backlog, which comes together …
BACKLOG = timedelta(minutes=10)
#: … at most so many stories in a message: Discord's limit on embeds.
TOGETHER = 10
#: What each channel that waits in its server puts a channel back in the queue, and at most.
TURN = timedelta(seconds=0.25)
LAST_TURN = timedelta(minutes=10)
#: What a watch of the very pair puts a channel ahead.
DIRECT = timedelta(seconds=5)
#: Channels that are written into the outbox in one transaction.
FAN_OUT = 1000


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


def rank(due_at: int, turn: int, *, direct: bool, served: int | None) -> int:
    """Where in the queue something owed stands, in microseconds like `due_at`; smaller is sooner.

    Start-time fair queueing: a server's channels have turns, counted from 0, each some way behind
    the other, and who joins a queue that is behind (`served` is the rank it has come to, None
    when nobody waits) joins where it has come to and not at its end. A tenth of how late the
    queue is comes on top, so that a queue which late-comers keep busy goes on all the same.

    P. Goyal, H. M. Vin, H. Cheng: Start-time Fair Queueing, SIGCOMM 1996.
    """
    start = due_at if served is None else served + max(due_at - served, 0) // 10
    share = min(turn * TURN, LAST_TURN) - (DIRECT if direct else timedelta())
    return start + share // timedelta(microseconds=1)


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
    #: Pairs that this post made worth telling: watching channels are owed a message.
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
    stories: Sequence[Story],
    now: datetime,
    *,
    told: Mapping[str, Sequence[StoryPair]] = MappingProxyType({}),
) -> Recording:
    """Work out what recording a post means, given where its pairs were placed.

    A post more than `cluster.LONGEST` old when it arrives is no news: its interactions are
    archive, and its merely possible moments are rejected as stale. `told` holds, by story, pairs
    that it had before and that are no reason to announce it again.
    """
    late = now - post.at > LONGEST
    stale = {
        v.pair: Rejection(pair=v.pair, reason=Reason.STALE, detail="an old, merely possible moment")
        for v in verdicts
        if late and isinstance(v, Interaction) and v.tier is Tier.DIGEST
    }
    by_pair = {v.pair: v for v in verdicts if isinstance(v, Interaction) and v.pair not in stale}
    by_id = {s.id: s for s in stories}
    filed: list[Filed] = []
    entries: list[Entry] = []
    for placement in placements:
        interactions = [by_pair[p] for p in placement.pairs if p in by_pair]
        if not interactions:
            continue
        archive = placement.archive or late
        existing = by_id.get(placement.story_id or "")
        before = told.get(existing.id, existing.pairs) if existing else ()
        entry = _join(existing, report, interactions, before, archive=archive)
        entries.append(entry)
        filed += [
            Filed(verdict=i, state=_state(i, archive=archive), story_id=entry.story.id)
            for i in interactions
        ]
    rejected = [v for v in verdicts if isinstance(v, Rejection)] + list(stale.values())
    filed += [Filed(verdict=r, state=VerdictState.REJECTED) for r in rejected]
    return Recording(verdicts=tuple(filed), entries=tuple(entries))


def _state(interaction: Interaction, *, archive: bool) -> VerdictState:
    if archive:
        return VerdictState.ARCHIVE
    return VerdictState.DIGEST if interaction.tier is Tier.DIGEST else VerdictState.STORY


def _join(
    story: Story | None,
    report: Report,
    interactions: Sequence[Interaction],
    before: Sequence[StoryPair],
    *,
    archive: bool,
) -> Entry:
    told = [_story_pair(i) for i in interactions]
    if story is None:
        fresh = Story(
            id=new_id(),
            state=StoryState.ARCHIVE if archive else StoryState.LIVE,
            pairs=tuple(told),
            reports=(report,),
            first_seen=report.at,
            last_seen=report.at,
            revision=1,
        )
        return Entry(story=fresh, joined=() if archive else _announced(fresh, ()))
    grown = replace(
        story,
        # News of an occasion that was only known from a first poll makes it news.
        state=story.state if archive else StoryState.LIVE,
        pairs=_merged(story.pairs, told, known_win=archive),
        reports=(*(r for r in story.reports if r.post_id != report.post_id), report),
        first_seen=story.first_seen if archive else min(story.first_seen, report.at),
        last_seen=story.last_seen if archive else max(story.last_seen, report.at),
        # A look-back adds itself and changes nothing that a reader sees.
        revision=story.revision + (not archive),
    )
    if archive:
        return Entry(story=grown, joined=())
    return Entry(
        story=grown,
        joined=_announced(grown, () if story.state is StoryState.ARCHIVE else before),
    )


def strongest(pairs: Iterable[StoryPair]) -> tuple[StoryPair, ...]:
    """Each pair once, as its best report tells it, in order."""
    return _merged((), pairs, known_win=False)


def _merged(
    known: Iterable[StoryPair], told: Iterable[StoryPair], *, known_win: bool
) -> tuple[StoryPair, ...]:
    pairs = {p.pair: p for p in known}
    for one in told:
        other = pairs.get(one.pair)
        if other is None or (not known_win and _strength(one) > _strength(other)):
            pairs[one.pair] = one
    return tuple(pairs[p] for p in sorted(pairs))


def _announced(story: Story, before: Sequence[StoryPair]) -> tuple[Pair, ...]:
    """Pairs that became announceable, or turned from an appearance together into a contact."""
    already = {p.pair: p.kind for p in before if p.tier is Tier.ANNOUNCE}
    return tuple(
        p.pair
        for p in story.pairs
        if p.tier is Tier.ANNOUNCE
        and (
            p.pair not in already
            or (already[p.pair] is Kind.CO_APPEARANCE and p.kind is not Kind.CO_APPEARANCE)
        )
    )


def _story_pair(i: Interaction) -> StoryPair:
    return StoryPair(
        pair=i.pair,
        kind=i.kind,
        tier=i.tier,
        confidence=i.confidence,
        evidence=i.evidence,
        happened_at=i.happened_at,
    )


def _strength(pair: StoryPair) -> tuple[int, bool, float]:
    """What counts first: whether it may be announced, then contact over appearing together."""
    return -list(Tier).index(pair.tier), pair.kind is not Kind.CO_APPEARANCE, pair.confidence


def taken_back(frozen: Item, story: Story) -> Item:
    """A frozen item as it reads now: its pairs as told today, and those that nobody tells of."""
    live = story.state is StoryState.LIVE
    now = {p.pair: p for p in story.pairs if live and p.tier is Tier.ANNOUNCE}
    once = (*frozen.story.pairs, *frozen.taken_back)
    return Item(
        step=frozen.step,
        story=replace(
            story,
            pairs=tuple(now[p.pair] for p in once if p.pair in now),
            # A withdrawn story is shown with the reports that it had.
            reports=story.reports or frozen.story.reports,
        ),
        taken_back=tuple(p for p in once if p.pair not in now),
    )
