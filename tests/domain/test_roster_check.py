"""What the checker finds in rosters of invented people, and what it leaves alone."""

from __future__ import annotations

import json
from datetime import date

import pytest

from bot.domain import roster
from bot.domain.errors import ConfigError
from bot.domain.roster import Roster
from bot.domain.roster_check import ERRORS, Entry, Finding, Kind, check, compare, read_table

AT = date(2026, 6, 1)
GROUPS = """
[[group]]
id = "lumen"
name = "LUMEN"
ko = ["루멘"]
fandom = ["Lamps"]

[[group]]
id = "lumen-b"
name = "LUMEN B"
fandom = ["Lamps"]
kind = "unit"
parent = "lumen"

[[group]]
id = "tidal"
name = "Tidal"

[[group]]
id = "week-nine"
name = "Week Nine"
kind = "project"
"""


def idol(idol_id: str, name: str, **fields: object) -> str:
    """An `[[idol]]` table; lists and strings are written as TOML writes them, dates bare."""
    given: dict[str, object] = {"ko": ["가나다"], "born": date(2000, 1, 1), **fields}
    lines = [f"{k} = {v if isinstance(v, date) else json.dumps(v)}" for k, v in given.items() if v]
    return "\n".join(["[[idol]]", f'id = "{idol_id}"', f'name = "{name}"', *lines, ""])


def member(group: str, since: str = "", until: str = "") -> str:
    dates = "".join(f", {k} = {v}" for k, v in (("since", since), ("until", until)) if v)
    return f'[[idol.member]]\ngroup = "{group}"\n' + dates.replace(", ", "\n") + "\n"


def made(*tables: str) -> Roster:
    return roster.load({"roster.toml": GROUPS + "\n".join(tables)})


def found(kind: Kind, *tables: str, at: date = AT) -> list[Finding]:
    return [f for f in check(made(*tables), at) if f.kind is kind]


def kinds(*tables: str) -> set[Kind]:
    return {f.kind for f in check(made(*tables), AT)}


def test_a_roster_that_can_be_true_has_nothing_to_look_at() -> None:
    assert (
        kinds(
            idol("lumen.ara", "Ara", ko=["아라"], full=["Do Ara", "도아라"]),
            member("lumen", "2018-01-01", "2022-01-01"),
            member("tidal", "2022-01-01"),  # the day of a change belongs to both
            member("lumen-b", "2019-01-01"),
            member("week-nine", "2018-06-01", "2020-06-01"),
            idol("tidal.bo", "Bo-ram", ko=["보람"]),
            member("tidal"),
        )
        == set()
    )


# ── mistakes ──────────────────────────────────────────────────────────────────────────────────


def test_the_same_full_name_and_birth_date_twice() -> None:
    one = idol("lumen.ara", "Ara", full=["Do A-ra", "도아라"])
    two = idol("tidal.ara", "A.", ko=["에이"], full=["Do Ara"])
    [finding] = found(Kind.SAME_PERSON, one, two)
    assert finding.ids == ("lumen.ara", "tidal.ara")
    assert "Do A-ra, born 2000-01-01" in finding.text
    other_day = idol("tidal.ara", "A.", full=["Do Ara"], born=date(2000, 1, 2))
    assert found(Kind.SAME_PERSON, one, other_day) == []


@pytest.mark.parametrize(
    ("first", "second", "text"),
    [
        (("lumen", "2018-01-01"), ("tidal", "2020-01-01"), "from 2020-01-01 on"),
        (
            ("lumen", "2018-01-01", "2020-06-30"),
            ("tidal", "2020-01-01", "2021-01-01"),
            "from 2020-01-01 to 2020-06-30",
        ),
        (("lumen",), ("tidal",), "from 2026-06-01 on"),
    ],
)
def test_memberships_that_overlap(
    first: tuple[str, ...], second: tuple[str, ...], text: str
) -> None:
    table = idol("lumen.ara", "Ara")
    [finding] = found(Kind.OVERLAP, table, member(*first), member(*second))
    assert text in finding.text
    assert "LUMEN and Tidal" in finding.text


