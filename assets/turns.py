"""Taking turns at what only a few can do at once, so that one who asks for much keeps nobody else waiting."""

import os
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from raster.errors import RateLimited

RETRY_SECONDS = 10


@dataclass(eq=False, slots=True)
class _Waiting:
    owner: str
    number: int


class Turns:
    """Lets ``most`` run at once in this process, ``most_of_one`` of one owner, and so many of one wait or run.

    Next comes who has fewest running, then who had their turn longest ago, then who has waited longest.
    """

    def __init__(self, most: int, most_of_one: int, most_asking_of_one: int, seconds: float) -> None:
        self._most, self._most_of_one, self._most_asking = most, most_of_one, most_asking_of_one
        self._seconds = seconds
        self._changed = threading.Condition()
        self._waiting: list[_Waiting] = []
        self._running: Counter[str] = Counter()
        self._last_turn: dict[str, int] = {}
        self._number = 0

    @contextmanager
    def turn(self, owner: str) -> Iterator[None]:
        """Wait for a turn of ``owner`` and hold it until the block ends.

        Raises:
            RateLimited: the owner asks for too much at once, or the turn did not come in time.
        """
        with self._changed:
            self._wait(owner)
            self._number += 1
            self._last_turn[owner] = self._number
            self._running[owner] += 1
            self._changed.notify_all()
        try:
            yield
        finally:
            with self._changed:
                self._running[owner] -= 1
                self._forget(owner)
                self._changed.notify_all()

    @property
    def waiting(self) -> int:
        """How many wait."""
        with self._changed:
            return len(self._waiting)

    def _wait(self, owner: str) -> None:
        asking = self._running.get(owner, 0) + sum(waiting.owner == owner for waiting in self._waiting)
        if asking >= self._most_asking:
            raise RateLimited(retry_after=RETRY_SECONDS)
        self._number += 1
        mine = _Waiting(owner, self._number)
        self._waiting.append(mine)
        try:
            if not self._changed.wait_for(lambda: self._next() is mine, self._seconds):
                raise RateLimited(retry_after=RETRY_SECONDS)
        finally:
            self._waiting.remove(mine)
            self._changed.notify_all()

    def _next(self) -> _Waiting | None:
        if self._running.total() >= self._most:
            return None
        able = [waiting for waiting in self._waiting if self._running.get(waiting.owner, 0) < self._most_of_one]
        return min(able, key=self._place, default=None)

    def _place(self, waiting: _Waiting) -> tuple[int, int, int]:
        return self._running.get(waiting.owner, 0), self._last_turn.get(waiting.owner, 0), waiting.number

    def _forget(self, owner: str) -> None:
        if not self._running.get(owner) and not any(waiting.owner == owner for waiting in self._waiting):
            del self._running[owner]
            self._last_turn.pop(owner, None)


_processors = max(2, os.cpu_count() or 1)
#: For files that somebody waits for. One turn is always left for the others, however slow an organization's files are;
#: and it cannot fill the threads that take uploads in (raster/workers.py) with what waits.
decoding_turns = Turns(most=_processors, most_of_one=_processors - 1, most_asking_of_one=12, seconds=60)
