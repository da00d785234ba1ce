"""Importing a file makes an asset with its files, or leaves nothing behind."""

import hashlib
import io
import unicodedata
from collections.abc import Callable

import pytest
from django.core.files.storage import default_storage
from django.utils import timezone

from assets import names, storage
from assets.contracts import GetAsset, ImportedFile, ImportFile
from assets.models import Asset
from assets.operations.assets import get_asset
from assets.operations.imports import import_file
from assets.signatures import JPEG, PNG
from orgs.access import Origin, UserPrincipal
from orgs.models import AuditEntry, LibraryMembership
from raster.errors import BadUserInput, LibraryNotAuthorized, LibraryReadOnly, OrganizationNotFound, RasterError
from tests.assets import pictures
from tests.assets.conftest import Importer, StoredFiles
from tests.factories import OPERATOR, Cast


class Unread(io.BytesIO):
    """A file that nobody may read."""

    def read(self, size: int | None = -1, /) -> bytes:
        raise AssertionError("A byte was read before the library was looked up.")


class Read(io.BytesIO):
    """A file at whose end something happens."""

    def __init__(self, data: bytes, at_end: Callable[[], object]) -> None:
        super().__init__(data)
        self.at_end = at_end

    def read(self, size: int | None = -1, /) -> bytes:
        data = super().read(size)
        if not data:
            self.at_end()
        return data


@pytest.mark.parametrize(
    ("person", "organization", "library", "refusal"),
    [
        ("dave", "acme", "barcelona", OrganizationNotFound),
        ("dave", "nobody", "barcelona", OrganizationNotFound),
        ("bob", "acme", "paris", LibraryNotAuthorized),
        ("bob", "acme", "unknown", LibraryNotAuthorized),
        ("bob", "acme", "secret", LibraryNotAuthorized),
        ("carol", "acme", "barcelona", LibraryReadOnly),
    ],
)
def test_who_may_not_write_stores_nothing_and_has_no_byte_read(
    cast: Cast, stored_files: StoredFiles, person: str, organization: str, library: str, refusal: type[RasterError]
) -> None:
    principal = UserPrincipal(Origin("web"), getattr(cast, person))
    command = ImportFile(organization_id=organization, library_id=library, file_name="sea.jpg")
    with pytest.raises(refusal):
        import_file(principal, command, Unread())
    assert stored_files() == set()
    assert not Asset.objects.exists()


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "empty"),
        (b"<html><script>alert(1)</script></html>", "none of them"),
        (b"\xff\xd8\xff\xe0 and then no picture", "damaged or cut off"),
        (pictures.png_that_claims(60_000, 60_000), "100 megapixels"),
    ],
    ids=["empty", "HTML", "signature only", "bomb"],
)
def test_a_file_that_is_refused_leaves_nothing_behind(
    cast: Cast, stored_files: StoredFiles, imported: Importer, data: bytes, reason: str
) -> None:
    with pytest.raises(BadUserInput, match=reason):
        imported(data, "picture.png")
    assert stored_files() == set()
    assert not Asset.objects.exists()
    assert not AuditEntry.objects.filter(action="asset.upload").exists()


@pytest.mark.parametrize("event", ["role taken away", "library deleted"])
def test_what_happens_during_the_import_counts_and_every_file_is_removed(
    cast: Cast, stored_files: StoredFiles, event: str
) -> None:
    def happen() -> None:
        if event == "library deleted":
            cast.barcelona.delete()
        else:
            LibraryMembership.objects.filter(membership__user=cast.bob).update(role="viewer")

    command = ImportFile(organization_id="acme", library_id="barcelona", file_name="sea.jpg")
    with pytest.raises((LibraryNotAuthorized, LibraryReadOnly)):
        import_file(UserPrincipal(Origin("web"), cast.bob), command, Read(pictures.jpeg(), happen))
    assert stored_files() == set()
    assert not Asset.objects.exists()


def test_a_file_that_ends_in_an_error_leaves_nothing_behind(cast: Cast, stored_files: StoredFiles) -> None:
    def fail() -> None:
        raise OSError("the disk is gone")

    command = ImportFile(organization_id="acme", library_id="barcelona", file_name="sea.jpg")
    with pytest.raises(OSError, match="the disk is gone"):
        import_file(OPERATOR, command, Read(pictures.jpeg(), fail))
    assert stored_files() == set()


