"""The schema of the SQLite store, one migration for each change; never edit one that shipped.

A dump of every version stands in `storage/schema/sqlite/`, and a test keeps them true.
"""

from __future__ import annotations

from sqlite_utils import Database, Migrations

migrations = Migrations("crumbs")


@migrations()
def m0001_first(db: Database) -> None:
    """Sources, posts and verdicts, stories, watches, and what channels are owed."""
    for statement in _FIRST.split(";"):
        if statement.strip():
            db.execute(statement)


@migrations()
def m0002_because(db: Database) -> None:
    """What counted for and against a verdict: JSON, a list of [what, how much]."""
    db.execute("ALTER TABLE verdicts ADD COLUMN because TEXT NOT NULL DEFAULT '[]'")


@migrations()
def m0003_about_idols(db: Database) -> None:
    """Whether a source writes about idols."""
    db.execute("ALTER TABLE sources ADD COLUMN about_idols INTEGER NOT NULL DEFAULT 0")


@migrations()
def m0004_delivery(db: Database) -> None:
    """Fair order, fan-out in batches, edits and corrections, totals to check the books against."""
    for statement in _DELIVERY.split(";;"):
        db.execute(statement)


# Times are whole microseconds since 1970; ids are text. STRICT tables refuse a wrong type.
_FIRST = """
CREATE TABLE sources (
    id TEXT PRIMARY KEY, kind TEXT NOT NULL, url TEXT NOT NULL, name TEXT NOT NULL,
    lang TEXT NOT NULL, every INTEGER NOT NULL, official INTEGER NOT NULL, tz TEXT NOT NULL,
    enabled INTEGER NOT NULL, disabled INTEGER NOT NULL DEFAULT 0,
    added_at INTEGER NOT NULL, next_at INTEGER NOT NULL,
    cursor TEXT NOT NULL DEFAULT '{}', failures INTEGER NOT NULL DEFAULT 0,
    last_ok INTEGER, last_error TEXT, lease_until INTEGER, token INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE TABLE posts (
    id TEXT PRIMARY KEY, source_id TEXT NOT NULL, outlet TEXT NOT NULL, title TEXT NOT NULL,
    text TEXT NOT NULL, url TEXT NOT NULL, lang TEXT NOT NULL, author TEXT NOT NULL,
    published INTEGER, seen_at INTEGER NOT NULL, image TEXT NOT NULL,
    official INTEGER NOT NULL, archive INTEGER NOT NULL, recorded_at INTEGER NOT NULL
) STRICT;
CREATE TABLE seen (id TEXT PRIMARY KEY, at INTEGER NOT NULL) STRICT;
CREATE INDEX seen_at ON seen (at);
CREATE TABLE stories (
    id TEXT PRIMARY KEY, state TEXT NOT NULL, created_at INTEGER NOT NULL,
    first_seen INTEGER NOT NULL, last_seen INTEGER NOT NULL, revision INTEGER NOT NULL
) STRICT;
CREATE INDEX stories_last_seen ON stories (last_seen);
CREATE TABLE verdicts (
    id INTEGER PRIMARY KEY, post_id TEXT NOT NULL REFERENCES posts (id),
    a TEXT, b TEXT, state TEXT NOT NULL, reason TEXT, detail TEXT NOT NULL,
    kind TEXT, tier TEXT, past INTEGER, confidence REAL, evidence TEXT, field TEXT,
    happened_at INTEGER, story_id TEXT REFERENCES stories (id)
) STRICT;
CREATE INDEX verdicts_post ON verdicts (post_id);
CREATE INDEX verdicts_state ON verdicts (state, reason);
CREATE TABLE story_pairs (
    story_id TEXT NOT NULL REFERENCES stories (id), a TEXT NOT NULL, b TEXT NOT NULL,
    kind TEXT NOT NULL, tier TEXT NOT NULL, confidence REAL NOT NULL, evidence TEXT NOT NULL,
    happened_at INTEGER, PRIMARY KEY (story_id, a, b)
) STRICT;
CREATE INDEX story_pairs_pair ON story_pairs (a, b);
CREATE TABLE reports (
    story_id TEXT NOT NULL REFERENCES stories (id), post_id TEXT NOT NULL REFERENCES posts (id),
    outlet TEXT NOT NULL, title TEXT NOT NULL, url TEXT NOT NULL, url_key TEXT NOT NULL,
    fingerprint TEXT NOT NULL, anchors TEXT NOT NULL, lang TEXT NOT NULL, at INTEGER NOT NULL,
    image TEXT NOT NULL, official INTEGER NOT NULL, PRIMARY KEY (story_id, post_id)
) STRICT;
CREATE INDEX reports_post ON reports (post_id);
CREATE TABLE watches (
    id INTEGER PRIMARY KEY, guild_id INTEGER NOT NULL, channel_id INTEGER NOT NULL,
    a TEXT NOT NULL, b TEXT NOT NULL, user_id INTEGER NOT NULL, created_at INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX watches_target ON watches (a, b, channel_id);
CREATE INDEX watches_guild ON watches (guild_id);
CREATE INDEX watches_channel ON watches (channel_id);
CREATE TABLE messages (
    id TEXT PRIMARY KEY, guild_id INTEGER NOT NULL, channel_id INTEGER NOT NULL,
    items TEXT NOT NULL, state TEXT NOT NULL, created_at INTEGER NOT NULL,
    first_attempt_at INTEGER NOT NULL, attempt INTEGER NOT NULL, next_at INTEGER NOT NULL,
    lease_until INTEGER, token INTEGER NOT NULL, discord_id INTEGER, error TEXT
) STRICT;
CREATE INDEX messages_due ON messages (next_at) WHERE state = 'pending';
CREATE TABLE owed (
    story_id TEXT NOT NULL REFERENCES stories (id), channel_id INTEGER NOT NULL,
    step TEXT NOT NULL, guild_id INTEGER NOT NULL, state TEXT NOT NULL,
    created_at INTEGER NOT NULL, due_at INTEGER NOT NULL,
    message_id TEXT REFERENCES messages (id), reason TEXT,
    PRIMARY KEY (story_id, channel_id, step)
) STRICT;
CREATE INDEX owed_due ON owed (due_at) WHERE state = 'pending' AND message_id IS NULL;
CREATE INDEX owed_message ON owed (message_id);
CREATE INDEX owed_channel ON owed (channel_id) WHERE state = 'pending';
CREATE TABLE channels (
    channel_id INTEGER PRIMARY KEY, guild_id INTEGER NOT NULL, reason TEXT NOT NULL,
    closed_at INTEGER NOT NULL, probe_at INTEGER NOT NULL
) STRICT;
CREATE TABLE memory (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT
"""

