"""The composition root: opens what is needed, starts the roles, stops in two phases.

Things live on an exit stack, work lives in one task group inside it. APScheduler only ticks: it
wakes loops and owns no work, because its shutdown cancels running coroutine jobs. What is due
stands in the database.
"""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Awaitable, Callable, Coroutine, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime

import structlog
from apscheduler.schedulers.asyncio import AsyncIOScheduler
from discord.ext import commands

from bot import __version__
from bot.announcer import Announcer
from bot.client import Client
from bot.domain.cluster import Clusterer
from bot.domain.errors import ConfigError, StorageUnavailable
from bot.domain.judge import Judge
from bot.domain.lookup import Lookup
from bot.domain.ports import SourceClient, Storage
from bot.domain.types import Post, Source
from bot.pipeline import deliver_once, ingest_once, match_posts
from bot.seeds import Seeds, load_seeds, load_sources
from bot.settings import Settings, without_password
from bot.sources.feed import FeedClient
from bot.sources.http import Fetcher
from cogs.pairs import Pairs
from cogs.reopen import Reopen
from cogs.status import Status
from cogs.why import Why
from storage import open_storage

log = structlog.get_logger()

#: Minutes between two checks of the books.
_ACCOUNTING = 5


def utc_now() -> datetime:
    """The clock of everything outside tests."""
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Core:
    """The pure core, made from the seeds."""

    judge: Judge
    cluster: Clusterer
    lookup: Lookup

    @classmethod
    def of(cls, seeds: Seeds) -> Core:
        """Build the automata; takes some tens of milliseconds."""
        return cls(
            judge=Judge(seeds.roster, seeds.lexicon),
            cluster=Clusterer(seeds.lexicon),
            lookup=Lookup(seeds.roster),
        )


