"""A post as scenes: its title and sentences, with who and what is in them.

Who takes part in what is told by clauses and lists. "While Jisoo waved at fans, Mingyu sang" has
an act and two people, and nothing between them; "Nayeon and Momo danced with Jungwoo" is one act of
two lists. Where clauses end and which words join names to a list stands in the lexicon.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import product
from typing import TypeVar

from bot.domain.lexicon import Cue, Frame, Language, Lexicon
from bot.domain.link import GroupMention, Links, Unsure
from bot.domain.text import Text, sentences
from bot.domain.types import Field, Mention, Pair, Post

#: How surely an act that a scene tells of is one between two people it names, 0 to 1.
TOGETHER = 1.0
LIKELY = 0.9
POINTED_AT = 0.85
APART = 0.5


@dataclass(frozen=True)
class Scene:
    """One sentence, or the title. Positions are in the raw field."""

    field: Field
    text: Text
    start: int
    end: int
    mentions: tuple[Mention, ...]
    unsure: tuple[Unsure, ...]
    groups: tuple[GroupMention, ...]
    cues: tuple[Cue, ...]
    frames: dict[Frame, str]
    languages: tuple[Language, ...]
    #: Ends of clauses inside the sentence.
    breaks: tuple[int, ...]
    #: Points back at two people: "the two", "each other", "두 사람".
    refers_back: bool

    @cached_property
    def idols(self) -> tuple[str, ...]:
        """Who is named, in order."""
        return tuple(dict.fromkeys(m.idol_id for m in self.mentions))

    @cached_property
    def lists(self) -> tuple[tuple[Mention, ...], ...]:
        """The names as lists: names with nothing but joining words and groups between them."""
        lists: list[list[Mention]] = []
        for mention in self.mentions:
            if lists and self._joined(lists[-1][-1].end, mention.start):
                lists[-1].append(mention)
            else:
                lists.append([mention])
        return tuple(map(tuple, lists))

    def _joined(self, start: int, end: int) -> bool:
        gap = self.text.raw[start:end]
        for group in reversed(self.groups):
            if start <= group.start and group.end <= end:
                gap = gap[: group.start - start] + " " + gap[group.end - start :]
        return len(gap) <= 40 and any(x.joins(gap.casefold()) for x in self.languages)

    def clause(self, at: int) -> int:
        """The number of the clause that a position is in; a list of names is never cut."""
        return sum(b <= at for b in self._clause_ends)

    @cached_property
    def _clause_ends(self) -> tuple[int, ...]:
        return tuple(
            b for b in self.breaks if not any(x[0].start < b <= x[-1].start for x in self.lists)
        )

    @cached_property
    def begins_with_one(self) -> bool:
        """Whether it begins with someone named before ("She hugged …") and one list of names."""
        if len(self.lists) != 1:
            return False
        before = self.text.raw[self.start : self.mentions[0].start].casefold()
        return any(x.speaks_of_one(before, 0, min(len(before), 24)) for x in self.languages)

    def company(self, pair: Pair) -> int:
        """How many idols are named in the clauses that a pair is named in."""
        clauses = {self.clause(m.start) for m in self.mentions if m.idol_id in pair}
        return len({m.idol_id for m in self.mentions if self.clause(m.start) in clauses})

    def reach(self, pair: Pair, cue: Cue) -> float:
        """How surely a cue of this scene tells of something between the two of a pair."""
        where = [
            [i for i, x in enumerate(self.lists) if any(m.idol_id == one for m in x)][:40]
            for one in (pair.a, pair.b)
        ]
        if not where[0] or not where[1]:
            return LIKELY  # named before, pointed back at here
        nearest = min(product(*where), key=lambda lists: abs(lists[0] - lists[1]))
        left, right = min(nearest), max(nearest)
        clauses = {self.clause(self.lists[i][0].start) for i in (left, right)}
        told = self.clause(cue.start)
        if len(clauses) == 1:
            if told not in clauses:
                here = [x for x in self.lists if self.clause(x[0].start) == told]
                return APART if here and not self.refers_back else LIKELY
            between = right - left
            return TOGETHER if between <= 1 else LIKELY if between == 2 else APART
        if self.refers_back:
            return LIKELY
        if told == min(clauses):
            return APART  # what "she" means in it cannot come later
        start, end = self._clause_span(told)
        norm = self.text.raw[start:end].casefold()
        if any(x.speaks_of_one(norm, 0, len(norm)) for x in self.languages):
            return POINTED_AT
        return APART

    def _clause_span(self, number: int) -> tuple[int, int]:
        ends = (self.start, *self._clause_ends, self.end)
        return ends[number], ends[number + 1]


def read_scenes(post: Post, links: Links, lexicon: Lexicon) -> Iterator[Scene]:
    """The title and the sentences of a post, in order."""
    for where, text in links.texts.items():
        if not text.norm:
            continue
        languages = tuple(lexicon.for_text(text.norm, post.lang))
        names = [m for m in links.mentions if m.field is where]
        unsure = [u for u in links.unsure if u.field is where]
        groups = [g for g in links.groups if g.field is where]
        spans = [(0, len(text.norm))] if where is Field.TITLE else sentences(text.norm)
        for start, end in spans:
            raw = text.span(start, end)
            yield Scene(
                field=where,
                text=text,
                start=raw[0],
                end=raw[1],
                mentions=tuple(_within(names, *raw)),
                unsure=tuple(_within(unsure, *raw)),
                groups=tuple(_within(groups, *raw)),
                cues=tuple(_cues(languages, text, start, end)),
                frames=_frames(languages, text.norm, start, end),
                languages=languages,
                breaks=tuple(sorted(_breaks(languages, text, start, end))),
                refers_back=any(x.speaks_of_both(text.norm, start, end) for x in languages),
            )


Named = TypeVar("Named", Mention, Unsure, GroupMention)


def _within(names: Sequence[Named], start: int, end: int) -> Sequence[Named]:
    """Those of a field's names, in order, that begin in a slice."""
    first, last = (bisect_left(names, at, key=lambda n: n.start) for at in (start, end))
    return names[first:last]


def _cues(languages: Sequence[Language], text: Text, start: int, end: int) -> Iterator[Cue]:
    for language in languages:
        for cue in language.cues(text.norm, start, end):
            where = text.span(cue.start, cue.end)
            yield replace(cue, start=where[0], end=where[1])


def _breaks(languages: Sequence[Language], text: Text, start: int, end: int) -> set[int]:
    return {
        text.span(at, at)[0] if at < len(text.norm) else len(text.raw)
        for language in languages
        for at in language.clause_ends(text.norm, start, end)
    }


def _frames(languages: Sequence[Language], norm: str, start: int, end: int) -> dict[Frame, str]:
    frames: dict[Frame, str] = {}
    for language in languages:
        for frame, word in language.frames(norm, start, end):
            frames.setdefault(frame, word)
    if norm[start:end].rstrip("'\")]”’」』 ").endswith("?"):
        frames.setdefault(Frame.IRREALIS, "?")  # a question reports nothing
    return frames
