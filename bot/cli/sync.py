"""`crumbs sync`: the slash commands, registered with Discord now."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import click
import discord
from rich.console import Console
from rich.text import Text

from bot import logs, settings
from bot.app import Core, all_cogs
from bot.client import Client
from bot.domain.errors import ConfigError, CrumbsError
from bot.domain.ports import Storage
from bot.seeds import load_seeds
from bot.settings import Settings
from storage import open_storage

Described = Mapping[str, Any]
"""A command as Discord's API writes it."""

#: What a command is made of; the rest of what Discord sends back is its own or out of use.
_PARTS = ("description", "options", "nsfw", "contexts", "integration_types")
_MEMBERS = "default_member_permissions"
_MARKS = {"added": ("+", "green"), "changed": ("~", "yellow"), "removed": ("-", "red")}


@click.command()
@click.option("--dry-run", is_flag=True, help="Only show what would change.")
def command(*, dry_run: bool) -> None:
    """Register the slash commands with Discord.

    It is done now, and what changed is shown. `crumbs run` does this by itself when the
    commands have changed since it last did. Use this when Discord has lost them, or to see
    beforehand (--dry-run) what a new version brings. The bot may be running. Needs
    DISCORD_TOKEN.

    Example: crumbs sync --dry-run

    Exit codes: 0 done; 1 Discord or the store cannot be reached; 3 the token is missing or
    refused.
    """
    given = settings.load()
    logs.configure("error", given.log_format)
    if given.discord_token is None:
        raise ConfigError("DISCORD_TOKEN is not set. Put it into .env (see .env.example).")
    with Console(stderr=True).status("Talking to Discord …"):
        before, ours = asyncio.run(_sync(given, given.discord_token.get_secret_value(), dry_run))
    _draw(compare(before, ours), dry_run=dry_run)


async def _sync(
    given: Settings, token: str, dry_run: bool
) -> tuple[Sequence[Described], Sequence[Described]]:
    """Register the commands; those that Discord had, and ours."""
    core = Core.of(load_seeds(given.roster, given.lexicon))
    async with _store(given, thrown_away=dry_run) as storage:
        client = Client()
        try:
            cogs = all_cogs(client, storage, lambda: core.lookup)
            await client.log_in(token, given.discord_api_url, cogs)
            before = await client.http.get_global_commands(client.application_id or 0)
            ours = [c.to_dict(client.tree) for c in client.tree.get_commands()]
            if not dry_run and not await client.register_commands(storage):
                await client.tree.sync()  # known to the store, but Discord may have lost them
        except (discord.DiscordException, aiohttp.ClientError, OSError) as error:
            raise CrumbsError(
                f"Discord did not take the commands ({error}). Try again; when that does not "
                "help, look at https://discordstatus.com"
            ) from error
        finally:
            await client.close()
    return before, ours


@asynccontextmanager
async def _store(given: Settings, *, thrown_away: bool) -> AsyncIterator[Storage]:
    """The store where registering is remembered, or one that leaves no trace."""
    with tempfile.TemporaryDirectory(prefix="crumbs-sync-") as folder:
        url = f"sqlite:///{folder}/sync.db" if thrown_away else given.database_url
        storage = await open_storage(url)
        try:
            yield storage
        finally:
            await storage.close()


def compare(before: Sequence[Described], ours: Sequence[Described]) -> dict[str, dict[str, str]]:
    """What becomes of every command: outcome → name → a detail for a reader."""
    had = {_key(c): c for c in before}
    have = {_key(c): c for c in ours}
    outcome: dict[str, dict[str, str]] = {
        "added": {},
        "changed": {},
        "removed": {},
        "unchanged": {},
    }
    for key in sorted(had.keys() | have.keys()):
        name = f"/{key[1]}" if key[0] == 1 else key[1]
        if key not in had:
            outcome["added"][name] = ""
        elif key not in have:
            outcome["removed"][name] = ""
        else:
            differ = [
                part.replace("_", " ")
                for part in _PARTS
                if _plain(had[key].get(part)) != _plain(have[key].get(part))
            ]
            # Discord writes this number as text.
            if _number(had[key].get(_MEMBERS)) != _number(have[key].get(_MEMBERS)):
                differ.append("member permissions")
            outcome["changed" if differ else "unchanged"][name] = ", ".join(differ)
    return outcome


def _key(described: Described) -> tuple[int, str]:
    return described.get("type") or 1, described["name"]


def _number(value: str | int | None) -> int | None:
    return None if value is None else int(value)


def _plain(value: object) -> object:
    """A part of a command without what is only another way to write the same."""
    match value:
        case None | False | "" | []:
            return None
        case Mapping():
            plain = ((key, _plain(inner)) for key, inner in value.items())
            return {key: inner for key, inner in plain if inner is not None}
        case [int(), *_]:
            return sorted(value, key=str)
        case list():
            return [_plain(inner) for inner in value]
        case _:
            return value


def _draw(outcome: Mapping[str, Mapping[str, str]], *, dry_run: bool) -> None:
    console = Console(highlight=False)
    for what, names in outcome.items():
        mark, style = _MARKS.get(what, ("=", "dim"))
        for name, detail in names.items():
            line = f"{mark} {name}: {what}{f' ({detail})' if detail else ''}"
            console.print(Text(line, style), soft_wrap=True)
    total = sum(len(names) for what, names in outcome.items() if what != "removed")
    commands = f"{total} command{'s' * (total != 1)}"
    console.print(
        f"Nothing was changed; without --dry-run, {commands} would be registered."
        if dry_run
        else f"{commands} registered."
    )
