"""Calls at the same moment: each happens as a whole or not at all, whichever comes first.

On PostgreSQL they really meet; SQLite has them wait for each other from their first statement.
"""

import threading
from collections.abc import Callable
from functools import partial

import pytest
from django.db import connection
from django.db.models import F
from django.utils import timezone

from assets.contracts import (
    AssetRecord,
    DeleteAssets,
    PromoteVariant,
    PurgeTrash,
    RestoreAssets,
    SetAssetApproval,
    TagAssets,
    TransferAssets,
    UntagAssets,
)
from assets.models import Asset, AssetEvent, AssetTag, Tag
from assets.operations.approvals import set_asset_approval
from assets.operations.tags import tag_assets, untag_assets
from assets.operations.transfers import transfer_assets
from assets.operations.trash import delete_assets, purge_trash, restore_assets
from assets.operations.variants import promote_variant
from orgs.models import AuditEntry, Library
from raster.errors import Conflict, RasterError, ResourceNotFound, VariantNotFound
from tests.assets.people import at_once, person
from tests.assets.stored import content_of, stored_asset
from tests.factories import OPERATOR, AssetFactory, Cast, LibraryFactory

ROUNDS = 8
ACME = {"organizationId": "acme"}
BARCELONA = {**ACME, "libraryId": "barcelona"}
Call = Callable[[], object]

pytestmark = pytest.mark.usefixtures("own_storage")


@pytest.fixture
def cast(transactional_db: None, cast: Cast) -> Cast:
    """Commit the cast, so that other connections see it."""
    return cast


@pytest.fixture
def rome(cast: Cast) -> Library:
    library: Library = LibraryFactory(organization=cast.acme, name="Rome", slug="rome")
    return library


def made(number: int, library: Library, **fields: object) -> list[Asset]:
    return [AssetFactory(library=library, **fields) for _ in range(number)]


def ids(assets: list[Asset]) -> list[str]:
    return [asset.pk for asset in assets]


def transfer(cast: Cast, assets: list[Asset], source: str, target: str) -> Call:
    command = {**ACME, "sourceLibraryId": source, "targetLibraryId": target, "assetIds": ids(assets)}
    return partial(transfer_assets, person(cast, "alice"), TransferAssets.model_validate(command))


def tag(cast: Cast, assets: list[Asset], *tags: str) -> Call:
    command = {**BARCELONA, "assetIds": ids(assets), "tags": tags}
    return partial(tag_assets, person(cast, "bob"), TagAssets.model_validate({**command, "tags": list(tags)}))


def untag(cast: Cast, assets: list[Asset], *tags: str) -> Call:
    command = {**BARCELONA, "assetIds": ids(assets), "tags": list(tags)}
    return partial(untag_assets, person(cast, "bob"), UntagAssets.model_validate(command))


def delete(cast: Cast, assets: list[Asset]) -> Call:
    return partial(delete_assets, person(cast, "bob"), DeleteAssets.model_validate({**BARCELONA, "ids": ids(assets)}))


def restore(cast: Cast, assets: list[Asset]) -> Call:
    return partial(restore_assets, person(cast, "bob"), RestoreAssets.model_validate({**BARCELONA, "ids": ids(assets)}))


def promote(cast: Cast, asset: Asset, variant: Asset) -> Call:
    command = {**BARCELONA, "assetId": asset.pk, "variantId": variant.pk}
    return partial(promote_variant, person(cast, "bob"), PromoteVariant.model_validate(command))


def approve(cast: Cast, asset: Asset) -> Call:
    command = {**BARCELONA, "assetId": asset.pk, "state": "approved"}
    return partial(set_asset_approval, person(cast, "bob"), SetAssetApproval.model_validate(command))


def purge() -> object:
    return purge_trash(OPERATOR, PurgeTrash(days=0))


def refusals(outcomes: list[object]) -> list[type[RasterError]]:
    return [type(outcome) for outcome in outcomes if isinstance(outcome, RasterError)]


def tags_fit_their_libraries() -> bool:
    return not AssetTag.objects.exclude(tag__library=F("asset__library")).exists()


def test_of_transfers_of_the_same_assets_one_happens(cast: Cast, rome: Library) -> None:
    for _ in range(ROUNDS):
        assets = made(3, cast.barcelona, tagged=["Sea", "Sky"])
        outcomes = at_once(
            transfer(cast, assets, "barcelona", "paris"),
            transfer(cast, assets[::-1], "barcelona", "rome"),
            transfer(cast, assets[1:], "barcelona", "paris"),
            transfer(cast, assets[:1], "barcelona", "rome"),
        )
        assert set(refusals(outcomes)) == {ResourceNotFound}
        moved = [outcome for outcome in outcomes if not isinstance(outcome, RasterError)]
        assert sum(outcome.transferred_count for outcome in moved) == 3  # type: ignore[attr-defined]
        assert not Asset.objects.filter(library=cast.barcelona, pk__in=ids(assets)).exists()
        assert AssetEvent.objects.filter(asset__in=assets, kind="transfer").count() == 3
        assert tags_fit_their_libraries()
    assert not Tag.objects.filter(library=cast.barcelona).exists()


