"""The gateway: sessions that outlive their sockets, dispatches, and faults on request."""

from __future__ import annotations

import asyncio
import secrets
import zlib
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import msgspec
import zstandard
from aiohttp import WSMsgType, web

from .snowflakes import shard_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from .server import StandIn

GUILDS = 1 << 0
GUILD_MEMBERS = 1 << 1
GUILD_WEBHOOKS = 1 << 5
GUILD_PRESENCES = 1 << 8
GUILD_MESSAGES = 1 << 9
DIRECT_MESSAGES = 1 << 12
MESSAGE_CONTENT = 1 << 15
PRIVILEGED = {
    "members": GUILD_MEMBERS,
    "presences": GUILD_PRESENCES,
    "message_content": MESSAGE_CONTENT,
}
KNOWN_INTENTS = (1 << 26) - 1 & ~(0b111 << 17) & ~(0b11 << 22)

INTENT_OF = {
    "GUILD_CREATE": GUILDS,
    "GUILD_UPDATE": GUILDS,
    "GUILD_DELETE": GUILDS,
    "GUILD_ROLE_CREATE": GUILDS,
    "GUILD_ROLE_UPDATE": GUILDS,
    "GUILD_ROLE_DELETE": GUILDS,
    "CHANNEL_CREATE": GUILDS,
    "CHANNEL_UPDATE": GUILDS,
    "CHANNEL_DELETE": GUILDS,
    "THREAD_CREATE": GUILDS,
    "THREAD_UPDATE": GUILDS,
    "THREAD_DELETE": GUILDS,
    "GUILD_MEMBER_ADD": GUILD_MEMBERS,
    "GUILD_MEMBER_UPDATE": GUILD_MEMBERS,
    "GUILD_MEMBER_REMOVE": GUILD_MEMBERS,
    "WEBHOOKS_UPDATE": GUILD_WEBHOOKS,
}

DISPATCH, HEARTBEAT, IDENTIFY, PRESENCE, VOICE, RESUME = 0, 1, 2, 3, 4, 6
RECONNECT, REQUEST_MEMBERS, INVALID_SESSION, HELLO, ACK = 7, 8, 9, 10, 11
SENDABLE = frozenset({HEARTBEAT, IDENTIFY, PRESENCE, VOICE, RESUME, REQUEST_MEMBERS, 31, 43})

LARGEST_PAYLOAD = 4096
IDENTIFIES_A_DAY = 1000
COMPRESS_ABOVE = 8192  # payload compression, which a client asks for in IDENTIFY
# After these closes by the gateway a session may be resumed; the client ends it with 1000 or 1001.
RESUMABLE_CLOSES = frozenset({1000, 1001, 4000, 4001, 4002, 4003, 4005, 4008})

encode = msgspec.json.encode


