"""Every change of an asset is in the index at once, and nothing of what was before stays there."""

from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from django.core.management import call_command
from django.db import connection, transaction

from assets.contracts import (
    DeleteAssets,
    PromoteVariant,
    RenameAsset,
    RestoreAssets,
    SetAssetApproval,
    TagAssets,
    TransferAssets,
    UntagAssets,
    UpdateAssetDescription,
)
from assets.models import Asset, AssetTag, LibraryWord, SearchEntry, Tag
from assets.operations.approvals import set_asset_approval
from assets.operations.assets import rename_asset, update_asset_description
from assets.operations.tags import tag_assets, untag_assets
from assets.operations.transfers import transfer_assets
from assets.operations.trash import delete_assets, restore_assets
from assets.operations.variants import promote_variant
from assets.search_index import PLACES, index_assets
from orgs.access import Origin, UserPrincipal
from tests.assets.conftest import Importer
from tests.assets.pictures import jpeg
from tests.assets.searching import names, search
from tests.factories import AssetFactory, Cast

HERE = {"organization_id": "acme", "library_id": "barcelona"}


def words(library: str = "barcelona") -> dict[str, int]:
    """Return the words that a library counts."""
    return dict(LibraryWord.objects.filter(library__slug=library).values_list("word", "assets"))


def full_text(token: str) -> int:
    """Return how many entries the database's own full text has for a token."""
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            cursor.execute("SELECT count(*) FROM assets_search WHERE assets_search MATCH %s", [f'"{token}"'])
        else:
            cursor.execute("SELECT count(*) FROM assets_searchentry WHERE tokens @@ %s::tsquery", [f"'{token}'"])
        [count] = cursor.fetchone()
    return int(count)


@pytest.fixture
def alice(cast: Cast) -> UserPrincipal:
    return UserPrincipal(Origin("web"), cast.alice)


def test_a_file_is_found_as_soon_as_it_is_in(cast: Cast, imported: Importer) -> None:
    asset = imported(jpeg(), "Sagrada at dusk.jpg")
    assert [hit.id for hit in search("sagrada").hits] == [asset.pk]
    assert words() == {"sagrada": 1, "at": 1, "dusk": 1}


def test_a_description_replaces_the_one_before(cast: Cast, alice: UserPrincipal) -> None:
    asset = AssetFactory(library=cast.barcelona, name="One", description="old words")
    command = UpdateAssetDescription(**HERE, asset_id=asset.pk, description="new words")
    update_asset_description(alice, command)
    assert (names("new"), names("old"), names("words")) == (["One"], [], ["One"])
    assert words() == {"one": 1, "new": 1, "words": 1}
    assert (full_text("dold"), full_text("dnew")) == (0, 1)


def test_a_name_replaces_the_one_before(cast: Cast, alice: UserPrincipal) -> None:
    asset = AssetFactory(library=cast.barcelona, name="Old")
    rename_asset(alice, RenameAsset(**HERE, asset_id=asset.pk, name="New"))
    assert (names("new"), names("old"), words()) == (["New"], [], {"new": 1})


def test_tags_come_and_go(cast: Cast, alice: UserPrincipal) -> None:
    assets = [AssetFactory(library=cast.barcelona, name=name) for name in ("One", "Two")]
    ids = [asset.pk for asset in assets]
    tag_assets(alice, TagAssets(**HERE, asset_ids=ids, tags=["Blue sea", "sea"]))
    assert (search("blue").found, search("", tags=["BLUE SEA"]).found, words()["sea"]) == (2, 2, 2)
    untag_assets(alice, UntagAssets(**HERE, asset_ids=ids[:1], tags=["blue sea"]))
    assert (names("blue"), names("", tags=["blue sea"])) == (["Two"], ["Two"])
    assert words() == {"one": 1, "two": 1, "blue": 1, "sea": 2}


def test_an_approval_is_filtered_by(cast: Cast, alice: UserPrincipal) -> None:
    asset = AssetFactory(library=cast.barcelona, name="One")
    for state in ("in_review", "approved"):
        set_asset_approval(alice, SetAssetApproval(**HERE, asset_id=asset.pk, state=state))
        assert names("", approval=state) == ["One"]
    assert names("one", approval="in_review") == []


def test_a_transfer_takes_the_words_along(cast: Cast, alice: UserPrincipal) -> None:
    asset = AssetFactory(library=cast.barcelona, name="One", tagged=["sea"])
    command = TransferAssets(
        organization_id="acme", source_library_id="barcelona", target_library_id="paris", asset_ids=[asset.pk]
    )
    transfer_assets(alice, command)
    assert (names("sea", libraries=["paris"]), names("sea", libraries=["barcelona"])) == (["One"], [])
    assert (words("paris"), words()) == ({"one": 1, "sea": 1}, {})


