"""Servers on loopback that answer as real ones do, well and badly."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from bot.sources.http import Fetcher

USER_AGENT = "Crumbs/0.0 (+https://crumbs.example/contact)"

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@pytest.fixture
async def cleanup():
    async with AsyncExitStack() as stack:
        yield stack


@pytest.fixture
def serve(cleanup):
    """`await serve(handler)` answers every path with `handler`; gives the address without path."""

    async def start(handler: Handler) -> str:
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", handler)
        server = TestServer(app, host="127.0.0.1")
        await server.start_server()
        cleanup.push_async_callback(server.close)
        return f"http://127.0.0.1:{server.port}"

    return start


@pytest.fixture
def serve_raw(cleanup):
    """`await serve_raw(data)` sends those bytes to whoever asks, and hangs up."""

    async def start(data: bytes) -> str:
        async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            if data:
                await reader.readuntil(b"\r\n\r\n")
                writer.write(data)
                await writer.drain()
            writer.close()

        server = await asyncio.start_server(talk, "127.0.0.1", 0)

        async def stop() -> None:
            server.close()
            await server.wait_closed()

        cleanup.push_async_callback(stop)
        return f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"

    return start


@pytest.fixture
async def fetcher():
    """A fetcher that is let through to the loopback servers, impatient enough for tests."""
    async with Fetcher(
        USER_AGENT, allow=frozenset({"127.0.0.1"}), total=5, connect=2, idle=2
    ) as one:
        yield one
