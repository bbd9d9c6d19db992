"""`crumbs invite`: the address that adds the bot to a server."""

from __future__ import annotations

import asyncio

import click
import discord
from rich.console import Console

from bot import logs, settings
from bot.client import Client
from bot.domain.errors import ConfigError

#: What the bot may do where it is added, and why: nothing else is ever needed.
PERMISSIONS = {
    "view_channel": "to see the channels that you choose for announcements",
    "send_messages": "to post the announcements",
    "send_messages_in_threads": "to post them where you choose a thread",
    "embed_links": "to show them as cards with their sources",
    "read_message_history": "to check after an outage what was posted, so that nothing comes twice",
}
_ID = "an application id is a number of 17 to 20 digits; it stands under General Information"


def _application_id(_: click.Context, __: click.Parameter, value: str | None) -> str | None:
    if value is not None and not (value.isdecimal() and 17 <= len(value) <= 20):
        raise click.BadParameter(
            f"{_ID} of your application on https://discord.com/developers/applications"
        )
    return value


@click.command()
@click.option(
    "--client-id",
    metavar="ID",
    callback=_application_id,
    help="The application's id; without it, Discord is asked (needs DISCORD_TOKEN).",
)
def command(*, client_id: str | None) -> None:
    """Print the address that invites the bot.

    It adds the bot to a server, with the permissions that it needs; why it needs them is told.
    Open the address in a browser where you are logged in to Discord; you need Manage Server on
    the server. The address alone stands on the first line.

    Example: crumbs invite --client-id 1234567890123456789
    """
    application = client_id or asyncio.run(_ask())
    permissions = discord.Permissions(**dict.fromkeys(PERMISSIONS, True))
    click.echo(
        discord.utils.oauth_url(
            application, permissions=permissions, scopes=("bot", "applications.commands")
        )
    )
    click.echo("\nIt asks for these permissions and no others:")
    for name, why in PERMISSIONS.items():
        click.echo(f"  {name.replace('_', ' ').title().replace(' In ', ' in '):25} {why}")


async def _ask() -> str:
    """The application's id, from Discord.

    Raises:
        ConfigError: the token is missing or refused.
        CrumbsError: Discord cannot be reached.
    """
    given = settings.load()
    logs.configure("error", given.log_format)
    if given.discord_token is None:
        raise ConfigError(
            "DISCORD_TOKEN is not set, so Discord cannot be asked which application this is. Put "
            "it into .env, or give the id with --client-id."
        )
    client = Client()
    with Console(stderr=True).status("Asking Discord …"):
        try:
            await client.log_in(
                given.discord_token.get_secret_value(), given.discord_api_url, cogs=[]
            )
        finally:
            await client.close()
    return str(client.application_id)
