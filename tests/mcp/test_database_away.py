"""A database that drops every connection is no fault that a client sees, and needs no restart of the server."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection, transaction

from assets.models import Asset
from tests.factories import Cast
from tests.mcp.client import WIRES, call_tool
from tests.server import Server
from tests.waiting import wait_until

ACME = {"organizationId": "acme"}
BARCELONA = {**ACME, "libraryId": "barcelona"}
AT_ONCE = 8


@pytest.mark.parametrize("wire", WIRES)
def test_dropped_connections_are_replaced(server: Server, cast: Cast, wire: str) -> None:
    if connection.vendor != "postgresql":
        pytest.skip("SQLite has no connections to drop")
    key = cast.key(barcelona="read").secret
    calls = {"whoami": {}, "list_libraries": ACME, "list_assets": BARCELONA}
    for _ in range(3):
        for tool, arguments in calls.items():
            response = call_tool(server.mcp_url, key, wire, tool, arguments)
            assert '"isError":false' in response.text, tool
        drop_other_connections()
    for tool, arguments in calls.items():
        assert '"isError":false' in call_tool(server.mcp_url, key, wire, tool, arguments).text, tool


def test_however_many_connections_are_dropped_the_next_call_gets_a_good_one(server: Server, cast: Cast) -> None:
    if connection.vendor != "postgresql":
        pytest.skip("SQLite has no connections to drop")
    key = cast.key(barcelona="read").secret

    def listed(_: int) -> bool:
        return '"isError":false' in call_tool(server.mcp_url, key, WIRES[0], "list_assets", BARCELONA).text

    with ThreadPoolExecutor(AT_ONCE) as threads:
        with transaction.atomic(), connection.cursor() as cursor:
            table = Asset._meta.db_table
            cursor.execute(f"LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE")
            answers = threads.map(listed, range(AT_ONCE))

            def all_wait() -> bool:
                cursor.execute("SELECT count(*) FROM pg_locks WHERE relation = %s::regclass AND NOT granted", [table])
                return bool(cursor.fetchone() == (AT_ONCE,))

            wait_until(all_wait)
        assert all(answers)
    # The server has as many idle connections now.
    drop_other_connections()
    assert listed(0)


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
