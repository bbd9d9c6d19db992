"""The three rounds on a real store: what goes in, what comes out, and what a failure costs."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from bot.app import Core
from bot.domain.errors import (
    Malformed,
    NotAllowed,
    NotFound,
    RateLimited,
    SourceError,
    StorageUnavailable,
    Unreachable,
)
from bot.domain.ports import Storage
from bot.domain.types import (
    Batch,
    Edit,
    Gone,
    Judgement,
    Message,
    Outcome,
    Pair,
    Place,
    Post,
    Sent,
    Source,
    Watch,
)
from bot.pipeline import deliver_once, ingest_once, match_posts
from tests.conftest import Clock

PAIR = Pair("blackpink.jisoo", "seventeen.mingyu")
BOW = "BLACKPINK's Jisoo and SEVENTEEN's Mingyu are seen bowing to each other at the Dior show."
SOURCE = Source(id="s", kind="feed", url="https://s.example/feed", name="S", every=60)


def sent(message: Message, number: int = 1) -> Sent:
    return Sent(place=Place(channel_id=message.channel_id, message_id=number))


class Scripted:
    """A source that answers by script: posts, or an error."""

    def __init__(self, *answers: Batch | SourceError | Exception) -> None:
        self.answers = list(answers)
        self.cursors: list[dict[str, str]] = []

    async def poll(self, source: Source, cursor: Mapping[str, str], now: datetime) -> Batch:
        self.cursors.append(dict(cursor))
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer


class Recorder:
    """A sender that keeps what it was given and answers by script."""

    def __init__(self, answer: Callable[[Message], Outcome] | None = None) -> None:
        self.messages: list[Message] = []
        self.edits: list[Edit] = []
        self.answer = answer or (lambda m: sent(m, len(self.messages)))

    async def send(self, message: Message) -> Outcome:
        self.messages.append(message)
        return self.answer(message)

    async def edit(self, edit: Edit) -> Outcome:
        self.edits.append(edit)
        return self.answer(edit.message)


class Line:
    """The whole line with a store, a core and a clock."""

    def __init__(self, storage: Storage, core: Core, clock: Clock) -> None:
        self.storage, self.core, self.clock = storage, core, clock
        self.judge: Callable[[Post], Judgement] = core.judge

    async def match(self, posts: Sequence[Post]) -> None:
        await match_posts(
            posts,
            storage=self.storage,
            judge=self.judge,
            cluster=self.core.cluster,
            clock=self.clock,
            hold=20.0,
        )

    async def ingest(self, client: Scripted, *, baseline: bool = True) -> int:
        return await ingest_once(
            self.storage, {"feed": client}, self.match, self.clock, baseline=baseline
        )

    async def deliver(self, sender: Recorder) -> int:
        return await deliver_once(self.storage, sender, self.clock)

    async def watch(self, channel: int = 10) -> None:
        await self.storage.add_watch(
            Watch(guild_id=1, channel_id=channel, pair=PAIR, user_id=1, created_at=self.clock())
        )


@pytest.fixture
def line(storage: Storage, core: Core, clock: Clock) -> Line:
    return Line(storage, core, clock)


def post(clock: Clock, number: int = 1, text: str = BOW, **changes: object) -> Post:
    made = Post(
        id=f"s:{number}",
        source_id="s",
        outlet="S",
        text=text,
        url=f"https://s.example/{number}",
        lang="en",
        published=clock(),
        seen_at=clock(),
    )
    return replace(made, **changes)


def batch(*posts: Post, **changes: object) -> Batch:
    return replace(Batch(posts=posts, cursor={"etag": str(len(posts))}), **changes)


# ── ingest ────────────────────────────────────────────────────────────────────────────────────


async def test_a_post_goes_from_source_to_message_once(line: Line, clock: Clock) -> None:
    await line.storage.sync_sources([SOURCE], clock())
    await line.watch()
    clock.tick()
    client = Scripted(batch(post(clock)), batch(post(clock)))
    sender = Recorder()
    for _ in range(2):
        assert await line.ingest(client) == 1
        clock.tick(61)
        await line.deliver(sender)
    assert client.cursors == [{}, {"etag": "1"}]
    [message] = sender.messages
    assert message.items[0].story.lead.url == "https://s.example/1"
    assert (await line.storage.accounting()).balanced


async def test_what_was_published_before_the_source_was_added_is_archive(
    line: Line, clock: Clock
) -> None:
    await line.storage.sync_sources([SOURCE], clock())
    await line.watch()
    clock.tick(5)
    old = post(clock, 1, published=clock() - timedelta(minutes=1))
    undated = post(clock, 2, text=BOW.replace("Jisoo", "Lisa"), published=None)
    fresh = post(clock, 3, text=BOW.replace("Jisoo", "Rosé"))
    await line.ingest(Scripted(batch(old, undated, fresh)))
    stories = await line.storage.stories()
    assert {s.reports[0].post_id: s.state.value for s in stories} == {
        "s:1": "archive",
        "s:2": "archive",
        "s:3": "live",
    }


async def test_a_later_poll_knows_no_baseline(line: Line, clock: Clock) -> None:
    await line.storage.sync_sources([SOURCE], clock())
    await line.watch()
    await line.ingest(Scripted(batch()))
    clock.tick(61)
    await line.ingest(Scripted(batch(post(clock, published=None))))
    clock.tick(30)
    assert await line.deliver(Recorder()) == 1


async def test_the_cursor_is_saved_only_after_the_sink_took_the_posts(
    line: Line, clock: Clock
) -> None:
    await line.storage.sync_sources([SOURCE], clock())

    async def full(_: Sequence[Post]) -> None:
        raise StorageUnavailable("the disk is full")

    with pytest.raises(ExceptionGroup) as caught:
        await ingest_once(line.storage, {"feed": Scripted(batch(post(clock)))}, full, clock)
    assert caught.group_contains(StorageUnavailable)
    clock.tick(121)  # the lease ends, and the source is read again from where it was
    client = Scripted(batch(post(clock)))
    assert await line.ingest(client) == 1
    assert client.cursors == [{}]


@pytest.mark.parametrize(
    ("error", "least", "most"),
    [
        (Unreachable("reset"), 60, 120),
        (Malformed("HTML"), 60, 120),
        (RateLimited("429", retry_after=900), 900, 900),
        (RateLimited("429", retry_after=10_000_000), 86_400, 86_400),
        (NotAllowed("403"), 3600, 3600),
        (RuntimeError("a bug"), 60, 120),
    ],
)
async def test_a_failing_source_backs_off_and_the_others_go_on(
    line: Line, clock: Clock, error: Exception, least: float, most: float
) -> None:
    await line.storage.sync_sources([SOURCE, replace(SOURCE, id="t", kind="other")], clock())
    good = Scripted(batch(post(clock)))
    await ingest_once(
        line.storage, {"feed": Scripted(error), "other": good}, line.match, clock, baseline=False
    )
    bad, fine = await line.storage.source_health()
    assert (bad.failures, fine.failures) == (1, 0)
    assert str(error) in (bad.last_error or "")
    assert least <= (bad.next_at - clock()).total_seconds() <= most
    assert len(await line.storage.stories()) == 1


async def test_back_off_grows_and_is_bounded(line: Line, clock: Clock) -> None:
    await line.storage.sync_sources([SOURCE], clock())
    waits = []
    for _ in range(14):
        await line.ingest(Scripted(Unreachable("down")))
        [health] = await line.storage.source_health()
        waits.append((health.next_at - clock()).total_seconds())
        clock.now = health.next_at
    assert max(waits) > 600
    assert max(waits) <= 6 * 3600 + 60


async def test_a_gone_source_is_polled_no_more(line: Line, clock: Clock) -> None:
    await line.storage.sync_sources([SOURCE], clock())
    await line.ingest(Scripted(NotFound("410", gone=True)))
    clock.tick(10_000_000)
    assert await line.ingest(Scripted()) == 0


async def test_a_source_may_ask_for_longer_pauses(line: Line, clock: Clock) -> None:
    await line.storage.sync_sources([SOURCE], clock())
    await line.ingest(Scripted(batch(min_interval=1800.0)))
    [health] = await line.storage.source_health()
    assert (health.next_at - clock()).total_seconds() == 1800


# ── match ─────────────────────────────────────────────────────────────────────────────────────


async def test_posts_without_two_idols_leave_no_row_but_are_seen(line: Line, clock: Clock) -> None:
    posts = [post(clock, 1, "Rain in Seoul."), post(clock, 2, "BLACKPINK's Jisoo sings.")]
    await line.match(posts)
    assert await line.storage.unseen({p.id: p.digest for p in posts}) == {}
    assert (await line.storage.accounting()).recorded == 0


async def test_the_same_post_twice_in_a_batch_counts_once(line: Line, clock: Clock) -> None:
    await line.match([post(clock), post(clock)])
    assert (await line.storage.accounting()).recorded == 1


async def test_a_poison_post_is_a_recorded_bug_and_the_rest_goes_on(
    line: Line, clock: Clock
) -> None:
    judge = line.core.judge

    def fragile(one: Post) -> Judgement:
        if one.id == "s:1":
            raise RuntimeError("poison")
        return judge(one)

    line.judge = fragile
    await line.match([post(clock, 1), post(clock, 2)])
    verdicts = (await line.storage.accounting()).verdicts
    assert dict(verdicts) == {"rejected:bug": 1, "story": 1}
    line.judge = judge
    await line.match([post(clock, 1)])
    assert (await line.storage.accounting()).recorded == 2


async def test_five_reports_in_five_languages_are_one_story(line: Line, clock: Clock) -> None:
    await line.watch()
    texts = {
        "en": BOW,
        "ko": "블랙핑크 지수와 세븐틴 민규가 디올 쇼에서 반갑게 인사를 나눴다.",
        "ja": "BLACKPINKのジスとSEVENTEENのミンギュがディオールのショーで挨拶を交わした。",
        "es": "Jisoo de BLACKPINK y Mingyu de SEVENTEEN se saludaron en el desfile de Dior.",
        "id": "Jisoo BLACKPINK dan Mingyu SEVENTEEN saling menyapa di acara Dior.",
    }
    await line.match([post(clock, n, t, lang=x) for n, (x, t) in enumerate(texts.items())])
    [story] = await line.storage.stories(PAIR)
    assert {r.lang for r in story.reports} == set(texts)
    sender = Recorder()
    clock.tick(30)
    await line.deliver(sender)
    assert len(sender.messages) == 1


# ── deliver ───────────────────────────────────────────────────────────────────────────────────


async def test_a_sure_report_waits_for_nobody_and_an_unsure_one_for_its_siblings(
    line: Line, clock: Clock
) -> None:
    await line.watch()
    await line.match([post(clock, 1, "BLACKPINK's Jisoo came. She talked to SEVENTEEN's Mingyu.")])
    assert await line.deliver(Recorder()) == 0
    clock.tick(20)
    assert await line.deliver(Recorder()) == 1
    await line.watch(11)
    clock.tick()
    await line.match([post(clock, 2, BOW.replace("Jisoo", "Lisa"))])
    await line.storage.add_watch(
        Watch(guild_id=1, channel_id=12, pair=None, user_id=1, created_at=clock())
    )
    clock.tick()
    await line.match([post(clock, 3, BOW.replace("Jisoo", "Rosé"))])
    assert await line.deliver(Recorder()) == 1


async def test_a_message_that_cannot_be_rendered_is_a_dead_letter_and_the_rest_goes_on(
    line: Line, clock: Clock
) -> None:
    await line.watch(10)
    await line.watch(11)
    await line.match([post(clock)])

    def fragile(message: Message) -> Outcome:
        if message.channel_id == 10:
            raise RuntimeError("cannot draw it")
        return sent(message)

    assert await line.deliver(Recorder(fragile)) == 2
    books = await line.storage.accounting()
    assert (books.dead, books.sent) == (1, 1)
    assert books.balanced


async def test_a_gone_channel_does_not_hold_up_another(line: Line, clock: Clock) -> None:
    for channel in (10, 11):
        await line.watch(channel)
    await line.match([post(clock)])
    await line.deliver(Recorder(lambda m: Gone(reason="403") if m.channel_id == 10 else sent(m)))
    books = await line.storage.accounting()
    assert (books.pending, books.sent) == (1, 1)
    assert await line.storage.closed_channels(1) == {10: "403"}


async def test_a_slow_send_does_not_hold_up_the_others(line: Line, clock: Clock) -> None:
    for channel in range(10, 60):
        await line.watch(channel)
    await line.match([post(clock)])
    release = asyncio.Event()

    class Slow(Recorder):
        async def send(self, message: Message) -> Outcome:
            outcome = await super().send(message)
            if message.channel_id == 10:
                await release.wait()
            elif len(self.messages) == 50:
                release.set()
            return outcome

    sender = Slow()
    assert await asyncio.wait_for(deliver_once(line.storage, sender, clock, limit=4), 30) == 50
    assert len({m.channel_id for m in sender.messages}) == 50


async def test_a_stop_ends_the_round_with_what_is_under_way(line: Line, clock: Clock) -> None:
    for channel in range(10, 30):
        await line.watch(channel)
    await line.match([post(clock)])
    sender = Recorder()
    await deliver_once(
        line.storage, sender, clock, limit=4, go_on=lambda: len(sender.messages) == 0
    )
    assert len(sender.messages) == 4
    books = await line.storage.accounting()
    assert (books.sent, books.pending) == (4, 16)


async def test_a_further_source_and_a_deletion_edit_the_message(line: Line, clock: Clock) -> None:
    await line.storage.sync_sources([SOURCE], clock())
    await line.watch()
    clock.tick()
    sender = Recorder()
    answers = Scripted(
        batch(post(clock, 1)),
        batch(post(clock, 2, outlet="T")),
        batch(deleted=("s:1", "s:2", "s:unknown")),
    )
    for wait in (61, 200, 200):
        await line.ingest(answers)
        await line.deliver(sender)
        clock.tick(wait)
        await line.deliver(sender)
    assert len(sender.messages) == 1
    further, withdrawn = sender.edits
    assert [r.outlet for r in further.message.items[0].story.reports] == ["S", "T"]
    assert withdrawn.message.items[0].story.pairs == ()
    assert [p.pair for p in withdrawn.message.items[0].taken_back] == [PAIR]


async def test_a_corrected_entry_is_judged_again_and_takes_back_what_it_said(
    line: Line, clock: Clock
) -> None:
    await line.watch()
    sender = Recorder()
    await line.match([post(clock)])
    await line.deliver(sender)
    await line.match([post(clock, text="Correction: it rained in Paris, and nobody was there.")])
    await line.deliver(sender)
    [edit] = sender.edits
    assert [p.pair for p in edit.message.items[0].taken_back] == [PAIR]
    await line.match([post(clock, text="Correction: it rained in Paris, and nobody was there.")])
    assert dict((await line.storage.accounting()).verdicts) == {"withdrawn": 1}


async def test_what_became_of_a_message_is_written_once_the_store_is_back(
    line: Line, clock: Clock, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("bot.pipeline._SETTLE_PAUSE", 0.01)
    await line.watch()
    await line.match([post(clock)])
    blocker = sqlite3.connect(tmp_path / "crumbs.db", isolation_level=None)

    class Blocked(Recorder):
        async def send(self, message: Message) -> Outcome:
            blocker.execute("BEGIN IMMEDIATE")
            asyncio.get_running_loop().call_later(5.5, blocker.execute, "ROLLBACK")
            return await super().send(message)

    sender = Blocked()
    await line.deliver(sender)
    assert len(sender.messages) == 1
    assert (await line.storage.accounting()).sent == 1
    blocker.close()
