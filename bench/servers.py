"""Databases that are filled for measurements, and servers on them, each with one process."""

import contextlib
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import psycopg

from tests.server import START_SECONDS, free_port

ROOT = Path(__file__).resolve().parent.parent
RASTER = "raster.asgi:application"


@dataclass(frozen=True)
class Database:
    """A filled database: the environment of a server that uses it, and what it is said to hold."""

    environment: dict[str, str]
    facts: dict[str, Any]


class Databases:
    """The databases of one kind, each filled when it is first asked for."""

    def __init__(self, kind: str, folder: Path, cluster: str | None = None) -> None:
        """Begin; ``cluster`` is the URL of a PostgreSQL server, and None where they are of SQLite."""
        self.kind = kind
        self.folder = folder
        self._cluster = cluster
        self._filled: dict[str, Database] = {}

    def filled(self, program: str, size: str) -> Database:
        """Return the database that one of the programs here fills."""
        name = f"{program}_{size}"
        if name not in self._filled:
            environment = self._environment(name)
            command = [sys.executable, "-m", f"bench.{program}", size]
            filling = subprocess.run(command, env=environment, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True)
            self._filled[name] = Database(environment, json.loads(filling.stdout))
        return self._filled[name]

    def _environment(self, name: str) -> dict[str, str]:
        folder = self.folder / name
        url = f"sqlite:///{folder}/raster.sqlite3"
        if self._cluster is not None:
            with psycopg.connect(self._cluster, autocommit=True) as connection:
                connection.execute(f"CREATE DATABASE bench_{name}")
            url = urlunsplit(urlsplit(self._cluster)._replace(path=f"/bench_{name}"))
        environment = {name: value for name, value in os.environ.items() if not name.startswith("RASTER_")}
        return environment | {
            "RASTER_DEV": "1",
            "RASTER_DATA_DIR": str(folder),
            "DJANGO_SETTINGS_MODULE": "raster.settings",
            "DATABASE_URL": url,
            # Registrations are counted by address: requests that say whom they come for are believed.
            "RASTER_TRUSTED_PROXIES": "127.0.0.1",
            "RASTER_CREDENTIAL_RATE": "1000000000",
            "RASTER_ADDRESS_RATE": "1000000000",
        }


@dataclass(frozen=True)
class Served:
    """A running server."""

    port: int
    pid: int


@contextlib.contextmanager
def serving(application: str, environment: dict[str, str]) -> Iterator[Served]:
    """Serve an application with one process until the block ends."""
    port = free_port()
    command = [sys.executable, "-m", "uvicorn", "--no-proxy-headers", "--log-level", "warning", "--no-access-log"]
    command += ["--port", str(port), application]
    process = subprocess.Popen(command, env=environment, cwd=ROOT, stderr=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + START_SECONDS
        while True:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
                break
            if process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"{application} does not start.")
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(timeout=0.1)
        yield Served(port, process.pid)
    finally:
        process.terminate()
        process.wait(timeout=START_SECONDS)


def processor_seconds(pid: int) -> float:
    """Return how long a process has been running on any processor, in and out of the kernel."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
