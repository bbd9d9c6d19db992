"""Fit the judge's weights on the labelled posts beside this file.

    python -m tests.gold.fit          cross-validate, and write seeds/lexicon/weights.toml
    python -m tests.gold.fit --check  only cross-validate

Two models, both logistic regressions with an L2 penalty (scikit-learn), without an intercept, for
"bias" is a feature. In the first each occasion that the policy leaves open is a row: its features,
and whether the labels say that this sentence reports an interaction of this pair. Other occasions
of a pair that did interact are left out, for nobody labelled them. In the second each pair is a
row: what the first, fitted on other posts, says of it and of the others of its post. The sealed
half is never read.

What is fitted is what readers see who do not know a third of the cue expressions, each another
third. For the lexicon knows the words of these posts, which were read when it was written, better
than those of any other; weights fitted on the whole of it trust it too much.
"""

from __future__ import annotations

import json
import sys
import zlib
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import numpy as np
from sklearn.feature_extraction import DictVectorizer
from sklearn.linear_model import LogisticRegression

from bot.domain.features import Reach
from bot.domain.judge import Judge
from bot.domain.lexicon import Weights
from bot.domain.standing import Standing, Weighed, standings
from bot.domain.types import Kind, Pair
from bot.evaluate import MOST_PAIRS, Labelled, Labels, load_corpus
from bot.seeds import load_seeds
from bot.settings import SEEDS

HERE = Path(__file__).parent
WEIGHTS = SEEDS / "lexicon" / "weights.toml"
CORPORA = ("dev", "dev-long", "open", "opened", "articles", "textbook", "reports")
#: Inverse strength of the penalty, chosen by cross-validation.
STRENGTH = 0.4
STRENGTH_OF_PAIRS = 0.1
FOLDS = 8
#: So many readers, each of whom does not know this share of the cue expressions.
READERS = 6
FORGOTTEN = 1 / 3
#: In so many parts the posts are cut to learn what the first model says of posts it has not seen.
PARTS = 5
#: Only the day matters, for who is in which group.
DAY = datetime(2026, 11, 1, tzinfo=UTC)

Row = Mapping[str, float]


@dataclass(frozen=True)
class Sample:
    """A post with its occasions and its labels."""

    corpus: str
    post: Labelled
    weighed: Mapping[Pair, Sequence[Weighed]]
    #: The same as seen by readers who do not know all words.
    forgetful: Sequence[Mapping[Pair, Sequence[Weighed]]]
    gold: Mapping[Pair, Sequence[str]]
    #: Labels that no roster entry matches, and pairs that are out of the score.
    missing: int
    ignored: frozenset[Pair]


def samples(names: Sequence[str] = CORPORA) -> list[Sample]:
    """Weigh every post of the corpora."""
    seeds = load_seeds(SEEDS / "roster", SEEDS / "lexicon")
    judge, labels = Judge(seeds.roster, seeds.lexicon), Labels(seeds.roster)
    readers = [
        Judge(seeds.roster, seeds.lexicon.without(partial(_forgotten, reader)))
        for reader in range(READERS)
    ]
    made = []
    for name in names:
        path = HERE / f"{name}.jsonl"
        for post in load_corpus(path.name, path.read_text("utf-8")):
            gold: dict[Pair, list[str]] = defaultdict(list)
            ignored, missing = set(), 0
            for told in post.interactions:
                a, b = labels.find(told.a), labels.find(told.b)
                if a is None or b is None:
                    missing += told.kind is not Kind.DATING_RUMOUR
                elif told.kind is Kind.DATING_RUMOUR:
                    ignored.add(Pair.of(a, b))
                elif a != b:
                    gold[Pair.of(a, b)].append(told.evidence)
            forgetful = [_weigh(reader, post) for reader in readers]
            made.append(
                Sample(
                    name, post, _weigh(judge, post), forgetful, gold, missing, frozenset(ignored)
                )
            )
    return made


def _forgotten(reader: int, expression: str) -> bool:
    return zlib.crc32(f"{reader} {expression}".encode()) < FORGOTTEN * 2**32


def _weigh(judge: Judge, post: Labelled) -> dict[Pair, list[Weighed]]:
    weighed: dict[Pair, list[Weighed]] = defaultdict(list)
    for one in judge.weigh(post.read_at(DAY)):
        weighed[one.occasion.pair].append(one)
    return weighed


def rows(given: Sequence[Sample]) -> tuple[list[Row], list[int]]:
    """What is fitted: the features of the occasions, and 1 where an interaction is reported."""
    seen: list[Row] = []
    told: list[int] = []
    for sample in given:
        if sample.post.borderline:
            continue
        for pair, weighed in (both for reader in sample.forgetful for both in reader.items()):
            free = [w for w in weighed if _open(w)]
            if pair in sample.ignored:
                continue
            if pair in sample.gold:
                right = [w for w in free if _quotes(w, sample.gold[pair])]
                named = [w for w in free if w.cue and w.occasion.reach is Reach.NAMED]
                free = right or named[:1]
            seen += [w.seen for w in free]
            told += [int(pair in sample.gold)] * len(free)
    return seen, told


