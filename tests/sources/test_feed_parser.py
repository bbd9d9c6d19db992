"""Feeds of every format, and in every state in which they are found."""

import socket
import time
import tracemalloc
from datetime import UTC, datetime
from pathlib import Path

import pytest

from bot.domain.errors import Malformed
from bot.sources.entries import MAX_ENTRIES, MAX_LINE, MAX_TAGS, MAX_TEXT
from bot.sources.feed_parser import parse_feed

URL = "https://news.example/rss/all.xml"


def parse(document, **options):
    body = document if isinstance(document, bytes) else document.encode()
    return parse_feed(body, **{"url": URL, **options})


def only(document, **options):
    (entry,) = parse(document, **options).entries
    return entry


def rss(item, *, channel="", declaration='<?xml version="1.0" encoding="UTF-8"?>'):
    return f'{declaration}<rss version="2.0"><channel>{channel}<item>{item}</item></channel></rss>'


# ── formats ───────────────────────────────────────────────────────────────────────────────────

RSS = """<?xml version="1.0" encoding="UTF-8"?>
<rss version="2.0" xmlns:content="http://purl.org/rss/1.0/modules/content/"
  xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:atom="http://www.w3.org/2005/Atom"
  xmlns:media="http://search.yahoo.com/mrss/" xmlns:sy="http://purl.org/rss/1.0/modules/syndication/">
<channel>
  <title>연예 &amp; 음악</title><link>https://news.example/</link><language>ko-KR</language>
  <atom:link rel="self" href="https://news.example/rss/all.xml"/>
  <atom:link rel="hub" href="https://hub.example/"/>
  <ttl>15</ttl><sy:updatePeriod>hourly</sy:updatePeriod><sy:updateFrequency>1</sy:updateFrequency>
  <item>
    <title>민규·카리나, 챌린지 함께</title>
    <link>https://news.example/1</link>
    <guid isPermaLink="false">news-1</guid>
    <dc:creator>김기자</dc:creator>
    <pubDate>Tue, 11 Aug 2026 07:00:00 +0900</pubDate>
    <category>K-pop</category><category>챌린지</category><category>K-pop</category>
    <description>짧은 소개</description>
    <content:encoded><![CDATA[<p>민규와 카리나가 만났다.</p>
      <p>둘은 춤을 췄다.</p>]]></content:encoded>
    <media:content url="https://img.example/1.jpg" medium="image"/>
  </item>
  <item><title>둘째</title><link>https://news.example/2</link></item>
</channel></rss>"""

ATOM = """<?xml version="1.0" encoding="utf-8"?>
<feed xmlns="http://www.w3.org/2005/Atom" xml:lang="ja" xml:base="https://blog.example/ja/">
  <title type="html">音楽 &lt;b&gt;ニュース&lt;/b&gt;</title>
  <link rel="self" href="feed.xml"/><link href="https://blog.example/"/>
  <link rel="hub" href="/hub"/>
  <entry xml:base="2026/">
    <id>tag:blog.example,2026:7</id>
    <title>サナとウィンターが共演</title>
    <link rel="replies" href="7/comments"/><link rel="alternate" href="7"/>
    <link rel="enclosure" type="image/png" href="/7.png"/>
    <published>2026-08-11T07:00:00+09:00</published><updated>2026-08-12T00:00:00Z</updated>
    <author><name>山田</name><uri>https://blog.example/y</uri></author>
    <category term="kpop"/><category term="twice" label="TWICE"/>
    <summary>要約</summary>
    <content type="xhtml"><div xmlns="http://www.w3.org/1999/xhtml"><p>二人は<b>歌</b>った。</p>
      <p>5 &lt; 6</p></div></content>
  </entry>
</feed>"""

RDF = """<?xml version="1.0" encoding="UTF-8"?>
<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns="http://purl.org/rss/1.0/"
  xmlns:dc="http://purl.org/dc/elements/1.1/">
  <channel rdf:about="https://old.example/"><title>Old</title><link>https://old.example/</link>
    <dc:language>en</dc:language><items><rdf:Seq><rdf:li resource="https://old.example/1"/></rdf:Seq></items>
  </channel>
  <item rdf:about="https://old.example/1"><title>One</title><link>https://old.example/1</link>
    <description>First.</description><dc:date>2026-08-11T07:00:00+09:00</dc:date>
    <dc:subject>music</dc:subject></item>
</rdf:RDF>"""

