"""Uploading makes an asset of each file that comes in, names those that do not, or changes nothing at all."""

import hashlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest
from django.conf import settings as django_settings
from django.db import transaction
from django.db.models.signals import post_save
from django.utils import timezone
from pytest_django import Settings

from assets.contracts import GetAsset, ListAssets, UploadAssets, Uploaded
from assets.models import Asset, AssetEvent
from assets.operations.assets import get_asset, list_assets
from assets.operations.uploads import check_may_upload, upload_assets
from assets.staging import LeftOut, Staged, stage, staging_folder, too_large
from orgs.access import Level, Origin, Principal, UserPrincipal
from orgs.models import AuditEntry, Library, LibraryMembership, Organization
from raster.errors import (
    BadUserInput,
    LibraryNotAuthorized,
    LibraryReadOnly,
    OrganizationNotFound,
    PayloadTooLarge,
    RasterError,
    ResourceNotFound,
    ServiceUnavailable,
    StorageLimitExceeded,
)
from tests.assets import pictures
from tests.assets.conftest import StoredFiles
from tests.assets.people import at_once, key_principal, person
from tests.factories import OPERATOR, AssetFactory, Cast

PLACE = UploadAssets(organization_id="acme", library_id="barcelona")
SEA = pictures.jpeg(400, 300)


class Upload:
    """Uploads bytes: ``upload(("sea.jpg", data), …)``."""

    def __init__(self) -> None:
        self.staged: list[Staged] = []

    def __call__(
        self,
        *files: tuple[str, bytes] | LeftOut,
        principal: Principal = OPERATOR,
        library: str = "barcelona",
        parent: str | None = None,
    ) -> Uploaded:
        command = UploadAssets(organization_id="acme", library_id=library, parent_id=parent)
        with ExitStack() as opened:
            return upload_assets(principal, command, self.stage(opened, files))

    @staticmethod
    def stage(opened: ExitStack, files: Sequence[tuple[str, bytes] | LeftOut]) -> list[Staged | LeftOut]:
        return [
            file if isinstance(file, LeftOut) else opened.enter_context(stage(file[0], [file[1]])) for file in files
        ]


@pytest.fixture
def upload(stored_files: StoredFiles) -> Iterator[Upload]:
    """Uploads; at the end of the test nothing may be left in the staging folder, and no file without a row."""
    before = set(staging_folder().glob("*"))
    yield Upload()
    assert set(staging_folder().glob("*")) == before
    assert stored_files() == set(
        Asset.objects.exclude(file__startswith="originals/Asset").values_list("file", flat=True)
    )


def used(cast: Cast) -> int:
    cast.acme.refresh_from_db()
    return cast.acme.storage_used


@pytest.mark.parametrize(
    ("who", "organization", "library", "refusal"),
    [
        ("dave", "acme", "barcelona", OrganizationNotFound),
        ("dave", "nobody", "barcelona", OrganizationNotFound),
        ("bob", "acme", "paris", LibraryNotAuthorized),
        ("bob", "acme", "unknown", LibraryNotAuthorized),
        ("bob", "acme", "secret", LibraryNotAuthorized),
        ("carol", "acme", "barcelona", LibraryReadOnly),
    ],
)
def test_who_may_not_write_changes_nothing(
    cast: Cast, upload: Upload, who: str, organization: str, library: str, refusal: type[RasterError]
) -> None:
    place = UploadAssets(organization_id=organization, library_id=library)
    with pytest.raises(refusal):
        check_may_upload(person(cast, who), place)
    with ExitStack() as opened, pytest.raises(refusal):
        upload_assets(person(cast, who), place, upload.stage(opened, [("sea.jpg", SEA)]))
    assert not Asset.objects.exists()
    assert used(cast) == 0


@dataclass(frozen=True)
class Interrupted(UserPrincipal):
    """Somebody to whom something happens after the files have moved, and before their rows are written."""

    happen: Callable[[], object]

    def library(self, organization: str, library: str, level: Level, *, lock: bool = False) -> Library:
        if lock:
            self.happen()
        return super().library(organization, library, level, lock=lock)


