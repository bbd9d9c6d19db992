"""`crumbs migrate`: the store's schema, brought up to date."""

from __future__ import annotations

import asyncio
import sys

import click
from rich.console import Console

import storage
from bot import settings
from bot.settings import without_password


@click.command()
@click.option("--check", is_flag=True, help="Change nothing; exit with 1 when something is to do.")
def command(*, check: bool) -> None:
    """Bring the store's schema up to date.

    It says from where to where, and what each step does. `crumbs run` does the same when it
    starts. This is for those who want to see it happen on its own: stop the bot, make a copy of
    the store, migrate, start the new version. A step happens wholly or not at all. A store that
    a newer version of Crumbs wrote, or that is damaged, is left as it is.

    Example: crumbs migrate --check || crumbs migrate

    Exit codes: 0 up to date; 1 with --check: something is to do, else: it could not be done.
    """
    url = settings.load().database_url
    done = asyncio.run(_check(url) if check else _migrate(url))
    if not done:
        sys.exit(1)


async def _check(url: str) -> bool:
    """Whether nothing is to do."""
    schema = await storage.schema(url)
    if schema is None:
        click.echo(f"There is no store at {without_password(url)} yet; `crumbs migrate` makes it.")
        return False
    for step in schema.pending:
        click.echo(f"to do: {step.name}: {step.what}")
    if not schema.pending:
        click.echo(f"{without_password(url)} is up to date at {schema.version}.")
    return not schema.pending


async def _migrate(url: str) -> bool:
    before = await storage.schema(url)
    with Console(stderr=True).status(f"Migrating {without_password(url)} …"):
        await (await storage.open_storage(url)).close()
    after = await storage.schema(url)
    if after is None:
        raise AssertionError("a store that was opened is there")
    steps = [s for s in after.applied if before is None or s not in before.applied]
    for step in steps:
        click.echo(f"done: {step.name}: {step.what}")
    shown = without_password(url)
    if before is None:
        click.echo(f"{shown} is new, at {after.version}.")
    elif steps:
        click.echo(f"{shown} went from {before.version} to {after.version}.")
    else:
        click.echo(f"{shown} is up to date at {after.version}; there was nothing to do.")
    return True
