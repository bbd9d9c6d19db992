"""What the operator's commands say of themselves."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.test_cli import crumbs

COMMANDS = (
    *("sync", "migrate", "invite", "status", "retry", "settings", "roster"),
    *("roster check", "roster refresh", "explain", "evaluate", "cluster"),
)


def test_the_list_of_commands_names_each_with_a_whole_sentence(tmp_path: Path) -> None:
    done = crumbs("--help", cwd=tmp_path)
    lines = {line.split()[0]: line for line in done.stdout.splitlines() if line.startswith("  ")}
    for name in {c.split()[0] for c in COMMANDS}:
        assert lines[name].endswith("."), "cut short"
        assert not lines[name].endswith("...")


@pytest.mark.parametrize("name", COMMANDS)
def test_the_help_of_each_explains_shows_an_example_and_fits(tmp_path: Path, name: str) -> None:
    done = crumbs(*name.split(), "--help", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert f" {name} [" in done.stdout.splitlines()[0]
    if name != "roster":
        assert "Example: " in done.stdout
        assert len(done.stdout) > 400
    assert all(len(line) <= 80 for line in done.stdout.splitlines())


@pytest.mark.parametrize("name", COMMANDS)
def test_an_option_that_there_is_not_is_a_usage_error(tmp_path: Path, name: str) -> None:
    done = crumbs(*name.split(), "--sideways", cwd=tmp_path)
    assert done.returncode == 2
    assert "No such option" in done.stderr
    assert "--sideways" in done.stderr
