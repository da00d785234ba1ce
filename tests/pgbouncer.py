"""Runs a command on a throw-away PostgreSQL cluster behind PgBouncer: ``python -m tests.pgbouncer COMMAND…``.

PgBouncer pools by transaction, over few sessions, so that what one transaction leaves in its session meets others.
"""

import contextlib
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote, unquote, urlsplit, urlunsplit

from tests.postgres import MISSING, PostgreSQLMissing, end_on_sigterm, server_user, throw_away_cluster
from tests.waiting import wait_until

SESSIONS = 5
CLIENTS = 400
PORT = 6432


class PgBouncerMissing(Exception):
    """This machine has no PgBouncer."""


def program() -> str:
    """Return the path of PgBouncer, which Debian keeps out of the PATH of users.

    Raises:
        PgBouncerMissing: there is none.
    """
    found = shutil.which("pgbouncer") or shutil.which("pgbouncer", path="/usr/sbin")
    if found is None:
        raise PgBouncerMissing("There is no pgbouncer in PATH or /usr/sbin: install PgBouncer.")
    return found


@contextlib.contextmanager
def pgbouncer(url: str) -> Iterator[str]:
    """Run PgBouncer in front of the cluster of a database's URL until the block ends; yield the URL through it."""
    command = program()
    parts = urlsplit(url)
    credentials, _, place = parts.netloc.rpartition("@")
    user, _, password = credentials.partition(":")
    host, _, port = place.rpartition(":")
    server = {"host": unquote(host), "port": port, "user": unquote(user), "password": unquote(password)}
    folder = Path(tempfile.mkdtemp(prefix="raster-pgbouncer-"))
    try:
        settings = folder / "pgbouncer.ini"
        settings.write_text(
            "[databases]\n"
            f"* = {' '.join(f'{name}={value}' for name, value in server.items() if value)}\n"
            "[pgbouncer]\n"
            "pool_mode = transaction\n"
            "auth_type = any\n"
            f"unix_socket_dir = {folder}\n"
            f"listen_port = {PORT}\n"
            f"default_pool_size = {SESSIONS}\n"
            f"max_client_conn = {CLIENTS}\n"
        )
        user_name = server_user()
        if user_name is not None:
            for path in (folder, settings):
                shutil.chown(path, user_name)
        with (folder / "log").open("wb") as log:
            process = subprocess.Popen(
                [command, str(settings)],
                user=user_name,
                cwd=folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        try:
            wait_until((folder / f".s.PGSQL.{PORT}").exists)
            netloc = f"{credentials}@{quote(str(folder), safe='')}:{PORT}"
            yield urlunsplit(parts._replace(netloc=netloc))
        finally:
            process.terminate()
            process.wait()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def main(command: list[str]) -> int:
    """Run ``command`` with ``DATABASE_URL`` set; return its exit code."""
    end_on_sigterm()
    # PgBouncer keeps sessions of the test database, which cannot be dropped then; it goes with the cluster.
    options = f"{os.environ.get('PYTEST_ADDOPTS', '')} --reuse-db"
    try:
        with throw_away_cluster() as url, pgbouncer(url) as pooled:
            environment = {**os.environ, "DATABASE_URL": pooled, "PYTEST_ADDOPTS": options}
            return subprocess.run(command, env=environment, check=False).returncode
    except (PostgreSQLMissing, PgBouncerMissing) as absent:
        print(absent, file=sys.stderr)
        return MISSING


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