def test_a_membership_of_unknown_beginning_is_certain_only_on_its_last_day() -> None:
    tables = idol("lumen.ara", "Ara"), member("lumen", "", "2020-06-30")
    assert found(Kind.OVERLAP, *tables, member("tidal", "2020-01-01")) == []


@pytest.mark.parametrize("other", ["lumen-b", "week-nine"])
def test_units_and_projects_do_not_overlap(other: str) -> None:
    table = idol("lumen.ara", "Ara")
    assert found(Kind.OVERLAP, table, member("tidal"), member(other)) == []


@pytest.mark.parametrize(
    ("since", "text"),
    [("2009-12-31", "at the age of 9"), ("1999-12-31", "before birth"), ("2010-01-01", None)],
)
def test_a_membership_that_begins_too_early(since: str, text: str | None) -> None:
    findings = found(Kind.TOO_YOUNG, idol("lumen.ara", "Ara"), member("lumen", since))
    assert [text in f.text for f in findings if text] == ([True] if text else [])
    assert bool(findings) == bool(text)


def test_groups_of_the_same_name_unless_it_is_flagged() -> None:
    clash = '[[group]]\nid = "other"\nname = "Other"\nalt = ["tidal"]\n'
    [finding] = found(Kind.GROUP_NAME, clash)
    assert finding.ids == ("tidal", "other")
    assert finding.kind in ERRORS
    assert found(Kind.GROUP_NAME, clash + 'words = ["tidal"]\n') == []


# ── to look at ────────────────────────────────────────────────────────────────────────────────


def test_names_of_several_idols_stand_together() -> None:
    [finding] = found(
        Kind.SHARED_NAME,
        idol("lumen.ara", "Ara", ko=["아라"]),
        member("lumen"),
        idol("tidal.ara", "ARA", ko=["아라"], nick=["Drop"]),
        member("tidal"),
    )
    assert finding.text == "Ara, 아라: Ara (LUMEN), ARA (Tidal)"
    assert finding.kind not in ERRORS


def test_a_nickname_in_hangul_is_no_hangul_name() -> None:
    table = idol("lumen.ara", "Ara", ko=[], nick=["아라"])
    assert [f.ids for f in found(Kind.NO_HANGUL, table)] == [("lumen.ara",)]
    assert found(Kind.NO_HANGUL, idol("lumen.ara", "Ara", ko=[], full=["도아라"])) == []


def test_birth_dates_that_are_unknown_or_unsure() -> None:
    unsure = "born_unsure = true\n"
    [one, two] = found(
        Kind.NO_BIRTH_DATE,
        idol("lumen.ara", "Ara") + unsure + member("lumen", "2025-01-01"),
        idol("lumen.bo", "Bo", born=None) + member("lumen", "2010-01-01"),
        idol("lumen.cha", "Cha"),
    )
    assert one.text == "Ara (LUMEN): counts as under age"
    assert two.text == "Bo (LUMEN): counts as of age"


def test_who_is_under_age_on_a_day() -> None:
    table = idol("lumen.ara", "Ara", born=date(2008, 6, 2))
    [finding] = found(Kind.MINOR, table)
    assert finding.text == "Ara (soloist): 17, born 2008-06-02"
    assert found(Kind.MINOR, table, at=date(2026, 6, 2)) == []


# ── against a table ───────────────────────────────────────────────────────────────────────────

TSV = (
    "Profile\tAra\tDo Ara\t도아라\t아라\t2000-01-01\tLumen\tNowhere\t\t0\t0\t\t\t\t\t\t\r\n"
    "\tBo\tMi Bo\t미보\t보\t2001-05-06\t\tNowhere\t\t0\t0\t\tLUMEN B, Elsewhere\tTidal\t\t\t\r\n"
    "\tCha\t\t\t차\t\tFar Away\tNowhere\r\n"
    "\r\n"
)
KPOPNET = json.dumps(
    {
        "groups": [{"id": "g1", "name": "lumen", "members": []}, {"id": "g2", "name": "Far Away"}],
        "idols": [
            {
                "id": "i1",
                "name": "Ara",
                "name_original": "아라",
                "real_name": "Do Ara",
                "real_name_original": "道あら",
                "birth_date": "2000-01-02",
                "groups": ["g1", "g2", "gone"],
                "height": None,
            }
        ],
    }
)


