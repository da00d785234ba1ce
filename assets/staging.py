"""Files on their way in: written to a folder beside the storage, measured as they come, and gone unless taken over."""

import contextlib
import hashlib
import logging
import os
import secrets
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from django.conf import settings

from assets.signatures import HEAD_LENGTH
from raster.errors import PayloadTooLarge, ServiceUnavailable

#: Bytes of a file after which it is asked again how much space there is.
CHECKED_EVERY = 32 * 1024**2

logger = logging.getLogger("raster.staging")


@dataclass(frozen=True, slots=True)
class Staged:
    """A file that has come in whole. As a context manager it removes what is left of it at the end of the block.

    ``digest`` is its SHA-256 in hexadecimal, ``size`` its bytes, ``head`` as many of them as tell its type, and
    ``given_name`` what the sender calls it, of any length and any characters.
    """

    path: Path
    given_name: str
    size: int
    digest: str
    head: bytes

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.path.unlink(missing_ok=True)


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A source that does not come in while the others do, and why: a sentence that is safe to show."""

    given_name: str
    reason: str


class Arriving:
    """A file that is being written, for whoever is handed its bytes; :func:`stage` is for whoever asks for them.

    End it by :meth:`complete` or :meth:`discard`. Memory does not grow with the file.
    """

    def __init__(self, given_name: str) -> None:
        self._path = staging_folder() / secrets.token_hex(16)
        with _writing():
            staging_folder().mkdir(mode=0o700, parents=True, exist_ok=True)
            _check_space()
            self._file = os.fdopen(os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb")
        self._given_name = given_name
        self._measure = hashlib.sha256()
        self._head = bytearray()
        self._size = self._checked = 0

    def write(self, chunk: bytes) -> None:
        """Take the next bytes.

        Raises:
            PayloadTooLarge: there are more than ``RASTER_MAX_FILE_SIZE`` in all.
            ServiceUnavailable: the disk does not take them.
        """
        self._size += len(chunk)
        if self._size > settings.MAX_FILE_SIZE:
            raise PayloadTooLarge(too_large())
        self._measure.update(chunk)
        if len(self._head) < HEAD_LENGTH:
            self._head += chunk[: HEAD_LENGTH - len(self._head)]
        if self._size >= self._checked + CHECKED_EVERY:
            self._checked = self._size
            _check_space()
        with _writing():
            self._file.write(chunk)

    def complete(self) -> Staged:
        """Return the file, once it is on the disk: what was answered outlives the machine's fall, too."""
        with _writing():
            self._file.flush()
            os.fsync(self._file.fileno())
            self._file.close()
        return Staged(self._path, self._given_name, self._size, self._measure.hexdigest(), bytes(self._head))

    def discard(self) -> None:
        """Remove what has come so far."""
        self._path.unlink(missing_ok=True)
        with contextlib.suppress(OSError):  # what is still to be written may fail once more
            self._file.close()


def _check_space() -> None:
    """Take nothing more in before the disk is full, which would stop the database, too.

    Raises:
        ServiceUnavailable: there is less than ``RASTER_FREE_SPACE``.
    """
    if shutil.disk_usage(staging_folder()).free < settings.FREE_SPACE:
        logger.error("The disk of the data folder is nearly full: nothing more comes in")
        raise ServiceUnavailable("The server's disk is nearly full, so nothing more comes in. Tell whoever runs it.")


@contextmanager
def _writing() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        logger.error("A file that comes in cannot be written", extra={"fields": {"error": str(error)}})
        raise ServiceUnavailable from None


def stage(given_name: str, chunks: Iterable[bytes]) -> Staged:
    """Write a file to the staging folder; what fails, or is interrupted, leaves nothing there.

    Raises:
        PayloadTooLarge: it is over ``RASTER_MAX_FILE_SIZE``.
        ServiceUnavailable: the disk does not take it.
    """
    arriving = Arriving(given_name)
    try:
        for chunk in chunks:
            arriving.write(chunk)
        return arriving.complete()
    except BaseException:
        arriving.discard()
        raise


def staging_folder() -> Path:
    """Return the folder, on the file system of the embedded storage: a file moves there without being copied."""
    return Path(settings.DATA_DIR) / "staging"


def too_large() -> str:
    """Return what somebody is told whose file is over the limit."""
    size, unit = settings.MAX_FILE_SIZE, "bytes"
    for larger in ("KB", "MB", "GB"):
        if size % 1024:
            break
        size, unit = size // 1024, larger
    return f"A file may have up to {size} {unit}."
