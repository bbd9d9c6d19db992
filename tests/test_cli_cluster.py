"""`crumbs cluster` and `crumbs evaluate --stories`, in real processes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tests.test_cli import crumbs, rows

AB = "BLACKPINK/Jisoo|SEVENTEEN/Mingyu"
OLD, NEW = "ENHYPEN/Sunghoon|IZ*ONE/Wonyoung", "ENHYPEN/Sunghoon|IVE/Wonyoung"


def report(number: int, text: str, *pairs: str, at: str, **given: object) -> dict[str, Any]:
    return {"id": f"r{number}", "text": text, "pairs": list(pairs), "published": at, **given}


def cluster(tmp_path: Path, *lines: object) -> list[dict[str, Any]]:
    stdin = "".join(f"{x if isinstance(x, str) else json.dumps(x)}\n" for x in lines)
    done = crumbs("cluster", stdin=stdin, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    return rows(done.stdout)


def test_reports_of_one_occasion_share_a_story_in_any_language(tmp_path: Path) -> None:
    answers = cluster(
        tmp_path,
        report(1, "A bow at Dior", AB, at="2024-02-28T05:00:00+00:00", kind="greeting", lang="en"),
        report(
            2, "디올 쇼에서 인사", AB, at="2024-02-28T17:00:00+09:00", kind="greeting", lang="ko"
        ),
        report(3, "At Calvin Klein", AB, at="2024-02-29T05:00:00+00:00", kind="photo"),
        report(4, "exactly one year ago at Dior", AB, at="2025-02-28T05:00:00+00:00", kind="none"),
    )
    one, two, other, memory = (a["stories"][AB] for a in answers)
    assert one == two == memory != other
    assert [a["id"] for a in answers] == ["r1", "r2", "r3", "r4"]


def test_labels_are_people_and_those_unknown_are_somebody(tmp_path: Path) -> None:
    unknown = "NOBODY KNOWS/Them|IVE/Wonyoung"
    answers = cluster(
        tmp_path,
        report(1, "They host", OLD, at="2021-10-08T10:00:00Z"),
        report(2, "They host", NEW, at="2021-10-08T12:00:00Z"),
        report(3, "They met", unknown, at="2021-10-08T12:00:00Z"),
        report(4, "They met", unknown.lower(), at="2021-10-08T13:00:00Z", url=None, title=None),
        report(5, "Nobody met", at="2021-10-08T12:00:00Z"),
        {"id": 6, "published": "2021-10-08", "pairs": None},
    )
    assert answers[0]["stories"][OLD] == answers[1]["stories"][NEW]
    assert answers[2]["stories"][unknown] == answers[3]["stories"][unknown.lower()]
    assert answers[4:] == [{"id": "r5", "stories": {}}, {"id": 6, "stories": {}}]


def test_a_story_may_have_several_pairs_and_a_report_several_stories(tmp_path: Path) -> None:
    trio = ["A/one|B/two", "A/one|C/three", "B/two|C/three"]
    [together, apart] = cluster(
        tmp_path,
        report(1, "Three met", *trio, at="2021-10-08"),
        report(2, "Two and two met", "D/one|E/two", "F/one|G/two", at="2021-10-08"),
    )
    assert len(set(together["stories"].values())) == 1
    assert list(together["stories"]) == trio
    assert len(set(apart["stories"].values())) == 2


def test_it_keeps_order_and_goes_on_after_bad_lines(tmp_path: Path) -> None:
    answers = cluster(
        tmp_path,
        report(1, "x", AB, at="2024-02-28"),
        "{not json",
        "[]",
        {"id": "a", "pairs": [AB]},
        {"id": "b", "pairs": [AB], "published": "yesterday"},
        {"id": "c", "pairs": ["Jisoo"], "published": "2024-02-28"},
        {"id": "d", "pairs": ["IVE/Wonyoung|IZ*ONE/Wonyoung"], "published": "2024-02-28"},
        {"id": "e", "pairs": AB, "published": "2024-02-28"},
        '{"id": "f", "pairs": ["A/\\ud800|B/x"], "published": "2024-02-28", "text": "\\ud800"}',
        report(2, "y", AB, at="2024-02-28"),
    )
    assert [a["id"] for a in answers] == ["r1", None, None, "a", "b", "c", "d", "e", "f", "r2"]
    assert ["error" in a for a in answers] == [False, *[True] * 7, False, False]
    assert answers[0]["stories"] == answers[-1]["stories"]


CORPUS = [
    report(1, "A bow at Dior", AB, at="2024-02-28T05:00:00Z", moment="m", kind="greeting"),
    report(2, "At Dior again", AB, at="2024-02-29T05:00:00Z", moment="n", kind="greeting"),
    report(3, "Long after", AB, at="2024-06-29T05:00:00Z", moment="m", kind="greeting"),
]


def test_evaluate_lists_every_split_and_merge(tmp_path: Path) -> None:
    path = tmp_path / "reports.jsonl"
    path.write_text("".join(json.dumps({"title": f"T{r['id']}", **r}) + "\n" for r in CORPUS))
    done = crumbs("evaluate", "--stories", str(path), cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "0.667" in done.stdout
    assert "split: m is in several stories" in done.stdout
    assert "merge: story-1 has several moments" in done.stdout
    for title in ("Tr1", "Tr2", "Tr3"):
        assert title in done.stdout

    done = crumbs("evaluate", "--stories", str(path), "--json", cwd=tmp_path)
    [answer] = rows(done.stdout)
    assert (answer["corpus"], answer["items"], answer["moments"]) == ("reports.jsonl", 3, 2)
    assert (round(answer["precision"], 3), round(answer["recall"], 3)) == (0.667, 0.667)
    assert {(e["what"], e["where"]) for e in answer["errors"]} == {
        ("split", "m"),
        ("merge", "story-1"),
    }
    assert answer["joint"]["gold"] == 3
    assert answer["joint"]["found"] == answer["joint"]["items"]


def test_evaluate_needs_something_to_evaluate(tmp_path: Path) -> None:
    done = crumbs("evaluate", cwd=tmp_path)
    assert done.returncode == 2
    assert "--stories" in done.stderr

    path = tmp_path / "bad.jsonl"
    path.write_text("no\n")
    done = crumbs("evaluate", "--stories", str(path), cwd=tmp_path)
    assert done.returncode == 3
    assert "bad.jsonl, line 1" in done.stderr
