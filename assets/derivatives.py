"""Making sizes and blurhashes of files after they came in: the rows that say so are the queue.

A worker takes one row at a time and holds it by a lease: if it is killed, the lease runs out and another takes over.
"""

import contextlib
import logging
from collections import defaultdict, deque
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import chain
from typing import Any

from django.db import connection, transaction
from django.utils import timezone

from assets import ownership, storage
from assets.decode import SIZES
from assets.decoding import DERIVE, GRACE_SECONDS, Decoded, Decoder, DecodingFailed, Limits
from assets.models import Asset, AssetQuerySet
from assets.ownership import DeletionRefused
from assets.signatures import BY_CONTENT_TYPE
from raster.background import POLL_SECONDS, BackgroundWorker, Bell
from raster.errors import BadUserInput, RasterError
from raster.workers import give_connection_back

MOST_TRIES = 3
#: Before the second and the third try, of what failed for a reason that may pass.
DELAYS = (timedelta(seconds=10), timedelta(minutes=2))
#: Longer than any decoding takes, with the storage's part of it.
LEASE = timedelta(seconds=DERIVE.seconds + GRACE_SECONDS + 120)

#: Each library with something new to make, by its organization: one entry of the index for each of them.
WAITING = """
    WITH RECURSIVE waiting(library_id) AS (
        SELECT * FROM (SELECT library_id FROM assets_asset WHERE derivatives = 'pending' AND derivatives_due IS NULL
                       ORDER BY derivatives_due, library_id LIMIT 1) AS first
        UNION ALL
        SELECT (SELECT library_id FROM assets_asset WHERE derivatives = 'pending' AND derivatives_due IS NULL
                AND library_id > waiting.library_id ORDER BY derivatives_due, library_id LIMIT 1)
        FROM waiting WHERE waiting.library_id IS NOT NULL
    )
    SELECT library.organization_id, library.id FROM waiting JOIN orgs_library library ON library.id = waiting.library_id
    ORDER BY library.organization_id, library.id
"""
logger = logging.getLogger("raster.derivatives")
#: Rings when this process has something to make.
bell = Bell()


@dataclass(frozen=True, slots=True)
class Claim:
    """A row that a worker holds, as it was then: ``due`` is the end of the lease, and tells it from any other."""

    asset_id: str
    file: str
    content_type: str
    sizes: dict[str, str]
    tries: int
    due: datetime


def announce() -> None:
    """Wake the workers of this process: there is something to make. For ``transaction.on_commit``."""
    bell.ring()


class Rotation:
    """A worker's way from organization to organization: one with much to make, in however many libraries, has one turn.

    A round goes through what waits when it begins: of each organization one library, the one after its last.
    """

    def __init__(self) -> None:
        self._round: deque[int] = deque()
        self._last: dict[int, int] = {}

    def turns(self) -> Iterator[int]:
        """Yield libraries whose turn it is, until one has something to make or each had its turn."""
        while self._round:
            yield self._round.popleft()
        self._begin()
        while self._round:
            yield self._round.popleft()

    def _begin(self) -> None:
        waiting: defaultdict[int, list[int]] = defaultdict(list)
        with connection.cursor() as cursor:
            cursor.execute(WAITING)
            for organization_id, library_id in cursor.fetchall():
                waiting[organization_id].append(library_id)
        last, self._last = self._last, {}
        for organization_id, libraries in waiting.items():
            after = [library_id for library_id in libraries if library_id > last.get(organization_id, 0)]
            self._last[organization_id] = (after or libraries)[0]
        self._round.extend(self._last.values())


def derive_once(
    decoder: Decoder | None = None,
    *,
    among: AssetQuerySet | None = None,
    limits: Limits = DERIVE,
    rotation: Rotation | None = None,
) -> bool:
    """Make what is to be made of one asset (of ``among`` those, if given); return whether there was one."""
    claim = _claim(Asset.objects.all() if among is None else among, rotation)
    if claim is None:
        return False
    decoder = decoder or Decoder()
    try:
        with storage.local_copy(claim.file) as path:
            path.stat()  # that it is not there says nothing of the file
            give_connection_back()
            decoded = decoder.run("derive", path, BY_CONTENT_TYPE[claim.content_type], limits)
        made = _store(claim, decoded)
    except BadUserInput as refusal:
        _fail(claim, refusal.message, for_good=True)
    except (DecodingFailed, RasterError, OSError) as failure:
        if decoder.stopped:
            _give_back(claim)
        else:
            _fail(claim, str(failure), for_good=False)
    else:
        _finish(claim, decoded, made)
    return True


def derive_all(assets: AssetQuerySet) -> None:
    """Make what is to be made of these assets, here and now, except for those that a worker has already."""
    while derive_once(among=assets):
        pass


