"""Who a name means: what speaks for and against each candidate, added up.

The features are few and each can be read; their weights were set by hand and are not probabilities.
A decision without a clear winner links nobody.
"""

from __future__ import annotations

import math
import re
from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from dataclasses import field as new
from functools import cached_property

from bot.domain.binding import Bindings, GroupName, Name, Place
from bot.domain.roster import Roster
from bot.domain.text import Script, Text, script, sentences
from bot.domain.types import Alias, AliasKind, Decoy, Field, Idol

#: A candidate links at this score …
ACCEPT = 1.5
#: … and when it leads the next by this much.
MARGIN = 1.0

_BOUND = 4.0
_DISTRIBUTED = 3.5
_BOUND_ELSEWHERE = -6.0
_GROUP_IN_POST = 2.0
_SAME_NAME_LINKED = 3.0
_GROUP_MATE = 0.8
_ORDINARY = -2.0
_LOWER_CASE = -4.0
#: The same two of a name that stands beside its group.
_ORDINARY_BOUND = -0.5
_LOWER_CASE_BOUND = -1.5
_HASHTAG = 2.5
_LISTED = 1.5
_SINGER = 2.0
_ABOUT_IDOLS = 0.8
_EXACT_AMONG_IDOLS = 1.8
_FULL_NAME = 1.0
_HANDLE = 5.0
_PROFESSION = -4.0
_SURNAME_FOLLOWS = -4.0
_CONTEXT_IN_SENTENCE = 4.0
_CONTEXT_IN_POST = 1.5
_INNER = -1.5


#: What a name could mean: score, who or what, and the features that add up to the score.
Ranked = tuple[float, Idol | Decoy, dict[str, float]]


@dataclass(slots=True)
class Found:
    """All that was found in a post, before anything is decided."""

    names: list[Name] = new(default_factory=list)
    groups: list[GroupName] = new(default_factory=list)
    #: (field, start, decoy id)
    contexts: list[tuple[Field, int, str]] = new(default_factory=list)


@dataclass(slots=True)
class Decision:
    """A name with all it could mean, ranked."""

    name: Name
    #: Best first.
    ranked: list[Ranked]
    #: The idol that is linked, if any.
    winner: Idol | None

    @property
    def score(self) -> float:
        """How good the best candidate is."""
        return self.ranked[0][0]


def _winner(ranked: Sequence[Ranked]) -> Idol | None:
    """The best when it is an idol, good enough and clearly better than the next."""
    score, best, _ = ranked[0]
    runner_up = ranked[1][0] if len(ranked) > 1 else -math.inf
    if isinstance(best, Idol) and score >= ACCEPT and score - runner_up >= MARGIN:
        return best
    return None


@dataclass(slots=True)
class _Case:
    """One thing that a name could mean, with what speaks for and against it by itself."""

    entity: Idol | Decoy
    alias: Alias
    features: dict[str, float]
    #: An ordinary word written as only the name is: counts as soon as the talk is of idols.
    exact: bool = False
    #: What says that somebody else of that name is meant.
    against: dict[str, float] = new(default_factory=dict)


