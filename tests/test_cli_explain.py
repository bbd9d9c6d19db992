"""`crumbs explain` as a person uses it: a text, a file, an address."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest

from tests.processes import web_server
from tests.test_cli import crumbs

BOW = "BLACKPINK's Jisoo and SEVENTEEN's Mingyu are seen bowing to each other."


def test_a_text_is_explained_with_every_score_and_the_verdict(tmp_path: Path) -> None:
    done = crumbs("explain", "--json", BOW, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    answer = json.loads(done.stdout)
    jisoo = answer["names"][0]
    assert (jisoo["surface"], jisoo["chosen"]) == ("Jisoo", "blackpink.jisoo")
    best = jisoo["candidates"][0]
    assert best["features"]["bound to BLACKPINK"] > 0
    assert best["score"] == pytest.approx(sum(best["features"].values()), abs=0.01)
    assert {c["id"] for c in jisoo["candidates"]} > {"blackpink.jisoo"}
    [met] = answer["interactions"]
    counted = dict(met["because"])
    assert counted["Jisoo: bound to BLACKPINK"] == 4.0
    assert any("bound to" not in what for what in counted)


def test_the_drawing_says_who_won_and_why(tmp_path: Path) -> None:
    done = crumbs("explain", BOW, cwd=tmp_path, COLUMNS="140")
    assert "bound to BLACKPINK +4.0" in done.stdout
    assert "Linked:" in done.stdout
    assert "Jisoo (BLACKPINK) × Mingyu (SEVENTEEN): greeting" in done.stdout


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (BOW, "Announced: 9"),
        ("BLACKPINK's Jisoo and SEVENTEEN's Mingyu attended the show.", "A possible moment: "),
        ("Rumour: BLACKPINK's Jisoo hugged SEVENTEEN's Mingyu", "A possible moment: a rumour"),
        ("BLACKPINK's Jisoo sang. SEVENTEEN's Mingyu is in Tokyo.", "Not an interaction: "),
    ],
)
def test_the_drawing_says_what_counted_between_two_and_what_would_tip_it(
    tmp_path: Path, text: str, sentence: str
) -> None:
    done = crumbs("explain", text, cwd=tmp_path, COLUMNS="140")
    assert done.returncode == 0, done.stderr
    assert "log-odds" in done.stdout
    assert sentence in done.stdout


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("코스피 지수가 상승했다", "is likelier"),
        ("NCT and BOYNEXTDOOR: Jaehyun laughed.", "leads by"),
        ("Nothing here.", "No name that the roster knows."),
    ],
)
def test_the_drawing_says_why_nobody_was_linked_and_what_would_help(
    tmp_path: Path, text: str, sentence: str
) -> None:
    done = crumbs("explain", text, cwd=tmp_path, COLUMNS="140")
    assert done.returncode == 0, done.stderr
    assert sentence in done.stdout


def test_an_idol_that_falls_short_is_told_by_how_much(tmp_path: Path) -> None:
    roster = tmp_path / "roster"
    roster.mkdir()
    (roster / "one.toml").write_text('[[idol]]\nid = "x.aiko"\nname = "Aiko"\nprior = 0.5\n')
    done = crumbs("explain", "Aiko smiled.", cwd=tmp_path, CRUMBS_ROSTER=str(roster))
    assert "Left alone: 1.1 short of 1.5." in " ".join(done.stdout.split())


def test_a_file_is_read(tmp_path: Path) -> None:
    (tmp_path / "post.txt").write_text(BOW)
    done = crumbs("explain", "--json", "post.txt", cwd=tmp_path)
    assert json.loads(done.stdout)["text"] == BOW


def test_standard_input_is_read(tmp_path: Path) -> None:
    done = crumbs("explain", "--json", "-", "--title", "At Dior", stdin=BOW, cwd=tmp_path)
    answer = json.loads(done.stdout)
    assert (answer["title"], answer["text"]) == ("At Dior", BOW)


async def test_an_address_is_fetched_only_when_it_may_be(tmp_path: Path) -> None:
    site = tmp_path / "site"
    site.mkdir()
    (site / "a.html").write_text(f"<title>At the show</title><p>{BOW}</p>")
    (site / "empty.html").write_text("<title>x</title>")
    async with web_server(site) as address:

        def explain(page: str, **settings: str):
            return asyncio.to_thread(
                crumbs, "explain", "--json", f"{address}/{page}", cwd=tmp_path, **settings
            )

        refused = await explain("a.html")
        assert refused.returncode == 1
        assert "CRUMBS_FETCH_ALLOW" in refused.stderr
        assert "Traceback" not in refused.stderr
        allowed = await explain("a.html", CRUMBS_FETCH_ALLOW="127.0.0.1")
        answer = json.loads(allowed.stdout)
        assert (answer["title"], len(answer["interactions"])) == ("At the show", 1)
        nothing = await explain("empty.html", CRUMBS_FETCH_ALLOW="127.0.0.1")
        assert "paste the text" in nothing.stderr
