"""Which occasion a post tells of."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from bot.domain.cluster import Clusterer
from bot.domain.types import (
    Interaction,
    Kind,
    Pair,
    Placement,
    Post,
    Story,
    StoryState,
    Tier,
)
from storage.base import file_post

MakePost = Callable[..., Post]
START = datetime(2026, 11, 1, tzinfo=UTC)
AB, AC, BC = Pair.of("a", "b"), Pair.of("a", "c"), Pair.of("b", "c")


def met(pair: Pair, kind: Kind = Kind.GREETING, *, past: bool = False) -> Interaction:
    return Interaction(
        pair=pair, kind=kind, tier=Tier.ANNOUNCE, past=past, confidence=0.9, evidence="hi"
    )


class Archive:
    """Stories as they grow from placements, by the rules of every store."""

    def __init__(self, cluster: Clusterer) -> None:
        self.cluster = cluster
        self.stories: list[Story] = []

    def take(self, post: Post, *interactions: Interaction) -> list[Placement]:
        placements = list(self.cluster(post, interactions, self.stories))
        report = self.cluster.report(post)
        filed = file_post(post, report, interactions, placements, self.stories, post.at)
        grown = {entry.story.id: entry.story for entry in filed.entries}
        self.stories = [grown.pop(s.id, s) for s in self.stories]
        self.stories += grown.values()
        return placements

    @property
    def occasions(self) -> set[frozenset[str]]:
        return {frozenset(r.post_id for r in s.reports) for s in self.stories}


def after(hours: float) -> datetime:
    return START + timedelta(hours=hours)


STORY = "Jisoo and Mingyu bow to each other at the Dior show in Paris"


@pytest.fixture
def archive(clusterer: Clusterer) -> Archive:
    return Archive(clusterer)


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
    assert (report.url_key, report.anchors) == ("example.com/a", ("brand:dior", "city:paris"))
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


@pytest.mark.parametrize(("hours", "older"), [(60, True), (69, True), (101, False), (165, False)])
def test_a_report_between_two_stories_joins_the_older_and_others_the_nearest(
    hours: float, older: bool, archive: Archive, post: MakePost
) -> None:
    archive.take(post("one", published=START), met(AB))
    archive.take(post("two", published=after(100)), met(AB))
    (placement,) = archive.take(post("three", published=after(hours)), met(AB))
    assert placement.story_id == archive.stories[0 if older else 1].id
    assert len(archive.stories) == 2, "announced stories never merge"


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


def told(
    archive: Archive, post: MakePost, *reports: tuple[str, float] | tuple[str, float, Kind]
) -> list[int]:
    """Take reports of one pair, a text and hours after START; the number of each one's story."""
    numbers = []
    for text, hours, *kind in reports:
        (placement,) = archive.take(post(text, lang="", published=after(hours)), met(AB, *kind))
        ids = [s.id for s in archive.stories]
        numbers.append(
            len(ids) - 1 if placement.story_id is None else ids.index(placement.story_id)
        )
    return numbers


DAY, YEAR = 24.0, 24.0 * 365


@pytest.mark.parametrize(
    ("reports", "stories"),
    [
        # Steps of their own.
        ([("A gift from her: a coffee truck", 0), ("They sang at his concert", 20)], [0, 1]),
        ([("커피차 선물을 보냈다", 0), ("콘서트 무대에 함께 섰다", 20)], [0, 1]),
        ([("A challenge clip", 0), ("チャレンジ動画", 5), ("챌린지 영상", 40)], [0, 0, 0]),
        ([("They flew out together on one plane", 0), ("Both came to the show", 40)], [0, 1]),
        ([("Their song is out, released today", 0), ("The dance challenge", 4)], [0, 0]),
        # Seasons and episodes.
        (
            [("At Dior's Spring 2025 show", 0), ("디올 2025 S/S 쇼에서", 9), ("Dior FW24", 20)],
            [0, 0, 1],
        ),
        (
            [("Suchwita episode 4 is here", 0), ("슈취타 4화", 9), ("Suchwita episode 5", 50)],
            [0, 0, 1],
        ),
        # Another one, and it says so.
        ([("A selfie", 0), ("This time it is a selfie with a cat", 40)], [0, 1]),
        ([("셀카 공개", 0), ("이번엔 고양이와 셀카", 40)], [0, 1]),
        # Announced and released: at most seven days apart.
        (
            [
                ("Their duet will be released soon", 0, Kind.COLLABORATION),
                ("The duet is out", 6 * DAY, Kind.COLLABORATION),
            ],
            [0, 0],
        ),
        (
            [
                ("Their duet will be released soon", 0, Kind.COLLABORATION),
                ("The duet is out", 9 * DAY, Kind.COLLABORATION),
            ],
            [0, 1],
        ),
        (
            [
                ("She hosts Music Bank for the last time on November 5", 0, Kind.HOSTING),
                ("They said goodbye to Music Bank", 4.5 * DAY, Kind.HOSTING),
                ("They hosted Music Bank", 11.5 * DAY, Kind.HOSTING),
            ],
            [0, 0, 1],
        ),
        # Another kind on another day, and what may become of being seen.
        ([("They met", 0, Kind.GREETING), ("They posed", 30, Kind.PHOTO)], [0, 1]),
        ([("Seen there", 0, Kind.CO_APPEARANCE), ("They hugged", 30, Kind.PHYSICAL)], [0, 0]),
        ([("At Dior", 0, Kind.GREETING), ("ディオールで", 30, Kind.PHOTO)], [0, 0]),
        # More of what was there.
        (
            [
                ("They sang 'Snow' at KSPO Dome", 0, Kind.COLLABORATION),
                ("Behind the scenes of 'Snow'", 20 * DAY, Kind.COLLABORATION),
            ],
            [0, 0],
        ),
        # The day of the occasion.
        (
            [("At Celine in Seoul", 0), ("The picture from Celine in Seoul, November 1", 9 * DAY)],
            [0, 0],
        ),
        # What a report is about stands first.
        ([("At MAMA", 0), ("A hug at the AAA. Two nights ago they met at MAMA.", 40)], [0, 1]),
    ],
)
def test_steps_of_one_story_and_stories_of_their_own(
    reports: Sequence[tuple[str, float]],
    stories: Sequence[int],
    archive: Archive,
    post: MakePost,
) -> None:
    assert told(archive, post, *reports) == stories


