"""Whatever locks libraries, assets and their organization does so in one order, so that nothing deadlocks."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection, transaction

from assets.contracts import DeleteAssets, PurgeTrash, TransferAssets
from assets.models import Asset, SearchEntry
from assets.operations.transfers import transfer_assets
from assets.operations.trash import delete_assets, purge_trash
from assets.search_index import reindex
from orgs.contracts import AddMember
from orgs.models import Library, LibraryMembership, Organization
from orgs.operations import add_member
from tests.assets.people import person
from tests.factories import OPERATOR, AssetFactory, Cast
from tests.waiting import someone_waits_for_a_lock, wait_until

pytestmark = [
    pytest.mark.skipif(connection.vendor == "sqlite", reason="SQLite has one writer at a time, so nothing to deadlock"),
    pytest.mark.usefixtures("own_storage"),
]


@pytest.fixture
def cast(transactional_db: None, cast: Cast) -> Cast:
    """Commit the cast, so that other connections see it."""
    return cast


def while_everything_is_locked(cast: Cast, call: Callable[[], object]) -> None:
    """Lock all of Barcelona for deletion, from its row on to its organization's, while something wants it, too."""
    with ThreadPoolExecutor(1) as pool:
        with transaction.atomic():
            Library.objects.select_for_update().get(pk=cast.barcelona.pk)
            calling = pool.submit(closing_its_connection, call)
            wait_until(someone_waits_for_a_lock)
            list(Asset.objects.filter(library=cast.barcelona).order_by("pk").select_for_update())
            Organization.objects.select_for_update().get(pk=cast.acme.pk)
        calling.result(timeout=60)


def closing_its_connection(call: Callable[[], object]) -> None:
    try:
        call()
    finally:
        connection.close()


def test_a_member_gets_roles_in_libraries_that_are_locked(cast: Cast) -> None:
    command = AddMember(
        organization_id="acme", email="dave@example.com", role="member", libraries={"barcelona": "viewer"}
    )
    while_everything_is_locked(cast, lambda: add_member(OPERATOR, command, cast.dave))
    assert LibraryMembership.objects.filter(library=cast.barcelona, membership__user=cast.dave).exists()


def test_assets_are_indexed_anew_in_libraries_that_are_locked(cast: Cast) -> None:
    asset = AssetFactory(library=cast.barcelona)
    SearchEntry.objects.all().delete()
    while_everything_is_locked(cast, lambda: list(reindex()))
    assert SearchEntry.objects.filter(asset=asset).exists()


def test_assets_leave_a_library_that_is_locked(cast: Cast) -> None:
    asset = AssetFactory(library=cast.barcelona, tagged=["Sea"])
    ends = {"sourceLibraryId": "barcelona", "targetLibraryId": "paris"}
    command = TransferAssets.model_validate({"organizationId": "acme", **ends, "assetIds": [asset.pk]})
    while_everything_is_locked(cast, lambda: transfer_assets(person(cast, "alice"), command))
    assert Asset.objects.get().library == cast.paris


def test_the_trash_of_a_library_that_is_locked_is_purged(cast: Cast) -> None:
    asset = AssetFactory(library=cast.barcelona)
    place = {"organizationId": "acme", "libraryId": "barcelona", "ids": [asset.pk]}
    delete_assets(person(cast, "alice"), DeleteAssets.model_validate(place))
    while_everything_is_locked(cast, lambda: purge_trash(OPERATOR, PurgeTrash(days=0)))
    assert not Asset.objects.exists()
