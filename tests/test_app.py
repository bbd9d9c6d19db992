"""The whole bot as a real process: Discord's stand-in on one side, a web server on the other."""

from __future__ import annotations

import asyncio
import signal
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.processes import bot, environment, rss, stop, web_server
from tests.standin import StandIn, faults

SEED_TITLE = "BLACKPINK's Jisoo and SEVENTEEN's Mingyu all over social media"
SEED_TEXT = (
    "BLACKPINK's Jisoo and SEVENTEEN's Mingyu are the talk of fans after the Dior show in Paris. "
    "In a video shared by an attendee on social media, Jisoo and Mingyu are seen bowing to each "
    "other."
)


@dataclass
class World:
    """A server with a channel, a moderator, a feed, and what the bot needs to know of them."""

    api: StandIn
    channel: object
    mod: object
    feed: Path
    env: dict[str, str]
    folder: Path


@asynccontextmanager
async def world(tmp_path: Path) -> AsyncIterator[World]:
    site = tmp_path / "site"
    site.mkdir()
    feed = site / "feed.xml"
    feed.write_text(rss(("old", "Nothing yet", "Weather.")), "utf-8")
    async with StandIn() as api, web_server(site) as address:
        guild = api.add_guild("Twosome")
        channel = guild.add_text_channel("crumbs")
        mod = guild.add_member(
            "mod", permissions=["view_channel", "send_messages", "manage_channels"]
        )
        sources = tmp_path / "sources.toml"
        sources.write_text(
            f'[[source]]\nid = "outlet"\nkind = "feed"\nurl = "{address}/feed.xml"\n'
            'lang = "en"\nevery = 1\nenabled = true\n'
        )
        env = environment(
            DISCORD_TOKEN=api.token,
            CRUMBS_DISCORD_API_URL=api.api_url,
            CRUMBS_DATABASE_URL=f"sqlite:///{tmp_path}/crumbs.db",
            CRUMBS_SOURCES=str(sources),
            CRUMBS_FETCH_ALLOW="127.0.0.1",
            CRUMBS_TICK_SECONDS="0.2",
            CRUMBS_HOLD_SECONDS="0",
            CRUMBS_LOG_FORMAT="json",
        )
        yield World(api, channel, mod, feed, env, tmp_path)