YOUTUBE = """<feed xmlns:yt="http://www.youtube.com/xml/schemas/2015"
  xmlns:media="http://search.yahoo.com/mrss/" xmlns="http://www.w3.org/2005/Atom">
  <title>Channel</title>
  <entry><id>yt:video:abc</id><yt:videoId>abc</yt:videoId><title>MV</title>
    <link rel="alternate" href="https://video.example/abc"/>
    <author><name>Channel</name></author><published>2026-08-10T22:00:00+00:00</published>
    <media:group><media:title>MV</media:title>
      <media:content url="https://video.example/v/abc.swf" type="application/x-shockwave-flash"/>
      <media:thumbnail url="https://img.example/abc.jpg" width="480" height="360"/>
      <media:description>Line one
Line two</media:description></media:group></entry>
</feed>"""

JSON = """{"version": "https://jsonfeed.org/version/1.1", "title": "JSON &amp; co",
 "language": "en-GB",
 "hubs": [{"type": "WebSub", "url": "https://hub.example/"}],
 "items": [
  {"id": 7, "url": "/seven", "title": "Seven", "content_html": "<p>One.</p><p>Two.</p>",
   "summary": "s", "date_published": "2026-08-11T07:00:00+09:00", "authors": [{"name": "Ann"}],
   "tags": ["a", "b", "a", 3], "image": "https://img.example/7.jpg", "language": "ko"},
  {"id": "8", "external_url": "https://other.example/8", "content_text": "5 < 6\\nnext",
   "author": {"name": "Bob"}, "date_modified": "2026-08-12", "title": null,
   "attachments": [{"url": "/8.png", "mime_type": "image/png"}]},
  {"id": "9"}, 7, null]}"""


OLD = "<channel><title>Old</title><item><title>One</title></item></channel>"


def test_rss():
    feed = parse(RSS)
    assert (feed.title, feed.lang, feed.ttl) == ("연예 & 음악", "ko", 900)
    assert feed.hub == "https://hub.example/"
    first, second = feed.entries
    assert first.id == "news-1"
    assert first.url == "https://news.example/1"
    assert first.title == "민규·카리나, 챌린지 함께"
    assert first.text == "민규와 카리나가 만났다.\n둘은 춤을 췄다."
    assert first.author == "김기자"
    assert first.published == datetime(2026, 8, 10, 22, tzinfo=UTC)
    assert first.tags == ("K-pop", "챌린지")
    assert first.image == "https://img.example/1.jpg"
    assert first.lang == "ko"
    assert (second.id, second.published, second.text) == ("https://news.example/2", None, "")


def test_atom():
    feed = parse(ATOM)
    assert (feed.title, feed.lang, feed.ttl) == ("音楽 ニュース", "ja", None)
    assert feed.hub == "https://blog.example/hub"
    (entry,) = feed.entries
    assert entry.id == "tag:blog.example,2026:7"
    assert entry.url == "https://blog.example/ja/2026/7"
    assert entry.title == "サナとウィンターが共演"
    assert entry.text == "二人は歌った。\n5 < 6"
    assert entry.author == "山田"
    assert entry.published == datetime(2026, 8, 10, 22, tzinfo=UTC)
    assert entry.tags == ("kpop", "TWICE")
    assert entry.image == "https://blog.example/7.png"


def test_rdf():
    feed = parse(RDF)
    assert (feed.title, feed.lang) == ("Old", "en")
    (entry,) = feed.entries
    assert (entry.id, entry.url) == ("https://old.example/1", "https://old.example/1")
    assert (entry.title, entry.text, entry.tags) == ("One", "First.", ("music",))
    assert entry.published == datetime(2026, 8, 10, 22, tzinfo=UTC)


@pytest.mark.parametrize(
    "document",
    [
        RDF.replace("http://purl.org/rss/1.0/", "http://my.netscape.com/rdf/simple/0.9/"),
        RDF.replace("http://purl.org/rss/1.0/", "https://PURL.org/rss/1.0"),
        RDF.replace("http://purl.org/rss/1.0/", "http://unheard.of/"),
        f'<rss version="0.91">{OLD}</rss>',
        f'<!DOCTYPE rss PUBLIC "-//X//DTD RSS 0.91//EN" "http://x.example/x.dtd"><rss>{OLD}</rss>',
        f"<rss xmlns='http://backend.userland.com/rss2'>{OLD}</rss>",
        f"<rss xmlns='http://unheard.of/'>{OLD}</rss>",
        "<rss><channel><title>Old</title></channel><item><title>One</title></item></rss>",
        OLD,
        '<feed xmlns="http://purl.org/atom/ns#"><title>Old</title><entry><title>One</title></entry>',
        OLD.replace("item", "a:entry")
        .replace("title", "a:title")
        .replace("channel", "a:feed")
        .replace("<a:feed", "<a:feed xmlns:a='http://www.w3.org/2005/Atom'"),
        "<feed><title>Old</title><entry><title>One</title></entry></feed>",
    ],
)
def test_old_and_odd_dialects(document):
    feed = parse(document)
    assert feed.title == "Old"
    assert [entry.title for entry in feed.entries] == ["One"]


