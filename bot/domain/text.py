"""Text as the linker reads it: normalised, with a way back to the raw characters.

Normalising is NFKC (Unicode Standard Annex #15) and case folding, with zero-width characters
removed and quotation marks and spaces unified. Case is evidence, so the raw text is kept; every
normalised position maps back to a raw one, so that a mention's offsets slice the raw field.
"""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_right
from collections.abc import Iterator
from enum import StrEnum
from functools import lru_cache
from itertools import pairwise

import msgspec

#: Removed: soft hyphen, combining grapheme joiner, zero-width and bidirectional marks, variation
#: selectors, BOM. They occur inside names that were copied from styled pages.
_INVISIBLE = re.compile(
    "[\u00ad\u034f\u061c\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufe00-\ufe0f\ufeff]"
)
_SAME_LENGTH = str.maketrans(
    {
        **dict.fromkeys("‘’ʼ´`＇‛", "'"),
        **dict.fromkeys("“”„‟＂«»", '"'),
        **dict.fromkeys("\u00a0\u2002\u2003\u2009\u202f\u3000\t\r\v\f", " "),
        **dict.fromkeys("‐‑‒–", "-"),
        **{chr(c): "\ufffd" for c in range(0xD800, 0xE000)},  # lone surrogates have no UTF-8
    }
)
_UNIFIED = re.compile(f"[{re.escape(''.join(map(chr, _SAME_LENGTH)))}]")
#: Marks that NFKC may fold into the character before: combining marks, conjoining Hangul vowels
#: and finals, half-width voicing marks.
_MARKS = "\u0300-\u036f\u1160-\u11ff\u3099\u309a\uff9e\uff9f\u0591-\u05c7\u064b-\u065f"
#: Common characters that by themselves fold to one character in NFKC: most of any text, read a run
#: at a time (Latin, Cyrillic, Thai, kana, Han, Hangul, emoji). The rest: a base with its marks.
_PIECE = re.compile(
    "(?P<plain>[\x00-\x7f\u00c0-\u00de\u00e0-\u00ff\u0410-\u044f\u0e01-\u0e32\u0e40-\u0e4e"
    "\u3001-\u3029\u3041-\u3096\u30a1-\u30fe\u4e00-\u9fff\uac00-\ud7a3\U0001f300-\U0001f9ff]+"
    f"(?![{_MARKS}]))|.[{_MARKS}]*",
    re.DOTALL,
)


class Text(msgspec.Struct, frozen=True):  # one is made for every field of every post
    """A field of a post: `raw` as it came, `norm` as the linker reads it."""

    raw: str
    norm: str
    #: Raw index of each normalised character, and of the end; None when they are the same.
    offsets: tuple[int, ...] | None = None

    def span(self, start: int, end: int) -> tuple[int, int]:
        """The raw slice of the normalised slice [start, end)."""
        if self.offsets is None:
            return start, end
        if start >= end:
            return self.offsets[start], self.offsets[start]
        # The raw end is where the next normalised character begins; when one raw character became
        # several, they share an offset, so look for the first greater one.
        last = self.offsets[end - 1]
        following = bisect_right(self.offsets, last)
        return self.offsets[start], self.offsets[following] if following < len(
            self.offsets
        ) else len(self.raw)


def read(raw: str) -> Text:
    """Normalise one field."""
    mapped = _UNIFIED.sub(lambda found: _SAME_LENGTH[ord(found.group())], raw)
    if not _INVISIBLE.search(mapped) and (
        mapped.isascii() or unicodedata.is_normalized("NFKC", mapped)
    ):
        norm = mapped.casefold()
        if len(norm) == len(raw):  # folding only ever lengthens, so equal length is one to one
            return Text(raw, norm)
    out: list[str] = []
    offsets: list[int] = []
    for piece in _PIECE.finditer(mapped):
        if piece.lastgroup:
            out.append(piece.group().casefold())
            offsets.extend(range(*piece.span()))
            continue
        folded = unicodedata.normalize("NFKC", _INVISIBLE.sub("", piece.group()))
        folded = folded.translate(_SAME_LENGTH).casefold()
        out.append(folded)
        offsets.extend([piece.start()] * len(folded))
    offsets.append(len(raw))
    return Text(raw, "".join(out), tuple(offsets))


