"""Nothing but `Malformed` comes out of the parser, and every entry that does is well formed."""

import os
import random
import time
import unicodedata
from datetime import UTC
from urllib.parse import urlsplit

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.domain.errors import Malformed
from bot.sources.entries import MAX_LINE, MAX_TAGS, MAX_TEXT, MAX_URL
from bot.sources.feed_parser import parse_feed

RSS = """<?xml version="1.0" encoding="UTF-8"?>
<rss version="2.0" xmlns:content="http://purl.org/rss/1.0/modules/content/"
 xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:media="http://search.yahoo.com/mrss/">
<channel><title>연예 &amp; 음악</title><link>https://a.example/</link><language>ko</language>
<ttl>5</ttl><item><title>민규 &#8220;카리나&#x201D; &lt;런닝맨&gt;</title>
<link>/1?a=1&amp;b=2</link><guid>g1</guid><dc:creator>김</dc:creator><category>x</category>
<pubDate>Tue, 11 Aug 2026 07:00:00 +0900</pubDate><description>짧게</description>
<content:encoded><![CDATA[<p>둘은 <b>춤</b>을 췄다 &amp; 웃었다.<br>5 < 6</p>
<script>x</script><img src="/1.jpg">]]></content:encoded>
<media:content url="/2.jpg" medium="image"/></item>
<item><title>Second</title><enclosure url="/3.png" type="image/png"/></item></channel></rss>"""
ATOM = """<feed xmlns="http://www.w3.org/2005/Atom" xml:lang="ja" xml:base="https://b.example/x/">
<title type="html">&lt;b&gt;音楽&lt;/b&gt;</title><link rel="hub" href="/hub"/>
<entry><id>tag:b,2026:1</id><title>サナ</title><link href="1"/><category term="t"/>
<updated>2026-08-11T07:00:00Z</updated><author><name>山田</name></author><summary>要約</summary>
<content type="xhtml"><div xmlns="http://www.w3.org/1999/xhtml"><p>二人は<b>歌</b></p></div></content>
</entry></feed>"""
RDF = """<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"
 xmlns="http://purl.org/rss/1.0/" xmlns:dc="http://purl.org/dc/elements/1.1/">
<channel><title>Old</title></channel><item><title>One</title><link>http://localhost/1</link>
<dc:date>2026-08-11</dc:date></item></rdf:RDF>"""
JSON = """{"version": "https://jsonfeed.org/version/1.1", "title": "J", "language": "en", "items": [
{"id": 1, "url": "/1", "title": "A &amp; B", "content_html": "<p>x<br>y</p>", "tags": ["t"],
"date_published": "2026-08-11T07:00:00Z", "authors": [{"name": "\\ud55c"}], "image": "/1.jpg"}]}"""
SEEDS = [
    *(document.encode() for document in (RSS, ATOM, RDF, JSON)),
    RSS.replace("UTF-8", "EUC-KR").encode("cp949", "replace"),
    ATOM.encode("utf-16"),
    JSON.encode("utf-8-sig"),
]
#: Pieces at which parsers stumble; "|" stands for a space.
WORDS = rb"""
< > & ; " ' ]]> <![CDATA[ <!-- --> <? ?> /> </ ]> { } [ ] null 1e999 "\ud800" "items":[{}]
<!DOCTYPE|rss|[ <!ENTITY|x|'y'> &x; &#0; &#xD800; &#xDC00; &#1114112; &nbsp; &amp; &#13; &lt;p&gt;
<item> </item> <entry> <title> </title> <link/> <link|href='http://[x'/> <description>
</description> <content|type='xhtml'> <x:y> <guid> <image><url> <media:group> <rss> <feed>
<html> <author>a@b|( <b
|xmlns='' |xmlns:a='b' |xml:base='http://[::1' |xml:base='//' |xml:lang='xx' encoding='utf-7'
encoding='hz' encoding='iso-2022-kr' <pubDate>1|1|1</pubDate> <ttl>1e9</ttl> <img|src= <script>
<pubDate>Tue,|31|Feb|2026|25:61:61|+9999</pubDate> <updated>2026-08-11T07:00+99:99</updated>
"""
SHARDS = [shard.replace(b"|", b" ") for shard in WORDS.split()] + [
    *(b"\0", b"\x08", b"\x0b", b"\x1b$B", b"\xff", b"\xed\xa0\x80", b"\xef\xbf\xbf", b"\xff\xfe"),
    *(
        text.encode()
        for text in ("\ufeff", "\u2028", "\xa0", "\u1112\u1161\u11ab", "\u202e", "\x85")
    ),
]


