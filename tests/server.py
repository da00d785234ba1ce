"""Real server processes for tests: uvicorn, as in production, on the test database."""

import contextlib
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

from django.conf import settings
from django.db import connection

from tests.waiting import wait_until

START_SECONDS = 60


@dataclass
class Server:
    """A running server. ``log`` is the file that its standard error goes to."""

    url: str
    log: Path
    process: subprocess.Popen[bytes] = field(repr=False)

    @property
    def mcp_url(self) -> str:
        return f"{self.url}/mcp"

    def logged(self, *parts: str) -> list[str]:
        """Return the lines of the log that hold all of these, once there are any: answers come before their lines."""

        def lines() -> list[str]:
            return [line for line in self.log.read_text().splitlines() if all(part in line for part in parts)]

        wait_until(lambda: bool(lines()))
        return lines()


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


def database_url() -> str:
    """Return the test database as a ``DATABASE_URL``."""
    database = connection.settings_dict
    if connection.vendor == "sqlite":
        return f"sqlite:///{database['NAME']}"
    credentials = quote(database["USER"]) + (f":{quote(database['PASSWORD'])}" if database["PASSWORD"] else "")
    return f"postgresql://{credentials}@{quote(database['HOST'], safe='')}:{database['PORT']}/{database['NAME']}"


@contextlib.contextmanager
def running_server(log: Path, *, application: str = "raster.asgi:application", **environment: str) -> Iterator[Server]:
    """Run a server on the test database until the block ends; ``environment`` adds to the test run's own.

    It makes no sizes unless it is told to: it would make those of every test, and hold rows when a test ends.
    """
    port = free_port()
    with log.open("ab") as stderr:
        process = subprocess.Popen(
            [sys.executable, "-m", "uvicorn", "--no-proxy-headers", "--port", str(port), application],
            cwd=settings.BASE_DIR,
            env={
                **os.environ,
                "DATABASE_URL": database_url(),
                "PORT": str(port),
                "RASTER_WORKER": "apart",
                **environment,
            },
            stdout=stderr,
            stderr=stderr,
        )
        try:
            _wait_until_it_listens(port, process, log)
            yield Server(f"http://localhost:{port}", log, process)
        finally:
            process.terminate()
            process.wait(timeout=START_SECONDS)


def _wait_until_it_listens(port: int, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise RuntimeError(f"The server stopped at once:\n{log.read_text()}")
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return
        process_wait = contextlib.suppress(subprocess.TimeoutExpired)
        with process_wait:
            process.wait(timeout=0.05)
    raise RuntimeError(f"The server does not listen after {START_SECONDS} s:\n{log.read_text()}")
