"""The stand-in itself: it wires state, REST and gateway together on a loopback port."""

from __future__ import annotations

import asyncio
import base64
import os
import secrets
from typing import TYPE_CHECKING, Any, Literal, Self

from aiohttp import web

from . import permissions
from .clock import Clock
from .commands import Commands
from .composing import keep
from .faults import Faults
from .gateway import DIRECT_MESSAGES, GUILD_MESSAGES, MESSAGE_CONTENT, Gateway, Session
from .interactions import Interactions
from .ledger import Ledger
from .limits import Counters, Limits
from .openapi import load as openapi_description
from .rest import PREFIX, Rest
from .world import World

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path
    from types import TracebackType

    from .guilds import Guild
    from .messages import Message
    from .people import Person

GATEWAY_PATH = "/gateway"


class StandIn:
    """A truthful stand-in for Discord's API v10 and its gateway.

    ``openapi`` is the path of the official description, False to do without it, or None to take
    it from the environment. ``latency`` is how many real seconds each request is on its way, or
    between which two numbers that varies. Leaving the ``async with`` block fails when anything
    was violated.
    """

    def __init__(
        self,
        *,
        openapi: str | Path | Literal[False] | None = None,
        limits: Limits | None = None,
        clock: Clock | None = None,
        shards: int = 1,
        privileged_intents: Iterable[str] = (),
        latency: float | tuple[float, float] = 0.0,
    ) -> None:
        self.clock = clock or Clock()
        self.counters = Counters(limits or Limits(), self.clock)
        self.ledger = Ledger()
        self.faults = Faults()
        self.gateway = Gateway(self, privileged_intents)
        self.world = World(self.clock, self.gateway)
        self.interactions = self.world.interactions = Interactions(self.world)
        self.commands = self.world.commands = Commands(self.world)
        self.world.post, self.world.delete = self.post, self.delete
        self.developer = self.world.add_person("developer").user
        owner = base64.b64encode(self.world.bot.id.encode()).decode().rstrip("=")
        self.token = f"{owner}.stand-in.{secrets.token_hex(8)}"  # clients read the bot's id in it
        self.shards = shards
        self.latency = latency
        self.old_edits = 30
        self.violations: list[str] = []
        self.allow_violations = False
        self.failures: list[Exception] = []  # bugs of the stand-in itself
        path = os.environ.get("DISCORD_OPENAPI") if openapi is None else openapi
        self.description = openapi_description(str(path)) if path else None
        self._rest = Rest(self)
        self._port = 0
        self._runner: web.ServerRunner | None = None

    # ── lifecycle ─────────────────────────────────────────────────────────────────────────

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.stop()
        if error is None:
            self.check()

    async def start(self, port: int = 0) -> None:
        """Listen on a loopback port; 0 picks a free one."""
        server = web.Server(self._serve, access_log=None)
        self._runner = web.ServerRunner(server, handle_signals=False, shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", port, backlog=4096)
        await site.start()
        self._port = self._runner.addresses[0][1]

    async def stop(self) -> None:
        """Drop all connections and stop listening."""
        self.gateway.release()
        self.gateway.abort()
        if self._runner is not None:
            await self._runner.cleanup()

    def check(self) -> None:
        """Fail if the bot, or the stand-in, did what Discord would not."""
        if self.violations and not self.allow_violations:
            raise AssertionError("violations:\n" + "\n".join(self.violations)) from next(
                iter(self.failures), None
            )

    def violation(self, text: str) -> None:
        """Note something that must fail the test."""
        self.violations.append(text)

    async def _serve(self, request: web.BaseRequest) -> web.StreamResponse:
        if request.path.rstrip("/") == GATEWAY_PATH:
            return await self.gateway.serve(request)
        return await self._rest.serve(request)

    # ── where it is ───────────────────────────────────────────────────────────────────────

    @property
    def api_url(self) -> str:
        """The base of the REST API."""
        return f"http://127.0.0.1:{self._port}{PREFIX}"

    @property
    def gateway_url(self) -> str:
        """The address of the gateway."""
        return f"ws://127.0.0.1:{self._port}{GATEWAY_PATH}"

    @property
    def limits(self) -> Limits:
        """The rate limits in force, to be changed at any time."""
        return self.counters.limits

    @limits.setter
    def limits(self, limits: Limits) -> None:
        self.counters.limits = limits

    async def wait_ready(self, timeout: float = 10.0) -> None:
        """Wait until a client has identified or resumed and has been told READY or RESUMED."""
        await asyncio.wait_for(self.gateway.ready.wait(), timeout)

    # ── the world ─────────────────────────────────────────────────────────────────────────

    def add_guild(
        self,
        name: str,
        *,
        bot_permissions: Iterable[str] = permissions.BOT_DEFAULT,
        everyone: Iterable[str] = ("use_application_commands",),
        with_bot: bool = True,
        locale: str = "en-US",
    ) -> Guild:
        """Create a guild, with the bot as a member unless ``with_bot`` is false."""
        return self.world.add_guild(
            name,
            bot_permissions=bot_permissions,
            everyone=everyone,
            with_bot=with_bot,
            locale=locale,
        )

    def add_person(self, name: str, *, locale: str = "en-US", installed: bool = False) -> Person:
        """Create an account that is in no guild; ``installed``: it installed the app for itself."""
        return self.world.add_person(name, locale=locale, installed=installed)

    # ── messages ──────────────────────────────────────────────────────────────────────────

    def announce(self, message: Message, event: str) -> None:
        """Tell the gateway about a message, as far as each session may read it."""
        channel = message.channel
        guild = channel.guild
        bot = self.world.bot
        if guild is not None:
            if bot.id not in guild.members:
                return
            if not permissions.has(channel.permissions_of(bot.id), "view_channel"):
                return

        def told(session: Session) -> dict[str, Any]:
            data = message.to_json()
            if guild is not None:
                data["guild_id"] = guild.id
                member = guild.members.get(message.author.id)
                if member is not None:
                    data["member"] = {k: v for k, v in member.to_json().items() if k != "user"}
            readable = (
                guild is None
                or session.intents & MESSAGE_CONTENT
                or message.author is bot
                or bot in message.mentions
            )
            if not readable:
                data |= {"content": "", "embeds": [], "components": [], "attachments": []}
            return data

        intent = DIRECT_MESSAGES if guild is None else GUILD_MESSAGES
        self.gateway.dispatch(event, told, guild_id=channel.guild_id, intent=intent)

    def post(self, message: Message) -> None:
        """Let a composed message appear in its channel."""
        keep(message)
        self.ledger.add(message)
        if not message.ephemeral:
            self.announce(message, "MESSAGE_CREATE")

    def delete(self, message: Message) -> None:
        """Delete a message."""
        message.deleted_at = self.clock.now()
        channel = message.channel
        data: dict[str, Any] = {"id": message.id, "channel_id": channel.id}
        if channel.guild is not None:
            data["guild_id"] = channel.guild.id
        intent = DIRECT_MESSAGES if channel.guild is None else GUILD_MESSAGES
        self.gateway.dispatch("MESSAGE_DELETE", data, guild_id=channel.guild_id, intent=intent)
