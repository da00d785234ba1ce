"""Stored files are deleted only where the storage is known to be the database's own, whoever asks for it."""

import json
from collections.abc import Iterator
from datetime import timedelta
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from pytest_django import DjangoCaptureOnCommitCallbacks, Settings

from apikeys.unclaimed import remove_unclaimed, remove_unclaimed_if_due
from assets import ownership, storage
from assets.clean_up import purge_if_due, sweep_stored
from assets.contracts import PurgeTrash
from assets.derivatives import derive_all
from assets.models import Asset, Installation, Leftover, new_asset_id
from assets.operations.trash import purge_trash
from assets.ownership import DeletionRefused
from assets.staging import stage
from orgs.models import Organization
from tests.assets import pictures
from tests.assets.conftest import Importer
from tests.assets.people import at_once
from tests.assets.stored import stored_asset
from tests.factories import OPERATOR, Cast

UNMARKED = "not marked as this installation's"
ANOTHER = "marked as another installation's"
COPY = "another copy of this database"
NEWER = "that this database does not know"


@pytest.fixture(autouse=True)
def media(settings: Settings, tmp_path: Path) -> Iterator[Path]:
    """A storage of the test's own, which is empty, and a process that has not noted an upload yet."""
    settings.MEDIA_ROOT = tmp_path / "media"
    ownership.noted.again()
    yield tmp_path / "media"
    ownership.noted.again()


def files(media: Path) -> set[str]:
    return {path.name for folder in ("originals", "sizes") for path in (media / folder).rglob("*") if path.is_file()}


def upload() -> None:
    """Note an upload as this process would, were it the first in a minute."""
    ownership.noted.again()
    ownership.note_upload()


def stray() -> str:
    """Store a file that has no row."""
    with stage("sea.jpg", [b"sea"]) as staged:
        return storage.save_original(new_asset_id(), staged.path)


def become(row: Installation | None) -> None:
    """Go on as another database: a new one, or one that has this row."""
    Installation.objects.all().delete()
    if row is not None:
        row.save(force_insert=True)


def copied() -> Installation:
    """Return what a copy of the database has now."""
    return Installation.objects.get()


def refused(reason: str) -> None:
    """Fail unless a file without a row stays, for this reason."""
    name = stray()
    with pytest.raises(DeletionRefused, match=reason):
        ownership.delete([name])
    assert storage.stat(name) is not None
    storage.discard([name])


def allowed() -> None:
    """Fail unless a file can be deleted."""
    name = stray()
    ownership.delete([name])
    assert storage.stat(name) is None


def test_the_first_upload_marks_an_empty_storage_and_a_second_installation_may_not_delete(cast: Cast) -> None:
    upload()
    first = copied()
    allowed()
    become(None)
    refused(ANOTHER)
    with pytest.raises(DeletionRefused, match=ANOTHER):
        sweep_stored()
    become(first)
    allowed()


def test_an_empty_storage_is_marked_by_whatever_deletes_first(cast: Cast) -> None:
    ownership.check_may_delete()
    become(None)
    refused(ANOTHER)


@pytest.mark.parametrize(("without_row", "is_marked"), [(2, False), (1, True), (0, True)])
def test_a_storage_without_a_mark_is_marked_where_95_of_100_files_have_rows(
    cast: Cast, media: Path, without_row: int, is_marked: bool
) -> None:
    for number in range(10):
        stored_asset(cast.barcelona, bytes([number]))
    for asset in Asset.objects.all()[:without_row]:
        Asset.objects.filter(pk=asset.pk).update(sizes={})
    assert len(files(media)) == 20
    if is_marked:
        ownership.check_may_delete()
        allowed()
    else:
        refused(UNMARKED)
    assert (media / ownership.MARK).exists() == is_marked


def test_a_new_database_beside_a_full_storage_without_a_mark_may_not_delete(cast: Cast) -> None:
    stray()
    refused(UNMARKED)
    upload()
    refused(UNMARKED)


