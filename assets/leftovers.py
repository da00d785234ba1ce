"""Telling by a stored file's name which asset it belongs to, and whether that asset still has it."""

import re
from collections.abc import Iterable, Iterator

from assets import storage
from assets.models import Asset

#: Where the files of assets lie in the storage. Everything else there is left alone.
FOLDERS = ("originals/", "sizes/")
_ORIGINAL = re.compile(r"originals/(..)/\1[0-9A-Za-z]{20}")
_SIZE = re.compile(r"sizes/(..)/(\1[0-9A-Za-z]{20})-[0-9a-f]{32}\.webp")


def stored_files() -> Iterator[storage.StoredFile]:
    """Yield the files in the storage that look like an asset's, originals first."""
    for folder in FOLDERS:
        for file in storage.list_files(folder):
            if original_of(file.name) is not None:
                yield file


def without_asset(names: Iterable[str]) -> Iterator[str]:
    """Yield those of the files in the storage that belong to no row, in the trash or not: one query."""
    originals = {name: original for name in names if (original := original_of(name)) is not None}
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


def original_of(name: str) -> str | None:
    """Return the original that a stored file is, or is a size of; None for what is no file of an asset's."""
    if _ORIGINAL.fullmatch(name):
        return name
    size = _SIZE.fullmatch(name)
    return storage.original_name(size[2]) if size else None
