"""Taking files in: what a file is, where it goes, and the row that stands for it."""

import unicodedata
from pathlib import Path
from typing import BinaryIO

from django.db import transaction

from assets import storage
from assets.contracts import ImportedFile, ImportFile
from assets.images import Picture
from assets.models import NAME_LENGTH, Asset, new_asset_id
from assets.signatures import HEAD_LENGTH, FileType, judge
from orgs import audit
from orgs.access import Level, Principal
from orgs.models import Library
from raster.contracts import is_invisible
from raster.errors import BadUserInput

UNNAMED = "Untitled"
FILE_NAME_LENGTH = 100  # in a URL, each character may take up to twelve


def import_file(principal: Principal, command: ImportFile, file: BinaryIO) -> ImportedFile:
    """Store a file, read what can be known of it, and make an asset of it, unless the library holds the same already.

    Raises:
        LibraryNotAuthorized, LibraryReadOnly: before a byte of the file is read.
        BadUserInput: the file is not an image that Raster takes; the message says why, and nothing was stored.
    """
    library = principal.library(command.organization_id, command.library_id, Level.WRITE)
    head = file.read(HEAD_LENGTH)
    if not head:
        raise BadUserInput("The file is empty.")
    file_type = judge(head)
    if file_type is None:
        raise BadUserInput("Raster takes JPEG, PNG, GIF, WebP, AVIF, TIFF and SVG files; this is none of them.")
    asset = Asset(
        pk=new_asset_id(),
        library=library,
        name=asset_name(command.file_name),
        file_name=url_name(command.file_name, file_type),
        content_type=file_type.content_type,
        uploaded_by_id=principal.user_id,
        uploaded_by_name=principal.label,
    )
    original = storage.save_original(asset.pk, head, file)
    asset.file, asset.size, asset.digest = original.name, original.size, original.digest
    stored = [original.name]
    try:
        twin = _twin(library, asset.digest)
        if twin is None:
            _read_image(asset, file_type, stored)
            twin = _insert(principal, command, asset)
    except BaseException:
        storage.delete(stored)
        raise
    if twin is not None:
        storage.delete(stored)
        return ImportedFile(asset_id=twin.pk, name=twin.name, already_there=True)
    return ImportedFile(asset_id=asset.pk, name=asset.name, already_there=False)


def asset_name(file_name: str) -> str:
    """Return the name for an asset that comes as ``file_name``: without extension and invisible characters."""
    stem = unicodedata.normalize("NFC", Path(file_name).stem)
    visible = "".join(character for character in stem if not is_invisible(character))
    return visible[:NAME_LENGTH].strip() or UNNAMED


def url_name(file_name: str, file_type: FileType) -> str:
    """Return the last part of the URL: letters and digits of any script joined by hyphens, and the true extension."""
    spaced = "".join(
        character if unicodedata.category(character)[0] in "LMN" or character in "-_" else " "
        for character in asset_name(file_name)
    )
    words = [word for word in spaced.split() if any(character.isalnum() for character in word)]
    return f"{'-'.join(words)[:FILE_NAME_LENGTH].strip('-') or 'file'}.{file_type.extension}"


def _twin(library: Library, digest: str) -> Asset | None:
    return Asset.objects.filter(library=library, digest=digest).live().order_by("created").first()


def _read_image(asset: Asset, file_type: FileType, stored: list[str]) -> None:
    """Fill in what the pixels tell, and add the names of the files it stores to ``stored``."""
    picture = Picture(storage.local_path(asset.file), file_type)
    asset.width, asset.height = picture.width, picture.height
    picture.read()
    asset.blurhash = picture.blurhash()
    for width, content in picture.sizes():
        name = storage.save_size(asset.pk, content)
        stored.append(storage.size_name(name))
        asset.sizes[str(width)] = name


def _insert(principal: Principal, command: ImportFile, asset: Asset) -> Asset | None:
    """Write the row, or return the one that another import of the same file has just written."""
    with transaction.atomic():
        library = principal.library(command.organization_id, command.library_id, Level.WRITE, lock=True)
        twin = _twin(library, asset.digest)
        if twin is None:
            asset.save(force_insert=True)
            audit.record(
                principal,
                library.organization_id,
                "asset.upload",
                f"{asset.name} ({asset.pk})",
                after={"library": str(library), "contentType": asset.content_type, "size": asset.size},
            )
        return twin
