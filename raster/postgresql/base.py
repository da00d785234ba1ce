"""The connections of Django's PostgreSQL backend."""

from typing import Any

from django.db.backends.postgresql import base


class DatabaseWrapper(base.DatabaseWrapper):
    """Checks what its pool hands out, and the rest of the pool once one connection turns out to be dead.

    The pool's own check finds one dead connection at a time and waits longer after each: when the server was restarted,
    a few idle ones made every request of the next minutes wait in vain for as long as one waits for a connection.
    """

    def get_new_connection(self, conn_params: dict[str, Any]) -> Any:
        connection = super().get_new_connection(conn_params)
        pool = self.pool
        if pool is None:
            return connection
        try:
            pool.check_connection(connection)
        except self.Database.Error:
            pool.putconn(connection)
            pool.check()
            # What is left are live ones and those that are being made; with no server, none comes in time.
            return super().get_new_connection(conn_params)
        return connection
