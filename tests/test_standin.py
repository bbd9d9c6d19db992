"""The stand-in as a whole, driven by the unmodified discord.py over real sockets."""

from __future__ import annotations

import asyncio
import sys
import time

import pytest

from tests.standin import Limits, StandIn
from tests.standin.discordpy import discord, point, running
from tests.standin.raw import Raw

app_commands = discord.app_commands


@pytest.fixture
async def api(monkeypatch):
    async with StandIn(limits=Limits.off()) as standin:
        point(standin, monkeypatch)
        yield standin


@pytest.fixture
def guild(api):
    return api.add_guild("Twosome")


@pytest.fixture
def channel(guild):
    return guild.add_text_channel("crumbs")


@pytest.fixture
def mod(guild):
    return guild.add_member("mod", permissions=["view_channel", "manage_guild"])


@pytest.fixture
def fan(guild):
    return guild.add_member("fan", locale="ko")


class Panel(discord.ui.View):
    def __init__(self):
        super().__init__(timeout=60)

    @discord.ui.button(label="More", custom_id="more")
    async def more(self, interaction, _button):
        await interaction.response.edit_message(content="more of it")

    @discord.ui.button(label="Later", custom_id="later")
    async def later(self, interaction, _button):
        await interaction.response.defer()
        await interaction.edit_original_response(content="later")

    @discord.ui.button(label="Off", disabled=True)
    async def off(self, _interaction, _button):
        pass

    @discord.ui.select(options=[discord.SelectOption(label="One", value="1")], placeholder="which")
    async def which(self, interaction, select):
        await interaction.response.send_message(f"chose {select.values}")

    @discord.ui.select(cls=discord.ui.ChannelSelect, placeholder="where")
    async def where(self, interaction, select):
        await interaction.response.send_message(f"to {select.values[0].name}")


class Form(discord.ui.Modal, title="Report"):
    address = discord.ui.TextInput(label="Address", custom_id="address")
    kind = discord.ui.Label(
        text="Kind",
        component=discord.ui.Select(
            custom_id="kind", options=[discord.SelectOption(label="Photo", value="photo")]
        ),
    )

    async def on_submit(self, interaction):
        chosen = self.kind.component.values
        await interaction.response.send_message(f"thanks for {self.address.value} {chosen}")


class Layout(discord.ui.LayoutView):
    text = discord.ui.TextDisplay("A moment")
    row = discord.ui.ActionRow()

    @row.button(label="Why", custom_id="why")
    async def why(self, interaction, _button):
        await interaction.response.send_message("because", ephemeral=True)


class Bot(discord.Client):
    """A small bot with a command of every kind that matters."""

    def __init__(self):
        super().__init__(
            intents=discord.Intents(guilds=True),
            guild_ready_timeout=0.05,
            max_messages=None,
            allowed_mentions=discord.AllowedMentions.none(),
        )
        self.tree = app_commands.CommandTree(self)
        self.errors = []
        self.tree.on_error = self.on_tree_error
        add_commands(self.tree)

    async def setup_hook(self):
        await self.tree.sync()

    async def on_tree_error(self, _interaction, error):
        self.errors.append(error.original if hasattr(error, "original") else error)


