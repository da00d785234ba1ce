"""Sizes and blurhashes are made after the upload, once, whatever becomes of workers, files and rows meanwhile."""

import io
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.core.files.storage import default_storage
from django.db import connection
from django.utils import timezone

from assets.contracts import GetAsset, ImportFile, PromoteVariant
from assets.decoding import DERIVE, Decoded, Decoder, Limits
from assets.derivatives import LEASE, MOST_TRIES, WAITING, Rotation, Worker, announce, derive_all, derive_once
from assets.models import Asset
from assets.operations.assets import get_asset
from assets.operations.imports import import_file
from assets.operations.variants import promote_variant
from assets.serving import find_file
from orgs.models import Library
from tests.assets import pictures
from tests.assets.conftest import StoredFiles
from tests.assets.test_decoding import SLOW_SVG
from tests.factories import OPERATOR, AssetFactory, Cast, LibraryFactory
from tests.server import database_url, running_server
from tests.waiting import wait_until

PENDING, READY, FAILED = Asset.Derivatives.PENDING, Asset.Derivatives.READY, Asset.Derivatives.FAILED
#: No file can be decoded within it.
NO_TIME = Limits(0, DERIVE.memory)


def pending(data: bytes, file_name: str = "sea.jpg") -> Asset:
    """Return an asset in Barcelona of which nothing was made yet."""
    command = ImportFile(organization_id="acme", library_id="barcelona", file_name=file_name)
    asset: Asset = Asset.objects.get(pk=import_file(OPERATOR, command, io.BytesIO(data)).asset_id)
    assert (asset.derivatives, asset.sizes, asset.blurhash) == (PENDING, {}, None)
    return asset


def due_now(asset: Asset) -> None:
    """Let the time until an asset is due again pass."""
    Asset.objects.filter(pk=asset.pk).update(derivatives_due=timezone.now() - timedelta(seconds=1))


class Interrupted(Decoder):
    """A decoder during whose work something happens."""

    def __init__(self, happen: Callable[[], object]) -> None:
        super().__init__()
        self._happen = happen

    def run(self, *arguments: Any, **more: Any) -> Decoded:
        told = super().run(*arguments, **more)
        self._happen()
        return told


def test_an_upload_is_there_at_once_and_its_sizes_follow(cast: Cast, stored_files: StoredFiles) -> None:
    asset = pending(pictures.jpeg(800, 400))
    command = GetAsset(organization_id="acme", library_id="barcelona", asset_id=asset.pk)
    record = get_asset(OPERATOR, command)
    assert (record.width, record.height, record.sizes, record.blurhash) == (800, 400, {}, None)
    assert derive_once()
    later = get_asset(OPERATOR, command)
    assert list(later.sizes) == ["320", "640"]
    assert later.blurhash is not None and len(later.blurhash) == 28
    assert later.updated == record.updated
    asset.refresh_from_db()
    assert (asset.derivatives, asset.derivatives_due) == (READY, None)
    assert stored_files() == {asset.file, *(f"sizes/{name[:2]}/{name}" for name in asset.sizes.values())}
    assert not derive_once()


def test_a_file_of_which_nothing_can_be_made_is_served_all_the_same(cast: Cast) -> None:
    asset = pending(pictures.png_that_claims(400, 300), "hollow.png")
    assert derive_once()
    asset.refresh_from_db()
    assert (asset.derivatives, asset.derivatives_tries, asset.derivatives_due) == (FAILED, 1, None)
    record = get_asset(OPERATOR, GetAsset(organization_id="acme", library_id="barcelona", asset_id=asset.pk))
    assert (record.width, record.sizes, record.blurhash) == (400, {}, None)
    assert find_file(f"{asset.pk}/hollow.png") is not None
    assert not derive_once()


def test_what_fails_for_a_reason_that_may_pass_is_tried_three_times(cast: Cast) -> None:
    asset = pending(pictures.jpeg())
    waits = []
    for tries in range(1, MOST_TRIES + 1):
        assert derive_once(limits=NO_TIME)
        asset.refresh_from_db()
        assert asset.derivatives_tries == tries
        if tries < MOST_TRIES:
            assert asset.derivatives == PENDING
            assert asset.derivatives_due is not None
            waits.append(asset.derivatives_due - timezone.now())
            assert not derive_once(limits=NO_TIME)
            due_now(asset)
    assert (asset.derivatives, asset.derivatives_due) == (FAILED, None)
    assert timedelta(0) < waits[0] < waits[1]


def test_a_try_that_works_follows_one_that_did_not(cast: Cast) -> None:
    asset = pending(pictures.jpeg())
    derive_once(limits=NO_TIME)
    due_now(asset)
    assert derive_once()
    asset.refresh_from_db()
    assert asset.derivatives == READY
    assert asset.sizes


def test_an_original_that_is_not_there_is_given_up_after_three_tries(cast: Cast) -> None:
    asset = AssetFactory(library=cast.barcelona, derivatives=PENDING, file="originals/aa/aa")
    for _ in range(MOST_TRIES):
        assert derive_once()
        due_now(asset)
    asset.refresh_from_db()
    assert asset.derivatives == FAILED


