"""Taking files in: whose, which of them, and all the way to rows that lists and search show at once."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

from django.db import transaction

from assets import ownership, quota, storage
from assets.batches import lock_assets
from assets.contracts import (
    MOST_FILES,
    MOST_VARIANTS,
    Base64Source,
    UploadAssets,
    Uploaded,
    UploadSource,
    UploadSources,
    URLSource,
)
from assets.derivatives import announce
from assets.events import record_event
from assets.models import Asset, AssetQuerySet, new_asset_id
from assets.names import asset_name, shown_name, url_name
from assets.probe import Probed, probe
from assets.records import Parts, asset_record
from assets.search_index import index_assets
from assets.signatures import ACCEPTED, FileType, judge
from assets.sources import stage_sources, turn_to_fetch
from assets.staging import LeftOut, Staged
from orgs import audit
from orgs.access import Level, Principal
from orgs.models import Library
from raster.errors import (
    BadUserInput,
    LibraryNotAuthorized,
    LibraryReadOnly,
    OrganizationNotFound,
    RasterError,
    ResourceNotFound,
)
from raster.workers import give_connection_back


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


def upload_source(principal: Principal, command: UploadSource) -> Uploaded:
    """Upload one file from a URL or out of the call (see :func:`upload_assets`)."""
    place = UploadAssets(
        organization_id=command.organization_id, library_id=command.library_id, parent_id=command.parent_id
    )
    return _upload(principal, place, [command.source])


def upload_sources(principal: Principal, command: UploadSources) -> Uploaded:
    """Upload files from URLs and out of the call (see :func:`upload_assets`)."""
    place = UploadAssets(organization_id=command.organization_id, library_id=command.library_id)
    return _upload(principal, place, command.sources)


def _upload(principal: Principal, place: UploadAssets, sources: Sequence[URLSource | Base64Source]) -> Uploaded:
    room = check_may_upload(principal, place)
    with ExitStack() as opened:
        with turn_to_fetch(place.organization_id, sources):
            give_connection_back()
            staged = stage_sources(sources, room, opened)
        return upload_assets(principal, place, staged)


def check_may_upload(principal: Principal, command: UploadAssets) -> quota.Room:
    """Refuse, before a byte of a file is read, what :func:`upload_assets` would refuse whatever the files are.

    Return what the organization has room for.

    Raises:
        LibraryNotAuthorized, LibraryReadOnly: the library is out of reach, or may only be read.
        ResourceNotFound: ``parent_id`` names no original of the library.
        StorageLimitExceeded: there is no room left.
    """
    library = principal.library(command.organization_id, command.library_id, Level.WRITE)
    if command.parent_id is not None and not _originals(library, command.parent_id).exists():
        raise ResourceNotFound
    return quota.room_left(library.organization_id)


def upload_assets(
    principal: Principal, command: UploadAssets, sources: Sequence[Staged | LeftOut], *, as_a_whole: bool = False
) -> Uploaded:
    """Make assets of staged files; those that cannot come in are named with the reason while the others do.

    The files stay the caller's to remove; those that came in have left the staging folder or are copied.

    Raises:
        BadUserInput: none of the files can come in or, with ``as_a_whole``, not every one; or there are too many, or
            more than one variant at once.
        LibraryNotAuthorized, LibraryReadOnly, ResourceNotFound: as in :func:`check_may_upload`.
        InvalidAPIKey, Unauthenticated: as in :func:`store_assets`.
        StorageLimitExceeded: the files do not fit into the organization's storage; then none came in.
    """
    if not 1 <= len(sources) <= MOST_FILES:
        raise BadUserInput(f"Upload 1 to {MOST_FILES} files at once.")
    if command.parent_id is not None and len(sources) > 1:
        raise BadUserInput("A variant is one file: leave parentId out, or upload one file.")
    with _credential_first(principal):
        check_may_upload(principal, command)
    accepted: list[Accepted] = []
    left_out: list[LeftOut] = []
    for source in sources:
        try:
            accepted.append(accept(source, command.organization_id))
        except BadUserInput as refusal:
            left_out.append(LeftOut(source.given_name, refusal.message))
    reasons = "; ".join(f"{shown_name(left.given_name)} ({left.reason.rstrip('.')})" for left in left_out)
    if not accepted or (as_a_whole and left_out):
        raise BadUserInput(f"Uploaded nothing. Left out: {reasons}.")
    with _credential_first(principal):
        assets = store_assets(principal, command, accepted)
    # Of the rows as they were written: by now somebody may have removed them.
    records = [asset_record(asset, command.organization_id, asset.library, Parts({}, {})) for asset in assets]
    total = f"{len(sources)} file{'s' if len(sources) > 1 else ''}"
    text = f"Uploaded {len(accepted)} of {total}. Left out: {reasons}." if left_out else f"Uploaded {total}."
    return Uploaded(response_text=text, assets=records)


@contextmanager
def _credential_first(principal: Principal) -> Iterator[None]:
    """Refuse a credential that was revoked meanwhile as such, not for what it can no longer reach."""
    try:
        yield
    except (OrganizationNotFound, LibraryNotAuthorized, LibraryReadOnly):
        with transaction.atomic():
            principal.confirm()
        raise


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


def _originals(library: Library, asset_id: str) -> AssetQuerySet:
    return Asset.objects.filter(library=library, pk=asset_id).main().live()
