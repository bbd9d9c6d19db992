"""What Wikidata says of our groups beside the roster, and an overlay that proposes the difference.

Nothing here changes a roster: it says what a person should look at. It would rather find too
little than propose something wrong, so whatever is not clear proposes nothing and says why.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from enum import StrEnum
from itertools import groupby
from typing import NamedTuple

import msgspec

from bot.domain.roster import Roster
from bot.domain.roster_check import YOUNGEST, age_at, loose
from bot.domain.text import Script, fold, script
from bot.domain.types import AliasKind, Group, Idol

#: Characters of a name from outside; nobody's is longer, and a longer text is no name.
MAX_NAME = 80

#: Names by which an idol is recognised; nicknames and accounts are not.
_OWN = frozenset({AliasKind.STAGE, AliasKind.FULL, AliasKind.INNER})
#: The languages whose names are compared, and the script of those that count.
_SCRIPTS = {"ko": Script.HANGUL, "ja": Script.KANA}


def clean(text: str) -> str:
    """A name from outside on one printable line; "" when nothing is left or it is no name."""
    line = "".join(c for c in " ".join(text.split()) if c.isprintable())
    return line if len(line) <= MAX_NAME and any(c.isalnum() for c in fold(line)) else ""


# ── what Wikidata has ─────────────────────────────────────────────────────────────────────────


class Name(NamedTuple):
    """One way in which Wikidata writes the name of an item; the text is `clean`."""

    text: str
    #: Wikidata's code of the language; "mul" for all languages, "" where it does not say.
    lang: str
    #: "label", "alias", "native" (P1559), "birth" (P1477) or "stage" (P742).
    kind: str


@dataclass(frozen=True, slots=True)
class Item:
    """An item of Wikidata, a musical group or a person, under its id ("Q42")."""

    qid: str
    names: tuple[Name, ...] = ()
    #: Birth dates that are precise to the day. Several contradict each other.
    births: frozenset[date] = frozenset()

    @property
    def born(self) -> date | None:
        """The birth date, when there is exactly one."""
        return next(iter(self.births)) if len(self.births) == 1 else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Stint:
    """That a person is or was in a group, by their ids, as one statement has it.

    `since` and `until` are None unless known to the day.
    """

    group: str
    person: str
    since: date | None = None
    until: date | None = None
    #: Whether it has ended, on whatever day.
    ended: bool = False


# ── what is found ─────────────────────────────────────────────────────────────────────────────


class Kind(StrEnum):
    """What is found; the first five are proposed, the rest is for a person to decide."""

    NEW_IDOL = "new_idol"
    NEW_MEMBERSHIP = "new_membership"
    LEFT = "left"
    BIRTH_DATE = "birth_date"
    NAME = "name"
    OTHER_BIRTH_DATE = "other_birth_date"
    OTHER_NAME = "other_name"
    UNCLEAR = "unclear"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """A difference between Wikidata and the roster."""

    kind: Kind
    #: The idols or groups of the roster that it is about.
    ids: tuple[str, ...]
    #: The items of Wikidata that say so.
    items: tuple[str, ...]
    #: For a reader.
    text: str
    #: What is proposed: a whole [[idol]] for a new one, else what to put into the entry; or "".
    toml: str = ""


# ── groups ────────────────────────────────────────────────────────────────────────────────────


def match_groups(
    roster: Roster, asked: Iterable[str], items: Collection[Item]
) -> tuple[dict[str, str], list[Finding]]:
    """The item of each group that was asked for, by group id, and a finding where none is clear.

    An item is a group's if it alone has both an English and a Hangul name of the group's, and no
    other group of the roster has both too.
    """
    bearers = {i.qid: [g.id for g in roster.groups.values() if all(_common(i, g))] for i in items}
    found: dict[str, str] = {}
    unclear = []
    for group in (roster.groups[group_id] for group_id in asked):
        mine = [i.qid for i in items if group.id in bearers[i.qid]]
        half = [i.qid for i in items if any(_common(i, group))]
        if len(mine) == 1 and bearers[mine[0]] == [group.id]:
            found[group.id] = mine[0]
            continue
        if len(mine) == 1:
            others = ", ".join(g for g in bearers[mine[0]] if g != group.id)
            why = f"{mine[0]} has names of {others} too"
        elif mine:
            why = f"several musical groups have its names: {', '.join(mine)}"
        elif half:
            why = f"no item has both an English and a Hangul name of it; one has {', '.join(half)}"
        else:
            why = "no musical group has its names"
        unclear.append(_unclear((group.id,), mine or half, f"{group.name}: {why}"))
    return found, unclear


def _common(item: Item, group: Group) -> tuple[bool, bool]:
    """Whether an item has an English, and a Hangul name of a group's."""

    def shares(ours: str, *theirs: str) -> bool:
        names = {
            fold(a.text) for a in group.aliases if a.kind is AliasKind.STAGE and a.lang == ours
        }
        return not names.isdisjoint(fold(n.text) for n in item.names if n.lang in theirs)

    return shares("", "en", "mul"), shares("ko", "ko")


