"""Posts to measure with, made from templates: a firehose of talk, news, reports of one pair."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import UTC, datetime

from bot.app import Core
from bot.domain.roster import Roster
from bot.domain.types import Pair, Post

#: Language → pieces of which three make a short post of everyday talk.
_TALK = {
    "en": "just had the best coffee in weeks|can't believe it's only tuesday|my cat ran off with "
    "my sandwich|the train is late again lol|new shoes!! so happy|who else is still awake|that "
    "film made me cry 😭|ok back to work now|rainy mornings are made for sleeping|happy birthday "
    "to my favourite sister ❤️|anyone up for a game tonight?",
    "ko": "오늘 점심은 김치찌개 먹었다|퇴근하고 싶다 ㅠㅠ|버스를 또 놓쳤네|우리 집 고양이가 너무 "
    "귀엽다|내일은 비가 온다고 한다|새로 산 신발이 마음에 든다 ㅋㅋ|영화 보고 울었다|잠이 안 "
    "온다|커피 한 잔 하실 분?|벌써 연말이라니 믿기지 않아",
    "ja": "今日のお昼はラーメンだった。|電車がまた遅れている。|猫がかわいすぎて仕事にならない！|"
    "明日は早起きしなきゃ。|映画を見て泣いた😭|新しい靴を買った！|もう寝ます、おやすみなさい。|"
    "コーヒーが飲みたい。|週末は何をしようかな？",
    "es": "hoy fue un día muy largo|por fin en casa con mi gato|¿alguien sigue despierto?|qué "
    "ganas de vacaciones|el café de la esquina es el mejor|mañana madrugo otra vez 😩|buenas "
    "noches a todos|me encanta esta canción",
    "id": "hari ini capek banget|kucingku lucu sekali|besok libur, asyik!|macet lagi di jalan|"
    "siapa yang masih bangun?|kopi pagi memang paling enak|selamat malam semuanya 🙏",
    "ru": "сегодня был длинный день|кот опять украл бутерброд|завтра рано вставать|кто ещё не "
    "спит?|кофе утром спасает жизнь|наконец-то дома ❤️",
    "th": "วันนี้เหนื่อยมาก|แมวที่บ้านน่ารักที่สุด|พรุ่งนี้ต้องตื่นเช้า|รถติดอีกแล้ว|ใครยังไม่นอนบ้าง|กาแฟตอนเช้าอร่อยมาก",
}
_NAMED = {"ko": "{} {} 너무 좋아", "ja": "{}の{}が好き"}

#: Sentences of news: about two people, about one, about none.
_NEWS = [
    "{0} and {1} were seen greeting each other backstage before the show began.",
    "{0}, who released a new single last month, walked the red carpet in a dark blue suit.",
    "Later in the evening {0} took the stage and thanked everyone who had worked on the album.",
    "{0} and {1} danced the new challenge together, and the clip spread within hours.",
    "In an interview with a magazine {0} spoke about the tour and about learning to cook.",
    "The organisers said that more than twenty thousand people had come to the hall over two days.",
    "Tickets for the second date went on sale on Friday and were gone within a quarter of an hour.",
    "“We wanted to show something that nobody had seen before,” the director told reporters.",
    "The festival returns next spring with a longer programme, a bigger stage and earlier hours.",
    "Fans who could not get in watched on screens outside, where it had begun to rain by then.",
]


def post(number: int, text: str, lang: str = "", title: str = "") -> Post:
    """A post of now, with an id of its own."""
    return Post(
        id=f"bench:{number}", source_id="bench", text=text, title=title, lang=lang,
        url=f"https://bench.example/{number}", published=now(), seen_at=now(),
    )  # fmt: skip


def firehose(roster: Roster, count: int) -> list[Post]:
    """Short posts of everyday talk in seven languages, every hundredth about an idol."""
    dice = random.Random(7)
    idols = [i for i in roster.idols.values() if roster.home(i.id, now().date())]
    posts = []
    for number in range(count):
        lang = dice.choice(list(_TALK))
        pieces = dice.sample(_TALK[lang].split("|"), 3)
        if number % 100 == 0:
            idol = dice.choice(idols)
            home = roster.home(idol.id, now().date())
            pieces[1] = _NAMED.get(lang, "{} {} 💜").format(home.name if home else "", idol.name)
        posts.append(post(number, " ".join(pieces), lang))
    return posts


def news(roster: Roster, count: int) -> list[Post]:
    """Articles of about 2,000 characters that name several idols of several groups."""
    dice = random.Random(7)
    idols = [
        f"{home.name}'s {idol.name}"
        for idol in roster.idols.values()
        if (home := roster.home(idol.id, now().date()))
    ]
    posts = []
    for number in range(count):
        cast, text = dice.sample(idols, 5), ""
        while len(text) < 2000:
            text += dice.choice(_NEWS).format(*dice.sample(cast, 2)) + " "
        posts.append(post(number, text, "en", "{} and {} meet at the festival".format(*cast[:2])))
    return posts


def reports(core: Core) -> Iterator[tuple[Pair, str]]:
    """Pairs of well-known idols whose meeting is announced, each with a text that reports it."""
    roster, today = core.lookup.roster, now().date()
    names = {
        idol.id: f"{home.name}'s {idol.name}"
        for idol in roster.idols.values()
        if idol.prior >= 0.7 and not roster.is_minor(idol.id, today)
        if (home := roster.home(idol.id, today))
    }
    for a, first in names.items():
        for b, second in names.items():
            pair = Pair.of(a, b) if a < b else None
            if pair is None or roster.common_group(pair, today):
                continue
            text = f"{first} and {second} are seen bowing to each other at the Dior show."
            judged = core.judge(post(0, text, "en")).interactions
            if [i.pair for i in judged if i.tier == "announce"] == [pair]:
                yield pair, text


def now() -> datetime:
    """The time that all posts are of."""
    return datetime.now(UTC)
