"""Announcements within Discord's limits, with nothing alive in them that a source has written."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import discord
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.domain import roster as rosters
from bot.domain.roster import Roster
from bot.domain.types import (
    Item,
    Kind,
    Message,
    Pair,
    Report,
    Step,
    Story,
    StoryPair,
    StoryState,
    Tier,
)
from bot.embeds import WHAT, announcement, clip, plain, title, web_address, why_id

AT = datetime(2026, 11, 24, 12, tzinfo=UTC)
NOW = {"at": AT, "url_key": "", "fingerprint": "", "anchors": (), "lang": "en"}


@pytest.fixture(scope="module")
def roster() -> Roster:
    return rosters.load(
        {
            "a.toml": "\n".join(
                f'[[group]]\nid = "g{i}"\nname = "GROUP{i}"\n'
                f'[[idol]]\nid = "i{i}"\nname = "Idol{i}"\nmember = [{{ group = "g{i}" }}]\n'
                for i in range(1, 9)
            )
        }
    )


def _report(number: int = 1, **given: Any) -> Report:
    fields: dict[str, Any] = {
        "post_id": f"s:{number}",
        "outlet": f"Outlet {number}",
        "title": f"Title {number}",
        "url": f"https://example.com/{number}",
        **NOW,
    }
    return Report(**{**fields, **given})


def _pair(one: str = "i1", other: str = "i2", **given: Any) -> StoryPair:
    fields: dict[str, Any] = {
        "pair": Pair.of(one, other),
        "kind": Kind.GREETING,
        "tier": Tier.ANNOUNCE,
        "confidence": 0.92,
        "evidence": "they bowed",
    }
    return StoryPair(**{**fields, **given})


def _message(
    *reports: Report, pairs: tuple[StoryPair, ...] = (), step: Step = Step.FIRST, number: str = "m1"
) -> Message:
    story = Story(
        id="story",
        state=StoryState.LIVE,
        pairs=pairs or (_pair(),),
        reports=reports or (_report(),),
        first_seen=AT,
        last_seen=AT,
        revision=1,
    )
    return Message(
        id=number,
        guild_id=1,
        channel_id=2,
        items=(Item(step=step, story=story),),
        first_attempt_at=AT,
        attempt=1,
        token=1,
    )


def _sent(message: Message, roster: Roster) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """The embed and the buttons as they go over the wire."""
    (embed,), view = announcement(message, roster)
    components = view.to_components()
    assert len(components) == 1
    return dict(embed.to_dict()), components[0]["components"]


def _units(text: str) -> int:
    return len(text.encode("utf-16-le")) // 2


# ── inert text ────────────────────────────────────────────────────────────────────────────────

#: Text as a hostile source may write it: Markdown, mentions, timestamps, links, odd characters.
HOSTILE = st.lists(
    st.one_of(
        st.sampled_from(
            [
                "*", "**", "_", "__", "~~", "`", "```", "||", "> ", ">>> ", "# ", "-# ", "- ", "+ ",
                "1. ", "\\", "[x](https://evil.example)", "<https://evil.example>",
                "https://evil.example", "@everyone", "@here", "<@1>", "<@&1>",
                "<#1>", "<t:0:R>", "<:a:1>",
                "</x:1>", "\n", "\r", "\u2028", "\t", "\x00", "\x1b",
                "\u202e", "\u200b", "\ud800", "🎀", "👩\u200d👩", "지수", "e\u0301", "a", " ",
            ]
        ),
        st.text(st.characters(), max_size=6),
    ),
    max_size=40,
).map("".join)  # fmt: skip

_ESCAPED = re.compile(r"\\[^0-9A-Za-z\s]")


def _live(text: str) -> list[str]:
    """What Discord would still act upon, once escaped characters are letters."""
    bare = _ESCAPED.sub("x", text)
    return re.findall(r"[*_~`|<>\[\]#@\\]|://|^\s*[-+](?=\s)|^\d+\.|[\n\r\u2028\u2029]", bare)


@settings(max_examples=200)
@given(HOSTILE, st.integers(2, 300))
def test_plain_text_is_inert_on_one_line_and_short_enough(text: str, limit: int) -> None:
    shown = plain(text, limit)
    assert _live(shown) == []
    assert _units(shown) <= limit  # also says that it can be encoded
    assert not shown.endswith("\\…")
    assert not set(shown) & set("\u202e\u200b\x00\x1b")


@given(st.text(st.sampled_from("abc .,!?'“”한글日本é🎀×&")))
def test_ordinary_text_stays_as_it_is(text: str) -> None:
    words = " ".join(text.split())
    assert plain(text, 10_000).removeprefix("\\") == words


def test_what_stands_for_a_character_is_not_torn_apart() -> None:
    assert plain("👩\u200d👩\u200d👧", 100) == "👩\u200d👩\u200d👧"
    assert clip("🎀🎀🎀", 4) == "🎀…"  # a surrogate pair counts two and is never halved


@given(st.text(st.characters(exclude_categories=["Cs"])), st.integers(1, 50))
def test_clipped_text_is_the_beginning_and_says_that_it_was_cut(text: str, limit: int) -> None:
    short = clip(text, limit)
    assert _units(short) <= limit
    if short != text:
        assert _units(text) > limit
        assert short.endswith("…")
        assert text.startswith(short[:-1])


# ── addresses ─────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://example.com/a?b=c#d", "https://example.com/a?b=c#d"),
        (" https://example.com/a ", "https://example.com/a"),
        ("http://example.com", "http://example.com"),
        ("HTTPS://EXAMPLE.com/A", "https://example.com/A"),
        ("https://example.com/기사", "https://example.com/%EA%B8%B0%EC%82%AC"),
        ("https://한국.example/", "https://xn--3e0b707e.example/"),
        ("https://example.com/a_(b)", "https://example.com/a_%28b%29"),
        ("https://example.com/it's", "https://example.com/it%27s"),
        ("https://example.com/a b", "https://example.com/a%20b"),
        ("javascript:alert(1)", None),
        ("data:text/html,x", None),
        ("file:///etc/passwd", None),
        ("ftp://example.com/a", None),
        ("//example.com/a", None),
        ("example.com/a", None),
        ("https://user:pass@example.com/", None),
        ("https://user@example.com/", None),
        ("https://:pass@example.com/", None),
        ("https:///a", None),
        ("http://[broken", None),
        ("https://example.com:port/", None),
        ("https://example.com/" + "a" * 2048, None),
        ("", None),
    ],
)
def test_only_plain_web_addresses_are_linked(url: str, shown: str | None) -> None:
    assert web_address(url) == shown


@settings(max_examples=150)
@given(st.one_of(HOSTILE, st.text()).map(lambda t: f"https://example.com/{t}") | st.text())
def test_no_address_breaks_out_of_a_link(url: str) -> None:
    address = web_address(url)
    if address is not None:
        assert re.fullmatch(r"https?://[!-~]+", address)
        assert not set(address) & set("()<> '\n")
        assert len(address) <= 2048


# ── whole announcements ───────────────────────────────────────────────────────────────────────


def test_an_announcement_says_who_what_when_how_sure_and_where(roster: Roster) -> None:
    embed, buttons = _sent(_message(_report(image="https://example.com/i.jpg")), roster)
    assert embed["title"] == "Idol1 (GROUP1) × Idol2 (GROUP2)"
    assert embed["url"] == "https://example.com/1"
    assert embed["description"] == "**Idol1** and **Idol2** greeted each other.\n> “they bowed”"
    fields = {field["name"]: field["value"] for field in embed["fields"]}
    assert f"<t:{int(AT.timestamp())}:f>" in fields["When"]
    assert "2026-11-24 21:00 KST" in fields["When"]
    assert fields["When"].startswith("reported ")
    assert fields["How sure"] == "very sure (92%)"
    assert fields["Source"] == "[Title 1](https://example.com/1)\n— Outlet 1"
    assert embed["image"]["url"] == "https://example.com/i.jpg"
    read, why = buttons
    assert (read["url"], read["label"]) == ("https://example.com/1", "Read at Outlet 1")
    assert why["custom_id"] == why_id("m1")


async def test_the_buttons_wait_for_nobody(roster: Roster) -> None:
    """A view that is not finished would be kept in memory for every message."""
    _, view = announcement(_message(), roster)
    assert view.is_finished()


def test_every_kind_has_words(roster: Roster) -> None:
    assert set(WHAT) == set(Kind)
    for kind in Kind:
        embed, _ = _sent(_message(pairs=(_pair(kind=kind),)), roster)
        assert WHAT[kind] in embed["description"]


@pytest.mark.parametrize(
    ("confidence", "words"), [(0.9, "very sure"), (0.89, "fairly sure"), (0.74, "likely")]
)
def test_how_sure_is_said_in_words_and_as_a_number(
    confidence: float, words: str, roster: Roster
) -> None:
    embed, _ = _sent(_message(pairs=(_pair(confidence=confidence),)), roster)
    assert embed["fields"][1]["value"] == f"{words} ({confidence:.0%})"


def test_when_it_happened_goes_before_when_it_was_told(roster: Roster) -> None:
    happened = AT - timedelta(days=2)
    embed, _ = _sent(_message(pairs=(_pair(happened_at=happened),)), roster)
    assert embed["fields"][0]["value"].startswith(f"<t:{int(happened.timestamp())}:f>")


def test_an_upgrade_says_that_it_adds_to_a_story(roster: Roster) -> None:
    first, _ = _sent(_message(), roster)
    upgrade, _ = _sent(_message(step=Step.UPGRADE), roster)
    assert upgrade["description"] == f"New in this story: {first['description']}"


def test_several_pairs_are_told_one_by_one(roster: Roster) -> None:
    pairs = (_pair("i1", "i2"), _pair("i1", "i3", kind=Kind.PHOTO), _pair("i2", "i3"))
    message = _message(pairs=pairs)
    embed, _ = _sent(message, roster)
    assert embed["description"].count("\n> “they bowed”") == 3
    assert "**Idol1** and **Idol3** took a photo together." in embed["description"]
    assert title(message.items[0].story, roster) == (
        "Idol1 (GROUP1) · Idol2 (GROUP2) · Idol3 (GROUP3)"
    )


def test_ten_long_quotations_fit_without_tearing_the_text(roster: Roster) -> None:
    ids = [f"i{i}" for i in range(1, 9)]
    pairs = tuple(_pair(a, b, evidence="* " * 300) for n, a in enumerate(ids) for b in ids[n + 1 :])
    embed, _ = _sent(_message(pairs=pairs, step=Step.UPGRADE), roster)
    told, further = embed["description"].rsplit("\n", 1)
    assert told.endswith("”")
    assert told.count("\n> “") == 10
    assert len(re.findall(r"(?<!\\)\*\*", told)) == 4 * 10
    assert further.startswith("Also: Idol2 and Idol6; ")
    assert further.count(" and ") == 28 - 10


def test_the_official_report_leads_and_the_others_are_named_once(roster: Roster) -> None:
    reports = (
        _report(1, at=AT - timedelta(hours=3)),
        _report(2, official=True),
        _report(3, outlet="Outlet 1"),
        *(_report(i) for i in range(4, 12)),
    )
    embed, buttons = _sent(_message(*reports), roster)
    source = embed["fields"][2]["value"]
    assert source.startswith("[Title 2](https://example.com/2)\n— Outlet 2\n")
    assert source.endswith("also reported by Outlet 1, Outlet 4, Outlet 5, Outlet 6 and 5 more")
    assert buttons[0]["url"] == "https://example.com/2"


@pytest.mark.parametrize(
    "image",
    ["http://example.com/i.jpg", "javascript:x", "https://u:p@example.com/i.jpg", "", "i.jpg"],
)
def test_only_a_plain_https_image_is_shown(image: str, roster: Roster) -> None:
    embed, _ = _sent(_message(_report(image=image)), roster)
    assert "image" not in embed


@pytest.mark.parametrize("url", ["", "javascript:alert(1)", "https://u@example.com/", "http://[x"])
def test_a_report_without_a_usable_address_is_named_without_a_link(
    url: str, roster: Roster
) -> None:
    embed, buttons = _sent(_message(_report(url=url)), roster)
    assert "url" not in embed or embed["url"] is None
    assert embed["fields"][2]["value"] == "Title 1 — Outlet 1"
    assert [b.get("custom_id") for b in buttons] == [why_id("m1")]


def test_an_address_too_long_for_a_button_is_still_linked_in_the_text(roster: Roster) -> None:
    url = "https://example.com/" + "a" * 550
    embed, buttons = _sent(_message(_report(url=url)), roster)
    assert f"]({url})" in embed["fields"][2]["value"]
    assert len(buttons) == 1


def test_an_outlet_that_cannot_be_read_is_called_by_its_host(roster: Roster) -> None:
    _, buttons = _sent(_message(_report(outlet="\u200b\x00")), roster)
    assert buttons[0]["label"] == "Read at example.com"
    embed, _ = _sent(_message(_report(outlet="", title="\ud800", url="http://[x")), roster)
    assert embed["fields"][2]["value"] == "source"


def test_an_idol_that_left_the_roster_is_named_by_its_id(roster: Roster) -> None:
    embed, _ = _sent(_message(pairs=(_pair("gone", "i1"),)), roster)
    assert "no longer in the roster" in embed["title"]
    assert "**gone** and **Idol1**" in embed["description"]


@settings(max_examples=60, deadline=None)
@given(
    texts=st.lists(st.tuples(HOSTILE, HOSTILE, HOSTILE), min_size=1, max_size=8),
    evidence=st.lists(HOSTILE, min_size=1, max_size=20),
    long=st.sampled_from([1, 3, 40]),
    step=st.sampled_from(Step),
    token=st.text("abcdef0123456789", min_size=25, max_size=25),
)
def test_whatever_sources_wrote_the_message_is_one_that_discord_takes(
    roster: Roster,
    texts: list[tuple[str, str, str]],
    evidence: list[str],
    long: int,
    step: Step,
    token: str,
) -> None:
    reports = tuple(
        _report(n, outlet=outlet * long, title=headline * long, url=f"https://e.com/{path}")
        for n, (outlet, headline, path) in enumerate(texts)
    )
    ids = [f"i{i}" for i in range(1, 9)]
    couples = [(a, b) for n, a in enumerate(ids) for b in ids[n + 1 :]]
    pairs = tuple(
        _pair(a, b, evidence=said * long) for (a, b), said in zip(couples, evidence, strict=False)
    )
    (embed,), view = announcement(_message(*reports, pairs=pairs, step=step, number=token), roster)
    sent = embed.to_dict()
    values = [field["value"] for field in sent["fields"]]
    assert 0 < _units(sent["title"]) <= 256
    assert 0 < _units(sent["description"]) <= 4096
    assert all(0 < _units(value) <= 1024 for value in values)
    names = [field["name"] for field in sent["fields"]]
    parts = [sent["title"], sent["description"], sent["footer"]["text"], *names, *values]
    assert sum(map(_units, parts)) <= 6000
    buttons = [item for item in view.children if isinstance(item, discord.ui.Button)]
    assert [b.custom_id for b in buttons if b.url is None] == [why_id(token)]
    assert len(why_id(token)) <= 100
    for button in buttons:
        assert button.label is not None
        assert 0 < _units(button.label) <= 80
        assert button.url is None or len(button.url) <= 512
    quotes = re.findall(r"^> “(.*)”$", sent["description"], re.MULTILINE)
    assert [live for quote in quotes for live in _live(quote)] == []
    source = _ESCAPED.sub("x", values[2])
    source = re.sub(r"\]\(https?://[!-~]+\)", "", source).removeprefix("[")
    assert re.findall(r"[*_~`|<>\[\]#@\\]|://", source) == []


# ── what was taken back ───────────────────────────────────────────────────────────────────────


def _item(
    *reports: Report,
    pairs: tuple[StoryPair, ...] = (),
    back: tuple[StoryPair, ...] = (),
    step: Step = Step.FIRST,
    number: int = 0,
) -> Item:
    story = Story(
        id=f"story{number}",
        state=StoryState.LIVE if pairs else StoryState.WITHDRAWN,
        pairs=pairs,
        reports=reports or (_report(number),),
        first_seen=AT,
        last_seen=AT,
        revision=1,
    )
    return Item(step=step, story=story, taken_back=back)


def _of(*items: Item) -> Message:
    return Message(
        id="m1",
        guild_id=1,
        channel_id=2,
        items=items,
        first_attempt_at=AT,
        attempt=1,
        token=1,
    )


def test_a_withdrawn_story_says_so_first_and_shows_no_picture(roster: Roster) -> None:
    item = _item(_report(image="https://example.com/i.jpg"), back=(_pair(),))
    embed, buttons = _sent(_of(item), roster)
    assert embed["title"] == "Withdrawn: Idol1 (GROUP1) × Idol2 (GROUP2)"
    assert embed["description"] == (
        "~~**Idol1** and **Idol2** greeted each other.~~ Withdrawn: no source reports this now."
    )
    assert [f["name"] for f in embed["fields"]] == ["Source"]
    assert "image" not in embed
    assert [b["label"] for b in buttons] == ["Read at Outlet 1", "Why?"]


def test_a_pair_that_was_taken_back_stands_below_those_that_hold(roster: Roster) -> None:
    item = _item(pairs=(_pair(),), back=(_pair("i1", "i3"),))
    embed, _ = _sent(_of(item), roster)
    assert embed["title"] == "Idol1 (GROUP1) × Idol2 (GROUP2)"
    first, quote, second = embed["description"].split("\n")
    assert first == "**Idol1** and **Idol2** greeted each other."
    assert quote.startswith("> ")
    assert second.startswith("~~**Idol1** and **Idol3** greeted each other.~~ Withdrawn: ")


def test_a_correction_is_told_however_many_pairs_hold(roster: Roster) -> None:
    ids = [f"i{i}" for i in range(1, 8)]
    pairs = tuple(_pair(a, b) for n, a in enumerate(ids) for b in ids[n + 1 :])
    embed, _ = _sent(_of(_item(pairs=pairs, back=(_pair("i1", "i8"),))), roster)
    assert "~~**Idol1** and **Idol8** greeted each other.~~" in embed["description"]


# ── several stories in a message ──────────────────────────────────────────────────────────────


def test_stories_of_a_backlog_come_briefly_each_with_its_source(roster: Roster) -> None:
    items = (_item(pairs=(_pair(),), number=1), _item(pairs=(_pair("i3", "i4"),), number=2))
    embeds, view = announcement(_of(*items), roster)
    one, other = (e.to_dict() for e in embeds)
    assert one["title"] == "Idol1 (GROUP1) × Idol2 (GROUP2)"
    assert one["url"] == "https://example.com/1"
    assert one["description"] == (
        "**Idol1** and **Idol2** greeted each other.\n> “they bowed”\n— Outlet 1"
    )
    assert other["url"] == "https://example.com/2"
    assert "fields" not in one
    # No single button could lead to both.
    assert [b["label"] for b in view.to_components()[0]["components"]] == ["Why?"]


def test_an_address_that_two_stories_share_stands_once(roster: Roster) -> None:
    """Discord would unite the embeds and show one of the stories only."""
    weekly = _report(url="https://example.com/weekly")
    items = [_item(weekly, pairs=(_pair("i1", f"i{n}"),), number=n) for n in range(2, 5)]
    embeds, _ = announcement(_of(*items), roster)
    assert [e.url for e in embeds] == ["https://example.com/weekly", None, None]


def _people(pairs: Sequence[StoryPair]) -> set[str]:
    return {f"Idol{i[1:]}" for p in pairs for i in (p.pair.a, p.pair.b)}


def _parts(embed: dict[str, Any]) -> list[str]:
    fields = [part for f in embed.get("fields", ()) for part in (f["name"], f["value"])]
    footer = [embed["footer"]["text"]] if "footer" in embed else []
    return [embed["title"], embed["description"], *footer, *fields]


_EIGHT = [f"i{i}" for i in range(1, 9)]
_COUPLES = [(a, b) for n, a in enumerate(_EIGHT) for b in _EIGHT[n + 1 :]]
ITEMS = st.lists(
    st.builds(
        lambda texts, long, couples, said, held, step: _item(
            *(
                _report(n, outlet=o * long, title=t * long, url=f"https://e.com/{u}")
                for n, (o, t, u) in enumerate(texts)
            ),
            pairs=tuple(_pair(a, b, evidence=said * long) for a, b in couples[:held]),
            back=tuple(_pair(a, b, evidence=said * long) for a, b in couples[held:]),
            step=step,
        ),
        texts=st.lists(st.tuples(HOSTILE, HOSTILE, HOSTILE), min_size=1, max_size=3),
        long=st.sampled_from([1, 40]),
        couples=st.lists(st.sampled_from(_COUPLES), min_size=1, max_size=28, unique=True),
        said=HOSTILE,
        held=st.integers(0, 28),
        step=st.sampled_from(Step),
    ),
    min_size=1,
    max_size=10,
)


@settings(max_examples=80, deadline=None)
@given(items=ITEMS)
def test_whatever_ten_stories_say_they_are_one_message_that_discord_takes(
    roster: Roster, items: list[Item]
) -> None:
    embeds, view = announcement(_of(*items), roster)
    sent = [dict(e.to_dict()) for e in embeds]
    assert len(sent) == len(items)
    assert sum(_units(part) for embed in sent for part in _parts(embed)) <= 6000
    addresses = [e["url"] for e in sent if e.get("url")]
    assert len(addresses) == len(set(addresses))
    for embed, item in zip(sent, items, strict=True):
        assert 0 < _units(embed["title"]) <= 256
        assert 0 < _units(embed["description"]) <= 4096
        text = embed["description"]
        # Every person is named, or the further pairs are counted.
        everybody = _people((*item.story.pairs, *item.taken_back))
        unnamed = {p for p in everybody if p not in f"{embed['title']} {text}"}
        assert not unnamed or re.search(r"\d more pairs?", text), unnamed
        if not item.story.pairs:
            assert embed["title"].startswith("Withdrawn: ")
        if item.taken_back:
            assert "ithdrawn: " in text
        # What we format ourselves is whole, and the rest is inert.
        bare = _ESCAPED.sub("x", text)
        assert bare.count("**") % 4 == 0
        assert bare.count("~~") % 2 == 0
        ours = re.sub(r"\*\*Idol\d\*\*|~~|^> “", "", bare, flags=re.MULTILINE)
        assert re.findall(r"[*_~`|<>\[\]#@\\]|://", ours) == []
    assert [
        c.custom_id for c in view.children if isinstance(c, discord.ui.Button) and not c.url
    ] == [why_id("m1")]


def test_three_dozen_pairs_in_each_of_ten_stories_name_all_that_fit(roster: Roster) -> None:
    pairs = tuple(_pair(a, b, evidence="🎀" * 500) for a, b in _COUPLES)
    embeds, _ = announcement(_of(*(_item(pairs=pairs, number=n) for n in range(10))), roster)
    for embed in embeds:
        assert embed.description is not None
        assert "**Idol1** and **Idol2** greeted each other." in embed.description
        assert re.search(r"\d+ more pairs\n— Outlet", embed.description)
    assert sum(_units(f"{e.title}{e.description}") for e in embeds) <= 6000
