"""`/pair`, `/unpair` and `/pairs`, typed through the gateway by people of the stand-in."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pytest

from bot.app import Core
from bot.client import Client
from bot.domain.ports import Storage
from bot.domain.types import Gone, Pair, Watch
from cogs.pairs import MOST_WATCHES, Pairs
from cogs.why import Why
from tests.standin import StandIn
from tests.standin.discordpy import point
from tests.storage.test_contract import claim, record, watch

JISOO_MINGYU = Pair("blackpink.jisoo", "seventeen.mingyu")
MANAGER = ["view_channel", "send_messages", "manage_channels"]


@dataclass
class World:
    """A server on Discord's stand-in, with the bot on it."""

    api: StandIn
    storage: Storage
    guild: Any
    channel: Any
    other: Any
    mod: Any
    fan: Any


@pytest.fixture
async def world(
    storage: Storage, core: Core, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[World]:
    async with StandIn() as api:
        point(api, monkeypatch)
        guild = api.add_guild("Twosome")
        made = World(
            api,
            storage,
            guild,
            guild.add_text_channel("crumbs"),
            guild.add_text_channel("other"),
            guild.add_member("mod", permissions=MANAGER),
            guild.add_member("fan", permissions=["view_channel", "send_messages"]),
        )
        async with serving(api, storage, core):
            yield made


@asynccontextmanager
async def serving(api: StandIn, storage: Storage, core: Core) -> AsyncIterator[Client]:
    """The client with its cogs, connected."""
    client = Client()
    cogs = [
        Pairs(storage, lambda: core.lookup, lambda: datetime.now(UTC)),
        Why(client, storage, lambda: core.lookup),
    ]
    await client.log_in(api.token, api.api_url, cogs)
    await client.register_commands(storage)
    task = asyncio.create_task(client.serve())
    try:
        await api.wait_ready()
        yield client
    finally:
        await client.close()
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def watched(w: World) -> list[tuple[int, Pair | None]]:
    return [(x.channel_id, x.pair) for x in await w.storage.watches(int(w.guild.id))]


# ── /pair ─────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("jisoo", "mingyu"),
        ("mingyu", "jisoo"),
        ("지수", "민규"),
        ("jisu", "minkyu"),
        ("ジス", "ミンギュ"),
        ("Jisoo (BLACKPINK)", "seventeen mingyu"),
        ("blackpink.jisoo", "seventeen.mingyu"),
    ],
)
async def test_free_text_in_any_script_is_understood(world: World, first: str, second: str) -> None:
    answer = await world.mod.command(world.channel, "pair", first=first, second=second)
    assert answer.ephemeral
    assert "**Jisoo (BLACKPINK)**" in answer.content
    assert "**Mingyu (SEVENTEEN)**" in answer.content
    assert f"<#{world.channel.id}>" in answer.content
    assert await watched(world) == [(int(world.channel.id), JISOO_MINGYU)]


async def test_pairing_again_says_so_and_changes_nothing(world: World) -> None:
    for _ in range(2):
        answer = await world.mod.command(world.channel, "pair", first="jisoo", second="mingyu")
    assert "already" in answer.content
    assert len(await watched(world)) == 1


async def test_another_channel_can_be_named(world: World) -> None:
    answer = await world.mod.command(
        world.channel, "pair", first="jisoo", second="mingyu", channel=world.other
    )
    assert f"<#{world.other.id}>" in answer.content
    assert await watched(world) == [(int(world.other.id), JISOO_MINGYU)]


async def test_two_of_one_group_are_refused(world: World) -> None:
    answer = await world.mod.command(world.channel, "pair", first="jisoo", second="jennie")
    assert answer.ephemeral
    assert "both in BLACKPINK" in answer.content
    assert await watched(world) == []


async def test_the_same_idol_twice_is_refused(world: World) -> None:
    answer = await world.mod.command(world.channel, "pair", first="jisoo", second="지수")
    assert "two different idols" in answer.content
    assert await watched(world) == []


