"""Channels of every kind, their overwrites, and what an admin does to them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from . import permissions
from .clock import iso

if TYPE_CHECKING:
    from collections.abc import Iterable

    from .guilds import Guild
    from .messages import Message
    from .users import User
    from .world import World

TEXT, DM, GROUP_DM, CATEGORY, NEWS, FORUM = 0, 1, 3, 4, 5, 15
NEWS_THREAD, PUBLIC_THREAD, PRIVATE_THREAD = 10, 11, 12
THREADS = frozenset({NEWS_THREAD, PUBLIC_THREAD, PRIVATE_THREAD})
REQUIRE_TAG = 1 << 4


@dataclass(slots=True)
class Overwrite:
    """What a channel allows and denies one role (type 0) or one member (type 1)."""

    id: str
    type: int
    allow: int = 0
    deny: int = 0

    def to_json(self) -> dict[str, Any]:
        """Write the overwrite."""
        return {
            "id": self.id,
            "type": self.type,
            "allow": str(self.allow),
            "deny": str(self.deny),
        }


@dataclass(slots=True)
class ThreadState:
    """What a thread has and other channels have not."""

    parent: Channel
    owner_id: str
    archived: bool = False
    locked: bool = False
    archive_at: float = 0.0
    auto_archive_duration: int = 4320
    applied_tags: list[str] = field(default_factory=list)
    bot_joined: bool = False


@dataclass(slots=True, eq=False)
class Channel:
    """One channel, thread or direct conversation."""

    world: World
    id: str
    type: int
    name: str
    guild: Guild | None = None
    recipients: list[User] = field(default_factory=list)
    position: int = 0
    topic: str | None = None
    flags: int = 0
    nsfw: bool = False
    parent_id: str | None = None
    tags: list[dict[str, Any]] = field(default_factory=list)
    overwrites: dict[str, Overwrite] = field(default_factory=dict)
    thread: ThreadState | None = None
    messages: dict[str, Message] = field(default_factory=dict)
    last_message_id: str | None = None
    deleted: bool = False
    followers: list[Channel] = field(default_factory=list)

    @property
    def is_thread(self) -> bool:
        """Whether it hangs on another channel."""
        return self.thread is not None

    @property
    def guild_id(self) -> str | None:
        """The guild it is in, if any."""
        return self.guild.id if self.guild else None

    @property
    def overwrites_source(self) -> Channel:
        """The channel whose overwrites count here."""
        return self.thread.parent if self.thread else self

    @property
    def mention(self) -> str:
        """What a person writes to point at it."""
        return f"<#{self.id}>"

    def permissions_of(self, user_id: str) -> int:
        """Return what an account may do here."""
        return permissions.in_channel(self, user_id)

    # ── what an admin does ────────────────────────────────────────────────────────────────

    def overwrite(
        self, target_id: str, *, allow: Iterable[str] = (), deny: Iterable[str] = (), kind: int = 0
    ) -> None:
        """Change the overwrite of a role (kind 0) or member (kind 1); named bits only."""
        entry = self.overwrites.setdefault(target_id, Overwrite(target_id, kind))
        allowed, denied = permissions.bits(allow), permissions.bits(deny)
        entry.allow = (entry.allow | allowed) & ~denied
        entry.deny = (entry.deny | denied) & ~allowed
        self.announce("CHANNEL_UPDATE")

    def allow_bot(self, *names: str) -> None:
        """Allow the bot's own role something here."""
        self.overwrite(self._in_guild.bot_role.id, allow=names)

    def deny_bot(self, *names: str) -> None:
        """Deny the bot's own role something here."""
        self.overwrite(self._in_guild.bot_role.id, deny=names)

    def allow_everyone(self, *names: str) -> None:
        """Allow everybody something here."""
        self.overwrite(self._in_guild.id, allow=names)

    def deny_everyone(self, *names: str) -> None:
        """Deny everybody something here."""
        self.overwrite(self._in_guild.id, deny=names)

    def rename(self, name: str) -> None:
        """Give it another name."""
        self.name = name
        self.announce("THREAD_UPDATE" if self.is_thread else "CHANNEL_UPDATE")

    def archive(self, *, locked: bool = False) -> None:
        """Archive a thread, and lock it if asked."""
        state = self._thread_state
        state.archived, state.locked = True, locked or state.locked
        state.archive_at = self.world.clock.now()
        self.announce("THREAD_UPDATE")

    def lock(self) -> None:
        """Lock a thread that stays open."""
        self._thread_state.locked = True
        self.announce("THREAD_UPDATE")

    def unarchive(self) -> None:
        """Open a thread again."""
        self._thread_state.archived = False
        self.announce("THREAD_UPDATE")

    def delete(self) -> None:
        """Delete the channel with the threads that hang on it."""
        guild = self._in_guild
        if not self.is_thread:
            for thread in [c for c in guild.threads.values() if c.parent_id == self.id]:
                thread._remove()
        self._remove()
        if self.thread:
            data = {k: self.to_json()[k] for k in ("id", "guild_id", "parent_id", "type")}
            self.world.emit("THREAD_DELETE", data, guild)
        else:
            self.world.emit("CHANNEL_DELETE", self.to_json(), guild)

    def add_thread(self, name: str, *, owner_id: str | None = None) -> Channel:
        """Let somebody open a thread here."""
        return self._in_guild.open_thread(self, name, owner_id=owner_id or self._in_guild.owner_id)

    def follow(self, target: Channel) -> None:
        """Let another channel receive what is published in this announcement channel."""
        self.followers.append(target)

    def announce(self, event: str, **extra: object) -> None:
        """Tell the gateway about a change of this channel."""
        if self.guild is not None:
            self.world.emit(event, self.to_json() | extra, self.guild)

    # ── on the wire ───────────────────────────────────────────────────────────────────────

    def to_json(self) -> dict[str, Any]:
        """Write the channel as REST and gateway give it."""
        data: dict[str, Any] = {
            "id": self.id,
            "type": self.type,
            "last_message_id": self.last_message_id,
            "flags": self.flags,
        }
        if self.guild is None:
            return data | {"recipients": [user.to_json() for user in self.recipients]}
        data |= {
            "guild_id": self.guild.id,
            "name": self.name,
            "parent_id": self.parent_id,
            "rate_limit_per_user": 0,
            "last_pin_timestamp": None,
        }
        if self.thread:
            return data | self._thread_json(self.thread)
        data |= {
            "position": self.position,
            "topic": self.topic,
            "nsfw": self.nsfw,
            "permission_overwrites": [o.to_json() for o in self.overwrites.values()],
        }
        if self.type == FORUM:
            data |= {
                "available_tags": self.tags,
                "default_reaction_emoji": None,
                "default_sort_order": None,
                "default_forum_layout": 0,
                "default_thread_rate_limit_per_user": 0,
            }
        return data

    def _thread_json(self, state: ThreadState) -> dict[str, Any]:
        count = sum(not message.deleted for message in self.messages.values())
        return {
            "owner_id": state.owner_id,
            "thread_metadata": {
                "archived": state.archived,
                "archive_timestamp": iso(state.archive_at),
                "auto_archive_duration": state.auto_archive_duration,
                "locked": state.locked,
                "create_timestamp": iso(state.archive_at),
            },
            "message_count": max(0, count - 1),
            "member_count": 1,
            "total_message_sent": max(0, len(self.messages) - 1),
            "applied_tags": state.applied_tags,
        }

    # ── inside ────────────────────────────────────────────────────────────────────────────

    @property
    def _in_guild(self) -> Guild:
        assert self.guild is not None, "a direct conversation has no permissions to set"
        return self.guild

    @property
    def _thread_state(self) -> ThreadState:
        assert self.thread is not None, f"{self.name} is not a thread"
        return self.thread

    def _remove(self) -> None:
        self.deleted = True
        self._in_guild.channels.pop(self.id, None)
        self._in_guild.threads.pop(self.id, None)
        self.world.channels.pop(self.id, None)
