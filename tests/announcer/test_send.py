"""One message to one channel against the stand-in: what is sent, and what each answer means."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from bot.announcer import classify
from bot.domain.types import Gone, Place, Retry, Sent
from tests.announcer.world import POSTS, World, frozen, upgrade_of
from tests.standin import faults
from tests.standin.discordpy import hurry


async def test_a_message_carries_its_id_as_nonce_and_in_a_button(world: World) -> None:
    outcome = await world.send()
    [shown] = world.api.ledger.messages(world.channel)
    assert outcome == Sent(place=Place(channel_id=int(world.channel.id), message_id=int(shown.id)))
    assert shown.nonce == world.message.id
    buttons = [b for row in shown.components for b in row["components"]]
    assert f"why:{world.message.id}" in {b.get("custom_id") for b in buttons}
    assert "https://outlet.example/1" in {b.get("url") for b in buttons}


async def test_nothing_in_a_post_can_ping(world: World) -> None:
    message = frozen(int(world.channel.id), int(world.guild.id), title="@everyone <@&1> **hi**")
    await world.send(message)
    [shown] = world.api.ledger.messages(world.channel)
    assert not shown.mention_roles
    assert "@everyone" not in str(shown.embeds).replace("\\\\@", "")


async def test_a_quick_retry_after_a_lost_answer_makes_no_second_message(world: World) -> None:
    world.api.faults.on(*POSTS, do=faults.ResetAfter(), times=1)
    first = await world.send()
    assert isinstance(first, Retry)
    second = await world.send()
    [shown] = world.api.ledger.messages(world.channel)
    assert second == Sent(place=Place(channel_id=int(world.channel.id), message_id=int(shown.id)))


async def test_a_late_retry_finds_its_message_in_the_channel(world: World) -> None:
    world.api.faults.on(*POSTS, do=faults.ResetAfter(), times=1)
    await world.send()
    [shown] = world.api.ledger.messages(world.channel)
    world.late = timedelta(minutes=10)
    requests = len(world.api.ledger.requests)
    assert await world.send() == Sent(
        place=Place(channel_id=int(world.channel.id), message_id=int(shown.id))
    )
    assert {r.method for r in world.api.ledger.requests[requests:]} == {"GET"}


async def test_a_late_retry_of_what_never_arrived_sends_it(world: World) -> None:
    world.api.faults.on(*POSTS, do=faults.ResetBefore(), times=1)
    assert isinstance(await world.send(), Retry)
    world.late = timedelta(minutes=10)
    assert isinstance(await world.send(), Sent)
    assert len(world.api.ledger.messages(world.channel)) == 1


@pytest.mark.parametrize("gateway", [True, False], ids=["gateway", "no gateway"])
@pytest.mark.parametrize("in_thread", [True, False], ids=["thread", "channel"])
async def test_where_nobody_may_look_back_a_late_retry_is_given_up_visibly(
    world: World, *, gateway: bool, in_thread: bool
) -> None:
    world.channel.deny_bot("read_message_history")
    where = world.channel.add_thread("moments") if in_thread else world.channel
    message = frozen(int(where.id), int(world.guild.id))
    world.late = timedelta(minutes=10)
    async with world.connected() if gateway else nullcontext():
        outcome = await world.send(message)
        assert isinstance(outcome, Gone)
        assert not outcome.channel
        assert "Read Message History" in outcome.reason
        assert world.api.ledger.messages(where) == []
        # Somebody has looked and asks for it all the same.
        assert isinstance(await world.send(replace(message, attempt=1, by_hand=True)), Sent)
    assert len(world.api.ledger.messages(where)) == 1


async def test_without_the_gateway_the_permission_is_asked_for_and_found(world: World) -> None:
    thread = world.channel.add_thread("moments")
    world.late = timedelta(minutes=10)
    for where in (world.channel, thread):
        message = frozen(int(where.id), int(world.guild.id))
        assert isinstance(await world.send(replace(message, id=f"in-{where.id}")), Sent)
        assert len(world.api.ledger.messages(where)) == 1


async def test_by_hand_too_a_message_that_is_there_is_found(world: World) -> None:
    place = await world.sent()
    world.late = timedelta(hours=3)
    assert await world.send(replace(world.message, by_hand=True)) == Sent(place=place)
    assert len(world.api.ledger.messages(world.channel)) == 1


@pytest.mark.parametrize(
    "close",
    [
        lambda w: w.channel.deny_bot("send_messages"),
        lambda w: w.channel.deny_bot("view_channel"),
        lambda w: w.channel.delete(),
        lambda w: w.guild.remove_bot(),
    ],
    ids=["may not send", "may not see", "channel deleted", "bot removed"],
)
async def test_a_channel_that_is_closed_to_us_is_gone(world: World, close: Any) -> None:
    close(world)
    outcome = await world.send()
    assert isinstance(outcome, Gone)
    assert outcome.channel
    assert "code" in outcome.reason


@pytest.mark.parametrize("status", [500, 502, 503, 504])
async def test_discords_own_trouble_is_tried_again(
    world: World, status: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    hurry(monkeypatch)
    world.api.faults.on(*POSTS, do=faults.Status(status))
    outcome = await world.send()
    assert isinstance(outcome, Retry)
    assert str(status) in outcome.reason
    assert outcome.after > 0


async def test_a_message_that_discord_refuses_is_given_up_and_the_channel_is_not(
    world: World,
) -> None:
    message = world.message
    too_long = replace(message, id="x" * 26)
    world.api.allow_violations = True  # the description too knows that 26 is too long
    outcome = await world.send(too_long)
    assert isinstance(outcome, Gone)
    assert not outcome.channel


async def test_pauses_between_attempts_grow_and_are_bounded() -> None:
    def longest(attempt: int) -> float:
        outcomes = [classify(ConnectionResetError(), attempt) for _ in range(200)]
        return max(o.after for o in outcomes if isinstance(o, Retry))

    assert longest(1) <= 2
    assert 2 < longest(6) <= 64
    assert longest(50) <= 600


# ── upgrades ──────────────────────────────────────────────────────────────────────────────────


async def test_an_upgrade_refers_to_the_first_message(world: World) -> None:
    first = await world.sent()
    await world.send(upgrade_of(world.message, first))
    _, upgrade = world.api.ledger.messages(world.channel)
    assert upgrade.reference["message_id"] == str(first.message_id)
    assert not upgrade.pinged_roles


async def test_an_upgrade_of_a_deleted_message_arrives_by_itself(world: World) -> None:
    first = await world.sent()
    [there] = world.api.ledger.messages(world.channel)
    world.guild.add_member("mod", permissions=["view_channel", "manage_messages"]).delete(there)
    await world.sent(upgrade_of(world.message, first))
    [upgrade] = world.api.ledger.messages(world.channel)
    assert upgrade.reference is None


async def test_without_read_message_history_an_upgrade_stands_on_its_own(world: World) -> None:
    first = await world.sent()
    world.channel.deny_bot("read_message_history")
    await world.sent(upgrade_of(world.message, first))
    _, upgrade = world.api.ledger.messages(world.channel)
    assert upgrade.reference is None
    assert upgrade.nonce == "upgrade-0123456789"


async def test_a_late_retry_finds_an_upgrade(world: World) -> None:
    upgrade = upgrade_of(world.message, await world.sent())
    place = await world.sent(upgrade)
    world.late = timedelta(minutes=10)
    assert await world.send(upgrade) == Sent(place=place)
    assert len(world.api.ledger.messages(world.channel)) == 2


# ── threads ───────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("close", "words"),
    [
        (lambda world, thread: thread.delete(), "Unknown Channel"),
        (lambda world, thread: thread.lock(), "locked"),
        (lambda world, thread: world.channel.delete(), "Unknown Channel"),
        (lambda world, thread: world.channel.deny_bot("send_messages_in_threads"), "Permissions"),
    ],
    ids=["deleted", "locked", "deleted with its channel", "may not write in threads"],
)
async def test_a_thread_that_is_closed_to_us_is_gone(world: World, close: Any, words: str) -> None:
    thread = world.channel.add_thread("moments")
    message = frozen(int(thread.id), int(world.guild.id))
    assert isinstance(await world.send(message), Sent)
    close(world, thread)
    outcome = await world.send(replace(message, id="another"))
    assert isinstance(outcome, Gone)
    assert outcome.channel
    assert words in outcome.reason


async def test_writing_opens_an_archived_thread(world: World) -> None:
    thread = world.channel.add_thread("moments")
    thread.archive()
    await world.sent(frozen(int(thread.id), int(world.guild.id)))
    assert len(world.api.ledger.messages(thread)) == 1
