"""Who may do what in a channel: the member who asks, and the bot itself."""

from __future__ import annotations

from dataclasses import dataclass

import discord
from discord import app_commands

from bot.domain.errors import UserError

_Channel = app_commands.AppCommandChannel | app_commands.AppCommandThread


class _Postable(app_commands.Transformer):
    """A channel option that offers the channels Crumbs can post in."""

    @property
    def type(self) -> discord.AppCommandOptionType:
        return discord.AppCommandOptionType.channel

    @property
    def channel_types(self) -> list[discord.ChannelType]:
        return [
            discord.ChannelType.text,
            discord.ChannelType.news,
            discord.ChannelType.public_thread,
            discord.ChannelType.private_thread,
            discord.ChannelType.news_thread,
        ]

    async def transform(self, interaction: discord.Interaction, value: _Channel, /) -> _Channel:
        """The channel as Discord resolved it, with the member's permissions there."""
        return value


Channel = app_commands.Transform[_Channel, _Postable]

#: Without these nothing can be announced in a channel.
NEEDED = ("view_channel", "send_messages", "embed_links")
#: Without this a late retry cannot look whether its message is there already.
WANTED = ("read_message_history",)


@dataclass(frozen=True, slots=True)
class Target:
    """The channel that a command is about, with what the member and the bot may do there."""

    id: int
    member: discord.Permissions
    bot: discord.Permissions
    thread: bool

    @property
    def mention(self) -> str:
        """The channel as Discord shows it, clickable."""
        return f"<#{self.id}>"


def target(interaction: discord.Interaction, channel: Channel | None) -> Target:
    """The channel that was named, or the one the command was typed in.

    Raises:
        UserError: the bot cannot see that channel.
    """
    here = interaction.channel
    if channel is None or channel.id == interaction.channel_id:
        return Target(
            id=interaction.channel_id or 0,
            member=interaction.permissions,
            bot=interaction.app_permissions,
            thread=isinstance(here, discord.Thread),
        )
    found = channel.resolve()
    if found is None or interaction.guild is None or isinstance(found, discord.CategoryChannel):
        raise UserError(
            f"I cannot see <#{channel.id}>. Give me **View Channel** there, then try again."
        )
    return Target(
        id=channel.id,
        member=channel.permissions,
        bot=found.permissions_for(interaction.guild.me),
        thread=isinstance(found, discord.Thread),
    )


def current(interaction: discord.Interaction, channel_id: int) -> Target:
    """The same for a later click on a message about that channel.

    Raises:
        UserError: the channel is gone.
    """
    guild = interaction.guild
    found = guild.get_channel_or_thread(channel_id) if guild else None
    if guild is None or found is None or not isinstance(interaction.user, discord.Member):
        raise UserError("That channel is gone. Use /pair again where you want the news.")
    return Target(
        id=channel_id,
        member=found.permissions_for(interaction.user),
        bot=found.permissions_for(guild.me),
        thread=isinstance(found, discord.Thread),
    )


def require_manager(where: Target) -> None:
    """Refuse members who may not manage the channel.

    Raises:
        UserError: says what is needed.
    """
    if not where.member.manage_channels:
        raise UserError(
            f"Only members with **Manage Channels** in {where.mention} can change what is posted "
            "there. Ask a moderator, or name a channel that you manage."
        )


def require_postable(where: Target) -> list[str]:
    """Make sure that the bot can announce in a channel; what it would like on top, by name.

    Raises:
        UserError: names every missing permission.
    """
    needed = [n for n in NEEDED if n != "send_messages" or not where.thread]
    if where.thread:
        needed.append("send_messages_in_threads")
    if missing := _missing(where.bot, needed):
        raise UserError(
            f"I cannot post in {where.mention} yet: I am missing {' and '.join(missing)}. "
            "Give me that there, then try again."
        )
    return _missing(where.bot, list(WANTED))


def _missing(granted: discord.Permissions, names: list[str]) -> list[str]:
    return [f"**{n.replace('_', ' ').title()}**" for n in names if not getattr(granted, n)]
