"""Organizing through MCP: what the tools answer to a key and to a connection, on both wires."""

import pytest

from assets.models import Asset
from tests.connections.factories import connect, make_client, tokens_of
from tests.factories import AssetFactory, Cast
from tests.mcp.client import WIRES, call_tool, connected
from tests.server import Server

ACME = {"organizationId": "acme"}
BARCELONA = {**ACME, "libraryId": "barcelona"}


@pytest.mark.parametrize("wire", WIRES)
def test_a_key_trashes_restores_renames_moves_and_promotes(server: Server, cast: Cast, wire: str) -> None:
    asset = AssetFactory(library=cast.barcelona, name="Sea", tagged=["Sky"])
    variant = AssetFactory(library=cast.barcelona, parent=asset, width=1600, name="Sea at night")
    ids = {**BARCELONA, "ids": [asset.pk]}
    one = {**BARCELONA, "assetId": asset.pk}
    with connected(server.mcp_url, cast.key(barcelona="write", paris="write").secret, wire) as client:
        moved = {"success": True, "message": "Moved 1 asset to trash", "ids": [asset.pk]}
        assert client.data("delete_assets", **ids) == moved
        again = {"success": True, "message": "Moved 0 assets to trash", "ids": []}
        assert client.data("delete_assets", **ids) == again
        assert client.data("list_assets", **BARCELONA)["total"] == 0
        assert client.error("get_asset", **one)["code"] == "RESOURCE_NOT_FOUND"
        assert client.data("restore_assets", **ids)["ids"] == [asset.pk]

        renamed = client.data("rename_asset", **one, name="  Ocean ")
        assert (renamed["name"], renamed["id"]) == ("Ocean", asset.pk)
        promoted = client.data("promote_variant", **one, variantId=variant.pk)
        assert (promoted["width"], promoted["url"], promoted["name"]) == (1600, renamed["url"], "Ocean")
        assert promoted["variants"][0]["id"] == variant.pk
        assert client.error("promote_variant", **one, variantId=asset.pk)["code"] == "NOT_FOUND"

        places = {"sourceLibraryId": "barcelona", "targetLibraryId": "paris"}
        transfer = {**ACME, **places, "assetIds": [asset.pk]}
        assert client.data("transfer_assets", **transfer) == {"transferredCount": 1, **places}
        assert client.error("transfer_assets", **transfer)["code"] == "RESOURCE_NOT_FOUND"
        there = client.data("get_asset", **ACME, libraryId="paris", assetId=asset.pk)
        assert (there["tags"], there["url"]) == (["Sky"], renamed["url"])
        approval = client.error("set_asset_approval", **ACME, libraryId="paris", assetId=asset.pk, state="approved")
        assert (approval["code"], approval["status"]) == ("APPROVAL_REQUIRES_USER", 403)


@pytest.mark.parametrize("wire", WIRES)
def test_a_person_approves_through_an_app(server: Server, cast: Cast, wire: str) -> None:
    asset = AssetFactory(library=cast.barcelona)
    one = {**BARCELONA, "assetId": asset.pk}
    access = tokens_of(connect(cast.bob, make_client(), cast.acme)).access
    with connected(server.mcp_url, access, wire) as client:
        assert client.data("get_asset", **one)["approval"] is None
        answer = client.data("set_asset_approval", **one, state="needs_changes", note="Brighter")
        assert set(answer) == {"assetId", "approval"}
        assert set(answer["approval"]) == {"state", "note", "by", "at"}
        assert (answer["approval"]["note"], answer["approval"]["by"]) == ("Brighter", {"name": "Bob"})
        assert client.data("get_asset", **one)["approval"] == answer["approval"]
        for wrong in ({"state": "rejected"}, {"state": "approved", "note": "x" * 501}, {"state": "approved", "x": 1}):
            assert client.error("set_asset_approval", **one, **wrong)["code"] == "BAD_USER_INPUT"


@pytest.mark.parametrize("wire", WIRES)
def test_who_was_given_read_only_approves_nothing(server: Server, cast: Cast, wire: str) -> None:
    asset = AssetFactory(library=cast.barcelona)
    arguments = {**BARCELONA, "assetId": asset.pk, "state": "approved"}
    viewer = tokens_of(connect(cast.carol, make_client("one"), cast.acme)).access
    withheld = tokens_of(connect(cast.bob, make_client("two"), cast.acme, may_write=False)).access
    assert "API_KEY_READ_ONLY" in call_tool(server.mcp_url, viewer, wire, "set_asset_approval", arguments).text
    assert "INSUFFICIENT_SCOPE" in call_tool(server.mcp_url, withheld, wire, "set_asset_approval", arguments).text
    assert Asset.objects.get().approval_state == ""


@pytest.mark.parametrize("wire", WIRES)
def test_arguments_that_do_not_fit_are_named(server: Server, cast: Cast, wire: str) -> None:
    with connected(server.mcp_url, cast.key(barcelona="write").secret, wire) as client:
        for tool, arguments, named in (
            ("delete_assets", {**BARCELONA, "ids": []}, "ids"),
            ("restore_assets", {**BARCELONA, "ids": ["a"] * 101}, "ids"),
            ("rename_asset", {**BARCELONA, "assetId": "a", "name": "   "}, "name"),
            ("rename_asset", {**BARCELONA, "assetId": "a", "name": "x" * 256}, "name"),
            ("promote_variant", {**BARCELONA, "assetId": "a"}, "variantId"),
            (
                "transfer_assets",
                {**ACME, "sourceLibraryId": "a", "targetLibraryId": "a", "assetIds": ["a"]},
                "targetLibraryId",
            ),
        ):
            error = client.error(tool, **arguments)
            assert error["code"] == "BAD_USER_INPUT", tool
            assert named in error["message"], tool


def test_a_key_that_may_not_write_where_assets_go_is_told_so_and_nothing_moves(server: Server, cast: Cast) -> None:
    asset = AssetFactory(library=cast.barcelona)
    arguments = {**ACME, "sourceLibraryId": "barcelona", "targetLibraryId": "paris", "assetIds": [asset.pk]}
    for access, code in (
        ({"barcelona": "write", "paris": "read"}, "API_KEY_READ_ONLY"),
        ({"barcelona": "write"}, "API_KEY_NOT_AUTHORIZED_FOR_LIBRARY"),
    ):
        key = cast.key(str(access), **access).secret
        assert code in call_tool(server.mcp_url, key, WIRES[0], "transfer_assets", arguments).text
    assert Asset.objects.get().library == cast.barcelona
