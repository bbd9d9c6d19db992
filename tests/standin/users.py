"""Accounts: people and bots."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(slots=True)
class User:
    """One account, whatever guilds it is in."""

    id: str
    username: str
    bot: bool = False
    locale: str = "en-US"
    closed_dms: bool = False
    installed_app: bool = False

    def to_json(self) -> dict[str, Any]:
        """Write the account as any other account sees it."""
        return {
            "id": self.id,
            "username": self.username,
            "discriminator": "0001" if self.bot else "0",
            "global_name": None if self.bot else self.username,
            "avatar": None,
            "avatar_decoration_data": None,
            "collectibles": None,
            "banner": None,
            "accent_color": None,
            "bot": self.bot,
            "flags": 0,
            "public_flags": 0,
            "primary_guild": None,
        }

    def to_private_json(self) -> dict[str, Any]:
        """Write the account as it sees itself."""
        return self.to_json() | {
            "mfa_enabled": True,
            "locale": self.locale,
            "verified": True,
            "email": None,
        }
