"""Forums: every story is a post of its own, found again by looking, for a post has no nonce."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import nullcontext
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from bot.domain.types import Gone, Message, Place, Retry, Sent
from tests.announcer.world import FORUM_POSTS, World, frozen, taken_back, upgrade_of
from tests.standin import faults


@pytest.fixture(params=["gateway", "no gateway"])
async def forum(world: World, request: pytest.FixtureRequest) -> AsyncIterator[World]:
    """The world with a forum for its channel, known through the gateway or unknown."""
    world.channel = world.guild.add_forum("moments")
    async with world.connected() if request.param == "gateway" else nullcontext():
        yield world


def posts(world: World) -> list[Any]:
    return [t for t in world.guild.threads.values() if t.parent_id == world.channel.id]


def again(message: Message) -> Message:
    """The same message on a later attempt, within the minute that a nonce is trusted."""
    return replace(message, attempt=2)


async def test_a_story_is_a_post_named_for_the_pair(forum: World) -> None:
    place = await forum.sent()
    [post] = posts(forum)
    assert place == Place(channel_id=int(post.id), message_id=int(post.id))
    assert post.name == "Jisoo (BLACKPINK) × Mingyu (SEVENTEEN)"
    [shown] = forum.api.ledger.messages(post)
    assert shown.embeds[0]["title"] == post.name
    assert not shown.pinged_roles


async def test_a_long_headline_fits_a_thread_name(forum: World) -> None:
    [item] = forum.message.items
    [pair] = item.story.pairs
    names = ("ive.wonyoung", "twice.nayeon", "aespa.karina", "newjeans.minji")
    others = [replace(pair, pair=type(pair.pair).of(pair.pair.a, name)) for name in names]
    story = replace(item.story, pairs=(pair, *others))
    await forum.send(replace(forum.message, items=(replace(item, story=story),)))
    [post] = posts(forum)
    assert len(post.name) <= 100
    assert post.name.endswith("…")


async def test_an_upgrade_goes_into_the_thread_of_its_post(forum: World) -> None:
    first = await forum.sent()
    upgrade = await forum.sent(upgrade_of(forum.message, first))
    [post] = posts(forum)
    _, shown = forum.api.ledger.messages(post)
    assert upgrade == Place(channel_id=first.channel_id, message_id=int(shown.id))
    assert shown.reference["message_id"] == str(first.message_id)


async def test_a_late_retry_finds_an_upgrade_in_the_thread(forum: World) -> None:
    upgrade = upgrade_of(forum.message, await forum.sent())
    place = await forum.sent(upgrade)
    forum.late = timedelta(minutes=10)
    assert await forum.send(replace(upgrade, attempt=2)) == Sent(place=place)
    [post] = posts(forum)
    assert len(forum.api.ledger.messages(post)) == 2


@pytest.mark.parametrize("archived", [False, True], ids=["active", "archived"])
@pytest.mark.parametrize("restarted", [False, True], ids=["", "restarted"])
async def test_a_post_whose_answer_was_lost_is_found_and_not_made_twice(
    forum: World, *, archived: bool, restarted: bool
) -> None:
    forum.api.faults.on(*FORUM_POSTS, do=faults.ResetAfter(), times=1)
    message = forum.message
    assert isinstance(await forum.send(message), Retry)
    [post] = posts(forum)
    forum.channel.add_thread("somebody else's")
    if archived:
        post.archive()
    if restarted:
        forum.restart()
    assert await forum.send(again(message)) == Sent(
        place=Place(channel_id=int(post.id), message_id=int(post.id))
    )
    assert len(posts(forum)) == 2


async def test_a_post_that_never_arrived_is_made(forum: World) -> None:
    forum.api.faults.on(*FORUM_POSTS, do=faults.ResetBefore(), times=1)
    assert isinstance(await forum.send(), Retry)
    assert isinstance(await forum.send(again(forum.message)), Sent)
    assert len(posts(forum)) == 1


async def test_a_post_without_its_first_message_is_none(forum: World) -> None:
    """Somebody deleted the message and left the thread: that is not the announcement."""
    message = forum.message
    await forum.sent(message)
    [post] = posts(forum)
    [shown] = forum.api.ledger.messages(post)
    forum.api.delete(shown)
    assert isinstance(await forum.send(again(message)), Sent)
    assert len(posts(forum)) == 2


async def test_where_nobody_may_look_a_retried_post_is_given_up_visibly(forum: World) -> None:
    forum.channel.deny_bot("read_message_history")
    assert isinstance(await forum.send(), Sent)
    outcome = await forum.send(again(forum.message))
    assert isinstance(outcome, Gone)
    assert not outcome.channel
    assert "Read Message History" in outcome.reason
    assert len(posts(forum)) == 1
    assert isinstance(await forum.send(replace(forum.message, by_hand=True)), Sent)
    assert len(posts(forum)) == 2


async def test_by_hand_too_a_post_that_is_there_is_found(forum: World) -> None:
    message = forum.message
    place = await forum.sent(message)
    assert await forum.send(replace(message, by_hand=True)) == Sent(place=place)
    assert len(posts(forum)) == 1


@pytest.mark.parametrize("gateway", [True, False], ids=["gateway", "no gateway"])
async def test_a_forum_that_requires_tags_gets_one_that_anybody_may_set(
    world: World, *, gateway: bool
) -> None:
    world.channel = world.guild.add_forum("moments", tags=["Official", "News"], require_tag=True)
    world.channel.tags[0]["moderated"] = True
    async with world.connected() if gateway else nullcontext():
        await world.sent()
    [post] = posts(world)
    assert post.thread.applied_tags == [world.channel.tags[1]["id"]]


async def test_a_forum_that_requires_a_tag_and_has_none_says_so(world: World) -> None:
    world.channel = world.guild.add_forum("moments", require_tag=True)
    outcome = await world.send()
    assert isinstance(outcome, Gone)
    assert not outcome.channel
    assert "tag" in outcome.reason


@pytest.mark.parametrize(
    "close",
    [
        lambda w: w.channel.deny_bot("send_messages"),
        lambda w: w.channel.deny_bot("view_channel"),
        lambda w: w.channel.delete(),
    ],
    ids=["may not post", "may not see", "deleted"],
)
async def test_a_forum_that_is_closed_to_us_is_gone(forum: World, close: Any) -> None:
    close(forum)
    outcome = await forum.send()
    assert isinstance(outcome, Gone)
    assert outcome.channel


@pytest.mark.parametrize("end", ["delete", "lock"])
async def test_what_belongs_to_a_lost_post_is_gone_and_the_forum_is_not(
    forum: World, end: str
) -> None:
    message = forum.message
    first = await forum.sent(message)
    [post] = posts(forum)
    getattr(post, end)()
    upgrade = await forum.send(upgrade_of(message, first))
    assert isinstance(upgrade, Gone)
    assert not upgrade.channel
    assert end in upgrade.reason
    if end == "delete":
        edit = await forum.edit(taken_back(message), first)
        assert isinstance(edit, Gone)
        assert not edit.channel


async def test_an_archived_post_is_opened_for_an_edit(forum: World) -> None:
    message = forum.message
    first = await forum.sent(message)
    [post] = posts(forum)
    post.archive()
    assert await forum.edit(taken_back(message), first) == Sent(place=first)
    [shown] = forum.api.ledger.messages(post)
    assert shown.embeds[0]["title"].startswith("Withdrawn: ")


async def test_everything_in_a_deleted_forum_is_gone(forum: World) -> None:
    message = forum.message
    first = await forum.sent(message)
    forum.channel.delete()
    for outcome in (
        await forum.send(frozen(int(forum.channel.id), int(forum.guild.id))),
        await forum.send(upgrade_of(message, first)),
        await forum.edit(taken_back(message), first),
    ):
        assert isinstance(outcome, Gone)