class Seedbed:
    """The core in use. `reload` swaps it for one made from what the files say now."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self.core, self.sources = self._read()

    def _read(self) -> tuple[Core, list[Source]]:
        given = self._settings
        core = Core.of(load_seeds(given.roster, given.lexicon))
        return core, load_sources(given.sources)

    async def reload(self, storage: Storage) -> None:
        """Read roster, lexicon and sources anew; when anything is wrong, keep what is in use."""
        try:
            self.core, self.sources = await asyncio.to_thread(self._read)
            await storage.sync_sources(self.sources, utc_now())
        except (ConfigError, StorageUnavailable) as error:
            log.warning("not reloaded; what was in use stays", problems=str(error).splitlines())
        else:
            log.info(
                "reloaded", idols=len(self.core.lookup.roster.idols), sources=len(self.sources)
            )


def all_cogs(
    client: Client,
    storage: Storage,
    lookup: Callable[[], Lookup],
    wake: Callable[[], None] = lambda: None,
) -> list[commands.Cog]:
    """Every command, button and listener there is; `wake` lets delivery look for work now."""
    return [
        Pairs(storage, lookup, utc_now),
        Why(client, storage, lookup),
        Status(storage, lookup, utc_now, wake),
        Reopen(storage, wake),
    ]


def source_clients(fetcher: Fetcher, *, allow_files: bool) -> dict[str, SourceClient]:
    """A client for every kind of source."""
    return {"feed": FeedClient(fetcher, allow_files=allow_files)}


def user_agent(settings: Settings) -> str:
    """How we present ourselves to publishers: name, version, and whom to write to."""
    contact = f"+{settings.contact}" if settings.contact else "operator gave no contact"
    return f"Crumbs/{__version__} ({contact})"


async def run(settings: Settings) -> None:
    """Run the bot until SIGTERM or SIGINT.

    Raises:
        ConfigError: a setting or a seed file is wrong; nothing was started.
        StorageError: the store is damaged or newer than this program.
    """
    stop = asyncio.Event()
    with _signals(stop):
        async with AsyncExitStack() as stack:
            await _run(settings, stack, stop)
    log.info("stopped")


async def _run(settings: Settings, stack: AsyncExitStack, stop: asyncio.Event) -> None:
    if settings.discord_token is None:
        raise ConfigError(
            "DISCORD_TOKEN is not set. Put it into .env (see .env.example), or try `crumbs demo`, "
            "which needs none."
        )
    seeds = Seedbed(settings)
    storage = await open_storage(settings.database_url)
    stack.push_async_callback(storage.close)
    fetcher = await stack.enter_async_context(
        Fetcher(user_agent(settings), allow=settings.fetch_allow)
    )
    client = Client()
    stack.push_async_callback(client.close)
    loops = Loops(stop)
    cogs = all_cogs(client, storage, lambda: seeds.core.lookup, lambda: loops.wake("deliver"))
    if "deliver" in settings.roles:
        if not await storage.lock_sending():
            raise ConfigError(
                f"Another Crumbs is sending from {without_password(settings.database_url)} "
                "already. Stop it "
                "first, or give this one a database of its own in CRUMBS_DATABASE_URL."
            )
        await storage.release_messages()
    await client.log_in(
        settings.discord_token.get_secret_value(),
        settings.discord_api_url,
        cogs if "gateway" in settings.roles else [],
    )
    if "gateway" in settings.roles:
        await client.register_commands(storage)
    await storage.sync_sources(seeds.sources, utc_now())

    sender = Announcer(client, lambda: seeds.core.lookup.roster, utc_now)

    async def sink(posts: Sequence[Post]) -> None:
        await match_posts(
            posts,
            storage=storage,
            judge=seeds.core.judge,
            cluster=seeds.core.cluster,
            clock=utc_now,
            hold=settings.hold_seconds,
        )
        loops.wake("deliver")

    clients = source_clients(fetcher, allow_files=True)
    rounds: dict[str, Callable[[], Awaitable[int]]] = {
        "ingest": lambda: ingest_once(storage, clients, sink, utc_now),
        "deliver": lambda: deliver_once(storage, sender, utc_now, go_on=lambda: not stop.is_set()),
    }
    scheduler = AsyncIOScheduler(timezone=UTC)
    scheduler.add_job(
        loops.wake_all, "interval", seconds=settings.tick_seconds, coalesce=True, max_instances=1
    )
    scheduler.add_job(
        check_books, "interval", minutes=_ACCOUNTING, args=[storage], coalesce=True, max_instances=1
    )
    scheduler.start()
    stack.callback(scheduler.shutdown, wait=False)
    serving = client.serve() if "gateway" in settings.roles else None
    log.info("running", version=__version__, roles=settings.roles, sources=len(seeds.sources))
    with _on_hangup(lambda: seeds.reload(storage)):
        await loops.run(
            {role: rounds[role] for role in settings.roles if role in rounds},
            serving,
            grace=settings.grace_seconds,
        )


async def check_books(storage: Storage) -> None:
    """Compare what was planned with what became of it, and raise the alarm when it differs."""
    try:
        books = await storage.accounting()
    except StorageUnavailable as error:
        log.warning("books not checked", error=str(error))
        return
    if not books.balanced:
        log.error("the books do not balance", accounting=books)


class Loops:
    """The roles' loops: each repeats its round while there is work, then waits to be woken."""

    def __init__(self, stop: asyncio.Event) -> None:
        self._stop = stop
        self._wake: dict[str, asyncio.Event] = {}

    def wake(self, role: str) -> None:
        """Let a role look for work now."""
        if role in self._wake:
            self._wake[role].set()

    async def wake_all(self) -> None:
        """Let every role look for work now. A coroutine, so that it runs on the loop's thread."""
        for event in self._wake.values():
            event.set()

    async def run(
        self,
        rounds: Mapping[str, Callable[[], Awaitable[int]]],
        serving: Coroutine[None, None, None] | None,
        *,
        grace: float,
    ) -> None:
        """Run until stopped: first let running rounds end, then, after `grace` seconds, cancel.

        Whatever ends a role otherwise ends all of them and is raised.
        """
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(None) as deadline, asyncio.TaskGroup() as group:
                work = [group.create_task(self._repeat(r, f), name=r) for r, f in rounds.items()]
                gateway = group.create_task(serving, name="gateway") if serving else None
                if gateway is not None:
                    gateway.add_done_callback(lambda _: self._stop.set())
                await self._stop.wait()
                log.info("stopping", grace_seconds=grace)
                deadline.reschedule(loop.time() + grace)
                if work:
                    await asyncio.wait(work)
                if gateway is not None:
                    gateway.cancel()
        except TimeoutError:
            log.warning("stopped hard: work did not end in time; nothing is lost by that")

    async def _repeat(self, role: str, once: Callable[[], Awaitable[int]]) -> None:
        wake = self._wake.setdefault(role, asyncio.Event())
        pause = 1.0
        while not self._stop.is_set():
            wake.clear()  # before the round, so that news during it starts another
            busy = 0
            unavailable = ""
            try:
                busy = await once()
            except* StorageUnavailable as errors:
                unavailable = str(_first_of(errors))
            if unavailable:
                log.warning("storage is unavailable", role=role, error=unavailable, again_in=pause)
                await self._sleep(pause)
                pause = min(pause * 2, 30.0)
                continue
            pause = 1.0
            if not busy:
                await self._first(wake.wait())

    async def _sleep(self, seconds: float) -> None:
        await self._first(asyncio.sleep(seconds))

    async def _first(self, waiting: Coroutine[None, None, object]) -> None:
        """Wait for something, but no longer than until the stop."""
        tasks = [asyncio.ensure_future(waiting), asyncio.ensure_future(self._stop.wait())]
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()


def _first_of(errors: BaseExceptionGroup[StorageUnavailable]) -> BaseException:
    """One of the errors of a round's tasks; they tell of the same trouble."""
    first = errors.exceptions[0]
    return _first_of(first) if isinstance(first, BaseExceptionGroup) else first


@contextmanager
def _on_hangup(work: Callable[[], Coroutine[None, None, None]]) -> Iterator[None]:
    """Do some work on SIGHUP, and once more when another one comes meanwhile."""
    loop = asyncio.get_running_loop()
    asked = asyncio.Event()

    async def on_each() -> None:
        while True:
            await asked.wait()
            asked.clear()  # before the work, which may have read what changes now
            await work()

    loop.add_signal_handler(signal.SIGHUP, asked.set)
    task = loop.create_task(on_each())
    try:
        yield
    finally:
        loop.remove_signal_handler(signal.SIGHUP)
        task.cancel()


@contextmanager
def _signals(stop: asyncio.Event) -> Iterator[None]:
    """Turn SIGTERM and SIGINT into a soft stop; a second one ends the process as usual."""
    loop = asyncio.get_running_loop()
    caught = (signal.SIGTERM, signal.SIGINT)

    def on_signal() -> None:
        stop.set()
        for each in caught:
            loop.remove_signal_handler(each)

    for each in caught:
        loop.add_signal_handler(each, on_signal)
    try:
        yield
    finally:
        for each in caught:
            loop.remove_signal_handler(each)
