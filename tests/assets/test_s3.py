"""Files in a bucket of an S3-compatible service: in, resized, served, and out again, by the rules of a folder."""

import os
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import httpx2
import pytest
from django.conf import settings as project
from django.utils import timezone
from pytest_django import Settings

from assets import ownership, storage
from assets.contracts import PurgeTrash
from assets.leftovers import stored_files
from assets.models import Asset, UploadLink, new_asset_id
from assets.operations.trash import purge_trash
from orgs.access import Origin, UserPrincipal
from raster import environment
from raster.errors import ServiceUnavailable
from tests.api.uploading import make_link, staged_files, upload, wait_for_derivatives
from tests.assets import pictures
from tests.assets.test_serving_large import memory
from tests.factories import OPERATOR, AssetFactory, Cast
from tests.mcp.test_https import HOST, OVER_HTTPS, PRODUCTION
from tests.s3 import CREDENTIALS, REGION, Bucket, Service, running_service
from tests.server import Server, free_port, running_server

PERISHABLE = {"date", "x-request-id", "last-modified"}
MEGABYTE = 1024**2
MEDIA = "media.example.com"
MOST_ADDED = 24 * MEGABYTE


@pytest.fixture(scope="module")
def service() -> Iterator[Service]:
    with running_service() as running:
        yield running


@pytest.fixture(scope="module")
def bucket(service: Service) -> Bucket:
    return Bucket(service)