# ── people ────────────────────────────────────────────────────────────────────────────────────


def compare(
    roster: Roster,
    known: Mapping[str, str],
    stints: Iterable[Stint],
    people: Iterable[Item],
    at: date,
) -> list[Finding]:
    """Where people of the groups `known` (group id → item) differ from the roster on a date."""
    return sorted(
        _Comparison(roster, known, stints, people, at).findings(),
        key=lambda f: list(Kind).index(f.kind),
    )


class _Comparison:
    def __init__(
        self,
        roster: Roster,
        known: Mapping[str, str],
        stints: Iterable[Stint],
        people: Iterable[Item],
        at: date,
    ) -> None:
        self._roster = roster
        self._at = at
        self._people = {p.qid: p for p in people}
        groups = {qid: group_id for group_id, qid in known.items()}
        #: Person → group id → what is said of that membership.
        self._stints: dict[str, dict[str, list[Stint]]] = defaultdict(lambda: defaultdict(list))
        for stint in stints:
            if stint.group in groups and stint.person in self._people:
                self._stints[stint.person][groups[stint.group]].append(stint)
        self._names = {
            i.id: {loose(a.text) for a in i.aliases if a.kind in _OWN}
            for i in roster.idols.values()
        }
        self._taken = {*roster.groups, *roster.idols, *roster.decoys}

    def findings(self) -> Iterator[Finding]:
        meant: dict[str, list[Item]] = defaultdict(list)
        new: list[Item] = []
        for qid in self._stints:
            person = self._people[qid]
            idol, doubt = self._who(person)
            if doubt:
                yield _unclear((), [qid], f"{self._shown(person)}: {doubt}")
            elif idol is None:
                new.append(person)
            else:
                meant[idol.id].append(person)
        for idol_id, persons in meant.items():
            if len(persons) == 1:
                for kind, text, toml in self._changes(self._roster.idols[idol_id], persons[0]):
                    yield Finding(
                        kind=kind,
                        ids=(idol_id,),
                        items=(persons[0].qid,),
                        text=f"{self._label(idol_id)}: {text}",
                        toml=toml,
                    )
                continue
            items = [p.qid for p in persons]
            text = f"{self._label(idol_id)}: could be each of {', '.join(items)}"
            yield _unclear((idol_id,), items, text)

        for person in new:
            if twins := [other.qid for other in new if self._same(person, other)]:
                text = f"{self._shown(person)}: could be the same person as {', '.join(twins)}"
                yield _unclear((), [person.qid, *twins], text)
            else:
                yield from self._new(person)

    def _same(self, one: Item, other: Item) -> bool:
        """Whether two items could be one person: a name, and a group or birth date in common."""
        names = ({loose(n.text) for n in item.names} for item in (one, other))
        if one is other or next(names).isdisjoint(next(names)):
            return False
        if one.born and other.born:
            return one.born == other.born
        return bool(self._stints[one.qid].keys() & self._stints[other.qid].keys())

    def _who(self, person: Item) -> tuple[Idol | None, str]:
        """Which idol a person is, or why that is not clear; neither for somebody new."""
        theirs = {loose(n.text) for n in person.names}
        roots = {self._roster.root(g) for g in self._stints[person.qid]}
        members: list[Idol] = []
        others: list[Idol] = []
        for idol in self._roster.idols.values():
            inside = any(self._roster.root(m.group_id) in roots for m in idol.memberships)
            (members if inside else others).append(idol)

        def same_day(idols: Iterable[Idol]) -> list[Idol]:
            return [i for i in idols if i.born is not None and i.born == person.born]

        named = [i for i in members if theirs & self._names[i.id]]
        # Elsewhere in the roster a name alone says little: it takes the birth date, too.
        found = (same_day(named) or named) or same_day(
            i for i in others if theirs & self._names[i.id]
        )
        if len(found) == 1:
            return found[0], ""
        if found:
            return None, f"could be {self._labels(found)}"
        if twins := same_day(members):
            return None, f"born on the day of {self._labels(twins)}, but under another name"
        namesakes = [
            i
            for i in others
            if person.born is None or i.born is None
            if theirs & {loose(a.text) for a in i.aliases if a.kind is AliasKind.FULL}
        ]
        return None, f"may be {self._labels(namesakes)}" if namesakes else ""

    def _new(self, person: Item) -> Iterator[Finding]:
        """Somebody whom the roster does not have."""
        shown = self._shown(person)
        memberships = []
        for group_id, stints in self._stints[person.qid].items():
            stint, doubt = _merged(stints)
            if not doubt and person.born and stint.since:
                years = age_at(person.born, stint.since)
                doubt = f"joined at the age of {years}" if years < YOUNGEST else ""
            if doubt:
                name = self._roster.groups[group_id].name
                yield _unclear((group_id,), [person.qid], f"{shown}: in {name}, but {doubt}")
            else:
                memberships.append((group_id, stint))
        if not memberships:
            return
        name = _stage_name(person)
        if not name:
            ids = tuple(g for g, _ in memberships)
            yield _unclear(ids, [person.qid], f"{shown}: has no single name in Latin letters")
            return
        idol_id = self._free_id(self._roster.root(memberships[0][0]), name)
        stage = {lang: _names_in(person, lang, "label") for lang in _SCRIPTS}
        told = {name, *(n for names in stage.values() for n in names)}
        full = [
            n.text
            for n in person.names
            if n.kind in {"native", "birth"} or (n.kind == "label" and n.lang == "en")
        ]
        fields = {
            "id": _string(idol_id),
            "name": _string(name),
            **{lang: _strings(names) for lang, names in stage.items()},
            "full": _strings(n for n in full if n not in told),
            "born": str(person.born or ""),
            "prior": "0.3  # how likely the bare name means this person: a guess",
            "member": f"[{', '.join(_membership(g, s) for g, s in memberships)}]",
        }
        lines = [f"{key} = {value}" for key, value in fields.items() if value]
        yield Finding(
            kind=Kind.NEW_IDOL,
            ids=(idol_id,),
            items=(person.qid,),
            text=f"{shown}: {_birth(person)}",
            toml="\n".join(("[[idol]]", *lines)),
        )

    def _free_id(self, root: str, name: str) -> str:
        slug = re.sub("[^a-z0-9]+", "-", fold(name)).strip("-") or "member"
        free = wanted = f"{root}.{slug}"
        number = 1
        while free in self._taken:
            number += 1
            free = f"{wanted}-{number}"
        self._taken.add(free)
        return free

    def _changes(self, idol: Idol, person: Item) -> Iterator[_Change]:
        """What to look at in the entry of somebody whom the roster has."""
        if idol.born and person.births and idol.born not in person.births:
            # Perhaps somebody else of that name: nothing more is to be learned from this item.
            there = " or ".join(map(str, sorted(person.births)))
            yield Kind.OTHER_BIRTH_DATE, f"born {idol.born} here, {there} there", ""
            return
        if idol.born is None and person.births:
            born = f"born = {person.born}" if person.born else ""
            yield (
                Kind.BIRTH_DATE if born else Kind.UNCLEAR,
                f"{_birth(person)}, unknown or unsure here",
                born,
            )
        for lang, scripts in _SCRIPTS.items():
            theirs = _names_in(person, lang)
            ours = [a.text for a in idol.aliases if a.kind in _OWN and _written(a.text, scripts)]
            if not theirs or {loose(n) for n in theirs} & {loose(n) for n in ours}:
                continue
            there = ", ".join(theirs)
            if ours:
                yield Kind.OTHER_NAME, f"{', '.join(ours)} here, {there} there", ""
            else:
                yield Kind.NAME, f"written {there}", f"{lang} = {_strings(theirs[:1])}"
        for group_id, stints in self._stints[person.qid].items():
            yield from self._membership(idol, group_id, *_merged(stints))

    def _membership(self, idol: Idol, group_id: str, stint: Stint, doubt: str) -> Iterator[_Change]:
        group = self._roster.groups[group_id]
        ours = [m for m in idol.memberships if m.group_id == group_id]
        if not ours:
            in_unit = any(self._roster.root(m.group_id) == group_id for m in idol.memberships)
            if doubt:
                yield Kind.UNCLEAR, f"in {group.name}, but {doubt}", ""
            elif not in_unit:  # who is in a unit counts as being in its group
                line = f"member = [{_membership(group_id, stint)}]  # add to those there are"
                until = f" until {stint.until}" if stint.until else ""
                yield Kind.NEW_MEMBERSHIP, f"in {group.name}{until}", line
        elif len(ours) == 1 and ours[0].until is None and stint.ended:
            since = ours[0].since
            if not doubt and stint.until and since and stint.until < since:
                doubt = f"left on {stint.until}, before the membership begins here"
            if doubt:
                yield Kind.UNCLEAR, f"in {group.name}, but {doubt}", ""
            elif stint.until and stint.until <= self._at:
                line = f"member = [{_membership(group_id, replace(stint, since=since))}]"
                yield Kind.LEFT, f"left {group.name} on {stint.until}", line

    def _shown(self, person: Item) -> str:
        name = _stage_name(person) or next((n.text for n in person.names), "somebody")
        groups = ", ".join(self._roster.groups[g].name for g in self._stints[person.qid])
        return f"{name} ({groups})"

    def _label(self, idol_id: str) -> str:
        return self._roster.label(idol_id, self._at)

    def _labels(self, idols: Iterable[Idol]) -> str:
        return " or ".join(self._label(i.id) for i in idols)


