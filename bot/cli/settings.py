"""`crumbs settings`: every setting, its value, and where the value comes from."""

from __future__ import annotations

import sys
from dataclasses import asdict

import click
import msgspec
from rich.console import Console
from rich.table import Table
from rich.text import Text

from bot import settings
from bot.domain.errors import ConfigError

#: Columns to lay out for where there is no terminal to ask.
_WIDTH = 200


@click.command()
@click.option("--json", "as_json", is_flag=True, help="One JSON object instead of a table.")
def command(*, as_json: bool) -> None:
    """Show every setting and where it comes from.

    A setting comes from the environment, else from the file .env in this folder, else it has
    its default. Of secrets, only whether they are set is shown, so the table can be posted in a
    bug report.

    Example: CRUMBS_TICK_SECONDS=1 crumbs settings

    Exit codes: 0 all is well; 3 a value is wrong or a name misspelt (the sentences stand below
    the table).
    """
    explained, problems = settings.explain()
    if as_json:
        document = {"settings": [asdict(s) for s in explained], "problems": problems}
        click.echo(msgspec.json.encode(document))
    else:
        table = Table(box=None, pad_edge=False)
        for heading in ("setting", "value", "from", "meaning"):
            table.add_column(heading, overflow="fold")
        for s in explained:
            style = "" if s.origin == "default" else "bold"
            table.add_row(Text(s.name, style), Text(s.value, style), s.origin, Text(s.meaning))
        Console(highlight=False, width=None if sys.stdout.isatty() else _WIDTH).print(table)
    if problems:
        raise ConfigError(*problems)
