"""A fixed pool of threads in which the event loop has Django's database work done."""

import asyncio
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import TypeVar
from weakref import WeakKeyDictionary

from django.db import DatabaseError, InterfaceError, connection

from raster.deadlines import BACKGROUND_SECONDS, REQUEST_SECONDS, WaitBudget, current_budget
from raster.fair_queue import FairQueue
from raster.logs import request_id

Result = TypeVar("Result")


class Workers:
    """Runs functions in threads that keep their SQLite connection and give a PostgreSQL one back to Django's pool.

    A function waits for the database as long as its request may, or for ``seconds`` where it belongs to none.
    """

    def __init__(self, threads: int, seconds: float = REQUEST_SECONDS) -> None:
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="worker")
        self._threads = threads
        self._seconds = seconds
        self._queues: WeakKeyDictionary[asyncio.AbstractEventLoop, FairQueue] = WeakKeyDictionary()

    async def run(self, function: Callable[[], Result], owner: str = "") -> Result:
        """Return what ``function`` returns, or raise what it raises; it runs to its end even if nobody waits.

        It waits for a thread behind others of the same ``owner``, an organization's slug; those without one share it.

        Raises:
            RateLimited: too many functions of the owner wait already.
        """
        task, loop = self._task(function), asyncio.get_running_loop()
        queue = self._queue(loop)
        await queue.take(owner)
        running = self._pool.submit(task)
        try:
            return await asyncio.wrap_future(running)
        finally:
            if running.done():
                queue.give_back(owner)
            else:  # nobody waits any longer, and the thread is busy all the same
                running.add_done_callback(lambda _: _give_back(loop, queue, owner))

    def _queue(self, loop: asyncio.AbstractEventLoop) -> FairQueue:
        """Return the loop's queue for the threads, of which one is always left for other owners."""
        if loop not in self._queues:
            self._queues[loop] = FairQueue(self._threads, max(1, self._threads - 1))
        return self._queues[loop]

    def close(self) -> None:
        """Wait for what is running, and close each thread's connection with the thread."""
        self._pool.shutdown(wait=True)

    def _task(self, function: Callable[[], Result]) -> Callable[[], Result]:
        budget = current_budget() or WaitBudget(self._seconds)
        request, asked = request_id.get(), time.monotonic()

        def run() -> Result:
            # Alone: in a copy of the whole context, Django would make its caches' clients each time.
            request_id.set(request)
            with budget.applied(queued=time.monotonic() - asked):
                return _with_connection(function)

        return run


def _give_back(loop: asyncio.AbstractEventLoop, queue: FairQueue, owner: str) -> None:
    with suppress(RuntimeError):  # the loop has ended, and with it everybody who waits
        loop.call_soon_threadsafe(queue.give_back, owner)


def _with_connection(function: Callable[[], Result]) -> Result:
    try:
        return function()
    except (DatabaseError, InterfaceError):
        connection.close()
        raise
    finally:
        if connection.vendor != "sqlite":
            connection.close()


def give_connection_back() -> None:
    """Give a PostgreSQL connection back to Django's pool before a long wait; the next query takes one again."""
    if connection.vendor != "sqlite" and not connection.in_atomic_block:
        connection.close()


workers = Workers(8)
#: Writes wait for each other in SQLite; in threads of their own they keep no read waiting.
writers = Workers(4)
#: What takes files in waits for disks, and for servers of others: neither reads nor writes wait behind it.
fetchers = Workers(24)
#: Sweeping takes long, and nobody waits for it.
sweepers = Workers(1, BACKGROUND_SECONDS)
#: Each waits for a child process that decodes: more of them than processors gain nothing.
decoders = Workers(2)
