"""The stand-in counts as Discord counts."""

from __future__ import annotations

import asyncio

import pytest

from tests.standin import Clock, Limits, Rate, StandIn
from tests.standin.discordpy import discord, point
from tests.standin.raw import Raw


@pytest.fixture
async def api():
    async with StandIn(limits=Limits.off(), clock=Clock(frozen=True)) as standin:
        yield standin


@pytest.fixture
async def raw(api):
    async with Raw(api) as client:
        yield client


def channels(api, count):
    guild = api.add_guild("Many")
    return [guild.add_text_channel(f"c{i}") for i in range(count)]


HELLO = {"content": "hello"}


async def test_the_global_limit_slides(api, raw):
    api.limits.global_limit = 50
    targets = channels(api, 120)
    for channel in targets[:25]:
        assert (await raw.send(channel, HELLO)).status == 200
    api.clock.advance(0.6)
    for channel in targets[25:50]:
        assert (await raw.send(channel, HELLO)).status == 200
    refused = await raw.send(targets[50], HELLO)
    assert refused.status == 429
    assert refused.body["global"] is True
    assert refused.body["retry_after"] == pytest.approx(0.4)
    assert refused.headers["X-RateLimit-Scope"] == "global"
    assert refused.headers["X-RateLimit-Global"] == "true"
    assert refused.headers["Via"] == "1.1 google"
    assert "X-RateLimit-Bucket" not in refused.headers
    api.clock.advance(0.401)  # the first 25 have left the window, the others have not
    outcomes = [(await raw.send(channel, HELLO)).status for channel in targets[50:80]]
    assert outcomes == [200] * 25 + [429] * 5
    assert api.ledger.too_many("global") == 6
    assert api.ledger.peak(1.0) == 50
    assert api.ledger.peak(1.0, accepted=False) == 56


async def test_the_global_limit_in_fixed_windows(api, raw):
    api.limits.global_limit, api.limits.global_window = 5, "fixed"
    targets = channels(api, 11)
    api.clock.advance(0.9 - api.clock.now() % 1)
    outcomes = [(await raw.send(channel, HELLO)).status for channel in targets[:6]]
    assert outcomes == [200] * 5 + [429]
    api.clock.advance(0.2)  # the next window, although only 0.2 s later
    assert (await raw.send(targets[6], HELLO)).status == 200


async def test_a_channel_takes_five_messages_in_five_seconds(api, raw):
    api.limits.messages = Rate(5, 5.0)
    channel, other = channels(api, 2)
    heard = [await raw.send(channel, HELLO) for _ in range(6)]
    assert [h.status for h in heard] == [200] * 5 + [429]
    assert [h.headers["X-RateLimit-Remaining"] for h in heard] == ["4", "3", "2", "1", "0", "0"]
    first, refused = heard[0], heard[-1]
    assert first.headers["X-RateLimit-Limit"] == "5"
    assert float(first.headers["X-RateLimit-Reset-After"]) == pytest.approx(5.0)
    assert float(first.headers["X-RateLimit-Reset"]) == pytest.approx(api.clock.now() + 5, abs=0.01)
    assert refused.headers["X-RateLimit-Scope"] == "user"
    assert refused.headers["Retry-After"] == "5"
    assert refused.body["global"] is False
    assert (await raw.send(other, HELLO)).status == 200
    api.clock.advance(5)
    assert (await raw.send(channel, HELLO)).status == 200


async def test_a_leaky_bucket_regains_tokens_one_by_one(api, raw):
    api.limits.messages = Rate(5, 5.0, "leaky")
    [channel] = channels(api, 1)
    for _ in range(5):
        assert (await raw.send(channel, HELLO)).status == 200
    refused = await raw.send(channel, HELLO)
    assert refused.body["retry_after"] == pytest.approx(1.0)
    assert float(refused.headers["X-RateLimit-Reset-After"]) == pytest.approx(5.0)
    api.clock.advance(1)
    outcomes = [(await raw.send(channel, HELLO)).status for _ in range(2)]
    assert outcomes == [200, 429]


async def test_edits_share_the_hash_and_not_the_count(api, raw):
    api.limits.messages = api.limits.edits = Rate(5, 5.0)
    [channel] = channels(api, 1)
    heard = [await raw.send(channel, HELLO) for _ in range(5)]
    path = f"/channels/{channel.id}/messages/{heard[0].body['id']}"
    edit = await raw.call("PATCH", path, {"content": "b"})
    assert edit.status == 200
    assert edit.headers["X-RateLimit-Bucket"] == heard[0].headers["X-RateLimit-Bucket"]