def test_transfers_against_each_other_do_not_block_each_other_for_ever(cast: Cast) -> None:
    for _ in range(ROUNDS):
        there = made(5, cast.barcelona, tagged=["Sea", "Sky"])
        back = made(5, cast.paris, tagged=["SKY", "SEA"])
        outcomes = at_once(transfer(cast, there, "barcelona", "paris"), transfer(cast, back, "paris", "barcelona"))
        assert refusals(outcomes) == []
        assert Asset.objects.filter(library=cast.paris, pk__in=ids(there)).count() == 5
        assert Asset.objects.filter(library=cast.barcelona, pk__in=ids(back)).count() == 5
        assert tags_fit_their_libraries()


def test_a_tag_goes_along_or_is_refused_when_its_asset_moves(cast: Cast) -> None:
    for round_ in range(ROUNDS):
        assets = made(2, cast.barcelona, tagged=["old"])
        tagged, moved = at_once(tag(cast, assets, f"new {round_}"), transfer(cast, assets[:1], "barcelona", "paris"))
        assert not isinstance(moved, RasterError)
        pairs = AssetTag.objects.filter(asset__in=assets, tag__text=f"new {round_}").count()
        assert pairs == (0 if isinstance(tagged, ResourceNotFound) else 2)
        assert tags_fit_their_libraries()
        assert AssetTag.objects.filter(asset__in=assets, tag__text="old").count() == 2


def test_a_tag_is_on_every_asset_or_on_none_when_one_is_deleted(cast: Cast) -> None:
    for round_ in range(ROUNDS):
        assets = made(3, cast.barcelona)
        tagged, deleted = at_once(tag(cast, assets, f"new {round_}"), delete(cast, assets[1:2]))
        assert deleted.ids == [assets[1].pk]  # type: ignore[attr-defined]
        pairs = AssetTag.objects.filter(asset__in=assets).count()
        assert pairs == (0 if isinstance(tagged, ResourceNotFound) else 3)
        assert Tag.objects.filter(text=f"new {round_}").exists() == bool(pairs)


def test_a_tag_that_goes_while_it_comes_is_there_or_not_and_never_half(cast: Cast) -> None:
    for _ in range(ROUNDS):
        first = AssetFactory(library=cast.barcelona, tagged=["Sea"])
        second = AssetFactory(library=cast.barcelona)
        outcomes = at_once(untag(cast, [first], "sea"), tag(cast, [second], "SEA"), tag(cast, [second], "sea"))
        assert refusals(outcomes) == []
        assert AssetTag.objects.filter(asset=first).count() == 0
        assert AssetTag.objects.filter(asset=second).count() == 1
        assert Tag.objects.count() == 1
        untag(cast, [second], "sea")()


def test_assets_are_counted_once_however_many_delete_them(cast: Cast) -> None:
    for _ in range(ROUNDS):
        assets = made(4, cast.barcelona)
        outcomes = at_once(delete(cast, assets), delete(cast, assets[::-1]), delete(cast, assets[1:3]))
        moved = [asset_id for outcome in outcomes for asset_id in outcome.ids]  # type: ignore[attr-defined]
        assert sorted(moved) == sorted(ids(assets))
        assert AssetEvent.objects.filter(asset__in=assets, kind="trash").count() == 4


def test_what_is_restored_while_the_trash_is_purged_is_whole_or_gone(cast: Cast) -> None:
    gone = 0
    for _ in range(ROUNDS):
        assets = [stored_asset(cast.barcelona, b"%d" % number) for number in range(3)]
        variant = stored_asset(cast.barcelona, b"variant", parent=assets[0])
        delete(cast, assets)()
        restored, _ = at_once(restore(cast, assets), purge)
        left = Asset.objects.filter(pk__in=[*ids(assets), variant.pk])
        if isinstance(restored, ResourceNotFound):
            gone += 1
            assert not left.exists()
        else:
            assert left.live().count() == 4
            assert [content_of(asset) for asset in assets] == [b"0", b"1", b"2"]
            assert content_of(variant) == b"variant"
            delete(cast, assets)()
            purge()
        cast.acme.refresh_from_db()
        cast.barcelona.organization.refresh_from_db()
        assert cast.acme.storage_used == 0