async def until(condition: Callable[[], bool], seconds: float = 20.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            pytest.fail("it did not happen in time")
        await asyncio.sleep(0.05)


def sends(w: World) -> list[object]:
    return [r for r in w.api.ledger.requests if r.method == "POST" and r.path.endswith("/messages")]


def publish(w: World) -> None:
    new = w.feed.with_suffix(".new")
    new.write_text(rss(("bow", SEED_TITLE, SEED_TEXT), ("old", "Nothing yet", "Weather.")), "utf-8")
    new.replace(w.feed)  # at once: a poll never sees half of it


async def test_a_typed_pair_and_a_published_post_make_exactly_one_message(tmp_path: Path) -> None:
    async with world(tmp_path) as w, bot(w.env, w.folder) as child:
        await w.api.wait_ready()
        answer = await w.mod.command(w.channel, "pair", first="jisoo", second="mingyu")
        assert answer.ephemeral
        assert "Jisoo (BLACKPINK)" in answer.content
        assert "Mingyu (SEVENTEEN)" in answer.content
        publish(w)
        await until(lambda: len(w.api.ledger.messages(w.channel)) > 0)
        await asyncio.sleep(3)  # some more polls of the same feed
        [message] = w.api.ledger.messages(w.channel)
        [embed] = message.embeds
        assert embed["title"] == "Jisoo (BLACKPINK) × Mingyu (SEVENTEEN)"
        assert embed["url"] == "https://outlet.example/bow"
        ids = [c.get("custom_id", "") for row in message.components for c in row["components"]]
        assert f"why:{message.nonce}" in ids
        output = await stop(child)
        assert child.returncode == 0, output
        assert "Traceback" not in output


async def test_killed_between_send_and_mark_there_is_still_one_message(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        async with bot(w.env, w.folder) as child:
            await w.api.wait_ready()
            await w.mod.command(w.channel, "pair", first="jisoo", second="mingyu")
            # Discord takes the message, but its answer does not arrive before the process dies.
            w.api.faults.on(
                "POST",
                "/channels/{id}/messages",
                do=faults.Slow(30.0),
                times=1,
            )
            publish(w)
            await until(lambda: len(w.api.ledger.messages(w.channel)) == 1)
            child.kill()
            await child.wait()
        async with bot(w.env, w.folder) as child:
            await until(lambda: len(sends(w)) >= 2)
            await asyncio.sleep(2)
            assert len(w.api.ledger.messages(w.channel)) == 1
            assert (await stop(child)).count("Traceback") == 0


async def test_a_second_bot_on_the_same_database_is_refused_with_a_sentence(
    tmp_path: Path,
) -> None:
    async with world(tmp_path) as w, bot(w.env, w.folder):
        await w.api.wait_ready()
        async with bot(w.env, w.folder) as second:
            output, _ = await asyncio.wait_for(second.communicate(), 20)
        assert second.returncode == 3
        assert b"Another Crumbs is sending from" in output
        assert b"Traceback" not in output


@pytest.mark.parametrize(
    ("setting", "value", "sentence"),
    [
        ("DISCORD_TOKEN", None, "DISCORD_TOKEN is not set"),
        ("DISCORD_TOKEN", "not.a.token", "Discord refuses it"),
        ("CRUMBS_TICK_SECONDS", "soon", "CRUMBS_TICK_SECONDS"),
        ("CRUMBS_SOURCES", "missing.toml", "CRUMBS_SOURCES: missing.toml cannot be read"),
        ("CRUMBS_DATABASE_URL", "mysql://x", "CRUMBS_DATABASE_URL"),
    ],
)
async def test_a_wrong_setting_is_a_sentence_and_exit_code_3(
    tmp_path: Path, setting: str, value: str | None, sentence: str
) -> None:
    async with world(tmp_path) as w:
        env = {k: v for k, v in w.env.items() if k != setting}
        if value is not None:
            env[setting] = value
        async with bot(env, w.folder) as child:
            output, _ = await asyncio.wait_for(child.communicate(), 20)
        assert child.returncode == 3, output
        assert sentence in output.decode()
        assert "Traceback" not in output.decode()
        assert "not.a.token" not in output.decode()


async def test_malformed_gateway_events_do_not_end_the_bot(tmp_path: Path) -> None:
    async with world(tmp_path) as w, bot(w.env, w.folder) as child:
        await w.api.wait_ready()
        await w.mod.command(w.channel, "pair", first="jisoo", second="mingyu")
        for event, data in (
            ("CHANNEL_CREATE", {"id": "1", "type": 0}),
            ("GUILD_CREATE", {"name": "no id"}),
            ("INTERACTION_CREATE", None),
        ):
            w.api.gateway.dispatch_raw(event, data)
            await asyncio.sleep(3)
            await w.api.wait_ready()
        publish(w)
        await until(lambda: len(w.api.ledger.messages(w.channel)) == 1)
        answer = await w.mod.command(w.channel, "pairs")
        assert "Jisoo" in str(answer.embeds)
        await stop(child)
        assert child.returncode == 0


@pytest.mark.parametrize("trouble", ["refuses", "is silent"])
async def test_announcements_arrive_while_the_gateway(tmp_path: Path, trouble: str) -> None:
    async with world(tmp_path) as w:
        async with bot(w.env, w.folder) as child:
            await w.api.wait_ready()
            await w.mod.command(w.channel, "pair", first="jisoo", second="mingyu")
            w.api.gateway.abort()
            if trouble == "refuses":
                w.api.gateway.refusing = True
            else:
                w.api.gateway.hold()
            publish(w)
            await until(lambda: len(w.api.ledger.messages(w.channel)) == 1)
            assert not w.api.gateway.ready.is_set()
            await stop(child)
            assert child.returncode == 0
        w.feed.write_text(rss(("old", "Nothing yet", "Weather.")), "utf-8")
        async with bot(w.env, w.folder) as child:  # nor does it need the gateway to start
            publish(w)
            await asyncio.sleep(3)
            assert child.returncode is None
            w.api.gateway.refusing = False
            w.api.gateway.release()
            await w.api.wait_ready(30)
            answer = await w.mod.command(w.channel, "pairs")
            assert "Jisoo" in str(answer.embeds)
            assert len(w.api.ledger.messages(w.channel)) == 1
            await stop(child)
            assert child.returncode == 0


async def test_the_roster_is_reloaded_on_sighup_and_kept_when_it_is_wrong(tmp_path: Path) -> None:
    roster = tmp_path / "roster"
    roster.mkdir()
    entry = (
        '[[group]]\nid = "{g}"\nname = "{G}"\n[[idol]]\nid = "{g}.{n}"\nname = "{N}"\n'
        'born = 1999-01-01\nprior = 0.9\nmember = [{{ group = "{g}", since = 2015-01-01 }}]\n'
    )
    (roster / "a.toml").write_text(entry.format(g="alpha", G="ALPHA", n="aiko", N="Aiko"))
    async with world(tmp_path) as w:
        async with bot({**w.env, "CRUMBS_ROSTER": str(roster)}, w.folder) as child:
            await w.api.wait_ready()
            suggest = ("pair", "first", "bettina")
            assert await w.mod.autocomplete(w.channel, *suggest) == []
            (roster / "b.toml").write_text(
                entry.format(g="beta", G="BETA", n="bettina", N="Bettina")
            )
            child.send_signal(signal.SIGHUP)
            choices: list[dict[str, str]] = []
            for _ in range(100):
                choices = await w.mod.autocomplete(w.channel, *suggest)
                if choices:
                    break
                await asyncio.sleep(0.1)
            assert choices == [{"name": "Bettina (BETA)", "value": "beta.bettina"}]
            (roster / "b.toml").write_text("[[idol]]\nnmae = 1\n")
            child.send_signal(signal.SIGHUP)
            await asyncio.sleep(2)
            assert await w.mod.autocomplete(w.channel, *suggest) == choices
            output = await stop(child)
        assert "b.toml" in output
        assert "not reloaded" in output


async def test_commands_are_registered_once_and_again_only_when_they_change(
    tmp_path: Path,
) -> None:
    async with world(tmp_path) as w:
        for _ in range(2):
            async with bot(w.env, w.folder) as child:
                await w.api.wait_ready()
                await stop(child)
        puts = [r for r in w.api.ledger.requests if r.method == "PUT"]
        assert len(puts) == 1
