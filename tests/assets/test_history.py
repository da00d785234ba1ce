"""An asset's history names who did what and when, and nothing that is out of its reader's reach."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from assets.contracts import (
    DeleteAssets,
    GetAsset,
    HistoryRecord,
    RenameAsset,
    RestoreAssets,
    SetAssetApproval,
    TagAssets,
    TransferAssets,
    UntagAssets,
    UpdateAssetDescription,
)
from assets.events import record_event
from assets.models import Asset
from assets.operations.approvals import set_asset_approval
from assets.operations.assets import rename_asset, update_asset_description
from assets.operations.history import MOST_EVENTS, list_history
from assets.operations.tags import tag_assets, untag_assets
from assets.operations.transfers import transfer_assets
from assets.operations.trash import delete_assets, restore_assets
from orgs.access import OperatorPrincipal, Origin
from orgs.models import AuditEntry
from raster.errors import LibraryNotAuthorized, OrganizationNotFound, RasterError, ResourceNotFound
from tests.assets.people import key_principal, person
from tests.factories import AssetFactory, Cast

BARCELONA = {"organizationId": "acme", "libraryId": "barcelona"}


def history(cast: Cast, asset: Asset, by: str = "carol", **place: str) -> list[HistoryRecord]:
    return list_history(person(cast, by), GetAsset.model_validate({**BARCELONA, "assetId": asset.pk, **place}))


def transfer(cast: Cast, asset: Asset, source: str, target: str) -> None:
    ends = {"organizationId": "acme", "sourceLibraryId": source, "targetLibraryId": target}
    transfer_assets(person(cast, "alice"), TransferAssets.model_validate({**ends, "assetIds": [asset.pk]}))


@pytest.mark.parametrize(
    ("by", "place", "refusal"),
    [
        ("dave", {}, OrganizationNotFound),
        ("carol", {"libraryId": "paris"}, LibraryNotAuthorized),
        ("carol", {"libraryId": "unknown"}, LibraryNotAuthorized),
    ],
)
def test_what_is_out_of_reach_has_no_history(
    cast: Cast, by: str, place: dict[str, str], refusal: type[RasterError]
) -> None:
    with pytest.raises(refusal):
        history(cast, AssetFactory(library=cast.barcelona), by=by, **place)


def test_what_is_missing_trashed_or_elsewhere_has_no_history(cast: Cast) -> None:
    trashed = AssetFactory(library=cast.barcelona, trashed=timezone.now())
    for asset in (trashed, AssetFactory(library=cast.paris), AssetFactory(library=cast.secret), Asset(pk="a" * 22)):
        with pytest.raises(ResourceNotFound):
            history(cast, asset)


def test_every_change_is_told_newest_first(cast: Cast) -> None:
    asset = AssetFactory(library=cast.barcelona, name="Sea", tagged=["there already"])
    bob, key = person(cast, "bob"), key_principal(cast, barcelona="write")
    one, batch, ids = {"assetId": asset.pk}, {"assetIds": [asset.pk]}, {"ids": [asset.pk]}
    tags = {"tags": ["Night", "THERE already"]}
    rename_asset(bob, RenameAsset.model_validate({**BARCELONA, **one, "name": "Ocean"}))
    update_asset_description(bob, UpdateAssetDescription.model_validate({**BARCELONA, **one, "description": "Deep"}))
    tag_assets(key, TagAssets.model_validate({**BARCELONA, **batch, **tags}))
    untag_assets(bob, UntagAssets.model_validate({**BARCELONA, **batch, "tags": ["NIGHT"]}))
    delete_assets(bob, DeleteAssets.model_validate({**BARCELONA, **ids}))
    restore_assets(bob, RestoreAssets.model_validate({**BARCELONA, **ids}))
    set_asset_approval(
        bob, SetAssetApproval.model_validate({**BARCELONA, **one, "state": "needs_changes", "note": "Brighter"})
    )
    told = history(cast, asset)
    nothing: dict[str, object] = {"before": "", "after": "", "note": "", "tags": []}
    assert [(record.kind, record.by.name) for record in told] == [
        ("approve", "Bob"),
        ("restore", "Bob"),
        ("trash", "Bob"),
        ("untag", "Bob"),
        ("tag", "Agent"),
        ("describe", "Bob"),
        ("rename", "Bob"),
    ]
    filled: list[dict[str, object]] = [
        {"after": "needs_changes", "note": "Brighter"},
        {},
        {},
        {"tags": ["Night"]},
        {"tags": ["Night"]},
        {},
        {"before": "Sea", "after": "Ocean"},
    ]
    assert [record.model_dump(include=set(nothing)) for record in told] == [{**nothing, **fields} for fields in filled]
    assert [record.at for record in told] == sorted((record.at for record in told), reverse=True)
    assert "@" not in str(told)


def test_what_changes_nothing_is_not_told(cast: Cast) -> None:
    asset = AssetFactory(library=cast.barcelona, name="Sea", tagged=["Sky"])
    bob = person(cast, "bob")
    batch = {**BARCELONA, "assetIds": [asset.pk]}
    rename_asset(bob, RenameAsset.model_validate({**BARCELONA, "assetId": asset.pk, "name": " Sea "}))
    tag_assets(bob, TagAssets.model_validate({**batch, "tags": ["sky"]}))
    untag_assets(bob, UntagAssets.model_validate({**batch, "tags": ["unknown"]}))
    update_asset_description(
        bob, UpdateAssetDescription.model_validate({**BARCELONA, "assetId": asset.pk, "description": ""})
    )
    assert history(cast, asset) == []


def test_a_library_out_of_reach_is_another_library(cast: Cast) -> None:
    asset = AssetFactory(library=cast.barcelona)
    transfer(cast, asset, "barcelona", "paris")
    transfer(cast, asset, "paris", "barcelona")
    assert [(record.before, record.after) for record in history(cast, asset, by="alice")] == [
        ("Paris", "Barcelona"),
        ("Barcelona", "Paris"),
    ]
    for by in ("bob", "carol"):
        told = history(cast, asset, by=by)
        assert [(record.before, record.after) for record in told] == [
            ("another library", "Barcelona"),
            ("Barcelona", "another library"),
        ]
        assert "paris" not in str(told).lower()


def test_a_library_that_is_gone_is_another_library_and_one_that_was_renamed_has_its_new_name(cast: Cast) -> None:
    asset = AssetFactory(library=cast.barcelona)
    transfer(cast, asset, "barcelona", "paris")
    transfer(cast, asset, "paris", "barcelona")
    cast.paris.name = "Lutetia"
    cast.paris.save()
    assert history(cast, asset, by="alice")[0].before == "Lutetia"
    cast.paris.delete()
    assert history(cast, asset, by="alice")[0].before == "another library"


def test_a_long_history_is_cut_and_costs_no_more_queries(cast: Cast) -> None:
    asset = AssetFactory(library=cast.barcelona)
    counts = []
    for _ in range(2):
        for number in range(MOST_EVENTS):
            record_event(person(cast, "bob"), [asset.pk], "rename", before="", after=str(number))
        with CaptureQueriesContext(connection) as queries:
            told = history(cast, asset)
        counts.append(len(queries))
    assert (len(told), told[0].after) == (MOST_EVENTS, str(MOST_EVENTS - 1))
    assert counts[0] == counts[1]


def test_staff_are_told_of_as_the_operator_without_their_address(cast: Cast) -> None:
    asset = AssetFactory(library=cast.barcelona)
    staff = OperatorPrincipal(Origin("admin"), cast.dave)
    rename_asset(staff, RenameAsset.model_validate({**BARCELONA, "assetId": asset.pk, "name": "Ocean"}))
    assert [record.by.name for record in history(cast, asset)] == ["operator"]
    assert AuditEntry.objects.get(action="asset.rename").actor == "staff dave@example.com"
