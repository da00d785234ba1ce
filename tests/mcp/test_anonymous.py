"""The MCP server that takes no credential: one tool, where the installation allows it, and nothing else."""

from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest

from apikeys.models import APIKey, Claim
from orgs.models import Organization
from tests.mcp.client import MODERN, WIRES, call_tool, connected, rpc_body, rpc_headers
from tests.server import Server, running_server

EMAIL = "erin@example.com"


@pytest.fixture
def closed(transactional_db: None, static_files: None, server_log: Path) -> Iterator[Server]:
    """A server of an installation that does not allow it."""
    with running_server(server_log, RASTER_ANONYMOUS="0") as server:
        yield server


def address(server: Server) -> str:
    return f"{server.url}/mcp/anonymous"


def call(server: Server, tool: str, **arguments: object) -> httpx2.Response:
    headers = rpc_headers(MODERN, "tools/call", tool)
    body = rpc_body(MODERN, "tools/call", {"name": tool, "arguments": arguments})
    return httpx2.post(address(server), json=body, headers=headers, timeout=60)


def test_where_it_is_not_allowed_there_is_no_such_address(closed: Server) -> None:
    assert call(closed, "create_organization", email=EMAIL).status_code == 404
    assert not Organization.objects.exists()


def test_it_has_no_other_tool_and_lets_nobody_into_the_rest(server: Server) -> None:
    for tool in ("whoami", "list_assets", "create_library"):
        assert call(server, tool).json()["error"]["code"] == -32602
    headers = rpc_headers(MODERN, "tools/call", "create_organization")
    body = rpc_body(MODERN, "tools/call", {"name": "create_organization", "arguments": {"email": EMAIL}})
    assert httpx2.post(server.mcp_url, json=body, headers=headers).status_code == 401
    assert httpx2.get(address(server)).status_code == 405
    assert (
        httpx2.post(address(server), json=body, headers={**headers, "Origin": "https://evil.example"}).status_code
        == 403
    )
    assert not Organization.objects.exists()


@pytest.mark.parametrize("arguments", [{}, {"email": "nobody"}, {"email": EMAIL, "name": ""}, {"email": EMAIL, "x": 1}])
def test_what_does_not_fit_is_refused_and_makes_nothing(server: Server, arguments: dict[str, object]) -> None:
    result = call(server, "create_organization", **arguments).json()["result"]
    assert result["isError"] and "BAD_USER_INPUT" in result["content"][0]["text"]
    assert not Organization.objects.exists()


@pytest.mark.parametrize("wire", WIRES)
def test_from_an_email_to_a_library_that_its_key_writes_to(server: Server, wire: str) -> None:
    with connected(address(server), "none", wire) as client:
        [tool] = client.portal.call(client.client.list_tools).tools
        assert tool.name == "create_organization"
        started = client.data("create_organization", email=EMAIL.upper(), name="Zoë & Söhne")
    assert set(started) == {"organizationId", "libraryId", "apiKey", "claimUrl", "expiresAt", "emailSent"}
    assert started["organizationId"].startswith("zoe-sohne-")
    with connected(server.mcp_url, started["apiKey"], wire) as client:
        identity = client.data("whoami")
        assert identity["libraries"] == [{"library": started["libraryId"], "access": "write"}]
        refused = client.error("create_library", organizationId=started["organizationId"], name="Second")
        assert refused["code"] == "EPHEMERAL_LIBRARY_LIMIT_EXCEEDED"
    claim = Claim.objects.get(organization__slug=started["organizationId"])
    assert claim.email == EMAIL
    assert started["claimUrl"].rpartition("/")[2] not in f"{vars(claim)}{vars(APIKey.objects.get())}"


def test_one_email_has_three_that_wait(server: Server) -> None:
    for _ in range(3):
        assert not call(server, "create_organization", email=EMAIL).json()["result"]["isError"]
    refused = call(server, "create_organization", email=EMAIL).json()["result"]
    assert refused["isError"] and "wait to be claimed" in refused["content"][0]["text"]
    assert Organization.objects.count() == 3
    assert call_tool(server.mcp_url, "rstk_nonsense", MODERN, "whoami", {}).status_code == 401


def test_a_slash_at_the_end_and_a_credential_change_nothing_and_no_token_is_for_it(server: Server) -> None:
    body = rpc_body(MODERN, "tools/call", {"name": "create_organization", "arguments": {"email": EMAIL}})
    headers = {**rpc_headers(MODERN, "tools/call", "create_organization"), "Authorization": "Bearer rstk_nonsense"}
    answer = httpx2.post(f"{address(server)}/", json=body, headers=headers, timeout=60)
    assert not answer.json()["result"]["isError"]
    assert "WWW-Authenticate" not in answer.headers
    metadata = httpx2.get(f"{server.url}/.well-known/oauth-protected-resource/mcp/anonymous")
    assert metadata.status_code == 404
