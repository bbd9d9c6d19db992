"""`/status`: what moderators see of what is wrong, and the button that tries again."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from bot.announcer import Announcer
from bot.app import Core, all_cogs
from bot.client import Client
from bot.domain.ports import Storage
from bot.domain.types import Gone, Pair, PollResult, Source
from bot.pipeline import deliver_once
from tests.standin import StandIn
from tests.standin.discordpy import point
from tests.storage.test_contract import OneStory, claim, met, record, watch

PAIR = Pair("blackpink.jisoo", "seventeen.mingyu")


def now() -> datetime:
    return datetime.now(UTC)


@dataclass
class World:
    """A server, the bot on it, a moderator and a fan."""

    api: StandIn
    storage: Storage
    core: Core
    guild: Any
    channel: Any
    mod: Any
    fan: Any
    client: Client
    woken: asyncio.Event = field(default_factory=asyncio.Event)

    async def given_up(self, number: int, pair: Pair = PAIR, *, elsewhere: bool = False) -> None:
        """Let an announcement become a dead letter, on this server or on another."""
        channel = 424242 if elsewhere else int(self.channel.id)
        await watch(self.storage, channel, pair, guild=7 if elsewhere else int(self.guild.id))
        story = {"published": now(), "seen_at": now()}
        apart = OneStory(always_new=True)
        await record(self.storage, number, met(pair), cluster=apart, now=now(), **story)
        for message in await claim(self.storage, now()):
            await self.storage.settle(
                message, Gone(reason="Discord says: **no** (code 50035)", channel=False), now()
            )

    async def status(self) -> tuple[Any, dict[str, str]]:
        answer = await self.mod.command(self.channel, "status")
        return answer, {f["name"]: f["value"] for f in answer.embeds[0]["fields"]}


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
            guild.add_member("mod", permissions=["view_channel", "manage_guild"]),
            guild.add_member("fan"),
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


async def test_where_all_is_well_it_says_so_privately(world: World) -> None:
    answer, fields = await world.status()
    assert answer.ephemeral
    assert fields == {
        "Channels": "I am paused nowhere.",
        "Announcements": "Nothing was given up.",
        "Sources": "I read none yet.",
    }
    assert not answer.components


async def test_a_member_who_is_no_moderator_is_told(world: World) -> None:
    answer = await world.fan.command(world.channel, "status")
    assert answer.ephemeral
    assert "Manage Server" in answer.content
    assert not answer.embeds


async def test_a_paused_channel_is_named_with_what_to_do(world: World) -> None:
    await watch(world.storage, int(world.channel.id), guild=int(world.guild.id))
    await record(world.storage, 1)
    [message] = await claim(world.storage, now())
    world.channel.deny_bot("send_messages")
    await world.storage.settle(message, Gone(reason="Missing Permissions"), now())
    await watch(world.storage, 424242, guild=7)
    _, fields = await world.status()
    assert f"<#{world.channel.id}>" in fields["Channels"]
    assert "I am missing **Send Messages**" in fields["Channels"]
    assert "424242" not in fields["Channels"]


async def test_what_discord_no_longer_shows_is_told_apart(world: World) -> None:
    gone = world.guild.add_text_channel("gone")
    await watch(world.storage, int(gone.id), guild=int(world.guild.id))
    await record(world.storage, 1)
    [message] = await claim(world.storage, now())
    gone.delete()
    await world.storage.settle(message, Gone(reason="Unknown Channel"), now())
    _, fields = await world.status()
    assert "Discord no longer shows me this channel" in fields["Channels"]


async def test_given_up_announcements_are_shown_and_tried_again(world: World) -> None:
    await world.given_up(1)
    await world.given_up(9, Pair("ive.wonyoung", "twice.nayeon"), elsewhere=True)
    answer, fields = await world.status()
    told = fields["Announcements"]
    assert "1 announcement could not be delivered" in told
    assert f"<#{world.channel.id}>" in told
    assert "Jisoo (BLACKPINK) × Mingyu (SEVENTEEN)" in told
    assert "\\*\\*no\\*\\*" in told

    done = await world.mod.click(answer, label="Try again")
    assert "1 announcement is on the way again" in done.content
    assert not done.components
    assert world.woken.is_set()
    sender = Announcer(world.client, lambda: world.core.lookup.roster, now)
    await deliver_once(world.storage, sender, now)
    assert len(world.api.ledger.messages(world.channel)) == 1
    assert (await world.status())[1]["Announcements"] == "Nothing was given up."
    assert len(await world.storage.dead_letters(7)) == 1


async def test_who_is_no_moderator_any_more_cannot_try_again(world: World) -> None:
    await world.given_up(1)
    answer, _ = await world.status()
    for role_id in world.guild.members[world.mod.id].role_ids:
        world.guild.set_permissions(world.guild.roles[role_id], ["view_channel"])
    refused = await world.mod.click(answer, label="Try again")
    assert "Manage Server" in refused.content
    assert len(await world.storage.dead_letters(int(world.guild.id))) == 1
    assert not world.woken.is_set()


async def test_the_list_of_pairs_tells_everybody_of_what_was_given_up(world: World) -> None:
    for number in (1, 2):
        await world.given_up(number)
    answer = await world.fan.command(world.channel, "pairs")
    [note] = answer.embeds[0]["fields"]
    assert "2 announcements could not be delivered" in note["name"]
    assert "code 50035" in note["value"]
    assert "/status" in note["value"]


async def test_many_of_them_fit_one_answer(world: World) -> None:
    for number in range(12):
        await world.given_up(number)
    _, fields = await world.status()
    assert "12 announcements could not be delivered" in fields["Announcements"]
    assert fields["Announcements"].rsplit("… and ", 1)[1].endswith(" more")


async def test_sources_that_fail_are_named_without_their_addresses(world: World) -> None:
    at = now() - timedelta(hours=1)
    sources = [
        Source(id=i, kind="feed", url=f"https://u:secret@{i}.example/", name=f"The *{i}*")
        for i in ("fine", "broken", "stopped")
    ]
    await world.storage.sync_sources(sources, at)
    for lease in await world.storage.claim_sources(at, limit=9, lease=60):
        error = None if lease.source.id == "fine" else "https://u:secret@x.example/ timed out"
        stop = lease.source.id == "stopped"
        result = PollResult(next_at=at, error=error, disable=stop)
        await world.storage.finish_poll(lease, result, at)
    _, fields = await world.status()
    assert "2 of 3 cannot be read" in fields["Sources"]
    assert "The \\*broken\\*" in fields["Sources"]
    assert "fine" not in fields["Sources"]
    assert "secret" not in fields["Sources"]
