"""One frozen message to one channel, or one edit of it, and what became of that.

A retry within a minute of the first attempt trusts Discord to recognise the nonce. Later, and
always in a forum, whose posts have no nonce, the announcer first looks whether the message is there
already, and where it may not look it gives the message up visibly rather than risk a second copy.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from functools import partial

import aiohttp
import discord

from bot.domain.ports import Clock
from bot.domain.roster import Roster
from bot.domain.types import Edit, Gone, Message, Outcome, Place, Retry, Sent
from bot.embeds import announcement, clip, why_id

#: How long Discord recognises a nonce is documented as "the past few minutes"; we trust one.
# https://discord.com/developers/docs/resources/message#create-message
NONCE_TRUSTED = timedelta(seconds=60)
#: Messages of a channel that a look-back reads at most.
LOOK_BACK = 200
#: Seconds: the longest pause between two attempts.
_LONGEST_PAUSE = 600.0
#: Characters of a thread's name.
# https://discord.com/developers/docs/resources/channel#start-thread-in-forum-or-media-channel
_THREAD_NAME = 100
_UNKNOWN_CHANNEL = 10003
_UNKNOWN_MESSAGE = 10008
_IS_FORUM = 40058
_TOO_MANY_OLD_EDITS = 30046
_ARCHIVED = 50083
_MAY_NOT_REPLY = 160002
_LOCKED = 160005
#: Seconds until a refused edit of an old message is tried again.
_OLD_EDIT_PAUSE = 900.0
_TROUBLE = (discord.DiscordException, aiohttp.ClientError, OSError, TimeoutError)


class Announcer:
    """`bot.domain.ports.Sender` over discord.py's REST client; needs no gateway."""

    def __init__(self, client: discord.Client, roster: Callable[[], Roster], clock: Clock) -> None:
        self._client = client
        self._roster = roster
        self._clock = clock
        #: Channels that turned out to be forums.
        self._forums: set[int] = set()

    async def send(self, message: Message) -> Outcome:
        """See `Sender.send`."""
        with self._interruptible():
            return await self._send(message)

    async def edit(self, edit: Edit) -> Outcome:
        """See `Sender.edit`."""
        with self._interruptible():
            return await self._edit(edit)

    @contextmanager
    def _interruptible(self) -> Iterator[None]:
        """Let a request be cancelled while discord.py sits out a global rate limit.

        It holds up every request until the one that met the limit has slept, and for ever if that
        one is cancelled in its sleep.
        """
        try:
            yield
        except asyncio.CancelledError:
            self._client.http._global_over.set()  # noqa: SLF001  no public way
            raise

    async def _send(self, message: Message) -> Outcome:
        place = message.reply_to
        try:
            forum = place is None and await self._is_forum(message)
            if self._may_be_there(message, forum=forum):
                if await self._sees(message):
                    if found := await self._look_back(message, forum=forum):
                        return Sent(place=found)
                elif not message.by_hand:
                    return Gone(
                        reason="it may have been sent already, and without Read Message History "
                        "nobody can look; have a look yourself, then retry it by hand",
                        channel=False,
                    )
            return Sent(place=await self._post(message, forum=forum))
        except _TROUBLE as error:
            return classify(error, message.attempt, own_thread=_is_own_thread(message, place))

    async def _edit(self, edit: Edit) -> Outcome:
        try:
            try:
                await self._change(edit)
            except discord.HTTPException as error:
                if error.code != _ARCHIVED:
                    raise
                if refusal := await self._unarchive(edit.place.channel_id):
                    return Gone(reason=refusal, channel=False)
                await self._change(edit)
        except _TROUBLE as error:
            own_thread = _is_own_thread(edit.message, edit.place)
            return classify(error, edit.message.attempt, own_thread=own_thread)
        return Sent(place=edit.place)

    async def _change(self, edit: Edit) -> None:
        embeds, view = announcement(edit.message, self._roster())
        channel = self._messageable(edit.message, edit.place.channel_id)
        await channel.get_partial_message(edit.place.message_id).edit(
            embeds=embeds, view=view, allowed_mentions=discord.AllowedMentions.none()
        )

    async def _unarchive(self, thread_id: int) -> str:
        """Open an archived thread, where nothing can be edited; why not, if Discord refuses."""
        thread = await self._client.fetch_channel(thread_id)
        if not isinstance(thread, discord.Thread):
            raise TypeError(f"{thread_id} is archived and yet no thread")
        try:
            await thread.edit(archived=False)
        except discord.Forbidden as error:  # locked: only moderators open it
            return _words(error)
        return ""

    async def _post(self, message: Message, *, forum: bool) -> Place:
        if forum:
            return await self._post_in_forum(message)
        embeds, view = announcement(message, self._roster())
        send = partial(
            self._messageable(message, _channel_of(message)).send,
            embeds=embeds,
            view=view,
            nonce=message.id,
            allowed_mentions=discord.AllowedMentions.none(),
        )
        try:
            if reply := message.reply_to:
                sent = await send(reference=_reference(message, reply))
            else:
                sent = await send()
        except discord.HTTPException as error:
            if error.code == _IS_FORUM:
                self._forums.add(message.channel_id)
                return await self._post_in_forum(message)
            if error.code != _MAY_NOT_REPLY:
                raise
            sent = await send()  # without Read Message History it stands on its own
        return Place(channel_id=sent.channel.id, message_id=sent.id)

    async def _post_in_forum(self, message: Message) -> Place:
        embeds, view = announcement(message, self._roster())
        forum = await self._forum(message.channel_id)
        tags = [t for t in forum.available_tags if not t.moderated]
        more = f" and {len(embeds) - 1} more" if len(embeds) > 1 else ""
        post = await forum.create_thread(
            name=clip(embeds[0].title or "Crumbs", _THREAD_NAME - len(more)) + more,
            embeds=embeds,
            view=view,
            applied_tags=tags[:1] if forum.flags.require_tag else [],
            allowed_mentions=discord.AllowedMentions.none(),
        )
        return Place(channel_id=post.thread.id, message_id=post.message.id)

    # ── looking back ──

    def _may_be_there(self, message: Message, *, forum: bool) -> bool:
        """Whether an earlier attempt may have brought it, and no nonce would tell."""
        if forum:  # a post in a forum has no nonce
            return message.attempt > 1 or message.by_hand
        return self._clock() - message.first_attempt_at > NONCE_TRUSTED

    async def _sees(self, message: Message) -> bool:
        """Whether history can be read; without that permission Discord shows an empty channel."""
        guild = self._client.get_guild(message.guild_id)
        channel = guild.get_channel_or_thread(message.channel_id) if guild else None
        if guild is None or channel is None:  # no gateway, or an archived thread: ask
            guild = await self._client.fetch_guild(message.guild_id, with_counts=False)
            channel = await guild.fetch_channel(message.channel_id)
            if isinstance(channel, discord.Thread):  # what holds there is set in its parent
                channel = await guild.fetch_channel(channel.parent_id)
            me = await guild.fetch_member(self._me)
        else:
            me = guild.me
        return channel.permissions_for(me).read_message_history

    async def _look_back(self, message: Message, *, forum: bool) -> Place | None:
        """Where an earlier attempt has brought the message, if any has."""
        since = message.first_attempt_at - timedelta(minutes=1)
        if forum:
            return await self._post_of(message, since)
        channel = self._messageable(message, _channel_of(message))
        async for earlier in channel.history(limit=LOOK_BACK, after=since, oldest_first=True):
            if _carries(earlier, message):
                return Place(channel_id=earlier.channel.id, message_id=earlier.id)
        return None

    async def _post_of(self, message: Message, since: datetime) -> Place | None:
        """The forum post that carries a message, among the active and the archived ones."""
        forum = await self._forum(message.channel_id)
        threads = [t for t in await forum.guild.active_threads() if t.parent_id == forum.id]
        async for archived in forum.archived_threads(limit=LOOK_BACK):  # latest archived first
            if archived.archive_timestamp < since:
                break
            threads.append(archived)
        for thread in threads:
            if thread.owner_id == self._me and discord.utils.snowflake_time(thread.id) >= since:
                try:
                    first = await thread.fetch_message(thread.id)
                except discord.NotFound:  # somebody deleted it and left the thread
                    continue
                if _carries(first, message):
                    return Place(channel_id=thread.id, message_id=first.id)
        return None

    # ── channels ──

    @property
    def _me(self) -> int:
        return self._client.user.id if self._client.user else 0

    def _messageable(self, message: Message, channel_id: int) -> discord.PartialMessageable:
        return self._client.get_partial_messageable(channel_id, guild_id=message.guild_id)

    async def _is_forum(self, message: Message) -> bool:
        """Whether its channel is a forum.

        Without the gateway the first attempt finds that out by Discord's refusal; a later one
        asks, for in a forum it must look back first.
        """
        channel_id = message.channel_id
        if channel_id in self._forums:
            return True
        known: object = self._client.get_channel(channel_id)
        if known is None and (message.attempt > 1 or message.by_hand):
            known = await self._client.fetch_channel(channel_id)
        return isinstance(known, discord.ForumChannel)

    async def _forum(self, channel_id: int) -> discord.ForumChannel:
        known = self._client.get_channel(channel_id) or await self._client.fetch_channel(channel_id)
        if not isinstance(known, discord.ForumChannel):
            raise TypeError(f"channel {channel_id} is no forum any more")
        return known


