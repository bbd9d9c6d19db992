"""Any sequence of what can happen to the outbox keeps its promises, beside a small model."""

from __future__ import annotations

import asyncio
import itertools
import os
import tempfile
from collections.abc import Awaitable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import TypeVar
from unittest.mock import patch

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from bot.domain.types import (
    Edit,
    Gone,
    Interaction,
    Kind,
    Message,
    Outcome,
    Pair,
    Place,
    Placement,
    Post,
    Report,
    Retry,
    Sent,
    Step,
    Story,
    Tier,
    Watch,
)
from storage import base, open_storage

T = TypeVar("T")

PAIRS = (Pair("a.one", "b.two"), Pair("a.one", "c.three"), Pair("d.four", "e.five"))
#: Two servers.
CHANNELS = (10, 11, 20)
LEASE = 60.0

Told = tuple[str, int, Step]


class Occasions:
    """A clusterer: a post's title names its occasion."""

    def report(self, post: Post) -> Report:
        return Report(
            post_id=post.id, outlet=post.outlet, title=post.title, url=post.url, url_key=post.url,
            fingerprint="", anchors=(), lang="", at=post.at,
        )  # fmt: skip

    def __call__(
        self, post: Post, interactions: Sequence[Interaction], candidates: Sequence[Story]
    ) -> list[Placement]:
        story = next((s.id for s in candidates if s.reports and s.lead.title == post.title), None)
        return [Placement(story_id=story, pairs=tuple(i.pair for i in interactions))]


@dataclass
class Lent:
    """A message or edit that some sender has."""

    one: Message | Edit
    until: datetime

    @property
    def message(self) -> Message:
        return self.one.message if isinstance(self.one, Edit) else self.one


some = st.dictionaries(
    st.sampled_from(PAIRS),
    st.sampled_from([Kind.GREETING, Kind.CO_APPEARANCE]),
    min_size=1,
    max_size=2,
)
outcomes = st.one_of(
    st.just("sent"),
    st.builds(Retry, after=st.sampled_from([0.0, 5.0, 600.0]), reason=st.just("503")),
    st.builds(Gone, reason=st.just("403"), channel=st.booleans()),
)