_DELIVERY = """
ALTER TABLE posts ADD COLUMN digest TEXT NOT NULL DEFAULT '' ;;
ALTER TABLE seen ADD COLUMN digest TEXT NOT NULL DEFAULT '' ;;
CREATE INDEX verdicts_story ON verdicts (story_id) ;;
ALTER TABLE owed ADD COLUMN rank INTEGER NOT NULL DEFAULT 0 ;;
DROP INDEX owed_due ;;
CREATE INDEX owed_rank ON owed (rank) WHERE state = 'pending' AND message_id IS NULL ;;
CREATE INDEX owed_guild ON owed (guild_id) WHERE state = 'pending' AND message_id IS NULL ;;
CREATE TABLE fan_outs (
    id INTEGER PRIMARY KEY, story_id TEXT NOT NULL REFERENCES stories (id), what TEXT NOT NULL,
    a TEXT NOT NULL, b TEXT NOT NULL, must INTEGER NOT NULL,
    created_at INTEGER NOT NULL, due_at INTEGER NOT NULL, after INTEGER NOT NULL
) STRICT ;;
ALTER TABLE messages ADD COLUMN place INTEGER ;;
ALTER TABLE messages ADD COLUMN reply_channel INTEGER ;;
ALTER TABLE messages ADD COLUMN reply_message INTEGER ;;
ALTER TABLE messages ADD COLUMN by_hand INTEGER NOT NULL DEFAULT 0 ;;
ALTER TABLE messages ADD COLUMN sent_at INTEGER ;;
ALTER TABLE messages ADD COLUMN shown INTEGER NOT NULL DEFAULT 0 ;;
ALTER TABLE messages ADD COLUMN wanted INTEGER NOT NULL DEFAULT 0 ;;
ALTER TABLE messages ADD COLUMN must INTEGER NOT NULL DEFAULT 0 ;;
ALTER TABLE messages ADD COLUMN edit_at INTEGER NOT NULL DEFAULT 0 ;;
ALTER TABLE messages ADD COLUMN edit_tries INTEGER NOT NULL DEFAULT 0 ;;
CREATE INDEX messages_edit ON messages (edit_at) WHERE state = 'sent' AND wanted > shown ;;
CREATE INDEX messages_dead ON messages (guild_id) WHERE state = 'dead' ;;
CREATE TABLE totals (name TEXT PRIMARY KEY, count INTEGER NOT NULL) STRICT ;;
INSERT INTO totals SELECT 'recorded', count(*) FROM verdicts
    UNION ALL SELECT 'planned', count(*) FROM owed UNION ALL SELECT 'served', 0 ;;
CREATE TRIGGER verdicts_total AFTER INSERT ON verdicts
    BEGIN UPDATE totals SET count = count + 1 WHERE name = 'recorded'; END ;;
CREATE TRIGGER owed_total AFTER INSERT ON owed
    BEGIN UPDATE totals SET count = count + 1 WHERE name = 'planned'; END
"""
