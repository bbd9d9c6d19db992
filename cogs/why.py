"""The "Why?" button under every announcement: what the bot saw, in plain words."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Self

import discord
from discord.ext import commands

from bot.domain.errors import UserError
from bot.domain.lookup import Lookup
from bot.domain.ports import Storage
from bot.domain.types import Message
from bot.embeds import WHAT, clip, plain, web_address
from cogs.errors import answer_error

_TEMPLATE = r"why:(?P<id>[A-Za-z0-9_-]{1,25})"


class Why(commands.Cog):
    """Explains announcements; the button works after restarts, for it names its message."""

    def __init__(self, bot: commands.Bot, storage: Storage, lookup: Callable[[], Lookup]) -> None:
        self._bot = bot
        self._storage = storage
        self._lookup = lookup

    async def cog_load(self) -> None:
        """Start to listen for the button."""
        self._bot.add_dynamic_items(_button(self))

    async def explain(self, interaction: discord.Interaction, message_id: str) -> None:
        """Answer a click privately."""
        message = await self._storage.message(message_id)
        if message is None:
            raise UserError("I no longer know this announcement; it is too old to explain.")
        await interaction.response.send_message(
            embed=_explanation(message, self._lookup()), ephemeral=True
        )


def _explanation(message: Message, lookup: Lookup) -> discord.Embed:
    lines: list[str] = []
    for item in message.items:
        at = item.story.first_seen.date()
        for p in item.story.pairs:
            who = " and ".join(lookup.roster.label(i, at) for i in (p.pair.a, p.pair.b))
            lines.append(
                f"**{who}** {WHAT[p.kind]}: I am {p.confidence:.0%} sure, because it says\n"
                f"> “{plain(p.evidence, 400)}”"
            )
        lines.append("Read in:")
        for report in item.story.reports[:10]:
            outlet = plain(report.outlet, 80)
            address = web_address(report.url, 600)
            lines.append(f"• [{outlet}]({address})" if address else f"• {outlet}")
    return discord.Embed(title="Why you see this", description=clip("\n".join(lines), 4096))


def _button(cog: Why) -> type[discord.ui.DynamicItem[discord.ui.Button[discord.ui.View]]]:
    """The button's class, bound to the cog that answers it."""

    class WhyButton(discord.ui.DynamicItem[discord.ui.Button[discord.ui.View]], template=_TEMPLATE):
        def __init__(self, message_id: str) -> None:
            super().__init__(discord.ui.Button(label="Why?", custom_id=f"why:{message_id}"))
            self.message_id = message_id

        @classmethod
        async def from_custom_id(
            cls,
            interaction: discord.Interaction,
            item: discord.ui.Item[discord.ui.View],
            match: re.Match[str],
            /,
        ) -> Self:
            return cls(match["id"])

        async def callback(self, interaction: discord.Interaction) -> None:
            try:
                await cog.explain(interaction, self.message_id)
            except Exception as error:  # noqa: BLE001  discord.py would only log it
                await answer_error(interaction, error)

    return WhyButton
