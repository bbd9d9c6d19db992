"""Names to people: which idol, if any, each name in a post means.

All aliases of all idols, groups and decoys are looked for at once (Aho & Corasick 1975), every
occurrence, overlapping ones too: choosing the longest inside the automaton would let a longer
alias that fails its boundary hide a shorter one that holds. What remains after the boundary check
of its script is scored by features that a person can read; the best candidate links when it is
good enough and clearly better than the next, else nobody is linked. Silence is an answer.
"""

from __future__ import annotations

import dataclasses
import math
import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import ahocorasick_rs

from bot.domain import boundary
from bot.domain.lexicon import Lexicon
from bot.domain.roster import Roster
from bot.domain.text import (
    Script,
    Text,
    fold,
    read,
    script,
    sentences,
)
from bot.domain.types import Alias, AliasKind, Decoy, Field, Idol, Mention, Post

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
_EXACT_AMONG_IDOLS = 1.8
_FULL_NAME = 1.0
_HANDLE = 5.0
_PROFESSION = -4.0
_SURNAME_FOLLOWS = -4.0
_CONTEXT_IN_SENTENCE = 4.0
_CONTEXT_IN_POST = 1.5
_INNER = -1.5


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Links:
    """The names of a post: linked, left alone, and the text they stand in."""

    mentions: tuple[Mention, ...]
    unsure: tuple[Unsure, ...]
    texts: Mapping[Field, Text]
    #: Of each linked idol, the confidence of the least sure mention.
    confidence: Mapping[str, float]
    #: Of each linked idol, the groups (units as their parent) that the text puts them in: those
    #: bound to a mention of them, else those of theirs that it names anywhere.
    given: Mapping[str, frozenset[str]] = dataclasses.field(default_factory=dict)
    groups: tuple[GroupMention, ...] = ()
    decisions: tuple[_Decision, ...] = ()

    def readings(self) -> tuple[Reading, ...]:
        """Every name, linked or not, with what was weighed. Made only when somebody asks."""
        return tuple(_reading(d, self.texts) for d in self.decisions)


@dataclass(slots=True)
class _Name:
    """An occurrence of a name, with everything that could be meant."""

    field: Field
    start: int
    end: int
    tokens: int
    candidates: list[tuple[Idol | Decoy, Alias]]
    bound: set[str] = dataclasses.field(
        default_factory=set
    )  # root ids of groups it is directly bound to
    named_after: set[str] = dataclasses.field(
        default_factory=set
    )  # groups that follow with only a space
    shared: set[str] = dataclasses.field(
        default_factory=set
    )  # groups that reach it through a list of names


@dataclass(slots=True)
class _GroupName:
    field: Field
    start: int
    end: int
    root: str
    strong: bool


