"""Runs the measurements on SQLite and PostgreSQL, prints tables and writes JSON: ``python -m bench``."""

import argparse
import contextlib
import json
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from bench.apis import measure_apis
from bench.comparing import Measured, figures_table, table
from bench.credentials import measure_credentials
from bench.searches import measure_searches
from bench.servers import ROOT, Databases
from bench.tools import measure_growth, measure_tools
from bench.uploads import measure_uploads
from tests.postgres import PostgreSQLMissing, throw_away_cluster

FEWEST_ROUNDS = 5
GROUPS = {
    "credentials": measure_credentials,
    "tools": measure_tools,
    "apis": measure_apis,
    "growth": measure_growth,
    "search": measure_searches,
    "uploads": measure_uploads,
}


@contextlib.contextmanager
def databases_of(kind: str, folder: Path) -> Iterator[Databases]:
    """Provide databases of one kind until the block ends."""
    if kind == "sqlite":
        yield Databases(kind, folder)
        return
    with throw_away_cluster() as url:
        yield Databases(kind, folder, url)


def main() -> int:
    """Measure, print and write down."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=FEWEST_ROUNDS)
    parser.add_argument("--seconds", type=int, default=4, help="of load in each turn")
    parser.add_argument("--database", choices=("sqlite", "postgresql"), action="append")
    parser.add_argument("--only", choices=GROUPS, action="append", help="some of the measurements")
    options = parser.parse_args()
    if shutil.which("wrk") is None:
        print("The benchmarks need wrk, which is not on this machine.", file=sys.stderr)
        return 1
    measured = Measured()
    for kind in options.database or ("sqlite", "postgresql"):
        with tempfile.TemporaryDirectory(prefix="raster-bench-") as folder:
            try:
                with databases_of(kind, Path(folder)) as databases:
                    # In the order of the table: uploads change the database that is compared before.
                    for group, measure in GROUPS.items():
                        if not options.only or group in options.only:
                            measured.add(measure(databases, options))
            except PostgreSQLMissing as absent:
                print(f"Skipped: {absent}", file=sys.stderr)
    print(f"\n{table(measured.rows)}\n\n{figures_table(measured.figures)}")
    written = ROOT / "var" / "bench" / f"{time.strftime('%Y%m%dT%H%M%S', time.gmtime())}.json"
    written.parent.mkdir(parents=True, exist_ok=True)
    turns = [{**vars(row), "medians": row.medians, "ratio": row.ratio} for row in measured.rows]
    written.write_text(json.dumps({"rows": turns, "figures": [vars(figure) for figure in measured.figures]}, indent=2))
    print(f"\nEvery turn is in {written.relative_to(ROOT)}.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
