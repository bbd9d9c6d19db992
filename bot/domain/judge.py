"""What a post says of each two people it names: an interaction, or why not.

The scene is the sentence (a title counts as one). In the order of the project's policy: a sensitive
subject, then lists and rankings, then what did not happen; a reciprocal act told of both in one
sentence beats a list frame elsewhere. Of what is left, a logistic regression over features that a
person can read (`features.py`) says how sure it is that the two had to do with each other. Its
weights stand beside the lexicon, fitted on the labelled posts in `tests/gold`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

from bot.domain.features import Occasion, Whole, features, occasions
from bot.domain.lexicon import Act, Cue, Frame, Lexicon
from bot.domain.link import Linker, Links, Reading, Unsure
from bot.domain.roster import Roster
from bot.domain.scene import Scene, read_scenes
from bot.domain.standing import Standing, Weighed, standings
from bot.domain.types import (
    Field,
    Group,
    GroupKind,
    Interaction,
    Judgement,
    Kind,
    Mention,
    Pair,
    Post,
    Reason,
    Rejection,
    Tier,
    Verdict,
)

#: Posts that name more idols than this are lists; their pairs are not decided one by one.
MOST_IDOLS = 25
#: Of a sentence that names more than this, only the first are looked through for group-mates.
MOST_MATES = 10
#: From here on a report is announced …
ANNOUNCE = 0.7
#: … or from here, where no words that we know say of what kind it is …
ANNOUNCE_UNTOLD = 0.8
#: … and from here on it is a possible moment.
POSSIBLE = 0.5
#: … or from here, where no words that we know tell of an act.
POSSIBLE_UNTOLD = 0.7
#: Nobody is surer of what they only read.
CERTAIN = 0.98
#: Being at one event is a possible moment from here on.
SAME_EVENT = 0.1
#: More people than this at one event are a list of guests.
GUESTS = 5
#: Features that are kept with a verdict: those that counted most.
KEPT = 8
#: … and of those that set the pair beside the others of its post.
KEPT_OF_PAIR = 3
#: Characters of evidence that are quoted.
EVIDENCE = 160

#: What is announced of people under 18: stage work, in plain words.
_FOR_MINORS = {Kind.HOSTING, Kind.COLLABORATION, Kind.CHALLENGE, Kind.REACTION}
_FRAME_REASONS = {
    Frame.LISTING: (Reason.LISTING, "a list or ranking"),
    Frame.IRREALIS: (Reason.IRREALIS, "hoped for or supposed"),
    Frame.DENIED: (Reason.IRREALIS, "denied or made up"),
    Frame.NEGATED: (Reason.IRREALIS, "negated"),
    Frame.LOOK_ALIKE: (Reason.LOOK_ALIKE, "about looking alike"),
    Frame.COVER: (Reason.COVER, "about a cover"),
    Frame.REPLACEMENT: (Reason.REPLACEMENT, "about taking someone's place"),
    Frame.APART: (Reason.CO_MENTION, "each for themselves"),
}
#: The more telling reason is kept when sentences differ.
_TELLING = [
    Reason.SENSITIVE,
    Reason.LISTING,
    Reason.IRREALIS,
    Reason.LOOK_ALIKE,
    Reason.COVER,
    Reason.REPLACEMENT,
    Reason.LOW_CONFIDENCE,
    Reason.CO_MENTION,
]


def enough(kind: Kind) -> float:
    """From how sure on an interaction of a kind is announced, 0 to 1."""
    return ANNOUNCE_UNTOLD if kind is Kind.OTHER else ANNOUNCE


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """Why a post was judged as it was: every name with what it could mean, and the verdicts."""

    readings: tuple[Reading, ...]
    judgement: Judgement


class Judge:
    """Reads posts with one roster and one lexicon. Immutable; calling it is pure."""

    def __init__(self, roster: Roster, lexicon: Lexicon) -> None:
        self._roster = roster
        self._lexicon = lexicon
        self._linker = Linker(roster, lexicon)

    def __call__(self, post: Post) -> Judgement:
        """Link the names of a post and decide every cross-group pair among them."""
        return self._judge(post, self._linker.link(post))

    def explain(self, post: Post) -> Explanation:
        """The same, with everything that was weighed on the way."""
        links = self._linker.link(post)
        return Explanation(readings=links.readings(), judgement=self._judge(post, links))

    def weigh(self, post: Post) -> list[Weighed]:
        """Every occasion of a post: what the weights are fitted on."""
        links = self._linker.link(post)
        return list(self._weigh(list(read_scenes(post, links, self._lexicon)), links, post))

    def _judge(self, post: Post, links: Links) -> Judgement:
        if not links.mentions and not any(u.decided for u in links.unsure):
            return Judgement()
        scenes = list(read_scenes(post, links, self._lexicon))
        verdicts: dict[Pair, list[Verdict]] = defaultdict(list)
        weighed: dict[Pair, list[Weighed]] = defaultdict(list)
        for one in self._weigh(scenes, links, post):
            weighed[one.occasion.pair].append(one)
            if one.settled is not None:
                verdicts[one.occasion.pair].append(one.settled)
        for pair, standing in standings(weighed, self._lexicon.weights).items():
            verdicts[pair].append(self._decide(pair, standing, links, post))
        best = {pair: min(given, key=_rank) for pair, given in verdicts.items()}
        idols = tuple(dict.fromkeys(m.idol_id for m in links.mentions))
        others = list(self._without_pair(scenes, links, post))
        if len(idols) > MOST_IDOLS:
            detail = f"names {len(idols)} idols at once"
            others.insert(0, Rejection(reason=Reason.LISTING, detail=detail))
        else:
            for a, b in combinations(idols, 2):
                pair = Pair.of(a, b)
                if pair not in best and self._shared_group(pair, links, post) is None:
                    best[pair] = self._unmet(pair, scenes)
        return Judgement(
            mentions=links.mentions, verdicts=(*(best[p] for p in sorted(best)), *others)
        )

    def _weigh(self, scenes: Sequence[Scene], links: Links, post: Post) -> Iterator[Weighed]:
        whole = Whole(scenes)
        if not 2 <= len(whole.idols) <= MOST_IDOLS:
            return
        across: dict[Pair, bool] = {}
        for occasion in occasions(scenes):
            pair = occasion.pair
            if pair not in across:
                across[pair] = self._shared_group(pair, links, post) is None
            if across[pair]:
                seen, cue = features(occasion, whole)
                settled = _settle(occasion, cue, whole)
                yield Weighed(occasion=occasion, seen=seen, cue=cue, settled=settled)

    # ── reading ──

    def _shared_group(self, pair: Pair, links: Links, post: Post) -> Group | None:
        """The group that makes two people no pair: theirs on the post's date, or the text's.

        A text may put both in a group that one of them has left since, or had left long before.
        """
        if group := self._roster.common_group(pair, post.at.date()):
            return group
        nobody: frozenset[str] = frozenset()
        for root in sorted(links.given.get(pair.a, nobody) & links.given.get(pair.b, nobody)):
            if (group := self._roster.groups[root]).kind is not GroupKind.PROJECT:
                return group
        return None

    # ── deciding ──

    def _decide(self, pair: Pair, standing: Standing, links: Links, post: Post) -> Verdict:
        """What is said of a pair that is as sure as this; its surest occasion is quoted."""
        weighed, weights = standing.surest, self._lexicon.weights
        cue = weighed.cue
        named = min(links.confidence[pair.a], links.confidence[pair.b])
        confidence = min(1.0, named + 0.15) * min(standing.chance, CERTAIN)
        because = (
            *_telling(weighed.seen, weights.occasion, KEPT),
            *_telling(standing.seen, weights.pair, KEPT_OF_PAIR),
            *_names(pair, links.mentions),
        )
        event = cue is not None and cue.act is Act.EVENT
        together = event and len(weighed.occasion.scene.idols) <= GUESTS
        possible = SAME_EVENT if together else POSSIBLE if cue is not None else POSSIBLE_UNTOLD
        if confidence < possible:
            return Rejection(
                pair=pair,
                reason=Reason.CO_MENTION,
                detail=f"at {confidence:.0%}, too little tells of something between them",
                because=because,
            )
        kind = cue.kind if cue is not None else Kind.OTHER
        tier = Tier.ANNOUNCE
        if confidence < enough(kind) or event or weighed.rumour:
            tier = Tier.DIGEST
        if kind not in _FOR_MINORS and any(
            self._roster.is_minor(i, post.at.date()) for i in (pair.a, pair.b)
        ):
            tier = Tier.SENSITIVE
        return _interaction(weighed.occasion, kind, tier, confidence, cue, because)

    def _unmet(self, pair: Pair, scenes: Sequence[Scene]) -> Rejection:
        """Why a pair that no sentence is about is rejected."""
        for scene in scenes:
            if scene.field is Field.TITLE and (word := scene.frames.get(Frame.LISTING)):
                return Rejection(
                    pair=pair, reason=Reason.LISTING, detail=f"a list or ranking: “{word}”"
                )
        return _co_mention(pair, "no sentence is about both")

    def _without_pair(
        self, scenes: Sequence[Scene], links: Links, post: Post
    ) -> Iterator[Rejection]:
        """What a post promised and did not hold: namesakes, group-mates, rankings."""
        seen: set[tuple[Reason, str]] = set()
        for scene in scenes:
            if scene.cues:
                for a, b in combinations(scene.idols[:MOST_MATES], 2):
                    if group := self._shared_group(Pair.of(a, b), links, post):
                        names = " and ".join(self._roster.idols[i].name for i in (a, b))
                        yield from _once(
                            seen, Reason.SAME_GROUP, f"{names} are both in {group.name}"
                        )
            for unsure in scene.unsure:
                mate = None if unsure.instead else self._group_mate(unsure, scene, post)
                if mate is not None:
                    yield from _once(seen, Reason.SAME_GROUP, mate)
                elif unsure.decided:
                    what = unsure.instead or "one of several idols of that name"
                    yield from _once(
                        seen, Reason.AMBIGUOUS_NAME, f"“{unsure.surface}” is probably {what}"
                    )
        decided = len({m.idol_id for m in links.mentions}) > 1
        listing = next((u.frames[Frame.LISTING] for u in scenes if Frame.LISTING in u.frames), None)
        if listing and links.mentions and not decided:
            yield from _once(seen, Reason.LISTING, f"a list or ranking: “{listing}”")

    def _group_mate(self, unsure: Unsure, scene: Scene, post: Post) -> str | None:
        """One group that explains both names: someone meant and someone linked are in it."""
        for maybe in unsure.idol_ids[:3] if unsure.decided else ():
            for other in scene.idols:
                if other != maybe and (
                    group := self._roster.common_group(Pair.of(maybe, other), post.at.date())
                ):
                    who = self._roster.idols[maybe].name
                    return (
                        f"“{unsure.surface}” may be {who}, who is in {group.name} with "
                        f"{self._roster.idols[other].name}"
                    )
        return None


def _once(seen: set[tuple[Reason, str]], reason: Reason, detail: str) -> Iterator[Rejection]:
    if (reason, detail) not in seen:
        seen.add((reason, detail))
        yield Rejection(reason=reason, detail=detail)


def _settle(occasion: Occasion, cue: Cue | None, whole: Whole) -> Verdict | None:
    """The policy before anything is weighed: sensitive subjects, lists, what did not happen."""
    pair, frames = occasion.pair, occasion.scene.frames
    title_frames = whole.title.frames if whole.title else {}
    if word := frames.get(Frame.HARM) or title_frames.get(Frame.HARM):
        return Rejection(
            pair=pair, reason=Reason.SENSITIVE, detail=f"a sensitive subject: “{word}”"
        )
    if Frame.DATING in frames or Frame.DATING in title_frames:
        return _interaction(occasion, Kind.DATING_RUMOUR, Tier.SENSITIVE, 0.5, cue)
    mutual = cue if cue is not None and cue.act is Act.MUTUAL else None
    for frame, (reason, what) in _FRAME_REASONS.items():
        if word := frames.get(frame):
            # "Interaction" is a thing that rankings measure; a greeting is not.
            if frame is Frame.LISTING and mutual and mutual.kind is not Kind.OTHER:
                continue
            return Rejection(pair=pair, reason=reason, detail=f"{what}: “{word}”")
    if not mutual and (word := title_frames.get(Frame.LISTING)):
        return Rejection(pair=pair, reason=Reason.LISTING, detail=f"a list or ranking: “{word}”")
    return None


def _interaction(
    occasion: Occasion,
    kind: Kind,
    tier: Tier,
    confidence: float,
    cue: Cue | None,
    because: tuple[tuple[str, float], ...] = (),
) -> Interaction:
    return Interaction(
        pair=occasion.pair,
        kind=kind,
        tier=tier,
        past=Frame.PAST in occasion.scene.frames,
        confidence=round(confidence, 3),
        evidence=_evidence(occasion.scene, cue),
        field=occasion.scene.field,
        because=because,
    )


def _telling(
    seen: Mapping[str, float], weights: Mapping[str, float], most: int
) -> list[tuple[str, float]]:
    """The features that counted most, in log-odds, strongest first."""
    return _strongest({what: much * weights.get(what, 0.0) for what, much in seen.items()}, most)


def _strongest(counts: Mapping[str, float], most: int) -> list[tuple[str, float]]:
    order = sorted(counts.items(), key=lambda c: -abs(c[1]))[:most]
    return [(what, round(much, 2)) for what, much in order if much]


def _names(pair: Pair, mentions: Sequence[Mention]) -> Iterator[tuple[str, float]]:
    """What linked the two, by the surest name of each: ("Jisoo: bound to BLACKPINK", 4.0)."""
    for idol_id in (pair.a, pair.b):
        surest = max((m for m in mentions if m.idol_id == idol_id), key=lambda m: m.confidence)
        for what, much in _strongest(surest.evidence, 2):
            yield f"{surest.surface}: {what}", much


def _co_mention(pair: Pair, detail: str) -> Rejection:
    return Rejection(pair=pair, reason=Reason.CO_MENTION, detail=detail)


def _rank(verdict: Verdict) -> tuple[int, float]:
    """Smaller is kept: sensitive subjects, interactions by tier and confidence, other reasons."""
    if isinstance(verdict, Rejection) and verdict.reason is Reason.SENSITIVE:
        return -2, 0.0
    if isinstance(verdict, Interaction):
        if verdict.kind is Kind.DATING_RUMOUR:
            return -1, 0.0
        return list(Tier).index(verdict.tier), -verdict.confidence
    return len(Tier) + _TELLING.index(verdict.reason), 0.0


def _evidence(scene: Scene, cue: Cue | None) -> str:
    """The words around the names and the cue, cut to a short quotation."""
    start, end = scene.start, scene.end
    if end - start > EVIDENCE:
        marks = [m.start for m in scene.mentions] + [m.end for m in scene.mentions]
        if cue is not None:
            marks += (cue.start, cue.end)
        middle = (min(marks) + max(marks)) // 2 if marks else start
        start = max(start, min(middle - EVIDENCE // 2, end - EVIDENCE))
        end = min(end, start + EVIDENCE)
    return " ".join(scene.text.raw[start:end].split())