def add_commands(tree):
    @tree.command(description="Pair two")
    async def pair(
        interaction: discord.Interaction,
        first: str,
        second: app_commands.Range[str, 2, 20],
        channel: discord.TextChannel | None = None,
        member: discord.Member | None = None,
        role: discord.Role | None = None,
    ):
        told = [first, second]
        if channel:
            may = interaction.namespace.channel.permissions.send_messages
            told.append(f"{channel.name} {may}")
        told += [str(thing) for thing in (member, role) if thing]
        view = Panel()
        await interaction.response.send_message(" ".join(told), view=view, ephemeral=True)

    @pair.autocomplete("first")
    async def first(interaction, current: str):
        name = f"{current}oo {interaction.namespace.second or ''}".strip()
        return [app_commands.Choice(name=name, value=name)]

    group = app_commands.Group(
        name="watchlist",
        description="Watchlists",
        default_permissions=discord.Permissions(manage_guild=True),
        guild_only=True,
    )

    @group.command(description="Create one")
    @app_commands.choices(tier=[app_commands.Choice(name="Digest", value=2)])
    async def create(interaction: discord.Interaction, name: str, tier: app_commands.Choice[int]):
        await interaction.response.defer(ephemeral=True)
        await interaction.followup.send(f"created {name} {tier.value}")
        await interaction.followup.send("and more", ephemeral=True)

    tree.add_command(group)

    @tree.command(description="Whoever is here")
    @app_commands.allowed_installs(guilds=True, users=True)
    @app_commands.allowed_contexts(guilds=True, dms=True, private_channels=True)
    async def where(interaction: discord.Interaction):
        told = f"{interaction.context} {interaction.is_user_integration()} {interaction.locale}"
        await interaction.response.send_message(told)

    @tree.command(description="Never answers")
    async def silence(_interaction: discord.Interaction):
        pass

    @tree.command(description="Answers twice")
    async def twice(interaction: discord.Interaction):
        await interaction.response.send_message("one")
        interaction.response._response_type = None
        await interaction.response.send_message("two")

    @tree.command(description="Answers after the clock has gone on")
    async def late(interaction: discord.Interaction):
        interaction.client.advance(3.1)
        await interaction.response.send_message("too late")

    @tree.command(description="A form")
    async def report(interaction: discord.Interaction):
        await interaction.response.send_modal(Form())

    @tree.command(description="Components V2")
    async def layout(interaction: discord.Interaction):
        await interaction.response.send_message(view=Layout())

    @tree.context_menu(name="Find moments")
    async def moments(interaction: discord.Interaction, message: discord.Message):
        await interaction.response.send_message(f"in {message.content}")

    @tree.context_menu(name="Who")
    async def who(interaction: discord.Interaction, member: discord.Member):
        await interaction.response.send_message(f"it is {member.name}")


# ── commands ──────────────────────────────────────────────────────────────────────────────────


async def test_a_command_with_everything(api, guild, channel, fan):
    quiet = guild.add_text_channel("quiet")
    quiet.deny_bot("send_messages")
    role = guild.add_role("carats")
    async with running(api, Bot()):
        answer = await fan.command(
            channel, "pair", first="jisoo", second="mingyu", channel=quiet, member=fan, role=role
        )
    assert answer.content == "jisoo mingyu quiet True fan carats"  # the person's own permissions
    assert answer.ephemeral
    assert not answer.deferred
    assert answer.ack_seconds < 1
    assert answer.message.interaction_metadata["name"] == "pair"
    assert api.ledger.messages() == []
    assert api.ledger.messages(via="interaction") == [answer.message]


async def test_suggestions(api, channel, fan):
    async with running(api, Bot()):
        assert await fan.autocomplete(channel, "pair", "first", "jis") == [
            {"name": "jisoo", "value": "jisoo"}
        ]
        found = await fan.autocomplete(channel, "pair", "first", "jis", second="x")
        assert found[0]["value"] == "jisoo x"


async def test_a_deferred_answer_and_what_follows(api, channel, mod):
    async with running(api, Bot()):
        answer = await mod.command(channel, "watchlist create", name="x", tier="Digest")
        assert answer.deferred
        await answer.final()
        assert answer.content == "created x 2"  # the first follow-up takes the promise's place
        assert answer.ephemeral
        await answer.until(lambda a: a.followups)
        assert [message.content for message in answer.followups] == ["and more"]


