"""`crumbs roster`: what maintainers of the roster need."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from datetime import date, datetime
from itertools import groupby
from pathlib import Path
from typing import Any

import click
import msgspec
from rich.console import Console
from rich.text import Text

from bot import settings
from bot.app import utc_now
from bot.cli import roster_refresh
from bot.domain.errors import ConfigError
from bot.domain.roster import Roster
from bot.domain.roster_check import ERRORS, Comparison, Entry, Finding, Kind, compare, read_table
from bot.domain.roster_check import check as find
from bot.seeds import load_seeds

_TITLES = {
    Kind.SAME_PERSON: "Idols with the same full name and birth date",
    Kind.OVERLAP: "Idols in two groups at the same time",
    Kind.TOO_YOUNG: "Memberships that begin before the age of 10",
    Kind.GROUP_NAME: "Groups with the same name",
    Kind.SHARED_NAME: "Names of several idols",
    Kind.NO_HANGUL: "Idols without a Hangul name",
    Kind.NO_BIRTH_DATE: "Idols whose birth date is unknown or unsure",
    Kind.MINOR: "Idols under 18",
    Kind.OTHER_BIRTH_DATE: "Other birth dates",
    Kind.OTHER_HANGUL: "Other Hangul names",
    Kind.MISSING_MEMBER: "Members that the roster does not have",
}


@click.group()
def command() -> None:
    """Look after the roster: who there is."""


command.add_command(roster_refresh.command, "refresh")


@command.command()
@click.option(
    "--against",
    "paths",
    multiple=True,
    metavar="TABLE",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Compare with this table, .tsv or .json (repeatable).",
)
@click.option(
    "--date",
    "day",
    type=click.DateTime(["%Y-%m-%d"]),
    metavar="YYYY-MM-DD",
    help="Check as of this day instead of today.",
)
@click.option("--json", "as_json", is_flag=True, help="One JSON object instead of lists.")
def check(*, paths: Sequence[Path], day: datetime | None, as_json: bool) -> None:
    """Check the roster for mistakes.

    Mistakes are: a file that cannot be read as a roster, the same full name and birth date twice,
    overlapping memberships in two groups, a membership that begins before the age of 10, two
    groups with the same name. What deserves a second look is listed too: names of several idols,
    missing Hangul names, missing birth dates, who is under age.

    A table is one of idols, tab-separated and without a header (profile, stage name, full name,
    full name in Hangul, stage name in Hangul, birth date, group, then others of which the 13th and
    14th name further groups), or JSON as kpopnet publishes it. People are matched by group and
    name. Where table and roster disagree, either can be right.

    The roster is the one that CRUMBS_ROSTER names.

    Example: crumbs roster check --against idols.tsv --date 2026-01-01

    Exit codes: 0 no mistake, whatever there is to look at; 1 there are mistakes; 3 a setting or a
    table is wrong.
    """
    given = settings.load()
    at = day.date() if day else utc_now().date()
    tables = {str(path): _table(path) for path in paths}
    try:
        roster = load_seeds(given.roster, given.lexicon).roster
    except ConfigError as error:
        if as_json:
            click.echo(msgspec.json.encode({"ok": False, "unreadable": error.problems}))
        else:
            for problem in error.problems:
                click.echo(f"crumbs: {problem}", err=True)
        sys.exit(1)
    findings = find(roster, at)
    compared = {name: compare(roster, entries, at) for name, entries in tables.items()}
    ok = not any(f.kind in ERRORS for f in findings)
    if as_json:
        click.echo(msgspec.json.encode(_document(roster, at, findings, compared, ok=ok)))
    else:
        _draw(roster, at, findings, compared, ok=ok)
    if not ok:
        sys.exit(1)


def _table(path: Path) -> list[Entry]:
    try:
        text = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"--against: {path} cannot be read: {error}") from error
    return read_table(f"--against: {path}", text)


def _document(
    roster: Roster,
    at: date,
    findings: Sequence[Finding],
    compared: dict[str, Comparison],
    *,
    ok: bool,
) -> dict[str, Any]:
    return {
        "ok": ok,
        "date": at,
        "groups": len(roster.groups),
        "idols": len(roster.idols),
        "decoys": len(roster.decoys),
        "findings": [{**msgspec.to_builtins(f), "error": f.kind in ERRORS} for f in findings],
        "tables": [{"file": name, **msgspec.to_builtins(c)} for name, c in compared.items()],
    }


def _draw(
    roster: Roster,
    at: date,
    findings: Sequence[Finding],
    compared: dict[str, Comparison],
    *,
    ok: bool,
) -> None:
    console = Console(highlight=False, soft_wrap=True)
    console.print(
        f"{_many(len(roster.groups), 'group')}, {_many(len(roster.idols), 'idol')} and "
        f"{_many(len(roster.decoys), 'decoy')}, as of {at}",
    )
    _sections(console, findings)
    for name, c in compared.items():
        console.print(Text(f"\nAgainst {name}", "bold"))
        missing = sum(f.kind is Kind.MISSING_MEMBER for f in c.findings)
        console.print(
            f"{c.people} people: {c.matched} in the roster, {missing} missing from its groups, "
            f"{c.elsewhere} of groups it does not have"
        )
        _sections(console, c.findings)
    errors = sum(f.kind in ERRORS for f in findings)
    others = len(findings) - errors + sum(len(c.findings) for c in compared.values())
    mistakes = "No mistake" if ok else _many(errors, "mistake")
    style = "bold green" if ok else "bold red"
    console.print(Text(f"\n{mistakes}, {others} to look at.", style))


def _many(count: int, what: str) -> str:
    return f"{count} {what}{'s' * (count != 1)}"


def _sections(console: Console, findings: Sequence[Finding]) -> None:
    """The findings, those of a kind together under a heading."""
    for kind, group in groupby(findings, key=lambda f: f.kind):
        lines = list(group)
        style = "bold red" if kind in ERRORS else "bold yellow"
        console.print(Text(f"\n{_TITLES[kind]} ({len(lines)})", style))
        for finding in lines:
            console.print(Text(f"  {finding.text}"))
