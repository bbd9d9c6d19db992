"""`/pair`, `/unpair` and `/pairs`: which pairs a channel hears of."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

import discord
from discord import app_commands
from discord.ext import commands

from bot.domain.errors import UserError
from bot.domain.lookup import Found, Lookup, clear_leader
from bot.domain.ports import Clock, Storage
from bot.domain.types import Pair, Watch
from cogs import trouble
from cogs.errors import AnsweringView
from cogs.permissions import (
    Channel,
    Target,
    current,
    require_manager,
    require_postable,
    target,
)

#: Watches of one server.
MOST_WATCHES = 500
#: Discord's limit on choices and select options.
MOST_CHOICES = 25
#: Watches on one page of /pairs.
PAGE = 20


@dataclass(frozen=True, slots=True)
class _Choice:
    """One person that was asked for: who is taken, and who else it could be."""

    idol_id: str | None
    others: tuple[str, ...]


@app_commands.guild_only()
class Pairs(commands.Cog):
    """Follow two idols in a channel."""

    def __init__(self, storage: Storage, lookup: Callable[[], Lookup], clock: Clock) -> None:
        self._storage = storage
        self._lookup = lookup
        self._clock = clock

    # ── commands ──

    @app_commands.command(description="Post here when two idols of different groups meet")
    @app_commands.describe(
        first="An idol, in any script: jisoo, 지수, Jisoo (BLACKPINK)",
        second="An idol of another group",
        channel="Where to post; here, unless you choose another channel",
    )
    async def pair(
        self,
        interaction: discord.Interaction,
        first: str,
        second: str,
        channel: Channel | None = None,
    ) -> None:
        """Watch a pair in a channel."""
        where = target(interaction, channel)
        require_manager(where)
        chosen = (self._choose(first), self._choose(second))
        if None in (chosen[0].idol_id, chosen[1].idol_id):
            await interaction.response.send_message(
                "Several idols go by that name. Who is it?",
                view=_WhoView(self, where.id, chosen, saved=None),
                ephemeral=True,
            )
            return
        text, pair, fresh = await self._watch(interaction, where, chosen)
        await interaction.response.send_message(
            text,
            view=_WhoView(self, where.id, chosen, saved=pair if fresh else None),
            ephemeral=True,
            allowed_mentions=discord.AllowedMentions.none(),
        )

    @app_commands.command(description="Stop posting about two idols")
    @app_commands.describe(
        first="One of the two",
        second="The other",
        channel="Where to stop; here, unless you choose another channel",
    )
    async def unpair(
        self,
        interaction: discord.Interaction,
        first: str,
        second: str,
        channel: Channel | None = None,
    ) -> None:
        """Stop watching a pair in a channel."""
        where = target(interaction, channel)
        require_manager(where)
        guild_id = interaction.guild_id or 0
        watches = [w for w in await self._storage.watches(guild_id) if w.pair is not None]
        pair = self._watched_pair(first, second, watches)
        if await self._storage.remove_watch(guild_id, where.id, pair):
            text = f"{self._names(pair)} is no longer watched in {where.mention}."
        elif elsewhere := [w for w in watches if w.pair == pair]:
            channels = ", ".join(f"<#{w.channel_id}>" for w in elsewhere[:10])
            text = (
                f"{self._names(pair)} is not watched in {where.mention}, but in {channels}. "
                "Name that channel to stop it there."
            )
        else:
            text = f"{self._names(pair)} is not watched on this server. /pairs shows what is."
        await _say(interaction, text)

    @app_commands.command(description="Show which pairs this server watches, and where")
    async def pairs(self, interaction: discord.Interaction) -> None:
        """List the server's watches."""
        guild_id = interaction.guild_id or 0
        watches = await self._storage.watches(guild_id)
        closed = await self._storage.closed_channels(guild_id)
        letters = await self._storage.dead_letters(guild_id, limit=trouble.MOST_LETTERS)
        notes = {c: trouble.paused(interaction.guild, c, why) for c, why in closed.items()}
        pages = self._pages(watches, notes)
        if letters:
            pages[0].add_field(
                name=trouble.undelivered(letters),
                value=f"{trouble.described(letters[0], self._lookup().roster)}\n"
                "A moderator sees the others and can try again with /status.",
            )
        view = _Pages(pages) if len(pages) > 1 else discord.utils.MISSING
        await interaction.response.send_message(
            embed=pages[0],
            view=view,
            ephemeral=True,
            allowed_mentions=discord.AllowedMentions.none(),
        )

    @pair.autocomplete("first")
    @pair.autocomplete("second")
    async def _suggest(self, _: discord.Interaction, typed: str) -> list[app_commands.Choice[str]]:
        return self._choices([f.idol_id for f in self._lookup().find(typed, limit=MOST_CHOICES)])

    @unpair.autocomplete("first")
    @unpair.autocomplete("second")
    async def _suggest_watched(
        self, interaction: discord.Interaction, typed: str
    ) -> list[app_commands.Choice[str]]:
        watches = await self._storage.watches(interaction.guild_id or 0)
        watched = dict.fromkeys(i for w in watches if w.pair for i in (w.pair.a, w.pair.b))
        if typed:
            found = [f.idol_id for f in self._lookup().find(typed, limit=MOST_WATCHES)]
            return self._choices([i for i in found if i in watched])
        return self._choices(list(watched))

    # ── what they share ──

    def label(self, idol_id: str) -> str:
        """An idol as the replies name them: "Jisoo (BLACKPINK)"."""
        return self._lookup().roster.label(idol_id, self._clock().date())

    def _names(self, pair: Pair) -> str:
        return f"**{self.label(pair.a)}** × **{self.label(pair.b)}**"

    def _choices(self, idol_ids: Sequence[str]) -> list[app_commands.Choice[str]]:
        return [
            app_commands.Choice(name=self.label(i)[:100], value=i) for i in idol_ids[:MOST_CHOICES]
        ]

    def _choose(self, typed: str) -> _Choice:
        """Who was meant by an option: a chosen suggestion, or free text.

        Raises:
            UserError: nobody of that name is known.
        """
        lookup = self._lookup()
        if typed in lookup.roster.idols:
            others = lookup.find(lookup.roster.idols[typed].name)
            return _Choice(typed, _others(others, typed))
        found = lookup.find(typed)
        if not found:
            shown = discord.utils.escape_markdown(typed[:80])
            near = [self.label(f.idol_id) for f in lookup.nearest(typed)]
            hint = f" Did you mean {', '.join(near)}?" if near else ""
            raise UserError(
                f"I know no idol called “{shown}”.{hint} Write the stage name in any script, with "
                "the group if you like: `jisoo blackpink`."
            )
        leader = clear_leader(found)
        taken = leader.idol_id if leader else None
        return _Choice(taken, _others(found, taken))

    def _watched_pair(self, first: str, second: str, watches: Sequence[Watch]) -> Pair:
        """The pair meant by two options; among several, one that is watched."""
        one, other = self._candidates(first), self._candidates(second)
        for watch in watches:
            if watch.pair is not None and (
                (watch.pair.a in one and watch.pair.b in other)
                or (watch.pair.b in one and watch.pair.a in other)
            ):
                return watch.pair
        if one[0] == other[0]:
            raise UserError("Both names mean the same idol. Name two different ones.")
        return Pair.of(one[0], other[0])

    def _candidates(self, typed: str) -> list[str]:
        choice = self._choose(typed)
        return [i for i in (choice.idol_id, *choice.others) if i is not None]

    async def _watch(
        self, interaction: discord.Interaction, where: Target, chosen: tuple[_Choice, _Choice]
    ) -> tuple[str, Pair, bool]:
        """Save a watch; the reply, the pair, and whether it is new.

        Raises:
            UserError: the two do not make a pair, or the channel cannot take it.
        """
        first, second = (c.idol_id or "" for c in chosen)
        if first == second:
            raise UserError(
                f"Both names mean **{self.label(first)}**. Name two different idols; adding the "
                "group helps: `jisoo blackpink`."
            )
        pair = Pair.of(first, second)
        roster = self._lookup().roster
        if group := roster.common_group(pair, self._clock().date()):
            raise UserError(
                f"**{roster.idols[first].name}** and **{roster.idols[second].name}** are both in "
                f"{group.name}. I tell of idols of different groups; choose one from another group."
            )
        wanted = require_postable(where)
        guild_id = interaction.guild_id or 0
        await self._storage.open_channel(where.id)
        if len(await self._storage.watches(guild_id)) >= MOST_WATCHES:
            raise UserError(
                f"This server watches {MOST_WATCHES} pairs already, which is the most I keep. "
                "Remove one with /unpair first."
            )
        fresh = await self._storage.add_watch(
            Watch(
                guild_id=guild_id,
                channel_id=where.id,
                pair=pair,
                user_id=interaction.user.id,
                created_at=self._clock(),
            )
        )
        names = f"**{self.label(first)}** × **{self.label(second)}**"
        text = (
            f"Watching {names} in {where.mention}. When they meet, you will read it there."
            if fresh
            else f"{names} is watched in {where.mention} already."
        )
        if wanted:
            text += (
                f"\nPlease also give me {' and '.join(wanted)} there: without it I cannot check "
                "after an outage whether a message was posted, and leave it out."
            )
        return text, pair, fresh

    async def replace(
        self,
        interaction: discord.Interaction,
        channel_id: int,
        chosen: tuple[_Choice, _Choice],
        saved: Pair | None,
    ) -> tuple[str, Pair | None]:
        """Take somebody else than before: the reply, and the pair that is now saved."""
        where = current(interaction, channel_id)
        require_manager(where)
        if None in (chosen[0].idol_id, chosen[1].idol_id):
            return "And who is the other one?", saved
        text, pair, fresh = await self._watch(interaction, where, chosen)
        if saved is not None and saved != pair:
            await self._storage.remove_watch(interaction.guild_id or 0, channel_id, saved)
        return text, pair if fresh else None

    def _pages(self, watches: Sequence[Watch], notes: Mapping[int, str]) -> list[discord.Embed]:
        if not watches:
            return [
                discord.Embed(
                    title="No pairs yet",
                    description="Nobody is watched on this server. Start with "
                    "`/pair jisoo mingyu` in the channel that should hear of them.",
                )
            ]
        ordered = sorted(watches, key=lambda w: w.channel_id)
        pages = []
        for start in range(0, len(ordered), PAGE):
            lines: list[str] = []
            part = ordered[start : start + PAGE]
            for channel_id, of_channel in groupby(part, key=lambda w: w.channel_id):
                lines.append(f"<#{channel_id}>")
                if channel_id in notes:
                    lines.append(notes[channel_id])
                lines += [
                    f"• {self._names(w.pair) if w.pair else '**every pair**'}" for w in of_channel
                ]
            page = discord.Embed(title="Watched pairs", description="\n".join(lines))
            page.set_footer(text=f"{len(watches)} of at most {MOST_WATCHES}")
            pages.append(page)
        return pages


