"""How good the core is on labelled posts: corpora in, figures and errors out.

A corpus is JSON lines: `id`, `lang`, `category`, `title`, `text`, `idols` (every idol that is
clearly named, as "GROUP/NAME", soloists "SOLO/NAME"), `interactions` (`a`, `b`, `kind`,
`evidence`), and
`borderline` where a fair judge may differ. Scoring:

- An idol that only the title names is neither right nor wrong.
- A label that matches nobody in the roster is a gap, and counts as missed.
- Dating is out of every score. In borderline posts, and in posts labelled with ten pairs, no
  announced pair counts as false.
- What is withheld because it is sensitive counts as missed, and is listed apart.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeVar

import msgspec

from bot.domain.errors import ConfigError
from bot.domain.ports import Judge
from bot.domain.roster import Roster
from bot.domain.text import fold, read
from bot.domain.types import Field, Idol, Interaction, Judgement, Kind, Pair, Post, Rejection, Tier

#: Takes what, who and why of a mistake.
Note = Callable[[str, str, str], None]
#: Labels stop at this many pairs, so what more is announced there is not known to be false.
MOST_PAIRS = 10


class LabelledPair(msgspec.Struct, frozen=True):
    """An interaction that a post reports."""

    a: str
    b: str
    kind: Kind
    evidence: str = ""


class Labelled(msgspec.Struct, frozen=True):
    """A post with what a careful reader found in it."""

    id: str
    text: str
    title: str = ""
    lang: str = ""
    category: str = ""
    url: str = ""
    idols: tuple[str, ...] = ()
    interactions: tuple[LabelledPair, ...] = ()
    borderline: bool = False
    notes: str = ""

    def read_at(self, now: datetime) -> Post:
        """The post without its labels, as seen at a time."""
        return Post(
            id=self.id,
            source_id="corpus",
            title=self.title,
            text=self.text,
            url=self.url,
            lang=self.lang,
            seen_at=now,
        )


Line = TypeVar("Line")


def load_corpus(name: str, text: str) -> list[Labelled]:
    """Read labelled posts from JSON lines; raises as `load_lines`."""
    return load_lines(name, text, Labelled)


def load_lines(name: str, text: str, kind: type[Line]) -> list[Line]:
    """Read JSON lines of one kind.

    Raises:
        ConfigError: names the file and every line that is not of that kind.
    """
    read, problems = [], []
    for number, line in enumerate(text.splitlines(), 1):
        if line.strip():
            try:
                read.append(msgspec.json.decode(line, type=kind))
            except msgspec.DecodeError as error:
                problems.append(f"{name}, line {number}: {error}")
    if problems:
        raise ConfigError(*problems)
    return read


@dataclass(slots=True)
class Count:
    """Right, false and missed; with none of them a share counts as 1."""

    right: int = 0
    false: int = 0
    missed: int = 0

    @property
    def precision(self) -> float:
        """Of those that were said, the share that is right."""
        return self.right / (self.right + self.false) if self.right + self.false else 1.0

    @property
    def recall(self) -> float:
        """Of those that should have been said, the share that was."""
        return self.right / (self.right + self.missed) if self.right + self.missed else 1.0

    @property
    def f1(self) -> float:
        """The harmonic mean of precision and recall."""
        both = 2 * self.right + self.false + self.missed
        return 2 * self.right / both if both else 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Mistake:
    """One thing that went wrong with one post."""

    post: Labelled
    #: "false idol", "missed idol", "false pair", "missed pair", "withheld pair", "gap".
    what: str
    #: "BLACKPINK/Jisoo × SEVENTEEN/Mingyu".
    who: str
    #: What the core said of it.
    why: str = ""


@dataclass(slots=True, kw_only=True)
class Score:
    """The figures of one corpus, or of a part of it."""

    posts: int = 0
    mentions: Count = field(default_factory=Count)
    pairs: Count = field(default_factory=Count)
    #: Of the pairs that were rightly announced, how many with the labelled kind.
    right_kind: int = 0
    posts_with_false_pair: int = 0


@dataclass(slots=True, kw_only=True)
class Evaluation:
    """The figures of a corpus, whole and by language and category, and every mistake."""

    whole: Score = field(default_factory=Score)
    by_lang: dict[str, Score] = field(default_factory=lambda: defaultdict(Score))
    by_category: dict[str, Score] = field(default_factory=lambda: defaultdict(Score))
    borderline: Score = field(default_factory=Score)
    mistakes: list[Mistake] = field(default_factory=list)
    #: Labels that match nobody in the roster, with how often.
    gaps: Counter[str] = field(default_factory=Counter)


class Labels:
    """Finds the idol that a label "GROUP/NAME" means in one roster."""

    def __init__(self, roster: Roster) -> None:
        self._by_name: dict[str, list[str]] = defaultdict(list)
        for idol in roster.idols.values():
            for key in {_key(a.text) for a in idol.aliases}:
                self._by_name[key].append(idol.id)
        self._groups: dict[str, set[str]] = defaultdict(set)
        for group in roster.groups.values():
            for alias in group.aliases:
                self._groups[_key(alias.text)].add(roster.root(group.id))
        self._roots = {i: {roster.root(g.id) for g in roster.groups_of(i)} for i in roster.idols}

    def find(self, label: str) -> str | None:
        """The idol's id, or None when the roster has nobody of that name in that group."""
        group, _, name = label.rpartition("/")
        named = self._by_name.get(_key(name), [])
        if group == "SOLO":
            # A soloist may have been in a group; the one who stands under "solo." comes first.
            return next((i for i in sorted(named, key=lambda i: not i.startswith("solo."))), None)
        wanted = self._groups.get(_key(group), set())
        return next((i for i in named if self._roots[i] & wanted), None)


