"""Sources: the schedule, leases, and what each poll left behind."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import msgspec
from sqlite_utils import Database

from bot.domain.types import PollResult, Source, SourceHealth, SourceLease
from storage.base import instant, micros

Row = dict[str, Any]


def sync(db: Database, sources: Sequence[Source], now: datetime) -> None:
    """See `Storage.sync_sources`."""
    db.execute("UPDATE sources SET enabled = 0")
    for s in sources:
        db.execute(
            """
            INSERT INTO sources (id, kind, url, name, lang, every, official, about_idols, tz,
                                 enabled, added_at, next_at)
            VALUES (:id, :kind, :url, :name, :lang, :every, :official, :about_idols, :tz,
                    :enabled, :now, :now)
            ON CONFLICT (id) DO UPDATE SET
                kind = excluded.kind, url = excluded.url, name = excluded.name,
                lang = excluded.lang, every = excluded.every, official = excluded.official,
                about_idols = excluded.about_idols, tz = excluded.tz, enabled = excluded.enabled,
                -- a new address starts anew: the old one's validators and failures mean nothing
                cursor = iif(url = excluded.url, cursor, '{}'),
                failures = iif(url = excluded.url, failures, 0),
                disabled = iif(url = excluded.url, disabled, 0),
                next_at = iif(url = excluded.url, min(next_at, :now + 1000000 * excluded.every),
                              :now)
            """,
            {
                "id": s.id,
                "kind": s.kind,
                "url": s.url,
                "name": s.name,
                "lang": s.lang,
                "every": s.every,
                "official": s.official,
                "about_idols": s.about_idols,
                "tz": s.tz,
                "enabled": s.enabled,
                "now": micros(now),
            },
        )


def claim(db: Database, now: datetime, limit: int, lease: float) -> list[SourceLease]:
    """See `Storage.claim_sources`."""
    at = micros(now)
    rows = db.execute(
        """
        UPDATE sources SET lease_until = :until, token = token + 1
        WHERE id IN (
            SELECT id FROM sources
            WHERE enabled AND NOT disabled AND next_at <= :at
              AND (lease_until IS NULL OR lease_until <= :at)
            ORDER BY next_at, id LIMIT :limit
        )
        RETURNING id, kind, url, name, lang, every, official, about_idols, tz, enabled,
                  added_at, next_at, cursor, failures, last_ok, token
        """,
        {"at": at, "until": at + int(lease * 1_000_000), "limit": limit},
    )
    names = [c[0] for c in rows.description]
    claimed = [dict(zip(names, row, strict=True)) for row in rows.fetchall()]
    return [
        SourceLease(
            source=_source(row),
            added_at=instant(row["added_at"]),
            first=row["last_ok"] is None,
            cursor=msgspec.json.decode(row["cursor"], type=dict[str, str]),
            failures=row["failures"],
            token=row["token"],
        )
        for row in sorted(claimed, key=lambda r: (r["next_at"], r["id"]))
    ]


def finish(db: Database, lease: SourceLease, result: PollResult, now: datetime) -> bool:
    """See `Storage.finish_poll`."""
    ok = result.error is None
    done = db.execute(
        """
        UPDATE sources SET
            lease_until = NULL, next_at = :next_at,
            cursor = coalesce(:cursor, cursor),
            failures = iif(:ok, 0, failures + 1),
            last_ok = iif(:ok, :now, last_ok),
            last_error = iif(:ok, NULL, :error),
            disabled = :disable
        WHERE id = :id AND token = :token AND lease_until IS NOT NULL
        """,
        {
            "next_at": micros(result.next_at),
            "cursor": None
            if result.cursor is None
            else msgspec.json.encode(dict(result.cursor)).decode(),
            "ok": ok,
            "now": micros(now),
            "error": result.error,
            "disable": result.disable,
            "id": lease.source.id,
            "token": lease.token,
        },
    )
    return done.rowcount == 1


def health(db: Database) -> list[SourceHealth]:
    """See `Storage.source_health`."""
    return [
        SourceHealth(
            source=_source(row),
            last_ok=None if row["last_ok"] is None else instant(row["last_ok"]),
            last_error=row["last_error"],
            failures=row["failures"],
            next_at=instant(row["next_at"]),
            disabled=bool(row["disabled"]),
        )
        for row in db.query("SELECT * FROM sources WHERE enabled ORDER BY id")
    ]


def _source(row: Row) -> Source:
    return Source(
        id=row["id"],
        kind=row["kind"],
        url=row["url"],
        name=row["name"],
        lang=row["lang"],
        every=row["every"],
        enabled=bool(row["enabled"]),
        official=bool(row["official"]),
        about_idols=bool(row["about_idols"]),
        tz=row["tz"],
    )
