"""The client of the query service, over real HTTP on loopback, well and badly answered."""

import asyncio
import json
import time
from datetime import date
from urllib.parse import urlencode

import pytest

from bot.domain import roster
from bot.domain.roster_refresh import Kind
from bot.seeds import load_seeds
from bot.settings import SEEDS
from bot.sources import wikidata
from bot.sources.http import MAX_BYTES, Fetcher
from bot.sources.wikidata import BATCH, Found, Wikidata, read_items, read_stints
from tests import wikidata as service
from tests.sources.conftest import USER_AGENT
from tests.wikidata import SOME, Service, answer, document, group, none, person, stint, uri

LUMEN = '[[group]]\nid = "lumen"\nname = "LUMEN"\nko = ["루멘"]\n'
MANY = "".join(
    f'[[group]]\nid = "g{n:02}"\nname = "Group {n:02}"\nko = ["그룹{n:02}"]\n' for n in range(40)
)


@pytest.fixture
def held():
    held = Service()
    held.groups = group("Q10", ("en", "Lumen"), ("ko", "루멘"))
    held.stints = [stint("Q10", "Q1", "2020-01-02")]
    held.people = person("Q1", ("label", "en", "Ara"), ("label", "ko", "아라"), born="2001-06-02")
    return held


@pytest.fixture
async def ask(held, fetcher, cleanup):
    """`await ask()` asks for the groups of a roster; gives what was found and what was told."""
    endpoint = await cleanup.enter_async_context(held.running())

    async def start(text=LUMEN, *, by=fetcher, **pace):
        people = roster.load({"test.toml": text})
        found, told = Found(), []
        client = Wikidata(by, endpoint=endpoint, tell=told.append, **{"gap": 0, "wait": 0, **pace})
        await client.ask(people, list(people.groups), found)
        return found, told

    return start


# ── what it asks ──────────────────────────────────────────────────────────────────────────────


async def test_a_group_is_found_with_its_people(ask, held):
    found, told = await ask()
    assert found.known == {"lumen": "Q10"}
    [one] = found.stints
    assert (one.group, one.person, one.since, one.until) == ("Q10", "Q1", date(2020, 1, 2), None)
    assert not one.ended
    assert found.people["Q1"].born == date(2001, 6, 2)
    assert {n.text for n in found.people["Q1"].names} == {"Ara", "아라"}
    assert (found.asked, found.problems) == (["lumen"], [])
    assert told == ["1 of 1 groups asked"]


async def test_it_says_who_it_is_and_what_it_reads(ask, held):
    await ask()
    for request in held.requests:
        assert request.method == "GET"
        assert request.headers["User-Agent"] == USER_AGENT
        assert request.headers["Accept"] == service.MEDIA_TYPE


async def test_names_are_written_as_sparql_and_asked_in_the_cases_that_occur(ask, held):
    text = LUMEN.replace('"LUMEN"', r'"aB\"c\\ $"')
    await ask(text)
    [query] = held.queries
    for name in ("aB", "AB", "Ab"):
        assert rf'"{name}\"' in query
    assert r'\"c\\ $"@en' in query
    assert r'\"c\\ $"@mul' in query
    assert '"루멘"@ko' in query
    assert "\n" not in query


async def test_nothing_known_is_asked_no_further(ask, held):
    held.groups = []
    found, _ = await ask()
    assert len(held.requests) == 1
    assert (found.asked, found.known, found.stints) == (["lumen"], {}, [])
    assert [f.kind for f in found.unclear] == [Kind.UNCLEAR]


async def test_a_group_without_members_is_asked_no_further(ask, held):
    held.stints = []
    found, _ = await ask()
    assert len(held.requests) == 2
    assert (found.known, found.people) == ({"lumen": "Q10"}, {})


