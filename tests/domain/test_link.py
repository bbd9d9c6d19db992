"""Which idol, if any, each name in a post means."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.domain import lexicon as lexicons
from bot.domain import roster as rosters
from bot.domain.lexicon import Lexicon
from bot.domain.link import Linker
from bot.domain.roster import Roster
from bot.domain.text import fold, has_final_consonant
from bot.domain.types import AliasKind, Field, Post

MakePost = Callable[..., Post]

#: One idol with a name in many scripts that is no word, two namesakes, and words for names.
SMALL = """
[[group]]
id = "sol"
name = "SOL"
ko = ["솔라"]
fandom = ["Rays"]

[[group]]
id = "luna"
name = "LUNA"
ko = ["루나"]

[[idol]]
id = "sol.mina"
name = "Mina"
ko = ["미나"]
ja = ["ミナ"]
zh = ["美娜"]
th = ["มินะ"]
ru = ["Мина"]
ar = ["مينا"]
handle = ["@mina_sol"]
full = ["Kang Mina"]
prior = 0.9
member = [{ group = "sol", since = 2020-01-01 }]

[[idol]]
id = "sol.wonyeong"
name = "Wonyeong"
ko = ["원영"]
prior = 0.9
member = [{ group = "sol", since = 2020-01-01 }]

[[idol]]
id = "sol.hara"
name = "Hara"
inner = ["Sun"]
prior = 0.9
member = [{ group = "sol", since = 2020-01-01 }]

[[idol]]
id = "sol.sun"
name = "Sun"
ko = ["해"]
words = ["Sun"]
prior = 0.9
member = [{ group = "sol", since = 2020-01-01 }]

[[idol]]
id = "luna.jae"
name = "Jae"
prior = 0.6
member = [{ group = "luna", since = 2020-01-01 }]

