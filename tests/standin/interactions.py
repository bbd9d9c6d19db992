"""Interactions from the moment a person acts until their token runs out."""

from __future__ import annotations

import asyncio
import secrets
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from . import permissions
from .errors import ApiError

if TYPE_CHECKING:
    from .channels import Channel
    from .messages import Message
    from .users import User
    from .world import World

COMMAND, COMPONENT, AUTOCOMPLETE, MODAL_SUBMIT = 2, 3, 4, 5
PONG, REPLY, DEFER, DEFER_UPDATE, UPDATE, SUGGEST, MODAL = 1, 4, 5, 6, 7, 8, 9
ACK_SECONDS = 3.0
TOKEN_SECONDS = 900.0
USER_APP_FOLLOWUPS = 5
IN_GUILD, IN_BOT_DM, IN_PRIVATE = 0, 1, 2

# Which answers fit which kind of interaction.
FITTING = {
    COMMAND: {REPLY, DEFER, MODAL},
    COMPONENT: {REPLY, DEFER, DEFER_UPDATE, UPDATE, MODAL},
    AUTOCOMPLETE: {SUGGEST},
    MODAL_SUBMIT: {REPLY, DEFER, DEFER_UPDATE, UPDATE},
}


@dataclass(slots=True, eq=False)
class Interaction:
    """One act of a person, and everything the bot answered to it."""

    id: str
    token: str
    type: int
    user: User
    channel: Channel
    created_at: float
    context: int
    owners: dict[str, str]
    name: str = ""
    source: Message | None = None  # the message whose component was used
    edits_before: int = 0  # how often that message had been edited by then
    ack: int | None = None
    acked_at: float | None = None
    original: Message | None = None
    followups: list[Message] = field(default_factory=list)
    suggestions: list[dict[str, Any]] = field(default_factory=list)
    modal: dict[str, Any] | None = None
    _changed: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def user_app_only(self) -> bool:
        """Whether the bot is only here because the person brought it along."""
        return "0" not in self.owners

    def changed(self) -> None:
        """Wake those who wait for an answer."""
        self._changed.set()
        self._changed = asyncio.Event()

    async def next_change(self) -> None:
        """Wait until something happens."""
        await self._changed.wait()

    def metadata(self) -> dict[str, Any]:
        """Write what a message says about the interaction it answers."""
        data: dict[str, Any] = {
            "id": self.id,
            "type": self.type,
            "user": self.user.to_json(),
            "authorizing_integration_owners": self.owners,
        }
        if self.type == COMMAND:
            data["name"] = self.name
        elif self.source is not None and self.type == COMPONENT:
            data["interacted_message_id"] = self.source.id
        elif self.type == MODAL_SUBMIT:
            data["triggering_interaction_metadata"] = {
                "id": self.id,
                "type": COMMAND,
                "user": self.user.to_json(),
                "authorizing_integration_owners": self.owners,
            }
        return data


class Interactions:
    """Opens interactions, finds them again by id or token, and knows when they lapse."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._by_id: dict[str, Interaction] = {}
        self._by_token: dict[str, Interaction] = {}

    def open(
        self,
        kind: int,
        user: User,
        channel: Channel,
        data: dict[str, Any],
        *,
        source: Message | None = None,
        name: str = "",
    ) -> Interaction:
        """Create an interaction and tell the bot about it."""
        world = self._world
        interaction = Interaction(
            world.snowflakes.mint(),
            secrets.token_urlsafe(48),
            kind,
            user,
            channel,
            world.clock.now(),
            self.context(channel),
            self._owners(user, channel),
            name,
            source,
            len(source.edits) if source else 0,
        )
        self._by_id[interaction.id] = self._by_token[interaction.token] = interaction
        heard = world.gateway.dispatch(
            "INTERACTION_CREATE",
            self._payload(interaction, data),
            guild_id=channel.guild_id,
            intent=0,
        )
        assert heard, "no client is identified that would hear the interaction"
        return interaction

    def context(self, channel: Channel) -> int:
        """Return where a channel is: guild, conversation with the bot, or another one."""
        if channel.guild is not None:
            return IN_GUILD
        return IN_BOT_DM if self._world.channels.get(channel.id) is channel else IN_PRIVATE

    def for_callback(self, interaction_id: str, token: str) -> Interaction:
        """Return the interaction that is to be acknowledged, or refuse."""
        interaction = self._by_id.get(interaction_id)
        if interaction is None or interaction.token != token:
            raise ApiError(10062)
        if interaction.ack is not None:
            raise ApiError(40060)
        if self._world.clock.now() - interaction.created_at > ACK_SECONDS:
            raise ApiError(10062)
        return interaction

    def for_token(self, token: str) -> Interaction:
        """Return the interaction behind a webhook token, or refuse."""
        interaction = self._by_token.get(token)
        if interaction is None or interaction.ack is None:
            raise ApiError(10015)
        if self._world.clock.now() - interaction.created_at > TOKEN_SECONDS:
            raise ApiError(50027)
        return interaction

    def knows(self, token: str) -> bool:
        """Tell whether a webhook token belongs to an interaction."""
        return token in self._by_token

    def _owners(self, user: User, channel: Channel) -> dict[str, str]:
        owners = {}
        if channel.guild is not None and channel.guild.bot_present:
            owners["0"] = channel.guild.id
        elif self.context(channel) == IN_BOT_DM and not user.installed_app:
            owners["0"] = "0"
        if user.installed_app:
            owners["1"] = user.id
        return owners

    def _payload(self, interaction: Interaction, data: dict[str, Any]) -> dict[str, Any]:
        channel, user, guild = interaction.channel, interaction.user, interaction.channel.guild
        bot = self._world.bot
        payload: dict[str, Any] = {
            "id": interaction.id,
            "application_id": self._world.application_id,
            "type": interaction.type,
            "token": interaction.token,
            "version": 1,
            "data": data,
            "channel_id": channel.id,
            "channel": channel.to_json(),
            "locale": user.locale,
            "entitlements": [],
            "authorizing_integration_owners": interaction.owners,
            "context": interaction.context,
            "attachment_size_limit": 10 * 1024 * 1024,
        }
        if interaction.source is not None:
            payload["message"] = interaction.source.to_json()
        if guild is None:
            held = permissions.bits(permissions.IN_DM)
            return payload | {"user": user.to_json(), "app_permissions": str(held)}
        held = channel.permissions_of(user.id)
        payload["channel"]["permissions"] = str(held)
        if bot.id in guild.members:
            app = channel.permissions_of(bot.id)
        else:  # brought along by the person: it may what the person may, with everyone's role
            app = held & guild.everyone.permissions
        return payload | {
            "guild_id": guild.id,
            "guild": {"id": guild.id, "locale": guild.locale, "features": []},
            "guild_locale": guild.locale,
            "member": guild.members[user.id].to_json() | {"permissions": str(held)},
            "app_permissions": str(app),
        }
