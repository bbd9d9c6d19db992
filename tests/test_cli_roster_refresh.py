"""`crumbs roster refresh`, in real processes against a query service on loopback."""

from __future__ import annotations

import asyncio
import json
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from datetime import date
from pathlib import Path

import pytest
from aiohttp import web

from bot.domain import roster
from tests.processes import environment, process
from tests.test_cli import crumbs
from tests.wikidata import Service, answer, group, none, person, stint

ROSTER = """
[[group]]
id = "lumen"
name = "LUMEN"
ko = ["루멘"]

[[group]]
id = "nova"
name = "NOVA"
ko = ["노바"]

[[idol]]
id = "lumen.ara"
name = "Ara"
ko = ["아라"]
member = [{ group = "lumen", since = 2020-01-01 }]
"""
#: So many groups that they are asked in two batches.
MORE = "".join(f'[[group]]\nid = "g{n}"\nname = "Group {n}"\nko = ["그룹{n}"]\n' for n in range(20))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "roster").mkdir()
    (tmp_path / "roster" / "lumen.toml").write_text(ROSTER, "utf-8")
    return tmp_path


@pytest.fixture
def held() -> Service:
    held = Service()
    held.groups = [
        *group("Q10", ("en", "Lumen"), ("ko", "루멘")),
        *group("Q12", ("en", "Nova"), ("ko", "노바")),
        *group("Q13", ("en", "NOVA"), ("ko", "노바")),
    ]
    held.stints = [stint("Q10", "Q1", until="2024-01-31"), stint("Q10", "Q2", "2024-02-01")]
    held.people = [
        *person("Q1", ("label", "en", "Ara"), ("label", "ko", "아라"), born="2001-06-02"),
        *person("Q2", ("label", "en", 'Zoe"\n[[idol]]'), ("label", "ko", "조이")),
    ]
    return held


@pytest.fixture
async def endpoint(held: Service) -> AsyncIterator[str]:
    async with held.running() as address:
        yield address


SETTINGS = {
    "CRUMBS_ROSTER": "roster",
    "CRUMBS_CONTACT": "https://crumbs.example/contact",
    "CRUMBS_FETCH_ALLOW": "127.0.0.1",
}


async def refresh(
    folder: Path, endpoint: str, *args: str, **settings: str
) -> subprocess.CompletedProcess[str]:
    command = ("roster", "refresh", "--endpoint", endpoint, *args)
    return await asyncio.to_thread(crumbs, *command, cwd=folder, **{**SETTINGS, **settings})


async def test_a_proposal_is_written_that_loads_beside_the_roster(
    folder: Path, held: Service, endpoint: str
) -> None:
    done = await refresh(folder, endpoint)
    assert done.returncode == 0, done.stderr
    assert done.stderr == "2 of 2 groups asked\n"
    assert "2 groups asked for, 1 recognised\n" in done.stdout
    for section in (
        "Idols that the roster does not have (1)\n",
        '\n  Zoe" [[idol]] (LUMEN): birth date not told [Q2]\n',
        "Members who have left (1)\n  Ara (LUMEN): left LUMEN on 2024-01-31 [Q1]\n",
        "Birth dates that the roster does not know for sure (1)\n",
        "Unclear (1)\n  NOVA: several musical groups have its names: Q12, Q13 [Q12, Q13]\n",
    ):
        assert section in done.stdout
    assert "3 proposed, 1 to decide. Nothing has changed; roster-proposed.toml" in done.stdout
    assert "crumbs.example/contact" in held.requests[0].headers["User-Agent"]

    proposed = (folder / "roster-proposed.toml").read_text("utf-8")
    people = roster.load({"lumen.toml": ROSTER, "proposed.toml": proposed})
    assert people.label("lumen.zoe-idol", date(2026, 1, 1)) == 'Zoe" [[idol]] (LUMEN)'
    assert (folder / "roster" / "lumen.toml").read_text("utf-8") == ROSTER


async def test_json_tells_the_same(folder: Path, endpoint: str) -> None:
    done = await refresh(folder, endpoint, "--json", "--out", "new.toml")
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert (told["ok"], told["file"], told["asked"]) == (True, "new.toml", ["lumen", "nova"])
    assert (told["unasked"], told["problems"], told["items"]) == ([], [], {"lumen": "Q10"})
    assert [f["kind"] for f in told["findings"]] == ["new_idol", "left", "birth_date", "unclear"]
    assert told["findings"][1]["ids"] == ["lumen.ara"]
    assert (folder / "new.toml").exists()


async def test_only_the_groups_that_are_named_are_asked_for(
    folder: Path, held: Service, endpoint: str
) -> None:
    done = await refresh(folder, endpoint, "--group", "nova", "--group", "nova")
    assert done.returncode == 0, done.stderr
    assert len(held.requests) == 1
    assert "루멘" not in held.queries[0]


