"""What is proposed from a stranger's facts about invented people, and what is left undecided."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain import roster
from bot.domain.roster import Roster
from bot.domain.roster_check import ERRORS, check
from bot.domain.roster_refresh import (
    MAX_NAME,
    Finding,
    Item,
    Kind,
    Name,
    Stint,
    clean,
    compare,
    match_groups,
    overlay,
)

AT = date(2026, 6, 1)
SEED = """
[[group]]
id = "lumen"
name = "LUMEN"
ko = ["루멘"]
alt = ["Lumen Girls"]
fandom = ["Lamps", "램프"]

[[group]]
id = "lumen-b"
name = "LUMEN B"
ko = ["루멘 비"]
kind = "unit"
parent = "lumen"

[[group]]
id = "nova"
name = "NOVA"
ko = ["노바"]

[[idol]]
id = "lumen.ara"
name = "Ara"
ko = ["아라"]
ja = ["アラ"]
full = ["Do Ara", "도아라"]
born = 2001-06-02
member = [{ group = "lumen", since = 2020-01-01 }]

[[idol]]
id = "lumen.bo"
name = "Bo-ram"
member = [{ group = "lumen", since = 2020-01-01 }]

[[idol]]
id = "lumen.uni"
name = "Uni"
ko = ["유니"]
born = 2002-02-02
member = [{ group = "lumen-b", since = 2020-01-01 }]

[[idol]]
id = "nova.cha"
name = "Cha"
ko = ["차"]
full = ["Seo Cha", "서차"]
born = 2003-03-03
member = [{ group = "nova", until = 2022-01-01 }]

