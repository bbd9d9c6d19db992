"""Names to people: which idol, if any, each name in a post means.

All aliases of all idols, groups and decoys are looked for at once (Aho & Corasick 1975), every
occurrence, overlapping ones too: choosing the longest inside the automaton would let a longer
alias that fails its boundary hide a shorter one that holds. What remains after the boundary check
of its script is scored by features that a person can read; the best candidate links when it is
good enough and clearly better than the next, else nobody is linked. Silence is an answer.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import ahocorasick_rs
import msgspec

from bot.domain import boundary
from bot.domain.binding import Bindings, GroupName, Name, Place
from bot.domain.lexicon import Lexicon
from bot.domain.roster import Roster
from bot.domain.scoring import ACCEPT, Decision, Found, Scoring, resolve
from bot.domain.text import Script, Text, fold, read, script
from bot.domain.types import Alias, AliasKind, Decoy, Field, Idol, Mention, Post

#: Within a Latin word, once case is folded; letters with accents are left to `boundary`.
_LATIN = frozenset("abcdefghijklmnopqrstuvwxyz0123456789")


@dataclass(frozen=True, slots=True, kw_only=True)
class Unsure:
    """A name that was left alone, and between whom."""

    field: Field
    start: int
    end: int
    surface: str
    #: Idols it could have meant, best first.
    idol_ids: tuple[str, ...]
    #: Who or what it probably means instead, for a reader; "" when only idols compete.
    instead: str
    #: Whether the better candidate was a decoy, or two idols were too close.
    decided: bool


@dataclass(frozen=True, slots=True)
class GroupMention:
    """A group's or fandom's name in a post."""

    field: Field
    start: int
    end: int
    #: The group it counts as (a unit's parent).
    root: str


@dataclass(frozen=True, slots=True)
class Candidate:
    """Someone or something that a name could mean, with what speaks for and against it."""

    id: str
    #: For a reader: "Jisoo", "Ji Soo (actor)".
    name: str
    score: float
    #: What was seen → how much it counts; they add up to the score.
    features: Mapping[str, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """One name in a post with all that it could mean, best first."""

    field: Field
    start: int
    end: int
    surface: str
    candidates: tuple[Candidate, ...]
    #: The idol that was linked; None when nobody was.
    chosen: str | None


class Links(msgspec.Struct, frozen=True, kw_only=True):  # one is made for every post
    """The names of a post: linked, left alone, and the text they stand in."""

    mentions: tuple[Mention, ...]
    unsure: tuple[Unsure, ...]
    texts: Mapping[Field, Text]
    #: Of each linked idol, the confidence of the least sure mention.
    confidence: Mapping[str, float]
    #: Of each linked idol, the groups (units as their parent) that the text puts them in: those
    #: bound to a mention of them, else those of theirs that it names anywhere.
    given: Mapping[str, frozenset[str]] = {}
    groups: tuple[GroupMention, ...] = ()
    decisions: tuple[Decision, ...] = ()

    def readings(self) -> tuple[Reading, ...]:
        """Every name, linked or not, with what was weighed. Made only when somebody asks."""
        return tuple(_reading(d, self.texts) for d in self.decisions)


class Linker:
    """Links names with one roster and the lexicon's small words. Immutable."""

    def __init__(self, roster: Roster, lexicon: Lexicon) -> None:
        self._roster = roster
        self._entities: dict[str, list[tuple[Idol | Decoy, Alias]]] = {}
        self._groups: dict[str, list[tuple[str, Alias]]] = {}
        self._contexts: dict[str, list[str]] = {}
        people: list[Idol | Decoy] = [*roster.idols.values(), *roster.decoys.values()]
        for entity in people:
            for alias in entity.aliases:
                self._entities.setdefault(fold(alias.text), []).append((entity, alias))
        for group in roster.groups.values():
            for alias in group.aliases:
                for text in _with_plural(alias):
                    self._groups.setdefault(text, []).append((roster.root(group.id), alias))
        for decoy in roster.decoys.values():
            for context in decoy.contexts:
                self._contexts.setdefault(fold(context), []).append(decoy.id)
        #: Idols' names without spaces: "Ji Soo" is told apart from "Jisoo", "Dio" from nobody.
        self._bare = {
            name.replace(" ", "")
            for name, entities in self._entities.items()
            if any(isinstance(e, Idol) for e, _ in entities)
        }
        self._patterns = sorted({*self._entities, *self._groups, *self._contexts})
        self._names_group = [pattern in self._groups for pattern in self._patterns]
        self._latin = [pattern[0] in _LATIN for pattern in self._patterns]
        self._automaton = ahocorasick_rs.AhoCorasick(
            self._patterns,
            matchkind=ahocorasick_rs.MatchKind.Standard,
            implementation=ahocorasick_rs.Implementation.ContiguousNFA,
        )
        self._roots = {
            idol.id: {roster.root(m.group_id) for m in idol.memberships}
            for idol in roster.idols.values()
        }
        self._bindings = Bindings(lexicon)

    def link(self, post: Post) -> Links:
        """Link every name in a post's title and text."""
        texts = {Field.TITLE: read(post.title), Field.TEXT: read(post.text)}
        found = Found()
        for where, text in texts.items():
            if text.norm:
                self._find(where, text, found)
        if not found.names:
            return Links(mentions=(), unsure=(), texts=texts, confidence={})
        for where, text in texts.items():
            self._bindings.bind(
                text.norm,
                [n for n in found.names if n.field is where],
                [g for g in found.groups if g.field is where],
            )
        scoring = Scoring(
            self._roster, self._roots, self._bindings, texts, found, about_idols=post.about_idols
        )
        linked: dict[str, float] = {}
        places: set[Place] = set()
        decisions: list[Decision] = []
        for _ in range(2):  # the second round knows who else is there
            decisions = resolve(scoring.decide(linked, places))
            places = {(d.name.field, d.name.start) for d in decisions if d.winner is not None}
            linked = {}
            for d in decisions:
                if d.winner is not None:
                    linked[d.winner.id] = max(linked.get(d.winner.id, 0.0), d.score)
            if not linked:
                break
        mentions = tuple(_mention(d, texts) for d in decisions if d.winner is not None)
        confidence: dict[str, float] = {}
        for m in mentions:
            confidence[m.idol_id] = min(m.confidence, confidence.get(m.idol_id, 1.0))
        return Links(
            mentions=mentions,
            unsure=tuple(self._unsure(d, texts) for d in decisions if d.winner is None),
            texts=texts,
            confidence=confidence,
            given=self._given(decisions, found),
            groups=tuple(
                GroupMention(g.field, *texts[g.field].span(g.start, g.end), g.root)
                for g in sorted(found.groups, key=lambda g: (g.start, -g.end))
            ),
            decisions=tuple(decisions),
        )

    def _given(self, decisions: Sequence[Decision], found: Found) -> Mapping[str, frozenset[str]]:
        bound: dict[str, set[str]] = {}
        for d in decisions:
            if d.winner is not None:
                name = d.name
                bound.setdefault(d.winner.id, set()).update(
                    self._roots[d.winner.id] & (name.bound | name.named_after | name.shared)
                )
        named = {g.root for g in found.groups if g.strong}
        return {i: frozenset(roots or self._roots[i] & named) for i, roots in bound.items()}

    def _find(self, where: Field, text: Text, found: Found) -> None:
        norm = text.norm
        names: dict[tuple[int, int], Name] = {}
        matches = self._automaton.find_matches_as_indexes(norm, overlapping=True)
        # A group's name may stand right before a Hangul given name ("블랙핑크지수").
        group_ends = {end for index, _, end in matches if self._names_group[index]}
        # Most of what matches is a short name inside a word ("key" in "monkey"): out with it first.
        matches = [
            m for m in matches if not (m[1] and norm[m[1] - 1] in _LATIN and self._latin[m[0]])
        ]
        glued = {
            start
            for index, start, end in matches
            if start in group_ends
            and self._patterns[index] in self._entities
            and boundary.begins(norm, start, glued=True)
            and boundary.ends(norm, end)
        }
        for index, start, end in matches:
            if not boundary.begins(norm, start, glued=start in group_ends):
                continue
            if not boundary.ends(norm, end) and not (end in glued and self._names_group[index]):
                continue
            pattern = self._patterns[index]
            if pattern in self._contexts:
                found.contexts += [(where, start, d) for d in self._contexts[pattern]]
            for root, alias in self._groups.get(pattern, ()):
                surface = text.raw[slice(*text.span(start, end))]
                found.groups.append(GroupName(where, start, end, root, _is_strong(alias, surface)))
            if pattern in self._entities:
                name = names.setdefault(
                    (start, end), Name(where, start, end, len(pattern.split()), [])
                )
                name.candidates += self._entities[pattern]
        found.names += sorted(names.values(), key=lambda n: n.start)

    def _unsure(self, decision: Decision, texts: Mapping[Field, Text]) -> Unsure:
        text = texts[decision.name.field]
        start, end = text.span(decision.name.start, decision.name.end)
        score, best, features = decision.ranked[0]
        surface = text.raw[start:end]
        if isinstance(best, Decoy):
            like_an_idol = fold(surface).replace(" ", "") in self._bare
            decided = like_an_idol and "its context in the sentence" in features
        else:
            decided = score >= ACCEPT
        return Unsure(
            field=decision.name.field,
            start=start,
            end=end,
            surface=surface,
            idol_ids=tuple(e.id for _, e, _ in decision.ranked if isinstance(e, Idol)),
            instead=best.name if isinstance(best, Decoy) else "",
            decided=decided,
        )


