"""A variant takes its original's place: the original's link serves its file, and it keeps the former one."""

import pytest
from django.utils import timezone

from assets.contracts import AssetRecord, PromoteVariant
from assets.models import Asset, AssetEvent
from assets.operations.variants import promote_variant
from orgs.models import AuditEntry
from raster.errors import (
    LibraryNotAuthorized,
    LibraryReadOnly,
    OrganizationNotFound,
    RasterError,
    ResourceNotFound,
    VariantNotFound,
)
from tests.assets.people import key_principal, person
from tests.assets.stored import content_of, stored_asset
from tests.factories import AssetFactory, Cast

FILE = ("file", "content_type", "size", "digest", "width", "height", "blurhash", "sizes")


def command(asset: str, variant: str, **place: str) -> PromoteVariant:
    names = {"organizationId": "acme", "libraryId": "barcelona", "assetId": asset, "variantId": variant}
    return PromoteVariant.model_validate({**names, **place})


def promote(cast: Cast, asset: Asset, variant: Asset, by: str = "bob", **place: str) -> AssetRecord:
    return promote_variant(person(cast, by), command(asset.pk, variant.pk, **place))


def files(asset: Asset) -> list[object]:
    asset.refresh_from_db()
    return [getattr(asset, name) for name in FILE]


@pytest.fixture
def original(cast: Cast) -> Asset:
    return stored_asset(cast.barcelona, b"original", name="Sea", file_name="sea.jpg", blurhash="old", tagged=["Sea"])


@pytest.fixture
def variant(cast: Cast, original: Asset) -> Asset:
    return stored_asset(
        cast.barcelona,
        b"the variant",
        parent=original,
        name="Sea at night",
        file_name="sea-at-night.png",
        content_type="image/png",
        width=1600,
        height=1200,
        uploaded_by=cast.alice,
        uploaded_by_name="Alice",
        description="Darker",
    )


@pytest.mark.parametrize(
    ("by", "place", "refusal"),
    [
        ("dave", {}, OrganizationNotFound),
        ("bob", {"organizationId": "nobody"}, OrganizationNotFound),
        ("bob", {"libraryId": "paris"}, LibraryNotAuthorized),
        ("carol", {}, LibraryReadOnly),
    ],
)
def test_who_may_not_write_promotes_nothing(
    cast: Cast, original: Asset, variant: Asset, by: str, place: dict[str, str], refusal: type[RasterError]
) -> None:
    before = files(original)
    with pytest.raises(refusal):
        promote(cast, original, variant, by=by, **place)
    assert files(original) == before


def test_an_asset_that_is_not_live_in_the_library_is_not_found(cast: Cast, original: Asset, variant: Asset) -> None:
    for asset in (Asset(pk="a" * 22), AssetFactory(library=cast.paris), AssetFactory(library=cast.secret)):
        with pytest.raises(ResourceNotFound):
            promote(cast, asset, variant)
    Asset.objects.filter(pk=original.pk).update(trashed=timezone.now())
    with pytest.raises(ResourceNotFound):
        promote(cast, original, variant)


def test_a_variant_that_is_not_a_live_one_of_this_asset_is_not_found(cast: Cast, original: Asset) -> None:
    other = AssetFactory(library=cast.barcelona)
    for variant in (
        Asset(pk="a" * 22),
        original,
        other,
        AssetFactory(library=cast.barcelona, parent=other),
        AssetFactory(library=cast.barcelona, parent=original, trashed=timezone.now()),
        AssetFactory(library=cast.paris, parent=AssetFactory(library=cast.paris)),
        AssetFactory(library=cast.secret),
    ):
        before = files(original)
        with pytest.raises(VariantNotFound):
            promote(cast, original, variant)
        assert files(original) == before


def test_the_files_change_places_and_ids_and_links_stay(cast: Cast, original: Asset, variant: Asset) -> None:
    old, new = files(original), files(variant)
    record = promote(cast, original, variant)
    assert (files(original), files(variant)) == (new, old)
    assert (content_of(original), content_of(variant)) == (b"the variant", b"original")
    assert (record.id, record.name, record.tags, record.type) == (original.pk, "Sea", ["Sea"], "main")
    assert record.url.endswith(f"/{original.pk}/sea.jpg")
    assert (record.content_type, record.width, record.blurhash) == ("image/png", 1600, None)
    assert record.uploaded_by.name == "Alice"
    [former] = record.variants
    assert (former.id, former.name, former.description) == (variant.pk, "Sea at night", "Darker")
    assert former.url.endswith(f"/{variant.pk}/sea-at-night.png")
    assert (former.content_type, former.width, former.blurhash) == ("image/jpeg", 800, "old")


def test_what_somebody_thought_of_a_file_goes_with_it(cast: Cast, original: Asset, variant: Asset) -> None:
    judged = {"approval_state": "approved", "approval_by_name": "Alice", "approval_at": timezone.now()}
    Asset.objects.filter(pk=original.pk).update(**judged)
    record = promote(cast, original, variant)
    assert record.approval is None
    assert record.variants[0].approval is not None
    assert record.variants[0].approval.state == "approved"


def test_what_is_still_to_be_made_of_a_file_goes_with_it(cast: Cast, original: Asset, variant: Asset) -> None:
    due = timezone.now()
    Asset.objects.filter(pk=variant.pk).update(derivatives="pending", derivatives_tries=2, derivatives_due=due)
    promote(cast, original, variant)
    original.refresh_from_db()
    variant.refresh_from_db()
    assert (original.derivatives, original.derivatives_tries, original.derivatives_due) == ("pending", 2, due)
    assert (variant.derivatives, variant.derivatives_tries, variant.derivatives_due) == ("ready", 0, None)


def test_promoting_again_brings_the_former_file_back(cast: Cast, original: Asset, variant: Asset) -> None:
    before = files(original)
    promote(cast, original, variant)
    promote(cast, original, variant)
    assert files(original) == before


def test_one_of_several_variants_leaves_the_others_alone(cast: Cast, original: Asset, variant: Asset) -> None:
    other = stored_asset(cast.barcelona, b"another", parent=original)
    before = files(other)
    promote(cast, original, variant)
    assert files(other) == before


def test_a_key_with_write_promotes_and_it_is_recorded_for_both(cast: Cast, original: Asset, variant: Asset) -> None:
    digest, updated = original.digest, original.updated
    promote_variant(key_principal(cast, barcelona="write"), command(original.pk, variant.pk))
    entry = AuditEntry.objects.get(action="asset.promote")
    assert (entry.before, entry.after) == ({"digest": digest}, {"digest": variant.digest, "variant": variant.pk})
    for asset in (original, variant):
        event = AssetEvent.objects.get(asset=asset)
        assert (event.kind, event.by_name, event.detail) == ("promote", "Agent", {"after": "Sea at night"})
    original.refresh_from_db()
    assert original.updated > updated
