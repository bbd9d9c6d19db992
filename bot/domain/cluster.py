"""Reports to stories: which occasion a post tells of.

Stories are looked for per pair, so the question is always "the same occasion?" and never "the same
text?": headlines about one event share few words, and headlines about two events of one kind share
most. Two reports of a pair tell of one occasion when they are the same post or text, or when their
times are near and no anchor (brand, show, award) contradicts. Works in any order of arrival.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from datetime import timedelta
from urllib.parse import parse_qsl, urlencode, urlsplit

import ahocorasick_rs
from w3lib.url import canonicalize_url

from bot.domain.lexicon import Lexicon
from bot.domain.text import Script, read, script
from bot.domain.types import (
    Interaction,
    Pair,
    Placement,
    Post,
    Report,
    Story,
    StoryState,
)

#: News of one occasion comes with at most this between two reports …
SLIDING = timedelta(hours=72)
#: … and at most this from the first to the last.
LONGEST = timedelta(days=7)

_TRACKING = re.compile(
    r"utm_\w+|fbclid|gclid|igshid|si|ref|ref_src|feature|rdt|share_id|mc_cid|mc_eid|oc|sid|spm|share"
)
_HOST_PREFIX = re.compile(r"^(?:www|m|mobile|amp)\.")


def url_key(url: str) -> str:
    """An address reduced to what names the document; "" for none or a broken one.

    Canonical by w3lib, without scheme, "www." and the like, "/amp", fragments and parameters that
    only track.
    """
    try:
        parts = urlsplit(canonicalize_url(url.strip()))
    except ValueError:
        return ""
    if not parts.hostname:
        return ""
    host = _HOST_PREFIX.sub("", parts.hostname)
    query = urlencode([(k, v) for k, v in parse_qsl(parts.query) if not _TRACKING.fullmatch(k)])
    path = parts.path.removesuffix("/").removesuffix("/amp")
    return f"{host}{path}{'?' if query else ''}{query}"


_NOISE = re.compile(r"https?://\S+|[@#]\w+|\bRT\b|\[[^\]]{1,20}\]", re.IGNORECASE)
_MARKS = re.compile(r"\W+")


def fingerprint(title: str, text: str) -> str:
    """The same for texts that differ only in addresses, tags, marks and spacing; "" when short."""
    words = _MARKS.sub(" ", _NOISE.sub(" ", read(f"{title} {text}").norm)).strip()
    return (
        hashlib.sha1(words.encode(), usedforsecurity=False).hexdigest() if len(words) > 40 else ""
    )


class Clusterer:
    """Places interactions into stories, by the anchors of one lexicon. Immutable and pure."""

    def __init__(self, lexicon: Lexicon) -> None:
        self._names = list(lexicon.anchors)
        self._anchors = [lexicon.anchors[n] for n in self._names]
        self._automaton = ahocorasick_rs.AhoCorasick(self._names)

    def report(self, post: Post) -> Report:
        """What a story keeps of a post."""
        return Report(
            post_id=post.id,
            outlet=post.outlet or post.source_id,
            title=post.title or post.text[:120],
            url=post.url,
            url_key=url_key(post.url),
            fingerprint=fingerprint(post.title, post.text),
            anchors=self.anchors(f"{post.title}\n{post.text}"),
            lang=post.lang,
            at=post.at,
            image=post.image,
            official=post.official,
        )

    def anchors(self, text: str) -> tuple[str, ...]:
        """The occasions that a text names: ("award:mama", "brand:dior")."""
        norm = read(text).norm
        found = set()
        for index, start, end in self._automaton.find_matches_as_indexes(norm, overlapping=True):
            before, after = norm[start - 1 : start], norm[end : end + 1]
            if script(norm[start]) is Script.LATIN and before and script(before) is Script.LATIN:
                continue
            if script(norm[end - 1]) is Script.LATIN and after and script(after) is Script.LATIN:
                continue
            found.add(self._anchors[index])
        return tuple(sorted(found))

    def __call__(
        self, post: Post, interactions: Sequence[Interaction], candidates: Sequence[Story]
    ) -> list[Placement]:
        """See `bot.domain.ports.Clusterer`."""
        report = self.report(post)
        joins: dict[str | None, list[Pair]] = {}
        for interaction in interactions:
            story = self._same_occasion(report, interaction.pair, candidates)
            joins.setdefault(story.id if story else None, []).append(interaction.pair)
        if len(joins) > 1 and None in joins:
            # The post tells of one occasion: a pair without a story joins that of the others.
            first = next(s for s in joins if s is not None)
            joins[first] += joins.pop(None)
        past = {i.pair for i in interactions if i.past}
        return [
            Placement(
                story_id=story_id,
                pairs=tuple(pairs),
                archive=post.archive or past.issuperset(pairs),
            )
            for story_id, pairs in joins.items()
        ]

    def _same_occasion(
        self, report: Report, pair: Pair, candidates: Sequence[Story]
    ) -> Story | None:
        of_pair = [s for s in candidates if any(p.pair == pair for p in s.pairs)]
        for story in sorted(of_pair, key=lambda s: s.first_seen):
            if any(_same_document(report, other) for other in story.reports):
                return story
        near = [
            s
            for s in of_pair
            if s.state is not StoryState.WITHDRAWN
            and _near(report, s)
            and not any(_contradict(report.anchors, other.anchors) for other in s.reports)
        ]
        return min(near, key=lambda s: abs(s.last_seen - report.at), default=None)


def _same_document(one: Report, other: Report) -> bool:
    return (one.url_key != "" and one.url_key == other.url_key) or (
        one.fingerprint != "" and one.fingerprint == other.fingerprint
    )


def _near(report: Report, story: Story) -> bool:
    first, last = min(story.first_seen, report.at), max(story.last_seen, report.at)
    slid = story.first_seen - SLIDING <= report.at <= story.last_seen + SLIDING
    return slid and last - first <= LONGEST


def _contradict(one: Sequence[str], other: Sequence[str]) -> bool:
    """Whether both name an anchor of some kind and share none of that kind."""
    kinds = {a.split(":")[0] for a in one} & {a.split(":")[0] for a in other}
    shared = {a.split(":")[0] for a in set(one) & set(other)}
    return bool(kinds - shared)
