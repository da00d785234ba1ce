"""The process of one file: takes limits upon itself, reads the file, writes what it makes of it, and tells it."""

import importlib
import json
import os
import resource
import signal
import sys
import traceback
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

from assets.decode import LOGO, MAX_LOGO_PIXELS, MAX_MADE_SIZE, PREVIEW, WORDS
from assets.decode.isolation import die_with_parent, isolate
from assets.decode.pictures import Picture
from assets.decode.readers import vips as _preloaded  # noqa: F401 - what most files need is there before they come
from assets.signatures import BY_CONTENT_TYPE
from raster.errors import BadUserInput

MAX_OPEN_FILES = 64
MOST_INHERITED = 1024
NICENESS = 5  # whoever waits for an answer comes first


@dataclass(frozen=True, slots=True)
class Job:
    """What is to be done with the file at ``path``, within how many seconds and bytes of address space.

    In ``folder`` lie the files that it may write to.
    """

    task: str
    path: str
    content_type: str
    folder: str
    seconds: int
    memory: int


def do(job: Job, answer: int) -> NoReturn:
    """Do a job in this process, which ends with it; write JSON to the open file ``answer``."""
    status = 1
    try:
        _leave(job.folder, answer)
        limit(job.seconds, job.memory)
        isolate(Path(job.path), Path(job.folder))
        if job.task == "derive":
            os.nice(NICENESS)
        try:
            told = work(job.task, Path(job.path), job.content_type, Path(job.folder))
        except BadUserInput as refusal:
            told = {"refused": refusal.message}
        os.write(answer, json.dumps(told).encode())
        status = 0
    except BaseException:  # noqa: BLE001 - the words are all that is told of it
        traceback.print_exc()
        sys.stderr.flush()
    finally:
        os._exit(status)  # nothing of the process that it is a copy of may run on


def limit(seconds: int, memory: int) -> None:
    """Have the kernel end this process when it takes more time or memory than it may, or writes too much."""
    limits = {
        resource.RLIMIT_AS: memory,
        resource.RLIMIT_CPU: seconds,
        resource.RLIMIT_FSIZE: MAX_MADE_SIZE,
        resource.RLIMIT_NOFILE: MAX_OPEN_FILES,
        resource.RLIMIT_CORE: 0,
    }
    for kind, most in limits.items():
        resource.setrlimit(kind, (most, most))
    # Whoever waits for it stops waiting, too; but may be gone.
    signal.alarm(seconds)
    die_with_parent()


def work(task: str, path: Path, content_type: str, folder: Path) -> dict[str, Any]:
    """Return what was found out about a file, ``made`` in it the names of what was made of it."""
    file_type = BY_CONTENT_TYPE[content_type]
    opened = importlib.import_module(f"assets.decode.readers.{file_type.reader}").open_file(path, file_type)
    told: dict[str, Any] = {"width": opened.width, "height": opened.height}
    if task == "probe" or opened.picture is None:
        return told
    if task == "logo" and opened.width * opened.height > MAX_LOGO_PIXELS:
        raise BadUserInput(f"A logo may have up to {MAX_LOGO_PIXELS // 1_000_000} megapixels.")
    picture = Picture(opened.picture(), opened.width)
    if task == "logo":
        picture.save_logo(folder / LOGO)
        return {**told, "made": [LOGO]}
    if task == "preview":
        picture.save_preview(folder / PREVIEW)
        return {**told, "made": [PREVIEW]}
    made = [file.name for file in picture.save_sizes(folder).values()]
    return {**told, "blurhash": picture.blurhash(), "made": made}


def _leave(folder: str, answer: int) -> None:
    """Let go of what the process that this one is a copy of has open, and settle in ``folder``."""
    nothing, words = os.open(os.devnull, os.O_RDONLY), os.open(Path(folder) / WORDS, os.O_WRONLY | os.O_APPEND)
    for here, there in ((nothing, 0), (words, 1), (words, 2)):
        os.dup2(here, there)
    os.closerange(3, answer)
    os.closerange(answer + 1, MOST_INHERITED)
    os.chdir(folder)
    os.environ.update(HOME=folder, TMPDIR=folder, XDG_CACHE_HOME=folder)