def test_of_purges_at_once_each_asset_counts_once(cast: Cast) -> None:
    keeps = stored_asset(cast.barcelona, b"kept")
    for number in range(20):
        stored_asset(cast.barcelona, b"%d" % number, trashed=timezone.now())
    outcomes = at_once(purge, purge, purge)
    assert sum(outcome.assets for outcome in outcomes) == 20  # type: ignore[attr-defined]
    cast.acme.refresh_from_db()
    assert cast.acme.storage_used == keeps.size


def test_of_promotes_of_one_variant_at_once_one_happens_and_the_others_are_told(cast: Cast) -> None:
    for _ in range(ROUNDS):
        original = stored_asset(cast.barcelona, b"original")
        variant = stored_asset(cast.barcelona, b"variant", parent=original)
        outcomes = at_once(*[promote(cast, original, variant)] * 4)
        happened = len(outcomes) - len(refusals(outcomes))
        assert set(refusals(outcomes)) <= {Conflict}
        assert AssetEvent.objects.filter(asset=original, kind="promote").count() == happened
        original.refresh_from_db()
        variant.refresh_from_db()
        # Whoever read after another one had finished put the former file back: what counts is that none is lost.
        expected = [b"original", b"variant"] if happened % 2 == 0 else [b"variant", b"original"]
        assert [content_of(original), content_of(variant)] == expected


def test_of_promotes_that_saw_the_same_files_exactly_one_happens(cast: Cast) -> None:
    original = stored_asset(cast.barcelona, b"original")
    variants = [stored_asset(cast.barcelona, b"variant %d" % number, parent=original) for number in range(3)]
    for tried in ([variants[0]] * 3, variants):
        all_have_looked = threading.Barrier(3)

        def looking_together(variant: Asset, together: threading.Barrier) -> object:
            def meet(execute: Callable[..., object], sql: str, *rest: object) -> object:
                result = execute(sql, *rest)
                if 'FROM "assets_asset"' in sql and not connection.in_atomic_block:
                    together.wait(timeout=60)
                return result

            with connection.execute_wrapper(meet):
                return promote(cast, original, variant)()

        outcomes = at_once(*(partial(looking_together, variant, all_have_looked) for variant in tried))
        assert refusals(outcomes) == [Conflict, Conflict]
        [record] = [outcome for outcome in outcomes if isinstance(outcome, AssetRecord)]
        original.refresh_from_db()
        assert record.size == original.size
        assert AssetEvent.objects.filter(asset=original).count() == (1 if tried[0] is tried[1] else 2)


def test_of_promotes_of_two_variants_at_once_no_file_is_lost(cast: Cast) -> None:
    for _ in range(ROUNDS):
        original = stored_asset(cast.barcelona, b"original")
        variants = [stored_asset(cast.barcelona, b"variant %d" % number, parent=original) for number in range(3)]
        outcomes = at_once(*(promote(cast, original, variant) for variant in variants))
        assert set(refusals(outcomes)) <= {Conflict}
        assert len(refusals(outcomes)) < 3
        family = [Asset.objects.get(pk=asset.pk) for asset in (original, *variants)]
        assert sorted(content_of(asset) for asset in family) == [
            b"original",
            b"variant 0",
            b"variant 1",
            b"variant 2",
        ]
        assert content_of(family[0]) != b"original" or len(refusals(outcomes)) < 2


def test_a_variant_is_promoted_or_deleted(cast: Cast) -> None:
    for _ in range(ROUNDS):
        original = stored_asset(cast.barcelona, b"original")
        variant = stored_asset(cast.barcelona, b"variant", parent=original)
        promoted, deleted = at_once(promote(cast, original, variant), delete(cast, [variant]))
        assert deleted.ids == [variant.pk]  # type: ignore[attr-defined]
        original.refresh_from_db()
        expected = b"original" if isinstance(promoted, VariantNotFound) else b"variant"
        assert content_of(original) == expected


def test_a_judgement_is_of_the_file_that_was_there(cast: Cast) -> None:
    for _ in range(ROUNDS):
        original = stored_asset(cast.barcelona, b"original")
        variant = stored_asset(cast.barcelona, b"variant", parent=original)
        outcomes = at_once(approve(cast, original), promote(cast, original, variant))
        assert refusals(outcomes) == []
        judged = Asset.objects.get(pk__in=[original.pk, variant.pk], approval_state="approved")
        first = AssetEvent.objects.filter(kind__in=["approve", "promote"], asset=original).earliest("pk").kind
        assert content_of(judged) == (b"original" if first == "approve" else b"variant")


def test_every_change_is_in_the_audit_log_once(cast: Cast) -> None:
    assets = made(5, cast.barcelona)
    at_once(*(tag(cast, assets, "same") for _ in range(4)))
    assert AuditEntry.objects.filter(action="asset.tag").count() == 1
    assert AssetTag.objects.count() == 5
