"""What really happened, as users and Discord saw it. Tests assert on nothing else."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .channels import Channel
    from .messages import Message


@dataclass(slots=True, eq=False)
class Request:
    """One request as it came in; status 0 means that no answer was given."""

    at: float
    method: str
    path: str
    route: str
    paced: bool = False  # whether it counts towards the global limit
    accepted: bool = False  # whether it came through limits and faults to a handler
    status: int = 0
    code: int = 0
    scope: str = ""
    body: Any = None
    files: dict[str, bytes] = field(default_factory=dict)
    fault: str = ""


class Ledger:
    """Every request and every accepted message."""

    def __init__(self) -> None:
        self.requests: list[Request] = []
        self._messages: list[Message] = []

    def add(self, message: Message) -> None:
        """Write down a message that was accepted."""
        self._messages.append(message)

    def messages(
        self,
        channel: Channel | None = None,
        *,
        via: str | None = "sent",
        deleted: bool = False,
    ) -> list[Message]:
        """Return the live messages in order of arrival.

        ``via`` is how they came: "sent" to a channel by the bot (the default), "interaction",
        "webhook", "crosspost", "person", or None for all; ``deleted`` adds those that are gone.
        """
        return [
            message
            for message in self._messages
            if (channel is None or message.channel is channel)
            and (via is None or message.via == via)
            and (deleted or not message.deleted)
        ]

    def calls(self, method: str, route: str, *, status: int | None = None) -> list[Request]:
        """Return the requests of one route, given as its template."""
        return [
            r
            for r in self.requests
            if r.method == method and r.route == route and status in (None, r.status)
        ]

    def statuses(self) -> Counter[int]:
        """Count the answers by HTTP status; 0 counts connections that were dropped."""
        return Counter(request.status for request in self.requests)

    def too_many(self, scope: str | None = None) -> int:
        """Count the 429s, of one scope if asked."""
        return sum(r.status == 429 and scope in (None, r.scope) for r in self.requests)

    def peak(self, seconds: float = 1.0, *, accepted: bool = True) -> int:
        """Return the most requests under the global limit in any such window.

        Those that were accepted, or with ``accepted=False`` all that the bot tried.
        """
        times = sorted(
            request.at
            for request in self.requests
            if request.paced and (not accepted or (request.accepted and request.status != 429))
        )
        most = start = 0
        for end, moment in enumerate(times):
            while times[start] <= moment - seconds:
                start += 1
            most = max(most, end - start + 1)
        return most
