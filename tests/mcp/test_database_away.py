"""A database that drops every connection is no fault that a client sees, and needs no restart of the server."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from django.db import connection

from tests.factories import Cast
from tests.mcp.client import WIRES, call_tool
from tests.server import Server, running_server
from tests.waiting import wait_until

ACME = {"organizationId": "acme"}


@pytest.fixture
def fresh(transactional_db: None, static_files: None, server_log: Path) -> Iterator[Server]:
    """A server of this test's own, whose connections no earlier test has used."""
    with running_server(server_log) as started:
        yield started


@pytest.mark.parametrize("wire", WIRES)
def test_dropped_connections_are_replaced(fresh: Server, cast: Cast, wire: str) -> None:
    if connection.vendor != "postgresql":
        pytest.skip("SQLite has no connections to drop")
    key = cast.key(barcelona="read").secret
    calls = {"whoami": {}, "list_libraries": ACME, "list_assets": {**ACME, "libraryId": "barcelona"}}
    for _ in range(3):
        for tool, arguments in calls.items():
            response = call_tool(fresh.mcp_url, key, wire, tool, arguments)
            assert '"isError":false' in response.text, tool
        drop_other_connections()
    for tool, arguments in calls.items():
        assert '"isError":false' in call_tool(fresh.mcp_url, key, wire, tool, arguments).text, tool


def drop_other_connections() -> None:
    """End every other connection to the test database; they are told at once, and gone a little later."""
    # This process keeps connections of its own in a pool: none but the one that asks may be left.
    connection.close()
    connection.close_pool()  # type: ignore[attr-defined]  # PostgreSQL has one
    others = "FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT pid, pg_terminate_backend(pid) {others}")
        dropped = {pid for pid, _ in cursor.fetchall()}

        def gone() -> bool:
            cursor.execute(f"SELECT pid {others}")
            return dropped.isdisjoint(pid for (pid,) in cursor.fetchall())

        wait_until(gone)
