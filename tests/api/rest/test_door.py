"""What a REST request passes before its operation, in order, and what every answer carries."""

import http.client
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import httpx2
import pytest

from tests.api.rest.asking import BARCELONA, CURRENT, MAY, ask, code_of
from tests.connections.factories import connect, make_client, tokens_of
from tests.factories import AssetFactory, Cast
from tests.mcp.test_https import HOST, OVER_HTTPS, PRODUCTION
from tests.server import Server, running_server

API_HOST = {"Host": "api.example.com"}
CORS = {"Origin": "https://site.example.org", "Access-Control-Request-Method": "PATCH"}


@pytest.fixture(scope="module")
def production(django_db_setup: None, static_files: None, server_log: Path) -> Iterator[Server]:
    hosts = {"RASTER_API_HOST": "api.example.com", "RASTER_TRUSTED_PROXIES": "127.0.0.1"}
    with running_server(server_log, **PRODUCTION, **hosts) as server:
        yield server


@pytest.mark.parametrize("path", ["/me", "/nothing", "", f"{BARCELONA}/assets"])
def test_without_a_version_nothing_else_is_looked_at(server: Server, path: str) -> None:
    for key in ("rstk_nonsense", None):
        for method in ("GET", "POST", "PUT"):
            answer = ask(server, key, method, path, version=None, content=b"{")
            assert code_of(answer) == (400, "API_VERSION_REQUIRED")
            assert (answer.headers["Vary"], answer.headers["Api-Version"]) == ("Api-Version", CURRENT)


@pytest.mark.parametrize("version", ["2026-07-09", "latest", "2026-07-08, 2026-05-20", "2026-7-8", "x" * 5000])
def test_a_version_that_is_not_served_is_told_which_are(server: Server, version: str) -> None:
    answer = ask(server, None, "GET", "/me", version=version)
    assert code_of(answer) == (400, "API_VERSION_UNSUPPORTED")
    assert f"{MAY}, {CURRENT}" in answer.json()["error"]["message"]
    assert version[:5000] not in answer.text or len(version) < 11


def test_without_a_credential_no_path_and_no_method_is_told(server: Server) -> None:
    for path in ("/me", "/nothing", f"{BARCELONA}/assets"):
        for method in ("GET", "PUT", "POST"):
            answer = ask(server, None, method, path, content=b"{")
            assert code_of(answer) == (401, "UNAUTHENTICATED")
            assert "Allow" not in answer.headers
            assert 'resource_metadata="http://localhost' in answer.headers["WWW-Authenticate"]
            answer = ask(server, "rstk_nonsense", method, path, content=b"{")
            assert code_of(answer) == (401, "INVALID_API_KEY")
            assert answer.headers["WWW-Authenticate"] == 'Bearer error="invalid_token"'


def test_a_credential_is_refused_before_its_body_is_read(server: Server) -> None:
    connection = http.client.HTTPConnection("localhost", urlsplit(server.url).port, timeout=60)
    for path in ("/assets", "/assets/tag"):
        connection.putrequest("POST", f"/api{BARCELONA}{path}")
        for name, value in (("Api-Version", CURRENT), ("Content-Length", "1000000000")):
            connection.putheader(name, value)
        connection.endheaders()
        # Nothing of what was announced is ever sent.
        answer = connection.getresponse()
        assert (answer.status, b"UNAUTHENTICATED" in answer.read()) == (401, True)
        connection.close()


def test_every_answer_says_its_version_and_its_request(server: Server, cast: Cast) -> None:
    key = cast.key(barcelona="read").secret
    seen = set()
    for version in (CURRENT, MAY):
        for method, path, status in (
            ("GET", "/me", 200),
            ("HEAD", "/me", 200),
            ("GET", "/nothing", 404),
            ("PUT", "/me", 405),
            ("GET", f"{BARCELONA}/assets?page=0", 400),
            ("POST", f"{BARCELONA}/assets", 403),
            ("POST", f"{BARCELONA}/upload-links", 403),
        ):
            answer = ask(server, key, method, path, version=version)
            assert answer.status_code == status
            assert (answer.headers["Vary"], answer.headers["Api-Version"]) == ("Api-Version", version)
            assert answer.headers["Access-Control-Allow-Origin"] == "*"
            assert (answer.headers["Cache-Control"], answer.headers["X-Content-Type-Options"]) == (
                "no-store",
                "nosniff",
            )
            assert "set-cookie" not in answer.headers
            seen.add(answer.headers["X-Request-Id"])
    assert len(seen) == 14


