"""Wikidata's query service: who is in which of our groups, asked politely and in batches.

It speaks SPARQL 1.1 over HTTP and answers in SPARQL's JSON. A query may run for 60 seconds, a
client for 60 seconds of every minute, and whoever ignores a status 429 is banned for a day: so one
request is under way at a time, with a pause before the next, and a wait that is asked for is kept.
"""

from __future__ import annotations

import asyncio
import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Final
from urllib.parse import urlencode

import msgspec

from bot.domain.errors import Malformed, RateLimited, SourceError, Unreachable
from bot.domain.roster import Roster
from bot.domain.roster_refresh import Finding, Item, Name, Stint, clean, match_groups
from bot.domain.types import AliasKind, Group
from bot.sources.http import Fetcher

ENDPOINT: Final = "https://query.wikidata.org/sparql"
#: Seconds in which a query is answered or has failed; the service's own limit is 60.
TIMEOUT: Final = 75.0
#: Groups in a batch: their names fit into an address of 8,000 bytes.
BATCH: Final = 15

#: People in a query, for the same reason.
_PEOPLE = 200
_ACCEPT = {"Accept": "application/sparql-results+json"}
#: A date that is precise to the day, as Wikidata counts precision.
_DAY = "11"
_ITEM = re.compile(r"http://www\.wikidata\.org/entity/(Q[1-9][0-9]{0,11})")

#: All English and Hangul names of the musical groups (Q215380) and ensembles (Q2088357) that bear
#: one of the names.
_GROUPS = """
SELECT DISTINCT ?item ?name WHERE {
 VALUES ?given { $ }
 ?item rdfs:label|skos:altLabel ?given .
 FILTER EXISTS { VALUES ?type { wd:Q215380 wd:Q2088357 } ?item wdt:P31/wdt:P279* ?type . }
 ?item rdfs:label|skos:altLabel ?name .
 FILTER(LANG(?name) IN ("en", "mul", "ko"))
}"""
#: Humans that are part of a group (P527) or say that they are its member (P463), from (P580) and
#: to (P582). An end that is unknown, or no more precise than a year, is an end all the same.
_STINTS = """
SELECT DISTINCT ?group ?person ?since ?sincePrecision ?end ?until ?untilPrecision WHERE {
 VALUES ?group { $ }
 { ?group p:P527 ?said . ?said ps:P527 ?person . }
 UNION { ?said ps:P463 ?group . ?person p:P463 ?said . }
 ?person wdt:P31 wd:Q5 .
 ?said wikibase:rank ?rank . FILTER(?rank != wikibase:DeprecatedRank)
 OPTIONAL {
  ?said pqv:P580 ?from .
  ?from wikibase:timeValue ?since ; wikibase:timePrecision ?sincePrecision .
 }
 OPTIONAL { ?said pq:P582 ?end . }
 OPTIONAL {
  ?said pqv:P582 ?to .
  ?to wikibase:timeValue ?until ; wikibase:timePrecision ?untilPrecision .
 }
}"""
#: Names in the languages that we compare, native (P1559), birth (P1477) and stage names (P742), and
#: birth dates (P569) of the best rank.
_NAMES_OF_PEOPLE = """
SELECT DISTINCT ?item ?kind ?name ?born ?precision WHERE {
 VALUES ?item { $ }
 {
  VALUES (?kind ?property) {
   ("label" rdfs:label) ("alias" skos:altLabel)
   ("native" wdt:P1559) ("birth" wdt:P1477) ("stage" wdt:P742)
  }
  ?item ?property ?name . FILTER(LANG(?name) IN ("en", "mul", "ko", "ja", ""))
 } UNION {
  ?item p:P569 ?said . ?said a wikibase:BestRank ; psv:P569 ?day .
  ?day wikibase:timeValue ?born ; wikibase:timePrecision ?precision .
 }
}"""


@dataclass(slots=True)
class Found:
    """What was learned so far; a batch of groups enters as a whole or not at all."""

    #: Ids of the groups that were asked for.
    asked: list[str] = field(default_factory=list)
    #: Group id → its item.
    known: dict[str, str] = field(default_factory=dict)
    #: Groups whose item is not clear.
    unclear: list[Finding] = field(default_factory=list)
    stints: list[Stint] = field(default_factory=list)
    people: dict[str, Item] = field(default_factory=dict)
    #: A sentence for every batch that failed.
    problems: list[str] = field(default_factory=list)


class _Term(msgspec.Struct):
    type: str
    value: str
    lang: str = msgspec.field(name="xml:lang", default="")


class _Results(msgspec.Struct):
    bindings: list[dict[str, _Term]]


class _Answer(msgspec.Struct):
    results: _Results


_Row = Mapping[str, _Term]
_NOTHING = _Term(type="", value="")


