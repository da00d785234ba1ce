"""Deleting files that no asset has, which a killed upload or decoder left behind, and what has been in the trash long.

It runs while the server serves. Files younger than a day may be of something that still runs; what does not look like
a file of an asset is left alone. A stored file is deleted only where two clean-ups, at least two days apart, found it
without a row: a database that is out of step for a while costs nothing.
"""

import logging
import re
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice

from django.core.cache import cache
from django.db.models import QuerySet
from django.utils import timezone

from assets import ownership
from assets.contracts import PurgeTrash
from assets.leftovers import stored_files, without_asset
from assets.models import Asset, Leftover
from assets.operations.trash import purge_trash
from assets.ownership import DeletionRefused
from assets.staging import staging_folder
from assets.storage import StoredFile
from orgs.access import OperatorPrincipal, Origin

OLD = timedelta(days=1)
#: Between the two clean-ups that find a stored file without a row, at least.
APART = timedelta(days=2)
#: More than these together are deleted on purpose only.
MOST_PER_CENT = 5
MOST_FILES = 20
CHUNK = 500
#: Between two chunks, so that whatever waits for the database or the disk gets its turn.
PAUSE_SECONDS = 0.02
EVERY_SECONDS = 24 * 3600
LEASE = "assets.sweep"
PURGE_EVERY_SECONDS = 3600
PURGE_LEASE = "assets.purge"
_STAGED = re.compile(r"[0-9a-f]{32}")

NO_ROWS = (
    "No stored file was deleted: the storage has files, and the database has no assets. Check DATABASE_URL and "
    "RASTER_STORAGE."
)
TOO_MANY = (
    "No stored file was deleted: {files} of {total} would go, which is more than {per_cent} %. Check DATABASE_URL and "
    "RASTER_STORAGE; if both are right, look at manage.py sweep --dry-run and run manage.py sweep --yes."
)

logger = logging.getLogger("raster.sweeping")


@dataclass(frozen=True, slots=True)
class Outlook:
    """What a clean-up of stored files would do now, of ``total`` of them.

    ``leftovers`` have no row; ``files`` of these, with so many ``bytes``, were found without one two days ago, too.
    """

    total: int
    leftovers: int
    files: int
    bytes: int


def sweep_files(stop: threading.Event | None = None) -> dict[str, int]:
    """Delete files that no asset has; return how many of each kind. It ends early when ``stop`` is set.

    Raises:
        DeletionRefused: stored files may not be deleted; staged files were.
    """
    return {"staged files": sweep_staged(), "stored files": sweep_stored(stop)}


def sweep_files_if_due(stop: threading.Event | None = None) -> dict[str, int]:
    """Sweep this machine's staging folder, and the storage if no process did in the last day."""
    swept = {"staged files": sweep_staged()}
    if cache.add(LEASE, True, EVERY_SECONDS):
        try:
            swept["stored files"] = sweep_stored(stop)
        except DeletionRefused as refusal:
            logger.error("%s", refusal)
    return swept


def purge_if_due(stop: threading.Event | None = None) -> dict[str, int]:
    """Purge if no process did in the last hour: of any number that ask, one does."""
    if not cache.add(PURGE_LEASE, True, PURGE_EVERY_SECONDS):
        return {}
    try:
        purged = purge_trash(OperatorPrincipal(Origin("server")), PurgeTrash(), stop)
    except DeletionRefused as refusal:
        logger.error("The trash stays as it is. %s", refusal)
        return {}
    return {"assets in the trash": purged.assets}


def sweep_staged(*, dry_run: bool = False) -> int:
    """Delete what interrupted uploads left in this machine's staging folder; return how many files."""
    before = (timezone.now() - OLD).timestamp()
    swept = 0
    for path in staging_folder().glob("*"):
        try:
            if _STAGED.fullmatch(path.name) and path.lstat().st_mtime < before:
                if not dry_run:
                    path.unlink()
                swept += 1
        except FileNotFoundError:
            continue  # another process sweeps, too
    return swept


def sweep_stored(stop: threading.Event | None = None, *, confirmed: bool = False) -> int:
    """Delete stored files that this clean-up and one at least two days ago found without a row; return how many.

    ``confirmed`` lets it delete any share of them. It ends early, and deletes nothing, when ``stop`` is set.

    Raises:
        DeletionRefused: the storage is not this database's own, there are no rows, or too many files would go.
    """
    stop = stop or threading.Event()
    ownership.check_may_delete()
    ownership.renew()
    _check_rows()
    begun = timezone.now()
    total = 0
    for files, unused in _looked_through():
        if stop.is_set():
            return 0
        total += len(files)
        _remember(unused, begun)
        stop.wait(PAUSE_SECONDS)
    # What this clean-up did not find has a row by now, or is gone.
    Leftover.objects.filter(seen__lt=begun).delete()
    due = _due(begun)
    if not confirmed:
        _check_share(due.count(), total)
    return _delete(due, stop)


def look_at_stored() -> Outlook:
    """Return what :func:`sweep_stored` would do now, and change nothing."""
    now = timezone.now()
    total = leftovers = going = size = 0
    for files, unused in _looked_through():
        total += len(files)
        leftovers += len(unused)
        due = set(_due(now).filter(name__in=[file.name for file in unused]).values_list("name", flat=True))
        going += len(due)
        size += sum(file.size for file in unused if file.name in due)
    return Outlook(total, leftovers, going, size)


def check_outlook(outlook: Outlook, *, confirmed: bool = False) -> None:
    """Raise what :func:`sweep_stored` would.

    Raises:
        DeletionRefused: as there.
    """
    ownership.check_may_delete(mark=False)
    _check_rows()
    if not confirmed:
        _check_share(outlook.files, outlook.total)


def _check_rows() -> None:
    if not Asset.objects.exists() and next(stored_files(), None) is not None:
        raise DeletionRefused(NO_ROWS)


def _check_share(files: int, total: int) -> None:
    if files > MOST_FILES and files * 100 > total * MOST_PER_CENT:
        raise DeletionRefused(TOO_MANY.format(files=files, total=total, per_cent=MOST_PER_CENT))


def _looked_through() -> Iterator[tuple[list[StoredFile], list[StoredFile]]]:
    """Yield the storage's files in chunks, each with those of them that are old and have no row."""
    before = timezone.now() - OLD
    files = stored_files()
    while chunk := list(islice(files, CHUNK)):
        old = {file.name: file for file in chunk if file.modified < before}
        yield chunk, [old[name] for name in without_asset(old)]


def _remember(files: list[StoredFile], now: datetime) -> None:
    Leftover.objects.bulk_create(
        [Leftover(name=file.name, size=file.size, found=now, seen=now) for file in files],
        update_conflicts=True,
        unique_fields=["name"],
        update_fields=["size", "seen"],
    )


def _due(now: datetime) -> QuerySet[Leftover]:
    return Leftover.objects.filter(found__lte=now - APART)


def _delete(due: QuerySet[Leftover], stop: threading.Event) -> int:
    """Delete files that still have no row; return how many, and log how many bytes."""
    files = size = 0
    while not stop.is_set() and (chunk := list(due.order_by("name")[:CHUNK])):
        names = [leftover.name for leftover in chunk]
        unused = set(without_asset(names))
        ownership.delete(sorted(unused))
        Leftover.objects.filter(name__in=names).delete()
        files += len(unused)
        size += sum(leftover.size for leftover in chunk if leftover.name in unused)
        stop.wait(PAUSE_SECONDS)
    if files:
        logger.info("Deleted stored files without a row", extra={"fields": {"files": files, "bytes": size}})
    return files
