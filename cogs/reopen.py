"""Channels that were closed to the bot open as soon as Discord tells of a permission given back."""

from __future__ import annotations

from collections.abc import Callable

import discord
import structlog
from discord.ext import commands

from bot.domain.errors import StorageUnavailable
from bot.domain.ports import Storage
from cogs.permissions import lacking

log = structlog.get_logger()


class Reopen(commands.Cog):
    """Listens to everything that the guilds intent tells of permissions.

    Whatever is missed, a thread that is archived say, is left to the probe that delivery makes
    every hour.
    """

    def __init__(self, storage: Storage, wake: Callable[[], None]) -> None:
        self._storage = storage
        self._wake = wake

    async def look(self, guild: discord.Guild) -> None:
        """Open the channels of a server that are closed though the bot may post there again."""
        try:
            closed = await self._storage.closed_channels(guild.id)
            opened = [
                channel.id
                for channel in map(guild.get_channel_or_thread, closed)
                if channel is not None and not lacking(channel)
            ]
            for channel_id in opened:
                await self._storage.open_channel(channel_id)
        except StorageUnavailable as error:
            log.warning("closed channels not looked at; the probe will", error=str(error))
            return
        if opened:
            log.info("channels are open again", guild=guild.id, channels=opened)
            self._wake()

    @commands.Cog.listener()
    async def on_guild_channel_create(self, channel: discord.abc.GuildChannel) -> None:
        """A channel came into sight."""
        await self.look(channel.guild)

    @commands.Cog.listener()
    async def on_guild_channel_update(
        self, _: discord.abc.GuildChannel, channel: discord.abc.GuildChannel
    ) -> None:
        """A channel's overwrites may have changed."""
        await self.look(channel.guild)

    @commands.Cog.listener()
    async def on_thread_update(self, _: discord.Thread, thread: discord.Thread) -> None:
        """A thread may have been unlocked."""
        await self.look(thread.guild)

    @commands.Cog.listener()
    async def on_thread_join(self, thread: discord.Thread) -> None:
        """A thread came into sight: discord.py's word for one that is no longer archived too."""
        await self.look(thread.guild)

    @commands.Cog.listener()
    async def on_guild_role_update(self, _: discord.Role, role: discord.Role) -> None:
        """A role may allow more."""
        await self.look(role.guild)

    @commands.Cog.listener()
    async def on_member_update(self, _: discord.Member, member: discord.Member) -> None:
        """Roles were given or taken. Without the members intent only the bot's own are told."""
        if member == member.guild.me:
            await self.look(member.guild)

    @commands.Cog.listener()
    async def on_guild_join(self, guild: discord.Guild) -> None:
        """The bot was added, perhaps again."""
        await self.look(guild)

    @commands.Cog.listener()
    async def on_guild_available(self, guild: discord.Guild) -> None:
        """A server is there after the start or an outage; what changed meanwhile counts too."""
        await self.look(guild)
