"""Everything that exists: accounts, guilds, channels, webhooks. Changes are told to the gateway."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from . import permissions
from .channels import DM, Channel
from .errors import ApiError
from .gateway import INTENT_OF
from .guilds import Guild, Role
from .people import Person
from .snowflakes import Snowflakes
from .users import User

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from .clock import Clock
    from .commands import Commands
    from .gateway import Gateway
    from .interactions import Interactions
    from .messages import Message

NONCE_SECONDS = 300.0  # "the past few minutes"


@dataclass(slots=True, eq=False)
class Webhook:
    """An incoming webhook of one channel."""

    id: str
    token: str
    channel: Channel
    name: str
    creator: User

    def to_json(self) -> dict[str, Any]:
        """Write the webhook with its token."""
        return {
            "id": self.id,
            "type": 1,
            "application_id": self.creator.id if self.creator.bot else None,
            "avatar": None,
            "channel_id": self.channel.id,
            "guild_id": self.channel.guild_id,
            "name": self.name,
            "token": self.token,
            "user": self.creator.to_json(),
        }


class World:
    """The state behind REST and gateway."""

    def __init__(self, clock: Clock, gateway: Gateway) -> None:
        self.clock = clock
        self.snowflakes = Snowflakes(clock)
        self.gateway = gateway
        self.bot = User(self.snowflakes.mint(), "Crumbs", bot=True)
        self.application_id = self.bot.id
        self.users: dict[str, User] = {self.bot.id: self.bot}
        self.guilds: dict[str, Guild] = {}
        self.channels: dict[str, Channel] = {}
        self.webhooks: dict[str, Webhook] = {}
        self.interactions: Interactions  # these four are set by the stand-in's wiring
        self.commands: Commands
        self.post: Callable[[Message], None]
        self.delete: Callable[[Message], None]
        self._dms: dict[str, Channel] = {}
        self._nonces: dict[tuple[str, str], tuple[float, Message]] = {}

    # ── making things ─────────────────────────────────────────────────────────────────────

    def add_person(self, name: str, *, locale: str = "en-US", installed: bool = False) -> Person:
        """Create an account; ``installed`` means that it installed the app for itself."""
        user = User(self.snowflakes.mint(), name, locale=locale, installed_app=installed)
        self.users[user.id] = user
        return Person(self, user)

    def add_guild(
        self,
        name: str,
        *,
        bot_permissions: Iterable[str] = permissions.BOT_DEFAULT,
        everyone: Iterable[str] = ("use_application_commands",),
        with_bot: bool = True,
        locale: str = "en-US",
    ) -> Guild:
        """Create a guild; with the bot in it, the gateway hears of it."""
        owner = self.add_person(f"owner of {name}")
        guild = Guild(self, self.snowflakes.mint_old(), name, owner.user.id, locale, with_bot)
        guild.roles[guild.id] = Role(guild.id, "@everyone", permissions.bits(everyone))
        guild.add_member(owner)
        self.guilds[guild.id] = guild
        if with_bot:
            guild.invite_bot(bot_permissions)
        return guild

    def dm_with(self, user: User) -> Channel:
        """Return the direct conversation between the bot and a person."""
        if user.id not in self._dms:
            channel = Channel(self, self.snowflakes.mint(), DM, "", recipients=[user])
            self._dms[user.id] = self.channels[channel.id] = channel
        return self._dms[user.id]

    def private_channel(self, *users: User) -> Channel:
        """Return a conversation among people which the bot is not part of."""
        return Channel(self, self.snowflakes.mint(), DM, "", recipients=list(users))

    def add_webhook(self, channel: Channel, name: str, creator: User | None = None) -> Webhook:
        """Create a webhook in a channel."""
        snowflake = self.snowflakes.mint()
        webhook = Webhook(snowflake, f"hook-{snowflake}-secret", channel, name, creator or self.bot)
        self.webhooks[snowflake] = webhook
        if channel.guild:
            data = {"guild_id": channel.guild.id, "channel_id": channel.id}
            self.emit("WEBHOOKS_UPDATE", data, channel.guild)
        return webhook

    # ── looking things up as the bot may ──────────────────────────────────────────────────

    def channel(self, channel_id: str) -> Channel:
        """Return a channel that the bot can see, or refuse."""
        channel = self.channels.get(channel_id)
        if channel is None:
            raise ApiError(10003)
        if channel.guild is not None:
            if not channel.guild.bot_present:
                raise ApiError(50001)
            self.need(channel, "view_channel")
        return channel

    def guild(self, guild_id: str) -> Guild:
        """Return a guild that the bot is in, or refuse."""
        guild = self.guilds.get(guild_id)
        if guild is None or not guild.bot_present:
            raise ApiError(10004)
        return guild

    def need(self, channel: Channel, *names: str) -> None:
        """Refuse unless the bot has these permissions: no sight is 50001, else 50013."""
        held = channel.permissions_of(self.bot.id)
        if not permissions.has(held, "view_channel"):
            raise ApiError(50001)
        if not permissions.has(held, *names):
            raise ApiError(50013)

    def may_write_to(self, user: User) -> bool:
        """Tell whether the bot may send somebody direct messages."""
        shared = any(user.id in guild.members for guild in self.bot_guilds())
        return not user.closed_dms and (shared or user.installed_app)

    def bot_guilds(self) -> list[Guild]:
        """Return the guilds that the bot is in."""
        return [guild for guild in self.guilds.values() if guild.bot_present]

    # ── nonces ────────────────────────────────────────────────────────────────────────────

    def earlier(self, author_id: str, nonce: str) -> Message | None:
        """Return the message that this author sent with this nonce a moment ago."""
        known = self._nonces.get((author_id, nonce))
        if known is None or known[0] < self.clock.now():
            return None
        return known[1]

    def remember_nonce(self, message: Message) -> None:
        """Keep a nonce for some minutes."""
        key = (message.author.id, str(message.nonce))
        self._nonces[key] = (self.clock.now() + NONCE_SECONDS, message)

    # ── telling ───────────────────────────────────────────────────────────────────────────

    def emit(
        self, event: str, data: dict[str, Any], guild: Guild, *, even_absent: bool = False
    ) -> None:
        """Tell the sessions of a guild's shard, unless the bot is not there to hear it."""
        if guild.id in self.guilds and (guild.bot_present or even_absent):
            # A bot always hears of changes of its own membership.
            # https://discord.com/developers/docs/events/gateway#list-of-intents
            own = event == "GUILD_MEMBER_UPDATE" and data["user"]["id"] == self.bot.id
            intent = 0 if own else INTENT_OF[event]
            self.gateway.dispatch(event, data, guild_id=guild.id, intent=intent)
