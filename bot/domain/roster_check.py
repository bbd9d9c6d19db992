"""What a careful reader would find in a roster: contradictions, and what deserves a second look.

A roster that loads is well formed; this looks at whether it can be true, and, given a table of
somebody else's, where the two disagree.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from itertools import combinations

import msgspec

from bot.domain.errors import ConfigError
from bot.domain.roster import Roster
from bot.domain.text import Script, fold, script
from bot.domain.types import Alias, AliasKind, GroupKind, Idol, Membership

#: Nobody begins in a group younger than this.
YOUNGEST = 10


class Kind(StrEnum):
    """What is found; the first three cannot be true, the rest may be as it should."""

    SAME_PERSON = "same_person"
    TOO_YOUNG = "too_young"
    GROUP_NAME = "group_name"
    #: Rare but true of contest groups: gugudan's Sejeong was in I.O.I at the same time.
    OVERLAP = "overlap"
    SHARED_NAME = "shared_name"
    NO_HANGUL = "no_hangul"
    NO_BIRTH_DATE = "no_birth_date"
    MINOR = "minor"
    OTHER_BIRTH_DATE = "other_birth_date"
    OTHER_HANGUL = "other_hangul"
    MISSING_MEMBER = "missing_member"


#: The kinds that are mistakes for certain.
ERRORS = frozenset({Kind.SAME_PERSON, Kind.TOO_YOUNG, Kind.GROUP_NAME})


@dataclass(frozen=True, slots=True)
class Finding:
    """Something to look at."""

    kind: Kind
    #: The idols or groups that it is about.
    ids: tuple[str, ...]
    #: For a reader.
    text: str


def check(roster: Roster, at: date) -> list[Finding]:
    """Everything to find in the roster itself as of a date, mistakes first."""
    return [
        *_same_person(roster, at),
        *_overlaps(roster, at),
        *_too_young(roster, at),
        *_group_names(roster),
        *_shared_names(roster, at),
        *_no_hangul(roster, at),
        *_no_birth_date(roster, at),
        *_minors(roster, at),
    ]


def _same_person(roster: Roster, at: date) -> Iterator[Finding]:
    known: dict[tuple[str, date], dict[str, str]] = defaultdict(dict)
    for idol in roster.idols.values():
        for alias in idol.aliases:
            if alias.kind is AliasKind.FULL and idol.born is not None:
                known[loose(alias.text), idol.born].setdefault(idol.id, alias.text)
    told = set()
    for (_, born), ids in known.items():
        if len(ids) > 1 and frozenset(ids) not in told:
            told.add(frozenset(ids))
            name = next(iter(ids.values()))
            text = f"{_labels(roster, ids, at)}: each is {name}, born {born}"
            yield Finding(Kind.SAME_PERSON, tuple(ids), text)


def _overlaps(roster: Roster, at: date) -> Iterator[Finding]:
    for idol in roster.idols.values():
        ordinary = [
            m for m in idol.memberships if roster.groups[m.group_id].kind is GroupKind.GROUP
        ]
        for one, other in combinations(ordinary, 2):
            spans = (_span(one, at), _span(other, at))
            start, end = max(s for s, _ in spans), min(e for _, e in spans)
            if start < end:
                names = " and ".join(roster.groups[m.group_id].name for m in (one, other))
                until = "on" if end == date.max else f"to {end}"
                text = f"{roster.label(idol.id, at)}: in {names} at once, from {start} {until}"
                yield Finding(Kind.OVERLAP, (idol.id,), text)


def _span(m: Membership, at: date) -> tuple[date, date]:
    """When a membership held for certain; one whose beginning is not known held at its end."""
    return m.since or m.until or at, m.until or date.max


def _too_young(roster: Roster, at: date) -> Iterator[Finding]:
    for idol in roster.idols.values():
        for m in idol.memberships:
            if idol.born is None or m.since is None or age_at(idol.born, m.since) >= YOUNGEST:
                continue
            age = age_at(idol.born, m.since)
            when = f"at the age of {age}" if age >= 0 else "before birth"
            text = (
                f"{roster.label(idol.id, at)}: in {roster.groups[m.group_id].name} since "
                f"{m.since}, {when} (born {idol.born})"
            )
            yield Finding(Kind.TOO_YOUNG, (idol.id,), text)


def age_at(born: date, at: date) -> int:
    """Whole years from a birth date to another date; negative before birth."""
    return at.year - born.year - ((at.month, at.day) < (born.month, born.day))


def _group_names(roster: Roster) -> Iterator[Finding]:
    by_ids = _by_bearers(
        (group.id, alias)
        for group in roster.groups.values()
        for alias in group.aliases
        if not alias.ordinary_word
    )
    for ids, names in by_ids.items():
        if len({roster.root(i) for i in ids}) == 1:
            continue  # a unit counts as its group, whichever of them is named
        groups = ", ".join(roster.groups[i].name for i in ids)
        text = f"{', '.join(names)}: a name of {groups}; flag it in `words` or choose another"
        yield Finding(Kind.GROUP_NAME, ids, text)


def _shared_names(roster: Roster, at: date) -> Iterator[Finding]:
    by_ids = _by_bearers((i.id, alias) for i in roster.idols.values() for alias in i.aliases)
    for ids, names in by_ids.items():
        text = f"{', '.join(names)}: {_labels(roster, ids, at)}"
        yield Finding(Kind.SHARED_NAME, ids, text)


def _by_bearers(named: Iterable[tuple[str, Alias]]) -> dict[tuple[str, ...], list[str]]:
    """Names with several bearers, those with the same bearers together."""
    bearers: dict[str, dict[str, str]] = defaultdict(dict)
    for bearer, alias in named:
        bearers[fold(alias.text)].setdefault(bearer, alias.text)
    together: dict[tuple[str, ...], list[str]] = defaultdict(list)
    for ids in bearers.values():
        if len(ids) > 1:
            together[tuple(ids)].append(next(iter(ids.values())))
    return together


def _no_hangul(roster: Roster, at: date) -> Iterator[Finding]:
    for idol in roster.idols.values():
        if not _hangul_names(idol):
            yield Finding(Kind.NO_HANGUL, (idol.id,), roster.label(idol.id, at))


def _hangul_names(idol: Idol) -> list[str]:
    return [
        a.text
        for a in idol.aliases
        if a.kind in (AliasKind.STAGE, AliasKind.FULL) and _is_hangul(a.text)
    ]


def _is_hangul(name: str) -> bool:
    scripts = {script(c) for c in fold(name)} - {Script.NONE}
    return scripts == {Script.HANGUL}


def _no_birth_date(roster: Roster, at: date) -> Iterator[Finding]:
    for idol in roster.idols.values():
        if idol.born is None:
            age = "under" if roster.is_minor(idol.id, at) else "of"
            text = f"{roster.label(idol.id, at)}: counts as {age} age"
            yield Finding(Kind.NO_BIRTH_DATE, (idol.id,), text)


def _minors(roster: Roster, at: date) -> Iterator[Finding]:
    born = {i.id: i.born for i in roster.idols.values() if i.born is not None}
    for idol_id, day in sorted(born.items(), key=lambda item: item[1]):
        if roster.is_minor(idol_id, at):
            text = f"{roster.label(idol_id, at)}: {age_at(day, at)}, born {day}"
            yield Finding(Kind.MINOR, (idol_id,), text)


def _labels(roster: Roster, ids: Iterable[str], at: date) -> str:
    return ", ".join(roster.label(i, at) for i in ids)


# ── against a table ───────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A person as a table has them."""

    stage: str
    full: str
    full_hangul: str
    stage_hangul: str
    born: date | None
    #: Names of the groups and units that they are or were in.
    groups: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """Where a roster and a table disagree."""

    people: int
    #: People of the table that are in the roster.
    matched: int
    #: People of the table in none of the roster's groups.
    elsewhere: int
    findings: list[Finding]


