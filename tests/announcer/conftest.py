"""What the announcer's tests share."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from bot.app import Core
from bot.client import Client
from tests.announcer.world import World
from tests.standin import Clock, StandIn
from tests.standin.discordpy import point


@pytest.fixture
async def world(core: Core, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[World]:
    async with StandIn(clock=Clock()) as api:
        point(api, monkeypatch)
        guild = api.add_guild("Twosome")
        channel = guild.add_text_channel("crumbs")
        client = Client()
        await client.log_in(api.token, api.api_url, [])
        yield World(api, guild, channel, client, core)
        await client.close()
