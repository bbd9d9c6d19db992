"""What a feed holds once it has been read, whatever format it was in."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime

#: Entries kept of one document; the longest news feeds carry about 120.
MAX_ENTRIES = 500
#: Characters kept of one entry's text.
MAX_TEXT = 100_000
#: Characters kept of a title, a name or a tag.
MAX_LINE = 1_000
#: Longer addresses are dropped: most browsers and servers stop at about 2,000 characters.
MAX_URL = 2_048
#: Tags kept of one entry.
MAX_TAGS = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One entry; every text is plain, in NFC and without control characters."""

    #: The publisher's own id, else the link, else a hash of what the entry says.
    id: str
    #: Absolute http(s) address, "" when there is none.
    url: str = ""
    title: str = ""
    #: Paragraphs are separated by newlines.
    text: str = ""
    #: Absolute http(s) address of a picture, "" when there is none.
    image: str = ""
    author: str = ""
    #: Aware and in UTC; None when the feed gives none that can be read.
    published: datetime | None = None
    #: Two-letter code as declared on the entry or the feed, "" when there is none.
    lang: str = ""
    tags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Feed:
    """A whole document, entries in its own order."""

    title: str = ""
    lang: str = ""
    #: Seconds that the publisher asks to leave between two looks; None when it does not say.
    ttl: float | None = None
    #: WebSub hub, an absolute address; None when there is none.
    hub: str | None = None
    entries: tuple[Entry, ...] = ()


def language(code: str) -> str:
    """The two letters of a declared language ("ko" of "ko-KR"), "" for anything else."""
    primary = code.strip().replace("_", "-").partition("-")[0].lower() if code else ""
    return primary if len(primary) == 2 and primary.isascii() and primary.isalpha() else ""


def fingerprint(words: str, published: datetime | None) -> str:
    """An id for an entry that has neither id nor link: it changes only when the entry does."""
    text = f"{words}\n{published.isoformat() if published else ''}"
    return hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest()
