"""`crumbs sync` and `crumbs invite`, in real processes against Discord's stand-in."""

from __future__ import annotations

import asyncio
import re
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import discord
import pytest

from bot.cli.invite import PERMISSIONS
from bot.cli.sync import compare
from cogs.permissions import WANTED, needed
from tests.processes import bot, environment, process, stop
from tests.standin import StandIn, faults
from tests.test_cli import crumbs


@pytest.fixture
async def api() -> AsyncIterator[StandIn]:
    async with StandIn() as standin:
        standin.add_guild("Twosome")
        yield standin


async def run(api: StandIn, folder: Path, *args: str, **settings: str) -> tuple[int, str]:
    """A command against the stand-in: its exit code and all that it printed."""
    env = environment(
        **{
            "DISCORD_TOKEN": api.token,
            "CRUMBS_DISCORD_API_URL": api.api_url,
            "CRUMBS_DATABASE_URL": f"sqlite:///{folder}/crumbs.db",
            **settings,
        }
    )
    async with process(sys.executable, "-m", "bot", *args, env=env, cwd=folder) as child:
        output, _ = await asyncio.wait_for(child.communicate(), 30)
    assert child.returncode is not None
    return child.returncode, output.decode()


def puts(api: StandIn) -> int:
    return sum(r.method == "PUT" for r in api.ledger.requests)


def registered(api: StandIn) -> set[str]:
    return {c["name"] for c in api.commands.listed()}


OLD: list[dict[str, Any]] = [
    {"name": "pair", "type": 1, "description": "An old description"},
    {"name": "follow", "type": 1, "description": "Gone in this version"},
]


async def test_what_was_added_changed_and_removed_is_shown(api: StandIn, tmp_path: Path) -> None:
    api.commands.overwrite(OLD)
    code, output = await run(api, tmp_path, "sync")
    assert code == 0, output
    assert "+ /unpair: added" in output
    assert "~ /pair: changed (description, options" in output
    assert "- /follow: removed" in output
    assert {"pair", "unpair", "pairs"} <= registered(api)
    assert "follow" not in registered(api)
    assert f"{len(registered(api))} commands registered." in output


async def test_once_registered_everything_is_unchanged_but_sent_again(
    api: StandIn, tmp_path: Path
) -> None:
    await run(api, tmp_path, "sync")
    before = {c["id"] for c in api.commands.listed()}
    code, output = await run(api, tmp_path, "sync")
    assert code == 0, output
    marks = {line[0] for line in output.splitlines() if ": " in line}
    assert marks == {"="}, output
    assert puts(api) == 2
    assert {c["id"] for c in api.commands.listed()} == before


async def test_commands_that_discord_lost_come_back(api: StandIn, tmp_path: Path) -> None:
    await run(api, tmp_path, "sync")
    api.commands.overwrite([])
    code, output = await run(api, tmp_path, "sync")
    assert code == 0, output
    assert "+ /pair: added" in output
    assert "pair" in registered(api)


async def test_a_dry_run_only_shows(api: StandIn, tmp_path: Path) -> None:
    api.commands.overwrite(OLD)
    code, output = await run(api, tmp_path, "sync", "--dry-run")
    assert code == 0, output
    assert "- /follow: removed" in output
    assert "Nothing was changed" in output
    assert registered(api) == {"pair", "follow"}
    assert puts(api) == 0
    assert list(tmp_path.iterdir()) == []


async def test_run_does_not_register_again_what_sync_registered(
    api: StandIn, tmp_path: Path
) -> None:
    """It also keeps the commands of `sync` the same as those of `run`."""
    await run(api, tmp_path, "sync")
    (tmp_path / "sources.toml").write_text("")
    env = environment(
        DISCORD_TOKEN=api.token,
        CRUMBS_DISCORD_API_URL=api.api_url,
        CRUMBS_DATABASE_URL=f"sqlite:///{tmp_path}/crumbs.db",
        CRUMBS_SOURCES=str(tmp_path / "sources.toml"),
    )
    async with bot(env, tmp_path) as child:
        await api.wait_ready()
        await stop(child)
    assert puts(api) == 1


