"""Edits of messages that were sent: what changes on Discord, and what each answer means."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from bot.domain.types import Gone, Message, Place, Retry, Sent
from tests.announcer.world import EDITS, World, frozen, taken_back
from tests.standin import faults
from tests.standin.discordpy import hurry

HOUR = 3600.0


def told_more(message: Message) -> Message:
    """The message as it should stand once a second outlet reports the story."""
    [item] = message.items
    [report] = item.story.reports
    more = replace(report, post_id="t:1", outlet="@everyone Times", url="https://times.example/1")
    story = replace(item.story, reports=(report, more), revision=2)
    return replace(message, items=(replace(item, story=story),))


async def test_an_edit_changes_the_message_and_pings_nobody(world: World) -> None:
    place = await world.sent()
    assert await world.edit(told_more(world.message), place) == Sent(place=place)
    [shown] = world.api.ledger.messages(world.channel)
    assert "also reported by \\@everyone Times" in str(shown.embeds).replace("\\\\", "\\")
    assert shown.edited_at is not None
    [edit] = shown.edits
    assert edit.body["allowed_mentions"]["parse"] == []
    assert not shown.mention_everyone
    # Its button stays, by which a look at the channel finds it.
    buttons = [b for row in shown.components for b in row["components"]]
    assert f"why:{world.message.id}" in {b.get("custom_id") for b in buttons}


async def test_a_withdrawal_is_said_in_the_message_itself(world: World) -> None:
    place = await world.sent(world.message)
    await world.edit(taken_back(world.message), place)
    [shown] = world.api.ledger.messages(world.channel)
    assert shown.embeds[0]["title"].startswith("Withdrawn: ")


async def test_a_message_that_was_deleted_leaves_nothing_to_edit(world: World) -> None:
    place = await world.sent()
    [shown] = world.api.ledger.messages(world.channel)
    world.api.delete(shown)
    outcome = await world.edit(told_more(world.message), place)
    assert isinstance(outcome, Gone)
    assert not outcome.channel


@pytest.mark.parametrize(
    "close",
    [
        lambda w: w.channel.delete(),
        lambda w: w.channel.deny_bot("view_channel"),
        lambda w: w.channel.deny_bot("embed_links"),
        lambda w: w.guild.remove_bot(),
    ],
    ids=["channel deleted", "may not see", "may not embed", "bot removed"],
)
async def test_in_a_channel_that_is_closed_to_us_an_edit_is_gone(world: World, close: Any) -> None:
    place = await world.sent()
    close(world)
    outcome = await world.edit(told_more(world.message), place)
    assert isinstance(outcome, Gone)
    assert outcome.channel


async def test_too_many_edits_of_old_messages_wait(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    hurry(monkeypatch)  # discord.py tries five times
    place = await world.sent()
    world.api.clock.advance(2 * HOUR)
    world.api.old_edits, world.api.limits.edits = 1, None
    assert await world.edit(told_more(world.message), place) == Sent(place=place)
    outcome = await world.edit(taken_back(world.message), place)
    assert isinstance(outcome, Retry)
    assert "30046" in outcome.reason
    assert outcome.after >= 600
    world.api.clock.advance(HOUR)
    assert await world.edit(taken_back(world.message), place) == Sent(place=place)


async def test_an_edit_whose_answer_is_lost_can_be_repeated(world: World) -> None:
    place = await world.sent()
    world.api.faults.on(*EDITS, do=faults.ResetAfter(), times=1)
    assert isinstance(await world.edit(told_more(world.message), place), Retry)
    assert await world.edit(told_more(world.message), place) == Sent(place=place)
    assert len(world.api.ledger.messages(world.channel)) == 1


async def test_an_archived_thread_is_opened_for_an_edit(world: World) -> None:
    thread = world.channel.add_thread("moments", owner_id=world.api.world.bot.id)
    message = frozen(int(thread.id), int(world.guild.id))
    place = await world.sent(message)
    thread.archive()
    assert await world.edit(taken_back(message), place) == Sent(place=place)
    [shown] = world.api.ledger.messages(thread)
    assert shown.embeds[0]["title"].startswith("Withdrawn: ")


async def test_a_locked_thread_keeps_its_message_and_is_no_reason_to_pause(world: World) -> None:
    thread = world.channel.add_thread("moments")
    message = frozen(int(thread.id), int(world.guild.id))
    place = await world.sent(message)
    thread.archive(locked=True)
    outcome = await world.edit(taken_back(message), place)
    assert isinstance(outcome, Gone)
    assert not outcome.channel


async def test_an_edit_that_cannot_reach_discord_is_tried_again(world: World) -> None:
    place = Place(channel_id=int(world.channel.id), message_id=1)
    world.api.faults.on(*EDITS, do=faults.ResetBefore())
    outcome = await world.edit(told_more(world.message), place)
    assert isinstance(outcome, Retry)
    assert outcome.after > 0
