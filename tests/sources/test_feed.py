"""The feed client over real HTTP on loopback, and over files."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
from aiohttp import web

from bot.domain.errors import (
    Malformed,
    NotAllowed,
    NotFound,
    RateLimited,
    SourceError,
    Unreachable,
)
from bot.domain.types import Source
from bot.sources.feed import FeedClient

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)


def feed(*items, channel=""):
    inner = "".join(f"<item>{item}</item>" for item in items)
    return f"<rss version='2.0'><channel><title>News</title>{channel}{inner}</channel></rss>"


ONE = feed(
    "<title>민규·카리나 챌린지</title><link>/1</link><guid>g1</guid><author>Ann</author>"
    "<pubDate>Tue, 24 Nov 2026 11:00:00 GMT</pubDate><description>둘이 함께.</description>"
    "<enclosure type='image/png' url='https://img.example/1.png'/>"
)


def source(url, **options):
    return Source(**{"id": "news", "kind": "feed", "name": "News", "url": url, **options})


class Publisher:
    """Answers each request with `answer`, and remembers what it was asked."""

    def __init__(self):
        self.asked = []
        self.answer = web.Response

    def says(self, text="", status=200, content_type="application/rss+xml", **headers):
        names = {name.replace("_", "-"): value for name, value in headers.items()}
        self.answer = lambda: web.Response(
            text=text, status=status, content_type=content_type, headers=names
        )

    async def handle(self, request):
        self.asked.append(request.headers)
        return self.answer()


@pytest.fixture
def publisher():
    return Publisher()


@pytest.fixture
async def url(serve, publisher):
    return f"{await serve(publisher.handle)}/rss/all.xml"


@pytest.fixture
def client(fetcher):
    return FeedClient(fetcher)


# ── posts ─────────────────────────────────────────────────────────────────────────────────────


async def test_an_entry_becomes_a_post(client, publisher, url):
    publisher.says(ONE)
    batch = await client.poll(source(url, lang="ko", official=True, about_idols=True), {}, NOW)
    (post,) = batch.posts
    assert post.id == "news:g1"
    assert post.source_id == "news"
    assert post.title == "민규·카리나 챌린지"
    assert post.text == "둘이 함께."
    assert post.url == url.replace("/rss/all.xml", "/1")
    assert post.author == "Ann"
    assert post.lang == "ko"
    assert post.image == "https://img.example/1.png"
    assert post.official
    assert post.about_idols
    assert not post.archive
    assert post.published == NOW - timedelta(hours=1)
    assert post.seen_at == NOW
    assert batch.min_interval is None


async def test_what_the_operator_says_of_the_language_goes_first(client, publisher, url):
    publisher.says(feed("<title>t</title>", channel="<language>en-US</language>"))
    assert (await client.poll(source(url), {}, NOW)).posts[0].lang == "en"
    assert (await client.poll(source(url, lang="ko"), {}, NOW)).posts[0].lang == "ko"


async def test_posts_come_oldest_first(client, publisher, url):
    publisher.says(
        feed(
            "<guid>undated, above</guid><title>t</title>",
            "<guid>3</guid><title>t</title><pubDate>Tue, 24 Nov 2026 11:00:00 GMT</pubDate>",
            "<guid>1</guid><title>t</title><pubDate>Mon, 23 Nov 2026 11:00:00 GMT</pubDate>",
            "<guid>2</guid><title>t</title><pubDate>Tue, 24 Nov 2026 10:00:00 GMT</pubDate>",
            "<guid>undated, below</guid><title>t</title>",
        )
    )
    posts = (await client.poll(source(url), {}, NOW)).posts
    assert [p.id.removeprefix("news:") for p in posts] == [
        "1", "2", "3", "undated, below", "undated, above"
    ]  # fmt: skip


async def test_of_entries_with_one_id_the_first_is_kept(client, publisher, url):
    publisher.says(feed(*(f"<guid>g</guid><title>{n}</title>" for n in ("new", "mid", "old"))))
    assert [p.title for p in (await client.poll(source(url), {}, NOW)).posts] == ["new"]


@pytest.mark.parametrize(
    ("written", "published"),
    [
        ("2026-11-24T11:59:00Z", NOW - timedelta(minutes=1)),
        ("2026-11-24T12:05:00Z", NOW),
        ("2026-11-25T12:00:00Z", NOW),
        ("", None),
    ],
)
async def test_no_post_is_from_the_future(client, publisher, url, written, published):
    publisher.says(feed(f"<title>t</title><pubDate>{written}</pubDate>"))
    (post,) = (await client.poll(source(url), {}, NOW)).posts
    assert post.published == published


async def test_dates_without_a_zone_are_in_the_source_s(client, publisher, url):
    publisher.says(feed("<title>t</title><pubDate>2026-11-24 20:00:00</pubDate>"))
    (post,) = (await client.poll(source(url, tz="Asia/Seoul"), {}, NOW)).posts
    assert post.published == NOW - timedelta(hours=1)


async def test_long_ids_are_hashed_and_stay_the_same(client, publisher, url):
    publisher.says(feed(f"<title>t</title><guid>{'g' * 201}</guid>"))
    (first,) = (await client.poll(source(url), {}, NOW)).posts
    (second,) = (await client.poll(source(url), {}, NOW + timedelta(hours=1))).posts
    assert first.id == second.id
    assert len(first.id) == len("news:") + 64
    publisher.says(feed(f"<title>t</title><guid>{'g' * 200}</guid>"))
    (exact,) = (await client.poll(source(url), {}, NOW)).posts
    assert exact.id == "news:" + "g" * 200


async def test_pictures_that_are_not_https_are_left_out(client, publisher, url):
    publisher.says(ONE.replace("https://img", "http://img"))
    assert (await client.poll(source(url), {}, NOW)).posts[0].image == ""


async def test_links_are_relative_to_where_the_redirects_end(client, serve):
    async def handler(request):
        if request.path == "/old":
            raise web.HTTPMovedPermanently("/new/feed.xml")
        return web.Response(text=feed("<title>t</title><link>1</link>"))

    base = await serve(handler)
    (post,) = (await client.poll(source(f"{base}/old"), {}, NOW)).posts
    assert post.url == f"{base}/new/1"


async def test_the_charset_of_the_header_is_used(client, serve):
    async def handler(_):
        body = feed("<title>Бродский</title>").encode("cp1251")
        return web.Response(body=body, content_type="text/xml", charset="windows-1251")

    (post,) = (await client.poll(source(await serve(handler)), {}, NOW)).posts
    assert post.title == "Бродский"


async def test_a_large_feed_does_not_hold_up_the_loop(client, publisher, url):
    words = "가나다 " * 2_000
    publisher.says(feed(*(f"<guid>{i}</guid><title>t &</title><description>{words}</description>"
                          for i in range(200))))  # fmt: skip
    longest = 0.0

    async def tick():
        nonlocal longest
        loop = asyncio.get_running_loop()
        while True:
            before = loop.time()
            await asyncio.sleep(0.001)
            longest = max(longest, loop.time() - before)

    ticking = asyncio.create_task(tick())
    batch = await client.poll(source(url), {}, NOW)
    ticking.cancel()
    assert len(batch.posts) == 200
    assert longest < 0.5


# ── asking only for what changed ──────────────────────────────────────────────────────────────


async def test_validators_are_sent_back_as_they_came(client, publisher, url):
    publisher.says(ONE, ETag='W/"a,b"', Last_Modified="yesterday, roughly")
    first = await client.poll(source(url), {}, NOW)
    assert "If-None-Match" not in publisher.asked[0]
    assert publisher.asked[0]["Accept"].startswith("application/atom+xml")
    publisher.says(status=304)
    second = await client.poll(source(url), first.cursor, NOW)
    assert publisher.asked[1]["If-None-Match"] == 'W/"a,b"'
    assert publisher.asked[1]["If-Modified-Since"] == "yesterday, roughly"
    assert second.posts == ()
    assert second.cursor == first.cursor


async def test_a_304_refreshes_the_validators_it_gives(client, publisher, url):
    publisher.says(ONE, ETag='"1"', Last_Modified="then")
    cursor = (await client.poll(source(url), {}, NOW)).cursor
    publisher.says(status=304, Last_Modified="now")
    cursor = (await client.poll(source(url), cursor, NOW)).cursor
    await client.poll(source(url), cursor, NOW)
    assert publisher.asked[2]["If-None-Match"] == '"1"'
    assert publisher.asked[2]["If-Modified-Since"] == "now"


async def test_a_200_without_validators_drops_the_old_ones(client, publisher, url):
    publisher.says(ONE, ETag='"1"')
    cursor = (await client.poll(source(url), {}, NOW)).cursor
    publisher.says(ONE.replace("g1", "g2"))
    cursor = (await client.poll(source(url), cursor, NOW)).cursor
    await client.poll(source(url), cursor, NOW)
    assert "If-None-Match" not in publisher.asked[2]


@pytest.mark.parametrize(
    ("before", "after", "posts"),
    [
        ({"ETag": "1"}, {"ETag": "1"}, 0),
        ({"Last_Modified": "x"}, {"Last_Modified": "x"}, 0),
        ({"ETag": "1", "Last_Modified": "x"}, {"ETag": "1", "Last_Modified": "x"}, 0),
        ({"ETag": "1"}, {"ETag": "2"}, 1),
        ({"ETag": "1", "Last_Modified": "x"}, {"ETag": "1", "Last_Modified": "y"}, 1),
        ({"ETag": "1", "Last_Modified": "x"}, {"ETag": "1"}, 1),
        ({}, {}, 1),
        ({}, {"ETag": "1"}, 1),
    ],
)
async def test_a_200_with_the_same_validators_is_no_news(
    client, publisher, url, before, after, posts
):
    publisher.says(ONE, **before)
    cursor = (await client.poll(source(url), {}, NOW)).cursor
    publisher.says(ONE.replace("g1", "g2"), **after)
    assert len((await client.poll(source(url), cursor, NOW)).posts) == posts


async def test_the_same_body_is_no_news_and_is_not_parsed(client, publisher, url):
    publisher.says(ONE)
    first = await client.poll(source(url), {}, NOW)
    second = await client.poll(source(url), first.cursor, NOW)
    assert (len(first.posts), len(second.posts)) == (1, 0)
    assert second.cursor == first.cursor
    # Had it been parsed, it would have been refused.
    publisher.says("<html>", ETag="1")
    known = {**first.cursor, "etag": "1"}
    assert (await client.poll(source(url), known, NOW)).posts == ()


async def test_a_source_that_moved_begins_anew(client, publisher, url):
    publisher.says(ONE, ETag='"1"')
    cursor = (await client.poll(source(url), {}, NOW)).cursor
    batch = await client.poll(source(f"{url}?page=2"), cursor, NOW)
    assert "If-None-Match" not in publisher.asked[1]
    assert len(batch.posts) == 1
    assert batch.cursor["url"] == f"{url}?page=2"


async def test_a_cursor_is_text(client, publisher, url):
    publisher.says(feed("<title>t</title>", channel="<ttl>5</ttl>"), ETag="1", Last_Modified="x")
    cursor = (await client.poll(source(url), {}, NOW)).cursor
    assert set(cursor) == {"url", "etag", "modified", "hash", "ttl"}
    assert all(isinstance(value, str) for value in cursor.values())


# ── how often ─────────────────────────────────────────────────────────────────────────────────


async def test_the_interval_is_what_headers_and_feed_ask_for(client, publisher, url):
    body = feed("<title>t</title>", channel="<ttl>5</ttl>")
    publisher.says(body, Cache_Control="max-age=60", ETag="1")
    batch = await client.poll(source(url), {}, NOW)
    assert batch.min_interval == 300
    publisher.says(status=304, Cache_Control="max-age=600")
    batch = await client.poll(source(url), batch.cursor, NOW)
    assert batch.min_interval == 600
    publisher.says(body, ETag="1")
    batch = await client.poll(source(url), batch.cursor, NOW)
    assert batch.min_interval == 300, "the feed's own wish is remembered while it does not change"
    publisher.says(ONE)
    batch = await client.poll(source(url), batch.cursor, NOW)
    assert batch.min_interval is None
    assert "ttl" not in batch.cursor


async def test_no_publisher_delays_us_beyond_an_hour(client, publisher, url):
    publisher.says(feed("<title>t</title>", channel="<ttl>1440</ttl>"))
    assert (await client.poll(source(url), {}, NOW)).min_interval == 3600


# ── failures ──────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("answer", "kind", "says"),
    [
        ({"status": 401}, NotAllowed, "401"),
        ({"status": 403}, NotAllowed, "403"),
        ({"status": 403, "cf_mitigated": "challenge", "content_type": "text/html"}, NotAllowed,
         "challenge"),
        ({"status": 404}, NotFound, "404"),
        ({"status": 410}, NotFound, "410"),
        ({"status": 429}, RateLimited, "429"),
        ({"status": 503}, RateLimited, "503"),
        ({"status": 500}, Unreachable, "500"),
        ({"text": ""}, Malformed, "empty"),
        ({"text": " \n"}, Malformed, "empty"),
        ({"text": "<html><title>Log in</title></html>"}, Malformed, "Log in"),
        ({"text": '{"error": "no"}', "content_type": "application/json"}, Malformed, "JSON"),
        ({"text": "oops", "content_type": "text/plain"}, Malformed, "plain text"),
        ({"text": "x" * 5_000_001}, Malformed, "5,000,000"),
    ],
)  # fmt: skip
async def test_bad_answers(client, publisher, url, answer, kind, says):
    publisher.says(**answer)
    with pytest.raises(SourceError, match=says) as caught:
        await client.poll(source(url), {}, NOW)
    assert type(caught.value) is kind


async def test_an_empty_answer_is_no_news_about_nothing(client, publisher, url):
    """An empty 200 is an error even when it carries the validators of the last good answer."""
    publisher.says(ONE, ETag="1")
    cursor = (await client.poll(source(url), {}, NOW)).cursor
    publisher.says("", ETag="1")
    with pytest.raises(Malformed, match="empty"):
        await client.poll(source(url), cursor, NOW)


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"Retry_After": "120"}, 120),
        ({"Retry_After": "Tue, 24 Nov 2026 12:02:00 GMT",
          "Date": "Tue, 24 Nov 2026 12:00:00 GMT"}, 120),
        ({"X_RateLimit_Reset": "30"}, 30),
        ({}, None),
    ],
)  # fmt: skip
async def test_the_wait_that_is_asked_for_is_passed_on(client, publisher, url, headers, seconds):
    publisher.says(status=429, **headers)
    with pytest.raises(RateLimited) as caught:
        await client.poll(source(url), {}, NOW)
    assert caught.value.retry_after == seconds


async def test_the_type_that_a_server_claims_does_not_matter(client, publisher, url):
    publisher.says(ONE, content_type="text/html")
    assert len((await client.poll(source(url), {}, NOW)).posts) == 1


async def test_a_failed_poll_leaves_the_cursor_alone(client, publisher, url):
    publisher.says(ONE, ETag='"1"')
    cursor = (await client.poll(source(url), {}, NOW)).cursor
    before = dict(cursor)
    publisher.says("<html>", ETag='"2"')
    with pytest.raises(Malformed):
        await client.poll(source(url), cursor, NOW)
    assert cursor == before


# ── files ─────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "한 글.xml"
    path.write_text(ONE.replace("/1<", "https://a.example/1<"), encoding="utf-8")
    return path


async def test_a_file_is_read_for_the_operator(fetcher, path):
    client = FeedClient(fetcher, allow_files=True)
    batch = await client.poll(source(path.as_uri()), {}, NOW)
    assert [(p.id, p.url) for p in batch.posts] == [("news:g1", "https://a.example/1")]
    again = await client.poll(source(path.as_uri()), batch.cursor, NOW)
    assert again.posts == ()
    path.write_text(ONE.replace("g1", "g2"), encoding="utf-8")
    third = await client.poll(source(path.as_uri()), again.cursor, NOW)
    assert [(p.id, p.url) for p in third.posts] == [("news:g2", "")]


async def test_a_file_may_be_named_from_where_the_program_runs(fetcher, path, monkeypatch):
    monkeypatch.chdir(path.parent)
    path.rename("feed.xml")
    client = FeedClient(fetcher, allow_files=True)
    assert len((await client.poll(source("file:feed.xml"), {}, NOW)).posts) == 1


@pytest.mark.parametrize("scheme", ["file", "FILE"])
async def test_a_file_is_refused_to_anyone_else(client, path, scheme):
    with pytest.raises(NotAllowed, match="operator"):
        await client.poll(source(path.as_uri().replace("file", scheme)), {}, NOW)


async def test_files_that_cannot_be_read(fetcher, path, tmp_path):
    client = FeedClient(fetcher, allow_files=True, max_bytes=1000)
    for missing in (tmp_path / "no.xml", tmp_path):
        with pytest.raises(NotFound):
            await client.poll(source(missing.as_uri()), {}, NOW)
    path.write_bytes(b"x" * 1001)
    with pytest.raises(Malformed, match="1,000 bytes"):
        await client.poll(source(path.as_uri()), {}, NOW)
    path.write_bytes(b"")
    with pytest.raises(Malformed, match="empty"):
        await client.poll(source(path.as_uri()), {}, NOW)
    with pytest.raises(NotFound):
        await client.poll(source("file:%00"), {}, NOW)
    with pytest.raises(NotAllowed, match="this machine"):
        await client.poll(source(f"file://elsewhere.example{path.as_posix()}"), {}, NOW)
