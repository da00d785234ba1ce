"""The gate's own connections to the database, used on the event loop.

A hop into a thread costs more than the statement it carries, and Django's connections are bound to threads, so what
every request needs before it is let in is read here: one prepared statement, committed data only, nothing cached.
"""

import asyncio
import logging
import sqlite3
from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any
from urllib.parse import quote

import psycopg
from django.conf import settings
from django.db import connection
from psycopg_pool import AsyncConnectionPool, PoolTimeout

from raster.deadlines import limited
from raster.errors import ServiceUnavailable
from raster.postgresql.connections import AsyncConnection, DatabaseSilent

BUSY_SECONDS = 0.2
POOL_SECONDS = 3.0
RECONNECT_SECONDS = 5.0  # how long it goes on trying; the next request begins anew

logger = logging.getLogger("raster.gate")
Rows = Sequence[Sequence[Any]]


class GateDatabase(ABC):
    """Reads on the event loop."""

    @abstractmethod
    async def open(self) -> None:
        """Connect, or get ready to."""

    @abstractmethod
    async def close(self) -> None:
        """Give every connection back."""

    @abstractmethod
    async def rows(self, statement: str, parameter: str | int | bytes) -> Rows:
        """Return the rows of a statement with one ``%s`` in it.

        Raises:
            ServiceUnavailable: the database is out of reach.
        """


class SQLiteGateDatabase(GateDatabase):
    """A connection that may only read. In WAL mode it never waits for a writer."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._connection: sqlite3.Connection | None = None

    async def open(self) -> None:
        return

    async def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    async def rows(self, statement: str, parameter: str | int | bytes) -> Rows:
        try:
            if self._connection is None:
                uri = f"file:{quote(self._path)}?mode=rw"  # never make one that is missing
                self._connection = sqlite3.connect(uri, timeout=BUSY_SECONDS, isolation_level=None, uri=True)
                self._connection.execute("PRAGMA query_only = 1")
            return self._connection.execute(statement.replace("%s", "?"), (parameter,)).fetchall()
        except sqlite3.Error as error:
            logger.error("The gate cannot read the database", exc_info=error)
            await self.close()
            raise ServiceUnavailable from error


class PostgreSQLGateDatabase(GateDatabase):
    """A small pool of connections with prepared statements, each statement a transaction of its own."""

    def __init__(self, parameters: dict[str, Any]) -> None:
        self._pool: AsyncConnectionPool[AsyncConnection] = AsyncConnectionPool(
            connection_class=AsyncConnection,
            kwargs={**parameters, "autocommit": True, "prepare_threshold": None},
            configure=_prepare_if_possible,
            min_size=1,
            max_size=settings.DATABASE_MCP_POOL,
            timeout=POOL_SECONDS,
            reconnect_timeout=RECONNECT_SECONDS,
            open=False,
        )

    async def open(self) -> None:
        await self._pool.open(wait=False)

    async def close(self) -> None:
        await self._pool.close()

    async def rows(self, statement: str, parameter: str | int | bytes) -> Rows:
        # In a task that nobody cancels: whoever is cancelled while the pool hands a connection out, or takes it back,
        # may take it along for good.
        return await asyncio.shield(asyncio.create_task(self._read(statement, parameter)))

    async def _read(self, statement: str, parameter: str | int | bytes) -> Rows:
        try:
            try:
                return await self._rows(statement, parameter)
            except (PoolTimeout, DatabaseSilent):
                raise
            except psycopg.OperationalError:
                # The server may have been restarted: drop the connections that died with it, and try once more.
                await self._pool.check()
                return await self._rows(statement, parameter)
        except psycopg.Error as error:
            logger.error("The gate cannot read the database", exc_info=error)
            raise ServiceUnavailable from error

    async def _rows(self, statement: str, parameter: str | int | bytes) -> Rows:
        async with self._pool.connection() as pooled:
            cursor = await pooled.execute(statement, (parameter,))
            return await cursor.fetchall()


async def _prepare_if_possible(connection: AsyncConnection) -> None:
    """Turn prepared statements on for a connection that is a session of the database.

    PgBouncer gives each transaction another session, which does not know what was prepared in the one before. It also
    tells clients a process id that it made up.
    """
    with limited():
        cursor = await connection.execute("SELECT pg_backend_pid()")
        [[session]] = await cursor.fetchall()
    if session == connection.info.backend_pid:
        connection.prepare_threshold = 0


def gate_database() -> GateDatabase:
    """Return the gate's database for the one that Django is configured with."""
    configured = connection.settings_dict
    if connection.vendor == "sqlite":
        return SQLiteGateDatabase(str(configured["NAME"]))
    names = {"NAME": "dbname", "USER": "user", "PASSWORD": "password", "HOST": "host", "PORT": "port"}
    parameters = {parameter: configured[name] for name, parameter in names.items() if configured[name]}
    options = {key: value for key, value in configured["OPTIONS"].items() if key != "pool"}
    return PostgreSQLGateDatabase({**parameters, **options})
