"""The command line as a person or a script uses it, in real processes."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.processes import environment, rss

BOW = "BLACKPINK's Jisoo and SEVENTEEN's Mingyu are seen bowing to each other at the Dior show."


def crumbs(
    *args: str, stdin: str | bytes = "", cwd: Path, **settings: str
) -> subprocess.CompletedProcess[str]:
    data = stdin.encode() if isinstance(stdin, str) else stdin
    done = subprocess.run(
        [sys.executable, "-m", "bot", *args],
        input=data,
        capture_output=True,
        check=False,
        cwd=cwd,
        env=environment(**settings),
        timeout=60,
    )
    return subprocess.CompletedProcess(
        done.args, done.returncode, done.stdout.decode(), done.stderr.decode()
    )


def rows(output: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in output.splitlines()]


# ── judge ─────────────────────────────────────────────────────────────────────────────────────


def judge(tmp_path: Path, *lines: object) -> list[dict[str, Any]]:
    stdin = "".join(f"{x if isinstance(x, str) else json.dumps(x)}\n" for x in lines)
    done = crumbs("judge", stdin=stdin, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    return rows(done.stdout)


def test_judge_answers_in_full(tmp_path: Path) -> None:
    [answer] = judge(tmp_path, {"id": "1", "text": BOW, "published": "2024-02-28T10:00:00+09:00"})
    assert answer["id"] == "1"
    [interaction] = answer["interactions"]
    assert {interaction[k]["name"] for k in "ab"} == {"Jisoo", "Mingyu"}
    assert "SEVENTEEN" in interaction["b"]["groups"]
    assert (interaction["kind"], interaction["tier"], interaction["past"]) == (
        "greeting",
        "announce",
        False,
    )
    assert interaction["evidence"] in BOW
    assert answer["rejections"] == []
    for mention in answer["mentions"]:
        assert BOW[mention["start"] : mention["end"]] == mention["surface"]
        assert mention["field"] == "text"
        assert mention["surface"] in mention["aliases"]
        assert 0 < mention["confidence"] <= 1


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("코스피 지수가 1% 상승하며 장을 마쳤다", "ambiguous_name"),
        ("Actor Ji Soo loses the lawsuit against his former agency", "ambiguous_name"),
        (
            "November brand reputation rankings: 1. BLACKPINK's Jisoo 2. SEVENTEEN's Mingyu",
            "listing",
        ),
        ("SEVENTEEN's Joshua, born Hong Jisoo, and Mingyu hug each other backstage", "same_group"),
    ],
    ids=["stock index", "actor", "brand ranking", "Joshua is Hong Jisoo"],
)
def test_judge_rejects_the_traps_with_their_reason(tmp_path: Path, text: str, reason: str) -> None:
    [answer] = judge(tmp_path, {"id": "t", "text": text})
    assert answer["interactions"] == []
    assert reason in {r["reason"] for r in answer["rejections"]}


def test_judge_keeps_order_and_goes_on_after_bad_lines(tmp_path: Path) -> None:
    answers = judge(
        tmp_path,
        {"id": "a", "text": BOW},
        "{not json",
        {"id": "b"},
        {"id": "c", "text": 7},
        "[]",
        {"id": "d", "text": "x", "published": "yesterday"},
        '{"id": "e", "text": "lone \\ud800 Jisoo of BLACKPINK"}',
        {"id": 7, "text": "a date alone", "published": "2024-02-28"},
        {"id": "f", "title": BOW, "text": "", "url": None, "lang": "en-US", "extra": 1},
    )
    assert [a["id"] for a in answers] == ["a", None, "b", "c", None, "d", "e", 7, "f"]
    assert ["error" in a for a in answers] == [
        False,
        True,
        True,
        True,
        True,
        True,
        False,
        False,
        False,
    ]
    assert len(answers[0]["interactions"]) == len(answers[8]["interactions"]) == 1
    assert answers[7]["as_of"] == "2024-02-28"
    assert answers[8]["mentions"][0]["field"] == "title"


def test_judge_takes_bytes_that_are_no_utf8(tmp_path: Path) -> None:
    done = crumbs("judge", stdin=b'{"id": "x", "text": "\xff\xfe Jisoo"}\n\n', cwd=tmp_path)
    assert done.returncode == 0
    assert [a["id"] for a in rows(done.stdout)] == ["x"]


def test_the_reference_article_is_one_announced_interaction(tmp_path: Path) -> None:
    """The article that the project began with; its folder is given by the environment."""
    folder = os.environ.get("CRUMBS_TEST_SEED")
    text = (
        next(Path(folder).glob("*.txt")).read_text("utf-8")
        if folder
        else "BLACKPINK’s Jisoo and SEVENTEEN’s Mingyu are all anyone talks of after it. Fans "
        "wished for the two to interact. In a video shared by an attendee on social media, Jisoo "
        "and Mingyu are seen bowing to each other. Mingyu is also the face of Calvin Klein with "
        "NewJeans."
    )
    [answer] = judge(tmp_path, {"id": "seed", "text": text})
    announced = [i for i in answer["interactions"] if i["tier"] == "announce"]
    assert [{i["a"]["name"], i["b"]["name"]} for i in announced] == [{"Jisoo", "Mingyu"}]


# ── preview ───────────────────────────────────────────────────────────────────────────────────


def feed(tmp_path: Path, *entries: tuple[str, str, str]) -> str:
    path = tmp_path / "feed.xml"
    path.write_text(rss(*entries), "utf-8")
    return str(path)


def test_preview_shows_verdicts_and_the_announcement(tmp_path: Path) -> None:
    file = feed(tmp_path, ("1", "At the show", BOW), ("2", "Weather", "Rain."))
    done = crumbs(
        "preview", "--once", "--json", "--source", file, "--pair", "jisoo", "민규", cwd=tmp_path
    )
    assert done.returncode == 0, done.stderr
    verdicts = [r for r in rows(done.stdout) if r["type"] == "verdict"]
    assert {v["post"]["title"]: len(v["interactions"]) for v in verdicts} == {
        "At the show": 1,
        "Weather": 0,
    }
    [announcement] = [r for r in rows(done.stdout) if r["type"] == "announcement"]
    assert announcement["embeds"][0]["title"] == "Jisoo (BLACKPINK) × Mingyu (SEVENTEEN)"
    assert rows(done.stdout)[-1] == {"type": "done", "posts": 2, "announcements": 1}


def test_preview_announces_only_the_pairs_that_were_asked_for(tmp_path: Path) -> None:
    file = feed(tmp_path, ("1", "At the show", BOW))
    done = crumbs("preview", "--once", "--source", file, "--pair", "lisa", "v", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "1 post read, 0 announcements." in done.stdout


def test_preview_without_a_pair_watches_everything_and_draws(tmp_path: Path) -> None:
    file = feed(tmp_path, ("1", "At the show", BOW))
    done = crumbs("preview", "--once", "--source", file, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "Jisoo and Mingyu greeted each other." in done.stdout
    assert "1 post read, 1 announcement." in done.stdout


@pytest.mark.parametrize(
    ("args", "sentence"),
    [
        (("--source", "missing.xml"), "there is no file missing.xml"),
        (("--pair", "jisoo", "jisoo"), "are the same idol"),
        (("--pair", "jisoo", "zzzzqqq"), "it is not clear who 'zzzzqqq' is"),
        (("--pair", "jaehyun", "jisoo"), "Jaehyun (NCT)"),
    ],
)
def test_preview_refuses_what_it_cannot_do_with_a_sentence(
    tmp_path: Path, args: tuple[str, ...], sentence: str
) -> None:
    done = crumbs("preview", "--once", *args, cwd=tmp_path)
    assert done.returncode == 3
    assert sentence in done.stderr
    assert "Traceback" not in done.stderr


def test_preview_names_a_source_that_cannot_be_read(tmp_path: Path) -> None:
    broken = tmp_path / "page.html"
    broken.write_text("<!doctype html><html><body>Log in</body></html>")
    done = crumbs("preview", "--once", "--json", "--source", str(broken), cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    [failed] = [r for r in rows(done.stdout) if r["type"] == "source_error"]
    assert "HTML" in failed["problem"]
    assert done.stderr == ""


def test_preview_goes_on_until_it_is_stopped(tmp_path: Path) -> None:
    path = Path(feed(tmp_path, ("1", "Weather", "Rain.")))
    command = [sys.executable, "-m", "bot", "preview", "--json", "--source", str(path)]
    env = environment(CRUMBS_TICK_SECONDS="0.2", CRUMBS_HOLD_SECONDS="0")
    with subprocess.Popen(command, stdout=subprocess.PIPE, cwd=tmp_path, env=env) as child:
        assert child.stdout is not None
        assert json.loads(child.stdout.readline())["post"]["title"] == "Weather"
        child.send_signal(signal.SIGINT)
        rest = child.stdout.read()
        child.wait(10)
    assert child.returncode == 1  # stopped, not done
    assert rest == b""


# ── demo ──────────────────────────────────────────────────────────────────────────────────────


def test_the_demo_announces_one_moment_and_rejects_every_trap(tmp_path: Path) -> None:
    done = crumbs("demo", "--json", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    shown = rows(done.stdout)
    [announcement] = [r for r in shown if r["type"] == "announcement"]
    [card] = announcement["embeds"]
    assert card["title"] == "Jisoo (BLACKPINK) × Mingyu (SEVENTEEN)"
    sources = next(f["value"] for f in card["fields"] if f["name"] == "Source")
    for outlet in ("Front Row Post", "한류일보", "アイドル新聞", "Onda Coreana", "Kabar Idola"):
        assert outlet in sources
    verdicts = {v["post"]["id"]: v for v in shown if v["type"] == "verdict"}
    assert sum(bool(v["interactions"]) for v in verdicts.values()) == 5
    reasons = {
        key.split(":", 1)[0] + ":" + key.rsplit(":", 1)[1]: {r["reason"] for r in v["rejections"]}
        for key, v in verdicts.items()
        if not v["interactions"]
    }
    assert reasons == {
        "front-row-post:market-close": set(),
        "hallyu-ilbo:kospi": {"ambiguous_name"},
        "idol-charts:brand-reputation": {"listing"},
        "screen-weekly:actor": {"ambiguous_name"},
        "fan-talk:rumour": {"irrealis"},
        "fan-talk:joshua": {"same_group"},
    }


def test_the_demo_needs_nothing_and_says_what_to_do_next(tmp_path: Path) -> None:
    done = crumbs("demo", cwd=tmp_path, CRUMBS_TICK_SECONDS="nonsense")
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("Jisoo and Mingyu greeted each other.") == 1
    assert "Next: put your bot's DISCORD_TOKEN into .env" in done.stdout
    assert list(tmp_path.iterdir()) == []


# ── the rest ──────────────────────────────────────────────────────────────────────────────────


def test_every_command_has_help_that_names_it(tmp_path: Path) -> None:
    top = crumbs("--help", cwd=tmp_path)
    assert top.returncode == 0
    for name in ("run", "demo", "preview", "judge"):
        assert name in top.stdout
        own = crumbs(name, "--help", cwd=tmp_path)
        assert own.returncode == 0
        assert len(own.stdout) > 200


def test_a_wrong_command_line_is_exit_code_2(tmp_path: Path) -> None:
    done = crumbs("announce", cwd=tmp_path)
    assert done.returncode == 2
    assert "No such command 'announce'" in done.stderr


def test_the_console_script_is_the_module(tmp_path: Path) -> None:
    script = Path(sys.executable).with_name("crumbs")
    versions = {
        subprocess.run(
            [*command, "--version"], capture_output=True, check=True, cwd=tmp_path
        ).stdout
        for command in ([str(script)], [sys.executable, "-m", "bot"])
    }
    assert len(versions) == 1
