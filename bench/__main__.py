"""Runs every measurement on SQLite and PostgreSQL, prints a table and writes JSON: ``python -m bench``."""

import argparse
import contextlib
import itertools
import json
import os
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import httpx2
import psycopg

from bench import load
from bench.load import Call
from tests.mcp.client import HANDSHAKE, MODERN
from tests.postgres import PostgreSQLMissing, throw_away_cluster
from tests.server import START_SECONDS, free_port

ROOT = Path(__file__).resolve().parent.parent
RASTER = "raster.asgi:application"
BARE = "bench.bare:application"
TARGETS = {"sqlite": 0.85, "postgresql": 0.60}
GROWTH_TARGET = 1.2
TOKEN_TARGET = 0.85
COST_TARGET_MILLISECONDS = 10
COST_REQUESTS = 300
WARM_UP_REQUESTS = 20
FEWEST_ROUNDS = 5


@dataclass
class Row:
    """A comparison of two sides, of which the first is the yardstick."""

    database: str
    name: str
    sides: tuple[str, str]
    rates: tuple[list[float], list[float]]
    p99: tuple[list[float], list[float]]
    target: str

    @property
    def medians(self) -> tuple[float, float]:
        return statistics.median(self.rates[0]), statistics.median(self.rates[1])

    @property
    def ratio(self) -> float:
        """The second side's requests per second as a share of the first's."""
        return self.medians[1] / self.medians[0]


@dataclass
class Cost:
    """What one request takes of the server's processor."""

    database: str
    name: str
    milliseconds: float


@dataclass(frozen=True)
class Served:
    """A running server."""

    port: int
    pid: int


@dataclass
class Database:
    """A filled database and a way to it."""

    environment: dict[str, str]
    facts: dict[str, Any]

    def call(self, port: int, wire: str, tool: str, key: str) -> Call:
        keys = self.facts[key] if isinstance(self.facts[key], list) else [self.facts[key]]
        arguments = self.facts["arguments"] if tool == "get_asset" else {}
        return Call(f"http://127.0.0.1:{port}/mcp", wire, tool, arguments, tuple(keys))


def filled(size: str, folder: Path, database_url: str | None) -> Database:
    """Fill a new database of the size."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("RASTER_")}
    environment |= {
        "RASTER_DEV": "1",
        "RASTER_DATA_DIR": str(folder / size),
        "DJANGO_SETTINGS_MODULE": "raster.settings",
        # Registrations are counted by address: requests that say whom they come for are believed.
        "RASTER_TRUSTED_PROXIES": "127.0.0.1",
    }
    environment["DATABASE_URL"] = database_url or f"sqlite:///{folder / size}/raster.sqlite3"
    command = [sys.executable, "-m", "bench.fill", size]
    output = subprocess.run(command, env=environment, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True).stdout
    return Database(environment, json.loads(output))


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


def answer(call: Call) -> dict[str, Any]:
    """Make the call once and return its result, which must be no error."""
    headers = {**call.headers, "Authorization": f"Bearer {call.keys[0]}"}
    response = httpx2.post(call.url, json=call.body, headers=headers).raise_for_status()
    result: dict[str, Any] = response.json()["result"]
    if result.get("isError"):
        raise RuntimeError(f"{call.tool} failed: {result}")
    return result


def compare(
    database: str, name: str, calls: dict[str, Call], target: str, folder: Path, options: argparse.Namespace
) -> Row:
    """Measure two calls in turns."""
    sides = tuple(calls)
    row = Row(database, name, (sides[0], sides[1]), ([], []), ([], []), target)
    for call in calls.values():
        answer(call)
        load.run(call, folder, 1)
    for _ in range(options.rounds):
        for index, call in enumerate(calls.values()):
            result = load.run(call, folder, options.seconds)
            row.rates[index].append(result.requests_per_second)
            row.p99[index].append(result.p99_milliseconds)
    print(".", end="", flush=True, file=sys.stderr)
    return row


def cost(name: str, what: str, server: Served, requests: Iterator[httpx2.Response]) -> Cost:
    """Make requests, each of which must succeed, and return what they took on average."""
    for _ in range(WARM_UP_REQUESTS):
        next(requests).raise_for_status()
    before = processor_seconds(server.pid)
    for _ in range(COST_REQUESTS):
        next(requests).raise_for_status()
    return Cost(name, what, (processor_seconds(server.pid) - before) / COST_REQUESTS * 1000)


def processor_seconds(pid: int) -> float:
    """Return how long a process has been running on any processor, in and out of the kernel."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def registrations(server: Served) -> Iterator[httpx2.Response]:
    """Register one client after the other, each from an address of its own."""
    body = {
        "client_name": "Bench",
        "redirect_uris": ["http://127.0.0.1/callback", "http://localhost/callback"],
        "grant_types": ["authorization_code", "refresh_token"],
        "token_endpoint_auth_method": "none",
    }
    with httpx2.Client(base_url=f"http://127.0.0.1:{server.port}") as http:
        for number in itertools.count():
            forwarded = {"X-Forwarded-Proto": "https", "X-Forwarded-For": f"10.0.{number // 250}.{number % 250}"}
            yield http.post("/register", json=body, headers=forwarded)