def compare(roster: Roster, entries: Sequence[Entry], at: date) -> Comparison:
    """Look up a table's people by group and name, and compare what is said of them."""
    group_ids: dict[str, set[str]] = defaultdict(set)
    for group in roster.groups.values():
        for alias in group.aliases:
            if alias.kind is not AliasKind.FANDOM:
                group_ids[loose(alias.text)].add(roster.root(group.id))
    members: dict[str, set[str]] = defaultdict(set)
    for idol in roster.idols.values():
        for m in idol.memberships:
            members[roster.root(m.group_id)].add(idol.id)
    names = {i.id: {loose(a.text) for a in i.aliases} for i in roster.idols.values()}

    findings = []
    matched = elsewhere = 0
    for entry in entries:
        known = [g for g in entry.groups if group_ids.get(loose(g))]
        if not known:
            elsewhere += 1
            continue
        candidates = {i for g in known for root in group_ids[loose(g)] for i in members[root]}
        meant = _best(roster, names, candidates, entry)
        if meant is None:
            findings.append(_missing(roster, names, entry, known, at))
            continue
        matched += 1
        findings += _disagreements(meant, names[meant.id], entry, roster.label(meant.id, at))
    order = list(Kind)
    findings.sort(key=lambda f: order.index(f.kind))
    return Comparison(people=len(entries), matched=matched, elsewhere=elsewhere, findings=findings)


