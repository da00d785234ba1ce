"""Assets move between libraries of one organization with all that is theirs; everything at once or nothing."""

import pytest
from django.utils import timezone
from pydantic import ValidationError

from assets.contracts import GetAsset, ListTags, TransferAssets
from assets.models import Asset, AssetEvent, Tag
from assets.operations.assets import get_asset
from assets.operations.tags import list_tags
from assets.operations.transfers import transfer_assets
from orgs.models import AuditEntry, Library
from raster.errors import (
    BadUserInput,
    LibraryNotAuthorized,
    LibraryReadOnly,
    OrganizationNotFound,
    RasterError,
    ResourceNotFound,
)
from tests.assets.people import key_principal, person
from tests.factories import AssetFactory, Cast


def arguments(assets: list[str], **more: object) -> TransferAssets:
    places = {"organizationId": "acme", "sourceLibraryId": "barcelona", "targetLibraryId": "paris"}
    return TransferAssets.model_validate({**places, "assetIds": assets, **more})


def transfer(cast: Cast, *assets: Asset, by: str = "alice", **more: object) -> int:
    return transfer_assets(person(cast, by), arguments([asset.pk for asset in assets], **more)).transferred_count


def libraries_of(*assets: Asset) -> list[Library]:
    where = {asset.pk: asset.library for asset in Asset.objects.select_related("library")}
    return [where[asset.pk] for asset in assets]


@pytest.mark.parametrize(
    ("by", "places", "refusal"),
    [
        ("dave", {}, OrganizationNotFound),
        ("alice", {"organizationId": "nobody"}, OrganizationNotFound),
        ("alice", {"organizationId": "globex"}, OrganizationNotFound),
        ("alice", {"sourceLibraryId": "unknown"}, LibraryNotAuthorized),
        ("alice", {"targetLibraryId": "unknown"}, LibraryNotAuthorized),
        ("alice", {"targetLibraryId": "secret"}, LibraryNotAuthorized),
        ("bob", {}, LibraryNotAuthorized),
        ("bob", {"sourceLibraryId": "paris", "targetLibraryId": "barcelona"}, LibraryNotAuthorized),
        ("carol", {}, LibraryNotAuthorized),
    ],
)
def test_who_may_not_write_on_both_libraries_moves_nothing(
    cast: Cast, by: str, places: dict[str, str], refusal: type[RasterError]
) -> None:
    asset = AssetFactory(library=cast.barcelona)
    with pytest.raises(refusal):
        transfer(cast, asset, by=by, **places)
    assert libraries_of(asset) == [cast.barcelona]


@pytest.mark.parametrize(
    ("access", "refusal"),
    [
        ({"barcelona": "write"}, LibraryNotAuthorized),
        ({"paris": "write"}, LibraryNotAuthorized),
        ({"barcelona": "read"}, LibraryNotAuthorized),  # what is out of reach comes before the level
        ({"barcelona": "write", "paris": "read"}, LibraryReadOnly),
        ({"barcelona": "read", "paris": "write"}, LibraryReadOnly),
    ],
)
def test_a_key_needs_write_on_both(cast: Cast, access: dict[str, str], refusal: type[RasterError]) -> None:
    asset = AssetFactory(library=cast.barcelona)
    with pytest.raises(refusal):
        transfer_assets(key_principal(cast, **access), arguments([asset.pk]))
    assert libraries_of(asset) == [cast.barcelona]


@pytest.mark.parametrize("other", ["missing", "trashed", "paris", "secret"])
def test_one_id_that_is_not_live_in_the_source_fails_the_whole_call(cast: Cast, other: str) -> None:
    asset = AssetFactory(library=cast.barcelona, tagged=["Sea"])
    bad = Asset(pk="a" * 22)
    if other == "trashed":
        bad = AssetFactory(library=cast.barcelona, trashed=timezone.now())
    elif other != "missing":
        bad = AssetFactory(library=getattr(cast, other))
    with pytest.raises(ResourceNotFound):
        transfer(cast, asset, bad)
    assert libraries_of(asset) == [cast.barcelona]
    assert not Tag.objects.filter(library=cast.paris).exists()


def test_the_libraries_are_two_and_the_assets_1_to_100() -> None:
    for assets, more in (
        (["a"], {"targetLibraryId": "barcelona"}),
        ([], {}),
        ([str(number) for number in range(101)], {}),
    ):
        with pytest.raises(ValidationError):
            arguments(assets, **more)


