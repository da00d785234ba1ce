"""A database that drops every connection is no fault that a client sees, and needs no restart of the server."""

import asyncio
import contextlib
import random
import socket
import threading
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlsplit

import pytest
from django.conf import settings
from django.db import connection, transaction
from django.test import Client

from api.gate_database import GateDatabase, gate_database
from assets.models import Asset
from raster.errors import ServiceUnavailable
from tests.api.rest.asking import BARCELONA as BARCELONA_PATH
from tests.api.rest.asking import ask
from tests.factories import Cast
from tests.mcp.client import SECONDS, WIRES, call_tool
from tests.server import Server
from tests.waiting import wait_until

ACME = {"organizationId": "acme"}
BARCELONA = {**ACME, "libraryId": "barcelona"}
AT_ONCE = 7


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


async def cancel_many_calls(door: GateDatabase) -> None:
    """Cancel calls at whatever they are at, most of them while others wait, and some once more on their way out."""
    chance = random.Random(1)

    async def cancelled_call() -> None:
        call = asyncio.ensure_future(door.rows("SELECT pg_sleep(%s / 1e6)", chance.randrange(20_000)))
        await asyncio.sleep(chance.random() * 0.03)
        call.cancel()
        if chance.random() < 0.3:
            await asyncio.sleep(0)
            call.cancel()
        await asyncio.wait([call])

    for _ in range(80):
        await asyncio.gather(*(cancelled_call() for _ in range(60)))


async def wait_for_its_turn(door: GateDatabase) -> None:
    """Wait until all that was asked before was answered or given up."""
    for _ in range(10):
        with contextlib.suppress(ServiceUnavailable):
            await door.rows("SELECT %s", 0)
            return


def test_calls_that_are_cancelled_take_no_connection_with_them(transactional_db: None) -> None:
    if connection.vendor != "postgresql":
        pytest.skip("SQLite's door has one connection")
    lock = 4711

    def all_wait() -> bool:
        with connection.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted")
            return bool(cursor.fetchone() == (settings.DATABASE_MCP_POOL,))

    async def use_every_connection(door: GateDatabase) -> None:
        calls = [door.rows("SELECT pg_advisory_xact_lock(%s)", lock) for _ in range(settings.DATABASE_MCP_POOL)]
        await asyncio.gather(*calls)

    async def run() -> None:
        door = gate_database()
        await door.open()
        try:
            await cancel_many_calls(door)
            await wait_for_its_turn(door)
            begun.set()
            await use_every_connection(door)
        finally:
            begun.set()
            await door.close()

    begun = threading.Event()
    with ThreadPoolExecutor(1) as threads, connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(%s)", [lock])
        try:
            running = threads.submit(asyncio.run, run())
            assert begun.wait(60)
            wait_until(lambda: running.done() or all_wait())
        finally:
            cursor.execute("SELECT pg_advisory_unlock(%s)", [lock])
        running.result()


ROUNDS = 3
PAGES_AT_ONCE = 16


def send_and_leave(server: Server, request: bytes) -> socket.socket:
    """Send a request of which nobody will read the answer."""
    parts = urlsplit(server.url)
    caller = socket.create_connection(("127.0.0.1", parts.port), timeout=SECONDS)
    caller.sendall(request)
    return caller


def test_clients_that_go_away_take_no_connection_with_them(server: Server, cast: Cast, client: Client) -> None:
    if connection.vendor != "postgresql":
        pytest.skip("SQLite has no pool")
    key = cast.key(barcelona="read").secret
    client.force_login(cast.alice)
    host = urlsplit(server.url).netloc
    cookies = "; ".join(f"{name}={morsel.value}" for name, morsel in client.cookies.items())
    page = f"GET /acme/barcelona HTTP/1.1\r\nHost: {host}\r\nCookie: {cookies}\r\n\r\n".encode()
    rest = (
        f"GET /api/organizations/acme/libraries/barcelona/assets HTTP/1.1\r\nHost: {host}\r\n"
        f"Authorization: Bearer {key}\r\nApi-Version: 2026-07-08\r\n\r\n"
    ).encode()
    table = Asset._meta.db_table
    waiting = 0

    def count() -> int:
        cursor.execute("SELECT count(*) FROM pg_locks WHERE relation = %s::regclass AND NOT granted", [table])
        [found] = cursor.fetchone()
        return int(found)

    for _ in range(ROUNDS):
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(f"LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE")
            callers = [send_and_leave(server, page) for _ in range(PAGES_AT_ONCE)]
            callers += [send_and_leave(server, rest) for _ in range(AT_ONCE)]
            # Somebody of the round before, or a sweep, may wait as well.
            wait_until(lambda: count() >= PAGES_AT_ONCE + AT_ONCE)
            waiting += count()
            for caller in callers:
                caller.close()
    assert waiting > settings.DATABASE_POOL
    with ThreadPoolExecutor(AT_ONCE) as threads:
        answers = threads.map(lambda _: ask(server, key, "GET", f"{BARCELONA_PATH}/assets").status_code, range(40))
        assert set(answers) == {200}


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