def refreshes(server: Served, client_id: str, token: str) -> Iterator[httpx2.Response]:
    """Refresh again and again, each time with the token that the time before gave."""
    with httpx2.Client(base_url=f"http://127.0.0.1:{server.port}") as http:
        while True:
            form = {"grant_type": "refresh_token", "refresh_token": token, "client_id": client_id}
            response = http.post("/token", data=form)
            yield response
            token = response.json()["refresh_token"]


def measure(
    name: str, folder: Path, urls: dict[str, str | None], options: argparse.Namespace
) -> tuple[list[Row], list[Cost]]:
    """Run every comparison on one kind of database."""
    small, large = (filled(size, folder, urls[size]) for size in ("small", "large"))
    with serving(RASTER, small.environment) as server, serving(RASTER, large.environment) as large_server:
        port, large_port = server.port, large_server.port
        ours = {wire: small.call(port, wire, "whoami", "hot") for wire in (MODERN, HANDSHAKE)}
        expected = {wire: answer(call) for wire, call in ours.items()}
        bare = {
            **small.environment,
            "BENCH_ANSWER": json.dumps(expected[MODERN]["structuredContent"]),
            "BENCH_SERVER_INFO": json.dumps(expected[MODERN]["_meta"]["io.modelcontextprotocol/serverInfo"]),
        }
        rows = []
        with serving(BARE, bare) as bare_server:
            for wire, call in ours.items():
                theirs = replace(call, url=f"http://127.0.0.1:{bare_server.port}/mcp")
                if answer(theirs) != expected[wire]:
                    raise RuntimeError(f"The two servers answer differently:\n{answer(theirs)}\n{expected[wire]}")
                sides = {"bare SDK": theirs, "Raster": call}
                rows.append(compare(name, f"whoami, {wire}", sides, f"≥ {TARGETS[name]:.2f}", folder, options))
        for wire, call in ours.items():
            token = small.call(port, wire, "whoami", "tokens")
            if answer(token) != expected[wire]:
                raise RuntimeError(f"Key and token are answered differently:\n{expected[wire]}\n{answer(token)}")
            sides = {"API key": call, "OAuth token": token}
            rows.append(compare(name, f"OAuth token, whoami, {wire}", sides, f"≥ {TOKEN_TARGET:.2f}", folder, options))
        costs = [
            cost(name, "/register", server, registrations(server)),
            cost(name, "/token", server, refreshes(server, small.facts["client_id"], small.facts["refresh_token"])),
        ]
        growth = {
            "10 → 1,000,000 keys, whoami": ("whoami", "hot"),
            "10 → 10,000 libraries, get_asset": ("get_asset", "one"),
            "1 → 10,000 grants, get_asset": ("get_asset", "many"),
        }
        for label, (tool, key) in growth.items():
            sides = {"small": small.call(port, MODERN, tool, key), "large": large.call(large_port, MODERN, tool, key)}
            rows.append(compare(name, label, sides, f"time ≤ {GROWTH_TARGET:.2f}", folder, options))
    return rows, costs