def test_a_video_channel_gives_thumbnail_and_description():
    entry = only(YOUTUBE)
    assert entry.id == "yt:video:abc"
    assert entry.image == "https://img.example/abc.jpg"
    assert entry.text == "Line one\nLine two"
    assert entry.title == "MV"


def test_json():
    feed = parse(JSON)
    assert (feed.title, feed.lang, feed.hub) == ("JSON & co", "en", "https://hub.example/")
    seven, eight = feed.entries
    assert (seven.id, seven.url, seven.title) == ("7", "https://news.example/seven", "Seven")
    assert (seven.text, seven.author, seven.tags) == ("One.\nTwo.", "Ann", ("a", "b"))
    assert (seven.lang, seven.image) == ("ko", "https://img.example/7.jpg")
    assert seven.published == datetime(2026, 8, 10, 22, tzinfo=UTC)
    assert (eight.url, eight.text, eight.title) == ("https://other.example/8", "5 < 6\nnext", "")
    assert (eight.author, eight.lang) == ("Bob", "en")
    assert eight.image == "https://news.example/8.png"
    assert eight.published == datetime(2026, 8, 12, tzinfo=UTC)


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-le"])
def test_json_in_other_encodings(encoding):
    assert len(parse(JSON.encode(encoding)).entries) == 2


def test_a_feed_without_entries_is_a_feed():
    feed = parse("<rss><channel><title>Quiet</title></channel></rss>")
    assert (feed.title, feed.entries) == ("Quiet", ())
    assert parse('{"version": "1", "items": []}').entries == ()


# ── ids, links, pictures, dates ───────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("item", "id_"),
    [
        ("<title>t</title><link>/1</link><guid>g</guid>", "g"),
        ("<title>t</title><link>/1</link><guid>  g\n </guid>", "g"),
        ("<title>t</title><link>/1</link><guid/>", "https://news.example/1"),
        ("<title>t</title><link>/1</link>", "https://news.example/1"),
        ("<title>t</title><guid>1</guid>", "1"),
    ],
)
def test_an_id_is_the_guid_else_the_link(item, id_):
    assert only(rss(item)).id == id_


def test_without_guid_and_link_the_id_hashes_what_is_said():
    def ids(*items):
        inner = "".join(f"<item>{item}</item>" for item in items)
        return [e.id for e in parse(f"<rss><channel>{inner}</channel></rss>").entries]

    one = "<title>One</title><pubDate>Tue, 11 Aug 2026 07:00:00 GMT</pubDate>"
    later = one.replace("07:00", "08:00")
    two = "<title>Two</title>"
    silent = "<description>words</description>"
    before = ids(one, later, two, silent)
    assert len(set(before)) == 4
    assert all(len(id_) == 40 for id_ in before)
    assert ids(silent, two, later, one) == before[::-1], "the place in the feed must not matter"


def test_entries_that_say_nothing_are_passed_over():
    item = "<item><guid>1</guid><pubDate>Tue, 11 Aug 2026 07:00:00 GMT</pubDate></item>"
    assert parse(f"<rss><channel>{item}</channel></rss>").entries == ()