class Wikidata:
    """Asks the query service at `endpoint`; `tell` hears a sentence when it takes longer.

    Times are in seconds: `gap` passes between two requests, `wait` after a failure or where the
    service does not say how long, and longer than `longest` is not waited at all.
    """

    def __init__(
        self,
        fetcher: Fetcher,
        *,
        endpoint: str = ENDPOINT,
        tell: Callable[[str], None] = lambda _: None,
        gap: float = 1,
        wait: float = 60,
        longest: float = 300,
    ) -> None:
        self._fetcher = fetcher
        self._endpoint = endpoint
        self._tell = tell
        self._gap = gap
        self._wait = wait
        self._longest = longest

    async def ask(self, roster: Roster, group_ids: Sequence[str], found: Found) -> None:
        """Learn of groups, batch by batch, into `found`, which is whole at every moment.

        A batch that fails is left out and told in `found.problems`. It ends when two in a row
        fail, or when the service wants to be left alone.
        """
        in_a_row = 0
        for batch in _slices(group_ids, BATCH):
            try:
                await self._batch(roster, batch, found)
                in_a_row = 0
            except SourceError as error:
                found.problems.append(str(error))
                in_a_row += 1
                if in_a_row == 2 or not isinstance(error, Unreachable | Malformed):
                    return
            self._tell(f"{len(found.asked)} of {len(group_ids)} groups asked")

    async def _batch(self, roster: Roster, batch: Sequence[str], found: Found) -> None:
        names = (n for group_id in batch for n in _names(roster.groups[group_id]))
        items = read_items(await self._select(_GROUPS, names))
        known, unclear = match_groups(roster, batch, items)
        stints = read_stints(await self._values(_STINTS, sorted(known.values())))
        fresh = sorted({s.person for s in stints} - found.people.keys())
        people = [
            person
            for some in _slices(fresh, _PEOPLE)
            for person in read_items(await self._values(_NAMES_OF_PEOPLE, some))
        ]
        found.asked += batch
        found.known |= known
        found.unclear += unclear
        found.stints += stints
        found.people |= {p.qid: p for p in people}

    async def _values(self, template: str, qids: Sequence[str]) -> list[_Row]:
        return await self._select(template, (f"wd:{q}" for q in qids)) if qids else []

    async def _select(self, template: str, values: Iterable[str]) -> list[_Row]:
        """The rows of a query. What fails for a reason that may pass is tried once more.

        Raises:
            SourceError: of the kind that `Fetcher.get` tells, or Malformed for no SPARQL results.
        """
        query = " ".join(template.split()).replace("$", " ".join(values))
        address = f"{self._endpoint}?{urlencode({'query': query, 'format': 'json'})}"
        await asyncio.sleep(self._gap)
        try:
            return await self._get(address)
        except (RateLimited, Unreachable, Malformed) as error:
            asked = error.retry_after if isinstance(error, RateLimited) else None
            wait = self._wait if asked is None else asked
            if wait > self._longest:
                raise
            self._tell(f"{error} Trying again in {wait:g} seconds.")
            await asyncio.sleep(wait)
            return await self._get(address)

    async def _get(self, address: str) -> list[_Row]:
        answer = await self._fetcher.get(address, headers=_ACCEPT)
        try:
            return list(msgspec.json.decode(answer.body, type=_Answer).results.bindings)
        except (ValueError, RecursionError):
            shown = answer.url.partition("?")[0]
            raise Malformed(
                f"{shown} does not answer with whole SPARQL results in JSON. "
                "A query that takes too long is cut off; a web page means another endpoint."
            ) from None


def _slices(ids: Sequence[str], size: int) -> list[Sequence[str]]:
    return [ids[i : i + size] for i in range(0, len(ids), size)]


def _names(group: Group) -> Iterable[str]:
    """The names by which a group is looked for, as SPARQL writes text in a language."""
    # Literals are found only as they are written; Wikidata writes TWICE as Twice.
    for name in sorted({group.name, group.name.title(), group.name.upper()}):
        yield from (f"{_literal(name)}@{lang}" for lang in ("en", "mul"))
    for alias in group.aliases:
        if alias.kind is AliasKind.STAGE and alias.lang == "ko":
            yield f"{_literal(alias.text)}@ko"


def _literal(text: str) -> str:
    return msgspec.json.encode(text).decode()  # SPARQL has JSON's escapes


# ── reading rows ──────────────────────────────────────────────────────────────────────────────


def read_items(rows: Iterable[_Row]) -> list[Item]:
    """Items from rows of ?item with ?name and ?kind, or with ?born and ?precision."""
    names: dict[str, dict[Name, None]] = defaultdict(dict)
    births: dict[str, set[date]] = defaultdict(set)
    for row in rows:
        qid = _qid(row, "item")
        if qid is None:
            continue
        name = row.get("name", _NOTHING)
        if text := clean(name.value):
            kind = row.get("kind", _NOTHING).value
            names[qid][Name(text, name.lang, kind)] = None
        if day := _day(row, "born", "precision"):
            births[qid].add(day)
    return [
        Item(qid, tuple(names[qid]), frozenset(births[qid])) for qid in sorted({*names, *births})
    ]


def read_stints(rows: Iterable[_Row]) -> list[Stint]:
    """Memberships from rows of ?group and ?person with their dates."""
    return [
        Stint(
            group=group,
            person=person,
            since=_day(row, "since", "sincePrecision"),
            until=_day(row, "until", "untilPrecision"),
            ended="end" in row or "until" in row,
        )
        for row in rows
        if (group := _qid(row, "group")) and (person := _qid(row, "person"))
    ]


def _qid(row: _Row, name: str) -> str | None:
    term = row.get(name, _NOTHING)
    found = _ITEM.fullmatch(term.value) if term.type == "uri" else None
    return found[1] if found else None


def _day(row: _Row, name: str, precision: str) -> date | None:
    """A date that is known to the day; unknown values are no literals, and years can be < 1."""
    if row.get(precision, _NOTHING).value != _DAY:
        return None
    try:
        return datetime.fromisoformat(row.get(name, _NOTHING).value).date()
    except ValueError:
        return None
