"""What a post says of each two people it names: an interaction, or why not.

The scene is the sentence (a title counts as one). In the order of the project's policy: a sensitive
subject, then lists and rankings, then what did not happen, then what they did with each other, in
public towards each other, together, at one event; else they are only both mentioned. A reciprocal
act told of both in one sentence beats a list frame elsewhere.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations

from bot.domain.lexicon import Act, Cue, Frame, Lexicon
from bot.domain.link import Linker, Links, Reading, Unsure
from bot.domain.roster import Roster
from bot.domain.scene import LIKELY, POINTED_AT, Scene, read_scenes
from bot.domain.types import (
    Field,
    Group,
    GroupKind,
    Interaction,
    Judgement,
    Kind,
    Pair,
    Post,
    Reason,
    Rejection,
    Tier,
    Verdict,
)

#: More people than this in one sentence make it a list.
LIST_OF_PEOPLE = 5
#: Posts that name more idols than this are lists; their pairs are not decided one by one. Of a
#: sentence that names more, only the first are looked through for group-mates.
MOST_IDOLS = 10
#: Below this an interaction is only a possible moment.
ANNOUNCE_CONFIDENCE = 0.6
#: Characters of evidence that are quoted.
EVIDENCE = 160

#: How sure a report is by the act; a cue that says only that they interacted counts a little less.
_SURE = {Act.MUTUAL: 0.92, Act.JOINT: 0.86, Act.PUBLIC: 0.82, Act.TOGETHER: 0.78, Act.EVENT: 0.5}
_GENERIC = 0.96
#: What is announced of people under 18: stage work, in plain words.
_FOR_MINORS = {Kind.HOSTING, Kind.COLLABORATION, Kind.CHALLENGE, Kind.REACTION}
_FRAME_REASONS = {
    Frame.LISTING: (Reason.LISTING, "a list or ranking"),
    Frame.IRREALIS: (Reason.IRREALIS, "hoped for, rumoured or supposed"),
    Frame.NEGATED: (Reason.IRREALIS, "denied or negated"),
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

    def _judge(self, post: Post, links: Links) -> Judgement:
        if not links.mentions and not links.unsure:
            return Judgement()
        scenes = list(read_scenes(post, links, self._lexicon))
        best: dict[Pair, Verdict] = {}
        whole: list[Rejection] = []
        idols = tuple(dict.fromkeys(m.idol_id for m in links.mentions))
        if len(idols) > MOST_IDOLS:
            whole.append(
                Rejection(reason=Reason.LISTING, detail=f"names {len(idols)} idols at once")
            )
        else:
            title = next((u for u in scenes if u.field is Field.TITLE), None)
            for pair, scene, reach in self._occasions(scenes, links, post):
                verdict = self._decide(pair, scene, title, reach, links, post)
                if pair not in best or _rank(verdict) < _rank(best[pair]):
                    best[pair] = verdict
            for a, b in combinations(idols, 2):
                pair = Pair.of(a, b)
                if self._shared_group(pair, links, post) is None:
                    best.setdefault(pair, self._unmet(pair, scenes))
        whole += self._without_pair(scenes, links, post)
        return Judgement(
            mentions=links.mentions, verdicts=(*(best[p] for p in sorted(best)), *whole)
        )

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

    def _occasions(
        self, scenes: Sequence[Scene], links: Links, post: Post
    ) -> Iterator[tuple[Pair, Scene, float]]:
        """Each pair in each scene that is about it, with how surely it is (0 to 1).

        A scene is about the pairs that it names; about the one pair named before when it points
        back at both; and about the one idol named before and those it names when it points back
        at one first ("He hugged Mingyu").
        """
        last: Pair | None = None
        topic: str | None = None
        for scene in scenes:
            pairs = [Pair.of(a, b) for a, b in combinations(scene.idols, 2)]
            across = [p for p in pairs if self._shared_group(p, links, post) is None]
            for pair in across:
                yield pair, scene, 1.0
            if topic is not None and topic not in scene.idols and scene.begins_with_one:
                for other in scene.idols[:LIST_OF_PEOPLE]:
                    pair = Pair.of(topic, other)
                    if self._shared_group(pair, links, post) is None:
                        yield pair, scene, POINTED_AT
            elif scene.idols:
                topic = scene.idols[0] if len(scene.idols) == 1 else None
            if len(scene.idols) == 2 and across:
                last = across[0]
            elif len(scene.idols) > 2 or any(i not in (last or ()) for i in scene.idols):
                last = last if not scene.idols else None
            elif last is not None and scene.refers_back:
                yield last, scene, LIKELY  # "The two were seen bowing to each other."

    # ── deciding ──

    def _decide(
        self, pair: Pair, scene: Scene, title: Scene | None, reach: float, links: Links, post: Post
    ) -> Verdict:
        frames = scene.frames
        title_frames = title.frames if title else {}
        cue, certain = _best_cue(scene, pair)
        if word := frames.get(Frame.HARM) or title_frames.get(Frame.HARM):
            return Rejection(
                pair=pair, reason=Reason.SENSITIVE, detail=f"a sensitive subject: “{word}”"
            )
        if word := frames.get(Frame.DATING) or title_frames.get(Frame.DATING):
            return self._interaction(
                pair, Kind.DATING_RUMOUR, Tier.SENSITIVE, 0.5, scene, links, post, cue
            )
        mutual = cue if cue is not None and cue.act is Act.MUTUAL else None
        if (company := scene.company(pair)) > LIST_OF_PEOPLE:
            return Rejection(
                pair=pair, reason=Reason.LISTING, detail=f"one sentence names {company} idols"
            )
        for frame, (reason, what) in _FRAME_REASONS.items():
            if word := frames.get(frame):
                # "Interaction" is a thing that rankings measure; a greeting is not.
                if frame is Frame.LISTING and mutual and mutual.kind is not Kind.OTHER:
                    continue
                return Rejection(pair=pair, reason=reason, detail=f"{what}: “{word}”")
        if not mutual and (word := title_frames.get(Frame.LISTING)):
            return Rejection(
                pair=pair, reason=Reason.LISTING, detail=f"a list or ranking: “{word}”"
            )
        if cue is None:
            return _co_mention(pair, "one sentence names both and tells of nothing between them")
        named = min(links.confidence[pair.a], links.confidence[pair.b])
        confidence = _SURE[cue.act] * reach * certain * min(1.0, named + 0.15)
        if cue.kind is Kind.OTHER:
            confidence *= _GENERIC
        if title is not None and title is not scene and set(title.idols) >= {pair.a, pair.b}:
            confidence = min(0.98, confidence + 0.04)
        tier = Tier.ANNOUNCE
        if cue.act is Act.EVENT or confidence < ANNOUNCE_CONFIDENCE:
            tier = Tier.DIGEST
        if cue.kind not in _FOR_MINORS and any(
            self._roster.is_minor(i, post.at.date()) for i in (pair.a, pair.b)
        ):
            tier = Tier.SENSITIVE
        return self._interaction(pair, cue.kind, tier, confidence, scene, links, post, cue)

    def _interaction(
        self,
        pair: Pair,
        kind: Kind,
        tier: Tier,
        confidence: float,
        scene: Scene,
        links: Links,
        post: Post,
        cue: Cue | None,
    ) -> Interaction:
        return Interaction(
            pair=pair,
            kind=kind,
            tier=tier,
            past=Frame.PAST in scene.frames,
            confidence=round(confidence, 3),
            evidence=_evidence(scene, cue),
            field=scene.field,
        )

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
                for a, b in combinations(scene.idols[:MOST_IDOLS], 2):
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


def _best_cue(scene: Scene, pair: Pair) -> tuple[Cue | None, float]:
    """The cue that says most of a pair, and how surely it is about the two."""
    best: tuple[Cue | None, float] = (None, 0.0)
    said = 0.0
    for cue in scene.cues:
        reach = scene.reach(pair, cue)
        says = _SURE[cue.act] * reach * (_GENERIC if cue.kind is Kind.OTHER else 1.0)
        if says > said:
            best, said = (cue, reach), says
    return best
