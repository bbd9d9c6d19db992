"""RSS 0.9 to 2.0, RDF and Atom: text to a `Feed`."""

from __future__ import annotations

import html
import re
from collections.abc import Iterable
from datetime import datetime
from itertools import chain
from typing import Final

from lxml import etree

from bot.domain.errors import Malformed
from bot.sources.dates import parse_date
from bot.sources.entries import (
    MAX_ENTRIES,
    MAX_LINE,
    MAX_TAGS,
    MAX_TEXT,
    Entry,
    Feed,
    fingerprint,
    language,
)
from bot.sources.links import absolute, rehomed
from bot.sources.plain_text import first_picture, line, plain, tidy
from bot.sources.xml_text import mend

Element = etree._Element  # noqa: SLF001 - lxml's only name for the type of its elements

_ROOT = re.compile(r"<(?:[\w-]+:)?(?:rss|feed|rdf|channel)(?=[\s>])", re.IGNORECASE)
_HTML = re.compile(r"<(?:!doctype\s+)?html[\s>]", re.IGNORECASE)
_HTML_TITLE = re.compile(r"<title[^<>]{0,200}>([^<]{1,200})", re.IGNORECASE)
_FIRST_ELEMENT = re.compile(r"<([^\W\d][\w:.-]{0,60})")

#: Namespaces by their address without scheme and final "/" or "#", which publishers vary.
_PREFIXES: Final = {
    "purl.org/rss/1.0": "",
    "my.netscape.com/rdf/simple/0.9": "",
    "channel.netscape.com/rdf/simple/0.9": "",
    "backend.userland.com/rss2": "",
    "blogs.law.harvard.edu/tech/rss": "",
    "cyber.law.harvard.edu/rss/rss.html": "",
    "www.w3.org/2005/atom": "",
    "purl.org/atom/ns": "",
    "purl.org/rss/1.0/modules/content": "content:",
    "purl.org/rss/1.0/modules/syndication": "sy:",
    "purl.org/dc/elements/1.1": "dc:",
    "purl.org/dc/terms": "dcterms:",
    "search.yahoo.com/mrss": "media:",
    "www.itunes.com/dtds/podcast-1.0.dtd": "itunes:",
    "rssnamespace.org/feedburner/ext/1.0": "feedburner:",
}
_XML_LANG = "{http://www.w3.org/XML/1998/namespace}lang"
_DATES = (
    "pubdate",
    "published",
    "issued",
    "dc:date",
    "date",
    "dcterms:issued",
    "dcterms:created",
    "updated",
    "modified",
    "dcterms:modified",
)
_PERIODS = {
    "hourly": 3_600.0,
    "daily": 86_400.0,
    "weekly": 604_800.0,
    "monthly": 2_592_000.0,
    "yearly": 31_536_000.0,
}
_PICTURE = re.compile(r"\.(?:jpe?g|png|webp|gif|avif)(?:$|\?)", re.IGNORECASE)
_MAILBOX = re.compile(r"\S{1,200}@\S{1,200} ?(?:\((.{1,200})\))?")

_Fields = dict[str, list[Element]]


def parse_xml(text: str, *, url: str, tz: str) -> Feed:
    """Read an XML feed whose root is named, somewhere near the start of `text`.

    Raises:
        Malformed: the text is something else; says what it looks like.
    """
    root_tag = _ROOT.search(text)
    prolog = text[: root_tag.start()] if root_tag else text
    if root_tag is None or _HTML.search(prolog):
        raise Malformed(f"It is {_looks_like(text)}, not a feed.")
    # What stands before the root is dropped: the declaration, which may misstate the encoding;
    # the document type with its entities; warnings of the publisher's scripts.
    root = _tree(text[root_tag.start() :], url)
    names = _Names(next(root.iter("{*}channel", "{*}item", "{*}entry"), root))
    head = next((e for e in root if names[e.tag] == "channel"), root)
    items = [e for e in root.iter("{*}item", "{*}entry") if names[e.tag] in ("item", "entry")]
    if head is root and names[root.tag] != "feed" and not items and len(root) == 0:
        raise Malformed("It begins as a feed and ends before it says anything.")
    reader = _Reader(names, _fields(head, names), base=head.base or url, tz=tz)
    return reader.feed(items, _lang(head, root))


