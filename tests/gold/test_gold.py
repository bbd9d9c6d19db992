"""The gold set is what its README says: well formed, resolvable, balanced."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import msgspec
import pytest

from bot.app import Core
from bot.evaluate import Labelled, Labels, load_corpus

HERE = Path(__file__).parent
#: Open to read, and never read or tuned towards; the same in number by language and phenomenon.
HALVES = ("open", "sealed")
CORPORA = ("open", "opened", "sealed", "dev", "dev-long", "articles", "textbook", "reports")


def half(name: str) -> list[Labelled]:
    path = HERE / f"{name}.jsonl"
    return load_corpus(path.name, path.read_text("utf-8"))


def phenomena(name: str) -> Counter[str]:
    lines = (HERE / f"{name}.jsonl").read_bytes().splitlines()
    return Counter(msgspec.json.decode(line)["phenomenon"] for line in lines if line.strip())


@pytest.mark.parametrize("name", CORPORA)
def test_every_label_means_somebody_and_every_quotation_is_there(name: str, core: Core) -> None:
    labels = Labels(core.lookup.roster)
    for post in half(name):
        for label in (*post.idols, *(x for i in post.interactions for x in (i.a, i.b))):
            assert labels.find(label) is not None, (post.id, label)
        for told in post.interactions:
            assert told.evidence in post.text or told.evidence in post.title, post.id
            assert labels.find(told.a) != labels.find(told.b), post.id
        assert len(post.interactions) <= 10, post.id


def test_the_halves_are_balanced_and_share_no_post() -> None:
    first, second = map(half, HALVES)
    assert len(first) + len(second) >= 400
    assert Counter(p.lang for p in first) == Counter(p.lang for p in second)
    assert Counter(p.category for p in first) == Counter(p.category for p in second)
    assert phenomena("open") == phenomena("sealed")
    assert len({p.lang for p in first}) >= 10
    ids = [p.id for p in (*first, *second)]
    assert len(ids) == len(set(ids))
    assert not {p.text for p in first} & {p.text for p in second}