def test_of_two_copies_the_one_that_cleans_up_second_may_not_delete(cast: Cast) -> None:
    ownership.check_may_delete()
    copy = copied()
    ownership.renew()
    original = copied()
    become(copy)
    refused(COPY)
    with pytest.raises(DeletionRefused, match=COPY):
        sweep_stored()
    become(original)
    allowed()


def test_an_old_dump_may_not_delete_even_before_the_next_clean_up(cast: Cast) -> None:
    upload()
    dump = copied()
    upload()
    now = copied()
    become(dump)
    refused(NEWER)
    upload()
    refused(NEWER)
    become(now)
    refused(NEWER)  # somebody uploaded to the storage meanwhile, and this database knows nothing of it


@pytest.mark.parametrize("is_copy", [True, False])
def test_two_databases_that_both_upload_to_a_storage_keep_each_other_from_deleting(cast: Cast, is_copy: bool) -> None:
    upload()
    first = copied()
    become(first if is_copy else None)
    upload()
    second = copied()
    become(first)
    upload()
    refused(NEWER)
    first = copied()
    become(second)
    refused(NEWER if is_copy else ANOTHER)
    upload()
    become(first)
    refused(NEWER)


def test_a_crash_between_the_database_and_the_storage_blocks_nothing(cast: Cast, media: Path) -> None:
    ownership.check_may_delete()
    for _ in range(3):
        before = (media / ownership.MARK).read_bytes()
        Installation.objects.update(renewed=None)
        generation = copied().generation
        ownership.renew()
        assert copied().generation != generation or before != (media / ownership.MARK).read_bytes()
        (media / ownership.MARK).write_bytes(before)
        allowed()
    ownership.renew()
    assert json.loads((media / ownership.MARK).read_bytes())["generation"] == copied().generation


def test_a_crash_between_noting_an_upload_here_and_there_blocks_nothing(cast: Cast, media: Path) -> None:
    upload()
    before = (media / ownership.NEWEST_UPLOAD).read_bytes()
    upload()
    (media / ownership.NEWEST_UPLOAD).write_bytes(before)
    allowed()


def test_processes_at_once_do_not_get_in_each_others_way(transactional_db: None) -> None:
    upload()
    for _ in range(5):
        Installation.objects.update(renewed=None)
        at_once(*[ownership.renew] * 3, *[upload] * 3)
        ownership.check_may_delete()


@pytest.mark.parametrize("name", [ownership.MARK, ownership.NEWEST_UPLOAD])
@pytest.mark.parametrize("content", ["", "{}", "[]", '{"at": "2026-01-01", "identity": 1}'])
def test_what_cannot_be_read_is_nobodys_until_it_is_adopted(cast: Cast, media: Path, name: str, content: str) -> None:
    upload()
    (media / name).write_text(content)
    refused(ANOTHER if name == ownership.MARK else NEWER)
    call_command("adopt_storage", stdout=StringIO(), stderr=StringIO())
    allowed()
    upload()
    allowed()


@pytest.fixture
def elsewhere(cast: Cast) -> None:
    """Have the storage be another installation's."""
    upload()
    become(None)


def test_a_purge_leaves_rows_and_files(
    elsewhere: None, cast: Cast, media: Path, caplog: pytest.LogCaptureFixture
) -> None:
    asset = stored_asset(cast.barcelona, b"sea", trashed=timezone.now() - timedelta(days=31))
    before = files(media)
    with pytest.raises(DeletionRefused):
        purge_trash(OPERATOR, PurgeTrash())
    with pytest.raises(CommandError, match="adopt_storage"):
        call_command("purge")
    assert Asset.objects.get().pk == asset.pk
    assert files(media) == before


def test_the_end_of_an_unclaimed_organization_waits(elsewhere: None, cast: Cast, media: Path) -> None:
    stored_asset(cast.barcelona, b"sea")
    Organization.objects.filter(slug="acme").update(unclaimed_until=timezone.now())
    before = files(media)
    with pytest.raises(DeletionRefused):
        remove_unclaimed()
    assert Organization.objects.filter(slug="acme").exists()
    assert Asset.objects.exists()
    assert files(media) == before


