"""Long names and large bodies over MCP, with a credential and without, hold nobody else up."""

import json
from concurrent.futures import ThreadPoolExecutor

import httpx2
import pytest

from apikeys.models import Claim
from tests.attacks.bystander import Bystander, working
from tests.factories import Cast
from tests.mcp.client import WIRES, rpc_body, rpc_headers
from tests.server import Server

SECONDS = 60
BARCELONA = {"organizationId": "acme", "libraryId": "barcelona"}
MARKS = "a" + "\u0301\u0316" * 30_000
LETTERS = "a" * 30_000_000


def call(server: Server, key: str | None, wire: str, tool: str, arguments: dict[str, object]) -> httpx2.Response:
    """Call a tool; without a key, at the address that takes none."""
    headers = rpc_headers(wire, "tools/call", tool)
    if key:
        headers["Authorization"] = f"Bearer {key}"
    body = json.dumps(rpc_body(wire, "tools/call", {"name": tool, "arguments": arguments}), ensure_ascii=False).encode()
    url = server.mcp_url if key else f"{server.mcp_url}/anonymous"
    return httpx2.post(url, content=body, headers=headers, timeout=SECONDS)


@pytest.mark.parametrize("wire", WIRES)
def test_names_of_marks_hold_nobody_up(server: Server, cast: Cast, bystander: Bystander, wire: str) -> None:
    key = cast.key(barcelona="write").secret
    attacks = [
        ("rename_library", {**BARCELONA, "name": MARKS}),
        ("tag_assets", {**BARCELONA, "assetIds": ["x"], "tags": [MARKS[:6_000]] * 20}),
        ("search_assets", {"organizationId": "acme", "q": MARKS}),
        ("list_assets", {**BARCELONA, "tags": [MARKS]}),
        ("update_asset_description", {**BARCELONA, "assetId": "x", "description": MARKS}),
    ]
    with working(bystander), ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda attack: call(server, key, wire, *attack), attacks * 2))
    for answer in answers:
        assert "BAD_USER_INPUT" in answer.json()["result"]["content"][0]["text"], answer.text[:200]


@pytest.mark.parametrize("wire", WIRES)
def test_large_names_hold_nobody_up(server: Server, cast: Cast, bystander: Bystander, wire: str) -> None:
    key = cast.key(barcelona="write").secret
    with working(bystander), ThreadPoolExecutor(4) as pool:
        attack = ("rename_library", {**BARCELONA, "name": LETTERS})
        answers = list(pool.map(lambda _: call(server, key, wire, *attack), range(6)))
    for answer in answers:
        told = answer.json()
        if answer.status_code == 429:
            assert told["error"]["code"] == "RATE_LIMITED"
            assert int(answer.headers["Retry-After"]) > 0
        else:
            assert "PAYLOAD_TOO_LARGE" in told["result"]["content"][0]["text"], answer.text[:200]
    assert any(answer.status_code == 200 for answer in answers)


@pytest.mark.parametrize("wire", WIRES)
@pytest.mark.parametrize("name", [MARKS, MARKS[:20_000], LETTERS], ids=["marks", "fewer marks", "letters"])
def test_nobody_needs_a_credential_to_be_refused_at_once(
    server: Server, bystander: Bystander, wire: str, name: str
) -> None:
    with working(bystander), ThreadPoolExecutor(4) as pool:
        attack = ("create_organization", {"email": "erin@example.com", "name": name})
        answers = list(pool.map(lambda _: call(server, None, wire, *attack), range(4)))
    for answer in answers:
        assert "PAYLOAD_TOO_LARGE" in answer.text or "BAD_USER_INPUT" in answer.text, answer.text[:200]
    assert not Claim.objects.exists()
