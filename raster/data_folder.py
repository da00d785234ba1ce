"""The data folder: only the user that Raster runs as can read what is in it."""

import contextlib
import os
import stat
from pathlib import Path

#: Everything that Raster keeps directly in the data folder.
OWN = frozenset({"demo.json", "mail", "media", "secrets.json", "staging", "static"}) | {
    f"raster.sqlite3{suffix}" for suffix in ("", "-shm", "-wal")
}
OTHERS = 0o077


def prepare(folder: Path) -> None:
    """Make the folder, and deny group and others what this process creates from here on and what is there already.

    Closing the folder closes everything below it. A folder that also holds files of other programs is shared: it keeps
    its mode, and only Raster's own entries are closed. What belongs to another user, a link, and a folder with the
    sticky bit, such as /tmp, stay as they are. Failures are reported by the health checks (assets/health.py).
    """
    os.umask(OTHERS)
    with contextlib.suppress(OSError):
        folder.mkdir(parents=True, exist_ok=True)
        entries = list(folder.iterdir())
        own = [entry for entry in entries if entry.name in OWN]
        if len(own) == len(entries):
            own.append(folder)
        for path in own:
            _close(path)


def _close(path: Path) -> None:
    found = path.lstat()
    mode = stat.S_IMODE(found.st_mode)
    is_ours = found.st_uid == os.geteuid() and not stat.S_ISLNK(found.st_mode) and not mode & stat.S_ISVTX
    if is_ours and mode & OTHERS:
        path.chmod(mode & ~OTHERS)