@pytest.mark.parametrize(
    ("event", "refusal"),
    [
        ("role taken away", LibraryReadOnly),
        ("membership ended", OrganizationNotFound),
        ("library deleted", LibraryNotAuthorized),
        ("original in the trash", ResourceNotFound),
        ("room used up", StorageLimitExceeded),
    ],
)
def test_what_happens_while_files_move_counts_and_they_leave_the_storage(
    cast: Cast, upload: Upload, event: str, refusal: type[RasterError]
) -> None:
    original = AssetFactory(library=cast.barcelona)
    events: dict[str, Callable[[], object]] = {
        "role taken away": lambda: LibraryMembership.objects.filter(membership__user=cast.bob).update(role="viewer"),
        "membership ended": cast.bob.memberships.all().delete,
        "library deleted": cast.barcelona.delete,
        "original in the trash": lambda: Asset.objects.filter(pk=original.pk).update(trashed=timezone.now()),
        "room used up": lambda: Organization.objects.update(storage_limit=len(SEA) - 1),
    }
    bob = Interrupted(Origin("web"), cast.bob, events[event])
    with pytest.raises(refusal):
        upload(("sea.jpg", SEA), principal=bob, parent=original.pk)
    assert not Asset.objects.exclude(pk=original.pk).exists()
    assert used(cast) == 0


@pytest.mark.parametrize(
    ("name", "data", "reason"),
    [
        ("empty.jpg", b"", "The file is empty"),
        ("page.png", b"<html><script>alert(1)</script></html>", "this is none of them"),
        ("notes.txt", b"Notes", "Raster takes JPEG, PNG"),
        ("broken.jpg", b"\xff\xd8\xff\xe0 and then no picture", "damaged or cut off"),
        ("bomb.png", pictures.png_that_claims(60_000, 60_000), "100 megapixels"),
    ],
)
def test_a_file_that_cannot_come_in_is_left_out_and_named(
    cast: Cast, upload: Upload, name: str, data: bytes, reason: str
) -> None:
    uploaded = upload(("sea.jpg", SEA), (name, data))
    assert uploaded.response_text.startswith(f"Uploaded 1 of 2 files. Left out: {name} (")
    assert reason in uploaded.response_text and uploaded.response_text.endswith(").")
    assert [asset.name for asset in uploaded.assets] == ["sea"]
    assert used(cast) == len(SEA)
    with pytest.raises(BadUserInput, match=rf"Uploaded nothing\. Left out: {name} \(.*{reason}"):
        upload((name, data))
    assert Asset.objects.count() == 1


def test_every_reason_is_told_in_words_for_people(cast: Cast, upload: Upload) -> None:
    left = LeftOut("../a\u202eb/" + "x" * 300 + ".mp4", "A file may have up to 1 GB.")
    uploaded = upload(left, ("Sea.jpg", SEA), ("no\x1bte\x00s.txt", b"Notes"), ("sky.jpg", SEA))
    text = uploaded.response_text
    assert text.startswith(
        f"Uploaded 2 of 4 files. Left out: {'x' * 100} (A file may have up to 1 GB); notes.txt (Raster"
    )
    assert [asset.name for asset in uploaded.assets] == ["Sea", "sky"]


@pytest.mark.parametrize(("count", "text"), [(1, "Uploaded 1 file."), (3, "Uploaded 3 files.")])
def test_files_that_all_come_in_are_counted(cast: Cast, upload: Upload, count: int, text: str) -> None:
    uploaded = upload(*[("sea.jpg", SEA)] * count)
    assert uploaded.response_text == text
    assert used(cast) == count * len(SEA)


@pytest.mark.parametrize("count", [0, 21])
def test_no_file_and_too_many_files_are_refused(cast: Cast, upload: Upload, count: int) -> None:
    with pytest.raises(BadUserInput, match="1 to 20 files"):
        upload(*[("sea.jpg", SEA)] * count)


def test_an_upload_answers_with_assets_that_lists_have_at_once(cast: Cast, upload: Upload) -> None:
    bob = person(cast, "bob")
    uploaded = upload(("Sea at noon.JPEG", SEA), ("rose.svg", pictures.SCRIPTED_SVG), principal=bob)
    sea, rose = uploaded.assets
    assert (sea.name, sea.content_type, sea.size, sea.width, sea.height) == (
        "Sea at noon",
        "image/jpeg",
        len(SEA),
        400,
        300,
    )
    assert (sea.blurhash, sea.sizes, sea.tags, sea.variants, sea.type, sea.uploaded_by.name) == (
        None,
        {},
        [],
        [],
        "main",
        "Bob",
    )
    assert sea.url == f"{django_settings.MEDIA_BASE_URL}/{sea.id}/Sea-at-noon.jpg"
    listed = list_assets(bob, ListAssets(organization_id="acme", library_id="barcelona"))
    assert listed.data == [rose, sea]
    assert get_asset(bob, GetAsset(organization_id="acme", library_id="barcelona", asset_id=sea.id)) == sea
    row = Asset.objects.get(pk=sea.id)
    assert (row.derivatives, row.derivatives_due, row.uploaded_by) == ("pending", None, cast.bob)
    assert row.digest == hashlib.sha256(SEA).hexdigest()
    stored = Path(django_settings.MEDIA_ROOT) / row.file
    assert (stored.read_bytes(), stored.stat().st_mode & 0o777) == (SEA, 0o600)