def on_sqlite(folder: Path, options: argparse.Namespace) -> tuple[list[Row], list[Cost]]:
    return measure("sqlite", folder, {"small": None, "large": None}, options)


def on_postgresql(folder: Path, options: argparse.Namespace) -> tuple[list[Row], list[Cost]]:
    with throw_away_cluster() as url:
        urls: dict[str, str | None] = {}
        with psycopg.connect(url, autocommit=True) as connection:
            for size in ("small", "large"):
                connection.execute(f"CREATE DATABASE {size}")
                urls[size] = urlunsplit(urlsplit(url)._replace(path=f"/{size}"))
        return measure("postgresql", folder, urls, options)


def table(rows: list[Row]) -> str:
    """Return the comparisons as a Markdown table."""
    lines = [
        "| database | what | first side, requests/s | second side, requests/s | p99 ms | ratio | reach |",
        "| --- | --- | ---: | ---: | ---: | ---: | --- |",
    ]
    for row in rows:
        growth = row.target.startswith("time")
        ratio = f"time x {1 / row.ratio:.2f}" if growth else f"{row.ratio:.2f}"
        first, second = (f"{side} {rate:,.0f}" for side, rate in zip(row.sides, row.medians, strict=True))
        slow = " / ".join(f"{statistics.median(values):.0f}" for values in row.p99)
        lines.append(f"| {row.database} | {row.name} | {first} | {second} | {slow} | {ratio} | {row.target} |")
    return "\n".join(lines)


def cost_table(costs: list[Cost]) -> str:
    """Return what requests cost as a Markdown table."""
    lines = ["| database | one request to | processor time, ms | reach |", "| --- | --- | ---: | --- |"]
    lines += [
        f"| {cost.database} | {cost.name} | {cost.milliseconds:.1f} | < {COST_TARGET_MILLISECONDS} |" for cost in costs
    ]
    return "\n".join(lines)


def main() -> int:
    """Measure, print and write down."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=FEWEST_ROUNDS)
    parser.add_argument("--seconds", type=int, default=4, help="of load in each turn")
    parser.add_argument("--database", choices=("sqlite", "postgresql"), action="append")
    options = parser.parse_args()
    if shutil.which("wrk") is None:
        print("The benchmarks need wrk, which is not on this machine.", file=sys.stderr)
        return 1
    rows: list[Row] = []
    costs: list[Cost] = []
    for name, measurement in (("sqlite", on_sqlite), ("postgresql", on_postgresql)):
        if options.database and name not in options.database:
            continue
        with tempfile.TemporaryDirectory(prefix="raster-bench-") as folder:
            try:
                measured_rows, measured_costs = measurement(Path(folder), options)
            except PostgreSQLMissing as absent:
                print(f"Skipped: {absent}", file=sys.stderr)
                continue
        rows += measured_rows
        costs += measured_costs
    print(f"\n{table(rows)}\n\n{cost_table(costs)}")
    written = ROOT / "var" / "bench" / f"{time.strftime('%Y%m%dT%H%M%S', time.gmtime())}.json"
    written.parent.mkdir(parents=True, exist_ok=True)
    turns = [{**vars(row), "medians": row.medians, "ratio": row.ratio} for row in rows]
    written.write_text(json.dumps({"rows": turns, "costs": [vars(cost) for cost in costs]}, indent=2))
    print(f"\nEvery turn is in {written.relative_to(ROOT)}.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