def test_a_server_says_it_in_one_line_for_each(
    elsewhere: None, cast: Cast, caplog: pytest.LogCaptureFixture, media: Path
) -> None:
    for number in range(3):
        stored_asset(cast.barcelona, bytes([number]), trashed=timezone.now() - timedelta(days=31))
    Organization.objects.filter(slug="globex").update(unclaimed_until=timezone.now())
    for act in (purge_if_due, remove_unclaimed_if_due):
        caplog.clear()
        act()
        [line] = [record for record in caplog.records if record.levelname == "ERROR"]
        assert "manage.py adopt_storage" in line.getMessage()
        assert line.exc_info is None


def test_new_sizes_are_made_and_the_old_ones_stay(elsewhere: None, cast: Cast, imported: Importer, media: Path) -> None:
    asset = imported(pictures.jpeg())
    old = storage.save_size(asset.file, b"an older size")
    Asset.objects.update(sizes={"320": old}, derivatives=Asset.Derivatives.PENDING)
    derive_all(Asset.objects.all())
    asset.refresh_from_db()
    assert asset.derivatives == Asset.Derivatives.READY
    assert old not in asset.sizes.values()
    assert old in files(media)


def test_uploads_go_on_and_one_that_fails_leaves_nothing(elsewhere: None, cast: Cast, media: Path) -> None:
    stored_asset(cast.barcelona, b"sea")
    before = files(media)
    with stage("sea.jpg", [b"sea"]) as staged:
        name = storage.save_original(new_asset_id(), staged.path)
    storage.discard([name])
    assert files(media) == before


def test_files_are_checked_by_one_query_for_all_of_them(cast: Cast) -> None:
    ownership.check_may_delete()
    names = [stray() for _ in range(5)]
    with CaptureQueriesContext(connection) as queries:
        ownership.delete(names)
    assert len(queries) == 1


def test_uploads_of_a_minute_cost_one_note(cast: Cast) -> None:
    upload()
    with CaptureQueriesContext(connection) as queries:
        ownership.note_upload()
    assert len(queries) == 0


def adopt(*arguments: str) -> tuple[str, str]:
    out, err = StringIO(), StringIO()
    call_command("adopt_storage", *arguments, stdout=out, stderr=err)
    return out.getvalue(), err.getvalue()


def test_adopting_asks_for_yes_where_files_have_no_row(cast: Cast, media: Path) -> None:
    upload()
    become(None)
    stored_asset(cast.barcelona, b"sea")
    lost = stray()
    Leftover.objects.create(name=lost, size=1, found=timezone.now(), seen=timezone.now())
    with pytest.raises(CommandError, match=r"1 of 3 stored files have no row.*--yes"):
        adopt()
    refused(ANOTHER)
    out, err = adopt("--yes")
    assert out == "3 stored files\n1 without a row\n"
    assert ANOTHER in err
    assert not Leftover.objects.exists()
    assert storage.stat(lost) is not None
    allowed()
    assert "already" in adopt()[1]


def test_adopting_needs_no_yes_where_every_file_has_its_row_and_shuts_the_other_out(cast: Cast) -> None:
    upload()
    stored_asset(cast.barcelona, b"sea")
    other = copied()
    become(None)
    assert adopt()[0] == "2 stored files\n0 without a row\n"
    allowed()
    become(other)
    refused(ANOTHER)


def test_an_old_dump_is_adopted_and_later_uploads_count_from_there(cast: Cast) -> None:
    upload()
    dump = copied()
    upload()
    become(dump)
    refused(NEWER)
    adopt()
    allowed()
    upload()
    allowed()


def test_files_go_once_the_rows_are_gone_where_the_storage_is_its_own(
    cast: Cast, media: Path, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
) -> None:
    stored_asset(cast.barcelona, b"sea", trashed=timezone.now() - timedelta(days=31))
    with django_capture_on_commit_callbacks(execute=True):
        purge_trash(OPERATOR, PurgeTrash())
    assert files(media) == set()
