"""Reports to stories: which occasion a post tells of.

Stories are looked for per pair, so the question is always "the same occasion?" and never "the same
text?": headlines about one event share few words, and headlines about two events of one kind share
most. A report of a pair belongs to a story, tried in this order, when

1. it is the same post or text as one of its reports;
2. it looks back ("three years ago today"), and the story is that old or has its anchors;
3. it comes within three days of one of its reports, a week at most from the first, and nothing
   contradicts: another brand or show, another season, another step (a gift is no stage);
4. it comes within a week, and one of the two announces the other or shows more of it;
5. it names the day of the story, or shows more of it later, and the anchors agree.

What looks back at nothing known opens an archive story. Works in any order of arrival: no rule asks
which of two reports came first, only which was published first.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from bot.domain.document import fingerprint, url_key
from bot.domain.lexicon import Lexicon
from bot.domain.occasion import KST, Reader
from bot.domain.types import (
    Interaction,
    Kind,
    Pair,
    Placement,
    Post,
    Report,
    Story,
    StoryState,
)
from bot.domain.when import Days

#: News of one occasion comes with at most this between two reports …
SLIDING = timedelta(hours=72)
#: … and at most this from the first to the last, or from its announcement to it.
LONGEST = timedelta(days=7)
#: What shows more of an occasion (a making film) comes within this.
FOLLOWING = timedelta(days=90)

#: Kinds of anchors of which an occasion has one: two that name others contradict.
_FIXED = ("brand", "show", "award", "festival", "venue")
#: Kinds that say where it was: whoever shares one need not agree on the step.
_PLACES = ("show", "award", "festival", "venue")
#: Kinds that speak for one occasion when two reports share them.
_SPEAKING = (*_FIXED, "work", "season", "episode")
#: Steps that are all that a report of them is about: one without is no report of them.
_OWN_STEPS = frozenset({"travel", "gift", "challenge", "birthday"})
#: What interactions are that are such a step.
_STEP_OF = {Kind.GIFT: {"gift"}, Kind.CHALLENGE: {"challenge"}}
#: What those who were seen at one place may turn out to have done there.
_MEETING = {
    Kind.GREETING,
    Kind.CONVERSATION,
    Kind.PHYSICAL,
    Kind.PHOTO,
    Kind.FRIENDSHIP,
    Kind.REACTION,
}
#: Reports of different steps that come this soon upon another tell of one evening …
_ONE_EVENING = timedelta(hours=6)
#: … and where only one of them names a step, of one day.
_ONE_DAY = timedelta(hours=24)
#: A look-back at days as few as these needs no anchor.
_NARROW = 62
#: Outlets count days in their own time zones, and report a day late.
_TOLERANCE = 3


class Clusterer:
    """Places interactions into stories, by the anchors of one lexicon. Immutable and pure."""

    def __init__(self, lexicon: Lexicon) -> None:
        self._reader = Reader(lexicon)

    def report(self, post: Post) -> Report:
        """What a story keeps of a post."""
        return Report(
            post_id=post.id,
            outlet=post.outlet or post.source_id,
            title=post.title or post.text[:120],
            url=post.url,
            url_key=url_key(post.url),
            fingerprint=fingerprint(post.title, post.text),
            anchors=self._reader.anchors(post),
            lang=post.lang,
            at=post.at,
            image=post.image,
            official=post.official,
        )

    def __call__(
        self, post: Post, interactions: Sequence[Interaction], candidates: Sequence[Story]
    ) -> list[Placement]:
        """See `bot.domain.ports.Clusterer`."""
        companies = _companies(i.pair for i in interactions)
        told = _Told(self.report(post), list_of_several=len(companies) > 1)
        stories = [_Known(s) for s in candidates]
        found = {
            i.pair: _place(told, i, [s for s in stories if i.pair in s.kinds]) for i in interactions
        }
        placements: list[Placement] = []
        for company in companies:
            # A company tells of one occasion: a pair without a story joins that of the others, and
            # what is new among the old makes it news.
            joined = next((found[p] for p in company if found[p].story_id), None)
            fresh = joined or _Place(archive=all(found[p].archive for p in company))
            joins: dict[_Place, list[Pair]] = defaultdict(list)
            for pair in company:
                joins[found[pair] if found[pair].story_id else fresh].append(pair)
            placements += (
                Placement(story_id=x.story_id, pairs=tuple(pairs), archive=x.archive)
                for x, pairs in joins.items()
            )
        return _merged(placements, archive=post.archive)


def _companies(pairs: Iterable[Pair]) -> list[list[Pair]]:
    """The pairs, those that share a person together: four who meet have four pairs or more.

    Two hosts and their two predecessors in one report are two companies, and two occasions.
    """
    companies: list[list[Pair]] = []
    for pair in pairs:
        apart, together = [], [pair]
        for company in companies:
            if any(known.a in pair or known.b in pair for known in company):
                together = company + together
            else:
                apart.append(company)
        companies = [*apart, together]
    return companies


def _merged(placements: Sequence[Placement], *, archive: bool) -> list[Placement]:
    """At most one placement for each story; news among them makes it no archive."""
    into: dict[str, Placement] = {}
    fresh: list[Placement] = []
    for placement in placements:
        if placement.story_id is None:
            fresh.append(placement)
            continue
        before = into.get(placement.story_id)
        into[placement.story_id] = Placement(
            story_id=placement.story_id,
            pairs=(*(before.pairs if before else ()), *placement.pairs),
            archive=placement.archive and (before is None or before.archive),
        )
    return [
        Placement(story_id=p.story_id, pairs=p.pairs, archive=archive or p.archive)
        for p in (*into.values(), *fresh)
    ]


@dataclass(frozen=True, slots=True)
class _Place:
    story_id: str | None = None
    archive: bool = False


class _Told:
    """A report, with its anchors by kind."""

    def __init__(self, report: Report, *, list_of_several: bool = False) -> None:
        self.report = report
        #: Its words and its kind are of no one occasion.
        self.list_of_several = list_of_several
        self.at = report.at
        self.day = report.at.astimezone(KST).date()
        self._by_kind: dict[str, set[str]] = defaultdict(set)
        for anchor in report.anchors:
            kind, _, name = anchor.partition(":")
            self._by_kind[kind].add(name)
        self.looks_back = "back" in self._by_kind
        self.days = {date.fromisoformat(d) for d in self.names("date")}

    def names(self, kind: str) -> set[str]:
        """The names of one kind of anchor."""
        return self._by_kind.get(kind, set())

    def spans(self, kind: str) -> list[Days]:
        """The times looked back at ("back"), or perhaps ("maybe")."""
        return [Days.parse(x) for x in self.names(kind) if x]


class _Known:
    """A story as reports are compared with it."""

    def __init__(self, story: Story) -> None:
        self.id = story.id
        self.withdrawn = story.state is StoryState.WITHDRAWN
        self.kinds = {p.pair: p.kind for p in story.pairs}
        self.reports = [_Told(r) for r in story.reports]
        end = max(story.last_seen, story.first_seen + LONGEST + SLIDING)
        #: Those that told of it as news, in order of time.
        self.news = sorted(
            (t for t in self.reports if not t.looks_back and t.at <= end), key=lambda t: t.at
        )

    @property
    def first(self) -> datetime:
        return self.news[0].at if self.news else self.reports[0].at

    def nearest(self, told: _Told) -> _Told:
        """Of the news, the report nearest in time."""
        return min(self.news, key=lambda t: abs(t.at - told.at))

    def wave(self, told: _Told) -> tuple[datetime, datetime]:
        """The first and the last of the news around one, none far from the next.

        An announcement and what it announces may be two waves, and so may pictures found later.
        """
        first = last = told.at
        for t in reversed(self.news):
            first = t.at if timedelta() <= first - t.at <= SLIDING else first
        for t in self.news:
            last = t.at if timedelta() <= t.at - last <= SLIDING else last
        return first, last

    def leading(self, kind: str) -> set[str]:
        """The names of a kind, without those that few of the reports that name one have."""
        counts = Counter(name for t in self.news or self.reports for name in t.names(kind))
        naming = sum(bool(t.names(kind)) for t in self.news or self.reports)
        return {name for name, count in counts.items() if 3 * count >= naming}

    def shared(self, told: _Told, kinds: Sequence[str] = _SPEAKING) -> int:
        """How many anchors of these kinds a report has in common with this story."""
        return sum(len(told.names(k) & t) for k in kinds if (t := self.all_names(k)))

    def all_names(self, kind: str) -> set[str]:
        """The names of a kind in any report."""
        return {name for t in self.reports for name in t.names(kind)}


def _place(told: _Told, interaction: Interaction, stories: Sequence[_Known]) -> _Place:
    for story in sorted(stories, key=lambda s: s.first):
        if any(_same_document(told.report, t.report) for t in story.reports):
            return _Place(story.id, archive=told.looks_back or interaction.past)
    stories = [s for s in stories if not s.withdrawn and not _contradicts(told, s)]
    near = _near(told, interaction, stories)
    if told.looks_back or interaction.past:
        old = _remembered(told, interaction, told.spans("back"), stories)
        if old is None and near is not None and not told.spans("back"):
            return _Place(near.id, archive=interaction.past)
        return _Place(old.id if old else None, archive=True)
    if near is not None:
        return _Place(near.id)
    if (announced := _announced(told, interaction, stories)) is not None:
        return _Place(announced.id)
    perhaps = told.spans("maybe")
    if perhaps and (old := _remembered(told, interaction, perhaps, stories)) is not None:
        return _Place(old.id, archive=True)
    if (followed := _followed(told, interaction, stories)) is not None:
        gap = abs(told.at - followed.nearest(told).at)
        return _Place(followed.id, archive=gap > LONGEST and "more" in told.names("cue"))
    return _Place()


def _same_document(one: Report, other: Report) -> bool:
    return (one.url_key != "" and one.url_key == other.url_key) or (
        one.fingerprint != "" and one.fingerprint == other.fingerprint
    )


def _contradicts(told: _Told, story: _Known) -> bool:
    """Whether they name different ones of which an occasion has one."""
    for kind in _FIXED:
        if _differ(told.names(kind), story.leading(kind)):
            return True
    seasons = story.shared(told, ["brand"]) and _differ(
        told.names("season"), story.leading("season")
    )
    episodes = story.shared(told, ["show"]) and _differ(
        told.names("episode"), story.leading("episode")
    )
    return bool(seasons or episodes)


def _differ(one: set[str], other: set[str]) -> bool:
    return bool(one and other and not one & other)


def _steps(told: _Told, kind: Kind) -> set[str]:
    return told.names("lead") | _STEP_OF.get(kind, set())


def _another(told: _Told, kind: Kind, other: _Told, story: _Known, known: Kind) -> bool:
    """Whether a report tells of another occasion than the one of a story nearest to it does.

    Of another step (a gift is no stage), or, a day apart and with no anchor in common, of another
    kind or of one more of its kind ("this time …").
    """
    if told.list_of_several:
        return False
    gap = abs(told.at - other.at)
    one, two = _steps(told, kind), _steps(other, known)
    if not one & two and (one or two) and _apart(told, other, one, two, gap):
        return True
    if {kind, known} != {kind} and Kind.CHALLENGE in (kind, known) and not one & two:
        return gap > _ONE_EVENING and "release" not in one | two
    if gap < _ONE_DAY or story.shared(told):
        return False
    before, after = sorted((told, other), key=lambda t: t.at)
    if "again" in after.names("cue") and not story.shared(told, ["city"]):
        return True
    if "ahead" in before.names("cue") and "ahead" not in after.names("cue"):
        return False  # what is announced as a visit may turn out to be a talk
    upgraded = known is Kind.CO_APPEARANCE and kind in _MEETING and gap < 2 * _ONE_DAY
    return kind is not known and not upgraded


def _apart(told: _Told, other: _Told, one: set[str], two: set[str], gap: timedelta) -> bool:
    if (one | two) & _OWN_STEPS:
        return gap > (_ONE_EVENING if one and two and {"release"} not in (one, two) else _ONE_DAY)
    if not one or not two or any(told.names(k) & other.names(k) for k in _PLACES):
        return False
    if one | two == {"release", "interview"}:  # talking about what has just come out
        return False
    return gap > _ONE_EVENING


def _near(told: _Told, interaction: Interaction, stories: Sequence[_Known]) -> _Known | None:
    near = []
    for story in stories:
        if not story.news:
            if any(
                d.length <= _NARROW and not d.distance(told.day)
                for t in story.reports
                for d in t.spans("back")
            ):
                near.append(story)  # known from look-backs only: this is what they look back at
            continue
        close = story.nearest(told)
        first, last = story.wave(close)
        span = max(last, told.at) - min(first, told.at)
        shared = story.shared(told)
        if (
            abs(close.at - told.at) <= SLIDING
            and span <= (LONGEST + SLIDING if shared else LONGEST)
            and not _another(told, interaction.kind, close, story, story.kinds[interaction.pair])
        ):
            near.append(story)
    if not near:
        return None
    most = max(s.shared(told) for s in near)
    best = [s for s in near if s.shared(told) == most]
    bridged = [s for s in best if s.news and s.news[-1].at < told.at]
    if bridged and any(s.first > told.at for s in best):
        return min(bridged, key=lambda s: s.first)  # a report that joins two goes to the older
    return min(best, key=lambda s: abs(s.nearest(told).at - told.at) if s.news else LONGEST)


def _announced(told: _Told, interaction: Interaction, stories: Sequence[_Known]) -> _Known | None:
    """The story that a report announces, or is announced by, or shows more of, within a week."""
    for story in sorted(stories, key=lambda s: s.first):
        if not story.news:
            continue
        close = story.nearest(told)
        before, after = sorted((told, close), key=lambda t: t.at)
        kinds = interaction.kind, story.kinds[interaction.pair]
        steps = _steps(told, kinds[0]), _steps(close, kinds[1])
        if not SLIDING < after.at - before.at <= LONGEST or (
            not steps[0] & steps[1] and _apart(told, close, *steps, after.at - before.at)
        ):
            continue
        earlier = [told] if before is told else [t for t in story.news if t.at < told.at]
        later = story.news if before is told else [told]
        dated = any(
            t.day < d and any(abs((d - x.day).days) <= 1 for x in later)
            for t in earlier
            for d in t.days
        )
        ahead = any("ahead" in t.names("cue") for t in earlier)
        shared = story.shared(told)
        # Hosts meet every week: what is ahead for them is not the one broadcast after.
        weekly = Kind.HOSTING in kinds
        if dated and (ahead or shared):
            return story
        if shared and ((ahead and not weekly) or "more" in after.names("cue")):
            return story
        joint = set(kinds) == {Kind.COLLABORATION}
        if joint and ahead and "ahead" not in after.names("cue"):
            return story
    return None


def _remembered(
    told: _Told, interaction: Interaction, spans: Sequence[Days], stories: Sequence[_Known]
) -> _Known | None:
    """The old story that a report looks back at: that of its time, or that of its anchors."""
    best: tuple[float, _Known] | None = None
    for story in stories:
        score = _memory(told, spans, story)
        if score is not None and story.kinds[interaction.pair] is interaction.kind:
            score += 1
        if score is not None and (best is None or score > best[0]):
            best = score, story
    return best[1] if best else None


def _memory(told: _Told, spans: Sequence[Days], story: _Known) -> float | None:
    shared = story.shared(told)
    steps = {x for t in story.news for x in t.names("lead")}
    score = 2.0 * shared + bool(steps & told.names("lead"))
    if not story.news:  # known from look-backs only
        known = [d for t in story.reports for d in t.spans("back")]
        at_once = any(abs(t.at - told.at) <= SLIDING for t in story.reports)
        if spans and known:
            one_time = any(
                a.length <= _NARROW and b.length <= _NARROW and a.overlaps(b)
                for a in spans
                for b in known
            )
            return score if one_time else None
        return score if shared or at_once else None
    days = [t.day for t in story.news if told.day - t.day >= timedelta(days=_TOLERANCE)]
    if not days:
        return None
    if not spans:
        return score if shared else None
    fits = [d for d in spans if any(d.distance(day) <= _TOLERANCE for day in days)]
    if not fits:
        return None
    narrowest = min(fits, key=lambda d: d.length)
    if narrowest.length > _NARROW:
        return score or None
    off = min(abs((day - narrowest.middle).days) for day in days)
    return score + 3 - off / 15


def _followed(told: _Told, interaction: Interaction, stories: Sequence[_Known]) -> _Known | None:
    """The story of which a report shows more, or whose day it names."""
    best: tuple[int, _Known] | None = None
    for story in stories:
        if not story.news or not SLIDING < told.at - story.first <= FOLLOWING:
            continue
        days = {t.day for t in story.news}
        in_month = any(f"{day:%Y-%m}" in told.names("month") for day in days)
        steps = {x for t in story.news for x in t.names("lead")} & told.names("lead")
        named = {
            d
            for d in told.days
            if (told.day - d).days >= _TOLERANCE and any(abs((d - x).days) <= 1 for x in days)
        }
        shared = story.shared(told)
        if named and shared and story.shared(told, ("city", *_SPEAKING)) > 1:
            score = 2 + shared
        elif "more" in told.names("cue") and (shared or (in_month and steps - {"release"})):
            score = 2 * shared + len(steps - {"release"}) + in_month
        elif (
            "more" in told.names("cue")
            and story.kinds[interaction.pair] is interaction.kind
            and told.at - story.news[-1].at <= 2 * LONGEST
        ):
            score = 0
        else:
            continue
        if best is None or score > best[0]:
            best = score, story
    return best[1] if best else None
