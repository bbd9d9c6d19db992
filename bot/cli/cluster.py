"""`crumbs cluster`: reports in as JSON lines, the stories that their pairs belong to out."""

from __future__ import annotations

import sys
from typing import Any

import click
import msgspec

from bot import settings
from bot.archive import Archive
from bot.cli.lines import answer_lines, language, moment, whole
from bot.domain.cluster import Clusterer
from bot.domain.types import Post
from bot.evaluate import Labels
from bot.evaluate_stories import labelled, pair_of
from bot.seeds import load_seeds


class _Line(msgspec.Struct):
    """What is asked of one report; anything else on the line is passed over."""

    id: str | int
    #: ISO 8601; a date alone is its midnight, a time without a zone is in UTC.
    published: str
    pairs: list[str] | None = None
    kind: str | None = None
    title: str | None = None
    text: str | None = None
    url: str | None = None
    lang: str | None = None
    source: str | None = None


@click.command()
def command() -> None:
    """Sort reports into the stories that they tell of.

    Reads one JSON object a line, in order of time, from standard input. `id`, `published`
    (ISO 8601) and `pairs` ("GROUP/NAME|GROUP/NAME", soloists "SOLO/NAME") say who met when; `kind`,
    `title`, `text`, `url`, `lang` and `source` help. Each line is answered by one line in the same
    order: for each pair the story it belongs to. A story may have several pairs. A line that cannot
    be read is answered by one with `error`.

    Example: crumbs cluster < reports.jsonl
    """
    given = settings.load()
    seeds = load_seeds(given.roster, given.lexicon)
    archive, labels = Archive(Clusterer(seeds.lexicon)), Labels(seeds.roster)
    answer_lines(
        sys.stdin.buffer,
        sys.stdout.buffer,
        _Line,
        "report",
        lambda given, line: _answer(given, line, archive, labels),
    )


def _answer(given: str | int, line: _Line, archive: Archive, labels: Labels) -> dict[str, Any]:
    at = moment(line.published)
    pairs = {label: pair_of(whole(label), labels) for label in line.pairs or ()}
    post = Post(
        id=str(given),
        source_id=whole(line.source or "stdin"),
        title=whole(line.title or ""),
        text=whole(line.text or ""),
        url=line.url or "",
        lang=language(line.lang),
        published=at,
        seen_at=at,
    )
    told = [labelled(pair, line.kind or "") for pair in dict.fromkeys(pairs.values())]
    placed = archive.take(post, told)
    return {"stories": {whole(x): placed[pair] for x, pair in pairs.items()}}
