"""`crumbs migrate`, in real processes on real files."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from storage.sqlite.migrations import migrations
from tests.test_cli import crumbs

STEPS = [m.name.removeprefix("m") for m in migrations._migrations]


def old_store(folder: Path) -> Path:
    """A database that has taken no step yet."""
    path = folder / "crumbs.db"
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA user_version = 1")
    connection.close()
    return path


def test_a_missing_store_is_told_by_check_and_made_by_migrate(tmp_path: Path) -> None:
    check = crumbs("migrate", "--check", cwd=tmp_path)
    assert check.returncode == 1
    assert "There is no store at sqlite:///crumbs.db yet" in check.stdout
    assert list(tmp_path.iterdir()) == []
    done = crumbs("migrate", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert f"is new, at {STEPS[-1]}" in done.stdout
    for step in STEPS:
        assert f"done: {step}: " in done.stdout


def test_an_old_store_is_brought_up_to_date_step_by_step(tmp_path: Path) -> None:
    path = old_store(tmp_path)
    before = path.read_bytes()
    check = crumbs("migrate", "--check", cwd=tmp_path)
    assert check.returncode == 1
    assert [line.split(": ")[1] for line in check.stdout.splitlines()] == STEPS
    assert path.read_bytes() == before
    done = crumbs("migrate", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "0001_first: Sources, posts and verdicts" in done.stdout
    assert f"went from nothing to {STEPS[-1]}" in done.stdout
    again = crumbs("migrate", cwd=tmp_path)
    assert again.returncode == 0
    assert f"up to date at {STEPS[-1]}; there was nothing to do" in again.stdout
    check = crumbs("migrate", "--check", cwd=tmp_path)
    assert (check.returncode, "up to date" in check.stdout) == (0, True)


def test_a_newer_store_is_a_sentence_and_left_alone(tmp_path: Path) -> None:
    assert crumbs("migrate", cwd=tmp_path).returncode == 0
    path = tmp_path / "crumbs.db"
    connection = sqlite3.connect(path)
    connection.execute(
        "INSERT INTO _sqlite_migrations (migration_set, name, applied_at) "
        "VALUES ('crumbs', 'm9999_later', '')"
    )
    connection.commit()
    connection.close()
    before = path.read_bytes()
    for args in (["--check"], []):
        done = crumbs("migrate", *args, cwd=tmp_path)
        assert done.returncode == 1
        assert done.stderr.startswith("crumbs: crumbs.db: was written by a newer version of Crumbs")
        assert "Traceback" not in done.stderr
    assert path.read_bytes() == before


def test_a_damaged_store_is_a_sentence_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "crumbs.db"
    path.write_text("somebody's notes " * 100)
    before = path.read_bytes()
    for args in (["--check"], []):
        done = crumbs("migrate", *args, cwd=tmp_path)
        assert done.returncode == 1
        assert "is damaged or no SQLite database; restore a backup" in done.stderr
        assert "Traceback" not in done.stderr
    assert path.read_bytes() == before


def test_an_address_of_no_known_kind_is_exit_code_3(tmp_path: Path) -> None:
    done = crumbs("migrate", cwd=tmp_path, CRUMBS_DATABASE_URL="crumbs.db")
    assert done.returncode == 3
    assert "CRUMBS_DATABASE_URL" in done.stderr
