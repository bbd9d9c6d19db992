"""Messages as Discord stores them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from .clock import iso

if TYPE_CHECKING:
    from .channels import Channel
    from .users import User

CROSSPOSTED = 1 << 0
IS_CROSSPOST = 1 << 1
SUPPRESS_EMBEDS = 1 << 2
EPHEMERAL = 1 << 6
LOADING = 1 << 7
COMPONENTS_V2 = 1 << 15


@dataclass(slots=True)
class Edit:
    """One change that was made to a message after it was sent."""

    at: float
    body: dict[str, Any]


@dataclass(slots=True, eq=False)
class Message:
    """A message; ``via`` tells how it came: sent, interaction, webhook, crosspost or person."""

    id: str
    channel: Channel
    author: User
    created_at: float
    via: str
    content: str = ""
    embeds: list[dict[str, Any]] = field(default_factory=list)
    components: list[dict[str, Any]] = field(default_factory=list)
    attachments: list[dict[str, Any]] = field(default_factory=list)
    flags: int = 0
    type: int = 0
    tts: bool = False
    nonce: str | int | None = None
    mentions: list[User] = field(default_factory=list)
    mention_roles: list[str] = field(default_factory=list)
    mention_everyone: bool = False
    pinged_roles: list[str] = field(default_factory=list)  # when it was sent; edits ping nobody
    reference: dict[str, Any] | None = None
    interaction_metadata: dict[str, Any] | None = None
    webhook_id: str | None = None
    application_id: str | None = None
    poll: dict[str, Any] | None = None
    edited_at: float | None = None
    deleted_at: float | None = None
    crossposted_at: float | None = None
    edits: list[Edit] = field(default_factory=list)
    files: dict[str, bytes] = field(default_factory=dict)

    @property
    def channel_id(self) -> str:
        """The channel the message stands in."""
        return self.channel.id

    @property
    def deleted(self) -> bool:
        """Whether the message is gone."""
        return self.deleted_at is not None

    @property
    def ephemeral(self) -> bool:
        """Whether only the person who acted sees it."""
        return bool(self.flags & EPHEMERAL)

    @property
    def has_v2(self) -> bool:
        """Whether it consists of components V2."""
        return bool(self.flags & COMPONENTS_V2)

    @property
    def loading(self) -> bool:
        """Whether it still says that the application is thinking."""
        return bool(self.flags & LOADING)

    def to_json(self) -> dict[str, Any]:
        """Write the message as the REST API answers it."""
        data: dict[str, Any] = {
            "id": self.id,
            "channel_id": self.channel.id,
            "author": self.author.to_json(),
            "type": self.type,
            "content": self.content,
            "embeds": self.embeds,
            "components": self.components,
            "attachments": self.attachments,
            "mentions": [user.to_json() for user in self.mentions],
            "mention_roles": self.mention_roles,
            "mention_everyone": self.mention_everyone,
            "pinned": False,
            "tts": self.tts,
            "flags": self.flags,
            "timestamp": iso(self.created_at),
            "edited_timestamp": None if self.edited_at is None else iso(self.edited_at),
        }
        if self.nonce is not None:
            data["nonce"] = self.nonce
        if self.webhook_id is not None:
            data["webhook_id"] = self.webhook_id
        if self.application_id is not None:
            data["application_id"] = self.application_id
        if self.interaction_metadata is not None:
            data["interaction_metadata"] = self.interaction_metadata
        if self.reference is not None:
            data["message_reference"] = self.reference
        if self.poll is not None:
            data["poll"] = self.poll
        if self.channel.guild is not None and self.channel.is_thread:
            data["position"] = 0
        return data
