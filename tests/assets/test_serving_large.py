"""A file of a gigabyte is served in little memory, and its end at once."""

import time
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest

from assets import storage
from assets.models import Asset
from tests.factories import AssetFactory, Cast
from tests.server import Server

pytestmark = pytest.mark.once

GIGABYTE = 1024**3
MOST_ADDED = 64 * 1024**2


@pytest.fixture
def large(server: Server, cast: Cast) -> Iterator[Asset]:
    """An asset whose file is one gigabyte of holes with three bytes at its end."""
    asset = AssetFactory(library=cast.barcelona, name="large", file_name="large.tiff", content_type="image/tiff")
    Asset.objects.filter(pk=asset.pk).update(file=storage.original_name(asset.pk), size=GIGABYTE)
    path = storage.local_path(storage.original_name(asset.pk))
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        file.truncate(GIGABYTE - 3)
        file.seek(0, 2)
        file.write(b"end")
    yield asset
    path.unlink()


def memory(process_id: int) -> int:
    """Return the bytes of memory that a process holds."""
    status = Path(f"/proc/{process_id}/status").read_text()
    return int(status.partition("VmRSS:")[2].split()[0]) * 1024


def test_a_gigabyte_is_served_in_less_than_64_mb_and_its_end_at_once(server: Server, large: Asset) -> None:
    url = f"{server.url}/media/{large.pk}/large.tiff"
    assert httpx2.head(url).headers["content-length"] == str(GIGABYTE)
    before = memory(server.process.pid)

    started = time.monotonic()
    part = httpx2.get(url, headers={"Range": "bytes=-3"})
    assert (part.status_code, part.content) == (206, b"end")
    assert time.monotonic() - started < 1

    received, most = 0, before
    with httpx2.stream("GET", url) as response:
        for chunk in response.iter_raw(1024 * 1024):
            received += len(chunk)
            most = max(most, memory(server.process.pid))
    assert received == GIGABYTE
    assert most - before < MOST_ADDED