async def test_an_unknown_name_gets_the_nearest_suggested(world: World) -> None:
    answer = await world.mod.command(world.channel, "pair", first="mingyuuuuuuu xx", second="jisoo")
    assert "I know no idol called" in answer.content
    assert "Mingyu (SEVENTEEN)" in answer.content
    assert await watched(world) == []


async def test_hostile_text_cannot_ping_or_format(world: World) -> None:
    answer = await world.mod.command(
        world.channel, "pair", first="@everyone **x** <@1>", second="jisoo"
    )
    assert answer.ephemeral
    assert "**x**" not in answer.content


async def test_a_member_without_manage_channels_is_told(world: World) -> None:
    answer = await world.fan.command(world.channel, "pair", first="jisoo", second="mingyu")
    assert answer.ephemeral
    assert "Manage Channels" in answer.content
    assert await watched(world) == []


async def test_the_permission_counts_in_the_channel_that_is_named(world: World) -> None:
    world.other.overwrite(world.mod.id, deny=["manage_channels"], kind=1)
    answer = await world.mod.command(
        world.channel, "pair", first="jisoo", second="mingyu", channel=world.other
    )
    assert "Manage Channels" in answer.content
    assert await watched(world) == []


@pytest.mark.parametrize("permission", ["send_messages", "embed_links"])
@pytest.mark.parametrize("elsewhere", [False, True])
async def test_a_permission_that_the_bot_lacks_is_named(
    world: World, permission: str, *, elsewhere: bool
) -> None:
    where = world.other if elsewhere else world.channel
    where.deny_bot(permission)
    options = {"channel": where} if elsewhere else {}
    answer = await world.mod.command(
        world.channel, "pair", first="jisoo", second="mingyu", **options
    )
    assert permission.replace("_", " ").title() in answer.content
    assert await watched(world) == []
    where.allow_bot(permission)
    await world.mod.command(world.channel, "pair", first="jisoo", second="mingyu", **options)
    assert await watched(world) == [(int(where.id), JISOO_MINGYU)]


async def test_without_read_message_history_it_is_saved_and_asked_for(world: World) -> None:
    world.channel.deny_bot("read_message_history")
    answer = await world.mod.command(world.channel, "pair", first="jisoo", second="mingyu")
    assert "Read Message History" in answer.content
    assert len(await watched(world)) == 1


async def test_pairing_opens_a_channel_that_was_closed(world: World) -> None:
    await watch(world.storage, int(world.channel.id), guild=int(world.guild.id))
    await record(world.storage, 1)
    [message] = await claim(world.storage, datetime.now(UTC))
    await world.storage.settle(message, Gone(reason="Missing Access"), datetime.now(UTC))
    assert await world.storage.closed_channels(int(world.guild.id))
    await world.mod.command(world.channel, "pair", first="jisoo", second="mingyu")
    assert await world.storage.closed_channels(int(world.guild.id)) == {}


async def test_someone_else_can_be_taken(world: World) -> None:
    answer = await world.mod.command(world.channel, "pair", first="jisoo", second="wonyoung")
    changed = await world.mod.select(answer, ["twice.jihyo"], custom_id="who:0")
    assert "**Jihyo (TWICE)**" in changed.content
    assert await watched(world) == [(int(world.channel.id), Pair("ive.wonyoung", "twice.jihyo"))]


async def test_someone_else_of_the_same_group_is_refused_and_nothing_changes(
    world: World,
) -> None:
    answer = await world.mod.command(world.channel, "pair", first="jisoo", second="nayeon")
    refused = await world.mod.select(answer, ["twice.jihyo"], custom_id="who:0")
    assert "both in TWICE" in refused.content
    [(_, pair)] = await watched(world)
    assert pair == Pair("blackpink.jisoo", "twice.nayeon")


