"""How things are measured and shown: two sides in turns, and what stands by itself."""

import argparse
import json
import statistics
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2

from bench import load
from bench.load import Call, Request
from bench.servers import Served, processor_seconds

COST_TARGET = "< 10 ms"
COST_REQUESTS = 300
WARM_UP_REQUESTS = 20


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
class Figure:
    """Something measured by itself."""

    database: str
    name: str
    value: float
    unit: str
    reach: str = "—"


@dataclass
class Measured:
    """What a group of measurements came to."""

    rows: list[Row] = field(default_factory=list)
    figures: list[Figure] = field(default_factory=list)

    def add(self, other: "Measured") -> None:
        self.rows += other.rows
        self.figures += other.figures


def answer(call: Call, http: httpx2.Client | None = None) -> dict[str, Any]:
    """Make the call once and return its result, which must be no error."""
    result: dict[str, Any] = json.loads(call.answer(http))["result"]
    if result.get("isError"):
        raise RuntimeError(f"{call.tool} failed: {result}")
    return result


def compare(
    database: str,
    name: str,
    calls: Mapping[str, Call | Request],
    target: str,
    folder: Path,
    options: argparse.Namespace,
) -> Row:
    """Measure two calls in turns."""
    sides = tuple(calls)
    row = Row(database, name, (sides[0], sides[1]), ([], []), ([], []), target)
    for call in calls.values():
        answer(call) if isinstance(call, Call) else call.answer()
        load.run(call, folder, 1)
    for _ in range(options.rounds):
        for index, call in enumerate(calls.values()):
            result = load.run(call, folder, options.seconds)
            row.rates[index].append(result.requests_per_second)
            row.p99[index].append(result.p99_milliseconds)
    print(".", end="", flush=True, file=sys.stderr)
    return row


def cost(name: str, what: str, server: Served, requests: Iterator[httpx2.Response]) -> Figure:
    """Make requests, each of which must succeed, and return the processor time that one of them takes of the server."""
    for _ in range(WARM_UP_REQUESTS):
        next(requests).raise_for_status()
    before = processor_seconds(server.pid)
    for _ in range(COST_REQUESTS):
        next(requests).raise_for_status()
    milliseconds = (processor_seconds(server.pid) - before) / COST_REQUESTS * 1000
    return Figure(name, f"processor time of {what}", milliseconds, "ms", COST_TARGET)


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


def figures_table(figures: list[Figure]) -> str:
    """Return what was measured by itself as a Markdown table."""
    lines = ["| database | what | measured | reach |", "| --- | --- | ---: | --- |"]
    lines += [
        f"| {figure.database} | {figure.name} | {figure.value:.1f} {figure.unit} | {figure.reach} |"
        for figure in figures
    ]
    return "\n".join(lines)
