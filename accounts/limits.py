"""How often somebody may do something: counted in the database, so that every process counts together."""

import ipaddress
import logging
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from math import ceil

from django.db import connection
from django.db.models import F
from django.utils import timezone

from accounts.models import RateCount
from raster.errors import RateLimited

#: The part of an IPv6 address that one customer of a provider has at least, all of it to choose from.
CUSTOMER_BITS = 64
EVERYBODY = ""
# One statement, so that of any number of parallel attempts each is counted.
_COUNT = """
    INSERT INTO accounts_ratecount (name, count, expires) VALUES (%s, 1, %s)
    ON CONFLICT (name) DO UPDATE SET
        count = CASE WHEN accounts_ratecount.expires <= %s THEN 1 ELSE accounts_ratecount.count + 1 END,
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
        counts = RateCount.objects.filter(name=self._row(subject), expires__gt=timezone.now())
        return counts.filter(count__gte=self.most).exists()

    def give_back(self, subject: str | int) -> None:
        """Take one time off the count of ``subject``: what was counted turned out right. Earlier times still count."""
        RateCount.objects.filter(name=self._row(subject), count__gt=0).update(count=F("count") - 1)

    def _count(self, subject: str | int) -> tuple[int, int]:
        """Count; return how often it was, and how many seconds are left of the span."""
        now = timezone.now()
        row = (self._row(subject), now + timedelta(seconds=self.seconds), now, now)
        with connection.cursor() as cursor:
            cursor.execute(_COUNT, [_parameter(value) for value in row])
            [count, expires] = cursor.fetchone()
        return count, max(1, ceil((_moment(expires) - now).total_seconds()))

    def _row(self, subject: str | int) -> str:
        return f"{self.name}:{subject}"[:200]


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


def _parameter(value: str | datetime) -> str | datetime | None:
    return connection.ops.adapt_datetimefield_value(value) if isinstance(value, datetime) else value


def _moment(value: datetime | str) -> datetime:
    """Return a moment as a statement of our own gets it: SQLite keeps UTC, and does not say so."""
    moment = value if isinstance(value, datetime) else datetime.fromisoformat(value)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
