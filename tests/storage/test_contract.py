"""The contract of `bot.domain.ports.Storage`: every backend passes all of it."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from bot.domain.ports import Storage
from bot.domain.types import (
    Edit,
    Gone,
    Interaction,
    Kind,
    Message,
    Pair,
    Place,
    Placement,
    PollResult,
    Post,
    Reason,
    Rejection,
    Report,
    Retry,
    Sent,
    Source,
    Step,
    Story,
    StoryState,
    Tier,
    Verdict,
    Watch,
)

T0 = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
AB = Pair("a.one", "b.two")
CD = Pair("c.three", "d.four")


def at(seconds: float) -> datetime:
    return T0 + timedelta(seconds=seconds)


class OneStory:
    """A clusterer that puts everything into the latest candidate, or into one new story."""

    def __init__(self, *, archive: bool = False, always_new: bool = False) -> None:
        self.archive = archive
        self.always_new = always_new

    def report(self, post: Post) -> Report:
        return Report(
            post_id=post.id,
            outlet=post.outlet,
            title=post.title,
            url=post.url,
            url_key=post.url,
            fingerprint="",
            anchors=("brand:dior",),
            lang=post.lang,
            at=post.at,
        )

    def __call__(
        self, post: Post, interactions: Sequence[Interaction], candidates: Sequence[Story]
    ) -> list[Placement]:
        story = candidates[0].id if candidates and not self.always_new else None
        return [
            Placement(
                story_id=story,
                pairs=tuple(i.pair for i in interactions),
                archive=self.archive or post.archive,
            )
        ]


def post(number: int, **changes: object) -> Post:
    made = Post(
        id=f"src:{number}",
        source_id="src",
        outlet="Outlet",
        title=f"Title {number}",
        text="text",
        url=f"https://example.com/{number}",
        published=at(0),
        seen_at=at(0),
    )
    return replace(made, **changes)


def met(pair: Pair = AB, **changes: object) -> Interaction:
    made = Interaction(
        pair=pair, kind=Kind.GREETING, tier=Tier.ANNOUNCE, confidence=0.9, evidence="they bowed"
    )
    return replace(made, **changes)


async def record(
    storage: Storage,
    number: int,
    *verdicts: Verdict,
    cluster: OneStory | None = None,
    hold: float = 0.0,
    now: datetime = T0,
    **changes: object,
) -> bool:
    return await storage.record(
        post(number, **changes), verdicts or (met(),), cluster or OneStory(), hold=hold, now=now
    )


async def watch(
    storage: Storage,
    channel: int,
    pair: Pair | None = AB,
    *,
    guild: int = 1,
    since: datetime = T0 - timedelta(seconds=60),
) -> bool:
    return await storage.add_watch(
        Watch(guild_id=guild, channel_id=channel, pair=pair, user_id=7, created_at=since)
    )


async def claim(
    storage: Storage, now: datetime = T0, *, limit: int = 10, lease: float = 60.0
) -> list[Message]:
    return await storage.claim_messages(now, limit=limit, lease=lease)


def sent(message_id: int, channel_id: int = 10) -> Sent:
    return Sent(place=Place(channel_id=channel_id, message_id=message_id))


async def assert_balanced(storage: Storage) -> None:
    books = await storage.accounting()
    assert books.balanced, books


# ── sources ───────────────────────────────────────────────────────────────────────────────────


def source(name: str = "one", **changes: object) -> Source:
    made = Source(
        id=name, kind="feed", url=f"https://{name}.example/feed", name=name.title(), every=60
    )
    return replace(made, **changes)


async def test_a_new_source_is_due_at_once_and_remembers_when_it_was_added(
    storage: Storage,
) -> None:
    await storage.sync_sources(
        [source(official=True, about_idols=True, lang="ko", tz="Asia/Seoul")], T0
    )
    [lease] = await storage.claim_sources(T0, limit=5, lease=60)
    assert lease.source == source(official=True, about_idols=True, lang="ko", tz="Asia/Seoul")
    assert (lease.added_at, lease.first, dict(lease.cursor)) == (T0, True, {})


async def test_a_lent_source_is_not_lent_again_until_its_lease_ends(storage: Storage) -> None:
    await storage.sync_sources([source()], T0)
    [first] = await storage.claim_sources(T0, limit=5, lease=60)
    assert await storage.claim_sources(at(59), limit=5, lease=60) == []
    [second] = await storage.claim_sources(at(60), limit=5, lease=60)
    assert second.token > first.token
    assert not await storage.finish_poll(first, PollResult(next_at=at(999)), at(61))
    assert await storage.finish_poll(second, PollResult(next_at=at(120), cursor={}), at(61))


async def test_a_finished_poll_keeps_cursor_and_schedule(storage: Storage) -> None:
    await storage.sync_sources([source()], T0)
    [lease] = await storage.claim_sources(T0, limit=5, lease=60)
    done = PollResult(next_at=at(60), cursor={"etag": 'W/"1"'}, posts=3)
    assert await storage.finish_poll(lease, done, at(1))
    assert await storage.claim_sources(at(59), limit=5, lease=60) == []
    [again] = await storage.claim_sources(at(60), limit=5, lease=60)
    assert dict(again.cursor) == {"etag": 'W/"1"'}
    assert not again.first


async def test_a_failed_poll_keeps_the_cursor_and_counts(storage: Storage) -> None:
    await storage.sync_sources([source()], T0)
    for number in range(3):
        now = at(100 * number)
        [lease] = await storage.claim_sources(now, limit=5, lease=60)
        assert lease.failures == number
        cursor = {"etag": "x"} if number == 0 else None
        await storage.finish_poll(lease, PollResult(next_at=now, cursor=cursor, error="503"), now)
    [health] = await storage.source_health()
    assert (health.failures, health.last_error, health.last_ok) == (3, "503", None)
    [lease] = await storage.claim_sources(at(300), limit=5, lease=60)
    assert dict(lease.cursor) == {"etag": "x"}
    assert lease.first


async def test_a_gone_source_is_disabled_and_shown(storage: Storage) -> None:
    await storage.sync_sources([source()], T0)
    [lease] = await storage.claim_sources(T0, limit=5, lease=60)
    await storage.finish_poll(lease, PollResult(next_at=T0, error="410", disable=True), T0)
    assert await storage.claim_sources(at(9999), limit=5, lease=60) == []
    [health] = await storage.source_health()
    assert health.disabled


async def test_a_source_left_out_is_kept_with_its_state(storage: Storage) -> None:
    await storage.sync_sources([source()], T0)
    [lease] = await storage.claim_sources(T0, limit=5, lease=60)
    await storage.finish_poll(lease, PollResult(next_at=at(60), cursor={"etag": "1"}), T0)
    await storage.sync_sources([], at(1))
    assert await storage.claim_sources(at(600), limit=5, lease=60) == []
    assert await storage.source_health() == []
    await storage.sync_sources([source()], at(700))
    [again] = await storage.claim_sources(at(700), limit=5, lease=60)
    assert (dict(again.cursor), again.added_at) == ({"etag": "1"}, T0)


async def test_a_new_address_starts_anew(storage: Storage) -> None:
    await storage.sync_sources([source()], T0)
    [lease] = await storage.claim_sources(T0, limit=5, lease=60)
    await storage.finish_poll(lease, PollResult(next_at=at(6000), cursor={"etag": "1"}), T0)
    await storage.sync_sources([source(url="https://new.example/feed")], at(1))
    [again] = await storage.claim_sources(at(1), limit=5, lease=60)
    assert (again.source.url, dict(again.cursor)) == ("https://new.example/feed", {})


async def test_sources_are_lent_longest_due_first_and_only_when_switched_on(
    storage: Storage,
) -> None:
    await storage.sync_sources([source("late")], at(5))
    await storage.sync_sources(
        [source("late"), source("later"), source("off", enabled=False)], at(9)
    )
    leases = await storage.claim_sources(at(10), limit=1, lease=60)
    leases += await storage.claim_sources(at(10), limit=9, lease=60)
    assert [x.source.id for x in leases] == ["late", "later"]


# ── posts ─────────────────────────────────────────────────────────────────────────────────────


def digests(*numbers: int, said: str = "it") -> dict[str, str]:
    return {f"src:{n}": said for n in numbers}


async def test_recorded_and_marked_posts_are_seen(storage: Storage) -> None:
    await record(storage, 1)
    await storage.mark_seen(digests(2, 3), T0)
    asked = {**digests(*range(2000)), "src:1": post(1).digest}
    assert set(await storage.unseen(asked)) == set(asked) - {"src:1", "src:2", "src:3"}


async def test_a_post_that_says_something_else_is_unseen_again(storage: Storage) -> None:
    await record(storage, 1)
    await storage.mark_seen(digests(2), T0)
    assert await storage.unseen(digests(1, 2, 3, said="else")) == {
        "src:1": True,
        "src:2": False,
        "src:3": False,
    }


async def test_marking_again_is_harmless_and_old_marks_are_forgotten(storage: Storage) -> None:
    await storage.mark_seen(digests(1), T0)
    await storage.mark_seen(digests(1, 2), T0 + timedelta(days=10))
    await storage.mark_seen(digests(3), T0 + timedelta(days=20))
    assert await storage.unseen(digests(1, 2)) == {}
    await storage.mark_seen(digests(4), T0 + timedelta(days=60))
    assert set(await storage.unseen(digests(1, 2))) == {"src:1", "src:2"}


async def test_a_post_is_recorded_once(storage: Storage) -> None:
    await watch(storage, 10)
    assert await record(storage, 1)
    assert not await record(storage, 1)
    [story] = await storage.stories()
    assert [r.post_id for r in story.reports] == ["src:1"]
    assert (await storage.accounting()).recorded == 1


async def test_recording_at_the_same_time_makes_one_story(storage: Storage) -> None:
    await watch(storage, 10)
    await asyncio.gather(*(record(storage, n) for n in range(20)))
    [story] = await storage.stories(AB)
    assert len(story.reports) == 20
    assert story.revision == 20
    assert (await storage.accounting()).planned == 1


async def test_a_story_comes_back_as_it_was_recorded(storage: Storage) -> None:
    told = met(happened_at=at(-3600), confidence=0.875)
    await record(storage, 1, told, title="“지수” \ud800 ✿", lang="ko", image="https://x.example/i")
    [story] = await storage.stories(AB)
    [pair] = story.pairs
    assert (pair.kind, pair.tier, pair.confidence) == (Kind.GREETING, Tier.ANNOUNCE, 0.875)
    assert (pair.evidence, pair.happened_at) == ("they bowed", at(-3600))
    [report] = story.reports
    assert (report.title, report.lang, report.at) == ("“지수” ? ✿", "ko", at(0))
    assert report.anchors == ("brand:dior",)
    assert await storage.stories(CD) == []


async def test_every_verdict_is_in_one_state(storage: Storage) -> None:
    await record(
        storage,
        1,
        met(),
        met(CD, tier=Tier.DIGEST),
        Rejection(reason=Reason.AMBIGUOUS_NAME, detail="a stock index"),
        Rejection(pair=Pair("x.1", "x.2"), reason=Reason.LISTING),
    )
    await record(storage, 2, cluster=OneStory(archive=True, always_new=True))
    books = await storage.accounting()
    assert dict(books.verdicts) == {
        "story": 1,
        "digest": 1,
        "archive": 1,
        "rejected:ambiguous_name": 1,
        "rejected:listing": 1,
    }
    await assert_balanced(storage)


async def test_an_old_and_merely_possible_moment_is_stale_and_an_old_one_archive(
    storage: Storage,
) -> None:
    await watch(storage, 10, None, since=at(-999_999_999))
    await record(storage, 1, met(), met(CD, tier=Tier.DIGEST), published=T0 - timedelta(days=8))
    assert dict((await storage.accounting()).verdicts) == {"archive": 1, "rejected:stale": 1}
    assert await claim(storage) == []


# ── what channels are owed ────────────────────────────────────────────────────────────────────


async def test_every_watching_channel_is_owed_one_message(storage: Storage) -> None:
    for channel in (10, 11):
        await watch(storage, channel)
    await watch(storage, 11, None)  # a second watch of the same channel
    await watch(storage, 12, CD)
    await record(storage, 1)
    await record(storage, 2)
    messages = await claim(storage)
    assert sorted(m.channel_id for m in messages) == [10, 11]
    for message in messages:
        [item] = message.items
        assert item.step is Step.FIRST
        assert [r.post_id for r in item.story.reports] == ["src:1", "src:2"]
        assert len(message.id) <= 25
    assert await claim(storage, at(1)) == []


async def test_a_new_watch_gets_nothing_from_older_stories(storage: Storage) -> None:
    await record(storage, 1, now=at(0))
    await watch(storage, 10, since=at(1))
    await record(storage, 2, now=at(2))
    assert await claim(storage, at(3)) == []


@pytest.mark.parametrize(
    "changes", [{"tier": Tier.DIGEST}, {"tier": Tier.SENSITIVE}], ids=["digest", "sensitive"]
)
async def test_only_what_may_be_announced_is_owed(
    storage: Storage, changes: dict[str, object]
) -> None:
    await watch(storage, 10)
    await record(storage, 1, met(**changes))
    assert (await storage.accounting()).planned == 0


async def test_archive_is_owed_to_nobody_until_news_of_it_comes(storage: Storage) -> None:
    await watch(storage, 10)
    await record(storage, 1, archive=True)
    [story] = await storage.stories()
    assert story.state is StoryState.ARCHIVE
    assert (await storage.accounting()).planned == 0
    await record(storage, 2)
    [story] = await storage.stories()
    assert story.state is StoryState.LIVE
    [message] = await claim(storage)
    assert len(message.items[0].story.reports) == 2


async def test_a_look_back_changes_nothing_that_was_told(storage: Storage) -> None:
    await watch(storage, 10, None)
    await record(storage, 1)
    await storage.settle((await claim(storage))[0], sent(1), T0)
    later = T0 + timedelta(days=3)
    await record(storage, 2, met(), cluster=OneStory(archive=True), published=later, now=later)
    [story] = await storage.stories()
    assert (story.last_seen, len(story.reports)) == (T0, 2)
    assert await claim(storage, later) == []


async def test_a_possible_moment_that_is_confirmed_is_a_first_announcement(
    storage: Storage,
) -> None:
    await watch(storage, 10)
    await record(storage, 1, met(tier=Tier.DIGEST, confidence=0.5))
    assert await claim(storage) == []
    await record(storage, 2)
    [message] = await claim(storage)
    assert message.items[0].step is Step.FIRST


async def test_a_pair_that_joins_after_the_message_is_an_upgrade(storage: Storage) -> None:
    await watch(storage, 10, AB)
    await watch(storage, 10, CD)
    await watch(storage, 11, AB)
    await record(storage, 1, met(AB))
    first, other = await claim(storage)
    both = OneStory()
    await record(storage, 2, met(AB), met(CD), cluster=both)
    assert await claim(storage) == []  # what is upgraded must be there first
    for message, number in ((first, 1), (other, 2)):
        await storage.settle(message, sent(number, message.channel_id), T0)
    [upgrade] = await claim(storage)
    assert upgrade.reply_to == Place(channel_id=10, message_id=1)
    assert upgrade.channel_id == 10
    assert upgrade.items[0].step is Step.UPGRADE
    assert {p.pair for p in upgrade.items[0].story.pairs} == {AB, CD}


async def test_a_pair_that_joins_before_the_message_is_in_it(storage: Storage) -> None:
    await watch(storage, 10, None)
    await record(storage, 1, met(AB))
    await record(storage, 2, met(AB), met(CD))
    [message] = await claim(storage)
    assert {p.pair for p in message.items[0].story.pairs} == {AB, CD}


async def test_a_channel_reads_only_of_the_pairs_it_watches(storage: Storage) -> None:
    await watch(storage, 10, CD)
    await record(storage, 1, met(AB), met(CD))
    [message] = await claim(storage)
    assert [p.pair for p in message.items[0].story.pairs] == [CD]


async def test_what_is_held_waits_and_a_sure_report_ends_the_wait(storage: Storage) -> None:
    await watch(storage, 10)
    await record(storage, 1, hold=20)
    assert await claim(storage, at(19)) == []
    await record(storage, 2, met(CD), met(AB, confidence=0.99), hold=0, now=at(5))
    assert await claim(storage, at(19)) == []  # AB was owed before; nothing new is
    [message] = await claim(storage, at(20))
    assert len(message.items[0].story.reports) == 2


# ── watches ───────────────────────────────────────────────────────────────────────────────────


async def test_watches_are_unique_in_a_channel_and_listed_in_order(storage: Storage) -> None:
    assert await watch(storage, 10, AB, since=at(2))
    assert not await watch(storage, 10, AB, since=at(3))
    assert await watch(storage, 11, AB, since=at(1))
    assert await watch(storage, 10, None, since=at(4))
    assert await watch(storage, 20, AB, guild=2)
    listed = await storage.watches(1)
    assert [(w.channel_id, w.pair) for w in listed] == [(11, AB), (10, AB), (10, None)]
    assert listed[1] == Watch(guild_id=1, channel_id=10, pair=AB, user_id=7, created_at=at(2))


async def test_removing_is_limited_to_server_and_channel(storage: Storage) -> None:
    for guild, channel in ((1, 10), (1, 11), (2, 20)):
        await watch(storage, channel, guild=guild)
    assert await storage.remove_watch(1, 20, AB) == 0
    assert await storage.remove_watch(1, 10, AB) == 1
    assert await storage.remove_watch(1, None, AB) == 1
    assert await storage.watches(1) == []
    assert len(await storage.watches(2)) == 1


async def test_what_is_owed_for_a_removed_watch_is_withdrawn(storage: Storage) -> None:
    await watch(storage, 10)
    await watch(storage, 11)
    await watch(storage, 11, None)
    await record(storage, 1)
    await storage.remove_watch(1, None, AB)
    assert [m.channel_id for m in await claim(storage)] == [11]
    books = await storage.accounting()
    assert (books.planned, books.withdrawn, books.pending) == (2, 1, 1)
    await assert_balanced(storage)


async def test_a_message_that_waits_for_its_retry_is_withdrawn_with_its_watch(
    storage: Storage,
) -> None:
    await watch(storage, 10)
    await record(storage, 1)
    [message] = await claim(storage)
    await storage.settle(message, Retry(after=5, reason="503"), T0)
    await storage.remove_watch(1, 10, AB)
    assert await claim(storage, at(60)) == []
    assert (await storage.accounting()).withdrawn == 1
    await assert_balanced(storage)


async def test_of_several_stories_in_a_message_one_that_is_no_longer_watched_costs_no_other(
    storage: Storage,
) -> None:
    await watch(storage, 10, AB)
    await watch(storage, 10, CD)
    new = OneStory(always_new=True)
    await record(storage, 1, met(AB), cluster=new)
    await record(storage, 2, met(CD), cluster=new)
    [message] = await claim(storage, at(700))
    assert len(message.items) == 2
    await storage.settle(message, Retry(after=5, reason="503"), at(701))
    await storage.remove_watch(1, 10, AB)
    await assert_balanced(storage)
    [again] = await claim(storage, at(800))  # frozen is frozen: it may be there already
    assert again.items == message.items
    await storage.settle(again, Retry(after=5, reason="503"), at(801))
    await storage.remove_watch(1, 10, CD)  # now none of it is watched
    assert await claim(storage, at(900)) == []
    assert (await storage.accounting()).withdrawn == 2
    await assert_balanced(storage)


# ── delivery ──────────────────────────────────────────────────────────────────────────────────


async def owed_message(storage: Storage, channel: int = 10, number: int = 1) -> Message:
    await watch(storage, channel)
    await record(storage, number, cluster=OneStory(always_new=True))
    [message] = await claim(storage)
    return message


async def test_a_message_is_frozen_whatever_the_story_becomes(storage: Storage) -> None:
    first = await owed_message(storage)
    await record(storage, 2)
    await storage.settle(first, Retry(after=1, reason="reset"), at(0))
    [again] = await claim(storage, at(1))
    assert (again.id, again.items, again.first_attempt_at) == (
        first.id,
        first.items,
        first.first_attempt_at,
    )
    assert (again.attempt, again.token) == (2, first.token + 1)
    assert await storage.message(first.id) == again
    assert await storage.message("nobody") is None


async def test_a_lent_message_is_not_lent_again_until_its_lease_ends(storage: Storage) -> None:
    first = await owed_message(storage)
    assert await claim(storage, at(59)) == []
    [second] = await claim(storage, at(60))
    assert second.id == first.id
    assert not await storage.settle(first, sent(1), at(61))
    assert await storage.settle(second, sent(2), at(62))
    assert not await storage.settle(second, sent(3), at(63))
    assert (await storage.accounting()).sent == 1


async def test_sent_is_final(storage: Storage) -> None:
    message = await owed_message(storage)
    await storage.settle(message, sent(99), T0)
    assert await claim(storage, at(9999)) == []
    books = await storage.accounting()
    assert (books.planned, books.sent) == (1, 1)
    await assert_balanced(storage)


async def test_a_retry_waits_as_long_as_it_was_told(storage: Storage) -> None:
    message = await owed_message(storage)
    await storage.settle(message, Retry(after=30, reason="429"), at(0))
    assert await claim(storage, at(29)) == []
    assert [m.id for m in await claim(storage, at(30))] == [message.id]


async def test_after_a_day_of_retries_a_message_is_a_dead_letter(storage: Storage) -> None:
    message = await owed_message(storage)
    await storage.settle(message, Retry(after=1, reason="500"), at(86_401))
    assert await claim(storage, at(99_999)) == []
    assert (await storage.accounting()).dead == 1
    await assert_balanced(storage)


async def test_a_refused_message_is_dead_and_the_channel_stays_open(storage: Storage) -> None:
    message = await owed_message(storage)
    await storage.settle(message, Gone(reason="too long", channel=False), T0)
    assert (await storage.accounting()).dead == 1
    assert await storage.closed_channels(1) == {}


async def test_a_closed_channel_keeps_its_watch_and_its_messages(storage: Storage) -> None:
    message = await owed_message(storage)
    await storage.settle(message, Gone(reason="Missing Access"), T0)
    assert await storage.closed_channels(1) == {10: "Missing Access"}
    assert await storage.closed_channels(2) == {}
    await record(storage, 2, cluster=OneStory(always_new=True), now=at(1))
    assert await claim(storage, at(3599)) == []
    probes = await claim(storage, at(3600))
    assert message.id in {m.id for m in probes}
    await storage.settle(probes[0], sent(1), at(3601))
    assert await storage.closed_channels(1) == {}
    assert len(await storage.watches(1)) == 1
    await assert_balanced(storage)


async def test_a_channel_opened_by_hand_gets_its_messages_at_once(storage: Storage) -> None:
    message = await owed_message(storage)
    await storage.settle(message, Gone(reason="Missing Access"), T0)
    await storage.open_channel(10)
    assert [m.id for m in await claim(storage, at(1))] == [message.id]


async def test_what_a_closed_channel_is_owed_expires_after_a_day(storage: Storage) -> None:
    message = await owed_message(storage)
    await storage.settle(message, Gone(reason="Missing Access"), T0)
    await record(storage, 2, cluster=OneStory(always_new=True), now=at(1))
    assert await claim(storage, at(86_400 + 3_700)) == []
    books = await storage.accounting()
    assert (books.planned, books.withdrawn) == (2, 2)
    await assert_balanced(storage)


async def test_what_is_being_sent_to_a_closed_channel_does_not_expire_meanwhile(
    storage: Storage,
) -> None:
    message = await owed_message(storage)
    await storage.settle(message, Gone(reason="Missing Access"), T0)
    [probe] = await claim(storage, at(86_390))
    assert await claim(storage, at(86_410)) == []
    assert await storage.settle(probe, sent(1), at(86_420))
    assert (await storage.accounting()).sent == 1
    await assert_balanced(storage)


async def test_released_messages_can_be_claimed_at_once(storage: Storage) -> None:
    first = await owed_message(storage)
    assert await storage.release_messages() == 1
    assert await storage.release_messages() == 0
    [again] = await claim(storage, at(1))
    assert (again.id, again.attempt) == (first.id, 2)
    assert not await storage.settle(first, sent(1), at(2))


async def test_a_claim_is_limited_and_no_message_is_lent_twice(storage: Storage) -> None:
    for channel in range(100, 150):
        await watch(storage, channel)
    await record(storage, 1)
    batches = await asyncio.gather(*(claim(storage, limit=7) for _ in range(8)))
    assert max(len(b) for b in batches) == 7
    ids = [m.id for b in batches for m in b]
    assert len(ids) == len(set(ids)) == 50


async def test_only_one_may_send(storage: Storage) -> None:
    assert await storage.lock_sending()
    assert await storage.lock_sending()  # the holder may ask again


# ── memory ────────────────────────────────────────────────────────────────────────────────────


async def test_remembered_values_are_kept_and_replaced(storage: Storage) -> None:
    assert await storage.get("k") is None
    await storage.put("k", "one")
    await storage.put("k", "둘")
    assert await storage.get("k") == "둘"


async def test_a_cancelled_write_happened_wholly_or_not_at_all(storage: Storage) -> None:
    await watch(storage, 10)
    for number in range(40):
        task = asyncio.create_task(record(storage, number, cluster=OneStory(always_new=True)))
        await asyncio.sleep(0.0005 * (number % 4))
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    await storage.put("barrier", "x")
    stories = await storage.stories(AB, limit=100)
    books = await storage.accounting()
    assert len(stories) == books.recorded == books.planned
    await assert_balanced(storage)


async def test_closing_twice_is_harmless_and_later_calls_say_so(storage: Storage) -> None:
    from bot.domain.errors import StorageUnavailable

    await storage.close()
    await storage.close()
    with pytest.raises(StorageUnavailable, match="closed"):
        await storage.watches(1)


# ── the order of the queue ────────────────────────────────────────────────────────────────────


async def test_a_small_server_does_not_wait_behind_a_large_one(storage: Storage) -> None:
    for channel in range(100, 200):
        await watch(storage, channel, guild=1)
    await watch(storage, 900, guild=2)
    await record(storage, 1)
    claimed = await claim(storage, limit=3)
    assert 900 in {m.channel_id for m in claimed}


async def test_a_later_story_of_a_small_server_overtakes_a_large_ones_backlog(
    storage: Storage,
) -> None:
    for channel in range(100, 200):
        await watch(storage, channel, guild=1)
    await watch(storage, 900, CD, guild=2)
    await record(storage, 1)
    await record(storage, 2, met(CD), now=at(1))
    claimed = await claim(storage, at(1), limit=10)
    assert 900 in {m.channel_id for m in claimed}


async def test_a_watch_of_the_very_pair_comes_before_one_of_everything(storage: Storage) -> None:
    await watch(storage, 10, None, guild=1)
    await watch(storage, 11, AB, guild=2)
    await record(storage, 1)
    [message] = await claim(storage, limit=1)
    assert message.channel_id == 11


async def test_news_of_a_small_server_is_among_the_next_however_late_the_queue_is(
    storage: Storage,
) -> None:
    for channel in range(100, 500):
        await watch(storage, channel, guild=channel % 4)
    await watch(storage, 900, CD, guild=9)
    await record(storage, 1)
    new = OneStory(always_new=True)
    for second in range(1, 40):  # five a second where there is room for one
        for message in await claim(storage, at(second), limit=5):
            await storage.settle(message, sent(1, message.channel_id), at(second))
        if second % 10 == 0:
            await record(storage, second, met(CD), cluster=new, now=at(second))
            [next_one] = await claim(storage, at(second), limit=1)
            assert next_one.channel_id == 900
            await storage.settle(next_one, sent(1, 900), at(second))


async def test_nobody_is_overtaken_for_ever(storage: Storage) -> None:
    for channel in range(100, 105):
        await watch(storage, channel, guild=1)
    await watch(storage, 900, CD, guild=2)
    await record(storage, 1)
    left = set(range(100, 105))
    for number in range(1, 400):  # the small server has news all the time, and goes first
        now = at(2 * number)
        await record(storage, number + 1, met(CD), cluster=OneStory(always_new=True), now=now)
        [message] = await claim(storage, now, limit=1)
        left.discard(message.channel_id)
        await storage.settle(message, sent(number, message.channel_id), now)
    assert left == set()


@pytest.fixture
def small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("storage.sqlite.fan_out.FAN_OUT", 4)


@pytest.mark.usefixtures("small_batches")
async def test_a_fan_out_in_batches_reaches_every_channel_once(storage: Storage) -> None:
    for channel in range(100, 111):
        await watch(storage, channel, AB, guild=channel % 3)
    for channel in range(105, 116):
        await watch(storage, channel, None, guild=channel % 3)
    await record(storage, 1)
    reached: list[int] = []
    while claimed := await claim(storage, limit=3):
        reached += [m.channel_id for m in claimed]
        for message in claimed:
            await storage.settle(message, sent(1, message.channel_id), T0)
        await assert_balanced(storage)
    assert sorted(reached) == list(range(100, 116))
    # A further report touches every one of them, again in batches.
    await record(storage, 2)
    edited: list[int] = []
    for second in range(10):
        await claim(storage, at(200 + second))
        edits = await storage.claim_edits(at(200 + second), limit=50, lease=60)
        edited += [e.message.channel_id for e in edits]
        for edit in edits:
            await storage.settle_edit(edit, Sent(place=edit.place), at(200 + second))
    assert sorted(edited) == list(range(100, 116))


@pytest.mark.usefixtures("small_batches")
async def test_a_watch_that_is_saved_during_a_fan_out_gets_nothing_of_it(storage: Storage) -> None:
    for channel in range(100, 110):
        await watch(storage, channel)
    await record(storage, 1)
    await watch(storage, 200, since=at(1))
    for _ in range(5):
        await claim(storage, at(2))
    assert (await storage.accounting()).planned == 10


async def test_what_was_owed_for_long_comes_together_and_the_rest_alone(storage: Storage) -> None:
    await watch(storage, 10)
    await watch(storage, 11)
    new = OneStory(always_new=True)
    for number in range(12):
        await record(storage, number, cluster=new, now=at(number))
    await record(storage, 99, cluster=new, now=at(1195))
    messages = []
    while claimed := await claim(storage, at(1200), limit=5):
        messages += claimed
    told = {c: [len(m.items) for m in messages if m.channel_id == c] for c in (10, 11)}
    assert told == {10: [10, 2, 1], 11: [10, 2, 1]}
    for message in messages:
        await storage.settle(message, sent(1, message.channel_id), at(1201))
    await assert_balanced(storage)
    assert (await storage.accounting()).sent == 26


# ── edits ─────────────────────────────────────────────────────────────────────────────────────


async def tell(storage: Storage, now: datetime = T0) -> Message:
    """Channel 10 watches AB and has got the first message of a story."""
    await watch(storage, 10)
    await record(storage, 1, now=now)
    [message] = await claim(storage, now)
    assert await storage.settle(message, sent(5), now)
    return message


async def edits(storage: Storage, now: datetime) -> list[Edit]:
    return await storage.claim_edits(now, limit=10, lease=60)


def outlets(edit: Edit) -> int:
    return len(edit.message.items[0].story.reports)


async def test_a_further_source_edits_the_message_after_some_minutes(storage: Storage) -> None:
    message = await tell(storage)
    await record(storage, 2, now=at(10))
    await record(storage, 3, now=at(20))
    assert await edits(storage, at(60)) == []
    [edit] = await edits(storage, at(181))
    assert edit.place == Place(channel_id=10, message_id=5)
    assert edit.message.id == message.id
    assert outlets(edit) == 3
    assert await storage.settle_edit(edit, Sent(place=edit.place), at(182))
    assert await edits(storage, at(1000)) == []
    await record(storage, 4, now=at(1001))
    [again] = await edits(storage, at(1001))
    assert outlets(again) == 4


async def test_a_source_that_comes_during_an_edit_is_worth_another(storage: Storage) -> None:
    await tell(storage)
    await record(storage, 2, now=at(10))
    [edit] = await edits(storage, at(181))
    await record(storage, 3, now=at(182))
    await storage.settle_edit(edit, Sent(place=edit.place), at(183))
    assert await edits(storage, at(200)) == []
    [again] = await edits(storage, at(364))
    assert outlets(again) == 3


async def test_further_sources_are_not_worth_an_edit_after_an_hour(storage: Storage) -> None:
    await tell(storage)
    await record(storage, 2, now=at(3700))
    assert await edits(storage, at(3701)) == []


async def test_a_look_back_edits_nothing(storage: Storage) -> None:
    await tell(storage)
    await record(storage, 2, cluster=OneStory(archive=True), now=at(10))
    assert await edits(storage, at(200)) == []


async def test_a_lost_lease_of_an_edit_settles_nothing(storage: Storage) -> None:
    await tell(storage)
    await record(storage, 2, now=at(10))
    [first] = await edits(storage, at(200))
    assert await edits(storage, at(201)) == []
    [second] = await edits(storage, at(261))
    assert not await storage.settle_edit(first, Sent(place=first.place), at(262))
    assert await storage.settle_edit(second, Sent(place=second.place), at(263))


async def test_a_failed_edit_is_tried_again_and_a_deleted_message_is_left_alone(
    storage: Storage,
) -> None:
    await tell(storage)
    await record(storage, 2, now=at(10))
    [edit] = await edits(storage, at(200))
    await storage.settle_edit(edit, Retry(after=30, reason="503"), at(201))
    assert await edits(storage, at(230)) == []
    [again] = await edits(storage, at(232))
    await storage.settle_edit(again, Gone(reason="deleted", channel=False), at(233))
    assert await edits(storage, at(1000)) == []


async def test_an_edit_that_finds_its_channel_closed_waits_for_it(storage: Storage) -> None:
    await tell(storage)
    await record(storage, 2, now=at(10))
    [edit] = await edits(storage, at(200))
    await storage.settle_edit(edit, Gone(reason="403"), at(201))
    assert await storage.closed_channels(1) == {10: "403"}
    assert await edits(storage, at(300)) == []
    await storage.open_channel(10)
    assert len(await edits(storage, at(301))) == 1


async def test_an_appearance_that_turns_out_a_greeting_is_an_upgrade(storage: Storage) -> None:
    await watch(storage, 10)
    await watch(storage, 11, since=at(5))
    seen = met(kind=Kind.CO_APPEARANCE, confidence=0.99)
    await record(storage, 1, seen)
    [first] = await claim(storage)
    await storage.settle(first, sent(5), T0)
    await record(storage, 2, met(confidence=0.8), now=at(60))
    [upgrade] = await claim(storage, at(60))
    assert upgrade.items[0].step is Step.UPGRADE
    assert upgrade.items[0].story.pairs[0].kind is Kind.GREETING
    assert upgrade.reply_to == Place(channel_id=10, message_id=5)
    await record(storage, 3, met(kind=Kind.PHOTO), now=at(90))
    assert await claim(storage, at(100)) == []


async def test_an_appearance_that_turns_out_a_greeting_in_time_is_told_once(
    storage: Storage,
) -> None:
    await watch(storage, 10)
    await record(storage, 1, met(kind=Kind.CO_APPEARANCE), hold=20)
    await record(storage, 2, met())
    [first] = await claim(storage)
    assert first.items[0].step is Step.FIRST
    assert first.items[0].story.pairs[0].kind is Kind.GREETING
    await storage.settle(first, sent(5), T0)
    assert await claim(storage, at(100)) == []


# ── corrections ───────────────────────────────────────────────────────────────────────────────


async def verdict_states(storage: Storage) -> dict[str, int]:
    return dict((await storage.accounting()).verdicts)


async def test_a_correction_that_says_the_same_changes_nothing(storage: Storage) -> None:
    await tell(storage)
    assert not await record(storage, 1, title="The same, better spelt", now=at(60))
    assert await storage.unseen({"src:1": post(1, title="The same, better spelt").digest}) == {}
    assert await edits(storage, at(300)) == []
    assert await verdict_states(storage) == {"story": 1}


async def test_a_change_of_words_is_no_correction_in_whatever_order_verdicts_come(
    storage: Storage,
) -> None:
    verdicts = (Rejection(pair=CD, reason=Reason.CO_MENTION), met(), met(Pair("a.one", "c.three")))
    await record(storage, 1, *verdicts)
    assert not await record(storage, 1, *verdicts, title="The same, better spelt")
    assert await verdict_states(storage) == {"story": 2, "rejected:co_mention": 1}


async def test_a_correction_of_what_was_archive_is_no_news(storage: Storage) -> None:
    await watch(storage, 10)
    await record(storage, 1, archive=True)
    assert await record(storage, 1, met(kind=Kind.PHOTO), title="It was a photo", now=at(60))
    [story] = await storage.stories()
    assert story.state is StoryState.ARCHIVE
    assert story.pairs[0].kind is Kind.PHOTO
    assert await claim(storage, at(600)) == []


async def test_a_corrected_report_edits_at_once_and_is_not_announced_again(
    storage: Storage,
) -> None:
    await tell(storage)
    photo = met(kind=Kind.PHOTO, evidence="they posed")
    assert await record(storage, 1, photo, title="It was a photo", now=at(7200))
    assert await claim(storage, at(7300)) == []
    [edit] = await edits(storage, at(7300))
    [item] = edit.message.items
    assert item.story.pairs[0].kind is Kind.PHOTO
    assert [r.title for r in item.story.reports] == ["It was a photo"]
    assert await verdict_states(storage) == {"story": 1, "withdrawn": 1}
    assert len(await storage.stories()) == 1
    await assert_balanced(storage)


async def test_a_correction_that_names_another_pair_takes_the_first_back(storage: Storage) -> None:
    await tell(storage)
    await watch(storage, 11, CD)
    await record(storage, 1, met(CD), title="It was two others", now=at(60))
    [edit] = await edits(storage, at(60))
    [item] = edit.message.items
    assert item.story.pairs == ()
    assert [p.pair for p in item.taken_back] == [AB]
    [message] = await claim(storage, at(60))
    assert (message.channel_id, message.items[0].step) == (11, Step.FIRST)


async def test_a_correction_to_nothing_withdraws_the_story(storage: Storage) -> None:
    await tell(storage)
    no = Rejection(pair=AB, reason=Reason.IRREALIS, detail="it was a rumour")
    assert await record(storage, 1, no, title="They did not meet", now=at(60))
    [edit] = await edits(storage, at(61))
    assert edit.message.items[0].story.state is StoryState.WITHDRAWN
    assert await verdict_states(storage) == {"withdrawn": 1, "rejected:irrealis": 1}
    assert await record(storage, 1, title="They did after all", now=at(600))
    [again] = await edits(storage, at(601))
    assert [p.pair for p in again.message.items[0].story.pairs] == [AB]
    assert await claim(storage, at(601)) == []


async def test_a_deleted_report_among_others_only_leaves_the_list(storage: Storage) -> None:
    await tell(storage)
    await record(storage, 2, now=at(10))
    assert await storage.retract("src:1", at(20))
    [edit] = await edits(storage, at(20))
    [item] = edit.message.items
    assert [r.post_id for r in item.story.reports] == ["src:2"]
    assert [p.pair for p in item.story.pairs] == [AB]
    assert item.taken_back == ()


async def test_a_deleted_report_that_was_the_only_one_withdraws_the_story(
    storage: Storage,
) -> None:
    await tell(storage)
    await watch(storage, 11)
    assert await storage.retract("src:1", at(9000))  # withdrawals have no time limit
    [edit] = await edits(storage, at(9000))
    [item] = edit.message.items
    assert item.story.state is StoryState.WITHDRAWN
    assert [p.pair for p in item.taken_back] == [AB]
    assert [r.post_id for r in item.story.reports] == ["src:1"]
    assert await verdict_states(storage) == {"withdrawn": 1}
    await storage.settle_edit(edit, Sent(place=edit.place), at(9001))
    assert await edits(storage, at(20000)) == []
    await assert_balanced(storage)


async def test_what_is_owed_of_a_withdrawn_story_is_withdrawn(storage: Storage) -> None:
    await watch(storage, 10)
    await record(storage, 1, hold=20)
    await storage.retract("src:1", at(5))
    assert await claim(storage, at(30)) == []
    books = await storage.accounting()
    assert (books.planned, books.withdrawn) == (1, 1)


async def test_a_deletion_during_the_send_is_followed_by_an_edit(storage: Storage) -> None:
    await watch(storage, 10)
    await record(storage, 1)
    [message] = await claim(storage)
    await storage.retract("src:1", at(1))
    await storage.settle(message, sent(5), at(2))
    assert len(await edits(storage, at(2))) == 1


async def test_a_deletion_that_overtakes_its_post_leaves_a_mark(storage: Storage) -> None:
    assert not await storage.retract("src:1", T0)
    assert await storage.unseen({"src:1": post(1).digest}) == {}
    assert not await record(storage, 1)
    assert await storage.stories() == []
    await storage.mark_seen(digests(1), at(1))
    assert await storage.unseen({"src:1": post(1).digest}) == {}


async def test_a_deletion_twice_changes_nothing_more(storage: Storage) -> None:
    await tell(storage)
    await storage.retract("src:1", at(1))
    [edit] = await edits(storage, at(1))
    await storage.settle_edit(edit, Sent(place=edit.place), at(2))
    await storage.retract("src:1", at(3))
    assert await edits(storage, at(5000)) == []


# ── dead letters and the books ────────────────────────────────────────────────────────────────


async def test_dead_letters_are_shown_and_can_be_tried_again(storage: Storage) -> None:
    await watch(storage, 10, guild=1)
    await watch(storage, 11, guild=2)
    await record(storage, 1)
    for message in await claim(storage):
        await storage.settle(message, Gone(reason="refused", channel=False), T0)
    letters = await storage.dead_letters(None)
    assert {d.message.channel_id: d.reason for d in letters} == {10: "refused", 11: "refused"}
    assert [d.message.channel_id for d in await storage.dead_letters(2)] == [11]
    assert await storage.retry_dead(2, at(90_000)) == 1
    [again] = await claim(storage, at(90_000))
    assert (again.channel_id, again.by_hand, again.attempt) == (11, True, 1)
    await storage.settle(again, Retry(after=1, reason="503"), at(90_001))
    assert (await storage.accounting()).pending == 1  # it has another day
    await assert_balanced(storage)
    assert [d.message.channel_id for d in await storage.dead_letters(None)] == [10]