def _channel_of(message: Message) -> int:
    """Where it is sent; an upgrade of a forum post goes into that post's own thread."""
    return message.reply_to.channel_id if message.reply_to else message.channel_id


def _is_own_thread(message: Message, place: Place | None) -> bool:
    """Whether a place is a thread that we opened in the message's channel."""
    return place is not None and place.channel_id != message.channel_id


def _reference(message: Message, reply: Place) -> discord.MessageReference:
    return discord.MessageReference(
        message_id=reply.message_id,
        channel_id=reply.channel_id,
        guild_id=message.guild_id,
        fail_if_not_exists=False,
    )


def _carries(there: discord.Message, message: Message) -> bool:
    return any(_custom_id(c) == why_id(message.id) for c in _flat(there))


def _flat(message: discord.Message) -> list[object]:
    return [
        child
        for row in message.components
        for child in (row.children if isinstance(row, discord.ActionRow) else [row])
    ]


def _custom_id(component: object) -> str | None:
    return component.custom_id if isinstance(component, discord.Button) else None


def classify(error: Exception, attempt: int, *, own_thread: bool = False) -> Outcome:
    """What an error of Discord's or of the network means for a message.

    In `own_thread`, a forum post of ours, the loss of the thread says nothing of the forum.
    Codes: https://discord.com/developers/docs/topics/opcodes-and-status-codes#json
    """
    match error:
        case discord.RateLimited():
            return Retry(after=error.retry_after, reason="Discord asks to wait")
        case discord.HTTPException() if own_thread and error.code in {_UNKNOWN_CHANNEL, _LOCKED}:
            what = "deleted" if error.code == _UNKNOWN_CHANNEL else "locked"
            return Gone(reason=f"the forum post that it belongs to was {what}", channel=False)
        case discord.Forbidden() if error.code:
            return Gone(reason=_words(error))
        case discord.NotFound() if error.code == _UNKNOWN_MESSAGE:
            return Gone(reason="was sent and then deleted", channel=False)
        case discord.NotFound() if error.code:
            return Gone(reason=_words(error))
        case discord.HTTPException() if error.code == _TOO_MANY_OLD_EDITS:
            return Retry(after=_OLD_EDIT_PAUSE, reason=_words(error))
        case discord.HTTPException() if error.status == 400:
            return Gone(reason=_words(error), channel=False)
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
