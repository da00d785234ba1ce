"""A database that drops every connection is no fault that a client sees, and needs no restart of the server."""

import pytest
from django.db import connection

from tests.factories import Cast
from tests.mcp.client import WIRES, call_tool
from tests.server import Server

ACME = {"organizationId": "acme"}


@pytest.mark.parametrize("wire", WIRES)
def test_dropped_connections_are_replaced(server: Server, cast: Cast, wire: str) -> None:
    if connection.vendor != "postgresql":
        pytest.skip("SQLite has no connections to drop")
    key = cast.key(barcelona="read").secret
    calls = {"whoami": {}, "list_libraries": ACME, "list_assets": {**ACME, "libraryId": "barcelona"}}
    for _ in range(3):
        for tool, arguments in calls.items():
            assert "barcelona" in call_tool(server.mcp_url, key, wire, tool, arguments).text or tool == "list_assets"
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
    for tool, arguments in calls.items():
        response = call_tool(server.mcp_url, key, wire, tool, arguments)
        assert response.status_code == 200, tool
        assert "error" not in response.text.replace("isError", ""), tool