@dataclass(slots=True)
class _Found:
    names: list[_Name] = dataclasses.field(default_factory=list)
    groups: list[_GroupName] = dataclasses.field(default_factory=list)
    contexts: list[tuple[Field, int, str]] = dataclasses.field(
        default_factory=list
    )  # (field, start, decoy id)


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
        self._automaton = ahocorasick_rs.AhoCorasick(
            self._patterns,
            matchkind=ahocorasick_rs.MatchKind.Standard,
            implementation=ahocorasick_rs.Implementation.ContiguousNFA,
        )
        self._roots = {
            idol.id: {roster.root(m.group_id) for m in idol.memberships}
            for idol in roster.idols.values()
        }
        self._bindings = _Bindings(lexicon)

    def link(self, post: Post) -> Links:
        """Link every name in a post's title and text."""
        texts = {Field.TITLE: read(post.title), Field.TEXT: read(post.text)}
        found = _Found()
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
        scoring = _Scoring(self._roster, self._roots, self._bindings, texts, found)
        linked: dict[str, float] = {}
        decisions: list[_Decision] = []
        for _ in range(2):  # the second round knows who else is there
            decisions = _resolve(scoring.decide(name, linked) for name in found.names)
            linked = {}
            for d in decisions:
                if d.winner is not None:
                    linked[d.winner.id] = max(linked.get(d.winner.id, 0.0), d.score)
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

    def _given(self, decisions: Sequence[_Decision], found: _Found) -> Mapping[str, frozenset[str]]:
        bound: dict[str, set[str]] = {}
        for d in decisions:
            if d.winner is not None:
                name = d.name
                bound.setdefault(d.winner.id, set()).update(
                    self._roots[d.winner.id] & (name.bound | name.named_after | name.shared)
                )
        named = {g.root for g in found.groups if g.strong}
        return {i: frozenset(roots or self._roots[i] & named) for i, roots in bound.items()}

    def _find(self, where: Field, text: Text, found: _Found) -> None:
        norm = text.norm
        names: dict[tuple[int, int], _Name] = {}
        matches = [
            (self._patterns[index], start, end)
            for index, start, end in self._automaton.find_matches_as_indexes(norm, overlapping=True)
        ]
        # A group's name may stand right before a Hangul given name ("블랙핑크지수").
        group_ends = {end for pattern, _, end in matches if pattern in self._groups}
        glued = {
            start
            for pattern, start, end in matches
            if start in group_ends
            and pattern in self._entities
            and boundary.begins(norm, start, glued=True)
            and boundary.ends(norm, end)
        }
        for pattern, start, end in matches:
            if not boundary.begins(norm, start, glued=start in group_ends):
                continue
            if not boundary.ends(norm, end) and not (end in glued and pattern in self._groups):
                continue
            if pattern in self._contexts:
                found.contexts += [(where, start, d) for d in self._contexts[pattern]]
            for root, alias in self._groups.get(pattern, ()):
                surface = text.raw[slice(*text.span(start, end))]
                found.groups.append(_GroupName(where, start, end, root, _is_strong(alias, surface)))
            if pattern in self._entities:
                name = names.setdefault(
                    (start, end), _Name(where, start, end, len(pattern.split()), [])
                )
                name.candidates += self._entities[pattern]
        found.names += sorted(names.values(), key=lambda n: n.start)

    def _unsure(self, decision: _Decision, texts: Mapping[Field, Text]) -> Unsure:
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


# ── binding ───────────────────────────────────────────────────────────────────────────────────


class _Bindings:
    """How names hang together with groups, with each other and with professions."""

    def __init__(self, lexicon: Lexicon) -> None:
        links = [language.link for language in lexicon.languages.values()]

        def union(*lists: list[str]) -> str:
            return "|".join(sorted({w for words in lists for w in words}, key=len, reverse=True))

        roles = union(*(link.roles for link in links)) or "(?!)"
        of = union(*(link.of for link in links)) or "(?!)"
        conjunction = union(*(link.and_ for link in links)) or "(?!)"
        professions = union(*(link.professions for link in links)) or "(?!)"
        #: Between a group and its member: "'s", "의", "の", " member ", "(세븐틴) ".
        self._before = re.compile(
            rf"['\"”’)\]]?(?:'s?|의|の|・|·|:|-)?(?:\s*(?:{roles})(?![a-z]))*\s*['\"“‘(]?\s*",
            re.IGNORECASE,
        )
        #: Between a member and the group: " of ", " (", " de ".
        self._after = re.compile(
            rf"\s*(?:\(|\[|,?\s*(?:{of})\s)\s*(?:the\s+)?['\"“‘]?\s*", re.IGNORECASE
        )
        self._list = re.compile(
            rf"\s*(?:[,、·・/&+×xㆍ]|,?\s*(?:{conjunction})(?![a-z]))\s*", re.IGNORECASE
        )
        self._profession = re.compile(
            rf"(?:^|[^\w]|(?<=[가-힣]))(?:{professions})\s*$", re.IGNORECASE
        )

    def bind(self, norm: str, names: Sequence[_Name], groups: Sequence[_GroupName]) -> None:
        """Note on each name the groups that it is bound to."""
        by_end = sorted(groups, key=lambda g: g.end)
        ends = [g.end for g in by_end]
        by_start = sorted(groups, key=lambda g: g.start)
        starts = [g.start for g in by_start]
        for name in names:
            near = slice(bisect_left(ends, name.start - 40), bisect_right(ends, name.start))
            for group in by_end[near]:
                if self._before.fullmatch(norm, group.end, name.start):
                    name.bound.add(group.root)
            near = slice(bisect_left(starts, name.end), bisect_right(starts, name.end + 30))
            for group in by_start[near]:
                between = norm[name.end : group.start]
                if self._after.fullmatch(norm, name.end, group.start):
                    name.bound.add(group.root)
                elif between.strip() == "" and "\n" not in between:
                    name.named_after.add(group.root)
        self._distribute(norm, names)

    def _distribute(self, norm: str, names: Sequence[_Name]) -> None:
        """Let "SEVENTEEN's Hoshi and Woozi" bind both, and "Hoshi and Woozi of SEVENTEEN" too."""
        for ordered, step in ((names, 1), (names[::-1], -1)):
            for i, name in enumerate(ordered):
                for other in ordered[i + 1 : i + 6]:
                    left, right = (name, other) if step == 1 else (other, name)
                    gap = right.start - left.end
                    if gap > 16:
                        break
                    if gap > 0 and self._list.fullmatch(norm, left.end, right.start):
                        other.shared |= name.bound | name.shared

    def has_profession(self, norm: str, name: _Name) -> bool:
        """Whether a profession that is not an idol's stands right before the name."""
        return self._profession.search(norm, max(0, name.start - 16), name.start) is not None


