"""The words by which posts report what idols do, read from one TOML text per language.

A lexicon file is written for people who know the language rather than Python: lists of regular
expressions, matched against normalised text (so in lower case). `[link]` holds the small words by
which names hang together, `[[cue]]` what idols do, `[frame]` what turns a report into something
else. `anchors.toml` names what fixes an occasion, `occasions.toml` holds the words that say
when an occasion was and what was done there.
"""

from __future__ import annotations

import re
import tomllib
import unicodedata
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property

import msgspec

from bot.domain.errors import ConfigError
from bot.domain.finder import Expression, Finder, Found, may_be_empty
from bot.domain.text import Script, fold, scripts_of
from bot.domain.types import Kind


class Act(StrEnum):
    """How two people are involved in a cue; decides the tier."""

    MUTUAL = "mutual"  #: each does it to the other: greeting, talking, a photo
    PUBLIC = "public"  #: one does it towards the other, in public: a comment, a gift
    JOINT = "joint"  #: work done or announced together: a song, a challenge, hosting
    TOGETHER = "together"  #: framed as being together: side by side, at one table
    EVENT = "event"  #: at the same event, no more


class Frame(StrEnum):
    """What makes a sentence with two names something other than a report of an interaction."""

    LISTING = "listing"
    IRREALIS = "irrealis"
    RUMOUR = "rumour"  #: said to have happened, by nobody who knows: a possible moment at most
    NEGATED = "negated"
    DATING = "dating"
    HARM = "harm"
    PAST = "past"
    LOOK_ALIKE = "look_alike"
    COVER = "cover"
    REPLACEMENT = "replacement"
    QUESTION = "question"  #: ends in a question mark, after something told
    DENIED = "denied"  #: what was told elsewhere is not so: a denial, a made-up picture
    APART = "apart"  #: each for themselves: "respectively", "각각"


@dataclass(frozen=True, slots=True)
class Cue:
    """One finding of a cue in normalised text."""

    kind: Kind
    act: Act
    start: int
    end: int


class _Link(msgspec.Struct, forbid_unknown_fields=True):
    roles: list[str] = []
    of: list[str] = []
    and_: list[str] = msgspec.field(name="and", default_factory=list)
    both: list[str] = []
    #: What among `both` says two, three, four, five, six.
    numbers: list[str] = []
    one: list[str] = []
    clauses: list[str] = []
    professions: list[str] = []
    singers: list[str] = []
    #: Words that mark a name as a companion, as somebody reached, as who does it.
    with_: list[str] = msgspec.field(name="with", default_factory=list)
    to: list[str] = []
    subject: list[str] = []
    #: Whether these follow the name, as Korean and Japanese particles do.
    after: bool = False
    #: "Also": what is told of the one before is told of this one too.
    also: list[str] = []
    honorifics: list[str] = []
    #: People who are no idols: fans, staff, a teacher, an actor.
    others: list[str] = []


class _Cue(msgspec.Struct, forbid_unknown_fields=True):
    kind: Kind
    act: Act
    words: list[str]


class _File(msgspec.Struct, forbid_unknown_fields=True):
    lang: str
    link: _Link = msgspec.field(default_factory=_Link)
    cue: list[_Cue] = []
    frame: dict[Frame, list[str]] = {}


