"""Has files decoded in child processes (assets/decode): one that is made to do harm harms that process alone."""

import atexit
import json
import os
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, BinaryIO, Literal

from django.conf import settings
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from assets.decode import MADE, MAX_ANSWER_SIZE, MAX_MADE_SIZE, WORDS
from assets.signatures import FileType
from raster.errors import BadUserInput

GRACE_SECONDS = 2  # after its own limit, for whoever starts and ends it
WORDS_KEPT = 2000
ISOLATION_SECONDS = 8
MOST_IDLE = max(2, os.cpu_count() or 1)
MOST_OF_A_LINE = 8 * MAX_ANSWER_SIZE  # JSON writes a character in up to six, and once more in JSON

Task = Literal["probe", "derive", "preview", "logo"]
_Job = dict[str, str | int]
Dimension = Annotated[int, Field(gt=0, lt=2**31)]


@dataclass(frozen=True, slots=True)
class Limits:
    """Seconds on the clock, which are also the most of processor time, and bytes of address space."""

    seconds: int
    memory: int


PROBE = Limits(10, 1024**3)
DERIVE = Limits(60, 2 * 1024**3)


@dataclass(frozen=True, slots=True)
class Decoded:
    """What a child process told of a file, and the content of the files that it made of it, by their names."""

    width: int | None
    height: int | None
    blurhash: str | None = None
    files: dict[str, bytes] = field(default_factory=dict)


class _Told(BaseModel):
    """The answer of a child. Whoever took it over with a file has written it: it is judged like any input."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)

    refused: Annotated[str, Field(max_length=200)] | None = None
    width: Dimension | None = None
    height: Dimension | None = None
    blurhash: Annotated[str, Field(pattern=r"^[0-9A-Za-z#$%*+,\-.:;=?@\[\]^_{|}~]{28}$")] | None = None
    made: Annotated[list[str], Field(max_length=len(MADE["derive"]))] = []


class DecodingFailed(Exception):
    """The child process gave no answer: it was over a limit, crashed, or was stopped."""


class Decoder:
    """Runs one child process at a time; another thread may stop it for good."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._children: _Children | None = None
        self.stopped = False

    @property
    def busy(self) -> bool:
        """Whether a child runs."""
        return self._children is not None

    def run(self, task: Task, path: Path, file_type: FileType, limits: Limits) -> Decoded:
        """Return what the child tells of the file at ``path``, and what it made of it.

        Raises:
            BadUserInput: the file cannot be decoded; the message says why.
            DecodingFailed: nothing is known.
        """
        with _made(task) as (folder, files):
            job: _Job = {
                "task": task,
                "path": str(path.absolute()),
                "content_type": file_type.content_type,
                "folder": str(folder),
                "seconds": limits.seconds,
                "memory": limits.memory,
            }
            answer = self._run(job, limits.seconds + GRACE_SECONDS)
            if "answer" not in answer:
                raise DecodingFailed(f"{answer['failed']}: {_last(files[WORDS])}")
            try:
                told = _Told.model_validate_json(answer["answer"])
                made = {name: _read(files[name]) for name in told.made if name in MADE[task]}
            except ValidationError:
                raise DecodingFailed("Its answer is none.") from None
        if told.refused is not None:
            raise BadUserInput(told.refused)
        return Decoded(told.width, told.height, told.blurhash, made)

    def stop(self) -> None:
        """End the child that runs, and start no other."""
        with self._lock:
            self.stopped = True
            if self._children is not None:
                self._children.end()

    def _run(self, job: _Job, seconds: float) -> dict[str, str]:
        children = _take()
        try:
            with self._lock:
                if self.stopped:
                    raise DecodingFailed("It was stopped.")
                self._children = children
            return children.ask(job, seconds)
        finally:
            with self._lock:
                self._children = None
            _give_back(children)


