"""`crumbs status`, in real processes on real stores."""

from __future__ import annotations

import json
import re
import sqlite3
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from bot.domain.ports import Storage
from bot.domain.types import Gone, PollResult, Source
from storage import open_storage
from tests.storage.test_contract import claim, record, watch
from tests.test_cli import crumbs

NOW = datetime.now(UTC)
SOON = NOW + timedelta(minutes=30)


def source(source_id: str) -> Source:
    return Source(
        id=source_id, kind="feed", url=f"https://u:secret@{source_id}.example/", name=source_id
    )


async def poll(store: Storage, source_id: str, result: PollResult, at: datetime) -> None:
    [lease] = [
        lease
        for lease in await store.claim_sources(at, limit=9, lease=0.0)
        if lease.source.id == source_id
    ]
    assert await store.finish_poll(lease, result, at)


async def lived_in(folder: Path) -> None:
    """A store with a source in every state, a closed channel and something owed."""
    store = await open_storage(f"sqlite:///{folder}/crumbs.db")
    await store.sync_sources(
        [source(i) for i in ("fine", "broken", "gone", "fresh")], NOW - timedelta(hours=5)
    )
    for source_id, ago, error in (  # leases end in this order too
        ("broken", timedelta(hours=4), None),
        ("broken", timedelta(hours=3), "timed out"),
        ("broken", timedelta(hours=2), "503 from the server"),
        ("fine", timedelta(minutes=3), None),
        ("gone", timedelta(minutes=2), "410 Gone"),
    ):
        next_at = NOW - ago + timedelta(hours=1) if source_id == "broken" else SOON
        result = PollResult(next_at=next_at, error=error, disable=source_id == "gone")
        await poll(store, source_id, result, NOW - ago)
    await store.close()
    connection = sqlite3.connect(folder / "crumbs.db")
    connection.executescript(
        """
        INSERT INTO stories (id, state, created_at, first_seen, last_seen, revision)
            VALUES ('s', 'live', 0, 0, 0, 1);
        INSERT INTO owed (story_id, channel_id, step, guild_id, state, created_at, due_at) VALUES
            ('s', 10, 'first', 1, 'pending', 0, 0), ('s', 20, 'first', 1, 'dead', 0, 0),
            ('s', 30, 'first', 1, 'sent', 0, 0);
        INSERT INTO channels (channel_id, guild_id, reason, closed_at, probe_at)
            VALUES (10, 1, 'Missing Access', 0, 0);
        """
    )
    connection.commit()
    connection.close()


def document(folder: Path, code: int = 0) -> dict[str, Any]:
    done = crumbs("status", "--json", cwd=folder)
    assert done.returncode == code, done.stderr
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


async def test_every_state_of_a_source_and_the_books_in_json(tmp_path: Path) -> None:
    await lived_in(tmp_path)
    answer = document(tmp_path)
    sources = {s["id"]: s for s in answer["sources"]}
    assert {i: s["state"] for i, s in sources.items()} == {
        "fine": "ok",
        "broken": "failing",
        "gone": "stopped",
        "fresh": "new",
    }
    assert sources["broken"]["problem"] == "503 from the server"
    assert sources["broken"]["failures"] == 2
    assert datetime.fromisoformat(sources["broken"]["failing_since"]) == NOW - timedelta(hours=4)
    assert sources["fine"]["failing_since"] is None
    assert datetime.fromisoformat(sources["fine"]["last_ok"]) == NOW - timedelta(minutes=3)
    assert sources["gone"]["next_at"] is None
    books = answer["books"]
    assert (books["planned"], books["pending"], books["dead"], books["sent"]) == (3, 1, 1, 1)
    assert books["balanced"] is True
    assert answer["closed_channels"] == {"10": "Missing Access"}
    assert "secret" not in json.dumps(answer)


