"""Short posts per second on one core, beside the bare scan for names and one pattern per watch.

The bare scan is ahocorasick_rs alone, looking for the same names in the same normalised texts. One
compiled regular expression per watch, of the names of both idols as whole words in any case, is how
such bots usually look; it is timed on a sample.
"""

from __future__ import annotations

import random
import re
import time
from collections.abc import Callable, Sequence
from statistics import median
from typing import TypeVar

from benchmarks._texts import firehose
from bot.domain.judge import Judge
from bot.domain.link import Linker
from bot.domain.roster import Roster
from bot.domain.text import read
from bot.seeds import load_seeds
from bot.settings import SEEDS

POSTS, ROUNDS = 20_000, 7
WATCHES, SAMPLE = 10_000, 20

T = TypeVar("T")


def main() -> None:
    """Print posts per second and the ratios."""
    seeds = load_seeds(SEEDS / "roster", SEEDS / "lexicon")
    judge = Judge(seeds.roster, seeds.lexicon)
    linker = Linker(seeds.roster, seeds.lexicon)
    scan = linker._automaton.find_matches_as_indexes  # noqa: SLF001  the very scan linking begins with
    posts = firehose(seeds.roster, POSTS)
    texts = [read(p.text).norm for p in posts]
    raw = [p.text for p in posts]
    patterns = _one_pattern_per_watch(seeds.roster)
    ours, bare, peers = [], [], []
    for _ in range(ROUNDS):
        ours.append(_seconds(judge, posts))
        bare.append(_seconds(lambda text: scan(text, overlapping=True), texts))
        peers.append(_seconds(lambda text: [p for p in patterns if p.search(text)], raw[:SAMPLE]))
    judged = sum(bool(judge(p).mentions) for p in posts)
    print(f"{POSTS} posts of {sum(map(len, texts)) / POSTS:.0f} characters, {judged} name an idol")
    for name, times in (("judge", ours), ("bare scan", bare), (f"{WATCHES} patterns", peers)):
        print(f"  {name:<16}{1 / median(times):12,.1f} posts/s")
    for name, times in (("the bare scan", bare), (f"{WATCHES} patterns", peers)):
        ratios = [b / a for a, b in zip(ours, times, strict=True)]
        print(
            f"  the judge is {median(ratios):,.2f} times as fast as {name} "
            f"(rounds: {min(ratios):,.2f} to {max(ratios):,.2f})"
        )


def _seconds(work: Callable[[T], object], items: Sequence[T]) -> float:
    """Seconds per item."""
    begin = time.perf_counter()
    for item in items:
        work(item)
    return (time.perf_counter() - begin) / len(items)


def _one_pattern_per_watch(roster: Roster) -> list[re.Pattern[str]]:
    dice = random.Random(7)
    idols = list(roster.idols.values())
    watched = ([a.text for i in dice.sample(idols, 2) for a in i.aliases] for _ in range(WATCHES))
    return [
        re.compile(rf"\b(?:{'|'.join(map(re.escape, names))})\b", re.IGNORECASE)
        for names in watched
    ]


if __name__ == "__main__":
    main()
