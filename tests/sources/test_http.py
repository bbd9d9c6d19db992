"""The fetcher against servers on loopback: what it gives, where it stops, what it refuses."""

import asyncio
import gzip
import time
import traceback
import tracemalloc
import zlib

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
from bot.sources.http import MAX_REDIRECTS, Fetcher

USER_AGENT = "Crumbs/0.0 (+https://crumbs.example/contact)"


def text(body="ok", **options):
    async def handler(_):
        return web.Response(text=body, **options)

    return handler


def redirect(location, status=302):
    async def handler(_):
        return web.Response(status=status, headers={"Location": location})

    return handler


# ── what it gives ─────────────────────────────────────────────────────────────────────────────


async def test_an_answer_comes_with_status_headers_body_and_address(serve, fetcher):
    base = await serve(text("안녕", headers={"X-Thing": "1"}))
    answer = await fetcher.get(f"{base}/feed?page=1#top")
    assert answer.status == 200
    assert answer.body.decode() == "안녕"
    assert answer.headers["x-thing"] == "1"
    assert answer.url == f"{base}/feed?page=1"
    assert answer.permanent_redirect is None


async def test_it_says_who_it_is_and_asks_for_compression(serve, fetcher):
    seen = {}

    async def handler(request):
        seen.update(request.headers)
        return web.Response()

    await fetcher.get(await serve(handler), headers={"If-None-Match": '"x"'})
    assert seen["User-Agent"] == USER_AGENT
    assert "gzip" in seen["Accept-Encoding"]
    assert seen["If-None-Match"] == '"x"'


async def test_cookies_are_not_kept(serve, fetcher):
    cookies = []

    async def handler(request):
        cookies.append(request.headers.get("Cookie"))
        response = web.Response()
        response.set_cookie("who", "me")
        return response

    base = await serve(handler)
    await fetcher.get(base)
    await fetcher.get(base)
    assert cookies == [None, None]


async def test_a_proxy_named_in_the_environment_is_ignored(serve, fetcher, monkeypatch):
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    assert (await fetcher.get(await serve(text()))).body == b"ok"


async def test_not_modified_is_an_answer(serve, fetcher):
    base = await serve(text("", status=304, headers={"ETag": '"2"'}))
    answer = await fetcher.get(base)
    assert (answer.status, answer.body, answer.headers["ETag"]) == (304, b"", '"2"')


async def test_compressed_answers_are_unpacked(serve, fetcher):
    async def handler(_):
        return web.Response(body=gzip.compress(b"x" * 1000), headers={"Content-Encoding": "gzip"})

    assert (await fetcher.get(await serve(handler))).body == b"x" * 1000


async def test_no_more_than_two_connections_to_a_host(serve, fetcher):
    now = most = 0

    async def handler(_):
        nonlocal now, most
        now += 1
        most = max(most, now)
        await asyncio.sleep(0.02)
        now -= 1
        return web.Response()

    base = await serve(handler)
    await asyncio.gather(*(fetcher.get(base) for _ in range(8)))
    assert most == 2


async def test_it_can_be_closed_twice_and_made_without_a_loop(serve):
    fetcher = await asyncio.to_thread(Fetcher, USER_AGENT, allow=frozenset({"127.0.0.1"}))
    assert (await fetcher.get(await serve(text()))).status == 200
    await fetcher.close()
    await fetcher.close()


# ── statuses ──────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, Malformed),
        (401, NotAllowed),
        (403, NotAllowed),
        (404, NotFound),
        (410, NotFound),
        (418, Malformed),
        (429, RateLimited),
        (500, Unreachable),
        (502, Unreachable),
        (503, RateLimited),
        (504, Unreachable),
        (300, Malformed),
    ],
)
async def test_a_status_becomes_the_kind_of_error(serve, fetcher, status, kind):
    base = await serve(text("an error page", status=status))
    with pytest.raises(SourceError) as caught:
        await fetcher.get(f"{base}/feed")
    assert type(caught.value) is kind
    assert str(status) in str(caught.value)


async def test_a_redirect_without_a_target_is_malformed(serve, fetcher):
    base = await serve(text("", status=302))
    with pytest.raises(Malformed, match="302"):
        await fetcher.get(base)


# ── size ──────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("packed", [False, True])
async def test_the_limit_on_size_is_exact(serve, fetcher, packed):
    async def handler(_):
        response = web.Response(body=b"x" * 100_000)
        if packed:
            response.enable_compression()
        return response

    base = await serve(handler)
    assert len((await fetcher.get(base, max_bytes=100_000)).body) == 100_000
    with pytest.raises(Malformed, match="more than 99,999 bytes"):
        await fetcher.get(base, max_bytes=99_999)