def test_what_another_worker_holds_is_not_taken_before_its_lease_is_over(cast: Cast) -> None:
    asset = pending(pictures.jpeg())
    Asset.objects.filter(pk=asset.pk).update(derivatives_due=timezone.now() + LEASE, derivatives_tries=1)
    assert not derive_once()
    due_now(asset)
    assert derive_once()
    asset.refresh_from_db()
    assert (asset.derivatives, asset.derivatives_tries) == (READY, 2)


def test_a_file_that_ended_every_worker_is_given_up(cast: Cast) -> None:
    asset = pending(pictures.jpeg())
    Asset.objects.filter(pk=asset.pk).update(derivatives_tries=MOST_TRIES)
    due_now(asset)
    other = pending(pictures.jpeg(900))
    derive_all(Asset.objects.all())
    asset.refresh_from_db()
    other.refresh_from_db()
    assert (asset.derivatives, other.derivatives) == (FAILED, READY)


def test_sizes_of_an_asset_that_was_deleted_meanwhile_are_deleted_too(cast: Cast, stored_files: StoredFiles) -> None:
    asset = pending(pictures.jpeg())

    def purge() -> None:
        Asset.objects.all().delete()
        default_storage.delete(asset.file)

    assert derive_once(Interrupted(purge))
    assert stored_files() == set()


def test_sizes_follow_a_file_that_a_promote_moved_meanwhile(cast: Cast) -> None:
    asset = pending(pictures.jpeg(800, 400))
    variant = AssetFactory(library=cast.barcelona, parent=asset, file="originals/bb/bb", sizes={"320": "own.webp"})
    command = PromoteVariant(organization_id="acme", library_id="barcelona", asset_id=asset.pk, variant_id=variant.pk)
    assert derive_once(Interrupted(lambda: promote_variant(OPERATOR, command)))
    asset.refresh_from_db()
    variant.refresh_from_db()
    assert (asset.sizes, asset.derivatives) == ({"320": "own.webp"}, READY)
    assert variant.derivatives == READY
    assert list(variant.sizes) == ["320", "640"]
    assert all(default_storage.exists(f"sizes/{name[:2]}/{name}") for name in variant.sizes.values())


def test_a_worker_that_took_too_long_leaves_the_row_to_the_one_that_took_over(cast: Cast) -> None:
    asset = pending(pictures.jpeg())

    def take_over() -> None:
        due_now(asset)
        assert derive_once()

    assert derive_once(Interrupted(take_over))
    asset.refresh_from_db()
    assert (asset.derivatives, asset.derivatives_tries) == (READY, 2)
    assert all(default_storage.exists(f"sizes/{name[:2]}/{name}") for name in asset.sizes.values())


def test_half_a_size_that_a_killed_worker_left_is_replaced(cast: Cast) -> None:
    asset = pending(pictures.jpeg())
    derive_once()
    asset.refresh_from_db()
    name = asset.sizes["320"]
    path = Path(default_storage.path(f"sizes/{name[:2]}/{name}"))
    whole = path.read_bytes()
    path.write_bytes(whole[:100])
    Asset.objects.filter(pk=asset.pk).update(derivatives=PENDING)
    derive_once()
    asset.refresh_from_db()
    assert asset.sizes["320"] == name
    assert path.read_bytes() == whole


def test_a_video_without_a_poster_is_ready_without_sizes(cast: Cast) -> None:
    asset = pending(pictures.video("mov", codec="dvvideo", width=720, height=576), "film.mov")
    assert derive_once()
    asset.refresh_from_db()
    assert (asset.derivatives, asset.sizes, asset.blurhash) == (READY, {}, None)


def is_done(asset: Asset) -> bool:
    asset.refresh_from_db()
    return asset.derivatives != PENDING


def is_held(asset: Asset) -> bool:
    asset.refresh_from_db()
    return asset.derivatives_due is not None


@contextmanager
def worker_process() -> Iterator[subprocess.Popen[bytes]]:
    """Run ``manage.py worker`` on the test database until the block ends."""
    process = subprocess.Popen(
        [sys.executable, "manage.py", "worker"],
        cwd=settings.BASE_DIR,
        env={**os.environ, "DATABASE_URL": database_url()},
        stderr=subprocess.DEVNULL,
    )
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def test_a_worker_in_a_thread_is_woken_by_an_upload_and_stops(transactional_db: None, cast: Cast) -> None:
    worker = Worker(poll=600)
    thread = threading.Thread(target=worker.run)
    thread.start()
    first = pending(pictures.jpeg())
    wait_until(lambda: is_done(first))
    second = pending(pictures.jpeg(900))
    wait_until(lambda: is_done(second))
    worker.stop()
    thread.join(timeout=60)
    assert not thread.is_alive()
    assert second.derivatives == READY
    announce()  # to nobody


