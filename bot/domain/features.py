"""What can be seen of two people in a scene, as numbers with names that a person can read.

An occasion is a scene that may tell of something between two people: it names both; or it names
one and goes on about another who was named before ("She hugged Mingyu"); or it names nobody and
points back at those named before ("The two bowed to each other"). Its features say how the names
hang together (one list, a subject and a companion, two clauses), what is done and how near, and
what the post is about as a whole. The judge weighs them.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from itertools import combinations

from bot.domain.lexicon import Act, Cue, Frame, Role
from bot.domain.scene import Scene
from bot.domain.types import Field, Kind, Pair

#: Scenes that a pronoun or an omitted subject may look back.
MEMORY = 3
#: More people than these are no topic of a sentence.
TOPIC = 3
#: Those named in a scene with more idols are not pointed back at pair by pair.
MOST_BACK = 7
#: Of a scene that names more idols, only the first are paired.
MOST_IN_SCENE = 12

#: How telling an act is when the words that say most are looked for.
_STRENGTH = {Act.MUTUAL: 4, Act.JOINT: 3, Act.PUBLIC: 2, Act.TOGETHER: 2, Act.EVENT: 0}
#: Frames that tell of a whole post, not only of their sentence.
_ELSEWHERE = (
    Frame.DENIED,
    Frame.NEGATED,
    Frame.LOOK_ALIKE,
    Frame.COVER,
    Frame.IRREALIS,
    Frame.RUMOUR,
    Frame.REPLACEMENT,
    Frame.LISTING,
    Frame.APART,
)

Features = dict[str, float]


class Reach(StrEnum):
    """How a scene comes to be about a pair."""

    NAMED = "both are named"
    GOES_ON = "goes on about one"
    BACK = "points back at both"


@dataclass(frozen=True, slots=True, kw_only=True)
class Occasion:
    """A scene that may tell of something between two people."""

    pair: Pair
    reach: Reach
    scene: Scene
    #: Which of the post's scenes it is.
    at: int
    #: Scenes since those who are not named here were named; 0 when both are.
    since: int = 0
    #: The scene that named those who are not named here.
    before: Scene | None = None
    #: Whether who is not named here is who the post began with, who the last names began with.
    hero: bool = False
    topic: bool = False
    #: Whether an item of a list or digest began since.
    item: bool = False


def occasions(scenes: Sequence[Scene]) -> Iterator[Occasion]:
    """Every pair in every scene that may be about it, in order."""
    hero: tuple[str, ...] = ()  #: who the post began with
    topic: tuple[str, ...] = ()  #: who the last scene with names began with
    together: Scene | None = None  #: the last scene that named somebody new
    last: Scene | None = None  #: the last scene with names
    latest: tuple[str, ...] = ()  #: the two who were named last
    since = 0
    item = False
    for at, scene in enumerate(scenes):
        item = item or (scene.begins_item and scene.field is Field.TEXT)
        idols = scene.idols[:MOST_IN_SCENE]
        for a, b in combinations(idols, 2):
            yield Occasion(pair=Pair.of(a, b), reach=Reach.NAMED, scene=scene, at=at)
        if together is not None and last is not None and scene.field is Field.TEXT:
            near = topic if since <= MEMORY else ()
            for one in dict.fromkeys((*near, *hero)) if idols else ():
                for other in () if one in idols else idols:
                    yield Occasion(
                        pair=Pair.of(one, other),
                        reach=Reach.GOES_ON,
                        scene=scene,
                        at=at,
                        since=since if one in near else MEMORY + 1,
                        before=together,
                        hero=one in hero,
                        topic=one in near,
                        item=item,
                    )
            back = not idols and (scene.refers_back or scene.ones)
            if back and since <= MEMORY and len(together.idols) <= MOST_BACK:
                for a, b in combinations(together.idols if len(together.idols) > 1 else latest, 2):
                    yield Occasion(
                        pair=Pair.of(a, b),
                        reach=Reach.BACK,
                        scene=scene,
                        at=at,
                        since=since,
                        before=together,
                    )
        if idols:
            first = tuple(dict.fromkeys(m.idol_id for m in scene.lists[0]))
            if last is None or last.field is Field.TITLE:
                hero = tuple(dict.fromkeys((*hero, *(first if len(first) < TOPIC else ()))))
            topic = first if len(first) <= TOPIC else ()
            if together is None or not set(idols) <= set(together.idols):
                together = scene  # else those named together stay "the two"
            last, since, item = scene, 0, False
            latest = tuple(dict.fromkeys((*reversed(idols), *latest)))[:2]
        since += 1


class Whole:
    """What is seen of a post as a whole, once for all its occasions."""

    def __init__(self, scenes: Sequence[Scene]) -> None:
        self.scenes = scenes
        self.idols = Counter(m.idol_id for s in scenes for m in s.mentions)
        self.title = next((s for s in scenes if s.field is Field.TITLE), None)

    @cached_property
    def most_named(self) -> str:
        """The idol who is named most often, of several the first."""
        return self.idols.most_common(1)[0][0]

    @cached_property
    def frames(self) -> Counter[Frame]:
        """In how many scenes each frame occurs."""
        return Counter(frame for s in self.scenes for frame in s.frames)

    @cached_property
    def acts(self) -> int:
        """How many scenes tell of an act."""
        return sum(map(_tells, self.scenes))

    @cached_property
    def points_back(self) -> bool:
        """Whether some scene points back at two people or more."""
        return any(s.refers_back for s in self.scenes)


def features(occasion: Occasion, whole: Whole) -> tuple[Features, Cue | None]:
    """The features of an occasion that are not 0, and the cue that speaks most for it."""
    scene = occasion.scene
    f: Features = {"bias": 1.0}
    read = {Reach.NAMED: _named, Reach.GOES_ON: _goes_on, Reach.BACK: _back}[occasion.reach]
    structure, cue = read(occasion, f)
    f[structure] = 1.0
    if cue is None:
        f[f"{structure}, no cue"] = 1.0
    else:
        f[f"{structure}, {cue.act}"] = 1.0
        f[f"act {cue.act}"] = 1.0
        f[f"kind {cue.kind}"] = 1.0
        f["kinds of cues"] = math.log1p(len({c.kind for c in scene.cues}) - 1)
        if occasion.reach is not Reach.BACK:
            f["act with somebody else"] = scene.with_others(cue)
    f["frame past"] = Frame.PAST in scene.frames
    f["frame listing"] = Frame.LISTING in scene.frames
    f["a question"] = Frame.QUESTION in scene.frames
    f["long sentence"] = math.log1p((scene.end - scene.start) / 100)
    _title(occasion, whole, f)
    _post(occasion, whole, f)
    return {what: float(much) for what, much in f.items() if much}, cue


def _named(occasion: Occasion, f: Features) -> tuple[str, Cue | None]:
    """Both are named: how their lists and clauses hang together, and where the act stands."""
    pair, scene = occasion.pair, occasion.scene
    lists = scene.lists
    where = [
        [i for i, names in enumerate(lists) if any(m.idol_id == one for m in names)][:20]
        for one in (pair.a, pair.b)
    ]
    nearest = min(((i, j) for i in where[0] for j in where[1]), key=lambda ij: abs(ij[0] - ij[1]))
    left, right = min(nearest), max(nearest)
    clauses = {scene.clause(lists[i][0].start) for i in nearest}
    company = sum(scene.clause(names[0].start) in clauses for names in lists)
    marks = scene.roles[right]
    if left == right:
        structure = "in one list"
        size = len({m.idol_id for m in lists[left]})
        f["size of the list"] = math.log1p(size - 2)
        f["list of more than five"] = size > 5
        f["only list of the clause"] = company == 1
    elif len(clauses) == 1:
        structure = "in one clause"
        f["two lists in the clause"] = company == 2
        for role in Role:
            f[f"{role} in the same clause"] = role in marks
            f[f"{role} first in the same clause"] = role in scene.roles[left]
    else:
        far = max(clauses) - min(clauses) > 1
        structure = "in far clauses" if far else "in neighbouring clauses"
    f["lists between"] = math.log1p(max(0, right - left - 1))
    f["only these two in the sentence"] = len(scene.idols) == 2
    f["people in the sentence"] = math.log1p(len(scene.idols) - 2)
    f["lists in the sentence"] = math.log1p(len(lists) - 1)
    f["lists in their clauses"] = math.log1p(company - 1)
    f["points back"] = scene.refers_back
    f["weak link"] = 1 - min(m.confidence for m in scene.mentions if m.idol_id in pair)
    start, end = scene.phrases[left][0], scene.phrases[right][1]
    cue = _best_cue(scene, start, end, clauses)
    if cue is not None:
        told = scene.clause(cue.start)
        place = _place(cue, start, end)
        f["cue in their clause"] = told in clauses
        f["cue in the clause of both"] = clauses == {told}
        f[f"cue {place}"] = 1.0
        if left == right:
            f[f"one list: {cue.act} cue {place}"] = 1.0
        elif clauses == {told}:
            f[f"one clause: cue {place}, second {', '.join(sorted(marks)) or 'unmarked'}"] = 1.0
            f["one clause: both subjects"] = Role.SUBJECT in marks & scene.roles[left]
        f["distance to the cue"] = math.log1p(_gap(cue, start, end)) / 5
        f["act straight at the second"] = left != right and _straight(scene, right)
        f["others between names and cue"] = any(
            m.idol_id not in pair and (end <= m.start < cue.start or cue.end <= m.start < start)
            for m in scene.mentions
        )
    return structure, cue


def _goes_on(occasion: Occasion, f: Features) -> tuple[str, Cue | None]:
    """One is named, the other was before: how the sentence points back, and at whom the act is."""
    pair, scene = occasion.pair, occasion.scene
    here = next(i for i, names in enumerate(scene.lists) if any(m.idol_id in pair for m in names))
    roles = scene.roles[here]
    start, end = scene.phrases[here]
    clauses = {scene.clause(start)}
    pronoun = scene.points_at_one(scene.start, start)
    for role in Role:
        f[f"{role}, going on"] = role in roles
    f["she or he later"] = not pronoun and scene.points_at_one(end, scene.end)
    f["points back, going on"] = scene.refers_back
    f["first named here"] = here == 0
    f["only list here"] = len(scene.lists) == 1
    f["also"] = scene.also(here)
    f["in another item"] = occasion.item
    f["people here"] = math.log1p(len(scene.idols) - 1)
    f["starts with the name"] = start - scene.start <= 3
    f["looks back, going on"] = math.log1p(occasion.since - 1) if occasion.topic else 0.0
    f["hero, not topic"] = occasion.hero and not occasion.topic
    f["topic, not hero"] = occasion.topic and not occasion.hero
    f["topic and hero"] = occasion.topic and occasion.hero
    f["from the title, going on"] = _from_title(occasion)
    cue = _best_cue(scene, start, end, clauses)
    if cue is not None:
        who = "she or he" if pronoun else "nobody"
        strong = "strong" if _STRENGTH[cue.act] > 1 else "weak"
        place = "before" if cue.end <= start + 1 else "after"
        marked = "marked" if roles & {Role.WITH, Role.TO} else "unmarked"
        f[f"goes on: {who}, {strong} cue {place}, name {marked}"] = 1.0
        f["act straight at the name"] = _straight(scene, here)
        f["cue in its clause"] = scene.clause(cue.start) in clauses
        f["cue before the name"] = cue.end <= start
        f["distance to the cue, going on"] = math.log1p(_gap(cue, start, end)) / 5
    return "goes on, she or he first" if pronoun else "goes on", cue


def _back(occasion: Occasion, f: Features) -> tuple[str, Cue | None]:
    """Nobody is named: how the sentence points back, and how those before were named."""
    scene, before = occasion.scene, occasion.before
    if before is not None:
        f["as many as were named"] = len(before.idols) in scene.numbers
        f["were one list"] = any(
            set(before.idols) <= {m.idol_id for m in names} for names in before.lists
        )
        f["were more than two"] = math.log1p(max(0, len(before.idols) - 2))
        f["were named apart"] = len(before.idols) < 2
        f["were told of an act"] = _tells(before)
    f["looks back"] = math.log1p(occasion.since - 1)
    f["from the title"] = _from_title(occasion)
    structure = "the two" if scene.refers_back else "she or he alone"
    return structure, _best_cue(scene, scene.start, scene.end, {0})


def _title(occasion: Occasion, whole: Whole, f: Features) -> None:
    pair, title = occasion.pair, whole.title
    if title is None:
        return
    f["the title asks"] = Frame.QUESTION in title.frames
    f["is the title"] = occasion.scene is title
    if occasion.scene is title:
        return
    named = set(title.idols)
    f["both in the title"] = pair.a in named and pair.b in named
    f["only these two in the title"] = named == {pair.a, pair.b}
    f["one in the title"] = len(named & {pair.a, pair.b}) == 1
    f["others in the title"] = bool(named) and not named & {pair.a, pair.b}
    f["title tells of an act"] = _tells(title)
    for frame in _ELSEWHERE:
        f[f"title {frame}"] = frame in title.frames


def _post(occasion: Occasion, whole: Whole, f: Features) -> None:
    pair, scene, at = occasion.pair, occasion.scene, occasion.at
    for frame in _ELSEWHERE:
        f[f"elsewhere {frame}"] = whole.frames[frame] > (frame in scene.frames)
    f["one is named most"] = whole.most_named in pair
    f["share of the names"] = sum(whole.idols[i] for i in (pair.a, pair.b)) / whole.idols.total()
    f["people in the post"] = math.log1p(len(whole.idols) - 2)
    if len(whole.idols) == 2:
        f["only these two in the post"] = 1.0
        f["only these two, with an act"] = _tells(scene)
        f["only these two, scenes with an act"] = math.log1p(whole.acts)
        f["only these two, no act at all"] = whole.acts == 0
        f["only these two, points back"] = whole.points_back
    if scene.field is Field.TEXT and at + 1 < len(whole.scenes):
        after = whole.scenes[at + 1]
        f["goes on with an act"] = not after.idols and _tells(after)
        f["goes on about both"] = not after.idols and after.refers_back
    if occasion.reach is not Reach.NAMED:
        f["act just before"] = before = _tells(whole.scenes[at - 1])
        f["also, after an act"] = before and f.get("also", 0.0)


def _tells(scene: Scene) -> bool:
    """Whether a scene tells of an act, and not only of an event."""
    return any(cue.act is not Act.EVENT for cue in scene.cues)


def _from_title(occasion: Occasion) -> bool:
    return occasion.before is not None and occasion.before.field is Field.TITLE


def _straight(scene: Scene, number: int) -> bool:
    """Whether a list of names follows an act directly: "hugged Mingyu"."""
    start = scene.phrases[number][0]
    return any(0 <= start - c.end <= 2 for c in scene.cues if c.act is not Act.EVENT)


def _place(cue: Cue, start: int, end: int) -> str:
    if start <= cue.start and cue.end <= end:
        return "between"
    return "before" if cue.end <= start else "after"


def _gap(cue: Cue, start: int, end: int) -> int:
    return max(0, start - cue.end, cue.start - end)


def _best_cue(scene: Scene, start: int, end: int, clauses: set[int]) -> Cue | None:
    """The cue that says most: telling, specific, in the same clause, near."""

    def cost(cue: Cue) -> float:
        apart = min(abs(scene.clause(cue.start) - c) for c in clauses)
        vague = 1.6 if cue.kind is Kind.OTHER else 0.0
        return apart + _gap(cue, start, end) / 60 - 0.5 * _STRENGTH[cue.act] + vague

    return min(scene.cues, key=cost, default=None)
