"""Files in Django's default storage: originals under an asset's id, sizes under that and the digest of what they hold.

The storage is a folder of this machine or, where it is a :class:`Remote`, a service elsewhere.
"""

import hashlib
import logging
import os
import secrets
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath

from django.core.files.base import ContentFile, File
from django.core.files.move import file_move_safe
from django.core.files.storage import default_storage

from assets.staging import staging_folder
from raster.errors import RasterError, ServiceUnavailable

DIGEST_LENGTH = 32

logger = logging.getLogger("raster.storage")


@dataclass(frozen=True, slots=True)
class StoredFile:
    """A file that lies in the storage."""

    name: str
    size: int
    modified: datetime


class Remote(ABC):
    """What a storage on another machine offers beside what Django asks of every storage.

    Each raises ``ServiceUnavailable`` where the other machine does not answer as it should.
    """

    @abstractmethod
    def stat(self, name: str) -> StoredFile | None:
        """Return what is known of a file, or None where there is none of this name."""

    @abstractmethod
    def read(self, name: str, start: int, length: int) -> bytes:
        """Return a part of a file, which must begin within it."""

    @abstractmethod
    def download(self, name: str, path: Path) -> None:
        """Write a file's content to ``path``, in little memory."""

    @abstractmethod
    def read_small(self, name: str) -> bytes | None:
        """Return all that a small file holds, or None where there is none of this name."""

    @abstractmethod
    def write_small(self, name: str, content: bytes) -> None:
        """Put a small file in place of the one of this name, if there is one: a reader sees all of either."""

    @abstractmethod
    def list_files(self, prefix: str) -> Iterator[StoredFile]:
        """Yield the files whose names begin with ``prefix``, in any order."""

    @abstractmethod
    def check(self) -> str | None:
        """Store, read, list and delete a file; return what went wrong, or None."""


class _Movable(File):  # type: ignore[type-arg]  # Django's File takes no parameter when it runs
    """A file of this machine that a storage on the same file system moves instead of copying it."""

    def temporary_file_path(self) -> str:
        return str(self.name)


def save_original(asset_id: str, path: Path) -> str:
    """Move a file of this machine into the storage, or copy it to a storage elsewhere; return its name there.

    What fails leaves nothing there.

    Raises:
        ServiceUnavailable: the storage does not take it.
    """
    name = original_name(asset_id)
    try:
        with path.open("rb") as file:
            default_storage.save(name, _Movable(file))
        if remote() is None:
            _settle(local_path(name))
    except OSError as error:
        discard([name])
        logger.error("The storage does not take a file", exc_info=error)
        raise ServiceUnavailable from None
    except BaseException:
        discard([name])
        raise
    return name


def _settle(path: Path) -> None:
    """Wait until a file's name is on the disk, too, with the folders that lead to it: its bytes are there already."""
    root = local_path("")
    for folder in path.parents:
        handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
        if folder == root:
            break


def save_size(original: str, content: bytes) -> str:
    """Store a resized version of an original, which is named as in the storage; return the last part of its name.

    It begins with the original's own, so that no two assets share a file, and that the sweep finds whose it is.
    """
    name = f"{PurePosixPath(original).name}-{hashlib.sha256(content).hexdigest()[:DIGEST_LENGTH]}.webp"
    storage_name = size_name(name)
    there = stat(storage_name)
    if there is not None and there.size == len(content):
        return name
    # A killed process may have left a part of the file. The whole file replaces it.
    default_storage.delete(storage_name)
    try:
        default_storage.save(storage_name, ContentFile(content))
    except BaseException:
        default_storage.delete(storage_name)
        raise
    return name


def original_name(asset_id: str) -> str:
    """Return an original's name in the storage. The folders between keep each one small."""
    return f"originals/{asset_id[:2]}/{asset_id}"


def size_name(name: str) -> str:
    """Return a resized version's name in the storage, from its last part."""
    return f"sizes/{name[:2]}/{name}"


def names_of(original: str, sizes: dict[str, str]) -> list[str]:
    """Return the names of all files of an asset in the storage, from its ``file`` and its ``sizes``."""
    return [original, *(size_name(name) for name in sizes.values())]


def remote() -> Remote | None:
    """Return the storage if it is on another machine, or None if its files lie on this one."""
    return default_storage if isinstance(default_storage, Remote) else None


def local_path(name: str) -> Path:
    """Return where a stored file lies on this machine; only where the storage is no :class:`Remote`."""
    return Path(default_storage.path(name))


@contextmanager
def local_copy(name: str) -> Iterator[Path]:
    """Have a stored file on this machine, for reading, until the block ends."""
    away = remote()
    if away is None:
        yield local_path(name)
        return
    # What a killed process leaves there is swept.
    path = staging_folder() / secrets.token_hex(16)
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    try:
        away.download(name, path)
        yield path
    finally:
        path.unlink(missing_ok=True)


def stat(name: str) -> StoredFile | None:
    """Return what is known of a stored file, or None where there is none of this name."""
    away = remote()
    if away is not None:
        return away.stat(name)
    try:
        return _stored_file(name, local_path(name).stat())
    except FileNotFoundError:
        return None


def list_files(prefix: str) -> Iterator[StoredFile]:
    """Yield every stored file whose name begins with ``prefix``, which ends with a slash; in any order."""
    away = remote()
    if away is not None:
        yield from away.list_files(prefix)
        return
    root = local_path("")
    for folder, _, names in os.walk(local_path(prefix)):
        for name in names:
            path = Path(folder) / name
            try:
                yield _stored_file(path.relative_to(root).as_posix(), path.stat())
            except FileNotFoundError:
                continue


def read_small(name: str) -> bytes | None:
    """Return all that a small file in the storage holds, or None where there is none of this name.

    Raises:
        ServiceUnavailable: the storage does not answer.
    """
    away = remote()
    if away is not None:
        return away.read_small(name)
    try:
        return local_path(name).read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        logger.error("The storage cannot be read", exc_info=error)
        raise ServiceUnavailable from None


def write_small(name: str, content: bytes) -> None:
    """Put a small file in place of the one of this name, if there is one: a reader sees all of either.

    Raises:
        ServiceUnavailable: the storage does not take it.
    """
    away = remote()
    if away is not None:
        away.write_small(name, content)
        return
    # What a killed process leaves in the staging folder is cleaned up.
    new, path = staging_folder() / secrets.token_hex(16), local_path(name)
    try:
        new.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        path.parent.mkdir(parents=True, exist_ok=True)
        with new.open("xb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        file_move_safe(str(new), str(path), allow_overwrite=True)
    except OSError as error:
        new.unlink(missing_ok=True)
        logger.error("The storage does not take a file", exc_info=error)
        raise ServiceUnavailable from None


def discard(names: list[str]) -> None:
    """Delete files that the caller has just stored, of something that failed: they are its own, by their random names.

    What cannot be deleted either is found by the sweep. Every other file is deleted by ``assets.ownership.delete``.
    """
    for name in names:
        try:
            default_storage.delete(name)
        except (OSError, RasterError) as error:
            logger.warning("A file of what failed is left behind", exc_info=error)


def _stored_file(name: str, found: os.stat_result) -> StoredFile:
    return StoredFile(name, found.st_size, datetime.fromtimestamp(found.st_mtime, UTC))
