"""What has been in the trash for its time is removed for good: rows, files and bytes that count, and nothing else."""

from datetime import timedelta
from io import StringIO
from pathlib import Path

import pytest
from django.conf import settings
from django.core.cache import cache
from django.core.files.storage import default_storage
from django.core.management import CommandError, call_command
from django.utils import timezone
from pytest_django import DjangoCaptureOnCommitCallbacks

from assets.clean_up import PURGE_LEASE, purge_if_due
from assets.contracts import PurgeTrash, RestoreAssets
from assets.models import Asset, AssetEvent, Tag
from assets.operations.trash import CHUNK, purge_trash, restore_assets
from orgs.models import AuditEntry
from raster.errors import ResourceNotFound
from tests.assets.conftest import StoredFiles
from tests.assets.people import person
from tests.assets.stored import content_of, stored_asset
from tests.factories import OPERATOR, AssetFactory, Cast

pytestmark = pytest.mark.usefixtures("own_storage")


def days_ago(days: float) -> object:
    return timezone.now() - timedelta(days=days)


def purge(days: int = 30) -> int:
    return purge_trash(OPERATOR, PurgeTrash(days=days)).assets


def rows() -> set[str]:
    return set(Asset.objects.values_list("pk", flat=True))


@pytest.fixture
def committed(django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks) -> DjangoCaptureOnCommitCallbacks:
    return django_capture_on_commit_callbacks


def test_what_is_live_or_not_long_enough_in_the_trash_stays(
    cast: Cast, stored_files: StoredFiles, committed: DjangoCaptureOnCommitCallbacks
) -> None:
    stay = [
        stored_asset(cast.barcelona, b"live"),
        stored_asset(cast.barcelona, b"young", trashed=days_ago(29.99)),
        stored_asset(cast.secret, b"of somebody else", trashed=days_ago(1)),
    ]
    files = stored_files()
    with committed(execute=True):
        assert purge() == 0
    assert rows() == {asset.pk for asset in stay}
    assert stored_files() == files


def test_after_30_days_nothing_is_left(
    cast: Cast, stored_files: StoredFiles, committed: DjangoCaptureOnCommitCallbacks
) -> None:
    stays = stored_asset(cast.barcelona, b"stays", tagged=["both"])
    files = stored_files()
    used = cast.acme.__class__.objects.get(pk=cast.acme.pk).storage_used
    gone = stored_asset(cast.barcelona, b"is gone", tagged=["both", "only here"], trashed=days_ago(30.01))
    variant = stored_asset(cast.barcelona, b"too", parent=gone, tagged=["on a variant"], trashed=gone.trashed)
    with committed(execute=True):
        assert purge() == 2
    assert rows() == {stays.pk}
    assert stored_files() == files
    assert [tag.text for tag in Tag.objects.all()] == ["both"]
    assert not AssetEvent.objects.exists()
    cast.acme.refresh_from_db()
    assert cast.acme.storage_used == used
    entry = AuditEntry.objects.get(action="asset.purge")
    assert entry.actor == "operator"
    assert set(entry.before["assets"]) == {f"{asset.name} ({asset.pk})" for asset in (gone, variant)}
    with pytest.raises(ResourceNotFound):
        restore_assets(
            person(cast, "bob"), RestoreAssets(organization_id="acme", library_id="barcelona", ids=[gone.pk])
        )


def test_a_variant_alone_is_removed_from_a_live_original(cast: Cast, committed: DjangoCaptureOnCommitCallbacks) -> None:
    original = stored_asset(cast.barcelona, b"original")
    stored_asset(cast.barcelona, b"variant", parent=original, trashed=days_ago(31))
    with committed(execute=True):
        assert purge() == 1
    assert rows() == {original.pk}
    assert content_of(original) == b"original"


def test_files_go_only_after_the_rows_are_gone_for_good(
    cast: Cast, stored_files: StoredFiles, committed: DjangoCaptureOnCommitCallbacks
) -> None:
    stored_asset(cast.barcelona, b"sea", trashed=days_ago(31))
    with committed(execute=False) as callbacks:
        purge()
        assert len(stored_files()) == 2
    assert len(callbacks) == 1
    callbacks[0]()
    assert stored_files() == set()


def test_a_storage_that_fails_stops_no_purge(cast: Cast, transactional_db: None) -> None:
    stored = stored_asset(cast.barcelona, b"sea", trashed=days_ago(31))
    AssetFactory(library=cast.paris, trashed=days_ago(31))
    path = Path(default_storage.path(stored.file))
    path.unlink()
    path.mkdir()
    (path / "kept").touch()  # a folder with something in it cannot be deleted as a file
    try:
        assert purge() == 2
        assert rows() == set()
    finally:
        (path / "kept").unlink()
        path.rmdir()
        for size in (Path(settings.MEDIA_ROOT) / "sizes").rglob(next(iter(stored.sizes.values()))):
            size.unlink()


def test_more_than_a_chunk_is_removed_and_bytes_never_count_below_nothing(cast: Cast) -> None:
    for _ in range(CHUNK + 5):
        AssetFactory(library=cast.barcelona, trashed=days_ago(31))
    assert purge() == CHUNK + 5
    cast.acme.refresh_from_db()
    assert cast.acme.storage_used == 0


def test_the_command_says_how_many_and_takes_days(cast: Cast) -> None:
    AssetFactory(library=cast.barcelona, trashed=days_ago(31))
    AssetFactory(library=cast.barcelona, trashed=days_ago(2))
    kept = AssetFactory(library=cast.barcelona)
    for arguments, said in (((), "1 assets\n"), (("--days", "3"), "0 assets\n"), (("--days", "0"), "1 assets\n")):
        out = StringIO()
        call_command("purge", *arguments, stdout=out)
        assert out.getvalue() == said
    assert rows() == {kept.pk}


def test_the_command_refuses_days_that_are_none(cast: Cast) -> None:
    with pytest.raises(CommandError, match="days"):
        call_command("purge", "--days", "-1")


def test_of_all_processes_one_purges_in_an_hour(cast: Cast) -> None:
    cache.delete(PURGE_LEASE)
    AssetFactory(library=cast.barcelona, trashed=days_ago(31))
    assert purge_if_due() == {"assets in the trash": 1}
    AssetFactory(library=cast.barcelona, trashed=days_ago(31))
    assert purge_if_due() == {}
    cache.delete(PURGE_LEASE)
    assert purge_if_due() == {"assets in the trash": 1}
    cache.delete(PURGE_LEASE)