def test_both_shapes_of_table_are_read() -> None:
    ara, bo, cha = read_table("t.tsv", "\ufeff" + TSV)
    assert ara == Entry(
        stage="Ara",
        full="Do Ara",
        full_hangul="도아라",
        stage_hangul="아라",
        born=date(2000, 1, 1),
        groups=("Lumen",),
    )
    assert bo.groups == ("LUMEN B", "Elsewhere", "Tidal")
    assert (cha.born, cha.groups) == (None, ("Far Away",))
    [entry] = read_table("t.json", KPOPNET)
    assert (entry.groups, entry.born, entry.full_hangul) == (
        ("lumen", "Far Away"),
        date(2000, 1, 2),
        "道あら",
    )


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("a\tb\tc\n", "t: line 1 is not a row of a table of idols"),
        (TSV + "\tLUMEN\t\t루멘\t2018-01-01\tLabel\t4\n", "t: line 5 is not a row"),
        ('{"groups": []}', "t: not a table of idols as kpopnet.json is one"),
        ("{", "t: not a table of idols as kpopnet.json is one"),
    ],
)
def test_a_file_that_is_no_table_is_a_sentence(text: str, sentence: str) -> None:
    with pytest.raises(ConfigError) as caught:
        read_table("t", text)
    assert str(caught.value).startswith(sentence)


def ours(**fields: object) -> Roster:
    return made(idol("lumen.ara", "Ara", **{"ko": ["아라"], **fields}), member("lumen-b"))


def entry(**fields: object) -> Entry:
    given: dict[str, object] = {
        "stage": "ARA",
        "full": "Do Ara",
        "full_hangul": "",
        "stage_hangul": "아라",
        "born": date(2000, 1, 1),
        "groups": ("Lumen",),
    }
    return Entry(**{**given, **fields})


def test_agreement_is_no_finding() -> None:
    result = compare(ours(), [entry(), entry(groups=("Far Away",))], AT)
    assert (result.people, result.matched, result.elsewhere) == (2, 1, 1)
    assert result.findings == []


def test_birth_dates_and_hangul_names_that_disagree() -> None:
    result = compare(
        ours(), [entry(born=date(2000, 1, 2), stage_hangul="아롱", full_hangul="도 아라")], AT
    )
    assert [(f.kind, f.text) for f in result.findings] == [
        (Kind.OTHER_BIRTH_DATE, "Ara (LUMEN): born 2000-01-01 here, 2000-01-02 there"),
        (Kind.OTHER_HANGUL, "Ara (LUMEN): 아라 here, 아롱, 도 아라 there"),
    ]
    assert not ERRORS & {f.kind for f in result.findings}
    # what either does not know, and other scripts, are no disagreement
    assert compare(ours(born=None), [entry(full_hangul="道あら")], AT).findings == []


def test_members_that_are_missing_and_members_of_another_group() -> None:
    bo = entry(stage="Bo", full="Mi Bo", stage_hangul="보", born=date(2001, 5, 6))
    result = compare(ours(), [bo, entry(groups=("Tidal",))], AT)
    assert [(f.kind, f.ids, f.text) for f in result.findings] == [
        (Kind.MISSING_MEMBER, (), "Bo (Lumen): not in the roster"),
        (
            Kind.MISSING_MEMBER,
            ("lumen.ara",),
            "ARA (Tidal): in the roster as Ara (LUMEN), but not in that group",
        ),
    ]


def test_of_two_with_a_name_in_common_the_one_of_that_day_is_meant() -> None:
    both = made(
        idol("lumen.ara", "Ara", ko=["아라"], born=date(2003, 3, 3)),
        member("lumen"),
        idol("lumen.ara2", "Ara", ko=["아라"]),
        member("lumen"),
    )
    assert compare(both, [entry()], AT).findings == []


def test_the_shipped_roster_is_read_and_found_sound_in_form(roster: Roster) -> None:
    """Whatever there is to correct in it, the checker itself gets through."""
    findings = check(roster, AT)
    assert {Kind.SHARED_NAME, Kind.MINOR} <= {f.kind for f in findings}
    assert not any(f.kind is Kind.SAME_PERSON for f in findings)
