"""Log lines as JSON, through which no credential passes."""

import json
import logging
import re
import sqlite3
import sys
import time
from contextvars import ContextVar
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

import psycopg
from django.db import InterfaceError, OperationalError

# Without a word boundary: in JSON a line break before a key is the letter n.
CREDENTIAL = re.compile(r"(rst[a-z]_)([0-9A-Za-z_]+)")
PUBLIC_ID_LENGTH = 10
#: Where an ASGI scope has what the access log says of its request.
RECORD = "raster.record"
#: How messages begin that tell of a file that cannot be opened, or of tables and columns that are not there.
SQLITE_OUTAGES = ("unable to open ", "no such ")
#: SQLSTATEs: of connections, sign-in, databases, resources, shutdown, and of tables and columns that are not there.
POSTGRESQL_OUTAGES = ("08", "28", "3D", "53", "57P", "42P01", "42703")
#: The id of the request being answered; empty outside one. raster/workers.py takes it into its threads.
request_id: ContextVar[str] = ContextVar("request_id", default="")
encode = json.JSONEncoder(ensure_ascii=False, default=str).encode


def redacted(text: str) -> str:
    """Return ``text`` with every credential cut to its class and, for API keys, its public id: ``rstk_Ab3kQ9xT0v…``."""

    def cut(match: re.Match[str]) -> str:
        prefix, rest = match.groups()
        public = rest[:PUBLIC_ID_LENGTH] if prefix == "rstk_" else ""
        return match[0] if rest == public else f"{prefix}{public}…"

    return CREDENTIAL.sub(cut, text)


def write_access(record: dict[str, Any]) -> None:
    """Write the one line of a request to standard error.

    It does not pass through ``logging``, which would cost more than looking a credential up.
    """
    seconds, fraction = divmod(time.time(), 1)
    line = f'{{"time": "{_to_the_second(int(seconds))}.{int(fraction * 1000):03d}Z", {encode(record)[1:]}\n'
    sys.stderr.write(redacted(line) if "rst" in line else line)


@lru_cache(maxsize=2)
def _to_the_second(seconds: int) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds))


def _is_outage(error: BaseException | None) -> bool:
    """Return whether an error says that the database is out of reach or not migrated, wherever it was noticed.

    It comes with every request until somebody acts on it, and its sentence tells what a traceback would.
    """
    if not isinstance(error, OperationalError | InterfaceError | psycopg.Error | sqlite3.OperationalError):
        return False
    cause = error.__cause__ or error
    if isinstance(cause, sqlite3.Error):
        return str(cause).startswith(SQLITE_OUTAGES)
    state = getattr(cause, "sqlstate", None)
    return state is None or state.startswith(POSTGRESQL_OUTAGES)


class JSONFormatter(logging.Formatter):
    """Writes one redacted JSON object a line, with the request's id; a record's ``fields`` (a dict) are part of it."""

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, object] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
        }
        if request := request_id.get():
            line["id"] = request
        line["message"] = record.getMessage()
        line |= getattr(record, "fields", {})
        if record.exc_info and _is_outage(record.exc_info[1]):
            line["error"] = str(record.exc_info[1]).partition("\n")[0]  # PostgreSQL's next lines quote the statement
        elif record.exc_info:
            line["traceback"] = self.formatException(record.exc_info)
        return redacted(encode(line))


class FaultFormatter(JSONFormatter):
    """Writes an unhandled fault of a page without its path, which may be a link that lets somebody in."""

    def format(self, record: logging.LogRecord) -> str:
        return super().format(logging.makeLogRecord({**vars(record), "msg": "A page failed", "args": None}))
