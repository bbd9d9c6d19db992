"""The words by which posts report what idols do, read from one TOML text per language.

A lexicon file is written for people who know the language rather than Python: lists of regular
expressions, matched against normalised text (so in lower case). `[link]` holds the small words by
which names hang together, `[[cue]]` what idols do, `[frame]` what turns a report into something
else, and `anchors.toml` the occasions that have a name.
"""

from __future__ import annotations

import re
import tomllib
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

import msgspec

from bot.domain.errors import ConfigError
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
    NEGATED = "negated"
    DATING = "dating"
    HARM = "harm"
    PAST = "past"
    LOOK_ALIKE = "look_alike"
    COVER = "cover"
    REPLACEMENT = "replacement"
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
    one: list[str] = []
    clauses: list[str] = []
    professions: list[str] = []


class _Cue(msgspec.Struct, forbid_unknown_fields=True):
    kind: Kind
    act: Act
    words: list[str]


class _File(msgspec.Struct, forbid_unknown_fields=True):
    lang: str
    link: _Link = msgspec.field(default_factory=_Link)
    cue: list[_Cue] = []
    frame: dict[Frame, list[str]] = {}


class _Anchor(msgspec.Struct, forbid_unknown_fields=True):
    kind: str
    id: str
    names: list[str]


class _Anchors(msgspec.Struct, forbid_unknown_fields=True):
    anchor: list[_Anchor]


#: Written without spaces between words, or with endings attached: no word boundaries.
_UNSPACED = {"ko", "ja", "zh", "th"}
_BY_SCRIPT = {
    Script.HANGUL: ("ko",),
    Script.KANA: ("ja",),
    Script.HAN: ("zh", "ja"),
    Script.THAI: ("th",),
    Script.OTHER: ("ru", "ar"),
}
_OTHER_LETTERS = {code for codes in _BY_SCRIPT.values() for code in codes}


class Language:
    """The compiled lexicon of one language."""

    def __init__(self, file: _File) -> None:
        self.lang = file.lang
        self.unspaced = file.lang in _UNSPACED
        # Each list by itself: a long find of one must not hide a word of another.
        self._cues = [(c.kind, c.act, self._compile(c.words)) for c in file.cue]
        self._frames = [(frame, self._compile(words)) for frame, words in file.frame.items()]
        self.link = file.link
        self._both = self._compile(file.link.both)
        self._one = self._compile(file.link.one)
        self._clauses = re.compile(
            "|".join([r"[;；]|\.{3}|…|—|–", *file.link.clauses]), re.IGNORECASE
        )
        joining = "|".join([*file.link.and_, *file.link.roles]) or r"(?!)"
        self._joins = re.compile(
            rf"(?:[\s,、·・ㆍ&+/×＆'’\"”“‘()\-\[\]]|의|の|(?<![a-z])(?:{joining}|s|x|of|de|do|da|dari)(?![a-z]))*",
            re.IGNORECASE,
        )

    def _compile(self, words: list[str]) -> re.Pattern[str]:
        # As the text is normalised; Thai and Korean letters would differ otherwise.
        body = unicodedata.normalize("NFKC", "|".join(words)) or r"(?!)"
        whole = f"(?:{body})" if self.unspaced else rf"(?<!\w)(?:{body})(?!\w)"
        return re.compile(whole, re.IGNORECASE)

    def cues(self, norm: str, start: int, end: int) -> list[Cue]:
        """The cues in a slice of normalised text, in order of place."""
        found = [
            Cue(kind, act, match.start(), match.end())
            for kind, act, pattern in self._cues
            for match in pattern.finditer(norm, start, end)
        ]
        return sorted(found, key=lambda cue: cue.start)

    def frames(self, norm: str, start: int, end: int) -> Iterator[tuple[Frame, str]]:
        """The frames in a slice of normalised text, each with the first words that set it."""
        for frame, pattern in self._frames:
            if found := pattern.search(norm, start, end):
                yield frame, found.group()

    def speaks_of_one(self, norm: str, start: int, end: int) -> bool:
        """Whether a slice points back at one person: "she", "그는"."""
        return self._one.search(norm, start, end) is not None

    def joins(self, gap: str) -> bool:
        """Whether what stands between two names makes them a list: "와", ", and "."""
        return self._joins.fullmatch(gap) is not None

    def clause_ends(self, norm: str, start: int, end: int) -> Iterator[int]:
        """Where clauses end in a slice: after a semicolon, before "while", after "-고"."""
        return (found.end() for found in self._clauses.finditer(norm, start, end))

    def speaks_of_both(self, norm: str, start: int, end: int) -> bool:
        """Whether a slice points back at two people: "the two", "두 사람"."""
        return self._both.search(norm, start, end) is not None


class Lexicon:
    """All languages and the anchors."""

    def __init__(self, languages: Mapping[str, Language], anchors: Mapping[str, str]) -> None:
        self.languages = languages
        #: Folded name → "kind:id".
        self.anchors = anchors
        self._latin = tuple(sorted(languages.keys() - _OTHER_LETTERS))

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
    for name, text in files.items():
        try:
            if name == "anchors.toml":
                for anchor in msgspec.toml.decode(text, type=_Anchors).anchor:
                    anchors |= {fold(n): f"{anchor.kind}:{anchor.id}" for n in anchor.names}
                if "" in anchors:
                    problems.append(f"{name}: names: a name of {anchors['']} is empty")
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
    return Lexicon(languages, anchors)


def _check(file: _File) -> Iterator[str]:
    for field, words in (
        *((f"cue {c.kind}", c.words) for c in file.cue),
        *((f"frame.{frame}", words) for frame, words in file.frame.items()),
        *((f"link.{field}", words) for field, words in msgspec.to_builtins(file.link).items()),
    ):
        for word in words:
            try:
                if re.search(word, ""):
                    yield f"{field}: {word!r} finds even an empty text"
            except re.error as error:
                yield f"{field}: {word!r} is no valid regular expression: {error}"
