"""`crumbs judge`: posts in as JSON lines, judgements out as JSON lines."""

from __future__ import annotations

import sys
from datetime import UTC, date, datetime
from typing import Any

import click
import msgspec

from bot import settings
from bot.cli.lines import answer_lines, language, moment, whole
from bot.domain.judge import Judge
from bot.domain.roster import Roster
from bot.domain.types import Interaction, Judgement, Mention, Post, Rejection
from bot.pipeline import judged
from bot.seeds import load_seeds


class _Line(msgspec.Struct):
    """What is asked of one post; anything else on the line is passed over."""

    id: str | int
    text: str
    title: str | None = None
    url: str | None = None
    lang: str | None = None
    #: ISO 8601; a date alone is its midnight, a time without a zone is in UTC.
    published: str | None = None


@click.command()
def command() -> None:
    """Judge posts read from standard input, one JSON object a line.

    Only `id` and `text` are required; `title`, `url`, `lang` and `published` (ISO 8601) help. Each
    line is answered by one line in the same order: the idols that are named, who interacted and
    how, and why other pairs did not. A line that cannot be read is answered by one with `error`.

    Example: crumbs judge < posts.jsonl
    """
    given = settings.load()
    seeds = load_seeds(given.roster, given.lexicon)
    judge = Judge(seeds.roster, seeds.lexicon)
    answer_lines(
        sys.stdin.buffer,
        sys.stdout.buffer,
        _Line,
        "post",
        lambda given, line: _answer(given, line, judge, seeds.roster, datetime.now(UTC)),
    )


def _answer(
    given: str | int, line: _Line, judge: Judge, roster: Roster, now: datetime
) -> dict[str, Any]:
    post = Post(
        id=str(given),
        source_id="stdin",
        title=whole(line.title or ""),
        text=whole(line.text),
        url=line.url or "",
        lang=language(line.lang),
        published=moment(line.published) if line.published else None,
        seen_at=now,
    )
    return describe(judged(judge, post), roster, post.at.date())


def describe(judgement: Judgement, roster: Roster, at: date) -> dict[str, Any]:
    """A judgement as plain data, with names beside ids."""
    return {
        "mentions": [_mention(m, roster) for m in judgement.mentions],
        "interactions": [_interaction(i, roster) for i in judgement.interactions],
        "rejections": [_rejection(r, roster) for r in judgement.rejections],
        "as_of": at.isoformat(),
    }


def _person(idol_id: str, roster: Roster) -> dict[str, Any]:
    idol = roster.idols[idol_id]
    return {
        "id": idol_id,
        "name": idol.name,
        "aliases": [a.text for a in idol.aliases],
        "groups": [g.name for g in roster.groups_of(idol_id)],
    }


def _mention(mention: Mention, roster: Roster) -> dict[str, Any]:
    person = _person(mention.idol_id, roster)
    return {
        "idol": person.pop("id"),
        **person,
        "field": mention.field,
        "start": mention.start,
        "end": mention.end,
        "surface": mention.surface,
        "confidence": mention.confidence,
    }


def _interaction(interaction: Interaction, roster: Roster) -> dict[str, Any]:
    return {
        "a": _person(interaction.pair.a, roster),
        "b": _person(interaction.pair.b, roster),
        "kind": interaction.kind,
        "tier": interaction.tier,
        "past": interaction.past,
        "confidence": interaction.confidence,
        "evidence": interaction.evidence,
        "because": interaction.because,
    }


def _rejection(rejection: Rejection, roster: Roster) -> dict[str, Any]:
    pair = rejection.pair
    return {
        "a": _person(pair.a, roster) if pair else None,
        "b": _person(pair.b, roster) if pair else None,
        "reason": rejection.reason,
        "detail": rejection.detail,
        "because": rejection.because,
    }