async def test_a_person_is_offered_only_what_fits(api, guild, channel, mod, fan):
    stranger = api.add_person("stranger")
    async with running(api, Bot()):
        for who, command, options, complaint in (
            (fan, "nonsense", {}, "not registered"),
            (fan, "pair", {"first": "a"}, "needs"),
            (fan, "pair", {"first": "a", "second": "bb", "third": "c"}, "no options"),
            (fan, "pair", {"first": "a", "second": "b"}, "2 to 20"),
            (fan, "pair", {"first": "a", "second": "bb", "channel": fan}, "is a channel"),
            (fan, "watchlist create", {"name": "x", "tier": 2}, "needs permissions"),
            (mod, "watchlist create", {"name": "x", "tier": 3}, "does not offer"),
            (mod, "watchlist", {}, "needs a subcommand"),
            (mod, "watchlist delete", {}, "no subcommand"),
            (stranger, "where", {}, "no member"),
        ):
            with pytest.raises(AssertionError, match=complaint):
                await who.command(channel, command, **options)
        forum = guild.add_forum("forum")
        with pytest.raises(AssertionError, match="does not offer such a channel"):
            await fan.command(channel, "pair", first="a", second="bb", channel=forum)
        with pytest.raises(AssertionError, match="not offered in DMs"):
            await mod.command(mod.dm, "watchlist create", name="x", tier=2)


async def test_three_contexts_and_the_locale(api, channel, fan):
    other = api.add_person("other")
    user = api.add_person("installer", installed=True)
    elsewhere = api.add_guild("Elsewhere", with_bot=False)
    elsewhere.add_member(user)
    far = elsewhere.add_text_channel("far")
    async with running(api, Bot()) as bot:
        answers = [
            await fan.command(channel, "where"),
            await fan.command(fan.dm, "where"),
            await user.command(user.dm, "where"),
            await user.command(user.private_channel_with(other), "where"),
            await user.command(far, "where"),
        ]
        assert len(bot.guilds) == 1
    flags = [answer.interaction.context for answer in answers]
    assert flags == [0, 1, 1, 2, 0]
    told = [answer.content for answer in answers]
    assert [" ".join(text.rsplit(" ", 2)[1:]) for text in told] == [
        "False ko",
        "False ko",
        "True en-US",
        "True en-US",
        "True en-US",
    ]


async def test_context_menus(api, channel, fan):
    async with running(api, Bot()):
        said = fan.say(channel, "a post")
        assert (await fan.context_menu(channel, "Find moments", said)).content == "in a post"
        assert (await fan.context_menu(channel, "Who", fan)).content == "it is fan"


# ── acknowledgement ───────────────────────────────────────────────────────────────────────────


async def test_no_answer(api, channel, fan, monkeypatch):
    monkeypatch.setattr("tests.standin.people.PATIENCE", 0.2)
    async with running(api, Bot()):
        answer = await fan.command(channel, "silence")
    assert answer.failed
    with pytest.raises(AssertionError, match="did not respond"):
        assert answer.content


async def test_a_late_answer(api, channel, fan, monkeypatch):
    monkeypatch.setattr("tests.standin.people.PATIENCE", 0.2)
    bot = Bot()
    bot.advance = api.clock.advance
    async with running(api, bot):
        answer = await fan.command(channel, "late")
    assert answer.failed
    assert [error.code for error in bot.errors] == [10062]


async def test_a_second_answer(api, channel, fan):
    bot = Bot()
    async with running(api, bot):
        answer = await fan.command(channel, "twice")
        while not bot.errors:
            await asyncio.sleep(0.005)
    assert answer.content == "one"
    assert [error.code for error in bot.errors] == [40060]


async def test_the_token_lapses_after_15_minutes(api, channel, fan):
    async with running(api, Bot()), Raw(api) as raw:
        answer = await fan.command(channel, "where")
        path = f"/webhooks/{api.world.application_id}/{answer.interaction.token}"
        assert (await raw.call("GET", path + "/messages/@original")).status == 200
        assert (await raw.call("POST", path, {"content": "more"})).status == 200
        assert (await raw.call("DELETE", path + "/messages/@original")).status == 204
        assert (await raw.call("GET", path + "/messages/@original")).outcome == (404, 10008)
        assert (await raw.call("POST", path + "x", {"content": "more"})).outcome == (
            401,
            50027,
        )
        api.clock.advance(901)
        assert (await raw.call("POST", path, {"content": "more"})).outcome == (401, 50027)


async def test_user_apps_may_follow_up_five_times(api):
    user = api.add_person("installer", installed=True)
    other = api.add_person("other")
    async with running(api, Bot()), Raw(api) as raw:
        answer = await user.command(user.private_channel_with(other), "where")
        path = f"/webhooks/{api.world.application_id}/{answer.interaction.token}"
        outcomes = [(await raw.call("POST", path, {"content": "x"})).outcome for _ in range(6)]
    assert outcomes == [(200, 0)] * 5 + [(400, 40094)]


