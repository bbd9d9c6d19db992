"""Who takes part in what: clauses, lists of names, and pointing back."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from bot.domain.judge import Judge
from bot.domain.lexicon import Frame, Lexicon
from bot.domain.link import Linker
from bot.domain.scene import Scene, read_scenes
from bot.domain.types import Pair, Post, Tier

MakePost = Callable[..., Post]


@pytest.fixture
def scenes(linker: Linker, lexicon: Lexicon, post: MakePost) -> Callable[..., list[Scene]]:
    def read(text: str, **given: object) -> list[Scene]:
        made = post(text, **given)
        return list(read_scenes(made, linker.link(made), lexicon))

    return read


@pytest.mark.parametrize(
    ("text", "lists"),
    [
        (
            "SEVENTEEN's Hoshi and Woozi met BLACKPINK's Rosé",
            [["Hoshi", "Woozi"], ["Rosé"]],
        ),
        ("BLACKPINK's Jisoo, IVE's Wonyoung and aespa's Karina", [["Jisoo", "Wonyoung", "Karina"]]),
        ("블랙핑크 지수와 세븐틴 민규가 인사했다", [["지수", "민규"]]),
        ("BLACKPINKのジスとSEVENTEENのミンギュ", [["ジス", "ミンギュ"]]),
        ("BLACKPINK's Jisoo hugged SEVENTEEN's Mingyu", [["Jisoo"], ["Mingyu"]]),
    ],
)
def test_names_with_only_joining_words_between_are_a_list(
    scenes: Callable[..., list[Scene]], text: str, lists: list[list[str]]
) -> None:
    [scene] = scenes(text)
    assert [[m.surface for m in names] for names in scene.lists] == lists


@pytest.mark.parametrize(
    "text",
    [
        "BLACKPINK's Jisoo waved at fans while SEVENTEEN's Mingyu sang.",
        "BLACKPINK's Jisoo hugged her mother; SEVENTEEN's Mingyu is in Tokyo.",
        "블랙핑크 지수는 팬과 포옹했고 세븐틴 민규는 노래를 불렀다.",
        "BLACKPINK's Jisoo and SEVENTEEN's Mingyu each hugged their managers.",
        "블랙핑크 지수와 세븐틴 민규는 각각 팬들과 악수했다.",
    ],
)
def test_an_act_in_one_clause_is_not_the_other_ones(
    judge: Judge, post: MakePost, text: str
) -> None:
    tiers = {i.tier for i in judge(post(text)).interactions}
    assert Tier.ANNOUNCE not in tiers


@pytest.mark.parametrize(
    "text",
    [
        "BLACKPINK's Jisoo hugged SEVENTEEN's Mingyu while the band played.",
        "When BLACKPINK's Jisoo arrived, SEVENTEEN's Mingyu hugged her, but the cameras were off.",
        "블랙핑크 지수는 세븐틴 민규와 포옹하고 무대를 내려왔다.",
    ],
)
def test_an_act_of_the_two_in_their_clause_is_theirs(
    judge: Judge, post: MakePost, text: str
) -> None:
    [met] = judge(post(text)).interactions
    assert met.tier is Tier.ANNOUNCE
    assert met.pair == Pair("blackpink.jisoo", "seventeen.mingyu")


def test_two_couples_in_a_sentence_stay_apart(judge: Judge, post: MakePost) -> None:
    text = "BLACKPINK's Jisoo hugged SEVENTEEN's Mingyu while BTS's Jungkook hugged aespa's Karina."
    found = judge(post(text)).interactions
    couples = {Pair("blackpink.jisoo", "seventeen.mingyu"), Pair("aespa.karina", "bts.jungkook")}
    announced = {i.pair for i in found if i.tier is Tier.ANNOUNCE}
    assert announced
    assert announced <= couples


def test_every_position_of_a_sentence_is_in_a_clause(scenes: Callable[..., list[Scene]]) -> None:
    [scene] = scenes("BLACKPINK's Jisoo sang; SEVENTEEN's Mingyu danced; nobody met.")
    numbers = [scene.clause(at) for at in range(scene.start, scene.end)]
    assert numbers == sorted(numbers)
    assert set(numbers) == {0, 1, 2}


@pytest.mark.parametrize(
    ("text", "also"),
    [
        ("Jisoo sent flowers. Mingyu of SEVENTEEN, too, sent cake.", True),
        ("블랙핑크 지수가 커피차를 보냈다. 세븐틴 민규도 꽃을 보냈다.", True),
        ("블랙핑크 지수가 커피차를 보냈다. 세븐틴 민규는 꽃을 받았다.", False),
        ("BLACKPINK's Jisoo sent flowers. SEVENTEEN's Mingyu sang.", False),
    ],
)
def test_a_name_may_join_what_was_told_before(
    text: str, also: bool, scenes: Callable[..., list[Scene]]
) -> None:
    assert scenes(text)[-1].also(0) is also


@pytest.mark.parametrize(
    ("text", "begins"),
    [
        ("2. Jisoo sang.", True),
        ("▶ Jisoo sang.", True),
        ("Jisoo sang.", False),
        ("2 idols sang.", False),
    ],
)
def test_an_item_of_a_digest_is_known(
    text: str, begins: bool, scenes: Callable[..., list[Scene]]
) -> None:
    assert scenes(text)[-1].begins_item is begins


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("The three sang.", {3}),
        ("네 사람은 노래했다.", {4}),
        ("2人は歌った。", {2}),
        ("They sang.", set()),
    ],
)
def test_how_many_people_are_pointed_back_at_is_read(
    text: str, numbers: set[int], scenes: Callable[..., list[Scene]]
) -> None:
    assert scenes(text)[-1].numbers == numbers


@pytest.mark.parametrize(
    ("text", "frame"),
    [
        ("Did they hug?", Frame.IRREALIS),
        ("DID YOU SEE THEM HUG??", Frame.QUESTION),
        ("The selfie is not real.", Frame.DENIED),
        ("두 사람은 만난 적이 없다.", Frame.NEGATED),
        ("그 사진은 합성이었다.", Frame.DENIED),
    ],
)
def test_what_makes_a_sentence_no_report_is_found(
    text: str, frame: Frame, scenes: Callable[..., list[Scene]]
) -> None:
    assert frame in scenes(text)[-1].frames
