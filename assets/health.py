"""The checks of everything that this installation depends on: of where files lie, and of raster/health.py."""

import getpass
import importlib.util
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from django.conf import settings
from django.db import DatabaseError, InterfaceError
from django.template.defaultfilters import filesizeformat as size

from assets import ownership, storage
from assets.decoding import PROBE, Decoder, DecodingFailed, isolation
from assets.ownership import DeletionRefused
from assets.signatures import BY_CONTENT_TYPE
from assets.staging import staging_folder
from raster import health
from raster.health import Check, Finding

#: A transparent pixel.
PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c4890000000d49444154789c6360606060000000050001a5f645"
    "400000000049454e44ae426082"
)


def data_folder() -> Iterator[Finding]:
    """Check that files can be written where they come in and where they are kept, and that there is space for them."""
    folders = [staging_folder()] if storage.remote() else [staging_folder(), storage.local_path("")]
    for folder in folders:
        try:
            folder.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryFile(dir=folder) as file:
                file.write(b"written by a check")
        except OSError as error:
            text = (
                f"The folder {folder} is not writable ({error.strerror}), so uploads are refused. "
                f"Run as root: chown -R {getpass.getuser()} {settings.DATA_DIR}"
            )
            yield Finding("data folder", "error", text)
            return
    yield Finding("data folder", "ok", str(settings.DATA_DIR))
    free, wanted = shutil.disk_usage(staging_folder()).free, settings.FREE_SPACE
    if free < wanted:
        text = (
            f"Only {size(free)} are free in {settings.DATA_DIR}, less than RASTER_FREE_SPACE "
            f"({size(wanted)}), so uploads are refused. Make space, or run: python manage.py purge"
        )
        yield Finding("free space", "error", text)
    else:
        yield Finding("free space", "ok", size(free))


def file_storage() -> Iterator[Finding]:
    """Check that files can be stored, read, listed and deleted, and that they are this installation's."""
    remote = storage.remote()
    if remote is None:
        yield Finding("storage", "ok", f"{storage.local_path('')} (see data folder)")
        if not storage.local_path("").is_dir():  # new, or the check of the data folder says why
            return
    elif failure := remote.check():
        text = f"The file storage {remote} does not work: {failure}. Check RASTER_STORAGE and its credentials."
        yield Finding("storage", "error", text)
        return
    else:
        yield Finding("storage", "ok", str(remote))
    try:
        ownership.check_may_delete(mark=False)
        yield Finding("installation", "ok", ownership.own_row().identity)
    except DeletionRefused as refusal:
        yield Finding("installation", "error", str(refusal))
    except (DatabaseError, InterfaceError):
        return  # the check of the database says why


def decoders() -> Iterator[Finding]:
    """Check that a picture is read by a child process, and tell what that is kept away from."""
    with tempfile.NamedTemporaryFile(suffix=".png") as file:
        file.write(PNG)
        file.flush()
        try:
            Decoder().run("probe", Path(file.name), BY_CONTENT_TYPE["image/png"], PROBE)
        except DecodingFailed as failure:
            yield Finding("decoders", "error", f"Files cannot be read, so uploads are refused. {failure}")
            return
    has_video = importlib.util.find_spec("av") is not None
    without = "" if has_video else "; no posters of videos without the packages of requirements/extras.txt"
    yield Finding("decoders", "ok", f"images and PDF files{' and videos' if has_video else ''}{without}")
    offered = isolation()
    missing = [kind for kind, is_offered in offered.items() if not is_offered]
    if missing:
        text = (
            f"This system does not isolate {' and '.join(missing)} from processes that read uploads: "
            "it takes Linux with Landlock (files) and seccomp (calls)."
        )
        yield Finding("isolation", "warning", text)
    else:
        yield Finding("isolation", "ok", ", ".join(offered))


CHECKS: dict[str, Check] = {
    **health.CHECKS,
    "data folder": data_folder,
    "storage": file_storage,
    "decoders": decoders,
}
