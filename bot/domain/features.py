"""What can be seen of two people in a scene, as numbers with names that a person can read.

An occasion is a scene that may tell of something between two people: it names both; or it names
one and goes on about another who was named before ("She hugged Mingyu"); or it names nobody and
points back at those named before ("The two bowed to each other"). Its features say how the names
hang together (one list, subject and companion, two clauses), what is done and how near, and what
the post is about as a whole. The judge weighs them.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import combinations

from bot.domain.lexicon import Act, Cue, Frame, Role
from bot.domain.scene import Scene
from bot.domain.types import Field, Kind, Mention, Pair

#: Scenes that a pronoun or an omitted subject may look back.
MEMORY = 3
#: More people than these are no topic of a sentence.
TOPIC = 3
#: Those named in a scene with more idols are not pointed back at one pair by one.
MOST_BACK = 7
#: Of a scene that names more idols, only the first are paired.
MOST_IN_SCENE = 12

_STRENGTH = {Act.MUTUAL: 4, Act.JOINT: 3, Act.PUBLIC: 2, Act.TOGETHER: 2, Act.EVENT: 0}


#: Frames that tell of a whole post, not only of their sentence.
_ELSEWHERE = (Frame.NEGATED, Frame.LOOK_ALIKE, Frame.COVER, Frame.IRREALIS, Frame.REPLACEMENT, Frame.LISTING)


class Reach(StrEnum):
    """How a scene comes to be about a pair."""

    NAMED = "both are named"
    GOES_ON = "goes on about one"
    BACK = "points back at both"


@dataclass(frozen=True)
class Occasion:
    """A scene that may tell of something between two people."""

    pair: Pair
    scene: Scene
    reach: Reach
    #: Scenes since those who are not named here were named; 0 when both are.
    since: int = 0
    #: Whether who is not named here comes from the title.
    from_title: bool = False
    #: Whether who is not named here is who the post began with, who the last names began with.
    hero: bool = False
    topic: bool = False
    #: How those not named here were named: a list by themselves, or apart.
    as_list: bool = False
    before: Scene | None = None


def occasions(scenes: Sequence[Scene]) -> Iterator[Occasion]:
    """Every pair in every scene that may be about it, in order."""
    hero: tuple[str, ...] = ()  #: who the post began with
    topic: tuple[str, ...] = ()  #: who the last scene with names began with
    last: Scene | None = None
    since = 0
    for scene in scenes:
        idols = scene.idols[:MOST_IN_SCENE]
        for a, b in combinations(idols, 2):
            yield Occasion(Pair.of(a, b), scene, Reach.NAMED)
        if scene.field is Field.TEXT and last is not None:
            if idols:
                near = topic if since <= MEMORY else ()
                for one in dict.fromkeys((*near, *hero)):
                    for other in idols:
                        if one not in idols:
                            yield Occasion(
                                Pair.of(one, other),
                                scene,
                                Reach.GOES_ON,
                                since=since if one in near else MEMORY + 1,
                                from_title=last.field is Field.TITLE,
                                hero=one in hero,
                                topic=one in near,
                            )
            elif since <= MEMORY and 2 <= len(last.idols) <= MOST_BACK:
                listed = any(set(last.idols) <= {m.idol_id for m in x} for x in last.lists)
                for a, b in combinations(last.idols, 2):
                    yield Occasion(
                        Pair.of(a, b),
                        scene,
                        Reach.BACK,
                        since=since,
                        from_title=last.field is Field.TITLE,
                        as_list=listed,
                        before=last,
                    )
        if idols:
            first = tuple(dict.fromkeys(m.idol_id for m in scene.lists[0]))
            topic = first if len(first) <= TOPIC else ()
            if last is None or (last.field is Field.TITLE and not hero):
                hero = first if len(first) <= 2 else ()
            if last is None or not set(idols) <= set(last.idols):
                last = scene  # else those named together stay "the two"
            since = 0
        since += 1


@dataclass(frozen=True)
class Whole:
    """What the features say of a post as a whole."""

    idols: Counter[str]
    groups: int
    title: Scene | None
    scenes: Sequence[Scene]

    @classmethod
    def of(cls, scenes: Sequence[Scene]) -> Whole:
        """Count once for all occasions of a post."""
        return cls(
            idols=Counter(m.idol_id for s in scenes for m in s.mentions),
            groups=len({g.root for s in scenes for g in s.groups}),
            title=next((s for s in scenes if s.field is Field.TITLE), None),
            scenes=scenes,
        )


def features(occasion: Occasion, whole: Whole) -> tuple[dict[str, float], Cue | None]:
    """The features of an occasion that are not 0, and the cue that speaks most for it."""
    scene, pair = occasion.scene, occasion.pair
    f: dict[str, float] = {"bias": 1.0}
    if occasion.reach is Reach.NAMED:
        structure, cue = _named(pair, scene, f)
    elif occasion.reach is Reach.GOES_ON:
        structure, cue = _goes_on(occasion, f)
    else:
        structure, cue = _back(occasion, f)
    f[f"{structure}"] = 1.0
    _acts(structure, cue, scene, f)
    _post(occasion, whole, f)
    for frame in (Frame.PAST, Frame.LISTING, Frame.IRREALIS):
        f[f"frame {frame}"] = float(frame in scene.frames)
    f["long sentence"] = math.log1p((scene.end - scene.start) / 100)
    return {k: v for k, v in f.items() if v}, cue


def _named(pair: Pair, scene: Scene, f: dict[str, float]) -> tuple[str, Cue | None]:
    lists = scene.lists
    where = {
        one: [i for i, x in enumerate(lists) if any(m.idol_id == one for m in x)][:20]
        for one in (pair.a, pair.b)
    }
    left, right = min(
        ((i, j) for i in where[pair.a] for j in where[pair.b]), key=lambda ij: abs(ij[0] - ij[1])
    )
    left, right = min(left, right), max(left, right)
    clauses = {scene.clause(lists[i][0].start) for i in (left, right)}
    company = [x for x in lists if scene.clause(x[0].start) in clauses]
    roles = scene.roles[left], scene.roles[right]
    if left == right:
        structure = "in one list"
        size = len({m.idol_id for m in lists[left]})
        f["size of the list"] = math.log1p(size - 2)
        f["list of more than five"] = float(size > 5)
        f["only list of the clause"] = float(len(company) == 1)
    else:
        if len(clauses) == 1:
            structure = "in one clause"
        elif max(clauses) - min(clauses) == 1:
            structure = "in neighbouring clauses"
        else:
            structure = "in far clauses"
        f["lists between"] = math.log1p(right - left - 1)
        f["two lists in the clause"] = float(len(clauses) == 1 and len(company) == 2)
        for role in Role:
            f[f"{role} in the same clause"] = float(role in roles[1] and len(clauses) == 1)
            f[f"{role} first in the same clause"] = float(role in roles[0] and len(clauses) == 1)
    f["only these two in the sentence"] = float(len(scene.idols) == 2)
    f["people in the sentence"] = math.log1p(len(scene.idols) - 2)
    f["points back"] = float(scene.refers_back)
    start = scene.phrases[left][0]
    end = scene.phrases[right][1]
    cue = best_cue(scene, start, end, clauses)
    if cue is not None:
        told = scene.clause(cue.start)
        f["cue in their clause"] = float(told in clauses)
        f["cue in the clause of both"] = float(clauses == {told})
        place = "between" if start <= cue.start and cue.end <= end else "before" if cue.end <= start else "after"
        f[f"cue {place}"] = 1.0
        if left != right and len(clauses) == 1 and told in clauses:
            marks = ", ".join(sorted(roles[1])) or "unmarked"
            f[f"one clause: cue {place}, second {marks}"] = 1.0
            f["one clause: both subjects"] = float(Role.SUBJECT in roles[0] and Role.SUBJECT in roles[1])
        elif left == right:
            f[f"one list: cue {place}"] = 1.0
        f["act with somebody else"] = float(scene.with_others(cue))
        gap = max(0, start - cue.end, cue.start - end)
        f["distance to the cue"] = math.log1p(gap) / 5
        f["others between names and cue"] = float(
            any(
                m.idol_id not in pair
                and (end <= m.start and m.end <= cue.start or cue.end <= m.start and m.end <= start)
                for m in scene.mentions
            )
        )
    f["weak link"] = 1 - min(m.confidence for m in scene.mentions if m.idol_id in pair)
    return structure, cue


def _goes_on(occasion: Occasion, f: dict[str, float]) -> tuple[str, Cue | None]:
    scene, pair = occasion.scene, occasion.pair
    here = next(i for i, x in enumerate(scene.lists) if any(m.idol_id in pair for m in x))
    roles = scene.roles[here]
    start, end = scene.phrases[here]
    clause = {scene.clause(start)}
    cue = best_cue(scene, start, end, clause)
    before, after = scene.points_at_one(scene.start, start), scene.points_at_one(end, scene.end)
    structure = "goes on, she or he first" if before else "goes on"
    for role in Role:
        f[f"{role}, going on"] = float(role in roles)
    f["she or he later"] = float(after and not before)
    f["points back, going on"] = float(scene.refers_back)
    f["first named here"] = float(here == 0)
    f["only list here"] = float(len(scene.lists) == 1)
    f["people here"] = math.log1p(len(scene.idols) - 1)
    f["starts with the name"] = float(start - scene.start <= 3)
    f["looks back, going on"] = math.log1p(occasion.since - 1) if occasion.topic else 0.0
    f["hero, not topic"] = float(occasion.hero and not occasion.topic)
    f["topic, not hero"] = float(occasion.topic and not occasion.hero)
    f["topic and hero"] = float(occasion.topic and occasion.hero)
    f["from the title, going on"] = float(occasion.from_title)
    if cue is not None:
        f["act with somebody else"] = float(scene.with_others(cue))
        f["cue in its clause"] = float(scene.clause(cue.start) in clause)
        f["cue before the name"] = float(cue.end <= start)
        pronoun = "she or he" if before else "nobody"
        marks = "marked" if roles & {Role.WITH, Role.TO} else "unmarked"
        place = "before" if cue.end <= start + 1 else "after"
        strong = "strong" if _STRENGTH[cue.act] > 1 else "weak"
        f[f"goes on: {pronoun}, {strong} cue {place}, name {marks}"] = 1.0
        f["distance to the cue, going on"] = math.log1p(max(0, start - cue.end, cue.start - end)) / 5
    return structure, cue


def _back(occasion: Occasion, f: dict[str, float]) -> tuple[str, Cue | None]:
    scene = occasion.scene
    cue = best_cue(scene, scene.start, scene.end, {0})
    if scene.refers_back:
        structure = "the two"
    elif scene.points_at_one(scene.start, scene.end):
        structure = "she or he alone"
    else:
        structure = "nobody named"
    f["were one list"] = float(occasion.as_list)
    assert occasion.before is not None
    f["were more than two"] = math.log1p(len(occasion.before.idols) - 2)
    f["were told of an act"] = float(any(_STRENGTH[c.act] > 1 for c in occasion.before.cues))
    f["looks back"] = math.log1p(occasion.since - 1)
    f["from the title"] = float(occasion.from_title)
    return structure, cue


def _acts(structure: str, cue: Cue | None, scene: Scene, f: dict[str, float]) -> None:
    if cue is None:
        f[f"{structure}, no cue"] = 1.0
        return
    f[f"{structure}, {cue.act}"] = 1.0
    f[f"act {cue.act}"] = 1.0
    f[f"kind {cue.kind}"] = 1.0
    f["kinds of cues"] = math.log1p(len({c.kind for c in scene.cues}) - 1)


def _post(occasion: Occasion, whole: Whole, f: dict[str, float]) -> None:
    pair, scene = occasion.pair, occasion.scene
    named = set(whole.title.idols) if whole.title is not None else set()
    f["is the title"] = float(scene.field is Field.TITLE)
    if scene.field is not Field.TITLE:
        f["both in the title"] = float(pair.a in named and pair.b in named)
        f["only these two in the title"] = float(named == {pair.a, pair.b})
        f["one in the title"] = float(len(named & {pair.a, pair.b}) == 1)
        f["others in the title"] = float(bool(named) and not named & {pair.a, pair.b})
        f["title tells of an act"] = float(
            whole.title is not None and any(_STRENGTH[c.act] > 1 for c in whole.title.cues)
        )
    f["people in the post"] = math.log1p(len(whole.idols) - 2)
    f["only these two in the post"] = float(len(whole.idols) == 2)
    f["only these two, with an act"] = float(
        len(whole.idols) == 2 and any(_STRENGTH[c.act] > 1 for c in scene.cues)
    )
    f["title lists"] = float(whole.title is not None and Frame.LISTING in whole.title.frames)
    for frame in _ELSEWHERE:
        f[f"elsewhere {frame}"] = float(any(frame in s.frames for s in whole.scenes if s is not scene))
        f[f"title {frame}"] = float(whole.title is not None and whole.title is not scene and frame in whole.title.frames)
    if len(whole.idols) == 2:
        told = sum(any(_STRENGTH[c.act] > 1 for c in s.cues) for s in whole.scenes)
        f["only these two, scenes with an act"] = math.log1p(told)
        f["only these two, no act at all"] = float(told == 0)
        f["only these two, points back"] = float(any(s.refers_back for s in whole.scenes))
    most = whole.idols.most_common(1)[0][0]
    f["one is named most"] = float(most in (pair.a, pair.b))
    here = whole.scenes.index(scene)
    if here + 1 < len(whole.scenes) and not whole.scenes[here + 1].idols and scene.field is not Field.TITLE:
        after = whole.scenes[here + 1]
        f["goes on with an act"] = float(any(_STRENGTH[c.act] > 1 for c in after.cues))
        f["goes on about both"] = float(after.refers_back)
    if here > 0 and occasion.reach is not Reach.NAMED:
        f["act just before"] = float(any(_STRENGTH[c.act] > 1 for c in whole.scenes[here - 1].cues))


def best_cue(scene: Scene, start: int, end: int, clauses: set[int]) -> Cue | None:
    """The cue that says most: strong, in the same clause, near."""

    def cost(cue: Cue) -> float:
        gap = max(0, start - cue.end, cue.start - end)
        apart = min(abs(scene.clause(cue.start) - c) for c in clauses)
        return (
            apart * 1.0 + gap / 60 - 0.5 * _STRENGTH[cue.act] + 1.6 * (cue.kind is Kind.OTHER)
        )

    return min(scene.cues, key=cost, default=None)
