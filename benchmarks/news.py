"""News per second on one core: 2,000 characters with several idols each, and where the time goes.

Made here; with `CRUMBS_TEST_CORPUS` a file of labelled posts, its texts beside them.
"""

from __future__ import annotations

import cProfile
import os
import pstats
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from statistics import median

from benchmarks._texts import news, post
from bot.domain.judge import Judge
from bot.domain.types import Post
from bot.evaluate import load_corpus
from bot.seeds import load_seeds
from bot.settings import SEEDS

POSTS, ROUNDS = 200, 7
#: Posts per second on one core; what falls short is profiled.
AIM = 2000


def main() -> None:
    """Print posts per second, and below the aim each module's share of the time."""
    seeds = load_seeds(SEEDS / "roster", SEEDS / "lexicon")
    judge = Judge(seeds.roster, seeds.lexicon)
    mixes = {"made here": news(seeds.roster, POSTS)}
    if corpus := os.environ.get("CRUMBS_TEST_CORPUS"):
        path = Path(corpus)
        labelled = load_corpus(path.name, path.read_text("utf-8"))
        mixes[path.name] = [post(n, p.text, p.lang, p.title) for n, p in enumerate(labelled)]
    for name, posts in mixes.items():
        rate = 1 / median(_seconds(judge, posts) for _ in range(ROUNDS))
        size = sum(len(p.text) for p in posts) / len(posts)
        idols = sum(len({m.idol_id for m in judge(p).mentions}) for p in posts) / len(posts)
        print(
            f"{name}: {len(posts)} posts of {size:.0f} characters and {idols:.1f} idols: "
            f"{rate:,.0f} posts/s, {rate * size / 1e6:.2f} million characters/s"
        )
        if rate < AIM:
            shares = _shares(judge, posts).most_common(8)
            print("  of which", ", ".join(f"{where} {share:.0%}" for where, share in shares))


def _seconds(judge: Judge, posts: Sequence[Post]) -> float:
    begin = time.perf_counter()
    for item in posts:
        judge(item)
    return (time.perf_counter() - begin) / len(posts)


def _shares(judge: Judge, posts: Sequence[Post]) -> Counter[str]:
    """Each module's share of the time; what it asks of the interpreter's own functions is its."""
    profile = cProfile.Profile()
    profile.runcall(_seconds, judge, posts)
    took: Counter[str] = Counter()
    stats = pstats.Stats(profile).stats  # type: ignore[attr-defined]  # not in the stubs
    for (file, _, _), (_, _, own, _, callers) in stats.items():
        if "bot" in Path(file).parts:
            took[Path(file).stem] += own
        else:
            for (caller, _, _), (_, _, share, _) in callers.items():
                took[Path(caller).stem if "bot" in Path(caller).parts else "other"] += share
    return Counter({where: t / took.total() for where, t in took.items()})


if __name__ == "__main__":
    main()
