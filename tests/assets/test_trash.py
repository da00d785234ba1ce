"""Assets go to the trash with their variants and come back as they were; everything at once or nothing."""

from datetime import timedelta

import pytest
from django.utils import timezone
from pydantic import ValidationError

from assets.contracts import DeleteAssets, GetAsset, ListAssets, ListLibraries, ListTags, ListTrash, RestoreAssets
from assets.models import Asset, AssetEvent
from assets.operations.assets import get_asset, list_assets
from assets.operations.libraries import list_libraries
from assets.operations.tags import list_tags
from assets.operations.trash import delete_assets, list_trash, restore_assets
from assets.serving import find_file
from orgs.models import AuditEntry
from raster.errors import (
    BadUserInput,
    LibraryNotAuthorized,
    LibraryReadOnly,
    OrganizationNotFound,
    RasterError,
    ResourceNotFound,
)
from tests.assets.people import person
from tests.assets.stored import stored_asset
from tests.factories import AssetFactory, Cast

BARCELONA = {"organizationId": "acme", "libraryId": "barcelona"}


def delete(cast: Cast, *assets: Asset | str, by: str = "bob", **place: str) -> tuple[str, list[str]]:
    ids = [asset if isinstance(asset, str) else asset.pk for asset in assets]
    deleted = delete_assets(person(cast, by), DeleteAssets.model_validate({**BARCELONA, **place, "ids": ids}))
    assert deleted.success
    return deleted.message, deleted.ids


def restore(cast: Cast, *assets: Asset | str, by: str = "bob", **place: str) -> tuple[str, list[str]]:
    ids = [asset if isinstance(asset, str) else asset.pk for asset in assets]
    restored = restore_assets(person(cast, by), RestoreAssets.model_validate({**BARCELONA, **place, "ids": ids}))
    assert restored.success
    return restored.message, restored.ids


def trash(cast: Cast, by: str = "bob", **arguments: object) -> list[str]:
    page = list_trash(person(cast, by), ListTrash.model_validate({**BARCELONA, **arguments}))
    return [asset.id for asset in page.data]


def in_trash(*assets: Asset) -> list[bool]:
    trashed = {asset.pk: asset.trashed is not None for asset in Asset.objects.all()}
    return [trashed[asset.pk] for asset in assets]


OUT_OF_REACH = [
    ("dave", "acme", "barcelona", OrganizationNotFound),
    ("bob", "nobody", "barcelona", OrganizationNotFound),
    ("bob", "acme", "paris", LibraryNotAuthorized),
    ("bob", "acme", "secret", LibraryNotAuthorized),
    ("carol", "acme", "barcelona", LibraryReadOnly),
]


@pytest.mark.parametrize(("by", "organization", "library", "refusal"), OUT_OF_REACH)
def test_who_may_not_write_changes_and_sees_no_trash(
    cast: Cast, by: str, organization: str, library: str, refusal: type[RasterError]
) -> None:
    live, trashed = AssetFactory(library=cast.barcelona), AssetFactory(library=cast.barcelona, trashed=timezone.now())
    place = {"organizationId": organization, "libraryId": library}
    with pytest.raises(refusal):
        delete(cast, live, by=by, **place)
    with pytest.raises(refusal):
        restore(cast, trashed, by=by, **place)
    with pytest.raises(refusal):
        trash(cast, by=by, **place)
    assert in_trash(live, trashed) == [False, True]


@pytest.mark.parametrize("other", ["missing", "paris", "secret"])
def test_one_id_that_is_not_in_the_library_fails_the_whole_call(cast: Cast, other: str) -> None:
    elsewhere = "a" * 22 if other == "missing" else AssetFactory(library=getattr(cast, other)).pk
    live, trashed = AssetFactory(library=cast.barcelona), AssetFactory(library=cast.barcelona, trashed=timezone.now())
    with pytest.raises(ResourceNotFound):
        delete(cast, live, elsewhere)
    with pytest.raises(ResourceNotFound):
        restore(cast, trashed, elsewhere)
    assert in_trash(live, trashed) == [False, True]
    assert not AuditEntry.objects.filter(action__in=["asset.trash", "asset.restore"]).exists()


