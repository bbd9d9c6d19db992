"""Many regular expressions over one text, without trying those that cannot match.

Every expression is parsed for strings of which each match must hold at least one. All of these are
looked for at once (Aho & Corasick 1975), and only the expressions whose strings occur are tried;
Hyperscan and RE2's FilteredRE2 work the same way. Of some five hundred expressions for a language
about thirty are tried on a post of 380 characters, each only on sentences that hold its strings.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
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
            strings = needed(expression.source)
            for string in strings or ():
                by_string.setdefault(string, []).append(number)
            if not strings:
                self._always.append(number)
        self._of_string = list(by_string.values())
        self._strings = ahocorasick_rs.AhoCorasick(
            list(by_string), implementation=ahocorasick_rs.Implementation.ContiguousNFA
        )

    def find(self, norm: str, spans: Sequence[tuple[int, int]]) -> list[Found[T]]:
        """All matches inside one of the spans of a case-folded text, by place.

        The spans are in order and apart, as sentences are; each expression is tried only on those
        that hold one of its strings. Matches of one expression do not overlap.
        """
        starts = [start for start, _ in spans]
        tried = {(number, at) for number in self._always for at in range(len(spans))}
        for string, start, _ in self._strings.find_matches_as_indexes(norm, overlapping=True):
            at = bisect_right(starts, start) - 1
            tried.update((number, at) for number in self._of_string[string])
        found = [
            Found(match.start(), match.end(), expression.what)
            for number, at in sorted(tried)
            if at >= 0
            for expression in [self._expressions[number]]
            for match in expression.pattern.finditer(norm, *spans[at])
        ]
        found.sort(key=lambda f: f.start)
        return found


def may_be_empty(source: str) -> bool:
    """Whether a match of an expression can have no characters.

    Raises:
        re.error: it is no valid regular expression.
    """
    return bool(_parse(source).getwidth()[0] == 0)


def needed(source: str) -> frozenset[str] | None:
    """Strings of which every match holds at least one, case-folded; None when there are none."""
    return _Read(_parse(source)).best


def _parse(source: str) -> Any:  # noqa: ANN401  the parser has no types
    return _parser.parse(source, re.IGNORECASE)


class _Read:
    """A part of an expression as RE2's prefilter reads it.

    `exact` are all strings that it can match, while they are few; `sets` are sets of strings, of
    each of which one is in every match.
    """

    def __init__(self, tokens: Iterable[tuple[object, Any]]) -> None:
        self.exact: frozenset[str] | None = _NOTHING
        self.sets: list[frozenset[str]] = []
        run = _NOTHING
        for op, value in tokens:
            exact, sets = _token(str(op), value)
            self.sets += sets
            joined = len(run) * len(exact) if exact is not None else _MOST + 1
            if exact is not None and joined <= _MOST:
                run = frozenset(a + b for a in run for b in exact)
            else:
                self._keep(run)
                self.exact = None
                run = exact or _NOTHING
        if self.exact is not None:
            self.exact = run
        self._keep(run)

    def _keep(self, run: frozenset[str]) -> None:
        if "" not in run:
            self.sets.append(run)

    @property
    def best(self) -> frozenset[str] | None:
        """The set whose shortest string is longest: it lets the fewest texts through."""
        return max(self.sets, key=lambda s: min(map(len, s)), default=None)


_NOTHING = frozenset({""})
#: More strings than this are too many to look for.
_MOST = 48


def _token(
    name: str,
    value: Any,  # noqa: ANN401  the parser has no types
) -> tuple[frozenset[str] | None, list[frozenset[str]]]:
    """What one token of a parsed expression can match, and what it must hold."""
    match name:
        case "LITERAL":
            return frozenset({chr(value).casefold()}), []
        case "IN" if all(str(op) == "LITERAL" for op, _ in value):
            return frozenset(chr(code).casefold() for _, code in value), []
        case "SUBPATTERN":
            inner = _Read(value[3])
            return inner.exact, inner.sets
        case "BRANCH":
            branches = [_Read(branch) for branch in value[1]]
            exact = [b.exact for b in branches if b.exact is not None]
            every = frozenset[str]().union(*exact) if len(exact) == len(branches) else None
            best = [b.best for b in branches if b.best is not None]
            sets = [frozenset[str]().union(*best)] if len(best) == len(branches) else []
            return every, sets
        case "MAX_REPEAT" | "MIN_REPEAT" | "POSSESSIVE_REPEAT":
            least, most, inner_tokens = value
            inner = _Read(inner_tokens)
            if (least, most) == (0, 1) and inner.exact is not None:
                return inner.exact | _NOTHING, []
            return None, inner.sets if least else []
        case "ASSERT":
            ahead, inner_tokens = value
            # What stands behind may be in the sentence before.
            return _NOTHING, _Read(inner_tokens).sets if ahead == 1 else []
        case "AT" | "ASSERT_NOT":
            return _NOTHING, []
    return None, []
