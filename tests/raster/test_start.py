"""A server whose surroundings are broken says so at its start, in one line each, and serves what it can."""

import contextlib
import json
import os
import shutil
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
from django.conf import settings
from django.db import connection

from apikeys import secrets
from assets.health import CHECKS
from raster.health import report
from tests.environment import DATA_DIR
from tests.s3 import CREDENTIALS, running_service
from tests.server import Server, free_port, running_server
from tests.waiting import wait_until

SECONDS = 60
#: A test's own data folder holds none.
NOT_COLLECTED = "static files are not collected. Run: python manage.py collectstatic --no-input"
PRODUCTION = {
    "RASTER_DEV": "0",
    "SECRET_KEY": "s" * 50,
    "RASTER_KEY_PEPPERS": f"1:{'p' * 32}",
    "RASTER_BASE_URL": "https://raster.example.com",
    "RASTER_TRUSTED_PROXIES": "127.0.0.1",
}
BEHIND_PROXY = {"Host": "raster.example.com", "X-Forwarded-Proto": "https", "X-Forwarded-For": "203.0.113.7"}


def lines(server: Server, level: str) -> list[dict[str, Any]]:
    """Return the lines of a server's log of a level, all of which are JSON."""
    parsed = [json.loads(line) for line in server.log.read_text().splitlines()]
    return [line for line in parsed if line.get("level") == level]


def errors(server: Server, count: int) -> list[str]:
    """Return the errors of a server's log, once there are as many."""
    wait_until(lambda: len(lines(server, "ERROR")) >= count)
    return [line["message"] for line in lines(server, "ERROR")]


def empty_database(folder: Path) -> str:
    """Return the URL of a database without tables: on PostgreSQL, the one beside which the tests' own was made."""
    return os.environ["DATABASE_URL"] if connection.vendor == "postgresql" else f"sqlite:///{folder}/empty.sqlite3"


