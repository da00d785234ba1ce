"""Runs every measurement on SQLite and PostgreSQL, prints a table and writes JSON: ``python -m bench``."""

import argparse
import contextlib
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
    }
    environment["DATABASE_URL"] = database_url or f"sqlite:///{folder / size}/raster.sqlite3"
    command = [sys.executable, "-m", "bench.fill", size]
    output = subprocess.run(command, env=environment, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True).stdout
    return Database(environment, json.loads(output))


@contextlib.contextmanager
def serving(application: str, environment: dict[str, str]) -> Iterator[int]:
    """Serve an application with one process until the block ends; yield its port."""
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
        yield port
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


def measure(name: str, folder: Path, urls: dict[str, str | None], options: argparse.Namespace) -> list[Row]:
    """Run every comparison on one kind of database."""
    small, large = (filled(size, folder, urls[size]) for size in ("small", "large"))
    with serving(RASTER, small.environment) as port, serving(RASTER, large.environment) as large_port:
        ours = {wire: small.call(port, wire, "whoami", "hot") for wire in (MODERN, HANDSHAKE)}
        expected = {wire: answer(call) for wire, call in ours.items()}
        bare = {
            **small.environment,
            "BENCH_ANSWER": json.dumps(expected[MODERN]["structuredContent"]),
            "BENCH_SERVER_INFO": json.dumps(expected[MODERN]["_meta"]["io.modelcontextprotocol/serverInfo"]),
        }
        rows = []
        with serving(BARE, bare) as bare_port:
            for wire, call in ours.items():
                theirs = replace(call, url=f"http://127.0.0.1:{bare_port}/mcp")
                if answer(theirs) != expected[wire]:
                    raise RuntimeError(f"The two servers answer differently:\n{answer(theirs)}\n{expected[wire]}")
                sides = {"bare SDK": theirs, "Raster": call}
                rows.append(compare(name, f"whoami, {wire}", sides, f"≥ {TARGETS[name]:.2f}", folder, options))
        growth = {
            "10 → 1,000,000 keys, whoami": ("whoami", "hot"),
            "10 → 10,000 libraries, get_asset": ("get_asset", "one"),
            "1 → 10,000 grants, get_asset": ("get_asset", "many"),
        }
        for label, (tool, key) in growth.items():
            sides = {"small": small.call(port, MODERN, tool, key), "large": large.call(large_port, MODERN, tool, key)}
            rows.append(compare(name, label, sides, f"time ≤ {GROWTH_TARGET:.2f}", folder, options))
    return rows


def on_sqlite(folder: Path, options: argparse.Namespace) -> list[Row]:
    return measure("sqlite", folder, {"small": None, "large": None}, options)


def on_postgresql(folder: Path, options: argparse.Namespace) -> list[Row]:
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
    for name, measurement in (("sqlite", on_sqlite), ("postgresql", on_postgresql)):
        if options.database and name not in options.database:
            continue
        with tempfile.TemporaryDirectory(prefix="raster-bench-") as folder:
            try:
                rows += measurement(Path(folder), options)
            except PostgreSQLMissing as absent:
                print(f"Skipped: {absent}", file=sys.stderr)
    print(f"\n{table(rows)}")
    written = ROOT / "var" / "bench" / f"{time.strftime('%Y%m%dT%H%M%S', time.gmtime())}.json"
    written.parent.mkdir(parents=True, exist_ok=True)
    written.write_text(
        json.dumps([{**vars(row), "medians": row.medians, "ratio": row.ratio} for row in rows], indent=2)
    )
    print(f"\nEvery turn is in {written.relative_to(ROOT)}.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
