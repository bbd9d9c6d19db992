"""What all tests share: the guard against leaving this machine, the seeds, a store, a clock."""

from __future__ import annotations

import importlib.util
import os
import sys
from collections.abc import AsyncIterator, Generator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bot.app import Core
from bot.domain.ports import Storage
from bot.seeds import load_seeds
from bot.settings import SEEDS
from storage import open_storage

TESTS = Path(__file__).parent

_guard = importlib.util.spec_from_file_location("guard", TESTS / "guard" / "sitecustomize.py")
assert _guard is not None
assert _guard.loader is not None
_guard.loader.exec_module(importlib.util.module_from_spec(_guard))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Where CRUMBS_TEST_SKIPS is "refuse", everything is there, and a skipped test has failed."""
    report = yield
    refused = os.environ.get("CRUMBS_TEST_SKIPS") == "refuse"
    if refused and report.skipped and not hasattr(report, "wasxfail"):
        report.outcome = "failed"
        report.longrepr = f"{report.longrepr[2]}, and CRUMBS_TEST_SKIPS is refuse"
    return report


class Clock:
    """A clock that stands still until it is moved."""

    def __init__(self, at: datetime) -> None:
        self.now = at

    def __call__(self) -> datetime:
        return self.now

    def tick(self, seconds: float = 1.0) -> datetime:
        self.now += timedelta(seconds=seconds)
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock(datetime(2026, 3, 1, 12, 0, tzinfo=UTC))


@pytest.fixture(scope="session")
def core() -> Core:
    return Core.of(load_seeds(SEEDS / "roster", SEEDS / "lexicon"))


@pytest.fixture(params=["sqlite"])
async def storage(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Storage]:
    """A real, empty store of every backend."""
    store = await open_storage(f"sqlite:///{tmp_path / 'crumbs.db'}")
    yield store
    await store.close()


@pytest.fixture(autouse=True)
def no_operator_settings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Tests see no setting of the one who runs them, and no .env file."""
    for name in list(os.environ):
        if name == "DISCORD_TOKEN" or (
            name.startswith("CRUMBS_") and not name.startswith("CRUMBS_TEST_")
        ):
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def crumbs_env() -> dict[str, str]:
    """The environment for a `crumbs` process: nothing of ours, and kept to this machine."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("CRUMBS_", "DISCORD_"))}
    return {**kept, "PYTHONPATH": str(TESTS / "guard"), "PYTHONWARNINGS": "default"}


@pytest.fixture
def crumbs_command() -> list[str]:
    return [sys.executable, "-m", "bot"]