async def test_an_endless_answer_is_stopped(serve, fetcher):
    async def handler(request):
        response = web.StreamResponse()
        await response.prepare(request)
        while True:
            await response.write(b"x" * 65_536)

    with pytest.raises(Malformed, match="more than 5,000,000 bytes"):
        await fetcher.get(await serve(handler))


@pytest.mark.parametrize(("encoding", "bits"), [("gzip", 31), ("deflate", 15)])
async def test_a_bomb_is_stopped_while_it_unpacks(serve, fetcher, encoding, bits):
    packer = zlib.compressobj(9, wbits=bits)
    bomb = b"".join(packer.compress(bytes(1_000_000)) for _ in range(300)) + packer.flush()

    async def handler(_):
        return web.Response(body=bomb, headers={"Content-Encoding": encoding})

    base = await serve(handler)
    tracemalloc.start()
    try:
        with pytest.raises(Malformed, match="more than"):
            await fetcher.get(base)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 30_000_000


# ── time ──────────────────────────────────────────────────────────────────────────────────────


async def drip(request):
    response = web.StreamResponse()
    await response.prepare(request)
    while True:
        await response.write(b"x")
        await asyncio.sleep(0.02)


async def never(_):
    await asyncio.sleep(60)


@pytest.mark.parametrize("handler", [drip, never])
async def test_the_whole_takes_no_longer_than_total(serve, handler):
    base = await serve(handler)
    async with Fetcher(USER_AGENT, allow=frozenset({"127.0.0.1"}), total=0.3) as fetcher:
        begin = time.monotonic()
        with pytest.raises(Unreachable, match=r"0\.3 seconds"):
            await fetcher.get(base)
        assert time.monotonic() - begin < 2


async def test_total_spans_redirects(serve):
    async def handler(_):
        await asyncio.sleep(0.2)
        return web.Response(status=302, headers={"Location": "/again"})

    base = await serve(handler)
    async with Fetcher(USER_AGENT, allow=frozenset({"127.0.0.1"}), total=0.5) as fetcher:
        with pytest.raises(Unreachable, match=r"0\.5 seconds"):
            await fetcher.get(base)


async def test_silence_is_cut_short(serve):
    async def handler(request):
        response = web.StreamResponse()
        await response.prepare(request)
        await response.write(b"x")
        await asyncio.sleep(60)

    base = await serve(handler)
    async with Fetcher(USER_AGENT, allow=frozenset({"127.0.0.1"}), idle=0.2) as fetcher:
        with pytest.raises(Unreachable, match="silent"):
            await fetcher.get(base)


# ── broken connections ────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("sent", "kind"),
    [
        (b"", Unreachable),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nshort", Malformed),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n50\r\nshort", Malformed),
        (
            b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 5\r\n\r\nplain",
            Malformed,
        ),
        (b"SSH-2.0-OpenSSH_9.6\r\n\r\n", Malformed),
        (b"HTTP/1.1 200 OK\r\nX: " + b"x" * 100_000 + b"\r\n\r\n", Malformed),
    ],
    ids=["hung up", "cut off", "chunk cut off", "not gzip", "not HTTP", "endless header"],
)
async def test_broken_answers_become_errors(serve_raw, fetcher, sent, kind):
    base = await serve_raw(sent)
    with pytest.raises(SourceError) as caught:
        await fetcher.get(base)
    assert type(caught.value) is kind


async def test_a_closed_port_is_unreachable(serve_raw, fetcher, cleanup):
    base = await serve_raw(b"")
    await cleanup.aclose()
    with pytest.raises(Unreachable, match="refuses connections"):
        await fetcher.get(base)


async def test_https_to_a_server_without_tls_is_unreachable(serve, fetcher):
    base = await serve(text())
    with pytest.raises(Unreachable, match="TLS"):
        await fetcher.get(base.replace("http:", "https:"))


# ── redirects ─────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("statuses", "permanent"),
    [
        ([301], "/1"),
        ([308, 301], "/2"),
        ([301, 302], "/1"),
        ([302, 301], None),
        ([303], None),
        ([307, 302], None),
    ],
)
async def test_redirects_are_followed_and_permanent_ones_told(serve, fetcher, statuses, permanent):
    async def handler(request):
        step = int(request.path.removeprefix("/") or 0)
        if step == len(statuses):
            return web.Response(text="there")
        return web.Response(status=statuses[step], headers={"Location": f"/{step + 1}"})

    base = await serve(handler)
    answer = await fetcher.get(base)
    assert answer.body == b"there"
    assert answer.url == f"{base}/{len(statuses)}"
    assert answer.permanent_redirect == (permanent and base + permanent)


