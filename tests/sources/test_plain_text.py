"""HTML to text."""

import time
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.sources.plain_text import first_picture, line, plain, tidy


@pytest.mark.parametrize(
    ("markup", "text"),
    [
        ("", ""),
        ("Hello", "Hello"),
        ("<p>Hello</p>", "Hello"),
        ("<p>One.</p><p>Two.</p>", "One.\nTwo."),
        ("One.<br>Two.<br/>Three.<BR />Four.", "One.\nTwo.\nThree.\nFour."),
        ("<div>a</div>b<div>c</div>", "a\nb\nc"),
        ("<ul><li>a</li><li>b</li></ul>", "a\nb"),
        ("<table><tr><td>a</td><td>b</td></tr><tr><td>c</td></tr></table>", "a\nb\nc"),
        ("<H2>Head</H2>text", "Head\ntext"),
        ("a <b>bold</b> and <a href='x'>linked</a> word", "a bold and linked word"),
        ("K<b>-pop</b>", "K-pop"),
        ("<p>wrapped\n  by the\n  editor</p>", "wrapped by the editor"),
        ("plain\ntext\n\nkeeps its lines", "plain\ntext\nkeeps its lines"),
        ("a\r\nb\tc", "a\nb c"),
        ("<p>x</p>\n\n\n<p>y</p>", "x\ny"),
        # references
        ("Tom &amp; Jerry", "Tom & Jerry"),
        ("R&B and Q&A", "R&B and Q&A"),
        ("<p>R&B</p>", "R&B"),
        ("/?a=1&copy=2&sect=3", "/?a=1&copy=2&sect=3"),
        ("<p>/?a=1&copy=2</p>", "/?a=1&copy=2"),
        ("a&nbsp;b&#160;c", "a b c"),
        ("&#8220;quoted&#8221; &#x2019;", "“quoted” ’"),
        ("&quot;김&amp;quot;", '"김"'),
        ("<p>&amp;quot;twice&amp;quot;</p>", '"twice"'),
        ("&unknown; &;", "&unknown; &;"),
        ("&#0;&#xD800;&#55357;x", "\ufffd\ufffd\ufffdx"),
        ("&lt;p&gt;escaped&lt;/p&gt;&lt;p&gt;twice&lt;/p&gt;", "escaped\ntwice"),
        # what only looks like a tag
        ("5 < 6", "5 < 6"),
        ("<p>5 < 6 and 7 > 5</p>", "5 < 6 and 7 > 5"),
        ("5 &lt; 6", "5 < 6"),
        ("<p>I <3 you, x<y or y<z</p>", "I <3 you, x<y or y<z"),
        ("<Running Man> airs", "<Running Man> airs"),
        (
            "<p>in <Running Man> and <b><Map of the Soul: 7></b></p>",
            "in <Running Man> and <Map of the Soul: 7>",
        ),
        ("<p><런닝맨> 출연</p>", "<런닝맨> 출연"),
        ("&lt;Knowing Bros&gt; 출연", "<Knowing Bros> 출연"),
        ("mail <me@example.org>", "mail <me@example.org>"),
        ("<p>after an <IU said <b>bold</b> thing</p>", "after an <IU said bold thing"),
        # what is no text
        ("a<script>if (a<b) { x('</p>') }</script>b", "ab"),
        ("<style>p { color: red }</style>text", "text"),
        ("<SCRIPT>x</SCRIPT>y", "y"),
        ("a<script src='x'/>b", "ab"),
        ("a<script>never ends", "a"),
        ("a<noscript><p>Turn it on</p></noscript>b", "ab"),
        ("<p>a<!-- hidden <b> -->b</p>", "ab"),
        ("a<!-- never ends", "a"),
        ("<p title='1 > 0' data-x=\"<b>\">text</p>", "text"),
        ('<a href="x>text</a> <b>more</b>', "text more"),
        ("<img src=x alt='it's'>text", "text"),
        ("text <a href='x", "text"),
        ("<!DOCTYPE html><html><head><title>T</title></head><body>text</body></html>", "text"),
        ("<o:p></o:p><amp-img src='x'></amp-img>text", "text"),
        ("<![endif]>text<?xml version='1.0'?>", "text"),
        # characters
        ("a\u200bb\u00adc\ufeffd\u2060e", "abcde"),
        ("a\x00b\x08c\x7fd\x9fe", "abcde"),
        ("a\u202egnp.exe", "agnp.exe"),
        ("a\u3000b\u00a0c\u2003d\u2028e", "a b c d e"),
        ("\u1112\u1161\u11ab", "한"),
        ("👨\u200d👩\u200d👧", "👨\u200d👩\u200d👧"),
        ("ab\ud800c", "abc"),
        ("김민규는 카리나와\n\n함께 췄다.", "김민규는 카리나와\n함께 췄다."),
    ],
)
def test_the_text_of_markup(markup, text):
    assert plain(markup) == text


def test_a_line_has_no_breaks():
    assert line("<p>One</p>\n<p>Two</p>") == "One Two"
    assert line("One\nTwo") == "One Two"


@pytest.mark.parametrize(
    ("markup", "address"),
    [
        ("<p>none</p>", ""),
        ('<p><img src="https://a.example/1.jpg"><img src="/2.jpg"></p>', "https://a.example/1.jpg"),
        ("<img src=/1.jpg>", "/1.jpg"),
        ("<IMG SRC='/1.jpg'/>", "/1.jpg"),
        ('<img src="/?a=1&amp;b=2">', "/?a=1&b=2"),
        ('<img src="data:image/gif;base64,AA" data-src="/late.jpg">', "/late.jpg"),
        ('<img width="1" height="1" src="/counter"><img src="/real.jpg">', "/real.jpg"),
        ('<img alt="a > b" src="/1.jpg">', "/1.jpg"),
        ("<img><image src=x><imgs src=y>", ""),
    ],
)
def test_the_first_picture(markup, address):
    assert first_picture(markup) == address


@given(st.text())
def test_tidying_twice_changes_nothing_more(text):
    once = tidy(text)
    assert tidy(once) == once
    assert unicodedata.is_normalized("NFC", once)
    assert once == once.strip()


PIECES = (
    "<p>|</p>|<br|>|<|&|&amp;|&#8;|<script>|</script>|='|\"|<!--|-->|a| |\n|<b x=|<Song>|한"
    "|\ud83d|\x00|<![CDATA[|]]>"
)
MARKUP = st.lists(st.sampled_from(PIECES.split("|")), max_size=40).map("".join)


@given(MARKUP | st.text())
def test_any_markup_gives_clean_text(markup):
    text = plain(markup)
    assert not any(unicodedata.category(c) in ("Cc", "Cs") and c != "\n" for c in text)
    assert "\n\n" not in text
    assert "  " not in text


SLOW = (
    "<div>|<b><p>|<span></x>|<a |<a ='|<a ='' =\"|<!--|<script>|<script |&|&amp|&#|<|</|<p <p|<!["
    "|<img |<img src='|\n| \n|<x-|<p>|<svg/><svg>|='<a '"
)


@pytest.mark.parametrize("piece", SLOW.split("|"))
def test_the_time_grows_with_the_length_only(piece):
    """Half a megabyte of anything is read in well under a second; quadratic ways take minutes."""
    markup = piece * (500_000 // len(piece))
    begin = time.process_time()
    plain(markup)
    first_picture(markup)
    assert time.process_time() - begin < 2