@pytest.mark.parametrize("contract", [DeleteAssets, RestoreAssets])
def test_a_call_names_1_to_100_assets(contract: type[DeleteAssets | RestoreAssets]) -> None:
    for ids in ([], [str(number) for number in range(101)]):
        with pytest.raises(ValidationError):
            contract.model_validate({**BARCELONA, "ids": ids})
    contract.model_validate({**BARCELONA, "ids": [str(number) for number in range(100)]})


def test_what_is_deleted_is_counted_once_and_not_again(cast: Cast) -> None:
    assets = [AssetFactory(library=cast.barcelona) for _ in range(3)]
    ids = [asset.pk for asset in assets]
    assert delete(cast, *assets) == ("Moved 3 assets to trash", ids)
    assert delete(cast, *assets) == ("Moved 0 assets to trash", [])
    another = AssetFactory(library=cast.barcelona)
    assert delete(cast, another, *assets, another) == ("Moved 1 asset to trash", [another.pk])


def test_what_is_restored_is_counted_once_and_not_again(cast: Cast) -> None:
    assets = [AssetFactory(library=cast.barcelona) for _ in range(2)]
    delete(cast, assets[0])
    assert restore(cast, *assets) == ("Restored 1 asset from trash", [assets[0].pk])
    assert restore(cast, *assets) == ("Restored 0 assets from trash", [])


def test_an_asset_leaves_everything_at_once_and_comes_back_as_it_was(cast: Cast) -> None:
    asset = stored_asset(cast.barcelona, b"sea", description="At the sea", tagged=["Sea"])
    AssetFactory(library=cast.barcelona, tagged=["Sky"])
    caller, one = person(cast, "bob"), GetAsset.model_validate({**BARCELONA, "assetId": asset.pk})
    path = f"{asset.pk}/{asset.file_name}"
    before = get_asset(caller, one)
    assert find_file(path) is not None

    delete(cast, asset)
    assert asset.pk not in str(list_assets(caller, ListAssets.model_validate(BARCELONA)))
    [library] = list_libraries(caller, ListLibraries(organization_id="acme")).data
    assert (library.assets_count, library.trash_count) == (1, 1)
    assert find_file(path) is None
    with pytest.raises(ResourceNotFound):
        get_asset(caller, one)

    restore(cast, asset)
    after = get_asset(caller, one)
    assert after.model_copy(update={"updated": before.updated}) == before
    assert after.updated >= before.updated
    assert find_file(path) is not None


def test_tags_of_what_is_in_the_trash_are_kept_and_not_counted(cast: Cast) -> None:
    asset = AssetFactory(library=cast.barcelona, tagged=["Sea"])
    every = ListTags.model_validate(BARCELONA)
    delete(cast, asset)
    assert list_tags(person(cast, "bob"), every).data == []
    restore(cast, asset)
    assert [tag.id for tag in list_tags(person(cast, "bob"), every).data] == ["Sea"]


def test_variants_follow_their_original_there_and_back(cast: Cast) -> None:
    original, other = AssetFactory(library=cast.barcelona), AssetFactory(library=cast.barcelona)
    variants = [AssetFactory(library=cast.barcelona, parent=original) for _ in range(2)]
    assert delete(cast, original) == ("Moved 1 asset to trash", [original.pk])
    assert in_trash(original, *variants, other) == [True, True, True, False]
    [shown] = list_trash(person(cast, "bob"), ListTrash.model_validate(BARCELONA)).data
    assert {variant.id for variant in shown.variants} == {variant.pk for variant in variants}
    assert restore(cast, original) == ("Restored 1 asset from trash", [original.pk])
    assert in_trash(original, *variants) == [False, False, False]


