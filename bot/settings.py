"""Settings from the environment and `.env`, typed, with every problem reported at once.

Names are those of the environment: `CRUMBS_DATABASE_URL` is `Settings.database_url`. Secrets are
never shown: their type hides them from logs, errors and `repr`.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Literal

from dotenv import dotenv_values
from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic_core import ErrorDetails
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict
from rapidfuzz import fuzz, process
from yarl import URL

from bot.domain.errors import ConfigError

SEEDS = Path(__file__).resolve().parent.parent / "seeds"
DISCORD_API = "https://discord.com/api/v10"

Role = Literal["gateway", "ingest", "match", "deliver"]
ROLES: tuple[Role, ...] = ("gateway", "ingest", "match", "deliver")


class Settings(BaseSettings):
    """What an operator may set; the descriptions stand in `.env.example` too."""

    model_config = SettingsConfigDict(
        env_prefix="CRUMBS_",
        env_file_encoding="utf-8",
        extra="ignore",
        frozen=True,
        hide_input_in_errors=True,
    )

    discord_token: SecretStr | None = Field(default=None, validation_alias="DISCORD_TOKEN")
    #: Where everything is kept: sqlite:///PATH.
    database_url: str = "sqlite:///crumbs.db"
    #: Another sources file than the one in `seeds`.
    sources: Path = SEEDS / "sources.toml"
    #: Folders of the roster and the lexicon.
    roster: Path = SEEDS / "roster"
    lexicon: Path = SEEDS / "lexicon"
    #: Hosts that may be fetched although their address is private.
    fetch_allow: Annotated[frozenset[str], NoDecode] = frozenset()
    #: Seconds between looks for work.
    tick_seconds: Annotated[float, Field(gt=0, le=3600)] = 5.0
    #: Seconds that an announcement waits for other reports of its story.
    hold_seconds: Annotated[float, Field(ge=0, le=600)] = 20.0
    #: Discord's API, or a stand-in or rate-limiting proxy that speaks it.
    discord_api_url: str = DISCORD_API
    #: Which loops run in this process.
    roles: Annotated[tuple[Role, ...], NoDecode] = ROLES
    #: How publishers can reach whoever runs this bot; stands in the User-Agent.
    contact: str = ""
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    log_format: Literal["auto", "text", "json"] = "auto"
    #: Seconds that running work may take to end after SIGTERM before it is cancelled.
    grace_seconds: Annotated[float, Field(ge=0, le=300)] = 10.0

    @field_validator("fetch_allow", "roles", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        if isinstance(value, str):
            return [part.strip().lower() for part in value.split(",") if part.strip()]
        return value

    @field_validator("roles")
    @classmethod
    def _some_role(cls, value: tuple[Role, ...]) -> tuple[Role, ...]:
        if not value:
            raise ValueError(f"name at least one of {', '.join(ROLES)}")
        if "ingest" in value and "match" not in value:
            raise ValueError("ingest hands its posts to match; set both in one process")
        return value

    @field_validator("discord_api_url")
    @classmethod
    def _api(cls, value: str) -> str:
        url = URL(value.rstrip("/"))
        if url.scheme not in {"http", "https"} or not url.host:
            raise ValueError("write an http(s) address such as http://127.0.0.1:8080/api/v10")
        match url.parts:
            case () | ("/",):
                url = url.with_path("/api/v10")
            case (*_, "api"):
                url /= "v10"
        return str(url)

    @field_validator("contact")
    @classmethod
    def _no_line_break(cls, value: str) -> str:
        if not value.isprintable():
            raise ValueError("must be one printable line")
        return value


def load(env_file: Path | None = Path(".env")) -> Settings:
    """Read the settings; the environment wins over the file.

    Raises:
        ConfigError: with a sentence for every value that is wrong or name that is misspelt.
    """
    problems = list(_misspelt({*os.environ, *(dotenv_values(env_file) if env_file else ())}))
    try:
        settings = Settings(_env_file=env_file)
    except ValidationError as error:
        problems += [_sentence(e) for e in error.errors(include_url=False)]
        raise ConfigError(*problems) from None  # its text could repeat a secret
    if problems:
        raise ConfigError(*problems)
    return settings


def _variable(field: str) -> str:
    return "DISCORD_TOKEN" if field == "discord_token" else f"CRUMBS_{field.upper()}"


def _misspelt(given: Iterable[str]) -> Iterable[str]:
    """Names so close to one of ours that they must be meant to be it."""
    known = [_variable(field) for field in Settings.model_fields]
    for name in sorted(given):
        if name.upper() in known or not name.upper().startswith(("CRUMBS_", "DISCORD_")):
            continue
        near = process.extractOne(name.upper(), known, scorer=fuzz.ratio, score_cutoff=88)
        if near is not None:
            yield f"{name}: there is no such setting; did you mean {near[0]}?"


def _sentence(error: ErrorDetails) -> str:
    field = str(error["loc"][0]) if error["loc"] else ""
    name = field if field.isupper() else _variable(field)
    return f"{name}: {error['msg'].removeprefix('Value error, ')}"
