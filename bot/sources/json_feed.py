"""JSON Feed 1 and 1.1: text to a `Feed` (https://www.jsonfeed.org/version/1.1/)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import msgspec

from bot.domain.errors import Malformed
from bot.sources.dates import parse_date
from bot.sources.entries import (
    MAX_ENTRIES,
    MAX_TAGS,
    MAX_TEXT,
    Entry,
    Feed,
    fingerprint,
    language,
)
from bot.sources.links import absolute
from bot.sources.plain_text import first_picture, line, plain, tidy

_Object = dict[str, Any]


def parse_json(text: str, *, url: str, tz: str) -> Feed:
    """Read a JSON Feed; a field of the wrong type counts as absent.

    Raises:
        Malformed: the text is no JSON, or JSON without a list of items.
    """
    try:
        document = msgspec.json.decode(text.encode("utf-8", "replace"))
    except (msgspec.DecodeError, RecursionError):
        raise Malformed("It begins like JSON and is broken, so it is no feed.") from None
    if not isinstance(document, dict) or not isinstance(document.get("items"), list):
        raise Malformed("It is JSON without a list of items, perhaps an error, not a feed.")
    lang = language(_string(document, "language"))
    items = list(_objects(document, "items"))[:MAX_ENTRIES]
    hubs = (absolute(url, _string(hub, "url")) for hub in _objects(document, "hubs"))
    return Feed(
        title=line(_string(document, "title")),
        lang=lang,
        hub=next(filter(None, hubs), None),
        entries=tuple(filter(None, (_entry(item, url, tz, lang) for item in items))),
    )


def _entry(item: _Object, base: str, tz: str, lang: str) -> Entry | None:
    title = line(_string(item, "title"))
    text, picture = _body(item)
    url = absolute(base, _string(item, "url") or _string(item, "external_url"))
    dates = (parse_date(_string(item, key), tz) for key in ("date_published", "date_modified"))
    published = next(filter(None, dates), None)
    if not (title or text or url):
        return None
    images = (absolute(base, address) for address in (*_images(item), picture))
    return Entry(
        id=line(_identifier(item)) or url or fingerprint(title or text, published),
        url=url,
        title=title,
        text=text,
        image=next(filter(None, images), ""),
        author=_author(item),
        published=published,
        lang=language(_string(item, "language")) or lang,
        tags=_tags(item),
    )


def _string(source: _Object, key: str) -> str:
    value = source.get(key)
    return value if isinstance(value, str) else ""


def _objects(source: _Object, key: str) -> Iterator[_Object]:
    values = source.get(key)
    return (v for v in (values if isinstance(values, list) else ()) if isinstance(v, dict))


def _identifier(item: _Object) -> str:
    # The specification asks for a string and tells readers to take numbers too.
    value = item.get("id")
    return tidy(str(value)) if isinstance(value, str | int | float) else ""


def _body(item: _Object) -> tuple[str, str]:
    markup = _string(item, "content_html")
    texts = (markup, _string(item, "content_text"), _string(item, "summary"))
    return max(map(plain, texts), key=len)[:MAX_TEXT].rstrip(), first_picture(markup)


def _images(item: _Object) -> Iterable[str]:
    yield _string(item, "image")
    yield _string(item, "banner_image")
    for attachment in _objects(item, "attachments"):
        if _string(attachment, "mime_type").startswith("image/"):
            yield _string(attachment, "url")


def _author(item: _Object) -> str:
    single = item.get("author")  # version 1
    authors = [*_objects(item, "authors"), *([single] if isinstance(single, dict) else ())]
    names = (line(_string(author, "name")) for author in authors)
    return next(filter(None, names), "")


def _tags(item: _Object) -> tuple[str, ...]:
    values = item.get("tags")
    tags = (line(v) for v in (values if isinstance(values, list) else ()) if isinstance(v, str))
    return tuple(dict.fromkeys(filter(None, tags)))[:MAX_TAGS]
