"""`crumbs explain`: why a text would or would not be announced."""

from __future__ import annotations

import asyncio
import math
import sys
from pathlib import Path

import click
import msgspec
from rich.console import Console
from rich.table import Table
from rich.text import Text

from bot import settings
from bot.app import user_agent, utc_now
from bot.cli import cards
from bot.cli.judge import describe
from bot.domain.errors import ConfigError
from bot.domain.judge import Explanation, Judge, enough
from bot.domain.link import Reading
from bot.domain.roster import Roster
from bot.domain.scoring import ACCEPT, MARGIN
from bot.domain.types import Interaction, Pair, Post, Tier, Verdict
from bot.seeds import load_seeds
from bot.settings import Settings
from bot.sources.http import Fetcher
from bot.sources.page import read_page


@click.command()
@click.argument("what", nargs=-1, required=True, metavar="TEXT|FILE|ADDRESS")
@click.option("--title", default="", help="The headline, where WHAT is only the text.")
@click.option("--lang", default="", help="ISO 639-1 code of the language, if you know it.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object instead of a drawing.")
def command(what: tuple[str, ...], title: str, lang: str, *, as_json: bool) -> None:
    """Show how a post is read, and why.

    Every name is shown with what it could mean, what speaks for each, who won and what would have
    helped; then every verdict. WHAT is a text, the name of a file that holds one
    ("-" for standard input), or the https:// address of an article.

    Example: crumbs explain "BLACKPINK's Jisoo and SEVENTEEN's Mingyu bow to each other."
    """
    given = settings.load()
    seeds = load_seeds(given.roster, given.lexicon)
    post = _post(" ".join(what), title, lang, given)
    explained = Judge(seeds.roster, seeds.lexicon).explain(post)
    if as_json:
        data = {
            "title": post.title,
            "text": post.text,
            "names": explained.readings,
            **describe(explained.judgement, seeds.roster, post.at.date()),
        }
        sys.stdout.buffer.write(msgspec.json.encode(data) + b"\n")
    else:
        _draw(Console(highlight=False), post, explained, seeds.roster)


def _post(what: str, title: str, lang: str, given: Settings) -> Post:
    text = what
    if what.startswith(("http://", "https://")):
        page_title, text = asyncio.run(_fetched(what, given))
        title = title or page_title
        if not text:
            raise ConfigError(f"{what}: the page holds no paragraph of text; paste the text itself")
    elif what == "-":
        text = sys.stdin.buffer.read().decode("utf-8", "replace")
    elif len(what) < 250 and Path(what).is_file():
        text = Path(what).read_text("utf-8", "replace")
    return Post(
        id="explain", source_id="explain", title=title, text=text, lang=lang, seen_at=utc_now()
    )


async def _fetched(address: str, given: Settings) -> tuple[str, str]:
    async with Fetcher(user_agent(given), allow=given.fetch_allow) as fetcher:
        answer = await fetcher.get(address, headers={"Accept": "text/html"})
        kind = answer.headers.get("Content-Type", "")
        return await asyncio.to_thread(read_page, answer.body, kind)


def _draw(console: Console, post: Post, explained: Explanation, roster: Roster) -> None:
    readings = [r for r in explained.readings if any(c.id in roster.idols for c in r.candidates)]
    for reading in readings:
        console.print(_names(reading, roster))
        console.print(Text(_why(reading), style="dim"), "\n")
    if not readings:
        console.print("No name that the roster knows.\n")
    for verdict in explained.judgement.verdicts:
        if verdict.pair is not None and verdict.because:
            console.print(_weighed(verdict, verdict.pair, roster))
            console.print(Text(_tipped(verdict), style="dim"), "\n")
    console.print(cards.verdict(post, explained.judgement, roster))


def _names(reading: Reading, roster: Roster) -> Table:
    table = Table(title=f"“{reading.surface}” in the {reading.field}", title_justify="left")
    table.add_column("who")
    table.add_column("score", justify="right")
    table.add_column("because")
    for candidate in reading.candidates[:5]:
        known = candidate.id in roster.idols
        name = roster.label(candidate.id, utc_now().date()) if known else candidate.name
        because = ", ".join(f"{what} {much:+.1f}" for what, much in candidate.features.items())
        style = "green" if candidate.id == reading.chosen else ""
        table.add_row(name, f"{candidate.score:.1f}", because, style=style)
    return table


def _why(reading: Reading) -> str:
    """Why the first was linked, or what would have tipped the balance."""
    best = reading.candidates[0]
    lead = best.score - reading.candidates[1].score if len(reading.candidates) > 1 else None
    if reading.chosen is not None:
        ahead = f" and leads by {lead:.1f}" if lead is not None else ""
        return f"Linked: {best.score:.1f} is at least {ACCEPT}{ahead}."
    if best.id.startswith("decoy."):
        return f"Left alone: {best.name} is likelier. The idol's group beside the name would help."
    if best.score < ACCEPT:
        return (
            f"Left alone: {ACCEPT - best.score:.1f} short of {ACCEPT}. The group beside the name "
            "(+4) or anywhere in the post (+2) would do."
        )
    return (
        f"Left alone: it leads by {lead or 0:.1f} only, and {MARGIN} is needed. A group would tell."
    )


def _weighed(verdict: Verdict, pair: Pair, roster: Roster) -> Table:
    today = utc_now().date()
    who = " × ".join(roster.label(i, today) for i in (pair.a, pair.b))
    table = Table("what counted", title=who, title_justify="left")
    table.add_column("log-odds", justify="right")
    for what, much in verdict.because:
        table.add_row(what, f"{much:+.2f}")
    return table


def _tipped(verdict: Verdict) -> str:
    """How far the verdict is from another one, in the table's unit."""
    if not isinstance(verdict, Interaction):
        return "Not an interaction: what speaks for one is too little even for a possible moment."
    needed = enough(verdict.kind)
    if verdict.tier is Tier.ANNOUNCE:
        return f"Announced: {verdict.confidence:.0%} sure, and {needed:.0%} is enough."
    if verdict.tier is Tier.SENSITIVE:
        return "Withheld, however sure it is: sensitive, or one of them may be under age."
    if verdict.confidence >= needed:
        return "A possible moment: a rumour, or words that tell of no more than the same event."
    short = math.log(needed / (1 - needed)) - math.log(
        verdict.confidence / (1 - verdict.confidence)
    )
    return f"A possible moment: {short:.1f} more would announce it."
