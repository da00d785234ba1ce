"""Waiting for a condition instead of sleeping."""

import threading
import time
from collections.abc import Callable

SECONDS = 15
PAUSE = threading.Event()


def wait_until(condition: Callable[[], bool], seconds: float = SECONDS) -> None:
    """Return once ``condition()`` is true; fail after ``seconds``."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"It did not come true within {seconds} s."
        PAUSE.wait(0.02)