@pytest.fixture
def in_bucket(bucket: Bucket, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Bucket:
    """Have this process keep its files in the bucket."""
    for name, value in {**CREDENTIALS, "RASTER_STORAGE": bucket.setting}.items():
        monkeypatch.setenv(name, value)
    settings.STORAGES = {**settings.STORAGES, "default": environment.storage("RASTER_STORAGE")}
    return bucket


@pytest.fixture(scope="module")
def far_server(django_db_setup: None, static_files: None, server_log: Path, bucket: Bucket) -> Iterator[Server]:
    with running_server(server_log, RASTER_STORAGE=bucket.setting, RASTER_WORKER="server", **CREDENTIALS) as server:
        yield server


@pytest.fixture
def asset(transactional_db: None, far_server: Server, cast: Cast) -> Asset:
    """A photograph that came in over HTTP, with its sizes."""
    link = make_link(UserPrincipal(Origin("web"), cast.bob))
    answer = upload(far_server, link, ("Sea at noon.jpg", pictures.jpeg()))
    assert answer.status_code == 200
    wait_for_derivatives()
    return Asset.objects.get(pk=answer.json()["assets"][0]["id"])


def get(server: Server, path: str, method: str = "GET", **headers: str) -> httpx2.Response:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return httpx2.request(method, f"{server.url}/media/{path}", headers=named, timeout=60)


def original(asset: Asset) -> str:
    return f"{asset.pk}/{asset.file_name}"


def answer(response: httpx2.Response) -> tuple[int, dict[str, str], bytes]:
    headers = {name: value for name, value in response.headers.items() if name not in PERISHABLE}
    return response.status_code, headers, response.content


def test_an_upload_lies_in_the_bucket_below_the_prefix_and_nowhere_else(asset: Asset, bucket: Bucket) -> None:
    names = storage.names_of(asset.file, asset.sizes)
    assert len(names) == 3
    assert {f"{bucket.prefix}/{name}" for name in names} <= bucket.names()
    assert not any((Path(project.MEDIA_ROOT) / name).exists() for name in names)
    assert staged_files() == []
    assert (asset.derivatives, asset.width, bool(asset.blurhash)) == ("ready", 800, True)


def test_what_comes_of_a_bucket_is_what_comes_of_a_folder(asset: Asset, far_server: Server) -> None:
    response = get(far_server, original(asset))
    status, headers, content = answer(response)
    assert (status, content) == (200, pictures.jpeg())
    assert headers["content-type"] == "image/jpeg"
    assert headers["content-length"] == str(asset.size)
    assert headers["etag"] == f'"{asset.digest[:32]}"'
    assert headers["cache-control"] == "no-cache"
    assert headers["accept-ranges"] == "bytes"
    assert headers["x-content-type-options"] == "nosniff"
    assert "sandbox" in headers["content-security-policy"]
    assert "location" not in headers and not any(name.startswith("x-amz") for name in headers)
    assert response.headers["last-modified"].endswith("GMT")
    head = get(far_server, original(asset), "HEAD")
    assert answer(head) == (200, headers, b"")
    size = get(far_server, f"{asset.pk}/320/{asset.sizes['320']}")
    assert pictures.opened(size.content).width == 320
    assert size.headers["cache-control"] == "public, max-age=31536000, s-maxage=300, immutable"
    download = get(far_server, f"{original(asset)}?download")
    assert download.headers["content-disposition"] == 'attachment; filename="Sea at noon.jpg"'


def test_a_part_of_a_file_is_served(asset: Asset, far_server: Server) -> None:
    data = pictures.jpeg()
    part = get(far_server, original(asset), range="bytes=100-199")
    assert (part.status_code, part.content) == (206, data[100:200])
    assert part.headers["content-range"] == f"bytes 100-199/{len(data)}"
    assert get(far_server, original(asset), range="bytes=-50").content == data[-50:]
    several = get(far_server, original(asset), range="bytes=0-9,100-109")
    assert several.status_code == 206 and data[:10] in several.content and data[100:110] in several.content
    beyond = get(far_server, original(asset), range=f"bytes={len(data)}-")
    assert (beyond.status_code, beyond.headers["content-range"]) == (416, f"bytes */{len(data)}")
    etag = part.headers["etag"]
    assert get(far_server, original(asset), range="bytes=0-9", if_range='"another"').status_code == 200
    assert get(far_server, original(asset), range="bytes=0-9", if_range=etag).status_code == 206


def test_an_unchanged_copy_is_not_sent_again(asset: Asset, far_server: Server) -> None:
    first = get(far_server, original(asset)).headers
    for headers in ({"if_none_match": first["etag"]}, {"if_modified_since": first["last-modified"]}):
        response = get(far_server, original(asset), **headers)
        assert (response.status_code, response.content) == (304, b"")
    assert get(far_server, original(asset), if_none_match='"other"').status_code == 200


def test_the_trash_acts_at_once_and_the_purge_empties_the_bucket(
    asset: Asset, far_server: Server, in_bucket: Bucket
) -> None:
    unknown = answer(get(far_server, "unknown/sea.jpg"))
    Asset.objects.filter(pk=asset.pk).update(trashed=timezone.now())
    assert answer(get(far_server, original(asset))) == unknown
    assert answer(get(far_server, f"{asset.pk}/320/{asset.sizes['320']}")) == unknown
    Asset.objects.filter(pk=asset.pk).update(trashed=timezone.now() - timedelta(days=31))
    ownership.adopt()
    assert purge_trash(OPERATOR, PurgeTrash()).assets == 1
    assert not any(asset.pk in name for name in in_bucket.names())
    assert Asset.objects.count() == 0


def test_a_row_whose_file_is_missing_is_a_404(transactional_db: None, far_server: Server, cast: Cast) -> None:
    lost = AssetFactory(library=cast.barcelona, file_name="sea.jpg")
    assert answer(get(far_server, original(lost))) == answer(get(far_server, "unknown/sea.jpg"))
    assert far_server.logged("file is missing", lost.pk)


def test_a_file_of_many_parts_comes_whole_in_little_memory(
    transactional_db: None, far_server: Server, in_bucket: Bucket, cast: Cast, tmp_path: Path
) -> None:
    size = 48 * MEGABYTE + 12345
    path = tmp_path / "large"
    path.write_bytes(os.urandom(size))
    asset = AssetFactory(library=cast.barcelona, file_name="large.tiff", content_type="image/tiff", size=size)
    content = path.read_bytes()
    Asset.objects.filter(pk=asset.pk).update(file=storage.save_original(asset.pk, path))
    get(far_server, original(asset), range="bytes=0-0")
    before, most, place = memory(far_server.process.pid), 0, 0
    with httpx2.stream("GET", f"{far_server.url}/media/{original(asset)}", timeout=60) as response:
        for chunk in response.iter_raw(MEGABYTE):
            assert content[place : place + len(chunk)] == chunk
            place += len(chunk)
            most = max(most, memory(far_server.process.pid))
    assert place == size
    assert most - before < MOST_ADDED
    end = get(far_server, original(asset), range=f"bytes={size - 3 * MEGABYTE}-")
    assert end.content == content[-3 * MEGABYTE :]


@pytest.fixture(scope="module")
def media_server(django_db_setup: None, static_files: None, server_log: Path, bucket: Bucket) -> Iterator[Server]:
    """A server that keeps its files in the bucket, and serves them on a host of their own."""
    hosts = {"RASTER_MEDIA_HOST": MEDIA, "RASTER_TRUSTED_PROXIES": "127.0.0.1"}
    with running_server(server_log, **PRODUCTION, **hosts, **CREDENTIALS, RASTER_STORAGE=bucket.setting) as server:
        yield server


def test_a_host_of_its_own_serves_what_is_in_the_bucket(asset: Asset, media_server: Server, far_server: Server) -> None:
    def ask(host: str, path: str, method: str = "GET", **headers: str) -> httpx2.Response:
        named = {"Host": host, **OVER_HTTPS, **headers}
        return httpx2.request(method, f"{media_server.url}/{path}", headers=named, timeout=60)

    paths = [original(asset), f"{original(asset)}?download", f"{asset.pk}/320/{asset.sizes['320']}", "unknown/sea.jpg"]
    for path in paths:
        there, among_pages = answer(ask(MEDIA, path)), answer(get(far_server, path))
        assert there == among_pages, path
        assert not there[1].keys() & {"set-cookie", "location"}
        moved = ask(HOST["Host"], f"media/{path}")
        assert (moved.status_code, moved.headers["location"]) == (308, f"https://{MEDIA}/{path}")
    part = ask(MEDIA, original(asset), Range="bytes=100-199")
    assert (part.status_code, part.content) == (206, pictures.jpeg()[100:200])
    assert ask(MEDIA, original(asset), "HEAD").headers["content-length"] == str(asset.size)
    for path in ("", "login", "acme/barcelona", "api/me", f"media/{original(asset)}", "upload/rstu_x"):
        assert ask(MEDIA, path).status_code == 404, path
    Asset.objects.filter(pk=asset.pk).update(trashed=timezone.now())
    assert answer(ask(MEDIA, original(asset))) == answer(ask(MEDIA, "unknown/sea.jpg"))


def test_files_are_listed_copied_and_deleted_by_their_names(db: None, in_bucket: Bucket, tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"content")
    name = storage.save_original("Ab" + "0" * 20, path)
    [listed] = [file for file in storage.list_files("originals/Ab/") if file.name == name]
    assert listed == storage.stat(name)
    assert (listed.size, timezone.now() - listed.modified < timedelta(minutes=1)) == (7, True)
    with storage.local_copy(name) as copy:
        assert copy.read_bytes() == b"content"
    assert not copy.exists()
    assert list(storage.list_files("sizes/nothing/")) == []
    ownership.adopt()
    ownership.delete([name, "originals/no/thing"])
    assert storage.stat(name) is None
    with pytest.raises(ServiceUnavailable), storage.local_copy(name):
        pass


@pytest.mark.parametrize(
    ("own", "others"), [("a", "ab"), ("a", "a/b"), ("", "raster"), ("", "originals"), ("", "sizes/ab")]
)
def test_files_below_another_prefix_of_the_bucket_are_never_seen(
    service: Service, settings: Settings, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, own: str, others: str
) -> None:
    shared = Bucket(service)
    path = tmp_path / "file"
    path.write_bytes(b"content")
    for name, value in CREDENTIALS.items():
        monkeypatch.setenv(name, value)

    def store(prefix: str) -> set[str]:
        place = f"s3://{shared.name}/{prefix}?endpoint={service.endpoint}&region={REGION}"
        monkeypatch.setenv("RASTER_STORAGE", place)
        settings.STORAGES = {**settings.STORAGES, "default": environment.storage("RASTER_STORAGE")}
        original = storage.save_original(new_asset_id(), path)
        return {original, storage.size_name(storage.save_size(original, b"size"))}

    theirs = store(others)
    names = store(own)
    assert {file.name for file in stored_files()} == names
    assert len(shared.names()) == 4
    assert {f"{others}/{name}" for name in theirs} <= shared.names()


def test_a_service_that_is_away_is_a_503_and_takes_nothing_with_it(
    transactional_db: None, static_files: None, cast: Cast, tmp_path: Path
) -> None:
    link = make_link(UserPrincipal(Origin("web"), cast.bob))
    asset = AssetFactory(library=cast.barcelona, file_name="sea.jpg")
    away = f"s3://bucket?endpoint=http://127.0.0.1:{free_port()}"
    with running_server(tmp_path / "log", RASTER_STORAGE=away, **CREDENTIALS) as server:
        response = get(server, original(asset))
        assert (response.status_code, response.headers["retry-after"]) == (503, "5")
        uploaded = upload(server, link, ("sea.jpg", pictures.jpeg()))
        assert (uploaded.status_code, uploaded.json()["error"]["code"]) == (503, "SERVICE_UNAVAILABLE")
    assert UploadLink.objects.get().used is None  # who is told to try again can
    assert Asset.objects.count() == 1
    assert staged_files() == []
