"""Uploading files, and refusing what may not come in."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager

from django.db import transaction

from assets import quota
from assets.contracts import (
    MOST_FILES,
    Base64Source,
    UploadAssets,
    Uploaded,
    UploadSource,
    UploadSources,
    URLSource,
)
from assets.ingest import Accepted, accept, store_assets
from assets.models import Asset, AssetQuerySet
from assets.names import shown_name
from assets.records import Parts, asset_record
from assets.sources import stage_sources, turn_to_fetch
from assets.staging import LeftOut, Staged
from orgs.access import Level, Principal
from orgs.models import Library
from raster.errors import (
    BadUserInput,
    LibraryNotAuthorized,
    LibraryReadOnly,
    OrganizationNotFound,
    ResourceNotFound,
)
from raster.workers import give_connection_back


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
        InvalidAPIKey, Unauthenticated: as in :func:`assets.ingest.store_assets`.
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


def _originals(library: Library, asset_id: str) -> AssetQuerySet:
    return Asset.objects.filter(library=library, pk=asset_id).main().live()
