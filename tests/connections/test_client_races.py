"""Many requests of one client at once, to a real server: its document is kept once, and an assertion is good once."""

import threading
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import httpx2
import pytest
from django.utils import timezone

from connections.models import Client
from tests.connections.client_bodies import DOCUMENTS
from tests.connections.factories import make_client
from tests.connections.signing import ASSERTION_TYPE, ec_key, key_set
from tests.server import Server, running_server
from tests.sites import Authority, Site, running_site
from tests.waiting import wait_until

AT_ONCE = 6
PATH = "/oauth/client.json"


@pytest.fixture(scope="module")
def module_server(
    django_db_setup: None, static_files: None, server_log: Path, authority: Authority
) -> Iterator[Server]:
    environment = {"RASTER_FETCH_ALLOW": "localhost", "SSL_CERT_FILE": str(authority.certificates)}
    with running_server(server_log, **environment) as server:
        yield server


@pytest.fixture
def reader(transactional_db: None, module_server: Server) -> Server:
    """A server that reads documents from sites on this machine."""
    return module_server


@pytest.fixture
def site(authority: Authority) -> Iterator[Site]:
    with running_site(authority) as running:
        yield running


def publish(site: Site, client_uri: str = "https://app.example.com") -> str:
    said = {**DOCUMENTS["VS Code"], "client_id": site.origin + PATH, "client_uri": client_uri, "logo_uri": ""}
    return site.page(PATH, said)


def ask(server: Server, **parameters: str) -> int:
    """Revoke an unknown token; return the status, which is 200 for a client that is known."""
    return httpx2.post(f"{server.url}/revoke", data={"token": "unknown", **parameters}, timeout=60).status_code


def test_a_server_that_was_not_told_to_reads_nothing_from_this_machine(server: Server, site: Site) -> None:
    assert ask(server, client_id=publish(site)) == 401
    assert site.asked == []


def test_a_document_that_many_ask_for_at_once_is_one_client(reader: Server, site: Site) -> None:
    url = publish(site)
    with ThreadPoolExecutor(AT_ONCE) as pool:
        statuses = list(pool.map(lambda _: ask(reader, client_id=url), range(AT_ONCE)))
    assert statuses == [200] * AT_ONCE
    assert Client.objects.get().client_id == url
    assert Client.objects.get().edition == 1


def test_while_one_request_reads_a_document_again_the_others_go_on_with_the_copy(reader: Server, site: Site) -> None:
    url = publish(site)
    assert ask(reader, client_id=url) == 200
    Client.objects.update(fresh_until=timezone.now() - timedelta(seconds=1))
    publish(site, client_uri="https://example.com/new")
    answer, go_on = site.pages[PATH], threading.Event()

    def slow(handler: BaseHTTPRequestHandler) -> None:
        go_on.wait(4)
        answer(handler)

    site.pages[PATH] = slow
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(ask, reader, client_id=url)
        wait_until(lambda: len(site.asked) == 2)
        assert [ask(reader, client_id=url) for _ in range(3)] == [200] * 3
        assert not first.done()
        go_on.set()
        assert first.result() == 200
    assert site.paths_asked() == [PATH] * 2
    assert Client.objects.get().website == "https://example.com/new"


def test_of_parallel_uses_of_one_assertion_one_is_accepted(server: Server) -> None:
    make_client("app", authentication="private_key_jwt", keys=key_set(ec_key())["keys"])
    for _ in range(5):
        signed = {
            "client_assertion_type": ASSERTION_TYPE,
            "client_assertion": ec_key().assertion("app", aud=server.url),
        }
        with ThreadPoolExecutor(AT_ONCE) as pool:
            statuses = Counter(pool.map(lambda _, signed=signed: ask(server, **signed), range(AT_ONCE)))
        assert statuses == {200: 1, 401: AT_ONCE - 1}
