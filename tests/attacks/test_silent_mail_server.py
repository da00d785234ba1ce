"""A mail server that accepts connections and says nothing, while somebody has mails sent to them."""

import re
import time
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest
from django.core.cache import cache
from django.utils import timezone

from raster.tasks.models import QueuedTask
from tests.attacks.bystander import make_bystander, working
from tests.factories import PASSWORD, Cast
from tests.server import Server, free_port, running_server
from tests.smtp import mail_server, silent_server
from tests.waiting import wait_until

pytestmark = pytest.mark.once

#: Less than the attempt takes on which a page would wait.
SECONDS = 8
MAILS = 3


@pytest.fixture(params=["silent", "dead"])
def mail_port(request: pytest.FixtureRequest) -> Iterator[int]:
    """A port where a server says nothing, or where none listens."""
    if request.param == "dead":
        yield free_port()
    else:
        with silent_server() as port:
            yield port


def send_form(server: Server, path: str, **fields: str) -> httpx2.Response:
    """Fill in a form as a browser does, and send it."""
    with httpx2.Client(base_url=server.url, timeout=30) as browser:
        token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', browser.get(path).text)
        assert token is not None
        started = time.monotonic()
        response = browser.post(path, data={"csrfmiddlewaretoken": token[1], **fields})
        assert time.monotonic() - started < SECONDS
        return response


def test_pages_answer_at_once_and_the_mails_arrive_when_the_server_is_back(
    transactional_db: None, static_files: None, cast: Cast, mail_port: int, tmp_path: Path
) -> None:
    cache.clear()  # it counts mails to an address, and outlives a test
    environment = {"EMAIL_HOST": "127.0.0.1", "EMAIL_USE_TLS": "0", "RASTER_WORKER": "server"}
    log = tmp_path / "server.log"
    with running_server(log, EMAIL_PORT=str(mail_port), **environment) as server:
        with working(make_bystander(server, cast)):
            for number in range(MAILS):
                address = f"eve{number}@example.com"
                assert send_form(server, "/signup", email=address, password1=PASSWORD).status_code == 302
            assert send_form(server, "/password/reset", email="alice@example.com").status_code == 302
            wait_until(lambda: QueuedTask.objects.exclude(error="").exists())
        assert QueuedTask.objects.count() == MAILS + 1
    assert "Traceback" not in log.read_text()
    QueuedTask.objects.update(due=timezone.now())
    with mail_server() as running, running_server(log, EMAIL_PORT=str(running.port), **environment):
        wait_until(lambda: not QueuedTask.objects.exists())
        wait_until(lambda: len(running.mails) >= MAILS + 1)
    assert {message["To"] for message in running.mails} == {
        "alice@example.com", "eve0@example.com", "eve1@example.com", "eve2@example.com",
    }  # fmt: skip
