"""The lexicon's files, how their words are found, and which languages read a text."""

from __future__ import annotations

import re
import tomllib

import pytest

from bot.domain import lexicon as lexicons
from bot.domain.errors import ConfigError
from bot.domain.lexicon import Act, Frame, Lexicon, Word
from bot.domain.text import fold, read
from bot.domain.types import Kind
from bot.settings import SEEDS

SPACED = """
lang = "en"
[link]
roles = ["member"]
both = ["the two"]
[[cue]]
kind = "greeting"
act = "mutual"
words = ["bow(?:s|ed)?", "wave to"]
[[cue]]
kind = "social_media"
act = "public"
words = ["tag(?:s|ged)? .{0,30}story"]
[[cue]]
kind = "photo"
act = "mutual"
words = ["selfie"]
[frame]
irrealis = ["could .{0,20}meet"]
harm = ["court"]
past = ["years ago"]
"""
UNSPACED = """
lang = "ko"
[[cue]]
kind = "greeting"
act = "mutual"
words = ["인사"]
[frame]
listing = ["순위"]
"""


@pytest.fixture(scope="module")
def small() -> Lexicon:
    return lexicons.load({"en.toml": SPACED, "ko.toml": UNSPACED})


def _cues(lexicon: Lexicon, lang: str, text: str) -> list[tuple[Kind, str]]:
    norm = read(text).norm
    found = lexicon.languages[lang].read(norm, [(0, len(norm))]).cues
    return [(cue.kind, norm[cue.start : cue.end]) for cue in found]


def _frames(lexicon: Lexicon, lang: str, norm: str) -> dict[Frame, str]:
    found = lexicon.languages[lang].read(norm, [(0, len(norm))]).frames
    return {frame.what: norm[frame.start : frame.end] for frame in found}


# ── what the loader refuses ───────────────────────────────────────────────────────────────────

_CUE = '[[cue]]\nkind = "gift"\nact = "public"\n'


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("lang en", ["bad.toml"]),
        ("[link]\n", ["bad.toml", "lang"]),
        ('lang = "xx"\nlanguage = "x"\n', ["bad.toml", "language"]),
        ('lang = "xx"\n[link]\nroles = "member"\n', ["bad.toml", "roles"]),
        ('lang = "xx"\n[link]\nrole = ["member"]\n', ["bad.toml", "role"]),
        ('lang = "xx"\n[[cue]]\nkind = "hello"\nact = "mutual"\nwords = []\n', ["kind", "hello"]),
        ('lang = "xx"\n[[cue]]\nkind = "gift"\nact = "both"\nwords = []\n', ["act", "both"]),
        ('lang = "xx"\n[[cue]]\nkind = "gift"\nact = "public"\n', ["cue", "words"]),
        ('lang = "xx"\n[frame]\nlists = ["top"]\n', ["frame", "lists"]),
        (f'lang = "xx"\n{_CUE}words = ["ok", "(gift"]\n', ["cue gift", "'(gift'"]),
        (f'lang = "xx"\n{_CUE}words = ["(gift", "card)"]\n', ["cue gift", "'(gift'"]),
        ('lang = "xx"\n[frame]\nharm = ["*"]\n', ["frame.harm", "'*'"]),
        ('lang = "xx"\n[link]\nprofessions = ["["]\n', ["link.professions", "'['"]),
        ('lang = "xx"\n[link]\nand = ["("]\n', ["link.and", "'('"]),
        (f'lang = "xx"\n{_CUE}words = [""]\n', ["cue gift", "empty"]),
        ('lang = "xx"\n[frame]\npast = ["(?:ago)?"]\n', ["frame.past", "empty"]),
        ('lang = "en"\n', ["bad.toml", "lang", "'en'"]),
    ],
)
def test_a_wrong_file_is_refused_with_its_field(text: str, named: list[str]) -> None:
    with pytest.raises(ConfigError) as refused:
        lexicons.load({"en.toml": SPACED, "bad.toml": text})
    told = "\n".join(refused.value.problems)
    assert all(problem.startswith("bad.toml: ") for problem in refused.value.problems)
    assert [word for word in named if word not in told] == []


def test_wrong_anchors_are_refused() -> None:
    for text, named in (
        ('[brand]\ndior = "Dior"\n', "array"),
        ('[brand]\ndior = ["Dior", " "]\n', "brand.dior"),
        ('[brand]\ndior = ["Dior"]\nother = ["DIOR"]\n', "brand:dior already"),
    ):
        with pytest.raises(ConfigError, match=named):
            lexicons.load({"anchors.toml": text})


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ('[en]\nyears_on = ["("]\n', "en.years_on"),
        ('[en]\nahead = ["x?"]\n', "empty text"),
        ('[en.steps]\ngift = ["[" ]\n', "en.steps.gift"),
        ('[en]\nmonths = ["january"]\n', "en.months"),
        ("[en]\nlater = []\n", "later"),
    ],
)
def test_wrong_words_about_occasions_are_refused(text: str, named: str) -> None:
    with pytest.raises(ConfigError, match=named):
        lexicons.load({"occasions.toml": text})


def test_all_problems_of_all_files_are_reported_at_once() -> None:
    with pytest.raises(ConfigError) as refused:
        lexicons.load(
            {
                "a.toml": "no toml",
                "b.toml": 'lang = "b"\n[frame]\nharm = ["("]\npast = [")"]\n',
                "anchors.toml": "[brand]\ndior = 1\n",
            }
        )
    assert [p.split(":")[0] for p in refused.value.problems] == [
        "a.toml",
        "b.toml",
        "b.toml",
        "anchors.toml",
    ]


