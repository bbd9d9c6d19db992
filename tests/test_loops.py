"""The roles' loops: woken, backing off, and stopped in two phases."""

from __future__ import annotations

import asyncio
import os
import signal

import pytest

from bot.app import Loops, _on_hangup, _signals
from bot.domain.errors import ConfigError, StorageUnavailable


async def test_a_round_is_repeated_while_there_is_work_and_then_waits_to_be_woken() -> None:
    stop = asyncio.Event()
    loops = Loops(stop)
    todo, rounds = [2, 1, 0, 1, 0], 0

    async def once() -> int:
        nonlocal rounds
        rounds += 1
        return todo.pop(0)

    running = asyncio.create_task(loops.run({"deliver": once}, None, grace=1))
    await asyncio.sleep(0.05)
    assert rounds == 3
    loops.wake("deliver")
    await asyncio.sleep(0.05)
    assert rounds == 5
    stop.set()
    await running


async def test_a_soft_stop_lets_the_running_round_end() -> None:
    stop = asyncio.Event()
    ended = False

    async def once() -> int:
        nonlocal ended
        stop.set()
        await asyncio.sleep(0.2)
        ended = True
        return 1

    await asyncio.wait_for(Loops(stop).run({"deliver": once}, None, grace=5), 3)
    assert ended


async def test_a_hard_stop_cancels_what_does_not_end_within_the_grace() -> None:
    stop = asyncio.Event()
    cancelled = False

    async def once() -> int:
        nonlocal cancelled
        stop.set()
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            cancelled = True
            raise
        return 0

    await asyncio.wait_for(Loops(stop).run({"deliver": once}, None, grace=0.1), 3)
    assert cancelled


async def test_the_gateway_ends_after_the_work() -> None:
    stop = asyncio.Event()
    order = []

    async def serving() -> None:
        try:
            await asyncio.sleep(60)
        finally:
            order.append("gateway")

    async def once() -> int:
        stop.set()
        await asyncio.sleep(0.1)
        order.append("work")
        return 0

    await asyncio.wait_for(Loops(stop).run({"deliver": once}, serving(), grace=5), 3)
    assert order == ["work", "gateway"]


async def test_what_breaks_one_role_ends_all_and_is_raised() -> None:
    async def broken() -> int:
        raise ConfigError("the roster is gone")

    async def waiting() -> int:
        return 0

    with pytest.raises(ExceptionGroup) as caught:
        await asyncio.wait_for(
            Loops(asyncio.Event()).run({"a": broken, "b": waiting}, None, grace=1), 3
        )
    assert caught.group_contains(ConfigError, match="roster is gone")


@pytest.mark.parametrize("in_a_task", [False, True])
async def test_unavailable_storage_is_waited_for_and_a_stop_ends_the_waiting(
    *, in_a_task: bool
) -> None:
    stop = asyncio.Event()
    tries = 0

    async def full() -> None:
        raise StorageUnavailable("the disk is full")

    async def once() -> int:
        nonlocal tries
        tries += 1
        if not in_a_task:
            await full()
        async with asyncio.TaskGroup() as group:  # as the sends of a round are
            group.create_task(full())
        return 0

    running = asyncio.create_task(Loops(stop).run({"deliver": once}, None, grace=1))
    await asyncio.sleep(0.3)
    assert tries == 1  # not a busy loop
    stop.set()
    await asyncio.wait_for(running, 1)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_signals_ask_for_a_soft_stop_once(number: signal.Signals) -> None:
    before = signal.getsignal(number)
    stop = asyncio.Event()
    with _signals(stop):
        os.kill(os.getpid(), number)
        await asyncio.wait_for(stop.wait(), 2)
        # A second one is no longer caught: it ends the process as it would any other.
        assert signal.getsignal(number) in (before, signal.SIG_DFL, signal.default_int_handler)


async def test_a_hangup_during_a_reload_reloads_once_more() -> None:
    reloads, release = 0, asyncio.Event()

    async def reload() -> None:
        nonlocal reloads
        reloads += 1
        await release.wait()

    with _on_hangup(reload):
        os.kill(os.getpid(), signal.SIGHUP)
        await asyncio.sleep(0.05)
        for _ in range(2):  # what they ask for is one more reading
            os.kill(os.getpid(), signal.SIGHUP)
        await asyncio.sleep(0.05)
        assert reloads == 1
        release.set()
        await asyncio.sleep(0.05)
        assert reloads == 2
