"""Channels that were closed to the bot, and open again as soon as the gateway tells why."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import pytest

from bot.announcer import Announcer
from bot.app import Core, all_cogs
from bot.client import Client
from bot.domain.errors import StorageUnavailable
from bot.domain.ports import Storage
from bot.pipeline import deliver_once
from cogs.reopen import Reopen
from tests.standin import StandIn
from tests.standin.discordpy import point
from tests.storage.test_contract import record, watch


def now() -> datetime:
    return datetime.now(UTC)


@dataclass
class World:
    """A server, the bot on it, and delivery that only looks when it is woken."""

    api: StandIn
    storage: Storage
    core: Core
    guild: Any
    channel: Any
    mod: Any
    client: Client
    woken: asyncio.Event = field(default_factory=asyncio.Event)

    async def deliver(self) -> int:
        sender = Announcer(self.client, lambda: self.core.lookup.roster, now)
        return await deliver_once(self.storage, sender, now)

    async def owed(self, channel: Any = None) -> Any:
        """Let something happen that a channel watches; the channel."""
        where = self.channel if channel is None else channel
        await watch(self.storage, int(where.id), guild=int(self.guild.id))
        await record(self.storage, 1, now=now(), published=now(), seen_at=now())
        return where

    async def paused(self) -> bool:
        return bool(await self.storage.closed_channels(int(self.guild.id)))

    async def resumes(self) -> None:
        """Wait for the wake-up call, then deliver."""
        await asyncio.wait_for(self.woken.wait(), 10)
        await self.deliver()

    async def heard(self) -> None:
        """Until the bot has worked off every event that the gateway has sent."""
        answer = await self.mod.command(self.channel, "pairs")
        assert answer.ephemeral


@pytest.fixture
async def world(
    storage: Storage, core: Core, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[World]:
    async with StandIn() as api:
        point(api, monkeypatch)
        guild = api.add_guild("Twosome")
        client = Client()
        made = World(
            api,
            storage,
            core,
            guild,
            guild.add_text_channel("crumbs"),
            guild.add_member("mod", permissions=["view_channel", "manage_channels"]),
            client,
        )
        cogs = all_cogs(client, storage, lambda: core.lookup, made.woken.set)
        await client.log_in(api.token, api.api_url, cogs)
        await client.register_commands(storage)
        task = asyncio.create_task(client.serve())
        await api.wait_ready()
        yield made
        await client.close()
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_a_paused_channel_is_shown_and_resumes_with_what_was_owed(world: World) -> None:
    await world.owed()
    world.channel.deny_bot("embed_links")
    await world.deliver()
    assert await world.paused()
    listed = (await world.mod.command(world.channel, "pairs")).embeds[0]["description"]
    assert "paused" in listed
    assert "I am missing **Embed Links**" in listed

    world.channel.allow_bot("embed_links")
    await world.resumes()  # and not after the hourly probe
    assert not await world.paused()
    assert len(world.api.ledger.messages(world.channel)) == 1
    listed = (await world.mod.command(world.channel, "pairs")).embeds[0]["description"]
    assert "paused" not in listed


def role_of_the_server(w: World) -> tuple[Callable[[], None], Callable[[], None]]:
    held = ["view_channel", "embed_links", "use_application_commands"]
    return (
        lambda: w.guild.set_bot_permissions(held),
        lambda: w.guild.set_bot_permissions([*held, "send_messages"]),
    )


def overwrite_of_the_channel(w: World) -> tuple[Callable[[], None], Callable[[], None]]:
    return (
        lambda: w.channel.deny_bot("view_channel"),
        lambda: w.channel.allow_bot("view_channel"),
    )


def denying_role(w: World) -> tuple[Callable[[], None], Callable[[], None]]:
    muted = w.guild.add_role("muted")
    bot = w.api.world.bot
    w.channel.overwrite(muted.id, deny=["send_messages"])
    return lambda: w.guild.give(bot, muted), lambda: w.guild.take(bot, muted)


def role_given(w: World) -> tuple[Callable[[], None], Callable[[], None]]:
    role = w.guild.add_role("writers", ["send_messages"])
    return (
        lambda: w.guild.set_bot_permissions(
            ["view_channel", "embed_links", "use_application_commands"]
        ),
        lambda: w.guild.give(w.api.world.bot, role),
    )


def invited_again(w: World) -> tuple[Callable[[], None], Callable[[], None]]:
    return w.guild.remove_bot, w.guild.invite_bot


def outage(w: World) -> tuple[Callable[[], None], Callable[[], None]]:
    def shut() -> None:
        w.channel.deny_bot("send_messages")

    def come_back() -> None:
        w.guild.go_unavailable()
        w.channel.overwrites.clear()  # while nobody is told
        w.guild.come_back()

    return shut, come_back


@pytest.mark.parametrize(
    "way",
    [
        role_of_the_server,
        overwrite_of_the_channel,
        denying_role,
        role_given,
        invited_again,
        outage,
    ],
)
async def test_every_way_to_give_a_permission_back_is_heard(
    world: World, way: Callable[[World], tuple[Callable[[], None], Callable[[], None]]]
) -> None:
    take, give = way(world)
    await world.owed()
    take()
    await world.deliver()
    assert await world.paused()
    world.woken.clear()
    give()
    await world.resumes()
    assert len(world.api.ledger.messages(world.channel)) == 1
    assert not await world.paused()


async def test_a_thread_resumes_when_it_is_unlocked(world: World) -> None:
    thread = await world.owed(world.channel.add_thread("moments"))
    thread.lock()
    await world.deliver()
    assert await world.paused()
    listed = (await world.mod.command(world.channel, "pairs")).embeds[0]["description"]
    assert "the thread is locked" in listed
    thread.thread.locked = False
    thread.announce("THREAD_UPDATE")
    await world.resumes()
    assert len(world.api.ledger.messages(thread)) == 1


async def test_a_forum_resumes_only_when_answers_are_allowed_too(world: World) -> None:
    forum = await world.owed(world.guild.add_forum("moments"))
    forum.deny_bot("send_messages", "send_messages_in_threads")
    await world.deliver()
    assert await world.paused()
    forum.allow_bot("send_messages")
    await world.heard()
    assert await world.paused()
    forum.allow_bot("send_messages_in_threads")
    await world.resumes()
    [post] = world.guild.threads.values()
    assert len(world.api.ledger.messages(post)) == 1


async def test_a_change_that_gives_nothing_back_wakes_nobody(world: World) -> None:
    await world.owed()
    world.channel.deny_bot("send_messages")
    await world.deliver()
    world.channel.rename("crumbs-and-more")
    world.guild.add_text_channel("another")
    await world.heard()
    assert await world.paused()
    assert not world.woken.is_set()


async def test_a_store_that_is_away_is_left_to_the_probe(world: World) -> None:
    """The listener must not end in an error that only discord.py would see."""
    await world.owed()
    world.channel.deny_bot("send_messages")
    await world.deliver()
    guild = world.client.get_guild(int(world.guild.id))
    assert guild is not None
    cog = world.client.get_cog("Reopen")
    assert isinstance(cog, Reopen)
    await world.client.close()
    await world.storage.close()
    with pytest.raises(StorageUnavailable):
        await world.storage.closed_channels(None)
    await cog.look(guild)
    assert not world.woken.is_set()