_Change = tuple[Kind, str, str]
"""Kind, text and proposed TOML of a finding about one idol."""


def _unclear(ids: tuple[str, ...], items: Iterable[str], text: str) -> Finding:
    return Finding(kind=Kind.UNCLEAR, ids=ids, items=tuple(items), text=text)


def _merged(stints: Sequence[Stint]) -> tuple[Stint, str]:
    """What several statements say together of one membership, and what is doubtful about it.

    Statements without any date say nothing of one that has ended, so dated ones win over them.
    """
    dated = [s for s in stints if s.since or s.ended] or stints
    since = sorted({s.since for s in dated if s.since})
    until = sorted({s.until for s in dated if s.until})
    stint = replace(
        stints[0],
        since=since[0] if len(since) == 1 else None,
        until=until[0] if len(until) == 1 else None,
        ended=any(s.ended for s in dated),
    )
    doubt = ""
    if len(until) > 1 or (stint.ended and len(since) > 1):
        doubt = f"with several beginnings or ends ({', '.join(map(str, since + until))})"
    elif stint.ended and not until:
        doubt = "left on a day that is not told"
    elif stint.since and stint.until and stint.until < stint.since:
        doubt = f"left on {stint.until}, before joining on {stint.since}"
    return stint, doubt


def _stage_name(person: Item) -> str:
    """The name of a person in Latin letters: the one stage name, else the label; "" if neither."""
    latin = [n for n in person.names if _written(n.text, Script.LATIN)]
    stage = {n.text for n in latin if n.kind == "stage"}
    labels = {n.lang: n.text for n in latin if n.kind == "label"}
    return stage.pop() if len(stage) == 1 else labels.get("en", labels.get("mul", ""))