@pytest.mark.django_db(transaction=True)
def test_an_upload_is_answered_although_it_is_gone_by_then(cast: Cast, stored_files: StoredFiles) -> None:
    def remove_once_written(instance: Asset, **_: object) -> None:
        transaction.on_commit(lambda: Asset.objects.filter(pk=instance.pk).delete())

    post_save.connect(remove_once_written, sender=Asset)
    try:
        [sea] = Upload()(("sea.jpg", SEA)).assets
    finally:
        post_save.disconnect(remove_once_written, sender=Asset)
    assert sea.name == "sea"
    assert not Asset.objects.exists()


def test_an_upload_is_in_the_history_and_the_audit_log(cast: Cast, upload: Upload) -> None:
    key = key_principal(cast, barcelona="write")
    [sea, sky] = upload(("sea.jpg", SEA), ("sky.jpg", SEA), principal=key).assets
    events = AssetEvent.objects.order_by("id").values_list("asset", "kind", "by_name")
    assert list(events) == [(sea.id, "upload", key.label), (sky.id, "upload", key.label)]
    entries = AuditEntry.objects.filter(action="asset.upload").order_by("id")
    assert [entry.target for entry in entries] == [f"sea ({sea.id})", f"sky ({sky.id})"]
    assert entries[0].after == {"library": "Barcelona (barcelona)", "contentType": "image/jpeg", "size": len(SEA)}
    assert sea.uploaded_by.name == "Agent"


def test_the_same_file_comes_in_as_often_as_it_is_uploaded(cast: Cast, upload: Upload) -> None:
    first, second = upload(("sea.jpg", SEA), ("sea.jpg", SEA)).assets
    assert first.id != second.id and first.url != second.url


def test_a_variant_comes_in_with_its_original_whatever_its_type(cast: Cast, upload: Upload) -> None:
    [sea] = upload(("sea.jpg", SEA)).assets
    [drawing] = upload(("drawing.svg", pictures.SVG), parent=sea.id, principal=person(cast, "bob")).assets
    assert (drawing.type, drawing.parent_id, drawing.content_type) == ("variant", sea.id, "image/svg+xml")
    listed = list_assets(OPERATOR, ListAssets(organization_id="acme", library_id="barcelona"))
    assert [asset.id for asset in listed.data] == [sea.id]
    assert [variant.id for variant in listed.data[0].variants] == [drawing.id]
    events = AssetEvent.objects.filter(kind="variant").values_list("asset", "by_name", "detail")
    assert list(events) == [(sea.id, "Bob", {"after": "drawing"})]
    assert used(cast) == len(SEA) + len(pictures.SVG)


def test_a_variant_of_what_is_no_original_of_the_library_is_refused_alike(cast: Cast, upload: Upload) -> None:
    original = AssetFactory(library=cast.barcelona)
    strangers = [
        "a" * 22,
        AssetFactory(library=cast.paris).pk,
        AssetFactory(library=cast.secret).pk,
        AssetFactory(library=cast.barcelona, parent=original).pk,
        AssetFactory(library=cast.barcelona, trashed=timezone.now()).pk,
    ]
    for stranger in strangers:
        with pytest.raises(ResourceNotFound):
            upload(("sea.jpg", SEA), parent=stranger)
    with pytest.raises(BadUserInput, match="A variant is one file"):
        upload(("sea.jpg", SEA), ("sky.jpg", SEA), parent=original.pk)
    with pytest.raises(BadUserInput, match="A variant is one file"):
        upload(("sea.jpg", SEA), LeftOut("sky.jpg", "It is too large."), parent=original.pk)