def test_a_connection_whose_client_never_asked_for_write_is_told_how_to_get_it(server: Server, cast: Cast) -> None:
    AssetFactory(library=cast.barcelona)
    connection = connect(cast.bob, make_client(), cast.acme, asked_write=False, may_write=False)
    for path, files in ((f"{BARCELONA}/assets", {"files": b"x"}), (f"{BARCELONA}/upload-links", None)):
        answer = ask(server, tokens_of(connection).access, "POST", path, files=files)
        assert code_of(answer) == (403, "INSUFFICIENT_SCOPE")
        challenge = answer.headers["WWW-Authenticate"]
        assert 'error="insufficient_scope"' in challenge and 'scope="library:read library:write"' in challenge
    connection = connect(cast.bob, make_client("other"), cast.acme, asked_write=True, may_write=False)
    answer = ask(server, tokens_of(connection).access, "POST", f"{BARCELONA}/upload-links")
    assert code_of(answer) == (403, "INSUFFICIENT_SCOPE")
    assert "WWW-Authenticate" not in answer.headers


def test_any_origin_may_ask_before_it_has_a_version_or_a_credential(server: Server) -> None:
    for path in ("/me", "/nothing", f"{BARCELONA}/assets", "/openapi.json"):
        answer = ask(server, None, "OPTIONS", path, version=None, headers=CORS)
        assert (answer.status_code, answer.content) == (204, b"")
        assert answer.headers["Access-Control-Allow-Origin"] == "*"
        assert "PATCH" in answer.headers["Access-Control-Allow-Methods"]
        assert {"Api-Version", "Authorization", "Traceparent"} <= set(
            answer.headers["Access-Control-Allow-Headers"].split(", ")
        )
        assert "Access-Control-Allow-Credentials" not in answer.headers
        assert (answer.headers["Vary"], answer.headers["Api-Version"]) == ("Api-Version", CURRENT)


def test_a_cookie_is_no_credential(server: Server, cast: Cast) -> None:
    answer = ask(server, None, "GET", "/me", headers={"Cookie": "raster_session=x"})
    assert code_of(answer) == (401, "UNAUTHENTICATED")


def test_plain_http_is_refused_first_of_all(transactional_db: None, production: Server) -> None:
    for headers in (HOST, API_HOST):
        for path in ("/api/me", "/api/nothing", "/api/openapi.json"):
            answer = httpx2.get(production.url + path, headers=headers)
            assert code_of(answer) == (403, "HTTPS_REQUIRED")
            assert answer.headers["Vary"] == "Api-Version"


def test_another_host_is_refused(transactional_db: None, production: Server) -> None:
    answer = httpx2.get(f"{production.url}/api/me", headers={"Host": "evil.example.com", **OVER_HTTPS})
    assert code_of(answer) == (403, "FORBIDDEN")


def test_the_host_of_the_api_serves_the_same_at_its_root(
    cast: Cast, transactional_db: None, production: Server
) -> None:
    # The two servers have peppers of their own, so a key is refused here; a token is not.
    token = tokens_of(connect(cast.alice, make_client(), cast.acme)).access
    headers = {**OVER_HTTPS, "Authorization": f"Bearer {token}", "Api-Version": CURRENT}
    for path in ("/me", f"{BARCELONA}/assets", "/openapi.json"):
        root, below, base = (
            httpx2.get(f"{production.url}{prefix}{path}", headers={**headers, **host})
            for prefix, host in (("", API_HOST), ("/api", API_HOST), ("/api", HOST))
        )
        assert (root.status_code, root.text) == (below.status_code, below.text) == (base.status_code, base.text)
        assert root.status_code == 200
    assert root.json()["servers"] == [{"url": "https://api.example.com"}]
    assert code_of(httpx2.get(f"{production.url}/nothing", headers={**headers, **API_HOST})) == (
        404,
        "ENDPOINT_NOT_FOUND",
    )
    answer = httpx2.get(f"{production.url}/me", headers={**OVER_HTTPS, **API_HOST, "Api-Version": CURRENT})
    assert '"https://api.example.com/.well-known/oauth-protected-resource"' in answer.headers["WWW-Authenticate"]
    page = httpx2.get(f"{production.url}/docs", headers={**OVER_HTTPS, **API_HOST})
    assert (page.status_code, page.headers["Location"]) == (308, "https://raster.example.com/api/docs")
    page = httpx2.get(f"{production.url}/api/docs", headers={**OVER_HTTPS, **HOST})
    assert page.status_code == 200 and "https://api.example.com/me" in page.text