def test_a_worker_that_is_stopped_gives_back_what_is_half_made(transactional_db: None, cast: Cast) -> None:
    asset = pending(SLOW_SVG, "slow.svg")
    with worker_process() as process:
        wait_until(lambda: is_held(asset))
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=60) == 0
    asset.refresh_from_db()
    assert (asset.derivatives, asset.derivatives_due, asset.derivatives_tries) == (PENDING, None, 0)


def test_what_a_killed_worker_held_is_taken_over(transactional_db: None, cast: Cast) -> None:
    asset = pending(SLOW_SVG, "slow.svg")
    with worker_process() as process:
        wait_until(lambda: is_held(asset))
        process.kill()
        process.wait()
    # Its file is one that can be read, for whoever takes over.
    Path(default_storage.path(asset.file)).write_bytes(pictures.SVG)
    assert not derive_once()
    due_now(asset)
    with worker_process():
        wait_until(lambda: is_done(asset))
    assert (asset.derivatives, asset.derivatives_tries) == (READY, 2)
    assert list(asset.sizes) == ["320", "640"]


def test_two_workers_take_each_asset_once(transactional_db: None, cast: Cast) -> None:
    assets = [pending(pictures.jpeg(400 + number)) for number in range(6)]
    with worker_process(), worker_process():
        wait_until(lambda: all(is_done(asset) for asset in assets))
    assert [(asset.derivatives, asset.derivatives_tries) for asset in assets] == [(READY, 1)] * 6


@pytest.mark.parametrize(("setting", "made"), [("server", True), ("apart", False)])
def test_a_server_makes_sizes_unless_workers_are_apart(
    transactional_db: None, cast: Cast, tmp_path: Path, setting: str, made: bool
) -> None:
    asset = pending(pictures.jpeg())
    with running_server(tmp_path / "log", RASTER_WORKER=setting):
        if made:
            wait_until(lambda: is_done(asset))
            later = pending(pictures.jpeg(900))
            wait_until(lambda: is_done(later))
        else:
            # A worker would have begun before the server listened.
            assert not is_held(asset)
    assert is_done(asset) is made


def test_asking_for_work_reads_the_index_alone(cast: Cast) -> None:
    pending_ones = Asset.objects.filter(derivatives=PENDING).order_by("derivatives_due", "library_id", "id")
    new = pending_ones.filter(derivatives_due=None)
    for statement in (new, new.filter(library=1), pending_ones.filter(derivatives_due__lte=timezone.now())):
        if connection.vendor == "sqlite":
            plan = statement.explain()
            assert "asset_to_derive" in plan and "TEMP B-TREE" not in plan
    if connection.vendor == "sqlite":
        with connection.cursor() as cursor:
            cursor.execute(f"EXPLAIN QUERY PLAN {WAITING}")
            of_assets = [row[3] for row in cursor.fetchall() if "assets_asset" in row[3]]
        assert len(of_assets) == 2
        assert all("asset_to_derive" in step for step in of_assets)


def turns(number: int) -> list[Library]:
    """Return whose assets a worker takes: their files are not there, so each is put off for later."""
    rotation, order = Rotation(), []
    for _ in range(number):
        before = set(Asset.objects.filter(derivatives_due=None).values_list("pk", flat=True))
        assert derive_once(rotation=rotation)
        [taken] = before - set(Asset.objects.filter(derivatives_due=None).values_list("pk", flat=True))
        order.append(Asset.objects.get(pk=taken).library)
    return order


def test_an_organization_with_many_libraries_has_one_turn_a_round(cast: Cast) -> None:
    for number in range(200):
        library = LibraryFactory(organization=cast.acme, slug=f"l{number}", name=f"{number}")
        AssetFactory(library=library, derivatives=PENDING)
    AssetFactory(library=cast.secret, derivatives=PENDING)
    assert [library.organization.slug for library in turns(4)] == ["acme", "globex", "acme", "acme"]


def test_what_comes_in_during_a_round_has_its_turn_in_the_next(cast: Cast) -> None:
    rotation = Rotation()
    for _ in range(5):
        AssetFactory(library=cast.barcelona, derivatives=PENDING)
    assert derive_once(rotation=rotation)
    late = AssetFactory(library=cast.secret, derivatives=PENDING)
    for _ in range(2):
        assert derive_once(rotation=rotation)
    late.refresh_from_db()
    assert late.derivatives_due is not None


def test_a_library_that_gets_much_keeps_no_other_waiting(cast: Cast) -> None:
    libraries = [cast.barcelona, cast.paris]
    for library in [cast.barcelona] * 4 + [cast.paris] * 2:
        AssetFactory(library=library, derivatives=PENDING)
    order = turns(6)
    first = min(libraries, key=lambda library: library.pk)
    assert order[:4] in ([cast.barcelona, cast.paris] * 2, [cast.paris, cast.barcelona] * 2)
    assert order[0] == first
    assert order[4:] == [cast.barcelona] * 2


def test_the_lease_outlasts_the_decoding() -> None:
    assert timedelta(seconds=DERIVE.seconds) < LEASE