[[idol]]
id = "nova.dan"
name = "Dan"
ko = ["단"]
full = ["Oh Dan"]
member = [{ group = "nova" }]
"""
KNOWN = {"lumen": "Q10", "lumen-b": "Q11", "nova": "Q12"}


@pytest.fixture(scope="module")
def people() -> Roster:
    return roster.load({"seed.toml": SEED})


def person(qid: str, *names: tuple[str, str, str], born: Iterable[str] = ()) -> Item:
    return Item(
        qid,
        tuple(Name(text, lang, kind) for text, lang, kind in names),
        frozenset(map(date.fromisoformat, born)),
    )


def label(text: str, lang: str = "en") -> tuple[str, str, str]:
    return text, lang, "label"


def stint(group: str, who: str, since: str = "", until: str = "", *, ended: bool = False) -> Stint:
    return Stint(
        group=group,
        person=who,
        since=date.fromisoformat(since) if since else None,
        until=date.fromisoformat(until) if until else None,
        ended=ended or bool(until),
    )


def look(people: Roster, *facts: Item | Stint, checked: bool = True) -> list[Finding]:
    """The findings; what they propose must load beside the seed and be no mistake."""
    persons = [f for f in facts if isinstance(f, Item)]
    stints = [f for f in facts if isinstance(f, Stint)]
    findings = compare(people, KNOWN, stints, persons, AT)
    text = overlay(findings, [], AT)
    both = roster.load({"seed.toml": SEED, "proposed.toml": text})
    new = {f.ids[0] for f in findings if f.kind is Kind.NEW_IDOL}
    assert set(both.idols) - set(people.idols) == new
    assert not [f for f in check(both, AT) if f.kind in ERRORS]
    return findings


ARA = person("Q1", label("Ara"), label("아라", "ko"), born=["2001-06-02"])
BO = person("Q2", label("Boram"), label("보람", "ko"), label("ボラム", "ja"), born=["2002-05-04"])


# ── groups ────────────────────────────────────────────────────────────────────────────────────


def named(qid: str, *names: tuple[str, str]) -> Item:
    return Item(qid, tuple(Name(text, lang, "") for text, lang in names))


@pytest.mark.parametrize(
    "item",
    [
        named("Q10", ("Lumen", "en"), ("루멘", "ko")),
        named("Q10", ("lumen girls", "mul"), ("루멘", "ko"), ("Light", "en")),
    ],
)
def test_a_group_is_recognised_by_english_and_hangul_together(people: Roster, item: Item) -> None:
    assert match_groups(people, ["lumen"], [item]) == ({"lumen": "Q10"}, [])


@pytest.mark.parametrize(
    ("items", "why", "said"),
    [
        ([], "no musical group has its names", []),
        ([named("Q9", ("Lumen", "en"))], "no item has both", ["Q9"]),
        ([named("Q9", ("루멘", "ko"), ("Lumens", "en"))], "no item has both", ["Q9"]),
        ([named("Q9", ("Lamps", "en"), ("램프", "ko"))], "no musical group has its names", []),
        (
            [named(q, ("LUMEN", "en"), ("루멘", "ko")) for q in ("Q8", "Q9")],
            "several musical groups have its names: Q8, Q9",
            ["Q8", "Q9"],
        ),
        (
            [named("Q9", ("LUMEN", "en"), ("루멘", "ko"), ("Nova", "en"), ("노바", "ko"))],
            "Q9 has names of nova too",
            ["Q9"],
        ),
    ],
)
def test_a_group_that_is_not_clear_is_told_and_not_asked_of(
    people: Roster, items: list[Item], why: str, said: list[str]
) -> None:
    found, [finding] = match_groups(people, ["lumen"], items)
    assert found == {}
    assert (finding.kind, finding.ids, finding.items) == (Kind.UNCLEAR, ("lumen",), tuple(said))
    assert finding.text.startswith("LUMEN: ")
    assert why in finding.text
    assert not finding.toml


# ── people the roster has ─────────────────────────────────────────────────────────────────────


def test_what_agrees_is_not_mentioned(people: Roster) -> None:
    assert look(people, ARA, stint("Q10", "Q1", "2019-12-31")) == []


def test_nobody_is_looked_for_outside_the_groups_that_are_clear(people: Roster) -> None:
    assert look(people, BO, stint("Q99", "Q2")) == []
    assert look(people, stint("Q10", "Q2")) == []


def test_a_missing_birth_date_and_missing_names_are_proposed(people: Roster) -> None:
    findings = look(people, BO, stint("Q10", "Q2"))
    assert [(f.kind, f.ids, f.items, f.toml) for f in findings] == [
        (Kind.BIRTH_DATE, ("lumen.bo",), ("Q2",), "born = 2002-05-04"),
        (Kind.NAME, ("lumen.bo",), ("Q2",), 'ko = ["보람"]'),
        (Kind.NAME, ("lumen.bo",), ("Q2",), 'ja = ["ボラム"]'),
    ]
    text = overlay(findings, [], AT)
    assert "# Wikidata, CC0-1.0: https://www.wikidata.org/wiki/Q2\n# lumen.bo:\n" in text
    assert "#     born = 2002-05-04\n" in text


def test_several_birth_dates_are_for_a_person_to_decide(people: Roster) -> None:
    bo = person("Q2", label("Bo-ram"), born=["2002-05-04", "2002-05-05"])
    [finding] = look(people, bo, stint("Q10", "Q2"))
    assert (finding.kind, finding.toml) == (Kind.UNCLEAR, "")
    assert "several birth dates (2002-05-04, 2002-05-05)" in finding.text


def test_another_birth_date_is_told_and_nothing_else_is_learned(people: Roster) -> None:
    ara = person("Q1", label("Ara"), label("알아", "ko"), born=["2001-06-03"])
    [finding] = look(people, ara, stint("Q10", "Q1", until="2024-01-01"))
    assert (finding.kind, finding.toml) == (Kind.OTHER_BIRTH_DATE, "")
    assert finding.text == "Ara (LUMEN): born 2001-06-02 here, 2001-06-03 there"


def test_one_of_several_birth_dates_that_agrees_is_agreement(people: Roster) -> None:
    ara = person("Q1", label("Ara"), born=["2001-06-02", "2001-06-03"])
    assert look(people, ara, stint("Q10", "Q1")) == []


def test_other_names_are_told(people: Roster) -> None:
    ara = person(
        "Q1", label("Ara"), label("알아", "ko"), label("アルア", "ja"), born=["2001-06-02"]
    )
    kana, hangul = sorted(look(people, ara, stint("Q10", "Q1")), key=lambda f: f.text[-8:])
    assert (hangul.kind, kana.kind) == (Kind.OTHER_NAME, Kind.OTHER_NAME)
    assert {hangul.text, kana.text} == {
        "Ara (LUMEN): 아라, 도아라 here, 알아 there",
        "Ara (LUMEN): アラ here, アルア there",
    }


def test_who_has_left_is_proposed_with_the_beginning_that_is_known(people: Roster) -> None:
    [finding] = look(people, ARA, stint("Q10", "Q1", until="2024-05-06"), stint("Q10", "Q1"))
    assert finding.kind is Kind.LEFT
    line = 'member = [{ group = "lumen", since = 2020-01-01, until = 2024-05-06 }]'
    assert finding.toml == line


@pytest.mark.parametrize(
    ("stints", "why"),
    [
        ([stint("Q10", "Q1", ended=True)], "left on a day that is not told"),
        ([stint("Q10", "Q1", until=f"202{n}-01-01") for n in (3, 4)], "several beginnings or ends"),
        (
            [stint("Q10", "Q1", "2020-01-01", "2022-01-01"), stint("Q10", "Q1", "2023-01-01")],
            "several beginnings or ends",
        ),
        ([stint("Q10", "Q1", until="2019-01-01")], "before the membership begins here"),
        ([stint("Q10", "Q1", "2023-01-01", "2022-01-01")], "before joining on 2023-01-01"),
    ],
)
def test_an_end_that_is_not_clear_proposes_nothing(
    people: Roster, stints: list[Stint], why: str
) -> None:
    [finding] = look(people, ARA, *stints)
    assert (finding.kind, finding.toml) == (Kind.UNCLEAR, "")
    assert why in finding.text


def test_an_end_to_come_or_known_already_is_not_mentioned(people: Roster) -> None:
    assert look(people, ARA, stint("Q10", "Q1", until="2027-01-01")) == []
    cha = person("Q3", label("Cha"), label("차", "ko"), born=["2003-03-03"])
    assert look(people, cha, stint("Q12", "Q3", ended=True)) == []


def test_several_beginnings_alone_are_no_doubt(people: Roster) -> None:
    assert look(people, ARA, *(stint("Q10", "Q1", f"2020-01-0{n}") for n in (1, 2))) == []


def test_who_is_in_a_unit_is_in_its_group_but_not_the_other_way_round(people: Roster) -> None:
    uni = person("Q4", label("Uni"), born=["2002-02-02"])
    assert look(people, uni, stint("Q10", "Q4")) == []
    [finding] = look(people, ARA, stint("Q11", "Q1", "2025-01-01"))
    assert finding.kind is Kind.NEW_MEMBERSHIP
    assert '{ group = "lumen-b", since = 2025-01-01 }' in finding.toml


def test_an_idol_of_another_group_gets_a_membership_not_a_second_entry(people: Roster) -> None:
    cha = person("Q3", label("Seo Cha"), born=["2003-03-03"])
    [finding] = look(people, cha, stint("Q10", "Q3", "2024-01-01", "2025-01-01"))
    assert (finding.kind, finding.ids) == (Kind.NEW_MEMBERSHIP, ("nova.cha",))
    assert '{ group = "lumen", since = 2024-01-01, until = 2025-01-01 }' in finding.toml


# ── people who are not clear ──────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("facts", "why"),
    [
        (  # the same day, another name: renamed, or a twin?
            [person("Q5", label("Zoe"), born=["2001-06-02"]), stint("Q10", "Q5")],
            "born on the day of Ara (LUMEN)",
        ),
        (  # two people in one group have one of the names each
            [person("Q5", label("Ara"), label("Bo-ram")), stint("Q10", "Q5")],
            "could be Ara (LUMEN) or Bo-ram (LUMEN)",
        ),
        (  # a full name as in another group, and no birth date to tell by
            [person("Q5", label("Oh Dan"), born=["2004-04-04"]), stint("Q10", "Q5")],
            "may be Dan (NOVA)",
        ),
        (
            [person("Q5", label("도레미", "ko")), stint("Q10", "Q5")],
            "no single name in Latin letters",
        ),
        ([person("Q5", label("Zoe")), stint("Q10", "Q5", ended=True)], "left on a day"),
        (
            [
                person("Q5", label("Zoe"), born=["2015-01-01"]),
                stint("Q10", "Q5", "2024-01-01"),
            ],
            "joined at the age of 9",
        ),
    ],
)
def test_who_is_not_clear_is_told_and_not_proposed(
    people: Roster, facts: list[Item | Stint], why: str
) -> None:
    [finding] = look(people, *facts)
    assert (finding.kind, finding.items, finding.toml) == (Kind.UNCLEAR, ("Q5",), "")
    assert why in finding.text


def test_two_people_who_could_both_be_one_idol_are_neither(people: Roster) -> None:
    other = person("Q5", label("Ara"))
    [finding] = look(people, ARA, other, stint("Q10", "Q1"), stint("Q10", "Q5", until="2024-01-01"))
    assert (finding.kind, finding.items) == (Kind.UNCLEAR, ("Q1", "Q5"))


@pytest.mark.parametrize(
    ("births", "groups", "one"),
    [
        (("2004-04-04", "2004-04-04"), ("Q10", "Q12"), True),
        (("2004-04-04", ""), ("Q10", "Q10"), True),
        (("2004-04-04", ""), ("Q10", "Q12"), False),
        (("2004-04-04", "2005-05-05"), ("Q10", "Q10"), False),
    ],
)
def test_two_items_that_could_be_one_new_person_are_not_proposed(
    people: Roster, births: tuple[str, str], groups: tuple[str, str], one: bool
) -> None:
    persons = [
        person(qid, label("Zoe"), born=[born] if born else [])
        for qid, born in zip(("Q5", "Q6"), births, strict=True)
    ]
    stints = [stint(group, p.qid) for group, p in zip(groups, persons, strict=True)]
    kinds = [f.kind for f in look(people, *persons, *stints)]
    assert kinds == [Kind.UNCLEAR if one else Kind.NEW_IDOL] * 2


def test_the_birth_date_tells_two_members_of_one_name_apart() -> None:
    text = SEED.replace('name = "Bo-ram"', 'name = "Bo-ram"\nalt = ["Ara"]')
    people = roster.load({"seed.toml": text})
    assert compare(people, KNOWN, [stint("Q10", "Q1")], [ARA], AT) == []


# ── new people ────────────────────────────────────────────────────────────────────────────────


def test_a_new_idol_is_a_whole_entry_with_its_source(people: Roster) -> None:
    zoe = person(
        "Q5",
        label("Kim Zoe"),
        ("Zoe", "", "stage"),
        ("Zo", "en", "alias"),
        label("조이", "ko"),
        label("ゾイ", "ja"),
        ("김조이", "ko", "birth"),
        born=["2004-04-04"],
    )
    facts = [zoe, stint("Q10", "Q5", "2024-01-01"), stint("Q11", "Q5")]
    findings = look(people, *facts)
    text = overlay(findings, ["nova"], AT)
    assert tomllib.loads(text) == {
        "idol": [
            {
                "id": "lumen.zoe",
                "name": "Zoe",
                "ko": ["조이"],
                "ja": ["ゾイ"],
                "full": ["Kim Zoe", "김조이"],
                "born": date(2004, 4, 4),
                "prior": 0.3,
                "member": [{"group": "lumen", "since": date(2024, 1, 1)}, {"group": "lumen-b"}],
            }
        ]
    }
    source = "# Wikidata, CC0-1.0: https://www.wikidata.org/wiki/Q5\n[[idol]]\n"
    assert source in text
    assert "# Nothing was learned of these groups: nova\n" in text
    both = roster.load({"seed.toml": SEED, "new.toml": text})
    assert both.label("lumen.zoe", AT) == "Zoe (LUMEN)"


def test_an_id_that_is_taken_is_not_taken_again(people: Roster) -> None:
    other = person("Q5", label("ARA!"), born=["2004-04-04"])
    [finding] = look(people, other, stint("Q12", "Q5"))
    assert finding.ids == ("nova.ara",)
    dan = SEED.replace('id = "nova.dan"', 'id = "nova.ara"')
    [finding] = compare(roster.load({"x": dan}), KNOWN, [stint("Q12", "Q5")], [other], AT)
    assert finding.ids == ("nova.ara-2",)


def test_nothing_found_is_an_overlay_all_the_same(people: Roster) -> None:
    text = overlay([], [], AT)
    assert tomllib.loads(text) == {}
    assert "on 2026-06-01" in text
    roster.load({"seed.toml": SEED, "proposed.toml": text})


# ── hostile names ─────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("text", "cleaned"),
    [
        (" A\tra\n\u2028Do ", "A ra Do"),
        ("A\x00r\x7fa\u202e", "Ara"),
        ("\u200b\ufe0f", ""),
        ("?!", ""),
        ("\ud800", ""),
        ("x" * MAX_NAME, "x" * MAX_NAME),
        ("x" * (MAX_NAME + 1), ""),
    ],
)
def test_a_name_is_one_printable_line_or_nothing(text: str, cleaned: str) -> None:
    assert clean(text) == cleaned


HOSTILE = st.one_of(
    st.text(max_size=30),
    st.text(alphabet="\"\\'#[]{}=\n\r\x00\x7f\u2028 aé아ア$", max_size=12),
    st.sampled_from(
        ['x"\n[[group]]\nid = "evil"', "'''", '"""', "Ara", "아라", "\\u0041", "1" * 90]
    ),
)
NAMES = st.lists(
    st.tuples(
        HOSTILE,
        st.sampled_from(["en", "ko", "ja", "mul", ""]),
        st.sampled_from(["label", "alias", "native", "birth", "stage"]),
    ),
    max_size=6,
)
DAYS = st.none() | st.dates()
STINTS = st.lists(st.tuples(st.sampled_from(sorted(KNOWN.values())), DAYS, DAYS), max_size=3)


@given(st.lists(st.tuples(NAMES, st.sets(st.dates(), max_size=2), STINTS), max_size=4))
def test_whatever_names_and_dates_there_are_the_overlay_loads_beside_the_roster(
    persons: list[
        tuple[list[tuple[str, str, str]], set[date], list[tuple[str, date | None, date | None]]]
    ],
) -> None:
    people = roster.load({"seed.toml": SEED})
    facts: list[Item | Stint] = []
    for number, (names, births, stints) in enumerate(persons, 1):
        cleaned = (Name(clean(text), lang, kind) for text, lang, kind in names)
        qid = f"Q{number}"
        facts.append(Item(qid, tuple(n for n in cleaned if n.text), frozenset(births)))
        facts += [
            Stint(group=group, person=qid, since=since, until=until, ended=until is not None)
            for group, since, until in stints
        ]
    findings = look(people, *facts)
    assert all(line.isprintable() for f in findings for line in f.toml.split("\n"))
    assert all(f.text.isprintable() for f in findings)
