"""Whose files the storage holds, and deleting them only where that is certain.

The database has a row (:class:`Installation`) and the storage two small objects:

``installation.json``
    The installation's identity and its *generation*, which each clean-up of stored files changes: first in the
    database, then in the storage. A crash between the two leaves the storage one generation behind, which is accepted.
    A copy of the database, be it a clone or an old dump, falls behind with the next clean-up.
``newest-upload.json``
    When a file was last added, to a minute, again first in the database. What the storage has is never later than what
    its own database has, unless that database was set back or another one uploads to the same storage.

Where the two disagree, nothing is deleted; serving and uploads go on. Each look reads the storage before the database,
so that a change by another process between the two reads is no disagreement.
"""

import json
import threading
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice

from django.core.files.storage import default_storage
from django.db import transaction
from django.db.models import F, Q
from django.utils import timezone

from assets import storage
from assets.leftovers import stored_files, without_asset
from assets.models import Installation, Leftover, new_token
from raster.workers import give_connection_back

MARK = "installation.json"
NEWEST_UPLOAD = "newest-upload.json"
#: Uploads of a process in this time after one that was noted are not noted again.
NOTED_EVERY_SECONDS = 60.0
#: Two clean-ups that begin at once change the generation once: the storage never falls two behind.
RENEWED_APART = timedelta(minutes=1)
SAMPLE = 200
MOST_WITHOUT_ROW = 5  # per cent
_TICK = timedelta(microseconds=1)
#: What is said of a mark that cannot be read: it is nobody's, and later than everything.
_UNREADABLE = "unreadable"
_LATEST = datetime.max.replace(tzinfo=UTC)

UNMARKED = (
    "No stored file was deleted: the storage is not marked as this installation's, and fewer than "
    f"{100 - MOST_WITHOUT_ROW} % of its files have rows in the database. "
)
ANOTHER = "No stored file was deleted: the storage is marked as another installation's ({mark}, not {own}). "
COPY = (
    "No stored file was deleted: another copy of this database cleaned up the storage. This one is an old dump, or one "
    "of two that share the storage. "
)
NEWER = (
    "No stored file was deleted: the storage holds uploads of {newest:%Y-%m-%d %H:%M} UTC that this database does not "
    "know. It is an old dump, or another installation uploads to the same storage. "
)
ADVICE = "Check DATABASE_URL and RASTER_STORAGE; if both are right, run manage.py adopt_storage."


class DeletionRefused(Exception):
    """Stored files are not deleted. The message says why, and what helps; it is for the operator."""


@dataclass(frozen=True, slots=True)
class Marked:
    """What the storage says of itself."""

    identity: str | None
    generation: str
    newest_upload: datetime | None


class _Noted:
    """When this process is to note an upload again."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._due = 0.0

    def is_due(self) -> bool:
        """Return whether it is time, to one thread alone."""
        now = time.monotonic()
        with self._lock:
            is_due = now >= self._due
            if is_due:
                self._due = now + NOTED_EVERY_SECONDS
            return is_due

    def again(self) -> None:
        """Have the next upload noted."""
        with self._lock:
            self._due = 0.0


noted = _Noted()


def delete(names: list[str]) -> None:
    """Delete files by their names in the storage; one that is not there is no failure.

    Raises:
        DeletionRefused: nobody knows whether they are this installation's.
    """
    if not names:
        return
    check_may_delete()
    for name in names:
        default_storage.delete(name)


def check_may_delete(*, mark: bool = True) -> None:
    """Make sure that the storage is this database's own, and mark it (unless ``mark`` is false) where it plainly is.

    Two small reads of the storage and a query; ask it once for many files.

    Raises:
        DeletionRefused: it is not, or nobody can tell.
    """
    marked = read_mark()
    own = own_row()
    if marked.identity is None:
        _check_has_rows()
        if mark:
            marked = _mark(own, marked)
    doubt = doubt_of(marked, own)
    if doubt is not None:
        raise DeletionRefused(doubt + ADVICE)


def doubt_of(marked: Marked, own: Installation) -> str | None:
    """Return why the storage may not be this database's own; None where it is, or has no mark."""
    if marked.identity not in {None, own.identity}:
        return ANOTHER.format(mark=marked.identity, own=own.identity)
    if marked.identity is not None and marked.generation not in {own.generation, own.previous_generation}:
        return COPY
    if _is_newer(marked, own):
        return NEWER.format(newest=marked.newest_upload)
    return None


