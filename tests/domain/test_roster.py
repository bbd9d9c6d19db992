"""Who is in which group when, who counts as a minor, and what the loader refuses."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain import roster as rosters
from bot.domain.errors import ConfigError
from bot.domain.roster import Roster
from bot.domain.types import AliasKind, GroupKind, Idol, Membership, Pair

BAND = """
[[group]]
id = "north"
name = "NORTH"
ko = ["노스"]
fandom = ["Compass", "나침반"]
words = ["NORTH"]

[[group]]
id = "north-sub"
name = "NORTH Sub"
kind = "unit"
parent = "north"

[[group]]
id = "south"
name = "SOUTH"

[[group]]
id = "allstars"
name = "All Stars"
kind = "project"

[[idol]]
id = "north.ara"
name = "Ara"
ko = ["아라"]
ja = ["アラ"]
full = ["Kim Ara"]
nick = ["Arari"]
inner = ["Areum"]
handle = ["@ara"]
words = ["Ara"]
shared = ["Kim Ara"]
born = 2000-02-29
prior = 0.9
member = [
    { group = "north", since = 2020-05-01, until = 2024-04-30 },
    { group = "south", since = 2024-06-01 },
]

[[idol]]
id = "north.bo"
name = "Bo"
member = [{ group = "north-sub", since = 2021-01-01 }, { group = "allstars" }]

[[idol]]
id = "south.cho"
name = "Cho"
born = 2010-07-15
member = [{ group = "south", since = 2023-01-01 }, { group = "allstars" }]

[[idol]]
id = "solo.dal"
name = "Dal"

