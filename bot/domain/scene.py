"""A post as scenes: its title and sentences, with who and what is in them.

Who takes part in what is told by clauses and lists. "While Jisoo waved at fans, Mingyu sang" has
an act and two people, and nothing between them; "Nayeon and Momo danced with Jungwoo" is one act of
two lists. Where clauses end and which words join names to a list stands in the lexicon.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TypeVar

from bot.domain.finder import Found
from bot.domain.lexicon import Cue, Frame, Language, Lexicon, Role, Word
from bot.domain.link import GroupMention, Links, Unsure
from bot.domain.text import Text, sentences
from bot.domain.types import Field, Mention, Post

#: Characters of a question that asks and tells nothing.
QUESTION = 120
_ITEM = re.compile(r"\s*(?:\d{1,2}\s?[.):]\s|#\d|[①-⑳▶►■●◆◇•▲△▷☞🔹✅]|\d\uFE0F?\u20E3)")


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
    #: Where it points back at one person ("she"), and at two or more ("the two", "두 사람").
    ones: tuple[int, ...]
    boths: tuple[int, ...]
    #: How many people the latter say they are, where they say it.
    numbers: frozenset[int]

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
    def phrases(self) -> tuple[tuple[int, int], ...]:
        """The lists with the groups named beside them, each as a slice of the raw field."""
        return tuple(self._phrase(x[0].start, x[-1].end) for x in self.lists)

    def _phrase(self, start: int, end: int) -> tuple[int, int]:
        for group in reversed(self.groups):
            if group.end <= start and self._beside(group.end, start):
                start = group.start
        for group in self.groups:
            if group.start >= end and self._beside(end, group.start):
                end = group.end
        return start, end

    def _beside(self, start: int, end: int) -> bool:
        return end - start <= 24 and any(
            x.beside(self.text.raw[start:end].casefold()) for x in self.languages
        )

    @cached_property
    def roles(self) -> tuple[frozenset[Role], ...]:
        """What each list is marked as."""
        raw = self.text.raw
        return tuple(
            frozenset(
                role
                for role in Role
                for x in self.languages
                if x.marks(
                    role,
                    before=raw[max(self.start, start - 24) : start],
                    after=raw[end : min(self.end, end + 16)],
                )
            )
            for start, end in self.phrases
        )

    def also(self, number: int) -> bool:
        """Whether a list of names joins what was told before: "Mingyu, too", "민규도"."""
        start, end = self.phrases[number]
        before = self.text.raw[max(self.start, start - 24) : start]
        after = self.text.raw[end : min(self.end, end + 24)]
        return any(x.says_also(before, after) for x in self.languages)

    @cached_property
    def begins_item(self) -> bool:
        """Whether it begins an item of a list or a digest: "2. ", "▶"."""
        return _ITEM.match(self.text.raw, self.start) is not None

    def with_others(self, cue: Cue) -> bool:
        """Whether people who are no idols stand beside a cue, marked as a companion or target."""
        start, end = max(self.start, cue.start - 30), min(self.end, cue.end + 40)
        near = self.text.raw[start:end].casefold()
        return any(x.has_others(near) for x in self.languages)

    @property
    def refers_back(self) -> bool:
        """Whether it points back at two people or more."""
        return bool(self.boths)

    def points_at_one(self, start: int, end: int) -> bool:
        """Whether it points back at one person in a slice."""
        return any(start <= at < end for at in self.ones)


def read_scenes(post: Post, links: Links, lexicon: Lexicon) -> Iterator[Scene]:
    """The title and the sentences of a post, in order."""
    for where, text in links.texts.items():
        if not text.norm:
            continue
        languages = tuple(lexicon.for_text(text.norm, post.lang))
        spans = [(0, len(text.norm))] if where is Field.TITLE else sentences(text.norm)
        read = [language.read(text.norm, spans) for language in languages]
        cues = sorted((c for r in read for c in r.cues), key=_place)
        frames = sorted((f for r in read for f in r.frames), key=_place)
        words = sorted((w for r in read for w in r.words), key=_place)
        names = [m for m in links.mentions if m.field is where]
        unsure = [u for u in links.unsure if u.field is where]
        groups = [g for g in links.groups if g.field is where]
        for start, end in spans:
            raw = text.span(start, end)
            small = _inside(words, start, end)
            yield Scene(
                field=where,
                text=text,
                start=raw[0],
                end=raw[1],
                mentions=tuple(_within(names, *raw)),
                unsure=tuple(_within(unsure, *raw)),
                groups=tuple(_within(groups, *raw)),
                cues=tuple(_at_raw(text, c) for c in _inside(cues, start, end)),
                frames=_frames(text.norm, _inside(frames, start, end), start, end),
                languages=languages,
                breaks=tuple(sorted({_raw(text, w.end) for w in small if w.what is Word.BREAK})),
                ones=tuple(_raw(text, w.start) for w in small if w.what is Word.ONE),
                numbers=frozenset(
                    n
                    for w in small
                    if w.what is Word.BOTH
                    for x in languages
                    if (n := x.number(text.norm[w.start : w.end])) is not None
                ),
                boths=tuple(_raw(text, w.start) for w in small if w.what is Word.BOTH),
            )


Named = TypeVar("Named", Mention, Unsure, GroupMention)


def _within(names: Sequence[Named], start: int, end: int) -> Sequence[Named]:
    """Those of a field's names, in order, that begin in a slice."""
    first, last = (bisect_left(names, at, key=lambda n: n.start) for at in (start, end))
    return names[first:last]


Placed = TypeVar("Placed", Cue, Found[Frame], Found[Word])


def _place(found: Cue | Found[Frame] | Found[Word]) -> int:
    return found.start


def _inside(found: Sequence[Placed], start: int, end: int) -> list[Placed]:
    """Those of a text's findings, in order, that lie in a slice."""
    first, last = (bisect_left(found, at, key=_place) for at in (start, end))
    return [f for f in found[first:last] if f.end <= end]


def _raw(text: Text, at: int) -> int:
    return text.span(at, at)[0] if at < len(text.norm) else len(text.raw)


def _at_raw(text: Text, cue: Cue) -> Cue:
    if text.offsets is None:
        return cue
    start, end = text.span(cue.start, cue.end)
    return replace(cue, start=start, end=end)


def _frames(norm: str, found: Sequence[Found[Frame]], start: int, end: int) -> dict[Frame, str]:
    frames: dict[Frame, str] = {}
    for frame in found:
        frames.setdefault(frame.what, norm[frame.start : frame.end])
    asked = norm[start:end].rstrip("'\")]”’」』 ")
    if asked.endswith("?"):
        # A question reports nothing; but fans also end with one what they tell ("did you SEE??").
        plain = len(asked) <= QUESTION and not asked.endswith(("??", "!?"))
        frames.setdefault(Frame.IRREALIS if plain else Frame.QUESTION, "?")
    return frames
