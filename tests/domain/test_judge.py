"""What a post says of each two people it names."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.domain import roster as rosters
from bot.domain.judge import EVIDENCE, MOST_IDOLS, Judge
from bot.domain.lexicon import Lexicon
from bot.domain.roster import Roster
from bot.domain.types import (
    Field,
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

MakePost = Callable[..., Post]
PAIR = Pair.of("blackpink.jisoo", "seventeen.mingyu")
BOTH = "BLACKPINK's Jisoo and SEVENTEEN's Mingyu"


@pytest.fixture(scope="module")
def verdict(judge: Judge, post: MakePost) -> Callable[..., Verdict | None]:
    """What is said of Jisoo and Mingyu."""

    def of(text: str = "", **given: object) -> Verdict | None:
        verdicts = [v for v in judge(post(text, **given)).verdicts if v.pair == PAIR]
        assert len(verdicts) <= 1
        return verdicts[0] if verdicts else None

    return of


def told(verdict: Verdict | None) -> str:
    """A verdict in one word: the tier, with the kind, or the reason."""
    match verdict:
        case Interaction():
            return f"{verdict.tier} {verdict.kind}"
        case Rejection():
            return verdict.reason.value
        case None:
            return "nothing"


# ── the reference story ───────────────────────────────────────────────────────────────────────


def test_the_reference_sentence_after_one_that_names_the_groups_is_announced(
    verdict: Callable[..., Verdict | None],
) -> None:
    found = verdict(
        "Fans of SEVENTEEN and BLACKPINK are losing their minds. In a video shared by an attendee "
        "on social media, Jisoo and Mingyu are seen bowing to each other."
    )
    assert isinstance(found, Interaction)
    assert (found.kind, found.tier, found.past) == (Kind.GREETING, Tier.ANNOUNCE, False)
    assert found.confidence > 0.8
    assert "bowing to each other" in found.evidence


# ── the order of the policy ───────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        # reciprocal, in public, jointly, framed together: announced
        (f"{BOTH} bow to each other at the show", "announce greeting"),
        (f"{BOTH} were chatting backstage", "announce conversation"),
        (f"{BOTH} hugged", "announce physical"),
        (f"{BOTH} took a selfie", "announce photo"),
        ("SEVENTEEN's Mingyu comments on a post of BLACKPINK's Jisoo", "announce social_media"),
        ("BLACKPINK's Jisoo sent a coffee truck to SEVENTEEN's Mingyu", "announce gift"),
        (f"{BOTH} film a challenge", "announce challenge"),
        (f"{BOTH} will co-host the awards", "announce hosting"),
        (f"{BOTH} sat next to each other", "announce co_appearance"),
        # the same event, no more: a possible moment
        (f"{BOTH} attended the show", "digest co_appearance"),
        # nothing between them
        (f"{BOTH} have birthdays in spring", "co_mention"),
        ("BLACKPINK's Jisoo waved. SEVENTEEN's Mingyu sang.", "co_mention"),
        # lists and rankings
        (f"November brand reputation rankings: {BOTH}", "listing"),
        (f"Lineup for the festival: {BOTH}", "listing"),
        (f"{BOTH} lead the consumer interaction rankings", "listing"),
        (f"{BOTH} greet each other before the nominees are read", "announce greeting"),
        # what did not happen
        (f"Fans hope {BOTH} will interact", "irrealis"),
        (f"Rumour: {BOTH} chatting", "digest conversation"),
        (f"Will {BOTH} collab this year?", "irrealis"),
        (f"Did {BOTH} hug?", "irrealis"),
        (f"There was no interaction between {BOTH}", "irrealis"),
        (f"{BOTH} did not greet each other", "irrealis"),
        (f"A photo of {BOTH} hugging turns out to be edited", "irrealis"),
        # other things that two names do in a sentence
        (f"{BOTH} took a selfie and look like twins", "look_alike"),
        (f"{BOTH} each put out a cover of a duet", "cover"),
        ("BLACKPINK's Jisoo replaces SEVENTEEN's Mingyu as co-host", "replacement"),
        # sensitive before everything else
        (f"{BOTH} hugged at a funeral", "sensitive"),
        (f"Brand reputation rankings: {BOTH} take legal action", "sensitive"),
        (f"Deepfake video of {BOTH} hugging", "sensitive"),
        (f"{BOTH} are dating", "sensitive dating_rumour"),
        (f"Agency denies dating rumours between {BOTH}", "sensitive dating_rumour"),
        (f"{BOTH} hugged at the wedding of a friend", "sensitive dating_rumour"),
    ],
)
def test_one_sentence_is_judged_in_the_order_of_the_policy(
    text: str, expected: str, verdict: Callable[..., Verdict | None]
) -> None:
    assert told(verdict(text)) == expected


@pytest.mark.parametrize(
    ("title", "text", "expected"),
    [
        ("Brand reputation rankings", f"{BOTH} greet each other", "announce greeting"),
        ("Brand reputation rankings", f"{BOTH} attended a gala", "listing"),
        ("Brand reputation rankings", f"{BOTH}.", "listing"),
        ("Top 10: Jisoo", "SEVENTEEN's Mingyu is second. BLACKPINK's Jisoo is first.", "listing"),
        ("In court", f"{BOTH} chatted", "sensitive"),
        ("Dating news", f"{BOTH} chatted", "sensitive dating_rumour"),
        ("", f"{BOTH} are dating, it is said. They are seen chatting.", "sensitive dating_rumour"),
        ("", f"{BOTH} hugged. Later {BOTH} attended a funeral.", "sensitive"),
        ("", f"Fans hope {BOTH} will interact. {BOTH} hugged.", "announce physical"),
        ("", f"{BOTH} attended. {BOTH} hugged.", "announce physical"),
        ("Will Jisoo and Mingyu meet?", f"{BOTH} hugged.", "announce physical"),
    ],
)
def test_sentences_of_one_post_are_weighed_against_each_other(
    title: str, text: str, expected: str, verdict: Callable[..., Verdict | None]
) -> None:
    assert told(verdict(text, title=title)) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (f"{BOTH} arrived. The two were seen bowing to each other.", "announce greeting"),
        (f"{BOTH} arrived. Fans cheered. They hugged.", "announce physical"),
        (f"{BOTH} arrived. Jisoo smiled. The two hugged.", "announce physical"),
        ("The two hugged. Then " + BOTH + " arrived.", "co_mention"),
    ],
)
def test_the_two_are_the_pair_that_was_named_last(
    text: str, expected: str, verdict: Callable[..., Verdict | None]
) -> None:
    assert told(verdict(text)) == expected


@pytest.mark.parametrize(
    "text",
    [
        f"{BOTH} arrived. IVE's Wonyoung came too. The two hugged.",
        f"{BOTH} arrived. The crowd hugged.",
    ],
)
def test_an_act_of_who_knows_whom_is_not_announced(
    text: str, verdict: Callable[..., Verdict | None]
) -> None:
    found = verdict(text)
    assert not isinstance(found, Interaction) or found.tier is Tier.DIGEST


# ── languages ─────────────────────────────────────────────────────────────────────────────────

_IN = {
    "en": "BLACKPINK's Jisoo and SEVENTEEN's Mingyu",
    "ko": "블랙핑크 지수와 세븐틴 민규",
    "ja": "BLACKPINKのジスとSEVENTEENのミンギュ",
    "zh": "BLACKPINK智秀和SEVENTEEN珉奎",
    "es": "Jisoo de BLACKPINK y Mingyu de SEVENTEEN",
    "id": "Jisoo BLACKPINK dan Mingyu SEVENTEEN",
    "pt": "Jisoo do BLACKPINK e Mingyu do SEVENTEEN",
}


@pytest.mark.parametrize("declared", [True, False], ids=["declared", "undeclared"])
@pytest.mark.parametrize(
    ("lang", "text", "expected"),
    [
        ("en", "{} hugged backstage", "announce physical"),
        ("en", "{} attended the show", "digest co_appearance"),
        ("en", "{} never interacted", "irrealis"),
        ("en", "Ranking: {}", "listing"),
        ("ko", "{}가 반갑게 인사를 나눴다", "announce greeting"),
        ("ko", "{}, 셀카 공개", "announce photo"),
        ("ko", "{}가 챌린지를 찍었다", "announce challenge"),
        ("ko", "{}가 시상식에 참석했다", "digest co_appearance"),
        ("ko", "{} 챌린지 했으면 좋겠다", "irrealis"),
        ("ko", "브랜드평판 1위 {}", "listing"),
        ("ko", '{} 열애설에 소속사 "사실무근"', "sensitive dating_rumour"),
        ("ko", "{}가 악플에 법적 대응", "sensitive"),
        ("ja", "{}が笑顔で挨拶を交わした", "announce greeting"),
        ("ja", "{}がチャレンジ動画を公開", "announce challenge"),
        ("ja", "{}がショーに来場", "digest co_appearance"),
        ("ja", "{}の共演に期待", "irrealis"),
        ("ja", "ランキング：{}", "listing"),
        ("ja", "{}の熱愛報道", "sensitive dating_rumour"),
        ("zh", "{}同框合照曝光", "announce photo"),
        ("zh", "{}出席活动", "digest co_appearance"),
        ("zh", "{}零互动", "irrealis"),
        ("zh", "品牌评价排行：{}", "listing"),
        ("zh", "{}恋情曝光", "sensitive dating_rumour"),
        ("es", "{} se saludaron en el desfile", "announce greeting"),
        ("es", "{} hicieron un reto viral", "announce challenge"),
        ("es", "{} asisten al desfile", "digest co_appearance"),
        ("es", "Ojalá {} se saluden", "irrealis"),
        ("es", "Ranking: {}", "listing"),
        ("es", "Romance entre {}", "sensitive dating_rumour"),
        ("id", "{} saling menyapa", "announce greeting"),
        ("id", "{} menghadiri acara", "digest co_appearance"),
        ("id", "Semoga {} saling menyapa", "irrealis"),
        ("id", "Peringkat reputasi merek: {}", "listing"),
        ("id", "{} dikabarkan berkencan", "sensitive dating_rumour"),
        ("pt", "{} se abraçaram", "announce physical"),
        ("pt", "{} no desfile", "digest co_appearance"),
        ("pt", "Tomara que {} se abracem", "irrealis"),
        ("pt", "Ranking: {}", "listing"),
        ("pt", "O romance de {}", "sensitive dating_rumour"),
    ],
)
def test_every_language_tells_what_happened_from_what_did_not(
    lang: str, text: str, expected: str, declared: bool, verdict: Callable[..., Verdict | None]
) -> None:
    found = verdict(text.format(_IN[lang]), lang=lang if declared else "")
    assert told(found) == expected


# ── who they are ──────────────────────────────────────────────────────────────────────────────

YOUNG = """
[[group]]
id = "old"
name = "OLDEST"
[[group]]
id = "new"
name = "NEWEST"
[[group]]
id = "new-sub"
name = "NEWEST Sub"
kind = "unit"
parent = "new"
[[group]]
id = "supers"
name = "The Supers"
kind = "project"

