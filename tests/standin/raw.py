"""Speaking to the stand-in without a client library, for what clients never send."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Self

import aiohttp

if TYPE_CHECKING:
    from types import TracebackType

    from .server import StandIn


@dataclass(slots=True)
class Heard:
    """An answer; ``code`` is Discord's own."""

    status: int
    body: Any
    headers: dict[str, str] = field(default_factory=dict)

    @property
    def code(self) -> int:
        """Discord's error code."""
        return int(self.body.get("code", 0)) if isinstance(self.body, dict) else 0

    @property
    def outcome(self) -> tuple[int, int]:
        """HTTP status and Discord's code together."""
        return self.status, self.code

    def reasons(self) -> set[str]:
        """Return the codes of all form errors."""
        return set(_codes(self.body.get("errors", {})))


class Raw:
    """A bare HTTP and WebSocket client with the bot's token."""

    def __init__(self, standin: StandIn, token: str | None = None) -> None:
        self._standin = standin
        self._headers = {
            "Authorization": f"Bot {token or standin.token}",
            "User-Agent": "DiscordBot (https://example.org, 1)",
        }
        self.session: aiohttp.ClientSession

    async def __aenter__(self) -> Self:
        connector = aiohttp.TCPConnector(limit=0)
        self.session = aiohttp.ClientSession(connector=connector, headers=self._headers)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.session.close()

    async def call(self, method: str, path: str, body: object = None, **options: Any) -> Heard:
        """Make one request."""
        if body is not None:
            options["json"] = body
        url = self._standin.api_url + path
        async with self.session.request(method, url, **options) as response:
            text = await response.text()
            is_json = response.headers.get("Content-Type") == "application/json"
            return Heard(
                response.status, json.loads(text) if is_json else text, dict(response.headers)
            )

    async def send(self, channel: object, body: object) -> Heard:
        """Post a message."""
        channel_id = getattr(channel, "id", channel)
        return await self.call("POST", f"/channels/{channel_id}/messages", body)

    async def connect(self, query: str = "v=10&encoding=json") -> Socket:
        """Open the gateway and take the HELLO."""
        socket = await self.session.ws_connect(f"{self._standin.gateway_url}?{query}")
        connection = Socket(socket, self._standin.token)
        if not socket.closed:
            await connection.expect(10)
        return connection


class Socket:
    """An uncompressed gateway connection."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse, token: str) -> None:
        self.socket = socket
        self._token = token

    async def send(self, op: int, data: object) -> None:
        """Send one payload as a text frame."""
        await self.socket.send_json({"op": op, "d": data})

    async def identify(self, intents: int = 1, **changes: Any) -> None:
        """Send IDENTIFY."""
        data = {"token": self._token, "intents": intents, "properties": {}} | changes
        await self.send(2, data)

    async def receive(self) -> dict[str, Any]:
        """Return the next payload; a close becomes ``{"close": code}``."""
        frame = await self.socket.receive(timeout=5)
        if frame.type is aiohttp.WSMsgType.TEXT:
            payload: dict[str, Any] = json.loads(frame.data)
            return payload
        return {"op": None, "close": self.socket.close_code}

    async def expect(self, op: int, event: str | None = None) -> dict[str, Any]:
        """Return the next payload, which must be of this kind."""
        payload = await self.receive()
        assert payload["op"] == op, payload
        assert event is None or payload["t"] == event, payload
        return payload

    async def closing(self) -> int:
        """Read until the close frame and return its code."""
        while "close" not in (payload := await self.receive()):
            pass
        code: int = payload["close"]
        return code


def _codes(node: object) -> list[str]:
    if not isinstance(node, dict):
        return []
    found = [entry["code"] for entry in node.get("_errors", ())]
    for child in node.values():
        found += _codes(child)
    return found
