"""Importing files of the operator's, each unless the library holds it already."""

from collections.abc import Iterator
from typing import BinaryIO

from assets.contracts import ImportedFile, ImportFile, UploadAssets
from assets.ingest import AlreadyThere, accept, store_assets, twin_of
from assets.operations.uploads import check_may_upload
from assets.staging import stage
from orgs.access import Level, Principal
from raster.errors import BadUserInput, PayloadTooLarge

CHUNK_SIZE = 1024 * 1024


def import_file(principal: Principal, command: ImportFile, file: BinaryIO) -> ImportedFile:
    """Make an asset of a file, unless the library holds the same already.

    Raises:
        LibraryNotAuthorized, LibraryReadOnly: before a byte of the file is read.
        BadUserInput: Raster does not take the file; the message says why, and nothing was stored.
    """
    place = UploadAssets(organization_id=command.organization_id, library_id=command.library_id)
    check_may_upload(principal, place)
    try:
        staged = stage(command.file_name, _chunks(file))
    except PayloadTooLarge as refusal:
        raise BadUserInput(refusal.message) from None
    with staged:
        twin = twin_of(principal.library(command.organization_id, command.library_id, Level.WRITE), staged.digest)
        if twin is not None:
            return ImportedFile(asset_id=twin.pk, name=twin.name, already_there=True)
        try:
            [asset] = store_assets(principal, place, [accept(staged, command.organization_id)], unless_there=True)
        except AlreadyThere as there:
            return ImportedFile(asset_id=there.asset.pk, name=there.asset.name, already_there=True)
        return ImportedFile(asset_id=asset.pk, name=asset.name, already_there=False)


def _chunks(file: BinaryIO) -> Iterator[bytes]:
    while chunk := file.read(CHUNK_SIZE):
        yield chunk
