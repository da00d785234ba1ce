"""A clean-up deletes old files that no asset has, and nothing else."""

import asyncio
import contextlib
import io
import os
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import pytest
from django.conf import settings
from django.core.cache import cache
from django.core.management import CommandError, call_command
from pytest_django import Settings

from assets import ownership, storage
from assets.clean_up import APART, LEASE, sweep_files, sweep_files_if_due, sweep_stored
from assets.models import Asset, Installation, Leftover, new_asset_id
from assets.staging import stage, staging_folder
from raster.sweeping import sweeping
from raster.workers import writers
from tests.assets.stored import grow_older, stored_asset, sweep_for_days
from tests.factories import AssetFactory, Cast

DAY = 24 * 3600
NOTHING = {"staged files": 0, "stored files": 0}

pytestmark = pytest.mark.usefixtures("own_storage")


@pytest.fixture(autouse=True)
def no_other_files() -> Iterator[None]:
    """Hide what other tests have left behind, by making it young."""
    _age(_files(), 0)
    yield
    _age(_files(), 0)
    for path in _files():
        if path.parent == staging_folder() and len(path.name) == 32:
            path.unlink()


def _files() -> set[Path]:
    folders = (Path(settings.MEDIA_ROOT), staging_folder())
    return {path for folder in folders for path in folder.rglob("*") if path.is_file()}


def _age(paths: set[Path], seconds: float) -> None:
    moment = time.time() - seconds
    for path in paths:
        os.utime(path, (moment, moment))


def leave_behind() -> set[Path]:
    """Make what killed processes leave: a staged file, an original and a size without a row."""
    key = new_asset_id()
    staged = stage("sea.jpg", [b"staged"]).path
    with stage("sea.jpg", [b"original"]) as original:
        name = storage.save_original(key, original.path)
    size = storage.size_name(storage.save_size(name, b"size"))
    return {staged, storage.local_path(name), storage.local_path(size)}


def test_what_was_left_behind_goes_after_a_day_and_nothing_younger(cast: Cast) -> None:
    AssetFactory(library=cast.barcelona)
    left = leave_behind()
    _age(left, DAY - 60)
    assert sweep_for_days() == NOTHING
    assert all(path.exists() for path in left)
    _age(left, DAY + 60)
    assert sweep_for_days() == {"staged files": 1, "stored files": 2}
    assert not any(path.exists() for path in left)
    assert sweep_for_days() == NOTHING


def test_files_of_assets_stay_however_old_wherever_the_assets_are(cast: Cast) -> None:
    before = _files()
    asset = stored_asset(cast.barcelona, b"asset")
    stored_asset(cast.paris, b"in the trash", trashed="2026-01-01T00:00:00Z")
    variant = stored_asset(cast.barcelona, b"variant", parent=asset)
    # As promoting it does; then the row that its file is named after goes.
    for field in ("file", "sizes"):
        ours, theirs = getattr(asset, field), getattr(variant, field)
        setattr(asset, field, theirs)
        setattr(variant, field, ours)
    variant.save()
    asset.save()
    kept = _files() - before
    assert len(kept) == 6
    _age(kept, 30 * DAY)
    assert sweep_for_days() == NOTHING
    Asset.objects.filter(pk=variant.pk).delete()
    assert sweep_for_days() == {"staged files": 0, "stored files": 2}
    assert len(_files() & kept) == 4
    assert storage.local_path(asset.file).read_bytes() == b"variant"


def test_a_size_that_its_asset_does_not_name_goes_unless_sizes_are_being_made(cast: Cast) -> None:
    asset = stored_asset(cast.barcelona, b"asset", derivatives=Asset.Derivatives.PENDING)
    size = storage.local_path(storage.size_name(storage.save_size(asset.file, b"another size")))
    _age({size}, 2 * DAY)
    assert sweep_for_days() == NOTHING
    Asset.objects.filter(pk=asset.pk).update(derivatives=Asset.Derivatives.READY)
    assert sweep_for_days() == {"staged files": 0, "stored files": 1}
    assert storage.local_path(storage.size_name(asset.sizes["320"])).exists()


@pytest.mark.parametrize(
    "name",
    [
        "media/originals/notes.txt", "media/originals/ab/ab", "media/originals/ab/cd01234567890123456789",
        "media/originals/ab/ab01234567890123456789.bak", "media/sizes/ab/ab01234567890123456789.webp",
        "media/sizes/ab/0123456789abcdef0123456789abcdef.webp", "media/notes.txt",
        "media/other/ab/ab01234567890123456789",
        "staging/notes.txt", "staging/folder/0123456789abcdef0123456789abcdef", "staging/.gitkeep",
    ],
)  # fmt: skip
def test_what_does_not_look_like_a_file_of_rasters_stays(cast: Cast, name: str) -> None:
    path = settings.DATA_DIR / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"")
    _age({path}, 30 * DAY)
    AssetFactory(library=cast.barcelona)
    assert sweep_for_days() == NOTHING
    assert path.exists()
    path.unlink()
    if path.parent.name == "folder":
        path.parent.rmdir()


