"""Stories as Discord embeds, within Discord's limits whatever a source has written.

Everything that comes from a source is hostile until it has gone through `plain`: it can neither
format, link, mention nor reverse the text around it.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from zoneinfo import ZoneInfo

import discord
from yarl import URL

from bot.domain.roster import Roster
from bot.domain.types import Item, Kind, Message, Report, Step, Story, StoryPair

# https://discord.com/developers/docs/resources/message#embed-object-embed-limits, counted here in
# UTF-16 units, the strictest reading of "characters".
TITLE = 256
DESCRIPTION = 4096
FIELD = 1024
FIELDS = 25
LINK = 512  # of a button
#: Pairs told one by one; further ones are only named.
PAIRS = 10
#: Reports named one by one; more are counted.
SOURCES = 5
#: UTF-16 units of all embeds of a message.
TOTAL = 6000
_ACCENT = discord.Colour(0xF4A7B9)
_WITHDRAWN = discord.Colour(0x99AAB5)
_SEOUL = ZoneInfo("Asia/Seoul")

#: What happened, after "A and B".
WHAT = {
    Kind.GREETING: "greeted each other",
    Kind.CONVERSATION: "talked with each other",
    Kind.PHYSICAL: "shared a friendly gesture",
    Kind.PHOTO: "took a photo together",
    Kind.COLLABORATION: "worked together",
    Kind.CHALLENGE: "did a challenge together",
    Kind.SOCIAL_MEDIA: "interacted on social media",
    Kind.HOSTING: "hosted together",
    Kind.GIFT: "exchanged a gift",
    Kind.SHOUT_OUT: "shared a shout-out",
    Kind.FRIENDSHIP: "spent time as friends",
    Kind.REACTION: "shared a moment: one reacted to the other's stage",
    Kind.CO_APPEARANCE: "appeared together",
    Kind.DATING_RUMOUR: "were the subject of dating news",
    Kind.OTHER: "had a moment together",
}

_MARKS = re.compile(r"([\\*_~`|<>\[\]()#:@])")
#: What makes a line an item of a list: "- a", "1. a".
_ITEM = re.compile(r"^(\d*)([-+.])")
_HIDDEN = {"Cc", "Cf", "Co", "Cs", "Cn"}


def plain(text: str, limit: int) -> str:
    """A source's text as inert Discord text of at most `limit` UTF-16 units, on one line."""
    return clip(_ITEM.sub(r"\1\\\2", _MARKS.sub(r"\\\1", _line(text))), limit)


def _line(text: str) -> str:
    """A source's text on one line, without what cannot be seen."""
    visible = "".join(
        " " if c.isspace() else c
        for c in text
        if c.isspace() or c == "\u200d" or unicodedata.category(c) not in _HIDDEN
    )
    return " ".join(visible.split())


def clip(text: str, limit: int) -> str:
    """At most `limit` UTF-16 units, ending in "…" where something was cut."""
    if len(text) <= limit and _units(text) <= limit:
        return text
    kept = text[: limit - 1]
    while _units(kept) > limit - 1:
        kept = kept[:-1]
    return kept.rstrip().rstrip("\\") + "…"


def _units(text: str) -> int:
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def web_address(url: str, limit: int = 2048) -> str | None:
    """An http(s) address in pure ASCII that Discord takes, or None."""
    try:
        parsed = URL(url.strip())
    except ValueError:
        return None
    if parsed.scheme not in {"http", "https"} or not parsed.host or parsed.user or parsed.password:
        return None
    address = str(parsed).replace("(", "%28").replace(")", "%29").replace("'", "%27")
    return address if address.isascii() and len(address) <= limit else None


