"""Log lines as JSON, through which no credential passes."""

import json
import logging
import re
import sys
import time
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

# Without a word boundary: in JSON a line break before a key is the letter n.
CREDENTIAL = re.compile(r"(rst[a-z]_)([0-9A-Za-z_]+)")
PUBLIC_ID_LENGTH = 10
#: Where an ASGI scope has what the access log says of its request.
RECORD = "raster.record"
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


class JSONFormatter(logging.Formatter):
    """Writes one redacted JSON object a line; a record's ``fields`` (a dict) are part of it."""

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, object] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
            **getattr(record, "fields", {}),
        }
        if record.exc_info:
            line["traceback"] = self.formatException(record.exc_info)
        return redacted(encode(line))


class FaultFormatter(JSONFormatter):
    """Writes an unhandled fault of a page without its path, which may be a link that lets somebody in."""

    def format(self, record: logging.LogRecord) -> str:
        return super().format(logging.makeLogRecord({**vars(record), "msg": "A page failed", "args": None}))