@pytest.mark.parametrize("hops", [MAX_REDIRECTS, MAX_REDIRECTS + 1])
async def test_there_is_a_last_redirect(serve, fetcher, hops):
    asked = []

    async def handler(request):
        asked.append(request.path)
        step = int(request.path.removeprefix("/"))
        return (
            web.Response(status=301, headers={"Location": f"/{step - 1}"})
            if step
            else web.Response()
        )

    base = await serve(handler)
    if hops == MAX_REDIRECTS:
        assert (await fetcher.get(f"{base}/{hops}")).status == 200
    else:
        with pytest.raises(Malformed, match="redirects"):
            await fetcher.get(f"{base}/{hops}")
    assert len(asked) == MAX_REDIRECTS + 1


async def test_a_loop_ends(serve, fetcher):
    with pytest.raises(Malformed, match="redirects"):
        await fetcher.get(await serve(redirect("/")))


@pytest.mark.parametrize(
    ("location", "kind"),
    [
        ("ftp://127.0.0.1/feed", NotAllowed),
        ("file:///etc/passwd", NotAllowed),
        ("javascript:alert(1)", NotAllowed),
        ("data:text/xml,<rss/>", NotAllowed),
        ("http://user:word@127.0.0.1/", NotAllowed),
        ("http://[::1", Malformed),
        ("http://127.0.0.1:99999/", Malformed),
    ],
)
async def test_redirects_to_what_is_no_web_address_are_refused(serve, fetcher, location, kind):
    base = await serve(redirect(location))
    with pytest.raises(SourceError) as caught:
        await fetcher.get(base)
    assert type(caught.value) is kind


async def test_keys_do_not_follow_a_redirect_to_another_origin(serve, fetcher):
    seen = []

    async def there(request):
        seen.append(dict(request.headers))
        return web.Response()

    target = await serve(there)
    headers = {"X-Api-Key": "k", "Authorization": "Bearer t", "If-None-Match": '"v"'}
    await fetcher.get(await serve(redirect(target)), headers=headers)
    await fetcher.get(target, headers=headers)
    first, second = seen
    assert first["If-None-Match"] == '"v"'
    assert first["User-Agent"] == USER_AGENT
    assert "X-Api-Key" not in first
    assert "Authorization" not in first
    assert second["X-Api-Key"] == "k"


# ── what may be fetched ───────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "localhost",
        "LOCALHOST",
        "0.0.0.0",  # noqa: S104  to be refused
        "10.0.0.1",
        "169.254.169.254",
        "①②⑦.⓪.⓪.①",
        "[::1]",
        "[::]",
        "[0:0:0:0:0:0:0:1]",
        "[::ffff:127.0.0.1]",
        "[::ffff:7f00:1]",
        "[64:ff9b::7f00:1]",
        "[2002:7f00:1::]",
        "[fd00::1]",
        "[fe80::1%25lo]",
    ],
)
async def test_private_addresses_are_refused_however_they_are_written(host):
    async with Fetcher(USER_AGENT) as fetcher:
        for scheme in ("http", "https"):
            with pytest.raises(NotAllowed, match=r"private address.*CRUMBS_FETCH_ALLOW"):
                await fetcher.get(f"{scheme}://{host}/feed")


@pytest.mark.parametrize("host", ["2130706433", "127.1", "0177.0.0.1", "127.0.0.01"])
async def test_odd_ways_to_write_an_address_are_refused(host):
    async with Fetcher(USER_AGENT) as fetcher:
        with pytest.raises(NotAllowed):
            await fetcher.get(f"http://{host}/")


@pytest.mark.parametrize(
    "url",
    [
        "",
        "feed.xml",
        "//127.0.0.1/",
        "ftp://127.0.0.1/",
        "file:///etc/passwd",
        "gopher://127.0.0.1/",
        "http://",
        "http://user@127.0.0.1/",
        "http://user:word@127.0.0.1/",
        "http://:word@127.0.0.1/",
        "http://a b/",
        "http://a..b/",
        "http://...../",
        "http://" + "a" * 64 + ".example/",
        "http://127.0.0.1:0x50/",
        "http://127.0.0.1:99999/",
        "http://[::1/",
        "http://\0/",
        "http://\ud800/",
        "http://127.0.0.1\\@example.org/",
    ],
)
async def test_what_is_no_plain_web_address_is_refused(fetcher, url):
    with pytest.raises(NotAllowed):
        await fetcher.get(url)