@pytest.mark.parametrize(
    ("item", "url"),
    [
        ("<link>https://a.example/x?y=1&amp;z=2</link>", "https://a.example/x?y=1&z=2"),
        ("<link>\n  https://a.example/x\n</link>", "https://a.example/x"),
        ("<link><![CDATA[https://a.example/x]]></link>", "https://a.example/x"),
        ("<link>/x</link>", "https://news.example/x"),
        ("<link>x</link>", "https://news.example/rss/x"),
        ("<link>?id=1</link>", "https://news.example/rss/all.xml?id=1"),
        ("<link>//cdn.example/x</link>", "https://cdn.example/x"),
        ("<link/>https://a.example/x", "https://a.example/x"),
        ("<link href='https://a.example/x'/>", "https://a.example/x"),
        ("<link rel='self' href='/no'/><link>/yes</link>", "https://news.example/yes"),
        ("<guid>https://a.example/g</guid>", "https://a.example/g"),
        ("<guid isPermaLink='false'>https://a.example/g</guid>", ""),
        ("<guid>123</guid>", ""),
        ("<link>javascript:alert(1)</link>", ""),
        ("<link>http://[broken</link>", ""),
        ("<link>http://\\a.example/x</link>", ""),
        ("<link>http://.\x7f/</link>", ""),
        ("<link>https://me:word@a.example/x</link>", ""),
        ("<link>HTTPS://A.example/X_y</link>", "https://A.example/X_y"),
        ("<link>https:///path</link>", "https://news.example/path"),
        ("<link>https://a.example/" + "x" * 3000 + "</link>", ""),
        ("<link>https://a.example/가 나?q=다</link>", "https://a.example/%EA%B0%80%EB%82%98?q=%EB%8B%A4"),
        ("<link>https://예.example/</link>", "https://xn--2j5b.example/"),
        ("<link>http://localhost/news/1</link>", "https://www.news.example/news/1"),
        ("<link>http://127.0.0.1:8080/news/1?a=1</link>", "https://www.news.example/news/1?a=1"),
        ("<link>http://localhost.example/1</link>", "http://localhost.example/1"),
        ("<link>/x</link><feedburner:origLink>https://b.example/</feedburner:origLink>",
         "https://b.example/"),
    ],
)  # fmt: skip
def test_links(item, url):
    channel = "<link>https://www.news.example/</link>"
    assert only(rss(f"<title>t</title>{item}", channel=channel)).url == url


END = "</media:content>"
MEDIA = 'xmlns:media="http://search.yahoo.com/mrss/"'


@pytest.mark.parametrize(
    ("item", "image"),
    [
        ("<enclosure url='/a.mp3' type='audio/mpeg'/>", ""),
        ("<enclosure url='/a.jpg' type='image/jpeg'/>", "https://news.example/a.jpg"),
        (f"<media:content {MEDIA} url='/a' medium='image'/>", "https://news.example/a"),
        (f"<media:content {MEDIA} url='/a' type='image/webp'/>", "https://news.example/a"),
        (f"<media:content {MEDIA} url='/a.PNG?w=1'/>", "https://news.example/a.PNG?w=1"),
        (f"<media:content {MEDIA} url='/a.mp4' medium='video'/>", ""),
        (f"<media:thumbnail {MEDIA} url='/t.jpg'/>", "https://news.example/t.jpg"),
        ("<media:content url='/v.mp4' type='video/mp4'><media:thumbnail url='/t.jpg'/>" + END,
         "https://news.example/t.jpg"),
        (f"<media:group {MEDIA}><media:content url='/a.jpg'/></media:group>",
         "https://news.example/a.jpg"),
        ("<image><url>/a.gif</url></image>", "https://news.example/a.gif"),
        ("<image>https://i.example/a</image>", "https://i.example/a"),
        ("<description>&lt;img src='/d.jpg'&gt;</description>", "https://news.example/d.jpg"),
        ("<description>&lt;img src='javascript:x'&gt;&lt;img src='/d.jpg'&gt;</description>", ""),
        ("<description>&lt;img src='/d.jpg'&gt;</description><media:thumbnail url='/t.jpg'/>",
         "https://news.example/t.jpg"),
    ],
)  # fmt: skip
def test_pictures(item, image):
    assert only(rss(f"<title>t</title>{item}")).image == image


@pytest.mark.parametrize(
    ("author", "expected"),
    [
        ("<author>ann@a.example (Ann Lee)</author>", "Ann Lee"),
        ("<author>ann@a.example</author>", ""),
        ("<author>Ann &amp; Bo</author>", "Ann & Bo"),
        ("<author><name>Ann</name><email>a@b</email></author>", "Ann"),
        ("<author>" + "a@a." * 4000 + "</author>", ("a@a." * 4000)[:MAX_LINE]),
        ("", ""),
    ],
)
def test_authors(author, expected):
    assert only(rss(f"<title>t</title>{author}")).author == expected


def test_dates_without_a_zone_are_in_the_source_s():
    item = "<title>t</title><pubDate>2026-08-11 07:00:00</pubDate>"
    assert only(rss(item), tz="Asia/Seoul").published == datetime(2026, 8, 10, 22, tzinfo=UTC)
    assert only(rss(item)).published == datetime(2026, 8, 11, 7, tzinfo=UTC)


def test_a_date_that_cannot_be_read_gives_way_to_the_next():
    item = "<title>t</title><pubDate>soon</pubDate><dc:date>2026-08-11</dc:date>"
    assert only(rss(item)).published == datetime(2026, 8, 11, tzinfo=UTC)


