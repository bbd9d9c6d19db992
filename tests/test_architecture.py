"""Who may import whom: the table in ARCHITECTURE.md, enforced.

Imports point down only and make no cycle; a library stays on the floor that owns it; the core does
no I/O; the default run imports nothing of the large installation.
"""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from tests.processes import environment

ROOT = Path(__file__).resolve().parent.parent

#: Module prefix → what it may import of the project. The longest matching prefix counts.
ALLOWED: dict[str, tuple[str, ...]] = {
    "bot": (),
    "bot.domain": ("bot.domain",),
    "bot.sources": ("bot.domain", "bot.sources"),
    "bot.embeds": ("bot.domain",),
    "bot.announcer": ("bot.domain", "bot.embeds"),
    "bot.pacing": (),
    "bot.settings": ("bot.domain",),
    "bot.logs": (),
    "bot.pipeline": ("bot.domain",),
    "storage": ("bot.domain", "storage"),
    "cogs": ("bot.domain", "bot.embeds", "cogs"),
    "bot.seeds": ("bot.domain",),
    "bot.evaluate": ("bot.domain",),
    "bot.client": ("bot.domain", "bot.pacing", "cogs"),
    "bot.archive": ("bot.domain", "storage"),
    "bot.evaluate_stories": ("bot.archive", "bot.domain", "bot.evaluate"),
    "bot.app": ("bot", "cogs", "storage"),
    "bot.cli": ("bot", "cogs", "storage"),
    "bot.__main__": ("bot.cli",),
}

#: Library → the module prefixes that may import it.
OWNERS: dict[str, tuple[str, ...]] = {
    "discord": (
        "bot.app",
        "bot.embeds",
        "bot.announcer",
        "bot.client",
        "bot.pacing",
        "cogs",
        "bot.cli.preview",
        "bot.cli.cards",
        "bot.cli.invite",
        "bot.cli.sync",
    ),
    "aiohttp": (
        "bot.sources",
        "bot.announcer",
        "bot.client",
        "bot.pacing",
        "bot.cli.demo",
        "bot.cli.sync",
    ),
    "sqlite_utils": ("storage.sqlite",),
    "sqlite3": ("storage.sqlite",),
    "filelock": ("storage.sqlite",),
    "lxml": ("bot.sources",),
    "apscheduler": ("bot.app",),
    "pydantic": ("bot.settings",),
    "pydantic_settings": ("bot.settings",),
    "dotenv": ("bot.settings",),
    "click": ("bot.cli",),
    "rich": ("bot.cli",),
    "ahocorasick_rs": ("bot.domain",),
    "nats": ("bot.queue",),
    "psycopg": ("storage.postgres",),
}

#: What the core may import besides itself; everything in it is computation on data.
PURE = {
    "__future__", "ahocorasick_rs", "bisect", "calendar", "collections", "dataclasses", "datetime",
    "enum", "functools", "hashlib", "itertools", "math", "msgspec", "rapidfuzz", "re", "string",
    "tomllib", "typing", "unicodedata", "urllib", "w3lib",
}  # fmt: skip


def modules() -> dict[str, str]:
    """Every module of the project by name, with its text."""
    found = {}
    for package in ("bot", "cogs", "storage"):
        for path in sorted((ROOT / package).rglob("*.py")):
            parts = path.relative_to(ROOT).with_suffix("").parts
            name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
            found[name] = path.read_text("utf-8")
    return found


def imports(source: str) -> Iterator[str]:
    """The modules that a text imports, also inside functions; names of `from` imports too."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "relative imports hide which floor they reach"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def under(name: str, prefix: str) -> bool:
    return name == prefix or name.startswith(f"{prefix}.")


def longest(name: str, prefixes: Mapping[str, object]) -> str:
    return max((p for p in prefixes if under(name, p)), key=len)


def violations(texts: Mapping[str, str]) -> list[str]:
    """Every import that the tables forbid, as sentences."""
    found = []
    for name, source in texts.items():
        floor = longest(name, ALLOWED)
        for imported in imports(source):
            top = imported.split(".")[0]
            if top in ("bot", "cogs", "storage"):
                if imported != "bot.__version__" and not any(
                    under(imported, p) for p in ALLOWED[floor]
                ):
                    found.append(f"{name} may not import {imported}")
            elif top in OWNERS and not any(under(name, owner) for owner in OWNERS[top]):
                found.append(f"{name} may not use {top}")
            if under(name, "bot.domain") and top != "bot" and top not in PURE:
                found.append(f"{name} is pure and may not import {imported}")
    return found


def cycles(texts: Mapping[str, str]) -> list[str]:
    """Modules that reach themselves through imports."""
    graph = {
        name: {
            longest(i, texts)
            for i in imports(source)
            if i.split(".")[0] in ("bot", "cogs", "storage") and any(under(i, t) for t in texts)
        }
        - {name, "bot"}
        for name, source in texts.items()
    }
    found = []
    for start, direct in graph.items():
        seen: set[str] = set()
        queue = list(direct)
        while queue:
            at = queue.pop()
            if at == start:
                found.append(start)
                break
            if at not in seen:
                seen.add(at)
                queue += graph[at]
    return found


def test_imports_point_down_and_libraries_stay_with_their_owners() -> None:
    assert violations(modules()) == []


def test_there_is_no_import_cycle() -> None:
    assert cycles(modules()) == []


@pytest.mark.parametrize(
    ("module", "line", "complaint"),
    [
        ("bot.domain.judge", "import discord", "bot.domain.judge may not use discord"),
        ("bot.domain.link", "from bot.sources import feed", "bot.domain.link may not import"),
        ("bot.domain.text", "import socket", "bot.domain.text is pure"),
        ("bot.pipeline", "from storage import open_storage", "bot.pipeline may not import"),
        ("bot.pipeline", "import discord", "bot.pipeline may not use discord"),
        ("cogs.pairs", "from storage.sqlite import SqliteStorage", "cogs.pairs may not import"),
        ("cogs.pairs", "import aiohttp", "cogs.pairs may not use aiohttp"),
        ("storage.base", "import sqlite_utils", "storage.base may not use sqlite_utils"),
        ("bot.sources.feed", "def late():\n    from bot import app", "bot.sources.feed may not"),
    ],
)
def test_a_planted_forbidden_import_is_found(module: str, line: str, complaint: str) -> None:
    texts = modules()
    texts[module] += f"\n{line}\n"
    assert any(v.startswith(complaint) for v in violations(texts))


def test_a_planted_cycle_is_found() -> None:
    texts = modules()
    texts["bot.domain.errors"] += "\nfrom bot.domain.types import Pair\n"
    texts["bot.domain.types"] += "\nfrom bot.domain.errors import CrumbsError\n"
    assert {"bot.domain.errors", "bot.domain.types"} <= set(cycles(texts))


@pytest.mark.parametrize(
    ("imported", "absent"),
    [
        ("bot.pipeline", ["discord", "sqlite_utils", "aiohttp", "apscheduler"]),
        ("bot.domain.judge", ["discord", "sqlite_utils", "aiohttp", "asyncio"]),
        ("bot.app", ["nats", "psycopg"]),
        ("bot.cli", ["discord", "apscheduler"]),
    ],
)
def test_importing_a_part_does_not_bring_in_others(
    imported: str, absent: list[str], tmp_path: Path
) -> None:
    code = f"import sys, {imported}; print([m for m in {absent!r} if m in sys.modules])"
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code],
        capture_output=True,
        text=True,
        check=True,
        cwd=tmp_path,
        env=environment(),
    )
    assert done.stdout.strip() == "[]"
