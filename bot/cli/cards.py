"""Announcements and verdicts drawn in a terminal, from the very embeds that Discord would get."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime

import discord
from rich.box import Box
from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.text import Text

from bot.domain.roster import Roster
from bot.domain.types import Interaction, Judgement, Pair, Post, Tier

_EDGE = Box("┃   \n┃   \n┃   \n┃   \n┃   \n┃   \n┃   \n┃   \n")
_TIME = re.compile(r"<t:(-?\d+):(\w)>")
_LINK = re.compile(r"\[((?:\\.|[^\]\\])*)\]\((\S+?)\)")
_ESCAPE = re.compile(r"\\([\\*_~`|<>\[\]()#:@])")


def verdict(post: Post, judgement: Judgement, roster: Roster) -> RenderableType:
    """One post as it flows by: its outlet and title, and what became of each pair."""
    head = Text.assemble(
        (f"{post.outlet or post.source_id}  ", "bold"), post.title or post.text[:90]
    )
    lines: list[Text] = [head]
    for v in judgement.verdicts:
        if isinstance(v, Interaction):
            style = "green" if v.tier is Tier.ANNOUNCE else "yellow"
            what = f"{v.kind.replace('_', ' ')}, {v.tier}, {v.confidence:.0%} sure"
            lines.append(Text(f"  ✓ {_pair(v.pair, roster, post)}: {what}", style=style))
        else:
            who = f"{_pair(v.pair, roster, post)}: " if v.pair else ""
            detail = f" ({v.detail})" if v.detail else ""
            lines.append(Text(f"  ✗ {who}{v.reason.replace('_', ' ')}{detail}", style="red"))
    if not judgement.verdicts:
        named = ", ".join(dict.fromkeys(roster.idols[m.idol_id].name for m in judgement.mentions))
        lines.append(
            Text(f"  · no pair here{f'; names only {named}' if named else ''}", style="dim")
        )
    return Group(*lines)


def _pair(pair: Pair, roster: Roster, post: Post) -> str:
    at = post.at.date()
    return f"{roster.label(pair.a, at)} × {roster.label(pair.b, at)}"


def card(embed: discord.Embed, buttons: Sequence[str], *, to: str) -> RenderableType:
    """An embed as Discord would show it."""
    parts: list[RenderableType] = []
    if embed.title:
        parts.append(Text(embed.title, style=f"bold link {embed.url}" if embed.url else "bold"))
    if embed.description:
        parts.append(_markdown(embed.description))
    parts += [
        Text.assemble("\n", (field.name or "", "bold"), "\n", _markdown(field.value or ""))
        for field in embed.fields
    ]
    if embed.image.url:
        parts.append(Text(f"\n[picture] {embed.image.url}", style="dim"))
    if embed.footer.text:
        parts.append(Text(f"\n{embed.footer.text}", style="dim"))
    colour = embed.colour or discord.Colour.blurple()
    body = Panel(Group(*parts), box=_EDGE, border_style=str(colour), padding=(0, 1), width=80)
    below = Text("  ".join(f"[ {b} ]" for b in buttons), style="cyan")
    return Group(Text(f"Crumbs  BOT  → {to}", style="bold"), body, below)


def _markdown(text: str) -> Text:
    """The little Markdown that the embeds use: links, bold, quotes, times."""
    text = _TIME.sub(lambda m: _time(int(m[1]), m[2]), text)
    out = Text()
    at = 0
    for link in _LINK.finditer(text):
        out.append_text(_bold(text[at : link.start()]))
        out.append(_ESCAPE.sub(r"\1", link[1]), style=f"blue underline link {link[2]}")
        at = link.end()
    return out.append_text(_bold(text[at:]))


def _bold(text: str) -> Text:
    out = Text()
    for i, part in enumerate(text.split("**")):
        out.append(_ESCAPE.sub(r"\1", part), style="bold" if i % 2 else "")
    return out


def _time(seconds: int, style: str) -> str:
    at = datetime.fromtimestamp(seconds).astimezone()
    if style != "R":
        return at.strftime("%d %B %Y %H:%M")
    minutes = max(0, round((datetime.now().astimezone() - at).total_seconds() / 60))
    return f"{minutes} minutes ago" if minutes < 120 else f"{minutes // 60} hours ago"