def _names_in(person: Item, lang: str, *kinds: str) -> list[str]:
    """A person's names in a language and its script; of these kinds, or of any but aliases."""
    names = (
        n.text
        for n in person.names
        if n.lang == lang and (n.kind in kinds if kinds else n.kind != "alias")
    )
    return sorted({n for n in names if _written(n, _SCRIPTS[lang])})


def _written(name: str, in_script: Script) -> bool:
    """Whether all letters of a name are of one script."""
    return {script(c) for c in fold(name)} - {Script.NONE} == {in_script}


def _birth(person: Item) -> str:
    days = ", ".join(map(str, sorted(person.births)))
    if len(person.births) > 1:
        return f"has several birth dates ({days})"
    return f"born {days}" if days else "birth date not told"


# ── the overlay ───────────────────────────────────────────────────────────────────────────────

_TITLES = {
    Kind.NEW_IDOL: "Idols that the roster does not have",
    Kind.NEW_MEMBERSHIP: "Memberships that the roster does not have",
    Kind.LEFT: "Members who have left",
    Kind.BIRTH_DATE: "Birth dates that the roster does not know for sure",
    Kind.NAME: "Hangul or kana names that the roster does not have",
    Kind.OTHER_BIRTH_DATE: "Other birth dates",
    Kind.OTHER_NAME: "Other Hangul or kana names",
    Kind.UNCLEAR: "Unclear",
}
_HEAD = """Proposed by `crumbs roster refresh` on {at}.
From Wikidata (https://www.wikidata.org), which is under CC0-1.0.

Nothing of it counts until you put it into the roster. Check each entry against another source
first. A new idol is a whole entry to copy as it is; look at its names (a full name belongs into
`full`, an ordinary word into `words`) and at `prior`. Whatever changes an entry stands in a
comment below the id, since an id can stand only once in a roster."""