def fold(name: str) -> str:
    """A name in the form in which it is looked for in `Text.norm`; spaces collapsed."""
    return " ".join(read(unicodedata.normalize("NFKC", name)).norm.split())


class Script(StrEnum):
    """The writing systems whose word boundaries differ."""

    LATIN = "latin"
    HANGUL = "hangul"
    KANA = "kana"
    HAN = "han"
    THAI = "thai"
    OTHER = "other"  #: letters that are set apart by spaces: Cyrillic, Arabic, Greek
    NONE = "none"  #: not a letter


@lru_cache(maxsize=1 << 14)  # more than the letters in use
def script(char: str) -> Script:
    """The writing system of one (normalised) character; digits and "_" count as Latin."""
    code = ord(char)
    if code < 0x80:
        return Script.LATIN if char.isalnum() or char == "_" else Script.NONE
    if 0xAC00 <= code <= 0xD7A3 or 0x1100 <= code <= 0x11FF or 0x3130 <= code <= 0x318F:
        return Script.HANGUL
    if 0x3041 <= code <= 0x3096 or 0x30A1 <= code <= 0x30FA or code in (0x30FC, 0x30FD, 0x30FE):
        return Script.KANA
    if 0x4E00 <= code <= 0x9FFF or 0x3400 <= code <= 0x4DBF or code == 0x3005:
        return Script.HAN
    if 0x0E01 <= code <= 0x0E4E:
        return Script.THAI
    if 0x00C0 <= code <= 0x024F or 0x1E00 <= code <= 0x1EFF:
        return Script.LATIN if char.isalpha() else Script.NONE
    return Script.OTHER if char.isalpha() else Script.NONE


def is_katakana(char: str) -> bool:
    """Whether a character is katakana or its long-vowel mark."""
    return "\u30a1" <= char <= "\u30fa" or char == "ー"


def has_final_consonant(syllable: str) -> bool:
    """Whether a Hangul syllable ends in a consonant (batchim), on which particles depend."""
    return "가" <= syllable <= "힣" and (ord(syllable) - 0xAC00) % 28 != 0


#: Where a sentence may end: a line break; CJK full stops and marks; ". " with closing quotes.
#: Nothing is tried from within a run of dots, which would take the square of its length.
_BREAK = re.compile(r"\n+|[。！？!?…]+['\"”’」』)\]]*\s*|(?<!\.)\.+['\")\]]*\s+")
#: A full stop after these, or after a single letter, ends no sentence.
_ABBREVIATION = re.compile(r"(?<!\w)(?:\w|mr|mrs|ms|dr|st|vs|no|ft|feat|prod|sr|sra|jr)$")


def sentences(norm: str) -> list[tuple[int, int]]:
    """The spans of the sentences of a normalised text, in order, without the white space."""
    cuts = [0]
    for stop in _BREAK.finditer(norm):
        if stop.group()[0] == "." and _ABBREVIATION.search(
            norm, max(0, stop.start() - 5), stop.start()
        ):
            continue
        cuts.append(stop.end())
    cuts.append(len(norm))
    return [span for span in (_strip(norm, a, b) for a, b in pairwise(cuts)) if span[0] < span[1]]


def _strip(text: str, start: int, end: int) -> tuple[int, int]:
    while start < end and text[start].isspace():
        start += 1
    while end > start and text[end - 1].isspace():
        end -= 1
    return start, end


def scripts_of(norm: str) -> Iterator[Script]:
    """The writing systems that occur in a text, in no order."""
    return iter({script(c) for c in set(norm)} - {Script.NONE})