@pytest.mark.parametrize(
    ("channel", "ttl"),
    [
        ("<ttl>30</ttl>", 1800),
        ("<ttl> 30 </ttl>", 1800),
        ("<ttl>0</ttl>", None),
        ("<ttl>-1</ttl>", None),
        ("<ttl>soon</ttl>", None),
        ("<sy:updatePeriod>hourly</sy:updatePeriod>", None),  # WordPress's default, nobody's wish
    ],
)
def test_how_often_a_feed_says_it_changes(channel, ttl):
    assert parse(rss("<title>t</title>", channel=channel)).ttl == ttl


@pytest.mark.parametrize(
    ("code", "lang"),
    [("ko", "ko"), ("KO-kr", "ko"), ("en_US", "en"), ("kor", ""), ("", ""), ("한국", "")],
)
def test_languages(code, lang):
    assert parse(rss("<title>t</title>", channel=f"<language>{code}</language>")).lang == lang


# ── texts ─────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("inner", "title"),
    [
        ("A &amp; B", "A & B"),
        ("A &amp;amp; B", "A & B"),
        ("<![CDATA[A & B]]>", "A & B"),
        ("<![CDATA[A &amp; B]]>", "A & B"),
        ("&amp;quot;둘의 만남&amp;quot;", '"둘의 만남"'),
        ("&#8220;Hi&#8221;", "“Hi”"),
        ("5 &lt; 6", "5 < 6"),
        ("&lt;b&gt;Bold&lt;/b&gt; claim", "Bold claim"),
        ("&lt;런닝맨&gt; 출연", "<런닝맨> 출연"),
        ("&lt;Running Man&gt; guests", "<Running Man> guests"),
        ("\n  two\n  lines ", "two lines"),
        ("a<!-- note -->b", "ab"),
        ("e\u0301&#160;x\u200b", "é x"),
    ],
)
def test_titles(inner, title):
    assert only(rss(f"<title>{inner}</title>")).title == title


CONTENT = 'xmlns:content="http://purl.org/rss/1.0/modules/content/"'


@pytest.mark.parametrize(
    ("content", "description", "text"),
    [
        ("<p>The whole story.</p>", "The whole", "The whole story."),
        ("<img src='/a.jpg'>", "Words", "Words"),
        ("", "Words", "Words"),
        ("Read on.", "A much longer summary here.", "A much longer summary here."),
        ("<p>Same</p>", "Same", "Same"),
    ],
)
def test_the_longest_text_is_kept(content, description, text):
    item = (
        f"<content:encoded {CONTENT}><![CDATA[{content}]]></content:encoded>"
        f"<title>t</title><description>{description}</description>"
    )
    assert only(rss(item)).text == text


def test_content_that_is_no_text_is_left_out():
    document = (
        '<feed xmlns="http://www.w3.org/2005/Atom"><entry><title>t</title><summary>s</summary>'
        '<content type="image/png">aGVsbG8gd29ybGQgaGVsbG8=</content></entry></feed>'
    )
    assert only(document).text == "s"


def test_limits():
    long = "가" * (MAX_TEXT + 5)
    tags = "".join(f"<category>c{i}</category>" for i in range(MAX_TAGS + 5))
    entry = only(rss(f"<title>{long}</title><description>{long}</description>{tags}"))
    assert len(entry.text) == MAX_TEXT
    assert len(entry.title) == MAX_LINE
    assert len(entry.tags) == MAX_TAGS


@pytest.mark.parametrize("newest_first", [True, False])
def test_of_too_many_entries_the_newest_are_kept(newest_first):
    days = range(1, 29)
    items = [
        f"<item><title>{day}-{i}</title><pubDate>{day} Aug 2026 07:00:00 GMT</pubDate></item>"
        for day in days
        for i in range(30)
    ]
    if newest_first:
        items.reverse()
    entries = parse(f"<rss><channel>{''.join(items)}</channel></rss>").entries
    assert len(entries) == MAX_ENTRIES
    assert max(e.published for e in entries).day == 28
    assert min(e.published for e in entries).day > 10


# ── encodings ─────────────────────────────────────────────────────────────────────────────────

KOREAN = rss(
    "<title>민규와 카리나, 똠방각하</title>"
    "<description>둘은 함께 춤을 췄다 &amp; 웃었다</description>",
    declaration="",
)
JAPANESE = rss("<title>サナとウィンターが共演した</title>", declaration="")


def declared(encoding, document=KOREAN):
    return f'<?xml version="1.0" encoding="{encoding}"?>\n{document}'