def test_more_files_than_fit_into_one_look_at_the_rows_are_swept(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("assets.clean_up.CHUNK", 2)
    before = _files()
    kept = [stored_asset(cast.barcelona, bytes([number])) for number in range(3)]
    left = set.union(*(leave_behind() for _ in range(3)))
    _age(_files() - before, 2 * DAY)
    assert sweep_for_days() == {"staged files": 3, "stored files": 6}
    assert not any(path.exists() for path in left)
    assert all(storage.local_path(asset.file).exists() for asset in kept)


def test_a_stored_file_goes_only_where_two_clean_ups_two_days_apart_found_it(cast: Cast) -> None:
    AssetFactory(library=cast.barcelona)
    _, original, size = sorted(leave_behind(), key=lambda path: "staging" not in path.parts)
    _age({original, size}, 30 * DAY)
    for _ in range(2):
        assert sweep_stored() == 0
    grow_older(APART - timedelta(minutes=1))
    assert sweep_stored() == 0
    grow_older(timedelta(minutes=1))
    assert sweep_stored() == 2
    assert not original.exists() and not size.exists()


def test_what_has_a_row_again_is_forgotten(cast: Cast) -> None:
    asset = stored_asset(cast.barcelona, b"sea")
    AssetFactory(library=cast.barcelona)
    _age({storage.local_path(name) for name in storage.names_of(asset.file, asset.sizes)}, 30 * DAY)
    Asset.objects.filter(pk=asset.pk).delete()
    sweep_stored()
    assert Leftover.objects.count() == 2
    grow_older(APART)
    asset.save(force_insert=True)
    assert sweep_stored() == 0
    assert not Leftover.objects.exists()
    Asset.objects.filter(pk=asset.pk).delete()
    assert sweep_stored() == 0
    assert storage.local_path(asset.file).exists()


def leave_many(cast: Cast, unused: int, used: int, own_folder: Path, settings: Settings) -> None:
    """Have a storage with so many files that two clean-ups would delete, and so many that have rows."""
    settings.MEDIA_ROOT = own_folder
    ownership.adopt()
    AssetFactory(library=cast.barcelona)
    for number in range(used):
        with stage("sea.jpg", [b"sea"]) as staged:
            name = storage.save_original(new_asset_id(), staged.path)
        AssetFactory(library=cast.barcelona, file=name)
        if number < unused:
            with stage("sea.jpg", [b"sea"]) as staged:
                storage.save_original(new_asset_id(), staged.path)
    _age({path for path in own_folder.rglob("*") if path.is_file()}, 30 * DAY)
    assert sweep_stored() == 0
    grow_older(APART)


@pytest.mark.parametrize(("unused", "used", "is_refused"), [(21, 399, False), (21, 398, True), (20, 30, False)])
def test_more_than_20_files_and_5_in_100_go_on_purpose_only(
    cast: Cast, tmp_path: Path, settings: Settings, unused: int, used: int, is_refused: bool
) -> None:
    leave_many(cast, unused, used, tmp_path, settings)
    if is_refused:
        with pytest.raises(CommandError, match=rf"{unused} of {unused + used} would go.*--yes"):
            call_command("sweep", stdout=io.StringIO())
        assert Leftover.objects.count() == unused
        out = io.StringIO()
        call_command("sweep", "--yes", stdout=out)
        assert f"{unused} stored files\n" in out.getvalue()
    else:
        assert sweep_stored() == unused
    assert sum(path.is_file() for path in (tmp_path / "originals").rglob("*")) == used


def test_the_servers_own_clean_up_never_deletes_a_large_share_and_says_so_in_one_line(
    cast: Cast, tmp_path: Path, settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    leave_many(cast, 21, 30, tmp_path, settings)
    cache.delete(LEASE)
    caplog.clear()
    assert "stored files" not in sweep_files_if_due()
    [line] = [record for record in caplog.records if record.levelname == "ERROR"]
    assert "21 of 51 would go" in line.getMessage()
    assert sum(path.is_file() for path in (tmp_path / "originals").rglob("*")) == 51
    cache.delete(LEASE)


def test_without_rows_nothing_goes_even_on_purpose(cast: Cast) -> None:
    left = {path for path in leave_behind() if "staging" not in path.parts}
    _age(left, 30 * DAY)
    for arguments in ((), ("--yes",), ("--dry-run",)):
        with pytest.raises(CommandError, match="the database has no assets"):
            call_command("sweep", *arguments, stdout=io.StringIO(), stderr=io.StringIO())
    assert all(path.exists() for path in left)
    assert not Leftover.objects.exists()


def test_a_dry_run_tells_what_would_go_and_changes_nothing(
    cast: Cast, tmp_path: Path, settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    leave_many(cast, 3, 10, tmp_path, settings)
    with stage("sea.jpg", [b"young"]) as staged:
        young = storage.local_path(storage.save_original(new_asset_id(), staged.path))
    _age({young}, 2 * DAY)
    before, found = _files(), list(Leftover.objects.order_by("pk").values())
    mark = (tmp_path / ownership.MARK).read_bytes()
    out, err = io.StringIO(), io.StringIO()
    call_command("sweep", "--dry-run", stdout=out, stderr=err)
    assert out.getvalue() == "0 staged files\n3 stored files\n"
    assert "4 of 14 stored files have no row; 3 of them (9 bytes) would be deleted now." in err.getvalue()
    assert (_files(), list(Leftover.objects.order_by("pk").values())) == (before, found)
    assert (tmp_path / ownership.MARK).read_bytes() == mark
    caplog.clear()
    with caplog.at_level("INFO", "raster.sweeping"):
        assert sweep_stored() == 3
    [line] = [record for record in caplog.records if record.name == "raster.sweeping"]
    assert line.fields == {"files": 3, "bytes": 9}  # type: ignore[attr-defined]  # as raster.logs reads it


def test_a_dry_run_says_what_would_be_refused(cast: Cast, tmp_path: Path, settings: Settings) -> None:
    leave_many(cast, 21, 30, tmp_path, settings)
    out = io.StringIO()
    with pytest.raises(CommandError, match="21 of 51 would go"):
        call_command("sweep", "--dry-run", stdout=out, stderr=io.StringIO())
    assert "21 stored files\n" in out.getvalue()
    call_command("sweep", "--dry-run", "--yes", stdout=out, stderr=io.StringIO())
    Installation.objects.update(identity="another")
    with pytest.raises(CommandError, match="adopt_storage"):
        call_command("sweep", "--dry-run", "--yes", stdout=out, stderr=io.StringIO())


def test_each_clean_up_changes_the_generation_even_where_it_deletes_nothing(cast: Cast) -> None:
    AssetFactory(library=cast.barcelona)
    Installation.objects.update(renewed=None)
    before = Installation.objects.get().generation
    sweep_stored()
    assert Installation.objects.get().generation != before


def test_it_ends_early_when_the_server_stops(cast: Cast) -> None:
    AssetFactory(library=cast.barcelona)
    stop = threading.Event()
    stop.set()
    _age(leave_behind(), 2 * DAY)
    assert sweep_files(stop) == {"staged files": 1, "stored files": 0}
    assert not Leftover.objects.exists()
    assert sweep_for_days() == {"staged files": 0, "stored files": 2}


def test_one_process_a_day_looks_through_the_storage_and_each_through_its_own_staging_folder(cast: Cast) -> None:
    AssetFactory(library=cast.barcelona)
    cache.delete(LEASE)
    _age(leave_behind(), 2 * DAY)
    assert sweep_files_if_due() == {"staged files": 1, "stored files": 0}
    grow_older(APART)
    assert sweep_files_if_due() == {"staged files": 0}
    cache.delete(LEASE)
    assert sweep_files_if_due() == {"staged files": 0, "stored files": 2}
    cache.delete(LEASE)


def test_the_command_sweeps_files_too(cast: Cast) -> None:
    AssetFactory(library=cast.barcelona)
    _age(leave_behind(), 2 * DAY)
    sweep_files()
    grow_older(APART)
    _age({stage("sea.jpg", [b"staged"]).path}, 2 * DAY)
    output = io.StringIO()
    call_command("sweep", stdout=output)
    assert "1 staged files\n" in output.getvalue()
    assert "2 stored files\n" in output.getvalue()


def test_sweeps_that_take_long_keep_no_write_waiting() -> None:
    may_end = threading.Event()
    begun = threading.Event()

    def endless(_: threading.Event) -> dict[str, int]:
        begun.set()
        may_end.wait(60)
        return {}

    async def run() -> str:
        async with contextlib.AsyncExitStack() as running:
            for _ in range(8):
                await running.enter_async_context(sweeping(endless, every=0))
            await asyncio.to_thread(begun.wait, 10)
            try:
                return await asyncio.wait_for(writers.run(lambda: "written"), 60)
            finally:
                may_end.set()

    assert ThreadPoolExecutor(1).submit(asyncio.run, run()).result() == "written"
