"""HTTPS only: what a server outside development answers to plain HTTP, and whose word it takes for HTTPS."""

from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest

from tests.factories import Cast
from tests.mcp.client import MODERN, call_tool, rpc_body, rpc_headers
from tests.server import Server, running_server

PRODUCTION = {
    "RASTER_DEV": "0",
    "SECRET_KEY": "s" * 50,
    "RASTER_KEY_PEPPERS": f"1:{'p' * 32}",
    "RASTER_BASE_URL": "https://raster.example.com:443",  # the same address as without the port
    "RASTER_MCP_HOST": "mcp.example.com",
}
HOST = {"Host": "raster.example.com"}
OVER_HTTPS = {"X-Forwarded-Proto": "https", "X-Forwarded-For": "203.0.113.7"}


@pytest.fixture(scope="module")
def production(django_db_setup: None, static_files: None, server_log: Path) -> Iterator[Server]:
    with running_server(server_log, **PRODUCTION) as server:
        yield server


@pytest.fixture(scope="module")
def behind_proxy(django_db_setup: None, static_files: None, server_log: Path) -> Iterator[Server]:
    with running_server(server_log, **PRODUCTION, RASTER_TRUSTED_PROXIES="127.0.0.1") as server:
        yield server


@pytest.mark.parametrize("forwarded", [{}, OVER_HTTPS, {"Forwarded": "proto=https"}])
@pytest.mark.parametrize("method", ["POST", "GET"])
def test_the_door_refuses_plain_http_whatever_the_request_claims(
    transactional_db: None, production: Server, method: str, forwarded: dict[str, str]
) -> None:
    response = httpx2.request(method, production.mcp_url, headers={**HOST, **forwarded})
    assert response.status_code == 403
    assert response.json()["error"]["code"] == "HTTPS_REQUIRED"
    assert "location" not in response.headers


@pytest.mark.parametrize("forwarded", [{}, OVER_HTTPS])
@pytest.mark.parametrize("path", ["/", "/login", "/acme"])
def test_pages_redirect_plain_http_to_the_configured_address(
    transactional_db: None, production: Server, path: str, forwarded: dict[str, str]
) -> None:
    response = httpx2.get(production.url + path, headers={**HOST, **forwarded})
    assert response.status_code == 301
    assert response.headers["location"] == f"https://raster.example.com{path}"


def test_media_redirects_plain_http(transactional_db: None, production: Server) -> None:
    response = httpx2.get(f"{production.url}/media/abc/a.jpg", headers=HOST)
    assert response.status_code == 308
    assert response.headers["location"] == "https://raster.example.com/media/abc/a.jpg"


def test_a_trusted_proxy_is_believed(transactional_db: None, behind_proxy: Server) -> None:
    response = httpx2.post(behind_proxy.mcp_url, headers={**HOST, **OVER_HTTPS})
    assert response.status_code == 401
    page = httpx2.get(f"{behind_proxy.url}/login", headers={**HOST, **OVER_HTTPS})
    assert page.status_code == 200
    assert "max-age=" in page.headers["strict-transport-security"]


def test_only_what_the_nearest_proxy_wrote_counts(transactional_db: None, behind_proxy: Server) -> None:
    headers = {**HOST, "X-Forwarded-Proto": "https, http", "X-Forwarded-For": "203.0.113.7"}
    response = httpx2.post(behind_proxy.mcp_url, headers=headers)
    assert response.json()["error"]["code"] == "HTTPS_REQUIRED"


def test_the_mcp_host_serves_the_door_at_its_root_and_nothing_else(
    transactional_db: None, behind_proxy: Server
) -> None:
    host = {"Host": "mcp.example.com", **OVER_HTTPS}
    assert httpx2.post(f"{behind_proxy.url}/", headers=host).status_code == 401
    assert httpx2.post(behind_proxy.mcp_url, headers=host).status_code == 401
    assert httpx2.get(f"{behind_proxy.url}/login", headers=host).status_code == 404


def test_cookies_are_for_this_host_over_https_only(transactional_db: None, behind_proxy: Server) -> None:
    page = httpx2.get(f"{behind_proxy.url}/login", headers={**HOST, **OVER_HTTPS})
    cookie = page.headers["set-cookie"]
    assert cookie.startswith("__Host-")
    assert "Secure" in cookie and "SameSite=Lax" in cookie and "Domain" not in cookie


def test_development_takes_no_http_that_was_forwarded(server: Server, cast: Cast) -> None:
    key = cast.key(barcelona="read").secret
    assert call_tool(server.mcp_url, key, MODERN, "whoami", {}).status_code == 200
    for path in ("/mcp", "/login"):
        response = httpx2.post(server.url + path, headers=OVER_HTTPS)
        assert response.status_code == 403
        assert response.json()["error"]["code"] == "HTTPS_REQUIRED"


@pytest.mark.parametrize(
    ("host", "path"), [("mcp.example.com", "/anonymous"), ("raster.example.com", "/mcp/anonymous")]
)
def test_the_server_without_a_credential_is_at_its_addresses_over_https_alone(
    transactional_db: None, server_log: Path, host: str, path: str
) -> None:
    body = rpc_body(MODERN, "tools/list", {})
    headers = {**rpc_headers(MODERN, "tools/list"), "Host": host}
    with running_server(server_log, **PRODUCTION, RASTER_ANONYMOUS="1", RASTER_TRUSTED_PROXIES="127.0.0.1") as server:
        answer = httpx2.post(server.url + path, json=body, headers={**headers, **OVER_HTTPS})
        plain = httpx2.post(server.url + path, json=body, headers=headers, follow_redirects=False)
    assert [tool["name"] for tool in answer.json()["result"]["tools"]] == ["create_organization"]
    assert (plain.status_code, plain.json()["error"]["code"]) == (403, "HTTPS_REQUIRED")
