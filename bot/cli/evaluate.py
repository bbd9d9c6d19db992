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
from bot.domain.cluster import Clusterer
from bot.domain.judge import Judge
from bot.evaluate import Count, Evaluation, Labels, Score, evaluate, load_corpus
from bot.evaluate_stories import (
    Clustering,
    Joint,
    cluster_judged,
    cluster_labelled,
    in_order,
    load_reports,
)
from bot.seeds import load_seeds


@click.command()
@click.argument("corpora", nargs=-1, type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option(
    "--stories",
    multiple=True,
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="Labelled reports, to be sorted into stories. May be given more than once.",
)
@click.option("--errors", is_flag=True, help="List every mistake with its explanation.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a corpus.")
def command(
    corpora: tuple[Path, ...], *, stories: tuple[Path, ...], errors: bool, as_json: bool
) -> None:
    """Measure the core on labelled posts, and on labelled reports.

    Prints precision and recall of idols and of announced pairs. A corpus is JSON lines with `id`,
    `lang`, `category`, `title`, `text`, `idols` ("GROUP/NAME") and `interactions` (`a`, `b`,
    `kind`). Dating is out of the score; borderline posts are shown apart; labels that match nobody
    in the roster are listed and count as missed.

    With --stories, reports with `moment`, `pairs`, `kind`, `published` are sorted into stories in
    order of time: once with the labelled pairs, once with what the judge finds. Prints B-cubed
    precision and recall over reports and their pairs, and every split and merged moment.

    Example: crumbs evaluate tests/gold/open.jsonl --errors
    """
    if not corpora and not stories:
        raise click.UsageError("Give at least one corpus, or --stories.")
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
    cluster, labels = Clusterer(seeds.lexicon), Labels(seeds.roster)
    for path in stories:
        reports = in_order(load_reports(path.name, path.read_text("utf-8")))
        alone = cluster_labelled(reports, cluster, labels)
        joint = cluster_judged(reports, judge, cluster, labels)
        if as_json:
            answer = _stories_data(path.name, alone, joint)
            sys.stdout.write(msgspec.json.encode(answer).decode() + "\n")
        else:
            _print_stories(console, path.name, alone, joint)


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


def _print_stories(console: Console, name: str, alone: Clustering, joint: Joint) -> None:
    table = Table(title=name, title_justify="left")
    for column in ("B-cubed", "items", "moments", "stories", "P", "R", "F1"):
        table.add_column(column, justify="left" if column == "B-cubed" else "right")
    for what, found in (("labelled pairs", alone), ("what the judge finds", joint.clustering)):
        shares = [f"{x:.3f}" for x in (found.precision, found.recall, found.f1)]
        counts = (len(found.items), found.moments, found.stories)
        table.add_row(what, *map(str, counts), *shares)
    console.print(table)
    console.print(
        f"found by the judge: {len(joint.clustering.items)} of {joint.gold} labelled pairs, and "
        f"{joint.beyond} that nobody labelled"
    )
    for error in alone.errors:
        apart = "is in several stories" if error.what == "split" else "has several moments"
        console.print(f"\n{error.what}: {error.where} {apart}", markup=False)
        for key, items in error.parts.items():
            console.print(f"  {key}", markup=False)
            for item in items:
                told = item.report
                console.print(
                    f"    {told.published:%Y-%m-%d %H:%M} {told.id} [{told.lang}, {told.kind}] "
                    f"{item.pair.a} × {item.pair.b}: {told.title or told.text[:60]}",
                    markup=False,
                    soft_wrap=True,
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


def _stories_data(name: str, alone: Clustering, joint: Joint) -> dict[str, Any]:
    return {
        "corpus": name,
        **_clustering(alone),
        "joint": {
            **_clustering(joint.clustering),
            "gold": joint.gold,
            "found": len(joint.clustering.items),
            "beyond": joint.beyond,
        },
    }


def _clustering(found: Clustering) -> dict[str, Any]:
    return {
        "items": len(found.items),
        "moments": found.moments,
        "stories": found.stories,
        "precision": found.precision,
        "recall": found.recall,
        "f1": found.f1,
        "errors": [
            {
                "what": e.what,
                "where": e.where,
                "parts": {
                    key: [
                        {"id": i.report.id, "pair": [i.pair.a, i.pair.b], "title": i.report.title}
                        for i in items
                    ]
                    for key, items in e.parts.items()
                },
            }
            for e in found.errors
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
