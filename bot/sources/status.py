"""What an HTTP status means for a source, and how long it asks us to stay away."""

from __future__ import annotations

import time
from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from http import HTTPStatus

from bot.domain.errors import Malformed, NotAllowed, NotFound, RateLimited, Unreachable

#: A larger `X-RateLimit-Reset` is a moment (seconds since 1970), a smaller one a wait in seconds.
_EPOCH_FROM = 1_000_000_000


def raise_for_status(status: int, headers: Mapping[str, str], shown: str) -> None:
    """Return for 2xx and 304; raise what anything else means.

    `headers` must find names in any case. `shown` is the address as it may be printed.

    Raises:
        NotAllowed: 401, 403 or a challenge page that wants a browser.
        NotFound: 404, or 410 with `gone`.
        RateLimited: 429 or 503, with the wait that was asked for.
        Unreachable: any other 5xx.
        Malformed: any other status.
    """
    if 200 <= status < 300 or status == HTTPStatus.NOT_MODIFIED:
        return
    if headers.get("cf-mitigated", "").lower() == "challenge":
        raise NotAllowed(f"{shown} answers with a challenge that only a browser can pass.")
    if status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
        raise NotAllowed(f"{shown} refuses us (status {status}).")
    if status == HTTPStatus.NOT_FOUND:
        raise NotFound(f"{shown} does not exist (status 404).")
    if status == HTTPStatus.GONE:
        raise NotFound(f"{shown} is gone for good (status 410).", gone=True)
    if status in (HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE):
        raise RateLimited(
            f"{shown} asks us to wait (status {status}).", retry_after=retry_after(headers)
        )
    if status >= 500:
        raise Unreachable(f"{shown} has trouble of its own (status {status}).")
    raise Malformed(f"{shown} answers with status {status}, which is of no use here.")


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds to wait by `Retry-After`, else by `X-RateLimit-Reset`; None when neither says.

    A moment in time is measured against the answer's own `Date`, so that the server's clock may
    be wrong (RFC 9110 §10.2.3 allows both seconds and a date).
    """
    wait = headers.get("Retry-After", "").strip()
    if _is_number(wait):
        return float(wait)
    if (until := http_time(wait)) is not None:
        return max(0.0, until - answered_at(headers))
    reset = headers.get("X-RateLimit-Reset", "").strip()
    if not _is_number(reset):
        return None
    seconds = float(reset)
    return max(0.0, seconds - answered_at(headers)) if seconds > _EPOCH_FROM else seconds


def answered_at(headers: Mapping[str, str]) -> float:
    """When the answer was made by its `Date`, else now, in seconds since 1970."""
    date = http_time(headers.get("Date", ""))
    return time.time() if date is None else date


def http_time(value: str) -> float | None:
    """An HTTP date in seconds since 1970; None when it is none."""
    try:
        return parsedate_to_datetime(value).timestamp()
    except (ValueError, OverflowError):
        return None


def _is_number(value: str) -> bool:
    # Longer ones would be centuries; refusing them keeps "inf" and rounding out.
    whole, _, fraction = value.partition(".")
    return len(value) <= 20 and value.isascii() and (whole + fraction).isdecimal()