@pytest.mark.parametrize("port", [22, 25, 6379, 8080])
async def test_only_the_ports_of_the_web_are_fetched(port):
    async with Fetcher(USER_AGENT) as fetcher:
        with pytest.raises(NotAllowed, match=rf"port {port}.*CRUMBS_FETCH_ALLOW"):
            await fetcher.get(f"http://8.8.8.8:{port}/")


@pytest.mark.parametrize("form", ["{host}", "{host}:{port}", " {host} "])
@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "LocalHost"])
async def test_hosts_that_are_allowed_are_fetched(serve, host, form):
    port = (await serve(text())).rpartition(":")[2]
    allow = frozenset({form.format(host=host, port=port)})
    async with Fetcher(USER_AGENT, allow=allow) as fetcher:
        assert (await fetcher.get(f"http://{host.lower()}:{port}/")).body == b"ok"


@pytest.mark.parametrize("allowed", ["localhost", "127.0.0.2", "127.0.0.1:1", "[::1]", "27.0.0.1"])
async def test_an_exemption_is_for_that_host_and_port_only(serve, allowed):
    base = await serve(text())
    async with Fetcher(USER_AGENT, allow=frozenset({allowed})) as fetcher:
        with pytest.raises(NotAllowed):
            await fetcher.get(base)


@pytest.mark.parametrize(
    "target",
    ["http://127.0.0.2/", "http://localhost/", "http://[::1]/", "http://[::ffff:127.0.0.1]/"],
)
async def test_a_redirect_from_an_allowed_host_to_another_private_one_is_refused(
    serve, fetcher, target
):
    base = await serve(redirect(target))
    with pytest.raises(NotAllowed, match="private address"):
        await fetcher.get(base)


async def test_an_open_connection_to_an_allowed_host_serves_no_other(serve):
    """Both names lead to one server, and one of them has a connection waiting in its pool."""
    base = await serve(text())
    port = base.rpartition(":")[2]
    async with Fetcher(USER_AGENT, allow=frozenset({"127.0.0.1"})) as fetcher:
        await fetcher.get(base)
        with pytest.raises(NotAllowed):
            await fetcher.get(f"http://localhost:{port}/")
        assert (await fetcher.get(base)).body == b"ok"


@pytest.mark.parametrize("entry", ["", "  ", "http://host/", "host:port"])
def test_an_entry_that_is_no_host_is_an_error(entry):
    with pytest.raises(ValueError, match=r"host|port"):
        Fetcher(USER_AGENT, allow=frozenset({entry}))


# ── secrets ───────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "url",
    [
        "http://10.0.0.1/?key=SECRET",
        "http://10.0.0.1:8080/?key=SECRET",
        "http://127.1/?key=SECRET",
        "http://SECRET@127.0.0.1/",
        "http://me:SECRET@127.0.0.1/",
        "ftp://me:SECRET@127.0.0.1/?key=SECRET",
        "http://[::1?key=SECRET",
        "{base}/404?key=SECRET",
        "{base}/429?key=SECRET",
        "{base}/500?key=SECRET",
        "{base}/large?key=SECRET",
        "{base}/slow?key=SECRET",
        "{base}/loop?key=SECRET",
        "{base}/out?key=SECRET",
        "{closed}/?key=SECRET",
        "{broken}/?key=SECRET",
    ],
)
async def test_no_error_tells_a_secret(serve, serve_raw, url):
    async def handler(request):
        match request.path:
            case "/large":
                return web.Response(body=bytes(5_000_001))
            case "/slow":
                await asyncio.sleep(60)
            case "/loop":
                raise web.HTTPFound("/loop?key=SECRET")
            case "/out":
                raise web.HTTPFound("http://SECRET:SECRET@10.0.0.1/?key=SECRET")
        return web.Response(status=int(request.path[1:]))

    url = url.format(
        base=await serve(handler), broken=await serve_raw(b"?\r\n\r\n"), closed="http://127.0.0.1:1"
    )
    async with Fetcher(USER_AGENT, allow=frozenset({"127.0.0.1"}), total=1) as fetcher:
        with pytest.raises(SourceError) as caught:
            await fetcher.get(url)
    assert str(caught.value).endswith(".")
    # The message, and every message that a log would print below it.
    told = "".join(line for line in traceback.format_exception_only(caught.value))
    error = caught.value
    while error.__cause__ or (error.__context__ and not error.__suppress_context__):
        error = error.__cause__ or error.__context__
        told += str(error)
    assert "SECRET" not in told
