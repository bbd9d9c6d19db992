"""Normalised text and the way back to the raw characters."""

from __future__ import annotations

import time
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.roster import Roster
from bot.domain.text import (
    Script,
    fold,
    has_final_consonant,
    read,
    script,
    scripts_of,
    sentences,
)

#: Any string that Python can hold, with the characters that normalising moves about made likely.
TRICKY = st.text(
    st.one_of(
        st.characters(),  # all of Unicode, lone surrogates too
        st.sampled_from(
            "ﬁﬃŉİßΐﷺ①㍿ｼﾞﾟﾊｶﾞ지수각힣ㄱᄀ\u1161\u11a8ｱABCabc'’“\u200b\u00ad\ufe0f\u0301\u0323\u3099"
        ),
    ),
    max_size=60,
)


@pytest.mark.parametrize(
    ("raw", "norm"),
    [
        ("Jisoo", "jisoo"),
        ("ＪＩＳＯＯ", "jisoo"),  # full width
        ("\u110c\u1175\u1109\u116e", "지수"),  # decomposed Hangul, as macOS writes it
        ("ｼﾞｽ", "ジス"),  # half-width kana with its voicing mark
        ("ミンギュ", "ミンギュ"),
        ("Ro\u0301se", "róse"),
        ("Rosé", "rosé"),
        ("Ji\u200bsoo", "jisoo"),
        ("Min\u00adgyu", "mingyu"),
        ("\ufeffMingyu\u200e", "mingyu"),
        ("BTS’ V", "bts' v"),
        ("BTS` V", "bts' v"),
        ("“97 line”", '"97 line"'),
        ("high‑five", "high-five"),
        ("Jisoo\u00a0of\u3000BLACKPINK", "jisoo of blackpink"),
        ("oﬃcial", "official"),
        ("STRASSE straße", "strasse strasse"),
        ("a\r\nb", "a \nb"),
        ("\ud800x", "\ufffdx"),
    ],
)
def test_one_name_has_one_form_however_it_was_typed(raw: str, norm: str) -> None:
    assert read(raw).norm == norm


@given(TRICKY)
def test_every_slice_leads_back_to_raw_characters_that_read_the_same(raw: str) -> None:
    text = read(raw)
    for start in range(len(text.norm)):
        for end in range(start, min(start + 9, len(text.norm) + 1)):
            a, b = text.span(start, end)
            assert 0 <= a <= b <= len(raw)
            assert text.norm[start:end] in read(raw[a:b]).norm


@given(TRICKY)
def test_slices_that_touch_do_not_cross_in_the_raw_text(raw: str) -> None:
    text = read(raw)
    spans = [text.span(i, i + 1) for i in range(len(text.norm))]
    assert [s for s, _ in spans] == sorted(s for s, _ in spans)
    assert [e for _, e in spans] == sorted(e for _, e in spans)
    for i in range(len(text.norm)):
        assert text.span(0, i + 1) == (spans[0][0], spans[i][1])


@given(TRICKY)
def test_normalised_text_can_be_encoded(raw: str) -> None:
    norm = read(raw).norm
    assert norm.encode().decode() == norm


@given(TRICKY)
def test_reading_what_was_read_changes_nothing_that_a_name_is_found_by(raw: str) -> None:
    assert fold(fold(raw)) == fold(raw)


def test_a_character_is_read_alike_in_plain_and_in_decorated_text() -> None:
    for code in (*range(0xD800), *range(0xE000, 0x20000)):
        text = read("ﬁ " + chr(code))
        norm = text.norm[3:]
        assert norm == read(chr(code)).norm, hex(code)
        assert norm == unicodedata.normalize("NFKC", norm).casefold(), hex(code)
        assert text.offsets is not None
        assert len(text.offsets) == len(text.norm) + 1


def test_a_name_found_inside_decorated_text_is_quoted_as_it_stands_there() -> None:
    raw = "🎀 Ji\u200bs\u200boo 🎀 & Ｍｉｎｇｙｕ"
    text = read(raw)
    for name, surface in (("jisoo", "Ji\u200bs\u200boo"), ("mingyu", "Ｍｉｎｇｙｕ")):
        at = text.norm.index(name)
        assert raw[slice(*text.span(at, at + len(name)))] == surface


