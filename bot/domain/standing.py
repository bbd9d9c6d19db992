"""How sure it is that two had to do with each other, beside what the post tells of others.

A sentence is weighed by itself first (`features.py`). But a post that surely tells of A and B
seldom tells of A and C with the same words, and of five friends in one list what holds for two
holds for all. So the pairs of a post are weighed a second time: how sure their own sentences are,
and how sure those of the others. This is stacked generalisation (Wolpert 1992, "Stacked
generalization", Neural Networks 5); the second weights are fitted on chances that the first gave to
posts they had not seen.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bot.domain.features import Features, Occasion, Reach
from bot.domain.lexicon import Act, Cue, Frame, Weights
from bot.domain.types import Pair, Verdict

#: Chances are held within this of 0 and 1, so that their log-odds stay finite.
_EDGE = 0.001


@dataclass(frozen=True, slots=True, kw_only=True)
class Weighed:
    """An occasion with what was seen of its pair."""

    occasion: Occasion
    #: Feature → value; see `features.py`.
    seen: Mapping[str, float]
    #: The words that speak most for an act between the two.
    cue: Cue | None
    #: The verdict that the policy gives before anything is weighed.
    settled: Verdict | None

    @property
    def rumour(self) -> bool:
        """Whether it is only rumoured: a possible moment at most."""
        return Frame.RUMOUR in self.occasion.scene.frames


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """A pair beside the others of its post."""

    #: Its surest occasion.
    surest: Weighed
    #: Feature → value, of the pair.
    seen: Mapping[str, float]
    #: How sure it is that the two had to do with each other, 0 to 1.
    chance: float


def sure(seen: Mapping[str, float], weights: Mapping[str, float]) -> float:
    """How sure something is of which this was seen, 0 to 1: logistic regression."""
    return 1 / (1 + math.exp(-sum(much * weights.get(what, 0.0) for what, much in seen.items())))


def standings(weighed: Mapping[Pair, Sequence[Weighed]], weights: Weights) -> dict[Pair, Standing]:
    """Weigh the pairs of a post beside each other, each by those occasions that policy leaves open.

    Rumours count only for a pair of which there is nothing else.
    """
    chances = {
        pair: sorted(
            ((sure(one.seen, weights.occasion), one) for one in several),
            key=lambda chance: -chance[0],
        )
        for pair, several in ((pair, _open(several)) for pair, several in weighed.items())
        if several
    }
    made = {}
    for pair, seen in _beside_others(chances).items():
        made[pair] = Standing(
            surest=chances[pair][0][1], seen=seen, chance=sure(seen, weights.pair)
        )
    return made


def _open(several: Sequence[Weighed]) -> list[Weighed]:
    left = [one for one in several if one.settled is None]
    return [one for one in left if not one.rumour] or left


_Chances = Mapping[Pair, Sequence[tuple[float, Weighed]]]


def _beside_others(chances: _Chances) -> dict[Pair, Features]:
    pooled = {pair: _pooled([chance for chance, _ in own]) for pair, own in chances.items()}
    first, second, *_ = (*sorted(pooled.values(), reverse=True), 0.0, 0.0)
    total = sum(pooled.values())
    by_scene: dict[int, list[tuple[Pair, float]]] = defaultdict(list)
    for pair, own in chances.items():
        for chance, one in own:
            by_scene[one.occasion.at].append((pair, chance))
    made = {}
    for pair, own in chances.items():
        f: Features = {
            "bias beside others": 1.0,
            "its two surest sentences": _log_odds(pooled[pair]),
        }
        acts = [chance for chance, one in own if one.cue and one.cue.act is not Act.EVENT]
        f["its surest act"] = _log_odds(acts[0]) if acts else 0.0
        f["no act at all"] = float(not acts)
        if len(pooled) > 1:
            f["other pairs"] = 1.0
            f["surest other pair"] = _log_odds(second if pooled[pair] == first else first)
            f["other pairs that are sure"] = math.log1p(total - pooled[pair])
        _in_the_sentence(pair, own[0][1], by_scene[own[0][1].occasion.at], f)
        made[pair] = f
    return made


def _in_the_sentence(
    pair: Pair, surest: Weighed, there: Sequence[tuple[Pair, float]], f: Features
) -> None:
    """What the pair's surest sentence says of one of the two and others, and of others alone."""
    reach = surest.occasion.reach
    mates = _list_mates(surest.occasion)
    in_list = [c for o, c in there if o != pair and mates and o.a in mates and o.b in mates]
    if in_list:
        f["others of their list"] = 1.0
        f["the same list, on average"] = _log_odds(sum(in_list) / len(in_list))
        there = [(o, c) for o, c in there if o.a not in mates or o.b not in mates]
    one_of_them = [c for other, c in there if (pair.a in other) != (pair.b in other)]
    neither = [c for other, c in there if pair.a not in other and pair.b not in other]
    if one_of_them:
        f["one of them with others there"] = 1.0
        f["the same, on average"] = _log_odds(sum(one_of_them) / len(one_of_them))
        f[f"the same, at most, {reach}"] = _log_odds(max(one_of_them))
    if neither:
        f["others there"] = 1.0
        f[f"others there, at most, {reach}"] = _log_odds(max(neither))


def _list_mates(occasion: Occasion) -> set[str]:
    """All in the list that names both."""
    if occasion.reach is Reach.NAMED:
        for names in occasion.scene.lists:
            mates = {m.idol_id for m in names}
            if occasion.pair.a in mates and occasion.pair.b in mates:
                return mates
    return set()


def _pooled(surest: Sequence[float]) -> float:
    """The two surest as independent chances."""
    return 1 - math.prod(1 - chance for chance in surest[:2])


def _log_odds(chance: float) -> float:
    chance = min(max(chance, _EDGE), 1 - _EDGE)
    return math.log(chance / (1 - chance))
