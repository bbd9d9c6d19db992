"""A second client library, which reads payloads more strictly, keeps the stand-in honest."""

from __future__ import annotations

import asyncio
import contextlib

import hikari
import pytest

from tests.standin import Limits, StandIn


@pytest.fixture
async def api(caplog):
    async with StandIn(limits=Limits.off()) as standin:
        yield standin
    errors = [record for record in caplog.get_records("call") if record.levelname == "ERROR"]
    assert not errors, "hikari complains about a payload"


@contextlib.asynccontextmanager
async def running(api, intents=hikari.Intents.GUILDS, token=None):
    bot = hikari.GatewayBot(
        token or api.token,
        rest_url=api.api_url,
        banner=None,
        logs=None,
        intents=intents,
        suppress_optimization_warning=True,
    )
    try:
        await bot.start(check_for_updates=False)
        yield bot
    finally:
        await (bot.close() if bot.is_alive else bot.rest.close())


async def heard(bot, kind, **options):
    return await bot.wait_for(kind, timeout=5, **options)


async def test_login_guild_and_messages(api):
    guild = api.add_guild("Twosome")
    channel = guild.add_text_channel("crumbs")
    news = guild.add_news_channel("news")
    forum = guild.add_forum("moments", tags=["photo"])
    thread = channel.add_thread("talk")
    intents = hikari.Intents.GUILDS | hikari.Intents.GUILD_MESSAGES
    async with running(api, intents) as bot:
        while bot.cache.get_guild(int(guild.id)) is None:
            await asyncio.sleep(0.005)
        seen = bot.cache.get_guild(int(guild.id))
        assert seen.name == "Twosome"
        assert set(map(int, (channel.id, news.id, forum.id))) <= set(seen.get_channels())
        assert int(thread.id) in bot.cache.get_threads_view_for_guild(seen.id)
        embed = hikari.Embed(title="t", url="https://a.b", color=5)
        embed.add_field("n", "v").set_footer("f").set_author(name="a").set_image(
            "https://a.b/c.png"
        )
        row = bot.rest.build_message_action_row()
        row.add_interactive_button(hikari.ButtonStyle.PRIMARY, "more", label="More")
        row.add_link_button("https://a.b", label="Link")
        arriving = asyncio.create_task(heard(bot, hikari.GuildMessageCreateEvent))
        await asyncio.sleep(0)
        sent = await bot.rest.create_message(int(channel.id), "hello", embed=embed, component=row)
        assert (await arriving).message.embeds[0].title == "t"
        await sent.edit("edited")
        await bot.rest.create_message(int(channel.id), attachment=hikari.Bytes(b"x", "x.png"))
        assert len(await bot.rest.fetch_messages(int(channel.id))) == 2
        await sent.delete()
        assert (await bot.rest.fetch_my_user()).is_bot
        assert (await bot.rest.fetch_application()).name == "Crumbs"
        assert len(await bot.rest.fetch_roles(seen.id)) == 3
        assert await bot.rest.fetch_guild(seen.id)
        for place in (channel, news, forum, thread):
            assert (await bot.rest.fetch_channel(int(place.id))).name == place.name
        post = await bot.rest.create_forum_post(int(forum.id), "A moment", "x")
        assert (await bot.rest.fetch_message(post.id, post.id)).content == "x"
    assert [m.content for m in api.ledger.messages()] == ["", "x"]


async def test_changes_of_the_guild(api):
    guild = api.add_guild("Twosome")
    channel = guild.add_text_channel("crumbs")
    async with running(api) as bot:
        while bot.cache.get_guild(int(guild.id)) is None:
            await asyncio.sleep(0.005)
        for change, kind in (
            (lambda: channel.rename("new"), hikari.GuildChannelUpdateEvent),
            (lambda: guild.add_forum("forum"), hikari.GuildChannelCreateEvent),
            (lambda: guild.add_role("r"), hikari.RoleCreateEvent),
            (lambda: channel.add_thread("t"), hikari.GuildThreadCreateEvent),
            (channel.delete, hikari.GuildChannelDeleteEvent),
            (guild.go_unavailable, hikari.GuildUnavailableEvent),
            (guild.come_back, hikari.GuildAvailableEvent),
            (guild.remove_bot, hikari.GuildLeaveEvent),
            (guild.invite_bot, hikari.GuildJoinEvent),
        ):
            waiting = asyncio.create_task(heard(bot, kind))
            await asyncio.sleep(0)
            change()
            await waiting