def sections(findings: Iterable[Finding]) -> Iterator[tuple[str, list[Finding]]]:
    """Findings as `compare` orders them, those of a kind together with a heading."""
    for kind, group in groupby(findings, key=lambda f: f.kind):
        yield _TITLES[kind], list(group)


def overlay(findings: Iterable[Finding], unasked: Sequence[str], at: date) -> str:
    """Findings as a TOML text that loads as a file of the roster they were made for.

    `unasked` are the ids of groups of which nothing was learned; `at` is the day it was asked.
    """
    parts = [_comment(_HEAD.format(at=at))]
    if unasked:
        parts.append(_comment(f"Nothing was learned of these groups: {', '.join(unasked)}"))
    for title, found in sections(findings):
        parts.append(_comment(f"── {title} ──"))
        for finding in found:
            sources = ", ".join(f"https://www.wikidata.org/wiki/{qid}" for qid in finding.items)
            note = f"{finding.text}\n{f'Wikidata, CC0-1.0: {sources}' if sources else ''}".rstrip()
            if finding.kind is Kind.NEW_IDOL:
                parts.append(f"{_comment(note)}\n{finding.toml}")
            elif finding.toml:
                parts.append(_comment(f"{note}\n{', '.join(finding.ids)}:\n    {finding.toml}"))
            else:
                parts.append(_comment(note))
    return "\n\n".join(parts) + "\n"


def _comment(text: str) -> str:
    """A text as TOML comments, which hold no control characters."""
    lines = ("".join(c for c in line if c.isprintable()) for line in text.split("\n"))
    return "\n".join(f"# {line}".rstrip() for line in lines)


def _membership(group_id: str, stint: Stint) -> str:
    fields = {"since": stint.since, "until": stint.until}
    days = (f", {key} = {day}" for key, day in fields.items() if day)
    return f"{{ group = {_string(group_id)}{''.join(days)} }}"


def _strings(texts: Iterable[str]) -> str:
    unique = dict.fromkeys(texts)
    return f"[{', '.join(map(_string, unique))}]" if unique else ""


def _string(text: str) -> str:
    """A TOML string: JSON's escapes are TOML's, which also wants DEL escaped."""
    return msgspec.json.encode(text).decode().replace("\x7f", "\\u007f")
