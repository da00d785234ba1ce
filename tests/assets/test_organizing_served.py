"""What is trashed, restored, moved or promoted is served so at once, from a real server."""

import os
from pathlib import Path

import httpx2
import pytest
from django.core.files.storage import default_storage

from assets.contracts import DeleteAssets, PromoteVariant, RestoreAssets, TransferAssets
from assets.models import Asset
from assets.operations.transfers import transfer_assets
from assets.operations.trash import delete_assets, restore_assets
from assets.operations.variants import promote_variant
from tests.assets.people import person
from tests.assets.stored import stored_asset
from tests.factories import Cast
from tests.server import Server

PLACE = {"organizationId": "acme", "libraryId": "barcelona"}


@pytest.fixture
def original(server: Server, cast: Cast) -> Asset:
    return stored_asset(cast.barcelona, b"original", name="Sea", file_name="sea.jpg")


@pytest.fixture
def variant(cast: Cast, original: Asset) -> Asset:
    kind = {"content_type": "image/png", "file_name": "sea-at-night.png"}
    return stored_asset(cast.barcelona, b"the variant", parent=original, name="Sea at night", **kind)


def get(server: Server, asset: Asset, query: str = "", **headers: str) -> httpx2.Response:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return httpx2.get(f"{server.url}/media/{asset.pk}/{asset.file_name}{query}", headers=named)


def size_of(server: Server, asset: Asset) -> httpx2.Response:
    return httpx2.get(f"{server.url}/media/{asset.pk}/320/{asset.sizes['320']}")


def promote(cast: Cast, original: Asset, variant: Asset) -> None:
    command = {**PLACE, "assetId": original.pk, "variantId": variant.pk}
    promote_variant(person(cast, "bob"), PromoteVariant.model_validate(command))
    original.refresh_from_db()
    variant.refresh_from_db()


def test_a_promoted_variant_is_served_under_the_originals_link(
    server: Server, cast: Cast, original: Asset, variant: Asset
) -> None:
    before = get(server, original)
    promote(cast, original, variant)
    after, former = get(server, original), get(server, variant)
    assert (after.content, after.headers["content-type"]) == (b"the variant", "image/png")
    assert (former.content, former.headers["content-type"]) == (b"original", "image/jpeg")
    assert after.headers["etag"] != before.headers["etag"]
    assert former.headers["etag"] == before.headers["etag"]
    assert (size_of(server, original).content, size_of(server, variant).content) == (
        b"size of the variant",
        b"size of original",
    )


def test_a_copy_of_the_former_file_is_not_taken_for_the_present_one(
    server: Server, cast: Cast, original: Asset, variant: Asset
) -> None:
    os.utime(Path(default_storage.path(variant.file)), (1_000_000_000, 1_000_000_000))
    before = get(server, original).headers
    promote(cast, original, variant)
    assert get(server, original, if_none_match=before["etag"]).content == b"the variant"
    assert get(server, original, if_modified_since=before["last-modified"]).content == b"the variant"
    assert get(server, original, range="bytes=0-2", if_range=before["etag"]).status_code == 200
    assert get(server, original, range="bytes=0-2", if_range=before["last-modified"]).status_code == 200


def test_a_download_is_named_after_the_asset_and_what_the_file_is(
    server: Server, cast: Cast, original: Asset, variant: Asset
) -> None:
    assert get(server, original, "?download").headers["content-disposition"] == 'attachment; filename="Sea.jpg"'
    promote(cast, original, variant)
    assert get(server, original, "?download").headers["content-disposition"] == 'attachment; filename="Sea.png"'


def test_the_trash_serves_nothing_and_what_comes_back_is_served_again(
    server: Server, cast: Cast, original: Asset, variant: Asset
) -> None:
    ids = {**PLACE, "ids": [original.pk]}
    delete_assets(person(cast, "bob"), DeleteAssets.model_validate(ids))
    for response in (get(server, original), size_of(server, original), get(server, variant), size_of(server, variant)):
        assert (response.status_code, response.text) == (404, "There is no such file.\n")
    restore_assets(person(cast, "bob"), RestoreAssets.model_validate(ids))
    assert (get(server, original).content, get(server, variant).content) == (b"original", b"the variant")
    assert size_of(server, original).content == b"size of original"


def test_a_moved_asset_keeps_its_links(server: Server, cast: Cast, original: Asset, variant: Asset) -> None:
    ends = {"organizationId": "acme", "sourceLibraryId": "barcelona", "targetLibraryId": "paris"}
    transfer_assets(person(cast, "alice"), TransferAssets.model_validate({**ends, "assetIds": [original.pk]}))
    assert (get(server, original).content, get(server, variant).content) == (b"original", b"the variant")
