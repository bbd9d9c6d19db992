"""A server on the stand-in, a client that is logged in, and a frozen message."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from bot.announcer import Announcer
from bot.app import Core
from bot.client import Client
from bot.domain.types import (
    Edit,
    Item,
    Kind,
    Message,
    Outcome,
    Pair,
    Place,
    Report,
    Sent,
    Step,
    Story,
    StoryPair,
    StoryState,
    Tier,
)
from tests.standin import StandIn

POSTS = ("POST", "/channels/{id}/messages")
FORUM_POSTS = ("POST", "/channels/{id}/threads")
EDITS = ("PATCH", "/channels/{id}/messages/{id}")

#: Of the story that `frozen` tells.
PAIR = StoryPair(
    pair=Pair("blackpink.jisoo", "seventeen.mingyu"),
    kind=Kind.GREETING,
    tier=Tier.ANNOUNCE,
    confidence=0.9,
    evidence="they bowed",
)


def frozen(channel_id: int, guild_id: int, *, title: str = "They met") -> Message:
    now = datetime.now(UTC)
    report = Report(
        post_id="s:1", outlet="Outlet", title=title, url="https://outlet.example/1",
        url_key="", fingerprint="", anchors=(), lang="en", at=now,
    )  # fmt: skip
    story = Story(
        id="story", state=StoryState.LIVE, pairs=(PAIR,), reports=(report,),
        first_seen=now, last_seen=now, revision=1,
    )  # fmt: skip
    return Message(
        id="abcDEF-_0123456789xy", guild_id=guild_id, channel_id=channel_id,
        items=(Item(step=Step.FIRST, story=story),), first_attempt_at=now, attempt=1, token=1,
    )  # fmt: skip


def upgrade_of(message: Message, first: Place) -> Message:
    """What a channel is owed when more becomes known of a story that it was told of."""
    items = tuple(replace(i, step=Step.UPGRADE) for i in message.items)
    return replace(message, id="upgrade-0123456789", items=items, reply_to=first)


def taken_back(message: Message) -> Message:
    """The same message when no source reports its pair any more."""
    [item] = message.items
    story = replace(item.story, pairs=())
    return replace(message, items=(replace(item, story=story, taken_back=item.story.pairs),))


@dataclass
class World:
    api: StandIn
    guild: Any
    channel: Any
    client: Client
    core: Core
    late: timedelta = timedelta(0)

    def __post_init__(self) -> None:
        self.restart()

    def restart(self) -> None:
        """Let a fresh announcer take over, which knows nothing of what was before."""
        self.announcer = Announcer(
            self.client, lambda: self.core.lookup.roster, lambda: datetime.now(UTC) + self.late
        )

    @property
    def message(self) -> Message:
        return frozen(int(self.channel.id), int(self.guild.id))

    async def send(self, message: Message | None = None) -> Outcome:
        return await self.announcer.send(message or self.message)

    async def sent(self, message: Message | None = None) -> Place:
        """Send what must arrive; where it stands."""
        outcome = await self.send(message)
        assert isinstance(outcome, Sent), outcome
        return outcome.place

    async def edit(self, message: Message, place: Place) -> Outcome:
        return await self.announcer.edit(Edit(message=message, place=place, revision=2))

    @asynccontextmanager
    async def connected(self) -> AsyncIterator[None]:
        """With the gateway, so that the client knows channels and permissions."""
        serving = asyncio.create_task(self.client.serve())
        await self.api.wait_ready()
        await asyncio.wait_for(self.client.wait_until_ready(), 10)
        try:
            yield
        finally:
            await self.client.close()
            serving.cancel()
            await asyncio.gather(serving, return_exceptions=True)
