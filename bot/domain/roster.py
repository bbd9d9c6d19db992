"""Who there is: groups, idols and decoys, read from TOML texts, and what follows from them."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, timedelta

import msgspec

from bot.domain.errors import ConfigError
from bot.domain.text import Script, fold, script
from bot.domain.types import Alias, AliasKind, Decoy, Group, GroupKind, Idol, Membership, Pair

#: Under this age at a post's date, only stage work is announced.
ADULT_YEARS = 18
#: An unknown birth date counts as under age unless the first membership began this long before.
UNKNOWN_BIRTH_CAREER_YEARS = 8


class Roster:
    """The people and things whose names Crumbs knows. Immutable; a reload makes a new one."""

    def __init__(
        self, groups: Sequence[Group], idols: Sequence[Idol], decoys: Sequence[Decoy]
    ) -> None:
        self.groups: Mapping[str, Group] = {g.id: g for g in groups}
        self.idols: Mapping[str, Idol] = {i.id: i for i in idols}
        self.decoys: Mapping[str, Decoy] = {d.id: d for d in decoys}

    def root(self, group_id: str) -> str:
        """The group that a unit counts as; any other group itself."""
        group = self.groups[group_id]
        return group.parent or group_id

    def groups_of(self, idol_id: str, at: date | None = None) -> tuple[Group, ...]:
        """The groups an idol is in on a date, or (None) is or ever was in, oldest first."""
        return tuple(
            self.groups[m.group_id]
            for m in self.idols[idol_id].memberships
            if at is None or m.holds(at)
        )

    def home(self, idol_id: str, at: date) -> Group | None:
        """The group to name an idol by: the current one, else the last; a project only if all."""
        now, ever = self.groups_of(idol_id, at), self.groups_of(idol_id)
        lasting = [g for g in now if g.kind is not GroupKind.PROJECT] or [
            g for g in ever if g.kind is not GroupKind.PROJECT
        ]
        known = lasting or now or ever
        return self.groups[self.root(known[-1].id)] if known else None

    def label(self, idol_id: str, at: date) -> str:
        """An idol as a reader expects it: "Jisoo (BLACKPINK)", "IU (soloist)"."""
        if idol_id not in self.idols:
            return f"{idol_id} (no longer in the roster)"
        home = self.home(idol_id, at)
        return f"{self.idols[idol_id].name} ({home.name if home else 'soloist'})"

    def common_group(self, pair: Pair, at: date) -> Group | None:
        """The group that both are in on a date. Units count as their parent, projects not."""

        def roots(idol_id: str) -> set[str]:
            return {
                self.root(g.id)
                for g in self.groups_of(idol_id, at)
                if g.kind is not GroupKind.PROJECT
            }

        shared = roots(pair.a) & roots(pair.b)
        return self.groups[min(shared)] if shared else None

    def is_minor(self, idol_id: str, at: date) -> bool:
        """Whether an idol counts as under 18 on a date; an unknown birth date counts so too."""
        idol = self.idols[idol_id]
        if idol.born is not None:
            return _years_after(idol.born, ADULT_YEARS) > at
        since = [m.since for m in idol.memberships if m.since is not None]
        return not since or _years_after(min(since), UNKNOWN_BIRTH_CAREER_YEARS) > at


def _years_after(start: date, years: int) -> date:
    try:
        return start.replace(year=start.year + years)
    except ValueError:  # 29 February
        return start.replace(year=start.year + years, day=28) + timedelta(days=1)


# ── reading ───────────────────────────────────────────────────────────────────────────────────

_LANGUAGES = ("ko", "ja", "zh", "th", "ru", "ar")


class _Names(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    id: str
    name: str
    ko: list[str] = []
    ja: list[str] = []
    zh: list[str] = []
    th: list[str] = []
    ru: list[str] = []
    ar: list[str] = []
    alt: list[str] = []
    words: list[str] = []


class _Group(_Names, kw_only=True, forbid_unknown_fields=True):
    fandom: list[str] = []
    kind: GroupKind = GroupKind.GROUP
    parent: str | None = None
    active: bool = True


class _Membership(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    group: str
    since: date | None = None
    until: date | None = None


class _Idol(_Names, kw_only=True, forbid_unknown_fields=True):
    full: list[str] = []
    nick: list[str] = []
    inner: list[str] = []
    handle: list[str] = []
    shared: list[str] = []
    born: date | None = None
    born_unsure: bool = False
    prior: float = 0.5
    member: list[_Membership] = []


class _Decoy(_Names, kw_only=True, forbid_unknown_fields=True):
    full: list[str] = []
    contexts: list[str] = []
    prior: float = 0.3


_TABLES: Mapping[str, type[_Names]] = {"group": _Group, "idol": _Idol, "decoy": _Decoy}


def load(files: Mapping[str, str]) -> Roster:
    """Read a roster from TOML texts by file name.

    Raises:
        ConfigError: with one sentence for each problem, naming file, entry and field.
    """
    problems: list[str] = []
    entries: list[tuple[str, _Names]] = []
    unread: set[str] = set()
    for file, text in files.items():
        entries.extend((file, entry) for entry in _entries(file, text, problems, unread))
    where: dict[str, str] = {}
    for file, entry in entries:
        if entry.id in where:
            problems.append(f"{file}: {entry.id}: id: taken already in {where[entry.id]}")
        where.setdefault(entry.id, file)
    groups = {e.id: e.kind for _, e in entries if isinstance(e, _Group)}
    groups |= dict.fromkeys(unread, GroupKind.GROUP)  # one problem each is enough
    for file, entry in entries:
        problems.extend(f"{file}: {entry.id}: {p}" for p in _check(entry, groups))
    if problems:
        raise ConfigError(*problems)
    return Roster(
        [_group(e) for _, e in entries if isinstance(e, _Group)],
        [_idol(e) for _, e in entries if isinstance(e, _Idol)],
        [_decoy(e) for _, e in entries if isinstance(e, _Decoy)],
    )


def _entries(file: str, text: str, problems: list[str], unread: set[str]) -> Iterator[_Names]:
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        problems.append(f"{file}: not valid TOML: {error}")
        return
    for table, rows in document.items():
        if table not in _TABLES or not isinstance(rows, list):
            problems.append(
                f"{file}: unknown table [{table}]; expected [[group]], [[idol]], [[decoy]]"
            )
            continue
        for number, row in enumerate(rows, 1):
            entry = row.get("id", f"{table} number {number}") if isinstance(row, dict) else table
            try:
                yield msgspec.convert(row, _TABLES[table])
            except msgspec.ValidationError as error:
                problems.append(f"{file}: {entry}: {str(error).replace(' - at `$.', ' in `')}")
                unread.add(str(entry))


def _check(entry: _Names, groups: Mapping[str, GroupKind]) -> Iterator[str]:
    for field, value in msgspec.structs.asdict(entry).items():
        texts = value if isinstance(value, list) else [value]
        if any(isinstance(text, str) and not fold(text) for text in texts):
            yield f"{field}: a name is empty"
    strings = {entry.name, *entry.alt, *(n for lang in _LANGUAGES for n in getattr(entry, lang))}
    if isinstance(entry, _Group):
        strings |= set(entry.fandom)
        if entry.kind is GroupKind.UNIT and entry.parent is None:
            yield "parent: a unit needs the id of its group"
        if entry.parent is not None and entry.parent not in groups:
            yield f"parent: no group has the id {entry.parent!r}"
        if entry.parent is not None and groups.get(entry.parent) is GroupKind.UNIT:
            yield f"parent: {entry.parent!r} is a unit itself"
    if isinstance(entry, _Idol):
        strings |= {*entry.full, *entry.nick, *entry.inner, *entry.handle}
        for number, m in enumerate(entry.member, 1):
            if m.group not in groups:
                yield f"member {number}: no group has the id {m.group!r}"
            if m.since and m.until and m.until < m.since:
                yield f"member {number}: until {m.until} is before since {m.since}"
        if stray := set(entry.shared) - strings:
            yield f"shared: not among its names: {', '.join(sorted(stray))}"
    if isinstance(entry, _Decoy):
        strings |= set(entry.full)
    if isinstance(entry, _Idol | _Decoy) and not 0 <= entry.prior <= 1:
        yield f"prior: {entry.prior} is not between 0 and 1"
    if stray := set(entry.words) - strings:
        yield f"words: not among its names: {', '.join(sorted(stray))}"


def _aliases(entry: _Names, *kinds: tuple[AliasKind, list[str]]) -> tuple[Alias, ...]:
    flagged = {*entry.words, *getattr(entry, "shared", ())}
    named: list[tuple[str, str, AliasKind]] = [(entry.name, "", AliasKind.STAGE)]
    named += [(n, "", AliasKind.STAGE) for n in entry.alt]
    named += [(n, lang, AliasKind.STAGE) for lang in _LANGUAGES for n in getattr(entry, lang)]
    named += [(n, "", kind) for kind, names in kinds for n in names]
    unique: dict[str, Alias] = {}
    for text, lang, kind in named:
        ordinary = text in flagged or _always_ordinary(fold(text))
        unique.setdefault(
            fold(text), Alias(text=text, lang=lang, kind=kind, ordinary_word=ordinary)
        )
    return tuple(unique.values())


def _always_ordinary(folded: str) -> bool:
    """Too short to mean anybody by itself: two Latin letters, one syllable, one character."""
    return len(folded) <= (2 if script(folded[0]) is Script.LATIN else 1)


def _group(entry: _Group) -> Group:
    return Group(
        id=entry.id,
        name=entry.name,
        aliases=_aliases(entry, (AliasKind.FANDOM, entry.fandom)),
        fandom=entry.fandom[0] if entry.fandom else "",
        kind=entry.kind,
        parent=entry.parent,
        active=entry.active,
    )


def _idol(entry: _Idol) -> Idol:
    return Idol(
        id=entry.id,
        name=entry.name,
        aliases=_aliases(
            entry,
            (AliasKind.FULL, entry.full),
            (AliasKind.NICK, entry.nick),
            (AliasKind.INNER, entry.inner),
            (AliasKind.HANDLE, entry.handle),
        ),
        memberships=tuple(
            Membership(group_id=m.group, since=m.since, until=m.until) for m in entry.member
        ),
        born=None if entry.born_unsure else entry.born,
        prior=entry.prior,
    )


def _decoy(entry: _Decoy) -> Decoy:
    return Decoy(
        id=entry.id,
        name=entry.name,
        aliases=_aliases(entry, (AliasKind.FULL, entry.full)),
        contexts=tuple(entry.contexts),
        prior=entry.prior,
    )
