"""How the unmodified discord.py is pointed at the stand-in."""

from __future__ import annotations

import asyncio
import contextlib
import types
import warnings
from typing import TYPE_CHECKING, TypeVar

import yarl

with warnings.catch_warnings():
    # discord.py imports audioop for voice, which Python 3.11 announces to be on its way out.
    warnings.simplefilter("ignore", DeprecationWarning)
    import discord

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    import pytest

    from .server import StandIn

Client = TypeVar("Client", bound=discord.Client)


def point(standin: StandIn, monkeypatch: pytest.MonkeyPatch) -> None:
    """Send every discord.py client that is built from now on to the stand-in."""
    monkeypatch.setattr(discord.http.Route, "BASE", standin.api_url)
    gateway = yarl.URL(standin.gateway_url)
    monkeypatch.setattr(discord.gateway.DiscordWebSocket, "DEFAULT_GATEWAY", gateway)


def hurry(monkeypatch: pytest.MonkeyPatch, *, by: float = 100.0) -> None:
    """Shorten the pauses that discord.py makes between its own attempts at a request.

    Only its HTTP client is given another `sleep`; time is as ever for everybody else.
    """

    async def sleep(seconds: float) -> None:
        await asyncio.sleep(seconds / by)

    hurried = types.SimpleNamespace(**{**vars(asyncio), "sleep": sleep})
    monkeypatch.setattr(discord.http, "asyncio", hurried)


@contextlib.asynccontextmanager
async def running(
    standin: StandIn, client: Client, *, token: str | None = None
) -> AsyncIterator[Client]:
    """Run a client until the block ends; what breaks its start is raised here."""
    task = asyncio.create_task(client.start(token or standin.token))
    ready = asyncio.create_task(_ready(client))
    try:
        done, _ = await asyncio.wait({task, ready}, timeout=10, return_when="FIRST_COMPLETED")
        if task in done:
            await task
        assert ready in done, "the client did not become ready"
        yield client
    finally:
        ready.cancel()
        await client.close()
        await asyncio.gather(task, ready, return_exceptions=True)


async def _ready(client: discord.Client) -> None:
    while client._ready is discord.utils.MISSING:  # it is made when the client starts
        await asyncio.sleep(0.001)
    await client.wait_until_ready()