class _Children:
    """The process that starts a child for each job (assets/decode/__main__.py), and waits for the next one."""

    def __init__(self) -> None:
        self._ended = False
        self._socket, there = socket.socketpair()
        with there:
            self._process = subprocess.Popen(
                [sys.executable, "-P", "-m", "assets.decode"],
                cwd="/",
                env=_environment(),
                stdin=there.fileno(),
                stdout=there.fileno(),
                start_new_session=True,  # an interrupt at the terminal is for the worker to judge
            )

    @property
    def alive(self) -> bool:
        return not self._ended and self._process.poll() is None

    def ask(self, job: _Job, seconds: float) -> dict[str, str]:
        """Return the answer to a job; without one in time, the process ends."""
        deadline, line = time.monotonic() + seconds, b""
        try:
            self._socket.settimeout(seconds)
            self._socket.sendall(json.dumps(job).encode() + b"\n")
            while not line.endswith(b"\n"):
                self._socket.settimeout(max(0.001, deadline - time.monotonic()))
                chunk = self._socket.recv(MAX_ANSWER_SIZE)
                if not chunk:
                    raise DecodingFailed("It was stopped.")
                line += chunk
                if len(line) > MOST_OF_A_LINE:
                    raise DecodingFailed("It told too much.")
        except TimeoutError:
            raise DecodingFailed("It took too long.") from None
        except OSError:
            raise DecodingFailed("It was stopped.") from None
        finally:
            if not line.endswith(b"\n"):
                self.close()
        answer: dict[str, str] = json.loads(line)
        return answer

    def end(self) -> None:
        """End the process; its child ends with it."""
        self._ended = True
        self._process.kill()

    def close(self) -> None:
        """End the process and forget it."""
        self._process.kill()
        self._process.wait()
        self._socket.close()


_idle: list[_Children] = []
_idle_lock = threading.Lock()


def _take() -> _Children:
    with _idle_lock:
        while _idle:
            children = _idle.pop()
            if children.alive:
                return children
            children.close()
    return _Children()


def _give_back(children: _Children) -> None:
    with _idle_lock:
        if children.alive and len(_idle) < MOST_IDLE:
            _idle.append(children)
            return
    children.close()


@atexit.register
def close_children() -> None:
    """End the processes that wait for jobs. Another one starts with the next job."""
    with _idle_lock:
        while _idle:
            _idle.pop().close()


@contextmanager
def _made(task: Task) -> Iterator[tuple[Path, dict[str, BinaryIO]]]:
    """Yield a folder and the files in it, by their names, that a child may write to; both go at the end of the block.

    They are open before the child begins: whatever it puts in their places is never looked at.
    """
    with tempfile.TemporaryDirectory(prefix="raster-") as name, ExitStack() as opened:
        folder = Path(name)
        yield folder, {made: opened.enter_context((folder / made).open("x+b")) for made in (WORDS, *MADE[task])}


def _read(file: BinaryIO) -> bytes:
    content = file.read(MAX_MADE_SIZE + 1)
    if not 0 < len(content) <= MAX_MADE_SIZE:
        raise DecodingFailed("What it made is empty, or too large.")
    return content


def _last(words: BinaryIO) -> str:
    words.seek(max(0, words.seek(0, os.SEEK_END) - WORDS_KEPT))
    return words.read(WORDS_KEPT).decode(errors="replace").strip()


def isolation() -> dict[str, bool]:
    """Return what this system takes from a process that reads files, by what it is, and whether it does."""
    told = subprocess.run(
        [sys.executable, "-P", "-m", "assets.decode.isolation"],
        cwd="/",
        env=_environment(),
        capture_output=True,
        text=True,
        check=True,
        timeout=ISOLATION_SECONDS,
    )
    lines = (line.partition(": ") for line in told.stdout.splitlines())
    return {kind: answer == "isolated" for kind, _, answer in lines}


def _environment() -> dict[str, str]:
    """Return what the child's libraries need to know, and no secret."""
    return {
        "PATH": os.defpath,
        "PYTHONPATH": str(settings.BASE_DIR),
        "LANG": "C.UTF-8",
        "MALLOC_ARENA_MAX": "2",  # each one more takes address space, which is limited
    }