class Close(Exception):
    """The gateway closes the connection with a code."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason


@dataclass(slots=True, eq=False)
class Session:
    """What an identified client has, whether or not it is connected at the moment."""

    id: str
    shard: tuple[int, int]
    intents: int
    sequence: int = 0
    sent: list[tuple[int, bytes]] = field(default_factory=list)
    connection: Connection | None = None
    resumes: int = 0

    def dispatch(self, event: str, data: object) -> None:
        """Number an event, keep it for a resume, and send it if anybody listens."""
        self.sequence += 1
        payload = encode({"op": DISPATCH, "s": self.sequence, "t": event, "d": data})
        self.sent.append((self.sequence, payload))
        if self.connection is not None:
            self.connection.send(payload)

    def hears(self, guild_id: str | None, intent: int) -> bool:
        """Tell whether an event of this guild and kind is for this session."""
        index, count = self.shard
        return (not intent or bool(self.intents & intent)) and shard_of(guild_id, count) == index


class Connection:
    """One WebSocket: it compresses, keeps the order of what is sent, and reads frames."""

    def __init__(
        self, gateway: Gateway, request: web.BaseRequest, socket: web.WebSocketResponse
    ) -> None:
        self.compression = request.query.get("compress", "")
        self.gateway = gateway
        self.socket = socket
        self.transport = request.transport
        self.session: Session | None = None
        self.frame_types: set[WSMsgType] = set()
        self._compress = _compressor(self.compression)
        self._compress_payloads = False
        self._outbox: asyncio.Queue[bytes | Close] = asyncio.Queue()
        self._received: deque[float] = deque(maxlen=120)

    def send(self, payload: bytes) -> None:
        """Queue a payload."""
        self._outbox.put_nowait(payload)

    def send_op(self, op: int, data: object = None) -> None:
        """Queue something that is not a dispatch."""
        self.send(encode({"op": op, "d": data, "s": None, "t": None}))

    def close(self, code: int, reason: str = "") -> None:
        """Queue a close frame behind what is waiting."""
        self._outbox.put_nowait(Close(code, reason))

    async def run(self) -> None:
        """Serve the socket until one side closes it."""
        self.send_op(HELLO, {"heartbeat_interval": self.gateway.heartbeat_interval, "_trace": []})
        writer = asyncio.create_task(self._write())
        try:
            async for frame in self.socket:
                if frame.type not in (WSMsgType.TEXT, WSMsgType.BINARY):
                    break
                self.frame_types.add(frame.type)
                try:
                    self._receive(frame.data)
                except Close as close:
                    self.close(close.code, close.reason)
        finally:
            self._detach()
            writer.cancel()
            await asyncio.gather(writer, return_exceptions=True)

    async def _write(self) -> None:
        while True:
            item = await self._outbox.get()
            await self.gateway.flowing.wait()
            if isinstance(item, Close):
                self._detach(closed_with=item.code)
                await self.socket.close(code=item.code, message=item.reason.encode())
                return
            if self.socket.closed:
                return
            await self._send_frame(item)

    async def _send_frame(self, payload: bytes) -> None:
        if self.compression:
            await self.socket.send_bytes(self._compress(payload))
        elif self._compress_payloads and len(payload) > COMPRESS_ABOVE:
            await self.socket.send_bytes(zlib.compress(payload))
        else:
            await self.socket.send_str(payload.decode())

    def _detach(self, closed_with: int | None = None) -> None:
        """Let go of the session; a clean close by the client ends it for good."""
        session, self.session = self.session, None
        if session is None or session.connection is not self:
            return
        session.connection = None
        if not any(other.connection for other in self.gateway.sessions.values()):
            self.gateway.ready.clear()
        code = self.socket.close_code if closed_with is None else closed_with
        ended = code in (1000, 1001) if closed_with is None else code not in RESUMABLE_CLOSES
        if ended:
            self.gateway.sessions.pop(session.id, None)

    def _receive(self, raw: str | bytes) -> None:
        size = len(raw.encode()) if isinstance(raw, str) else len(raw)
        if size > LARGEST_PAYLOAD:
            raise Close(4002, "Error while decoding payload.")
        try:
            payload = msgspec.json.decode(raw)
            op, data = payload["op"], payload.get("d")
        except (msgspec.DecodeError, KeyError, TypeError):
            raise Close(4002, "Error while decoding payload.") from None
        now = self.gateway.clock.now()
        if len(self._received) == 120 and now - self._received[0] < 60:
            raise Close(4008, "You are being rate limited.")
        self._received.append(now)
        if op not in SENDABLE:
            raise Close(4001, "Unknown opcode.")
        if op in (IDENTIFY, RESUME, REQUEST_MEMBERS) and not isinstance(data, dict):
            raise Close(4002, "Error while decoding payload.")
        if op == HEARTBEAT:
            self.send_op(ACK)
        elif op == IDENTIFY:
            self._identify(data)
        elif op == RESUME:
            self._resume(data)
        elif self.session is None:
            raise Close(4003, "Not authenticated.")
        elif op == REQUEST_MEMBERS:
            self.gateway.send_members(self.session, data)

    def _identify(self, data: dict[str, Any]) -> None:
        if self.session is not None:
            raise Close(4005, "Already authenticated.")
        self._compress_payloads = bool(data.get("compress"))
        session = self.gateway.admit(data)
        if session is None:
            self.send_op(INVALID_SESSION, data=False)
            return
        self.session, session.connection = session, self
        self.gateway.greet(session)

    def _resume(self, data: dict[str, Any]) -> None:
        gateway = self.gateway
        gateway.check_token(data.get("token"))
        session = gateway.sessions.get(data.get("session_id", ""))
        if session is None:
            self.send_op(INVALID_SESSION, data=False)
            return
        since = data.get("seq") or 0
        if since > session.sequence:
            raise Close(4007, "Invalid seq.")
        self.session, session.connection = session, self
        session.resumes += 1
        for number, payload in session.sent:
            if number > since:
                self.send(payload)
        session.dispatch("RESUMED", {"_trace": []})
        gateway.ready.set()


class Gateway:
    """All sessions of the bot; tests call its methods to disturb them."""

    def __init__(self, standin: StandIn, privileged: Iterable[str]) -> None:
        self._standin = standin
        self.clock = standin.clock
        self.sessions: dict[str, Session] = {}
        self.connections: set[Connection] = set()
        self.ready = asyncio.Event()
        self.flowing = asyncio.Event()
        self.flowing.set()
        self.heartbeat_interval = 41_250
        self.guilds_per_shard = 2_500
        self.privileged = set(privileged)
        self.refusing = False  # new connections get 503, as in an outage
        self.space_identifies = False  # real Discord wants 5 s between two of them
        self.identifies: list[float] = []

    # ── faults that tests ask for ─────────────────────────────────────────────────────────

    def reconnect(self) -> None:
        """Ask every client to reconnect and resume (op 7)."""
        for connection in list(self.connections):
            connection.send_op(RECONNECT)

    def invalidate(self, *, resumable: bool = False) -> None:
        """Declare every session invalid (op 9)."""
        for connection in list(self.connections):
            connection.send_op(INVALID_SESSION, resumable)
        if not resumable:
            self.sessions.clear()

    def close(self, code: int, reason: str = "") -> None:
        """Close every connection with a code."""
        for connection in list(self.connections):
            connection.close(code, reason)

    def abort(self) -> None:
        """Drop every TCP connection without a goodbye."""
        for connection in list(self.connections):
            if connection.transport is not None:
                connection.transport.abort()

    def hold(self) -> None:
        """Stop answering: connections stay open and silent."""
        self.flowing.clear()

    def release(self) -> None:
        """Answer again, with everything that was held back."""
        self.flowing.set()

    def dispatch_raw(self, event: str, data: object) -> None:
        """Send a dispatch as it is, however malformed, to every session."""
        for session in self.sessions.values():
            session.dispatch(event, data)

    # ── what the world tells ──────────────────────────────────────────────────────────────

    def dispatch(
        self,
        event: str,
        data: object | Callable[[Session], object],
        *,
        guild_id: str | None,
        intent: int,
    ) -> bool:
        """Send an event to the sessions that hear it; tell whether there was any."""
        heard = False
        for session in list(self.sessions.values()):
            if session.hears(guild_id, intent):
                session.dispatch(event, data(session) if callable(data) else data)
                heard = True
        return heard

    # ── sessions ──────────────────────────────────────────────────────────────────────────

    async def serve(self, request: web.BaseRequest) -> web.StreamResponse:
        """Accept a WebSocket."""
        if self.refusing:
            return web.Response(status=503)
        socket = web.WebSocketResponse(max_msg_size=0, timeout=1)
        await socket.prepare(request)
        if request.query.get("v") != "10":
            await socket.close(code=4012, message=b"Invalid API version.")
            return socket
        connection = Connection(self, request, socket)
        self.connections.add(connection)
        try:
            await connection.run()
        finally:
            self.connections.discard(connection)
        return socket

    def check_token(self, token: object) -> None:
        """Close with 4004 unless the token is the bot's."""
        if token not in (self._standin.token, f"Bot {self._standin.token}"):
            raise Close(4004, "Authentication failed.")

    def admit(self, data: dict[str, Any]) -> Session | None:
        """Check an IDENTIFY; None stands for "too soon after the last one"."""
        self.check_token(data.get("token"))
        index, count = data.get("shard") or (0, 1)
        if not 0 <= index < count:
            raise Close(4010, "Invalid shard.")
        intents = data.get("intents")
        if not isinstance(intents, int) or intents & ~KNOWN_INTENTS:
            raise Close(4013, "Invalid intent(s).")
        if any(intents & bit for name, bit in PRIVILEGED.items() if name not in self.privileged):
            raise Close(4014, "Disallowed intent(s).")
        mine = sum(shard_of(g.id, count) == index for g in self._standin.world.bot_guilds())
        if mine > self.guilds_per_shard:
            raise Close(4011, "Sharding required.")
        now = self.clock.now()
        too_soon = bool(self.identifies) and now - self.identifies[-1] < 5
        self.identifies.append(now)
        if sum(now - moment < 86_400 for moment in self.identifies) > IDENTIFIES_A_DAY:
            self._standin.violation("too many identifies in a day: Discord resets the token")
        if self.space_identifies and too_soon:
            return None
        session = Session(secrets.token_hex(16), (index, count), intents)
        self.sessions[session.id] = session
        return session

    def greet(self, session: Session) -> None:
        """Send READY and then the guilds of the shard."""
        world = self._standin.world
        index, count = session.shard
        guilds = [g for g in world.bot_guilds() if shard_of(g.id, count) == index]
        session.dispatch(
            "READY",
            {
                "v": 10,
                "user": world.bot.to_private_json(),
                "guilds": [{"id": guild.id, "unavailable": True} for guild in guilds],
                "session_id": session.id,
                "resume_gateway_url": self._standin.gateway_url,
                "session_type": "normal",
                "shard": [index, count],
                "application": {"id": world.application_id, "flags": 0},
                "private_channels": [],
                "relationships": [],
                "user_settings": {},
                "_trace": [],
            },
        )
        if session.intents & GUILDS:
            for guild in guilds:
                if not guild.unavailable:
                    session.dispatch("GUILD_CREATE", guild.to_gateway_json())
        self.ready.set()

    def send_members(self, session: Session, wanted: dict[str, Any]) -> None:
        """Answer a request for members, by id or by the beginning of a name."""
        guild = self._standin.world.guilds.get(str(wanted.get("guild_id")))
        if guild is None:
            return
        if wanted.get("query") == "" and not session.intents & GUILD_MEMBERS:
            self._standin.violation("the whole member list was requested without the intent")
            return
        ids = wanted.get("user_ids")
        ids = None if ids is None else set(map(str, ids if isinstance(ids, list) else [ids]))
        start = wanted.get("query") or ""
        found = [
            member.to_json()
            for user_id, member in guild.members.items()
            if (user_id in ids if ids is not None else member.user.username.startswith(start))
        ]
        data = {"guild_id": guild.id, "members": found, "chunk_index": 0, "chunk_count": 1}
        missing = [] if ids is None else sorted(ids - set(guild.members))
        data |= {"not_found": missing, "nonce": wanted.get("nonce")}
        session.dispatch("GUILD_MEMBERS_CHUNK", data)


def _compressor(kind: str) -> Callable[[bytes], bytes]:
    """Return what turns a payload into the next piece of a compressed stream."""
    if kind == "zlib-stream":
        deflate = zlib.compressobj()
        return lambda data: deflate.compress(data) + deflate.flush(zlib.Z_SYNC_FLUSH)
    if kind == "zstd-stream":
        stream = zstandard.ZstdCompressor().compressobj()
        return lambda data: stream.compress(data) + stream.flush(zstandard.COMPRESSOBJ_FLUSH_BLOCK)
    return lambda data: data
