"""Articles as pages: what is read of them, and that hostile ones cost no more."""

from __future__ import annotations

import time

from bot.sources.page import read_page

PAGE = """<!doctype html><html><head><title>Site name</title>
<meta property="og:title" content="Jisoo &amp; Mingyu bow"></head><body><nav><a>Menu</a></nav>
<article><h1>Jisoo</h1><p class="lead">BLACKPINK&#39;s <b>Jisoo</b> bowed.</p><p>So did
Mingyu.<p>Unclosed</article><script>p("<p>no</p>")</script></body></html>"""


def test_a_page_gives_its_title_and_paragraphs():
    title, text = read_page(PAGE.encode())
    assert title == "Jisoo & Mingyu bow"
    assert text.split("\n")[:3] == ["BLACKPINK's Jisoo bowed.", "So did Mingyu.", "Unclosed"]


def test_without_og_title_the_title_counts_and_without_paragraphs_there_is_no_text():
    assert read_page(b"<title>A &lt; B</title><div>x</div>") == ("A < B", "")
    assert read_page(b"") == ("", "")


def test_korean_pages_are_decoded_by_what_they_are():
    page = "<title>지수와 민규</title><p>인사를 나눴다.</p>".encode("euc-kr")
    assert read_page(page, "text/html; charset=euc-kr") == ("지수와 민규", "인사를 나눴다.")


def test_deep_and_repeated_tags_take_linear_time():
    def seconds(count: int) -> float:
        body = b"<div>" * count + b"<p>" * count + b"<meta property=" * count
        begin = time.perf_counter()
        read_page(body)
        return time.perf_counter() - begin

    small = max(min(seconds(10_000) for _ in range(3)), 0.001)
    assert seconds(80_000) < 40 * small  # quadratic would be 64 times
