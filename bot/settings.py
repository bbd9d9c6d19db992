"""Settings from the environment and `.env`, typed, with every problem reported at once.

Names are those of the environment: `CRUMBS_DATABASE_URL` is `Settings.database_url`. Secrets are
never shown: their type hides them from logs, errors and `repr`.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal, get_args

from dotenv import dotenv_values
from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic_core import ErrorDetails
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict
from rapidfuzz import fuzz, process
from yarl import URL

from bot.domain.errors import ConfigError

SEEDS = Path(__file__).resolve().parent.parent / "seeds"
DISCORD_API = "https://discord.com/api/v10"

_ENCODING = "utf-8-sig"  # some editors put a mark before the first name

Role = Literal["gateway", "ingest", "match", "deliver"]
ROLES: tuple[Role, ...] = ("gateway", "ingest", "match", "deliver")


class Settings(BaseSettings):
    """What an operator may set; the descriptions stand in `.env.example` too."""

    model_config = SettingsConfigDict(
        env_prefix="CRUMBS_",
        env_file_encoding=_ENCODING,
        extra="ignore",
        frozen=True,
        hide_input_in_errors=True,
        use_attribute_docstrings=True,
    )

    discord_token: SecretStr | None = Field(default=None, validation_alias="DISCORD_TOKEN")
    """The bot's token, from https://discord.com/developers/applications."""
    database_url: str = "sqlite:///crumbs.db"
    """Where everything is kept: sqlite:///PATH."""
    sources: Path = SEEDS / "sources.toml"
    """The file that says where posts are read from."""
    roster: Path = SEEDS / "roster"
    """The folder that says who there is."""
    lexicon: Path = SEEDS / "lexicon"
    """The folder of words by which languages say that two people met."""
    fetch_allow: Annotated[frozenset[str], NoDecode] = frozenset()
    """Hosts that may be fetched although their address is private."""
    tick_seconds: Annotated[float, Field(gt=0, le=3600)] = 5.0
    """Seconds between looks for work."""
    hold_seconds: Annotated[float, Field(ge=0, le=600)] = 20.0
    """Seconds that an announcement waits for other reports of its story."""
    discord_api_url: str = DISCORD_API
    """Discord's API, or a stand-in or rate-limiting proxy that speaks it."""
    roles: Annotated[tuple[Role, ...], NoDecode] = ROLES
    """Which loops run in this process."""
    contact: str = ""
    """How publishers can reach whoever runs this bot; stands in the User-Agent."""
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    """How much is logged."""
    log_format: Literal["auto", "text", "json"] = "auto"
    """How it is logged; auto is text in a terminal and JSON elsewhere."""
    grace_seconds: Annotated[float, Field(ge=0, le=300)] = 10.0
    """Seconds that running work may take to end after SIGTERM before it is cancelled."""

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
    settings, problems = _read(env_file)
    if settings is None or problems:
        raise ConfigError(*problems)
    return settings


def _read(env_file: Path | None) -> tuple[Settings | None, list[str]]:
    """The settings, unless a value is wrong, and a sentence for every problem."""
    problems = list(_misspelt({*os.environ, *_file(env_file)}))
    try:
        return Settings(_env_file=env_file), problems
    except ValidationError as error:  # not raised further: its text could repeat a secret
        return None, problems + [_sentence(e) for e in error.errors(include_url=False)]


def _file(env_file: Path | None) -> dict[str, str | None]:
    try:
        return dotenv_values(env_file, encoding=_ENCODING) if env_file else {}
    except (OSError, UnicodeDecodeError) as error:
        problem = f"{env_file}: cannot be read as UTF-8 text: {error}"
        raise ConfigError(problem) from None  # the error holds what the file holds


@dataclass(frozen=True, slots=True)
class Setting:
    """A setting as anybody may see it: of a secret, only whether it is set."""

    name: str
    value: str
    origin: Literal["environment", ".env", "default"]
    meaning: str


def explain(env_file: Path = Path(".env")) -> tuple[list[Setting], list[str]]:
    """Every setting with where it comes from, and a sentence for every problem.

    As long as any value is wrong, the values are shown as they were written.
    """
    settings, problems = _read(env_file)
    environment = {name.upper(): value for name, value in os.environ.items()}
    file = {n.upper(): v for n, v in _file(env_file).items() if v is not None}
    explained = []
    for field, info in Settings.model_fields.items():
        name = _variable(field)
        value = {**file, **environment}.get(name, info.default)
        if settings is not None:
            value = getattr(settings, field)
        elif isinstance(value, str) and SecretStr in get_args(info.annotation):
            value = SecretStr(value)
        explained.append(
            Setting(
                name=name,
                value=_shown(value),
                origin="environment"
                if name in environment
                else ".env"
                if name in file
                else "default",
                meaning=info.description or "",
            )
        )
    return explained, problems


def _shown(value: object) -> str:
    match value:
        case None:
            return "not set"
        case SecretStr():
            return "set" if value.get_secret_value() else "set, but empty"
        case frozenset() | tuple():
            return ", ".join(sorted(value) if isinstance(value, frozenset) else value) or "none"
        case _:
            return without_password(str(value))


def without_password(address: str) -> str:
    """An address as it may be shown: with *** for a password in it."""
    address = re.sub(r"(://[^:/?#\s]*):(?!\d+[/?#]).*@", r"\1:***@", address)
    return re.sub(r"(?i)([?&]\w*(?:password|secret|token)=)[^&]*", r"\1***", address)


def _variable(field: str) -> str:
    return "DISCORD_TOKEN" if field == "discord_token" else f"CRUMBS_{field.upper()}"


def _misspelt(given: Iterable[str]) -> Iterable[str]:
    """Names so close to one of ours that they must be meant to be it."""
    # Compared without the prefix, which is itself easily forgotten or put where none belongs.
    known = {_variable(f): _variable(f).removeprefix("CRUMBS_") for f in Settings.model_fields}
    for name in sorted(given):
        upper = name.upper()
        if upper in known or not upper.startswith(("CRUMBS_", "DISCORD_")):
            continue
        bare = upper.removeprefix("CRUMBS_")
        near = process.extractOne(bare, known, scorer=fuzz.ratio, score_cutoff=85)
        if near is not None:
            yield f"{name}: there is no such setting; did you mean {near[2]}?"


def _sentence(error: ErrorDetails) -> str:
    field = str(error["loc"][0]) if error["loc"] else ""
    name = field if field.isupper() else _variable(field)
    return f"{name}: {error['msg'].removeprefix('Value error, ')}"
