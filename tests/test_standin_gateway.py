"""The gateway speaks as Discord's does."""

from __future__ import annotations

import asyncio
import json
import zlib

import aiohttp
import pytest
import zstandard

from tests.standin import Clock, Limits, StandIn
from tests.standin.discordpy import discord, point, running
from tests.standin.raw import Raw

GUILDS, MEMBERS, MESSAGES, CONTENT = 1, 1 << 1, 1 << 9, 1 << 15


@pytest.fixture
async def api():
    async with StandIn(limits=Limits.off(), clock=Clock(frozen=True)) as standin:
        yield standin


@pytest.fixture
async def raw(api):
    async with Raw(api) as client:
        yield client


class Watcher(discord.Client):
    """Writes down what it hears."""

    def __init__(self, **options):
        self.heard = []
        super().__init__(
            intents=options.pop("intents", discord.Intents(guilds=True)),
            guild_ready_timeout=0.05,
            max_messages=None,
            **options,
        )

    def dispatch(self, event, *args, **kwargs):
        self.heard.append(event)
        super().dispatch(event, *args, **kwargs)

    async def until(self, event, count=1):
        async with asyncio.timeout(10):
            while self.heard.count(event) < count:
                await asyncio.sleep(0.005)


# ── on the bare wire ──────────────────────────────────────────────────────────────────────────


async def test_identify_and_the_guilds(api, raw):
    guild = api.add_guild("Twosome")
    guild.add_text_channel("crumbs")
    socket = await raw.connect()
    await socket.send(1, None)
    await socket.expect(11)
    await socket.socket.send_bytes(b'{"op": 1, "d": null}')  # hikari sends binary frames
    await socket.expect(11)
    await socket.identify()
    ready = await socket.expect(0, "READY")
    assert ready["s"] == 1
    assert ready["d"]["guilds"] == [{"id": guild.id, "unavailable": True}]
    assert ready["d"]["resume_gateway_url"] == api.gateway_url
    created = await socket.expect(0, "GUILD_CREATE")
    assert [c["name"] for c in created["d"]["channels"]] == ["crumbs"]
    assert "guild_id" not in created["d"]["channels"][0]
    await socket.socket.close()


@pytest.mark.parametrize("kind", ["zlib-stream", "zstd-stream"])
async def test_compressed_streams(api, raw, kind):
    api.add_guild("Twosome")
    url = f"{api.gateway_url}?v=10&encoding=json&compress={kind}"
    inflate = (
        zlib.decompressobj()
        if kind == "zlib-stream"
        else zstandard.ZstdDecompressor().decompressobj()
    )
    async with raw.session.ws_connect(url) as socket:
        names = []
        await socket.send_json({"op": 2, "d": {"token": api.token, "intents": 1}})
        for _ in range(3):
            frame = await socket.receive(timeout=5)
            assert frame.type is aiohttp.WSMsgType.BINARY
            if kind == "zlib-stream":
                assert frame.data.endswith(b"\x00\x00\xff\xff")
            payload = json.loads(inflate.decompress(frame.data))
            names.append(payload["t"] or payload["op"])
        assert names == [10, "READY", "GUILD_CREATE"]


async def test_compressed_payloads(api, raw):
    guild = api.add_guild("Twosome")
    for number in range(40):
        guild.add_text_channel(f"c{number}")
    socket = await raw.connect()
    await socket.identify(compress=True)
    await socket.expect(0, "READY")
    frame = await socket.socket.receive(timeout=5)
    assert json.loads(zlib.decompress(frame.data))["t"] == "GUILD_CREATE"
    await socket.socket.close()


CLOSES = {
    "wrong token": ({"token": "wrong"}, 4004),
    "unasked privilege": ({"intents": GUILDS | CONTENT}, 4014),
    "unknown intent": ({"intents": 1 << 30}, 4013),
    "shard out of range": ({"shard": [2, 2]}, 4010),
}


@pytest.mark.parametrize("name", CLOSES)
async def test_an_identify_that_is_refused(raw, name):
    changes, code = CLOSES[name]
    socket = await raw.connect()
    await socket.identify(**changes)
    assert await socket.closing() == code


async def test_other_closes(api, raw):
    async with raw.session.ws_connect(f"{api.gateway_url}?v=8") as old:
        await old.receive(timeout=5)
        assert old.close_code == 4012
    socket = await raw.connect()
    await socket.send(3, {})
    assert await socket.closing() == 4003
    socket = await raw.connect()
    await socket.send(99, None)
    assert await socket.closing() == 4001
    socket = await raw.connect()
    await socket.socket.send_str("{")
    assert await socket.closing() == 4002
    socket = await raw.connect()
    await socket.send(2, ["no object"])
    assert await socket.closing() == 4002
    socket = await raw.connect()
    await socket.send(1, "x" * 5000)  # more than 4096 bytes
    assert await socket.closing() == 4002
    socket = await raw.connect()
    await socket.identify()
    await socket.identify()
    assert await socket.closing() == 4005
    socket = await raw.connect()
    for _ in range(121):
        await socket.send(1, None)
    assert await socket.closing() == 4008
    api.gateway.guilds_per_shard = 1
    api.add_guild("one")
    api.add_guild("two")
    socket = await raw.connect()
    await socket.identify()
    assert await socket.closing() == 4011
    socket = await raw.connect()
    await socket.identify(shard=[0, 2])
    await socket.expect(0, "READY")
    await socket.socket.close()