# ── components and modals ─────────────────────────────────────────────────────────────────────


async def test_components(api, guild, channel, fan):
    async with running(api, Bot()):
        answer = await fan.command(channel, "pair", first="a", second="bb")
        again = await fan.click(answer, label="More")
        assert again.updated
        assert answer.content == "more of it"
        later = await fan.click(answer, custom_id="later")
        assert later.deferred
        await later.final()
        await later.final()  # it may be asked afterwards too
        assert answer.content == "later"
        chosen = await fan.select(answer, ["One"], placeholder="which")
        assert chosen.content == "chose ['1']"
        where = await fan.select(answer, [channel], placeholder="where")
        assert where.content == "to crumbs"
        with pytest.raises(AssertionError, match="greyed out"):
            await fan.click(answer, label="Off")
        with pytest.raises(AssertionError, match="0 components fit"):
            await fan.click(answer, label="Nonsense")
        with pytest.raises(AssertionError, match="does not offer"):
            await fan.select(answer, ["Two"], placeholder="which")


async def test_components_v2(api, channel, fan):
    async with running(api, Bot()) as bot:
        answer = await fan.command(channel, "layout")
        assert answer.components[0]["content"] == "A moment"
        assert (await fan.click(answer, custom_id="why")).content == "because"
        view = Layout()
        await bot.get_partial_messageable(int(channel.id)).send(view=view)
        [message] = api.ledger.messages(channel)
        assert (await fan.click(message, label="Why")).content == "because"


async def test_a_modal(api, channel, fan):
    async with running(api, Bot()):
        answer = await fan.command(channel, "report")
        assert answer.modal["title"] == "Report"
        done = await fan.submit_modal(answer, address="https://a.b", kind=["photo"])
        assert done.content == "thanks for https://a.b ['photo']"
        again = await fan.command(channel, "report")
        with pytest.raises(AssertionError, match="must be filled in"):
            await fan.submit_modal(again, kind=["photo"])
        with pytest.raises(AssertionError, match="no such fields"):
            await fan.submit_modal(again, address="x", kind=["photo"], more="y")


# ── sending ───────────────────────────────────────────────────────────────────────────────────


async def test_sending_through_discord_py(api, guild, channel):
    role = guild.add_role("carats", mentionable=True)
    async with running(api, Bot()) as bot:
        target = bot.get_channel(int(channel.id))
        embed = discord.Embed(
            title="t", url="https://a.b", color=5, timestamp=discord.utils.utcnow()
        )
        embed.add_field(name="n", value="v").set_footer(text="f").set_image(url="https://a.b/c.png")
        sent = await target.send(
            role.mention,
            embed=embed,
            nonce="m-1",
            allowed_mentions=discord.AllowedMentions(roles=[discord.Object(int(role.id))]),
        )
        again = await target.send("", nonce="m-1", embed=discord.Embed(title="ignored"))
        assert again.id == sent.id
        await sent.edit(content="edited", embed=discord.Embed(title="new"))
        reply = await sent.reply("a reply")
        assert reply.reference.message_id == sent.id
        picture = await target.send(file=discord.File(__file__, filename="a.py"))
        assert picture.attachments[0].filename == "a.py"
        await picture.delete()
        assert [m.content async for m in target.history()] == ["a reply", "edited"]
        assert (await target.fetch_message(sent.id)).embeds[0].title == "new"
    first, second = api.ledger.messages(channel)
    assert (first.content, first.nonce, first.pinged_roles) == ("edited", "m-1", [role.id])
    assert first.edited_at > first.created_at
    assert (second.type, second.deleted) == (19, False)
    [gone] = [m for m in api.ledger.messages(channel, deleted=True) if m.deleted]
    assert gone.files["a.py"].startswith(b'"""')


