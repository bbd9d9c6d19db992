"""`crumbs roster check`, in real processes on small rosters of invented people."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.test_cli import crumbs

ROSTER = """
[[group]]
id = "lumen"
name = "LUMEN"

[[idol]]
id = "lumen.ara"
name = "Ara"
ko = ["아라"]
born = 2009-06-02
member = [{ group = "lumen", since = 2024-01-01 }]

[[idol]]
id = "lumen.bo"
name = "Bo-ram"
born = 2001-01-01
member = [{ group = "lumen", since = 2024-01-01 }]
"""
TABLE = (
    "\tAra\tDo Ara\t도아라\t아라\t2009-06-03\tLumen\n"
    "\tCha\tSeo Cha\t서차\t차\t2003-03-03\tLUMEN\n"
    "\tDan\tOh Dan\t오단\t단\t2003-03-03\tFar Away\n"
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "roster").mkdir()
    (tmp_path / "roster" / "lumen.toml").write_text(ROSTER, "utf-8")
    (tmp_path / "table.tsv").write_text(TABLE, "utf-8")
    return tmp_path


def test_what_to_look_at_is_listed_and_is_no_mistake(folder: Path) -> None:
    done = crumbs("roster", "check", "--date", "2026-11-24", cwd=folder, CRUMBS_ROSTER="roster")
    assert done.returncode == 0, done.stderr
    assert "1 group, 2 idols and 0 decoys, as of 2026-11-24" in done.stdout
    assert "Idols without a Hangul name (1)\n  Bo-ram (LUMEN)\n" in done.stdout
    assert "Idols under 18 (1)\n  Ara (LUMEN): 17, born 2009-06-02\n" in done.stdout
    assert "No mistake, 2 to look at." in done.stdout
    later = crumbs("roster", "check", "--date", "2027-06-02", cwd=folder, CRUMBS_ROSTER="roster")
    assert "under 18" not in later.stdout


def test_mistakes_are_exit_code_1_and_come_first(folder: Path) -> None:
    path = folder / "roster" / "lumen.toml"
    path.write_text(ROSTER.replace("born = 2001-01-01", "born = 2020-01-01"), "utf-8")
    done = crumbs("roster", "check", cwd=folder, CRUMBS_ROSTER="roster")
    assert done.returncode == 1
    assert "Bo-ram (LUMEN): in LUMEN since 2024-01-01, at the age of 4" in done.stdout
    assert done.stdout.index("before the age of 10") < done.stdout.index("without a Hangul name")
    assert "1 mistake, " in done.stdout
    as_json = crumbs("roster", "check", "--json", cwd=folder, CRUMBS_ROSTER="roster")
    assert as_json.returncode == 1
    answer = json.loads(as_json.stdout)
    assert answer["ok"] is False
    [mistake] = [f for f in answer["findings"] if f["error"]]
    assert (mistake["kind"], mistake["ids"]) == ("too_young", ["lumen.bo"])


def test_every_conflict_that_the_loader_finds_is_told(folder: Path) -> None:
    broken = '[[idol]]\nid = "lumen.ara"\nname = "Ara"\nmember = [{ group = "nowhere" }]\n'
    (folder / "roster" / "other.toml").write_text(broken, "utf-8")
    done = crumbs("roster", "check", cwd=folder, CRUMBS_ROSTER="roster")
    assert done.returncode == 1
    sentences = done.stderr.splitlines()
    assert len(sentences) == 2
    assert "lumen.ara: id: taken already in lumen.toml" in sentences[0]
    assert "no group has the id 'nowhere'" in sentences[1]
    as_json = crumbs("roster", "check", "--json", cwd=folder, CRUMBS_ROSTER="roster")
    assert as_json.returncode == 1
    assert len(json.loads(as_json.stdout)["unreadable"]) == 2


def test_a_table_is_compared_with_counts_and_lists(folder: Path) -> None:
    args = ("roster", "check", "--against", "table.tsv", "--date", "2026-11-24")
    done = crumbs(*args, cwd=folder, CRUMBS_ROSTER="roster")
    assert done.returncode == 0, done.stderr
    assert "Against table.tsv" in done.stdout
    counts = "3 people: 1 in the roster, 1 missing from its groups, 1 of groups it does not have"
    assert counts in done.stdout
    assert "Ara (LUMEN): born 2009-06-02 here, 2009-06-03 there" in done.stdout
    assert "Ara (LUMEN): 아라 here, 도아라 there" in done.stdout
    assert "Cha (LUMEN): not in the roster" in done.stdout
    answer = json.loads(crumbs(*args, "--json", cwd=folder, CRUMBS_ROSTER="roster").stdout)
    [table] = answer["tables"]
    assert (table["people"], table["matched"], table["elsewhere"]) == (3, 1, 1)
    assert [f["kind"] for f in table["findings"]] == [
        "other_birth_date",
        "other_hangul",
        "missing_member",
    ]


@pytest.mark.parametrize(
    ("content", "code", "sentence"),
    [
        (None, 2, "does not exist"),
        (b"stage,full\nAra,Do Ara\n", 3, "line 1 is not a row of a table of idols"),
        (b"\xff\xfe", 3, "cannot be read"),
    ],
)
def test_a_table_that_cannot_be_used_is_a_sentence(
    folder: Path, content: bytes | None, code: int, sentence: str
) -> None:
    if content is not None:
        (folder / "wrong.tsv").write_bytes(content)
    done = crumbs("roster", "check", "--against", "wrong.tsv", cwd=folder, CRUMBS_ROSTER="roster")
    assert done.returncode == code
    assert sentence in done.stderr
    assert "Traceback" not in done.stderr


def test_a_date_that_is_none_is_a_usage_error(folder: Path) -> None:
    done = crumbs("roster", "check", "--date", "tomorrow", cwd=folder)
    assert done.returncode == 2


def test_the_group_of_commands_names_what_it_has(tmp_path: Path) -> None:
    done = crumbs("roster", "--help", cwd=tmp_path)
    assert done.returncode == 0
    assert "check" in done.stdout
