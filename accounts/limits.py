"""How often somebody may do something, counted by all processes together.

A ``Limit`` is counted in the database each time, so it is exact. A ``RequestLimit`` costs a request no statement: each
process counts in memory, adds its counts to the database about once a second and learns what the others counted, so
together they exceed it by no more than what comes within that second.
"""

import asyncio
import ipaddress
import logging
import threading
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from math import ceil

from django.conf import settings
from django.db import connection, transaction
from django.db.models import F
from django.http import HttpRequest
from django.utils import timezone

from accounts.models import RateCount
from raster.errors import RateLimited
from raster.workers import writers

#: The part of an IPv6 address that one customer of a provider has at least, all of it to choose from.
CUSTOMER_BITS = 64
EVERYBODY = ""
MINUTE = 60
SYNC_SECONDS = 1.0
#: More callers than these are not counted in one minute: memory is for work.
MOST_SUBJECTS = 100_000
# One statement, so that of any number of parallel attempts each is counted.
_COUNT = """
    INSERT INTO accounts_ratecount (name, count, expires) VALUES (%s, %s, %s)
    ON CONFLICT (name) DO UPDATE SET
        count = excluded.count + CASE WHEN accounts_ratecount.expires <= %s THEN 0 ELSE accounts_ratecount.count END,
        expires = CASE WHEN accounts_ratecount.expires <= %s THEN excluded.expires ELSE accounts_ratecount.expires END
    RETURNING count, expires
"""

logger = logging.getLogger("raster.limits")


@dataclass(frozen=True)
class Limit:
    """``most`` times in ``seconds``, counted from the first time.

    Call what counts outside of a transaction that may be undone, which would undo the count, too.
    """

    name: str
    most: int
    seconds: int

    def hit(self, subject: str | int) -> None:
        """Count one more time for ``subject`` (an address, a row's id).

        Raises:
            RateLimited: it is once too often; ``retry_after`` says how many seconds are left.
        """
        count, left = self._count(subject)
        if count > self.most:
            raise RateLimited(retry_after=left)

    def allows(self, subject: str | int) -> bool:
        """Count one more time for ``subject``; return whether that was not too often."""
        count, _ = self._count(subject)
        return count <= self.most

    def watch(self, message: str) -> None:
        """Count one more time for everybody together. Too often stops nobody, and is logged once in each span."""
        count, _ = self._count(EVERYBODY)
        if count == self.most + 1:
            fields = {"limit": self.name, "most": self.most, "seconds": self.seconds}
            logger.warning(message, extra={"fields": fields})

    def is_used_up(self, subject: str | int) -> bool:
        """Return whether one more time would be too often, without counting it."""
        counts = RateCount.objects.filter(name=_row(self.name, subject), expires__gt=timezone.now())
        return counts.filter(count__gte=self.most).exists()

    def give_back(self, subject: str | int) -> None:
        """Take one time off the count of ``subject``: what was counted turned out right. Earlier times still count."""
        RateCount.objects.filter(name=_row(self.name, subject), count__gt=0).update(count=F("count") - 1)

    def _count(self, subject: str | int) -> tuple[int, float]:
        """Count; return how often it was, and how many seconds are left of the span."""
        now = timezone.now()
        count, expires = _count_row(_row(self.name, subject), 1, now + timedelta(seconds=self.seconds), now)
        return count, (expires - now).total_seconds()


@dataclass(slots=True)
class _Count:
    """Of one subject in the present minute: what all processes counted, and what this one has yet to add."""

    everybody: int = 0
    ours: int = 0


@dataclass(frozen=True, slots=True)
class RateStatus:
    """What is left of a caller's requests in this minute."""

    most: int
    remaining: int
    reset: int

    @property
    def headers(self) -> dict[str, str]:
        """The status as headers of an answer."""
        return {
            "RateLimit-Limit": str(self.most),
            "RateLimit-Remaining": str(self.remaining),
            "RateLimit-Reset": str(self.reset),
        }


class RequestLimit:
    """``most`` requests a minute of each subject, or any number where it is None. Any thread may count."""

    def __init__(self, name: str, most: int | None) -> None:
        self.name = name
        self.most = most
        self._lock = threading.Lock()
        self._minute = 0
        self._counts: dict[str, _Count] = {}

    def hit(self, subject: str) -> RateStatus | None:
        """Count a request of ``subject`` and return what is left; None where nothing is limited.

        Raises:
            RateLimited: it is one too many.
        """
        if self.most is None:
            return None
        now = time.time()
        minute = int(now // MINUTE)
        left = ceil((minute + 1) * MINUTE - now)
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
            return RateStatus(self.most, self.most - count.everybody - count.ours, left)

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
        now, expires = timezone.now(), datetime.fromtimestamp((minute + 1) * MINUTE, UTC)
        with transaction.atomic():
            return [_count_row(_row(self.name, subject), number, expires, now)[0] for subject, number in added]


#: Of each credential, whatever its present value.
credentials = RequestLimit("credential", settings.CREDENTIAL_RATE)
#: Of each address, of what no credential let in.
addresses = RequestLimit("address", settings.ADDRESS_RATE)


def count_request(credential: tuple[str, int]) -> RateStatus | None:
    """Count a request of a credential, by its class and row. Raises ``RateLimited``."""
    kind, key = credential
    return credentials.hit(f"{kind} {key}")


def over_the_rate(refusal: RateLimited) -> RateStatus:
    """Return the status of a credential that was refused."""
    return RateStatus(credentials.most or 0, 0, refusal.retry_after)


def count_stranger(address: str) -> None:
    """Count a request that no credential let in. Raises ``RateLimited``, which is told instead of the refusal."""
    addresses.hit(subject_of_address(address))


def subject_of_request(request: HttpRequest) -> str:
    """Return what is counted of the IP address that a request came from."""
    return subject_of_address(request.META.get("REMOTE_ADDR", ""))


def subject_of_address(address: str) -> str:
    """Return what of an address is counted: IPv4 whole, of IPv6 the part that somebody cannot change at will."""
    try:
        read = ipaddress.ip_address(address)
    except ValueError:
        return address
    if isinstance(read, ipaddress.IPv4Address):
        return str(read)
    if read.ipv4_mapped is not None:
        return str(read.ipv4_mapped)
    return str(ipaddress.IPv6Network((int(read), CUSTOMER_BITS), strict=False))


def network_of_address(address: str, bits: int, bits_of_ipv4: int) -> str:
    """Return the network of so many bits that an address is in."""
    try:
        read = ipaddress.ip_address(subject_of_address(address).partition("/")[0])
    except ValueError:
        return address
    return str(ipaddress.ip_network((int(read), bits if read.version == 6 else bits_of_ipv4), strict=False))


def _row(name: str, subject: str | int) -> str:
    return f"{name}:{subject}"[:200]


def _count_row(row: str, times: int, expires: datetime, now: datetime) -> tuple[int, datetime]:
    """Count in the span that ends at ``expires``, or in one that has not ended yet; return its count and its end."""
    moments = map(connection.ops.adapt_datetimefield_value, (expires, now, now))
    with connection.cursor() as cursor:
        cursor.execute(_COUNT, [row, times, *moments])
        [count, ends] = cursor.fetchone()
    return count, _moment(ends)


def _moment(value: datetime | str) -> datetime:
    """Return a moment as a statement of our own gets it: SQLite keeps UTC, and does not say so."""
    moment = value if isinstance(value, datetime) else datetime.fromisoformat(value)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