def _open(weighed: Weighed) -> bool:
    """Whether the weights decide if it is announced."""
    return weighed.settled is None and not weighed.rumour


def _quotes(weighed: Weighed, evidence: Sequence[str]) -> bool:
    scene = weighed.occasion.scene
    text = _spaced(scene.text.raw[scene.start : scene.end])
    return any(e in text or text in e or e[:25] in text for e in map(_spaced, evidence) if e)


def _spaced(text: str) -> str:
    return " ".join(text.split())


def fit(given: Sequence[Sample]) -> Weights:
    """The weights that explain the labels best."""
    return Weights(occasion=_fit_occasions(given), pair=_fit_pairs(given))


def _fit_occasions(given: Sequence[Sample]) -> dict[str, float]:
    return _regress(*rows(given), STRENGTH)


def _fit_pairs(given: Sequence[Sample]) -> dict[str, float]:
    seen: list[Row] = []
    told: list[int] = []
    for part, rest in _parts(len(given), PARTS, seed=2):
        first = Weights(occasion=_fit_occasions([given[i] for i in rest]))
        for sample in (given[i] for i in part):
            if sample.post.borderline or len(sample.post.interactions) >= MOST_PAIRS:
                continue
            for reader in sample.forgetful:
                for pair, standing in standings(reader, first).items():
                    if pair not in sample.ignored and not standing.surest.rumour:
                        seen.append(standing.seen)
                        told.append(int(pair in sample.gold))
    return _regress(seen, told, STRENGTH_OF_PAIRS)


def _regress(seen: Sequence[Row], told: Sequence[int], strength: float) -> dict[str, float]:
    vectors = DictVectorizer(sparse=False)
    model = LogisticRegression(C=strength, solver="liblinear", fit_intercept=False, max_iter=1000)
    model.fit(vectors.fit_transform(seen), np.array(told))
    weights = zip(vectors.get_feature_names_out(), model.coef_[0], strict=True)
    return {str(name): round(float(w), 3) for name, w in weights if abs(w) >= 0.005}


def _parts(many: int, parts: int, seed: int) -> Iterator[tuple[list[int], list[int]]]:
    """Cut 0 … many - 1 at random: each part, and the rest."""
    order = np.random.default_rng(seed).permutation(many)
    for part in range(parts):
        yield (
            [int(i) for i in order[part::parts]],
            [int(i) for n, i in enumerate(order) if n % parts != part],
        )


def cross_validate(given: Sequence[Sample], thresholds: Sequence[float]) -> None:
    """Print precision and recall of pairs when each post is judged by weights of the others."""
    tally = {(c, t): np.zeros(3) for c in ("all", *CORPORA) for t in thresholds}
    for part, rest in _parts(len(given), FOLDS, seed=1):
        weights = fit([given[i] for i in rest])
        for sample in (given[i] for i in part):
            stand = standings(sample.weighed, weights)
            for t in thresholds:
                counts = _count(sample, stand, t)
                tally["all", t] += counts
                tally[sample.corpus, t] += counts
    for corpus in ("all", *CORPORA):
        figures = []
        for t in thresholds:
            right, false, missed = tally[corpus, t]
            p = right / max(right + false, 1)
            figures.append(f"{t}: P {p:.3f} R {right / max(right + missed, 1):.3f}")
        sys.stdout.write(f"{corpus:9} {' | '.join(figures)}\n")


def _count(sample: Sample, stand: Mapping[Pair, Standing], threshold: float) -> np.ndarray:
    if sample.post.borderline:
        return np.zeros(3)
    said = {
        pair for pair, s in stand.items() if s.chance >= threshold and not s.surest.rumour
    } - sample.ignored
    right = len(said & sample.gold.keys())
    false = len(said - sample.gold.keys()) if len(sample.post.interactions) < MOST_PAIRS else 0
    return np.array([right, false, len(sample.gold.keys() - said) + sample.missing])


def text(weights: Weights) -> str:
    """The weights as the file that is shipped."""
    return "\n".join(
        [
            "# How much what is seen speaks for an interaction, in log-odds. Fitted by",
            "# tests/gold/fit.py on the labelled posts beside it, not by hand.",
            "",
            "# Of two people in a sentence (bot/domain/features.py).",
            *_table("occasion", weights.occasion),
            "",
            "# Of a pair beside the others of its post (bot/domain/standing.py).",
            *_table("pair", weights.pair),
            "",
        ]
    )


def _table(name: str, weights: Row) -> Iterator[str]:
    yield f"[{name}]"
    for what, much in sorted(weights.items()):
        yield f"{json.dumps(what, ensure_ascii=False)} = {much}"


if __name__ == "__main__":
    made = samples()
    cross_validate(made, (0.5, 0.55, 0.6, 0.65, 0.7, 0.75, 0.8))
    if "--check" not in sys.argv:
        WEIGHTS.write_text(text(fit(made)), "utf-8")