@pytest.mark.parametrize(
    "body",
    [
        KOREAN.encode(),
        declared("UTF-8").encode(),
        declared("utf8").encode("utf-8-sig"),
        declared("EUC-KR").encode("cp949"),
        declared("euc-kr").encode(),
        declared("ks_c_5601-1987").encode("cp949"),
        declared("UTF-8").encode("cp949"),
        KOREAN.encode("cp949"),
        declared("ISO-8859-1").encode(),
        declared("ISO-8859-1").encode("cp949"),
        declared("windows-1252").encode(),
        declared("x-no-such-thing").encode(),
        declared("x-no-such-thing").encode("cp949"),
        declared("unicode_escape").encode(),
        declared("idna").encode(),
        declared("utf-7").encode(),
        declared("UTF-16").encode(),
        declared("UTF-16").encode("utf-16"),
        declared("UTF-16").encode("utf-16-le"),
        declared("UTF-16").encode("utf-16-be"),
        declared("UTF-8").encode("utf-16"),
        declared("UTF-32").encode("utf-32"),
        b"\xef\xbb\xbf\xef\xbb\xbf" + declared("UTF-8").encode(),
    ],
    ids=lambda body: repr(body[:44]),
)
def test_korean_in_any_encoding(body):
    entry = only(body)
    assert entry.title == "민규와 카리나, 똠방각하"
    assert entry.text == "둘은 함께 춤을 췄다 & 웃었다"


@pytest.mark.parametrize(
    "body",
    [
        declared("Shift_JIS", JAPANESE).encode("cp932"),
        declared("EUC-JP", JAPANESE).encode("euc_jp"),
        declared("ISO-2022-JP", JAPANESE).encode("iso2022_jp"),
        JAPANESE.encode("cp932"),
        JAPANESE.encode("euc_jp"),
        declared("UTF-8", JAPANESE).encode("cp932"),
    ],
    ids=lambda body: repr(body[:44]),
)
def test_japanese_in_any_encoding(body):
    assert only(body).title == "サナとウィンターが共演した"


def test_the_http_header_names_the_encoding_where_the_document_does_not():
    body = "<rss><channel><item><title>Бродский</title></item></channel></rss>".encode("cp1251")
    assert only(body, content_type='text/xml; charset="windows-1251"').title == "Бродский"


@pytest.mark.parametrize("declaration", ["UTF-8", "ISO-8859-1"])
def test_latin_letters(declaration):
    document = declared(declaration, rss("<title>Beyoncé &amp; Rosé’s</title>", declaration=""))
    encoding = "cp1252" if declaration == "ISO-8859-1" else "utf-8"
    assert only(document.encode(encoding)).title == "Beyoncé & Rosé’s"


def test_one_bad_byte_costs_one_character():
    body = declared("UTF-8").encode().replace("함께".encode(), b"\xff" + "함께".encode())
    assert only(body).text == "둘은 \ufffd함께 춤을 췄다 & 웃었다"


# ── malformed ─────────────────────────────────────────────────────────────────────────────────

CUT = "<rss><channel><item><title>A &amp; B</title>"


