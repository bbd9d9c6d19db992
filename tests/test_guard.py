"""The guard that keeps tests on this machine can say no."""

from __future__ import annotations

import socket
import subprocess
import sys
from pathlib import Path

import pytest

from tests.processes import environment


@pytest.mark.parametrize("address", ["192.0.2.1", "10.0.0.1", "2001:db8::1"])
def test_a_connection_that_would_leave_is_refused(address: str) -> None:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(family) as made:
        made.settimeout(0.1)
        with pytest.raises(AssertionError, match="not this machine"):
            made.connect((address, 80))


def test_a_look_up_that_would_leave_is_refused() -> None:
    with pytest.raises(AssertionError, match="not this machine"):
        socket.getaddrinfo("discord.com", 443)


def test_loopback_is_allowed() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        socket.create_connection(server.getsockname()).close()


def test_child_processes_are_kept_here_too(tmp_path: Path) -> None:
    code = "import socket; socket.create_connection(('192.0.2.1', 80), timeout=0.1)"
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
        env=environment(),
    )
    assert "not this machine" in done.stderr


@pytest.mark.parametrize(("skips", "status"), [("refuse", 1), ("", 0)])
def test_a_skip_is_a_failure_where_everything_is_there(skips: str, status: int) -> None:
    root = Path(__file__).parent.parent
    test = "tests/test_standin_rules.py::test_the_description_judges_both_sides"
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", test],
        capture_output=True,
        text=True,
        check=False,
        cwd=root,
        env=environment(CRUMBS_TEST_SKIPS=skips),
    )
    assert done.returncode == status, done.stdout
    assert "DISCORD_OPENAPI is not set" in done.stdout