def _looks_like(text: str) -> str:
    if _HTML.search(text):
        title = _HTML_TITLE.search(text)
        return f"an HTML page titled “{line(title[1])}”" if title else "an HTML page"
    if element := _FIRST_ELEMENT.search(text):
        return f"markup that begins with <{element[1]}>"
    return "plain text"


def _tree(text: str, url: str) -> Element:
    """The document's tree: strictly where it is well formed, else mended and as far as it goes."""
    try:
        return etree.fromstring(text.encode(), _parser(recover=False), base_url=url)
    except (etree.XMLSyntaxError, UnicodeEncodeError):
        pass
    try:
        root = etree.fromstring(mend(text).encode(), _parser(recover=True), base_url=url)
    except etree.XMLSyntaxError:
        root = None
    if root is None:
        raise Malformed("It begins as a feed and goes on as something that is no XML.")
    return root


def _parser(*, recover: bool) -> etree.XMLParser:
    # `huge_tree` lifts the limit of 10 MB for one text; the size of the whole is bounded before.
    return etree.XMLParser(
        encoding="utf-8",
        recover=recover,
        huge_tree=True,
        resolve_entities=False,
        load_dtd=False,
        no_network=True,
        remove_comments=True,
        remove_pis=True,
        collect_ids=False,
    )


class _Names(dict[str, str]):
    """Tags as "title" or "dc:creator": lower case, the namespace as its usual prefix.

    The namespaces of RSS and Atom have no prefix, nor has the one of `sample`, an element that is
    part of the format itself. A prefix that was never declared means what it usually does.
    """

    def __init__(self, sample: Element) -> None:
        super().__init__()
        self._home = _namespace(sample.tag)[0]

    def __missing__(self, tag: str) -> str:
        namespace, local = _namespace(tag)
        known = "" if namespace in (None, self._home) else _PREFIXES.get(namespace, "?:")
        self[tag] = name = known + local.lower().removeprefix("atom:")
        return name


def _namespace(tag: str) -> tuple[str | None, str]:
    if not tag.startswith("{"):
        return None, tag
    address, _, local = tag[1:].partition("}")
    address = address.lower().rstrip("/#")
    return address.removeprefix("http://").removeprefix("https://"), local


def _fields(parent: Element, names: _Names) -> _Fields:
    """The children by name, with those of media groups as if they were its own."""
    fields: _Fields = {}
    for child in parent:
        name = names[child.tag]
        fields.setdefault(name, []).append(child)
        if name == "media:group":
            for member in child:
                fields.setdefault(names[member.tag], []).append(member)
    return fields