async def test_forums_threads_news_and_dms_through_discord_py(api, guild, fan):
    forum = guild.add_forum("moments", tags=["photo", "video"])
    news = guild.add_news_channel("news")
    async with running(api, Bot()) as bot:
        target = bot.get_channel(int(forum.id))
        thread, message = await target.create_thread(
            name="A moment", content="x", applied_tags=[target.available_tags[0]]
        )
        assert message.id == thread.id
        await thread.send("more")
        with pytest.raises(discord.Forbidden) as refused:
            await bot.get_partial_messageable(int(forum.id)).send("x")
        assert refused.value.code == 40058
        published = await bot.get_channel(int(news.id)).send("news")
        await published.publish()
        user = await bot.fetch_user(int(fan.id))
        await user.send("hello")
        member = await bot.get_guild(int(guild.id)).fetch_member(int(fan.id))
        assert member.name == "fan"
        await thread.edit(archived=True)
        assert [t.id async for t in target.archived_threads()] == [thread.id]
        assert await bot.get_guild(int(guild.id)).active_threads() == []
        assert (await bot.application_info()).id == bot.user.id
        assert len(await bot.get_guild(int(guild.id)).fetch_roles()) == 4
        assert (await bot.fetch_guild(int(guild.id))).name == "Twosome"
        assert (await bot.fetch_channel(int(news.id))).is_news()
    assert [m.content for m in api.ledger.messages()] == ["x", "more", "news", "hello"]
    [post, *_] = api.ledger.messages()
    assert post.channel.thread.applied_tags == [forum.tags[0]["id"]]


async def test_webhooks_through_discord_py(api, channel):
    channel.allow_bot("manage_webhooks")
    async with running(api, Bot()) as bot:
        hook = await bot.get_channel(int(channel.id)).create_webhook(name="Crumbs")
        sent = await hook.send("a", wait=True, username="W")
        await sent.edit(content="b")
        assert (await hook.fetch_message(sent.id)).content == "b"
        assert [w.id for w in await bot.get_channel(int(channel.id)).webhooks()] == [hook.id]
    [message] = api.ledger.messages(via="webhook")
    assert (message.content, message.author.username) == ("b", "W")


async def test_refusals_reach_discord_py(api, guild, channel):
    async with running(api, Bot()) as bot:
        target = bot.get_partial_messageable(int(channel.id))
        channel.deny_bot("send_messages")
        with pytest.raises(discord.Forbidden) as refused:
            await target.send("x")
        assert refused.value.code == 50013
        channel.delete()
        with pytest.raises(discord.NotFound) as unknown:
            await target.send("x")
        assert unknown.value.code == 10003
    assert api.ledger.statuses()[403] == 1


# ── another process, and many channels ────────────────────────────────────────────────────────

ANOTHER = """
import sys, warnings
warnings.simplefilter("ignore")
import discord, yarl
api_url, gateway_url, token, channel = sys.argv[1:]
discord.http.Route.BASE = api_url
discord.gateway.DiscordWebSocket.DEFAULT_GATEWAY = yarl.URL(gateway_url)
client = discord.Client(intents=discord.Intents(guilds=True), guild_ready_timeout=0.05)
@client.event
async def on_ready():
    await client.get_channel(int(channel)).send("from afar")
    await client.close()
client.run(token, log_handler=None)
"""


async def test_a_bot_in_another_process(api, channel):
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", ANOTHER, api.api_url, api.gateway_url, api.token, channel.id)
    )
    assert await asyncio.wait_for(process.wait(), 20) == 0
    assert [m.content for m in api.ledger.messages(channel)] == ["from afar"]


async def test_it_bears_load():
    async with StandIn(limits=Limits.off(), openapi=False) as api, Raw(api) as raw:
        guilds = [api.add_guild(f"g{i}") for i in range(100)]
        channels = [guild.add_text_channel(f"c{i}") for guild in guilds for i in range(50)]
        queue = iter(channels[:3000])
        started = time.perf_counter()

        async def worker():
            for channel in queue:
                heard = await raw.send(channel, {"content": "x", "nonce": channel.id})
                assert heard.status == 200

        await asyncio.gather(*[worker() for _ in range(20)])
        rate = 3000 / (time.perf_counter() - started)
        assert len(api.ledger.messages()) == 3000
        assert rate > 300
