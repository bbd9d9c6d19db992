"""Feeds as they are found in the wild, read beside feedparser.

They belong to others and are no part of this project: CRUMBS_TEST_FEEDS names the folder they are
in, and without it nothing is run here.
"""

import os
from pathlib import Path

import feedparser
import pytest

from bot.sources.feed_parser import parse_feed
from bot.sources.plain_text import plain, tidy

FOLDER = os.environ.get("CRUMBS_TEST_FEEDS", "")
FILES = sorted(Path(FOLDER).glob("*.xml")) if FOLDER else []

pytestmark = pytest.mark.skipif(not FOLDER, reason="CRUMBS_TEST_FEEDS is not set")


@pytest.fixture(scope="module", params=FILES, ids=lambda path: path.stem)
def both(request):
    body = request.param.read_bytes()
    return parse_feed(body, url="https://feed.example/rss.xml"), feedparser.parse(body)


def squeezed(text):
    """What is left to compare when spacing and paragraphs are a matter of taste."""
    return "".join(tidy(text).split())


def test_there_are_feeds():
    assert len(FILES) >= 10


def test_no_entry_is_lost(both):
    ours, theirs = both
    assert len(ours.entries) >= len(theirs.entries) > 0


def test_titles_are_the_same(both):
    ours, theirs = both
    # feedparser leaves the tags and double references of a title to its reader.
    expected = [squeezed(plain(e.get("title", ""))) for e in theirs.entries]
    assert [squeezed(e.title) for e in ours.entries] == expected


def test_texts_are_as_long(both):
    ours, theirs = both
    for entry, other in zip(ours.entries, theirs.entries, strict=True):
        bodies = [c.value for c in other.get("content", ())] + [other.get("summary", "")]
        expected = max((squeezed(plain(body)) for body in bodies), key=len)
        assert len(squeezed(entry.text)) >= 0.98 * len(expected), entry.id


def test_ids_and_links_are_the_same(both):
    ours, theirs = both
    for entry, other in zip(ours.entries, theirs.entries, strict=True):
        assert entry.id == tidy(other.get("id") or other.get("link", ""))
        assert bool(entry.url) == bool(other.get("link"))


def test_dates_are_the_same(both):
    ours, theirs = both
    for entry, other in zip(ours.entries, theirs.entries, strict=True):
        expected = other.get("published_parsed") or other.get("updated_parsed")
        if expected.tm_year < 1990:  # a generator's placeholder for "no date"
            assert entry.published is None
        else:
            assert entry.published is not None
            assert entry.published.timetuple()[:6] == expected[:6]


def test_pictures_are_found(both):
    ours, theirs = both
    for entry, other in zip(ours.entries, theirs.entries, strict=True):
        named = [m.get("url") for m in other.get("media_content", ()) if m.get("medium") == "image"]
        if named or "<img" in str(other.get("content")):
            assert entry.image.startswith("http"), entry.id
