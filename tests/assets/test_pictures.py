"""What pages show of an asset before its picture has come, and where there is none."""

import base64

import pytest

from assets.contracts import GetAsset
from assets.operations.assets import get_asset
from assets.pictures import Picture, picture, placeholder
from tests.assets.people import person
from tests.assets.pictures import opened
from tests.factories import AssetFactory, Cast

BLURHASH = "LEHV6nWB2yk8pyo0adR*.7kCMdnj"


def shown(cast: Cast, **fields: object) -> Picture:
    asset = AssetFactory(library=cast.barcelona, **fields)
    command = GetAsset(organization_id="acme", library_id="barcelona", asset_id=asset.pk)
    return picture(get_asset(person(cast, "carol"), command))


def test_a_blurhash_becomes_a_picture_of_a_few_bytes() -> None:
    head, _, data = placeholder(BLURHASH).partition(",")
    assert head == "data:image/png;base64"
    image = opened(base64.b64decode(data))
    assert (image.width, image.height) == (8, 6)
    assert len(data) < 400


@pytest.mark.parametrize("text", ["x", "not a blurhash", "LEHV6nWB2yk8pyo0adR*.7kCMd"])
def test_what_is_no_blurhash_becomes_nothing(text: str) -> None:
    assert placeholder(text) == ""


@pytest.mark.parametrize(
    ("width", "height", "shape"), [(800, 600, 13), (600, 800, 8), (10, 1000, 5), (9000, 10, 30), (None, None, 13)]
)
def test_the_shape_is_one_that_the_stylesheet_has(
    cast: Cast, width: int | None, height: int | None, shape: int
) -> None:
    assert shown(cast, width=width, height=height).shape == shape


def test_an_original_that_could_not_be_decoded_is_not_shown(cast: Cast) -> None:
    assert shown(cast, derivatives="failed").source == ""
    assert shown(cast, derivatives="pending").source.startswith("http://")
    assert shown(cast, derivatives="pending", content_type="image/heic").source == ""


def test_a_gif_is_shown_whole_where_it_is_large(cast: Cast) -> None:
    asset = shown(cast, content_type="image/gif", sizes={"320": "a.webp", "640": "b.webp"})
    assert asset.whole == asset.asset.url
    assert asset.poster.endswith("/640/b.webp")
    assert shown(cast, sizes={"320": "a.webp"}).whole == ""
