"""A query service on loopback that answers in the shape in which Wikidata's does.

The shape is that of SPARQL 1.1's JSON results: a header with the variables, and bindings that leave
out what is unbound. People and groups are invented.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import web
from aiohttp.test_utils import TestServer

MEDIA_TYPE = "application/sparql-results+json"
Row = dict[str, dict[str, str]]
Fault = Callable[[web.Request], Awaitable[web.StreamResponse | None]]

_XSD = "http://www.w3.org/2001/XMLSchema#"


def uri(qid: str) -> dict[str, str]:
    return {"type": "uri", "value": f"http://www.wikidata.org/entity/{qid}"}


def text(value: str, lang: str = "") -> dict[str, str]:
    return {**({"xml:lang": lang} if lang else {}), "type": "literal", "value": value}


def day(value: str) -> dict[str, str]:
    return {"datatype": f"{_XSD}dateTime", "type": "literal", "value": f"{value}T00:00:00Z"}


def number(value: int) -> dict[str, str]:
    return {"datatype": f"{_XSD}integer", "type": "literal", "value": str(value)}


#: A value that Wikidata knows to be there without knowing it.
SOME = {"type": "uri", "value": "http://www.wikidata.org/.well-known/genid/0a1b2c"}


def group(qid: str, *names: tuple[str, str]) -> list[Row]:
    """Rows of a group's names, given as (language, name)."""
    return [{"item": uri(qid), "name": text(name, lang)} for lang, name in names]


def stint(
    group_qid: str, person: str, since: str = "", until: str = "", *, precision: int = 11
) -> Row:
    row = {"group": uri(group_qid), "person": uri(person)}
    if since:
        row |= {"since": day(since), "sincePrecision": number(precision)}
    if until:
        row |= {"end": day(until), "until": day(until), "untilPrecision": number(precision)}
    return row


def person(
    qid: str, *names: tuple[str, str, str], born: str | tuple[str, ...] = (), precision: int = 11
) -> list[Row]:
    """Rows of a person's names, given as (kind, language, name), and birth dates."""
    days = (born,) if isinstance(born, str) else born
    return [
        *({"item": uri(qid), "kind": text(k), "name": text(n, lang)} for k, lang, n in names),
        *({"item": uri(qid), "born": day(d), "precision": number(precision)} for d in days),
    ]


def document(rows: list[Row]) -> dict[str, Any]:
    variables = list(dict.fromkeys(name for row in rows for name in row))
    return {"head": {"vars": variables}, "results": {"bindings": rows}}


class Service:
    """What the service holds; `faults` answer the next requests first, if they want to."""

    def __init__(self) -> None:
        self.groups: list[Row] = []
        self.stints: list[Row] = []
        self.people: list[Row] = []
        self.faults: list[Fault] = []
        self.requests: list[web.Request] = []
        self.busy = 0

    @property
    def queries(self) -> list[str]:
        return [request.query["query"] for request in self.requests]

    async def answer(self, request: web.Request) -> web.StreamResponse:
        self.requests.append(request)
        assert not self.busy, "one request at a time"
        self.busy += 1
        try:
            if self.faults and (answer := await self.faults.pop(0)(request)) is not None:
                return answer
            query = request.query["query"]
            if "?given" in query:  # groups are found by a literal, people and stints by id
                rows = [r for r in self.groups if self._asked(r["item"], query)]
            elif "?group" in query:
                rows = [r for r in self.stints if _named(r["group"], query)]
            else:
                rows = [r for r in self.people if _named(r["item"], query)]
            return web.Response(text=json.dumps(document(rows)), content_type=MEDIA_TYPE)
        finally:
            self.busy -= 1

    def _asked(self, item: dict[str, str], query: str) -> bool:
        names = [r["name"] for r in self.groups if r["item"] == item]
        return any(f'"{n["value"]}"@{n.get("xml:lang")}' in query for n in names)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[str]:
        """Serve; the endpoint's address."""
        app = web.Application()
        app.router.add_route("*", "/sparql", self.answer)
        server = TestServer(app, host="127.0.0.1")
        await server.start_server()
        try:
            yield f"http://127.0.0.1:{server.port}/sparql"
        finally:
            await server.close()


def _named(item: dict[str, str], query: str) -> bool:
    return f"wd:{item['value'].rpartition('/')[2]} " in query


def answer(status: int = 200, body: str | bytes = "", **headers: str) -> Fault:
    """A fault: this answer instead."""

    async def fault(_: web.Request) -> web.Response:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        data = body.encode() if isinstance(body, str) else body
        return web.Response(status=status, body=data, headers=named)

    return fault


async def none(_: web.Request) -> None:
    """No fault: the request is answered as it should be."""
