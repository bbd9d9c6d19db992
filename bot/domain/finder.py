"""Many regular expressions over one text, without trying those that cannot match.

Every expression is parsed for strings of which each match must hold at least one. All of these are
looked for at once (Aho & Corasick 1975), and only the expressions whose strings occur are tried;
Hyperscan and RE2's FilteredRE2 work the same way. With a thousand expressions for a language and a
text of two thousand characters some ten are tried.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property, lru_cache
from re import _parser  # type: ignore[attr-defined]  # the parser behind `re`, without stubs
from typing import Any, Generic, TypeVar

import ahocorasick_rs

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Found(Generic[T]):
    """A match of one expression, and what the expression stands for."""

    start: int
    end: int
    what: T


@dataclass(frozen=True)
class Expression(Generic[T]):
    """A regular expression, and what it stands for."""

    source: str
    what: T
    #: Whether it is only found where words begin and end.
    words: bool = False

    @cached_property
    def pattern(self) -> re.Pattern[str]:
        """Compiled when it is first tried: most of a language never is."""
        whole = rf"(?<!\w)(?:{self.source})(?!\w)" if self.words else self.source
        return re.compile(whole, re.IGNORECASE)


class Finder(Generic[T]):
    """Finds every match of every expression. Immutable."""

    def __init__(self, expressions: Iterable[Expression[T]]) -> None:
        self._expressions = list(expressions)
        self._always: list[int] = []
        by_string: dict[str, list[int]] = {}
        for number, expression in enumerate(self._expressions):
            strings = shape(expression.source).needed
            for string in strings or ():
                by_string.setdefault(string, []).append(number)
            if not strings:
                self._always.append(number)
        self._of_string = list(by_string.values())
        self._strings = ahocorasick_rs.AhoCorasick(
            list(by_string), implementation=ahocorasick_rs.Implementation.ContiguousNFA
        )

    def find(self, norm: str) -> list[Found[T]]:
        """All matches in case-folded text, by place; those of one expression do not overlap."""
        numbers = set(self._always)
        for string, _, _ in self._strings.find_matches_as_indexes(norm, overlapping=True):
            numbers.update(self._of_string[string])
        found = [
            Found(match.start(), match.end(), expression.what)
            for expression in map(self._expressions.__getitem__, sorted(numbers))
            for match in expression.pattern.finditer(norm)
        ]
        found.sort(key=lambda f: f.start)
        return found


@dataclass(frozen=True, slots=True)
class Shape:
    """What can be told of an expression without a text."""

    #: Strings of which every match holds at least one, case-folded; None when there are none.
    needed: frozenset[str] | None
    #: Whether a match can be empty.
    empty: bool


@lru_cache(maxsize=16_384)
def shape(source: str) -> Shape:
    """Parse an expression; cached, for it is asked for when it is checked and when it is used.

    Raises:
        re.error: it is no valid regular expression.
    """
    parsed: Any = _parser.parse(source, re.IGNORECASE)
    return Shape(_best(_needs(parsed)), parsed.getwidth()[0] == 0)


def _needs(tokens: Iterable[tuple[object, Any]]) -> Iterator[frozenset[str]]:
    """Sets of strings, each of which has one in every match of a sequence."""
    run = ""
    for op, value in tokens:
        name = str(op)
        if name == "LITERAL":
            run += chr(value).casefold()
            continue
        if run:
            yield frozenset({run})
            run = ""
        if name == "SUBPATTERN":
            yield from _needs(value[3])
        elif name == "ATOMIC_GROUP":
            yield from _needs(value)
        elif name in {"MAX_REPEAT", "MIN_REPEAT", "POSSESSIVE_REPEAT"} and value[0] > 0:
            yield from _needs(value[2])
        elif name == "BRANCH":
            branches = [_best(_needs(branch)) for branch in value[1]]
            if all(branches):
                yield frozenset().union(*(b for b in branches if b))
        elif name == "ASSERT":
            yield from _needs(value[1])
    if run:
        yield frozenset({run})


def _best(sets: Iterator[frozenset[str]]) -> frozenset[str] | None:
    """The set whose shortest string is longest: it lets the fewest texts through."""
    return max(sets, key=lambda s: min(map(len, s)), default=None)
