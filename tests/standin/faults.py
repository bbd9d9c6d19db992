"""A script of what goes wrong, request by request."""

from __future__ import annotations

import random
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Callable

    from .ledger import Request


@dataclass(frozen=True, slots=True)
class Status:
    """A server error instead of an answer; the request is not accepted."""

    code: int = 500


@dataclass(frozen=True, slots=True)
class TooMany:
    """A 429 out of the blue."""

    retry_after: float = 0.5
    scope: Literal["user", "global", "shared"] = "user"


@dataclass(frozen=True, slots=True)
class Ban:
    """The HTML page of a Cloudflare ban: 429 without ``Via``."""

    retry_after: float = 600.0


@dataclass(frozen=True, slots=True)
class Refuse:
    """A refusal by code, say 50001 for a wave of 403s."""

    code: int = 50001


@dataclass(frozen=True, slots=True)
class Slow:
    """The request is accepted at once, but the answer takes so many real seconds."""

    seconds: float


@dataclass(frozen=True, slots=True)
class ResetBefore:
    """The connection is reset before the request is accepted."""


@dataclass(frozen=True, slots=True)
class ResetAfter:
    """The request is accepted, then the connection is reset: the answer is lost."""


@dataclass(frozen=True, slots=True)
class Truncate:
    """The request is accepted, but half of the answer's body never arrives."""


Fault = Status | TooMany | Ban | Refuse | Slow | ResetBefore | ResetAfter | Truncate


@dataclass(slots=True)
class Rule:
    """One line of the script; ``hits`` counts how often it struck."""

    method: str
    route: str
    do: Fault
    times: int | None
    every: int | None
    when: Callable[[Request], bool] | None
    probability: float | None
    rng: random.Random
    seen: int = 0
    hits: int = 0

    def strikes(self, request: Request) -> bool:
        """Decide about one request that fits method and route."""
        if self.times is not None and self.hits >= self.times:
            return False
        if self.when is not None and not self.when(request):
            return False
        self.seen += 1
        if self.every is not None and self.seen % self.every:
            return False
        if self.probability is not None and self.rng.random() >= self.probability:
            return False
        self.hits += 1
        return True


@dataclass(slots=True)
class Faults:
    """The script in force; the first rule that strikes decides."""

    rules: list[Rule] = field(default_factory=list)

    def on(
        self,
        method: str,
        route: str,
        *,
        do: Fault,
        times: int | None = None,
        every: int | None = None,
        when: Callable[[Request], bool] | None = None,
        probability: float | None = None,
        rng: random.Random | None = None,
    ) -> Rule:
        """Add a rule.

        ``route`` is a template such as ``/channels/{id}/messages`` (the names in braces do not
        matter) or ``*``; ``method`` may be ``*`` too. ``times`` stops it after so many strikes,
        ``every`` lets it strike each n-th time, ``when`` asks about the request, and
        ``probability`` draws from ``rng``.
        """
        rule = Rule(
            method,
            _shape(route),
            do,
            times,
            every,
            when,
            probability,
            rng or random.Random(0),
        )
        self.rules.append(rule)
        return rule

    def clear(self) -> None:
        """Forget the script."""
        self.rules.clear()

    def draw(self, request: Request) -> Fault | None:
        """Return what happens to a request."""
        if not self.rules:
            return None
        shape = _shape(request.route)
        for rule in self.rules:
            fits = rule.method in ("*", request.method) and rule.route in ("*", shape)
            if fits and rule.strikes(request):
                return rule.do
        return None


def _shape(route: str) -> str:
    return re.sub(r"\{[^}]*\}", "{}", route)