def _others(found: Sequence[Found], taken: str | None) -> tuple[str, ...]:
    return tuple(f.idol_id for f in found if f.idol_id != taken)[:MOST_CHOICES]


async def _say(interaction: discord.Interaction, text: str) -> None:
    await interaction.response.send_message(
        text, ephemeral=True, allowed_mentions=discord.AllowedMentions.none()
    )


# ── views ─────────────────────────────────────────────────────────────────────────────────────


class _WhoView(AnsweringView):
    """The "someone else" menus: one menu for each of the two that could be somebody else."""

    def __init__(
        self,
        cog: Pairs,
        channel_id: int,
        chosen: tuple[_Choice, _Choice],
        saved: Pair | None,
    ) -> None:
        super().__init__(timeout=14 * 60)  # a reply can be edited for 15 minutes
        self._cog = cog
        self._channel_id = channel_id
        self._chosen = chosen
        self._saved = saved
        for position, choice in enumerate(chosen):
            if choice.others:
                self.add_item(_WhoSelect(position, choice, cog))

    async def take(self, interaction: discord.Interaction, position: int, idol_id: str) -> None:
        """Somebody was chosen from a menu."""
        before = self._chosen[position]
        others = tuple(
            i for i in (before.idol_id, *before.others) if i is not None and i != idol_id
        )
        choice = _Choice(idol_id, others)
        chosen = (choice, self._chosen[1]) if position == 0 else (self._chosen[0], choice)
        text, saved = await self._cog.replace(interaction, self._channel_id, chosen, self._saved)
        self.stop()
        await interaction.response.edit_message(
            content=text,
            view=_WhoView(self._cog, self._channel_id, chosen, saved),
            allowed_mentions=discord.AllowedMentions.none(),
        )