def test_a_file_over_the_limit_is_refused_while_it_comes_in(settings: Settings) -> None:
    settings.MAX_FILE_SIZE = 10
    before = set(staging_folder().glob("*"))
    read = []

    def chunks() -> Iterator[bytes]:
        for _ in range(100):
            read.append(1)
            yield b"12345"

    with pytest.raises(PayloadTooLarge, match="up to 10 bytes"):
        stage("sea.jpg", chunks())
    assert len(read) == 3
    assert set(staging_folder().glob("*")) == before


@pytest.mark.parametrize(
    ("size", "words"),
    [
        (1000, "1000 bytes"),
        (1025, "1025 bytes"),
        (200 * 1024**2, "200 MB"),
        (1024**3, "1 GB"),
        (1536 * 1024**2, "1536 MB"),
    ],
)
def test_the_limit_is_told_in_the_largest_unit_that_fits(settings: Settings, size: int, words: str) -> None:
    settings.MAX_FILE_SIZE = size
    assert too_large() == f"A file may have up to {words}."


def test_a_storage_that_takes_nothing_is_the_servers_fault(cast: Cast, settings: Settings) -> None:
    before = set(staging_folder().glob("*"))
    blocked = settings.DATA_DIR / "blocked"
    blocked.write_bytes(b"")
    settings.MEDIA_ROOT = blocked
    with pytest.raises(ServiceUnavailable):
        Upload()(("sea.jpg", SEA))
    assert not Asset.objects.exists()
    assert used(cast) == 0
    assert set(staging_folder().glob("*")) == before


def test_files_that_do_not_fit_into_the_quota_stay_outside_together(
    cast: Cast, settings: Settings, upload: Upload
) -> None:
    settings.STORAGE_QUOTA = 2 * len(SEA)
    upload(("sea.jpg", SEA))
    with pytest.raises(StorageLimitExceeded):
        upload(("sea.jpg", SEA), ("dot.svg", pictures.SVG))
    assert (used(cast), Asset.objects.count()) == (len(SEA), 1)
    upload(("sea.jpg", SEA))
    with pytest.raises(StorageLimitExceeded):
        check_may_upload(OPERATOR, PLACE)


@pytest.mark.parametrize(("own", "fits"), [(None, False), (0, False), (10**9, True)])
def test_an_organizations_own_limit_goes_before_the_installations(
    cast: Cast, settings: Settings, upload: Upload, own: int | None, fits: bool
) -> None:
    settings.STORAGE_QUOTA = 1
    cast.acme.storage_limit = own
    cast.acme.save()
    if fits:
        upload(("sea.jpg", SEA))
    else:
        with pytest.raises(StorageLimitExceeded):
            upload(("sea.jpg", SEA))
    assert used(cast) == (len(SEA) if fits else 0)


@pytest.mark.django_db(transaction=True)
def test_of_two_uploads_at_once_for_which_there_is_room_once_one_wins(
    cast: Cast, settings: Settings, upload: Upload
) -> None:
    settings.STORAGE_QUOTA = 2 * len(SEA) - 1
    bob, key = person(cast, "bob"), key_principal(cast, barcelona="write", paris="write")
    outcomes = at_once(
        lambda: upload(("sea.jpg", SEA), principal=bob),
        lambda: upload(("sea.jpg", SEA), principal=key, library="paris"),
        lambda: upload(("sea.jpg", SEA), principal=key),
    )
    won = [outcome for outcome in outcomes if isinstance(outcome, Uploaded)]
    assert len(won) == 1, outcomes
    assert all(isinstance(outcome, StorageLimitExceeded) for outcome in outcomes if outcome not in won)
    assert (used(cast), Asset.objects.count()) == (len(SEA), 1)


@pytest.mark.django_db(transaction=True)
def test_uploads_at_once_are_all_counted(cast: Cast, upload: Upload) -> None:
    outcomes = at_once(*[lambda: upload(("sea.jpg", SEA), ("sky.jpg", SEA))] * 6)
    assert all(isinstance(outcome, Uploaded) for outcome in outcomes), outcomes
    assert (used(cast), Asset.objects.count()) == (12 * len(SEA), 12)


def test_nothing_comes_in_once_the_disk_is_nearly_full(settings: Settings) -> None:
    settings.FREE_SPACE = 2**60
    with pytest.raises(ServiceUnavailable, match="nearly full"):
        stage("a.png", [pictures.encoded("png", 2, 2)])
    assert not staging_folder().exists() or not any(staging_folder().iterdir())