class Scoring:
    """Weighs the candidates of one post's names."""

    def __init__(
        self,
        roster: Roster,
        roots: Mapping[str, set[str]],
        bindings: Bindings,
        texts: Mapping[Field, Text],
        found: Found,
        *,
        about_idols: bool,
    ) -> None:
        self._roster = roster
        self._roots = roots
        self._bindings = bindings
        self._texts = texts
        self._found = found
        self._about_idols = about_idols
        self._groups = {g.root for g in found.groups if g.strong}
        self._cases = [
            (
                name,
                [
                    self._idol(name, entity, alias)
                    if isinstance(entity, Idol)
                    else _Case(entity, alias, self._decoy(name, entity))
                    for entity, alias in name.candidates
                ],
            )
            for name in found.names
        ]

    def decide(self, linked: Mapping[str, float], places: Container[Place]) -> Iterator[Decision]:
        """Rank everything that each name could mean, given who is linked so far, and where."""
        members: dict[str, set[str]] = defaultdict(set)
        for idol_id in linked:
            for root in self._roots[idol_id]:
                members[root].add(idol_id)
        for name, cases in self._cases:
            # Whoever else this very name could mean is no company: it means one of them.
            rivals = {case.entity.id for case in cases}
            best: dict[str, Ranked] = {}
            for case in cases:
                entity, features = case.entity, case.features
                if isinstance(entity, Idol):
                    mates = {m for r in self._roots[entity.id] if r in members for m in members[r]}
                    features = _in_company(case, linked, len(mates - rivals))
                    if any(place in places for place in name.beside):
                        features["in a list with an idol"] = _LISTED
                score = sum(features.values())
                if entity.id not in best or score > best[entity.id][0]:
                    best[entity.id] = (score, entity, features)
            ranked = sorted(best.values(), key=lambda c: (-c[0], c[1].id))
            yield Decision(name, ranked, _winner(ranked))

    def _idol(self, name: Name, idol: Idol, alias: Alias) -> _Case:
        text = self._texts[name.field]
        start, end = text.span(name.start, name.end)
        surface = text.raw[start:end]
        roots = self._roots[idol.id]
        names = self._roster.groups
        features = {"how well known": 4 * idol.prior - 1.6}
        if self._about_idols:
            features["a source about idols"] = _ABOUT_IDOLS
        case = _Case(idol, alias, features)
        if alias.kind is AliasKind.INNER:
            features["a name used only among the group"] = _INNER - features["how well known"]
        if alias.kind is AliasKind.HANDLE:
            features["own account"] = _HANDLE
        own = roots & (name.bound | name.named_after)
        bound = bool(own)
        if own:
            features[f"bound to {names[min(own)].name}"] = _BOUND
        elif own := roots & name.shared:
            features[f"in a list of {names[min(own)].name}"] = _DISTRIBUTED
        elif name.bound:
            features[f"bound to {names[min(name.bound)].name}"] = _BOUND_ELSEWHERE
        if own := roots & self._groups:
            features[f"{names[min(own)].name} in the post"] = _GROUP_IN_POST
        if alias.ordinary_word:
            features["also an ordinary word"] = _ORDINARY_BOUND if bound else _ORDINARY
            if script(surface[0]) is Script.LATIN and surface[0].islower():
                features["in lower case"] = _LOWER_CASE_BOUND if bound else _LOWER_CASE
            elif surface == alias.text and sum(c.isupper() for c in surface) >= 2:
                # "IU", "BoA": a word only in other letters, as long as the talk is of idols.
                case.exact = not self._groups
                if self._groups:
                    features["written as the name, among idols"] = _EXACT_AMONG_IDOLS
        elif alias.kind is AliasKind.FULL:
            features["full name"] = _FULL_NAME
        if roots & self._groups and text.raw[start - 1 : start] == "#":
            features["its hashtag, beside its group's name"] = _HASHTAG
        if self._bindings.is_singer(text.norm, name):
            features["called a singer"] = _SINGER
        if not name.bound:
            if self._bindings.has_profession(text.norm, name):
                case.against["another profession before it"] = _PROFESSION
            if alias.kind is AliasKind.STAGE and self._surname_follows(name, end):
                weak = alias.ordinary_word or idol.prior < 0.8
                case.against["another surname after it"] = _SURNAME_FOLLOWS if weak else -1.0
        return case

    def _decoy(self, name: Name, decoy: Decoy) -> dict[str, float]:
        features = {"how well known": 4 * decoy.prior - 1.6}
        where = self._contexts.get(decoy.id, ())
        if where and (name.field, self._sentence(name.field, name.start)) in where:
            features["its context in the sentence"] = _CONTEXT_IN_SENTENCE
        elif where:
            features["its context in the post"] = _CONTEXT_IN_POST
        return features

    @cached_property
    def _contexts(self) -> Mapping[str, set[tuple[Field, int]]]:
        """Of each decoy among the names, the sentences that hold a word of its context."""
        decoys = {e.id for name in self._found.names for e, _ in name.candidates}
        contexts: dict[str, set[tuple[Field, int]]] = defaultdict(set)
        for where, at, decoy_id in self._found.contexts:
            if decoy_id in decoys:
                contexts[decoy_id].add((where, self._sentence(where, at)))
        return contexts

    def _sentence(self, where: Field, at: int) -> int:
        return bisect_right(self._sentences[where], at)

    @cached_property
    def _sentences(self) -> Mapping[Field, list[int]]:
        return {w: [start for start, _ in sentences(t.norm)] for w, t in self._texts.items()}

    def _surname_follows(self, name: Name, raw_end: int) -> bool:
        """Whether a capitalised word that is no name we know follows, outside a headline."""
        return (
            _CAPITALISED.match(self._texts[name.field].raw, raw_end) is not None
            and (name.field, name.end + 1) not in self._starts
            and not self._headline[name.field]
        )

    @cached_property
    def _starts(self) -> set[tuple[Field, int]]:
        starts = {(n.field, n.start) for n in self._found.names}
        return starts | {(g.field, g.start) for g in self._found.groups}

    @cached_property
    def _headline(self) -> Mapping[Field, bool]:
        return {where: _is_headline(text.raw) for where, text in self._texts.items()}


def _in_company(case: _Case, linked: Mapping[str, float], mates: int) -> dict[str, float]:
    """The features of an idol, given who else is linked and how many of them are group-mates."""
    idol_id = case.entity.id
    features = dict(case.features)
    if case.exact and len(linked) > (idol_id in linked):
        features["written as the name, among idols"] = _EXACT_AMONG_IDOLS
    features |= case.against
    if linked.get(idol_id, 0.0) >= ACCEPT + 2 and case.alias.kind is not AliasKind.INNER:
        features["linked elsewhere in the post"] = _SAME_NAME_LINKED
    if mates:
        features["group-mates in the post"] = _GROUP_MATE * min(mates, 2)
    return features


_CAPITALISED = re.compile(r" [A-Z][a-z]+\b(?!['’]s)")
_WORD = re.compile(r"[A-Za-z][A-Za-z'’]*")


def _is_headline(raw: str) -> bool:
    """Whether most words are capitalised, so that capitals say nothing."""
    words: list[str] = _WORD.findall(raw[:400])
    return sum(w[0].isupper() for w in words) >= 0.6 * max(len(words), 1)


def resolve(decisions: Iterable[Decision]) -> list[Decision]:
    """Of overlapping names keep the longer one in words, then the better, in order of place."""
    kept: list[Decision] = []
    taken: dict[Field, list[tuple[int, int]]] = {where: [] for where in Field}
    order = sorted(decisions, key=lambda d: (-d.name.tokens, -d.score, d.name.start - d.name.end))
    for d in order:
        spans = taken[d.name.field]
        at = bisect_left(spans, (d.name.start, d.name.end))
        if (at == 0 or spans[at - 1][1] <= d.name.start) and (
            at == len(spans) or spans[at][0] >= d.name.end
        ):
            spans.insert(at, (d.name.start, d.name.end))
            kept.append(d)
    return sorted(kept, key=lambda d: (d.name.field is Field.TEXT, d.name.start))