def test_an_asset_keeps_its_id_its_links_its_tags_and_its_variants(cast: Cast) -> None:
    asset = AssetFactory(library=cast.barcelona, tagged=["Sea", "Sky"], description="At the sea")
    variant = AssetFactory(library=cast.barcelona, parent=asset, tagged=["Night"])
    trashed = AssetFactory(library=cast.barcelona, parent=asset, trashed=timezone.now())
    stays = AssetFactory(library=cast.barcelona)
    one = {"organizationId": "acme", "assetId": asset.pk}
    before = get_asset(person(cast, "alice"), GetAsset.model_validate({**one, "libraryId": "barcelona"}))
    assert transfer(cast, asset, asset) == 1
    after = get_asset(person(cast, "alice"), GetAsset.model_validate({**one, "libraryId": "paris"}))
    assert (after.id, after.url, after.tags, after.description) == (before.id, before.url, ["Sea", "Sky"], "At the sea")
    assert [(shown.id, shown.url, shown.tags) for shown in after.variants] == [
        (variant.pk, before.variants[0].url, ["Night"])
    ]
    assert after.library_id == after.variants[0].library_id == "paris"
    assert after.app_url.endswith(f"/acme/paris/{asset.pk}")
    assert libraries_of(asset, variant, trashed, stays) == [cast.paris, cast.paris, cast.paris, cast.barcelona]


def test_a_tag_becomes_the_targets_of_the_same_text_and_orphans_are_forgotten(cast: Cast) -> None:
    moved = AssetFactory(library=cast.barcelona, tagged=["SEA", "Both", "Only there"])
    AssetFactory(library=cast.barcelona, tagged=["Both"])
    AssetFactory(library=cast.paris, tagged=["sea"])
    transfer(cast, moved)
    assert sorted(Tag.objects.filter(library=cast.barcelona).values_list("text", flat=True)) == ["Both"]
    assert sorted(Tag.objects.filter(library=cast.paris).values_list("text", flat=True)) == [
        "Both",
        "Only there",
        "sea",
    ]
    page = list_tags(person(cast, "alice"), ListTags(organization_id="acme", library_id="paris"))
    assert [(tag.id, tag.count) for tag in page.data] == [("sea", 2), ("Both", 1), ("Only there", 1)]
    assert [tag.text for tag in Asset.objects.get(pk=moved.pk).tags.order_by("asset_tags__id")] == [
        "sea",
        "Both",
        "Only there",
    ]


def test_a_tag_that_only_the_trash_still_carries_is_kept(cast: Cast) -> None:
    moved = AssetFactory(library=cast.barcelona, tagged=["Sea"])
    AssetFactory(library=cast.barcelona, tagged=["Sea"], trashed=timezone.now())
    transfer(cast, moved)
    assert Tag.objects.filter(library=cast.barcelona, text="Sea").exists()


def test_a_variant_moves_with_its_original_only(cast: Cast) -> None:
    original, other = AssetFactory(library=cast.barcelona), AssetFactory(library=cast.barcelona)
    variant = AssetFactory(library=cast.barcelona, parent=original)
    with pytest.raises(BadUserInput, match="name the original"):
        transfer(cast, other, variant)
    assert libraries_of(original, other, variant) == [cast.barcelona] * 3
    assert transfer(cast, variant, original) == 2


def test_moving_twice_finds_nothing_and_moving_back_works(cast: Cast) -> None:
    asset = AssetFactory(library=cast.barcelona, tagged=["Sea"])
    assert transfer(cast, asset) == 1
    with pytest.raises(ResourceNotFound):
        transfer(cast, asset)
    assert transfer(cast, asset, sourceLibraryId="paris", targetLibraryId="barcelona") == 1
    assert [tag.library for tag in asset.tags.all()] == [cast.barcelona]


def test_a_key_with_write_on_both_moves_and_the_move_is_recorded(cast: Cast) -> None:
    asset = AssetFactory(library=cast.barcelona)
    updated = asset.updated
    moved = transfer_assets(key_principal(cast, barcelona="write", paris="write"), arguments([asset.pk]))
    assert moved.model_dump() == {
        "transferredCount": 1,
        "sourceLibraryId": "barcelona",
        "targetLibraryId": "paris",
    }
    asset.refresh_from_db()
    assert asset.updated > updated
    entry = AuditEntry.objects.get(action="asset.transfer")
    assert (entry.before, entry.after) == (
        {"library": "Barcelona (barcelona)"},
        {"library": "Paris (paris)", "assets": [asset.pk]},
    )
    event = AssetEvent.objects.get(asset=asset)
    assert (event.kind, event.by_name) == ("transfer", "Agent")
