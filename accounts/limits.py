"""How often somebody may do something: counted in the database, so that every process counts together."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import connection
from django.utils import timezone

from accounts.models import RateCount
from raster.errors import RateLimited

# One statement, so that of any number of parallel attempts each is counted.
_COUNT = """
    INSERT INTO accounts_ratecount (name, count, expires) VALUES (%s, 1, %s)
    ON CONFLICT (name) DO UPDATE SET
        count = CASE WHEN accounts_ratecount.expires <= %s THEN 1 ELSE accounts_ratecount.count + 1 END,
        expires = CASE WHEN accounts_ratecount.expires <= %s THEN excluded.expires ELSE accounts_ratecount.expires END
    RETURNING count
"""


@dataclass(frozen=True)
class Limit:
    """``most`` times in ``seconds``, counted from the first time."""

    name: str
    most: int
    seconds: int

    def hit(self, subject: str | int) -> None:
        """Count one more time for ``subject`` (an address, a row's id).

        Call it outside of a transaction that may be undone, which would undo the count, too.

        Raises:
            RateLimited: it is once too often; ``retry_after`` says how many seconds are left.
        """
        now = timezone.now()
        row = (self._row(subject), now + timedelta(seconds=self.seconds), now, now)
        with connection.cursor() as cursor:
            cursor.execute(_COUNT, [_parameter(value) for value in row])
            [count] = cursor.fetchone()
        if count > self.most:
            left = (RateCount.objects.get(name=self._row(subject)).expires - now).total_seconds()
            raise RateLimited(retry_after=max(1, round(left)))

    def forget(self, subject: str | int) -> None:
        """Begin anew for ``subject``: what it did was right."""
        RateCount.objects.filter(name=self._row(subject)).delete()

    def _row(self, subject: str | int) -> str:
        return f"{self.name}:{subject}"[:200]


def _parameter(value: str | datetime) -> str | datetime | None:
    return connection.ops.adapt_datetimefield_value(value) if isinstance(value, datetime) else value