class _WhoSelect(discord.ui.Select[_WhoView]):
    def __init__(self, position: int, choice: _Choice, cog: Pairs) -> None:
        who = cog.label(choice.idol_id) if choice.idol_id else None
        super().__init__(
            custom_id=f"who:{position}",
            placeholder=f"Not {who}? Someone else …"[:150] if who else "Choose one …",
            options=[
                discord.SelectOption(label=cog.label(i)[:100], value=i)
                for i in choice.others[:MOST_CHOICES]
            ],
        )
        self._position = position

    async def callback(self, interaction: discord.Interaction) -> None:
        """Take the chosen one."""
        if self.view is not None:
            await self.view.take(interaction, self._position, self.values[0])


class _Pages(AnsweringView):
    """Back and forth through embeds."""

    def __init__(self, pages: Sequence[discord.Embed]) -> None:
        super().__init__(timeout=14 * 60)
        self._pages = pages
        self._at = 0

    async def _show(self, interaction: discord.Interaction, step: int) -> None:
        self._at = (self._at + step) % len(self._pages)
        await interaction.response.edit_message(embed=self._pages[self._at], view=self)

    @discord.ui.button(label="Back")
    async def back(self, interaction: discord.Interaction, _: discord.ui.Button[_Pages]) -> None:
        """The page before."""
        await self._show(interaction, -1)

    @discord.ui.button(label="More")
    async def more(self, interaction: discord.Interaction, _: discord.ui.Button[_Pages]) -> None:
        """The next page."""
        await self._show(interaction, 1)
