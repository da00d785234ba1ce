"""What the tools that read assets cost: against plain views of Django, and as assets become many."""

import argparse
import json
from dataclasses import replace
from typing import Any

from bench.comparing import Measured, answer, compare
from bench.load import Call
from bench.servers import RASTER, Database, Databases, serving
from tests.mcp.client import MODERN

PLAIN = "bench.plain:application"
TARGET = 0.60
GROWTH_TARGET = 1.2
SMALL, LARGE = "10000", "1000000"


def call(database: Database, port: int, tool: str, arguments: dict[str, Any] | None = None) -> Call:
    """Return the call of a tool with the key of a database of assets."""
    asked = arguments or database.facts["questions"][tool]
    return Call(f"http://127.0.0.1:{port}/mcp", MODERN, tool, asked, (database.facts["key"],))


def plain_environment(database: Database, port: int) -> dict[str, str]:
    """Return the environment of the plain views that answer as Raster does, which listens at the port."""
    return {
        **database.environment,
        "BENCH_CALLS": json.dumps(database.facts["questions"]),
        "BENCH_TOKEN": database.facts["token"],
        "BENCH_META": json.dumps({"_meta": answer(call(database, port, "get_asset"))["_meta"]}),
    }


def measure_tools(databases: Databases, options: argparse.Namespace) -> Measured:
    """Measure tools against views that send the same bytes, one query each and no credential."""
    database = databases.filled("catalogue", SMALL)
    measured = Measured()
    with serving(RASTER, database.environment) as server:
        calls = {tool: call(database, server.port, tool) for tool in database.facts["questions"]}
        with serving(PLAIN, plain_environment(database, server.port)) as plain_server:
            for tool, ours in calls.items():
                theirs = replace(ours, url=f"http://127.0.0.1:{plain_server.port}/{tool}")
                plainly, answered = theirs.answer(), ours.answer()
                if json.loads(plainly) != json.loads(answered) or len(plainly) != len(answered):
                    raise RuntimeError(f"The two servers answer {tool} differently.")
                sides = {"plain view": theirs, "Raster": ours}
                name = f"{tool}, {len(answered):,} bytes"
                measured.rows.append(compare(databases.kind, name, sides, f"≥ {TARGET:.2f}", databases.folder, options))
    return measured


def measure_growth(databases: Databases, options: argparse.Namespace) -> Measured:
    """Measure tools that ask for the same library of 10,000 assets among more and more others."""
    small, large = databases.filled("catalogue", SMALL), databases.filled("catalogue", LARGE)
    measured = Measured()
    with serving(RASTER, small.environment) as server, serving(RASTER, large.environment) as large_server:
        for tool in small.facts["questions"]:
            sides = {"10,000": call(small, server.port, tool), "1,000,000": call(large, large_server.port, tool)}
            name = f"10,000 → 1,000,000 assets, {tool}"
            measured.rows.append(
                compare(databases.kind, name, sides, f"time ≤ {GROWTH_TARGET:.2f}", databases.folder, options)
            )
        sides = {
            "10,000": call(small, server.port, "list_assets"),
            "larger": call(large, large_server.port, "list_assets", large.facts["larger"]),
        }
        name = "10,000 → 55,000 assets in the library, list_assets"
        measured.rows.append(compare(databases.kind, name, sides, "time —", databases.folder, options))
    return measured
