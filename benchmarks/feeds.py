"""Feeds per second, ours beside feedparser: `python -m benchmarks.feeds`.

Reads the folder named by CRUMBS_TEST_FEEDS, or documents made here. Both parsers read every
document in each round, turn about, so that whatever else the machine does falls on both.
"""

from __future__ import annotations

import os
import random
import re
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from xml.sax.saxutils import escape

import feedparser

from bot.sources.feed_parser import parse_feed

ROUNDS = 7
URL = "https://feed.example/rss.xml"
WORDS = re.findall(
    r"\S+",
    "민규 카리나 챌린지 함께 춤을 췄다 무대 인사 사진 서로 팬들은 한국 시간 오늘 the two idols met "
    "backstage at an award show and danced together サナ ウィンター 共演 新曲 &amp; “quoted”",
)


def documents() -> list[bytes]:
    """The feeds to read: those of the folder, else made ones of the usual shapes and sizes."""
    if folder := os.environ.get("CRUMBS_TEST_FEEDS"):
        return [path.read_bytes() for path in sorted(Path(folder).glob("*.xml"))]
    dice = random.Random(7)
    return [
        *(_rss(dice, entries=20, paragraphs=24) for _ in range(6)),
        _rss(dice, entries=100, paragraphs=24),
        *(_rss(dice, entries=50, paragraphs=1) for _ in range(3)),
        *(_atom(dice, entries=20) for _ in range(3)),
        *(_rss(dice, entries=20, paragraphs=12).replace(b"&amp;", b"&") for _ in range(2)),
    ]


def _sentence(dice: random.Random, words: int) -> str:
    return " ".join(dice.choice(WORDS) for _ in range(words))


def _html(dice: random.Random, paragraphs: int) -> str:
    return "\n".join(
        f'<p class="wp-block-paragraph">{_sentence(dice, 30)} '
        f'<a href="https://a.example/{dice.randrange(10**6)}">{_sentence(dice, 4)}</a></p>'
        f'<figure><img src="https://img.example/{i}.jpg" width="640" height="480" alt=""></figure>'
        for i in range(paragraphs)
    )


def _rss(dice: random.Random, *, entries: int, paragraphs: int) -> bytes:
    items = "".join(
        f"<item><title>{_sentence(dice, 9)}</title><link>https://a.example/{i}</link>"
        f'<guid isPermaLink="false">https://a.example/?p={i}</guid><dc:creator>Ann</dc:creator>'
        f"<pubDate>Tue, 11 Aug 2026 {i % 24:02}:00:00 +0900</pubDate><category>K-pop</category>"
        f"<description>{escape(_html(dice, 1))}</description>"
        f"<content:encoded><![CDATA[{_html(dice, paragraphs)}]]></content:encoded></item>"
        for i in range(entries)
    )
    return (
        '<?xml version="1.0" encoding="UTF-8"?><rss version="2.0"'
        ' xmlns:content="http://purl.org/rss/1.0/modules/content/"'
        ' xmlns:dc="http://purl.org/dc/elements/1.1/"><channel><title>News</title>'
        f"<link>https://a.example/</link><language>ko</language>{items}</channel></rss>"
    ).encode()


def _atom(dice: random.Random, *, entries: int) -> bytes:
    items = "".join(
        f"<entry><id>tag:b.example,2026:{i}</id><title>{_sentence(dice, 9)}</title>"
        f'<link href="https://b.example/{i}"/><updated>2026-08-11T07:00:00+09:00</updated>'
        f"<author><name>Ann</name></author><summary>{_sentence(dice, 30)}</summary>"
        f'<content type="html">{escape(_html(dice, 2))}</content></entry>'
        for i in range(entries)
    )
    return f'<feed xmlns="http://www.w3.org/2005/Atom"><title>Blog</title>{items}</feed>'.encode()


def _ours(body: bytes) -> int:
    return len(parse_feed(body, url=URL).entries)


def _theirs(body: bytes) -> int:
    return len(feedparser.parse(body).entries)


def _seconds(parse: Callable[[bytes], int], bodies: list[bytes]) -> float:
    begin = time.perf_counter()
    for body in bodies:
        parse(body)
    return time.perf_counter() - begin


def main() -> None:
    """Measure, and print documents per second and the ratio."""
    bodies = documents()
    size = sum(map(len, bodies))
    entries = [(_ours(body), _theirs(body)) for body in bodies]
    origin = "found in the wild" if os.environ.get("CRUMBS_TEST_FEEDS") else "made here"
    print(f"feeds: {len(bodies)} documents {origin}, {size / 1e6:.1f} MB, {ROUNDS} rounds")
    ours: list[float] = []
    theirs: list[float] = []
    for turn in range(ROUNDS):
        pair = [(_ours, ours), (_theirs, theirs)]
        for parse, times in pair if turn % 2 else reversed(pair):
            times.append(_seconds(parse, bodies))
    for name, times, index in (("crumbs", ours, 0), ("feedparser", theirs, 1)):
        took = median(times)
        print(
            f"  {name:<11}{len(bodies) / took:8.1f} docs/s {size / took / 1e6:7.1f} MB/s"
            f"  {sum(pair[index] for pair in entries):6} entries"
        )
    ratios = [b / a for a, b in zip(ours, theirs, strict=True)]
    print(f"  ratio      {median(ratios):8.1f}  (rounds: {min(ratios):.1f} to {max(ratios):.1f})")


if __name__ == "__main__":
    main()
