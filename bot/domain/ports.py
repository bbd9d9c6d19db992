"""What the flow and the front ask of the edges, with the contracts that every edge keeps."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from typing import Protocol

from bot.domain.types import (
    Accounting,
    Batch,
    DeadLetter,
    Edit,
    Interaction,
    Judgement,
    Message,
    Outcome,
    Pair,
    Placement,
    PollResult,
    Post,
    Report,
    Source,
    SourceHealth,
    SourceLease,
    Story,
    Verdict,
    Watch,
)

Clock = Callable[[], datetime]
"""Says what time it is, aware and in UTC."""

Judge = Callable[[Post], Judgement]
"""Reads one post: links its names and decides every pair. Pure; may raise on a bug."""

Sink = Callable[[Sequence[Post]], Awaitable[None]]
"""Accepts posts; when it returns, they are safe or decided. Accepting a post twice is harmless."""


class Clusterer(Protocol):
    """Tells which occasion a post is about. Pure and synchronous."""

    def report(self, post: Post) -> Report:
        """What a story keeps of a post."""
        ...

    def __call__(
        self, post: Post, interactions: Sequence[Interaction], candidates: Sequence[Story]
    ) -> Sequence[Placement]:
        """Place a post's interactions among the candidates, or in new stories.

        Every pair of the interactions stands in exactly one placement.
        """
        ...


class SourceClient(Protocol):
    """Reads sources of one kind."""

    async def poll(self, source: Source, cursor: Mapping[str, str], now: datetime) -> Batch:
        """Fetch what is new since `cursor` (empty on the first poll); older posts may come again.

        Raises:
            SourceError: the kind says what the scheduler does about it. Nothing is half read.
        """
        ...


class Sender(Protocol):
    """Brings one frozen message to its channel."""

    async def send(self, message: Message) -> Outcome:
        """Send once and say what became of it. Never raises for what Discord answers.

        May be called again with the same message after a crash or a `Retry`; then the message
        appears in the channel once all the same.
        """
        ...

    async def edit(self, edit: Edit) -> Outcome:
        """Make a message that was sent say what it should say now. Never raises likewise.

        `Gone` without its channel means that there is nothing left to edit.
        """
        ...


class Storage(Protocol):
    """Everything that must survive the process.

    One method is one transaction, and none spans an await of its caller; a method that is
    cancelled has happened wholly or not at all. Any method can raise `StorageUnavailable` (try
    later, nothing happened) and `StorageError` (stop). Datetimes are aware and in UTC. Where a
    method takes `now`, no other clock is read.
    """

    async def close(self) -> None:
        """Finish what is running and release the store. Calling it again is harmless."""
        ...

    # ── sources ──

    async def sync_sources(self, sources: Sequence[Source], now: datetime) -> None:
        """Make the stored sources those given; a new one is due at once and counts as added now.

        A source that is no longer given is kept, switched off, and comes back with its state.
        """
        ...

    async def claim_sources(self, now: datetime, *, limit: int, lease: float) -> list[SourceLease]:
        """Lend out sources that are enabled, due and not lent, longest due first.

        A lease ends `lease` seconds after `now`; the source can then be claimed again.
        """
        ...

    async def finish_poll(self, lease: SourceLease, result: PollResult, now: datetime) -> bool:
        """Remember a poll and end its lease. False when the lease was lost: nothing is kept."""
        ...

    async def source_health(self) -> list[SourceHealth]:
        """Every stored source that is switched on, by id."""
        ...

    # ── posts ──

    async def unseen(self, digests: Mapping[str, str]) -> dict[str, bool]:
        """Of posts given as id and digest, those that are new or say something else than before.

        True stands for one that was recorded and has changed. A post that was taken back is never
        new.
        """
        ...

    async def mark_seen(self, digests: Mapping[str, str], now: datetime) -> None:
        """Remember posts that are not recorded, so that the next poll skips them.

        They may be forgotten some days after `now`.
        """
        ...

    async def record(
        self,
        post: Post,
        verdicts: Sequence[Verdict],
        cluster: Clusterer,
        *,
        hold: float,
        now: datetime,
    ) -> bool:
        """Keep a post, its verdicts, the stories they join and what every channel is then owed.

        Candidates are read, `cluster` is called and the result is written in one transaction. A
        channel is owed the first message of a live story when it watches, since before the story
        was first recorded, a pair of tier announce; it is owed an upgrade when such a pair joins,
        or turns from an appearance together into a contact, after the first message was frozen.
        Both are unique on (story, channel, step). A message waits `hold` seconds for other reports
        of the same story; messages that were sent are due an edit.

        A post that was recorded before and says something else now is a correction: its earlier
        verdicts are withdrawn, what it still reports stays in the stories that it was in, and
        messages about them are due an edit.

        Returns:
            False when the post was recorded before with these verdicts: nothing changed.
        """
        ...

    async def retract(self, post_id: str, now: datetime) -> bool:
        """Take back a post that its source has deleted; it will not be recorded again.

        Its verdicts are withdrawn. A story that no report is left of is withdrawn with what is
        still owed of it, and messages that told of what nobody reports any more are due an edit.

        Returns:
            False when the post was never recorded: only its id is remembered.
        """
        ...

    async def stories(self, pair: Pair | None = None, *, limit: int = 20) -> list[Story]:
        """The stories of a pair (or of every pair), latest first."""
        ...

    # ── watches ──

    async def add_watch(self, watch: Watch) -> bool:
        """Save a watch. False when that channel watches that target already."""
        ...

    async def remove_watch(self, guild_id: int, channel_id: int | None, pair: Pair) -> int:
        """Delete the watches of a pair in a channel, or (None) in the whole server; their number.

        What a channel is owed for that pair and was not yet sent is withdrawn, unless another
        watch of the channel still covers it.
        """
        ...

    async def watches(self, guild_id: int) -> list[Watch]:
        """A server's watches, oldest first."""
        ...

    # ── delivery ──

    async def claim_messages(self, now: datetime, *, limit: int, lease: float) -> list[Message]:
        """Lend out messages that are due: retries first, then what is owed, in a fair order.

        Fair: a server's first channel comes before any other's second, watches of the very pair
        before those of everything, and nobody waits for ever. What is owed becomes a frozen
        message on its first claim; later claims of it carry the same id and items, whatever the
        story has become. One message tells one story, except that what a channel has been owed for
        long (after an outage) comes as up to ten together. An upgrade waits for its first message.
        Channels that are closed to us are passed over until their next probe. Every claim raises
        the message's fencing token.
        """
        ...

    async def settle(self, message: Message, outcome: Outcome, now: datetime) -> bool:
        """Write down what became of a sent message.

        `Sent` is final and opens the channel; `Retry` makes it due again later; `Gone` closes the
        channel (the message waits for the next probe and is withdrawn after a day) or, where only
        this message was refused, makes it a dead letter.

        Returns:
            False when the lease was lost to a later claim: nothing changed.
        """
        ...

    async def claim_edits(self, now: datetime, *, limit: int, lease: float) -> list[Edit]:
        """Lend out sent messages that no longer say what they should, longest waiting first.

        A message is edited at most once in some minutes. A further source is worth an edit only
        during the message's first hour, a correction or a withdrawal always. Messages in channels
        that are closed to us are passed over.
        """
        ...

    async def settle_edit(self, edit: Edit, outcome: Outcome, now: datetime) -> bool:
        """Write down what became of an edit; False when the lease was lost: nothing changed."""
        ...

    async def dead_letters(self, guild_id: int | None, *, limit: int = 20) -> list[DeadLetter]:
        """Messages that were given up, in a server or (None) anywhere, latest first."""
        ...

    async def retry_dead(self, guild_id: int | None, now: datetime) -> int:
        """Make dead letters due again, as attempts by hand; their number."""
        ...

    async def lock_sending(self) -> bool:
        """Become the one who sends from this store; False when another process is.

        The lock dies with its holder: it ends with `close` or with the process, however that ends.
        """
        ...

    async def release_messages(self) -> int:
        """End every lease on messages; their number.

        Only for the one who holds the senders' lock, and so knows that no other sender lives.
        """
        ...

    async def closed_channels(self, guild_id: int | None) -> dict[int, str]:
        """The channels of a server, or (None) of all, that are closed to us, with the reason."""
        ...

    async def open_channel(self, channel_id: int) -> None:
        """Forget that a channel was closed, because its permissions were seen to be right again."""
        ...

    async def message(self, message_id: str) -> Message | None:
        """A frozen message by its id, whatever its state."""
        ...

    # ── books ──

    async def accounting(self) -> Accounting:
        """The books as they stand, read at one moment."""
        ...

    async def get(self, key: str) -> str | None:
        """A remembered value (say, the hash of the registered commands)."""
        ...

    async def put(self, key: str, value: str) -> None:
        """Remember a value."""
        ...