async def test_groups_are_asked_in_batches_with_a_pause_and_one_at_a_time(ask, held):
    held.groups = []
    before = time.monotonic()
    found, told = await ask(MANY, gap=0.1)
    assert len(held.requests) == -(-40 // BATCH)
    assert time.monotonic() - before >= 0.1 * len(held.requests)
    assert found.asked == [f"g{n:02}" for n in range(40)]
    assert told == ["15 of 40 groups asked", "30 of 40 groups asked", "40 of 40 groups asked"]


async def test_people_are_asked_once_and_not_too_many_at_a_time(ask, held):
    held.stints = [stint("Q10", f"Q{n}") for n in range(1, 251)] * 2
    await ask()
    asked = [query.count("wd:Q") for query in held.queries[2:]]
    assert asked == [200, 50]


def test_every_query_for_the_shipped_roster_fits_into_an_address():
    people = load_seeds(SEEDS / "roster", SEEDS / "lexicon").roster
    ids = list(people.groups)
    for batch in wikidata._slices(ids, BATCH):
        names = " ".join(n for g in batch for n in wikidata._names(people.groups[g]))
        query = " ".join(wikidata._GROUPS.split()).replace("$", names)
        assert len(f"{wikidata.ENDPOINT}?{urlencode({'query': query, 'format': 'json'})}") < 8000
    most = " ".join(f"wd:Q{10**9 + n}" for n in range(wikidata._PEOPLE))
    query = " ".join(wikidata._NAMES_OF_PEOPLE.split()).replace("$", most)
    assert len(f"{wikidata.ENDPOINT}?{urlencode({'query': query, 'format': 'json'})}") < 8000


# ── what goes wrong ───────────────────────────────────────────────────────────────────────────


async def test_the_wait_that_is_asked_for_is_kept(ask, held):
    held.faults = [answer(429, Retry_After="1")]
    before = time.monotonic()
    found, told = await ask()
    assert time.monotonic() - before >= 1
    assert found.known == {"lumen": "Q10"}
    assert "asks us to wait (status 429). Trying again in 1 seconds." in told[0]


async def test_without_a_word_of_how_long_it_waits_its_own_time(ask, held):
    held.faults = [answer(429)]
    before = time.monotonic()
    found, _ = await ask(wait=0.3)
    assert time.monotonic() - before >= 0.3
    assert found.asked == ["lumen"]


async def test_whoever_is_to_wait_for_long_stops_and_keeps_what_there_is(ask, held):
    held.groups = []
    held.faults = [none, answer(429, Retry_After="86400")]
    found, _ = await ask(MANY)
    assert found.asked == [f"g{n:02}" for n in range(15)]
    assert len(held.requests) == 2
    [problem] = found.problems
    assert "status 429" in problem


async def test_whoever_is_refused_stops(ask, held):
    held.faults = [answer(403)]
    found, _ = await ask(MANY)
    assert len(held.requests) == 1
    assert found.asked == []
    assert "refuses us (status 403)" in found.problems[0]


@pytest.mark.parametrize(
    ("fault", "sentence"),
    [
        (answer(500, "java.util.concurrent.TimeoutException"), "trouble of its own (status 500)"),
        (answer(400, "MalformedQueryException"), "status 400"),
        (answer(200, "<!DOCTYPE html><title>Wikimedia Error</title>"), "SPARQL results in JSON"),
        (answer(200, ""), "SPARQL results in JSON"),
        (answer(200, json.dumps(document([{"item": uri("Q1")}]))[:-9]), "SPARQL results in JSON"),
        (answer(200, b'{"results": {"bindings": [{"item": {"type": "\xff"'), "SPARQL results"),
        (answer(200, '{"head": {}, "boolean": true}'), "SPARQL results in JSON"),
        (answer(200, '{"x":' + "[" * 200_000), "SPARQL results in JSON"),
        (answer(200, b" " * (MAX_BYTES + 1)), "more than 5,000,000 bytes"),
    ],
)
async def test_what_fails_once_is_tried_again_and_twice_is_told(ask, held, fault, sentence):
    held.faults = [fault]
    found, told = await ask()
    assert (found.asked, found.problems) == (["lumen"], [])
    assert sentence in told[0]
    held.faults = [fault, fault]
    found, _ = await ask()
    assert found == Found(problems=found.problems)
    assert sentence in found.problems[0]
    assert "?" not in found.problems[0], "the query is long and tells nobody anything"


async def test_a_silent_service_is_given_up(ask, held):
    async def silent(_):
        await asyncio.sleep(0.5)

    held.faults = [silent, silent]
    async with Fetcher(USER_AGENT, allow=frozenset({"127.0.0.1"}), total=0.1) as impatient:
        found, _ = await ask(by=impatient, wait=0.1)
    assert found.asked == []
    assert "did not answer in 0.1 seconds" in found.problems[0]


async def test_one_batch_that_fails_does_not_cost_the_others(ask, held):
    held.groups = []
    held.faults = [none, answer(500), answer(500)]
    found, _ = await ask(MANY)
    assert found.asked == [f"g{n:02}" for n in (*range(15), *range(30, 40))]
    assert len(found.problems) == 1


async def test_two_batches_in_a_row_that_fail_are_the_end(ask, held):
    held.faults = [answer(502)] * 4
    found, _ = await ask(MANY)
    assert len(held.requests) == 4
    assert (found.asked, len(found.problems)) == ([], 2)


async def test_a_batch_whose_people_are_not_told_is_left_out_as_a_whole(ask, held):
    held.faults = [none, none, answer(500), answer(500)]
    found, _ = await ask()
    assert found == Found(problems=found.problems)


async def test_a_private_address_is_asked_only_where_the_operator_says_so(ask):
    async with Fetcher(USER_AGENT) as guarded:
        found, _ = await ask(by=guarded)
    assert "CRUMBS_FETCH_ALLOW" in found.problems[0]


# ── reading rows ──────────────────────────────────────────────────────────────────────────────


def terms(rows):
    body = json.dumps(document(rows))
    return wikidata.msgspec.json.decode(body, type=wikidata._Answer).results.bindings


@pytest.mark.parametrize(
    ("precision", "value", "known"),
    [
        (11, "2001-06-02T00:00:00Z", date(2001, 6, 2)),
        (10, "2001-06-01T00:00:00Z", None),
        (9, "2001-01-01T00:00:00Z", None),
        (11, "-0044-03-15T00:00:00Z", None),
        (11, "2001-02-30T00:00:00Z", None),
        (11, "t1234567", None),
    ],
)
def test_only_a_whole_day_is_a_date(precision, value, known):
    rows = person("Q1", ("label", "en", "Ara"), born="2001-06-02", precision=precision)
    rows[-1]["born"]["value"] = value
    [item] = read_items(terms(rows))
    assert item.born == known


def test_several_birth_dates_are_none():
    [item] = read_items(terms(person("Q1", born=("2001-06-02", "2001-06-03"))))
    assert item.born is None
    assert len(item.births) == 2


@pytest.mark.parametrize(
    ("change", "until", "ended"),
    [
        ({}, None, False),
        ({"end": SOME}, None, True),
        (stint("Q1", "Q2", until="2024-01-01", precision=9), None, True),
        (stint("Q1", "Q2", until="2024-05-06"), date(2024, 5, 6), True),
    ],
)
def test_an_end_is_one_even_when_its_day_is_not_known(change, until, ended):
    [one] = read_stints(terms([stint("Q1", "Q2") | change]))
    assert (one.until, one.ended) == (until, ended)


@pytest.mark.parametrize(
    "item",
    [
        SOME,
        {"type": "bnode", "value": "t1"},
        {"type": "literal", "value": "http://www.wikidata.org/entity/Q1"},
        uri("Q1\n# x"),
        uri("Q١"),
        uri("L1"),
        uri("Q" + "1" * 40),
    ],
)
def test_what_is_no_item_is_no_row(item):
    rows = terms([{"item": item, "name": service.text("Ara", "en"), "group": item, "person": item}])
    assert read_items(rows) == []
    assert read_stints(rows) == []
