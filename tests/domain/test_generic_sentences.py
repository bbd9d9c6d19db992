"""Sentences of finance, weather, politics and sport: nobody in them is an idol.

Many words in them are also names of idols, of people who are none, or of both.
"""

from __future__ import annotations

from itertools import product

import pytest

from bot.domain.judge import Judge
from bot.domain.types import Post
from tests.domain.test_link import MakePost

#: (language, subject) → who or what, and what is said of it; each with each makes a sentence.
SENTENCES: dict[tuple[str, str], tuple[str, str]] = {
    ("en", "finance"): (
        ("The Key Index|Wendy's|Jennie-O|Treasury May|Joy Global|Hope Bancorp|Lisa Morgan|"
        "Victory Capital|Rose Miller|The Sunny Fund|Jay Powell|Winter wheat"),
        ("fell 3% as rates rose|opened higher on Monday|may cut its forecast for the year|"
        "reported record sales in June|said the key to growth is trust|lost ground to its rivals|"
        "will publish its accounts in May|gained one point after the bell"),
    ),
    ("en", "weather"): (
        ("Rain|Winter|The summer sun|A cold wind|Heavy snow|The sky over the bay|Storm Jennie|"
        "An autumn moon|Forecaster Sunny Day|The river|Dew|A ray of light"),
        ("is expected in the north by evening|may return next week|brought joy to farmers|"
        "gave hope after a dry spring|will last until Sunday|came early this year|"
        "turned the roads white|kept many at home in May"),
    ),
    ("en", "politics"): (
        ("Theresa May|Minister Joy Baker|Senator Lisa Murkowski|Governor Hope Kelly|"
        "Mayor Jennie Lee|Jin Park, the envoy,|Councillor Wendy Smith|Mark Carney|Irene Khan|"
        "Felix Weber|Joshua Wong|The key ally"),
        ("lost the vote on Thursday|may call an election in winter|spoke of hope and unity|"
        "rejected the budget|met voters in the rain|promised lower taxes|"
        "will leave office in June|answered questions from reporters"),
    ),
    ("en", "sport"): (
        ("Keeper Mark Lewis|Coach Ryan Jones|Lisa Carrington|Winger Leo Fischer|Joy Cheptoyek|"
        "Striker Kai Weber|Captain Joshua Kimmich|Rose Harvey|The key defender|Jackson Hope|"
        "Sunny Singh|Max Verstappen"),
        ("won by two seconds|scored in the rain|may miss the winter season|broke the record in May|"
        "was injured on Sunday|signed a new contract|finished third in the final|"
        "left the field in tears of joy"),
    ),
    ("ko", "finance"): (
        ("코스피 지수는|소비자물가 지수가|나스닥 지수는|태양광 업체는|금리 인하 희망은|"
        "김민규 대표는|이성훈 연구원은|하늘길 항공주는|여름 성수기 매출은|강남 아파트값은|"
        "체감 지수도"),
        ("전날보다 1% 올랐다|크게 떨어졌다|비 오는 날처럼 무거웠다|기대에 미치지 못했다|"
        "하반기에 나아질 것으로 보인다|사상 최고를 기록했다|다음 달 발표된다|시장의 눈길을 모았다"),
    ),
    ("ko", "weather"): (
        ("내일은 하늘이|남부 지방에는 비가|동해 바다는|올여름 태양은|가을 단풍은|겨울 추위가|"
        "불쾌지수가|아침 이슬이|밤하늘의 별이|새벽 안개가|봄 햇살이"),
        ("평년보다 이르다|오후부터 달라지겠다|주말까지 이어지겠다|전국에 영향을 주겠다|"
        "시민들의 눈길을 끌었다|점차 약해지겠다|예보보다 강하다|예년과 비슷하겠다"),
    ),
    ("ko", "politics"): (
        ("탄핵 정국이|여야 대치 정국은|연말 정국이|박지민 의원은|김나연 후보는|이재현 장관은|"
        "최유나 대변인은|한수진 위원장은|국정 지지 지수는|희망 예산안은|정민 구청장은"),
        ("다시 얼어붙었다|국회에서 설명했다|혼란에 빠졌다|지역 주민을 만났다|"
        "비판을 받았다|내년 선거까지 간다|법안을 발의했다|입장을 밝혔다"),
    ),
    ("ko", "sport"): (
        ("투수 김성훈은|수비수 이민호는|골키퍼 조현우는|박지수 감독은|내야수 김하늘은|"
        "공격수 이승우는|센터 박지수가|주장 김진수는|배구 선수 이소영은|"
        "포수 강민호는|외야수 이정후는"),
        ("결승골을 넣었다|비 때문에 쉬었다|부상에서 돌아왔다|여름 이적을 원한다|"
        "연장전 끝에 이겼다|희망을 버리지 않았다|시즌을 마쳤다|재계약했다"),
    ),
    ("ja", "finance"): (
        ("日経平均株価は|さくらインターネットは|もも農家の収入は|光ファイバー事業は|純利益は|"
        "円相場は|希望退職の募集は|泉州銀行は|海運株は|春闘の賃上げ率は|物価指数は"),
        ("前日より下がった。|三年ぶりに増えた。|夏までに回復する見込みだ。|市場の予想を上回った。|"
        "秋に発表される。|大きく伸びた。|横ばいだった。|専門家の注目を集めた。"),
    ),
    ("ja", "weather"): (
        ("さくらの開花は|梅雨の晴れ間は|冬の光は|桃の花は|夏の空は|雪の予報は|朝の海は|"
        "強い風は|星空は|葵の花は|虹は"),
        ("平年より早い。|週末まで続くでしょう。|北部で見られます。|夕方から変わりそうだ。|"
        "例年並みだという。|旅行者を喜ばせた。|昼過ぎに消えた。|各地に広がった。"),
    ),
    ("ja", "politics"): (
        ("希望の党は|内閣の支持率は|小泉純一郎元首相は|田中光市長は|佐藤さくら議員は|"
        "野党の幹部は|木村葵知事は|純粋な民意は|新しい愛知県政は|山田凛候補は|与党の動きは"),
        ("国会で説明した。|予算案に反対した。|選挙を前に揺れている。|夏の会合で示された。|"
        "記者団の質問に答えた。|批判を受けた。|来月に決まる。|支持を広げた。"),
    ),
    ("ja", "sport"): (
        ("桃田賢斗選手は|池江璃花子選手は|大谷翔平投手は|なでしこジャパンは|主将の光は|"
        "高梨沙羅選手は|サッカーの純粋な楽しさは|横綱の星は|"
        "阪神の佐藤輝明は|さくら杯は|平野美宇選手は"),
        ("決勝で敗れた。|けがから戻った。|冬の大会に出る。|自己最高を記録した。|"
        "来季も続ける。|ファンの声援に応えた。|雨で延期された。|初戦を飾った。"),
    ),
}  # fmt: skip


