"""The "Why?" button, clicked by people of the stand-in."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

import pytest

from bot.announcer import Announcer
from bot.app import Core
from bot.client import Client
from bot.domain.ports import Storage
from bot.domain.types import Pair, Sent
from cogs.why import Why
from tests.standin import StandIn
from tests.standin.discordpy import point
from tests.storage.test_contract import claim, met, record, watch

PAIR = Pair("blackpink.jisoo", "seventeen.mingyu")


def now() -> datetime:
    return datetime.now(UTC)


async def test_the_button_explains_the_announcement_even_after_a_restart(
    storage: Storage, core: Core, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with StandIn() as api:
        point(api, monkeypatch)
        guild = api.add_guild("Twosome")
        channel = guild.add_text_channel("crumbs")
        fan = guild.add_member("fan", permissions=["view_channel"])
        sender = Client()
        await sender.log_in(api.token, api.api_url, [])
        await watch(storage, int(channel.id), PAIR, guild=int(guild.id))
        evidence = "they bowed [here](https://evil.example) @everyone"
        told = met(PAIR, evidence=evidence)
        await record(storage, 1, told, now=now(), published=now(), seen_at=now())
        [message] = await claim(storage, now())
        outcome = await Announcer(sender, lambda: core.lookup.roster, now).send(message)
        assert isinstance(outcome, Sent)
        await sender.close()

        restarted = Client()  # knows nothing of the message but what its button says
        await restarted.log_in(
            api.token, api.api_url, [Why(restarted, storage, lambda: core.lookup)]
        )
        serving = asyncio.create_task(restarted.serve())
        await api.wait_ready()
        [shown] = api.ledger.messages(channel)
        answer = await fan.click(shown, label="Why?")
        assert answer.ephemeral
        text = answer.embeds[0]["description"]
        assert "Jisoo (BLACKPINK) and Mingyu (SEVENTEEN)" in text
        assert "90% sure" in text
        assert "[here](https" not in text
        assert "@everyone" not in text.replace("\\@", "")
        assert "[Outlet](https://example.com/1)" in text

        monkeypatch.setattr(storage, "message", _forgotten)
        again = await fan.click(shown, label="Why?")
        assert "too old to explain" in again.content
        await restarted.close()
        serving.cancel()
        await asyncio.gather(serving, return_exceptions=True)


async def _forgotten(_: str) -> None:
    return None
