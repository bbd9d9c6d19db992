"""The bytes of a feed, in whatever format and state, to a `Feed`."""

from __future__ import annotations

from bot.domain.errors import Malformed
from bot.sources.entries import Entry, Feed
from bot.sources.json_feed import parse_json
from bot.sources.xml_feed import parse_xml
from bot.sources.xml_text import decode

__all__ = ["Entry", "Feed", "parse_feed"]


def parse_feed(body: bytes, *, url: str, content_type: str = "", tz: str = "UTC") -> Feed:
    """Read RSS 0.9 to 2.0, RDF, Atom or JSON Feed. Pure: touches neither network nor disk.

    Takes time and memory in proportion to the body, whose size the caller bounds.

    Args:
        body: the document, decompressed.
        url: where it came from; relative links are resolved against it.
        content_type: the HTTP header; only its charset is used, and only where the bytes leave a
            doubt.
        tz: IANA zone of dates that carry none.

    Raises:
        Malformed: the body is empty or no feed; says what it looks like.
        zoneinfo.ZoneInfoNotFoundError: there is no zone `tz`.
    """
    text = decode(body, content_type).lstrip(" \t\r\n\0\ufeff")
    if not text:
        raise Malformed("It is empty, not a feed.")
    parse = parse_json if text[0] in "{[" else parse_xml
    return parse(text, url=url, tz=tz)
