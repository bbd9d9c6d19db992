"""Every error that Crumbs raises on purpose.

The tree::

    CrumbsError
    ├── ConfigError               settings, roster, lexicon or sources file; says what to change
    ├── UserError                 its text is shown to the member who asked
    ├── SourceError               one source, one poll; the loop goes on
    │   ├── Unreachable           no answer: DNS, TLS, timeout, reset, 5xx
    │   ├── RateLimited           the source asks us to wait (`retry_after` seconds)
    │   ├── NotFound              404 or 410 (`gone`)
    │   ├── NotAllowed            401, 403, a challenge page, a private address
    │   └── Malformed             an answer that is not what the source promises
    └── StorageError              a bug or corruption: the process stops
        └── StorageUnavailable    locked, full, connection lost: back off, acknowledge nothing
"""

from __future__ import annotations

from collections.abc import Sequence


class CrumbsError(Exception):
    """Root of the errors that Crumbs raises on purpose; its text is a sentence for a person."""


class ConfigError(CrumbsError):
    """Settings or seed data are wrong.

    All problems found are reported at once; `problems` holds one sentence for each.
    """

    def __init__(self, *problems: str) -> None:
        self.problems: Sequence[str] = problems
        super().__init__("\n".join(problems))


class UserError(CrumbsError):
    """A member asked for something that cannot be done; the text says what to do instead."""


class SourceError(CrumbsError):
    """A poll of one source failed; the source backs off and the rest goes on."""


class Unreachable(SourceError):
    """No usable answer came: name resolution, TLS, timeout, reset or a 5xx status."""


class RateLimited(SourceError):
    """The source asks to be left alone for a while."""

    def __init__(self, message: str, *, retry_after: float | None = None) -> None:
        super().__init__(message)
        #: Seconds the source asked for; None when it did not say.
        self.retry_after = retry_after


class NotFound(SourceError):
    """The address answers 404, or 410 when `gone`."""

    def __init__(self, message: str, *, gone: bool = False) -> None:
        super().__init__(message)
        #: True for 410: the publisher asks that polling stops.
        self.gone = gone


class NotAllowed(SourceError):
    """The source refuses us (401, 403, a challenge page), or the address may not be fetched."""


class Malformed(SourceError):
    """The answer is not what the source promises: HTML for a feed, too large, truncated."""


class StorageError(CrumbsError):
    """The store is corrupt, newer than this program, or was used wrongly. The process stops."""


class StorageUnavailable(StorageError):
    """The store cannot answer now (locked, disk full, connection lost); try again later.

    Callers acknowledge nothing and spend no attempt when they meet it.
    """
