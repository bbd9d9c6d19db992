"""The sources file: what it may say, what it defaults to, and what is shipped."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from bot.domain.errors import ConfigError
from bot.domain.types import Source
from bot.seeds import load_seeds, load_sources
from bot.settings import SEEDS

Load = Callable[[str | bytes], list[Source]]
GOOD = '[[source]]\nid = "good"\nkind = "feed"\nurl = "https://example.com/feed"\n'


@pytest.fixture
def load(tmp_path: Path) -> Load:
    def loaded(text: str | bytes) -> list[Source]:
        file = tmp_path / "sources.toml"
        file.write_bytes(text if isinstance(text, bytes) else text.encode())
        return load_sources(file)

    return loaded


def test_a_source_needs_little(load: Load) -> None:
    assert load(GOOD) == [
        Source(id="good", kind="feed", url="https://example.com/feed", name="good", every=600)
    ]


def test_a_source_may_say_all(load: Load) -> None:
    (source,) = load(
        GOOD + 'name = "Good News"\nlang = "ko"\nevery = 60\nenabled = false\nofficial = true\n'
        'about_idols = true\ntz = "Asia/Seoul"\n'
    )
    assert source == Source(
        id="good",
        kind="feed",
        url="https://example.com/feed",
        name="Good News",
        lang="ko",
        every=60,
        enabled=False,
        official=True,
        about_idols=True,
        tz="Asia/Seoul",
    )


def test_sources_keep_their_order_and_there_may_be_none(load: Load) -> None:
    assert [s.id for s in load(GOOD.replace("good", "b") + GOOD.replace("good", "a"))] == ["b", "a"]
    assert load("") == []


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("source = [", ["TOML"]),
        (GOOD.encode("utf-16"), ["cannot be read"]),
        (GOOD.replace("[[", "[").replace("]]", "]"), ["[[source]]", "two brackets"]),
        (GOOD + "[[feed]]\nid = 1\n", ["feed", "[[source]]"]),
        ("source = 3\n", ["[[source]]"]),
        ('source = ["x"]\n', ["source number 1"]),
        (GOOD.replace('id = "good"\n', ""), ["source number 1", "id"]),
        (GOOD.replace('url = "https://example.com/feed"\n', ""), ["good", "url"]),
        (GOOD.replace('kind = "feed"\n', ""), ["good", "kind"]),
        (GOOD.replace('"good"', '"Not Good"'), ["Not Good", "id"]),
        (GOOD.replace('"good"', '""'), ["source number 1", "id"]),
        (GOOD.replace('"good"', "7"), ["7", "id"]),
        (GOOD + "every = 0\n", ["good", "every"]),
        (GOOD + 'every = "often"\n', ["good", "every"]),
        (GOOD + "every = 604801\n", ["good", "every"]),
        (GOOD + "enabled = 1\n", ["good", "enabled"]),
        (GOOD + "intervall = 5\n", ["good", "intervall"]),
        (GOOD.replace('"feed"', '"twitter"'), ["good", "kind", "'twitter'", "feed"]),
        (GOOD.replace("https://", "ftp://"), ["good", "url", "https://"]),
        (GOOD.replace("https://example.com/feed", ""), ["good", "url"]),
        (GOOD.replace("https://example.com/feed", "https:///feed"), ["good", "url"]),
        (GOOD.replace("https://example.com/feed", "http://[x"), ["good", "url"]),
        (GOOD + 'tz = "Seoul"\n', ["good", "tz", "'Seoul'", "Asia/Seoul"]),
        (GOOD + 'tz = ""\n', ["good", "tz"]),
        (GOOD + 'tz = "../../etc/passwd"\n', ["good", "tz"]),
        (GOOD + GOOD, ["good", "id", "twice"]),
    ],
)
def test_a_wrong_file_is_refused_with_source_and_field(
    text: str | bytes, named: list[str], load: Load
) -> None:
    with pytest.raises(ConfigError) as refused:
        load(text)
    (problem,) = refused.value.problems
    assert "sources.toml" in problem
    assert [word for word in named if word not in problem] == []


def test_all_problems_are_reported_at_once(load: Load) -> None:
    with pytest.raises(ConfigError) as refused:
        load(
            GOOD
            + 'tz = "Mars"\n'
            + GOOD.replace("feed", "web")
            + GOOD
            + "every = 0\n[extra]\nx = 1\n"
        )
    found = refused.value.problems
    assert len(found) == 5  # no such zone, kind, used twice, every, extra table
    assert all("sources.toml" in problem for problem in found)


def test_a_missing_file_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"CRUMBS_SOURCES.*absent\.toml cannot be read"):
        load_sources(tmp_path / "absent.toml")


# ── folders ───────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(("setting", "position"), [("CRUMBS_ROSTER", 0), ("CRUMBS_LEXICON", 1)])
def test_a_folder_without_files_names_the_setting(
    setting: str, position: int, tmp_path: Path
) -> None:
    folders = [SEEDS / "roster", SEEDS / "lexicon"]
    folders[position] = tmp_path
    with pytest.raises(ConfigError, match=setting):
        load_seeds(*folders)
    folders[position] = tmp_path / "absent"
    with pytest.raises(ConfigError, match=setting):
        load_seeds(*folders)


def test_a_file_that_is_not_text_is_named(tmp_path: Path) -> None:
    (tmp_path / "bad.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(ConfigError, match=r"CRUMBS_ROSTER.*bad\.toml"):
        load_seeds(tmp_path, SEEDS / "lexicon")


def test_problems_of_both_folders_are_reported_at_once(tmp_path: Path) -> None:
    for folder in ("roster", "lexicon"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / f"{folder}.toml").write_text("not toml")
    with pytest.raises(ConfigError) as refused:
        load_seeds(tmp_path / "roster", tmp_path / "lexicon")
    assert [p.split(":")[0] for p in refused.value.problems] == ["roster.toml", "lexicon.toml"]


# ── what is shipped ───────────────────────────────────────────────────────────────────────────


def test_a_lexicon_without_weights_is_refused(tmp_path: Path) -> None:
    (tmp_path / "en.toml").write_text('lang = "en"\n')
    with pytest.raises(ConfigError, match=r"no weights\.toml.*copy the one"):
        load_seeds(SEEDS / "roster", tmp_path)


def test_the_shipped_seeds_load() -> None:
    loaded = load_seeds(SEEDS / "roster", SEEDS / "lexicon")
    assert loaded.roster.idols
    assert set(loaded.lexicon.languages) >= {"en", "ko", "ja", "zh", "es", "id", "pt"}
    assert loaded.lexicon.anchors


def test_the_shipped_sources_load_and_some_are_on() -> None:
    sources = load_sources(SEEDS / "sources.toml")
    assert any(s.enabled for s in sources)
    assert {s.url.split(":")[0] for s in sources} == {"https"}


def test_every_demo_source_has_its_file() -> None:
    sources = load_sources(SEEDS / "demo" / "sources.toml")
    served = {path.name for path in (SEEDS / "demo").glob("*.xml")}
    assert {s.url.rsplit("/", 1)[1] for s in sources} == served
