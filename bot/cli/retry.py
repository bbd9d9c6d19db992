"""`crumbs retry`: announcements that were given up, made due again."""

from __future__ import annotations

import asyncio

import click

from bot import settings
from bot.app import utc_now
from storage import open_storage


@click.command()
@click.option(
    "--guild",
    metavar="ID",
    type=click.IntRange(min=1),
    help="Only those of one server, by its id; otherwise those of all.",
)
def command(*, guild: int | None) -> None:
    """Try announcements again that were given up.

    `crumbs status` lists them as dead letters, each with its reason; mend that first. The bot
    may be running: it sends them with its next round. If it is not, it sends them when it
    starts. Each is looked for in its channel before; where the bot may not read the history,
    it is sent all the same, for asking for it by hand says that you have looked.

    Example: crumbs retry --guild 1234567890123456789

    Exit codes: 0 done, also when there was nothing to try again; 1 the store cannot be changed.
    """
    count = asyncio.run(_retry(settings.load().database_url, guild))
    where = f" of server {guild}" if guild else ""
    if not count:
        click.echo(f"No announcement{where} was given up; there is nothing to try again.")
        return
    these = "1 announcement" if count == 1 else f"{count} announcements"
    click.echo(
        f"{these}{where} due again. A running bot sends what is due with its next round, within "
        "a minute; otherwise `crumbs run` does. What fails once more is in `crumbs status` again."
    )


async def _retry(url: str, guild: int | None) -> int:
    store = await open_storage(url, migrate=False)
    try:
        return await store.retry_dead(guild, utc_now())
    finally:
        await store.close()
