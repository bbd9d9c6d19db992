"""`crumbs cluster`: reports in as JSON lines, the stories that their pairs belong to out."""

from __future__ import annotations

import json
import sys
from datetime import UTC, datetime
from typing import Any, BinaryIO

import click
import msgspec

from bot import settings
from bot.archive import Archive
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
    answer_lines(
        sys.stdin.buffer,
        sys.stdout.buffer,
        Archive(Clusterer(seeds.lexicon)),
        Labels(seeds.roster),
    )


def answer_lines(lines: BinaryIO, out: BinaryIO, archive: Archive, labels: Labels) -> None:
    """Answer each line that is not blank by one line."""
    for raw in lines:
        if not raw.strip():
            continue
        out.write(msgspec.json.encode(_answer(raw, archive, labels)) + b"\n")
        out.flush()


def _answer(raw: bytes, archive: Archive, labels: Labels) -> dict[str, Any]:
    try:
        document = json.loads(raw.decode("utf-8", "replace"))  # takes lone surrogates, unlike most
    except (ValueError, RecursionError) as error:
        return {"id": None, "error": f"not JSON: {error}"}
    given = document.get("id") if isinstance(document, dict) else None
    given = _whole(given) if isinstance(given, str) else given
    try:
        line = msgspec.convert(document, _Line)
        at = datetime.fromisoformat(line.published)
        at = at.replace(tzinfo=at.tzinfo or UTC).astimezone(UTC)
        pairs = {label: pair_of(_whole(label), labels) for label in line.pairs or ()}
    except (msgspec.ValidationError, ValueError, OverflowError) as error:
        answer = {"id": given if isinstance(given, str | int) else None}
        return {**answer, "error": _whole(f"no report: {error}")}
    post = Post(
        id=str(given),
        source_id=_whole(line.source or "stdin"),
        title=_whole(line.title or ""),
        text=_whole(line.text or ""),
        url=line.url or "",
        lang=(line.lang or "").split("-")[0].lower(),
        published=at,
        seen_at=at,
    )
    told = [labelled(pair, line.kind or "") for pair in dict.fromkeys(pairs.values())]
    placed = archive.take(post, told)
    return {"id": given, "stories": {_whole(x): placed[pair] for x, pair in pairs.items()}}


def _whole(text: str) -> str:
    """Text with a replacement character for each lone surrogate, which no answer can hold."""
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
