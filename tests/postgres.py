"""Runs a command on a throw-away PostgreSQL cluster: ``python -m tests.postgres COMMAND…``.

The cluster listens on a socket in its own temporary folder, and is stopped and removed whatever becomes of the command.
"""

import contextlib
import os
import pwd
import re
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote, unquote, urlsplit

SUPERUSER = "postgres"
NOT_DURABLE = ("fsync=off", "synchronous_commit=off", "full_page_writes=off")  # it is thrown away: speed is all
MISSING = 127  # as a shell says of a command that is not there


class PostgreSQLMissing(Exception):
    """This machine has no PostgreSQL server programs."""


def programs() -> Path:
    """Return the folder of ``initdb`` and ``pg_ctl``: from PATH, or the newest that Debian has beside it.

    Raises:
        PostgreSQLMissing: there is none.
    """
    found = shutil.which("initdb")
    if found:
        return Path(found).resolve().parent
    installed = Path("/usr/lib/postgresql").glob("*/bin/initdb")
    newest = max(installed, key=lambda path: int(re.sub(r"\D", "", path.parts[-3]) or 0), default=None)
    if newest is None:
        raise PostgreSQLMissing("There is no initdb in PATH or /usr/lib/postgresql: install PostgreSQL's server.")
    return newest.parent


@contextlib.contextmanager
def throw_away_cluster() -> Iterator[str]:
    """Run a cluster until the block ends; yield the URL of an empty database in it."""
    binaries = programs()
    owner = server_user()
    folder = Path(tempfile.mkdtemp(prefix="raster-pg-"))
    data = folder / "data"

    def run(program: str, *arguments: str) -> None:
        command = [str(binaries / program), *arguments]
        done = subprocess.run(
            command, user=owner, cwd=folder, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
        )
        if done.returncode:
            raise RuntimeError(f"{program} failed:\n{done.stdout}{done.stderr}")

    try:
        if owner is not None:
            shutil.chown(folder, owner)
        run(
            "initdb",
            f"--pgdata={data}",
            f"--username={SUPERUSER}",
            "--auth=trust",
            "--encoding=UTF8",
            "--no-locale",
            "--no-sync",
        )
        options = ["listen_addresses=", f"unix_socket_directories={folder}", "max_connections=200", *NOT_DURABLE]
        with (data / "postgresql.auto.conf").open("a") as configuration:
            configuration.writelines(
                f"{name} = '{value}'\n" for name, _, value in (line.partition("=") for line in options)
            )
        run("pg_ctl", "start", f"--pgdata={data}", f"--log={folder / 'log'}", "--wait")
        try:
            run("createdb", f"--host={folder}", f"--username={SUPERUSER}", "raster")
            yield f"postgresql://{SUPERUSER}@{quote(str(folder), safe='')}:5432/raster"
        finally:
            run("pg_ctl", "stop", f"--pgdata={data}", "--mode=immediate", "--wait")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextlib.contextmanager
def frozen(url: str) -> Iterator[None]:
    """Stop every process of a throw-away cluster until the block ends: it takes connections, and says nothing."""
    folder = Path(unquote(urlsplit(url).netloc.rpartition("@")[2].rpartition(":")[0]))
    postmaster = int((folder / "data" / "postmaster.pid").read_text().split()[0])
    stopped = [postmaster]
    os.kill(postmaster, signal.SIGSTOP)  # first, so that it starts no others
    try:
        for pid in _children(postmaster):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGSTOP)
                stopped.append(pid)
        yield
    finally:
        for pid in stopped:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)


def _children(parent: int) -> list[int]:
    children = []
    for status in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            # The name before the last bracket may hold anything.
            if int(status.read_text().rpartition(")")[2].split()[1]) == parent:
                children.append(int(status.parent.name))
    return children


def server_user() -> str | None:
    """Return the user to run as where the present one is root, whom PostgreSQL refuses."""
    if os.geteuid() != 0:
        return None
    with contextlib.suppress(KeyError):
        return pwd.getpwnam("postgres").pw_name
    return "nobody"


def end_on_sigterm() -> None:
    """Have SIGTERM end this process like an exception, so that everything that was started is stopped."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))


def main(command: list[str]) -> int:
    """Run ``command`` with ``DATABASE_URL`` set; return its exit code."""
    end_on_sigterm()
    try:
        with throw_away_cluster() as url:
            return subprocess.run(command, env={**os.environ, "DATABASE_URL": url}, check=False).returncode
    except PostgreSQLMissing as absent:
        print(absent, file=sys.stderr)
        return MISSING


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
