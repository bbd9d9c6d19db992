"""`crumbs settings`, in real processes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from bot.settings import explain, without_password
from tests.test_cli import crumbs


def shown(output: str) -> dict[str, dict[str, Any]]:
    return {s["name"]: s for s in json.loads(output)["settings"]}


def test_every_setting_says_where_it_comes_from(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("CRUMBS_HOLD_SECONDS=7\nCRUMBS_TICK_SECONDS=2\n")
    done = crumbs("settings", "--json", cwd=tmp_path, CRUMBS_TICK_SECONDS="1.5")
    assert done.returncode == 0, done.stderr
    settings = shown(done.stdout)
    assert (
        settings["CRUMBS_TICK_SECONDS"]["value"],
        settings["CRUMBS_TICK_SECONDS"]["origin"],
    ) == (
        "1.5",
        "environment",
    )
    assert settings["CRUMBS_HOLD_SECONDS"]["value"] == "7.0"
    assert settings["CRUMBS_HOLD_SECONDS"]["origin"] == ".env"
    assert settings["CRUMBS_LOG_LEVEL"]["origin"] == "default"
    assert settings["DISCORD_TOKEN"]["value"] == "not set"
    for name, setting in settings.items():
        assert setting["meaning"].endswith("."), f"{name} has no meaning"
        assert "\n" not in setting["meaning"]


def test_the_table_is_whole_where_there_is_no_terminal(tmp_path: Path) -> None:
    done = crumbs("settings", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    lines = {line.split()[0]: line for line in done.stdout.splitlines()}
    assert "sqlite:///crumbs.db" in lines["CRUMBS_DATABASE_URL"]
    assert "default" in lines["CRUMBS_DATABASE_URL"]
    assert "Where everything is kept" in lines["CRUMBS_DATABASE_URL"]
    assert len(lines) == 1 + len(explain(tmp_path / ".env")[0])  # a heading and a line for each


@pytest.mark.parametrize("as_json", [True, False])
def test_secrets_are_never_shown(tmp_path: Path, as_json: bool) -> None:
    token, password = "MTIzNDU2.secret.token", "hunter2/@x"
    for wrong in ({}, {"CRUMBS_TICK_SECONDS": "soon"}):
        done = crumbs(
            "settings",
            *(["--json"] if as_json else []),
            cwd=tmp_path,
            DISCORD_TOKEN=token,
            CRUMBS_DATABASE_URL=f"postgresql://crumbs:{password}@db/crumbs",
            **wrong,
        )
        assert done.returncode == (3 if wrong else 0)
        output = done.stdout + done.stderr
        assert "DISCORD_TOKEN" in output
        assert "postgresql://crumbs:***@db/crumbs" in output
        assert token not in output
        assert "hunter2" not in output


def test_problems_stand_below_the_table_and_are_exit_code_3(tmp_path: Path) -> None:
    wrong = {"CRUMBS_TICK_SECONDS": "soon", "CRUMBS_LOG_LEVEL": "loud", "CRUMBS_ROLS": "match"}
    done = crumbs("settings", cwd=tmp_path, **wrong)
    assert done.returncode == 3
    assert "soon" in done.stdout  # as it was written, to be found and mended
    for name in wrong:
        assert f"crumbs: {name}: " in done.stderr
    assert "did you mean CRUMBS_ROLES?" in done.stderr
    problems = json.loads(crumbs("settings", "--json", cwd=tmp_path, **wrong).stdout)["problems"]
    assert len(problems) == 3


def test_a_token_that_is_set_but_empty_says_so(tmp_path: Path) -> None:
    done = crumbs("settings", "--json", cwd=tmp_path, DISCORD_TOKEN="")
    assert shown(done.stdout)["DISCORD_TOKEN"]["value"] == "set, but empty"


@pytest.mark.parametrize(
    ("address", "safe"),
    [
        ("sqlite:///crumbs.db", "sqlite:///crumbs.db"),
        ("postgresql://u:p@h/d", "postgresql://u:***@h/d"),
        ("postgresql://u:p/@:@h/d", "postgresql://u:***@h/d"),
        (
            "postgresql://h/d?user=u&sslpassword=p&x=1",
            "postgresql://h/d?user=u&sslpassword=***&x=1",
        ),
        ("http://127.0.0.1:8080/@somebody.rss", "http://127.0.0.1:8080/@somebody.rss"),
        ("https://social.example/@somebody", "https://social.example/@somebody"),
    ],
)
def test_addresses_lose_their_passwords_and_nothing_else(address: str, safe: str) -> None:
    assert without_password(address) == safe
