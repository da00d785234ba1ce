"""Listing, reading and describing assets."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from pydantic import ValidationError

from assets.contracts import DESCRIPTION_LENGTH, GetAsset, ListAssets, UpdateAssetDescription
from assets.models import Asset
from assets.operations.assets import get_asset, list_assets, update_asset_description
from orgs.access import Origin, UserPrincipal
from orgs.models import AuditEntry
from raster.errors import LibraryNotAuthorized, LibraryReadOnly, OrganizationNotFound, RasterError, ResourceNotFound
from tests.factories import AssetFactory, Cast


def principal(cast: Cast, name: str) -> UserPrincipal:
    return UserPrincipal(Origin("web"), getattr(cast, name))


def listing(**arguments: object) -> ListAssets:
    return ListAssets.model_validate({"organizationId": "acme", "libraryId": "barcelona", **arguments})


def one(asset: Asset, library: str = "barcelona") -> GetAsset:
    return GetAsset(organization_id="acme", library_id=library, asset_id=asset.pk)


def described(asset: Asset, description: str) -> UpdateAssetDescription:
    return UpdateAssetDescription(
        organization_id="acme", library_id="barcelona", asset_id=asset.pk, description=description
    )


OUT_OF_REACH = [
    ("dave", "acme", "barcelona", OrganizationNotFound),
    ("carol", "nobody", "barcelona", OrganizationNotFound),
    ("carol", "acme", "paris", LibraryNotAuthorized),
    ("carol", "acme", "unknown", LibraryNotAuthorized),
    ("carol", "acme", "secret", LibraryNotAuthorized),
]


@pytest.mark.parametrize(("person", "organization", "library", "refusal"), OUT_OF_REACH)
def test_what_is_out_of_reach_is_neither_listed_nor_read(
    cast: Cast, person: str, organization: str, library: str, refusal: type[RasterError]
) -> None:
    caller = principal(cast, person)
    asset = AssetFactory(library=cast.barcelona)
    with pytest.raises(refusal):
        list_assets(caller, listing(organizationId=organization, libraryId=library))
    with pytest.raises(refusal):
        get_asset(caller, GetAsset(organization_id=organization, library_id=library, asset_id=asset.pk))


def test_an_asset_that_is_missing_trashed_or_elsewhere_is_one_refusal(cast: Cast) -> None:
    trashed = AssetFactory(library=cast.barcelona, trashed=timezone.now())
    elsewhere = AssetFactory(library=cast.paris)
    foreign = AssetFactory(library=cast.secret)
    answers = set()
    for asset in (trashed, elsewhere, foreign, Asset(pk="unknown")):
        with pytest.raises(ResourceNotFound) as unread:
            get_asset(principal(cast, "alice"), one(asset))
        with pytest.raises(ResourceNotFound) as undescribed:
            update_asset_description(principal(cast, "alice"), described(asset, "new"))
        answers |= {unread.value.message, undescribed.value.message}
    assert answers == {"Asset not found."}


def test_a_viewer_describes_nothing(cast: Cast) -> None:
    asset = AssetFactory(library=cast.barcelona, description="before")
    with pytest.raises(LibraryReadOnly):
        update_asset_description(principal(cast, "carol"), described(asset, "after"))
    asset.refresh_from_db()
    assert asset.description == "before"


@pytest.mark.parametrize(
    "arguments",
    [{"page": 0}, {"pageSize": 0}, {"pageSize": 501}, {"tags": ["a"] * 51}, {"page": -1}, {"order": "name"}],
)
def test_a_list_has_limits(arguments: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        listing(**arguments)


def test_the_newest_come_first_without_variants_and_trash(cast: Cast) -> None:
    first, second, third = (AssetFactory(library=cast.barcelona) for _ in range(3))
    AssetFactory(library=cast.barcelona, parent=first)
    AssetFactory(library=cast.barcelona, trashed=timezone.now())
    AssetFactory(library=cast.paris)
    page = list_assets(principal(cast, "carol"), listing())
    assert [asset.id for asset in page.data] == [third.pk, second.pk, first.pk]
    assert (page.total, page.page, page.page_size) == (3, 1, 50)


def test_pages_follow_each_other_and_end(cast: Cast) -> None:
    made = [AssetFactory(library=cast.barcelona).pk for _ in range(5)]
    pages = [list_assets(principal(cast, "carol"), listing(page=page, pageSize=2)) for page in (1, 2, 3, 4, 1_000_000)]
    assert [len(page.data) for page in pages] == [2, 2, 1, 0, 0]
    assert [asset.id for page in pages for asset in page.data] == made[::-1]
    assert {page.total for page in pages} == {5}


def test_any_of_the_tags_is_enough_in_any_case(cast: Cast) -> None:
    sea = AssetFactory(library=cast.barcelona, tagged=["Sea", "blue"])
    city = AssetFactory(library=cast.barcelona, tagged=["ÉTÉ"])
    AssetFactory(library=cast.barcelona, tagged=["hills"])
    AssetFactory(library=cast.paris, tagged=["sea"])
    page = list_assets(principal(cast, "carol"), listing(tags=[" sEA ", "été", "BLUE", "unknown"]))
    assert [asset.id for asset in page.data] == [city.pk, sea.pk]
    assert page.total == 2
    assert list_assets(principal(cast, "carol"), listing(tags=["unknown"])).total == 0


def test_an_asset_shows_its_facts_tags_and_live_variants(cast: Cast) -> None:
    asset = AssetFactory(
        library=cast.barcelona, name="Sea", file_name="Sea é.jpg", tagged=["b", "a"], sizes={"320": "aa.webp"}
    )
    variant = AssetFactory(library=cast.barcelona, parent=asset, tagged=["night"])
    AssetFactory(library=cast.barcelona, parent=asset, trashed=timezone.now())
    record = get_asset(principal(cast, "carol"), one(asset))
    assert (record.organization_id, record.library_id, record.type) == ("acme", "barcelona", "main")
    assert record.tags == ["b", "a"]
    assert record.url.endswith(f"/media/{asset.pk}/Sea%20%C3%A9.jpg")
    assert record.sizes == {"320": f"{record.url.rpartition('/')[0]}/320/aa.webp"}
    assert record.app_url.endswith(f"/acme/barcelona/{asset.pk}")
    assert [(one.id, one.type, one.parent_id, one.tags) for one in record.variants] == [
        (variant.pk, "variant", asset.pk, ["night"])
    ]
    assert record.created == int(asset.created.timestamp() * 1000)
    assert get_asset(principal(cast, "carol"), one(variant)).parent_id == asset.pk


def test_a_description_is_kept_to_the_letter_and_can_be_cleared(cast: Cast) -> None:
    asset = AssetFactory(library=cast.barcelona)
    text = "  <b>Sea</b>\n\tand ☀  "
    before = asset.updated
    assert update_asset_description(principal(cast, "bob"), described(asset, text)).description == text
    asset.refresh_from_db()
    assert asset.description == text
    assert asset.updated > before
    update_asset_description(principal(cast, "bob"), described(asset, ""))
    asset.refresh_from_db()
    assert asset.description == ""
    with pytest.raises(ValidationError):
        described(asset, "x" * (DESCRIPTION_LENGTH + 1))


def test_the_same_description_again_changes_and_records_nothing(cast: Cast) -> None:
    asset = AssetFactory(library=cast.barcelona)
    update_asset_description(principal(cast, "bob"), described(asset, "sea"))
    asset.refresh_from_db()
    updated = asset.updated
    update_asset_description(principal(cast, "bob"), described(asset, "sea"))
    asset.refresh_from_db()
    assert asset.updated == updated
    entry = AuditEntry.objects.get(action="asset.describe")
    assert (entry.actor, entry.before, entry.after) == (
        "bob@example.com",
        {"description": ""},
        {"description": "sea"},
    )


def test_a_list_takes_as_many_queries_for_one_asset_as_for_thirty(cast: Cast) -> None:
    counts = []
    for wanted in (1, 29):
        for _ in range(wanted):
            asset = AssetFactory(library=cast.barcelona, tagged=["sea", "sky"])
            AssetFactory(library=cast.barcelona, parent=asset, tagged=["night"])
        with CaptureQueriesContext(
            connection,
        ) as queries:
            list_assets(principal(cast, "carol"), listing(tags=["sea"]))
        counts.append(len(queries))
    assert counts[0] == counts[1] <= 7