@pytest.mark.parametrize(
    "memory",
    [
        "Throwback to last November, when they met at Dior",
        "exactly one year ago they met",
        "디올에서 만난 지 벌써 1년 주년, 1주년",
        "ちょうど1年前、ディオールで",
        "一年前的今天，两人在迪奥",
        "hoje faz um ano que se encontraram",
        "hoy hace un año se encontraron en Dior",
        "tepat satu tahun lalu mereka bertemu",
        "ngày này 1 năm trước tại Dior",
        "il y a exactement un an, chez Dior",
        "วันนี้เมื่อ 1 ปีก่อน",
        "heute vor einem Jahr trafen sie sich bei Dior",
    ],
)
def test_who_looks_back_joins_the_story_of_that_time(
    memory: str, archive: Archive, post: MakePost
) -> None:
    assert told(archive, post, ("At Dior", 0), ("At Prada", YEAR / 2), (memory, YEAR)) == [0, 1, 0]
    assert archive.stories[0].state is StoryState.LIVE
    assert archive.stories[0].last_seen == START, "a look-back prolongs no story"


def test_a_look_back_at_nothing_known_is_an_archive_story(archive: Archive, post: MakePost) -> None:
    assert told(archive, post, ("They met", 0), ("three years ago today they met", 5)) == [0, 1]
    assert archive.stories[1].state is StoryState.ARCHIVE


def test_an_anniversary_of_something_else_is_news(archive: Archive, post: MakePost) -> None:
    """A group's tenth year is not the tenth year of what two idols did."""
    assert told(archive, post, ("데뷔 10주년 무대에 함께 섰다", 0)) == [0]
    assert archive.stories[0].state is StoryState.LIVE


@pytest.mark.parametrize(
    "text",
    [
        "In the talk show they looked back on their debut",
        "トーク番組で二人がデビュー当時を振り返った",
        "두 사람은 8년 만에 다시 만나 함께 노래했다",
        "Dos años después vuelven a cantar juntos",
    ],
)
def test_guests_who_reminisce_and_meet_again_are_news(
    text: str, archive: Archive, post: MakePost
) -> None:
    assert told(archive, post, ("At Dior", -2 * YEAR), (text, 0)) == [0, 1]
    assert archive.stories[1].state is StoryState.LIVE


def test_what_was_looked_back_at_joins_the_look_back(archive: Archive, post: MakePost) -> None:
    """The order of arrival is that of polls, not of time."""
    assert told(archive, post, ("one year ago today they met at Dior", YEAR), ("At Dior", 0)) == [
        0,
        0,
    ]
    assert archive.stories[0].state is StoryState.LIVE


def test_a_chain_of_reports_may_be_long_when_a_story_has_two_waves(
    archive: Archive, post: MakePost
) -> None:
    reports = [
        ("Suchwita: next guest", 0),
        ("Suchwita is out", 6.5 * DAY),
        ("On Suchwita", 8 * DAY),
    ]
    assert told(archive, post, *reports) == [0, 0, 0]


def test_those_who_share_nobody_are_two_occasions(archive: Archive, post: MakePost) -> None:
    """New hosts and those before them, in one report."""
    cd = Pair.of("c", "d")
    placements = archive.take(post("The new hosts", published=START), met(AB), met(cd))
    assert [(p.story_id, p.pairs) for p in placements] == [(None, (AB,)), (None, (cd,))]
    assert len(archive.stories) == 2


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
        targets = [p.story_id for p in placements if p.story_id is not None]
        assert len(targets) == len(set(targets))
        assert set(targets) <= known


@settings(max_examples=200)
@given(
    text=st.text(max_size=200), title=st.text(max_size=60), lang=st.sampled_from(["", "en", "ko"])
)
@example(
    text="2024-02-30 31일 99월 99일 99th 年前 years ago 0 years ago today", title="", lang="ko"
)
@example(text="9999 years ago today, 999周年", title="S/S 00 2099", lang="")
def test_any_text_is_a_report_and_is_placed(
    clusterer: Clusterer, post: MakePost, text: str, title: str, lang: str
) -> None:
    archive = Archive(clusterer)
    for hours in (0, 100, 9000):
        made = post(text, title=title, lang=lang, published=after(hours))
        report = clusterer.report(made)
        assert list(report.anchors) == sorted(set(report.anchors))
        placements = archive.take(made, met(AB), met(BC))
        assert sorted(p for x in placements for p in x.pairs) == [AB, BC]
