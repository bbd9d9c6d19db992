"""Everything that must survive the process, behind `bot.domain.ports.Storage`.

`open_storage` chooses the backend by the database's address; a backend's library is imported only
when it is chosen.
"""

from __future__ import annotations

from pathlib import Path
from urllib.parse import unquote, urlsplit

from bot.domain.errors import ConfigError
from bot.domain.ports import Storage


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


async def open_storage(url: str) -> Storage:
    """Open the store at an address, creating or migrating it where needed.

    Raises:
        ConfigError: the address is of no known kind.
        StorageError: the store is corrupt or was written by a newer version.
        StorageUnavailable: it cannot be opened now.
    """
    from storage.sqlite import SqliteStorage

    return await SqliteStorage.open(sqlite_path(url))
