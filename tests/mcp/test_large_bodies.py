"""A large body is an upload, by who may write; one of very many values is refused before it is parsed."""

import base64
import http.client
import json
from collections.abc import Iterator
from contextlib import contextmanager

import httpx2
import pytest

from api.gate import ANONYMOUS_BODY, LARGE_BODY, MOST_LARGE
from tests.assets import pictures
from tests.factories import Cast, make_key
from tests.mcp.client import MODERN, WIRES, call_tool, rpc_body, rpc_headers
from tests.server import Server
from tests.waiting import wait_until

BARCELONA = {"organizationId": "acme", "libraryId": "barcelona"}
SECONDS = 60


def upload(server: Server, key: str, wire: str = MODERN) -> httpx2.Response:
    """Upload a file that makes the body a large one."""
    data = base64.b64encode(pictures.SVG + b" " * LARGE_BODY).decode()
    source = {"kind": "base64", "filename": "a,b[c]{d}.svg", "mimeType": "image/svg+xml", "data": data}
    return call_tool(server.mcp_url, key, wire, "upload_asset", {**BARCELONA, "source": source})


@contextmanager
def on_its_way(server: Server, key: str, *, declared: bool = True) -> Iterator[http.client.HTTPConnection]:
    """Send the first part of a large body until the block ends."""
    connection = http.client.HTTPConnection(server.url.removeprefix("http://"), timeout=SECONDS)
    connection.putrequest("POST", "/mcp")
    for name, value in {**rpc_headers(MODERN, "tools/call", "upload_asset"), "Authorization": f"Bearer {key}"}.items():
        connection.putheader(name, value)
    if declared:
        connection.putheader("Content-Length", str(2 * LARGE_BODY))
        connection.endheaders()
        connection.send(b" " * 1000)
    else:
        connection.putheader("Transfer-Encoding", "chunked")
        connection.endheaders()
        part = b" " * (LARGE_BODY + 1)
        connection.send(b"%x\r\n%s\r\n" % (len(part), part))
    try:
        yield connection
    finally:
        connection.close()


@pytest.mark.parametrize("value", ["{}", "[]", "0", '"a"', "[[[[[]]]]]"])
@pytest.mark.parametrize("wire", WIRES)
def test_millions_of_values_are_refused(server: Server, cast: Cast, wire: str, value: str) -> None:
    values = ",".join([value] * (8 * 1024 * 1024 // (len(value) + 1)))
    body = (
        f'{{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{{"name":"whoami","arguments":{{"a":[{values}]}}}}}}'
    )
    headers = {
        **rpc_headers(wire, "tools/call", "whoami"),
        "Authorization": f"Bearer {cast.key(barcelona='write').secret}",
    }
    response = httpx2.post(server.mcp_url, content=body, headers=headers, timeout=60)
    assert response.status_code == 400
    assert response.json()["error"]["code"] == "BAD_USER_INPUT"


@pytest.mark.parametrize("wire", WIRES)
def test_a_large_file_in_base64_is_no_body_of_many_values(server: Server, cast: Cast, wire: str) -> None:
    result = upload(server, cast.key(barcelona="write").secret, wire).json()["result"]
    assert json.loads(result["content"][0]["text"])["assets"][0]["name"] == "a,b[c]{d}"


@pytest.mark.parametrize("declared", [True, False])
def test_who_may_not_write_sends_nothing_large(server: Server, cast: Cast, declared: bool) -> None:
    with on_its_way(server, cast.key(barcelona="read").secret, declared=declared) as connection:
        response = connection.getresponse()  # before the rest of the body came
        assert response.status == 413
        assert json.loads(response.read())["error"]["code"] == "PAYLOAD_TOO_LARGE"


@pytest.mark.parametrize("wire", WIRES)
@pytest.mark.parametrize("tool", ["rename_library", "whoami", "search_assets"])
def test_only_uploads_are_large(server: Server, cast: Cast, wire: str, tool: str) -> None:
    arguments = {**BARCELONA, "name": "a" * 5 * LARGE_BODY}
    result = call_tool(server.mcp_url, cast.key(barcelona="write").secret, wire, tool, arguments).json()["result"]
    assert result["isError"]
    error = json.loads(result["content"][0]["text"])["error"]
    assert (error["code"], error["status"]) == ("PAYLOAD_TOO_LARGE", 413)
    cast.barcelona.refresh_from_db()
    assert cast.barcelona.name == "Barcelona"


@pytest.mark.parametrize("wire", WIRES)
@pytest.mark.parametrize(("method", "name"), [("tools/list", "cursor"), ("resources/read", "uri")])
def test_a_large_request_that_is_no_call_is_refused(
    server: Server, cast: Cast, wire: str, method: str, name: str
) -> None:
    key = cast.key(barcelona="write").secret
    headers = {**rpc_headers(wire, method, "x" if name == "uri" else None), "Authorization": f"Bearer {key}"}
    body = rpc_body(wire, method, {name: "x", "more": "a" * 2 * LARGE_BODY})
    answer = httpx2.post(server.mcp_url, json=body, headers=headers, timeout=SECONDS)
    assert answer.json()["error"]["code"] == -32602
    assert "1 MB" in answer.json()["error"]["message"]


def test_so_many_of_an_organization_are_on_their_way_at_once(server: Server, cast: Cast) -> None:
    key = cast.key(barcelona="write").secret
    other = cast.key("Another", barcelona="write").secret
    elsewhere = make_key(cast.globex, "Agent", secret="write").secret
    with on_its_way(server, key), on_its_way(server, other, declared=False):
        assert MOST_LARGE == 2
        wait_until(lambda: upload(server, key).status_code == 429)
        refused = upload(server, other)
        assert refused.json()["error"]["code"] == "RATE_LIMITED"
        assert int(refused.headers["Retry-After"]) > 0
        # What is small goes on, and so do others.
        assert call_tool(server.mcp_url, key, MODERN, "whoami", {}).status_code == 200
        assert upload(server, elsewhere).status_code == 200
    wait_until(lambda: upload(server, key).status_code == 200)


@pytest.mark.parametrize("wire", WIRES)
def test_without_a_credential_bodies_are_small(server: Server, wire: str) -> None:
    arguments = {"email": "erin@example.com", "name": "a" * ANONYMOUS_BODY}
    body = rpc_body(wire, "tools/call", {"name": "create_organization", "arguments": arguments})
    url = f"{server.mcp_url}/anonymous"
    answer = httpx2.post(
        url, json=body, headers=rpc_headers(wire, "tools/call", "create_organization"), timeout=SECONDS
    )
    assert answer.status_code == 413
    assert answer.json()["error"]["code"] == "PAYLOAD_TOO_LARGE"
    headers = {"Api-Version": "2026-07-08"}
    rest = httpx2.post(f"{server.url}/api/libraries", json=arguments, headers=headers, timeout=SECONDS)
    assert (rest.status_code, rest.json()["error"]["code"]) == (413, "PAYLOAD_TOO_LARGE")
