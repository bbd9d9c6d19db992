"""A web page as title and text, for looking into one article that somebody names."""

from __future__ import annotations

import re
from typing import Final

from bot.sources.plain_text import line, plain
from bot.sources.xml_text import decode

#: Bytes of a page that are read; articles with all that surrounds them are well below.
MAX_PAGE: Final = 2_000_000

# No tree is built, for the reason that `plain_text` gives: nesting must not cost time.
_OG_TITLE = re.compile(
    r"<meta\s[^<>]*?property=[\"']og:title[\"'][^<>]*?content=(?:\"([^\"]*)\"|'([^']*)')",
    re.IGNORECASE,
)
_TITLE = re.compile(r"<title[^>]*>([^<]*)", re.IGNORECASE)
_PARAGRAPH = re.compile(r"<p(?:\s[^>]*)?>(.*?)(?=</p\s*>|<p[\s>]|\Z)", re.IGNORECASE | re.DOTALL)


def read_page(body: bytes, content_type: str = "") -> tuple[str, str]:
    """The title and the paragraphs of an HTML page, both plain; "" where there are none."""
    page = decode(body[:MAX_PAGE], content_type)
    named = _OG_TITLE.search(page)
    plainly = _TITLE.search(page)
    title = (named[1] or named[2]) if named else plainly[1] if plainly else ""
    paragraphs = (" ".join(plain(p[1]).split()) for p in _PARAGRAPH.finditer(page))
    return line(title), "\n".join(filter(None, paragraphs))
