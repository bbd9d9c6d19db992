"""Real processes for the tests that need them: the bot, and a web server for its feeds."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from email.utils import format_datetime
from pathlib import Path
from xml.sax.saxutils import escape

GUARD = Path(__file__).parent / "guard"


def environment(**settings: str) -> dict[str, str]:
    """The environment of a child: only these settings of ours, and kept to this machine."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("CRUMBS_", "DISCORD_"))}
    return {**kept, "PYTHONPATH": str(GUARD), **settings}


@asynccontextmanager
async def process(
    *command: str, env: Mapping[str, str], cwd: Path, show: bool = True
) -> AsyncIterator[asyncio.subprocess.Process]:
    """A child process that is killed at the end, if it still lives."""
    child = await asyncio.create_subprocess_exec(
        *command,
        env=dict(env),
        cwd=cwd,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    try:
        yield child
    finally:
        if child.returncode is None:
            child.kill()
        output, _ = await child.communicate()
        if show:  # pytest shows it when the test fails
            sys.stdout.write(output.decode(errors="replace"))


@asynccontextmanager
async def bot(env: Mapping[str, str], cwd: Path) -> AsyncIterator[asyncio.subprocess.Process]:
    """`crumbs run`."""
    async with process(sys.executable, "-m", "bot", "run", env=env, cwd=cwd) as child:
        yield child


async def stop(child: asyncio.subprocess.Process) -> str:
    """Ask a process to end as an operator would; what it printed."""
    child.send_signal(signal.SIGTERM)
    output, _ = await asyncio.wait_for(child.communicate(), 20)
    return output.decode()


_SERVER = """
import functools, http.server, sys
handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=sys.argv[1])
server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
print(server.server_port, flush=True)
server.serve_forever()
"""


@asynccontextmanager
async def web_server(folder: Path) -> AsyncIterator[str]:
    """A web server in a process of its own over a folder; its address."""
    async with process(
        sys.executable, "-u", "-c", _SERVER, str(folder), env=environment(), cwd=folder
    ) as child:
        assert child.stdout is not None
        port = int(await child.stdout.readline())
        yield f"http://127.0.0.1:{port}"


def rss(*entries: tuple[str, str, str]) -> str:
    """An RSS document, dated now, of (id, title, text)."""
    now = format_datetime(datetime.now(UTC))
    items = "".join(
        f"<item><guid isPermaLink='false'>{escape(i)}</guid><title>{escape(t)}</title>"
        f"<link>https://outlet.example/{escape(i)}</link><pubDate>{now}</pubDate>"
        f"<description>{escape(text)}</description></item>"
        for i, t, text in entries
    )
    return f"<rss version='2.0'><channel><title>Outlet</title>{items}</channel></rss>"
