"""The shipped seeds, read once, and posts in one line."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from bot import seeds
from bot.domain.cluster import Clusterer
from bot.domain.judge import Judge
from bot.domain.lexicon import Lexicon
from bot.domain.link import Linker
from bot.domain.roster import Roster
from bot.domain.types import Post
from bot.settings import SEEDS

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)


@pytest.fixture(scope="session")
def shipped() -> seeds.Seeds:
    return seeds.load_seeds(SEEDS / "roster", SEEDS / "lexicon")


@pytest.fixture(scope="session")
def roster(shipped: seeds.Seeds) -> Roster:
    return shipped.roster


@pytest.fixture(scope="session")
def lexicon(shipped: seeds.Seeds) -> Lexicon:
    return shipped.lexicon


@pytest.fixture(scope="session")
def linker(shipped: seeds.Seeds) -> Linker:
    return Linker(shipped.roster, shipped.lexicon)


@pytest.fixture(scope="session")
def judge(shipped: seeds.Seeds) -> Judge:
    return Judge(shipped.roster, shipped.lexicon)


@pytest.fixture(scope="session")
def clusterer(shipped: seeds.Seeds) -> Clusterer:
    return Clusterer(shipped.lexicon)


@pytest.fixture(scope="session")
def post() -> Callable[..., Post]:
    """Makes a post: its text first, whatever else by name."""
    numbers = itertools.count(1)

    def make(text: str = "", /, **given: object) -> Post:
        number = next(numbers)
        fields: dict[str, object] = {
            "id": f"outlet:{number}",
            "source_id": "outlet",
            "text": text,
            "seen_at": NOW,
            **given,
        }
        return Post(**fields)

    return make
