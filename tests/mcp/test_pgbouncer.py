"""Behind PgBouncer, which gives each transaction another session, nothing relies on what a session knew."""

import asyncio
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from django.db import connection

from api.gate_database import Rows, gate_database
from orgs.models import Library
from tests.factories import AssetFactory, Cast
from tests.mcp.client import WIRES, call_tool
from tests.pgbouncer import SESSIONS, PgBouncerMissing, pgbouncer
from tests.server import Server, database_url, running_server

ACME = {"organizationId": "acme"}
BARCELONA = {**ACME, "libraryId": "barcelona"}
AT_ONCE = 4 * SESSIONS
PREPARED = "SELECT statement FROM pg_prepared_statements WHERE statement LIKE %s"


@pytest.fixture(scope="module")
def pooled_server(django_db_setup: None, static_files: None, server_log: Path) -> Iterator[Server]:
    """A server that reaches the test database through PgBouncer."""
    if connection.vendor != "postgresql":
        pytest.skip("PgBouncer is for PostgreSQL")
    try:
        with pgbouncer(database_url()) as url, running_server(server_log, DATABASE_URL=url) as server:
            yield server
    except PgBouncerMissing as missing:
        pytest.skip(str(missing))


@pytest.mark.parametrize("wire", WIRES)
def test_more_calls_at_once_than_there_are_sessions_are_all_answered(
    transactional_db: None, pooled_server: Server, cast: Cast, wire: str
) -> None:
    key = cast.key(barcelona="write").secret
    asset = AssetFactory(library=cast.barcelona)
    calls: dict[str, dict[str, Any]] = {
        "whoami": {},
        "list_assets": BARCELONA,
        "search_assets": {**ACME, "q": "asset"},
        "tag_assets": {**BARCELONA, "assetIds": [asset.pk], "tags": ["sea"]},
        "rename_library": {**BARCELONA, "name": "Renamed"},
    }

    def call(tool: str) -> str:
        return call_tool(pooled_server.mcp_url, key, wire, tool, calls[tool]).text

    with ThreadPoolExecutor(AT_ONCE) as threads:
        for answer in threads.map(call, list(calls) * AT_ONCE):
            assert '"isError":false' in answer, answer
    assert Library.objects.get(pk=cast.barcelona.pk).name == "Renamed"


def test_only_a_session_of_the_database_itself_is_given_prepared_statements(transactional_db: None) -> None:
    if connection.vendor != "postgresql":
        pytest.skip("SQLite prepares statements in its own library")

    async def prepared() -> Rows:
        door = gate_database()
        await door.open()
        try:
            return await door.rows(PREPARED, "%pg_prepared_statements%")
        finally:
            await door.close()

    with ThreadPoolExecutor(1) as thread:
        assert len(thread.submit(asyncio.run, prepared()).result()) == 1
