"""The client for feeds: asks only for what changed, and turns entries into posts."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import url2pathname

from bot.domain.errors import Malformed, NotAllowed, NotFound
from bot.domain.types import Batch, Post, Source
from bot.sources.entries import Entry, Feed
from bot.sources.feed_parser import parse_feed
from bot.sources.freshness import min_interval
from bot.sources.http import MAX_BYTES, Answer, Fetcher

#: Larger bodies are parsed in a thread, so that the loop is never held up for more than some
#: milliseconds.
_THREAD_FROM = 256_000
#: Longer ids are replaced by their hash.
_MAX_ID = 200
_ACCEPT = (
    "application/atom+xml, application/rss+xml, application/feed+json;q=0.9, "
    "application/xml;q=0.8, text/xml;q=0.8, */*;q=0.1"
)
#: What the cursor holds, and the headers with which an answer gives and a request returns it.
_VALIDATORS = (
    ("etag", "ETag", "If-None-Match"),
    ("modified", "Last-Modified", "If-Modified-Since"),
)


class FeedClient:
    """Reads sources of kind "feed": RSS, RDF, Atom and JSON Feed.

    `file:` addresses are read from disk only with `allow_files`, for feeds that the operator named
    on this machine; never give it to a client whose addresses come from elsewhere.

    The cursor holds "url" (what the rest is about), "etag" and "modified" (validators, verbatim),
    "hash" (of the body) and "ttl" (seconds, as the feed asked for).
    """

    def __init__(
        self, fetcher: Fetcher, *, allow_files: bool = False, max_bytes: int = MAX_BYTES
    ) -> None:
        self._fetcher = fetcher
        self._allow_files = allow_files
        self._max_bytes = max_bytes

    async def poll(self, source: Source, cursor: Mapping[str, str], now: datetime) -> Batch:
        """Fetch a feed and give its posts, oldest first; none when it has not changed.

        Raises:
            SourceError: of the kind that `Fetcher.get` and `parse_feed` tell.
        """
        if cursor.get("url") != source.url:
            cursor = {}  # a source that moved; what is known is about another document
        answer = await self._get(source, cursor)
        known = _refreshed(cursor, answer, source.url)
        if answer.status == 304 or (answer.body and _is_same(cursor, known)):
            return Batch(
                posts=(),
                cursor=known,
                min_interval=min_interval(answer.headers, float(known.get("ttl", "0"))),
            )
        feed = await self._parse(answer, source)
        known.pop("ttl", None)
        if feed.ttl:
            known["ttl"] = f"{feed.ttl:g}"
        return Batch(
            posts=_posts(feed, source, now),
            cursor=known,
            min_interval=min_interval(answer.headers, feed.ttl),
        )

    async def _get(self, source: Source, cursor: Mapping[str, str]) -> Answer:
        if urlsplit(source.url).scheme.lower() == "file":
            if not self._allow_files:
                raise NotAllowed(
                    f"{source.name}: files are read only where the operator names them."
                )
            return await asyncio.to_thread(_read_file, source.url, self._max_bytes)
        headers = {"Accept": _ACCEPT}
        headers |= {ask: cursor[key] for key, _, ask in _VALIDATORS if cursor.get(key)}
        return await self._fetcher.get(source.url, headers=headers, max_bytes=self._max_bytes)

    async def _parse(self, answer: Answer, source: Source) -> Feed:
        def parse() -> Feed:
            return parse_feed(
                answer.body,
                url=answer.url,
                content_type=answer.headers.get("Content-Type", ""),
                tz=source.tz,
            )

        try:
            if len(answer.body) > _THREAD_FROM:
                return await asyncio.to_thread(parse)
            return parse()
        except Malformed as error:
            raise Malformed(f"{source.name} answers, but: {error}") from None


def _refreshed(cursor: Mapping[str, str], answer: Answer, url: str) -> dict[str, str]:
    """The cursor after an answer; a 304 keeps what it does not give anew (RFC 9111 §4.3.4)."""
    known = dict(cursor) if answer.status == 304 else {}
    known["url"] = url
    for key, given, _ in _VALIDATORS:
        if value := answer.headers.get(given):
            known[key] = value
    if answer.status != 304:
        known["hash"] = hashlib.sha256(answer.body).hexdigest()
        if "ttl" in cursor:
            known["ttl"] = cursor["ttl"]
    return known


def _is_same(cursor: Mapping[str, str], known: Mapping[str, str]) -> bool:
    """Whether a full answer is the one read before, by its body or by all its validators."""
    if cursor.get("hash") == known["hash"]:
        return True
    before, after = ([c.get(key) for key, *_ in _VALIDATORS] for c in (cursor, known))
    return before == after and any(after)


def _read_file(url: str, max_bytes: int) -> Answer:
    parts = urlsplit(url)
    if parts.netloc not in ("", "localhost"):
        raise NotAllowed(f"A file on {parts.netloc} is not on this machine.")
    path = Path(url2pathname(parts.path))
    try:
        if not path.is_file():
            raise NotFound(f"There is no file {path}.")
        with path.open("rb") as file:
            body = file.read(max_bytes + 1)
    except OSError as error:
        raise NotAllowed(f"The file {path} cannot be read: {error.strerror}.") from None
    if len(body) > max_bytes:
        raise Malformed(f"The file {path} holds more than {max_bytes:,} bytes.")
    return Answer(status=200, headers={}, body=body, url=url, permanent_redirect=None)


def _posts(feed: Feed, source: Source, now: datetime) -> tuple[Post, ...]:
    """One post for each id, oldest first; where dates are missing, the feed's order decides."""
    # Feeds begin with their newest entry; of two with one id, that is the one to keep.
    posts = {p.id: p for p in (_post(entry, source, now) for entry in reversed(feed.entries))}
    return tuple(sorted(posts.values(), key=lambda post: post.at))


def _post(entry: Entry, source: Source, now: datetime) -> Post:
    id_ = entry.id
    if len(id_) > _MAX_ID:
        id_ = hashlib.sha256(id_.encode()).hexdigest()
    return Post(
        id=f"{source.id}:{id_}",
        source_id=source.id,
        outlet=source.name,
        title=entry.title,
        text=entry.text,
        url=entry.url,
        lang=source.lang or entry.lang,
        author=entry.author,
        published=min(entry.published, now) if entry.published else None,
        seen_at=now,
        image=entry.image if entry.image.startswith("https:") else "",
        official=source.official,
        about_idols=source.about_idols,
    )