def note_upload() -> None:
    """Note that files are about to be added to the storage, at most once a minute for each process.

    An empty storage is marked first, so that a second installation that is given the same one finds the mark. Where
    the storage is not this database's own, only the storage is told: then neither database may delete from it.

    Raises:
        ServiceUnavailable: the storage does not answer.
    """
    if not noted.is_due():
        return
    try:
        marked = read_mark()
        own = own_row()
        if marked.identity is None and next(stored_files(), None) is None:
            marked = _mark(own, marked)
        at = timezone.now()
        if doubt_of(marked, own) is None:
            at = _note_in_database(at)
        elif marked.newest_upload is not None and marked.newest_upload != _LATEST:
            at = max(at, marked.newest_upload + _TICK)
        give_connection_back()
        storage.write_small(NEWEST_UPLOAD, json.dumps({"at": at.isoformat()}).encode())
    except BaseException:
        noted.again()
        raise


def renew() -> None:
    """Change the generation, once :func:`check_may_delete` has found no doubt; finish what a crash left half done."""
    marked = read_mark()
    own_row()
    with transaction.atomic():
        own = Installation.objects.select_for_update().get(pk=Installation.ROW)
        now = timezone.now()
        is_due = own.renewed is None or own.renewed <= now - RENEWED_APART
        if marked.generation == own.generation and is_due:
            own.previous_generation, own.generation, own.renewed = own.generation, new_token(), now
            own.save(update_fields=["previous_generation", "generation", "renewed"])
    _write_mark(own)


def adopt() -> None:
    """Make the storage this database's own, whatever its mark says; no other may delete from it then."""
    marked = read_mark()
    own_row()
    with transaction.atomic():
        own = Installation.objects.select_for_update().get(pk=Installation.ROW)
        own.previous_generation, own.generation, own.renewed = "", new_token(), timezone.now()
        if _is_newer(marked, own):
            own.newest_upload = timezone.now() if marked.newest_upload == _LATEST else marked.newest_upload
        own.save()
        # What the clean-ups of another time or another database found says nothing now.
        Leftover.objects.all().delete()
    if marked.newest_upload == _LATEST and own.newest_upload is not None:
        storage.write_small(NEWEST_UPLOAD, json.dumps({"at": own.newest_upload.isoformat()}).encode())
    _write_mark(own)


def read_mark() -> Marked:
    """Return what the storage says of itself."""
    mark, newest = storage.read_small(MARK), storage.read_small(NEWEST_UPLOAD)
    identity, generation = (None, "") if mark is None else _read_mark(mark)
    return Marked(identity, generation, None if newest is None else _read_time(newest))


def own_row() -> Installation:
    """Return this database's row, and make it where it is new."""
    row, _ = Installation.objects.get_or_create(pk=Installation.ROW)
    return row


def _note_in_database(now: datetime) -> datetime:
    """Move the time of the newest upload forward, and return it: to now, or by a little if the clock was set back."""
    own = Installation.objects.filter(pk=Installation.ROW)
    if not own.filter(Q(newest_upload=None) | Q(newest_upload__lt=now)).update(newest_upload=now):
        own.update(newest_upload=F("newest_upload") + _TICK)
    return own.values_list("newest_upload", flat=True).get() or now


def _read_mark(content: bytes) -> tuple[str, str]:
    try:
        read = json.loads(content)
        return str(read["identity"]), str(read["generation"])
    except (ValueError, KeyError, TypeError):
        return _UNREADABLE, ""


def _read_time(content: bytes) -> datetime:
    try:
        at = datetime.fromisoformat(json.loads(content)["at"])
    except (ValueError, KeyError, TypeError):
        return _LATEST
    return at if at.tzinfo else _LATEST


def _is_newer(marked: Marked, own: Installation) -> bool:
    return marked.newest_upload is not None and (own.newest_upload is None or marked.newest_upload > own.newest_upload)


def _check_has_rows() -> None:
    """Make sure that nearly all files of the storage have rows, by some of them.

    Names are random, so that the files that are listed first are as good a sample as any.

    Raises:
        DeletionRefused: too many have none.
    """
    sample = [file.name for file in islice(stored_files(), SAMPLE)]
    missing = sum(1 for _ in without_asset(sample))
    if missing * 100 > len(sample) * MOST_WITHOUT_ROW:
        raise DeletionRefused(UNMARKED + ADVICE)


def _mark(own: Installation, marked: Marked) -> Marked:
    """Mark a storage that has no mark, and return what it says then: another installation may mark it just now."""
    _write_mark(own)
    now = read_mark()
    return Marked(now.identity, now.generation, marked.newest_upload)


def _write_mark(own: Installation) -> None:
    content = {"identity": own.identity, "generation": own.generation}
    storage.write_small(MARK, json.dumps(content).encode())
