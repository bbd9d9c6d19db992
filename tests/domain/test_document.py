"""Whether two posts are one document."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bot.domain.document import fingerprint, url_key

# ── addresses ─────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("url", "key"),
    [
        ("https://example.com/a", "example.com/a"),
        ("http://example.com/a", "example.com/a"),
        ("https://www.example.com/a/", "example.com/a"),
        ("https://m.example.com/a", "example.com/a"),
        ("https://amp.example.com/a", "example.com/a"),
        ("https://example.com/a/amp/", "example.com/a"),
        ("https://EXAMPLE.com/a#comments", "example.com/a"),
        ("  https://example.com/a  ", "example.com/a"),
        ("https://example.com/a?utm_source=x&utm_medium=y&fbclid=z", "example.com/a"),
        ("https://example.com/a?si=1&igshid=2&ref=3&share=4", "example.com/a"),
        ("https://example.com/?p=12", "example.com?p=12"),
        ("https://example.com/a?b=2&a=1", "example.com/a?a=1&b=2"),
        ("https://youtube.com/watch?v=abc&feature=share", "youtube.com/watch?v=abc"),
        ("https://example.com/기사", "example.com/%EA%B8%B0%EC%82%AC"),
        ("https://example.com", "example.com"),
        ("https://example.com/amplified", "example.com/amplified"),
        ("https://webamp.com/a", "webamp.com/a"),
        ("", ""),
        ("no address", ""),
        ("mailto:someone@example.com", ""),
        ("http://[broken", ""),
    ],
)
def test_an_address_is_reduced_to_what_names_the_document(url: str, key: str) -> None:
    assert url_key(url) == key


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("https://example.com/a", "https://example.com/b"),
        ("https://example.com/a?id=1", "https://example.com/a?id=2"),
        ("https://example.com/A", "https://example.com/a"),
        ("https://one.example.com/a", "https://example.com/a"),
    ],
)
def test_different_documents_have_different_keys(one: str, other: str) -> None:
    assert url_key(one) != url_key(other)


@given(st.text(max_size=60))
@example("HTTP")  # a host may have that name: only the scheme goes
def test_any_text_may_stand_for_an_address(text: str) -> None:
    for url in (text, f"https://{text}", f"https://example.com/{text}"):
        key = url_key(url)
        assert "#" not in key
        assert not key.startswith(("http:", "https:"))


@given(text=st.text(max_size=60))
def test_the_key_of_a_key_is_the_key(text: str) -> None:
    key = url_key(f"https://example.com/{text}")
    assert url_key(f"https://{key}") == key


# ── texts ─────────────────────────────────────────────────────────────────────────────────────

STORY = "Jisoo and Mingyu bow to each other at the Dior show in Paris"


@pytest.mark.parametrize(
    "variant",
    [
        STORY.upper(),
        f"RT @fan: {STORY}",
        f"[EXCLUSIVE] {STORY}!!!",
        f"{STORY} https://example.com/x?y=z #Jisoo #Mingyu",
        STORY.replace(" ", "  "),
        f"“{STORY}”",
        STORY.replace("bow", "b\u200bow"),
    ],
)
def test_one_text_has_one_fingerprint_however_it_is_dressed(variant: str) -> None:
    assert fingerprint("", variant) == fingerprint("", STORY) != ""


def test_other_texts_have_other_fingerprints_and_short_ones_none() -> None:
    assert fingerprint("", STORY) != fingerprint("", STORY.replace("Dior", "Chanel"))
    assert fingerprint("Jisoo", "Mingyu") == ""
    assert fingerprint("", "🎀" * 100) == ""
