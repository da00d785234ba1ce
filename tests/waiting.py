"""Waiting for a condition instead of sleeping."""

import threading
import time
from collections.abc import Callable

from django.db import connection

SECONDS = 60
PAUSE = threading.Event()


def wait_until(condition: Callable[[], bool], seconds: float = SECONDS) -> None:
    """Return once ``condition()`` is true; fail after ``seconds``."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"It did not come true within {seconds} s."
        PAUSE.wait(0.02)


def someone_waits_for_a_lock() -> bool:
    """Return whether a transaction in this PostgreSQL database waits for another one."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_stat_clear_snapshot()")  # else a transaction sees what it saw first
        cursor.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
        )
        return bool(cursor.fetchone()[0])
