"""What the tools and resources give a client whose key reaches something."""

import json
from typing import Any

import jsonschema
import pytest
from mcp.shared.exceptions import MCPError
from mcp_types import TextResourceContents

from mcp_gateway.tools import TOOLS
from orgs.models import Library
from tests.factories import AssetFactory, Cast
from tests.mcp.client import HANDSHAKE, MODERN, WIRES, call_tool, connected, post
from tests.operations import CALLS, begin
from tests.server import Server

ACME = {"organizationId": "acme"}
BARCELONA = {**ACME, "libraryId": "barcelona"}


@pytest.mark.parametrize("wire", WIRES)
def test_a_key_lists_and_reads_what_it_was_granted(server: Server, cast: Cast, wire: str) -> None:
    asset = AssetFactory(library=cast.barcelona, name="Sagrada at dusk", tagged=["sunset"])
    with connected(server.mcp_url, cast.key(barcelona="write", paris="read").secret, wire) as client:
        assert client.data("whoami") == {
            "organizationId": "acme",
            "organizationName": "Acme",
            "plan": "self-hosted",
            "libraries": [{"library": "barcelona", "access": "write"}, {"library": "paris", "access": "read"}],
        }
        libraries = client.data("list_libraries", **ACME)
        assert [(row["id"], row["access"], row["assetsCount"], row["tags"]) for row in libraries["data"]] == [
            ("barcelona", "write", 1, ["sunset"]),
            ("paris", "read", 0, []),
        ]
        assert {name: libraries[name] for name in ("page", "pageSize", "total")} == {
            "page": 1,
            "pageSize": 50,
            "total": 2,
        }
        [listed] = client.data("list_assets", **BARCELONA)["data"]
        assert listed == client.data("get_asset", **BARCELONA, assetId=asset.pk)
        assert listed["blurhash"] is None
        assert listed["url"].startswith(f"{server.url}/media/{asset.pk}/")
        assert client.data("list_tags", **BARCELONA)["data"] == [{"id": "sunset", "count": 1, "type": "user"}]


@pytest.mark.parametrize("wire", WIRES)
def test_a_key_with_write_changes_what_it_was_granted(server: Server, cast: Cast, wire: str) -> None:
    asset = AssetFactory(library=cast.barcelona)
    with connected(server.mcp_url, cast.key(barcelona="write").secret, wire) as client:
        pairs = {"assetIds": [asset.pk], "tags": ["Sea", "sea", "Night"]}
        assert client.data("tag_assets", **BARCELONA, **pairs) == {"taggedCount": 2}
        assert client.data("tag_assets", **BARCELONA, **pairs) == {"taggedCount": 0}
        assert client.data("untag_assets", **BARCELONA, assetIds=[asset.pk], tags=["NIGHT"]) == {"untaggedCount": 1}
        described = client.data("update_asset_description", **BARCELONA, assetId=asset.pk, description=" وصف ")
        assert described == {"assetId": asset.pk, "description": " وصف "}
        made = client.data("create_library", **ACME, name="برشلونة")
        assert made["id"].startswith("library-") and made["access"] == "write"
        assert client.data("rename_library", **ACME, libraryId=made["id"], name="Lisbon")["name"] == "Lisbon"
        assert made["id"] in [row["library"] for row in client.data("whoami")["libraries"]]


@pytest.mark.parametrize("wire", WIRES)
def test_a_tool_error_has_its_code_and_no_structured_content(server: Server, cast: Cast, wire: str) -> None:
    with connected(server.mcp_url, cast.key(barcelona="read").secret, wire) as client:
        assert client.error("list_assets", **ACME, libraryId="paris") == {
            "code": "API_KEY_NOT_AUTHORIZED_FOR_LIBRARY",
            "message": "API key not authorized for this library.",
            "status": 404,
        }


@pytest.mark.parametrize(
    ("tool", "arguments", "named"),
    [
        ("list_assets", {}, "organizationId"),
        ("list_assets", {**BARCELONA, "pageSize": 501}, "500"),
        ("list_assets", {**BARCELONA, "page": "2"}, "page"),
        ("list_assets", {**BARCELONA, "surprise": 1}, "surprise"),
        ("list_assets", {**BARCELONA, "libraryId": "nul\x00"}, "libraryId"),
        ("whoami", {"extra": True}, "extra"),
        ("whoami", {f"argument {number}": True for number in range(1000)}, "at most 0 arguments"),
        ("tag_assets", {**BARCELONA, "assetIds": [], "tags": ["a"]}, "assetIds"),
        ("tag_assets", {**BARCELONA, "assetIds": ["a"], "tags": ["Index"]}, "reserved"),
        ("tag_assets", {**BARCELONA, "assetIds": ["a"], "tags": ["a,b"]}, "comma"),
        ("tag_assets", {**BARCELONA, "assetIds": ["a"] * 101, "tags": ["a"]}, "100"),
        ("update_asset_description", {**BARCELONA, "assetId": "a", "description": "x" * 10_001}, "10000"),
        ("create_library", {**ACME, "name": "   "}, "name"),
    ],
)
@pytest.mark.parametrize("wire", WIRES)
def test_arguments_that_do_not_fit_are_named_with_their_limit(
    server: Server, cast: Cast, wire: str, tool: str, arguments: dict[str, Any], named: str
) -> None:
    with connected(server.mcp_url, cast.key(barcelona="write").secret, wire) as client:
        error = client.error(tool, **arguments)
        assert (error["code"], error["status"]) == ("BAD_USER_INPUT", 400)
        assert named in error["message"]


def test_input_is_judged_before_the_library_is_looked_for(server: Server, cast: Cast) -> None:
    response = call_tool(
        server.mcp_url, cast.key().secret, MODERN, "list_assets", {**ACME, "libraryId": "unknown", "pageSize": 0}
    )
    assert "BAD_USER_INPUT" in response.text


