"""Many expressions over one text: only those that can match are tried, and none is missed."""

from __future__ import annotations

import re
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.finder import Expression, Finder, may_be_empty, needed


@pytest.mark.parametrize(
    ("source", "strings"),
    [
        ("bow", {"bow"}),
        ("BOW", {"bow"}),
        ("bow(?:s|ed)?", {"bow", "bows", "bowed"}),
        ("(?:hi|hello)", {"hi", "hello"}),
        ("(?:took|take).{0,25}(?:photo|selfie)", {"photo", "selfie"}),
        (r"\d+ ?년 ?전", {"년전", "년 전", " 년전", " 년 전"}),
        (r"(?=\bwhile\b)", {"while"}),
        ("x(?:abc)+y", {"abc"}),
        ("(?:abc)*y", {"y"}),
        ("[ab]c", {"ac", "bc"}),
        ("[^a]bc", {"bc"}),
        ("(?:a|)b", {"ab", "b"}),
        (r"\w+", None),
        ("(?:abc|.)", None),
        ("(?!abc)d", {"d"}),
        ("(?<=abc)d", {"d"}),
    ],
)
def test_every_match_holds_one_of_the_strings(source: str, strings: set[str] | None) -> None:
    assert needed(source) == strings


@pytest.mark.parametrize(
    ("source", "empty"), [("a?", True), ("(?=a)", True), ("a+", False), ("(?:a|)", True)]
)
def test_whether_a_match_may_be_empty_is_told_without_a_text(source: str, empty: bool) -> None:
    assert may_be_empty(source) is empty


def test_words_are_found_whole_and_with_what_they_stand_for() -> None:
    finder = Finder([Expression("bow", 1, words=True), Expression("bow", 2), Expression("the", 3)])
    found = [(f.start, f.end, f.what) for f in finder.find("bow, rainbow", [(0, 12)])]
    assert found == [(0, 3, 1), (0, 3, 2), (9, 12, 2)]


_PART = st.sampled_from(
    ["a", "b", "ab", "[ab]", "[^a]", ".", "(?:a|bc)", "(?:ab)?", "(?:b|)", "a+", "(?:ca){1,2}",
     ".{0,3}", "(?=b)", "(?!c)", "(?<!a)", "(?<=b)", r"\b", "é", "지수"]
)  # fmt: skip


@given(
    sources=st.lists(st.lists(_PART, min_size=1, max_size=5).map("".join), min_size=1, max_size=6),
    text=st.text("abcé지수 ", max_size=40),
    words=st.booleans(),
    cuts=st.sets(st.integers(0, 40), max_size=4),
)
def test_nothing_is_missed_that_trying_every_expression_on_every_span_would_find(
    sources: list[str], text: str, words: bool, cuts: set[int]
) -> None:
    spans = list(pairwise(sorted({0, len(text), *(c for c in cuts if c <= len(text))})))
    expressions = [Expression(s, n, words=words) for n, s in enumerate(sources)]
    found = {(f.start, f.end, f.what) for f in Finder(expressions).find(text, spans)}
    tried = {
        (m.start(), m.end(), e.what)
        for e in expressions
        for span in spans
        for m in e.pattern.finditer(text, *span)
    }
    assert found == tried


def test_a_wrong_expression_is_refused() -> None:
    with pytest.raises(re.error):
        may_be_empty("(a")
