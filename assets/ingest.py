"""Making assets of staged files: which of them fit, and all the way to rows that lists and search show at once."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.db import transaction

from assets import ownership, quota, storage
from assets.batches import lock_assets
from assets.contracts import MOST_VARIANTS, UploadAssets
from assets.derivatives import announce
from assets.events import record_event
from assets.models import Asset, new_asset_id
from assets.names import asset_name, url_name
from assets.probe import Probed, probe
from assets.search_index import index_assets
from assets.signatures import ACCEPTED, FileType, judge
from assets.staging import LeftOut, Staged
from orgs import audit
from orgs.access import Level, Principal
from orgs.models import Library
from raster.errors import BadUserInput, RasterError, ResourceNotFound


class AlreadyThere(Exception):
    """The library holds the same file already, as ``asset``."""

    def __init__(self, asset: Asset) -> None:
        self.asset = asset
        super().__init__(asset.pk)


@dataclass(frozen=True, slots=True)
class Accepted:
    """A staged file that comes in."""

    staged: Staged
    file_type: FileType
    probed: Probed


def accept(source: Staged | LeftOut, organization_id: str) -> Accepted:
    """Judge a file for an organization by its first bytes, and by what reads such files.

    Raises:
        BadUserInput: it does not come in; the message says why.
        RateLimited: too many files of the organization's are being read already.
    """
    if isinstance(source, LeftOut):
        raise BadUserInput(source.reason)
    if not source.size:
        raise BadUserInput("The file is empty.")
    file_type = judge(source.head)
    if file_type is None:
        raise BadUserInput(f"Raster takes {ACCEPTED} files; this is none of them.")
    return Accepted(source, file_type, probe(source.path, file_type, organization_id))


def store_assets(
    principal: Principal, command: UploadAssets, files: Sequence[Accepted], *, unless_there: bool = False
) -> list[Asset]:
    """Move files into the storage and make their rows, all of them or none, for a caller who may do so still.

    A process that is killed leaves at worst files without a row, which the sweep finds.

    Raises:
        AlreadyThere: with ``unless_there``, the library holds one of the files already; then nothing was stored.
        InvalidAPIKey, Unauthenticated: the caller's credential has been revoked since the call began.
    """
    assets = [_asset(principal, command, file) for file in files]
    stored: list[str] = []
    ownership.note_upload()
    try:
        for asset, file in zip(assets, files, strict=True):
            stored.append(asset.file)
            storage.save_original(asset.pk, file.staged.path)
    except BaseException:
        storage.discard(stored)
        raise
    try:
        with transaction.atomic():
            library = principal.library(command.organization_id, command.library_id, Level.WRITE, lock=True)
            for asset in assets if unless_there else ():
                twin = twin_of(library, asset.digest)
                if twin is not None:
                    raise AlreadyThere(twin)
            _hold_parents(library, assets)
            quota.add_use(library.organization_id, sum(asset.size for asset in assets))
            # The credential may have been revoked, or given less, while the files were on their way.
            principal.confirm().library(command.organization_id, command.library_id, Level.WRITE)
            _insert(principal, library, assets)
    except (RasterError, AlreadyThere):
        # After any other failure nobody knows whether the rows were written. If not, the sweep finds the files.
        storage.discard(stored)
        raise
    return assets


def twin_of(library: Library, digest: str) -> Asset | None:
    """Return the first live asset of a library whose file has this digest."""
    return Asset.objects.filter(library=library, digest=digest).live().order_by("created").first()


def _asset(principal: Principal, command: UploadAssets, file: Accepted) -> Asset:
    key = new_asset_id()
    return Asset(
        pk=key,
        parent_id=command.parent_id,
        name=asset_name(file.staged.given_name),
        file=storage.original_name(key),
        file_name=url_name(file.staged.given_name, file.file_type),
        content_type=file.file_type.content_type,
        size=file.staged.size,
        digest=file.staged.digest,
        width=file.probed.width,
        height=file.probed.height,
        derivatives=Asset.Derivatives.PENDING,
        uploaded_by_id=principal.user_id,
        uploaded_by_name=principal.label,
    )


def _hold_parents(library: Library, assets: list[Asset]) -> None:
    """Lock what the assets are to be variants of, in a transaction that holds the library."""
    for parent_id in {asset.parent_id for asset in assets if asset.parent_id is not None}:
        [parent] = lock_assets(library, [parent_id])
        if parent.parent_id is not None:
            raise ResourceNotFound
        if Asset.objects.filter(parent=parent).count() >= MOST_VARIANTS:
            raise BadUserInput(f"An asset has up to {MOST_VARIANTS} variants, those in the trash included.")


def _insert(principal: Principal, library: Library, assets: list[Asset]) -> None:
    """Write the rows of files that are in the storage, in a transaction that holds the library and what it is in."""
    for asset in assets:
        asset.library = library
        asset.save(force_insert=True)
        if asset.parent_id is not None:
            record_event(principal, [asset.parent_id], "variant", after=asset.name)
        after = {"library": str(library), "contentType": asset.content_type, "size": asset.size}
        audit.record(principal, library.organization_id, "asset.upload", f"{asset.name} ({asset.pk})", after=after)
    ids = [asset.pk for asset in assets]
    record_event(principal, ids, "upload")
    index_assets(ids)
    transaction.on_commit(announce)
