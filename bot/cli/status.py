"""`crumbs status`: how the bot is doing, read from its store."""

from __future__ import annotations

import asyncio
import sys
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import click
import msgspec
from rich.console import Console
from rich.table import Table
from rich.text import Text

from bot import settings
from bot.app import utc_now
from bot.domain.types import Accounting, DeadLetter, SourceHealth
from bot.settings import without_password
from storage import open_storage

#: Columns to lay out for where there is no terminal to ask.
_WIDTH = 160
#: A running bot leaves no source due for longer than this.
_LATE = timedelta(minutes=2)
#: Dead letters that are listed, the latest; the books count them all.
_LETTERS = 5


@dataclass(frozen=True, slots=True)
class _Status:
    store: str
    sources: list[SourceHealth]
    books: Accounting
    closed: dict[int, str]
    letters: list[DeadLetter]


@click.command()
@click.option("--json", "as_json", is_flag=True, help="One JSON object instead of a drawing.")
def command(*, as_json: bool) -> None:
    """Show how the bot is doing, from its store.

    Its sources, its books, the channels that are closed to it and the latest announcements that
    were given up are read from the store, which is not changed; the bot may be running or not,
    and no token is needed. The books have two identities: every verdict on a post is in exactly
    one state, and everything that was to be sent is sent, pending, withdrawn or dead. They
    always balance unless something is broken.

    Example: crumbs status --json | jq .books.pending

    Exit codes: 0 the books balance, whatever the sources do; 1 they do not, or the store cannot
    be read.
    """
    status = asyncio.run(_read(settings.load().database_url))
    if as_json:
        click.echo(msgspec.json.encode(_document(status)))
    else:
        _draw(status, utc_now())
    if not status.books.balanced:
        sys.exit(1)


async def _read(url: str) -> _Status:
    store = await open_storage(url, migrate=False)
    try:
        return _Status(
            store=without_password(url),
            sources=await store.source_health(),
            books=await store.accounting(),
            closed=await store.closed_channels(None),
            letters=await store.dead_letters(None, limit=_LETTERS),
        )
    finally:
        await store.close()


def _state(health: SourceHealth) -> str:
    if health.disabled:
        return "stopped"
    if health.failures:
        return "failing"
    return "ok" if health.last_ok else "new"


def _document(status: _Status) -> dict[str, Any]:
    books = status.books
    return {
        "store": status.store,
        "sources": [
            {
                "id": h.source.id,
                "name": h.source.name,
                "url": without_password(h.source.url),
                "state": _state(h),
                "last_ok": h.last_ok,
                "problem": h.last_error,
                "failures": h.failures,
                "failing_since": h.last_ok if h.failures else None,
                "next_at": None if h.disabled else h.next_at,
            }
            for h in status.sources
        ],
        "books": {**msgspec.to_builtins(books), "balanced": books.balanced},
        "closed_channels": status.closed,
        "dead_letters": [
            {
                "message": letter.message.id,
                "guild": letter.message.guild_id,
                "channel": letter.message.channel_id,
                "stories": len(letter.message.items),
                "since": letter.since,
                "reason": letter.reason,
            }
            for letter in status.letters
        ],
    }


def _draw(status: _Status, now: datetime) -> None:
    console = Console(highlight=False, width=None if sys.stdout.isatty() else _WIDTH)
    console.print(Text(status.store, "dim"), soft_wrap=True)
    console.print(Text("\nSources", "bold"))
    if status.sources:
        console.print(_sources(status.sources, now))
    else:
        console.print(
            "None yet. They are read from the sources file when the bot starts: `crumbs run`.",
            soft_wrap=True,
        )
    console.print(Text("\nBooks", "bold"))
    for line in _books(status.books):
        console.print(line, soft_wrap=True)
    console.print(Text("\nChannels", "bold"))
    for channel, reason in status.closed.items():
        console.print(Text(f"closed to the bot: {channel}: {reason}", "yellow"), soft_wrap=True)
    if not status.closed:
        console.print("None is closed to the bot.")
    console.print(Text("\nDead letters", "bold"))
    for letter in status.letters:
        console.print(Text(_letter(letter, now), "yellow"), soft_wrap=True)
    if status.letters:
        console.print(
            f"These are the latest; {status.books.dead} owed messages are dead in all. When what "
            "was wrong is mended, `crumbs retry` makes them due again.",
            soft_wrap=True,
        )
    else:
        console.print("None: nothing was given up.")


_STYLES = {"ok": "green", "new": "", "failing": "red", "stopped": "yellow"}


def _sources(sources: list[SourceHealth], now: datetime) -> Table:
    table = Table(box=None, pad_edge=False)
    for heading in ("source", "state", "last success", "next poll", "problem"):
        table.add_column(heading, overflow="fold")
    for h in sources:
        state = _state(h)
        table.add_row(
            Text(h.source.name),
            Text(state, _STYLES[state]),
            "never" if h.last_ok is None else f"{_span(now - h.last_ok)} ago",
            "none" if h.disabled else _due(h.next_at - now),
            Text(_problem(h, now)),
        )
    return table


def _due(left: timedelta) -> str:
    if left > timedelta():
        return f"in {_span(left)}"
    return "now" if left > -_LATE else f"overdue by {_span(-left)}"


def _problem(health: SourceHealth, now: datetime) -> str:
    if health.disabled:
        return f"{health.last_error or 'the publisher asked for it'}; it is polled no more"
    if not health.failures:
        return ""
    polls = "1 poll" if health.failures == 1 else f"{health.failures} polls"
    since = f"for {_span(now - health.last_ok)}" if health.last_ok else "since it was added"
    return f"failing {since}, {polls} in a row: {health.last_error}"


def _letter(letter: DeadLetter, now: datetime) -> str:
    owed = letter.message
    stories = f", {len(owed.items)} stories" if len(owed.items) > 1 else ""
    return (
        f"channel {owed.channel_id} of server {owed.guild_id}, {_span(now - letter.since)} "
        f"ago{stories}: {letter.reason}"
    )


def _books(books: Accounting) -> list[Text]:
    """Both identities, each with its sum."""
    states = {
        "verdicts on posts": (books.recorded, dict(sorted(books.verdicts.items()))),
        "messages owed": (
            books.planned,
            {
                "sent": books.sent,
                "pending": books.pending,
                "withdrawn": books.withdrawn,
                "dead": books.dead,
            },
        ),
    }
    lines = []
    for what, (total, parts) in states.items():
        counts = " + ".join(
            f"{count} {state.replace('rejected:', 'rejected as ').replace('_', ' ')}"
            for state, count in parts.items()
            if count
        )
        balances = total == sum(parts.values())
        sign = "=" if balances else "≠"
        lines.append(
            Text(
                f"{total} {what} {sign} {counts or 0}" if total or counts else f"no {what} yet",
                "" if balances else "red",
            )
        )
    if books.adrift:
        lines.append(
            Text(f"{books.adrift} owed adrift: in another state than the message", "bold red")
        )
    if books.balanced:
        lines.append(Text("They balance.", "green"))
    else:
        lines.append(
            Text("They do not balance: something is lost. Please report it as a bug.", "bold red")
        )
    return lines


def _span(length: timedelta) -> str:
    """A length of time in one unit: "40 seconds", "3 hours"."""
    seconds = int(length.total_seconds())
    for unit, size in (("day", 86400), ("hour", 3600), ("minute", 60)):
        if seconds >= 2 * size:
            return f"{seconds // size} {unit}s"
    return f"{seconds} second{'s' * (seconds != 1)}"
