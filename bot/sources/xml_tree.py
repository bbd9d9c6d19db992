"""The tree of an XML feed, whatever state the document is in, and the names in it."""

from __future__ import annotations

import html
import re
from itertools import chain, takewhile
from typing import Final

from lxml import etree

from bot.domain.errors import Malformed
from bot.sources.plain_text import line
from bot.sources.xml_text import mend

Element = etree._Element  # noqa: SLF001 - lxml's only name for the type of elements

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
#: Elements that hold a date, the one that means most first.
DATES = (
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
#: Elements for text. One that holds another field of an entry has lost its own end.
_TEXTS = frozenset(DATES) | {
    "category",
    "content",
    "content:encoded",
    "dc:creator",
    "description",
    "guid",
    "id",
    "link",
    "summary",
    "title",
}
_FIELDS = _TEXTS | {
    "author",
    "enclosure",
    "entry",
    "item",
    "media:content",
    "media:group",
    "media:thumbnail",
}

Fields = dict[str, list[Element]]


def grow(text: str, url: str) -> Element:
    """The root of a feed's tree; `url` is the base of its relative addresses.

    What stands before the root is dropped: the declaration, which may misstate the encoding; the
    document type with its entities; warnings of the publisher's scripts.

    Raises:
        Malformed: the text is no XML feed; says what it looks like.
    """
    root_tag = _ROOT.search(text)
    if root_tag is None or _HTML.search(text[: root_tag.start()]):
        raise Malformed(f"It is {_looks_like(text)}, not a feed.")
    return _tree(text[root_tag.start() :], url)


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


class Names(dict[str, str]):
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


def fields_of(parent: Element, names: Names) -> Fields:
    """The children by name, and with them those of media groups.

    A child that was not closed holds the rest of its siblings; they count as if it had been.
    """
    fields: Fields = {}
    for child in parent:
        name = names[child.tag]
        if name in fields:
            fields[name].append(child)
        else:
            fields[name] = [child]
        if len(child) and (name in _TEXTS or name == "media:group"):
            for member in child:
                fields.setdefault(names[member.tag], []).append(member)
    return fields


def markup_of(element: Element, names: Names) -> str:
    """What an element holds, as HTML or text: its markup where it has children."""
    if len(element) == 0:
        return element.text or ""
    own = list(takewhile(lambda child: names[child.tag] not in _FIELDS, element))
    for node in chain.from_iterable(child.iter() for child in own):
        namespace, _, local = node.tag.rpartition("}")
        if namespace and ":" not in local:
            node.tag = local  # so that <xhtml:p> is written as <p>
    parts = (etree.tostring(child, encoding="unicode", method="html") for child in own)
    return html.escape(element.text or "") + "".join(parts)
