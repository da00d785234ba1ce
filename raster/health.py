"""Whether what this installation depends on works, for the start of a server and ``manage.py check --live``."""

import logging
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import PurePath
from smtplib import SMTPResponseException
from typing import Literal

import psycopg
from django.conf import settings
from django.contrib.staticfiles.finders import get_finders
from django.contrib.staticfiles.storage import staticfiles_storage
from django.db import DatabaseError, InterfaceError, connection
from django.db.migrations.executor import MigrationExecutor

from raster.smtp import EmailBackend

#: For all checks together, which run at the same time.
SECONDS = 10.0
CONNECT_SECONDS = 5
MAIL_SECONDS = 8
MAIL_OK = 250
MOST_SKEW_SECONDS = 60

logger = logging.getLogger("raster.health")


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of a report. An error means that something does not work, and its text says what helps."""

    name: str
    level: Literal["ok", "warning", "error"]
    text: str


#: Yields what it finds, and nothing more after an error that the rest depends on.
Check = Callable[[], Iterable[Finding]]


def examine(checks: Mapping[str, Check], seconds: float = SECONDS) -> Iterator[Finding]:
    """Run all checks at once, each in a thread, and yield what they find, in their order.

    A check that has no end after ``seconds`` is an error, and its thread is left behind.
    """
    deadline = time.monotonic() + seconds
    running = [_Running(name, check) for name, check in checks.items()]
    for check in running:
        check.thread.join(max(0, deadline - time.monotonic()))
        is_late = check.thread.is_alive()
        yield from list(check.findings)
        if is_late:
            yield Finding(
                check.name, "error", f"The check of the {check.name} has no answer after {seconds:g} seconds."
            )


def report(checks: Mapping[str, Check]) -> None:
    """Log a line for every error."""
    for finding in examine(checks):
        if finding.level == "error":
            logger.error(finding.text, extra={"fields": {"check": finding.name}})


class _Running:
    def __init__(self, name: str, check: Check) -> None:
        self.name = name
        self.findings: list[Finding] = []
        self._check = check
        self.thread = threading.Thread(target=self._run, name=f"health {name}", daemon=True)
        self.thread.start()

    def _run(self) -> None:
        try:
            for finding in self._check():
                self.findings.append(finding)
        except Exception as error:  # noqa: BLE001 - one check that fails must not hide what the others find
            text = f"The check of the {self.name} failed with {type(error).__name__}: {first_line(error)}"
            self.findings.append(Finding(self.name, "error", text))
        finally:
            connection.close()


def first_line(error: Exception) -> str:
    """Return the message of an error without the lines below it, which may quote a statement."""
    return str(error).strip().partition("\n")[0].rstrip(".")


def database() -> Iterator[Finding]:
    """Check that the database answers, that its schema is this version's, and that its clock agrees with this one."""
    try:
        if connection.vendor == "postgresql":
            # Without the pool, whose error says only that it has no connection.
            psycopg.connect(**{**connection.get_connection_params(), "connect_timeout": CONNECT_SECONDS}).close()
        connection.ensure_connection()
    except (DatabaseError, InterfaceError, psycopg.Error) as error:
        yield Finding("database", "error", f"The database is out of reach: {first_line(error)}. Check DATABASE_URL.")
        return
    yield Finding("database", "ok", connection.display_name)
    yield _schema()
    yield _clock()


def _schema() -> Finding:
    executor = MigrationExecutor(connection)
    missing = len(executor.migration_plan(executor.loader.graph.leaf_nodes()))
    if not missing:
        return Finding("schema", "ok", "every migration is applied")
    are = "1 migration that is" if missing == 1 else f"{missing} migrations that are"
    return Finding("schema", "error", f"The database has {are} not applied. Run: python manage.py migrate")


def _clock() -> Finding:
    if connection.vendor != "postgresql":
        return Finding("clock", "ok", "the database is on this machine")
    with connection.cursor() as cursor:
        cursor.execute("SELECT extract(epoch FROM clock_timestamp())")
        [there] = cursor.fetchone() or [0]
    skew = abs(float(there) - time.time())
    if skew <= MOST_SKEW_SECONDS:
        return Finding("clock", "ok", f"{skew:.1f} seconds from the database's")
    return Finding(
        "clock",
        "error",
        f"The clocks of this machine and of the database differ by {skew:.0f} seconds, so expiry times are wrong. "
        "Run on the one that is wrong: timedatectl set-ntp true",
    )


def static_files() -> Iterator[Finding]:
    """Check that every static file was collected."""
    names = [
        str(PurePath(getattr(storage, "prefix", None) or "", path))
        for finder in get_finders()
        for path, storage in finder.list(["CVS", ".*", "*~"])
    ]
    collected = staticfiles_storage.hashed_files  # type: ignore[attr-defined]  # of the storage in the settings
    missing = sum(name not in collected for name in names)
    if missing:
        text = (
            f"{missing} of {len(names)} static files are not collected. Run: python manage.py collectstatic --no-input"
        )
        yield Finding("static files", "error", text)
    else:
        yield Finding("static files", "ok", f"{len(names)} collected")


def mail() -> Iterator[Finding]:
    """Check that the mail server lets this installation in; no mail is sent."""
    if not settings.MAIL_CONFIGURED:
        yield Finding("mail server", "ok", "not configured: no mail is sent")
        return
    if folder := getattr(settings, "EMAIL_FILE_PATH", None):
        yield Finding("mail server", "ok", f"none: mails are written to {folder}")
        return
    where = f"{settings.EMAIL_HOST}:{settings.EMAIL_PORT}"
    server, asked = EmailBackend(timeout=MAIL_SECONDS), time.monotonic()
    try:
        server.open()
        code, answer = server.connection.noop()  # type: ignore[union-attr]  # open() raises where there is none
        server.close()
        if code != MAIL_OK:
            raise SMTPResponseException(code, answer)
    except OSError as error:  # SMTPException is one
        is_silent = time.monotonic() - asked >= MAIL_SECONDS
        reason = f"no answer within {MAIL_SECONDS} seconds" if is_silent else first_line(error)
        text = f"The mail server {where} does not work: {reason}. Check the EMAIL_ settings."
        yield Finding("mail server", "error", text)
    else:
        yield Finding("mail server", "ok", where)


def proxies() -> Iterator[Finding]:
    """Tell whose word is taken for HTTPS."""
    if settings.TRUSTED_PROXIES:
        yield Finding("proxies", "ok", ", ".join(str(network) for network in settings.TRUSTED_PROXIES))
    elif settings.DEV:
        yield Finding("proxies", "ok", "none: plain HTTP on this machine is accepted (RASTER_DEV)")
    else:
        yield Finding(
            "proxies",
            "warning",
            "None is trusted: a request that comes through a proxy counts as plain HTTP and is redirected or refused. "
            "Set RASTER_TRUSTED_PROXIES to the address of the proxy.",
        )


#: Those that know no app; assets/health.py has all of them.
CHECKS: dict[str, Check] = {
    "database": database,
    "static files": static_files,
    "mail server": mail,
    "proxies": proxies,
}
