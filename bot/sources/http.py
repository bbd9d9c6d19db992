"""One fetcher for all sources: polite, bounded in time and size, and kept to public addresses."""

from __future__ import annotations

import asyncio
import re
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from ipaddress import ip_address
from types import TracebackType
from typing import Final, Self

import aiohttp
from yarl import URL

from bot.domain.errors import Malformed, NotAllowed, SourceError, Unreachable
from bot.sources.guard import PrivateAddressError, public_socket
from bot.sources.status import raise_for_status

#: Decoded bytes of one answer. The largest feed in wide use that we know is about 1 MB.
MAX_BYTES: Final = 5_000_000
#: Redirects followed for one request; browsers allow 20, honest feeds need one or two.
MAX_REDIRECTS: Final = 5

_PORTS = frozenset({80, 443})
_CHUNK = 65_536
_HOST = re.compile(r"[a-zA-Z0-9._:%-]+")
_PERMANENT = frozenset({HTTPStatus.MOVED_PERMANENTLY, HTTPStatus.PERMANENT_REDIRECT})
_REDIRECTS = _PERMANENT | {
    HTTPStatus.FOUND,
    HTTPStatus.SEE_OTHER,
    HTTPStatus.TEMPORARY_REDIRECT,
}
#: What may follow a redirect to another origin. Anything else may be a key meant for the first.
_HARMLESS = frozenset({"accept", "accept-language", "if-none-match", "if-modified-since"})


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer of status 2xx with its body, or 304 without one."""

    status: int
    #: Names are found in any case.
    headers: Mapping[str, str]
    #: Decompressed.
    body: bytes
    #: Where the answer came from, after redirects.
    url: str
    #: Where the chain's leading permanent redirects (301, 308) lead; None when there are none.
    permanent_redirect: str | None


class Fetcher:
    """Gets addresses over HTTP for every source client; close it when the program ends.

    Only http and https on ports 80 and 443, without a user name in the address, and only public
    network addresses, at every redirect anew. `allow` names the hosts that are exempt from the
    limits on port and network address: "rsshub", "10.0.0.7", or "rsshub:1200" for one port only.

    Times are in seconds: `total` bounds a request with all its redirects and its body, `connect`
    the wait for a connection, `idle` the silence between two parts of an answer.

    Use as an async context manager, or call `close`. It may be made before there is a loop.

    Raises:
        ValueError: an entry of `allow` is no host.
    """

    def __init__(
        self,
        user_agent: str,
        *,
        allow: frozenset[str] = frozenset(),
        total: float = 30,
        connect: float = 10,
        idle: float = 15,
    ) -> None:
        self._user_agent = user_agent
        self._allow = frozenset(_authority(entry) for entry in allow)
        self._total = total
        self._timeout = aiohttp.ClientTimeout(total=None, connect=connect, sock_read=idle)
        self._sessions: dict[bool, aiohttp.ClientSession] = {}

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Close all connections. Calling it again is harmless."""
        while self._sessions:
            _, session = self._sessions.popitem()
            await session.close()

    async def get(
        self, url: str, *, headers: Mapping[str, str] | None = None, max_bytes: int = MAX_BYTES
    ) -> Answer:
        """Get `url`, following redirects; at most `max_bytes` of decompressed body.

        Errors name the address without its query, which may hold a key.

        Raises:
            NotAllowed: 401, 403, a challenge page, or an address that may not be fetched.
            NotFound: 404 or 410.
            RateLimited: 429 or 503.
            Unreachable: name resolution, TLS, timeout, reset, or another 5xx.
            Malformed: too large, cut off, wrongly compressed, or redirected in a loop.
        """
        try:
            async with asyncio.timeout(self._total):
                return await self._follow(_parse(url), dict(headers or {}), max_bytes)
        except TimeoutError:
            raise Unreachable(
                f"{_shown(_parse(url))} did not answer in {self._total:g} seconds."
            ) from None

    async def _follow(self, url: URL, headers: dict[str, str], max_bytes: int) -> Answer:
        permanent: URL | None = None
        unbroken = True
        for _ in range(MAX_REDIRECTS + 1):
            answer = await self._exchange(url, headers, max_bytes, permanent)
            if isinstance(answer, Answer):
                return answer
            status, target = answer
            unbroken = unbroken and status in _PERMANENT
            if unbroken:
                permanent = target
            if target.origin() != url.origin():
                headers = {k: v for k, v in headers.items() if k.lower() in _HARMLESS}
            url = target
        raise Malformed(f"{_shown(url)} is the end of more than {MAX_REDIRECTS} redirects.")

    async def _exchange(
        self, url: URL, headers: dict[str, str], max_bytes: int, permanent: URL | None
    ) -> Answer | tuple[int, URL]:
        """One request: an answer, or the status and target of a redirect."""
        session = self._session_for(url)
        try:
            async with session.get(url, headers=headers, allow_redirects=False) as response:
                if response.status in _REDIRECTS and "Location" in response.headers:
                    return response.status, _target(url, response.headers["Location"])
                raise_for_status(response.status, response.headers, _shown(url))
                return Answer(
                    status=response.status,
                    headers=response.headers,
                    body=await _read(response, url, max_bytes),
                    url=str(url),
                    permanent_redirect=None if permanent is None else str(permanent),
                )
        except (aiohttp.ClientError, ConnectionError, ssl.SSLError) as error:
            raise _translated(error, url) from None

    def _session_for(self, url: URL) -> aiohttp.ClientSession:
        """The session whose connections may lead to `url`.

        Two sessions, each with connections of its own: what is exempt from the guard is decided
        for each hop by its host alone, and an exempt connection never serves another host.
        """
        exempt = self._is_exempt(url)
        if not exempt and url.port not in _PORTS:
            raise NotAllowed(
                f"{_shown(url)} is on port {url.port}; only 80 and 443 are fetched, unless "
                f"CRUMBS_FETCH_ALLOW names {url.authority}."
            )
        if exempt not in self._sessions:
            self._sessions[exempt] = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(
                    limit=32, limit_per_host=2, socket_factory=None if exempt else public_socket
                ),
                cookie_jar=aiohttp.DummyCookieJar(),
                headers={"User-Agent": self._user_agent},
                timeout=self._timeout,
                trust_env=False,
            )
        return self._sessions[exempt]

    def _is_exempt(self, url: URL) -> bool:
        host = _canonical(url.host or "")
        return (host, None) in self._allow or (host, url.port) in self._allow


