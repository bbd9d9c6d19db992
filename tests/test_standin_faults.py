"""What goes wrong on request."""

from __future__ import annotations

import random

import aiohttp
import pytest

from tests.standin import Limits, StandIn, faults
from tests.standin.discordpy import discord, point
from tests.standin.raw import Raw

SEND = "/channels/{id}/messages"
HELLO = {"content": "hello"}


@pytest.fixture
async def api():
    async with StandIn(limits=Limits.off()) as standin:
        yield standin


@pytest.fixture
async def raw(api):
    async with Raw(api) as client:
        yield client


@pytest.fixture
def channel(api):
    return api.add_guild("Twosome").add_text_channel("crumbs")


@pytest.mark.parametrize("status", [500, 502, 503])
async def test_server_errors_accept_nothing(api, raw, channel, status):
    api.faults.on("POST", SEND, do=faults.Status(status), times=1)
    assert (await raw.send(channel, HELLO)).status == status
    assert api.ledger.messages() == []
    assert (await raw.send(channel, HELLO)).status == 200
    assert [r.fault for r in api.ledger.calls("POST", "/channels/{channel_id}/messages")] == [
        "Status",
        "",
    ]


@pytest.mark.parametrize("scope", ["user", "global", "shared"])
async def test_429_out_of_the_blue(api, raw, channel, scope):
    api.faults.on("POST", SEND, do=faults.TooMany(1.5, scope), times=1)
    heard = await raw.send(channel, HELLO)
    assert heard.status == 429
    assert heard.body["retry_after"] == 1.5
    assert heard.body["global"] is (scope == "global")
    assert heard.headers["X-RateLimit-Scope"] == scope
    assert api.counters.invalid_count() == (scope != "shared")
    assert api.ledger.too_many(scope) == 1


async def test_a_ban_is_no_answer_of_discord(api, raw, channel):
    api.faults.on("*", "*", do=faults.Ban(), times=1)
    heard = await raw.send(channel, HELLO)
    assert (heard.status, "Via" in heard.headers) == (429, False)


async def test_a_wave_of_refusals(api, raw, channel):
    api.faults.on("POST", SEND, do=faults.Refuse(50001), every=2)
    outcomes = [(await raw.send(channel, HELLO)).outcome for _ in range(4)]
    assert outcomes == [(200, 0), (403, 50001)] * 2


async def test_a_reset_before_acceptance(api, raw, channel):
    api.faults.on("POST", SEND, do=faults.ResetBefore(), times=1)
    with pytest.raises(aiohttp.ClientOSError):
        await raw.send(channel, HELLO)
    assert api.ledger.messages() == []
    assert api.ledger.statuses() == {0: 1}


async def test_a_reset_after_acceptance(api, raw, channel):
    api.faults.on("POST", SEND, do=faults.ResetAfter(), times=1)
    with pytest.raises(aiohttp.ClientOSError):
        await raw.send(channel, HELLO)
    assert len(api.ledger.messages(channel)) == 1


async def test_a_truncated_answer(api, raw, channel):
    api.faults.on("POST", SEND, do=faults.Truncate(), times=1)
    with pytest.raises(aiohttp.ClientPayloadError):
        await raw.send(channel, HELLO)
    assert len(api.ledger.messages(channel)) == 1


async def test_a_slow_answer(api, raw, channel):
    api.faults.on("POST", SEND, do=faults.Slow(5), times=1)
    with pytest.raises(TimeoutError):
        await raw.call(
            "POST",
            f"/channels/{channel.id}/messages",
            HELLO,
            timeout=aiohttp.ClientTimeout(total=0.2),
        )
    assert len(api.ledger.messages(channel)) == 1


async def test_who_is_struck(api, raw, channel):
    other = channel.guild.add_text_channel("other")
    rule = api.faults.on(
        "POST", SEND, do=faults.Status(503), when=lambda r: r.body["content"] == "unlucky"
    )
    assert (await raw.send(channel, {"content": "unlucky"})).status == 503
    assert (await raw.send(channel, HELLO)).status == 200
    assert rule.hits == 1
    api.faults.clear()
    path = f"/channels/{other.id}/messages"
    api.faults.on("POST", SEND, do=faults.Status(503), when=lambda r: r.path == path)
    assert [(await raw.send(c, HELLO)).status for c in (channel, other)] == [200, 503]
    api.faults.clear()
    rng = random.Random(1)
    rule = api.faults.on("POST", SEND, do=faults.Status(503), probability=0.3, rng=rng)
    for _ in range(100):
        await raw.send(channel, HELLO)
    assert 15 < rule.hits < 45


async def test_a_lost_answer_and_a_nonce_of_ones_own(api, channel, monkeypatch):
    """The case for which nonces are there: on Linux discord.py passes the reset on."""
    point(api, monkeypatch)
    api.faults.on("POST", SEND, do=faults.ResetAfter(), times=2)
    async with discord.Client(intents=discord.Intents.none()) as client:
        await client.login(api.token)
        target = client.get_partial_messageable(int(channel.id))
        for _ in range(2):
            with pytest.raises(aiohttp.ClientOSError):
                await target.send("moment", nonce="m-1")
        await target.send("moment", nonce="m-1")
        for _ in range(2):  # without one, discord.py takes a new one each time
            await target.send("again")
    contents = [message.content for message in api.ledger.messages(channel)]
    assert contents == ["moment", "again", "again"]
