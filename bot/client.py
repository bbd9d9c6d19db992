"""The discord.py client: the guilds intent and nothing more, one error handler, no state."""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import Sequence

import aiohttp
import discord
import structlog
import yarl
from discord import app_commands
from discord.ext import commands
from discord.gateway import DiscordWebSocket

from bot.domain.errors import ConfigError, CrumbsError
from bot.domain.ports import Storage
from bot.pacing import Pacer
from cogs.errors import answer_error

log = structlog.get_logger()

#: Seconds between two tries after the gateway's connection broke in a way discord.py does not mend.
_RESTART = (1.0, 60.0)


class _Tree(app_commands.CommandTree["Client"]):
    async def on_error(
        self, interaction: discord.Interaction[Client], error: app_commands.AppCommandError, /
    ) -> None:
        await answer_error(interaction, error)


class Client(commands.Bot):
    """Crumbs on Discord. `log_in` is enough to send; `serve` also listens to the gateway.

    Everything it asks of Discord keeps the pace of `pacer`.
    """

    def __init__(self) -> None:
        self.pacer = Pacer()
        super().__init__(
            command_prefix=commands.when_mentioned,
            help_command=None,
            tree_cls=_Tree,
            intents=discord.Intents(guilds=True),
            allowed_mentions=discord.AllowedMentions.none(),
            allowed_contexts=app_commands.AppCommandContext(guild=True),
            allowed_installs=app_commands.AppInstallationType(guild=True),
            member_cache_flags=discord.MemberCacheFlags.none(),
            chunk_guilds_at_startup=False,
            max_messages=None,
            http_trace=self.pacer.trace(),
        )

    async def log_in(self, token: str, api_url: str, cogs: Sequence[commands.Cog]) -> None:
        """Check the token, find out who we are and put the commands in place.

        Raises:
            ConfigError: Discord refuses the token.
            CrumbsError: Discord cannot be reached.
        """
        discord.http.Route.BASE = api_url
        try:
            await self.login(token)
        except discord.LoginFailure as error:
            raise ConfigError(
                "DISCORD_TOKEN: Discord refuses it; copy it anew from the Bot page of "
                "https://discord.com/developers/applications"
            ) from error
        except (discord.HTTPException, aiohttp.ClientError, OSError) as error:
            raise CrumbsError(
                f"Discord cannot be reached at {api_url} ({error}). Check the network and "
                "CRUMBS_DISCORD_API_URL, then start again."
            ) from error
        for cog in cogs:
            await self.add_cog(cog)

    async def register_commands(self, storage: Storage) -> bool:
        """Tell Discord the commands when they have changed since the last time; whether it did."""
        key = f"commands:{self.application_id}"
        described = [c.to_dict(self.tree) for c in self.tree.get_commands()]
        digest = hashlib.sha256(json.dumps(described, sort_keys=True).encode()).hexdigest()
        if await storage.get(key) == digest:
            return False
        registered = await self.tree.sync()
        await storage.put(key, digest)
        log.info("commands registered", commands=[c.name for c in registered])
        return True

    async def serve(self) -> None:
        """Stay connected to the gateway until the client is closed.

        discord.py mends ordinary disconnects itself; whatever else ends the connection (an event
        that it cannot read, say) is logged and the connection made anew, for one bad event must
        not end the bot.

        Raises:
            ConfigError: Discord refuses the token.
        """
        pause = _RESTART[0]
        loop = asyncio.get_running_loop()
        while not self.is_closed():
            started = loop.time()
            try:
                _, gateway, _ = await self.http.get_bot_gateway()
                DiscordWebSocket.DEFAULT_GATEWAY = yarl.URL(gateway)
                await self.connect()
            except discord.ConnectionClosed as error:
                if error.code == 4004:
                    raise ConfigError("DISCORD_TOKEN: Discord's gateway refuses it") from error
                raise
            except discord.PrivilegedIntentsRequired:
                raise
            except Exception:  # bulkhead: a broken gateway is started again, not the bot ended
                log.exception("gateway connection broke", again_in=pause)
                socket: DiscordWebSocket | None = self.ws  # None until the first connection
                if socket is not None and socket.open:
                    await socket.close(code=4000)
                await asyncio.sleep(pause)
                pause = _RESTART[0] if loop.time() - started > 300 else min(pause * 2, _RESTART[1])
