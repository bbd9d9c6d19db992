"""How a pair stands beside the others of its post."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.judge import Judge
from bot.domain.lexicon import Weights
from bot.domain.standing import Weighed, standings, sure
from bot.domain.types import Pair, Post

MakePost = Callable[..., Post]
JISOO, MINGYU, WONYOUNG = "blackpink.jisoo", "seventeen.mingyu", "ive.wonyoung"
#: Only how sure the sentences are by themselves counts.
PLAIN = Weights(
    occasion={"in one list": 2.0, "in one clause": -2.0}, pair={"its two surest sentences": 1.0}
)


@pytest.fixture(scope="module")
def weighed(judge: Judge, post: MakePost) -> Callable[[str], Mapping[Pair, Sequence[Weighed]]]:
    def of(text: str) -> Mapping[Pair, Sequence[Weighed]]:
        pairs: dict[Pair, list[Weighed]] = defaultdict(list)
        for one in judge.weigh(post(text)):
            pairs[one.occasion.pair].append(one)
        return pairs

    return of


def test_no_pairs_have_no_standing() -> None:
    assert standings({}, PLAIN) == {}


def test_a_pair_alone_is_as_sure_as_its_sentences(
    weighed: Callable[[str], Mapping[Pair, Sequence[Weighed]]],
) -> None:
    pair = Pair.of(JISOO, MINGYU)
    once = standings(weighed("BLACKPINK's Jisoo and SEVENTEEN's Mingyu sang."), PLAIN)[pair]
    assert once.chance == pytest.approx(sure({"in one list": 1.0}, PLAIN.occasion))
    twice = standings(
        weighed(
            "BLACKPINK's Jisoo and SEVENTEEN's Mingyu sang. "
            "BLACKPINK's Jisoo and SEVENTEEN's Mingyu danced."
        ),
        PLAIN,
    )[pair]
    assert once.chance < twice.chance < 1
    assert "other pairs" not in once.seen


def test_what_is_sure_of_others_in_the_sentence_counts(
    weighed: Callable[[str], Mapping[Pair, Sequence[Weighed]]],
) -> None:
    text = "BLACKPINK's Jisoo and SEVENTEEN's Mingyu hugged IVE's Wonyoung."
    alone = standings(weighed(text), PLAIN)
    beside = standings(
        weighed(text),
        Weights(
            occasion=PLAIN.occasion,
            pair={**PLAIN.pair, "the same, at most, both are named": -1.0},
        ),
    )
    for other in (Pair.of(JISOO, WONYOUNG), Pair.of(MINGYU, WONYOUNG)):
        assert alone[other].seen["one of them with others there"] == 1.0
        assert beside[other].chance < alone[other].chance  # Jisoo and Mingyu are the sure ones


def test_what_policy_settles_is_not_weighed_and_a_rumour_only_alone(
    weighed: Callable[[str], Mapping[Pair, Sequence[Weighed]]],
) -> None:
    pair = Pair.of(JISOO, MINGYU)
    both = "BLACKPINK's Jisoo and SEVENTEEN's Mingyu"
    assert standings(weighed(f"{both} were replaced as hosts."), PLAIN) == {}
    rumour = f"According to a rumour {both} hugged."
    assert standings(weighed(rumour), PLAIN)[pair].surest.rumour
    assert not standings(weighed(f"{rumour} {both} sang."), PLAIN)[pair].surest.rumour


@given(st.dictionaries(st.sampled_from(["a", "b", "c"]), st.floats(-30, 30), max_size=3))
def test_a_chance_is_a_chance(seen: dict[str, float]) -> None:
    assert 0 <= sure(seen, {"a": 2.0, "b": -3.0}) <= 1