async def test_someone_else_still_needs_the_permission(world: World) -> None:
    answer = await world.mod.command(world.channel, "pair", first="jisoo", second="wonyoung")
    world.channel.overwrite(world.mod.id, deny=["manage_channels"], kind=1)
    refused = await world.mod.select(answer, ["twice.jihyo"], custom_id="who:0")
    assert "Manage Channels" in refused.content
    [(_, pair)] = await watched(world)
    assert pair == Pair("blackpink.jisoo", "ive.wonyoung")


async def test_a_tie_asks(world: World) -> None:
    answer = await world.mod.command(world.channel, "pair", first="jaehyun", second="jisoo")
    assert "Who is it?" in answer.content
    assert await watched(world) == []
    chosen = await world.mod.select(answer, ["nct.jaehyun"], custom_id="who:0")
    assert "**Jaehyun (NCT)**" in chosen.content
    assert await watched(world) == [(int(world.channel.id), Pair("blackpink.jisoo", "nct.jaehyun"))]


async def test_a_server_has_a_limit(world: World) -> None:
    for number in range(MOST_WATCHES):
        await world.storage.add_watch(
            Watch(
                guild_id=int(world.guild.id),
                channel_id=number + 1,
                pair=JISOO_MINGYU,
                user_id=1,
                created_at=datetime.now(UTC),
            )
        )
    answer = await world.mod.command(world.channel, "pair", first="jisoo", second="mingyu")
    assert str(MOST_WATCHES) in answer.content
    assert "/unpair" in answer.content
    assert len(await watched(world)) == MOST_WATCHES


async def test_pairing_works_in_a_thread(world: World) -> None:
    thread = world.channel.add_thread("moments")
    answer = await world.mod.command(thread, "pair", first="jisoo", second="mingyu")
    assert f"<#{thread.id}>" in answer.content, answer.content
    assert await watched(world) == [(int(thread.id), JISOO_MINGYU)]


async def test_pairing_works_in_a_forum(world: World) -> None:
    forum = world.guild.add_forum("moments")
    answer = await world.mod.command(
        world.channel, "pair", first="jisoo", second="mingyu", channel=forum
    )
    assert f"<#{forum.id}>" in answer.content, answer.content
    assert await watched(world) == [(int(forum.id), JISOO_MINGYU)]


@pytest.mark.parametrize(
    "permission", ["send_messages", "send_messages_in_threads", "embed_links", "view_channel"]
)
async def test_what_the_bot_lacks_in_a_forum_is_named(world: World, permission: str) -> None:
    forum = world.guild.add_forum("moments")
    forum.deny_bot(permission)
    answer = await world.mod.command(
        world.channel, "pair", first="jisoo", second="mingyu", channel=forum
    )
    assert f"**{permission.replace('_', ' ').title().replace(' In ', ' in ')}**" in answer.content
    assert await watched(world) == []


async def test_without_read_message_history_a_forum_is_saved_and_asked(world: World) -> None:
    forum = world.guild.add_forum("moments")
    forum.deny_bot("read_message_history")
    answer = await world.mod.command(
        world.channel, "pair", first="jisoo", second="mingyu", channel=forum
    )
    assert "Read Message History" in answer.content
    assert len(await watched(world)) == 1


# ── autocomplete ──────────────────────────────────────────────────────────────────────────────


async def test_suggestions_name_the_group_and_carry_the_id(world: World) -> None:
    choices = await world.mod.autocomplete(world.channel, "pair", "first", "jis")
    assert choices[0] == {"name": "Jisoo (BLACKPINK)", "value": "blackpink.jisoo"}
    assert len(choices) <= 25


async def test_a_group_suggests_its_members(world: World) -> None:
    choices = await world.mod.autocomplete(world.channel, "pair", "second", "blackpink", first="x")
    names = {c["name"] for c in choices}
    assert names == {f"{n} (BLACKPINK)" for n in ("Jisoo", "Jennie", "Rosé", "Lisa")}