def announcement(message: Message, roster: Roster) -> tuple[list[discord.Embed], discord.ui.View]:
    """The embeds of a message, one for each story, and its buttons.

    The message's id stands in a button's `custom_id`, by which a later look at the channel finds
    it. The view is finished, so that the client does not keep it in memory.
    """
    if len(message.items) == 1:
        embeds = [_embed(message.items[0], roster)]
    else:
        embeds = [_brief(i, TOTAL // len(message.items), roster) for i in message.items]
        _unite_no_embeds(embeds)
    view = discord.ui.View(timeout=None)
    lead = message.items[0].story.lead
    address = web_address(lead.url, LINK)
    if address and len(embeds) == 1:  # the others link their sources in their headings
        view.add_item(discord.ui.Button(label=f"Read at {clip(_label(lead), 60)}", url=address))
    view.add_item(discord.ui.Button(label="Why?", custom_id=why_id(message.id)))
    view.stop()
    return embeds, view


def why_id(message_id: str) -> str:
    """The `custom_id` of a message's "Why?" button."""
    return f"why:{message_id}"


def _embed(item: Item, roster: Roster) -> discord.Embed:
    story, lead = item.story, item.story.lead
    embed = discord.Embed(
        title=clip(_headline(item, roster), TITLE),
        url=web_address(lead.url),
        colour=_ACCENT if story.pairs else _WITHDRAWN,
    )
    embed.description = _told(item, roster, DESCRIPTION)
    if story.pairs:
        embed.add_field(name="When", value=_when(story), inline=True)
        embed.add_field(name="How sure", value=_how_sure(story.pairs), inline=True)
    embed.add_field(name="Source", value=_sources(story.reports, lead), inline=False)
    image = web_address(lead.image) if lead.image.startswith("https://") else None
    if image and story.pairs:
        embed.set_image(url=image)
    embed.set_footer(text="Crumbs")
    return embed


def _brief(item: Item, room: int, roster: Roster) -> discord.Embed:
    """One story of several in a message, in at most `room` UTF-16 units altogether."""
    lead = item.story.lead
    heading = clip(_headline(item, roster), min(TITLE, room // 3))
    source = clip(f"\n— {plain(_label(lead), 60)}", room // 6)
    told = _told(item, roster, room - _units(heading) - _units(source))
    return discord.Embed(
        title=heading,
        url=web_address(lead.url),
        colour=_ACCENT if item.story.pairs else _WITHDRAWN,
        description=told + source,
        timestamp=lead.at,
    )


def _unite_no_embeds(embeds: Sequence[discord.Embed]) -> None:
    """Discord makes one of embeds that share an address; let each address stand once."""
    seen: set[str] = set()
    for embed in embeds:
        if embed.url in seen:
            embed.url = None
        elif embed.url:
            seen.add(embed.url)


def _headline(item: Item, roster: Roster) -> str:
    if item.story.pairs:
        return title(item.story, roster)
    return f"Withdrawn: {title(replace(item.story, pairs=item.taken_back), roster)}"


def _told(item: Item, roster: Roster, limit: int) -> str:
    """What happened, pair by pair, and what turned out not to have, in whole lines.

    Every pair is told before any is quoted; what a correction takes back comes before all else.
    """
    again = "New in this story: " if item.step is Step.UPGRADE and item.story.pairs else ""
    back = list(item.taken_back[:PAIRS])
    pairs = list(item.story.pairs[: PAIRS - len(back)])
    while True:
        lines = [_claim(p, roster) for p in pairs]
        lines += [f"~~{_claim(p, roster)}~~ Withdrawn: no source reports this now." for p in back]
        lines += _in_short("Also: ", item.story.pairs[len(pairs) :], roster, limit // 3)
        lines += _in_short("Also withdrawn: ", item.taken_back[len(back) :], roster, limit // 3)
        left = limit - _units(again + "\n".join(lines))
        if left >= 0 or not (pairs or back):
            break
        (pairs or back).pop()
    room = min(400, left // max(len(pairs), 1))
    for number, pair in enumerate(pairs):
        lines[number] += _quote(pair, room)
    return clip(again + "\n".join(lines), limit)


def _in_short(word: str, pairs: Sequence[StoryPair], roster: Roster, limit: int) -> list[str]:
    """Further pairs on one line, by name only; those that do not fit are counted."""
    if not pairs:
        return []
    names = [" and ".join(_name(i, roster) for i in (p.pair.a, p.pair.b)) for p in pairs]
    while _units(word + "; ".join(names)) > limit - 24 and names:  # room for "and 1,234 more pairs"
        names.pop()
    more = len(pairs) - len(names)
    if more:
        names.append(f"{more} more pair{'s' * (more != 1)}")
    return [word + "; ".join(names)]


def title(story: Story, roster: Roster) -> str:
    """Who × who, with their groups: "Jisoo (BLACKPINK) × Mingyu (SEVENTEEN)"."""
    at = story.first_seen.date()
    if len(story.pairs) == 1:
        pair = story.pairs[0].pair
        return f"{roster.label(pair.a, at)} × {roster.label(pair.b, at)}"
    people = dict.fromkeys(i for p in story.pairs for i in (p.pair.a, p.pair.b))
    return " · ".join(roster.label(i, at) for i in people)


def _quote(pair: StoryPair, room: int) -> str:
    """The words that say so, on a line of their own; none where they would be a mere scrap."""
    around = "\n> “”"
    said = plain(pair.evidence, room - len(around)) if room > len(around) + 20 else ""
    return f"\n> “{said}”" if said else ""


def _claim(pair: StoryPair, roster: Roster) -> str:
    names = [_name(i, roster) for i in (pair.pair.a, pair.pair.b)]
    return f"**{names[0]}** and **{names[1]}** {WHAT[pair.kind]}."


def _name(idol_id: str, roster: Roster) -> str:
    idol = roster.idols.get(idol_id)
    return idol.name if idol else idol_id


def _when(story: Story) -> str:
    happened = [p.happened_at for p in story.pairs if p.happened_at is not None]
    at: datetime = min(happened) if happened else story.first_seen
    word = "" if happened else "reported "
    korea = at.astimezone(_SEOUL).strftime("%Y-%m-%d %H:%M KST")
    return f"{word}{discord.utils.format_dt(at, 'f')} ({discord.utils.format_dt(at, 'R')})\n{korea}"


def _how_sure(pairs: Sequence[StoryPair]) -> str:
    best = max(p.confidence for p in pairs)
    word = "very sure" if best >= 0.9 else "fairly sure" if best >= 0.75 else "likely"
    return f"{word} ({best:.0%})"


def _sources(reports: Sequence[Report], lead: Report) -> str:
    others = [r for r in reports if r.post_id != lead.post_id]
    lines = [_source(lead)]
    outlets = dict.fromkeys(_label(r) for r in others if _label(r) != _label(lead))
    if outlets:
        named = ", ".join(plain(o, 60) for o in list(outlets)[: SOURCES - 1])
        more = len(outlets) - (SOURCES - 1)
        lines.append(f"also reported by {named}" + (f" and {more} more" if more > 0 else ""))
    return clip("\n".join(lines), FIELD)


def _source(report: Report) -> str:
    outlet = plain(_label(report), 80)
    headline = plain(report.title, 200)
    if address := web_address(report.url, 600):
        return f"[{headline or outlet}]({address})\n— {outlet}"
    return f"{headline} — {outlet}" if headline else outlet


def _label(report: Report) -> str:
    address = web_address(report.url)
    return _line(report.outlet) or (address and URL(address).host) or "source"
