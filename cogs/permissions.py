"""Who may do what in a channel: the member who asks, and the bot itself."""

from __future__ import annotations

from collections.abc import Sequence
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
            discord.ChannelType.forum,
        ]

    async def transform(self, interaction: discord.Interaction, value: _Channel, /) -> _Channel:
        """The channel as Discord resolved it, with the member's permissions there."""
        return value


Channel = app_commands.Transform[_Channel, _Postable]

#: Without this a late retry cannot look whether its message is there already.
WANTED = ("read_message_history",)


def needed(kind: discord.ChannelType) -> tuple[str, ...]:
    """The permissions without which nothing can be announced in a channel of that kind."""
    send: tuple[str, ...] = ("send_messages",)
    if kind is discord.ChannelType.forum:  # a story is a post, what is added to it an answer there
        send = ("send_messages", "send_messages_in_threads")
    elif kind.name.endswith("thread"):
        send = ("send_messages_in_threads",)
    return ("view_channel", *send, "embed_links")


def lacking(channel: discord.abc.GuildChannel | discord.Thread) -> list[str]:
    """What the bot lacks to announce in a channel, as far as the gateway has told."""
    held = channel.permissions_for(channel.guild.me)
    if isinstance(channel, discord.Thread) and channel.locked and not held.manage_threads:
        return ["**Manage Threads** (the thread is locked)"]
    return _missing(held, needed(channel.type))


@dataclass(frozen=True, slots=True)
class Target:
    """The channel that a command is about, with what the member and the bot may do there."""

    id: int
    member: discord.Permissions
    bot: discord.Permissions
    kind: discord.ChannelType

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
            kind=here.type if here else discord.ChannelType.text,
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
        kind=found.type,
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
        kind=found.type,
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
    if missing := _missing(where.bot, needed(where.kind)):
        raise UserError(
            f"I cannot post in {where.mention} yet: I am missing {' and '.join(missing)}. "
            "Give me that there, then try again."
        )
    return _missing(where.bot, WANTED)


def require_moderator(interaction: discord.Interaction) -> None:
    """Refuse members who look after neither the channels nor the server.

    Raises:
        UserError: says what is needed.
    """
    member = interaction.user
    held = member.guild_permissions if isinstance(member, discord.Member) else None
    if held is None or not (held.manage_channels or held.manage_guild):
        raise UserError(
            "This is for moderators: it needs **Manage Channels** or **Manage Server**. "
            "/pairs is for everybody."
        )


def _missing(granted: discord.Permissions, names: Sequence[str]) -> list[str]:
    return [f"**{_words(n)}**" for n in names if not getattr(granted, n)]


def _words(permission: str) -> str:
    """A permission as Discord's own settings call it."""
    return permission.replace("_", " ").title().replace(" In ", " in ")