class OccasionWords(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How one language says when an occasion was and what was done; see `occasions.toml`."""

    numbers: list[str] = []
    months: list[str] = []
    summer: list[str] = []
    winter: list[str] = []
    look_back: list[str] = []
    years_on: list[str] = []
    anniversary: list[str] = []
    ago: list[str] = []
    months_ago: list[str] = []
    then: list[str] = []
    ahead: list[str] = []
    again: list[str] = []
    follow_up: list[str] = []
    episode: list[str] = []
    #: "stage", "gift" → words.
    steps: dict[str, list[str]] = {}


class Weights(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How much what is seen counts, in log-odds: feature → weight."""

    #: Of two people in a scene; see `features.py`.
    occasion: dict[str, float] = {}
    #: Of a pair beside the others of its post; see `standing.py`.
    pair: dict[str, float] = {}


#: Written without spaces between words, or with endings attached: no word boundaries.
_ACRONYM = 4
UNSPACED = frozenset({"ko", "ja", "zh", "th"})
_BY_SCRIPT = {
    Script.HANGUL: ("ko",),
    Script.KANA: ("ja",),
    Script.HAN: ("zh", "ja"),
    Script.THAI: ("th",),
    Script.OTHER: ("ru", "ar"),
}
_OTHER_LETTERS = {code for codes in _BY_SCRIPT.values() for code in codes}


class Word(StrEnum):
    """Small words by which sentences hang together."""

    BOTH = "both"  #: points back at two or more: "the two", "두 사람"
    ONE = "one"  #: points back at one: "she", "그는"
    BREAK = "break"  #: a clause ends here


class Role(StrEnum):
    """What a name is marked as."""

    WITH = "with"  #: in company of: "with Jisoo", "지수와", "ジスと"
    TO = "to"  #: reached or addressed: "to Jisoo", "지수에게", "ジスに"
    SUBJECT = "subject"  #: who does it, in languages that mark it: "지수가", "ジスは"


@dataclass(frozen=True, slots=True)
class Findings:
    """What was found in a text; each list by place."""

    cues: list[Cue]
    frames: list[Found[Frame]]
    words: list[Found[Word]]


_What = tuple[Kind, Act] | Frame | Word


class Language:
    """The compiled lexicon of one language."""

    def __init__(self, file: _File) -> None:
        self.lang = file.lang
        self.unspaced = file.lang in UNSPACED
        self.link = link = file.link
        self._file = file
        joining = _any([*link.and_, *link.roles])
        binding = _any([*link.roles, *link.of])
        small = "s|x|of|de|do|da|dari"
        self._joins = re.compile(
            rf"(?:[\s,、·・ㆍ&+/×＆'’\"”“‘()\-\[\]]|의|の|(?<![a-z])(?:{joining}|{small})(?![a-z]))*",
            re.IGNORECASE,
        )
        self._beside = re.compile(
            rf"(?:[\s,'’\"”“‘()\-\[\]:]|의|の|(?<![a-z])(?:{binding}|{small})(?![a-z]))*",
            re.IGNORECASE,
        )
        marks = {Role.WITH: link.with_, Role.TO: link.to, Role.SUBJECT: link.subject}
        self._marks = {role: self._mark(words) for role, words in marks.items() if words}
        self._numbers = [re.compile(words, re.IGNORECASE) for words in link.numbers]
        self._also = self._beside_name(_any(link.also))
        self._others = self._marked_others(_any([*link.with_, *link.to]), _any(link.others))

    def without(self, gone: Callable[[str], bool]) -> Language:
        """The same language without some cue expressions."""
        cues = [
            msgspec.structs.replace(c, words=[w for w in c.words if not gone(w)])
            for c in self._file.cue
        ]
        return Language(msgspec.structs.replace(self._file, cue=cues))

    @cached_property
    def _finder(self) -> Finder[_What]:
        # Made when the language is first met: 0.05 to 0.1 s, English 0.2 s, and most never are.
        file, link = self._file, self.link
        breaks = [r"[;；]|\.{3}|…|—|–", *link.clauses]
        return Finder[_What](
            [
                *(self._word(w, (c.kind, c.act)) for c in file.cue for w in c.words),
                *(self._word(w, frame) for frame, words in file.frame.items() for w in words),
                *(self._word(w, Word.BOTH) for w in link.both),
                *(self._word(w, Word.ONE) for w in link.one),
                *(Expression[_What](w, Word.BREAK) for w in breaks),
            ]
        )

    def _word(self, word: str, what: _What) -> Expression[_What]:
        # As the text is normalised; Thai and Korean letters would differ otherwise.
        return Expression(unicodedata.normalize("NFKC", word), what, words=not self.unspaced)

    def _mark(self, words: list[str]) -> re.Pattern[str]:
        body = _any(words)
        if self.link.after:
            titles = _any(self.link.honorifics)
            return re.compile(rf"[\s'\"”’)\]]*(?:\s?(?:{titles}))?(?:{body})", re.IGNORECASE)
        if self.unspaced:
            return re.compile(rf"(?:{body})[\s'\"“‘(]*$", re.IGNORECASE)
        return re.compile(
            rf"(?<!\w)(?:{body})[\s'\"“‘(]+(?:(?:the|el|la|le|o|a|der|die)\s+)?$", re.IGNORECASE
        )

    def _beside_name(self, body: str) -> re.Pattern[str]:
        if self.link.after:
            titles = _any(self.link.honorifics)
            return re.compile(rf"[\s'\"”’)\]]*(?:\s?(?:{titles}))?(?:{body})", re.IGNORECASE)
        if self.unspaced:
            return re.compile(rf"(?:{body})", re.IGNORECASE)
        return re.compile(rf"(?<!\w)(?:{body})(?!\w)", re.IGNORECASE)

    def _marked_others(self, marks: str, others: str) -> re.Pattern[str]:
        if self.link.after:
            body = rf"(?:{others})\S{{0,4}}?(?:{marks})"
        elif self.unspaced:
            body = rf"(?:{marks}).{{0,6}}?(?:{others})"
        else:
            body = rf"(?<!\w)(?:{marks})\s[\s\w'’]{{0,20}}?(?<!\w)(?:{others})(?!\w)"
        return re.compile(body, re.IGNORECASE)

    def read(self, norm: str, spans: Sequence[tuple[int, int]]) -> Findings:
        """Everything that stands in the sentences (slices in order) of a normalised text."""
        read = Findings([], [], [])
        for found in self._finder.find(norm, spans):
            what = found.what
            if isinstance(what, Frame):
                read.frames.append(Found(found.start, found.end, what))
            elif isinstance(what, Word):
                read.words.append(Found(found.start, found.end, what))
            else:
                read.cues.append(Cue(*what, found.start, found.end))
        return read

    def marks(self, role: Role, before: str, after: str) -> bool:
        """Whether a name with this text before and after it is marked as in this role."""
        mark = self._marks.get(role)
        if mark is None:
            return False
        return (mark.match(after) if self.link.after else mark.search(before)) is not None

    def number(self, both: str) -> int | None:
        """How many people a word that points back at several says they are."""
        return next((n for n, x in enumerate(self._numbers, 2) if x.search(both)), None)

    def says_also(self, before: str, after: str) -> bool:
        """Whether a name with this text before and after it joins what was told before."""
        if self.link.after:
            return self._also.match(after) is not None
        return (self._also.search(after) or self._also.search(before)) is not None

    def has_others(self, near: str) -> bool:
        """Whether a slice has people who are no idols, marked as companions or addressed."""
        return self._others.search(near) is not None

    def beside(self, gap: str) -> bool:
        """Whether what stands between a group and a name makes them one phrase."""
        return self._beside.fullmatch(gap) is not None

    def joins(self, gap: str) -> bool:
        """Whether what stands between two names makes them a list: "와", ", and "."""
        return self._joins.fullmatch(gap) is not None


def _any(words: list[str]) -> str:
    return unicodedata.normalize("NFKC", "|".join(words)) or "(?!)"


class Lexicon:
    """All languages and the anchors."""

    def __init__(
        self,
        languages: Mapping[str, Language],
        anchors: Mapping[str, str],
        weights: Weights | None = None,
        occasions: Mapping[str, OccasionWords] | None = None,
        capitals: frozenset[str] = frozenset(),
    ) -> None:
        self.languages = languages
        self.weights = weights or Weights()
        #: Folded names of anchors that are only found in capitals: "mama".
        self.capitals = capitals
        #: Language → its words about occasions.
        self.occasions = occasions or {}
        #: Folded name → "kind:id".
        self.anchors = anchors
        self._latin = tuple(sorted(languages.keys() - _OTHER_LETTERS))

    def without(self, gone: Callable[[str], bool]) -> Lexicon:
        """The same lexicon without some cue expressions: how words that it lacks are read."""
        languages = {code: x.without(gone) for code, x in self.languages.items()}
        return Lexicon(languages, self.anchors, self.weights, self.occasions, self.capitals)

    def for_text(self, norm: str, lang: str) -> list[Language]:
        """The languages to read a text with: the declared one, else those of its scripts."""
        scripts = set(scripts_of(norm))
        codes: list[str] = []
        for script in sorted(scripts & _BY_SCRIPT.keys(), key=lambda s: s.value):
            codes += _BY_SCRIPT[script]
        if Script.KANA in scripts or lang == "ja":
            codes = [c for c in codes if c != "zh"]
        elif lang == "zh":
            codes = [c for c in codes if c != "ja"]
        if Script.LATIN in scripts:
            # Among Korean or Japanese, Latin words are names and a little English.
            codes += [lang, "en"] if lang in self._latin else ["en"] if codes else self._latin
        if lang not in codes:
            codes.append(lang)
        return [self.languages[c] for c in dict.fromkeys(codes) if c in self.languages]


def load(files: Mapping[str, str]) -> Lexicon:
    """Read lexicons from TOML texts by file name ("anchors.toml" holds the anchors).

    Raises:
        ConfigError: with one sentence for each problem, naming the file and the field.
    """
    problems: list[str] = []
    languages: dict[str, Language] = {}
    anchors: dict[str, str] = {}
    weights = Weights()
    occasions: dict[str, OccasionWords] = {}
    capitals: frozenset[str] = frozenset()
    for name, text in files.items():
        try:
            if name == "anchors.toml":
                given = msgspec.toml.decode(text, type=dict[str, dict[str, list[str]]])
                found, wrong = _anchors(given)
                anchors |= found
                capitals = _capitals(given)
                problems += [f"{name}: {p}" for p in wrong]
                continue
            if name == "occasions.toml":
                occasions = msgspec.toml.decode(text, type=dict[str, OccasionWords])
                for code, words in occasions.items():
                    problems += [f"{name}: {code}.{p}" for p in _check_occasions(words)]
                continue
            if name == "weights.toml":
                weights = msgspec.toml.decode(text, type=Weights)
                continue
            file = msgspec.toml.decode(text, type=_File)
        except (tomllib.TOMLDecodeError, msgspec.DecodeError) as error:
            problems.append(f"{name}: {error}")
            continue
        wrong = [f"{name}: {p}" for p in _check(file)]
        if file.lang in languages:
            wrong.append(f"{name}: lang: {file.lang!r} has a file already")
        if not wrong:
            languages[file.lang] = Language(file)
        problems += wrong
    if problems:
        raise ConfigError(*problems)
    return Lexicon(languages, anchors, weights, occasions, capitals)


def _anchors(given: Mapping[str, Mapping[str, Sequence[str]]]) -> tuple[dict[str, str], list[str]]:
    """Folded name → anchor, and what is wrong with the names."""
    found: dict[str, str] = {}
    wrong: list[str] = []
    for kind, anchors in given.items():
        for key, names in anchors.items():
            for name in map(fold, names):
                if not name:
                    wrong.append(f"{kind}.{key}: a name is empty")
                elif found.get(name, f"{kind}:{key}") != f"{kind}:{key}":
                    wrong.append(f"{kind}.{key}: {name!r} is a name of {found[name]} already")
                else:
                    found[name] = f"{kind}:{key}"
    return found, wrong


def _capitals(given: Mapping[str, Mapping[str, Sequence[str]]]) -> frozenset[str]:
    """Folded names that are short and written in capitals: words of some language otherwise."""
    names = (n for anchors in given.values() for listed in anchors.values() for n in listed)
    return frozenset(fold(n) for n in names if len(n) <= _ACRONYM and n.isascii() and n.isupper())


def _check_occasions(words: OccasionWords) -> Iterator[str]:
    if len(words.months) not in (0, 12):
        yield f"months: there are twelve, not {len(words.months)}"
    lists = msgspec.to_builtins(words)
    steps = {f"steps.{step}": listed for step, listed in lists.pop("steps").items()}
    for field, listed in {**lists, **steps}.items():
        for word in listed:
            try:
                if re.search(word.replace("{n}", "1"), ""):
                    yield f"{field}: {word!r} finds even an empty text"
            except re.error as error:
                yield f"{field}: {word!r} is no valid regular expression: {error}"


def _check(file: _File) -> Iterator[str]:
    for field, words in (
        *((f"cue {c.kind}", c.words) for c in file.cue),
        *((f"frame.{frame}", words) for frame, words in file.frame.items()),
        *(
            (f"link.{field}", words)
            for field, words in msgspec.to_builtins(file.link).items()
            if isinstance(words, list)
        ),
    ):
        for word in words:
            try:
                if may_be_empty(unicodedata.normalize("NFKC", word)) and re.search(word, ""):
                    yield f"{field}: {word!r} finds even an empty text"
            except re.error as error:
                yield f"{field}: {word!r} is no valid regular expression: {error}"
