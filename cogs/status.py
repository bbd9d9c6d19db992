"""`/status`: what is wrong on this server, for its moderators."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import discord
from discord import app_commands
from discord.ext import commands

from bot.domain.lookup import Lookup
from bot.domain.ports import Clock, Storage
from bot.domain.types import DeadLetter, SourceHealth
from bot.embeds import plain
from cogs import trouble
from cogs.errors import AnsweringView
from cogs.permissions import require_moderator

#: Lines of one kind; more are counted.
_SHOWN = 8


@app_commands.guild_only()
class Status(commands.Cog):
    """Tells moderators what keeps announcements from them, and tries again."""

    def __init__(
        self,
        storage: Storage,
        lookup: Callable[[], Lookup],
        clock: Clock,
        wake: Callable[[], None],
    ) -> None:
        self._storage = storage
        self._lookup = lookup
        self._clock = clock
        self._wake = wake

    @app_commands.command(description="For moderators: what is wrong here, and how to mend it")
    async def status(self, interaction: discord.Interaction) -> None:
        """Show paused channels, announcements that were given up and sources that fail."""
        require_moderator(interaction)
        guild_id = interaction.guild_id or 0
        closed = await self._storage.closed_channels(guild_id)
        letters = await self._storage.dead_letters(guild_id, limit=trouble.MOST_LETTERS)
        sources = await self._storage.source_health()
        embed = discord.Embed(title="How Crumbs is doing here")
        embed.add_field(
            name="Channels",
            value=_lines(
                f"<#{c}> {trouble.paused(interaction.guild, c, why)}" for c, why in closed.items()
            )
            or "I am paused nowhere.",
            inline=False,
        )
        embed.add_field(name="Announcements", value=self._letters(letters), inline=False)
        embed.add_field(name="Sources", value=_sources(sources), inline=False)
        await interaction.response.send_message(
            embed=embed,
            view=_TryAgain(self) if letters else discord.utils.MISSING,
            ephemeral=True,
            allowed_mentions=discord.AllowedMentions.none(),
        )

    async def retry(self, interaction: discord.Interaction) -> str:
        """Make this server's dead letters due again; the reply."""
        require_moderator(interaction)
        count = await self._storage.retry_dead(interaction.guild_id or 0, self._clock())
        self._wake()
        if not count:
            return "Nothing is left to try again."
        these = "1 announcement is" if count == 1 else f"{count} announcements are"
        return f"{these} on the way again. /status tells whether it worked."

    def _letters(self, letters: Sequence[DeadLetter]) -> str:
        if not letters:
            return "Nothing was given up."
        roster = self._lookup().roster
        return f"{trouble.undelivered(letters)}:\n" + _lines(
            trouble.described(letter, roster) for letter in letters
        )


def _sources(sources: Sequence[SourceHealth]) -> str:
    failing = [s for s in sources if s.failures or s.disabled]
    if not failing:
        return f"All {len(sources)} that I read answer." if sources else "I read none yet."
    return (
        f"{len(failing)} of {len(sources)} cannot be read right now; whoever runs me sees why "
        "with `crumbs status`.\n" + _lines(_source(s) for s in failing)
    )


def _source(health: SourceHealth) -> str:
    last = discord.utils.format_dt(health.last_ok, "R") if health.last_ok else "never"
    return f"• {plain(health.source.name, 60)}, last read {last}"


def _lines(lines: Iterable[str]) -> str:
    """As many lines as fit a field of an embed; the rest counted."""
    every = list(lines)
    shown: list[str] = []
    for line in every[:_SHOWN]:
        if sum(len(s) + 1 for s in shown) + len(line) > 850:  # of 1,024, with room for a heading
            break
        shown.append(line)
    left = len(every) - len(shown)
    return "\n".join([*shown, f"… and {left} more"] if left else shown)


class _TryAgain(AnsweringView):
    def __init__(self, cog: Status) -> None:
        super().__init__(timeout=14 * 60)  # a reply can be edited for 15 minutes
        self._cog = cog

    @discord.ui.button(label="Try again", style=discord.ButtonStyle.primary)
    async def again(
        self, interaction: discord.Interaction, _: discord.ui.Button[_TryAgain]
    ) -> None:
        """Send what was given up once more."""
        text = await self._cog.retry(interaction)
        await interaction.response.edit_message(content=text, view=None)
        self.stop()