def _with_plural(alias: Alias) -> Iterator[str]:
    text = fold(alias.text)
    yield text
    if alias.kind is AliasKind.FANDOM and script(text[-1]) is Script.LATIN:
        yield f"{text}s"


def _is_strong(alias: Alias, surface: str) -> bool:
    """Whether a group's name speaks for itself; one that is also a word must look like a name."""
    if not alias.ordinary_word:
        return True
    capitals = sum(c.isupper() for c in surface)
    return capitals >= 2 and capitals >= len(surface) - 1


def _reading(decision: Decision, texts: Mapping[Field, Text]) -> Reading:
    text = texts[decision.name.field]
    start, end = text.span(decision.name.start, decision.name.end)
    winner = decision.winner
    return Reading(
        field=decision.name.field,
        start=start,
        end=end,
        surface=text.raw[start:end],
        candidates=tuple(
            Candidate(entity.id, entity.name, round(score, 2), features)
            for score, entity, features in decision.ranked
        ),
        chosen=winner.id if winner else None,
    )


def _mention(decision: Decision, texts: Mapping[Field, Text]) -> Mention:
    score, idol, features = decision.ranked[0]
    text = texts[decision.name.field]
    start, end = text.span(decision.name.start, decision.name.end)
    return Mention(
        idol_id=idol.id,
        field=decision.name.field,
        start=start,
        end=end,
        surface=text.raw[start:end],
        confidence=round(1 / (1 + math.exp(1.0 - score)), 3),
        evidence=features,
    )