class Worker(BackgroundWorker):
    """Makes derivatives, one after the other, until it is stopped."""

    name = "Making sizes"
    bell = bell

    def __init__(self, poll: float = POLL_SECONDS) -> None:
        super().__init__(poll)
        self._decoder = Decoder()
        self._rotation = Rotation()

    def work_once(self) -> bool:
        return derive_once(self._decoder, rotation=self._rotation)

    def stop(self) -> None:
        """End the work soon; what is half made is given back. Safe from any thread."""
        self._decoder.stop()
        super().stop()


def _claim(assets: AssetQuerySet, rotation: Rotation | None) -> Claim | None:
    pending = assets.filter(derivatives=Asset.Derivatives.PENDING).order_by("derivatives_due", "library_id", "id")
    new = pending.filter(derivatives_due=None)
    # What is new comes before what waits, and of that what has its turn, in queries that read one entry of the index.
    turns = (new.filter(library=library_id) for library_id in (rotation.turns() if rotation else ()))
    for waiting in chain(turns, (new, pending.filter(derivatives_due__lte=timezone.now()))):
        # Asked without a lock first: an idle worker keeps no writer waiting.
        while waiting.exists():
            with transaction.atomic():
                asset = waiting.select_for_update(skip_locked=True, no_key=True).first()
                if asset is None:
                    break
                if asset.derivatives_tries < MOST_TRIES:
                    return _lease(asset)
                # Each try before ended with its worker.
                _mark(asset.pk, derivatives=Asset.Derivatives.FAILED, derivatives_due=None)
            logger.warning("Nothing can be made of a file", extra={"fields": {"asset": asset.pk}})
    return None


def _lease(asset: Asset) -> Claim:
    due, tries = timezone.now() + LEASE, asset.derivatives_tries + 1
    _mark(asset.pk, derivatives_due=due, derivatives_tries=tries)
    return Claim(asset.pk, asset.file, asset.content_type, asset.sizes, tries, due)


def _store(claim: Claim, decoded: Decoded) -> dict[str, str]:
    """Put the sizes into the storage; return their names by width."""
    return {str(SIZES[name]): storage.save_size(claim.file, content) for name, content in decoded.files.items()}


def _finish(claim: Claim, decoded: Decoded, made: dict[str, str]) -> None:
    """Write down what was made, if the claim still holds."""
    with transaction.atomic():
        asset_id = _held(claim)
        if asset_id is not None:
            known = {"blurhash": decoded.blurhash, "sizes": made}
            _mark(asset_id, derivatives=Asset.Derivatives.READY, derivatives_due=None, **known)
    if asset_id is not None:
        # Where they are not deleted, a clean-up finds them; it also says why none is.
        with contextlib.suppress(DeletionRefused):
            ownership.delete(_names(set(claim.sizes.values()) - set(made.values())))
    elif storage.stat(claim.file) is None:
        # Where the file is still there, another worker has it, and makes the same names of it.
        storage.discard(_names(set(made.values())))


def _fail(claim: Claim, reason: str, *, for_good: bool) -> None:
    """Write down that a try failed: it is tried again later, a few times."""
    over = for_good or claim.tries >= MOST_TRIES
    fields = {"asset": claim.asset_id, "type": claim.content_type, "tries": claim.tries, "reason": reason}
    logger.warning("Nothing was made of a file", extra={"fields": fields})
    state = Asset.Derivatives.FAILED if over else Asset.Derivatives.PENDING
    _put_down(claim, state, None if over else timezone.now() + DELAYS[claim.tries - 1])


def _give_back(claim: Claim) -> None:
    """Leave the row as it was: this worker stops."""
    _put_down(claim, Asset.Derivatives.PENDING, None, tries=claim.tries - 1)


def _put_down(claim: Claim, state: Asset.Derivatives, due: datetime | None, tries: int | None = None) -> None:
    with transaction.atomic():
        asset_id = _held(claim)
        if asset_id is not None:
            tries = claim.tries if tries is None else tries
            _mark(asset_id, derivatives=state, derivatives_due=due, derivatives_tries=tries)


def _held(claim: Claim) -> str | None:
    """Lock the row that has the claimed file, and return its id; None where the claim holds no longer.

    It may be another row than before: a promote moves a file with all that is known of it, the lease included.
    """
    rows = Asset.objects.filter(file=claim.file, derivatives_due=claim.due).select_for_update(no_key=True)
    return rows.values_list("pk", flat=True).first()


def _mark(asset_id: str, **fields: Any) -> None:
    """Change a row that is locked. ``updated`` stays: it tells of what people did."""
    Asset.objects.filter(pk=asset_id).update(**fields)


def _names(sizes: set[str]) -> list[str]:
    return [storage.size_name(name) for name in sizes]