@pytest.mark.parametrize("args", [("sync",), ("sync", "--dry-run"), ("invite",)])
async def test_a_token_that_is_missing_or_refused_is_exit_code_3(
    api: StandIn, tmp_path: Path, args: tuple[str, ...]
) -> None:
    code, output = await run(api, tmp_path, *args, DISCORD_TOKEN="not.a.token")
    assert code == 3
    assert "Discord refuses it" in output
    assert "not.a.token" not in output
    assert "Traceback" not in output
    done = crumbs(*args, cwd=tmp_path)
    assert done.returncode == 3
    assert "DISCORD_TOKEN is not set" in done.stderr


async def test_discord_that_refuses_or_cannot_be_reached_is_a_sentence(
    api: StandIn, tmp_path: Path
) -> None:
    api.faults.on(
        "PUT", "/applications/{application_id}/commands", do=faults.Status(403), times=None
    )
    code, output = await run(api, tmp_path, "sync")
    assert code == 1
    assert "Discord did not take the commands" in output
    assert "Traceback" not in output
    nowhere = "http://127.0.0.1:9/api/v10"
    code, output = await run(api, tmp_path, "sync", CRUMBS_DISCORD_API_URL=nowhere)
    assert code == 1
    assert f"Discord cannot be reached at {nowhere}" in output
    assert "Traceback" not in output


def test_other_ways_to_write_the_same_command_are_no_change() -> None:
    ours = {
        "name": "pair",
        "type": 1,
        "description": "d",
        "nsfw": False,
        "dm_permission": False,
        "default_member_permissions": 16,
        "contexts": [0, 1],
        "integration_types": [0],
        "options": [
            {"type": 4, "name": "n", "description": "x", "required": False, "min_value": 0}
        ],
    }
    theirs = {
        "id": "1",
        "version": "2",
        "name": "pair",
        "description": "d",
        "default_member_permissions": "16",
        "contexts": [1, 0],
        "integration_types": [0],
        "options": [{"type": 4, "name": "n", "description": "x", "min_value": 0}],
    }
    assert compare([theirs], [ours])["unchanged"] == {"/pair": ""}
    lower = {**theirs, "options": [{"type": 4, "name": "n", "description": "x"}]}
    assert compare([lower], [ours])["changed"] == {"/pair": "options"}
    menu = {"name": "pair", "type": 3}
    assert compare([theirs], [ours, menu])["added"] == {"pair": ""}


# ── invite ────────────────────────────────────────────────────────────────────────────────────


def query(output: str) -> dict[str, str]:
    address = urlsplit(output.splitlines()[0])
    assert f"{address.scheme}://{address.netloc}{address.path}" == (
        "https://discord.com/oauth2/authorize"
    )
    return {key: value for key, [value] in parse_qs(address.query).items()}


def test_the_address_asks_for_exactly_what_is_needed_and_says_why(tmp_path: Path) -> None:
    done = crumbs("invite", "--client-id", "1234567890123456789", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    asked = query(done.stdout)
    assert asked["client_id"] == "1234567890123456789"
    assert asked["scope"] == "bot applications.commands"
    granted = {n for n, on in discord.Permissions(int(asked["permissions"])) if on}
    named = {"view_channel", "send_messages", "send_messages_in_threads", "embed_links"}
    assert granted - {"read_messages"} == named - {"view_channel"} | {"read_message_history"}
    assert int(asked["permissions"]) & discord.Permissions(view_channel=True).value
    everywhere = {name for kind in discord.ChannelType for name in needed(kind)}
    assert {*everywhere, *WANTED} <= set(PERMISSIONS)
    for words in ("View Channel", "Send Messages in Threads", "Embed Links"):
        assert re.search(rf"^  {words} +to \w+", done.stdout, re.MULTILINE)


async def test_without_an_id_discord_is_asked(api: StandIn, tmp_path: Path) -> None:
    code, output = await run(api, tmp_path, "invite")
    assert code == 0, output
    assert query(output)["client_id"] == api.world.application_id
    assert list(tmp_path.iterdir()) == []


def test_an_id_needs_neither_token_nor_right_settings(tmp_path: Path) -> None:
    done = crumbs(
        "invite", "--client-id", "1234567890123456789", cwd=tmp_path, CRUMBS_TICK_SECONDS="soon"
    )
    assert done.returncode == 0


@pytest.mark.parametrize("wrong", ["12", "abc", "-1234567890123456789", "123456789012345678901"])
def test_an_id_that_is_none_is_a_usage_error(tmp_path: Path, wrong: str) -> None:
    done = crumbs("invite", f"--client-id={wrong}", cwd=tmp_path)
    assert done.returncode == 2
    assert "a number of 17 to 20 digits" in done.stderr