[[idol]]
id = "old.hanbyeol"
name = "Hanbyeol"
born = 1995-05-05
prior = 0.9
member = [
    { group = "old", since = 2013-01-01, until = 2024-12-31 },
    { group = "supers", since = 2020-01-01 },
]
[[idol]]
id = "new.seulbi"
name = "Seulbi"
born = 2009-03-03
prior = 0.9
member = [{ group = "new", since = 2025-01-01 }]
[[idol]]
id = "new.garam"
name = "Garam"
born = 2000-03-03
prior = 0.9
member = [{ group = "new-sub", since = 2025-01-01 }, { group = "supers", since = 2020-01-01 }]
[[idol]]
id = "old.dasom"
name = "Dasom"
born = 1996-05-05
prior = 0.9
member = [{ group = "old", since = 2013-01-01 }]
[[idol]]
id = "solo.bitna"
name = "Bitna"
prior = 0.9
"""


@pytest.fixture(scope="module")
def young(lexicon: Lexicon) -> Judge:
    return Judge(rosters.load({"young.toml": YOUNG}), lexicon)


def _on(day: str) -> datetime:
    return datetime.fromisoformat(day).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "day", "expected"),
    [
        ("Hanbyeol and Seulbi hug", "2026-11-24", "sensitive physical"),
        ("Hanbyeol and Seulbi attend the show", "2026-11-24", "sensitive co_appearance"),
        ("Hanbyeol and Seulbi spotted together", "2026-11-24", "sensitive friendship"),
        ("Hanbyeol and Seulbi co-host the show", "2026-11-24", "announce hosting"),
        ("Hanbyeol and Seulbi film a challenge", "2026-11-24", "announce challenge"),
        ("Hanbyeol and Seulbi star together in a song", "2026-11-24", "announce collaboration"),
        ("Seulbi danced along to Hanbyeol's stage", "2026-11-24", "announce reaction"),
        ("Hanbyeol and Seulbi hug", "2027-03-03", "announce physical"),  # of age
        ("Hanbyeol and Garam hug", "2026-11-24", "announce physical"),
        ("Hanbyeol and Bitna hug", "2026-11-24", "sensitive physical"),  # birth not known
    ],
)
def test_of_people_under_age_only_stage_work_is_announced(
    text: str, day: str, expected: str, young: Judge, post: MakePost
) -> None:
    (found,) = young(post(text, published=_on(day))).verdicts
    assert told(found) == expected


@pytest.mark.parametrize(
    ("text", "day", "same"),
    [
        ("Hanbyeol and Dasom hug", "2024-12-31", "OLDEST"),
        ("Hanbyeol and Dasom hug", "2025-01-01", None),  # left the day before
        ("Garam and Seulbi hug", "2026-11-24", "NEWEST"),  # a unit counts as its group
        ("Garam and Hanbyeol hug", "2026-11-24", None),  # a project makes no mates
    ],
)
def test_mates_of_one_group_at_the_time_are_no_pair(
    text: str, day: str, same: str | None, young: Judge, post: MakePost
) -> None:
    (found,) = young(post(text, published=_on(day))).verdicts
    if same is None:
        assert isinstance(found, Interaction)
    else:
        assert isinstance(found, Rejection)
        assert (found.reason, found.pair) == (Reason.SAME_GROUP, None)
        assert same in found.detail


@pytest.mark.parametrize(
    ("text", "reason", "detail"),
    [
        ("SEVENTEEN's Hong Jisoo and Mingyu laugh together", Reason.SAME_GROUP, "Joshua"),
        ("SEVENTEEN's Joshua and Mingyu laugh together", Reason.SAME_GROUP, "SEVENTEEN"),
        ("Actor Ji Soo hugs SEVENTEEN's Mingyu", Reason.AMBIGUOUS_NAME, "actor"),
        ("코스피 지수 상승 소식에 세븐틴 민규가 웃었다", Reason.AMBIGUOUS_NAME, "index"),
        ("Brand reputation: BLACKPINK's Jisoo is first", Reason.LISTING, "brand reputation"),
    ],
)
def test_what_a_post_promised_and_did_not_hold_is_said_without_a_pair(
    text: str, reason: Reason, detail: str, judge: Judge, post: MakePost
) -> None:
    verdicts = judge(post(text)).verdicts
    assert [(v.reason, v.pair) for v in verdicts if isinstance(v, Rejection)] == [(reason, None)]
    assert detail in verdicts[0].detail
    assert len(verdicts) == 1


_MANY = [
    "BLACKPINK's Jisoo", "SEVENTEEN's Mingyu", "aespa's Karina", "IVE's Wonyoung", "TXT's Yeonjun",
    "ENHYPEN's Heeseung", "BTS' Jungkook", "NCT's Taeyong", "TWICE's Nayeon", "ITZY's Yeji",
    "STAYC's Sieun",
]  # fmt: skip


@pytest.mark.parametrize("people", [2, 3, 5])
def test_a_few_people_who_hug_are_announced_and_surer_the_fewer_they_are(
    people: int, verdict: Callable[..., Verdict | None]
) -> None:
    found = verdict(", ".join(_MANY[:people]) + " hug")
    fewer = verdict(", ".join(_MANY[: people - 1]) + " hug") if people > 2 else None
    assert told(found) == "announce physical"
    assert isinstance(found, Interaction)
    if isinstance(fewer, Interaction):
        assert fewer.confidence >= found.confidence


def test_many_people_in_one_sentence_are_not_announced(
    verdict: Callable[..., Verdict | None],
) -> None:
    found = verdict(", ".join(_MANY) + " were there")
    assert not isinstance(found, Interaction) or found.tier is not Tier.ANNOUNCE


def test_the_pairs_of_a_post_that_names_a_whole_industry_are_not_decided(
    roster: Roster, judge: Judge, post: MakePost
) -> None:
    lines = [
        f"{roster.groups_of(idol.id)[0].name}'s {idol.name} sang."
        for idol in list(roster.idols.values())[::37]
        if roster.groups_of(idol.id)
    ]
    judged = judge(post("\n".join(lines) + f"\n{BOTH} hugged."))
    assert len({m.idol_id for m in judged.mentions}) > MOST_IDOLS
    assert [v.reason for v in judged.rejections if v.pair is None][:1] == [Reason.LISTING]
    assert judged.interactions == ()


def test_several_pairs_of_one_post_are_decided_each_for_itself(
    judge: Judge, post: MakePost
) -> None:
    judged = judge(post(f"{BOTH} hugged. aespa's Karina and SEVENTEEN's Mingyu attended the show."))
    assert {(v.pair.a, v.pair.b): told(v) for v in judged.verdicts if v.pair} == {
        ("blackpink.jisoo", "seventeen.mingyu"): "announce physical",
        ("aespa.karina", "seventeen.mingyu"): "digest co_appearance",
        ("aespa.karina", "blackpink.jisoo"): "co_mention",
    }


# ── time, sureness, evidence ──────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("text", "past"),
    [
        (f"{BOTH} hugged in a clip from two years ago", True),
        (f"Throwback: {BOTH} hugged", True),
        ("과거 블랙핑크 지수와 세븐틴 민규가 인사를 나눈 장면", True),
        (f"{BOTH} hugged yesterday", False),
    ],
)
def test_a_look_back_is_marked_as_past(
    text: str, past: bool, verdict: Callable[..., Verdict | None]
) -> None:
    found = verdict(text)
    assert isinstance(found, Interaction)
    assert found.past is past


def test_a_report_is_less_sure_when_less_is_said(
    verdict: Callable[..., Verdict | None],
) -> None:
    texts = [
        f"{BOTH} hugged",
        f"{BOTH} and IVE's Wonyoung arrived. They hugged.",  # told of "them"
        f"{BOTH} attended the show",
    ]
    sure = [found.confidence for found in map(verdict, texts) if isinstance(found, Interaction)]
    assert len(sure) == len(texts)
    assert sure == sorted(sure, reverse=True)
    assert len(set(sure)) == len(sure)


def test_a_title_about_the_pair_makes_the_text_surer(
    verdict: Callable[..., Verdict | None],
) -> None:
    text = "BLACKPINK's Jisoo came. She talked to SEVENTEEN's Mingyu."
    alone = verdict(text)
    titled = verdict(text, title="Jisoo and Mingyu talk")
    assert isinstance(alone, Interaction)
    assert isinstance(titled, Interaction)
    assert titled.confidence > alone.confidence


_FILLER = st.text(st.sampled_from("abc ,;\n\t\u200b수é가…🎀"), max_size=300)


@settings(max_examples=100, deadline=None)
@given(before=_FILLER, between=_FILLER, after=_FILLER, titled=st.booleans())
def test_evidence_is_a_short_quotation_of_the_field_it_names(
    judge: Judge, post: MakePost, before: str, between: str, after: str, titled: bool
) -> None:
    told = f"{before} BLACKPINK's Jisoo {between} hugs SEVENTEEN's Mingyu {after}"
    made = post(title=told) if titled else post(told)
    for found in judge(made).interactions:
        assert found.field is (Field.TITLE if titled else Field.TEXT)
        assert 0 < len(found.evidence) <= EVIDENCE
        assert found.evidence in " ".join(told.split())


def test_evidence_of_a_long_sentence_holds_the_names_and_the_act(
    verdict: Callable[..., Verdict | None],
) -> None:
    found = verdict("so it went on, " * 40 + f"until {BOTH} hugged" + ", and so on" * 40)
    assert isinstance(found, Interaction)
    assert "Jisoo" in found.evidence
    assert "Mingyu" in found.evidence
    assert "hugged" in found.evidence


# ── every post ────────────────────────────────────────────────────────────────────────────────

_WORDS = st.lists(
    st.one_of(
        st.sampled_from(
            [
                *_MANY, BOTH, "Joshua", "Jisoo", "Mingyu", "지수", "민규", "ジス", "hug",
                "dating", "ranking",
                "funeral", "the two", "they", "attended", "rumour", ". ", "?", "\n", ", ", " and ",
                "인사를 나눴다",
                "블랙핑크", "세븐틴", "actor", "\ud800", "\u200b",
            ]
        ),
        st.text(max_size=5),
    ),
    max_size=20,
).map(" ".join)  # fmt: skip


@settings(max_examples=200, deadline=None)  # what finds a language's words is made at first sight
@given(title=_WORDS, text=_WORDS, lang=st.sampled_from(["", "en", "ko", "ja", "zh", "xx"]))
def test_whatever_a_post_says_its_judgement_is_in_order(
    judge: Judge, roster: Roster, post: MakePost, title: str, text: str, lang: str
) -> None:
    made = post(text, title=title, lang=lang)
    judged: Judgement = judge(made)
    assert judged == judge(made)
    paired = [v.pair for v in judged.verdicts if v.pair is not None]
    assert len(paired) == len(set(paired))
    named = {m.idol_id for m in judged.mentions}
    for found in judged.verdicts:
        if found.pair is not None:
            assert {found.pair.a, found.pair.b} <= named
            assert roster.common_group(found.pair, made.at.date()) is None
    for interaction in judged.interactions:
        assert 0 < interaction.confidence <= 1
        dating = interaction.kind is Kind.DATING_RUMOUR
        assert not dating or interaction.tier is Tier.SENSITIVE
    if len(named) <= 10:
        across = {
            Pair.of(a, b)
            for a in named
            for b in named
            if a < b and roster.common_group(Pair.of(a, b), made.at.date()) is None
        }
        assert judged.pairs == across


_HOSTILE = st.lists(
    st.sampled_from(
        [
            "Jisoo", "Ji\u200bsoo", "J\u200di\u200ds\u200doo", "\u202eMingyu\u202c",
            "\u1106\u1175\u11ab\u1100\u1172",
            "\uff2dingyu", "Rose\u0301", "지\u200d수", "블랙핑크\u200f", "SEVENTEEN\u2067's ",
            "hug", "인사를",
            "<b>", "</a>", "<a href='", "&amp;", "&#39;", "“‘「『", "』」’”", "((((",
            "\ud83d", "\udc9c",
            "\x00", "x" * 200, "\u0301" * 20, " ", ". ", "\n", "’s ", " and ",
        ]
    ),
    max_size=25,
).map("".join)  # fmt: skip


@settings(max_examples=200, deadline=None)
@given(title=_HOSTILE, text=_HOSTILE)
def test_hostile_text_is_judged_like_any_other(
    judge: Judge, post: MakePost, title: str, text: str
) -> None:
    made = post(text, title=title)
    explained = judge.explain(made)
    assert explained.judgement == judge(made)
    for named in (*explained.judgement.mentions, *explained.readings):
        raw = made.title if named.field is Field.TITLE else made.text
        assert raw[named.start : named.end] == named.surface != ""
    for found in explained.judgement.interactions:
        raw = made.title if found.field is Field.TITLE else made.text
        assert found.evidence in " ".join(raw.split())


# ── different groups ──────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("text", "group"),
    [
        # Heeseung left ENHYPEN in 2026; the text still puts him there.
        ("ENHYPEN's Heeseung and Jungwon hugged each other on stage.", "ENHYPEN"),
        ("IZ*ONE's Wonyoung and Sakura hugged each other at the finale.", "IZ*ONE"),
    ],
)
def test_the_group_that_the_text_gives_makes_no_pair(
    judge: Judge, post: MakePost, text: str, group: str
) -> None:
    judgement = judge(post(text))
    assert judgement.interactions == ()
    assert {(r.reason, group in r.detail) for r in judgement.rejections} == {
        (Reason.SAME_GROUP, True)
    }


def test_former_group_mates_are_a_pair_under_their_groups_of_today(
    judge: Judge, post: MakePost
) -> None:
    text = "Once together in IZ*ONE: IVE's Wonyoung hugged LE SSERAFIM's Sakura backstage."
    [met] = judge(post(text)).interactions
    assert met.pair == Pair("ive.wonyoung", "le-sserafim.sakura")


def test_a_sentence_that_names_everybody_is_not_decided_pair_by_pair(shipped, judge, post):
    people = [
        f"{shipped.roster.groups[i.memberships[0].group_id].name}'s {i.name}"
        for i in shipped.roster.idols.values()
        if i.memberships
    ]
    judgement = judge(post(f"They hugged {', '.join(people)}."))
    assert len({m.idol_id for m in judgement.mentions}) > 1000
    assert Reason.LISTING in {r.reason for r in judgement.rejections}
    assert len(judgement.verdicts) < len(people)  # group-mates alone make thousands of pairs
