"""Settings from the environment and `.env`: every problem a sentence, no secret in any."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from bot import settings
from bot.domain.errors import ConfigError

TOKEN = "aVery.secret-Token_97"


@pytest.fixture(autouse=True)
def bare_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [n for n in os.environ if n.upper().startswith(("CRUMBS_", "DISCORD_"))]:
        monkeypatch.delenv(name)


@pytest.fixture
def load(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., settings.Settings]:
    """Loads with the text of a `.env` file and an environment."""

    def loaded(text: str | bytes = "", **environment: str) -> settings.Settings:
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        file = tmp_path / ".env"
        file.write_bytes(text if isinstance(text, bytes) else text.encode())
        return settings.load(file)

    return loaded


Load = Callable[..., settings.Settings]


def problems(load: Load, text: str | bytes = "", **environment: str) -> list[str]:
    with pytest.raises(ConfigError) as refused:
        load(text, **environment)
    return list(refused.value.problems)


def test_nothing_needs_to_be_set(load: Load) -> None:
    loaded = load()
    assert loaded.discord_token is None
    assert loaded.database_url == "sqlite:///crumbs.db"
    assert set(loaded.roles) == {"gateway", "ingest", "match", "deliver"}
    assert loaded.sources.is_file()
    assert loaded.roster.is_dir()
    assert loaded.lexicon.is_dir()


def test_no_file_need_exist(tmp_path: Path) -> None:
    assert settings.load(None) == settings.load(tmp_path / "absent.env")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("CRUMBS_TICK_SECONDS", "0"),
        ("CRUMBS_TICK_SECONDS", "3601"),
        ("CRUMBS_TICK_SECONDS", "often"),
        ("CRUMBS_HOLD_SECONDS", "-1"),
        ("CRUMBS_HOLD_SECONDS", "601"),
        ("CRUMBS_GRACE_SECONDS", "301"),
        ("CRUMBS_ROLES", "gateway, ingets"),
        ("CRUMBS_ROLES", ""),
        ("CRUMBS_ROLES", "ingest, deliver"),
        ("CRUMBS_LOG_LEVEL", "chatty"),
        ("CRUMBS_LOG_FORMAT", "xml"),
        ("CRUMBS_DISCORD_API_URL", "ftp://example.com"),
        ("CRUMBS_DISCORD_API_URL", "discord.com/api"),
        ("CRUMBS_DISCORD_API_URL", "http://[broken"),
        ("CRUMBS_DISCORD_API_URL", "http://example.com:port/"),
        ("CRUMBS_CONTACT", "me\nX-Header: smuggled"),
        ("CRUMBS_CONTACT", "me\u202e"),
    ],
)
def test_a_wrong_value_is_one_sentence_that_names_its_variable(
    name: str, value: str, load: Load
) -> None:
    (problem,) = problems(load, **{name: value})
    assert problem.startswith(f"{name}: ")
    assert len(problem) > len(name) + 10
    assert "Value error" not in problem


def test_all_problems_are_reported_at_once(load: Load) -> None:
    found = problems(
        load,
        "CRUMBS_LOG_LEVEL=chatty\nCRUMBS_HOLD_SECOND=3\n",
        CRUMBS_TICK_SECONDS="0",
        CRUMBS_CONTACT="a\tb",
    )
    assert sorted(p.split(":")[0] for p in found) == [
        "CRUMBS_CONTACT",
        "CRUMBS_HOLD_SECOND",
        "CRUMBS_LOG_LEVEL",
        "CRUMBS_TICK_SECONDS",
    ]


@pytest.mark.parametrize(
    ("wrong", "right"),
    [
        ("DISCORD_TOKN", "DISCORD_TOKEN"),
        ("DISCORD_TOKENS", "DISCORD_TOKEN"),
        ("CRUMBS_DISCORD_TOKEN", "DISCORD_TOKEN"),
        ("DISCORD_API_URL", "CRUMBS_DISCORD_API_URL"),
        ("CRUMBS_LOGLEVEL", "CRUMBS_LOG_LEVEL"),
        ("CRUMBS_ROLE", "CRUMBS_ROLES"),
        ("CRUMBS_SOURCE", "CRUMBS_SOURCES"),
        ("CRUMBS_DATABASE_URI", "CRUMBS_DATABASE_URL"),
        ("crumbs_rooster", "CRUMBS_ROSTER"),
    ],
)
@pytest.mark.parametrize("where", ["environment", ".env"])
def test_a_misspelt_name_is_told_with_the_right_one(
    wrong: str, right: str, where: str, load: Load
) -> None:
    if where == "environment":
        found = problems(load, **{wrong: "x"})
    else:
        found = problems(load, f"{wrong}=x\n")
    assert len(found) == 1
    assert found[0].startswith(f"{wrong}: ")
    assert found[0].endswith(f"{right}?")


@pytest.mark.parametrize(
    "name",
    [
        "CRUMBS_TEST_FEEDS",
        "CRUMBS_SOMETHING_ELSE",
        "DISCORD_WEBHOOK",
        "TICK_SECONDS",
        "CRUMBSROLES",
    ],
)
def test_names_that_are_not_ours_are_left_alone(name: str, load: Load) -> None:
    unset = load()
    assert load(f"{name}=x\n", **{name: "x"}) == unset


def test_the_environment_wins_over_the_file(load: Load) -> None:
    text = "CRUMBS_LOG_LEVEL=error\nCRUMBS_TICK_SECONDS=9\n"
    loaded = load(text, CRUMBS_LOG_LEVEL="debug")
    assert (loaded.log_level, loaded.tick_seconds) == ("debug", 9.0)


@pytest.mark.parametrize(
    ("line", "token"),
    [
        (f"DISCORD_TOKEN={TOKEN}", TOKEN),
        (f"DISCORD_TOKEN = {TOKEN}  # ours", TOKEN),
        (f"export DISCORD_TOKEN={TOKEN}", TOKEN),
        (f"DISCORD_TOKEN='{TOKEN}#x'", f"{TOKEN}#x"),
        (f'DISCORD_TOKEN="{TOKEN}"', TOKEN),
        (f"discord_token={TOKEN}", TOKEN),
        (f"# DISCORD_TOKEN=old\n\nDISCORD_TOKEN={TOKEN}\n", TOKEN),
        (f"\ufeffDISCORD_TOKEN={TOKEN}", TOKEN),  # as some editors save UTF-8
        (f"DISCORD_TOKEN={TOKEN}\r\nCRUMBS_LOG_LEVEL=info\r\n", TOKEN),
    ],
)
def test_the_file_is_read_as_people_write_it(line: str, token: str, load: Load) -> None:
    loaded = load(line)
    assert loaded.discord_token is not None
    assert loaded.discord_token.get_secret_value() == token


def test_a_file_in_another_encoding_is_one_sentence(load: Load) -> None:
    (problem,) = problems(load, f"DISCORD_TOKEN={TOKEN}\n".encode("utf-16"))
    assert ".env" in problem
    assert "UTF-8" in problem


@pytest.mark.parametrize(
    ("value", "allowed"),
    [
        ("", set()),
        ("localhost", {"localhost"}),
        (" LocalHost , 10.0.0.7,, ", {"localhost", "10.0.0.7"}),
    ],
)
def test_lists_are_written_with_commas(value: str, allowed: set[str], load: Load) -> None:
    assert load(CRUMBS_FETCH_ALLOW=value).fetch_allow == allowed


def test_roles_may_be_chosen(load: Load) -> None:
    assert load(CRUMBS_ROLES="Match, ingest").roles == ("match", "ingest")


@pytest.mark.parametrize(
    ("written", "used"),
    [
        ("https://discord.com/api/v10", "https://discord.com/api/v10"),
        ("http://127.0.0.1:8080", "http://127.0.0.1:8080/api/v10"),
        ("http://127.0.0.1:8080/", "http://127.0.0.1:8080/api/v10"),
        ("http://127.0.0.1:8080/api", "http://127.0.0.1:8080/api/v10"),
        ("http://127.0.0.1:8080/api/", "http://127.0.0.1:8080/api/v10"),
        ("http://proxy/discord/api/v9/", "http://proxy/discord/api/v9"),
    ],
)
def test_an_address_of_the_api_may_be_short(written: str, used: str, load: Load) -> None:
    assert load(CRUMBS_DISCORD_API_URL=written).discord_api_url == used


def test_the_token_is_shown_nowhere(load: Load, tmp_path: Path) -> None:
    loaded = load(DISCORD_TOKEN=TOKEN)
    shown = [repr(loaded), str(loaded), repr(loaded.model_dump()), loaded.model_dump_json()]
    assert [text for text in shown if TOKEN in text] == []
    for text in (f"DISCORD_TOKENS={TOKEN}\n", "CRUMBS_LOG_LEVEL=chatty\n"):
        with pytest.raises(ConfigError) as refused:
            load(text, DISCORD_TOKEN=TOKEN)
        assert TOKEN not in str(refused.value)
        assert TOKEN not in repr(refused.value)
        assert refused.value.__cause__ is None
        assert TOKEN not in repr(refused.value.__context__)
    explained, _ = settings.explain(tmp_path / ".env")
    assert TOKEN not in repr(explained)
    assert {s.name: s.value for s in explained}["DISCORD_TOKEN"] == "set"


def test_a_secret_in_an_undecodable_file_is_shown_nowhere(load: Load) -> None:
    with pytest.raises(ConfigError) as refused:
        load(f"DISCORD_TOKEN={TOKEN}\xff".encode("latin-1"))
    assert TOKEN not in str(refused.value)
    assert refused.value.__suppress_context__


def test_settings_cannot_be_changed_while_running(load: Load) -> None:
    with pytest.raises(ValueError, match="frozen"):
        load().tick_seconds = 1.0
