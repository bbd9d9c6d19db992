"""How the names of a text hang together: with groups, with each other, with professions.

"SEVENTEEN's Mingyu", "Mingyu of SEVENTEEN" and "세븐틴 민규" bind a name to a group; a list of
names hands a binding on. The words between stand in the lexicon.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from dataclasses import field as new
from itertools import pairwise

from bot.domain.lexicon import Lexicon
from bot.domain.types import Alias, Decoy, Field, Idol

#: Where a name begins.
Place = tuple[Field, int]


@dataclass(slots=True)
class Name:
    """An occurrence of a name with all it could mean. Positions are in `Text.norm`."""

    field: Field
    start: int
    end: int
    #: Words of the name.
    tokens: int
    candidates: list[tuple[Idol | Decoy, Alias]]
    #: Groups (units as their parent) that it is directly bound to.
    bound: set[str] = new(default_factory=set)
    #: Groups that follow with only a space between.
    named_after: set[str] = new(default_factory=set)
    #: Groups that reach it through a list of names.
    shared: set[str] = new(default_factory=set)
    #: The names next to it in a list.
    beside: list[Place] = new(default_factory=list)


@dataclass(slots=True)
class GroupName:
    """An occurrence of a group's or fandom's name. Positions are in `Text.norm`."""

    field: Field
    start: int
    end: int
    #: The group it counts as (a unit's parent).
    root: str
    #: Whether it speaks for itself; one that is also a word must look like a name.
    strong: bool


class Bindings:
    """How names hang together with groups, with each other and with professions."""

    def __init__(self, lexicon: Lexicon) -> None:
        links = [language.link for language in lexicon.languages.values()]

        def union(*lists: list[str]) -> str:
            return "|".join(sorted({w for words in lists for w in words}, key=len, reverse=True))

        roles = union(*(link.roles for link in links)) or "(?!)"
        of = union(*(link.of for link in links)) or "(?!)"
        conjunction = union(*(link.and_ for link in links)) or "(?!)"
        professions = union(*(link.professions for link in links)) or "(?!)"
        singers = union(*(link.singers for link in links)) or "(?!)"
        #: Between a group and its member: "'s", "의", "の", " - ", " member ", "(세븐틴) ".
        self._before = re.compile(
            rf"['\"”’)\]]?(?:'s?|의|の|・|·|\s?[:-])?(?:\s*(?:{roles})(?![a-z]))*\s*['\"“‘(]?\s*",
            re.IGNORECASE,
        )
        #: Between a member and the group: " of ", " (", " de ".
        self._after = re.compile(
            rf"\s*(?:\(|\[|,?\s*(?:{of})(?:\s|(?<=['’])))\s*(?:the\s+)?['\"“‘]?\s*", re.IGNORECASE
        )
        self._list = re.compile(
            rf"\s*(?:[,、·・/&+×xㆍ]|,?\s*(?:{conjunction})(?![a-z]))\s*", re.IGNORECASE
        )
        self._singer = re.compile(rf"(?:^|[^\w])(?:{singers})\s*$", re.IGNORECASE)
        self._profession = re.compile(
            rf"(?:^|[^\w]|(?<=[가-힣]))(?:{professions})\s*$", re.IGNORECASE
        )

    def bind(self, norm: str, names: Sequence[Name], groups: Sequence[GroupName]) -> None:
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
                gap = norm[name.end : group.start]
                if self._after.fullmatch(norm, name.end, group.start):
                    name.bound.add(group.root)
                elif gap.strip() == "" and "\n" not in gap:
                    name.named_after.add(group.root)
        self._distribute(norm, names)
        for left, right in pairwise(names):
            between = slice(bisect_left(starts, left.end), bisect_left(starts, right.start))
            if self._listed(norm, left, right, by_start[between]):
                left.beside.append((right.field, right.start))
                right.beside.append((left.field, left.start))

    def _listed(self, norm: str, left: Name, right: Name, groups: Sequence[GroupName]) -> bool:
        """Whether two names are of one list, whatever groups stand between: "A and CNBLUE's B"."""
        if not 0 < right.start - left.end <= 40:
            return False
        at, gap = left.end, ""
        for group in groups:
            if group.start >= at and group.end <= right.start:
                gap += norm[at : group.start]
                at = group.end
        rest = norm[at : right.start]
        if at > left.end and self._before.fullmatch(rest):
            rest = " "  # the group is the second one's
        return self._list.fullmatch(gap + rest) is not None

    def _distribute(self, norm: str, names: Sequence[Name]) -> None:
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

    def is_singer(self, norm: str, name: Name) -> bool:
        """Whether a word for a singer stands right before the name: "singer Sunmi"."""
        return self._singer.search(norm, max(0, name.start - 16), name.start) is not None

    def has_profession(self, norm: str, name: Name) -> bool:
        """Whether a profession that is not an idol's stands right before the name."""
        return self._profession.search(norm, max(0, name.start - 16), name.start) is not None
