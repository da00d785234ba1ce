"""What a key cannot reach answers exactly as what does not exist."""

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from apikeys.access import KeyPrincipal
from apikeys.models import APIKey
from assets.models import Asset
from mcp_gateway.tools import RESOURCES, TOOLS
from orgs.access import OrganizationRef, Origin
from raster.contracts import read_json
from raster.errors import RasterError
from tests.factories import AssetFactory, Cast
from tests.mcp.cases import (
    AT_A_LIBRARY,
    AT_AN_ORGANIZATION,
    AT_NOTHING,
    IN_TRASH,
    PEOPLE_ONLY,
    RESOURCES_AT_A_LIBRARY,
    RESOURCES_AT_AN_ORGANIZATION,
    WRITES,
    unreachable,
)
from tests.mcp.client import WIRES, call_tool, comparable, masked, post
from tests.server import Server


def principal(cast: Cast, key_id: int) -> KeyPrincipal:
    key = APIKey.objects.get(pk=key_id)
    home = OrganizationRef(cast.acme.pk, cast.acme.slug, cast.acme.name)
    return KeyPrincipal(
        origin=Origin("mcp"),
        use_is_due=False,
        key_id=key.pk,
        public_id=key.public_id,
        name=key.name,
        organizations=(home,),
        is_shown_writes=True,
    )


def queries_of(operation: Any, *arguments: Any) -> tuple[int, str]:
    with CaptureQueriesContext(connection) as captured, pytest.raises(RasterError) as raised:
        operation(*arguments)
    return len(captured), raised.value.code


def test_every_tool_has_a_case() -> None:
    assert set(TOOLS) == set(AT_A_LIBRARY) | set(AT_AN_ORGANIZATION) | AT_NOTHING
    assert {name for name, tool in TOOLS.items() if tool.writes} == set(WRITES) | {"create_library"}


def test_every_resource_has_a_case() -> None:
    assert {resource.template for resource in RESOURCES} == RESOURCES_AT_A_LIBRARY | RESOURCES_AT_AN_ORGANIZATION


@pytest.mark.parametrize("wire", WIRES)
def test_unreachable_libraries_answer_alike_for_every_tool(server: Server, cast: Cast, wire: str) -> None:
    key = cast.key(barcelona="write").secret
    places = unreachable(cast)
    for tool, arguments in AT_A_LIBRARY.items():
        answers = [
            masked(comparable(call_tool(server.mcp_url, key, wire, tool, arguments(*place, "a" * 22))), place[1])
            for place in places.values()
        ]
        assert answers[0] == answers[1] == answers[2], tool
        assert "API_KEY_NOT_AUTHORIZED_FOR_LIBRARY" in answers[0][2], tool


@pytest.mark.parametrize("wire", WIRES)
def test_unreachable_organizations_answer_alike_for_every_tool(server: Server, cast: Cast, wire: str) -> None:
    key = cast.key(barcelona="write").secret
    cases = {name: arguments("{}", "secret", "a" * 22) for name, arguments in AT_A_LIBRARY.items()}
    for tool, arguments in {**cases, **AT_AN_ORGANIZATION}.items():
        foreign, unknown = (
            comparable(call_tool(server.mcp_url, key, wire, tool, {**arguments, "organizationId": organization}))
            for organization in ("globex", "nowhere")
        )
        assert foreign == unknown, tool
        assert "ORGANIZATION_NOT_FOUND" in foreign[2], tool


@pytest.mark.parametrize("wire", WIRES)
def test_unreachable_resources_answer_alike(server: Server, cast: Cast, wire: str) -> None:
    key = cast.key(barcelona="write").secret
    places = list(unreachable(cast).values())
    for template in RESOURCES_AT_A_LIBRARY:
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
    for template in RESOURCES_AT_A_LIBRARY | RESOURCES_AT_AN_ORGANIZATION:
        answers = []
        for organization in ("globex", "nowhere"):
            uri = template.replace("{organizationId}", organization).replace("{libraryId}", "secret")
            status, _, body = comparable(post(server.mcp_url, key, wire, "resources/read", {"uri": uri}))
            answers.append((status, body.replace(organization, "ORGANIZATION")))
        assert answers[0] == answers[1], template
        assert "Organization not found." in answers[0][1]