async def test_a_hurried_identify_gets_op_9(api, raw):
    api.gateway.space_identifies = True
    first, second, third = [await raw.connect() for _ in range(3)]
    await first.identify()
    await first.expect(0, "READY")
    await second.identify()
    assert (await second.expect(9))["d"] is False
    api.clock.advance(5)
    await third.identify()
    await third.expect(0, "READY")
    for socket in (first, second, third):
        await socket.socket.close()


async def test_resume_replays_what_was_missed(api, raw):
    guild = api.add_guild("Twosome")
    socket = await raw.connect()
    await socket.identify()
    session = (await socket.expect(0, "READY"))["d"]["session_id"]
    sequence = (await socket.expect(0, "GUILD_CREATE"))["s"]
    await socket.socket.close(code=4000)
    await asyncio.sleep(0.01)
    guild.add_text_channel("missed")
    again = await raw.connect()
    await again.send(6, {"token": api.token, "session_id": session, "seq": sequence})
    missed = await again.expect(0, "CHANNEL_CREATE")
    assert (missed["s"], missed["d"]["name"]) == (sequence + 1, "missed")
    await again.expect(0, "RESUMED")
    await again.socket.close(code=1000)  # which ends the session
    await asyncio.sleep(0.01)
    third = await raw.connect()
    await third.send(6, {"token": api.token, "session_id": session, "seq": sequence})
    assert (await third.expect(9))["d"] is False
    await third.send(6, {"token": "wrong", "session_id": session, "seq": 1})
    assert await third.closing() == 4004


async def test_events_follow_the_intents(monkeypatch):
    async with (
        StandIn(limits=Limits.off(), privileged_intents=["members", "message_content"]) as api,
        Raw(api) as raw,
    ):
        guild = api.add_guild("Twosome")
        channel = guild.add_text_channel("crumbs")
        sockets = []
        for intents in (GUILDS, GUILDS | MESSAGES, GUILDS | MESSAGES | CONTENT | MEMBERS):
            socket = await raw.connect()
            await socket.identify(intents)
            await socket.expect(0, "READY")
            await socket.expect(0, "GUILD_CREATE")
            sockets.append(socket)
        fan = guild.add_member("fan")
        fan.say(channel, "hello")
        fan.say(channel, f"hello <@{api.world.bot.id}>")
        channel.deny_bot("view_channel")
        fan.say(channel, "unseen")
        guild.add_text_channel("end")
        seen = []
        for socket in sockets:
            events = []
            while not events or events[-1] != "CHANNEL_CREATE":
                payload = await socket.receive()
                data = payload["d"]
                events.append(
                    (payload["t"], data["content"]) if "content" in data else payload["t"]
                )
            seen.append([event for event in events if event != "GUILD_ROLE_CREATE"])
            await socket.socket.close()
    mention = f"hello <@{api.world.bot.id}>"
    assert seen[0] == ["CHANNEL_UPDATE", "CHANNEL_CREATE"]
    assert seen[1] == [
        ("MESSAGE_CREATE", ""),
        ("MESSAGE_CREATE", mention),
        "CHANNEL_UPDATE",
        "CHANNEL_CREATE",
    ]
    assert seen[2][:2] == ["GUILD_MEMBER_ADD", ("MESSAGE_CREATE", "hello")]


# ── with discord.py ───────────────────────────────────────────────────────────────────────────


@pytest.fixture
async def live(monkeypatch):
    async with StandIn(limits=Limits.off()) as api:
        point(api, monkeypatch)
        yield api


async def test_discord_py_follows_the_guild(live):
    guild = live.add_guild("Twosome")
    channel = guild.add_text_channel("crumbs")
    async with running(live, Watcher()) as bot:
        seen = bot.get_guild(int(guild.id))
        assert seen.get_channel(int(channel.id)).permissions_for(seen.me).send_messages
        channel.deny_bot("send_messages")
        await bot.until("guild_channel_update")
        assert not seen.get_channel(int(channel.id)).permissions_for(seen.me).send_messages
        role = guild.add_role("fans", mentionable=True)
        await bot.until("guild_role_create")
        guild.delete_role(role)
        await bot.until("guild_role_delete")
        thread = channel.add_thread("talk")
        await bot.until("thread_create")
        thread.archive()
        await bot.until("thread_update")
        channel.delete()
        await bot.until("guild_channel_delete")
        guild.go_unavailable()
        await bot.until("guild_unavailable")
        guild.come_back()
        await bot.until("guild_available", 2)
        guild.remove_bot()
        await bot.until("guild_remove")
        assert not bot.guilds
        guild.invite_bot()
        await bot.until("guild_join")


