"""JSON lines in, JSON lines out, for commands that answer one line by one line."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, BinaryIO, TypeVar

import msgspec

T = TypeVar("T")


def answer_lines(
    lines: BinaryIO,
    out: BinaryIO,
    kind: type[T],
    what: str,
    answer: Callable[[str | int, T], dict[str, Any]],
) -> None:
    """Answer each line that is not blank by one line, at once.

    `answer` is given the line's `id` and the line as `kind`; what it returns follows the id. A
    line that is no JSON, not of that kind or refused by a ValueError is answered by one with
    `error`, which says so of "no <what>".
    """
    for raw in lines:
        if raw.strip():
            out.write(msgspec.json.encode(_answer(raw, kind, what, answer)) + b"\n")
            out.flush()


def _answer(
    raw: bytes, kind: type[T], what: str, answer: Callable[[str | int, T], dict[str, Any]]
) -> dict[str, Any]:
    try:
        document = json.loads(raw.decode("utf-8", "replace"))  # takes lone surrogates, unlike most
    except (ValueError, RecursionError) as error:
        return {"id": None, "error": f"not JSON: {error}"}
    given = document.get("id") if isinstance(document, dict) else None
    given = whole(given) if isinstance(given, str) else given
    known = given if isinstance(given, str | int) else None
    try:
        line = msgspec.convert(document, kind)
        return {"id": known, **answer(known or "", line)}
    except (msgspec.ValidationError, ValueError, OverflowError) as error:
        return {"id": known, "error": whole(f"no {what}: {error}")}


def whole(text: str) -> str:
    """Text with a replacement character for each lone surrogate, which no answer can hold."""
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def moment(text: str) -> datetime:
    """An ISO 8601 time in UTC; a date alone is its midnight, a time without a zone is in UTC.

    Raises:
        ValueError: it is none.
        OverflowError: no calendar has it.
    """
    at = datetime.fromisoformat(text)
    return at.replace(tzinfo=at.tzinfo or UTC).astimezone(UTC)


def language(code: str | None) -> str:
    """The language of a code such as "en-GB"."""
    return (code or "").split("-")[0].lower()
