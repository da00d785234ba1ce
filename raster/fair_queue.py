"""A queue for places that are few, in which nobody waits behind one who asks for many."""

import asyncio
from collections import Counter, deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from raster.errors import RateLimited

RETRY_SECONDS = 5


class FairQueue:
    """Gives out ``places``, at most ``most_of_one`` to one owner at a time. Belongs to one event loop.

    Next comes the owner with fewest places, then the one whose turn was longest ago. No more than ``most_waiting``
    requests of one owner wait; those without an owner all do.
    """

    def __init__(self, places: int, most_of_one: int, most_waiting: int = 200) -> None:
        self._free = places
        self._most_of_one, self._most_waiting = most_of_one, most_waiting
        self._held: Counter[str] = Counter()
        self._waiting: dict[str, deque[asyncio.Future[None]]] = {}
        self._last_turn: dict[str, int] = {}
        self._turns = 0

    @asynccontextmanager
    async def place(self, owner: str) -> AsyncIterator[None]:
        """Wait for a place of ``owner`` and hold it until the block ends.

        Raises:
            RateLimited: too many of the owner's requests wait already.
        """
        await self.take(owner)
        try:
            yield
        finally:
            self.give_back(owner)

    async def take(self, owner: str) -> None:
        """Take a place; :meth:`give_back` it. Raises as :meth:`place`."""
        if self._free and not self._waiting and self._held[owner] < self._most_of_one:
            self._hold(owner)
            return
        line = self._waiting.setdefault(owner, deque())
        if owner and len(line) >= self._most_waiting:
            raise RateLimited(retry_after=RETRY_SECONDS)
        place = asyncio.get_running_loop().create_future()
        line.append(place)
        self._fill()
        try:
            await place
        except asyncio.CancelledError:
            if not place.cancelled():
                self.give_back(owner)  # it came, and nobody was there to take it
            else:
                self._leave(owner, place)
            raise

    def give_back(self, owner: str) -> None:
        """Give a place back, to whoever is next."""
        self._free += 1
        self._held[owner] -= 1
        self._forget(owner)
        self._fill()

    def _hold(self, owner: str) -> None:
        self._free -= 1
        self._held[owner] += 1
        self._turns += 1
        self._last_turn[owner] = self._turns

    def _leave(self, owner: str, place: asyncio.Future[None]) -> None:
        line = self._waiting.get(owner, deque())
        if place in line:
            line.remove(place)
            if not line:
                del self._waiting[owner]
        self._forget(owner)

    def _forget(self, owner: str) -> None:
        """Keep nothing of an owner who neither holds a place nor waits."""
        if not self._held[owner]:
            del self._held[owner]
            if owner not in self._waiting:
                self._last_turn.pop(owner, None)

    def _fill(self) -> None:
        """Give free places to those who wait."""
        while self._free:
            able = [owner for owner in self._waiting if self._held[owner] < self._most_of_one]
            if not able:
                return
            owner = min(able, key=lambda owner: (self._held[owner], self._last_turn.get(owner, 0)))
            place = self._waiting[owner].popleft()
            if not self._waiting[owner]:
                del self._waiting[owner]
            if not place.cancelled():  # it is, from the moment in which its request is cancelled
                self._hold(owner)
                place.set_result(None)