def made(lang: str, topic: str) -> list[str]:
    who, what = (part.split("|") for part in SENTENCES[lang, topic])
    between, end = {"en": (" ", "."), "ko": (" ", "."), "ja": ("", "")}[lang]
    return [f"{w}{between}{s}{end}" for w, s in product(who, what)]


def test_there_are_a_thousand_different_ones() -> None:
    assert len({s for key in SENTENCES for s in made(*key)}) >= 1000


@pytest.mark.parametrize(("lang", "topic"), SENTENCES)
def test_a_generic_sentence_names_no_idol(
    lang: str, topic: str, judge: Judge, post: MakePost
) -> None:
    wrong = {}
    for sentence in made(lang, topic):
        for given in (post(sentence, lang=lang), post(title=sentence, lang="")):
            assert isinstance(given, Post)
            judgement = judge(given)
            if judgement.mentions or judgement.interactions:
                wrong[sentence] = [(m.surface, m.idol_id) for m in judgement.mentions]
    assert wrong == {}


@pytest.mark.parametrize("lang", ["en", "ko", "ja"])
def test_an_article_of_generic_sentences_names_no_idol(
    lang: str, judge: Judge, post: MakePost
) -> None:
    sentences = [s for key in SENTENCES if key[0] == lang for s in made(*key)]
    for start in range(29):  # neighbours of every subject
        judgement = judge(post(" ".join(sentences[start::29]), lang=lang))
        assert [(m.surface, m.idol_id) for m in judgement.mentions] == []
        assert judgement.interactions == ()