async def test_interactions(api):
    guild = api.add_guild("Twosome")
    channel = guild.add_text_channel("crumbs")
    fan = guild.add_member("fan")
    user = api.add_person("installer", installed=True)
    async with running(api) as bot:

        @bot.listen(hikari.CommandInteractionCreateEvent)
        async def on_command(event):
            row = bot.rest.build_message_action_row()
            row.add_interactive_button(hikari.ButtonStyle.PRIMARY, "more", label="More")
            place = event.interaction.resolved and list(
                event.interaction.resolved.channels.values()
            )
            await event.interaction.create_initial_response(
                hikari.ResponseType.MESSAGE_CREATE,
                f"{event.interaction.command_name} {place[0].name if place else ''}",
                component=row,
                flags=hikari.MessageFlag.EPHEMERAL,
            )

        @bot.listen(hikari.ComponentInteractionCreateEvent)
        async def on_click(event):
            await event.interaction.create_initial_response(
                hikari.ResponseType.DEFERRED_MESSAGE_CREATE
            )
            await event.interaction.edit_initial_response("done")
            await event.interaction.execute("more")

        @bot.listen(hikari.AutocompleteInteractionCreateEvent)
        async def on_typing(event):
            typed = event.interaction.options[0].value
            choice = hikari.impl.AutocompleteChoiceBuilder(name=typed, value=typed)
            await event.interaction.create_response([choice])

        pair = bot.rest.slash_command_builder("pair", "Pair two")
        pair.add_option(
            hikari.CommandOption(
                type=hikari.OptionType.STRING, name="first", description="d", autocomplete=True
            )
        )
        pair.add_option(
            hikari.CommandOption(type=hikari.OptionType.CHANNEL, name="place", description="d")
        )
        pair.set_integration_types(
            [
                hikari.ApplicationIntegrationType.GUILD_INSTALL,
                hikari.ApplicationIntegrationType.USER_INSTALL,
            ]
        )
        await bot.rest.set_application_commands(int(api.world.application_id), [pair])
        assert await fan.autocomplete(channel, "pair", "first", "ji") == [
            {"name": "ji", "value": "ji"}
        ]
        answer = await fan.command(channel, "pair", first="jisoo", place=channel)
        assert (answer.content, answer.ephemeral) == ("pair crumbs", True)
        clicked = await fan.click(answer, label="More")
        await clicked.final()
        assert clicked.content == "done"
        await clicked.until(lambda a: a.followups)
        assert (await user.command(user.dm, "pair")).content == "pair"


@pytest.mark.parametrize("fault", ["reconnect", "abort", "close", "invalidate"])
async def test_reconnection(api, fault, monkeypatch):
    api.add_guild("Twosome")
    monkeypatch.setattr(hikari.impl.shard, "_BACKOFF_BASE", 0.01)
    monkeypatch.setattr(hikari.impl.shard, "_BACKOFF_WINDOW", 0.0)
    async with running(api) as bot:
        kind = hikari.ShardReadyEvent if fault == "invalidate" else hikari.ShardResumedEvent
        waiting = asyncio.create_task(heard(bot, kind))
        await asyncio.sleep(0)
        {
            "reconnect": api.gateway.reconnect,
            "abort": api.gateway.abort,
            "close": lambda: api.gateway.close(4000),
            "invalidate": api.gateway.invalidate,
        }[fault]()
        await waiting


async def test_refusals(api):
    channel = api.add_guild("Twosome").add_text_channel("crumbs")
    async with running(api) as bot:
        channel.deny_bot("send_messages")
        with pytest.raises(hikari.ForbiddenError) as refused:
            await bot.rest.create_message(int(channel.id), "x")
        assert refused.value.code == 50013
        with pytest.raises(hikari.BadRequestError, match="6000"):
            await bot.rest.create_message(
                int(channel.id), embeds=[hikari.Embed(description="x" * 3001)] * 2
            )
    owner = api.token.partition(".")[0]
    with pytest.raises(hikari.UnauthorizedError):
        async with running(api, token=f"{owner}.wrong.token"):
            pass