def test_a_variant_alone_goes_and_comes_back_by_its_own_id(cast: Cast) -> None:
    original = AssetFactory(library=cast.barcelona)
    variant = AssetFactory(library=cast.barcelona, parent=original)
    assert delete(cast, variant) == ("Moved 1 asset to trash", [variant.pk])
    assert in_trash(original, variant) == [False, True]
    assert trash(cast) == [variant.pk]
    # Before its original went there, and so not with it.
    delete(cast, original)
    assert trash(cast) == [original.pk]
    restore(cast, original)
    assert in_trash(original, variant) == [False, True]
    restore(cast, variant)
    assert in_trash(variant) == [False]


def test_a_variant_does_not_come_back_without_its_original(cast: Cast) -> None:
    original, other = AssetFactory(library=cast.barcelona), AssetFactory(library=cast.barcelona)
    variant = AssetFactory(library=cast.barcelona, parent=original)
    delete(cast, original, other)
    with pytest.raises(BadUserInput, match="restore the original"):
        restore(cast, other, variant)
    assert in_trash(original, variant, other) == [True, True, True]
    assert restore(cast, variant, original) == ("Restored 2 assets from trash", [variant.pk, original.pk])
    assert in_trash(original, variant) == [False, False]


def test_an_original_and_its_variant_may_be_named_together(cast: Cast) -> None:
    original = AssetFactory(library=cast.barcelona)
    variant = AssetFactory(library=cast.barcelona, parent=original)
    assert delete(cast, variant, original) == ("Moved 2 assets to trash", [variant.pk, original.pk])


def test_the_trash_is_listed_by_pages_newest_first_with_its_dates(cast: Cast) -> None:
    now = timezone.now()
    assets = [AssetFactory(library=cast.barcelona, trashed=now - timedelta(days=day)) for day in range(3)]
    AssetFactory(library=cast.barcelona)
    AssetFactory(library=cast.paris, trashed=now)
    assert trash(cast) == [asset.pk for asset in assets]
    assert trash(cast, page=2, pageSize=2) == [assets[2].pk]
    page = list_trash(person(cast, "bob"), ListTrash.model_validate({**BARCELONA, "pageSize": 1}))
    assert page.total == 3
    assert page.data[0].trashed == int(now.timestamp() * 1000)
    assert page.data[0].removed_from == int((now + timedelta(days=30)).timestamp() * 1000)


def test_the_count_of_a_librarys_trash_is_what_its_list_holds(cast: Cast) -> None:
    original, gone = AssetFactory(library=cast.barcelona), AssetFactory(library=cast.barcelona)
    alone = AssetFactory(library=cast.barcelona, parent=original)
    AssetFactory(library=cast.barcelona, parent=gone)
    delete(cast, alone, gone)
    [library] = list_libraries(person(cast, "bob"), ListLibraries(organization_id="acme")).data
    assert (library.assets_count, library.trash_count) == (1, 2)
    assert set(trash(cast)) == {alone.pk, gone.pk}


def test_each_change_is_recorded_and_no_change_is_not(cast: Cast) -> None:
    original = AssetFactory(library=cast.barcelona)
    variant = AssetFactory(library=cast.barcelona, parent=original)
    for change in (delete, delete, restore, restore):
        change(cast, original)
    both = sorted([original.pk, variant.pk])
    entries = AuditEntry.objects.filter(action__startswith="asset.").order_by("pk")
    assert [(entry.action, entry.actor, entry.after["assets"]) for entry in entries] == [
        ("asset.trash", "bob@example.com", both),
        ("asset.restore", "bob@example.com", both),
    ]
    for asset in (original, variant):
        events = AssetEvent.objects.filter(asset=asset)
        assert [(event.kind, event.by_name) for event in events] == [("restore", "Bob"), ("trash", "Bob")]
