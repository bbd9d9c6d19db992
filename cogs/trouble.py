"""What keeps announcements from a server, in words that say what to do about it."""

from __future__ import annotations

from collections.abc import Sequence

import discord

from bot.domain.roster import Roster
from bot.domain.types import DeadLetter
from bot.embeds import clip, plain, title
from cogs.permissions import lacking

#: Dead letters that are read of a server; more are "at least" so many.
MOST_LETTERS = 100


def paused(guild: discord.Guild | None, channel_id: int, reason: str) -> str:
    """Why nothing is posted in a channel that is closed to the bot, and how that ends."""
    channel = guild.get_channel_or_thread(channel_id) if guild else None
    if channel is None:
        return (
            "⚠️ I am paused here: Discord no longer shows me this channel. If it was deleted, "
            "use /pair where you want the news instead; if it was archived, open it again."
        )
    if missing := lacking(channel):
        return (
            f"⚠️ I am paused here: I am missing {' and '.join(missing)}. Give me that and I go on "
            "at once; what waits is kept for a day."
        )
    return (
        f"⚠️ I am paused here: {plain(reason, 150)}. I see no permission missing, so I try again "
        "within the hour; what waits is kept for a day."
    )


def undelivered(letters: Sequence[DeadLetter]) -> str:
    """How many announcements were given up; "" when none was."""
    if not letters:
        return ""
    if len(letters) == 1:
        return "⚠️ 1 announcement could not be delivered"
    least = "at least " if len(letters) >= MOST_LETTERS else ""
    return f"⚠️ {least}{len(letters)} announcements could not be delivered"


def described(letter: DeadLetter, roster: Roster) -> str:
    """One announcement that was given up: where, when, of whom, why."""
    first, *more = letter.message.items
    who = clip(title(first.story, roster), 150) + (f" and {len(more)} more" if more else "")
    return (
        f"<#{letter.message.channel_id}> {discord.utils.format_dt(letter.since, 'R')}: {who}\n"
        f"> {plain(letter.reason, 200)}"
    )