@contextlib.contextmanager
def black_hole() -> Iterator[int]:
    """Listen on a port, and answer nobody."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener.getsockname()[1]


@pytest.fixture
def installation(django_db_setup: None, static_files: None) -> None:
    """A database with every table, the static files, and a storage without the files of other tests."""
    shutil.rmtree(settings.MEDIA_ROOT, ignore_errors=True)


def test_without_migrations_every_interface_is_briefly_out_of_service(installation: None, tmp_path: Path) -> None:
    with running_server(tmp_path / "log", DATABASE_URL=empty_database(tmp_path), RASTER_WORKER="server") as server:
        [error] = errors(server, 1)
        assert error.startswith("The database has ")
        assert error.endswith(" migrations that are not applied. Run: python manage.py migrate")
        assert httpx2.get(f"{server.url}/docs/rest", timeout=SECONDS).status_code == 200

        page = httpx2.get(f"{server.url}/acme", headers={"Cookie": f"raster_session={'a' * 32}"}, timeout=SECONDS)
        assert page.status_code == 503
        assert "Temporarily unavailable" in page.text
        key = {"Authorization": f"Bearer {secrets.generate().text}"}
        query = {"query": "{ viewer { id } }"}
        for answer in (
            httpx2.post(server.mcp_url, headers=key, timeout=SECONDS),
            httpx2.get(f"{server.url}/api/me", headers={**key, "Api-Version": "2026-07-08"}, timeout=SECONDS),
            httpx2.post(f"{server.url}/graphql", headers=key, json=query, timeout=SECONDS),
        ):
            assert (answer.status_code, "SERVICE_UNAVAILABLE" in answer.text) == (503, True), answer.text
            assert answer.headers["retry-after"]
        assert "traceback" not in server.log.read_text().lower()


def test_without_static_files_pages_are_served_without_them(installation: None, tmp_path: Path) -> None:
    with running_server(tmp_path / "log", RASTER_DATA_DIR=str(tmp_path / "data")) as server:
        [error] = errors(server, 1)
        assert error.endswith(NOT_COLLECTED)
        page = httpx2.get(f"{server.url}/login", timeout=SECONDS)
        assert (page.status_code, "Sign in" in page.text) == (200, True)


def test_a_bucket_that_is_missing_is_named(installation: None, tmp_path: Path) -> None:
    with running_service() as service:
        storage = {"RASTER_STORAGE": f"s3://no-such-bucket/files?endpoint={service.endpoint}", **CREDENTIALS}
        with running_server(tmp_path / "log", **storage) as server:
            [error] = errors(server, 1)
            assert "s3://no-such-bucket/files" in error
            assert "The specified bucket does not exist. Check RASTER_STORAGE" in error
            assert httpx2.get(f"{server.url}/login", timeout=SECONDS).status_code == 200


def test_a_storage_a_database_and_a_mail_server_that_nobody_runs_are_told(installation: None, tmp_path: Path) -> None:
    environment = {
        "RASTER_STORAGE": f"s3://bucket?endpoint=http://127.0.0.1:{free_port()}",
        "DATABASE_URL": f"postgresql://nobody@127.0.0.1:{free_port()}/none",
        "EMAIL_HOST": "127.0.0.1",
        "EMAIL_PORT": str(free_port()),
        **CREDENTIALS,
    }
    with running_server(tmp_path / "log", **environment) as server:
        database, mail, storage = errors(server, 3)
        assert "Connection refused" in database and database.endswith("Check DATABASE_URL.")
        assert "Connection refused" in mail and mail.endswith("Check the EMAIL_ settings.")
        assert "Could not connect" in storage
        assert "traceback" not in server.log.read_text().lower()


def test_what_accepts_and_says_nothing_is_told_in_time_and_delays_nothing(installation: None, tmp_path: Path) -> None:
    with black_hole() as port:
        environment = {
            "RASTER_STORAGE": f"s3://bucket?endpoint=http://127.0.0.1:{port}",
            "EMAIL_HOST": "127.0.0.1",
            "EMAIL_PORT": str(port),
            **CREDENTIALS,
        }
        with running_server(tmp_path / "log", **environment) as server:
            assert httpx2.get(f"{server.url}/login", timeout=SECONDS).status_code == 200
            assert lines(server, "ERROR") == []
            mail, storage = errors(server, 2)
            assert "no answer within 8 seconds" in mail
            assert "s3://bucket does not work: Read timeout" in storage


def test_a_data_folder_that_cannot_be_written_is_named_with_the_command_that_helps(
    installation: None, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("a file, in which nobody makes folders")
    folder = tmp_path / "file" / "data"
    with running_server(tmp_path / "log", RASTER_DATA_DIR=str(folder), **PRODUCTION) as server:
        static, data = errors(server, 2)
        assert static.endswith(NOT_COLLECTED)
        assert f"{folder}/staging is not writable (Not a directory)" in data
        assert data.endswith(f" {folder}") and "Run as root: chown -R " in data
        assert httpx2.get(f"{server.url}/login", headers=BEHIND_PROXY, timeout=SECONDS).status_code == 200


def test_in_development_a_data_folder_that_cannot_be_written_stops_the_start(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("a file, in which nobody makes folders")
    with (
        pytest.raises(RuntimeError, match="must be a writable folder"),
        running_server(
            tmp_path / "log",
            RASTER_DATA_DIR=str(tmp_path / "file" / "data"),
            DATABASE_URL=f"sqlite:///{tmp_path}/empty",
        ),
    ):
        pass


@pytest.mark.django_db(transaction=True)
def test_where_everything_works_nothing_is_logged(installation: None, caplog: pytest.LogCaptureFixture) -> None:
    report(CHECKS)
    assert caplog.record_tuples == []
    with running_server(DATA_DIR / "healthy.log") as server:
        assert httpx2.get(f"{server.url}/login", timeout=SECONDS).status_code == 200
    assert lines(server, "ERROR") == lines(server, "WARNING") == []
