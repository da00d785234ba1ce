"""Files in Django's default storage: originals under their asset's id, sizes under the digest of what they hold."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from django.core.files.base import ContentFile, File
from django.core.files.storage import default_storage

CHUNK_SIZE = 1024 * 1024
DIGEST_LENGTH = 32


@dataclass(frozen=True, slots=True)
class StoredOriginal:
    """A file that has come in. ``digest`` is its SHA-256 in hexadecimal, ``size`` its bytes."""

    name: str
    size: int
    digest: str


class _Measured(File):  # type: ignore[type-arg]  # Django's File takes no parameter when it runs
    """Hands a file on in chunks, measuring them: memory does not grow with the file."""

    def __init__(self, head: bytes, rest: BinaryIO) -> None:
        super().__init__(rest)
        self.head = head
        self.rest = rest
        self.measure = hashlib.sha256()
        self.length = 0

    def chunks(self, chunk_size: int | None = None) -> Iterator[bytes]:
        chunk = self.head
        while chunk:
            self.measure.update(chunk)
            self.length += len(chunk)
            yield chunk
            chunk = self.rest.read(chunk_size or CHUNK_SIZE)


def save_original(asset_id: str, head: bytes, rest: BinaryIO) -> StoredOriginal:
    """Stream a file, of which ``head`` was read already, into the storage; what fails leaves nothing there."""
    name = original_name(asset_id)
    content = _Measured(head, rest)
    try:
        stored_name = default_storage.save(name, content)
    except BaseException:
        default_storage.delete(name)
        raise
    return StoredOriginal(stored_name, content.length, content.measure.hexdigest())


def save_size(asset_id: str, content: bytes) -> str:
    """Store a resized version and return the last part of its name.

    The name is made of the asset's id too, so that no two assets share a file and each is deleted with its own.
    """
    name = f"{hashlib.sha256(asset_id.encode() + content).hexdigest()[:DIGEST_LENGTH]}.webp"
    try:
        default_storage.save(size_name(name), ContentFile(content))
    except BaseException:
        default_storage.delete(size_name(name))
        raise
    return name


def original_name(asset_id: str) -> str:
    """Return an original's name in the storage. The folders between keep each one small."""
    return f"originals/{asset_id[:2]}/{asset_id}"


def size_name(name: str) -> str:
    """Return a resized version's name in the storage, from its last part."""
    return f"sizes/{name[:2]}/{name}"


def local_path(name: str) -> Path:
    """Return where a stored file lies on this machine."""
    return Path(default_storage.path(name))


def delete(names: list[str]) -> None:
    """Delete files by their names in the storage; one that is not there is no failure."""
    for name in names:
        default_storage.delete(name)
