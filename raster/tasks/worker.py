"""A thread that runs the queue's tasks, one after the other."""

import asyncio
import contextlib
import logging
import threading
from collections.abc import AsyncIterator

from django.db import DatabaseError, InterfaceError, connection

from raster.tasks.queue import Turn, listen, run_one, stop_listening

#: For what another process queued, and for what is to be attempted again.
POLL_SECONDS = 2.0
#: After the database could not be reached.
PAUSE_SECONDS = 10.0

logger = logging.getLogger("raster.tasks")


class Worker:
    """Runs tasks until it is stopped."""

    def __init__(self, poll: float = POLL_SECONDS) -> None:
        self._turn = Turn()
        self._wake = threading.Event()
        self._stop = threading.Event()
        self._poll = poll

    def run(self) -> None:
        """Work until :meth:`stop` is called: at once when this process queues a task, else every ``poll`` seconds."""
        listen(self._wake)
        try:
            while not self._stop.is_set():
                self._wake.clear()
                pause = self._work()
                if not self._stop.is_set():
                    self._wake.wait(pause)
        finally:
            stop_listening(self._wake)
            connection.close()

    def stop(self) -> None:
        """End after the task that is running. Safe from any thread."""
        self._stop.set()
        self._wake.set()

    def _work(self) -> float:
        """Run all tasks that are due; return for how many seconds to wait then."""
        try:
            while not self._stop.is_set() and run_one(self._turn):
                pass
        except (DatabaseError, InterfaceError) as error:
            logger.error("The database is out of reach", exc_info=error)
            connection.close()
            return PAUSE_SECONDS
        except Exception as error:
            logger.error("Running a task failed", exc_info=error)
            return PAUSE_SECONDS
        finally:
            if connection.vendor != "sqlite":
                connection.close()
        return self._poll


@contextlib.asynccontextmanager
async def running_tasks() -> AsyncIterator[None]:
    """Have a worker in a thread of this process until the block ends."""
    worker = Worker()
    thread = threading.Thread(target=worker.run, name="tasks")
    thread.start()
    try:
        yield
    finally:
        worker.stop()
        await asyncio.to_thread(thread.join)
