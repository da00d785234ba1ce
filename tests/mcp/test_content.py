"""What follows the JSON of a result: links to files, and the picture that a model asked to see."""

import base64
import json
from datetime import timedelta

import pytest
from django.utils import timezone
from mcp_types import CallToolResult, ImageContent, ResourceLink, TextContent

from assets.derivatives import derive_all
from assets.models import Asset
from mcp_gateway.content import MOST_LINKS
from tests.assets import pictures
from tests.assets.test_derivatives import pending
from tests.factories import AssetFactory, Cast
from tests.mcp.client import WIRES, call_tool, connected
from tests.server import Server

ACME = {"organizationId": "acme"}
BARCELONA = {**ACME, "libraryId": "barcelona"}


def followed(result: CallToolResult) -> list[object]:
    """Return the blocks after the first, which has the structured content's JSON."""
    assert not result.is_error
    first, *others = result.content
    assert isinstance(first, TextContent)
    assert json.loads(first.text) == result.structured_content
    return list(others)


@pytest.mark.parametrize("wire", WIRES)
def test_a_preview_of_what_is_out_of_reach_is_the_same_refusal_as_without(
    server: Server, cast: Cast, wire: str
) -> None:
    asset = AssetFactory(library=cast.paris)
    trashed = AssetFactory(library=cast.barcelona, trashed=timezone.now())
    with connected(server.mcp_url, cast.key(barcelona="read").secret, wire) as client:
        for place in ({**ACME, "libraryId": "paris", "assetId": asset.pk}, {**BARCELONA, "assetId": asset.pk}):
            assert client.error("get_asset", **place, preview=True) == client.error("get_asset", **place)
        assert client.error("get_asset", **BARCELONA, assetId=trashed.pk, preview=True)["status"] == 404
        assert client.error("get_asset", **BARCELONA, assetId=asset.pk, preview="yes")["code"] == "BAD_USER_INPUT"


@pytest.mark.parametrize("wire", WIRES)
def test_a_model_gets_to_see_an_asset_where_it_asks(server: Server, cast: Cast, wire: str) -> None:
    asset = pending(pictures.jpeg(1600, 800, gps=True))
    derive_all(Asset.objects.all())
    with connected(server.mcp_url, cast.key(barcelona="read").secret, wire) as client:
        plain = client.call("get_asset", **BARCELONA, assetId=asset.pk)
        assert followed(plain) == []
        seen = client.call("get_asset", **BARCELONA, assetId=asset.pk, preview=True)
    assert seen.structured_content == plain.structured_content
    [image] = followed(seen)
    assert isinstance(image, ImageContent)
    assert image.mime_type == "image/jpeg"
    content = base64.b64decode(image.data)
    small = pictures.opened(content)
    assert (small.get("vips-loader"), small.width, small.height) == ("jpegload_buffer", 640, 320)
    red, green, _ = small.getpoint(20, 20)
    assert red > 2 * green
    assert b"SecretCameraMaker" not in content


@pytest.mark.parametrize(
    ("kind", "width", "size"),
    [("svg", 800, (640, 320)), ("png", 24, (24, 24)), ("heic", 800, (640, 640)), ("pdf", 800, (640, 640))],
)
def test_every_picture_has_a_preview_however_small(
    server: Server, cast: Cast, kind: str, width: int, size: tuple[int, int]
) -> None:
    asset = pending(pictures.encoded(kind, width, width), f"file.{kind}")
    derive_all(Asset.objects.all())
    with connected(server.mcp_url, cast.key(barcelona="read").secret, WIRES[0]) as client:
        [image] = followed(client.call("get_asset", **BARCELONA, assetId=asset.pk, preview=True))
    assert isinstance(image, ImageContent)
    small = pictures.opened(base64.b64decode(image.data))
    assert (small.width, small.height) == size


@pytest.mark.parametrize(
    ("state", "words"),
    [(Asset.Derivatives.PENDING, "being made"), (Asset.Derivatives.FAILED, "none can be made"), ("ready", "none can")],
)
def test_an_asset_without_a_preview_says_so(server: Server, cast: Cast, state: str, words: str) -> None:
    due = timezone.now() + timedelta(hours=1)
    asset = AssetFactory(library=cast.barcelona, derivatives=state, derivatives_due=due)
    with connected(server.mcp_url, cast.key(barcelona="read").secret, WIRES[0]) as client:
        [text] = followed(client.call("get_asset", **BARCELONA, assetId=asset.pk, preview=True))
    assert isinstance(text, TextContent)
    assert words in text.text


def test_a_preview_whose_file_is_gone_says_so(server: Server, cast: Cast) -> None:
    asset = AssetFactory(library=cast.barcelona, sizes={"640": "gone.webp"})
    with connected(server.mcp_url, cast.key(barcelona="read").secret, WIRES[0]) as client:
        [text] = followed(client.call("get_asset", **BARCELONA, assetId=asset.pk, preview=True))
    assert isinstance(text, TextContent)


@pytest.mark.parametrize("wire", WIRES)
@pytest.mark.parametrize(("tool", "arguments"), [("list_assets", BARCELONA), ("search_assets", {**ACME, "q": ""})])
def test_listed_and_found_assets_are_linked_to(
    server: Server, cast: Cast, wire: str, tool: str, arguments: dict[str, str]
) -> None:
    asset = AssetFactory(library=cast.barcelona, name="Sea", file_name="Sea é.jpg", size=1234)
    with connected(server.mcp_url, cast.key(barcelona="read").secret, wire) as client:
        [link] = followed(client.call(tool, **arguments))
    assert isinstance(link, ResourceLink)
    assert link.uri == f"{server.url}/media/{asset.pk}/Sea%20%C3%A9.jpg"
    assert (link.name, link.mime_type, link.size) == ("Sea", "image/jpeg", 1234)


def test_a_long_list_links_to_its_first_assets_alone(server: Server, cast: Cast) -> None:
    AssetFactory.create_batch(MOST_LINKS + 5, library=cast.barcelona)
    answer = call_tool(
        server.mcp_url, cast.key(barcelona="read").secret, WIRES[0], "list_assets", {**BARCELONA, "pageSize": 500}
    )
    content = answer.json()["result"]["content"]
    listed = answer.json()["result"]["structuredContent"]["data"]
    assert len(listed) == MOST_LINKS + 5
    assert [block["uri"] for block in content[1:]] == [asset["url"] for asset in listed[:MOST_LINKS]]
    assert len(json.dumps(content[1:])) < 20_000
