"""`crumbs evaluate`: how good the core is on a labelled corpus."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click
import msgspec
from rich.console import Console
from rich.table import Table

from bot import settings
from bot.app import utc_now
from bot.domain.judge import Judge
from bot.evaluate import Count, Evaluation, Score, evaluate, load_corpus
from bot.seeds import load_seeds


@click.command()
@click.argument(
    "corpora", nargs=-1, required=True, type=click.Path(path_type=Path, exists=True, dir_okay=False)
)
@click.option("--errors", is_flag=True, help="List every mistake with its explanation.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a corpus.")
def command(corpora: tuple[Path, ...], *, errors: bool, as_json: bool) -> None:
    """Measure the core on labelled posts.

    Prints precision and recall of idols and of announced pairs. A corpus is JSON lines with `id`,
    `lang`, `category`, `title`, `text`, `idols` ("GROUP/NAME") and `interactions` (`a`, `b`,
    `kind`). Dating is out of the score; borderline posts are shown apart; labels that match nobody
    in the roster are listed and count as missed.

    Example: crumbs evaluate tests/gold/open.jsonl --errors
    """
    given = settings.load()
    seeds = load_seeds(given.roster, given.lexicon)
    judge = Judge(seeds.roster, seeds.lexicon)
    console = Console(highlight=False)
    for path in corpora:
        corpus = load_corpus(path.name, path.read_text("utf-8"))
        result = evaluate(corpus, judge, seeds.roster, utc_now())
        if as_json:
            sys.stdout.write(msgspec.json.encode(_data(path.name, result)).decode() + "\n")
        else:
            _print(console, path.name, result, errors=errors)


def _print(console: Console, name: str, result: Evaluation, *, errors: bool) -> None:
    table = Table(title=name, title_justify="left")
    for column in ("", "posts", "idols P", "R", "F1", "pairs P", "R", "F1", "kind", "false in"):
        table.add_column(column, justify="left" if not column else "right")
    table.add_row(*_row("all", result.whole), end_section=True)
    for part in (result.by_category, result.by_lang):
        for key, score in sorted(part.items()):
            table.add_row(*_row(key, score))
        table.add_section()
    if result.borderline.posts:
        table.add_row(*_row("borderline", result.borderline))
    console.print(table)
    withheld = sum(m.what == "withheld pair" for m in result.mistakes)
    console.print(f"withheld as sensitive (counted as missed): {withheld}")
    if result.gaps:
        listed = ", ".join(f"{label} ({n})" for label, n in result.gaps.most_common())
        console.print(f"not in the roster (counted as missed): {listed}", markup=False)
    if errors:
        for m in result.mistakes:
            if m.what != "gap":
                mark = " (borderline)" if m.post.borderline else ""
                console.print(
                    f"{m.post.id}{mark} {m.what}: {m.who} — {m.why}", markup=False, soft_wrap=True
                )


def _row(name: str, score: Score) -> list[str]:
    def shares(count: Count) -> list[str]:
        return [f"{x:.3f}" for x in (count.precision, count.recall, count.f1)]

    right = score.pairs.right
    return [
        name or "?",
        str(score.posts),
        *shares(score.mentions),
        *shares(score.pairs),
        f"{score.right_kind / right:.2f}" if right else "–",
        f"{score.posts_with_false_pair / score.posts:.1%}" if score.posts else "–",
    ]


def _data(name: str, result: Evaluation) -> dict[str, Any]:
    def score(s: Score) -> dict[str, Any]:
        return {
            "posts": s.posts,
            "mentions": _count(s.mentions),
            "pairs": _count(s.pairs),
            "kind_accuracy": s.right_kind / s.pairs.right if s.pairs.right else None,
            "posts_with_false_pair": s.posts_with_false_pair,
        }

    def parts(of: Mapping[str, Score]) -> dict[str, Any]:
        return {key: score(s) for key, s in sorted(of.items())}

    return {
        "corpus": name,
        **score(result.whole),
        "by_category": parts(result.by_category),
        "by_lang": parts(result.by_lang),
        "borderline": score(result.borderline),
        "gaps": dict(result.gaps),
        "mistakes": [
            {"id": m.post.id, "what": m.what, "who": m.who, "why": m.why} for m in result.mistakes
        ],
    }


def _count(count: Count) -> dict[str, float]:
    return {
        "right": count.right,
        "false": count.false,
        "missed": count.missed,
        "precision": count.precision,
        "recall": count.recall,
        "f1": count.f1,
    }
