"""A mail is delivered by SMTP as configured; what the server does decides whether it is tried again."""

import time
from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.conf import settings as configured
from django.utils import timezone
from pytest_django import Settings

from raster import mail
from raster.tasks.models import QueuedTask
from raster.tasks.queue import run_one
from tests.server import free_port
from tests.sites import Authority
from tests.smtp import MailServer, dripping_server, mail_server, silent_server

pytestmark = pytest.mark.django_db
LINK = "https://raster.example.com/claim/a-secret"
SECONDS = 2
#: Connecting and ending take a moment; a limit for each byte would make it a minute.
SLACK = 4


@pytest.fixture(autouse=True)
def by_smtp(settings: Settings) -> None:
    settings.EMAIL_BACKEND = "raster.smtp.EmailBackend"
    settings.EMAIL_HOST = "localhost"
    settings.EMAIL_USE_TLS = settings.EMAIL_USE_SSL = False


@pytest.fixture
def running_mail_server(settings: Settings) -> Iterator[MailServer]:
    with mail_server() as running:
        settings.EMAIL_PORT = running.port
        yield running


def queue_mail() -> None:
    mail.send("erin@example.com", "An organization\nwaits", f"Claim it: {LINK}\n", what="claim link")


def attempt() -> QueuedTask:
    """Make one attempt that fails; return what is left."""
    queue_mail()
    assert run_one()
    return QueuedTask.objects.get()


def test_ten_seconds_are_the_limit() -> None:
    assert configured.EMAIL_TIMEOUT == 10


@pytest.mark.parametrize("server", [silent_server, dripping_server])
def test_a_server_that_does_not_speak_costs_an_attempt_a_limited_time(settings: Settings, server: object) -> None:
    assert callable(server)
    settings.EMAIL_TIMEOUT = SECONDS
    with server() as settings.EMAIL_PORT:
        started = time.monotonic()
        row = attempt()
        assert time.monotonic() - started < SECONDS + SLACK
    assert row.died is None
    assert row.error.startswith("The mail could not be sent.")


@pytest.mark.parametrize("tls", ["EMAIL_USE_TLS", "EMAIL_USE_SSL"])
def test_encryption_costs_a_limited_time_as_well(settings: Settings, tls: str) -> None:
    settings.EMAIL_TIMEOUT = SECONDS
    setattr(settings, tls, True)
    with dripping_server() as settings.EMAIL_PORT:
        started = time.monotonic()
        attempt()
        assert time.monotonic() - started < SECONDS + SLACK


def test_where_no_server_listens_the_mail_waits_for_it(settings: Settings) -> None:
    settings.EMAIL_PORT = free_port()
    row = attempt()
    assert row.died is None
    assert "ConnectionRefusedError" in row.error
    QueuedTask.objects.update(due=timezone.now() - timedelta(seconds=1))
    with mail_server(settings.EMAIL_PORT) as running:
        assert run_one()
    [message] = running.mails
    assert (message["To"], message["Subject"]) == ("erin@example.com", "An organization waits")
    assert LINK in message.get_content()
    assert not QueuedTask.objects.exists()


@pytest.mark.parametrize(
    ("command", "answer", "dies"),
    [
        ("RCPT", "550 There is no such mailbox", True),
        ("RCPT", "451 Come back later", False),
        ("DATA", "554 It looks like spam", True),
        ("DATA", "452 The disk is full", False),
        ("MAIL", "530 Sign in first", False),
        ("EHLO", "421 Too many connections", False),
    ],
)
def test_a_final_refusal_is_not_asked_for_twice(
    running_mail_server: MailServer, command: str, answer: str, dies: bool
) -> None:
    running_mail_server.answers = {command: answer, "HELO": answer}
    row = attempt()
    assert (row.died is not None) == dies
    assert answer.partition(" ")[2] in row.error
    assert running_mail_server.mails == []


def test_a_link_that_the_server_repeats_is_not_kept(
    running_mail_server: MailServer, caplog: pytest.LogCaptureFixture
) -> None:
    running_mail_server.answers = {"DATA": f"554 Refused because of {LINK} in it"}
    row = attempt()
    assert "Refused because of (link) in it" in row.error
    assert all(LINK not in str(record.__dict__) for record in caplog.records)


def test_a_mail_is_shown_to_staff_as_what_it_is_and_for_whom(settings: Settings) -> None:
    queue_mail()
    row = QueuedTask.objects.get()
    assert row.about == "claim link · erin@example.com"


@pytest.mark.parametrize("starttls", [True, False])
def test_mail_is_encrypted_from_the_start_or_by_starttls(
    settings: Settings, authority: Authority, monkeypatch: pytest.MonkeyPatch, starttls: bool
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.certificates))
    settings.EMAIL_USE_TLS, settings.EMAIL_USE_SSL = starttls, not starttls
    with mail_server(tls=authority.context(), starttls=starttls) as running:
        settings.EMAIL_PORT = running.port
        queue_mail()
        assert run_one()
    assert [message["To"] for message in running.mails] == ["erin@example.com"]
    assert not QueuedTask.objects.exists()


def test_a_certificate_of_another_authority_is_refused(settings: Settings, authority: Authority) -> None:
    settings.EMAIL_USE_SSL = True
    with mail_server(tls=authority.context()) as running:
        settings.EMAIL_PORT = running.port
        row = attempt()
    assert "CERTIFICATE_VERIFY_FAILED" in row.error
    assert running.mails == []
