"""One request from the wire to its answer: faults, credentials, limits, rules, handler."""

from __future__ import annotations

import asyncio
import random
import socket
import struct
from typing import TYPE_CHECKING

import msgspec
from aiohttp import BodyPartReader, web

from . import faults
from .errors import ApiError
from .ledger import Request
from .limits import Bucket, Limited, Refusal
from .routes import ROUTES
from .routing import Call, Reply, Route
from .rules import UnknownKeys

if TYPE_CHECKING:
    from .server import StandIn

PREFIX = "/api/v10"
LARGEST_REQUEST = 25 * 1024 * 1024
FRONT = {"Via": "1.1 google", "Server": "cloudflare"}
ON_THE_WAY = faults.ResetBefore | faults.TooMany | faults.Ban
INSIDE = faults.Status | faults.Refuse
RESET_ON_CLOSE = struct.pack("ii", 1, 0)  # SO_LINGER with zero seconds: RST instead of FIN


class Rest:
    """The HTTP side of the stand-in."""

    def __init__(self, standin: StandIn) -> None:
        self._standin = standin
        self._rng = random.Random(0)

    def _way(self, latency: float | tuple[float, float]) -> float:
        return self._rng.uniform(*latency) if isinstance(latency, tuple) else latency

    async def serve(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answer one request and write it down."""
        standin = self._standin
        path = request.path.removeprefix(PREFIX)
        found = ROUTES.find(request.method, path) if path != request.path else None
        entry = Request(
            standin.clock.now(), request.method, path, found[0].template if found else path
        )
        standin.ledger.requests.append(entry)
        if standin.latency:
            await asyncio.sleep(self._way(standin.latency))
        if wait := standin.counters.banned():
            return self._ban(entry, wait)
        if found is None:
            standin.violation(f"unknown route: {request.method} {request.path}")
            return self._json(entry, Reply(404, ApiError(0).body()), judged=False)
        unreadable = await self._read(request, entry)
        entry.at = standin.clock.now()  # when the limits see it
        entry.paced = not self._exempt(found[1])
        fault = standin.faults.draw(entry)
        entry.fault = type(fault).__name__ if fault else ""
        if isinstance(fault, ON_THE_WAY):
            return self._strike(request, entry, fault)
        refused, bucket = self._admit(request, entry, *found)
        headers = self._limit_headers(found[0], bucket) if bucket else {}
        if refused is not None:
            return self._json(entry, refused, headers)
        if isinstance(fault, INSIDE):
            return self._strike(request, entry, fault)
        if unreadable is not None:
            return self._json(entry, Reply(unreadable.status, unreadable.body()), headers)
        entry.accepted = True
        reply = self._handle(request, entry, *found)
        if fault is None:
            return self._json(entry, reply, headers)
        return await self._lose(request, entry, fault, reply, headers)

    # ── acceptance ────────────────────────────────────────────────────────────────────────

    def _exempt(self, params: dict[str, str]) -> bool:
        """Tell whether the global limit does not count: it spares answers to interactions."""
        token = params.get("webhook_token", "")
        return "interaction_id" in params or self._standin.interactions.knows(token)

    def _admit(
        self, request: web.BaseRequest, entry: Request, route: Route, params: dict[str, str]
    ) -> tuple[Reply | None, Bucket | None]:
        """Check credentials and limits; return the refusal, if any, and the bucket used."""
        counters, limits = self._standin.counters, self._standin.limits
        try:
            self._authenticate(request, route)
        except ApiError as error:
            return Reply(error.status, error.body()), None
        if entry.paced:
            owner = "bot" if "Authorization" in request.headers else request.remote or ""
            if refusal := counters.take_global(owner):
                return _too_many(entry, refusal), None
        if not route.bucket:  # Discord shows no bucket there
            return None, None
        bucket, wait = counters.take(route.bucket, route.resource(params), route.rate(limits))
        return (_too_many(entry, Refusal("user", wait)) if wait else None), bucket

    def _handle(
        self, request: web.BaseRequest, entry: Request, route: Route, params: dict[str, str]
    ) -> Reply:
        """Let the handler answer, and judge what was accepted."""
        standin = self._standin
        try:
            result = route.handler(Call(standin, params, request.query, entry.body, entry.files))
        except UnknownKeys as error:
            for key in error.paths:
                standin.violation(f"unknown key in {entry.method} {entry.path}: {key}")
            return Reply(error.status, error.body())
        except Limited as hit:
            return _too_many(entry, hit.refusal)
        except ApiError as error:
            return Reply(error.status, error.body())
        except Exception as error:  # noqa: BLE001 - a bug of ours must not pass for Discord
            standin.violation(f"the stand-in failed at {entry.method} {entry.path}: {error!r}")
            standin.failures.append(error)
            return Reply(500, {"message": "500: Internal Server Error", "code": 0})
        self._judge_request(entry, request)
        return result if isinstance(result, Reply) else Reply(200, result)

    def _authenticate(self, request: web.BaseRequest, route: Route) -> None:
        given = request.headers.get("Authorization")
        if given is not None and not request.headers.get("User-Agent", "").startswith("DiscordBot"):
            self._standin.violation("a request with the bot's token lacks a DiscordBot User-Agent")
        if given == f"Bot {self._standin.token}":
            return
        if given is not None or route.auth == "bot":
            raise ApiError(0, status=401, message="401: Unauthorized")

    async def _read(self, request: web.BaseRequest, entry: Request) -> ApiError | None:
        """Read the body into the entry; what cannot be read is refused later, in its turn."""
        if (request.content_length or 0) > LARGEST_REQUEST:
            return ApiError(40005)
        if request.content_type == "multipart/form-data":
            return await self._read_multipart(request, entry)
        raw = await request.read()
        if not raw:
            return None
        if request.content_type != "application/json":
            return ApiError(0, status=415, message="415: Unsupported Media Type")
        return _decode(raw, entry)

    async def _read_multipart(self, request: web.BaseRequest, entry: Request) -> ApiError | None:
        async for part in await request.multipart():
            if not isinstance(part, BodyPartReader):
                continue
            raw = bytes(await part.read())
            if part.name == "payload_json":
                if problem := _decode(raw, entry):
                    return problem
            elif part.filename:
                entry.files[part.filename] = raw
        return None

    def _judge_request(self, entry: Request, request: web.BaseRequest) -> None:
        """Compare an accepted request with the official description."""
        description = self._standin.description
        if description is None:
            return
        problem = description.request_problem(
            entry.method, entry.route, entry.body
        ) or description.query_problem(entry.method, entry.route, request.query)
        if problem:
            self._standin.violation(
                f"{entry.method} {entry.path}: the description refuses the request: {problem}"
            )

    def _judge_answer(self, entry: Request, reply: Reply) -> None:
        """Compare an answer with the official description, which says nothing of 5xx."""
        description = self._standin.description
        if description is None or reply.status >= 500:
            return
        problem = description.answer_problem(entry.method, entry.route, reply.status, reply.body)
        if problem:
            self._standin.violation(
                f"{entry.method} {entry.path}: the description refuses the answer: {problem}"
            )

    # ── answers ───────────────────────────────────────────────────────────────────────────

    def _json(
        self,
        entry: Request,
        reply: Reply,
        headers: dict[str, str] | None = None,
        *,
        judged: bool = True,
    ) -> web.Response:
        if judged:
            self._judge_answer(entry, reply)
        entry.status = reply.status
        entry.code = reply.body.get("code", 0) if isinstance(reply.body, dict) else 0
        all_headers = FRONT | (headers or {})
        if reply.status == 429:
            retry_after = reply.body.get("retry_after", 60)
            all_headers["Retry-After"] = str(max(1, round(retry_after)))
            all_headers["X-RateLimit-Scope"] = entry.scope or "user"
            if entry.scope == "global":
                all_headers["X-RateLimit-Global"] = "true"
        if reply.status in (401, 403) or (reply.status == 429 and entry.scope != "shared"):
            self._standin.counters.note_invalid()
        if reply.body is None:
            return web.Response(status=reply.status, headers=all_headers)
        # Clients compare the content type literally: no charset may follow.
        all_headers["Content-Type"] = "application/json"
        body = msgspec.json.encode(reply.body)
        return web.Response(status=reply.status, body=body, headers=all_headers)

    def _html(self, entry: Request, status: int, headers: dict[str, str]) -> web.Response:
        entry.status = status
        body = f"<html><head><title>{status}</title></head><body>{status}</body></html>"
        return web.Response(status=status, text=body, content_type="text/html", headers=headers)

    def _ban(self, entry: Request, wait: float) -> web.Response:
        """Answer as Cloudflare does to an address that is shut out: it is not Discord speaking."""
        headers = {"Retry-After": str(max(1, round(wait))), "Server": "cloudflare"}
        return self._html(entry, 429, headers)

    def _limit_headers(self, route: Route, bucket: Bucket) -> dict[str, str]:
        now = self._standin.clock.now()
        after = bucket.reset_after(now)
        return {
            "X-RateLimit-Limit": str(bucket.rate.limit),
            "X-RateLimit-Remaining": str(bucket.remaining()),
            "X-RateLimit-Reset": f"{now + after:.3f}",
            "X-RateLimit-Reset-After": f"{after:.3f}",
            "X-RateLimit-Bucket": route.bucket_hash,
        }

    # ── faults ────────────────────────────────────────────────────────────────────────────

    def _strike(
        self, request: web.BaseRequest, entry: Request, fault: faults.Fault
    ) -> web.Response:
        """Let a request fail before it is accepted."""
        match fault:
            case faults.Status(code=500):
                body = {"message": "500: Internal Server Error", "code": 0}
                return self._json(entry, Reply(500, body))
            case faults.Status(code=code):
                return self._html(entry, code, FRONT)
            case faults.TooMany(retry_after=seconds, scope=scope):
                return self._json(entry, _too_many(entry, Refusal(scope, seconds)))
            case faults.Ban(retry_after=seconds):
                return self._ban(entry, seconds)
            case faults.Refuse(code=code):
                error = ApiError(code)
                return self._json(entry, Reply(error.status, error.body()))
            case _:
                _reset(request)
                return web.Response()

    async def _lose(
        self,
        request: web.BaseRequest,
        entry: Request,
        fault: faults.Fault,
        reply: Reply,
        headers: dict[str, str],
    ) -> web.StreamResponse:
        """Let the answer of an accepted request suffer."""
        answer = self._json(entry, reply, headers)
        if isinstance(fault, faults.Slow):
            await asyncio.sleep(fault.seconds)
            return answer
        entry.status = 0
        if isinstance(fault, faults.ResetAfter) or not isinstance(answer.body, bytes):
            _reset(request)
            return web.Response()
        broken = web.StreamResponse(status=answer.status, headers=answer.headers)
        broken.content_length = len(answer.body)
        await broken.prepare(request)
        await broken.write(answer.body[: len(answer.body) // 2])
        if request.transport is not None:
            request.transport.close()
        return broken


def _too_many(entry: Request, refusal: Refusal) -> Reply:
    entry.scope = refusal.scope
    body = {
        "message": refusal.message,
        "retry_after": round(refusal.retry_after, 3),
        "global": refusal.scope == "global",
        "code": refusal.code,
    }
    return Reply(429, body)


def _decode(raw: bytes, entry: Request) -> ApiError | None:
    try:
        entry.body = msgspec.json.decode(raw)
    except msgspec.DecodeError:
        return ApiError(50109)
    return None


def _reset(request: web.BaseRequest) -> None:
    """Break the TCP connection so that the client sees a reset."""
    if request.transport is None:
        return
    connection = request.transport.get_extra_info("socket")
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_ON_CLOSE)
    request.transport.abort()