async def test_webhooks_have_limits_of_their_own(api, raw):
    api.limits.webhook, api.limits.webhook_channel = Rate(5, 2.0), Rate(30, 60.0)
    [channel] = channels(api, 1)
    hooks = [api.world.add_webhook(channel, f"w{i}") for i in range(7)]
    paths = [f"/webhooks/{hook.id}/{hook.token}" for hook in hooks]
    outcomes = [(await raw.call("POST", paths[0], HELLO)).status for _ in range(6)]
    assert outcomes == [204] * 5 + [429]
    for path in paths[1:6]:
        for _ in range(5):
            assert (await raw.call("POST", path, HELLO)).status == 204
    refused = await raw.call("POST", paths[6], HELLO)  # the channel has had its 30
    assert refused.status == 429
    assert refused.headers["X-RateLimit-Scope"] == "shared"
    assert refused.headers["X-RateLimit-Remaining"] == "4"  # no header shows that limit
    assert api.counters.invalid_count() == 1  # shared ones do not count
    api.clock.advance(60)
    assert (await raw.call("POST", paths[6], HELLO)).status == 204


async def test_ten_publications_an_hour(api, raw):
    api.limits.crossposts = Rate(10, 3600.0)
    news = api.add_guild("News").add_news_channel("news")
    for number in range(11):
        sent = (await raw.send(news, HELLO)).body
        path = f"/channels/{news.id}/messages/{sent['id']}/crosspost"
        assert (await raw.call("POST", path)).status == (200 if number < 10 else 429)


async def test_too_many_invalid_requests_lead_to_a_ban(api, raw):
    api.limits.invalid = 20
    [channel] = channels(api, 1)
    channel.deny_bot("send_messages")
    for _ in range(10):
        assert (await raw.send(channel, HELLO)).status == 403
    async with Raw(api, token="wrong") as stranger:
        for _ in range(10):
            assert (await stranger.call("GET", "/users/@me")).status == 401
    banned = await raw.call("GET", "/users/@me")
    assert banned.status == 429
    assert "Via" not in banned.headers
    assert banned.headers["Content-Type"].startswith("text/html")
    callback = await raw.call("POST", "/interactions/1/token/callback", {"type": 1})
    assert callback.status == 429  # the whole address is shut out
    api.clock.advance(601)
    assert (await raw.call("GET", "/users/@me")).status == 200


async def test_interactions_are_exempt_from_the_global_limit(api, raw):
    api.limits.global_limit = 3
    targets = channels(api, 5)
    fan = targets[0].guild.add_member("fan")
    path = f"/applications/{api.world.application_id}/commands"
    await raw.call("PUT", path, [{"name": "ping", "description": "d"}])
    socket = await raw.connect()
    await socket.identify()
    await api.wait_ready()
    acting = asyncio.create_task(fan.command(targets[0], "ping"))
    while (event := await socket.receive())["t"] != "INTERACTION_CREATE":
        pass
    api.clock.advance(1.5)
    for channel in targets:
        await raw.send(channel, HELLO)
    assert api.ledger.too_many("global") == 2
    told = event["d"]
    path = f"/interactions/{told['id']}/{told['token']}/callback"
    body = {"type": 4, "data": {"content": "pong"}}
    assert (await raw.call("POST", path, body)).status == 204
    follow_up = f"/webhooks/{told['application_id']}/{told['token']}"
    assert (await raw.call("POST", follow_up, HELLO)).status == 200
    assert (await acting).content == "pong"
    assert api.ledger.peak() == 3  # the answers are not among them
    await socket.socket.close()


async def test_discord_py_waits_as_the_headers_say(monkeypatch):
    async with StandIn(limits=Limits.off(), openapi=False) as api:
        api.limits.messages = Rate(2, 0.3)
        point(api, monkeypatch)
        [channel] = channels(api, 1)
        async with discord.Client(intents=discord.Intents.none()) as client:
            await client.login(api.token)
            target = client.get_partial_messageable(int(channel.id))
            await asyncio.gather(*[target.send(str(i)) for i in range(6)])
        assert api.ledger.too_many() == 0
        times = [message.created_at for message in api.ledger.messages(channel)]
        assert times[-1] - times[0] > 0.55


async def test_discord_py_trips_over_the_global_limit(monkeypatch):
    """It has no limiter of its own for it: the stand-in must show that."""
    async with StandIn(limits=Limits.off(), openapi=False) as api:
        api.limits.global_limit = 20
        point(api, monkeypatch)
        targets = channels(api, 60)
        async with discord.Client(intents=discord.Intents.none()) as client:
            await client.login(api.token)
            await asyncio.gather(
                *[client.get_partial_messageable(int(c.id)).send("x") for c in targets],
                return_exceptions=True,
            )
        assert api.ledger.too_many("global") > 20
        assert api.ledger.peak() <= 20
