"""An asset gets another name and keeps everything else."""

import pytest
from django.utils import timezone
from pydantic import ValidationError

from assets.contracts import AssetRecord, GetAsset, RenameAsset
from assets.models import Asset
from assets.operations.assets import get_asset, rename_asset
from orgs.models import AuditEntry
from raster.errors import LibraryNotAuthorized, LibraryReadOnly, OrganizationNotFound, RasterError, ResourceNotFound
from tests.assets.people import person
from tests.factories import AssetFactory, Cast

PLACE = {"organizationId": "acme", "libraryId": "barcelona"}


def rename(cast: Cast, asset: Asset, name: str, by: str = "bob", **place: str) -> AssetRecord:
    command = RenameAsset.model_validate({**PLACE, "assetId": asset.pk, "name": name, **place})
    return rename_asset(person(cast, by), command)


@pytest.mark.parametrize(
    ("by", "place", "refusal"),
    [
        ("dave", {}, OrganizationNotFound),
        ("bob", {"libraryId": "paris"}, LibraryNotAuthorized),
        ("carol", {}, LibraryReadOnly),
    ],
)
def test_who_may_not_write_renames_nothing(
    cast: Cast, by: str, place: dict[str, str], refusal: type[RasterError]
) -> None:
    asset = AssetFactory(library=cast.barcelona, name="Sea")
    with pytest.raises(refusal):
        rename(cast, asset, "Ocean", by=by, **place)
    assert Asset.objects.get().name == "Sea"


def test_what_is_missing_trashed_or_elsewhere_is_not_renamed(cast: Cast) -> None:
    trashed = AssetFactory(library=cast.barcelona, trashed=timezone.now())
    for asset in (trashed, AssetFactory(library=cast.paris), AssetFactory(library=cast.secret), Asset(pk="a" * 22)):
        with pytest.raises(ResourceNotFound):
            rename(cast, asset, "Ocean")


@pytest.mark.parametrize("name", ["", "   ", "x" * 256, "two\nlines", "nul\x00", "right\u202eleft", "\u200d"])
def test_a_name_that_is_none_is_refused(cast: Cast, name: str) -> None:
    asset = AssetFactory(library=cast.barcelona, name="Sea")
    with pytest.raises(ValidationError):
        rename(cast, asset, name)


@pytest.mark.parametrize(
    ("name", "kept"),
    [
        ("  Ocean  ", "Ocean"),
        ("x" * 255, "x" * 255),
        (" " + "x" * 255, "x" * 255),
        ("日本", "日本"),
        ("a/b.jpg", "a/b.jpg"),
    ],
)
def test_a_name_is_kept_without_the_space_around_it_and_links_stay(cast: Cast, name: str, kept: str) -> None:
    asset = AssetFactory(library=cast.barcelona, name="Sea", tagged=["Sky"])
    one = GetAsset.model_validate({**PLACE, "assetId": asset.pk})
    before = get_asset(person(cast, "bob"), one)
    record = rename(cast, asset, name)
    assert record == get_asset(person(cast, "bob"), one)
    assert record.updated > before.updated - 1
    assert record.model_copy(update={"name": "Sea", "updated": before.updated}) == before
    assert record.name == kept


def test_a_variant_has_a_name_of_its_own(cast: Cast) -> None:
    original = AssetFactory(library=cast.barcelona, name="Sea")
    variant = AssetFactory(library=cast.barcelona, parent=original)
    assert rename(cast, variant, "Sea at night").type == "variant"
    original.refresh_from_db()
    assert original.name == "Sea"


def test_a_name_is_recorded_once(cast: Cast) -> None:
    asset = AssetFactory(library=cast.barcelona, name="Sea")
    rename(cast, asset, "Ocean")
    asset.refresh_from_db()
    rename(cast, asset, " Ocean")
    untouched = Asset.objects.get()
    assert untouched.updated == asset.updated
    entry = AuditEntry.objects.get(action="asset.rename")
    assert (entry.target, entry.before, entry.after) == (f"Sea ({asset.pk})", {"name": "Sea"}, {"name": "Ocean"})