async def test_nothing_is_suggested_for_nobody(world: World) -> None:
    assert await world.mod.autocomplete(world.channel, "pair", "first", "qqqqzzzz") == []


async def test_unpair_suggests_only_who_is_watched(world: World) -> None:
    await world.mod.command(world.channel, "pair", first="jisoo", second="mingyu")
    choices = await world.mod.autocomplete(world.channel, "unpair", "first", "")
    assert {c["value"] for c in choices} == {"blackpink.jisoo", "seventeen.mingyu"}
    narrowed = await world.mod.autocomplete(world.channel, "unpair", "first", "min")
    assert [c["value"] for c in narrowed] == ["seventeen.mingyu"]


# ── /unpair ───────────────────────────────────────────────────────────────────────────────────


async def test_unpairing_in_either_order_stops_the_watch(world: World) -> None:
    await world.mod.command(world.channel, "pair", first="jisoo", second="mingyu")
    answer = await world.mod.command(world.channel, "unpair", first="mingyu", second="jisoo")
    assert "no longer watched" in answer.content
    assert await watched(world) == []


async def test_unpairing_what_is_watched_elsewhere_says_where(world: World) -> None:
    await world.mod.command(
        world.channel, "pair", first="jisoo", second="mingyu", channel=world.other
    )
    answer = await world.mod.command(world.channel, "unpair", first="jisoo", second="mingyu")
    assert f"<#{world.other.id}>" in answer.content
    assert len(await watched(world)) == 1


async def test_unpairing_what_is_not_watched_says_so(world: World) -> None:
    answer = await world.mod.command(world.channel, "unpair", first="jisoo", second="mingyu")
    assert "is not watched on this server" in answer.content


async def test_unpairing_needs_manage_channels(world: World) -> None:
    await world.mod.command(world.channel, "pair", first="jisoo", second="mingyu")
    answer = await world.fan.command(world.channel, "unpair", first="jisoo", second="mingyu")
    assert "Manage Channels" in answer.content
    assert len(await watched(world)) == 1


# ── /pairs ────────────────────────────────────────────────────────────────────────────────────


async def test_an_empty_list_says_how_to_start(world: World) -> None:
    answer = await world.fan.command(world.channel, "pairs")
    assert answer.ephemeral
    assert "/pair jisoo mingyu" in answer.embeds[0]["description"]


async def test_the_list_names_pairs_by_channel(world: World) -> None:
    await world.mod.command(world.channel, "pair", first="jisoo", second="mingyu")
    await watch(
        world.storage, int(world.other.id), Pair("a.gone", "b.gone"), guild=int(world.guild.id)
    )
    await record(world.storage, 1, now=datetime.now(UTC))
    answer = await world.fan.command(world.channel, "pairs")
    text = answer.embeds[0]["description"]
    assert f"<#{world.channel.id}>\n• **Jisoo (BLACKPINK)** × **Mingyu (SEVENTEEN)**" in text
    assert "a.gone (no longer in the roster)" in text


async def test_a_long_list_has_pages(world: World) -> None:
    for number in range(45):
        await watch(
            world.storage,
            int(world.channel.id),
            Pair(f"a.{number:02}", "b.x"),
            guild=int(world.guild.id),
        )
    answer = await world.fan.command(world.channel, "pairs")
    first = answer.embeds[0]["description"]
    second = (await world.fan.click(answer, label="More")).embeds[0]["description"]
    third = (await world.fan.click(answer, label="More")).embeds[0]["description"]
    back = (await world.fan.click(answer, label="More")).embeds[0]["description"]
    assert len({first, second, third}) == 3
    assert back == first


async def test_a_server_sees_only_its_own(world: World) -> None:
    await watch(world.storage, 999, JISOO_MINGYU, guild=424242)
    answer = await world.fan.command(world.channel, "pairs")
    assert "Nobody is watched" in answer.embeds[0]["description"]
