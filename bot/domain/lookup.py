"""Whom a member means by what was typed: "jisoo", "지수", "jisu", "mingyu seventeen"."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from rapidfuzz import fuzz, process

from bot.domain.roster import Roster
from bot.domain.text import fold
from bot.domain.types import AliasKind

#: The best is taken without asking when it leads the next by this much.
CLEAR_LEAD = 5.0
#: Scores: 100 for the exact name, less for what is only near.
_EXACT = {
    AliasKind.STAGE: 100.0,
    AliasKind.HANDLE: 100.0,
    AliasKind.FULL: 98.0,
    AliasKind.NICK: 92.0,
    AliasKind.INNER: 84.0,
}
_SOUNDS_ALIKE = 8.0
_PREFIX = 12.0
_LEAST_SIMILAR = 72
_PRIOR = 10.0

# Romanised Korean is spelt in many ways; these differences do not tell names apart.
_SPELLINGS = [
    (re.compile(p), r)
    for p, r in (
        (r"[\s'’.\-_]", ""),
        ("oo|woo|ou", "u"),
        ("ee|yi", "i"),
        ("eo|ur", "u"),
        ("ae|ay|ai", "e"),
        ("ck|k|q", "g"),
        ("p", "b"),
        ("t", "d"),
        ("ch", "j"),
        ("r", "l"),
        (r"(.)\1", r"\1"),
    )
]


@dataclass(frozen=True, slots=True)
class Found:
    """An idol that may be meant, with a score of about 0 to 110."""

    idol_id: str
    score: float


class Lookup:
    """Finds idols by typed names in one roster. Immutable."""

    def __init__(self, roster: Roster) -> None:
        self.roster = roster
        self._exact: dict[str, dict[str, float]] = {}
        self._sounds: dict[str, dict[str, float]] = {}
        for idol in roster.idols.values():
            for alias in idol.aliases:
                score = _EXACT[alias.kind]
                name = fold(alias.text)
                for index, key, points in (
                    (self._exact, name, score),
                    (self._exact, name.replace(" ", "").replace("-", ""), score),
                    (self._sounds, sound(name), score - _SOUNDS_ALIKE),
                ):
                    held = index.setdefault(key, {})
                    held[idol.id] = max(points, held.get(idol.id, 0.0))
        self._groups: dict[str, set[str]] = {}
        for group in roster.groups.values():
            for alias in group.aliases:
                self._groups.setdefault(_typed(alias.text), set()).add(roster.root(group.id))

    def find(self, typed: str, *, limit: int = 25) -> list[Found]:
        """The idols that may be meant, best first; [] when nobody is near.

        A group's name beside the idol's narrows the search to its members; a group's name alone
        finds all of them.
        """
        query = _typed(typed)
        if not query:
            return []
        scores: dict[str, float] = {}
        for name, groups in self._readings(query):
            found = self._named(name) if name else dict.fromkeys(self.roster.idols, 60.0)
            for idol_id, score in found.items():
                if groups and not groups & self._roots(idol_id):
                    continue
                bonus = 3.0 if groups and name else 0.0
                scores[idol_id] = max(scores.get(idol_id, 0.0), score + bonus)
        ranked = [
            Found(i, round(s + _PRIOR * self.roster.idols[i].prior, 2)) for i, s in scores.items()
        ]
        return sorted(ranked, key=lambda f: (-f.score, f.idol_id))[:limit]

    def nearest(self, typed: str, *, limit: int = 3) -> list[Found]:
        """The idols whose names look most like what was typed, however little."""
        telling = [k for k in self._exact if len(k) > 2]  # one letter is like anything
        near = process.extract(fold(typed), telling, scorer=fuzz.WRatio, score_cutoff=50, limit=20)
        ids = dict.fromkeys(
            max(
                self._exact[k],
                key=lambda i: self._exact[k][i] + _PRIOR * self.roster.idols[i].prior,
            )
            for k, _, _ in near
        )
        return [Found(i, 0.0) for i in list(ids)[:limit]]

    def _readings(self, query: str) -> list[tuple[str, set[str]]]:
        """The query as a name, and as a name with a group before or after it."""
        readings: list[tuple[str, set[str]]] = [(query, set())]
        words = query.split()
        for cut in range(len(words) + 1):
            for group, name in (
                (words[:cut], words[cut:]),
                (words[cut:], words[:cut]),
            ):
                if groups := self._groups.get(" ".join(group)):
                    readings.append((" ".join(name), groups))
        return readings

    def _named(self, name: str) -> dict[str, float]:
        bare = name.replace(" ", "").replace("-", "")
        scores: dict[str, float] = {}

        def note(found: Mapping[str, float], less: float = 0.0) -> None:
            for idol_id, points in found.items():
                scores[idol_id] = max(scores.get(idol_id, 0.0), points - less)

        note(self._exact.get(name, {}))
        note(self._exact.get(bare, {}))
        note(self._sounds.get(sound(name), {}))
        for key, found in self._exact.items():
            if len(key) > len(name) and key.startswith(name):
                note(found, _PREFIX + min(len(key) - len(name), 10))
        if not scores and len(bare) > 2:
            near = process.extract(
                name, self._exact.keys(), scorer=fuzz.ratio, score_cutoff=_LEAST_SIMILAR, limit=20
            )
            for key, similarity, _ in near:
                note(self._exact[key], 100 - similarity + _PREFIX)
        return scores

    def _roots(self, idol_id: str) -> set[str]:
        return {self.roster.root(g.id) for g in self.roster.groups_of(idol_id)}


def _typed(text: str) -> str:
    """What was typed, without the marks of our own labels: "IU (soloist)", "Amber (f(x))"."""
    return fold(re.sub(r"\(soloist\)|[()\[\],×]", " ", text))


def sound(name: str) -> str:
    """A key that romanisations of one Korean name share: "minkyu" and "mingyu"."""
    for pattern, replacement in _SPELLINGS:
        name = pattern.sub(replacement, name)
    return name


def clear_leader(found: list[Found]) -> Found | None:
    """The first, when it leads clearly; None when somebody has to choose."""
    if not found:
        return None
    if len(found) == 1 or found[0].score - found[1].score >= CLEAR_LEAD:
        return found[0]
    return None