@pytest.mark.parametrize(
    ("document", "title", "text", "url"),
    [
        (rss("<title>A&nbsp;B&hellip; caf&eacute; &amp; R&B</title>"), "A B… café & R&B", "", ""),
        (rss("<title>Q&A</title><link>https://a.example/?a=1&b=2&amp;c=3</link>"),
         "Q&A", "", "https://a.example/?a=1&b=2&c=3"),
        (rss("<title>A &amp; B</title><description>x &amp; &lt;b&gt;y&lt;/b&gt; &nbsp; &amp; z"
             "</description>"), "A & B", "x & y & z", ""),
        (rss("<title>&unheard; &amp; of</title>"), "&unheard; & of", "", ""),
        (rss("<title>A\x00B\x0b &amp; \x08C\x1f</title>"), "AB & C", "", ""),
        (rss("<title>A&#8;B&#x0;C &#xFFFF; &amp; &#x1F600;&#99999999;</title>"),
         "ABC & 😀\ufffd", "", ""),
        (rss("<title>&#xD83D;&#xDE00; &#55357;&#56832; &amp; &#xD83D;.</title>"),
         "😀 😀 & \ufffd.", "", ""),
        (rss("<title>&#147;curly&#148; &amp; &#8217;</title><x>&bad</x>"), "“curly” & ’", "", ""),
        ("\n\n  \t" + rss("<title>A &amp; B</title>"), "A & B", "", ""),
        ("<br />\n<b>Warning</b>: mysql_connect() in <b>/var/www/x.php</b> on line <b>3</b><br />\n"
         + rss("<title>A &amp; B</title>"), "A & B", "", ""),
        ("\0\0" + rss("<title>A &amp; B</title>"), "A & B", "", ""),
        (rss("<title>A &amp; B</title>") + "<script>track()</script>", "A & B", "", ""),
        (rss("<title>A &amp; B</title>").replace("</channel></rss>", ""), "A & B", "", ""),
        (CUT + "<description>cut of", "A & B", "cut of", ""),
        (CUT + "<description><![CDATA[<p>cut & o", "A & B", "cut & o", ""),
        (CUT + "<description>cut &am", "A & B", "cut &am", ""),
        (CUT + "<link>https://a.example/</lin",
         "A & B", "", "https://a.example/"),
        (rss("<description>one<br>two<p>three</description><title>A &amp; B</title>"),
         "A & B", "one\ntwo\nthree", ""),
        (rss("<description><p>one<br>two<img src=x></p><ul><li>a<li>b</ul></description>"
             "<title>A</title><link>/1</link>"),
         "A", "one\ntwo\na\nb", "https://news.example/1"),
        (rss("<title>5 < 6 &amp; <3</title>"), "5 < 6 & <3", "", ""),
        (rss("<title><런닝맨> 출연</title><link>/1</link>"),
         "<런닝맨> 출연", "", "https://news.example/1"),
        (rss("<title>A</title><content:encoded>&lt;p&gt;x &amp;amp; y&lt;/p&gt;</content:encoded>"),
         "A", "x & y", ""),
        (rss("<title>A</title><content:encoded><![CDATA[<p>x &amp; y</p>]]></content:encoded>"
             "<media:thumbnail url='/t.jpg'/>"), "A", "x & y", ""),
        (rss("<title>A</title><description>bad ]]> end &amp; more</description>"),
         "A", "bad ]]> end & more", ""),
        (rss("<title>A</title><description><![CDATA[a]]>b<![CDATA[c &amp; d]]>&x</description>"),
         "A", "abc & d&x", ""),
        (rss("<title>A</title><description><![CDATA[x\x0by]]></description>"), "A", "xy", ""),
        (rss("<title>A</title><enclosure url=/a.mp3 length=1><link>/1</link>"),
         "A", "", "https://news.example/1"),
    ],
)  # fmt: skip
def test_broken_documents_are_read_as_they_were_meant(document, title, text, url):
    entry = only(document)
    assert (entry.title, entry.text, entry.url) == (title, text, url)


def test_one_broken_entry_leaves_the_others_whole():
    items = [
        "<item><title>One &amp; 1</title><link>/1</link></item>",
        "<item><title>Two</title><description><p>a <b>b &nbsp;</description><link>/2</link></item>",
        "<item><title>Three & 3</title><description>unclosed<link>/3</link></item>",
        "<item><title>Four &amp; 4</title><link>/4</link><dc:creator>x</dc:creator></item>",
    ]
    entries = parse(f"<rss><channel>{''.join(items)}</channel></rss>").entries
    assert [e.title for e in entries] == ["One & 1", "Two", "Three & 3", "Four & 4"]
    assert [e.url.rpartition("/")[2] for e in entries] == ["1", "2", "3", "4"]


@pytest.mark.parametrize(
    ("body", "looks_like"),
    [
        (b"", "empty"),
        (b" \r\n\t\0", "empty"),
        (b"\xef\xbb\xbf", "empty"),
        (b"<!DOCTYPE html><html><head><title>Just a moment...</title></head></html>",
         "HTML page titled “Just a moment...”"),
        (b"<html><body>Login</body></html>", "an HTML page"),
        (b"<html><body><!-- <rss><channel></channel></rss> --></body></html>", "an HTML page"),
        (b'{"message": "Not found"}', "JSON without a list of items"),
        (b'{"items": {"a": 1}}', "JSON without a list of items"),
        (b"[]", "JSON without"),
        (b'{"items": [', "JSON and is broken"),
        (b"[" * 100_000, "JSON"),
        (b"Service unavailable", "plain text"),
        (b"<urlset><url/></urlset>", "<urlset>"),
        (b"<opml version='2.0'><body/></opml>", "<opml>"),
        (b"<?xml version='1.0'?>", "plain text"),
        (b"<rss>", "ends before it says anything"),
        (b"<rss version='2.0'></rss>", "ends before it says anything"),
        (b"\x89PNG\r\n\x1a\n" + bytes(range(256)), "plain text"),
    ],
)  # fmt: skip
def test_what_is_no_feed_is_called_by_its_name(body, looks_like):
    with pytest.raises(Malformed, match="feed") as caught:
        parse(body)
    assert looks_like in str(caught.value)


