"""How long searches over a million assets take."""

import argparse
import json
import subprocess
import sys
from statistics import quantiles

from bench.comparing import Figure, Measured
from bench.servers import ROOT, Databases
from bench.tools import LARGE

REACH = {"sqlite": 100, "postgresql": 50}


def measure_searches(databases: Databases, options: argparse.Namespace) -> Measured:
    """Measure every kind of search of every kind of caller: what 95 of 100 do not exceed, and the middle of all."""
    database = databases.filled("catalogue", LARGE)
    command = [sys.executable, "-m", "bench.searching"]
    searching = subprocess.run(
        command, env=database.environment, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True
    )
    timings: list[tuple[str, str, list[float]]] = json.loads(searching.stdout)
    reach = f"≤ {REACH[databases.kind]} ms"
    every = [milliseconds for *_, taken in timings for milliseconds in taken]
    figures = [
        Figure(databases.kind, "search_assets of 1,000,000, all, median", quantiles(every, n=100)[49], "ms"),
        Figure(databases.kind, "search_assets of 1,000,000, all, p95", quantiles(every, n=100)[94], "ms", reach),
    ]
    for who, what, taken in timings:
        name = f"search_assets of 1,000,000, {who}, {what}, p95"
        figures.append(Figure(databases.kind, name, quantiles(taken, n=100, method="inclusive")[94], "ms", reach))
    return Measured(figures=figures)