# ── scoring ───────────────────────────────────────────────────────────────────────────────────


@dataclass(slots=True)
class _Decision:
    name: _Name
    #: (score, entity, features), best first.
    ranked: list[tuple[float, Idol | Decoy, dict[str, float]]]

    @property
    def score(self) -> float:
        return self.ranked[0][0]

    @property
    def winner(self) -> Idol | None:
        score, best, _ = self.ranked[0]
        runner_up = self.ranked[1][0] if len(self.ranked) > 1 else -math.inf
        if isinstance(best, Idol) and score >= ACCEPT and score - runner_up >= MARGIN:
            return best
        return None


class _Scoring:
    def __init__(
        self,
        roster: Roster,
        roots: Mapping[str, set[str]],
        bindings: _Bindings,
        texts: Mapping[Field, Text],
        found: _Found,
    ) -> None:
        self._roster = roster
        self._roots = roots
        self._bindings = bindings
        self._texts = texts
        self._groups = {g.root for g in found.groups if g.strong}
        self._sentences = {w: [s for s, _ in sentences(t.norm)] for w, t in texts.items()}
        self._contexts = {(d, f, self._sentence(f, at)) for f, at, d in found.contexts}
        self._context_in_post = {d for _, _, d in found.contexts}
        self._starts = {(n.field, n.start) for n in found.names} | {
            (g.field, g.start) for g in found.groups
        }
        self._headline = {where: _is_headline(text.raw) for where, text in texts.items()}

    def _sentence(self, where: Field, at: int) -> int:
        return bisect_right(self._sentences[where], at)

    def decide(self, name: _Name, linked: Mapping[str, float]) -> _Decision:
        """Rank everything that a name could mean, given who is linked in the post so far."""
        best: dict[str, tuple[float, Idol | Decoy, dict[str, float]]] = {}
        for entity, alias in name.candidates:
            features = (
                self._idol(name, entity, alias, linked)
                if isinstance(entity, Idol)
                else self._decoy(name, entity)
            )
            score = sum(features.values())
            if entity.id not in best or score > best[entity.id][0]:
                best[entity.id] = (score, entity, features)
        return _Decision(name, sorted(best.values(), key=lambda c: (-c[0], c[1].id)))

    def _idol(
        self, name: _Name, idol: Idol, alias: Alias, linked: Mapping[str, float]
    ) -> dict[str, float]:
        text = self._texts[name.field]
        start, end = text.span(name.start, name.end)
        surface = text.raw[start:end]
        roots = self._roots[idol.id]
        names = self._roster.groups
        features = {"how well known": 4 * idol.prior - 1.6}
        if alias.kind is AliasKind.INNER:
            features["a name used only among the group"] = _INNER - features["how well known"]
        if alias.kind is AliasKind.HANDLE:
            features["own account"] = _HANDLE
        if own := roots & (name.bound | name.named_after):
            features[f"bound to {names[min(own)].name}"] = _BOUND
        elif own := roots & name.shared:
            features[f"in a list of {names[min(own)].name}"] = _DISTRIBUTED
        elif name.bound:
            features[f"bound to {names[min(name.bound)].name}"] = _BOUND_ELSEWHERE
        if own := roots & self._groups:
            features[f"{names[min(own)].name} in the post"] = _GROUP_IN_POST
        if alias.ordinary_word:
            features["also an ordinary word"] = _ORDINARY
            if script(surface[0]) is Script.LATIN and surface[0].islower():
                features["in lower case"] = _LOWER_CASE
            elif (
                surface == alias.text
                and sum(c.isupper() for c in surface) >= 2
                and (self._groups or any(other != idol.id for other in linked))
            ):
                # "IU", "BoA": a word only in other letters, as long as the talk is of idols.
                features["written as the name, among idols"] = _EXACT_AMONG_IDOLS
        elif alias.kind is AliasKind.FULL:
            features["full name"] = _FULL_NAME
        if not name.bound:
            if self._bindings.has_profession(text.norm, name):
                features["another profession before it"] = _PROFESSION
            if alias.kind is AliasKind.STAGE and self._surname_follows(name, end):
                weak = alias.ordinary_word or idol.prior < 0.8
                features["another surname after it"] = _SURNAME_FOLLOWS if weak else -1.0
        if linked.get(idol.id, 0.0) >= ACCEPT + 2 and alias.kind is not AliasKind.INNER:
            features["linked elsewhere in the post"] = _SAME_NAME_LINKED
        # Whoever else this very name could mean is no company: it means one of them.
        rivals = {entity.id for entity, _ in name.candidates}
        mates = sum(1 for other in linked if other not in rivals and roots & self._roots[other])
        if mates:
            features["group-mates in the post"] = _GROUP_MATE * min(mates, 2)
        return features

    def _decoy(self, name: _Name, decoy: Decoy) -> dict[str, float]:
        features = {"how well known": 4 * decoy.prior - 1.6}
        here = self._sentence(name.field, name.start)
        if (decoy.id, name.field, here) in self._contexts:
            features["its context in the sentence"] = _CONTEXT_IN_SENTENCE
        elif decoy.id in self._context_in_post:
            features["its context in the post"] = _CONTEXT_IN_POST
        return features

    def _surname_follows(self, name: _Name, raw_end: int) -> bool:
        """Whether a capitalised word that is no name we know follows, outside a headline."""
        if self._headline[name.field] or (name.field, name.end + 1) in self._starts:
            return False
        raw = self._texts[name.field].raw
        return _CAPITALISED.match(raw, raw_end) is not None


_CAPITALISED = re.compile(r" [A-Z][a-z]+\b(?!['’]s)")
_WORD = re.compile(r"[A-Za-z][A-Za-z'’]*")


def _is_headline(raw: str) -> bool:
    """Whether most words are capitalised, so that capitals say nothing."""
    words: list[str] = _WORD.findall(raw[:400])
    return sum(w[0].isupper() for w in words) >= 0.6 * max(len(words), 1)


def _resolve(decisions: Iterable[_Decision]) -> list[_Decision]:
    """Of overlapping names keep the longer one in words, then the better, in order of place."""
    kept: list[_Decision] = []
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


def _reading(decision: _Decision, texts: Mapping[Field, Text]) -> Reading:
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


def _mention(decision: _Decision, texts: Mapping[Field, Text]) -> Mention:
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