def test_unreachable_libraries_take_the_same_queries(cast: Cast) -> None:
    key = principal(cast, cast.key(barcelona="write").key_id)
    places = unreachable(cast)
    for name, arguments in AT_A_LIBRARY.items():
        tool = TOOLS[name]
        seen = {
            queries_of(tool.operation, key, read_json(tool.contract, arguments(*place, "a" * 22)))
            for place in places.values()
        }
        assert len(seen) == 1, (name, seen)


@pytest.mark.parametrize("wire", WIRES)
def test_missing_trashed_and_foreign_assets_answer_alike(server: Server, cast: Cast, wire: str) -> None:
    key = cast.key(barcelona="write", paris="write").secret
    trashed = AssetFactory(library=cast.barcelona, tagged=["sea"], trashed="2026-01-01T00:00:00Z")
    elsewhere = [AssetFactory(library=library, tagged=["sea"]).pk for library in (cast.paris, cast.secret)]
    for tool, arguments in AT_A_LIBRARY.items():
        if "a" * 22 not in str(arguments("acme", "barcelona", "a" * 22)):
            continue
        missing = ["a" * 22, *elsewhere, *([] if tool in IN_TRASH else [trashed.pk])]
        answers = [
            masked(
                comparable(call_tool(server.mcp_url, key, wire, tool, arguments("acme", "barcelona", asset_id))),
                asset_id,
            )
            for asset_id in missing
        ]
        assert all(answer == answers[0] for answer in answers), tool
        assert ("APPROVAL_REQUIRES_USER" if tool in PEOPLE_ONLY else "RESOURCE_NOT_FOUND") in answers[0][2], tool


@pytest.mark.parametrize("wire", WIRES)
def test_a_key_that_may_read_is_told_that_it_may_not_write(server: Server, cast: Cast, wire: str) -> None:
    key = cast.key(barcelona="read", paris="write").secret
    asset = AssetFactory(library=cast.barcelona, tagged=["sea"])
    for tool, arguments in WRITES.items():
        # The asset need not exist: the level is judged before any row is looked for.
        for asset_id in (asset.pk, "a" * 22):
            response = call_tool(server.mcp_url, key, wire, tool, arguments("acme", "barcelona", asset_id))
            code = "APPROVAL_REQUIRES_USER" if tool in PEOPLE_ONLY else "API_KEY_READ_ONLY"
            assert code in response.text, tool
    cast.barcelona.refresh_from_db()
    unchanged = Asset.objects.get()
    assert (cast.barcelona.name, unchanged.description) == ("Barcelona", "")
    assert [tag.text for tag in unchanged.tags.all()] == ["sea"]


def test_a_key_without_write_creates_no_library(server: Server, cast: Cast) -> None:
    key = cast.key(barcelona="read").secret
    response = call_tool(server.mcp_url, key, WIRES[0], "create_library", {"organizationId": "acme", "name": "New"})
    assert "API_KEY_READ_ONLY" in response.text
    assert cast.acme.libraries.count() == 2


def test_lists_and_counts_leave_out_what_is_out_of_reach(server: Server, cast: Cast) -> None:
    unreachable(cast)
    key = cast.key(barcelona="read").secret
    for tool, arguments in {"whoami": {}, "list_libraries": {"organizationId": "acme"}}.items():
        text = call_tool(server.mcp_url, key, WIRES[0], tool, arguments).text
        assert "barcelona" in text
        assert "paris" not in text and "Paris" not in text and "secret" not in text


def test_a_slug_that_is_taken_out_of_reach_is_not_told(server: Server, cast: Cast) -> None:
    key = cast.key(barcelona="write").secret
    for slug in ("paris", "free-one"):
        arguments = {"organizationId": "acme", "name": "New", "slug": slug}
        text = call_tool(server.mcp_url, key, WIRES[0], "create_library", arguments).text
        assert f'"id":"{slug}-' in text.replace("\\", "")
