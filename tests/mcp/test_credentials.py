"""No credential, no tool: everything but a valid key is 401 before a byte of the body is looked at."""

import http.client
import json
from urllib.parse import urlsplit

import pytest

from apikeys import secrets
from apikeys.contracts import DeleteKey, RegenerateKey
from apikeys.models import APIKey
from apikeys.operations import delete_key, regenerate_key
from tests.factories import OPERATOR, Cast
from tests.mcp.client import MODERN, WIRES, call_tool, rpc_body, rpc_headers
from tests.server import Server
from tests.waiting import wait_until

NOT_JSON = b"\xff\xfe not even JSON {"


def ask(
    server: Server, authorization: bytes | None, body: bytes = NOT_JSON, path: str = "/mcp"
) -> tuple[int, str | None, str]:
    """Send a request whose Authorization header is exactly these bytes; return status, challenge and body."""
    address = urlsplit(server.url)
    connection = http.client.HTTPConnection(address.hostname or "", address.port, timeout=10)
    connection.putrequest("POST", path)
    if authorization is not None:
        connection.putheader("Authorization", authorization)
    connection.putheader("Content-Length", str(len(body)))
    connection.endheaders(body)
    response = connection.getresponse()
    answer = response.status, response.getheader("WWW-Authenticate"), response.read().decode()
    connection.close()
    return answer


def forged(body: str) -> bytes:
    """Return a key with this body and the right checksum, as a header."""
    return f"Bearer {body}{secrets.checksum(body)}".encode()


@pytest.mark.parametrize(
    "authorization",
    [
        pytest.param(None, id="missing"),
        pytest.param(b"", id="empty"),
        pytest.param(b"Bearer", id="no credential"),
        pytest.param(b"Bearer    ", id="only spaces"),
        pytest.param(b"Basic YWxpY2U6cGFzc3dvcmQ=", id="basic"),
        pytest.param(b"rstk_aaaaaaaaaa_bbb", id="no scheme"),
        pytest.param(b"Bearer " + b"x" * 10_000, id="10 KB"),
        pytest.param("Bearer ключ".encode(), id="not ASCII"),
        pytest.param(b"Bearer \x80\xff\xfe", id="not UTF-8"),
        pytest.param(b"Bearer rsto_abcdef", id="another class of credential"),
    ],
)
def test_what_is_no_key_is_unauthenticated(server: Server, authorization: bytes | None) -> None:
    status, challenge, body = ask(server, authorization)
    assert status == 401
    where = f'resource_metadata="{server.url}/.well-known/oauth-protected-resource/mcp"'
    scopes = 'scope="library:read library:write"'
    invalid = "" if authorization is None else 'error="invalid_token", '
    assert challenge == f"Bearer {invalid}{where}, {scopes}"
    assert '"UNAUTHENTICATED"' in body


def test_whatever_has_a_keys_prefix_and_is_none_gets_one_answer(server: Server, cast: Cast) -> None:
    key = cast.key(barcelona="read")
    other = make_bytes(cast.key("Deleted").secret)
    delete_key(OPERATOR, DeleteKey(organization_id="acme", key_id=APIKey.objects.get(name="Deleted").pk))
    regenerated = cast.key("Regenerated")
    regenerate_key(OPERATOR, RegenerateKey(organization_id="acme", key_id=regenerated.key_id))
    answers = {
        ask(server, authorization)
        for authorization in (
            b"Bearer rstk_",
            b"Bearer rstk_short",
            b"Bearer rstk_" + b"a" * 10_000,
            "Bearer rstk_ключ".encode(),
            make_bytes(key.secret[:-1] + ("a" if key.secret[-1] != "a" else "b")),
            forged(f"rstk_{key.public_id}_{'a' * 32}"),
            forged(f"rstk_{'z' * 10}_{'a' * 32}"),
            other,
            make_bytes(regenerated.secret),
        )
    }
    [(status, challenge, body)] = answers
    assert status == 401
    assert challenge == 'Bearer error="invalid_token"'
    assert '"INVALID_API_KEY"' in body
    assert "resource_metadata" not in str(challenge)


def make_bytes(secret: str) -> bytes:
    return f"Bearer {secret}".encode()


def test_a_key_in_the_query_string_or_a_cookie_is_no_credential(server: Server, cast: Cast) -> None:
    secret = cast.key(barcelona="read").secret
    status, challenge, _ = ask(server, None, path=f"/mcp?access_token={secret}&authorization=Bearer%20{secret}")
    assert status == 401
    assert str(challenge).startswith("Bearer resource_metadata=")


def test_two_authorization_headers_are_none(server: Server, cast: Cast) -> None:
    secret = cast.key(barcelona="read").secret
    address = urlsplit(server.url)
    connection = http.client.HTTPConnection(address.hostname or "", address.port, timeout=10)
    connection.putrequest("POST", "/mcp")
    connection.putheader("Authorization", f"Bearer {secret}")
    connection.putheader("Authorization", f"Bearer {secret}")
    connection.putheader("Content-Length", "0")
    connection.endheaders()
    assert connection.getresponse().status == 401
    connection.close()


def test_only_a_key_whose_secret_is_right_is_told_that_it_expired(server: Server, cast: Cast) -> None:
    key = cast.key(barcelona="read")
    APIKey.objects.update(expires="2026-01-01T00:00:00Z")
    _, _, body = ask(server, make_bytes(key.secret))
    assert "INVALID_API_KEY" in body and "expired" in body
    _, _, body = ask(server, forged(f"rstk_{key.public_id}_{'a' * 32}"))
    assert "INVALID_API_KEY" in body and "expired" not in body


@pytest.mark.parametrize("scheme", ["Bearer ", "bearer ", "BEARER    ", "bEaReR  "])
def test_the_scheme_may_be_in_any_case_with_several_spaces(server: Server, cast: Cast, scheme: str) -> None:
    body = json.dumps(rpc_body("2025-11-25", "tools/call", {"name": "whoami", "arguments": {}})).encode()
    address = urlsplit(server.url)
    connection = http.client.HTTPConnection(address.hostname or "", address.port, timeout=10)
    headers = {**rpc_headers("2025-11-25", "tools/call"), "Authorization": scheme + cast.key(barcelona="read").secret}
    connection.request("POST", "/mcp", body, headers)
    response = connection.getresponse()
    assert response.status == 200
    assert b"barcelona" in response.read()
    connection.close()


@pytest.mark.parametrize("wire", WIRES)
def test_every_method_of_the_protocol_needs_a_credential(server: Server, wire: str) -> None:
    for method in ("initialize", "server/discover", "ping", "tools/list", "resources/list", "tools/call"):
        response = call_tool(server.mcp_url, "nonsense", wire, method, {})
        assert response.status_code == 401


def test_the_last_use_is_written_down(server: Server, cast: Cast) -> None:
    key = cast.key(barcelona="read")
    call_tool(server.mcp_url, key.secret, MODERN, "whoami", {})
    wait_until(lambda: APIKey.objects.get().last_used is not None)
    row = APIKey.objects.get()
    assert row.first_used == row.last_used
    assert row.last_used_address == "127.0.0.1"
    assert "httpx" in row.last_used_client