def test_the_trash_takes_the_words_and_gives_them_back(cast: Cast, alice: UserPrincipal) -> None:
    asset, _ = (AssetFactory(library=cast.barcelona, name=name, tagged=["sea"]) for name in ("One", "Two"))
    place = asset.search_entry.place
    delete_assets(alice, DeleteAssets(**HERE, ids=[asset.pk]))
    assert (names("sea"), words()) == (["Two"], {"two": 1, "sea": 1})
    assert (full_text("none"), full_text("none") + full_text("tsea")) == (0, 1)
    restore_assets(alice, RestoreAssets(**HERE, ids=[asset.pk]))
    assert (names("sea"), words()) == (["Two", "One"], {"one": 1, "two": 1, "sea": 2})
    assert SearchEntry.objects.get(pk=asset.pk).place == place


def test_a_promoted_file_brings_its_approval(cast: Cast, alice: UserPrincipal) -> None:
    asset = AssetFactory(library=cast.barcelona, name="One")
    variant = AssetFactory(
        library=cast.barcelona,
        name="Crop",
        parent=asset,
        approval_state="approved",
        approval_at=datetime(2026, 1, 1, tzinfo=UTC),
    )
    promote_variant(alice, PromoteVariant(**HERE, asset_id=asset.pk, variant_id=variant.pk))
    assert (names("", approval="approved"), names("crop")) == (["One"], [])


def test_what_is_deleted_leaves_nothing(cast: Cast) -> None:
    AssetFactory(library=cast.barcelona, name="One")
    cast.barcelona.delete()
    assert (SearchEntry.objects.count(), LibraryWord.objects.count(), full_text("none")) == (0, 0, 0)


def test_a_change_that_is_undone_leaves_nothing(cast: Cast) -> None:
    def change() -> None:
        AssetFactory(library=cast.barcelona, name="One")
        raise RuntimeError

    with pytest.raises(RuntimeError), transaction.atomic():
        change()
    assert (words(), full_text("none"), names("one")) == ({}, 0, [])


def test_assets_of_one_moment_have_places_of_their_own(cast: Cast) -> None:
    assets = [AssetFactory(library=cast.barcelona, name=f"Number {number}") for number in range(PLACES + 10)]
    Asset.objects.update(created=datetime(2026, 1, 1, tzinfo=UTC))
    SearchEntry.objects.all().delete()
    index_assets(asset.pk for asset in assets)
    in_order = list(SearchEntry.objects.order_by("-place").values_list("pk", flat=True))
    assert len(set(SearchEntry.objects.values_list("place", flat=True))) == PLACES + 10
    assert in_order == list(Asset.objects.newest_first().values_list("pk", flat=True))
    found = [hit.id for page in (1, 2, 3) for hit in search("number", page=page, page_size=100).hits]
    assert found == in_order


def break_text(asset: Asset) -> None:
    Asset.objects.filter(pk=asset.pk).update(name="Other")


def break_tags(asset: Asset) -> None:
    tag = Tag.objects.create(library=asset.library, text="new", folded="new")
    AssetTag.objects.create(asset=asset, tag=tag)


def break_entry(asset: Asset) -> None:
    asset.search_entry.delete()


def break_trash(asset: Asset) -> None:
    Asset.objects.filter(pk=asset.pk).update(trashed=datetime(2026, 1, 1, tzinfo=UTC))


def break_counts(asset: Asset) -> None:
    LibraryWord.objects.filter(word="one").update(assets=7)
    LibraryWord.objects.filter(word="sea").delete()
    LibraryWord.objects.create(library=asset.library, word="ghost", backwards="tsohg", assets=1)


@pytest.mark.parametrize("breaking", [break_text, break_tags, break_entry, break_trash, break_counts])
def test_reindex_mends_what_went_past_the_index(cast: Cast, breaking: Callable[[Asset], None]) -> None:
    asset = AssetFactory(library=cast.barcelona, name="One", tagged=["sea"])
    AssetFactory(library=cast.barcelona, name="Two", tagged=["sea"])
    breaking(asset)
    for _ in range(2):
        call_command("reindex")
        state = (words(), sorted(names("")), sorted(SearchEntry.objects.values_list("pk", "tokens"), key=str))
        SearchEntry.objects.all().delete()
        LibraryWord.objects.all().delete()
        call_command("reindex", "--full-text")
        assert (words(), sorted(names("")), sorted(SearchEntry.objects.values_list("pk", "tokens"), key=str)) == state


def test_reindex_says_how_many_it_looked_at(cast: Cast, capsys: pytest.CaptureFixture[str]) -> None:
    AssetFactory.create_batch(3, library=cast.barcelona)
    call_command("reindex")
    assert capsys.readouterr().out == "3 assets\n"
