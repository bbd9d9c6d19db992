"""Fit the judge's weights on the labelled posts beside this file.

    python -m tests.gold.fit          cross-validate, and write seeds/lexicon/weights.toml
    python -m tests.gold.fit --check  only cross-validate

Each occasion that the policy leaves open is a row: its features, and whether the labels say that
this sentence reports an interaction of this pair. Other occasions of a pair that did interact are
left out, for nobody labelled them. The model is a logistic regression with an L2 penalty
(scikit-learn), without an intercept, for "bias" is a feature. The sealed half is never read.
"""

from __future__ import annotations

import json
import sys
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from sklearn.feature_extraction import DictVectorizer
from sklearn.linear_model import LogisticRegression

from bot.domain.features import Reach
from bot.domain.judge import Judge, Weighed, pooled, sure
from bot.domain.types import Kind, Pair, Post
from bot.evaluate import MOST_PAIRS, Labelled, Labels, load_corpus
from bot.seeds import load_seeds
from bot.settings import SEEDS

HERE = Path(__file__).parent
WEIGHTS = SEEDS / "lexicon" / "weights.toml"
CORPORA = ("dev", "dev-long", "open", "opened", "articles", "textbook")
#: Inverse strength of the penalty, chosen by cross-validation.
STRENGTH = 0.4
#: Posts restated from real articles count more than invented ones.
HEAVY = {"dev": 2.0, "dev-long": 2.0}
FOLDS = 8
#: Only the day matters, for who is in which group.
DAY = datetime(2026, 11, 1, tzinfo=UTC)

Row = Mapping[str, float]


@dataclass(frozen=True)
class Sample:
    """A post with its occasions and its labels."""

    corpus: str
    post: Labelled
    weighed: Mapping[Pair, Sequence[Weighed]]
    gold: Mapping[Pair, Sequence[str]]
    #: Labels that no roster entry matches, and pairs that are out of the score.
    missing: int
    ignored: frozenset[Pair]


def samples(names: Sequence[str] = CORPORA) -> list[Sample]:
    """Weigh every post of the corpora."""
    seeds = load_seeds(SEEDS / "roster", SEEDS / "lexicon")
    judge, labels = Judge(seeds.roster, seeds.lexicon), Labels(seeds.roster)
    made = []
    for name in names:
        path = HERE / f"{name}.jsonl"
        for post in load_corpus(path.name, path.read_text("utf-8")):
            weighed: dict[Pair, list[Weighed]] = defaultdict(list)
            for one in judge.weigh(
                Post(
                    id=post.id,
                    source_id="gold",
                    title=post.title,
                    text=post.text,
                    lang=post.lang,
                    seen_at=DAY,
                )
            ):
                weighed[one.occasion.pair].append(one)
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
            made.append(Sample(name, post, weighed, gold, missing, frozenset(ignored)))
    return made


def rows(given: Sequence[Sample]) -> tuple[list[Row], list[int], list[float]]:
    """What is fitted: the features of the occasions, and 1 where an interaction is reported."""
    seen: list[Row] = []
    told: list[int] = []
    heavy: list[float] = []
    for sample in given:
        if sample.post.borderline:
            continue
        for pair, weighed in sample.weighed.items():
            free = [w for w in weighed if _open(w)]
            if pair in sample.ignored:
                continue
            if pair in sample.gold:
                right = [w for w in free if _quotes(w, sample.gold[pair])]
                named = [w for w in free if w.cue and w.occasion.reach is Reach.NAMED]
                free = right or named[:1]
            seen += [w.seen for w in free]
            told += [int(pair in sample.gold)] * len(free)
            heavy += [HEAVY.get(sample.corpus, 1.0)] * len(free)
    return seen, told, heavy


def _open(weighed: Weighed) -> bool:
    """Whether the weights decide if it is announced."""
    return weighed.settled is None and not weighed.rumour


def _quotes(weighed: Weighed, evidence: Sequence[str]) -> bool:
    scene = weighed.occasion.scene
    text = _spaced(scene.text.raw[scene.start : scene.end])
    return any(e in text or text in e or e[:25] in text for e in map(_spaced, evidence) if e)


def _spaced(text: str) -> str:
    return " ".join(text.split())


def fit(given: Sequence[Sample]) -> dict[str, float]:
    """The weights that explain the labels best."""
    seen, told, heavy = rows(given)
    vectors = DictVectorizer(sparse=False)
    model = LogisticRegression(C=STRENGTH, solver="liblinear", fit_intercept=False, max_iter=1000)
    model.fit(vectors.fit_transform(seen), np.array(told), sample_weight=np.array(heavy))
    weights = zip(vectors.get_feature_names_out(), model.coef_[0], strict=True)
    return {str(name): round(float(w), 3) for name, w in weights if abs(w) >= 0.005}


def cross_validate(given: Sequence[Sample], thresholds: Sequence[float]) -> None:
    """Print precision and recall of pairs when each post is judged by weights of the others."""
    order = np.random.default_rng(1).permutation(len(given))
    tally = {(c, t): np.zeros(3) for c in ("all", *CORPORA) for t in thresholds}
    for fold in range(FOLDS):
        weights = fit([given[i] for n, i in enumerate(order) if n % FOLDS != fold])
        for i in order[fold::FOLDS]:
            sample = given[i]
            for t in thresholds:
                counts = _count(sample, weights, t)
                tally["all", t] += counts
                tally[sample.corpus, t] += counts
    for corpus in ("all", *CORPORA):
        figures = []
        for t in thresholds:
            right, false, missed = tally[corpus, t]
            p = right / max(right + false, 1)
            figures.append(f"{t}: P {p:.3f} R {right / max(right + missed, 1):.3f}")
        sys.stdout.write(f"{corpus:9} {' | '.join(figures)}\n")


def _count(sample: Sample, weights: Row, threshold: float) -> np.ndarray:
    if sample.post.borderline:
        return np.zeros(3)
    chances = {
        pair: sorted((sure(w.seen, weights) for w in weighed if _open(w)), reverse=True)
        for pair, weighed in sample.weighed.items()
    }
    said = {p for p, c in chances.items() if pooled(c) >= threshold} - sample.ignored
    right = len(said & sample.gold.keys())
    false = len(said - sample.gold.keys()) if len(sample.post.interactions) < MOST_PAIRS else 0
    return np.array([right, false, len(sample.gold.keys() - said) + sample.missing])


def text(weights: Row) -> str:
    """The weights as the file that is shipped."""
    lines = [f"{json.dumps(k, ensure_ascii=False)} = {v}" for k, v in sorted(weights.items())]
    return "\n".join(
        [
            "# How much what is seen of two people in a sentence speaks for an interaction, in",
            "# log-odds. Fitted by tests/gold/fit.py on the labelled posts beside it, not by hand.",
            "[weights]",
            *lines,
            "",
        ]
    )


if __name__ == "__main__":
    made = samples()
    cross_validate(made, (0.55, 0.6, 0.65, 0.7, 0.75, 0.8))
    if "--check" not in sys.argv:
        WEIGHTS.write_text(text(fit(made)), "utf-8")
