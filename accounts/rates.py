"""How fast callers of the APIs may ask: counted in memory, and added up in the database for all processes.

A request costs no statement. Each process adds what it counted to the database about once a second and learns what the
others counted, so together they let a caller go over its limit by no more than what comes within that second.
"""

import asyncio
import logging
import threading
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial

from django.conf import settings
from django.db import connection, transaction

from accounts.limits import subject_of_address
from raster.errors import RateLimited
from raster.workers import writers

SECONDS = 60
SYNC_SECONDS = 1.0
#: More callers than these are not counted in one minute: memory is for work.
MOST_SUBJECTS = 100_000
_ADD = """
    INSERT INTO accounts_ratecount (name, count, expires) VALUES (%s, %s, %s)
    ON CONFLICT (name) DO UPDATE SET
        count = CASE WHEN accounts_ratecount.expires < excluded.expires THEN excluded.count
                     ELSE accounts_ratecount.count + excluded.count END,
        expires = CASE WHEN accounts_ratecount.expires < excluded.expires THEN excluded.expires
                       ELSE accounts_ratecount.expires END
    RETURNING count
"""

logger = logging.getLogger("raster.limits")


@dataclass(slots=True)
class _Count:
    """Of one subject in the present minute: what all processes counted, and what this one has yet to add."""

    everybody: int = 0
    ours: int = 0


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a caller stands after a request."""

    most: int
    remaining: int
    reset: int

    @property
    def headers(self) -> dict[str, str]:
        """The standing as the headers of an answer."""
        return {
            "RateLimit-Limit": str(self.most),
            "RateLimit-Remaining": str(self.remaining),
            "RateLimit-Reset": str(self.reset),
        }


class Rate:
    """``most`` requests a minute of each subject, or any number where it is None. Any thread may count."""

    def __init__(self, name: str, most: int | None) -> None:
        self.name = name
        self.most = most
        self._lock = threading.Lock()
        self._minute = 0
        self._counts: dict[str, _Count] = {}

    def take(self, subject: str) -> Standing | None:
        """Count a request of ``subject`` and return where it stands; None where nothing is limited.

        Raises:
            RateLimited: it is one too many.
        """
        if self.most is None:
            return None
        now = time.time()
        minute = int(now // SECONDS)
        left = max(1, round((minute + 1) * SECONDS - now))
        with self._lock:
            if minute != self._minute:
                self._minute, self._counts = minute, {}
            count = self._counts.get(subject)
            if count is None:
                if len(self._counts) >= MOST_SUBJECTS:
                    return None
                count = self._counts[subject] = _Count()
            if count.everybody + count.ours >= self.most:
                raise RateLimited(retry_after=left)
            count.ours += 1
            return Standing(self.most, self.most - count.everybody - count.ours, left)

    @asynccontextmanager
    async def shared(self) -> AsyncIterator[None]:
        """Exchange counts with the other processes until the block ends."""
        if self.most is None:
            yield
            return
        task = asyncio.create_task(self._share())
        try:
            yield
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task

    async def _share(self) -> None:
        failing = False
        while True:
            await asyncio.sleep(SYNC_SECONDS)
            with self._lock:
                minute, counts = self._minute, self._counts
                added = sorted((subject, count.ours) for subject, count in counts.items() if count.ours)
            if not added:
                continue
            try:
                totals = await writers.run(partial(self._add, minute, added))
            except Exception as error:  # without this task, each process would allow the whole rate
                if not failing:
                    logger.warning("Requests were not added up with those of other processes", exc_info=error)
                failing = True
                continue
            failing = False
            with self._lock:
                for (subject, number), total in zip(added, totals, strict=True):
                    counts[subject].everybody = total
                    counts[subject].ours -= number

    def _add(self, minute: int, added: list[tuple[str, int]]) -> list[int]:
        """Add to the database, in the order of the subjects, so that no two processes wait for each other."""
        expires = connection.ops.adapt_datetimefield_value(datetime.fromtimestamp((minute + 1) * SECONDS, UTC))
        totals = []
        with transaction.atomic(), connection.cursor() as cursor:
            for subject, number in added:
                cursor.execute(_ADD, [f"{self.name}:{subject}"[:200], number, expires])
                totals.append(cursor.fetchone()[0])
        return totals


#: Of each credential, whatever its present value.
credentials = Rate("credential", settings.CREDENTIAL_RATE)
#: Of each address, of what no credential let in.
addresses = Rate("address", settings.ADDRESS_RATE)


def count_request(credential: tuple[str, int]) -> Standing | None:
    """Count a request of a credential, by its class and row. Raises ``RateLimited``."""
    kind, row = credential
    return credentials.take(f"{kind} {row}")


def over_the_rate(refusal: RateLimited) -> Standing:
    """Return where a credential stands that was refused."""
    return Standing(credentials.most or 0, 0, refusal.retry_after)


def count_stranger(address: str) -> None:
    """Count a request that no credential let in. Raises ``RateLimited``, which is told instead of the refusal."""
    addresses.take(subject_of_address(address))
