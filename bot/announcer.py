"""One frozen message to one channel, and what became of it.

A retry within a minute of the first attempt trusts Discord to recognise the nonce. Later the
announcer first looks whether the message is in the channel already, and where it may not look it
gives the message up visibly rather than risk a second copy.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import timedelta

import aiohttp
import discord

from bot.domain.ports import Clock
from bot.domain.roster import Roster
from bot.domain.types import Gone, Message, Outcome, Retry, Sent
from bot.embeds import announcement, why_id

#: How long Discord recognises a nonce is documented as "the past few minutes"; we trust one.
# https://discord.com/developers/docs/resources/message#create-message
NONCE_TRUSTED = timedelta(seconds=60)
#: Messages of a channel that a look-back reads at most.
LOOK_BACK = 200
#: Seconds: the longest pause between two attempts.
_LONGEST_PAUSE = 600.0
_UNKNOWN_MESSAGE = 10008
_NOT_IN_FORUM = 40058


class Announcer:
    """`bot.domain.ports.Sender` over discord.py's REST client; needs no gateway."""

    def __init__(self, client: discord.Client, roster: Callable[[], Roster], clock: Clock) -> None:
        self._client = client
        self._roster = roster
        self._clock = clock

    async def send(self, message: Message) -> Outcome:
        """See `Sender.send`."""
        channel = self._client.get_partial_messageable(
            message.channel_id, guild_id=message.guild_id
        )
        try:
            if self._clock() - message.first_attempt_at > NONCE_TRUSTED:
                if not self._may_look_back(message):
                    return Gone(
                        reason="it may have been sent already, and without Read Message History "
                        "nobody can look; retry it by hand",
                        channel=False,
                    )
                there = await self._find(channel, message)
                if there is not None:
                    return Sent(discord_id=there)
            embeds, view = announcement(message, self._roster())
            sent = await channel.send(
                embeds=embeds,
                view=view,
                nonce=message.id,
                allowed_mentions=discord.AllowedMentions.none(),
            )
        except (discord.DiscordException, aiohttp.ClientError, OSError, TimeoutError) as error:
            return classify(error, message.attempt)
        return Sent(discord_id=sent.id)

    def _may_look_back(self, message: Message) -> bool:
        """Whether history can be read; without that permission Discord shows an empty channel."""
        guild = self._client.get_guild(message.guild_id)
        channel = guild.get_channel_or_thread(message.channel_id) if guild else None
        if guild is None or channel is None:
            return True  # not known here: the request itself will tell
        return channel.permissions_for(guild.me).read_message_history

    async def _find(self, channel: discord.PartialMessageable, message: Message) -> int | None:
        """The id of the message if an earlier attempt has brought it there."""
        since = message.first_attempt_at - timedelta(minutes=1)
        async for earlier in channel.history(limit=LOOK_BACK, after=since, oldest_first=True):
            if any(_custom_id(c) == why_id(message.id) for c in _flat(earlier)):
                return earlier.id
        return None


def _flat(message: discord.Message) -> list[object]:
    return [
        child
        for row in message.components
        for child in (row.children if isinstance(row, discord.ActionRow) else [row])
    ]


def _custom_id(component: object) -> str | None:
    return component.custom_id if isinstance(component, discord.Button) else None


def classify(error: Exception, attempt: int) -> Outcome:
    """What an error of Discord's or of the network means for a message.

    Codes: https://discord.com/developers/docs/topics/opcodes-and-status-codes#json
    """
    match error:
        case discord.RateLimited():
            return Retry(after=error.retry_after, reason="Discord asks to wait")
        case discord.Forbidden() if error.code:
            return Gone(reason=_words(error))
        case discord.NotFound() if error.code == _UNKNOWN_MESSAGE:
            return Gone(reason="was sent and then deleted", channel=False)
        case discord.NotFound() if error.code:
            return Gone(reason=_words(error))
        case discord.HTTPException() if error.status == 400:
            return Gone(reason=_words(error), channel=error.code == _NOT_IN_FORUM)
        case discord.HTTPException() if error.status == 429:
            pause = _pause(attempt)
            return Retry(after=max(pause, 5.0), reason="Discord asks to wait")
        case discord.HTTPException():
            return Retry(after=_pause(attempt), reason=f"Discord answered {error.status}")
        case _:
            return Retry(after=_pause(attempt), reason=f"no answer ({type(error).__name__})")


def _words(error: discord.HTTPException) -> str:
    return f"Discord says: {error.text or 'no reason given'} (code {error.code})"[:300]


def _pause(attempt: int) -> float:
    """Exponential back-off with full jitter, in seconds."""
    return random.uniform(0.5, min(2.0**attempt, _LONGEST_PAUSE))  # noqa: S311  no secret
