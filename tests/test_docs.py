"""What the documents tell people to do works as they tell it."""

from __future__ import annotations

import asyncio
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest

from bot.cli import _COMMANDS
from bot.client import Client
from bot.domain import lexicon, roster
from bot.domain.judge import Judge
from bot.domain.ports import Storage
from bot.domain.types import Post
from bot.seeds import load_seeds, load_sources
from bot.settings import SEEDS, Settings
from tests.conftest import Clock
from tests.standin import StandIn
from tests.standin.discordpy import point
from tests.storage.test_contract import record

ROOT = Path(__file__).resolve().parent.parent
CONTRIBUTING = (ROOT / "CONTRIBUTING.md").read_text("utf-8")


def section(title: str) -> str:
    """The text of one section of CONTRIBUTING.md."""
    whole = rf"^## {re.escape(title)}.*?(?=^## |\Z)"
    found = re.search(whole, CONTRIBUTING, re.MULTILINE | re.DOTALL)
    assert found is not None, title
    return found[0]


def code(text: str, language: str) -> str:
    found = re.search(rf"```{language}\n(.*?)```", text, re.DOTALL)
    assert found is not None
    return found[1]


def test_the_group_in_contributing_loads_beside_the_others_and_is_judged(clock: Clock) -> None:
    text = section("Add a group")
    files = {p.name: p.read_text("utf-8") for p in (SEEDS / "roster").glob("*.toml")}
    people = roster.load({**files, "example.toml": code(text, "toml")})
    sentence = re.search(r"\"text\": \"(.*?)\"}", text.replace("'\"'\"'", "'"))
    assert sentence is not None
    judge = Judge(people, load_seeds(SEEDS / "roster", SEEDS / "lexicon").lexicon)
    [met] = judge(
        Post(id="x", source_id="x", text=sentence[1], published=clock(), seen_at=clock())
    ).interactions
    assert {met.pair.a, met.pair.b} == {"example.minseo", "seventeen.mingyu"}


def test_the_source_in_contributing_loads(tmp_path: Path) -> None:
    file = tmp_path / "sources.toml"
    file.write_text(code(section("Add a source"), "toml"), "utf-8")
    [source] = load_sources(file)
    assert source.url == "https://news.example/feed.xml"


def test_the_language_in_contributing_loads_and_judges(clock: Clock) -> None:
    files = {p.name: p.read_text("utf-8") for p in (SEEDS / "lexicon").glob("*.toml")}
    files["it.toml"] = code(section("Add a language"), "toml")
    people = load_seeds(SEEDS / "roster", SEEDS / "lexicon").roster
    judge = Judge(people, lexicon.load(files))

    def told(text: str) -> list[str]:
        post = Post(id="x", source_id="x", text=text, lang="it", seen_at=clock())
        return [i.kind.value for i in judge(post).interactions]

    met = "Jisoo dei BLACKPINK e Mingyu dei SEVENTEEN si sono salutati a Parigi."
    assert told(met) == ["greeting"]
    assert told(f"I fan sperano che {met}") == []


async def test_the_command_in_contributing_works(
    storage: Storage, monkeypatch: pytest.MonkeyPatch
) -> None:
    namespace: dict[str, Any] = {}
    exec(code(section("Add a command"), "python"), namespace)  # noqa: S102  our own document
    async with StandIn() as api:
        point(api, monkeypatch)
        guild = api.add_guild("Twosome")
        channel = guild.add_text_channel("crumbs")
        fan = guild.add_member("fan", permissions=["view_channel"])
        client = Client()
        await client.log_in(api.token, api.api_url, [namespace["Latest"](storage)])
        await client.register_commands(storage)
        serving = asyncio.create_task(client.serve())
        await api.wait_ready()
        assert "Nothing has happened yet" in (await fan.command(channel, "latest")).content
        await record(storage, 1)
        answer = await fan.command(channel, "latest")
        assert (answer.content, answer.ephemeral) == ("Title 1", True)
        await client.close()
        serving.cancel()
        await asyncio.gather(serving, return_exceptions=True)


def test_every_setting_stands_in_the_example_file_and_no_other() -> None:
    example = (ROOT / ".env.example").read_text("utf-8")
    named = set(re.findall(r"^#?((?:CRUMBS|DISCORD)_[A-Z_]+)=", example, re.MULTILINE))
    ours = {
        "DISCORD_TOKEN" if f == "discord_token" else f"CRUMBS_{f.upper()}"
        for f in Settings.model_fields
    }
    assert named == ours


@pytest.mark.parametrize("document", ["README.md", "CONTRIBUTING.md", "ARCHITECTURE.md"])
def test_commands_targets_and_files_that_documents_name_exist(document: str) -> None:
    text = (ROOT / document).read_text("utf-8")
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))
    for target in re.findall(r"`make ([a-z]+)", text):
        assert target in targets, target
    for command in re.findall(r"`(?:\.venv/bin/)?crumbs ([a-z]+)", text):
        assert command in _COMMANDS, command
    for path in re.findall(r"\]\((?!https?:|#)([^)]+)\)", text):
        assert (ROOT / path).exists(), path
    for path in re.findall(r"`((?:bot|cogs|storage|seeds|tests)/[\w./-]+\.\w+)`", text):
        assert (ROOT / path).exists(), path


def test_no_path_of_a_machine_and_no_registry_stands_in_the_project() -> None:
    tracked = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=False
    ).stdout.decode()
    files = [ROOT / f for f in tracked.split("\0") if f]
    assert files, "this test runs in a checkout"
    places = re.compile("/(?:" + "|".join(("wo" + "rk", "ro" + "ot", "ho" + "me/[a-z]")) + ")/")
    hosts = re.compile("|".join(("pythonhosted" + r"\.org", "pypi" + r"\.org", "npmjs" + r"\.org")))
    for file in files:
        if file.suffix in {".py", ".md", ".toml", ".lock", ".yaml", ""} and file.is_file():
            text = file.read_text("utf-8", "replace")
            assert not places.search(text), file
            assert not hosts.search(text), file
