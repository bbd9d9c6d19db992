"""One message to one channel against the stand-in: what is sent, and what each answer means."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from bot.announcer import Announcer
from bot.app import Core
from bot.client import Client
from bot.domain.types import (
    Gone,
    Item,
    Kind,
    Message,
    Outcome,
    Pair,
    Place,
    Report,
    Retry,
    Sent,
    Step,
    Story,
    StoryPair,
    StoryState,
    Tier,
)
from tests.standin import StandIn, faults
from tests.standin.discordpy import hurry, point

POSTS = ("POST", "/channels/{id}/messages")


def frozen(channel_id: int, guild_id: int, *, title: str = "They met") -> Message:
    now = datetime.now(UTC)
    report = Report(
        post_id="s:1", outlet="Outlet", title=title, url="https://outlet.example/1",
        url_key="", fingerprint="", anchors=(), lang="en", at=now,
    )  # fmt: skip
    pair = StoryPair(
        pair=Pair("blackpink.jisoo", "seventeen.mingyu"), kind=Kind.GREETING,
        tier=Tier.ANNOUNCE, confidence=0.9, evidence="they bowed",
    )  # fmt: skip
    story = Story(
        id="story", state=StoryState.LIVE, pairs=(pair,), reports=(report,),
        first_seen=now, last_seen=now, revision=1,
    )  # fmt: skip
    return Message(
        id="abcDEF-_0123456789xy", guild_id=guild_id, channel_id=channel_id,
        items=(Item(step=Step.FIRST, story=story),), first_attempt_at=now, attempt=1, token=1,
    )  # fmt: skip


@dataclass
class World:
    api: StandIn
    guild: Any
    channel: Any
    client: Client
    core: Core
    late: timedelta = timedelta(0)

    @property
    def message(self) -> Message:
        return frozen(int(self.channel.id), int(self.guild.id))

    async def send(self, message: Message | None = None) -> Outcome:
        sender = Announcer(
            self.client, lambda: self.core.lookup.roster, lambda: datetime.now(UTC) + self.late
        )
        return await sender.send(message or self.message)


@pytest.fixture
async def world(core: Core, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[World]:
    async with StandIn() as api:
        point(api, monkeypatch)
        guild = api.add_guild("Twosome")
        channel = guild.add_text_channel("crumbs")
        client = Client()
        await client.log_in(api.token, api.api_url, [])
        yield World(api, guild, channel, client, core)
        await client.close()


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


async def test_where_nobody_may_look_back_a_late_retry_is_given_up_visibly(world: World) -> None:
    world.channel.deny_bot("read_message_history")
    import asyncio

    serving = asyncio.create_task(world.client.serve())
    await world.api.wait_ready()
    await asyncio.wait_for(world.client.wait_until_ready(), 10)
    world.late = timedelta(minutes=10)
    outcome = await world.send()
    assert isinstance(outcome, Gone)
    assert not outcome.channel
    assert "Read Message History" in outcome.reason
    assert world.api.ledger.messages(world.channel) == []
    await world.client.close()
    serving.cancel()
    await asyncio.gather(serving, return_exceptions=True)


async def test_a_process_that_starts_anew_looks_into_a_forum_before_it_posts_again(
    world: World,
) -> None:
    forum = world.guild.add_forum("moments")
    message = frozen(int(forum.id), int(world.guild.id))
    world.api.faults.on("POST", "/channels/{id}/threads", do=faults.ResetAfter(), times=1)
    assert isinstance(await world.send(message), Retry)
    [shown] = world.api.ledger.messages()
    # Another announcer, without a gateway that would tell what kind of channel this is.
    again = await world.send(replace(message, attempt=2))
    place = Place(channel_id=int(shown.channel.id), message_id=int(shown.id))
    assert again == Sent(place=place)
    assert len(world.api.ledger.messages()) == 1


async def test_another_forum_post_that_was_deleted_does_not_stop_a_retry(world: World) -> None:
    forum = world.guild.add_forum("moments")
    message = frozen(int(forum.id), int(world.guild.id))
    await world.send(message)
    [deleted] = world.api.ledger.messages()
    world.api.delete(deleted)
    retry = replace(message, id="zyxDEF-_0123456789ab", attempt=2)
    assert isinstance(await world.send(retry), Sent)
    assert len(world.api.ledger.messages()) == 1


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
    from bot.announcer import classify

    def longest(attempt: int) -> float:
        outcomes = [classify(ConnectionResetError(), attempt) for _ in range(200)]
        return max(o.after for o in outcomes if isinstance(o, Retry))

    assert longest(1) <= 2
    assert 2 < longest(6) <= 64
    assert longest(50) <= 600