class _Reader:
    """Reads the entries of one document."""

    def __init__(self, names: _Names, head: _Fields, *, url: str, tz: str, lang: str) -> None:
        self._names = names
        self._head = head
        self._url = url
        self._tz = tz
        self._lang = lang or language(_first(head, "language", "dc:language"))
        self._home = absolute(url, _link(head)) or url

    def feed(self, items: list[Element]) -> Feed:
        head = self._head
        hubs = (e.get("href", "") for e in head.get("link", ()) if e.get("rel") == "hub")
        return Feed(
            title=line(_first(head, "title"))[:MAX_LINE],
            lang=self._lang,
            ttl=_ttl(head),
            hub=next(filter(None, (absolute(self._url, hub) for hub in hubs)), None),
            entries=tuple(filter(None, map(self._entry, self._newest(items)))),
        )

    def _newest(self, items: list[Element]) -> list[Element]:
        """The first entries, or the last where the document has its oldest entry first."""
        if len(items) <= MAX_ENTRIES:
            return items
        first, last = (self._published(_fields(items[i], self._names)) for i in (0, -1))
        oldest_first = first is not None and last is not None and first < last
        return items[-MAX_ENTRIES:] if oldest_first else items[:MAX_ENTRIES]

    def _entry(self, item: Element) -> Entry | None:
        fields = _fields(item, self._names)
        # Asking libxml2 for the base climbs to the root, which few documents need.
        base = item.base or self._url
        title = line(_first(fields, "title", "media:title", "dc:title"))[:MAX_LINE]
        bodies = _bodies(fields)
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

    def _published(self, fields: _Fields) -> datetime | None:
        dates = (parse_date(_first(fields, name), self._tz) for name in _DATES if name in fields)
        return next(filter(None, dates), None)

    def _address(self, fields: _Fields, base: str) -> str:
        url = absolute(base, _first(fields, "feedburner:origlink") or _link(fields))
        if not url:
            permalinks = (
                (e.text or "") for e in fields.get("guid", ()) if e.get("isPermaLink") != "false"
            )
            # A bare number is an id all the same, not an address beside the feed.
            url = next((u for u in map(str.strip, permalinks) if u.startswith("http")), "")
            url = absolute(base, url)
        return rehomed(url, self._home)


def _first(fields: _Fields, *names: str) -> str:
    """The content of the first element of those names that has any."""
    for name in names:
        for element in fields.get(name, ()):
            if content := _content(element).strip():
                return content
    return ""


def _content(element: Element) -> str:
    """What an element holds, as HTML or text: its markup where it has children."""
    if len(element) == 0:
        return element.text or ""
    for node in element.iterdescendants():
        node.tag = etree.QName(node).localname
    parts = [etree.tostring(node, encoding="unicode", method="html") for node in element]
    return html.escape(element.text or "") + "".join(parts)


def _bodies(fields: _Fields) -> list[str]:
    """What an entry says of itself as HTML or text, the fullest kind first."""
    return [
        _content(element)
        for name in ("content:encoded", "content", "description", "summary", "media:description")
        for element in filter(_is_text, fields.get(name, ()))
    ]


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


def _link(fields: _Fields) -> str:
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


def _image(fields: _Fields, bodies: list[str], base: str) -> str:
    for candidate in chain(_image_candidates(fields), map(first_picture, bodies)):
        if address := absolute(base, candidate):
            return address
    return ""


def _image_candidates(fields: _Fields) -> Iterable[str]:
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


def _author(fields: _Fields, names: _Names) -> str:
    for name in ("dc:creator", "author", "itunes:author"):
        for element in fields.get(name, ()):
            inner = _fields(element, names)
            author = line(_first(inner, "name") if inner else element.text or "")[:MAX_LINE]
            if mailbox := _MAILBOX.fullmatch(author):
                author = mailbox[1] or ""
            if author:
                return author
    return ""


def _tags(fields: _Fields) -> tuple[str, ...]:
    elements = (*fields.get("category", ()), *fields.get("dc:subject", ()))
    tags = (line(e.get("label") or e.get("term") or e.text or "")[:MAX_LINE] for e in elements)
    return tuple(dict.fromkeys(filter(None, tags)))[:MAX_TAGS]


def _ttl(head: _Fields) -> float | None:
    if minutes := _number(_first(head, "ttl")):
        return minutes * 60
    period = _PERIODS.get(_first(head, "sy:updateperiod").lower())
    return period and period / (_number(_first(head, "sy:updatefrequency")) or 1)


def _number(text: str) -> float:
    """A whole number of up to six digits; 0 for anything else."""
    return float(text) if text.isascii() and text.isdecimal() and len(text) <= 6 else 0.0


def _lang(head: Element, root: Element) -> str:
    return language(head.get(_XML_LANG, "") or root.get(_XML_LANG, ""))