[[idol]]
id = "sol.jae"
name = "Jae"
prior = 0.6
member = [{ group = "sol", since = 2020-01-01 }]
"""


@pytest.fixture(scope="module")
def small(lexicon: Lexicon) -> Linker:
    return Linker(rosters.load({"small.toml": SMALL}), lexicon)


@pytest.fixture(scope="module")
def linked(linker: Linker, roster: Roster, post: MakePost) -> Callable[..., set[str]]:
    """The names of the idols that the shipped roster links in a text."""

    def names(text: str, **given: object) -> set[str]:
        mentions = linker.link(post(text, **given)).mentions
        return {roster.idols[m.idol_id].name for m in mentions}

    return names


def _surfaces(linker: Linker, post: Post) -> list[tuple[str, str]]:
    return [(m.idol_id, m.surface) for m in linker.link(post).mentions]


# ── boundaries ────────────────────────────────────────────────────────────────────────────────

_EITHER = (
    "의 도 만 에게 에게서 한테 께 께서 에 에서 부터 까지 보다 처럼 하고 "
    "님 씨 양 군 측 뿐 조차 마저 같이"
)
_VOWEL = f"가 는 를 와 랑 로 야 여 라고 라는 나 였다 와의 에게는 까지도 랑은 만의 {_EITHER}"
_CONSONANT = (
    f"이 은 을 과 이랑 으로 아 이라고 이라는 이나 이었다 과의 이가 이는 이를 이도 이의 {_EITHER}"
)
_NO_PARTICLE = "네스 름 리 장 화 텔 코프 이즘 희 스 철 정이 의원회 가게로 도서관 나라의"


@pytest.mark.parametrize("name", ["미나", "원영"])
def test_a_hangul_name_takes_the_particles_that_agree_with_its_last_sound(
    name: str, small: Linker, post: MakePost
) -> None:
    agreeing = _CONSONANT if has_final_consonant(name[-1]) else _VOWEL
    missed = [p for p in agreeing.split() if not _surfaces(small, post(f"오늘 {name}{p} 왔다"))]
    assert missed == []


@pytest.mark.parametrize(
    ("name", "others"), [("미나", "은 을 과 으로 이랑 아 이라고"), ("원영", "가 는 를 와 랑 로 야")]
)
def test_a_hangul_name_refuses_particles_of_the_other_kind_and_other_syllables(
    name: str, others: str, small: Linker, post: MakePost
) -> None:
    followers = [*others.split(), *_NO_PARTICLE.split()]
    linked = [p for p in followers if _surfaces(small, post(f"오늘 {name}{p} 왔다"))]
    assert linked == []


@pytest.mark.parametrize(
    ("text", "links"),
    [
        ("Mina", True),
        ("MINA", True),
        ("mina", True),
        ("Mina's stage", True),
        ("Mina’s stage", True),
        ("(Mina)", True),
        ("#Mina", True),
        ("love_Mina", True),
        ("Mina, live", True),
        ("Mina가 왔다", True),
        ("ＭＩＮＡ", True),
        ("Minami", False),
        ("Romina", False),
        ("Mina2", False),
        ("Mina_fan", False),
        ("Minà", False),
        ("éMina", False),
        ("미나", True),
        ("'미나'", True),
        ("미나·원영", True),
        ("강미나리", False),
        ("어미나", False),
        ("솔라미나가", True),  # a group's name may stand right before
        ("솔라미나리", False),
        ("ミナ", True),
        ("ミナと", True),
        ("・ミナ・", True),
        ("あミナ", True),
        ("ミナー", False),
        ("ミナミ", False),
        ("ラミナ", False),
        ("ﾐﾅと", True),
        ("美娜", True),
        ("看美娜了", True),
        ("美 娜", False),
        ("มินะ", True),
        ("Мина!", True),
        ("Минака", False),
        ("НоМина", False),
        ("مينا", True),
        ("@mina_sol", True),
        ("x@mina_sol", False),
        ("@mina_solo", False),
    ],
)
def test_a_name_links_only_as_a_word_of_its_own(
    text: str, links: bool, small: Linker, post: MakePost
) -> None:
    found = [idol for idol, _ in _surfaces(small, post(text)) if idol == "sol.mina"]
    assert found == (["sol.mina"] if links else [])


def test_a_longer_name_hides_the_shorter_one_inside_it(small: Linker, post: MakePost) -> None:
    assert _surfaces(small, post("Kang Mina sang")) == [("sol.mina", "Kang Mina")]


# ── binding ───────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "text",
    [
        "aespa's Winter smiled",
        "aespa’s “Winter” smiled",
        "aespa Winter smiled",
        "aespa member Winter smiled",
        "Winter of aespa smiled",
        "Winter from the group aespa smiled",
        "Winter (aespa) smiled",
        "[aespa] Winter smiled",
        "에스파 윈터가 웃었다",
        "에스파의 윈터가 웃었다",
        "에스파 멤버 윈터가 웃었다",
        "윈터(에스파)가 웃었다",
        "aespaのウィンターが笑った",
        "aespa・ウィンターが笑った",
        "Winter de aespa sonrió",
        "Winter do aespa sorriu",
        "Winter dari aespa tersenyum",
        "Winter aespa tersenyum",
        "Karina and Winter of aespa smiled",
        "aespa's Karina and Winter smiled",
        "에스파 카리나와 윈터가 웃었다",
        "aespa's Giselle, Ningning & Winter smiled",
    ],
)
def test_an_ordinary_word_is_a_name_where_its_group_stands_by_it(
    text: str, linked: Callable[..., set[str]]
) -> None:
    assert "Winter" in linked(text)


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("Winter is coming to Seoul: key travel tips to find joy in the cold", set()),
        ("SHINee's Key brings joy to fans this winter", {"Key"}),
        ("Max joy! The key to a sunny day with no rain", set()),
        ("Red Velvet's Joy and SHINee's Key present the awards", {"Joy", "Key"}),
        ("IVE's Winter line is out", set()),  # bound to another group
        ("aespa sang in winter", set()),  # in lower case it is the season
        ("a V-shaped valley near Felix hotel on the Han river", set()),
        ("Stray Kids' Han and Felix appear on the show", {"Han", "Felix"}),
        ("BTS' V waved", {"V"}),
        ("Vitamin V, episode V and a V sign", set()),
        ("방탄소년단 정국이 노래했다", {"Jungkook"}),
        ("탄핵 정국이 혼란에 빠지며 여야가 대치했다", set()),
        ("블랙핑크 지수가 웃었다", {"Jisoo"}),
        ("코스피 지수가 1% 상승하며 장을 마쳤다", set()),
        ("소비자물가지수 발표 앞두고 환율 급등", set()),
        ("행복지수 조사에서 서울이 1위를 차지했다", set()),
        ("걸그룹 개인 브랜드평판 1위 블랙핑크 지수… 참여지수 소통지수 상승", {"Jisoo"}),
        ("비가 오는 날 키 큰 진행자가 뉴스를 전했다", set()),
        ("진이 빠지는 하루였다", set()),
        ("방탄소년단 진이 런닝맨에 출연한다", {"Jin"}),
        ("샤이니 키가 새 앨범을 냈다", {"Key"}),
        ("올겨울 최저기온, 유나히 춥다", set()),
        ("ジンを使ったカクテルが人気", set()),
        ("BTSのジンがイベントに登場", {"Jin"}),
        ("冬のウィンタースポーツ特集", set()),
        ("金智秀和金珉奎同框", {"Jisoo", "Mingyu"}),
        ("BLACKPINK Jisoo與SEVENTEEN珉奎互動", {"Jisoo", "Mingyu"}),
    ],
)
def test_an_ordinary_word_links_only_with_evidence_beside_it(
    text: str, names: set[str], linked: Callable[..., set[str]]
) -> None:
    assert linked(text) == names


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("SEVENTEEN's Hoshi, Woozi and DK sang", {"Hoshi", "Woozi", "DK"}),
        ("Hoshi, Woozi and DK of SEVENTEEN sang", {"Hoshi", "Woozi", "DK"}),
        ("세븐틴 호시·우지가 노래했다", {"Hoshi", "Woozi"}),
        ("호시와 우지(세븐틴)가 노래했다", {"Hoshi", "Woozi"}),
        ("BTSのジンとVが登場", {"Jin", "V"}),
        ("BTS' V and aespa's Winter pose", {"V", "Winter"}),  # each has its own group
        ("Red Velvet's Joy, then the key, then V", {"Joy"}),  # no list of names
    ],
)
def test_a_group_reaches_the_names_that_are_listed_with_its_member(
    text: str, names: set[str], linked: Callable[..., set[str]]
) -> None:
    assert linked(text) == names


# ── other people ──────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "text",
    [
        "Actor Ji Soo loses his case against a former agency",
        "Actor Jisoo apologises in a handwritten letter",
        "배우 지수, 소속사와의 소송 2심 선고",
        "서지수 작가의 새 소설이 출간됐다",
        "Kim Ji-soo, chief of the regional weather office, said on Monday",
        "배우 김민규, 드라마 종영 소감",
        "Lisa Simpson returns in a new episode of The Simpsons",
        "Busters' Minji leaves the group",
        "the footballer Jisoo scored twice on the day",
        "경기지수 하락에 투자자 불안",
        "we asked Joshua Smith about his garden",
    ],
)
def test_somebody_or_something_else_of_that_name_is_left_alone(
    text: str, linked: Callable[..., set[str]]
) -> None:
    assert linked(text) == set()


def test_a_name_that_is_left_alone_says_what_it_probably_is(linker: Linker, post: MakePost) -> None:
    (unsure,) = linker.link(post("코스피 지수가 1% 상승하며 장을 마쳤다")).unsure
    assert unsure.surface == "지수"
    assert unsure.decided
    assert "index" in unsure.instead


@pytest.mark.parametrize(
    ("text", "links"),
    [
        ("we saw Jae today", False),  # two idols of that name
        ("we saw SOL's Jae today", True),
        ("we saw Jae today and SOL was there", True),
        ("we saw Jae today and SOL and LUNA were there", False),
        ("SOL's Jae came and everybody saw Jae today", True),
        ("we saw Jae Park today", False),
        ("we saw Jae Park today with SOL", False),
        ("the actor Jae came with SOL", False),
    ],
)
def test_namesakes_are_told_apart_by_what_stands_around(
    text: str, links: bool, small: Linker, post: MakePost
) -> None:
    assert {idol for idol, _ in _surfaces(small, post(text))} == ({"sol.jae"} if links else set())


@pytest.mark.parametrize(
    ("text", "surfaces"),
    [
        ("SOL sang and Sun danced", ["Sun"]),
        ("SOL sang under the sun", []),  # in lower case a word is a word
        ("we met Mina and LUNA", ["Mina"]),
        ("we met LUNA's Mina", []),  # of another group: not the Mina that is known here
        ("SOL's Jae came. LUNA sang. Everybody saw Jae.", ["Jae", "Jae"]),
        ("SOL's Hara sang. LUNA's Jae sang. Everybody saw Jae.", ["Hara", "Jae", "Jae"]),
        ("actress Sun and SOL", []),
    ],
)
def test_each_mention_is_weighed_for_itself(
    text: str, surfaces: list[str], small: Linker, post: MakePost
) -> None:
    assert [surface for _, surface in _surfaces(small, post(text))] == surfaces


@pytest.mark.parametrize(
    ("text", "idol"),
    [
        ("NCT's Jaehyun sang", "nct.jaehyun"),
        ("NCT 재현이 노래했다", "nct.jaehyun"),
        ("BOYNEXTDOOR's Jaehyun sang", "boynextdoor.jaehyun"),
        ("보이넥스트도어 재현이 노래했다", "boynextdoor.jaehyun"),
        ("Myung Jaehyun sang", "boynextdoor.jaehyun"),
        ("we heard Jaehyun sing", None),
        ("재현이 노래했다", None),
        ("we heard Jaehyun sing with NCT and BOYNEXTDOOR", None),
    ],
)
def test_jaehyun_is_whoever_the_text_says(
    text: str, idol: str | None, linker: Linker, post: MakePost
) -> None:
    assert {i for i, _ in _surfaces(linker, post(text))} == ({idol} if idol else set())


def test_a_name_used_only_among_the_group_needs_the_group(
    linker: Linker, roster: Roster, post: MakePost
) -> None:
    inner = [a.text for a in roster.idols["seventeen.joshua"].aliases if a.kind is AliasKind.INNER]
    assert "Jisoo" in inner
    assert _surfaces(linker, post("we saw Jisoo at the show")) == [("blackpink.jisoo", "Jisoo")]
    assert _surfaces(linker, post("SEVENTEEN's Jisoo smiled")) == [("seventeen.joshua", "Jisoo")]
    assert _surfaces(linker, post("we saw Hong Jisoo at the show")) == [
        ("seventeen.joshua", "Hong Jisoo")
    ]


def test_a_surname_after_a_weak_name_speaks_against_it_but_not_in_a_headline(
    linker: Linker, post: MakePost
) -> None:
    assert _surfaces(linker, post("SEVENTEEN watched as Joshua Miller walked in")) == []
    assert _surfaces(linker, post(title="SEVENTEEN's Joshua Walks In")) == [
        ("seventeen.joshua", "Joshua")
    ]


# ── the post as a whole ───────────────────────────────────────────────────────────────────────


def test_who_is_named_in_full_once_is_known_by_the_bare_name_afterwards(
    linked: Callable[..., set[str]],
) -> None:
    assert linked("Winter smiled.") == set()
    assert linked("Winter smiled.", title="aespa's Winter at the show") == {"Winter"}
    mentions = "aespa's Winter came late. Everybody liked that. Winter smiled."
    assert linked(mentions) == {"Winter"}


def test_every_mention_is_told_with_its_place_and_the_evidence(
    linker: Linker, post: MakePost
) -> None:
    title, text = "aespa's Winter sings", "Winter, with Ｋarina — aespa"
    mentions = linker.link(post(text, title=title)).mentions
    assert [(m.idol_id, m.field, m.surface) for m in mentions] == [
        ("aespa.winter", Field.TITLE, "Winter"),
        ("aespa.winter", Field.TEXT, "Winter"),
        ("aespa.karina", Field.TEXT, "Ｋarina"),
    ]
    for m in mentions:
        raw = title if m.field is Field.TITLE else text
        assert raw[m.start : m.end] == m.surface
        assert 0 < m.confidence <= 1
        assert m.evidence
    assert mentions[0].evidence["bound to aespa"] > 0
    assert mentions[0].evidence["also an ordinary word"] < 0


_PIECES = st.lists(
    st.one_of(
        st.sampled_from(
            [
                "Mina", "미나", "ミナ", "美娜", "원영", "Sun", "Jae", "SOL", "솔라",
                "LUNA", "Rays", "@mina_sol", "가", "이랑", "'s ", " of ", "의 ", "の",
                "(", ")", " and ", ", ", "·", " ", ". ", "\n", "ー", "\u1106\u1175\u1102\u1161",
                "Ｍina", "\u200b", "\ufe0f", "ﬁ", "\ud800", "\u0301", "İ", "배우 ",
                "actor ",
            ]
        ),
        st.text(max_size=4),
    ),
    max_size=25,
)  # fmt: skip


@settings(max_examples=300)
@given(title=_PIECES, text=_PIECES)
def test_no_text_raises_and_every_mention_slices_its_field(
    small: Linker, post: MakePost, title: list[str], text: list[str]
) -> None:
    made = post("".join(text), title="".join(title))
    links = small.link(made)
    for where, raw in ((Field.TITLE, made.title), (Field.TEXT, made.text)):
        at = 0
        for m in [m for m in links.mentions if m.field is where]:
            assert at <= m.start < m.end <= len(raw)  # in order, never overlapping
            assert raw[m.start : m.end] == m.surface
            at = m.end
    for unsure in links.unsure:
        raw = made.title if unsure.field is Field.TITLE else made.text
        assert raw[unsure.start : unsure.end] == unsure.surface


@settings(max_examples=100)
@given(text=st.text(st.characters(), max_size=80))
def test_text_without_a_name_links_nobody(small: Linker, post: MakePost, text: str) -> None:
    names = (
        "mina",
        "미나",
        "ミナ",
        "美娜",
        "มินะ",
        "мина",
        "مينا",
        "원영",
        "hara",
        "sun",
        "해",
        "jae",
    )
    if not any(name in fold(text) for name in names):
        assert small.link(post(text)).mentions == ()


_RIGHT = [
    "BLACKPINK's Jisoo and SEVENTEEN's Mingyu greet each other at the Dior show in Paris",
    "블랙핑크 지수와 세븐틴 민규가 파리 디올 쇼에서 인사를 나눴다",
    "BTSのジンとVがイベントに登場",
    "BTS' V and aespa's Winter pose for a selfie",
    "TXT's Yeonjun and ENHYPEN's Heeseung go viral",
    "NCT's Jaehyun met BOYNEXTDOOR's Woonhak",
    "Jisoo BLACKPINK dan Mingyu SEVENTEEN saling menyapa",
    "샤이니 키와 레드벨벳 조이가 진행을 맡았다",
]
_UNRELATED = [
    "Actor Ji Soo will appear on stage next spring.",
    "코스피 지수가 1% 상승하며 장을 마쳤다.",
    "탄핵 정국이 혼란에 빠졌다.",
    "Lisa Simpson returns on Sunday.",
    "Kim Ji-soo, chief of the weather office, spoke.",
    "The Winter Olympics open in snowfall.",
    "배우 김민규가 종영 소감을 전했다.",
    "Joshua Miller sold his house.",
    "The key to success is joy.",
    "배우 안재현이 출연한다.",
]


@settings(max_examples=120)
@given(
    story=st.sampled_from(_RIGHT),
    before=st.lists(st.sampled_from(_UNRELATED), max_size=3),
    after=st.lists(st.sampled_from(_UNRELATED), max_size=3),
)
def test_unrelated_sentences_never_turn_a_right_link_into_a_wrong_one(
    linker: Linker, post: MakePost, story: str, before: list[str], after: list[str]
) -> None:
    alone = {m.idol_id for m in linker.link(post(story)).mentions}
    among = {m.idol_id for m in linker.link(post("\n".join([*before, story, *after]))).mentions}
    assert len(alone) >= 2
    assert among == alone


@pytest.mark.parametrize(
    ("piece", "length"),
    [
        ("지수·민규·", 100_000),
        ("블랙핑크지수", 100_000),
        ("a", 100_000),
        ("ㄱ", 100_000),
        ("(", 100_000),
        ("jisoo,mingyu,", 20_000),
        ("智秀", 20_000),
        ("V V ", 20_000),
        ("Jisoo of BLACKPINK ", 20_000),
        ("코스피 지수. ", 20_000),
        ("Jisoo\n", 20_000),
    ],
)
def test_a_long_text_without_sense_takes_a_few_seconds_at_most(
    piece: str, length: int, linker: Linker, post: MakePost
) -> None:
    made = post((piece * length)[:length])
    began = time.process_time()  # what others do on this machine does not count
    linker.link(made)
    assert time.process_time() - began < (20 if length == 100_000 else 4)


def test_every_idol_links_by_the_latin_name_beside_the_group(
    linker: Linker, roster: Roster, post: MakePost
) -> None:
    at = date(2026, 11, 24)
    missed = []
    for idol in roster.idols.values():
        home = roster.home(idol.id, at)
        if home is not None:
            text = f"we saw {home.name}'s {idol.name} today"
            found = {m.idol_id for m in linker.link(post(text)).mentions}
            missed += [] if found == {idol.id} else [text]
    assert len(missed) * 100 <= len(roster.idols), missed  # namesakes may be left alone


@pytest.mark.parametrize(
    ("text", "given", "idol"),
    [
        # beside its group an ordinary word is a name, in lower case too
        ("TWICE mina was there", {}, "twice.mina"),
        ("mina was there", {}, None),
        # a hashtag, where the group is named
        ("joy!! #JOY #RedVelvet", {}, "red-velvet.joy"),
        ("joy!! #JOY", {}, None),
        # a word for a singer right before it
        ("가수 선미", {"lang": "ko"}, "solo.sunmi"),
        ("선미", {"lang": "ko"}, None),
        # in a list with somebody who is an idol
        ("선미와 씨엔블루 정용화", {"lang": "ko"}, "solo.sunmi"),
        ("선미가 씨엔블루 정용화를 봤다", {"lang": "ko"}, None),
        # a source that writes about idols
        ("로꼬가 왔다", {"lang": "ko", "about_idols": True}, "solo.loco"),
        ("로꼬가 왔다", {"lang": "ko"}, None),
    ],
)
def test_a_name_that_alone_is_too_little_links_by_what_stands_with_it(
    linker: Linker, post: MakePost, text: str, given: dict[str, object], idol: str | None
) -> None:
    linked = {m.idol_id for m in linker.link(post(text, **given)).mentions}
    assert (idol in linked) if idol else not linked - {"cnblue.yonghwa"}


def test_a_roster_and_a_lexicon_may_be_empty(post: MakePost) -> None:
    nobody = Linker(rosters.load({}), lexicons.load({}))
    assert nobody.link(post("BLACKPINK's Jisoo", title="지수")).mentions == ()


@pytest.mark.parametrize(
    "text",
    ["Lovelyz's Jisoo returns with a new single this month", "러블리즈 지수, 새 싱글로 컴백"],
)
def test_the_group_beside_the_name_tells_one_jisoo_from_the_other(
    text: str, linker: Linker, post: MakePost
) -> None:
    assert {m.idol_id for m in linker.link(post(text)).mentions} == {"lovelyz.jisoo"}