def test_an_empty_slice_is_empty_in_the_raw_text_too() -> None:
    assert read("ﬁ").span(1, 1) == (0, 0)
    assert read("abc").span(2, 2) == (2, 2)


@pytest.mark.parametrize("form", ["NFC", "NFD", "NFKC", "NFKD"])
def test_every_shipped_name_is_read_alike_in_every_normal_form(form: str, roster: Roster) -> None:
    entities = (*roster.idols.values(), *roster.groups.values(), *roster.decoys.values())
    names = [alias.text for entity in entities for alias in entity.aliases]
    differ = [n for n in names if fold(n) not in read(unicodedata.normalize(form, n)).norm]
    assert names
    assert differ == []


# ── scripts ───────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("chars", "expected"),
    [
        ("aZ09_éñ", Script.LATIN),
        ("지힣ㅋᄀ", Script.HANGUL),
        ("あジーヴ", Script.KANA),
        ("智秀々", Script.HAN),
        ("จีซู", Script.THAI),
        ("ДжисуςΩج", Script.OTHER),
        (" .'·・×÷😀、「\u0301", Script.NONE),
    ],
)
def test_characters_belong_to_their_script(chars: str, expected: Script) -> None:
    assert {c: script(c) for c in chars} == dict.fromkeys(chars, expected)


def test_a_text_has_the_scripts_of_its_letters() -> None:
    assert set(scripts_of("지수 x ミンギュ, 智秀!")) == {
        Script.HANGUL,
        Script.LATIN,
        Script.KANA,
        Script.HAN,
    }


@pytest.mark.parametrize(
    ("syllable", "final"),
    [
        ("국", True),
        ("영", True),
        ("진", True),
        ("수", False),
        ("규", False),
        ("a", False),
        ("ㄱ", False),
    ],
)
def test_particles_know_a_final_consonant(syllable: str, final: bool) -> None:
    assert has_final_consonant(syllable) is final


# ── sentences ─────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "expected",
    [
        ["jisoo bowed.", "mingyu bowed too."],
        ["really?!", "yes!", "ok"],
        ["she said 'hi.'", "he left."],
        ["(they met.)", "then left."],
        ["wait...", "what"],
        ["인사를 나눴다.", "두 사람은 웃었다."],
        ["挨拶した。", "二人は笑った。"],
        ["他们打招呼。", "「真的！」", "是的"],
        ["mr. kim met dr. lee vs. the rest.", "end"],
        ["the song feat. jisoo and prod. by woozi is out.", "listen"],
        ["j. y. park said so.", "he did"],
        ["v1.2 of s.coups came out at 3.30"],
        ["no stop"],
    ],
)
def test_sentences_end_where_a_reader_would_end_them(expected: list[str]) -> None:
    text = " ".join(expected)
    assert [text[a:b] for a, b in sentences(text)] == expected


def test_a_line_break_ends_a_sentence() -> None:
    text = "Jisoo at Dior\n\n  Mingyu at home  \n"
    assert [text[a:b] for a, b in sentences(text)] == ["Jisoo at Dior", "Mingyu at home"]


@given(st.text(st.one_of(st.sampled_from("ab .!?。！\n\t'\")다(…"), st.characters()), max_size=200))
def test_sentences_are_in_order_never_overlap_and_lose_no_word(text: str) -> None:
    spans = sentences(text)
    covered = 0
    for start, end in spans:
        assert covered <= start < end <= len(text)
        assert text[covered:start].strip() == ""
        assert text[start:end] == text[start:end].strip()
        covered = end
    assert text[covered:].strip() == ""


@pytest.mark.parametrize(
    "piece",
    ["a", "지", ".", "'.", '."', "…", "?!", '!"', ". ", "\n", " ", "\u0301", "ᄀ", "ﷺ", "\u200b"],
    ids=ascii,
)
def test_a_hundred_thousand_characters_take_no_time(piece: str) -> None:
    raw = (piece * 100_000)[:100_000]
    began = time.perf_counter()
    sentences(read(raw).norm)
    assert time.perf_counter() - began < 3
