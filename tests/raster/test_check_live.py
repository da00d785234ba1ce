"""``manage.py check --live``: a line for everything that an installation depends on, and an exit code."""

import os
import re
import shutil
import socket
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from django.conf import settings
from django.db import connection

from raster import health
from tests.s3 import CREDENTIALS, Bucket, running_service
from tests.server import database_url

EVERYTHING = [
    "database",
    "schema",
    "clock",
    "static files",
    "mail server",
    "proxies",
    "data folder",
    "free space",
    "storage",
    "installation",
    "decoders",
    "isolation",
]
PRODUCTION = {
    "RASTER_DEV": "0",
    "SECRET_KEY": "s" * 50,
    "RASTER_KEY_PEPPERS": f"1:{'p' * 32}",
    "RASTER_BASE_URL": "https://raster.example.com",
}


class Found(dict[str, tuple[str, str]]):
    """Level and text by the name of what was checked."""

    def __init__(self, finished: subprocess.CompletedProcess[str]) -> None:
        super().__init__()
        self.exit_code, self.words = finished.returncode, finished.stderr
        for level, name, text in re.findall(
            r"^(ok|warning|error) +(\S+(?: \S+)?) +(.*)$", finished.stdout, re.MULTILINE
        ):
            self[name] = (level, text)


@pytest.fixture
def installation(django_db_setup: None, static_files: None) -> None:
    """A database with every table, the static files, and a storage without the files of other tests."""
    shutil.rmtree(settings.MEDIA_ROOT, ignore_errors=True)
    settings.MEDIA_ROOT.mkdir()


def check(*options: str, **environment: str) -> Found:
    """Run the command on the test installation; ``environment`` adds to the test run's own."""
    return Found(
        subprocess.run(
            [sys.executable, "manage.py", "check", *options],
            cwd=settings.BASE_DIR,
            env={**os.environ, "DATABASE_URL": database_url(), **environment},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
    )


@pytest.mark.django_db(transaction=True)
def test_where_everything_works_each_has_a_line_and_the_exit_code_is_0(installation: None) -> None:
    found = check("--live")
    assert list(found) == EVERYTHING
    assert {level for level, _ in found.values()} <= {"ok", "warning"}
    assert (found.exit_code, found.words) == (0, "All checks passed.\n")


@pytest.mark.django_db(transaction=True)
def test_it_is_asked_for(installation: None) -> None:
    assert list(check()) == []


@pytest.mark.django_db(transaction=True)
def test_one_error_makes_it_fail_and_the_others_have_their_lines(installation: None) -> None:
    found = check("--live", RASTER_FREE_SPACE="900 TB")
    level, text = found["free space"]
    assert (level, "less than RASTER_FREE_SPACE (900.0" in text) == ("error", True)
    assert list(found) == EVERYTHING
    assert (found.exit_code, found.words) == (1, "CommandError: 1 check failed.\n")


@pytest.mark.django_db(transaction=True)
def test_without_a_trusted_proxy_it_says_what_that_means(installation: None) -> None:
    found = check("--live", **PRODUCTION)
    level, text = found["proxies"]
    assert level == "warning"
    assert "a request that comes through a proxy counts as plain HTTP" in text
    assert "Set RASTER_TRUSTED_PROXIES" in text
    assert found.exit_code == 0
    assert check("--live", RASTER_TRUSTED_PROXIES="10.0.0.0/8", **PRODUCTION)["proxies"] == ("ok", "10.0.0.0/8")


@pytest.mark.django_db(transaction=True)
def test_a_bucket_is_tried_and_left_as_it_was(installation: None) -> None:
    with running_service() as service:
        bucket = Bucket(service)
        found = check("--live", RASTER_STORAGE=bucket.setting, **CREDENTIALS)
        assert found["storage"] == ("ok", f"s3://{bucket.name}/{bucket.prefix}")
        assert bucket.names() == set()


@pytest.mark.django_db(transaction=True)
def test_files_of_another_installation_are_an_error_that_names_the_command(installation: None) -> None:
    (settings.MEDIA_ROOT / "installation.json").write_text('{"identity": "another", "generation": "1"}')
    level, text = check("--live")["installation"]
    assert level == "error" and "another installation's" in text and "run manage.py adopt_storage" in text


@pytest.mark.django_db(transaction=True)
def test_a_mail_server_is_greeted_and_sent_no_mail(installation: None) -> None:
    said: list[str] = []
    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = threading.Thread(target=_greet, args=(listener, said))
        server.start()
        port = listener.getsockname()[1]
        found = check("--live", EMAIL_HOST="127.0.0.1", EMAIL_PORT=str(port), EMAIL_USE_TLS="0")
        server.join()
    assert found["mail server"] == ("ok", f"127.0.0.1:{port}")
    assert [line.partition(" ")[0].upper() for line in said] == ["NOOP", "QUIT"]


def _greet(listener: socket.socket, said: list[str]) -> None:
    """Be a mail server to one client."""
    connection, _ = listener.accept()
    with connection, connection.makefile("rw", newline="\r\n") as stream:
        stream.write("220 ready\n")
        stream.flush()
        while line := stream.readline():
            said.append(line.strip())
            stream.write("250 done\n")
            stream.flush()


@pytest.mark.django_db(transaction=True)
def test_a_clock_that_is_wrong_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    if connection.vendor != "postgresql":
        pytest.skip("SQLite has no clock of its own")
    monkeypatch.setattr(health, "MOST_SKEW_SECONDS", -1)
    clock = list(health.database())[-1]
    assert (clock.name, clock.level) == ("clock", "error")
    assert "Run on the one that is wrong: timedatectl set-ntp true" in clock.text


@pytest.mark.django_db(transaction=True)
def test_what_a_database_without_tables_lacks_is_a_command(installation: None, tmp_path: Path) -> None:
    found = check("--live", DATABASE_URL=f"sqlite:///{tmp_path}/empty.sqlite3")
    assert found["database"] == ("ok", "SQLite")
    assert re.fullmatch(
        r"The database has \d+ migrations that are not applied\. Run: python manage\.py migrate", found["schema"][1]
    )
    assert found.exit_code == 1
