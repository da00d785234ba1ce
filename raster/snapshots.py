"""Reading at one moment: what several statements tell then belongs together, whatever others write meanwhile."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection

#: Django's own transactions take SQLite's one place for a writer, and on PostgreSQL see a new moment in each statement.
_BEGIN = {"sqlite": "BEGIN DEFERRED", "postgresql": "BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY"}


@contextmanager
def snapshot() -> Iterator[None]:
    """Let every statement until the block ends read at the moment of the first. In a transaction nothing changes."""
    if connection.in_atomic_block:
        yield
        return
    with connection.cursor() as cursor:
        cursor.execute(_BEGIN[connection.vendor])
        try:
            yield
        finally:
            # Nothing was written: this ends it, whatever happened in it.
            cursor.execute("ROLLBACK")