@pytest.mark.parametrize("wire", WIRES)
def test_an_unknown_tool_resource_or_cursor_is_a_protocol_error(server: Server, cast: Cast, wire: str) -> None:
    key = cast.key(barcelona="read").secret
    for method, params in (
        ("tools/call", {"name": "no_such_tool", "arguments": {}}),
        ("resources/read", {"uri": "raster://elsewhere"}),
        ("tools/list", {"cursor": "nonsense"}),
        ("resources/list", {"cursor": "nonsense"}),
        ("resources/templates/list", {"cursor": "nonsense"}),
        ("prompts/list", {"cursor": "nonsense"}),
    ):
        assert post(server.mcp_url, key, wire, method, params).json()["error"]["code"] == -32602, method


@pytest.mark.parametrize("wire", WIRES)
def test_the_list_of_tools_follows_the_keys_ceiling(server: Server, cast: Cast, wire: str) -> None:
    reading = {name for name, tool in TOOLS.items() if not tool.operation.writes}
    cases: list[tuple[dict[str, str], set[str]]] = [
        ({"barcelona": "read"}, reading),
        ({}, reading),
        ({"barcelona": "read", "paris": "write"}, set(TOOLS)),
    ]
    for access, expected in cases:
        key = cast.key(str(access), **access)
        with connected(server.mcp_url, key.secret, wire) as client:
            listed = client.portal.call(client.client.list_tools)
            assert {tool.name for tool in listed.tools} == expected


def test_schemas_are_plain_objects_with_words_and_limits() -> None:
    for tool in TOOLS.values():
        definition = tool.definition
        for schema in (definition.input_schema, definition.output_schema):
            assert schema is not None
            jsonschema.Draft202012Validator.check_schema(schema)
            assert schema["type"] == "object"
            assert "$ref" not in json.dumps(schema) and "$defs" not in json.dumps(schema)
            assert not {"anyOf", "oneOf", "allOf"} & set(schema)
        assert tool.name != "whoami" or (definition.output_schema or {})["required"] == []
        assert definition.title and definition.description and definition.annotations
        assert definition.annotations.read_only_hint is not tool.operation.writes
        for name, argument in definition.input_schema["properties"].items():
            assert argument.get("description"), (tool.name, name)


@pytest.mark.parametrize("wire", WIRES)
def test_results_are_what_the_output_schemas_say(server: Server, cast: Cast, wire: str) -> None:
    begin(cast)
    calls = [call for call in CALLS if call.takes is TOOLS[call.operation.name].contract and not call.key_code]
    calls.sort(key=lambda call: call.operation.name == "transfer_assets")  # it moves the asset of the others away
    with connected(server.mcp_url, cast.key(barcelona="write", paris="write").secret, wire) as client:
        for call in calls:
            tool = call.operation.name
            result = client.call(tool, **call.at())
            assert result.structured_content is not None
            jsonschema.validate(result.structured_content, TOOLS[tool].definition.output_schema or {})
            block, *links = result.content
            assert block.type == "text" and json.loads(block.text) == result.structured_content
            assert {link.type for link in links} <= {"resource_link"}


@pytest.mark.parametrize("wire", WIRES)
def test_resources_give_what_the_tools_give(server: Server, cast: Cast, wire: str) -> None:
    AssetFactory(library=cast.barcelona, tagged=["sea"])
    with connected(server.mcp_url, cast.key(barcelona="read").secret, wire) as client:
        for path, tool, arguments in (
            ("libraries", "list_libraries", ACME),
            ("libraries/barcelona/assets", "list_assets", BARCELONA),
            ("libraries/barcelona/tags", "list_tags", BARCELONA),
        ):
            read = client.portal.call(client.client.read_resource, f"raster://organizations/acme/{path}")
            [contents] = read.contents
            assert contents.mime_type == "application/json"
            assert isinstance(contents, TextResourceContents)
            assert json.loads(contents.text) == client.data(tool, **arguments)


def test_a_resource_out_of_reach_names_its_uri(server: Server, cast: Cast) -> None:
    uri = "raster://organizations/acme/libraries/paris/tags"
    with connected(server.mcp_url, cast.key().secret, MODERN) as client, pytest.raises(MCPError) as raised:
        client.portal.call(client.client.read_resource, uri)
    assert raised.value.error.data == {"uri": uri}


def test_lists_of_resources_stay_small_however_much_a_key_reaches(server: Server, cast: Cast) -> None:
    small = post(server.mcp_url, cast.key("None").secret, HANDSHAKE, "resources/list", {}).text
    Library.objects.bulk_create(
        Library(organization=cast.acme, slug=f"many-{number}", name=f"Many {number}") for number in range(200)
    )
    access = {library.slug: "read" for library in cast.acme.libraries.all()}
    big = post(server.mcp_url, cast.key("All", **access).secret, HANDSHAKE, "resources/list", {}).text
    assert small == big


def test_listings_are_private_and_never_fresh(server: Server, cast: Cast) -> None:
    key = cast.key(barcelona="read").secret
    for method in ("tools/list", "resources/list", "resources/templates/list", "prompts/list"):
        result = post(server.mcp_url, key, MODERN, method, {}).json()["result"]
        assert (result["ttlMs"], result["cacheScope"]) == (0, "private")


@pytest.mark.parametrize("wire", WIRES)
def test_there_are_no_prompts_and_asking_is_no_error(server: Server, cast: Cast, wire: str) -> None:
    result = post(server.mcp_url, cast.key(barcelona="read").secret, wire, "prompts/list", {}).json()["result"]
    assert result["prompts"] == []