# ── finding words ─────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Jisoo bowed.", ["bowed"]),
        ("JISOO BOWED!", ["bowed"]),
        ("a rainbow, bowling, elbows", []),
        ("they wave to her", ["wave to"]),
        ("they wave together", []),
        ("bow,bow", ["bow", "bow"]),
    ],
)
def test_spaced_languages_match_whole_words(small: Lexicon, text: str, found: list[str]) -> None:
    assert [word for _, word in _cues(small, "en", text)] == found


def test_unspaced_languages_match_inside_words(small: Lexicon) -> None:
    assert _cues(small, "ko", "맞인사를 나눴다") == [(Kind.GREETING, "인사")]


def test_a_long_find_does_not_hide_another_inside_it(small: Lexicon) -> None:
    kinds = [kind for kind, _ in _cues(small, "en", "she tagged him in a selfie on her story")]
    assert sorted(kinds) == [Kind.PHOTO, Kind.SOCIAL_MEDIA]
    norm = "they could in court meet"
    assert _frames(small, "en", norm) == {
        Frame.IRREALIS: norm.removeprefix("they "),
        Frame.HARM: "court",
    }


def test_words_that_point_back_and_ends_of_clauses_are_found_where_they_stand(
    small: Lexicon,
) -> None:
    norm = "bow; the two bow… and the two"
    words = [(w.what, w.start) for w in small.languages["en"].read(norm, [(0, len(norm))]).words]
    assert words == [(Word.BREAK, 3), (Word.BOTH, 5), (Word.BREAK, 16), (Word.BOTH, 22)]


# ── which languages read a text ───────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("text", "declared", "read_by"),
    [
        ("jisoo bowed", "en", {"en"}),
        ("jisoo se inclina", "es", {"es", "en"}),
        ("jisoo menyapa", "id", {"id", "en"}),
        ("jisoo", "", {"de", "en", "es", "fr", "id", "pt", "vi"}),
        ("jisoo", "xx", {"de", "en", "es", "fr", "id", "pt", "vi"}),
        ("jisoo", "de", {"de", "en"}),
        ("джису", "", {"ru", "ar"}),
        ("джису", "ru", {"ru", "ar"}),
        ("จีซู", "", {"th"}),
        ("지수와 민규", "", {"ko"}),
        ("지수 x mingyu", "ko", {"ko", "en"}),
        ("지수", "en", {"ko", "en"}),
        ("ジスとミンギュ", "", {"ja"}),
        ("ジスと珉奎", "", {"ja"}),  # kana says that the characters are Japanese
        ("智秀和珉奎", "", {"zh", "ja"}),
        ("智秀和珉奎", "zh", {"zh"}),
        ("智秀珉奎", "ja", {"ja"}),
        ("智秀 dior", "zh", {"zh", "en"}),
        ("지수 ジス 智秀", "", {"ko", "ja"}),
        ("…!", "ko", {"ko"}),
        ("…", "", set()),
    ],
)
def test_a_text_is_read_in_its_declared_language_and_those_of_its_scripts(
    lexicon: Lexicon, text: str, declared: str, read_by: set[str]
) -> None:
    assert {language.lang for language in lexicon.for_text(text, declared)} == read_by


# ── what is shipped ───────────────────────────────────────────────────────────────────────────

_SHIPPED = {
    path.stem: tomllib.loads(path.read_text("utf-8"))
    for path in sorted((SEEDS / "lexicon").glob("*.toml"))
    if path.stem not in {"anchors", "occasions", "weights"}
}
_PATTERN = re.compile(r"[\\()\[\]|?*+.{}^$]")


@pytest.mark.parametrize("lang", sorted(_SHIPPED))
def test_every_plain_word_of_a_shipped_language_is_found(lexicon: Lexicon, lang: str) -> None:
    language = lexicon.languages[lang]
    missed = []
    for cue in _SHIPPED[lang]["cue"]:
        for word in cue["words"]:
            if _PATTERN.search(word):
                continue
            norm = f"« {fold(word)} »"
            found = {
                (c.kind.value, c.act.value) for c in language.read(norm, [(0, len(norm))]).cues
            }
            missed += [word] if (cue["kind"], cue["act"]) not in found else []
    for frame, words in _SHIPPED[lang]["frame"].items():
        for word in words:
            norm = f"« {fold(word)} »"
            if not _PATTERN.search(word) and frame not in _frames(lexicon, lang, norm):
                missed.append(word)
    assert missed == []


@pytest.mark.parametrize("lang", ["en", "es", "id", "ja", "ko", "pt", "zh"])
def test_every_shipped_language_knows_every_act_and_frame(lexicon: Lexicon, lang: str) -> None:
    assert {Act(cue["act"]) for cue in _SHIPPED[lang]["cue"]} == set(Act)
    # A question is known by its mark.
    assert {Frame(frame) for frame in _SHIPPED[lang]["frame"]} == set(Frame) - {Frame.QUESTION}
    assert lexicon.languages[lang].link.both


def test_a_lexicon_may_be_empty() -> None:
    empty = lexicons.load({})
    assert empty.for_text("지수와 mingyu", "en") == []
