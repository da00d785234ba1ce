"""What a log line holds: no credential, the id of its request, and of an outage a sentence."""

import asyncio
import json
import logging
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import psycopg
import pytest
from django.db import OperationalError

from apikeys import secrets
from raster.logs import FaultFormatter, JSONFormatter, request_id
from raster.workers import Workers


@pytest.mark.parametrize("around", ["{}", "a line\n{}", "\t{}", "/x{}", "Bearer%20{}", "_{}_", '"{}"', "key={}&x=1"])
def test_a_key_is_cut_to_its_public_id(around: str) -> None:
    key = secrets.generate()
    line = JSONFormatter().format(logging.makeLogRecord({"msg": around.format(key.text)}))
    assert key.text[16:48] not in line
    assert f"rstk_{key.public_id}…" in line
    json.loads(line)


def test_a_failed_page_is_logged_without_its_path() -> None:
    record = logging.makeLogRecord({"msg": "%s: %s", "args": ("Service Unavailable", "/password/reset/key/1-abc")})
    assert "abc" not in FaultFormatter().format(record)


def logged(error: Exception) -> dict[str, str]:
    """Return the line about an error that was raised."""
    record = logging.makeLogRecord({"msg": "It failed", "exc_info": (type(error), error, None)})
    line: dict[str, str] = json.loads(JSONFormatter().format(record))
    return line


def test_a_missing_table_is_one_sentence_that_quotes_no_statement() -> None:
    error = OperationalError('relation "x" does not exist\nLINE 1: SELECT secret FROM x')
    error.__cause__ = psycopg.errors.UndefinedTable()
    line = logged(error)
    assert line["error"] == 'relation "x" does not exist'
    assert "traceback" not in line
    assert logged(sqlite3.OperationalError("no such table: x"))["error"] == "no such table: x"


def test_a_server_that_is_away_is_one_sentence() -> None:
    error = OperationalError("connection refused")
    error.__cause__ = psycopg.OperationalError("connection refused")
    assert logged(error)["error"] == "connection refused"


@pytest.mark.parametrize("cause", [sqlite3.OperationalError("database is locked"), psycopg.errors.DeadlockDetected()])
def test_other_errors_keep_their_traceback(cause: Exception) -> None:
    error = OperationalError("it waited in vain")
    error.__cause__ = cause
    assert "traceback" in logged(error)
    assert "traceback" in logged(ValueError("a fault of the code"))


def test_a_line_has_the_id_of_its_request_in_threads_too() -> None:
    def line() -> dict[str, Any]:
        fields: dict[str, Any] = json.loads(JSONFormatter().format(logging.makeLogRecord({"msg": "x"})))
        return fields

    async def lines() -> list[dict[str, Any]]:
        request_id.set("0123456789abcdef")
        return [line(), await Workers(1).run(line)]

    with ThreadPoolExecutor(1) as thread:
        assert [of["id"] for of in thread.submit(asyncio.run, lines()).result()] == ["0123456789abcdef"] * 2
    assert "id" not in line()
