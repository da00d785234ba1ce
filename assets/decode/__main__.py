"""The child process: takes limits upon itself, reads one file, writes what it makes of it, and tells it as JSON."""

import argparse
import ctypes
import importlib
import json
import os
import resource
import signal
import sys
from pathlib import Path
from typing import Any

from assets.decode.pictures import Picture
from assets.signatures import BY_CONTENT_TYPE
from raster.errors import BadUserInput

MAX_FILE_SIZE = 256 * 1024 * 1024
PR_SET_PDEATHSIG = 1
NICENESS = 5  # whoever waits for an answer comes first


def main() -> None:
    """Do one task with one file and print one JSON object, ``refused`` in it where the file is to blame."""
    parser = argparse.ArgumentParser()
    parser.add_argument("task", choices=("probe", "derive", "preview"))
    parser.add_argument("path", type=Path)
    parser.add_argument("content_type", choices=BY_CONTENT_TYPE)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--seconds", type=int, required=True)
    parser.add_argument("--memory", type=int, required=True)
    arguments = parser.parse_args()
    # What a library prints must not end up in the answer.
    answer = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    limit(arguments.seconds, arguments.memory)
    try:
        told = work(arguments.task, arguments.path, arguments.content_type, arguments.folder)
    except BadUserInput as refusal:
        told = {"refused": refusal.message}
    json.dump(told, answer)
    answer.flush()
    os._exit(0)  # some libraries take long to say goodbye


def limit(seconds: int, memory: int) -> None:
    """Have the kernel end this process when it takes more time or memory than it may, or writes too much."""
    limits = {
        resource.RLIMIT_AS: memory,
        resource.RLIMIT_CPU: seconds,
        resource.RLIMIT_FSIZE: MAX_FILE_SIZE,
        resource.RLIMIT_CORE: 0,
    }
    for kind, most in limits.items():
        resource.setrlimit(kind, (most, most))
    # Its parent waits no longer either; but the parent may be gone.
    signal.alarm(seconds)
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    os.nice(NICENESS)


def work(task: str, path: Path, content_type: str, folder: Path) -> dict[str, Any]:
    """Return what was found out about a file; what was made of it lies in ``folder``."""
    file_type = BY_CONTENT_TYPE[content_type]
    opened = importlib.import_module(f"assets.decode.readers.{file_type.reader}").open_file(path, file_type)
    told: dict[str, Any] = {"width": opened.width, "height": opened.height}
    if task == "probe" or opened.picture is None:
        return told
    picture = Picture(opened.picture(), opened.width)
    if task == "preview":
        picture.save_preview(folder / "preview.jpg")
        return {**told, "preview": "preview.jpg"}
    sizes = {width: file.name for width, file in picture.save_sizes(folder).items()}
    return {**told, "blurhash": picture.blurhash(), "sizes": sizes}


if __name__ == "__main__":
    main()
