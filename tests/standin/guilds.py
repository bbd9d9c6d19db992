"""Guilds with their roles and members, and what an admin does to them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from . import permissions
from .channels import (
    FORUM,
    NEWS,
    NEWS_THREAD,
    PUBLIC_THREAD,
    REQUIRE_TAG,
    TEXT,
    THREADS,
    Channel,
    ThreadState,
)
from .clock import iso
from .people import Person

if TYPE_CHECKING:
    from collections.abc import Iterable

    from .users import User
    from .world import World


@dataclass(slots=True)
class Role:
    """A named bundle of permissions; the one whose id is the guild's is @everyone."""

    id: str
    name: str
    permissions: int
    position: int = 0
    managed: bool = False
    mentionable: bool = False

    @property
    def mention(self) -> str:
        """What one writes to ping it."""
        return f"<@&{self.id}>"

    def to_json(self) -> dict[str, Any]:
        """Write the role."""
        return {
            "id": self.id,
            "name": self.name,
            "permissions": str(self.permissions),
            "position": self.position,
            "color": 0,
            "colors": {"primary_color": 0, "secondary_color": None, "tertiary_color": None},
            "hoist": False,
            "managed": self.managed,
            "mentionable": self.mentionable,
            "icon": None,
            "unicode_emoji": None,
            "flags": 0,
        }


@dataclass(slots=True)
class Member:
    """An account inside one guild."""

    user: User
    joined_at: float
    role_ids: list[str] = field(default_factory=list)
    nick: str | None = None

    def to_json(self) -> dict[str, Any]:
        """Write the member with the account."""
        return {
            "user": self.user.to_json(),
            "nick": self.nick,
            "avatar": None,
            "banner": None,
            "roles": self.role_ids,
            "joined_at": iso(self.joined_at),
            "premium_since": None,
            "communication_disabled_until": None,
            "pending": False,
            "flags": 0,
            "mute": False,
            "deaf": False,
        }


