"""An S3 service that accepts connections and says nothing costs a request less than ten seconds, and a 503."""

import os
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import urlsplit

import httpx2
import pytest
from pytest_django import Settings

from assets import storage
from assets.models import Asset, UploadLink, new_asset_id
from orgs.access import Origin, UserPrincipal
from raster import environment
from tests.api.uploading import make_link, staged_files, upload
from tests.assets import pictures
from tests.factories import Cast
from tests.mcp.client import MODERN, call_tool
from tests.mcp.test_uploads import inline
from tests.relay import Relay, running_relay
from tests.s3 import CREDENTIALS, REGION, Bucket, Service, running_service
from tests.server import Server, running_server
from tests.waiting import wait_until

pytestmark = pytest.mark.once

SECONDS = 10.0
#: More than there are threads for such requests.
CROWD = 24
MEGABYTE = 1024**2


@pytest.fixture(scope="module")
def service() -> Iterator[Service]:
    with running_service() as running:
        yield running


def setting(bucket: Bucket, relay: Relay) -> str:
    return f"s3://{bucket.name}/{bucket.prefix}?endpoint=http://127.0.0.1:{relay.port}&region={REGION}"


def port_of(service: Service) -> int:
    return urlsplit(service.endpoint).port or 0


@pytest.fixture
def relay(service: Service) -> Iterator[Relay]:
    with running_relay(port_of(service)) as running:
        yield running


@pytest.fixture
def bucket(service: Service) -> Bucket:
    return Bucket(service)


@pytest.fixture
def server(
    transactional_db: None, static_files: None, bucket: Bucket, relay: Relay, tmp_path: Path
) -> Iterator[Server]:
    storage = {"RASTER_STORAGE": setting(bucket, relay), **CREDENTIALS}
    with running_server(tmp_path / "log", **storage) as running:
        yield running


@pytest.fixture
def asset(server: Server, cast: Cast, bucket: Bucket) -> Asset:
    """An asset that came in before the service fell silent, with a size."""
    answer = upload(server, make_link(UserPrincipal(Origin("web"), cast.bob)), ("sea.jpg", pictures.jpeg()))
    assert answer.status_code == 200
    asset = Asset.objects.get()
    size = f"{Path(asset.file).name}-{'0' * 32}.webp"
    key = f"{bucket.prefix}/{storage.size_name(size)}"
    bucket.service.client.put_object(Bucket=bucket.name, Key=key, Body=b"size")
    Asset.objects.update(sizes={"320": size}, derivatives=Asset.Derivatives.READY)
    asset.refresh_from_db()
    return asset


def timed(ask: Callable[[], httpx2.Response]) -> tuple[httpx2.Response, float]:
    began = time.monotonic()
    answer = ask()
    return answer, time.monotonic() - began


def media(server: Server, path: str) -> httpx2.Response:
    return httpx2.get(f"{server.url}/media/{path}", timeout=60)


def paths(asset: Asset) -> list[str]:
    return [f"{asset.pk}/{asset.file_name}", f"{asset.pk}/320/{asset.sizes['320']}"]


@pytest.mark.parametrize("kind", [0, 1], ids=["an original", "a size"])
def test_a_file_is_a_503_in_time_and_comes_again_once_the_service_answers(
    server: Server, asset: Asset, relay: Relay, kind: int
) -> None:
    path = paths(asset)[kind]
    assert media(server, path).status_code == 200
    relay.freeze()
    answer, seconds = timed(lambda: media(server, path))
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
    assert seconds < SECONDS
    relay.thaw()
    wait_until(lambda: media(server, path).status_code == 200)


def test_a_crowd_is_answered_in_time_and_leaves_threads_for_others(
    server: Server, cast: Cast, asset: Asset, relay: Relay
) -> None:
    file, key = f"{server.url}/media/{paths(asset)[0]}", cast.key(barcelona="read").secret
    with httpx2.Client(timeout=60) as client, ThreadPoolExecutor(CROWD) as crowd:
        call_tool(server.mcp_url, key, MODERN, "whoami", {})
        relay.freeze()
        asked = [crowd.submit(timed, lambda: client.get(file)) for _ in range(CROWD)]
        other, waited = timed(lambda: call_tool(server.mcp_url, key, MODERN, "whoami", {}))
        assert not any(one.done() for one in asked)
        answers = [one.result() for one in asked]
    assert {answer.status_code for answer, _ in answers} == {503}
    assert max(seconds for _, seconds in answers) < SECONDS
    assert (other.status_code, waited < SECONDS / 2) == (200, True)


@pytest.mark.parametrize("noted", [True, False], ids=["noted", "not noted"])
def test_an_upload_over_http_is_a_503_in_time_and_its_link_stays(
    server: Server, cast: Cast, relay: Relay, noted: bool
) -> None:
    """Whether this process has to tell the storage of an upload first, or did so a moment ago."""
    bob = UserPrincipal(Origin("web"), cast.bob)
    if noted:
        assert upload(server, make_link(bob), ("sea.jpg", pictures.jpeg())).status_code == 200
    assets, link = Asset.objects.count(), make_link(bob)
    relay.freeze()
    answer, seconds = timed(lambda: upload(server, link, ("sky.jpg", pictures.jpeg(64, 48))))
    assert (answer.status_code, answer.json()["error"]["code"]) == (503, "SERVICE_UNAVAILABLE")
    assert seconds < SECONDS
    assert UploadLink.objects.latest("pk").used is None
    assert Asset.objects.count() == assets
    assert staged_files() == []


def test_an_upload_over_mcp_is_a_503_in_time(server: Server, cast: Cast, relay: Relay) -> None:
    key = cast.key(barcelona="write").secret
    arguments = {"organizationId": "acme", "libraryId": "barcelona", "sources": [inline("sea.jpg", pictures.jpeg())]}
    relay.freeze()
    answer, seconds = timed(lambda: call_tool(server.mcp_url, key, MODERN, "upload_assets", arguments))
    assert "SERVICE_UNAVAILABLE" in answer.text
    assert seconds < SECONDS


def test_a_large_file_may_take_longer_while_it_moves(
    service: Service, bucket: Bucket, settings: Settings, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    path = tmp_path / "large"
    path.write_bytes(os.urandom(48 * MEGABYTE))
    with running_relay(port_of(service), bytes_a_second=4 * MEGABYTE) as relay:
        for name, value in {**CREDENTIALS, "RASTER_STORAGE": setting(bucket, relay)}.items():
            monkeypatch.setenv(name, value)
        settings.STORAGES = {**settings.STORAGES, "default": environment.storage("RASTER_STORAGE")}
        began = time.monotonic()
        name = storage.save_original(new_asset_id(), path)
        assert time.monotonic() - began > SECONDS
        stored = storage.stat(name)
    assert stored is not None
    assert stored.size == path.stat().st_size
