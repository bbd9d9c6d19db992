"""Which occasion a post tells of."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from bot.domain.cluster import Clusterer, fingerprint, url_key
from bot.domain.types import (
    Interaction,
    Kind,
    Pair,
    Placement,
    Post,
    Story,
    StoryPair,
    StoryState,
    Tier,
)

MakePost = Callable[..., Post]
START = datetime(2026, 11, 1, tzinfo=UTC)
AB, AC, BC = Pair.of("a", "b"), Pair.of("a", "c"), Pair.of("b", "c")


def met(pair: Pair, *, past: bool = False) -> Interaction:
    return Interaction(
        pair=pair, kind=Kind.GREETING, tier=Tier.ANNOUNCE, past=past, confidence=0.9, evidence="hi"
    )


class Archive:
    """Stories as they grow from placements: what a store does, and no more."""

    def __init__(self, cluster: Clusterer) -> None:
        self.cluster = cluster
        self.stories: list[Story] = []

    def take(self, post: Post, *interactions: Interaction) -> list[Placement]:
        placements = list(self.cluster(post, interactions, self.stories))
        report = self.cluster.report(post)
        for placement in placements:
            new = tuple(
                StoryPair(
                    pair=p, kind=Kind.GREETING, tier=Tier.ANNOUNCE, confidence=0.9, evidence=""
                )
                for p in placement.pairs
            )
            old = next((s for s in self.stories if s.id == placement.story_id), None)
            if old is None:
                assert placement.story_id is None
                self.stories.append(
                    Story(
                        id=f"story {len(self.stories)}",
                        state=StoryState.ARCHIVE if placement.archive else StoryState.LIVE,
                        pairs=new,
                        reports=(report,),
                        first_seen=report.at,
                        last_seen=report.at,
                        revision=1,
                    )
                )
                continue
            known = {p.pair for p in old.pairs}
            grown = replace(
                old,
                pairs=(*old.pairs, *(p for p in new if p.pair not in known)),
                reports=(*old.reports, report),
                first_seen=min(old.first_seen, report.at),
                last_seen=max(old.last_seen, report.at),
            )
            self.stories[self.stories.index(old)] = grown
        return placements

    @property
    def occasions(self) -> set[frozenset[str]]:
        return {frozenset(r.post_id for r in s.reports) for s in self.stories}


def after(hours: float) -> datetime:
    return START + timedelta(hours=hours)


@pytest.fixture
def archive(clusterer: Clusterer) -> Archive:
    return Archive(clusterer)


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


@pytest.mark.parametrize(
    ("text", "anchors"),
    [
        ("at the Dior show", ("brand:dior",)),
        ("디올 쇼에서", ("brand:dior",)),
        ("ディオールのショー", ("brand:dior",)),
        ("迪奥大秀", ("brand:dior",)),
        ("DIOR's show and Chanel’s", ("brand:chanel", "brand:dior")),
        ("Diorama", ()),
        ("on Music Bank", ("show:music-bank",)),
        ("골든디스크 시상식", ("award:golden-disc",)),
        ("they met", ()),
    ],
)
def test_occasions_are_known_by_their_names_in_any_language(
    text: str, anchors: tuple[str, ...], clusterer: Clusterer
) -> None:
    assert clusterer.anchors(text) == anchors


def test_a_report_keeps_what_an_announcement_needs(clusterer: Clusterer, post: MakePost) -> None:
    made = post(
        STORY,
        url="https://www.example.com/a?utm_source=feed",
        outlet="Example",
        lang="en",
        official=True,
        image="https://example.com/i.jpg",
        published=START,
    )
    report = clusterer.report(made)
    assert report.post_id == made.id
    assert (report.outlet, report.url, report.lang) == ("Example", made.url, "en")
    assert (report.url_key, report.anchors) == ("example.com/a", ("brand:dior",))
    assert (report.at, report.official, report.image) == (START, True, made.image)
    assert report.title == STORY  # it has no title of its own
    assert clusterer.report(post("x")).outlet == "outlet"  # its source, where it has no name


# ── one occasion or two ───────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("hours", "together"),
    [(0, True), (1, True), (-1, True), (72, True), (72.1, False), (-73, False)],
)
def test_reports_of_a_pair_within_three_days_tell_of_one_occasion(
    hours: float, together: bool, archive: Archive, post: MakePost
) -> None:
    archive.take(post("they met", published=START), met(AB))
    archive.take(post("they were seen", published=after(hours)), met(AB))
    assert len(archive.stories) == (1 if together else 2)


def test_a_story_slides_but_for_seven_days_at_most(archive: Archive, post: MakePost) -> None:
    for hours in (0, 60, 120, 168):
        archive.take(post(f"told {hours}", published=after(hours)), met(AB))
    assert len(archive.stories) == 1
    archive.take(post("told late", published=after(169)), met(AB))
    assert len(archive.stories) == 2


def test_another_pair_is_another_story(archive: Archive, post: MakePost) -> None:
    archive.take(post("they met", published=START), met(AB))
    archive.take(post("they met too", published=START), met(AC))
    assert len(archive.stories) == 2


@pytest.mark.parametrize(
    ("one", "other", "together"),
    [
        ("at the Dior show", "at the Chanel show", False),
        ("at the Dior show", "디올 쇼에서", True),
        ("at the Dior show", "somewhere in Paris", True),
        ("at the Dior show", "on Music Bank", True),  # of different kinds: no contradiction
        ("at the Dior and Chanel shows", "at the Chanel show", True),
        ("on Music Bank for Dior", "on Inkigayo for Dior", False),
    ],
)
def test_anchors_that_contradict_never_share_a_story(
    one: str, other: str, together: bool, archive: Archive, post: MakePost
) -> None:
    archive.take(post(one, published=START), met(AB))
    archive.take(post(other, published=after(1)), met(AB))
    assert len(archive.stories) == (1 if together else 2)


def test_a_report_contradicts_any_report_of_a_story(archive: Archive, post: MakePost) -> None:
    archive.take(post("at the Dior show", published=START), met(AB))
    archive.take(post("somewhere", published=after(1)), met(AB))
    archive.take(post("at the Chanel show", published=after(2)), met(AB))
    assert len(archive.stories) == 2


@pytest.mark.parametrize("hours", [1, 100, 5000])
def test_one_document_is_one_story_whenever_it_comes(
    hours: float, archive: Archive, post: MakePost
) -> None:
    archive.take(post("met at Dior", url="https://e.com/a", published=START), met(AB))
    again = post("met at Chanel", url="http://www.e.com/a/?utm_x=1", published=after(hours))
    archive.take(again, met(AB))
    assert len(archive.stories) == 1
    archive.take(post(f"{STORY}!", published=after(hours)), met(BC))
    archive.take(post(f"RT {STORY}", published=after(hours + 900)), met(BC))
    assert len(archive.stories) == 2


def test_the_same_address_does_not_join_other_pairs(archive: Archive, post: MakePost) -> None:
    """A live blog keeps its address while it tells of one pair after another."""
    archive.take(post("one", url="https://e.com/live", published=START), met(AB))
    archive.take(post("two", url="https://e.com/live", published=START), met(BC))
    assert [{p.pair for p in s.pairs} for s in archive.stories] == [{AB}, {BC}]


def test_the_nearest_of_two_stories_is_joined(archive: Archive, post: MakePost) -> None:
    archive.take(post("one", published=START), met(AB))
    archive.take(post("two", published=after(100)), met(AB))
    late = post("three", published=after(60))
    (placement,) = archive.take(late, met(AB))
    assert placement.story_id == archive.stories[1].id


def test_the_pairs_of_one_post_share_one_story(archive: Archive, post: MakePost) -> None:
    (placement,) = archive.take(post("all met", published=START), met(AB), met(AC), met(BC))
    assert placement.story_id is None
    assert set(placement.pairs) == {AB, AC, BC}


def test_a_new_pair_joins_the_story_of_its_companions(archive: Archive, post: MakePost) -> None:
    archive.take(post("two met", published=START), met(AC))
    (placement,) = archive.take(post("three met", published=after(1)), met(AB), met(AC))
    assert placement.story_id == archive.stories[0].id
    assert set(placement.pairs) == {AB, AC}


def test_pairs_of_different_stories_stay_in_theirs(archive: Archive, post: MakePost) -> None:
    archive.take(post("one", published=START), met(AB))
    archive.take(post("two", published=START), met(AC))
    placements = archive.take(post("the week", published=after(5)), met(AB), met(AC), met(BC))
    assert sorted(p for placement in placements for p in placement.pairs) == [AB, AC, BC]
    assert {p.story_id for p in placements} == {s.id for s in archive.stories}


def test_a_withdrawn_story_takes_no_new_reports(archive: Archive, post: MakePost) -> None:
    archive.take(post("one", published=START), met(AB))
    archive.stories[0] = replace(archive.stories[0], state=StoryState.WITHDRAWN)
    (placement,) = archive.take(post("two", published=START), met(AB))
    assert placement.story_id is None


def test_nothing_that_happened_is_placed_nowhere(clusterer: Clusterer, post: MakePost) -> None:
    assert list(clusterer(post("nothing"), [], [])) == []


@pytest.mark.parametrize(
    ("archived", "past", "expected"),
    [
        (False, (False,), False),
        (True, (False,), True),
        (False, (True,), True),
        (False, (True, True), True),
        (False, (True, False), False),  # something new is among it
    ],
)
def test_what_looks_back_is_placed_in_the_archive(
    archived: bool,
    past: Sequence[bool],
    expected: bool,
    archive: Archive,
    post: MakePost,
) -> None:
    interactions = [met(p, past=was) for p, was in zip((AB, AC), past, strict=False)]
    (placement,) = archive.take(post("met", archive=archived, published=START), *interactions)
    assert placement.archive is expected


# ── order of arrival ──────────────────────────────────────────────────────────────────────────

_TOLD = [
    ("Dior in the evening", 0.0, (AB,)),
    ("디올 쇼", 2.0, (AB, AC)),
    ("someone saw them", 30.0, (AB, AC)),
    ("ディオール again", 70.0, (AB,)),
    ("Chanel in spring", 300.0, (AB,)),
    ("샤넬", 301.0, (AB,)),
    ("Prada in summer", 600.0, (AB, AC)),
    ("プラダ", 620.0, (AB, AC)),
]


def _grow(cluster: Clusterer, posts: Iterable[tuple[Post, tuple[Pair, ...]]]) -> Archive:
    archive = Archive(cluster)
    for made, pairs in posts:
        archive.take(made, *map(met, pairs))
    return archive


@settings(max_examples=150)
@given(order=st.permutations(range(len(_TOLD))))
def test_the_order_of_arrival_does_not_matter(
    clusterer: Clusterer, post: MakePost, order: list[int]
) -> None:
    posts = [
        (post(text, id=f"o:{i}", published=after(hours)), pairs)
        for i, (text, hours, pairs) in enumerate(_TOLD)
    ]
    occasions = _grow(clusterer, (posts[i] for i in order)).occasions
    assert occasions == {
        frozenset({"o:0", "o:1", "o:2", "o:3"}),
        frozenset({"o:4", "o:5"}),
        frozenset({"o:6", "o:7"}),
    }


@settings(max_examples=100)
@given(
    posts=st.lists(
        st.tuples(
            st.sampled_from(["Dior", "Chanel", "Music Bank", "they met", STORY]),
            st.floats(0, 400),
            st.sets(st.sampled_from([AB, AC, BC]), min_size=1),
            st.sampled_from(["", "https://e.com/1", "https://e.com/2"]),
        ),
        max_size=8,
    )
)
def test_every_pair_of_a_post_stands_in_exactly_one_placement(
    clusterer: Clusterer, post: MakePost, posts: list[tuple[str, float, set[Pair], str]]
) -> None:
    archive = Archive(clusterer)
    for text, hours, pairs, url in posts:
        known = {s.id for s in archive.stories}
        placements = archive.take(
            post(text, url=url, published=after(hours)), *map(met, sorted(pairs))
        )
        assert sorted(p for placement in placements for p in placement.pairs) == sorted(pairs)
        targets = [p.story_id for p in placements]
        assert len(targets) == len(set(targets))
        assert {t for t in targets if t is not None} <= known
