"""A round that is cancelled at any of its awaits loses nothing and doubles nothing."""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import types
from collections.abc import AsyncIterator, Callable, Coroutine, Generator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from bot.app import Core
from tests.delivery import PAIRS, SOURCE, Delivery, Shown, logged_in, met
from tests.standin.channels import Channel

# ── a driver that cancels at the n-th suspension ──────────────────────────────────────────────


@dataclass
class Suspensions:
    """Counts how often a round hands control to the loop, in any of its tasks."""

    at: int
    count: int = 0
    task: asyncio.Task[object] | None = None

    def __call__(self) -> None:
        self.count += 1
        if self.count == self.at:
            assert self.task is not None
            self.task.cancel()


_counting: contextvars.ContextVar[Suspensions | None] = contextvars.ContextVar(
    "counting", default=None
)


@types.coroutine
def _stepped(
    work: Coroutine[Any, Any, Any], suspended: Callable[[], None]
) -> Generator[Any, Any, Any]:
    """Run a coroutine step by step, telling of every step that does not end it."""
    value, error = None, None
    while True:
        try:
            waited_for = work.send(value) if error is None else work.throw(error)
        except StopIteration as end:
            return end.value
        suspended()
        value, error = None, None
        try:
            value = yield waited_for
        except BaseException as thrown:  # noqa: BLE001  it belongs to the coroutine
            error = thrown


async def _told(work: Coroutine[Any, Any, Any], suspended: Callable[[], None]) -> Any:
    return await _stepped(work, suspended)


@pytest.fixture
async def steps() -> AsyncIterator[None]:
    """Every task that is started within a round counts its suspensions."""
    loop = asyncio.get_running_loop()

    def make(
        loop: asyncio.AbstractEventLoop, work: Coroutine[Any, Any, Any], **kwargs: Any
    ) -> asyncio.Task[Any]:
        counter = _counting.get()
        return asyncio.Task(_told(work, counter) if counter else work, loop=loop, **kwargs)

    loop.set_task_factory(make)
    yield
    loop.set_task_factory(None)


async def cancelled_at(n: int, work: Coroutine[Any, Any, object]) -> bool:
    """Cancel a round at its n-th suspension; False when it was done before."""
    counter = Suspensions(at=n)
    token = _counting.set(counter)
    try:
        counter.task = asyncio.ensure_future(work)
    finally:
        _counting.reset(token)
    with contextlib.suppress(asyncio.CancelledError):
        await counter.task
    await asyncio.sleep(0.01)  # what was on its way to Discord arrives
    return counter.count >= n


# ── the story of a run ────────────────────────────────────────────────────────────────────────

JISOO_MINGYU = PAIRS[0][2]
BOTH = met(0) + " BLACKPINK's Lisa and SEVENTEEN's Mingyu hugged each other there."
WAVED = met(0, act="wave at each other and chat")


async def ingest(d: Delivery) -> object:
    return await d.ingest()


async def deliver(d: Delivery) -> object:
    return await d.deliver()


async def match(d: Delivery) -> object:
    return await d.match(d.feed.posts)


@dataclass(frozen=True)
class Phase:
    """News, and the round that takes it one step further."""

    name: str
    news: Callable[[Delivery], None]
    round: Callable[[Delivery], Coroutine[Any, Any, object]]


def _first(d: Delivery) -> None:
    d.feed.posts = [d.post(1, met(0)), d.post(2, met(1))]


def _more(d: Delivery) -> None:
    """Another outlet, which also tells of a third person; and the first one corrects itself."""
    d.feed.posts = [d.post(3, BOTH), d.post(1, WAVED), d.post(2, met(1))]


def _nothing(_: Delivery) -> None:
    pass


PHASES = (
    Phase("ingest", _first, ingest),
    Phase("deliver", _nothing, deliver),
    Phase("match again", _more, match),
    Phase("deliver upgrade and edit", _nothing, deliver),
)


@contextlib.asynccontextmanager
async def _world(core: Core, path: Path) -> Any:
    async with logged_in(core, path) as d:
        guild = d.api.add_guild("Twosome")
        channels = [guild.add_text_channel("pair"), guild.add_forum("forum")]
        await d.storage.sync_sources([SOURCE], d.now())
        await d.watch(channels[0], JISOO_MINGYU)
        await d.watch(channels[1])
        yield d, channels


async def _leases_run_out(d: Delivery) -> None:
    d.let_pass(130)


async def _the_process_starts_anew(d: Delivery) -> None:
    d.restart()
    await d.storage.release_messages()


async def _run(
    d: Delivery,
    channels: list[Channel],
    cancelled: str = "",
    at: int = 0,
    *,
    then: Callable[[Delivery], Coroutine[Any, Any, object]] | None = None,
) -> tuple[dict[str, list[Shown]], bool]:
    """Go through the phases, one of them cancelled at a suspension; what every channel shows.

    And whether the cancellation came before the phase was done.
    """
    struck = False
    for phase in PHASES:
        phase.news(d)
        if phase.name == cancelled:
            struck = await cancelled_at(at, phase.round(d))
            assert then is not None
            await then(d)
        for round_ in (ingest, deliver) if phase.round is deliver else (ingest,):
            await round_(d)
        if phase.round is deliver:
            await d.drain(rounds=4)
    await d.assert_settled()
    return {c.name: sorted(d.shown(c)) for c in channels}, struck


async def test_an_undisturbed_run_tells_edits_and_upgrades(core: Core, tmp_path: Path) -> None:
    """What the cancelled runs are compared with is worth comparing with."""
    async with _world(core, tmp_path / "crumbs.db") as (d, channels):
        shown, _ = await _run(d, channels)
        assert [len(shown[c.name]) for c in channels] == [1, 3]
        [[(_, told)]] = shown["pair"]
        assert "chat" in told
        assert "also reported by" in told
        assert any(told.startswith("New in this story") for [(_, told)] in shown["forum"])


@pytest.mark.usefixtures("steps")
@pytest.mark.parametrize(
    ("phase", "then"),
    [
        *((p.name, _leases_run_out) for p in PHASES),
        *((p.name, _the_process_starts_anew) for p in PHASES if p.round is not ingest),
    ],
    ids=lambda value: value if isinstance(value, str) else value.__name__.strip("_"),
)
async def test_a_round_cancelled_at_any_await_changes_nothing_in_the_end(
    core: Core,
    tmp_path: Path,
    phase: str,
    then: Callable[[Delivery], Coroutine[Any, Any, object]],
) -> None:
    async with _world(core, tmp_path / "undisturbed.db") as (d, channels):
        undisturbed, _ = await _run(d, channels)
    n, struck = 0, True
    while struck:
        n += 1
        async with _world(core, tmp_path / f"{n}.db") as (d, channels):
            try:
                shown, struck = await _run(d, channels, phase, n, then=then)
                assert shown == undisturbed
            except BaseException as error:
                error.add_note(f"{phase}, cancelled at its suspension {n}")
                raise
    assert n > 3
    print(f"\n{phase}: cancelled at each of {n - 1} suspensions")  # noqa: T201