def test_an_import_makes_a_row_that_tells_all_of_the_file(
    cast: Cast, stored_files: StoredFiles, imported: Importer
) -> None:
    data = pictures.jpeg(800, 400)
    asset = imported(data, "Sea at noon.JPEG", principal=UserPrincipal(Origin("web"), cast.bob))
    assert (asset.name, asset.file_name, asset.content_type) == ("Sea at noon", "Sea-at-noon.jpg", "image/jpeg")
    assert (asset.width, asset.height, asset.size) == (800, 400, len(data))
    assert asset.digest == hashlib.sha256(data).hexdigest()
    assert asset.file == f"originals/{asset.pk[:2]}/{asset.pk}"
    assert (asset.uploaded_by, asset.uploaded_by_name) == (cast.bob, "Bob")
    assert sorted(asset.sizes) == ["320", "640"]
    assert stored_files() == {asset.file, *(f"sizes/{name[:2]}/{name}" for name in asset.sizes.values())}
    with default_storage.open(asset.file) as original:
        assert original.read() == data
    entry = AuditEntry.objects.get(action="asset.upload")
    assert entry.target == f"Sea at noon ({asset.pk})"
    assert entry.after == {"library": "Barcelona (barcelona)", "contentType": "image/jpeg", "size": len(data)}


def test_the_records_urls_name_the_stored_files(cast: Cast, imported: Importer) -> None:
    asset = imported(pictures.jpeg(800, 400), "Sea.jpg")
    record = get_asset(OPERATOR, GetAsset(organization_id="acme", library_id="barcelona", asset_id=asset.pk))
    assert record.url.endswith(f"/media/{asset.pk}/Sea.jpg")
    assert record.sizes["320"].endswith(f"/media/{asset.pk}/320/{asset.sizes['320']}")
    assert record.blurhash == asset.blurhash


def test_the_same_bytes_come_in_once_and_say_so(cast: Cast, stored_files: StoredFiles, imported: Importer) -> None:
    data = pictures.jpeg()
    asset = imported(data)
    before = stored_files()
    command = ImportFile(organization_id="acme", library_id="barcelona", file_name="Another name.jpg")
    again = import_file(OPERATOR, command, io.BytesIO(data))
    assert again == ImportedFile(asset_id=asset.pk, name="sea", already_there=True)
    assert stored_files() == before
    assert Asset.objects.count() == AuditEntry.objects.filter(action="asset.upload").count() == 1


def test_the_same_bytes_come_in_again_into_another_library_and_after_the_trash(cast: Cast, imported: Importer) -> None:
    data = pictures.jpeg()
    first = imported(data)
    elsewhere = imported(data, library="paris")
    Asset.objects.filter(pk=first.pk).update(trashed=timezone.now())
    again = imported(data)
    assert len({first.pk, elsewhere.pk, again.pk}) == 3
    assert len({first.sizes["320"], elsewhere.sizes["320"], again.sizes["320"]}) == 3


def test_an_svg_stays_as_it_came_script_and_all(cast: Cast, imported: Importer) -> None:
    asset = imported(pictures.SCRIPTED_SVG, "drawing.svg")
    assert storage.local_path(asset.file).read_bytes() == pictures.SCRIPTED_SVG
    assert (asset.content_type, asset.width, asset.height) == ("image/svg+xml", 40, 30)


def test_a_file_named_as_another_type_gets_its_true_one(cast: Cast, imported: Importer) -> None:
    asset = imported(pictures.encoded("png"), "photo.jpg")
    assert (asset.name, asset.file_name, asset.content_type) == ("photo", "photo.png", "image/png")


@pytest.mark.parametrize(
    ("file_name", "name", "url_name"),
    [
        ("sea.jpg", "sea", "sea.jpg"),
        ("برشلونة.jpeg", "برشلونة", "برشلونة.jpg"),
        (unicodedata.normalize("NFD", "Café.jpg"), "Café", "Café.jpg"),
        ("a\x00b\x1bc\u202egnp\u200f.jpg", "abcgnp", "abcgnp.jpg"),
        ("../../etc/passwd.jpg", "passwd", "passwd.jpg"),
        ("what? 100% #1 <b>.jpg", "what? 100% #1 <b>", "what-100-1-b.jpg"),
        ("🏖️.jpg", "🏖️", "file.jpg"),
        ("  .jpg", "Untitled", "Untitled.jpg"),
        ("archive.tar.jpg", "archive.tar", "archive-tar.jpg"),
        ("x" * 400 + ".jpg", "x" * 255, "x" * 100 + ".jpg"),
        ("???.jpg", "???", "file.jpg"),
    ],
)
def test_names_lose_what_cannot_be_seen_and_urls_what_is_not_safe(file_name: str, name: str, url_name: str) -> None:
    assert names.asset_name(file_name) == name
    assert names.url_name(file_name, JPEG) == url_name
    assert names.url_name("photo.jpg", PNG) == "photo.png"
