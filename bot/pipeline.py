"""The whole line on one page: a post goes in, one announcement comes out.

    Source ─fetch─▶ bytes ─parse─▶ Post ─link─▶ Mention* ─judge─▶ Interaction* | Rejection*
      ─record─▶ [ one transaction: verdicts · story · what each watching channel is owed ]
      ─claim─▶ Message (frozen) ─render─▶ Embed ─send(nonce = message.id)─▶ settle

Three rounds, each of which keeps nothing between calls; loops in `bot.app` repeat them. All I/O is
behind the ports, so the same rounds run on SQLite in one process and on PostgreSQL in many.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

import structlog

from bot.domain.errors import (
    NotAllowed,
    NotFound,
    RateLimited,
    SourceError,
    StorageError,
    StorageUnavailable,
)
from bot.domain.ports import Clock, Clusterer, Judge, Sender, Sink, SourceClient, Storage
from bot.domain.types import (
    Edit,
    Gone,
    Judgement,
    Message,
    Outcome,
    PollResult,
    Post,
    Reason,
    Rejection,
    Retry,
    SourceLease,
)

log = structlog.get_logger()

#: Seconds after which a poll, or a send, is taken to have died with its process.
POLL_LEASE = 120.0
SEND_LEASE = 60.0
#: Seconds that one attempt to send may take, and how long its outcome is tried to be written, so
#: that both are over before the lease is.
_ATTEMPT = 45.0
_SETTLE_TRIES, _SETTLE_PAUSE = 10, 1.0
#: Seconds between two looks for what is due while attempts are under way.
_LOOK = 0.25
#: An interaction this sure, or told by an official source, waits for no sibling reports.
VERY_SURE = 0.9
#: Seconds: the longest back-off of a failing source; the shortest after it refused us.
_LONGEST_BACKOFF = 6 * 3600.0
_REFUSED_BACKOFF = 3600.0


async def ingest_once(
    storage: Storage,
    clients: Mapping[str, SourceClient],
    sink: Sink,
    clock: Clock,
    *,
    limit: int = 8,
    baseline: bool = True,
) -> int:
    """Poll the sources that are due and hand their posts to the sink; the number of polls.

    A source's cursor is saved after the sink has accepted its posts: a crash in between reads them
    again, which is harmless. With `baseline`, what a source published before it was added is
    archive.
    """
    leases = await storage.claim_sources(clock(), limit=limit, lease=POLL_LEASE)
    async with asyncio.TaskGroup() as polls:
        for lease in leases:
            polls.create_task(_poll(storage, clients, sink, clock, lease, baseline=baseline))
    return len(leases)


async def _poll(
    storage: Storage,
    clients: Mapping[str, SourceClient],
    sink: Sink,
    clock: Clock,
    lease: SourceLease,
    *,
    baseline: bool,
) -> None:
    source = lease.source
    logger = log.bind(source=source.id)
    try:
        batch = await clients[source.kind].poll(source, lease.cursor, clock())
        posts = [_baselined(p, lease) for p in batch.posts] if baseline else batch.posts
        await sink(posts)
        for post_id in batch.deleted:
            await storage.retract(post_id, clock())
        wait = max(source.every, batch.min_interval or 0)
        result = PollResult(
            next_at=_after(clock(), wait), cursor=batch.cursor, posts=len(batch.posts)
        )
        logger.debug("polled", posts=len(batch.posts))
    except StorageError:
        raise  # the lease runs out and the source is read again; its posts are not lost
    except SourceError as error:
        result = _failed(lease, error, clock())
        logger.warning("poll failed", error=str(error), failures=lease.failures + 1)
    except Exception as error:  # bulkhead: a bad source backs off and never stops the others
        result = _failed(lease, SourceError(f"a bug while reading it: {error!r}"), clock())
        logger.exception("poll crashed")
    if not await storage.finish_poll(lease, result, clock()):
        logger.warning("poll took longer than its lease; another one has it now")


def _baselined(post: Post, lease: SourceLease) -> Post:
    """Mark what a source published before it was added; its dates carry whole seconds."""
    added = lease.added_at.replace(microsecond=0)
    if lease.first and (post.published is None or post.published < added):
        return replace(post, archive=True)
    return post


def _failed(lease: SourceLease, error: SourceError, now: datetime) -> PollResult:
    """Back off exponentially with full jitter, or as long as the source asks."""
    backoff = min(lease.source.every * 2.0 ** min(lease.failures, 10), _LONGEST_BACKOFF)
    wait = lease.source.every + random.uniform(0, backoff)  # noqa: S311  no secret
    if isinstance(error, RateLimited) and error.retry_after is not None:
        wait = max(wait, min(error.retry_after, 24 * 3600.0))
    elif isinstance(error, NotAllowed):
        wait = max(wait, _REFUSED_BACKOFF)
    return PollResult(
        next_at=_after(now, wait),
        error=str(error),
        disable=isinstance(error, NotFound) and error.gone,
    )


async def match_posts(
    posts: Sequence[Post],
    *,
    storage: Storage,
    judge: Judge,
    cluster: Clusterer,
    clock: Clock,
    hold: float,
) -> None:
    """Judge the posts that are new or changed and record those that link two idols or more.

    The rest is only marked as seen. When this returns, every post is recorded or decided; calling
    it again with the same posts changes nothing. An announcement waits `hold` seconds for sibling
    reports unless the report is official or very sure.
    """
    new = await storage.unseen({p.id: p.digest for p in posts})
    passed: dict[str, str] = {}
    for post in posts:
        if post.id not in new:
            continue
        changed = new.pop(post.id)
        judgement = judged(judge, post)
        if changed or _worth_recording(judgement):
            wait = 0.0 if _waits_for_nobody(post, judgement) else hold
            await storage.record(post, judgement.verdicts, cluster, hold=wait, now=clock())
            log.info(
                "recorded",
                post=post.id,
                interactions=len(judgement.interactions),
                rejections=[r.reason.value for r in judgement.rejections],
            )
        else:
            passed[post.id] = post.digest
            await asyncio.sleep(0)  # judging takes the loop; let the others have a turn
    await storage.mark_seen(passed, clock())


def judged(judge: Judge, post: Post) -> Judgement:
    """What the judge says of a post; a bug of its own is a rejection like any other."""
    try:
        return judge(post)
    except Exception as error:  # bulkhead: a poison post is rejected and seen, never retried
        log.exception("judging crashed", post=post.id)
        return Judgement(verdicts=(Rejection(reason=Reason.BUG, detail=repr(error)),))


def _worth_recording(judgement: Judgement) -> bool:
    idols = {m.idol_id for m in judgement.mentions}
    return len(idols) >= 2 or any(r.reason is Reason.BUG for r in judgement.rejections)


def _waits_for_nobody(post: Post, judgement: Judgement) -> bool:
    return post.official or any(i.confidence >= VERY_SURE for i in judgement.interactions)


async def deliver_once(
    storage: Storage,
    sender: Sender,
    clock: Clock,
    *,
    limit: int = 32,
    go_on: Callable[[], bool] = lambda: True,
) -> int:
    """Send and edit what is due, until nothing is or `go_on` says no; the number of attempts.

    At most `limit` attempts are under way at once. A slow one holds up no other: the next are
    claimed as soon as half of the room is free. `limit` is also how many are claimed ahead of
    those for whom news is fresher, so it is small.
    """
    under_way: set[asyncio.Task[None]] = set()
    attempts = 0
    async with asyncio.TaskGroup() as sends:
        while True:
            due: list[Message | Edit] = []
            away: StorageUnavailable | None = None
            try:
                if go_on():
                    room = limit - len(under_way)
                    due += await storage.claim_messages(clock(), limit=room, lease=SEND_LEASE)
                    # Edits get what is left, and a little always: a correction must not wait for
                    # ever.
                    room = max(room - len(due), limit // 8)
                    due += await storage.claim_edits(clock(), limit=room, lease=SEND_LEASE)
            except StorageUnavailable as error:
                away = error
            for one in due:
                task = sends.create_task(_deliver(storage, sender, clock, one))
                under_way.add(task)
                task.add_done_callback(under_way.discard)
            attempts += len(due)
            if away is not None:
                # What is under way ends first, and `_settle` waits for the store: interrupted, it
                # would have to be looked for in its channel.
                if under_way:
                    await asyncio.wait(under_way)
                raise away
            if not under_way:
                return attempts
            await asyncio.wait(under_way, timeout=_LOOK, return_when=asyncio.FIRST_COMPLETED)
            while len(due) and len(under_way) > limit // 2:
                await asyncio.wait(under_way, return_when=asyncio.FIRST_COMPLETED)


async def _deliver(storage: Storage, sender: Sender, clock: Clock, one: Message | Edit) -> None:
    message = one.message if isinstance(one, Edit) else one
    what = "edit" if isinstance(one, Edit) else "message"
    logger = log.bind(message=message.id, channel=message.channel_id)
    try:
        async with asyncio.timeout(_ATTEMPT):
            outcome: Outcome = await (
                sender.edit(one) if isinstance(one, Edit) else sender.send(one)
            )
    except TimeoutError:
        outcome = Retry(after=random.uniform(1, 10), reason="no answer in time")  # noqa: S311  no secret
    except Exception as error:  # bulkhead: what cannot be rendered becomes a visible dead letter
        logger.exception("sending crashed", what=what)
        outcome = Gone(reason=f"a bug: {error!r}", channel=False)
    if isinstance(outcome, Gone):
        logger.warning("not delivered", what=what, reason=outcome.reason, paused=outcome.channel)
    if await _settle(storage, one, outcome, clock):
        logger.info(
            "delivery", what=what, outcome=type(outcome).__name__.lower(), attempt=message.attempt
        )
    else:
        logger.warning("the lease was lost before the outcome was known; another sender has it")


async def _settle(storage: Storage, one: Message | Edit, outcome: Outcome, clock: Clock) -> bool:
    """Write an outcome down, and again while the store cannot be written and the lease holds.

    Discord has the message whatever the store says. Should the lease run out first, the next
    attempt finds the message in its channel.
    """
    for left in reversed(range(_SETTLE_TRIES)):
        try:
            if isinstance(one, Edit):
                return await storage.settle_edit(one, outcome, clock())
            return await storage.settle(one, outcome, clock())
        except StorageUnavailable as error:
            if not left:
                raise
            log.warning("an outcome waits to be written", error=str(error))
            await asyncio.sleep(_SETTLE_PAUSE)
    raise AssertionError("unreachable")


def _after(now: datetime, seconds: float) -> datetime:
    return now + timedelta(seconds=seconds)


def watched(judge: Judge, notice: Callable[[Post, Judgement], None]) -> Judge:
    """The same judge, telling `notice` of every judgement: for previews and replays."""

    def telling(post: Post) -> Judgement:
        judgement = judge(post)
        notice(post, judgement)
        return judgement

    return telling
