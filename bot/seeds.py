"""Seed data from disk: the roster, the lexicon and the sources file."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec

from bot.domain import lexicon, roster
from bot.domain.errors import ConfigError
from bot.domain.lexicon import Lexicon
from bot.domain.roster import Roster
from bot.domain.types import Source

SOURCE_KINDS = ("feed",)


@dataclass(frozen=True, slots=True)
class Seeds:
    """What the pure core is made from."""

    roster: Roster
    lexicon: Lexicon


def load_seeds(roster_dir: Path, lexicon_dir: Path) -> Seeds:
    """Read the roster's and the lexicon's folders.

    Raises:
        ConfigError: with a sentence for every problem in any of the files.
    """
    problems: list[str] = []
    people = words = None
    try:
        people = roster.load(_texts(roster_dir, "CRUMBS_ROSTER"))
    except ConfigError as error:
        problems += error.problems
    try:
        words = lexicon.load(_texts(lexicon_dir, "CRUMBS_LEXICON"))
        if not words.weights.pair:
            problems.append(
                f"CRUMBS_LEXICON: {lexicon_dir} has no weights.toml, without which every two names "
                "would count alike; copy the one from seeds/lexicon"
            )
    except ConfigError as error:
        problems += error.problems
    if problems or people is None or words is None:
        raise ConfigError(*problems)
    return Seeds(roster=people, lexicon=words)


def _texts(folder: Path, setting: str) -> dict[str, str]:
    texts: dict[str, str] = {}
    for path in sorted(folder.glob("*.toml")):
        try:
            texts[path.name] = path.read_text("utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigError(f"{setting}: {path} cannot be read: {error}") from error
    if not texts:
        raise ConfigError(f"{setting}: there is no *.toml file in {folder}")
    return texts


class _Source(msgspec.Struct, forbid_unknown_fields=True):
    id: Annotated[str, msgspec.Meta(pattern=r"^[a-z0-9][a-z0-9._-]{0,60}$")]
    kind: str
    url: str
    name: str = ""
    lang: str = ""
    every: Annotated[int, msgspec.Meta(ge=1, le=7 * 86400)] = 600
    enabled: bool = True
    official: bool = False
    about_idols: bool = False
    tz: str = "UTC"


def load_sources(path: Path) -> list[Source]:
    """Read a sources file: `[[source]]` tables.

    Raises:
        ConfigError: with a sentence for every problem, naming file, source and field.
    """
    try:
        document = tomllib.loads(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"CRUMBS_SOURCES: {path} cannot be read: {error}") from error
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{path}: not valid TOML: {error}") from error
    rows = document.pop("source", [])
    problems = [f"{path}: unknown table [{name}]; expected [[source]]" for name in document]
    if not isinstance(rows, list):
        raise ConfigError(f"{path}: write [[source]] with two brackets", *problems)
    sources: dict[str, Source] = {}
    for number, row in enumerate(rows, 1):
        given = row.get("id") if isinstance(row, dict) else None
        label = f"{path}: {given or f'source number {number}'}"
        try:
            source = msgspec.convert(row, _Source)
        except msgspec.ValidationError as error:
            problems.append(f"{label}: {str(error).replace(' - at `$.', ' in `')}")
            continue
        problems += [f"{label}: {p}" for p in _check(source)]
        if source.id in sources:
            problems.append(f"{label}: id: used twice")
        sources[source.id] = Source(
            **{**msgspec.structs.asdict(source), "name": source.name or source.id}
        )
    if problems:
        raise ConfigError(*problems)
    return list(sources.values())


def _check(source: _Source) -> list[str]:
    problems = []
    if source.kind not in SOURCE_KINDS:
        problems.append(f"kind: {source.kind!r} is unknown; one of {', '.join(SOURCE_KINDS)}")
    if not _is_address(source.url):
        problems.append("url: write an address such as https://example.com/feed or file:///PATH")
    try:
        ZoneInfo(source.tz)
    except (ZoneInfoNotFoundError, ValueError):
        problems.append(f"tz: {source.tz!r} is no IANA time zone such as Asia/Seoul")
    return problems


def _is_address(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return parts.scheme == "file" or (
            parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
        )
    except ValueError:
        return False
