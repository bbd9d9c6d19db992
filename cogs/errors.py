"""What a member reads when a command cannot be done: one place for all commands and buttons."""

from __future__ import annotations

import secrets

import discord
import structlog
from discord import app_commands

from bot.domain.errors import StorageUnavailable, UserError

log = structlog.get_logger()


async def answer_error(interaction: discord.Interaction, error: Exception) -> None:
    """Tell the member what happened and what to do next, privately; log what is ours to mend."""
    cause = error.original if isinstance(error, app_commands.CommandInvokeError) else error
    match cause:
        case UserError():
            text = str(cause)
        case app_commands.NoPrivateMessage():
            text = "This works only on a server. Use it in the channel that should hear the news."
        case app_commands.CommandNotFound() | app_commands.CommandSignatureMismatch():
            text = "This command has just changed. Reload Discord (Ctrl+R) and try again."
        case StorageUnavailable():
            log.warning("command without storage", error=str(cause))
            text = "I cannot reach my memory right now. Nothing was changed; try again in a minute."
        case _:
            reference = secrets.token_hex(4)
            log.error("command failed", reference=reference, exc_info=cause)
            text = (
                f"Something went wrong on my side; nothing is known to have changed. Try again, "
                f"and if it stays so, tell whoever runs me this reference: `{reference}`."
            )
    quiet = discord.AllowedMentions.none()
    try:
        if interaction.response.is_done():
            await interaction.followup.send(text, ephemeral=True, allowed_mentions=quiet)
        else:
            await interaction.response.send_message(text, ephemeral=True, allowed_mentions=quiet)
    except discord.DiscordException as failed:  # RateLimited is no HTTPException
        log.warning("could not answer a member", error=str(failed))


class AnsweringView(discord.ui.View):
    """Buttons and menus whose refusals and failures are answered as those of any command."""

    async def on_error(
        self,
        interaction: discord.Interaction,
        error: Exception,
        item: discord.ui.Item[discord.ui.View],
    ) -> None:
        """Tell the member."""
        await answer_error(interaction, error)
