"""Discord's official API description as a judge over what both sides say on the wire.

The description is not part of the project: its path comes from outside, and without it the
stand-in relies on its own rules.
"""

from __future__ import annotations

import functools
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jsonschema_rs
import msgspec

if TYPE_CHECKING:
    from collections.abc import Mapping


UNDOCUMENTED = {"use_nested_fields"}  # query parameters that discord.py sends all the same


@functools.cache
def load(path: str) -> Description:
    """Return the description at a path; its validators are made once in a process."""
    return Description(path)


class Description:
    """Validates bodies against the operation they belong to."""

    def __init__(self, path: str) -> None:
        self._document = msgspec.json.decode(Path(path).read_bytes())
        self._components = self._document["components"]
        schemas = self._components["schemas"]
        # The documentation shows texts as the codes of form errors; the description says numbers.
        schemas["Error"]["properties"]["code"]["type"] = ["integer", "string"]
        # Discord reads ids that are sent as numbers, although it never writes them so.
        lenient = {"anyOf": [schemas["SnowflakeType"], {"type": "integer", "minimum": 0}]}
        self._request_components = {
            **self._components,
            "schemas": {**schemas, "SnowflakeType": lenient},
        }
        self._validators: dict[tuple[str, str, str], Any] = {}

    def request_problem(self, method: str, route: str, body: object) -> str | None:
        """Return what is wrong with a request body, if anything."""
        operation = self._operation(method, route)
        if operation is None:
            return f"the description has no {method} {route}"
        content = operation.get("requestBody", {}).get("content", {})
        if not content:
            return None if body is None else f"{method} {route} takes no body"
        schema = content.get("application/json", next(iter(content.values())))["schema"]
        return self._judge((method, route, "request"), schema, body)

    def query_problem(self, method: str, route: str, query: Mapping[str, str]) -> str | None:
        """Return what is wrong with the query, if anything."""
        operation = self._operation(method, route) or {}
        known = {
            p["name"]: p["schema"] for p in operation.get("parameters", ()) if p["in"] == "query"
        }
        for name, text in query.items():
            if name in UNDOCUMENTED:
                continue
            if name not in known:
                return f"{method} {route} has no query parameter {name!r}"
            key = (method, route, f"query {name}")
            if problem := self._judge(key, known[name], self._typed(known[name], text)):
                return f"query parameter {name!r}: {problem}"
        return None

    def answer_problem(self, method: str, route: str, status: int, body: object) -> str | None:
        """Return what is wrong with an answer, if anything."""
        operation = self._operation(method, route)
        if operation is None:
            return f"the description has no {method} {route}"
        responses = operation["responses"]
        response = responses.get(str(status)) or responses.get(f"{status // 100}XX")
        if response is None:
            return f"{method} {route} never answers {status}"
        if "$ref" in response:
            response = self._components["responses"][response["$ref"].rpartition("/")[2]]
        content = response.get("content", {}).get("application/json")
        if content is None:
            return None if body is None else f"{method} {route} answers {status} without a body"
        return self._judge((method, route, f"{status}"), content["schema"], body)

    def _operation(self, method: str, route: str) -> dict[str, Any] | None:
        operation: dict[str, Any] | None = (
            self._document["paths"].get(route, {}).get(method.lower())
        )
        return operation

    def _judge(self, key: tuple[str, str, str], schema: dict[str, Any], body: object) -> str | None:
        is_answer = key[2].isdigit()
        components = self._components if is_answer else self._request_components
        validator = self._validators.get(key)
        if validator is None:
            validator = self._validators[key] = jsonschema_rs.Draft202012Validator(
                {**schema, "components": components}
            )
        error = next(iter(validator.iter_errors(body)), None)
        if error is None:
            return None
        where = "/".join(map(str, error.instance_path))
        return f"{where or 'body'}: {error.message[:300]}"

    def _typed(self, schema: dict[str, Any], text: str) -> object:
        """Read a query value as the JSON it stands for."""
        kinds = schema.get("type", "string")
        kind = next(k for k in ([kinds] if isinstance(kinds, str) else kinds) if k != "null")
        if kind == "integer" and text.lstrip("-").isdigit():
            return int(text)
        if kind == "boolean":
            return {"true": True, "false": False, "1": True, "0": False, "True": True}.get(
                text, text
            )
        return text
