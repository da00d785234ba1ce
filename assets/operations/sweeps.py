"""Clearing away files that no asset has: what an upload, or whoever makes sizes, left behind when it was killed.

It runs while the server serves. Files younger than a day may be of something that still runs; what does not look like
a file of Raster's is nobody's business here.
"""

import re
import threading
from collections.abc import Iterable, Iterator
from datetime import timedelta
from itertools import islice

from django.core.cache import cache
from django.utils import timezone

from assets import storage
from assets.models import Asset
from assets.staging import staging_folder

OLD = timedelta(days=1)
CHUNK = 500
#: Between two chunks, so that whatever waits for the database or the disk gets its turn.
PAUSE_SECONDS = 0.02
EVERY_SECONDS = 24 * 3600
LEASE = "assets.sweep"
_STAGED = re.compile(r"[0-9a-f]{32}")
_ORIGINAL = re.compile(r"originals/(..)/\1[0-9A-Za-z]{20}")
_SIZE = re.compile(r"sizes/(..)/(\1[0-9A-Za-z]{20})-[0-9a-f]{32}\.webp")


def sweep_files(stop: threading.Event | None = None) -> dict[str, int]:
    """Delete files that no asset has; return how many of each kind. It ends early when ``stop`` is set."""
    return {"staged files": _sweep_staged(), "stored files": _sweep_stored(stop or threading.Event())}


def sweep_files_if_due(stop: threading.Event | None = None) -> dict[str, int]:
    """Sweep this machine's staging folder, and the storage if no process did in the last day."""
    if cache.add(LEASE, True, EVERY_SECONDS):
        return sweep_files(stop)
    return {"staged files": _sweep_staged()}


def _sweep_staged() -> int:
    before = (timezone.now() - OLD).timestamp()
    swept = 0
    for path in staging_folder().glob("*"):
        try:
            if _STAGED.fullmatch(path.name) and path.lstat().st_mtime < before:
                path.unlink()
                swept += 1
        except FileNotFoundError:
            continue  # another process sweeps, too
    return swept


def _sweep_stored(stop: threading.Event) -> int:
    before = timezone.now() - OLD
    old = (
        file.name
        for folder in ("originals/", "sizes/")
        for file in storage.list_files(folder)
        if file.modified < before
    )
    swept = 0
    while not stop.is_set() and (names := list(islice(old, CHUNK))):
        unused = list(_without_asset(names))
        storage.delete(unused)
        swept += len(unused)
        stop.wait(PAUSE_SECONDS)
    return swept


def _without_asset(names: Iterable[str]) -> Iterator[str]:
    """Yield those of the files in the storage that belong to no row, in the trash or not: one query."""
    originals = {name: original for name in names if (original := _original_of(name)) is not None}
    rows = {
        asset.file: asset
        for asset in Asset.objects.filter(file__in=set(originals.values())).only("file", "sizes", "derivatives")
    }
    for name, original in originals.items():
        asset = rows.get(original)
        # A worker that is about to write its row may have found an old size, and taken it for its own.
        is_pending = asset is not None and asset.derivatives == Asset.Derivatives.PENDING
        if asset is None or (not is_pending and name not in storage.names_of(asset.file, asset.sizes)):
            yield name


def _original_of(name: str) -> str | None:
    """Return the original that a stored file is, or is a size of; None for what is no file of Raster's."""
    if _ORIGINAL.fullmatch(name):
        return name
    size = _SIZE.fullmatch(name)
    return storage.original_name(size[2]) if size else None
