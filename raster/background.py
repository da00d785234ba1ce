"""Threads beside the requests that work through a queue in the database, one piece after the other."""

import asyncio
import contextlib
import logging
import threading
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Iterator
from typing import ClassVar

from django.db import DatabaseError, InterfaceError, connection

from raster.deadlines import BACKGROUND_SECONDS, limited

#: How often a worker looks for what another process queued, and for what is to be attempted again.
POLL_SECONDS = 2.0
#: After the database or anything else failed.
PAUSE_SECONDS = 10.0

logger = logging.getLogger("raster.background")


class Bell:
    """Wakes the workers of this process that wait at it: something was queued."""

    def __init__(self) -> None:
        self._waiting: set[threading.Event] = set()

    def ring(self) -> None:
        """Wake them. Safe from any thread."""
        for event in list(self._waiting):
            event.set()

    @contextlib.contextmanager
    def heard(self, event: threading.Event) -> Iterator[None]:
        """Have ``event`` set at each ring until the block ends."""
        self._waiting.add(event)
        try:
            yield
        finally:
            self._waiting.discard(event)


class BackgroundWorker(ABC):
    """Works until it is stopped. ``name`` is what it does, for the log, and ``bell`` what wakes it."""

    name: ClassVar[str]
    bell: ClassVar[Bell]

    def __init__(self, poll: float = POLL_SECONDS) -> None:
        self._poll = poll
        self._wake = threading.Event()
        self._stop = threading.Event()
        self._is_waiting = False

    @abstractmethod
    def work_once(self) -> bool:
        """Do the next piece of work; return whether there was one."""

    def run(self) -> None:
        """Work until :meth:`stop` is called: at once when the bell rings, else every ``poll`` seconds."""
        with self.bell.heard(self._wake):
            try:
                while not self._stop.is_set():
                    self._wake.clear()
                    with limited(BACKGROUND_SECONDS):
                        pause = self._work()
                    if not self._stop.is_set():
                        self._wake.wait(pause)
            finally:
                connection.close()

    def stop(self) -> None:
        """End after the present piece of work. Safe from any thread."""
        self._stop.set()
        self._wake.set()

    def _work(self) -> float:
        """Do all the work there is; return for how many seconds to wait then."""
        try:
            while not self._stop.is_set() and self.work_once():
                pass
        except (DatabaseError, InterfaceError) as error:
            if not self._is_waiting:  # once, not with each attempt
                logger.warning("%s waits for the database", self.name, exc_info=error)
            self._is_waiting = True
            connection.close()
            return PAUSE_SECONDS
        except Exception as error:
            logger.error("%s failed", self.name, exc_info=error)
            return PAUSE_SECONDS
        finally:
            if connection.vendor != "sqlite":
                connection.close()
        self._is_waiting = False
        return self._poll


@contextlib.asynccontextmanager
async def working(worker: BackgroundWorker) -> AsyncIterator[None]:
    """Have a worker in a thread of this process until the block ends."""
    thread = threading.Thread(target=worker.run, name=worker.name)
    thread.start()
    try:
        yield
    finally:
        worker.stop()
        await asyncio.to_thread(thread.join)
