"""`crumbs roster refresh`: what Wikidata knows that the roster does not, as a proposal."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import click
import msgspec
from rich.console import Console
from rich.text import Text

from bot import settings
from bot.app import user_agent, utc_now
from bot.domain.errors import ConfigError, CrumbsError
from bot.domain.roster import Roster
from bot.domain.roster_refresh import Finding, compare, overlay, sections
from bot.seeds import load_seeds
from bot.settings import Settings
from bot.sources.http import Fetcher
from bot.sources.wikidata import ENDPOINT, TIMEOUT, Found, Wikidata


@click.command()
@click.option(
    "--out",
    type=click.Path(dir_okay=False, path_type=Path),
    default=Path("roster-proposed.toml"),
    show_default=True,
    metavar="FILE",
    help="Where to write the proposal.",
)
@click.option("--force", is_flag=True, help="Overwrite that file if there is one.")
@click.option(
    "--group",
    "chosen",
    multiple=True,
    metavar="ID",
    help="Ask for this group only (repeatable).",
)
@click.option(
    "--endpoint",
    default=ENDPOINT,
    show_default=True,
    metavar="URL",
    help="A query service that has Wikidata's items.",
)
@click.option("--json", "as_json", is_flag=True, help="One JSON object instead of lists.")
def command(*, out: Path, force: bool, chosen: Sequence[str], endpoint: str, as_json: bool) -> None:
    """Ask Wikidata what the roster lacks.

    It asks for the members of the roster's groups and writes what differs into a file: idols and
    memberships that the roster does not have, members who have left, birth dates and names that
    are missing here or differ. The file is a proposal to review and copy from. Nothing of it
    counts by itself, and what is unclear is listed without one.

    A group is recognised by its English and its Hangul name together, a person by group, name
    and birth date. The whole roster takes some minutes, one request at a time. Needs
    CRUMBS_CONTACT: Wikidata wants to know whom to write to. Where a request fails, the file
    holds the rest and names the groups that are left.

    The roster is the one that CRUMBS_ROSTER names.

    Example: crumbs roster refresh --group twice --out twice.toml

    Exit codes: 0 every group was asked for; 1 some were not, or the file cannot be written; 3 a
    setting, a group or the file's place is wrong.
    """
    given = settings.load()
    roster = load_seeds(given.roster, given.lexicon).roster
    group_ids = list(dict.fromkeys(chosen)) or list(roster.groups)
    _check(given, roster, group_ids, out, force=force)
    found = Found()
    with suppress(KeyboardInterrupt):  # what is there by then is written
        asyncio.run(_ask(given, roster, group_ids, endpoint, found))
    today = utc_now().date()
    findings = [
        *compare(roster, found.known, found.stints, found.people.values(), today),
        *found.unclear,
    ]
    unasked = [g for g in group_ids if g not in set(found.asked)]
    if found.asked:
        try:
            out.write_text(overlay(findings, unasked, today), "utf-8")
        except OSError as error:
            raise CrumbsError(f"--out: {out} cannot be written: {error.strerror}") from error
    if as_json:
        document = {
            "ok": not unasked,
            "file": str(out) if found.asked else None,
            "asked": found.asked,
            "unasked": unasked,
            "problems": found.problems,
            "items": found.known,
            "findings": findings,
        }
        click.echo(msgspec.json.encode(document))
    elif found.asked:
        _draw(findings, found, out)
    if unasked:
        for problem in found.problems:
            click.echo(f"crumbs: {problem}", err=True)
        click.echo(
            f"crumbs: Nothing was learned of {len(unasked)} of {len(group_ids)} groups. "
            f"Try again later{_again(found, unasked)}.",
            err=True,
        )
        sys.exit(1)


def _check(
    given: Settings, roster: Roster, group_ids: Sequence[str], out: Path, *, force: bool
) -> None:
    """Find what is wrong before anything is asked.

    Raises:
        ConfigError: with a sentence for everything.
    """
    problems = [
        f"--group: there is no group {g!r} in the roster; ids stand in its files"
        for g in group_ids
        if g not in roster.groups
    ]
    if not given.contact:
        problems.append(
            "CRUMBS_CONTACT is not set. Wikidata serves programs only that say whom to write to: "
            "set it to an address or e-mail of yours."
        )
    if not out.parent.is_dir():
        problems.append(f"--out: there is no folder {out.parent}")
    elif out.resolve().parent == given.roster.resolve():
        problems.append(
            f"--out: what lies in {given.roster} counts at once; write the proposal elsewhere"
        )
    elif out.exists() and not force:
        problems.append(f"--out: there is {out} already; name another file, or add --force")
    if problems:
        raise ConfigError(*problems)


async def _ask(
    given: Settings, roster: Roster, group_ids: Sequence[str], endpoint: str, found: Found
) -> None:
    agent = user_agent(given)
    async with Fetcher(agent, allow=given.fetch_allow, total=TIMEOUT, idle=TIMEOUT) as fetcher:
        wikidata = Wikidata(
            fetcher, endpoint=endpoint, tell=lambda sentence: click.echo(sentence, err=True)
        )
        await wikidata.ask(roster, group_ids, found)


def _draw(findings: Sequence[Finding], found: Found, out: Path) -> None:
    console = Console(highlight=False, soft_wrap=True)
    console.print(f"{len(found.asked)} groups asked for, {len(found.known)} recognised")
    for title, lines in sections(findings):
        console.print(Text(f"\n{title} ({len(lines)})", "bold yellow"))
        for finding in lines:
            items = f" [{', '.join(finding.items)}]" if finding.items else ""
            console.print(Text(f"  {finding.text}{items}"))
    proposed = sum(bool(f.toml) for f in findings)
    console.print(
        Text(
            f"\n{proposed} proposed, {len(findings) - proposed} to decide. "
            f"Nothing has changed; {out} is yours to review.",
            "bold green",
        )
    )


def _again(found: Found, unasked: Sequence[str]) -> str:
    """How to ask for the rest only; "" when there is nothing but the rest."""
    if not found.asked:
        return "; no file was written"
    if len(unasked) > 20:
        return " for those that the file names, with --group"
    options = "".join(f" --group {g}" for g in unasked)
    return f": crumbs roster refresh{options} --out rest.toml"