class Outbox(RuleBasedStateMachine):
    """Senders, sources and members, all at once."""

    def __init__(self) -> None:
        super().__init__()
        # Ids decide ties; random ones could not be replayed.
        numbers = itertools.count()
        self.ids = patch.object(
            base, "secrets", SimpleNamespace(token_urlsafe=lambda _: f"{next(numbers):020}")
        )
        self.ids.start()
        self.runner = asyncio.Runner()
        self.folder = tempfile.TemporaryDirectory()
        path = Path(self.folder.name) / "crumbs.db"
        self.storage = self.do(open_storage(f"sqlite:///{path}"))
        self.now = datetime(2026, 3, 1, tzinfo=UTC)
        self.posts: dict[int, Post] = {}
        #: Everything that was ever lent, latest last: the holders may come back at any time.
        self.lent: list[Lent] = []
        self.tokens: dict[str, int] = {}
        #: Each message as it was first lent.
        self.frozen: dict[str, Message] = {}
        #: Which message tells a channel of a step of a story.
        self.carrier: dict[Told, str] = {}
        self.sent: dict[str, Place] = {}
        self.dead: set[str] = set()

    def do(self, work: Awaitable[T]) -> T:
        async def awaited() -> T:
            return await work

        return self.runner.run(awaited())

    def teardown(self) -> None:
        try:
            self.everything_ends()
        finally:
            self.ids.stop()
            self.do(self.storage.close())
            self.runner.close()
            self.folder.cleanup()

    # ── what happens ──

    @initialize()
    def some_watch_already(self) -> None:
        for channel, pair in zip(CHANNELS, PAIRS, strict=True):
            for watched in (PAIRS[0], PAIRS[2]) if channel == CHANNELS[0] else (pair,):
                self.a_channel_watches(channel, watched)

    @rule(seconds=st.sampled_from([1, 30, 61, 200, 700, 3700, 86_399]))
    def time_passes(self, seconds: int) -> None:
        self.now += timedelta(seconds=seconds)

    @rule(occasion=st.integers(0, 9), told=some)
    def an_outlet_reports(self, occasion: int, told: dict[Pair, Kind]) -> None:
        """A new story, a further report of one, or one that adds a pair to it."""
        number = len(self.posts)
        self.posts[number] = self._post(number, f"occasion {occasion}", "words")
        self._record(number, told)

    @precondition(lambda self: self.posts)
    @rule(data=st.data(), told=st.one_of(st.just({}), some))
    def an_outlet_corrects_itself(self, data: st.DataObject, told: dict[Pair, Kind]) -> None:
        number = data.draw(st.sampled_from(sorted(self.posts)))
        post = self.posts[number]
        self.posts[number] = replace(post, text=f"{post.text}, corrected")
        self._record(number, told)

    def _post(self, number: int, occasion: str, text: str) -> Post:
        return Post(
            id=f"src:{number}", source_id="src", outlet=f"Outlet {number}", title=occasion,
            text=text, url=f"https://example.com/{number}", seen_at=self.now,
        )  # fmt: skip

    def _record(self, number: int, told: dict[Pair, Kind]) -> None:
        post = self.posts[number]
        verdicts = [
            Interaction(pair=p, kind=k, tier=Tier.ANNOUNCE, confidence=0.9, evidence=post.text)
            for p, k in told.items()
        ]
        self.do(self.storage.record(post, verdicts, Occasions(), hold=0.0, now=self.now))

    @precondition(lambda self: self.posts)
    @rule(data=st.data())
    def an_outlet_takes_a_post_back(self, data: st.DataObject) -> None:
        number = data.draw(st.sampled_from(sorted(self.posts)))
        self.do(self.storage.retract(f"src:{number}", self.now))

    @rule(channel=st.sampled_from(CHANNELS), pair=st.sampled_from([*PAIRS, None]))
    def a_channel_watches(self, channel: int, pair: Pair | None) -> None:
        watch = Watch(
            guild_id=channel // 10, channel_id=channel, pair=pair, user_id=1, created_at=self.now
        )
        self.do(self.storage.add_watch(watch))

    @rule(data=st.data())
    def a_watch_ends(self, data: st.DataObject) -> None:
        """Rather one of which something is under way."""
        under_way = [
            (m.channel_id, p.pair)
            for m in self.frozen.values()
            if m.id not in self.sent
            for i in m.items
            for p in i.story.pairs
        ]
        any_watch = [(c, p) for c in CHANNELS for p in PAIRS]
        channel, pair = data.draw(st.sampled_from(under_way or any_watch))
        self.do(self.storage.remove_watch(channel // 10, channel, pair))

    @rule(many=st.integers(2, 4))
    def much_happens_while_nobody_sends(self, many: int) -> None:
        """A backlog, which comes together."""
        for number in range(many):
            self.an_outlet_reports(len(self.posts) + 10, {PAIRS[-number % 3]: Kind.GREETING})
        self.now += timedelta(minutes=11)

    @rule(data=st.data(), limit=st.integers(1, 6))
    def a_sender_looks(self, data: st.DataObject, limit: int) -> None:
        """It claims what is due and settles some of that at once."""
        for lent in self.claim(limit) + self.claim_edits(limit):
            if outcome := data.draw(st.one_of(outcomes, st.none())):
                self.settle(lent, outcome)

    def claim(self, limit: int) -> list[Lent]:
        claimed = self.do(self.storage.claim_messages(self.now, limit=limit, lease=LEASE))
        assert len(claimed) <= limit
        for message in claimed:
            assert message.id not in self.sent
            assert message.id not in self.dead
            first = self.frozen.setdefault(message.id, message)
            assert message == replace(
                first, attempt=message.attempt, token=message.token, by_hand=message.by_hand
            )
            assert message.items
            for item in message.items:
                told = (item.story.id, message.channel_id, item.step)
                assert self.carrier.setdefault(told, message.id) == message.id
        return [self._lend(message) for message in claimed]

    def claim_edits(self, limit: int) -> list[Lent]:
        edits = self.do(self.storage.claim_edits(self.now, limit=limit, lease=LEASE))
        for edit in edits:
            assert edit.place == self.sent[edit.message.id]
        return [self._lend(edit) for edit in edits]

    def _lend(self, one: Message | Edit) -> Lent:
        lent = Lent(one, self.now + timedelta(seconds=LEASE))
        number = lent.message.id
        assert lent.message.token > self.tokens.get(number, 0)
        self.tokens[number] = lent.message.token
        holders = [x for x in self.lent if x.message.id == number and x.until > self.now]
        assert not holders, "lent to two at once"
        self.lent.append(lent)
        return lent

    @precondition(lambda self: self.lent)
    @rule(data=st.data(), outcome=outcomes)
    def an_outcome_is_known(self, data: st.DataObject, outcome: Outcome | str) -> None:
        latest = self.lent[::-1]  # the first is what a search prefers
        lent = data.draw(st.sampled_from(latest))
        self.settle(lent, outcome)

    def settle(self, lent: Lent, outcome: Outcome | str) -> None:
        message = lent.message
        place = Place(channel_id=message.channel_id, message_id=len(self.frozen) + 1)
        known = Sent(place=place) if isinstance(outcome, str) else outcome
        newest = self.tokens[message.id] == message.token
        if isinstance(lent.one, Edit):
            kept = self.do(self.storage.settle_edit(lent.one, known, self.now))
        else:
            kept = self.do(self.storage.settle(lent.one, known, self.now))
        if not newest:
            assert not kept, "a stale lease settled something"
        if newest and lent in self.lent and lent.until > self.now:
            assert kept, "a lease was lost before it ran out"
        # Whoever has settled once holds nothing any more.
        lent.until = min(lent.until, self.now)
        if kept and isinstance(lent.one, Message):
            if isinstance(known, Sent):
                assert message.id not in self.sent
                self.sent[message.id] = place
            elif isinstance(known, Gone) and not known.channel:
                self.dead.add(message.id)

    @rule(what=st.sampled_from(["restart", "open the channels", "retry dead letters"]))
    def the_operator_steps_in(self, what: str) -> None:
        if what == "restart":
            self.do(self.storage.release_messages())
            for lent in self.lent:
                lent.until = min(lent.until, self.now)
        elif what == "open the channels":
            self.open_channels()
        else:
            self.do(self.storage.retry_dead(None, self.now))
            self.dead.clear()

    def open_channels(self) -> None:
        for channel in CHANNELS:
            self.do(self.storage.open_channel(channel))

    # ── what always holds ──

    @invariant()
    def the_books_balance(self) -> None:
        books = self.do(self.storage.accounting())
        assert books.balanced, books
        told = [t for t, message_id in self.carrier.items() if message_id in self.sent]
        assert books.sent == len(told), books

    def everything_ends(self) -> None:
        """Once nothing hinders it, all that is owed is sent or withdrawn, and no edit is left."""
        for lent in self.lent:
            lent.until = min(lent.until, self.now)
        self.open_channels()
        for _ in range(8):
            self.now += timedelta(minutes=15)
            for lent in self.claim(50) + self.claim_edits(50):
                self.settle(lent, "sent")
        self.the_books_balance()
        books = self.do(self.storage.accounting())
        assert books.pending == 0, books
        assert self.do(self.storage.claim_edits(self.now, limit=9, lease=LEASE)) == []


CASES = settings(max_examples=40, stateful_step_count=50, deadline=None)


def test_any_sequence_keeps_the_promises() -> None:
    run_state_machine_as_test(Outbox, settings=CASES)


@pytest.mark.soak
@pytest.mark.timeout(24000)
def test_thousands_of_sequences_keep_the_promises() -> None:
    many = 2000 * int(os.environ.get("CRUMBS_TEST_SOAK", "1"))
    run_state_machine_as_test(Outbox, settings=settings(CASES, max_examples=many))
    print(f"\n{many:,} sequences of up to {CASES.stateful_step_count} steps")  # noqa: T201
