"""Whom a member means by what was typed."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain import roster as rosters
from bot.domain.lookup import CLEAR_LEAD, Found, Lookup, clear_leader, sound
from bot.domain.roster import Roster


@pytest.fixture(scope="module")
def lookup(roster: Roster) -> Lookup:
    return Lookup(roster)


def _best(lookup: Lookup, typed: str) -> str | None:
    leader = clear_leader(lookup.find(typed))
    return leader.idol_id if leader else None


@pytest.mark.parametrize(
    ("typed", "idol"),
    [
        ("Mingyu", "seventeen.mingyu"),
        ("mingyu", "seventeen.mingyu"),
        ("MINGYU", "seventeen.mingyu"),
        ("  mingyu  ", "seventeen.mingyu"),
        ("Ｍｉｎｇｙｕ", "seventeen.mingyu"),
        ("min-gyu", "seventeen.mingyu"),
        ("min gyu", "seventeen.mingyu"),
        ("민규", "seventeen.mingyu"),
        ("김민규", "seventeen.mingyu"),
        ("ミンギュ", "seventeen.mingyu"),
        ("珉奎", "seventeen.mingyu"),
        ("มินกยู", "seventeen.mingyu"),
        ("Мингю", "seventeen.mingyu"),
        ("@min9yu_k", "seventeen.mingyu"),
        ("Kim Mingyu", "seventeen.mingyu"),
        # near spellings
        ("minkyu", "seventeen.mingyu"),
        ("mingyoo", "seventeen.mingyu"),
        ("jungkuk", "bts.jungkook"),
        ("wonyung", "ive.wonyoung"),
        ("wonyong", "ive.wonyoung"),
        # with the group beside it, in any order and language
        ("jisoo blackpink", "blackpink.jisoo"),
        ("blackpink jisoo", "blackpink.jisoo"),
        ("Jisoo (BLACKPINK)", "blackpink.jisoo"),
        ("블랙핑크 지수", "blackpink.jisoo"),
        ("jisoo seventeen", "seventeen.joshua"),
        ("세븐틴 지수", "seventeen.joshua"),
        ("jaehyun nct", "nct.jaehyun"),
        ("jaehyun nct 127", "nct.jaehyun"),
        ("jaehyun boynextdoor", "boynextdoor.jaehyun"),
    ],
)
def test_a_name_finds_its_idol(typed: str, idol: str, lookup: Lookup) -> None:
    assert _best(lookup, typed) == idol


@pytest.mark.parametrize("typed", ["jaehyun", "yuna", "jihoon"])
def test_a_name_of_several_has_no_leader(typed: str, lookup: Lookup) -> None:
    found = lookup.find(typed)
    assert len(found) > 1
    assert clear_leader(found) is None


def test_the_name_of_a_group_finds_all_of_it_and_nobody_else(
    lookup: Lookup, roster: Roster
) -> None:
    members = {
        i.id for i in roster.idols.values() if "blackpink" in {g.id for g in roster.groups_of(i.id)}
    }
    assert len(members) == 4
    for typed in ("blackpink", "블랙핑크"):
        assert {f.idol_id for f in lookup.find(typed)} == members
    # one letter of four names: the beginning of a name, in a group
    assert [f.idol_id for f in lookup.find("blackpink je")] == ["blackpink.jennie"]


@pytest.mark.parametrize(
    "typed", ["", "   ", "()", "\u200b", "qqqqqq", "×", "zzyzx of nowhere", "??"]
)
def test_nobody_is_near_what_is_no_name(typed: str, lookup: Lookup) -> None:
    assert lookup.find(typed) == []


def test_the_nearest_names_are_offered_where_nobody_is_near(lookup: Lookup) -> None:
    assert lookup.find("mqnqgqyu") == []
    near = lookup.nearest("mqnqgqyu")
    assert 1 <= len(near) <= 3
    assert "seventeen.mingyu" in {f.idol_id for f in near}


def test_the_best_known_comes_first_and_the_limit_holds(lookup: Lookup) -> None:
    found = lookup.find("ji", limit=5)
    assert len(found) == 5
    assert [f.score for f in found] == sorted((f.score for f in found), reverse=True)


def test_an_exact_name_comes_before_a_longer_one_that_begins_so(lookup: Lookup) -> None:
    assert lookup.find("jin")[0].idol_id == "bts.jin"
    assert lookup.find("jimin")[0].idol_id == "bts.jimin"


@pytest.mark.parametrize(
    ("one", "other"),
    [("mingyu", "minkyu"), ("jungkook", "jeongguk"), ("wonyoung", "wonyeong"), ("ji-soo", "jisu")],
)
def test_romanisations_of_one_name_sound_alike(one: str, other: str) -> None:
    assert sound(one) == sound(other)


@pytest.mark.parametrize(("one", "other"), [("mingyu", "mingi"), ("jisoo", "jisung"), ("v", "rm")])
def test_other_names_sound_otherwise(one: str, other: str) -> None:
    assert sound(one) != sound(other)


@pytest.mark.parametrize(
    ("scores", "leads"),
    [
        ([], False),
        ([50.0], True),
        ([50.0, 50.0 - CLEAR_LEAD], True),
        ([50.0, 50.1 - CLEAR_LEAD], False),
        ([50.0, 50.0], False),
    ],
)
def test_the_first_leads_when_the_next_is_far(scores: list[float], leads: bool) -> None:
    found = [Found(f"idol {i}", score) for i, score in enumerate(scores)]
    assert clear_leader(found) == (found[0] if leads else None)


def test_every_idol_is_found_by_the_label_that_is_shown(lookup: Lookup, roster: Roster) -> None:
    """Members type back what they have read: "Amber (f(x))", "IU (soloist)"."""
    at = date(2026, 11, 24)
    missed = []
    for idol in roster.idols.values():
        label = roster.label(idol.id, at)
        if [f.idol_id for f in lookup.find(label, limit=1)] != [idol.id]:
            missed.append(label)
    assert missed == []


def test_what_is_typed_is_trusted_less_the_less_it_is_a_name(lookup: Lookup) -> None:
    scores = [lookup.find(typed)[0] for typed in ("mingyu", "minkyoo", "mingy", "mnigyu")]
    assert {f.idol_id for f in scores} == {"seventeen.mingyu"}
    assert [f.score for f in scores] == sorted((f.score for f in scores), reverse=True)
    assert scores[0].score > scores[-1].score


@given(st.text(max_size=40))
def test_anything_may_be_typed(lookup: Lookup, typed: str) -> None:
    found = lookup.find(typed)
    assert len({f.idol_id for f in found}) == len(found) <= 25
    assert len(lookup.nearest(typed)) <= 3


def test_an_empty_roster_finds_nobody() -> None:
    empty = Lookup(rosters.load({}))
    assert empty.find("jisoo") == []
    assert empty.nearest("jisoo") == []