@dataclass(slots=True, eq=False)
class Guild:
    """A server; the bot is in it unless ``bot_present`` is false."""

    world: World
    id: str
    name: str
    owner_id: str
    locale: str = "en-US"
    bot_present: bool = True
    unavailable: bool = False
    roles: dict[str, Role] = field(default_factory=dict)
    members: dict[str, Member] = field(default_factory=dict)
    channels: dict[str, Channel] = field(default_factory=dict)
    threads: dict[str, Channel] = field(default_factory=dict)
    bot_role_id: str = ""

    @property
    def everyone(self) -> Role:
        """The role that all members have."""
        return self.roles[self.id]

    @property
    def bot_role(self) -> Role:
        """The role that came with the bot."""
        return self.roles[self.bot_role_id]

    # ── what an admin does ────────────────────────────────────────────────────────────────

    def add_text_channel(self, name: str, *, nsfw: bool = False) -> Channel:
        """Create an ordinary text channel."""
        return self._add_channel(TEXT, name, nsfw=nsfw)

    def add_news_channel(self, name: str) -> Channel:
        """Create an announcement channel."""
        return self._add_channel(NEWS, name)

    def add_forum(
        self, name: str, *, tags: Iterable[str] = (), require_tag: bool = False
    ) -> Channel:
        """Create a forum with tags, given by name."""
        forum_tags = [
            {
                "id": self.world.snowflakes.mint(),
                "name": tag,
                "moderated": False,
                "emoji_id": None,
                "emoji_name": None,
            }
            for tag in tags
        ]
        flags = REQUIRE_TAG if require_tag else 0
        return self._add_channel(FORUM, name, tags=forum_tags, flags=flags)

    def open_thread(
        self,
        parent: Channel,
        name: str,
        *,
        owner_id: str,
        kind: int | None = None,
        thread_id: str | None = None,
        auto_archive_duration: int = 4320,
        applied_tags: Iterable[str] = (),
    ) -> Channel:
        """Open a thread or forum post; one that starts from a message takes its id."""
        kind = kind or (NEWS_THREAD if parent.type == NEWS else PUBLIC_THREAD)
        assert kind in THREADS
        state = ThreadState(
            parent,
            owner_id,
            archive_at=self.world.clock.now(),
            auto_archive_duration=auto_archive_duration,
            applied_tags=list(applied_tags),
            bot_joined=owner_id == self.world.bot.id,
        )
        thread = Channel(
            self.world,
            thread_id or self.world.snowflakes.mint(),
            kind,
            name,
            self,
            parent_id=parent.id,
            thread=state,
        )
        self.threads[thread.id] = self.world.channels[thread.id] = thread
        if parent.type == FORUM:
            parent.last_message_id = thread.id
        thread.announce("THREAD_CREATE", newly_created=True)
        return thread

    def add_role(
        self, name: str, permission_names: Iterable[str] = (), *, mentionable: bool = False
    ) -> Role:
        """Create a role."""
        role = Role(
            self.world.snowflakes.mint(),
            name,
            permissions.bits(permission_names),
            position=len(self.roles),
            mentionable=mentionable,
        )
        self.roles[role.id] = role
        self.world.emit("GUILD_ROLE_CREATE", {"guild_id": self.id, "role": role.to_json()}, self)
        return role

    def delete_role(self, role: Role) -> None:
        """Delete a role."""
        del self.roles[role.id]
        for member in self.members.values():
            if role.id in member.role_ids:
                member.role_ids.remove(role.id)
        self.world.emit("GUILD_ROLE_DELETE", {"guild_id": self.id, "role_id": role.id}, self)

    def set_permissions(self, role: Role, permission_names: Iterable[str]) -> None:
        """Replace what a role may do."""
        role.permissions = permissions.bits(permission_names)
        self.world.emit("GUILD_ROLE_UPDATE", {"guild_id": self.id, "role": role.to_json()}, self)

    def set_bot_permissions(self, permission_names: Iterable[str]) -> None:
        """Replace what the bot's own role may do."""
        self.set_permissions(self.bot_role, permission_names)

    def add_member(
        self,
        who: str | Person,
        *,
        permissions: Iterable[str] = permissions.MEMBER_DEFAULT,
        locale: str = "en-US",
    ) -> Person:
        """Let somebody join: a new account by name, or a person who exists already."""
        person = who if isinstance(who, Person) else self.world.add_person(who, locale=locale)
        member = Member(person.user, self.world.clock.now())
        self.members[person.user.id] = member
        role = self.add_role(f"{person.user.username}'s role", permissions)
        member.role_ids.append(role.id)
        data = member.to_json() | {"guild_id": self.id}
        self.world.emit("GUILD_MEMBER_ADD", data, self)
        return person

    def remove_member(self, person: Person) -> None:
        """Let somebody leave."""
        member = self.members.pop(person.id)
        data = {"guild_id": self.id, "user": member.user.to_json()}
        self.world.emit("GUILD_MEMBER_REMOVE", data, self)

    def give(self, person: Person | User, role: Role) -> None:
        """Give somebody, or the bot, a role."""
        self.members[person.id].role_ids.append(role.id)
        self._tell_of_member(person.id)

    def take(self, person: Person | User, role: Role) -> None:
        """Take a role from somebody, or from the bot."""
        self.members[person.id].role_ids.remove(role.id)
        self._tell_of_member(person.id)

    def delete(self) -> None:
        """Delete the guild with everything in it."""
        for channel in [*self.channels.values(), *self.threads.values()]:
            channel.deleted = True
            self.world.channels.pop(channel.id, None)
        self.world.emit("GUILD_DELETE", {"id": self.id}, self)
        self.bot_present = False
        self.world.guilds.pop(self.id)

    def remove_bot(self) -> None:
        """Kick the bot."""
        self.bot_present = False
        self.members.pop(self.world.bot.id, None)
        self.world.emit("GUILD_DELETE", {"id": self.id}, self, even_absent=True)

    def invite_bot(self, permission_names: Iterable[str] = permissions.BOT_DEFAULT) -> None:
        """Add the bot (again)."""
        self.admit_bot(permission_names)
        data = self.to_gateway_json()
        del data["unavailable"]  # by its absence clients tell a new guild from one that returns
        self.world.emit("GUILD_CREATE", data, self)

    def go_unavailable(self) -> None:
        """Suffer an outage."""
        self.unavailable = True
        self.world.emit("GUILD_DELETE", {"id": self.id, "unavailable": True}, self)

    def come_back(self) -> None:
        """Recover from an outage."""
        self.unavailable = False
        self.world.emit("GUILD_CREATE", self.to_gateway_json(), self)

    def admit_bot(self, permission_names: Iterable[str]) -> None:
        """Make the bot a member with a role of its own, without telling the gateway."""
        bot = self.world.bot
        role = Role(
            self.world.snowflakes.mint(),
            bot.username,
            permissions.bits(permission_names),
            position=len(self.roles),
            managed=True,
        )
        self.roles[role.id] = role
        self.bot_role_id = role.id
        self.bot_present = True
        self.members[bot.id] = Member(bot, self.world.clock.now(), [role.id])

    # ── on the wire ───────────────────────────────────────────────────────────────────────

    def to_json(self) -> dict[str, Any]:
        """Write the guild as the REST API answers it."""
        return {
            "id": self.id,
            "name": self.name,
            "icon": None,
            "description": None,
            "home_header": None,
            "splash": None,
            "discovery_splash": None,
            "features": [],
            "banner": None,
            "owner_id": self.owner_id,
            "application_id": None,
            "region": "us-east",
            "afk_channel_id": None,
            "afk_timeout": 300,
            "system_channel_id": None,
            "system_channel_flags": 0,
            "widget_enabled": False,
            "widget_channel_id": None,
            "verification_level": 0,
            "roles": [role.to_json() for role in self.roles.values()],
            "default_message_notifications": 0,
            "mfa_level": 0,
            "explicit_content_filter": 0,
            "max_presences": None,
            "max_members": 500_000,
            "max_stage_video_channel_users": 50,
            "max_video_channel_users": 25,
            "vanity_url_code": None,
            "premium_tier": 0,
            "premium_subscription_count": 0,
            "preferred_locale": self.locale,
            "rules_channel_id": None,
            "safety_alerts_channel_id": None,
            "public_updates_channel_id": None,
            "premium_progress_bar_enabled": False,
            "nsfw": False,
            "nsfw_level": 0,
            "emojis": [],
            "stickers": [],
            "incidents_data": None,
        }

    def to_gateway_json(self) -> dict[str, Any]:
        """Write the guild as GUILD_CREATE carries it; the only member listed is the bot."""
        bot = self.members[self.world.bot.id]
        channels = [channel.to_json() for channel in self.channels.values()]
        threads = [t.to_json() for t in self.threads.values() if t.thread and not t.thread.archived]
        for channel in channels:
            del channel["guild_id"]  # the gateway leaves it out inside GUILD_CREATE
        return self.to_json() | {
            "joined_at": iso(bot.joined_at),
            "large": False,
            "unavailable": False,
            "member_count": len(self.members),
            "members": [bot.to_json()],
            "channels": channels,
            "threads": threads,
            "voice_states": [],
            "presences": [],
            "stage_instances": [],
            "guild_scheduled_events": [],
            "soundboard_sounds": [],
        }

    # ── inside ────────────────────────────────────────────────────────────────────────────

    def _tell_of_member(self, user_id: str) -> None:
        data = self.members[user_id].to_json() | {"guild_id": self.id}
        self.world.emit("GUILD_MEMBER_UPDATE", data, self)

    def _add_channel(self, kind: int, name: str, **extra: Any) -> Channel:
        channel = Channel(
            self.world,
            self.world.snowflakes.mint(),
            kind,
            name,
            self,
            position=len(self.channels),
            **extra,
        )
        self.channels[channel.id] = self.world.channels[channel.id] = channel
        channel.announce("CHANNEL_CREATE")
        return channel