async def test_a_part_that_fails_costs_only_itself_and_can_be_asked_again(
    folder: Path, held: Service, endpoint: str
) -> None:
    (folder / "roster" / "more.toml").write_text(MORE, "utf-8")
    held.faults = [none, none, none, answer(429, Retry_After="7200")]
    done = await refresh(folder, endpoint)
    assert done.returncode == 1
    assert "15 groups asked for, 1 recognised\n" in done.stdout
    assert "(status 429)" in done.stderr
    [again] = [line for line in done.stderr.splitlines() if "Nothing was learned of 7 of" in line]
    rest = [f"g{n}" for n in range(13, 20)]
    options = " ".join(f"--group {g}" for g in rest)
    assert again.endswith(f"Try again later: crumbs roster refresh {options} --out rest.toml.")
    proposed = (folder / "roster-proposed.toml").read_text("utf-8")
    assert f"# Nothing was learned of these groups: {', '.join(rest)}\n" in proposed
    assert "lumen.zoe-idol" in proposed


async def test_nothing_learned_is_no_file(folder: Path, held: Service, endpoint: str) -> None:
    held.faults = [answer(403), answer(403)]
    done = await refresh(folder, endpoint)
    assert done.returncode == 1
    assert done.stdout == ""
    assert "refuses us (status 403)" in done.stderr
    assert "Nothing was learned of 2 of 2 groups. Try again later; no file was" in done.stderr
    assert not (folder / "roster-proposed.toml").exists()
    as_json = await refresh(folder, endpoint, "--json")
    assert as_json.returncode == 1
    told = json.loads(as_json.stdout)
    assert (told["ok"], told["file"], told["unasked"]) == (False, None, ["lumen", "nova"])


async def test_what_is_there_when_it_is_interrupted_is_written(
    folder: Path, held: Service, endpoint: str
) -> None:
    (folder / "roster" / "more.toml").write_text(MORE, "utf-8")
    reached = asyncio.Event()

    async def hang(_: web.Request) -> None:
        reached.set()
        await asyncio.sleep(60)

    held.faults = [none, none, none, hang]
    command = (sys.executable, "-m", "bot", "roster", "refresh", "--endpoint", endpoint)
    async with process(*command, env=environment(**SETTINGS), cwd=folder) as child:
        await asyncio.wait_for(reached.wait(), 30)
        child.send_signal(signal.SIGINT)
        output, _ = await asyncio.wait_for(child.communicate(), 20)
    assert child.returncode == 1
    assert b"Nothing was learned of 7 of 22 groups." in output
    assert b"Traceback" not in output
    assert "lumen.zoe-idol" in (folder / "roster-proposed.toml").read_text("utf-8")


async def test_a_file_is_overwritten_only_when_told_to(
    folder: Path, held: Service, endpoint: str
) -> None:
    out = folder / "roster-proposed.toml"
    out.write_text("# reviewed by hand", "utf-8")
    done = await refresh(folder, endpoint)
    assert done.returncode == 3
    assert "there is roster-proposed.toml already" in done.stderr
    assert out.read_text("utf-8") == "# reviewed by hand"
    assert held.requests == []
    done = await refresh(folder, endpoint, "--force")
    assert done.returncode == 0, done.stderr
    assert "reviewed by hand" not in out.read_text("utf-8")


@pytest.mark.parametrize(
    ("args", "settings", "sentence"),
    [
        (["--out", "roster/new.toml"], {}, "what lies in roster counts at once"),
        (["--out", "nowhere/new.toml"], {}, "there is no folder nowhere"),
        (["--group", "lumin"], {}, "there is no group 'lumin' in the roster"),
        ([], {"CRUMBS_CONTACT": ""}, "CRUMBS_CONTACT is not set"),
    ],
)
async def test_what_is_wrong_is_said_before_anything_is_asked(
    folder: Path,
    held: Service,
    endpoint: str,
    args: list[str],
    settings: dict[str, str],
    sentence: str,
) -> None:
    done = await refresh(folder, endpoint, *args, **settings)
    assert done.returncode == 3
    assert sentence in done.stderr
    assert "Traceback" not in done.stderr
    assert held.requests == []


async def test_an_endpoint_that_is_no_address_is_a_sentence(folder: Path) -> None:
    done = await refresh(folder, "query.example")
    assert done.returncode == 1
    assert "is not an http or https address" in done.stderr
    assert "Traceback" not in done.stderr


async def test_a_private_endpoint_is_asked_only_where_a_setting_allows_it(
    folder: Path, held: Service, endpoint: str
) -> None:
    done = await refresh(folder, endpoint, CRUMBS_FETCH_ALLOW="")
    assert done.returncode == 1
    assert "CRUMBS_FETCH_ALLOW" in done.stderr
    assert held.requests == []
