"""RSS 0.9 to 2.0, RDF and Atom: text to a `Feed`."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import datetime
from functools import lru_cache
from itertools import chain

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
from bot.sources.links import absolute, rehomed
from bot.sources.plain_text import first_picture, line, plain, tidy
from bot.sources.xml_tree import DATES, Element, Fields, Names, fields_of, grow, markup_of

_XML_LANG = "{http://www.w3.org/XML/1998/namespace}lang"
_PICTURE = re.compile(r"\.(?:jpe?g|png|webp|gif|avif)(?:$|\?)", re.IGNORECASE)
_MAILBOX = re.compile(r"\S{1,200}@\S{1,200} ?(?:\((.{1,200})\))?")


def parse_xml(text: str, *, url: str, tz: str) -> Feed:
    """Read an XML feed whose root is named, somewhere near the start of `text`.

    Raises:
        Malformed: the text is something else; says what it looks like.
    """
    root = grow(text, url)
    names = Names(next(root.iter("{*}channel", "{*}item", "{*}entry"), root))
    head = next((e for e in root if names[e.tag] == "channel"), root)
    items = [e for e in root.iter("{*}item", "{*}entry") if names[e.tag] in ("item", "entry")]
    if head is root and names[root.tag] != "feed" and not items and len(root) == 0:
        raise Malformed("It begins as a feed and ends before it says anything.")
    return _Reader(names, head, url=url, tz=tz).feed(items)


class _Reader:
    """Reads the entries of one document."""

    def __init__(self, names: Names, head: Element, *, url: str, tz: str) -> None:
        self._names = names
        self._head = fields_of(head, names)
        self._base = head.base or url
        self._tz = tz
        self._lang = _lang(head) or language(_first(self._head, "language", "dc:language"))
        self._home = absolute(self._base, _link(self._head)) or url

    def feed(self, items: list[Element]) -> Feed:
        links = self._head.get("link", ())
        hubs = (absolute(self._base, e.get("href", "")) for e in links if e.get("rel") == "hub")
        return Feed(
            title=_title(self._head, self._names),
            lang=self._lang,
            ttl=_ttl(self._head),
            hub=next(filter(None, hubs), None),
            entries=tuple(filter(None, map(self._entry, self._newest(items)))),
        )

    def _newest(self, items: list[Element]) -> list[Element]:
        """The first entries, or the last where the document has its oldest entry first."""
        if len(items) <= MAX_ENTRIES:
            return items
        first, last = (self._published(fields_of(items[i], self._names)) for i in (0, -1))
        oldest_first = first is not None and last is not None and first < last
        return items[-MAX_ENTRIES:] if oldest_first else items[:MAX_ENTRIES]

    def _entry(self, item: Element) -> Entry | None:
        fields = fields_of(item, self._names)
        base = item.base or self._base
        title = _title(fields, self._names)
        bodies = _bodies(fields, self._names)
        text = _longest(bodies)
        url = self._address(fields, base)
        published = self._published(fields)
        given = tidy(_first(fields, "guid", "id")).replace("\n", " ")
        if not (title or text or url):
            return None
        return Entry(
            id=given or url or fingerprint(title or text, published),
            url=url,
            title=title,
            text=text,
            image=_image(fields, bodies, base),
            author=_author(fields, self._names),
            published=published,
            lang=language(item.get(_XML_LANG, "")) or self._lang,
            tags=_tags(fields),
        )

    def _published(self, fields: Fields) -> datetime | None:
        dates = (parse_date(_first(fields, name), self._tz) for name in DATES if name in fields)
        return next(filter(None, dates), None)

    def _address(self, fields: Fields, base: str) -> str:
        url = absolute(base, _first(fields, "feedburner:origlink") or _link(fields))
        if not url:
            permalinks = (
                (e.text or "") for e in fields.get("guid", ()) if e.get("isPermaLink") != "false"
            )
            # A bare number is an id all the same, not an address beside the feed.
            url = next((u for u in map(str.strip, permalinks) if u.startswith("http")), "")
            url = absolute(base, url)
        return rehomed(url, self._home)


def _first(fields: Fields, *names: str) -> str:
    """The first text that an element of those names begins with."""
    for name in names:
        for element in fields.get(name, ()):
            if text := (element.text or "").strip():
                return text
    return ""


def _bodies(fields: Fields, names: Names) -> list[str]:
    """What an entry says of itself as HTML or text, the fullest kind first."""
    return [
        markup_of(element, names)
        for name in ("content:encoded", "content", "description", "summary", "media:description")
        for element in filter(_is_text, fields.get(name, ()))
    ]


def _title(fields: Fields, names: Names) -> str:
    elements = chain.from_iterable(fields.get(n, ()) for n in ("title", "media:title", "dc:title"))
    return next(filter(None, (line(markup_of(element, names)) for element in elements)), "")


def _longest(bodies: list[str]) -> str:
    """The longest text; a summary is read only where it could be longer than the content."""
    text = ""
    for markup in bodies:
        if len(markup) > len(text):
            text = max(text, plain(markup), key=len)
    return text[:MAX_TEXT].rstrip()


def _is_text(element: Element) -> bool:
    kind = element.get("type", "")
    return "/" not in kind or any(word in kind for word in ("text", "html", "xml"))


def _link(fields: Fields) -> str:
    """The address of what is described: RSS writes it as text, Atom as an attribute."""
    alternate = ""
    for element in fields.get("link", ()):
        href = element.get("href")
        if href is None:
            # After "<link/>" some publishers write the address all the same.
            if written := (element.text or element.tail or "").strip():
                return written
        elif element.get("rel", "alternate") == "alternate":
            alternate = alternate or href
    return alternate


def _image(fields: Fields, bodies: list[str], base: str) -> str:
    for candidate in chain(_image_candidates(fields), map(first_picture, bodies)):
        if address := absolute(base, candidate):
            return address
    return ""


def _image_candidates(fields: Fields) -> Iterable[str]:
    for element in fields.get("media:content", ()):
        address, kind = element.get("url", ""), element.get("type", "")
        medium = element.get("medium") or kind.partition("/")[0]
        if medium == "image" or (not medium and _PICTURE.search(address)):
            yield address
    for element in (*fields.get("enclosure", ()), *fields.get("link", ())):
        if element.get("type", "").startswith("image/"):
            yield element.get("url") or element.get("href") or ""
    for element in (*fields.get("media:thumbnail", ()), *fields.get("media:content", ())):
        thumbnails = (element, *element)
        yield from (e.get("url", "") for e in thumbnails if str(e.tag).endswith("thumbnail"))
    for element in fields.get("itunes:image", ()):
        yield element.get("href", "")
    for element in fields.get("image", ()):
        yield element.findtext("url") or element.text or ""


#: Authors and tags come again from entry to entry, and from poll to poll.
_label = lru_cache(maxsize=4096)(line)


def _author(fields: Fields, names: Names) -> str:
    for name in ("dc:creator", "author", "itunes:author"):
        for element in fields.get(name, ()):
            named = _first(fields_of(element, names), "name") if len(element) else ""
            author = _label(named or element.text or "")
            if mailbox := _MAILBOX.fullmatch(author):
                author = mailbox[1] or ""
            if author:
                return author
    return ""


def _tags(fields: Fields) -> tuple[str, ...]:
    elements = (*fields.get("category", ()), *fields.get("dc:subject", ()))
    tags = (_label(e.get("label") or e.get("term") or e.text or "") for e in elements)
    return tuple(dict.fromkeys(filter(None, tags)))[:MAX_TAGS]


def _ttl(head: Fields) -> float | None:
    # Not sy:updatePeriod: WordPress writes "hourly" into every feed, which nobody has asked for.
    return _number(_first(head, "ttl")) * 60 or None


def _number(text: str) -> float:
    """A whole number of up to six digits; 0 for anything else."""
    return float(text) if text.isascii() and text.isdecimal() and len(text) <= 6 else 0.0


def _lang(head: Element) -> str:
    declared = (e.get(_XML_LANG, "") for e in (head, *head.iterancestors()))
    return next(filter(None, map(language, declared)), "")