# ── hostile ───────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def in_bounds():
    """At the end: at most 3 seconds of work were done (feedparser takes 17 on one of these)."""
    begin = time.process_time()  # what others do on this machine does not count
    yield
    assert time.process_time() - begin < 3


LAUGHS = "".join(f'<!ENTITY l{i + 1} "{f"&l{i};" * 10}">' for i in range(9))


@pytest.mark.parametrize(
    "prolog",
    [
        f'<!DOCTYPE rss [<!ENTITY l0 "ha">{LAUGHS}]>',
        '<!DOCTYPE rss [<!ENTITY l9 SYSTEM "file:///etc/hostname">]>',
        '<!DOCTYPE rss SYSTEM "http://127.0.0.1:9/rss.dtd">',
        '<!DOCTYPE rss [<!ENTITY % p SYSTEM "http://127.0.0.1:9/x"> %p;]>',
        f'<!DOCTYPE rss [<!ENTITY l9 "{"x" * 100_000}">]>',
    ],
    ids=["billion laughs", "file", "external DTD", "parameter entity", "quadratic"],
)
def test_entities_are_neither_defined_nor_fetched(prolog, in_bounds, monkeypatch):
    def connect(*_):
        pytest.fail("no connection may be made")

    monkeypatch.setattr(socket.socket, "connect", connect)
    tracemalloc.start()
    entry = only(prolog + rss("<title>A &amp; B &l9;</title><link>/1</link>", declaration=""))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert entry.title == "A & B &l9;"
    assert entry.url == "https://news.example/1"
    assert peak < 10_000_000


def test_a_file_is_not_included(tmp_path: Path, in_bounds):
    secret = tmp_path / "secret.txt"
    secret.write_text("TOPSECRET")
    uri = secret.as_uri()
    document = (
        f'<!DOCTYPE rss [<!ENTITY x SYSTEM "{uri}">]>'
        '<rss xmlns:xi="http://www.w3.org/2001/XInclude"><channel><item>'
        f'<title>t &x; <xi:include href="{uri}" parse="text"/></title></item></channel></rss>'
    )
    assert "TOPSECRET" not in repr(parse(document))


ATTRIBUTES = " ".join(f'a{i}="x"' for i in range(50_000))
NAMESPACES = " ".join(f'xmlns:n{i}="urn:{i}"' for i in range(20_000))


@pytest.mark.parametrize(
    "junk",
    [
        f"<x {ATTRIBUTES}/>",
        f"<x {ATTRIBUTES} &/>",
        f"<x {NAMESPACES}/>",
        "<a>" * 100_000,
        "<a>" * 100_000 + "</a>" * 100_000,
        "<description>" * 100_000,
        "<description><item>" * 50_000,
        "<item>" * 100_000,
        "<title " * 100_000,
        "<![CDATA[" * 100_000,
        "<!--" * 100_000,
        "&" * 500_000,
        "&#" * 250_000,
        "&#xD800;" * 100_000,
        "<author>" + "a@a." * 100_000 + "</author>",
        "<description>" + "&lt;div&gt;" * 100_000 + "</description>",
        "<description><![CDATA[" + "<b><p>" * 100_000 + "]]></description>",
        "<link>" + "h" * 500_000 + "</link>",
        "<pubDate>" + "1" * 500_000 + "</pubDate>",
        "<category>c</category>" * 50_000,
        "<media:group>" * 50_000,
        "<title>" + "<i>" * 100_000 + "</title>",
    ],
    ids=lambda junk: junk[:24],
)
def test_hostile_documents_take_little_time(junk, in_bounds):
    first = "<item><title>First &amp; foremost</title></item>"
    feed = parse(f"<rss><channel>{first}<item>{junk}</item></channel></rss>")
    assert feed.entries[0].title == "First & foremost"


def test_a_very_long_text_is_read_and_cut(in_bounds):
    body = rss(f"<title>t</title><description>{'가나다 ' * 1_200_000}</description><link>/1</link>")
    assert len(body.encode()) > 12_000_000
    entry = only(body)
    assert len(entry.text) == MAX_TEXT - 1, "it ends in the space between two words"
    assert entry.url == "https://news.example/1"


def test_prolog_junk_is_searched_once(in_bounds):
    with pytest.raises(Malformed):
        parse("<" * 1_000_000)
    with pytest.raises(Malformed):
        parse("<!DOCTYPE [" * 100_000)
