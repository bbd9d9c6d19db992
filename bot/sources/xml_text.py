"""Bytes to text that an XML parser takes: which encoding they are in, and what is broken in them.

An XML parser that recovers from errors loses more than the error: after the first one libxml2
drops every `&amp;`. So what is wrong is put right here, before the parser sees it.
"""

from __future__ import annotations

import re
from html import unescape
from html.entities import html5

from w3lib.encoding import (
    html_body_declared_encoding,
    http_content_type_encoding,
    read_bom,
)

# ── encodings ─────────────────────────────────────────────────────────────────────────────────

#: Python's codecs for encodings of text on the web; its others ("punycode", "unicode_escape") are
#: slow or not encodings of documents at all.
_WEB = re.compile(
    r"utf-8|cp\d+|iso8859-\d+|koi8-[rtu]|euc_\w+|shift_jis\w*|iso2022_\w+|gb18030|hz|big5hkscs"
    r"|johab|mac[-_]\w+|tis-620"
)
_MULTIBYTE = re.compile(r"cp949|cp932|euc_\w+|shift_jis\w*|iso2022_\w+|gb18030|big5hkscs|johab")
#: What to try on bytes that are not UTF-8 and do not say what they are, and the script that must
#: make up most of the result beyond ASCII for the guess to count.
_GUESSES = (
    ("cp949", re.compile("[\uac00-\ud7a3]")),
    ("euc_jp", re.compile("[\u3041-\u30ff]")),
    ("cp932", re.compile("[\u3041-\u30ff]")),
)
_BEYOND_ASCII = re.compile(r"[^\x00-\x7f]")
#: Beyond what UTF-8 writes in two bytes.
_BEYOND_TWO_BYTES = re.compile("[^\x00-\u07ff]")


def decode(body: bytes, content_type: str = "") -> str:
    """The text of a document, by its bytes first and by what it says of itself second.

    Many documents misstate their encoding, and bytes beyond ASCII that happen to be valid UTF-8
    are practically always UTF-8. Never fails: what cannot be read becomes U+FFFD.
    """
    encoding, bom = read_bom(body)
    if encoding is not None and bom is not None:
        return body[len(bom) :].decode(encoding, "replace").lstrip("\ufeff")
    if body[1:2] == body[3:4] == b"\0":
        return body.decode("utf-16-le", "replace")
    if body[0:1] == body[2:3] == b"\0":
        return body.decode("utf-16-be", "replace")
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError:
        return _decode_other(body, _declared(body, content_type))
    for name in filter(_MULTIBYTE.fullmatch, _declared(body, content_type)):
        # Few byte pairs are valid UTF-8 and valid Korean or Japanese; seven-bit ones all are.
        if "\x1b" in text or not (text.isascii() or _BEYOND_TWO_BYTES.search(text)):
            other = _strictly(body, name)
            return text if other is None else other
    return text


def _declared(body: bytes, content_type: str) -> list[str]:
    """The encodings that the HTTP header and the document name, the usable ones."""
    names = (http_content_type_encoding(content_type), html_body_declared_encoding(body[:4096]))
    return [name for name in names if name and _WEB.fullmatch(name)]


def _decode_other(body: bytes, declared: list[str]) -> str:
    declared = [name for name in declared if name != "utf-8"]
    for name in declared:
        if _MULTIBYTE.fullmatch(name) and (text := _strictly(body, name)) is not None:
            return text
    for name, script in _GUESSES:
        text = _strictly(body, name)
        if text is not None and _mostly(script, text):
            return text
    return body.decode(declared[0] if declared else "utf-8", "replace")


def _strictly(body: bytes, encoding: str) -> str | None:
    try:
        return body.decode(encoding)
    except UnicodeDecodeError:
        return None


def _mostly(script: re.Pattern[str], text: str) -> bool:
    return 2 * len(script.findall(text)) > len(_BEYOND_ASCII.findall(text))


# ── repair ────────────────────────────────────────────────────────────────────────────────────

_FORBIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")  # by XML 1.0 §2.2
#: In one pass: CDATA sections, references and what only looks like one, a "<" that opens no tag, a
#: "]]>" that ends nothing, and forbidden characters.
_BROKEN = re.compile(
    r"<!\[CDATA\[(?P<cdata>.*?)(?:\]\]>|\Z)"
    r"|&(?P<reference>\#[xX][0-9a-fA-F]{1,8};|\#[0-9]{1,8};|\w{1,32};)?"
    r"|<(?![^\W\d]|[/!?:])|\]\]>"
    rf"|{_FORBIDDEN.pattern}",
    re.DOTALL,
)
#: Elements that hold text for a reader, and the beginnings and ends of entries.
_TEXT_TAG = re.compile(
    r"<(?P<end>/)?(?P<name>(?:item|entry)(?=[\s>])"
    r"|(?:[\w-]+:)?(?:title|description|summary|encoded|subtitle)|content|itunes:summary)"
    r"(?:\s[^<>]*)?(?<!/)>"
)
_ESCAPES = str.maketrans({"&": "&#38;", "<": "&#60;", ">": "&#62;", '"': "&#34;", "'": "&#39;"})


def mend(text: str) -> str:
    """The same document with what would mislead a recovering parser written in another way.

    References become characters or numeric references, CDATA sections become escaped text,
    characters that XML forbids are dropped, and markup that stands unescaped inside an element
    for text is escaped.
    """
    text = _escape_inner_markup(_BROKEN.sub(_mended, text))
    try:
        text.encode()
    except UnicodeEncodeError:
        # Two references made one emoji in UTF-16: join them; a lone half becomes U+FFFD.
        text = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return text


def _mended(match: re.Match[str]) -> str:
    whole = match[0]
    if whole.startswith("<!"):
        return _FORBIDDEN.sub("", match["cdata"]).translate(_ESCAPES)
    if whole.startswith("&"):
        return _referenced(match["reference"]).translate(_ESCAPES)
    return whole.translate(_ESCAPES) if whole[0] in "<]" else ""


def _referenced(reference: str | None) -> str:
    if reference is None:
        return "&"
    if reference.startswith("#"):
        number = reference[1:-1]
        code = int(number[1:], 16) if number[0] in "xX" else int(number)
        if 0xD800 <= code <= 0xDFFF:
            return chr(code)  # half of a pair; for now
        return _FORBIDDEN.sub("", unescape(f"&{reference}")) if code else ""
    return html5.get(reference, f"&{reference}")


def _escape_inner_markup(text: str) -> str:
    """Escape the tags between the tags of an element for text, where it holds no whole entry."""
    parts: list[str] = []
    done = 0
    name = ""
    start = 0
    for tag in _TEXT_TAG.finditer(text):
        if tag["name"] in ("item", "entry"):
            name = ""
        elif tag["end"] is None and not name:
            name, start = tag["name"], tag.end()
        elif tag["end"] and tag["name"] == name:
            if "<" in (inner := text[start : tag.start()]):
                parts += text[done:start], inner.replace("<", "&#60;")
                done = tag.start()
            name = ""
    return "".join(parts) + text[done:]
