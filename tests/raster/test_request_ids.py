"""The id of a request is on the page that tells of its failure, and on every line of the log about it."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from apikeys import secrets
from tests.api.rest.asking import BARCELONA, CURRENT, ask
from tests.apikeys.people import sign_in
from tests.factories import AssetFactory, Cast
from tests.mcp.client import WIRES, call_tool
from tests.server import Server, free_port, running_server

SECONDS = 60
SHOWN = re.compile(r'Request ID <code class="whole" id="request_id">([0-9a-f]{32})</code>')
BROWSER = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}
LARGE = b"a" * (2 * 1024 * 1024 + 1)


def levels(server: Server, request: str) -> dict[str, str]:
    """Return the loggers and levels of what the log says of a request beside its access line, once it has that line."""
    server.logged(request, '"milliseconds"')
    lines: list[dict[str, Any]] = [json.loads(line) for line in server.logged(request)]
    return {line["logger"]: line["level"] for line in lines if line["id"] == request and "logger" in line}


@pytest.fixture
def broken_row(cast: Cast) -> str:
    """A row that no type fits, in a library that the returned key reads."""
    AssetFactory(library=cast.barcelona, width=2**31 - 1, sizes=[1])
    return cast.key(barcelona="read").secret


@pytest.fixture(scope="module")
def without_database(django_db_setup: None, static_files: None, server_log: Path) -> Iterator[Server]:
    with running_server(server_log, DATABASE_URL=f"postgresql://nobody@127.0.0.1:{free_port()}/none") as server:
        yield server


@pytest.mark.parametrize("wire", WIRES)
def test_a_failure_over_mcp(server: Server, broken_row: str, wire: str) -> None:
    arguments = {"organizationId": "acme", "libraryId": "barcelona"}
    answer = call_tool(server.mcp_url, broken_row, wire, "list_assets", arguments)
    assert "INTERNAL_SERVER_ERROR" in answer.text
    assert levels(server, answer.headers["x-request-id"]) == {"raster.gate": "ERROR"}


def test_a_failure_over_rest(server: Server, broken_row: str) -> None:
    answer = ask(server, broken_row, "GET", f"{BARCELONA}/assets")
    assert answer.status_code == 500
    assert levels(server, answer.headers["x-request-id"]) == {"raster.gate": "ERROR"}


def test_a_failure_over_graphql(server: Server, broken_row: str) -> None:
    query = {"query": '{ assets(organizationId: "acme", libraryId: "barcelona") { id } }'}
    key = {"Authorization": f"Bearer {broken_row}"}
    answer = httpx2.post(f"{server.url}/graphql", json=query, headers=key, timeout=SECONDS)
    assert answer.status_code == 500
    assert levels(server, answer.headers["x-request-id"]) == {"raster.gate": "ERROR"}


def test_a_failure_of_a_page(server: Server, cast: Cast, broken_row: str) -> None:
    cookies = {"Cookie": f"raster_session={sign_in(cast.alice).cookies['raster_session'].value}"}
    page = httpx2.get(f"{server.url}/acme/barcelona", headers=cookies, timeout=SECONDS)
    assert page.status_code == 500
    assert "The error has been logged. No partial changes were saved." in page.text
    assert SHOWN.findall(page.text) == [page.headers["x-request-id"]]
    assert levels(server, page.headers["x-request-id"]) == {"django.request": "ERROR"}


def test_a_database_that_is_away(without_database: Server) -> None:
    cookies = {"Cookie": "raster_session=" + "a" * 32}
    page = httpx2.get(f"{without_database.url}/acme", headers=cookies, timeout=SECONDS)
    assert page.status_code == 503
    assert SHOWN.findall(page.text) == [page.headers["x-request-id"]]
    assert levels(without_database, page.headers["x-request-id"]) == {"raster.pages": "ERROR"}
    media = httpx2.get(f"{without_database.url}/media/{'a' * 22}/a.jpg", timeout=SECONDS)
    assert levels(without_database, media.headers["x-request-id"]) == {"raster.media": "ERROR"}
    key = {"Authorization": f"Bearer {secrets.generate().text}", "Api-Version": CURRENT}
    mcp = httpx2.post(without_database.mcp_url, headers=key, timeout=SECONDS)
    assert levels(without_database, mcp.headers["x-request-id"]) == {"raster.gate": "ERROR"}
    rest = httpx2.get(f"{without_database.url}/api/me", headers=key, timeout=SECONDS)
    assert levels(without_database, rest.headers["x-request-id"]) == {"raster.gate": "ERROR"}


def test_no_two_requests_share_an_id_and_the_log_of_one_does_not_name_another(server: Server, broken_row: str) -> None:
    answers = [ask(server, broken_row, "GET", f"{BARCELONA}/assets") for _ in range(5)]
    ids = [answer.headers["x-request-id"] for answer in answers]
    assert len(set(ids)) == 5
    for each in ids:
        assert len([line for line in server.logged(each) if "An operation failed" in line]) == 1


@pytest.mark.parametrize("declared", [True, False])
def test_a_form_that_is_too_large_is_a_page_to_a_browser_and_json_to_others(
    server: Server, cast: Cast, declared: bool
) -> None:
    body: Any = LARGE if declared else iter([LARGE])
    page = httpx2.post(f"{server.url}/login", content=body, headers=BROWSER, timeout=SECONDS)
    assert page.status_code == 413
    assert "This form is too large" in page.text
    assert SHOWN.findall(page.text) == [page.headers["x-request-id"]]
    assert "frame-ancestors" in page.headers["content-security-policy"]
    body = LARGE if declared else iter([LARGE])
    answer = httpx2.post(f"{server.url}/login", content=body, timeout=SECONDS)
    assert (answer.status_code, answer.json()["error"]["code"]) == (413, "PAYLOAD_TOO_LARGE")
