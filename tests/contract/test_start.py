"""Starting without an account is one operation over MCP and REST; GraphQL has no field for it."""

from typing import Any

import httpx2
import pytest

from orgs.models import Organization
from tests.contract.transports import VERSION, Answer, read_tool_answer
from tests.mcp.client import MODERN, rpc_body, rpc_headers
from tests.server import Server

REFUSED = {
    "nothing": {},
    "no address": {"email": "erin"},
    "a name that is none": {"email": "erin@example.com", "name": " "},
    "a name that is too long": {"email": "erin@example.com", "name": "x" * 101},
    "something else": {"email": "erin@example.com", "slug": "mine"},
}


def over_mcp(server: Server, arguments: dict[str, Any]) -> Answer:
    body = rpc_body(MODERN, "tools/call", {"name": "create_organization", "arguments": arguments})
    headers = rpc_headers(MODERN, "tools/call", "create_organization")
    return read_tool_answer(httpx2.post(f"{server.url}/mcp/anonymous", json=body, headers=headers, timeout=60))


def over_rest(server: Server, arguments: dict[str, Any]) -> Answer:
    headers = {"Api-Version": VERSION}
    response = httpx2.post(f"{server.url}/api/libraries", json=arguments, headers=headers, timeout=60)
    body = response.json()
    if "error" in body:
        return Answer(body["error"]["code"], response.status_code, body["error"]["message"])
    return Answer(data=body["data"])


@pytest.mark.parametrize("name", REFUSED)
def test_bad_input_is_named_alike_and_makes_nothing(server: Server, name: str) -> None:
    answers = [over_mcp(server, REFUSED[name]), over_rest(server, REFUSED[name])]
    assert answers[0].code == "BAD_USER_INPUT"
    assert answers[0] == answers[1]
    assert not Organization.objects.exists()


def test_an_email_over_its_cap_is_told_alike(server: Server) -> None:
    arguments = {"email": "erin@example.com"}
    answers = [over_mcp(server, arguments) for _ in range(3)]
    other = over_rest(server, {"email": "frank@example.com"})
    assert {frozenset(answer.data) for answer in answers} == {frozenset(other.data)}
    assert over_mcp(server, arguments) == over_rest(server, arguments)
    assert over_rest(server, arguments).code == "BAD_USER_INPUT"
