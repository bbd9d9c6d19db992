"""Real posts, damaged and mixed by the thousand, are judged without an exception and in order."""

from __future__ import annotations

import os
import random
from datetime import UTC, datetime
from pathlib import Path

import pytest

from bot.domain.judge import Judge
from bot.domain.types import Field, Interaction, Post
from bot.evaluate import load_corpus

GOLD = Path(__file__).parents[1] / "gold"
#: Many languages, long and short posts; not the sealed half, which failures would print.
CORPORA = ("open", "opened", "dev", "dev-long", "articles")
_DAMAGE = ["\u200b", "\u200d", "\u202e", "\ud83d", "\x00", "<b>", "&amp;", "((((", "“‘「", "\u0301",
           "\n", "。", " and ", "와 ", "…", "’s ", "  "]  # fmt: skip


def _damaged(dice: random.Random, texts: list[str]) -> str:
    text = dice.choice(texts)
    for _ in range(dice.randrange(6)):
        at = dice.randrange(len(text) + 1)
        match dice.randrange(4):
            case 0:
                text = text[:at] + dice.choice(_DAMAGE) * dice.randrange(1, 4) + text[at:]
            case 1:
                text = text[:at] + text[at + dice.randrange(40) :]
            case 2:
                other = dice.choice(texts)
                text = text[:at] + other[dice.randrange(len(other)) :]
            case _:
                text = text[at:] + text[:at]
    return text


@pytest.mark.soak
@pytest.mark.timeout(24000)
def test_thousands_of_damaged_posts(judge: Judge) -> None:
    posts = [p for c in CORPORA for p in load_corpus(c, (GOLD / f"{c}.jsonl").read_text("utf-8"))]
    texts = [t for p in posts for t in (p.title, p.text) if t]
    languages = sorted({p.lang for p in posts} | {"", "xx"})
    seed = random.SystemRandom().randrange(2**32)
    dice = random.Random(seed)
    judged = interactions = 0
    while judged < 60_000 * int(os.environ.get("CRUMBS_TEST_SOAK", "1")):
        post = Post(
            id=str(judged),
            source_id="soak",
            title=_damaged(dice, texts)[:300] if dice.random() < 0.5 else "",
            text=_damaged(dice, texts),
            lang=dice.choice(languages),
            seen_at=datetime(2026, 11, 24, tzinfo=UTC),
        )
        try:
            judgement = judge(post)
            raw = {Field.TITLE: post.title, Field.TEXT: post.text}
            for m in judgement.mentions:
                assert raw[m.field][m.start : m.end] == m.surface
            for v in judgement.verdicts:
                if isinstance(v, Interaction):
                    assert 0 < v.confidence < 1
                    assert v.pair.a in {m.idol_id for m in judgement.mentions}
                    interactions += 1
        except BaseException as error:
            error.add_note(f"seed {seed}, post {judged}: {post!r}")
            raise
        judged += 1
    print(f"\n{judged:,} damaged posts, {interactions:,} interactions, seed {seed}")  # noqa: T201
