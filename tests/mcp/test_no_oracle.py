"""Resources out of reach answer exactly as those that do not exist."""

import pytest

from mcp_gateway.tools import RESOURCES
from tests.factories import Cast
from tests.mcp.client import WIRES, comparable, post
from tests.operations import unreachable
from tests.server import Server

AT_A_LIBRARY = [resource.template for resource in RESOURCES if "{libraryId}" in resource.template]


@pytest.mark.parametrize("wire", WIRES)
def test_unreachable_resources_answer_alike(server: Server, cast: Cast, wire: str) -> None:
    key = cast.key(barcelona="write").secret
    places = list(unreachable(cast).values())
    for template in AT_A_LIBRARY:
        answers = []
        for organization, library in places:
            uri = template.replace("{organizationId}", organization).replace("{libraryId}", library)
            status, headers, body = comparable(post(server.mcp_url, key, wire, "resources/read", {"uri": uri}))
            headers.pop("content-length")
            answers.append((status, headers, body.replace(library, "LIBRARY")))
        assert answers[0] == answers[1] == answers[2], template
        assert "API key not authorized for this library." in answers[0][2]
        assert "-32602" in answers[0][2]


@pytest.mark.parametrize("wire", WIRES)
def test_unreachable_organizations_answer_alike_as_resources(server: Server, cast: Cast, wire: str) -> None:
    key = cast.key(barcelona="write").secret
    for template in [resource.template for resource in RESOURCES]:
        answers = []
        for organization in ("globex", "nowhere"):
            uri = template.replace("{organizationId}", organization).replace("{libraryId}", "secret")
            status, _, body = comparable(post(server.mcp_url, key, wire, "resources/read", {"uri": uri}))
            answers.append((status, body.replace(organization, "ORGANIZATION")))
        assert answers[0] == answers[1], template
        assert "Organization not found." in answers[0][1]