[[decoy]]
id = "decoy.ara"
name = "macaw"
alt = ["Ara"]
contexts = ["parrot"]
"""


@pytest.fixture(scope="module")
def band() -> Roster:
    return rosters.load({"band.toml": BAND})


# ── what the loader refuses ───────────────────────────────────────────────────────────────────

GROUP = '[[group]]\nid = "g"\nname = "G"\n'
IDOL = '[[idol]]\nid = "x"\nname = "X"\n'


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("[[idol]\n", ["bad.toml", "TOML"]),
        ('[[singer]]\nid = "x"\n', ["bad.toml", "singer", "[[idol]]"]),
        ('[idol]\nid = "x"\nname = "X"\n', ["bad.toml", "idol", "[[idol]]"]),
        ('title = "Idols"\n', ["bad.toml", "title"]),
        (IDOL + 'agency = "A"\n', ["bad.toml", "x", "agency"]),
        (IDOL + 'ko = "엑스"\n', ["bad.toml", "x", "ko"]),
        (IDOL + "prior = 'high'\n", ["bad.toml", "x", "prior"]),
        (IDOL + 'born = "1995"\n', ["bad.toml", "x", "born"]),
        ('[[idol]]\nname = "X"\n', ["bad.toml", "idol number 1", "id"]),
        ('[[idol]]\nid = "x"\n', ["bad.toml", "x", "name"]),
        (IDOL + IDOL, ["bad.toml", "x", "id", "taken"]),
        (IDOL + 'member = [{ group = "nowhere" }]\n', ["bad.toml", "x", "member 1", "nowhere"]),
        (
            GROUP + IDOL + 'member = [{ group = "g" }, { group = "g", sinse = 2020-01-01 }]\n',
            ["bad.toml", "x", "member", "sinse"],
        ),
        (
            GROUP + IDOL + 'member = [{ group = "g", since = 2020-01-02, until = 2020-01-01 }]\n',
            ["bad.toml", "x", "member 1", "until 2020-01-01", "since 2020-01-02"],
        ),
        (GROUP + 'kind = "unit"\n', ["bad.toml", "g", "parent"]),
        (GROUP + 'kind = "band"\n', ["bad.toml", "g", "kind", "band"]),
        (GROUP + 'kind = "unit"\nparent = "ghost"\n', ["bad.toml", "g", "parent", "ghost"]),
        (GROUP + 'kind = "unit"\nparent = "g"\n', ["bad.toml", "g", "parent"]),
        (GROUP + 'fandom = ["F"]\nwords = ["FF"]\n', ["bad.toml", "g", "words", "FF"]),
        (IDOL + 'words = ["Y"]\n', ["bad.toml", "x", "words", "Y"]),
        (IDOL + 'shared = ["Kim Y"]\n', ["bad.toml", "x", "shared", "Kim Y"]),
        (IDOL + "prior = 1.5\n", ["bad.toml", "x", "prior", "1.5"]),
        (IDOL + "prior = nan\n", ["bad.toml", "x", "prior"]),
        ('[[decoy]]\nid = "d"\nname = "D"\nprior = -0.1\n', ["bad.toml", "d", "prior", "-0.1"]),
        (IDOL + 'ko = ["엑스", " "]\n', ["bad.toml", "x", "ko: ", "empty"]),
        ('[[idol]]\nid = "x"\nname = ""\n', ["bad.toml", "x", "name: ", "empty"]),
        (IDOL + 'nick = [""]\n', ["bad.toml", "x", "nick: ", "empty"]),
        (IDOL + 'full = ["\u200b"]\n', ["bad.toml", "x", "full: ", "empty"]),
        (GROUP + 'fandom = [""]\n', ["bad.toml", "g", "fandom: ", "empty"]),
        (
            '[[decoy]]\nid = "d"\nname = "D"\ncontexts = [" "]\n',
            ["bad.toml", "d", "contexts", "empty"],
        ),
        ('[[idol]]\nid = " "\nname = "X"\n', ["bad.toml", "id: ", "empty"]),
        ('[[idol]]\nid = 7\nname = "X"\n', ["bad.toml", "id"]),
    ],
    ids=lambda value: value[-1] if isinstance(value, list) else "",
)
def test_a_wrong_entry_is_refused_with_file_entry_and_field(text: str, named: list[str]) -> None:
    with pytest.raises(ConfigError) as refused:
        rosters.load({"good.toml": '[[idol]]\nid = "fine"\nname = "Fine"\n', "bad.toml": text})
    (problem,) = refused.value.problems
    assert [word for word in named if word not in problem] == []


def test_all_problems_of_all_files_are_reported_at_once() -> None:
    files = {
        "one.toml": "not toml",
        "two.toml": IDOL + "prior = 3.0\n",
        "three.toml": IDOL + 'words = ["Q"]\nmember = [{ group = "none" }]\n',
    }
    with pytest.raises(ConfigError) as refused:
        rosters.load(files)
    told = "\n".join(refused.value.problems)
    assert len(refused.value.problems) == 5  # TOML, prior, a taken id, stray word, unknown group
    for file in files:
        assert file in told


def test_one_wrong_entry_does_not_make_others_wrong() -> None:
    """A group that cannot be read is one problem, not one for each member as well."""
    member = 'member = [{ group = "g" }]\n'
    with pytest.raises(ConfigError) as refused:
        rosters.load({"a.toml": GROUP + "color = 1\n" + IDOL + member})
    assert [p for p in refused.value.problems if "color" in p]
    assert [p for p in refused.value.problems if "no group has the id" in p] == []


# ── names ─────────────────────────────────────────────────────────────────────────────────────


def test_names_keep_what_they_are(band: Roster) -> None:
    aliases = {a.text: a for a in band.idols["north.ara"].aliases}
    kinds = {text: alias.kind for text, alias in aliases.items()}
    assert kinds == {
        "Ara": AliasKind.STAGE,
        "아라": AliasKind.STAGE,
        "アラ": AliasKind.STAGE,
        "Kim Ara": AliasKind.FULL,
        "Arari": AliasKind.NICK,
        "Areum": AliasKind.INNER,
        "@ara": AliasKind.HANDLE,
    }
    assert aliases["아라"].lang == "ko"
    assert {text for text, alias in aliases.items() if alias.ordinary_word} == {"Ara", "Kim Ara"}


def test_the_first_fandom_name_is_the_fandom(band: Roster) -> None:
    assert band.groups["north"].fandom == "Compass"
    assert band.groups["south"].fandom == ""
    fans = [a.text for a in band.groups["north"].aliases if a.kind is AliasKind.FANDOM]
    assert fans == ["Compass", "나침반"]


@pytest.mark.parametrize(
    ("name", "ordinary"),
    [("V", True), ("RM", True), ("Key", False), ("비", True), ("키", True), ("지수", False)],
)
def test_a_very_short_name_is_always_an_ordinary_word(name: str, ordinary: bool) -> None:
    made = rosters.load({"a.toml": f'[[idol]]\nid = "x"\nname = "{name}"\n'})
    assert made.idols["x"].aliases[0].ordinary_word is ordinary


# ── memberships ───────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("at", "groups"),
    [
        (date(2020, 4, 30), []),
        (date(2020, 5, 1), ["north"]),
        (date(2024, 4, 30), ["north"]),
        (date(2024, 5, 1), []),
        (date(2024, 6, 1), ["south"]),
        (None, ["north", "south"]),
    ],
)
def test_memberships_hold_from_their_first_to_their_last_day(
    band: Roster, at: date | None, groups: list[str]
) -> None:
    assert [g.id for g in band.groups_of("north.ara", at)] == groups


@given(st.dates(), st.dates(), st.dates())
def test_a_membership_never_holds_outside_its_days(since: date, until: date, at: date) -> None:
    assert Membership(group_id="g", since=since, until=until).holds(at) == (since <= at <= until)
    assert Membership(group_id="g", since=since).holds(at) == (since <= at)
    assert Membership(group_id="g", until=until).holds(at) == (at <= until)
    assert Membership(group_id="g").holds(at)


@pytest.mark.parametrize(
    ("pair", "at", "group"),
    [
        (("north.ara", "north.bo"), date(2022, 1, 1), "north"),  # a unit counts as its group
        (("north.ara", "north.bo"), date(2020, 6, 1), None),  # before one of them was in it
        (("north.ara", "north.bo"), date(2024, 5, 1), None),  # after one of them left
        (("north.ara", "south.cho"), date(2024, 6, 1), "south"),
        (("north.ara", "south.cho"), date(2024, 4, 30), None),
        (("north.bo", "south.cho"), date(2024, 1, 1), None),  # only a project in common
        (("north.ara", "solo.dal"), date(2024, 1, 1), None),
    ],
)
def test_two_idols_share_a_group_only_while_both_are_in_it(
    band: Roster, pair: tuple[str, str], at: date, group: str | None
) -> None:
    common = band.common_group(Pair.of(*pair), at)
    assert (common.id if common else None) == group


@pytest.mark.parametrize(
    ("idol", "at", "label"),
    [
        ("north.ara", date(2022, 1, 1), "Ara (NORTH)"),
        ("north.ara", date(2026, 1, 1), "Ara (SOUTH)"),
        ("south.cho", date(2026, 1, 1), "Cho (SOUTH)"),  # not by the project
        ("solo.dal", date(2026, 1, 1), "Dal (soloist)"),
        ("gone.eve", date(2026, 1, 1), "gone.eve (no longer in the roster)"),
    ],
)
def test_an_idol_is_labelled_by_the_group_of_the_day(
    band: Roster, idol: str, at: date, label: str
) -> None:
    assert band.label(idol, at) == label


# ── age ───────────────────────────────────────────────────────────────────────────────────────


def _idol(born: date | None, *since: date | None) -> Roster:
    memberships = tuple(Membership(group_id="g", since=s) for s in since)
    return Roster([], [Idol(id="x", name="X", born=born, memberships=memberships)], [])


@pytest.mark.parametrize(
    ("born", "last_day_as_minor"),
    [
        (date(2008, 11, 24), date(2026, 11, 23)),
        (date(2008, 2, 29), date(2026, 2, 28)),  # no 29 February in 2026: of age on 1 March
        (date(2000, 1, 1), date(2017, 12, 31)),
    ],
)
def test_an_idol_comes_of_age_on_the_eighteenth_birthday(
    born: date, last_day_as_minor: date
) -> None:
    made = _idol(born)
    assert made.is_minor("x", last_day_as_minor)
    assert not made.is_minor("x", last_day_as_minor + timedelta(days=1))


@given(
    st.dates(min_value=date(1950, 1, 1), max_value=date(2030, 12, 31)),
    st.dates(min_value=date(1950, 1, 1), max_value=date(2080, 12, 31)),
)
def test_age_only_ever_ends(born: date, at: date) -> None:
    made = _idol(born)
    years = at.year - born.year - ((at.month, at.day) < (born.month, born.day))
    assert made.is_minor("x", at) == (years < 18)


@pytest.mark.parametrize(
    ("since", "at", "minor"),
    [
        ([], date(2026, 1, 1), True),
        ([None], date(2026, 1, 1), True),
        ([date(2018, 1, 2)], date(2026, 1, 1), True),
        ([date(2018, 1, 1)], date(2026, 1, 1), False),
        ([date(2025, 1, 1), date(2015, 1, 1)], date(2026, 1, 1), False),  # the first one counts
        ([date(2016, 2, 29)], date(2024, 2, 28), True),
        ([date(2016, 2, 29)], date(2024, 2, 29), False),
    ],
)
def test_an_unknown_birth_counts_as_minor_until_eight_years_of_career(
    since: list[date | None], at: date, minor: bool
) -> None:
    assert _idol(None, *since).is_minor("x", at) is minor


def test_a_birth_date_that_is_not_sure_counts_as_unknown() -> None:
    text = IDOL + "born = 1990-01-01\n"
    assert rosters.load({"a.toml": text}).idols["x"].born == date(1990, 1, 1)
    unsure = rosters.load({"a.toml": text + "born_unsure = true\n"})
    assert unsure.idols["x"].born is None
    assert unsure.is_minor("x", date(2026, 1, 1))


# ── what is shipped ───────────────────────────────────────────────────────────────────────────


def test_the_shipped_roster_names_the_idols_of_the_reference_story(roster: Roster) -> None:
    at = date(2026, 11, 24)
    assert roster.label("blackpink.jisoo", at) == "Jisoo (BLACKPINK)"
    assert roster.label("seventeen.mingyu", at) == "Mingyu (SEVENTEEN)"
    assert len(roster.idols) > 300
    assert len(roster.decoys) > 50


def test_every_shipped_unit_has_a_whole_group_above_it(roster: Roster) -> None:
    units = [g for g in roster.groups.values() if g.kind is GroupKind.UNIT]
    assert units
    assert {roster.groups[roster.root(u.id)].kind for u in units} == {GroupKind.GROUP}
