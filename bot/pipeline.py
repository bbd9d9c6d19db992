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

from bot.domain.errors import NotAllowed, NotFound, RateLimited, SourceError, StorageError
from bot.domain.ports import Clock, Clusterer, Judge, Sender, Sink, SourceClient, Storage
from bot.domain.types import (
    Gone,
    Judgement,
    Message,
    Outcome,
    PollResult,
    Post,
    Reason,
    Rejection,
    SourceLease,
)

log = structlog.get_logger()

#: Seconds after which a poll, or a send, is taken to have died with its process.
POLL_LEASE = 120.0
SEND_LEASE = 60.0
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
    """Judge the posts that are new and record those that link two idols or more.

    The rest is only marked as seen. When this returns, every post is recorded or decided; calling
    it again with the same posts changes nothing. An announcement waits `hold` seconds for sibling
    reports unless the report is official or very sure.
    """
    new = await storage.unseen([p.id for p in posts])
    passed: list[str] = []
    for post in posts:
        if post.id not in new:
            continue
        new.discard(post.id)
        judgement = judged(judge, post)
        if _worth_recording(judgement):
            wait = 0.0 if _waits_for_nobody(post, judgement) else hold
            await storage.record(post, judgement.verdicts, cluster, hold=wait, now=clock())
            log.info(
                "recorded",
                post=post.id,
                interactions=len(judgement.interactions),
                rejections=[r.reason.value for r in judgement.rejections],
            )
        else:
            passed.append(post.id)
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


async def deliver_once(storage: Storage, sender: Sender, clock: Clock, *, limit: int = 10) -> int:
    """Claim messages that are due, send each once and settle it; the number of messages claimed."""
    messages = await storage.claim_messages(clock(), limit=limit, lease=SEND_LEASE)
    async with asyncio.TaskGroup() as sends:
        for message in messages:
            sends.create_task(_deliver(storage, sender, clock, message))
    return len(messages)


async def _deliver(storage: Storage, sender: Sender, clock: Clock, message: Message) -> None:
    logger = log.bind(message=message.id, channel=message.channel_id)
    try:
        outcome: Outcome = await sender.send(message)
    except Exception as error:  # bulkhead: what cannot be rendered becomes a visible dead letter
        logger.exception("sending crashed")
        outcome = Gone(reason=f"a bug: {error!r}", channel=False)
    if await storage.settle(message, outcome, clock()):
        logger.info("delivery", outcome=type(outcome).__name__.lower(), attempt=message.attempt)
    else:
        logger.warning("the lease was lost before the outcome was known; another sender has it")


def _after(now: datetime, seconds: float) -> datetime:
    return now + timedelta(seconds=seconds)


def watched(judge: Judge, notice: Callable[[Post, Judgement], None]) -> Judge:
    """The same judge, telling `notice` of every judgement: for previews and replays."""

    def telling(post: Post) -> Judgement:
        judgement = judge(post)
        notice(post, judgement)
        return judgement

    return telling
