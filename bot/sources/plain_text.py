"""HTML to plain text, and text to a form in which equal things look equal.

Tags are found one after another and no tree is built. A tree would give a hostile entry its lever,
because building one takes time quadratic in its depth (lexbor: 22 seconds for 100,000 nested tags),
and it would be most of the time that a feed takes.
"""

from __future__ import annotations

import html
import re
import unicodedata
from functools import lru_cache
from itertools import repeat

from bot.sources.entries import MAX_LINE

# The names of HTML's elements. The frequent ones come first, because they are tried in order.
_BLOCKS = (
    "p|br|div|li|ul|h2|h3|td|tr|figure|blockquote|figcaption|h1|h4|h5|h6|hr|ol|table|tbody|th|thead"
    "|tfoot|section|article|aside|header|footer|main|nav|pre|dl|dt|dd|center|caption|address"
    "|details|summary|fieldset|form|option|optgroup"
)
_INLINE = (
    "a|img|span|strong|b|em|i|u|font|small|s|sup|sub|code|cite|q|mark|del|ins|time|picture|source"
    "|input|label|meta|link|wbr|abbr|acronym|area|base|bdi|bdo|big|body|col|colgroup|data|dfn|embed"
    "|head|html|kbd|legend|map|meter|nobr|output|param|rp|rt|ruby|samp|strike|track|tt|var"
)
#: These go with all that they hold.
_DROPPED = (
    "script|style|iframe|noscript|svg|video|audio|object|button|select|textarea|template|canvas"
    "|title|math"
)
#: From a tag's name to its end. A value in quotation marks may hold ">". Nothing is ever given
#: back, and a tag that does not end takes the rest: so each character is looked at once.
_REST = r"""(?>(?:[^>=]+|=\s*(?:"[^"]*"|'[^']*')?)*)(?:>|\Z)"""
#: What is no text. Only a known name in one case makes a tag, and names of other vocabularies
#: ("amp-img", "o:p"): work titles stand in angle brackets too, such as "<Running Man>" and "<Map of
#: the Soul>".
_MARKUP = re.compile(
    rf"</?(?P<tag>(?:{_BLOCKS}|{_INLINE}|{_BLOCKS.upper()}|{_INLINE.upper()}"
    rf"|[a-z][a-z0-9]*[-:][a-z0-9:._-]+)(?=[\s/>]))(?:>|{_REST})"
    rf"|<(?P<dropped>{_DROPPED}|{_DROPPED.upper()})(?=[\s>]){_REST}(?<!/>)"
    r".*?(?:</(?P=dropped)\s*>|\Z)"
    rf"|</?(?:{_DROPPED}|{_DROPPED.upper()})(?=[\s/>]){_REST}"
    r"|<!--.*?(?:-->|\Z)"
    r"|<[!?][a-zA-Z\[][^>]*(?:>|\Z)",
    re.DOTALL,
)
_IMG = re.compile(rf"<(?:img|IMG)(?=[\s/]){_REST}")
_ATTRIBUTE = re.compile(r"""\s([\w-]+)\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"'>]+))""")
_REFERENCE = re.compile(r"&#?\w{1,32};")
#: Stands for the edge of a block until the newlines of the source, which mean nothing, are gone.
_EDGE = "\u2029"
_EDGES = dict.fromkeys(f"{_BLOCKS}|{_BLOCKS.upper()}".split("|"), _EDGE)
#: Every space but " ", which become that, and what is not seen and would part a name in two:
#: controls, soft hyphens, zero-width spaces, marks of writing direction. The joiner U+200D stays,
#: as emoji are built with it.
_ODD = re.compile(
    "[\x00-\x09\x0b-\x1f\x7f-\xa0\xad\u061c\u1680\u2000-\u200c\u200e\u200f\u2028-\u202f"
    "\u205f-\u206f\u3000\ud800-\udfff\ufeff\ufff9-\ufffb\ufffe\uffff]"
)


def plain(markup: str) -> str:
    """The text of HTML or of plain text, tidy; paragraphs are separated by newlines.

    In HTML only elements make paragraphs; where there is no tag at all, newlines do.
    """
    if "<" not in markup and "&" not in markup:
        return tidy(markup)
    if "<" not in markup:
        # Encoded once more than it should be: "&lt;p&gt;" is a tag, "&amp;quot;" a quotation mark.
        markup = _unescape(markup)
    if "<" in markup:
        pieces = _MARKUP.split(markup)
        if len(pieces) > 1:
            pieces[1::3] = map(_EDGES.get, pieces[1::3], repeat(""))
            pieces[2::3] = [""] * (len(pieces) // 3)
            markup = "".join(pieces).replace("\n", " ").replace(_EDGE, "\n")
    return tidy(_unescape(_unescape(markup)))


def line(markup: str) -> str:
    """The text of HTML or of plain text, tidy, on one line and of at most `MAX_LINE` characters."""
    return plain(markup).replace("\n", " ")[:MAX_LINE].rstrip()


def tidy(text: str) -> str:
    """NFC, without what cannot be seen, single spaces, and newlines only between paragraphs."""
    # What is printable holds nothing odd; asking that is much faster than looking for it.
    if not text.isprintable():
        text = text.replace("\xa0", " ")
        if not text.replace("\n", "").isprintable():
            text = _ODD.sub(_plain_space, text)
    if not text.isascii():
        text = unicodedata.normalize("NFC", text)
    # Splitting a line into words is the slow part, and most lines are tidy already.
    if "\n" not in text and "  " not in text:
        return text.strip(" ")
    lines = [
        " ".join(part.split()) if "  " in part else part.strip(" ") for part in text.split("\n")
    ]
    return "\n".join([part for part in lines if part])


def _plain_space(match: re.Match[str]) -> str:
    return " " if match[0].isspace() else ""


def first_picture(markup: str) -> str:
    """The address of the first picture in HTML as it is written there; "" when there is none."""
    for tag in _IMG.finditer(markup):
        attributes = {
            a[1].lower(): _unescape(a[2] or a[3] or a[4] or "") for a in _ATTRIBUTE.finditer(tag[0])
        }
        if "1" in (attributes.get("width"), attributes.get("height")):
            continue  # a counter, not a picture
        # Pages that load pictures late have the real address in another attribute.
        for name in ("data-src", "data-lazy-src", "data-original", "src"):
            address = (attributes.get(name) or "").strip()
            if address and not address.startswith("data:"):
                return address
    return ""


def _unescape(text: str) -> str:
    # `html.unescape` alone would also turn "?a=1&copy=2" into "?a=1©=2".
    return _REFERENCE.sub(_character, text) if "&" in text else text


def _character(match: re.Match[str]) -> str:
    return _referenced(match[0])


_referenced = lru_cache(maxsize=1024)(html.unescape)