def _key(name: str) -> str:
    return "".join(c for c in fold(name) if c.isalnum())


def evaluate(corpus: Sequence[Labelled], judge: Judge, roster: Roster, now: datetime) -> Evaluation:
    """Judge every post and compare with its labels."""
    labels = Labels(roster)
    result = Evaluation()
    for post in corpus:
        judgement = judge(post.read_at(now))
        one = _score(post, judgement, labels, roster, result)
        parts = (
            [result.borderline]
            if post.borderline
            else [result.whole, result.by_lang[post.lang], result.by_category[post.category]]
        )
        for part in parts:
            _add(part, one)
    return result


def _add(total: Score, one: Score) -> None:
    total.posts += one.posts
    for ours, theirs in ((total.mentions, one.mentions), (total.pairs, one.pairs)):
        ours.right += theirs.right
        ours.false += theirs.false
        ours.missed += theirs.missed
    total.right_kind += one.right_kind
    total.posts_with_false_pair += one.posts_with_false_pair


def _score(
    post: Labelled, judgement: Judgement, labels: Labels, roster: Roster, result: Evaluation
) -> Score:
    score = Score(posts=1)

    def note(what: str, who: str, why: str) -> None:
        result.mistakes.append(Mistake(post=post, what=what, who=who, why=why))

    ids = {label: labels.find(label) for label in _all_labels(post)}
    for label in sorted(i for i, found in ids.items() if found is None):
        result.gaps[label] += 1
        note("gap", label, "")
    _score_mentions(post, judgement, ids, roster, score, note)
    _score_pairs(post, judgement, ids, roster, score, note)
    return score


def _all_labels(post: Labelled) -> Iterator[str]:
    yield from post.idols
    for pair in post.interactions:
        yield from (pair.a, pair.b)


def _score_mentions(
    post: Labelled,
    judgement: Judgement,
    ids: Mapping[str, str | None],
    roster: Roster,
    score: Score,
    note: Note,
) -> None:
    in_text = {m.idol_id for m in judgement.mentions if m.field is Field.TEXT}
    in_title = {m.idol_id for m in judgement.mentions} - in_text
    labelled = {ids[label] for label in post.idols}
    for wrong in sorted(in_text - labelled):
        score.mentions.false += 1
        surfaces = {m.surface for m in judgement.mentions if m.idol_id == wrong}
        note("false idol", wrong, ", ".join(sorted(surfaces)))
    for label in post.idols:
        idol_id = ids[label]
        if idol_id is None:
            score.mentions.missed += 1
        elif idol_id in in_text:
            score.mentions.right += 1
        elif idol_id not in in_title and not _only_in_title(roster.idols[idol_id], post):
            score.mentions.missed += 1
            note("missed idol", label, "")


def _only_in_title(idol: Idol, post: Labelled) -> bool:
    title, text = read(post.title).norm, read(post.text).norm
    names = [fold(a.text) for a in idol.aliases]
    return any(n in title for n in names) and not any(n in text for n in names)


def _score_pairs(
    post: Labelled,
    judgement: Judgement,
    ids: Mapping[str, str | None],
    roster: Roster,
    score: Score,
    note: Note,
) -> None:
    gold: dict[Pair, LabelledPair] = {}
    dating: set[Pair] = set()
    for told in post.interactions:
        a, b = ids[told.a], ids[told.b]
        if told.kind is Kind.DATING_RUMOUR:
            if a and b:
                dating.add(Pair.of(a, b))
        elif a is None or b is None:
            score.pairs.missed += 1
            note("missed pair", f"{told.a} × {told.b}", "a name is not in the roster")
        elif a != b:
            gold[Pair.of(a, b)] = told
    said: dict[Pair, Interaction | Rejection] = {
        v.pair: v for v in judgement.verdicts if v.pair is not None
    }
    announced = {
        p: v
        for p, v in said.items()
        if isinstance(v, Interaction)
        and v.tier is Tier.ANNOUNCE
        and v.kind is not Kind.DATING_RUMOUR
        and p not in dating
    }
    for pair, told in gold.items():
        if pair in announced:
            score.pairs.right += 1
            score.right_kind += announced[pair].kind is told.kind
            continue
        score.pairs.missed += 1
        verdict = said.get(pair)
        withheld = isinstance(verdict, Interaction) and verdict.tier is Tier.SENSITIVE
        what = "withheld pair" if withheld else "missed pair"
        note(what, f"{told.a} × {told.b}", f"[{told.kind}: “{told.evidence}”] {_said(verdict)}")
    forgiven = post.borderline or len(post.interactions) >= MOST_PAIRS
    false = [] if forgiven else [p for p in announced if p not in gold]
    for pair in false:
        score.pairs.false += 1
        note("false pair", f"{pair.a} × {pair.b}", _said(announced[pair]))
    score.posts_with_false_pair += bool(false)


def _said(verdict: Interaction | Rejection | None) -> str:
    if verdict is None:
        return "no verdict: at least one of them was not linked"
    if isinstance(verdict, Rejection):
        return f"rejected: {verdict.reason} ({verdict.detail})"
    return f"{verdict.tier}: {verdict.kind}, {verdict.confidence:.0%}, “{verdict.evidence}”"
