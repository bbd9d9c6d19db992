"""`crumbs run`: the bot."""

from __future__ import annotations

import asyncio

import click

from bot import app, logs, settings


@click.command()
def command() -> None:
    """Run the bot until SIGTERM or Ctrl+C.

    Needs DISCORD_TOKEN in the environment or in .env; .env.example lists everything else that can
    be set, with its default.
    """
    given = settings.load()
    logs.configure(given.log_level, given.log_format)
    asyncio.run(app.run(given))
