"""How good the clusterer is on labelled reports: a corpus in, figures and errors out.

A corpus of reports is JSON lines: `id`, `moment` (the occasion it tells of), `pairs`
("GROUP/NAME|GROUP/NAME", those that it says interacted), `kind`, `lang`, `published`, `source`,
`url`, `title`, `text`; where they apply `pair_moments` (a pair that belongs to another moment),
`co_mentions` (pairs named without interaction) and `borderline`.

The reports are fed in order of time. What is scored are items, a report and one of its pairs, by
B-cubed (Bagga and Baldwin 1998): the precision of an item is the share of the items in its story
that are of its moment, its recall the share of the items of its moment that are in its story; the
figures are the means. Reports without pairs are passed over; borderline ones are placed like all
and left out of the score.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import msgspec

from bot.archive import Archive
from bot.domain.ports import Clusterer, Judge
from bot.domain.text import fold
from bot.domain.types import Interaction, Kind, Pair, Post, Tier
from bot.evaluate import Labels, load_lines

#: What a label by a reader counts for, when it stands in place of a judgement.
_LABELLED = 1.0


class StoryReport(msgspec.Struct, frozen=True):
    """A report with the occasion that a careful reader says it tells of."""

    id: str
    moment: str
    published: datetime
    pairs: tuple[str, ...] = ()
    kind: str = ""
    title: str = ""
    text: str = ""
    lang: str = ""
    source: str = ""
    url: str = ""
    #: Pair → the moment that it belongs to, where that is not `moment`.
    pair_moments: dict[str, str] = {}
    borderline: bool = False

    def __post_init__(self) -> None:
        if self.published.tzinfo is None:
            raise ValueError(f"published must have a zone, not {self.published}")
        for label in self.pairs:
            split_pair(label)

    def post(self) -> Post:
        """The report as a source would bring it."""
        at = self.published.astimezone(UTC)
        return Post(
            id=f"{self.source or 'corpus'}:{self.id}",
            source_id=self.source or "corpus",
            title=self.title,
            text=self.text,
            url=self.url,
            lang=self.lang,
            published=at,
            seen_at=at,
        )


def load_reports(name: str, text: str) -> list[StoryReport]:
    """Read labelled reports from JSON lines; raises as `bot.evaluate.load_lines`."""
    return load_lines(name, text, StoryReport)


def split_pair(label: str) -> tuple[str, str]:
    """The two people of "GROUP/NAME|GROUP/NAME".

    Raises:
        ValueError: when it is not two labels.
    """
    one, bar, other = label.partition("|")
    if not (bar and one.strip() and other.strip()) or "|" in other:
        raise ValueError(f"a pair is GROUP/NAME|GROUP/NAME, not {label!r}")
    return one.strip(), other.strip()


def pair_of(label: str, labels: Labels) -> Pair:
    """The pair that "GROUP/NAME|GROUP/NAME" means.

    One person under two groups ("IZ*ONE/Wonyoung", "IVE/Wonyoung") is one. Whom the roster does
    not have gets an id made from the label.

    Raises:
        ValueError: when it is not two labels, or both mean one person.
    """
    return Pair.of(*(labels.find(x) or f"label:{fold(x)}" for x in split_pair(label)))


def labelled(pair: Pair, kind: str) -> Interaction:
    """An interaction as a reader's label tells it; a kind that is none of ours is "other"."""
    known = Kind(kind) if kind in set(Kind) else Kind.OTHER
    return Interaction(pair=pair, kind=known, tier=Tier.ANNOUNCE, confidence=_LABELLED, evidence="")


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """A pair of a report: what is scored."""

    report: StoryReport
    pair: Pair
    #: The moment that a reader says it belongs to.
    moment: str
    #: The story that it was put into.
    story: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Error:
    """Items of one moment in several stories ("split"), or of several moments in one ("merge")."""

    what: str
    #: The moment or the story that they have in common.
    where: str
    #: The items by story or by moment, the most first.
    parts: Mapping[str, tuple[Item, ...]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Clustering:
    """How well items were put together."""

    items: tuple[Item, ...]
    precision: float
    recall: float
    errors: tuple[Error, ...]

    @property
    def f1(self) -> float:
        """The harmonic mean of precision and recall."""
        both = self.precision + self.recall
        return 2 * self.precision * self.recall / both if both else 0.0

    @property
    def stories(self) -> int:
        """How many stories the items are in."""
        return len({i.story for i in self.items})

    @property
    def moments(self) -> int:
        """How many moments the items are of."""
        return len({i.moment for i in self.items})


@dataclass(frozen=True, slots=True, kw_only=True)
class Joint:
    """How well what the judge finds by itself was put together."""

    #: Of the gold items that were found.
    clustering: Clustering
    #: Items that a reader labelled, found or not.
    gold: int
    #: Items that were found and that no reader labelled.
    beyond: int


def cluster_labelled(
    corpus: Sequence[StoryReport], cluster: Clusterer, labels: Labels
) -> Clustering:
    """Place every labelled pair, in the order of the corpus, and compare with the moments."""
    archive = Archive(cluster)
    items: list[Item] = []
    for report in corpus:
        gold = _gold(report, labels)
        placed = archive.take(report.post(), [labelled(p, report.kind) for p in gold])
        items += _items(report, gold, placed)
    return _score(items)


def cluster_judged(
    corpus: Sequence[StoryReport], judge: Judge, cluster: Clusterer, labels: Labels
) -> Joint:
    """Judge every report, place what is announced or possible, and compare with the moments."""
    archive = Archive(cluster)
    items: list[Item] = []
    wanted = beyond = 0
    for report in corpus:
        post = report.post()
        found = [i for i in judge(post).interactions if i.tier is not Tier.SENSITIVE]
        placed = archive.take(post, found)
        gold = _gold(report, labels)
        items += _items(report, gold, placed)
        if not report.borderline:
            wanted += len(gold)
            beyond += len(placed.keys() - gold.keys())
    return Joint(clustering=_score(items), gold=wanted, beyond=beyond)


def in_order(corpus: Iterable[StoryReport]) -> list[StoryReport]:
    """The reports by time of publication."""
    return sorted(corpus, key=lambda r: (r.published, r.id))


def _gold(report: StoryReport, labels: Labels) -> dict[Pair, str]:
    return {
        pair_of(label, labels): report.pair_moments.get(label, report.moment)
        for label in report.pairs
    }


def _items(report: StoryReport, gold: Mapping[Pair, str], placed: Mapping[Pair, str]) -> list[Item]:
    if report.borderline:
        return []
    return [
        Item(report=report, pair=pair, moment=moment, story=placed[pair])
        for pair, moment in gold.items()
        if pair in placed
    ]


def _score(items: Sequence[Item]) -> Clustering:
    stories: dict[str, list[Item]] = defaultdict(list)
    moments: dict[str, list[Item]] = defaultdict(list)
    for item in items:
        stories[item.story].append(item)
        moments[item.moment].append(item)
    precision = recall = 0.0
    for item in items:
        both = sum(other.moment == item.moment for other in stories[item.story])
        precision += both / len(stories[item.story])
        recall += both / len(moments[item.moment])
    count = len(items) or 1
    errors = [
        *_errors("split", moments, lambda i: i.story),
        *_errors("merge", stories, lambda i: i.moment),
    ]
    return Clustering(
        items=tuple(items),
        precision=precision / count if items else 1.0,
        recall=recall / count if items else 1.0,
        errors=tuple(errors),
    )


def _errors(
    what: str, together: Mapping[str, Sequence[Item]], by: Callable[[Item], str]
) -> Iterator[Error]:
    for where, items in together.items():
        parts: dict[str, list[Item]] = defaultdict(list)
        for item in items:
            parts[by(item)].append(item)
        if len(parts) > 1:
            largest_first = sorted(parts.items(), key=lambda x: -len(x[1]))
            yield Error(what=what, where=where, parts={k: tuple(v) for k, v in largest_first})
