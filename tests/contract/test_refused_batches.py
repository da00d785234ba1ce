"""A refused batch names the ids and the library that the caller sent, and nothing else, over every API."""

import json
from typing import Any

import pytest

from assets.models import Asset
from tests.api.graphql.client import ask as ask_graphql
from tests.api.rest.asking import ask as ask_rest
from tests.factories import AssetFactory, Cast
from tests.mcp.client import MODERN, call_tool
from tests.server import Server

PLACE = {"organizationId": "acme", "libraryId": "barcelona"}


def over_mcp(server: Server, key: str, tool: str, arguments: dict[str, Any]) -> dict[str, Any]:
    result = call_tool(server.mcp_url, key, MODERN, tool, arguments).json()["result"]
    error: dict[str, Any] = json.loads(result["content"][0]["text"])["error"]
    return error


@pytest.fixture
def ids(cast: Cast) -> dict[str, str]:
    """An asset that is there, and the kinds that are not: unknown, elsewhere, out of reach."""
    here = AssetFactory(library=cast.barcelona).pk
    elsewhere, foreign = AssetFactory(library=cast.paris).pk, AssetFactory(library=cast.secret).pk
    return {"here": here, "unknown": "a" * 22, "elsewhere": elsewhere, "foreign": foreign}


def subject(error: dict[str, Any]) -> tuple[Any, Any]:
    return error.get("ids"), error.get("libraryId")


def test_every_id_that_was_not_found_is_named_as_it_was_sent(server: Server, cast: Cast, ids: dict[str, str]) -> None:
    key = cast.key(barcelona="write").secret
    sent = [ids["unknown"], ids["here"], ids["foreign"], ids["elsewhere"], ids["unknown"]]
    named = [ids["unknown"], ids["foreign"], ids["elsewhere"]]
    for tool, arguments in (
        ("delete_assets", {"ids": sent}),
        ("restore_assets", {"ids": sent}),
        ("tag_assets", {"assetIds": sent, "tags": ["sea"]}),
        ("untag_assets", {"assetIds": sent, "tags": ["sea"]}),
    ):
        error = over_mcp(server, key, tool, {**PLACE, **arguments})
        assert (error["code"], *subject(error)) == ("RESOURCE_NOT_FOUND", named, "barcelona"), tool
        assert error["message"] == "At least one of the assets was not found; nothing was changed."
    assert Asset.objects.get(pk=ids["here"]).trashed is None


def test_rest_and_graphql_name_the_same(server: Server, cast: Cast, ids: dict[str, str]) -> None:
    key = cast.key(barcelona="write").secret
    sent = [ids["here"], ids["foreign"]]
    answer = ask_rest(
        server, key, "DELETE", "/organizations/acme/libraries/barcelona/assets", json={"ids": sent}
    ).json()
    assert subject(answer["error"]) == ([ids["foreign"]], "barcelona")
    text = (
        'mutation($ids: [ID!]!) { deleteAssets(organizationId: "acme", libraryId: "barcelona", assets: $ids) { ids } }'
    )
    errors = ask_graphql(server, key, text, {"ids": sent}).json()["errors"]
    assert subject(errors[0]["extensions"]) == ([ids["foreign"]], "barcelona")


def test_what_is_in_the_trash_is_named_when_it_should_move(server: Server, cast: Cast, ids: dict[str, str]) -> None:
    key = cast.key(barcelona="write", paris="write").secret
    over_mcp_ok = call_tool(server.mcp_url, key, MODERN, "delete_assets", {**PLACE, "ids": [ids["here"]]})
    assert over_mcp_ok.json()["result"]["isError"] is False
    move = {"organizationId": "acme", "sourceLibraryId": "barcelona", "targetLibraryId": "paris"}
    error = over_mcp(server, key, "transfer_assets", {**move, "assetIds": [ids["here"]]})
    assert subject(error) == ([ids["here"]], "barcelona")


@pytest.mark.parametrize("target", ["secret", "nowhere"])
def test_a_move_names_the_library_out_of_reach(server: Server, cast: Cast, ids: dict[str, str], target: str) -> None:
    key = cast.key(barcelona="write").secret
    move = {"organizationId": "acme", "assetIds": [ids["here"]]}
    error = over_mcp(
        server, key, "transfer_assets", {**move, "sourceLibraryId": "barcelona", "targetLibraryId": target}
    )
    assert (error["code"], *subject(error)) == ("API_KEY_NOT_AUTHORIZED_FOR_LIBRARY", None, target)


def test_a_move_names_the_library_that_is_read_only(server: Server, cast: Cast, ids: dict[str, str]) -> None:
    key = cast.key(barcelona="write", paris="read").secret
    move = {"organizationId": "acme", "sourceLibraryId": "barcelona", "targetLibraryId": "paris"}
    error = over_mcp(server, key, "transfer_assets", {**move, "assetIds": [ids["here"]]})
    assert (error["code"], *subject(error)) == ("API_KEY_READ_ONLY", None, "paris")


@pytest.mark.parametrize("library", ["paris", "secret", "nowhere"])
def test_a_search_names_the_first_library_out_of_reach(server: Server, cast: Cast, library: str) -> None:
    key = cast.key(barcelona="read").secret
    search = {"organizationId": "acme", "q": "", "libraries": ["barcelona", library, "another"]}
    error = over_mcp(server, key, "search_assets", search)
    assert subject(error) == (None, library)
