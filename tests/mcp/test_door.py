"""What the door answers before the MCP server is reached, and in which order it looks."""

import http.client
import json

import httpx2
import pytest

from tests.factories import Cast
from tests.mcp.client import HANDSHAKE, MODERN, WIRES, call_tool, rpc_body, rpc_headers
from tests.server import Server

ALLOWED = "http://localhost:6274"
FOREIGN = "https://evil.example"


def error_code(response: httpx2.Response) -> str:
    code: str = response.json()["error"]["code"]
    return code


@pytest.mark.parametrize("method", ["GET", "DELETE", "PUT", "PATCH", "HEAD"])
def test_other_methods_are_405_even_without_a_credential(server: Server, method: str) -> None:
    response = httpx2.request(method, server.mcp_url)
    assert response.status_code == 405
    assert response.headers["allow"] == "POST"


def test_a_trailing_slash_is_no_redirect(server: Server) -> None:
    assert httpx2.post(f"{server.mcp_url}/").status_code == 401


def test_an_unknown_host_is_refused_before_the_credential(server: Server) -> None:
    response = httpx2.post(server.mcp_url, headers={"Host": "evil.example"})
    assert (response.status_code, error_code(response)) == (403, "FORBIDDEN")


@pytest.mark.parametrize("origin", [FOREIGN, "null", "http://localhost.evil.example", "file://"])
def test_an_unknown_origin_is_refused_before_the_credential(server: Server, origin: str) -> None:
    response = httpx2.post(server.mcp_url, headers={"Origin": origin})
    assert (response.status_code, error_code(response)) == (403, "FORBIDDEN")
    assert "access-control-allow-origin" not in response.headers


def test_a_preflight_is_answered_without_a_credential(server: Server) -> None:
    headers = {"Origin": ALLOWED, "Access-Control-Request-Method": "POST"}
    response = httpx2.options(server.mcp_url, headers=headers)
    assert response.status_code == 204
    assert response.headers["access-control-allow-origin"] == ALLOWED
    allowed = response.headers["access-control-allow-headers"].lower()
    sent = {"authorization", "content-type", "mcp-protocol-version", "mcp-method", "last-event-id", "traceparent"}
    assert sent <= set(allowed.split(", "))
    assert "access-control-allow-credentials" not in response.headers


def test_a_preflight_from_an_unknown_origin_is_refused(server: Server) -> None:
    headers = {"Origin": FOREIGN, "Access-Control-Request-Method": "POST"}
    assert httpx2.options(server.mcp_url, headers=headers).status_code == 403


def test_a_browser_may_read_the_challenge(server: Server) -> None:
    response = httpx2.post(server.mcp_url, headers={"Origin": ALLOWED})
    assert response.status_code == 401
    assert response.headers["access-control-allow-origin"] == ALLOWED
    assert "WWW-Authenticate" in response.headers["access-control-expose-headers"]
    assert "Origin" in response.headers["vary"]


def test_a_body_over_32_mb_is_refused_by_its_declared_size(server: Server, cast: Cast) -> None:
    connection = http.client.HTTPConnection(server.url.removeprefix("http://"), timeout=10)
    connection.putrequest("POST", "/mcp")
    connection.putheader("Authorization", f"Bearer {cast.key(barcelona='read').secret}")
    connection.putheader("Content-Length", str(33 * 1024 * 1024))
    connection.endheaders()
    response = connection.getresponse()
    assert response.status == 413
    assert json.loads(response.read())["error"]["code"] == "PAYLOAD_TOO_LARGE"
    connection.close()


def test_a_body_over_32_mb_is_refused_without_a_declared_size(server: Server, cast: Cast) -> None:
    headers = {**rpc_headers(HANDSHAKE, "ping"), "Authorization": f"Bearer {cast.key(barcelona='read').secret}"}
    response = httpx2.post(server.mcp_url, headers=headers, content=iter([b" " * 1024 * 1024] * 33), timeout=60)
    assert (response.status_code, error_code(response)) == (413, "PAYLOAD_TOO_LARGE")


@pytest.mark.parametrize("body", [b"", b"not json", b"[]", b"[" * 100_000, b'"text"', b"\xff"])
@pytest.mark.parametrize("wire", WIRES)
def test_what_is_no_request_is_a_400_and_no_fault(server: Server, cast: Cast, wire: str, body: bytes) -> None:
    headers = {**rpc_headers(wire, "ping"), "Authorization": f"Bearer {cast.key(barcelona='read').secret}"}
    assert httpx2.post(server.mcp_url, headers=headers, content=body, timeout=60).status_code == 400


def test_every_answer_names_its_request(server: Server, cast: Cast) -> None:
    refused = httpx2.post(server.mcp_url)
    served = call_tool(server.mcp_url, cast.key(barcelona="read").secret, MODERN, "whoami", {})
    assert len({response.headers["x-request-id"] for response in (refused, served)}) == 2


def test_another_path_below_is_no_door(server: Server) -> None:
    for path in ("/other", "/o", "/o/", "/o/Acme", "/o/acme/more"):
        assert httpx2.post(f"{server.mcp_url}{path}").status_code in {403, 404}, path


def test_the_handshake_and_discovery_say_who_this_is(server: Server, cast: Cast) -> None:
    key = cast.key(barcelona="read").secret
    handshake = {"protocolVersion": HANDSHAKE, "capabilities": {}, "clientInfo": {"name": "tests", "version": "1"}}
    for wire, method, params in ((HANDSHAKE, "initialize", handshake), (MODERN, "server/discover", {})):
        headers = {**rpc_headers(wire, method), "Authorization": f"Bearer {key}"}
        response = httpx2.post(server.mcp_url, headers=headers, json=rpc_body(wire, method, params))
        text = json.dumps(response.json()["result"])
        for part in ('"raster"', '"Raster"', "whoami", "icon.svg", '"0.1.0"'):
            assert part in text, (method, part)
