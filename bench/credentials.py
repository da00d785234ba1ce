"""What credentials cost: against the bare SDK, tokens against keys, and as keys, libraries and grants grow."""

import argparse
import itertools
import json
from collections.abc import Iterator
from dataclasses import replace

import httpx2

from bench.comparing import Measured, answer, compare, cost
from bench.load import Call
from bench.servers import RASTER, Database, Databases, Served, serving
from tests.mcp.client import HANDSHAKE, MODERN

BARE = "bench.bare:application"
TARGETS = {"sqlite": 0.85, "postgresql": 0.60}
GROWTH_TARGET = 1.2
TOKEN_TARGET = 0.85


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


def call(database: Database, port: int, wire: str, tool: str, key: str) -> Call:
    """Return the call of a tool with one of the credentials in a database."""
    keys = database.facts[key] if isinstance(database.facts[key], list) else [database.facts[key]]
    arguments = database.facts["arguments"] if tool == "get_asset" else {}
    return Call(f"http://127.0.0.1:{port}/mcp", wire, tool, arguments, tuple(keys))


def measure_credentials(databases: Databases, options: argparse.Namespace) -> Measured:
    """Measure what credentials cost on one kind of database."""
    name, folder = databases.kind, databases.folder
    small, large = (databases.filled("fill", size) for size in ("small", "large"))
    with serving(RASTER, small.environment) as server, serving(RASTER, large.environment) as large_server:
        port, large_port = server.port, large_server.port
        ours = {wire: call(small, port, wire, "whoami", "hot") for wire in (MODERN, HANDSHAKE)}
        expected = {wire: answer(our) for wire, our in ours.items()}
        bare = {
            **small.environment,
            "BENCH_ANSWER": json.dumps(expected[MODERN]["structuredContent"]),
            "BENCH_SERVER_INFO": json.dumps(expected[MODERN]["_meta"]["io.modelcontextprotocol/serverInfo"]),
        }
        rows = []
        with serving(BARE, bare) as bare_server:
            for wire, our in ours.items():
                theirs = replace(our, url=f"http://127.0.0.1:{bare_server.port}/mcp")
                if answer(theirs) != expected[wire]:
                    raise RuntimeError(f"The two servers answer differently:\n{answer(theirs)}\n{expected[wire]}")
                sides = {"bare SDK": theirs, "Raster": our}
                rows.append(compare(name, f"whoami, {wire}", sides, f"≥ {TARGETS[name]:.2f}", folder, options))
        for wire, our in ours.items():
            token = call(small, port, wire, "whoami", "tokens")
            if answer(token) != expected[wire]:
                raise RuntimeError(f"Key and token are answered differently:\n{expected[wire]}\n{answer(token)}")
            sides = {"API key": our, "OAuth token": token}
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
            sides = {"small": call(small, port, MODERN, tool, key), "large": call(large, large_port, MODERN, tool, key)}
            rows.append(compare(name, label, sides, f"time ≤ {GROWTH_TARGET:.2f}", folder, options))
    return Measured(rows, costs)
