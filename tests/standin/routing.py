"""The table of routes: which handler answers what, under which limit and which credentials."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from .errors import ApiError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from .limits import Limits, Rate
    from .server import StandIn
    from .world import World

Auth = Literal["bot", "token in path"]


_NOT_AN_OBJECT = {
    "_errors": [{"code": "MODEL_TYPE_CONVERT", "message": "Only dictionaries may be used."}]
}


@dataclass(slots=True)
class Reply:
    """An answer with a status of its own; body None means that there is none."""

    status: int
    body: Any = None


@dataclass(slots=True)
class Call:
    """One request on its way to a handler."""

    standin: StandIn
    params: dict[str, str]
    query: Mapping[str, str]
    body: Any
    files: dict[str, bytes]

    @property
    def world(self) -> World:
        """The state that handlers read and change."""
        return self.standin.world

    @property
    def form(self) -> dict[str, Any]:
        """The body as an object; none counts as an empty one."""
        if self.body is None:
            return {}
        if not isinstance(self.body, dict):
            raise ApiError(50035, errors=_NOT_AN_OBJECT)
        return self.body

    @property
    def commands(self) -> list[dict[str, Any]]:
        """The body as a list of commands."""
        listed = self.body or []
        if not isinstance(listed, list) or not all(isinstance(item, dict) for item in listed):
            raise ApiError(50035, errors=_NOT_AN_OBJECT)
        return listed

    def flag(self, name: str) -> bool:
        """Read a boolean of the query."""
        return self.query.get(name, "").lower() in ("1", "true")


@dataclass(frozen=True, slots=True)
class Route:
    """One operation of the API."""

    method: str
    template: str
    handler: Callable[[Call], Any]
    bucket: str  # empty for the few routes that have none
    auth: Auth
    segments: tuple[str, ...]
    bucket_hash: str  # the opaque name under which clients recognise the bucket

    def rate(self, limits: Limits) -> Rate | None:
        """Return the rate of the route's bucket."""
        rate: Rate | None = getattr(limits, self.bucket, limits.other)
        return rate

    def resource(self, params: Mapping[str, str]) -> str:
        """Return what the bucket is counted for: channel, guild or webhook."""
        keys = ("channel_id", "guild_id", "webhook_id", "webhook_token", "interaction_token")
        return "+".join(params[key] for key in keys if key in params)


@dataclass(slots=True)
class Routes:
    """Routes of one area; an area is merged into the whole table."""

    by_size: dict[tuple[str, int], list[Route]] = field(default_factory=dict)

    def add(
        self, method: str, template: str, *, bucket: str = "other", auth: Auth = "bot"
    ) -> Callable[[Callable[[Call], Any]], Callable[[Call], Any]]:
        """Register a handler; templates with literals go before those with placeholders."""

        def register(handler: Callable[[Call], Any]) -> Callable[[Call], Any]:
            segments = tuple(template.strip("/").split("/"))
            # Sending and editing report one hash although they are counted apart.
            shown = "messages" if bucket == "edits" else bucket
            digest = hashlib.md5(shown.encode(), usedforsecurity=False).hexdigest()
            route = Route(method, template, handler, bucket, auth, segments, digest)
            self.by_size.setdefault((method, len(segments)), []).append(route)
            return handler

        return register

    def merge(self, other: Routes) -> None:
        """Take over the routes of an area."""
        for key, routes in other.by_size.items():
            mine = self.by_size.setdefault(key, [])
            mine += routes
            mine.sort(key=lambda route: [s.startswith("{") for s in route.segments])

    def find(self, method: str, path: str) -> tuple[Route, dict[str, str]] | None:
        """Return the route of a path and the values of its placeholders."""
        parts = path.strip("/").split("/")
        for route in self.by_size.get((method, len(parts)), ()):
            params: dict[str, str] = {}
            for segment, part in zip(route.segments, parts, strict=True):
                if segment[0] == "{":
                    params[segment[1:-1]] = part
                elif segment != part:
                    break
            else:
                return route, params
        return None