def mutated(dice: random.Random) -> bytes:
    """One of the documents with some bytes cut, doubled, changed, or shards thrown in."""
    body = bytearray(dice.choice(SEEDS))
    for _ in range(dice.randint(1, 8)):
        at = dice.randint(0, len(body))
        match dice.randint(0, 5):
            case 0:
                del body[at : at + dice.randint(1, 40)]
            case 1:
                body[at:at] = body[at : at + dice.randint(1, 200)] * dice.randint(1, 3)
            case 2:
                body[at : at + 1] = bytes([dice.randrange(256)])
            case 3:
                body = body[: max(at, 20)]
            case _:
                body[at:at] = dice.choice(SHARDS)
    return bytes(body)


def check(body: bytes) -> bool:
    """Whether it was read as a feed; fails the test when an entry is not well formed."""
    try:
        feed = parse_feed(body, url="https://news.example/rss/all.xml", tz="Asia/Seoul")
    except Malformed:
        return False
    assert feed.ttl is None or 0 < feed.ttl < 1e9
    assert feed.lang == "" or (len(feed.lang) == 2 and feed.lang.isalpha())
    assert_line(feed.title)
    if feed.hub is not None:
        assert_address(feed.hub)
    for entry in feed.entries:
        assert entry.id
        assert entry.title or entry.text or entry.url
        for text in (entry.title, entry.author, *entry.tags):
            assert_line(text)
        assert_clean(entry.id)
        assert_clean(entry.text.replace("\n", " "))
        assert "\n\n" not in entry.text
        assert len(entry.text) <= MAX_TEXT
        assert len(entry.tags) == len(set(entry.tags)) <= MAX_TAGS
        for address in (entry.url, entry.image):
            if address:
                assert_address(address)
        if entry.published:
            assert entry.published.tzinfo is UTC
    return True


def assert_line(text: str) -> None:
    assert_clean(text)
    assert len(text) <= MAX_LINE


def assert_clean(text: str) -> None:
    assert text == text.strip()
    assert "  " not in text
    assert unicodedata.is_normalized("NFC", text)
    assert not any(unicodedata.category(c) in ("Cc", "Cs") for c in text)
    text.encode()


def assert_address(address: str) -> None:
    assert len(address) <= MAX_URL
    assert address.isascii()
    assert not any(c.isspace() for c in address)
    assert urlsplit(address).scheme in ("http", "https")
    assert urlsplit(address).hostname


def test_the_documents_themselves_are_read():
    assert all(check(body) for body in SEEDS)


@settings(max_examples=1_500, deadline=None)
@given(st.binary(max_size=2_000))
def test_any_bytes(body):
    check(body)


@settings(max_examples=1_500, deadline=None)
@given(st.lists(st.sampled_from(SHARDS) | st.binary(max_size=4), max_size=40))
def test_any_pieces_inside_a_feed(pieces):
    check(b"<rss><channel><item><title>" + b"".join(pieces))


@settings(max_examples=4_000, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.randoms(use_true_random=False))
def test_feeds_that_were_damaged(dice):
    check(mutated(dice))


@given(st.text(), st.text(), st.text())
def test_what_is_written_properly_comes_back(title, text, guid):
    """Any text that XML can hold survives the way through a feed, up to tidying."""
    from xml.sax.saxutils import escape

    from bot.sources.plain_text import line, plain

    allowed = [c for c in title + text + guid if c >= " " and c not in "\ufffe\uffff"]
    title, text = ("".join(c for c in t if c in allowed) for t in (title, text))
    document = (
        f"<rss><channel><item><guid>always</guid><title>x {escape(title)}</title>"
        f"<description>{escape(text)}</description></item></channel></rss>"
    )
    (entry,) = parse_feed(document.encode(), url="https://news.example/").entries
    assert entry.title == line(f"x {title}")
    assert entry.text == plain(text)


@pytest.mark.soak
@pytest.mark.timeout(24000)
def test_hundreds_of_thousands_of_damaged_feeds():
    seed = random.SystemRandom().randrange(2**32)
    dice = random.Random(seed)
    count = read = 0
    begin = time.process_time()
    while count < 400_000 * int(os.environ.get("CRUMBS_TEST_SOAK", "1")):
        body = mutated(dice)
        try:
            read += check(body)
        except BaseException as error:
            error.add_note(f"seed {seed}, input {count}: {body!r}")
            raise
        count += 1
    took = time.process_time() - begin
    print(f"\n{count:,} damaged feeds, {read:,} still read, seed {seed}, {took:.0f} s")  # noqa: T201
