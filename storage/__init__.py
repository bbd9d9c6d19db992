"""Everything that must survive the process, behind `bot.domain.ports.Storage`.

`open_storage` chooses the backend by the database's address; a backend's library is imported only
when it is chosen.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from bot.domain.errors import ConfigError
from bot.domain.ports import Storage

if TYPE_CHECKING:
    from storage.sqlite.engine import Schema


def sqlite_path(url: str) -> Path:
    """The file of a `sqlite:///PATH` address (three slashes: relative; four: absolute).

    Raises:
        ConfigError: when the address names no SQLite file.
    """
    parts = urlsplit(url)
    if parts.scheme != "sqlite" or parts.netloc or len(parts.path) < 2:
        raise ConfigError(
            f"CRUMBS_DATABASE_URL: {parts.scheme or url!r}: write sqlite:///crumbs.db for a file "
            "beside you or sqlite:////var/lib/crumbs/crumbs.db for an absolute path"
        )
    return Path(unquote(parts.path[1:]))


async def open_storage(url: str, *, migrate: bool = True) -> Storage:
    """Open the store at an address, creating or migrating it where needed.

    Without `migrate` nothing is created and nothing migrated; a store that would need it is
    refused. So a look at the store of a running bot does not change it.

    Raises:
        ConfigError: the address is of no known kind.
        StorageError: the store is corrupt or was written by a newer version; without `migrate`
            also: it is missing or was written by an older version.
        StorageUnavailable: it cannot be opened now.
    """
    from storage.sqlite import SqliteStorage

    return await SqliteStorage.open(sqlite_path(url), migrate=migrate)


async def schema(url: str) -> Schema | None:
    """How far the schema of the store at an address is; None when there is no store yet.

    Changes nothing, and raises what `open_storage` does.
    """
    from storage.sqlite.engine import Engine

    return await Engine.schema(sqlite_path(url))
