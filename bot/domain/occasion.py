"""What a report says of its occasion: everything that is the same in every language.

The result is a tuple of anchors, "<kind>:<id>":

- names out of the lexicon: "brand:dior", "show:music-bank", "award:mama", "festival:kcon",
  "venue:louvre", "city:paris";
- "work:lovewinsall": a title in quotation marks, letters and digits only;
- "season:2025-ss", "episode:4", "date:2024-02-27", "month:2024-02" (one that is over):
  as named in the text;
- "step:stage": what of a project it is, anywhere in it; "lead:stage": in its title or beginning;
- "cue:ahead" (still to come), "cue:more" (shows more of what was there) and "cue:again" (another
  one of its kind, where the title says so);
- "back:2022-06-06/2022-07-16": looks back, at something in those days; "back:" at no time that it
  says; "maybe:…" where that holds only if something known is that old.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta, timezone
from functools import cached_property

import ahocorasick_rs

from bot.domain import when
from bot.domain.finder import Expression, Finder
from bot.domain.lexicon import UNSPACED, Lexicon, OccasionWords
from bot.domain.text import Script, Text, read, script, sentences
from bot.domain.types import Post
from bot.domain.when import Days

#: Where most of what happens to idols happens, and is dated.
KST = timezone(timedelta(hours=9))
#: How exactly people count the years: an anniversary to some weeks, "two years ago" to some months.
_ANNIVERSARY = timedelta(days=20)
_YEARS_AGO = timedelta(days=75)
_MONTHS_AGO = timedelta(days=25)
_GIVE = {
    "years_on": _ANNIVERSARY,
    "anniversary": _ANNIVERSARY,
    "ago": _YEARS_AGO,
    "months_ago": _MONTHS_AGO,
}
#: Longer ago than this is no memory of two idols but a company's jubilee.
_LONGEST_MEMORY = 20
#: A date this long before its report is one that it looks back at.
_LONG_AGO = timedelta(days=14)
#: Characters of a beginning, where a text has no sentences.
_LEAD = 160
#: Characters of a title in quotation marks; what is longer was said by somebody.
_TITLE = re.compile(
    r"\"([^\"\n]{2,40})\"|(?<![^\W_])'([^'\n]{2,40})'(?![a-z])|「([^」\n]{2,40})」|『([^』\n]{2,40})』"
    r"|《([^》\n]{2,40})》|〈([^〉\n]{2,40})〉|<([^>\n]{2,40})>|≪([^≫\n]{2,40})≫|\[([^\]\n]{2,40})\]"
)
_SAID = re.compile(r"[.!?。！？…,]$|[,，、]\s")


@dataclass(frozen=True, slots=True)
class _Cue:
    what: str
    code: str


class _Words:
    """The compiled words of one language."""

    def __init__(self, code: str, words: OccasionWords) -> None:
        self.code = code
        self._words = words
        self.dates = when.Language(words.months, words.summer, words.winter)
        spaced = code not in UNSPACED
        edge = (r"(?<!\w)", r"(?!\w)") if spaced else ("", "")
        self._numbers = [re.compile(f"{edge[0]}(?:{n}){edge[1]}") for n in words.numbers]

    @cached_property
    def finder(self) -> Finder[_Cue]:
        """Made when the language is first met."""
        words, number = self._words, "|".join([r"\d{1,3}", *self._words.numbers])
        lists = {
            "look_back": words.look_back,
            "years_on": words.years_on,
            "anniversary": words.anniversary,
            "ago": words.ago,
            "months_ago": words.months_ago,
            "then": words.then,
            "ahead": words.ahead,
            "again": words.again,
            "more": words.follow_up,
            "episode": words.episode,
            **{f"step:{step}": listed for step, listed in words.steps.items()},
        }
        return Finder(
            Expression(
                word.replace("{n}", f"(?:{number})"),
                _Cue(what, self.code),
                words=self.code not in UNSPACED,
            )
            for what, listed in lists.items()
            for word in listed
        )

    def number(self, found: str) -> int | None:
        """The number that stands in what was found, in digits or as a word."""
        if digits := re.search(r"\d+", found):
            return int(digits.group())
        return next((n for n, x in enumerate(self._numbers, 1) if x.search(found)), None)


class Reader:
    """Reads the anchors of posts, with the names and words of one lexicon. Immutable."""

    def __init__(self, lexicon: Lexicon) -> None:
        self._lexicon = lexicon
        self._names = list(lexicon.anchors)
        self._anchors = [lexicon.anchors[n] for n in self._names]
        self._automaton = ahocorasick_rs.AhoCorasick(self._names)
        self._words = {code: _Words(code, words) for code, words in lexicon.occasions.items()}
        self._dates = when.Reader({code: words.dates for code, words in self._words.items()})

    def named(self, text: Text) -> set[str]:
        """The anchors of the lexicon that a text names."""
        return {anchor for anchor, _ in self._found(text)}

    def _found(self, text: Text) -> set[tuple[str, int]]:
        """The anchors that a text names, and where in the normalised text."""
        norm = text.norm
        found: set[tuple[str, int]] = set()
        for index, start, end in self._automaton.find_matches_as_indexes(norm, overlapping=True):
            if self._names[index] in self._lexicon.capitals:
                first, last = text.span(start, end)
                if not text.raw[first:last].isupper():
                    continue
            before, after = norm[start - 1 : start], norm[end : end + 1]
            if script(norm[start]) is Script.LATIN and before and script(before) is Script.LATIN:
                continue
            if script(norm[end - 1]) is Script.LATIN and after and script(after) is Script.LATIN:
                continue
            found.add((self._anchors[index], start))
        return found

    def _about(self, fields: tuple[Text, Text], lead: int) -> set[str]:
        """The named anchors of a title and a text, of each kind those of the beginning if any.

        What comes later is often another occasion that the report recalls.
        """
        first, last = self.named(fields[0]), self._found(fields[1])
        first |= {anchor for anchor, start in last if start < lead}
        kinds = {anchor.partition(":")[0] for anchor in first}
        return first | {a for a, _ in last if a.partition(":")[0] not in kinds}

    def anchors(self, post: Post) -> tuple[str, ...]:
        """Everything that a post says of its occasion, in order of the alphabet."""
        fields = read(post.title), read(post.text)
        title, text = (field.norm for field in fields)
        norm = f"{title}\n{text}"
        first = sentences(text)[:1]
        start = len(title) + 1 + (first[0][0] if first else 0)
        lead = min(len(title) + 1 + (first[0][1] if first else 0), start + _LEAD)
        words = [
            self._words[x.lang]
            for x in self._lexicon.for_text(norm, post.lang)
            if x.lang in self._words
        ]
        at = post.at.astimezone(KST).date()
        cues = [
            (found.what, found.start < lead, norm[found.start : found.end])
            for x in words
            for found in x.finder.find(norm, [(0, len(norm))])
        ]
        times = self._dates.named(norm, [x.code for x in words], at)
        anchors = self._about(fields, len(norm[:lead]) - len(title) - 1)
        anchors |= {f"work:{work}" for work in _titles(norm)}
        anchors |= {f"season:{season}" for season in times.seasons}
        anchors |= {f"date:{day}" for day in times.days}
        anchors |= {f"month:{m.first:%Y-%m}" for m in times.months if m.last < at}
        for cue, leads, found in cues:
            kind, _, step = cue.what.partition(":")
            if step:
                anchors |= {f"step:{step}", f"lead:{step}"} if leads else {f"step:{step}"}
            elif kind in ("ahead", "more"):
                anchors.add(f"cue:{kind}")
            elif kind == "episode" and (number := self._words[cue.code].number(found)):
                anchors.add(f"episode:{number}")
        heading = len(title) if title else lead
        if any(f.what.what == "again" for x in words for f in x.finder.find(norm, [(0, heading)])):
            anchors.add("cue:again")
        anchors.update(self._looks_back(cues, times, title, at, [x.code for x in words]))
        return tuple(sorted(anchors))

    def _looks_back(
        self,
        cues: list[tuple[_Cue, bool, str]],
        times: when.Named,
        title: str,
        at: date,
        codes: list[str],
    ) -> Iterator[str]:
        leading = {cue.what for cue, leads, _ in cues if leads}
        counted = list(self._counted(cues, at))
        sure = "look_back" in leading or any(
            cue == "years_on" and leads for cue, leads, _ in counted
        )
        if sure:
            spans = [days for _, _, days in counted] + list(_old(times, at))
            yield from (f"back:{days}" for days in spans)
            if not spans:
                yield "back:"
            return
        yield from (
            f"maybe:{Days(d.middle - _ANNIVERSARY, d.middle + _ANNIVERSARY)}"
            for cue, leads, d in counted
            if cue in ("anniversary", "ago", "months_ago") and leads
        )
        if any(cue.what == "then" for cue, _, _ in cues):
            dated = self._dates.named(title, codes, at)
            yield from (f"maybe:{days}" for days in _old(dated, at))

    def _counted(
        self, cues: Iterable[tuple[_Cue, bool, str]], at: date
    ) -> Iterator[tuple[str, bool, Days]]:
        """The days that "two years ago" and the like mean: cue, whether it leads, the days."""
        for cue, leads, found in cues:
            if (give := _GIVE.get(cue.what)) is None:
                continue
            number = self._words[cue.code].number(found)
            if number is None or number > _LONGEST_MEMORY:
                continue
            if cue.what == "months_ago":
                day = at - timedelta(days=round(30.44 * number))
            else:
                day = when.years_before(at, number)
            yield cue.what, leads, Days(day - give, day + give)


def _old(times: when.Named, at: date) -> Iterator[Days]:
    """The times that are long over."""
    yield from (Days(d, d) for d in times.days if d <= at - _LONG_AGO)
    yield from (m for m in times.months if m.last < at - _LONG_AGO)
    yield from (y for y in times.years if y.last < at)


def _titles(norm: str) -> Iterator[str]:
    for found in _TITLE.finditer(norm):
        quoted = next(filter(None, found.groups()))
        work = "".join(c for c in quoted if c.isalnum())
        if len(work) >= 2 and len(quoted.split()) <= 6 and not _SAID.search(quoted):
            yield work
