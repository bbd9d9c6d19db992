"""The stand-in refuses what Discord refuses."""

from __future__ import annotations

import json
import os
import random

import aiohttp
import pytest

from tests.standin import Clock, Limits, StandIn
from tests.standin.raw import Raw

V2 = 1 << 15


@pytest.fixture
async def api():
    async with StandIn(limits=Limits.off(), clock=Clock(frozen=True)) as standin:
        yield standin


@pytest.fixture
async def raw(api):
    async with Raw(api) as client:
        yield client


@pytest.fixture
def guild(api):
    return api.add_guild("Twosome")


@pytest.fixture
def channel(guild):
    return guild.add_text_channel("crumbs")


def embed(**parts):
    return {"embeds": [parts]}


def row(*components):
    return {"content": "x", "components": [{"type": 1, "components": list(components)}]}


def button(**parts):
    return {"type": 2, "style": 1, "label": "go", "custom_id": "go"} | parts


def select(**parts):
    options = [{"label": "a", "value": "a"}, {"label": "b", "value": "b"}]
    return {"type": 3, "custom_id": "s", "options": options} | parts


def v2(*components):
    return {"flags": V2, "components": list(components)}


FIELD = {"name": "n", "value": "v"}
TEXT = {"type": 10, "content": "text"}

REFUSED = {
    "content": ({"content": "x" * 2001}, "BASE_TYPE_MAX_LENGTH"),
    "content is a text": ({"content": 5}, "STRING_TYPE_CONVERT"),
    "nonce": ({"content": "x", "nonce": "n" * 26}, "BASE_TYPE_MAX_LENGTH"),
    "title": (embed(title="x" * 257), "BASE_TYPE_MAX_LENGTH"),
    "description": (embed(description="x" * 4097), "BASE_TYPE_MAX_LENGTH"),
    "footer": (embed(title="t", footer={"text": "x" * 2049}), "BASE_TYPE_MAX_LENGTH"),
    "author": (embed(title="t", author={"name": "x" * 257}), "BASE_TYPE_MAX_LENGTH"),
    "field name": (embed(fields=[FIELD | {"name": "x" * 257}]), "BASE_TYPE_MAX_LENGTH"),
    "field value": (embed(fields=[FIELD | {"value": "x" * 1025}]), "BASE_TYPE_MAX_LENGTH"),
    "empty field name": (embed(fields=[FIELD | {"name": " "}]), "BASE_TYPE_REQUIRED"),
    "empty field value": (embed(fields=[FIELD | {"value": ""}]), "BASE_TYPE_REQUIRED"),
    "fields": (embed(fields=[FIELD] * 26), "BASE_TYPE_BAD_LENGTH"),
    "embeds": ({"embeds": [{"title": "t"}] * 11}, "BASE_TYPE_BAD_LENGTH"),
    "all embeds": ({"embeds": [{"description": "x" * 3001}] * 2}, "MAX_EMBED_SIZE_EXCEEDED"),
    "embed url": (embed(title="t", url="javascript:alert(1)"), "URL_TYPE_INVALID_SCHEME"),
    "image url": (embed(image={"url": "ftp://a/b.png"}), "URL_TYPE_INVALID_SCHEME"),
    "malformed url": (embed(title="t", url="https://a b"), "URL_TYPE_INVALID_URL"),
    "color": (embed(title="t", color=0x1000000), "NUMBER_TYPE_MAX"),
    "timestamp": (embed(title="t", timestamp="yesterday"), "DATETIME_TYPE_PARSE"),
    "button without custom id": (row(button(custom_id=None)), "BASE_TYPE_REQUIRED"),
    "link without url": (row({"type": 2, "style": 5, "label": "go"}), "URL_TYPE_INVALID_SCHEME"),
    "custom id and url": (row(button(style=5, url="https://a.b")), "COMPONENT_CUSTOM_ID_AND_URL"),
    "button without label": (row(button(label=None)), "BUTTON_COMPONENT_INVALID"),
    "label": (row(button(label="x" * 81)), "BASE_TYPE_MAX_LENGTH"),
    "custom id": (row(button(custom_id="x" * 101)), "BASE_TYPE_MAX_LENGTH"),
    "same custom id": (row(button(), button()), "COMPONENT_CUSTOM_ID_DUPLICATED"),
    "six buttons": (row(*[button(custom_id=str(i)) for i in range(6)]), "BASE_TYPE_BAD_LENGTH"),
    "empty row": (row(), "BASE_TYPE_BAD_LENGTH"),
    "six rows": ({"content": "x", "components": row(button())["components"] * 6},) * 1
    + ("BASE_TYPE_BAD_LENGTH",),
    "select beside a button": (row(select(), button()), "COMPONENT_LAYOUT_WIDTH_EXCEEDED"),
    "select without options": (row(select(options=[])), "BASE_TYPE_BAD_LENGTH"),
    "select bounds": (row(select(max_values=3)), "NUMBER_TYPE_MAX"),
    "same option value": (
        row(select(options=[{"label": "a", "value": "a"}] * 2)),
        "SELECT_COMPONENT_OPTION_VALUE_DUPLICATED",
    ),
    "text display without v2": ({"components": [TEXT]}, "UNION_TYPE_CHOICES"),
    "content beside v2": (
        v2(TEXT) | {"content": "x"},
        "MESSAGE_CANNOT_USE_LEGACY_FIELDS_WITH_COMPONENTS_V2",
    ),
    "embeds beside v2": (
        v2(TEXT) | embed(title="t"),
        "MESSAGE_CANNOT_USE_LEGACY_FIELDS_WITH_COMPONENTS_V2",
    ),
    "41 components": (
        v2({"type": 17, "components": [TEXT] * 20}, {"type": 17, "components": [TEXT] * 19}),
        "COMPONENT_MAX_TOTAL_COMPONENTS_EXCEEDED",
    ),
    "4001 characters": (
        v2(TEXT | {"content": "x" * 4000}, TEXT),
        "COMPONENT_DISPLAYABLE_TEXT_SIZE_EXCEEDED",
    ),
    "gallery": (
        v2({"type": 12, "items": [{"media": {"url": "https://a.b/c.png"}}] * 11}),
        "BASE_TYPE_BAD_LENGTH",
    ),
    "section without accessory": (v2({"type": 9, "components": [TEXT]}), "UNION_TYPE_CHOICES"),
    "mentions": ({"content": "x", "allowed_mentions": {"parse": ["all"]}}, "BASE_TYPE_CHOICES"),
    "mentions twice": (
        {"content": "x", "allowed_mentions": {"parse": ["roles"], "roles": ["1"]}},
        "MESSAGE_ALLOWED_MENTIONS_PARSE_EXCLUSIVE",
    ),
    "reply to nothing": (
        {"content": "x", "message_reference": {"message_id": "1"}},
        "MESSAGE_REFERENCE_UNKNOWN_MESSAGE",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
async def test_a_body_that_discord_refuses(raw, channel, api, name):
    body, reason = REFUSED[name]
    heard = await raw.send(channel, body)
    assert heard.outcome == (400, 50035)
    assert reason in heard.reasons()
    assert api.ledger.messages() == []


@pytest.mark.parametrize(
    "body",
    [
        {"content": "x" * 2000},
        {"embeds": [{"description": "x" * 3000}] * 2},
        embed(title="x" * 256, fields=[FIELD] * 25, url="https://example.org/ü"),
        embed(image={"url": "https://example.org/a.png"}),
        row(
            button(),
            button(custom_id="b"),
            {"type": 2, "style": 5, "label": "l", "url": "https://a.b"},
        ),
        row(select(min_values=0, max_values=2)),
        v2(*[TEXT] * 40),
        v2({"type": 9, "components": [TEXT], "accessory": button()}, {"type": 14}),
        v2({"type": 12, "items": [{"media": {"url": "https://a.b/c.png"}}] * 10}),
        v2({"type": 17, "components": [TEXT], "accent_color": 5}),
    ],
    ids=lambda body: str(body)[:40],
)
async def test_a_body_that_discord_takes(raw, channel, api, body):
    heard = await raw.send(channel, body)
    assert heard.status == 200, heard.body
    assert len(api.ledger.messages(channel)) == 1


@pytest.mark.parametrize(
    "body", [{}, {"content": " \n"}, {"embeds": []}, {"embeds": [{"color": 5}]}, v2()]
)
async def test_an_empty_message(raw, channel, body):
    assert (await raw.send(channel, body)).outcome == (400, 50006)


async def test_what_is_trimmed_does_not_count(raw, channel, api):
    await raw.send(channel, {"content": "x" * 2000 + "   "})
    [message] = api.ledger.messages()
    assert message.content == "x" * 2000


async def test_a_body_that_is_no_json(raw, channel):
    path = f"/channels/{channel.id}/messages"
    json_type = {"Content-Type": "application/json"}
    heard = await raw.call("POST", path, data=b"{", headers=json_type)
    assert heard.outcome == (400, 50109)
    assert (await raw.call("POST", path, data=b"{}")).status == 415


async def test_unknown_routes_and_keys_are_violations(channel):
    api = channel.world.post.__self__
    api.allow_violations = True
    async with Raw(api) as raw:
        assert (await raw.call("GET", "/nonsense")).status == 404
        heard = await raw.send(channel, {"content": "x", "embds": [], "embeds": [{"titel": "x"}]})
        assert heard.outcome == (400, 50035)
    assert len(api.violations) == 3
    assert any("embeds.0.titel" in violation for violation in api.violations)
    api.allow_violations = False
    with pytest.raises(AssertionError, match="titel"):
        api.check()
    api.allow_violations = True


async def test_leaving_the_block_fails_on_a_violation():
    api = StandIn(openapi=False)
    await api.start()
    async with Raw(api) as raw:
        await raw.call("GET", "/nonsense")
    with pytest.raises(AssertionError, match="unknown route"):
        await api.__aexit__(None, None, None)


async def test_the_description_judges_both_sides(monkeypatch):
    if not os.environ.get("DISCORD_OPENAPI"):
        pytest.skip("DISCORD_OPENAPI is not set: the stand-in relies on its own rules")
    api = StandIn(limits=Limits.off())
    api.allow_violations = True
    channel = api.add_guild("Twosome").add_text_channel("crumbs")
    async with api, Raw(api) as raw:
        await raw.send(channel, {"content": "x"})
        assert api.violations == []
        await raw.send(channel, {"content": "x", "attachments": [{"description": "no id"}]})
        assert "refuses the request" in api.violations[-1]
        await raw.call("GET", f"/channels/{channel.id}/messages?limt=5")
        assert "'limt'" in api.violations[-1]
        monkeypatch.setattr(type(channel), "to_json", lambda self: {"id": self.id})
        await raw.call("GET", f"/channels/{channel.id}")
        assert "refuses the answer" in api.violations[-1]
    assert len(api.violations) == 3


# ── permissions ───────────────────────────────────────────────────────────────────────────────


async def test_what_the_bot_may_not_do(raw, guild, channel):
    hello = {"content": "hello"}
    assert (await raw.send(channel, hello)).status == 200
    channel.deny_bot("embed_links")
    assert (await raw.send(channel, embed(title="t"))).outcome == (403, 50013)
    channel.deny_bot("send_messages")
    assert (await raw.send(channel, hello)).outcome == (403, 50013)
    channel.deny_bot("view_channel")
    assert (await raw.send(channel, hello)).outcome == (403, 50001)
    assert (await raw.call("GET", f"/channels/{channel.id}")).outcome == (403, 50001)
    channel.allow_bot("view_channel", "send_messages")
    assert (await raw.send(channel, hello)).status == 200
    guild.remove_bot()
    assert (await raw.send(channel, hello)).outcome == (403, 50001)
    assert (await raw.call("GET", f"/guilds/{guild.id}")).outcome == (404, 10004)


async def test_roles_and_overwrites_combine_as_documented(api):
    guild = api.add_guild("Roles", everyone=["view_channel"], bot_permissions=["send_messages"])
    channel = guild.add_text_channel("a")

    def may(*names):
        held = channel.permissions_of(api.world.bot.id)
        return all(held & bit for bit in [1 << {"view": 10, "send": 11}[n] for n in names])

    assert may("view", "send")
    channel.deny_everyone("send_messages")  # the overwrite of @everyone beats the base of a role
    assert not may("send")
    channel.allow_bot("send_messages")  # the overwrite of a role beats that of @everyone
    assert may("send")
    channel.overwrite(api.world.bot.id, deny=["send_messages"], kind=1)  # the member's comes last
    assert not may("send")
    channel.overwrite(api.world.bot.id, deny=["view_channel"], allow=["send_messages"], kind=1)
    assert channel.permissions_of(api.world.bot.id) == 0  # who sees nothing may nothing
    guild.set_bot_permissions(["administrator"])
    assert may("view", "send")


async def test_a_deleted_channel_is_unknown(raw, channel):
    channel.delete()
    assert (await raw.send(channel, {"content": "x"})).outcome == (404, 10003)


async def test_roles_are_pinged_only_if_they_may_be(raw, guild, channel, api):
    free = guild.add_role("free", mentionable=True)
    closed = guild.add_role("closed")
    text = f"{free.mention} {closed.mention} @everyone"
    await raw.send(channel, {"content": text})
    allowed = {"parse": [], "roles": [closed.id]}
    await raw.send(channel, {"content": text, "allowed_mentions": allowed})
    guild.set_bot_permissions(["view_channel", "send_messages", "mention_everyone"])
    await raw.send(channel, {"content": text, "allowed_mentions": allowed})
    await raw.send(channel, {"content": text})
    await raw.send(channel, v2({"type": 10, "content": free.mention}))
    pinged = [(m.pinged_roles, m.mention_everyone) for m in api.ledger.messages()]
    assert pinged == [
        ([free.id], False),
        ([], False),
        ([closed.id], False),
        ([free.id, closed.id], True),
        ([free.id], False),
    ]


# ── nonces, edits, deletions ──────────────────────────────────────────────────────────────────


async def test_a_nonce_counts_for_minutes_and_for_the_author(raw, guild, channel, api):
    other = guild.add_text_channel("other")
    body = {"content": "x", "nonce": "n1", "enforce_nonce": True}
    first = await raw.send(channel, body)
    assert (await raw.send(channel, body)).body["id"] == first.body["id"]
    elsewhere = await raw.send(other, body)
    assert elsewhere.body["channel_id"] == channel.id  # unique per author, the docs say
    await raw.send(channel, body | {"enforce_nonce": False})
    assert len(api.ledger.messages()) == 2
    api.clock.advance(301)
    assert (await raw.send(channel, body)).body["id"] != first.body["id"]
    assert len(api.ledger.messages()) == 3


async def test_the_nonce_of_a_deleted_message(raw, guild, channel, api):
    body = {"content": "x", "nonce": "n1", "enforce_nonce": True}
    await raw.send(channel, body)
    mod = guild.add_member("mod", permissions=["view_channel", "manage_messages"])
    mod.delete(api.ledger.messages()[0])
    assert (await raw.send(channel, body)).outcome == (404, 10008)


async def test_edits(raw, guild, channel, api):
    sent = (await raw.send(channel, {"content": "a"})).body
    path = f"/channels/{channel.id}/messages/{sent['id']}"
    edited = await raw.call("PATCH", path, {"content": "b"})
    assert edited.body["edited_timestamp"]
    assert (await raw.call("PATCH", path, {"content": ""})).outcome == (400, 50006)
    [message] = api.ledger.messages()
    assert [edit.body["content"] for edit in message.edits] == ["b"]
    fan = guild.add_member("fan")
    said = fan.say(channel, "mine")
    theirs = f"/channels/{channel.id}/messages/{said.id}"
    assert (await raw.call("PATCH", theirs, {"content": "b"})).outcome == (403, 50005)
    assert (await raw.call("DELETE", theirs)).outcome == (403, 50013)


async def test_a_message_with_components_v2_stays_one(raw, channel):
    sent = (await raw.send(channel, v2(TEXT))).body
    path = f"/channels/{channel.id}/messages/{sent['id']}"
    heard = await raw.call("PATCH", path, {"content": "b"})
    assert "MESSAGE_CANNOT_USE_LEGACY_FIELDS_WITH_COMPONENTS_V2" in heard.reasons()
    heard = await raw.call("PATCH", path, {"components": [TEXT | {"content": "new"}]})
    assert heard.body["components"][0]["content"] == "new"
    plain = (await raw.send(channel, {"content": "a"})).body
    path = f"/channels/{channel.id}/messages/{plain['id']}"
    assert (await raw.call("PATCH", path, v2(TEXT))).outcome == (400, 50035)
    heard = await raw.call("PATCH", path, v2(TEXT) | {"content": None})
    assert heard.body["flags"] & V2


async def test_old_messages_take_few_edits(raw, channel, api):
    api.old_edits = 2
    sent = (await raw.send(channel, {"content": "a"})).body
    path = f"/channels/{channel.id}/messages/{sent['id']}"
    for _ in range(3):
        assert (await raw.call("PATCH", path, {"content": "b"})).status == 200
    api.clock.advance(3601)
    for _ in range(2):
        assert (await raw.call("PATCH", path, {"content": "b"})).status == 200
    assert (await raw.call("PATCH", path, {"content": "b"})).outcome == (429, 30046)


async def test_deletion(raw, channel, api):
    sent = (await raw.send(channel, {"content": "a"})).body
    path = f"/channels/{channel.id}/messages/{sent['id']}"
    assert (await raw.call("DELETE", path)).status == 204
    assert (await raw.call("DELETE", path)).outcome == (404, 10008)
    assert (await raw.call("GET", path)).outcome == (404, 10008)
    assert api.ledger.messages() == []
    assert len(api.ledger.messages(deleted=True)) == 1


async def test_reading_messages(raw, channel, api):
    ids = [(await raw.send(channel, {"content": str(i)})).body["id"] for i in range(5)]
    path = f"/channels/{channel.id}/messages"

    async def listed(query):
        return [message["content"] for message in (await raw.call("GET", path + query)).body]

    assert await listed("") == ["4", "3", "2", "1", "0"]
    assert await listed("?limit=2") == ["4", "3"]
    assert await listed(f"?before={ids[2]}&limit=1") == ["1"]
    assert await listed(f"?after={ids[1]}&limit=2") == ["3", "2"]
    assert await listed(f"?around={ids[2]}&limit=3") == ["3", "2", "1"]
    channel.deny_bot("read_message_history")
    assert await listed("") == []
    assert (await raw.call("GET", f"{path}/{ids[0]}")).outcome == (403, 50013)


async def test_an_upload(raw, channel, api):
    form = aiohttp.FormData()
    form.add_field("payload_json", json.dumps({"attachments": [{"id": 0, "description": "d"}]}))
    form.add_field("files[0]", b"bytes", filename="chart.png")
    path = f"/channels/{channel.id}/messages"
    heard = await raw.call("POST", path, data=form)
    assert heard.body["attachments"][0]["filename"] == "chart.png"
    [message] = api.ledger.messages()
    assert message.files == {"chart.png": b"bytes"}
    channel.deny_bot("attach_files")
    form = aiohttp.FormData()
    form.add_field("payload_json", "{}")
    form.add_field("files[0]", b"bytes", filename="chart.png")
    assert (await raw.call("POST", path, data=form)).outcome == (403, 50013)


# ── forums, threads, announcements, direct messages ───────────────────────────────────────────


async def test_a_forum_takes_posts_and_no_plain_messages(raw, guild, api):
    forum = guild.add_forum("moments", tags=["photo"], require_tag=True)
    path = f"/channels/{forum.id}/threads"
    assert (await raw.send(forum, {"content": "x"})).outcome == (403, 40058)
    post = {"name": "A moment", "message": {"content": "x"}}
    assert (await raw.call("POST", path, post)).outcome == (400, 40067)
    tags = {"applied_tags": [forum.tags[0]["id"]]}
    assert (await raw.call("POST", path, post | tags | {"name": ""})).outcome == (400, 50035)
    assert (await raw.call("POST", path, post | tags | {"message": {}})).outcome == (400, 50006)
    heard = await raw.call("POST", path, post | tags)
    assert heard.status == 201
    assert heard.body["message"]["id"] == heard.body["id"]
    [message] = api.ledger.messages()
    assert (message.channel.name, message.content) == ("A moment", "x")
    forum.deny_bot("send_messages")
    assert (await raw.call("POST", path, post | tags)).outcome == (403, 50013)


async def test_threads(raw, guild, channel, api):
    thread = channel.add_thread("talk")
    assert (await raw.send(thread, {"content": "x"})).status == 200
    thread.archive()
    [message] = api.ledger.messages()
    path = f"/channels/{thread.id}/messages/{message.id}"
    assert (await raw.call("PATCH", path, {"content": "y"})).outcome == (400, 50083)
    archived = await raw.call("GET", f"/channels/{channel.id}/threads/archived/public")
    assert [t["id"] for t in archived.body["threads"]] == [thread.id]
    assert (await raw.send(thread, {"content": "x"})).status == 200  # which opens it again
    active = await raw.call("GET", f"/guilds/{guild.id}/threads/active")
    assert [t["id"] for t in active.body["threads"]] == [thread.id]
    thread.archive(locked=True)
    assert (await raw.send(thread, {"content": "x"})).outcome == (403, 160005)
    thread.lock()
    channel.deny_bot("send_messages_in_threads")
    assert (await raw.send(thread, {"content": "x"})).outcome == (403, 50013)


async def test_starting_threads(raw, channel):
    path = f"/channels/{channel.id}/threads"
    heard = await raw.call("POST", path, {"name": "t", "type": 11})
    assert (heard.status, heard.body["parent_id"]) == (201, channel.id)
    sent = (await raw.send(channel, {"content": "a"})).body
    path = f"/channels/{channel.id}/messages/{sent['id']}/threads"
    assert (await raw.call("POST", path, {"name": "t"})).body["id"] == sent["id"]
    assert (await raw.call("POST", path, {"name": "t"})).outcome == (400, 160004)


async def test_publishing_reaches_the_followers(raw, guild, channel, api):
    news = guild.add_news_channel("news")
    news.follow(channel)
    sent = (await raw.send(news, {"content": "a"})).body
    path = f"/channels/{news.id}/messages/{sent['id']}/crosspost"
    assert (await raw.call("POST", path)).body["flags"] == 1
    assert (await raw.call("POST", path)).outcome == (400, 40033)
    [copy] = api.ledger.messages(channel, via="crosspost")
    assert copy.content == "a"
    plain = (await raw.send(channel, {"content": "a"})).body
    path = f"/channels/{channel.id}/messages/{plain['id']}/crosspost"
    assert (await raw.call("POST", path)).outcome == (400, 50024)


async def test_direct_messages(raw, guild, api):
    fan = guild.add_member("fan")
    stranger = api.add_person("stranger")
    for person, outcome in ((fan, (200, 0)), (stranger, (403, 50007))):
        dm = await raw.call("POST", "/users/@me/channels", {"recipient_id": person.id})
        assert (await raw.send(dm.body["id"], {"content": "hi"})).outcome == outcome
    assert len(api.ledger.messages(fan.dm)) == 1
    fan.close_dms()
    assert (await raw.send(fan.dm, {"content": "hi"})).outcome == (403, 50007)


# ── webhooks ──────────────────────────────────────────────────────────────────────────────────


async def test_webhooks(raw, channel, api):
    heard = await raw.call("POST", f"/channels/{channel.id}/webhooks", {"name": "w"})
    assert heard.outcome == (403, 50013)
    channel.allow_bot("manage_webhooks")
    hook = (await raw.call("POST", f"/channels/{channel.id}/webhooks", {"name": "w"})).body
    path = f"/webhooks/{hook['id']}/{hook['token']}"
    assert (await raw.call("POST", path, {"content": "a"})).status == 204
    sent = (await raw.call("POST", path + "?wait=true", {"content": "b", "username": "W"})).body
    assert sent["author"]["username"] == "W"
    one = f"{path}/messages/{sent['id']}"
    assert (await raw.call("PATCH", one, {"content": "c"})).body["content"] == "c"
    assert (await raw.call("DELETE", one)).status == 204
    assert [m.content for m in api.ledger.messages(channel, via="webhook")] == ["a"]
    assert (await raw.call("POST", path + "x", {"content": "a"})).outcome == (401, 50027)
    channel.delete()
    assert (await raw.call("POST", path, {"content": "a"})).outcome == (404, 10015)


# ── commands ──────────────────────────────────────────────────────────────────────────────────


def command(**parts):
    return {"name": "pair", "description": "Pair two", "type": 1} | parts


def option(name="first", **parts):
    return {"name": name, "description": "d", "type": 3} | parts


BAD_COMMANDS = {
    "capitals": (command(name="Pair"), "APPLICATION_COMMAND_INVALID_NAME"),
    "space": (command(name="pair two"), "APPLICATION_COMMAND_INVALID_NAME"),
    "long name": (command(name="x" * 33), "BASE_TYPE_MAX_LENGTH"),
    "long description": (command(description="x" * 101), "BASE_TYPE_MAX_LENGTH"),
    "no description": (command(description=""), "BASE_TYPE_REQUIRED"),
    "options": (
        command(options=[option(f"o{i}") for i in range(26)]),
        "BASE_TYPE_BAD_LENGTH",
    ),
    "required last": (
        command(options=[option(), option("second", required=True)]),
        "APPLICATION_COMMAND_OPTIONS_REQUIRED_INVALID",
    ),
    "same option": (
        command(options=[option(), option()]),
        "APPLICATION_COMMAND_OPTIONS_NAME_INVALID",
    ),
    "choices": (
        command(options=[option(choices=[{"name": str(i), "value": "v"} for i in range(26)])]),
        "BASE_TYPE_BAD_LENGTH",
    ),
    "8000 characters": (
        command(
            options=[
                option(
                    f"o{i}",
                    choices=[{"name": "x" * 100, "value": "y" * 100} for _ in range(20)],
                )
                for i in range(2)
            ]
        ),
        "APPLICATION_COMMAND_TOO_LARGE",
    ),
    "localised name": (
        command(name_localizations={"ko": "X Y"}),
        "APPLICATION_COMMAND_INVALID_NAME",
    ),
}


@pytest.mark.parametrize("name", BAD_COMMANDS)
async def test_a_command_that_discord_refuses(raw, api, name):
    body, reason = BAD_COMMANDS[name]
    path = f"/applications/{api.world.application_id}/commands"
    heard = await raw.call("PUT", path, [body])
    assert heard.outcome == (400, 50035)
    assert reason in heard.reasons()


async def test_commands_are_overwritten_as_a_whole(raw, guild, api):
    path = f"/applications/{api.world.application_id}/commands"
    first = (await raw.call("PUT", path, [command(), command(name="other")])).body
    second = (await raw.call("PUT", path, [command(description="new")])).body
    assert [c["id"] for c in second] == [first[0]["id"]]
    assert [c["description"] for c in (await raw.call("GET", path)).body] == ["new"]
    local = f"/applications/{api.world.application_id}/guilds/{guild.id}/commands"
    assert (await raw.call("PUT", local, [command()])).body[0]["guild_id"] == guild.id
    many = [command(name=f"c{i}") for i in range(101)]
    assert (await raw.call("PUT", path, many)).outcome == (400, 30032)
    for start in range(3):
        names = [command(name=f"c{start}-{i}") for i in range(60)]
        await raw.call("PUT", path, names)
    heard = await raw.call("PUT", path, [command(name=f"d{i}") for i in range(60)])
    assert heard.outcome == (400, 30034)  # 200 a day


async def test_random_bodies_never_break_the_stand_in(raw, channel, api):
    api.allow_violations = True
    rng = random.Random(7)
    atoms = [None, 0, -1, "", "x", [], {}, [None], [{}], {"type": 1}, True, 1e9]
    keys = ["content", "embeds", "components", "flags", "nonce", "allowed_mentions", "attachments"]
    for _ in range(150):
        body = {key: rng.choice(atoms) for key in rng.sample(keys, 3)}
        await raw.send(channel, body)
    assert not api.failures, api.failures[:3]
