"""Where a name may begin and end in running text, by the rules of its script.

Latin, Cyrillic and Arabic names are words of their own; a Hangul name may carry particles that
agree with its last syllable; katakana must not go on; Han and Thai have no boundaries to see.
"""

from __future__ import annotations

import re

from bot.domain.text import Script, has_final_consonant, is_katakana, script

# Korean particles by what they follow (National Institute of Korean Language, standard grammar):
# a syllable without a final consonant, one with, either; then what may be stacked on them.
_STACKED = r"(?:도|만|는|은|의|가|이|를|을|와|과|까지|부터|에게|보다|처럼|로|랑|이랑|하고)?"
_EITHER = (
    "의|도|만|에게서|에게|한테|께서|께|에서|에|부터|까지|보다|처럼|하고|님|씨|양|군|측|표|발|네|뿐|조차|마저|"
    "같은|같이|마냥|답게|인|든"
)
_AFTER_VOWEL = re.compile(
    rf"(?:가|는|를|와|랑|로|야|여|라고|라는|라며|라|나|다|였다|예요|입니다|{_EITHER}){_STACKED}(?![가-힣])"
)
_AFTER_CONSONANT = re.compile(
    rf"(?:이랑|이라고|이라는|이라며|이라|이나|이다|이었다|이에요|입니다|이여|으로|은|을|과|아|"
    rf"이(?:가|는|를|와|랑|도|의|한테|에게|만|네)?|{_EITHER}){_STACKED}(?![가-힣])"
)


def begins(norm: str, start: int, *, glued: bool) -> bool:
    """Whether a word may begin there by the rules of its script."""
    if start == 0:
        return True
    first, before = norm[start], norm[start - 1]
    own = script(first)
    if own is Script.NONE:
        return first != "@" or not before.isalnum()
    if own is not script(before):
        return True
    match own:
        case Script.LATIN:
            return before == "_"
        case Script.HANGUL:
            return glued
        case Script.KANA:
            return not (is_katakana(first) and is_katakana(before))
        case _:
            return own is not Script.OTHER


def ends(norm: str, end: int) -> bool:
    """Whether a word may end there by the rules of its script."""
    if end == len(norm):
        return True
    last, after = norm[end - 1], norm[end]
    match script(last):
        case Script.LATIN:
            return script(after) is not Script.LATIN
        case Script.HANGUL:
            if script(after) is not Script.HANGUL:
                return True
            particle = _AFTER_CONSONANT if has_final_consonant(last) else _AFTER_VOWEL
            return particle.match(norm, end) is not None
        case Script.KANA:
            return not (is_katakana(last) and is_katakana(after))
        case Script.OTHER:
            return script(after) is not Script.OTHER
        case _:
            return True
