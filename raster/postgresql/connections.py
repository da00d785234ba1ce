"""Connections that are closed when the server does not answer in time (raster/deadlines.py)."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

import psycopg
from psycopg.abc import PQGen
from psycopg.pq.abc import PGconn

from raster.deadlines import WaitBudget, current_budget, note_silence

LATE = "The database did not answer in time."
INTERVAL = 0.1  # psycopg's own: how often it looks for Ctrl-C

Result = TypeVar("Result")


class DatabaseSilent(psycopg.OperationalError):
    """The server did not answer in time; the connection is closed.

    A transaction that was open is rolled back: the server finds the connection closed before it is told to commit. If
    it was the commit itself that got no answer, nobody can know whether it will be done.
    """


class Connection(psycopg.Connection[Any]):
    """A connection for code that blocks."""

    def wait(self, gen: PQGen[Result], interval: float = INTERVAL, timeout: float | None = None) -> Result:
        budget = current_budget()
        if budget is None or timeout is not None:
            return super().wait(gen, interval, timeout)
        _check(self.pgconn, budget)
        started = time.monotonic()
        try:
            result = super().wait(gen, interval, budget.left)
        except psycopg.errors._WaitTimeout:  # noqa: SLF001 - what wait() is documented to raise
            raise _silent(self.pgconn, budget) from None
        except psycopg.Error:
            budget.spend(time.monotonic() - started)
            raise
        budget.answered()
        return result


class AsyncConnection(psycopg.AsyncConnection[Any]):
    """The same on an event loop."""

    async def wait(  # as psycopg has it
        self,
        gen: PQGen[Result],
        interval: float = INTERVAL,
        timeout: float | None = None,  # noqa: ASYNC109
    ) -> Result:
        budget = current_budget()
        if budget is None or timeout is not None:
            return await super().wait(gen, interval, timeout)
        _check(self.pgconn, budget)
        started = time.monotonic()
        try:
            result = await super().wait(gen, interval, budget.left)
        except psycopg.errors._WaitTimeout:  # noqa: SLF001 - what wait() is documented to raise
            raise _silent(self.pgconn, budget) from None
        except psycopg.Error:
            budget.spend(time.monotonic() - started)
            raise
        budget.answered()
        return result


@contextmanager
def counted(most: float) -> Iterator[None]:
    """Count the block, which waits up to ``most`` seconds for a connection, as waiting for an answer.

    Raises:
        DatabaseSilent: there is no time left for it.
    """
    budget = current_budget()
    if budget is None:
        yield
        return
    if budget.left < most:
        raise DatabaseSilent(LATE)
    started = time.monotonic()
    try:
        yield
    except psycopg.Error:
        note_silence()
        raise
    finally:
        budget.spend(time.monotonic() - started)


def _check(connection: PGconn, budget: WaitBudget) -> None:
    """Refuse to send anything whose answer nobody would wait for.

    Raises:
        DatabaseSilent: the budget is used up.
    """
    if budget.left <= 0:
        raise _silent(connection, budget)


def _silent(connection: PGconn, budget: WaitBudget) -> DatabaseSilent:
    """Close the connection, so that nothing more of it reaches the server, and return the error to raise."""
    connection.finish()
    budget.use_up()
    return DatabaseSilent(LATE)
