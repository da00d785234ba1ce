"""Has files decoded in a child process (assets/decode): one that is made to do harm harms that process alone."""

import json
import os
import subprocess
import sys
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from django.conf import settings

from assets.signatures import FileType
from raster.errors import BadUserInput

GRACE_SECONDS = 2  # between its own alarm and being killed
WORDS_KEPT = 2000

Task = Literal["probe", "derive", "preview"]


@dataclass(frozen=True, slots=True)
class Limits:
    """Seconds on the clock, which are also the most of processor time, and bytes of address space."""

    seconds: int
    memory: int


PROBE = Limits(10, 1024**3)
DERIVE = Limits(60, 2 * 1024**3)


class DecodingFailed(Exception):
    """The child process gave no answer: it was over a limit, crashed, or was stopped."""


class Decoder:
    """Runs one child process at a time; another thread may stop it for good."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self.stopped = False

    @property
    def busy(self) -> bool:
        """Whether a child runs."""
        return self._process is not None

    def run(self, task: Task, path: Path, file_type: FileType, folder: Path, limits: Limits) -> dict[str, Any]:
        """Return what the child tells of the file at ``path``, having written what it made into ``folder``.

        Raises:
            BadUserInput: the file cannot be decoded; the message says why.
            DecodingFailed: nothing is known.
        """
        command = [
            *(sys.executable, "-P", "-m", "assets.decode", task, str(path), file_type.content_type, str(folder)),
            *("--seconds", str(limits.seconds), "--memory", str(limits.memory)),
        ]
        with (folder / "words").open("w+b") as words:
            with self._lock:
                if self.stopped:
                    raise DecodingFailed("It was stopped.")
                self._process = process = subprocess.Popen(
                    command,
                    cwd=folder,
                    env=_environment(folder),
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.PIPE,
                    stderr=words,
                    start_new_session=True,  # an interrupt at the terminal is for the worker to judge
                )
            try:
                answer, _ = process.communicate(timeout=limits.seconds + GRACE_SECONDS)
            except subprocess.TimeoutExpired:
                raise DecodingFailed("It took too long.") from None
            finally:
                with self._lock:
                    self._process = None
                process.kill()
                process.wait()
            if process.returncode != 0:
                raise DecodingFailed(f"It ended with {process.returncode}: {_last(words.name)}")
        try:
            told: dict[str, Any] = json.loads(answer)
        except ValueError:
            raise DecodingFailed("Its answer is no JSON.") from None
        if "refused" in told:
            raise BadUserInput(str(told["refused"]))
        return told

    def stop(self) -> None:
        """End the child that runs, and start no other."""
        with self._lock:
            self.stopped = True
            if self._process is not None:
                self._process.kill()


def _environment(folder: Path) -> dict[str, str]:
    """Return what the child's libraries need to know, and no secret."""
    return {
        "PATH": os.defpath,
        "PYTHONPATH": str(settings.BASE_DIR),
        "HOME": str(folder),
        "TMPDIR": str(folder),
        "LANG": "C.UTF-8",
        "MALLOC_ARENA_MAX": "2",  # each one more takes address space, which is limited
    }


def _last(name: str) -> str:
    return Path(name).read_bytes()[-WORDS_KEPT:].decode(errors="replace").strip()