async def test_the_drawing_says_it_in_words(tmp_path: Path) -> None:
    await lived_in(tmp_path)
    done = crumbs("status", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    lines = {line.split()[0]: line for line in done.stdout.splitlines() if line}
    # The suite may have run for some minutes since NOW.
    assert re.search(r"\b(?:[3-9]|1\d) minutes ago\b", lines["fine"])
    assert re.search(r"\bin (?:1\d|2\d) minutes\b", lines["fine"])
    assert "failing for 4 hours, 2 polls in a row: 503 from the server" in lines["broken"]
    assert re.search(r"overdue by (?:6\d|7\d) minutes", lines["broken"])
    assert "410 Gone; it is polled no more" in lines["gone"]
    assert "never" in lines["fresh"]
    assert "3 messages owed = 1 sent + 1 pending + 1 dead" in done.stdout
    assert "They balance." in done.stdout
    assert "closed to the bot: 10: Missing Access" in done.stdout


async def test_books_that_do_not_balance_are_exit_code_1(tmp_path: Path) -> None:
    await lived_in(tmp_path)
    connection = sqlite3.connect(tmp_path / "crumbs.db")
    connection.execute("UPDATE owed SET state = 'mislaid' WHERE channel_id = 20")
    connection.commit()
    connection.close()
    done = crumbs("status", cwd=tmp_path)
    assert done.returncode == 1
    assert "3 messages owed ≠ 1 sent + 1 pending" in done.stdout
    assert "They do not balance" in done.stdout
    assert document(tmp_path, code=1)["books"]["balanced"] is False


async def give_up(folder: Path, *guilds: int) -> None:
    """Let an announcement to one channel of each of some servers become a dead letter."""
    store = await open_storage(f"sqlite:///{folder}/crumbs.db")
    for guild in guilds:
        await watch(store, guild * 10, guild=guild)
    told = NOW - timedelta(hours=3)
    await record(store, 1, now=told, published=told, seen_at=told)
    for message in await claim(store, NOW):
        refused = Gone(reason=f"refused on {message.guild_id}", channel=False)
        await store.settle(message, refused, NOW)
    await store.close()


async def test_dead_letters_are_listed_with_channel_and_reason(tmp_path: Path) -> None:
    await give_up(tmp_path, 1, 2)
    letters = {x["guild"]: x for x in document(tmp_path)["dead_letters"]}
    assert {g: (x["channel"], x["reason"]) for g, x in letters.items()} == {
        1: (10, "refused on 1"),
        2: (20, "refused on 2"),
    }
    assert datetime.fromisoformat(letters[1]["since"]) == NOW - timedelta(hours=3)
    drawn = crumbs("status", cwd=tmp_path).stdout
    assert "channel 10 of server 1, 3 hours ago: refused on 1" in drawn
    assert "2 owed messages are dead in all" in drawn
    assert "`crumbs retry`" in drawn


async def test_only_the_latest_dead_letters_are_listed_and_all_are_counted(tmp_path: Path) -> None:
    await give_up(tmp_path, *range(1, 9))
    answer = document(tmp_path)
    assert len(answer["dead_letters"]) == 5
    assert answer["books"]["dead"] == 8


async def test_retry_makes_those_of_a_server_or_all_due_again(tmp_path: Path) -> None:
    await give_up(tmp_path, 1, 2, 3)
    store = await open_storage(f"sqlite:///{tmp_path}/crumbs.db")
    assert await store.lock_sending()  # the bot may be running
    one = crumbs("retry", "--guild", "2", cwd=tmp_path)
    assert one.returncode == 0, one.stderr
    assert one.stdout.startswith("1 announcement of server 2 due again.")
    due = await claim(store, datetime.now(UTC))
    assert [(m.guild_id, m.by_hand) for m in due] == [(2, True)]
    rest = crumbs("retry", cwd=tmp_path)
    assert rest.stdout.startswith("2 announcements due again.")
    assert {m.guild_id for m in await claim(store, datetime.now(UTC))} == {1, 3}
    await store.close()
    nothing = crumbs("retry", cwd=tmp_path)
    assert nothing.returncode == 0
    assert "nothing to try again" in nothing.stdout
    assert document(tmp_path)["dead_letters"] == []


def test_retry_makes_no_store(tmp_path: Path) -> None:
    done = crumbs("retry", cwd=tmp_path)
    assert done.returncode == 1
    assert "`crumbs migrate`" in done.stderr
    assert list(tmp_path.iterdir()) == []


async def test_what_is_adrift_is_named(tmp_path: Path) -> None:
    await give_up(tmp_path, 1)
    connection = sqlite3.connect(tmp_path / "crumbs.db")
    connection.execute("UPDATE owed SET state = 'pending'")
    connection.commit()
    connection.close()
    done = crumbs("status", cwd=tmp_path)
    assert done.returncode == 1
    assert "1 owed adrift" in done.stdout
    assert document(tmp_path, code=1)["books"]["adrift"] == 1


async def test_an_empty_store_is_described_kindly(tmp_path: Path) -> None:
    await (await open_storage(f"sqlite:///{tmp_path}/crumbs.db")).close()
    done = crumbs("status", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    for words in (
        "None yet.",
        "no verdicts on posts yet",
        "no messages owed yet",
        "None is closed",
        "nothing was given up",
    ):
        assert words in done.stdout


async def test_it_reads_beside_a_running_writer_and_changes_nothing(tmp_path: Path) -> None:
    await lived_in(tmp_path)
    store = await open_storage(f"sqlite:///{tmp_path}/crumbs.db")
    other = sqlite3.connect(tmp_path / "crumbs.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")  # somebody is writing
    assert len(document(tmp_path)["sources"]) == 4
    other.execute("ROLLBACK")
    other.close()
    await store.close()
    before = {p.name: p.read_bytes() for p in tmp_path.iterdir()}
    document(tmp_path)
    assert {p.name: p.read_bytes() for p in tmp_path.iterdir()} == before


@pytest.mark.parametrize("make", ["nothing", "old"])
def test_a_store_that_is_missing_or_old_is_a_sentence(tmp_path: Path, make: str) -> None:
    if make == "old":
        connection = sqlite3.connect(tmp_path / "crumbs.db")
        connection.execute("PRAGMA user_version = 1")
        connection.close()
    before = {p.name: p.read_bytes() for p in tmp_path.iterdir()}
    done = crumbs("status", cwd=tmp_path)
    assert done.returncode == 1
    assert done.stderr.startswith("crumbs: crumbs.db: ")
    assert "`crumbs migrate`" in done.stderr
    assert "Traceback" not in done.stderr
    assert {p.name: p.read_bytes() for p in tmp_path.iterdir()} == before