def _parse(url: str) -> URL:
    """An address that may be asked for at all.

    Raises:
        NotAllowed: it may not.
    """
    try:
        parsed = URL(url)
        host, _ = parsed.raw_host or "", parsed.port
        host.encode("idna")  # what name resolution does first: no empty or overlong parts
    except ValueError:
        raise NotAllowed("The address is not a valid URL.") from None
    if parsed.scheme not in ("http", "https") or not _HOST.fullmatch(host):
        raise NotAllowed(f"{_shown(parsed)} is not an http or https address.")
    if parsed.user is not None or parsed.password is not None:
        raise NotAllowed(f"{_shown(parsed)} has a user name or password in the address.")
    return parsed.with_fragment(None)


def _target(url: URL, location: str) -> URL:
    try:
        target = url.join(URL(location.strip()))
    except ValueError:
        raise Malformed(f"{_shown(url)} redirects to something that is no address.") from None
    return _parse(str(target))


def _shown(url: URL) -> str:
    """The address as it may be printed: without user name and query, which could be secrets."""
    host = url.host_port_subcomponent
    return f"{url.scheme}://{host}{url.raw_path}" if host else f"“{url.scheme}:…”"


def _authority(entry: str) -> tuple[str, int | None]:
    """An entry of the allow-list as (host, port or None for any)."""
    entry = entry.strip()
    try:
        return ip_address(entry.strip("[]")).compressed, None
    except ValueError:
        url = URL(f"//{entry}")
    if not url.host or url.path.strip("/"):
        raise ValueError(f"{entry!r} is not a host, nor a host and a port")
    return _canonical(url.host), url.explicit_port


def _canonical(host: str) -> str:
    try:
        return ip_address(host).compressed
    except ValueError:
        return host.lower().rstrip(".")


async def _read(response: aiohttp.ClientResponse, url: URL, max_bytes: int) -> bytes:
    """The decompressed body, counted while it streams so that a small bomb stays small."""
    body = bytearray()
    async for chunk in response.content.iter_chunked(_CHUNK):
        body += chunk
        if len(body) > max_bytes:
            raise Malformed(f"{_shown(url)} sends more than {max_bytes:,} bytes.")
    return bytes(body)


def _translated(error: BaseException, url: URL) -> SourceError:
    """What a failed exchange means; the library's own text may hold the query and is left out."""
    shown = _shown(url)
    match error:
        case aiohttp.ClientConnectorError(os_error=PrivateAddressError()):
            return NotAllowed(
                f"{shown} leads to a private address; it is fetched only when "
                f"CRUMBS_FETCH_ALLOW names {url.host}."
            )
        case aiohttp.ClientConnectorDNSError():
            return Unreachable(f"The name {url.host} could not be resolved.")
        case aiohttp.ClientSSLError() | ssl.SSLError():
            return Unreachable(f"{shown} has no valid certificate or cannot speak TLS.")
        case aiohttp.ServerTimeoutError():
            return Unreachable(f"{shown} was silent for too long.")
        case aiohttp.ClientConnectorError():
            return Unreachable(f"{shown} refuses connections or cannot be reached.")
        case aiohttp.ClientPayloadError():
            return Malformed(f"The answer of {shown} was cut off or is wrongly compressed.")
        case aiohttp.ClientResponseError():
            return Malformed(f"{shown} does not answer in proper HTTP.")
        case aiohttp.InvalidURL():
            return NotAllowed(f"{shown} is not a valid address.")
        case _:
            return Unreachable(f"The connection to {shown} broke ({type(error).__name__}).")
