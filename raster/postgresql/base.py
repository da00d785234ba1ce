"""The connections of Django's PostgreSQL backend."""

from types import TracebackType
from typing import Any

from django.db import OperationalError
from django.db.backends.postgresql import base
from django.db.utils import DatabaseErrorWrapper
from django.utils.functional import cached_property
from psycopg import errors

from raster.deadlines import limited
from raster.postgresql.connections import DatabaseSilent, counted


class _ErrorWrapper(DatabaseErrorWrapper):
    """Raises Django's errors, and as on SQLite an OperationalError where a table or column is not there.

    It means that migrations are missing: an outage to be told as such (503), not a fault of the code.
    """

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if isinstance(error, errors.UndefinedTable | errors.UndefinedColumn):
            self.wrapper.errors_occurred = True  # type: ignore[attr-defined]  # not in the stubs
            raise OperationalError(*error.args).with_traceback(traceback) from error
        super().__exit__(kind, error, traceback)


class DatabaseWrapper(base.DatabaseWrapper):
    """Checks what its pool hands out, and the rest of the pool once one connection turns out to be dead.

    The pool's own check finds one dead connection at a time and waits longer after each: when the server was restarted,
    a few idle ones made every request of the next minutes wait in vain for as long as one waits for a connection.

    The check also keeps what a request writes from a server that has stopped: nothing is sent to it before it has
    answered.
    """

    @cached_property
    def wrap_database_errors(self) -> DatabaseErrorWrapper:
        return _ErrorWrapper(self)

    def get_new_connection(self, conn_params: dict[str, Any]) -> Any:
        pool = self.pool
        if pool is None:
            return super().get_new_connection(conn_params)
        with counted(pool.timeout):
            connection = super().get_new_connection(conn_params)
        try:
            pool.check_connection(connection)
        except DatabaseSilent:
            # The others are no better, and waiting for each of them would take long.
            pool.putconn(connection)
            raise
        except self.Database.Error:
            pool.putconn(connection)
            pool.check()
            # What is left are live ones and those that are being made; with no server, none comes in time.
            with counted(pool.timeout):
                return super().get_new_connection(conn_params)
        return connection

    def _configure_connection(self, connection: Any) -> Any:
        # A thread of the pool must not wait for a server that stops here: no other would make new connections.
        with limited():
            return super()._configure_connection(connection)  # type: ignore[misc]  # not in the stubs