async def test_discord_py_asks_for_members(live):
    guild = live.add_guild("Twosome")
    guild.add_member("fan")
    async with running(live, Watcher()) as bot:
        found = await bot.get_guild(int(guild.id)).query_members("fa")
        assert [member.name for member in found] == ["fan"]


@pytest.mark.parametrize("fault", ["reconnect", "abort", "close", "invalid but resumable"])
async def test_discord_py_resumes(live, fault):
    guild = live.add_guild("Twosome")
    async with running(live, Watcher()) as bot:
        match fault:
            case "reconnect":
                live.gateway.reconnect()
            case "abort":
                live.gateway.abort()
            case "close":
                live.gateway.close(4000)
            case _:
                live.gateway.invalidate(resumable=True)
        await bot.until("disconnect")
        guild.add_text_channel("missed")
        await bot.until("resumed")
        await bot.until("guild_channel_create")
    assert len(live.gateway.identifies) == 1


async def test_discord_py_identifies_anew(live, monkeypatch):
    live.add_guild("Twosome")
    monkeypatch.setattr(discord.client.asyncio, "sleep", _hurry(asyncio.sleep))
    async with running(live, Watcher()) as bot:
        live.gateway.invalidate()
        await bot.until("ready", 2)
    assert len(live.gateway.identifies) == 2


def _hurry(sleep):
    async def hurried(seconds, *args):
        await sleep(min(seconds, 0.01), *args)

    return hurried


async def test_discord_py_gives_up(live):
    with pytest.raises(discord.LoginFailure):
        async with running(live, Watcher(), token="wrong"):
            pass
    intents = discord.Intents(guilds=True, message_content=True)
    with pytest.raises(discord.PrivilegedIntentsRequired):
        async with running(live, Watcher(intents=intents)):
            pass


async def test_discord_py_dies_of_a_malformed_dispatch(live):
    guild = live.add_guild("Twosome")
    bot = Watcher()
    task = asyncio.create_task(bot.start(live.token))
    await live.wait_ready()
    await bot.until("ready")
    live.gateway.dispatch_raw("CHANNEL_CREATE", {"id": "1", "type": 0, "guild_id": guild.id})
    with pytest.raises(KeyError):
        await asyncio.wait_for(task, 5)
    await bot.close()


async def test_a_gateway_that_stops_answering(live):
    live.add_guild("Twosome")
    async with running(live, Watcher(heartbeat_timeout=0.3)) as bot:
        live.gateway.hold()
        await bot.until("disconnect")
        live.gateway.release()
        await bot.until("resumed")


async def test_shards_share_the_guilds(live, monkeypatch):
    live.shards = 2
    guilds = [live.add_guild(f"g{i}") for i in range(4)]
    monkeypatch.setattr(discord.shard.asyncio, "sleep", _hurry(asyncio.sleep))

    class Sharded(discord.AutoShardedClient):
        pass

    client = Sharded(intents=discord.Intents(guilds=True), guild_ready_timeout=0.05)
    async with running(live, client) as bot:
        assert len(bot.guilds) == 4
        assert sorted(g.shard_id for g in bot.guilds) == [0, 0, 1, 1]
        assert {g.id: g.shard_id for g in bot.guilds} == {
            int(g.id): (int(g.id) >> 22) % 2 for g in guilds
        }
    assert sorted(s.shard for s in live.gateway.sessions.values()) in ([], [(0, 2), (1, 2)])


async def test_compression_is_what_discord_py_asks_for(live):
    live.add_guild("Twosome")
    async with running(live, Watcher()):
        [connection] = live.gateway.connections
        assert connection.compression == "zstd-stream"
        assert connection.frame_types == {aiohttp.WSMsgType.TEXT}


async def test_zlib_with_discord_py(live, monkeypatch):
    class Inflate:
        """What discord.py does where zstandard is not installed."""

        COMPRESSION_TYPE = "zlib-stream"

        def __init__(self):
            self._stream = zlib.decompressobj()

        def decompress(self, data):
            return self._stream.decompress(data).decode()

    monkeypatch.setattr(discord.utils, "_ActiveDecompressionContext", Inflate)
    guild = live.add_guild("Twosome")
    async with running(live, Watcher()) as bot:
        [connection] = live.gateway.connections
        assert connection.compression == "zlib-stream"
        assert bot.get_guild(int(guild.id)).name == "Twosome"