def _best(
    roster: Roster, names: Mapping[str, set[str]], candidates: Iterable[str], entry: Entry
) -> Idol | None:
    """Who of the candidates is meant: the one with most names in common, if any."""
    theirs = _names(entry)
    scored = [
        (len(theirs & names[i]), roster.idols[i].born == entry.born, i) for i in sorted(candidates)
    ]
    best = max(scored, default=(0, False, ""))
    return roster.idols[best[2]] if best[0] else None


def _missing(
    roster: Roster, names: Mapping[str, set[str]], entry: Entry, known: Sequence[str], at: date
) -> Finding:
    who = f"{entry.stage or entry.full} ({', '.join(known)})"
    same_day = [i.id for i in roster.idols.values() if entry.born and i.born == entry.born]
    found = _best(roster, names, same_day, entry)
    if found is None:
        return Finding(Kind.MISSING_MEMBER, (), f"{who}: not in the roster")
    text = f"{who}: in the roster as {roster.label(found.id, at)}, but not in that group"
    return Finding(Kind.MISSING_MEMBER, (found.id,), text)


def _disagreements(idol: Idol, names: set[str], entry: Entry, label: str) -> Iterator[Finding]:
    if idol.born and entry.born and idol.born != entry.born:
        text = f"{label}: born {idol.born} here, {entry.born} there"
        yield Finding(Kind.OTHER_BIRTH_DATE, (idol.id,), text)
    theirs = dict.fromkeys(
        n for n in (entry.stage_hangul, entry.full_hangul) if n and _is_hangul(n)
    )
    other = [n for n in theirs if loose(n) not in names]
    if other:
        ours = ", ".join(_hangul_names(idol)) or "nothing"
        text = f"{label}: {ours} here, {', '.join(other)} there"
        yield Finding(Kind.OTHER_HANGUL, (idol.id,), text)


def _names(entry: Entry) -> set[str]:
    names = {entry.stage, entry.full, entry.full_hangul, entry.stage_hangul}
    return {loose(n) for n in names} - {""}


def loose(name: str) -> str:
    """A name without what people write differently: case, spaces, hyphens, full stops."""
    folded = fold(name)
    return "".join(c for c in folded if c.isalnum()) or folded


# ── reading tables ────────────────────────────────────────────────────────────────────────────

_COLUMNS = (
    "profile, stage name, full name, full name in Hangul, stage name in Hangul, birth date "
    "(YYYY-MM-DD), group"
)
#: Columns of a tab-separated table that name groups: the group, another one, a former one.
_GROUPS = (6, 12, 13)


def read_table(file: str, text: str) -> list[Entry]:
    """Read a table of idols: tab-separated without a header, or kpopnet's JSON.

    Raises:
        ConfigError: it has neither shape; the sentence names the first line that has not.
    """
    return _read_json(file, text) if text.lstrip()[:1] == "{" else _read_tsv(file, text)


def _read_tsv(file: str, text: str) -> list[Entry]:
    entries = []
    for number, line in enumerate(text.removeprefix("\ufeff").split("\n"), 1):
        cells = [cell.strip() for cell in line.rstrip("\r").split("\t")]
        if cells == [""]:
            continue
        try:
            _, stage, full, full_hangul, stage_hangul, born, _, *_ = cells
            day = date.fromisoformat(born) if born else None
        except ValueError:
            raise ConfigError(
                f"{file}: line {number} is not a row of a table of idols; its tab-separated "
                f"columns begin with {_COLUMNS}"
            ) from None
        groups = [g.strip() for i in _GROUPS if i < len(cells) for g in cells[i].split(",")]
        entries.append(
            Entry(
                stage=stage,
                full=full,
                full_hangul=full_hangul,
                stage_hangul=stage_hangul,
                born=day,
                groups=tuple(dict.fromkeys(g for g in groups if g)),
            )
        )
    return entries


class _JsonGroup(msgspec.Struct):
    id: str
    name: str


class _JsonIdol(msgspec.Struct):
    name: str
    real_name: str | None = None
    real_name_original: str | None = None
    name_original: str | None = None
    birth_date: date | None = None
    groups: list[str] = []


class _JsonTable(msgspec.Struct):
    groups: list[_JsonGroup]
    idols: list[_JsonIdol]


def _read_json(file: str, text: str) -> list[Entry]:
    try:
        table = msgspec.json.decode(text, type=_JsonTable)
    except (msgspec.DecodeError, UnicodeEncodeError) as error:
        raise ConfigError(
            f"{file}: not a table of idols as kpopnet.json is one, with `groups` and `idols`: "
            f"{error}"
        ) from None
    names = {g.id: g.name for g in table.groups}
    return [
        Entry(
            stage=i.name,
            full=i.real_name or "",
            full_hangul=i.real_name_original or "",
            stage_hangul=i.name_original or "",
            born=i.birth_date,
            groups=tuple(dict.fromkeys(names[g] for g in i.groups if g in names)),
        )
        for i in table.idols
    ]
