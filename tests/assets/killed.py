"""Uploads files in one process after the other, each killed one step later than the one before it.

``python -m tests.assets.killed`` runs on the database and the data folder of its environment. A step is whatever has an
effect outside the process: a system call on files, a statement, a commit, the answer. It writes a line of JSON for each
process: the step that was its last, and the ids of the assets if it had answered.
"""

import json
import os
import signal
import sys
from types import FrameType
from typing import Any

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "raster.settings")
django.setup(set_prefix=False)

from assets.contracts import Base64Source, UploadSources  # noqa: E402 - needs the settings
from assets.operations.uploads import upload_sources  # noqa: E402
from tests.assets import pictures  # noqa: E402
from tests.factories import OPERATOR  # noqa: E402

#: Functions that are written in C, and what they are called in Python's own modules.
CALLS = frozenset({"open", "mkdir", "rename", "replace", "chmod", "fsync", "unlink", "remove", "flush", "close"})
#: Functions of Django and of this project, by the end of their file's path.
FUNCTIONS = frozenset(
    {
        ("db/backends/utils.py", "execute"),
        ("db/backends/base/base.py", "_commit"),
        ("assets/staging.py", "complete"),
        ("assets/storage.py", "save_original"),
        ("assets/operations/uploads.py", "store_assets"),
        ("assets/operations/uploads.py", "upload_sources"),
    }
)
FILES = (("sea.png", pictures.encoded("png", 40, 30)), ("sky.svg", pictures.SVG))


class Steps:
    """Counts the steps of this process, and kills it after one of them."""

    def __init__(self, last: int, output: int) -> None:
        self._left = last
        self._output = output
        self._answer: list[str] = []

    def __call__(self, frame: FrameType, event: str, argument: Any) -> None:
        if event == "c_return" and argument.__name__ in CALLS:
            self._step(argument.__name__)
        elif event == "return":
            path, name = frame.f_code.co_filename, frame.f_code.co_name
            if any(name == function and path.endswith(end) for end, function in FUNCTIONS):
                self._step(name)

    def answer(self, ids: list[str]) -> None:
        self._answer = ids
        self._step("answer")

    def _step(self, name: str) -> None:
        self._left -= 1
        if not self._left:
            sys.setprofile(None)
            os.write(self._output, json.dumps({"step": name, "answered": self._answer}).encode() + b"\n")
            os.kill(os.getpid(), signal.SIGKILL)


def upload(last: int, output: int) -> None:
    """Upload the files, and be killed after the step with this number, if it comes to that."""
    sources = [
        Base64Source.model_construct(kind="base64", filename=name, mime_type="", data=data) for name, data in FILES
    ]
    command = UploadSources.model_construct(organization_id="acme", library_id="barcelona", sources=sources)
    steps = Steps(last, output)
    sys.setprofile(steps)
    uploaded = upload_sources(OPERATOR, command)
    steps.answer([asset.id for asset in uploaded.assets])
    sys.setprofile(None)


def main() -> None:
    """Fork a process for each step, until one is not killed any more."""
    status, last = -1, 0
    while status != 0:
        last += 1
        child = os.fork()
        if child == 0:
            try:
                upload(last, sys.stdout.fileno())
            except BaseException:  # noqa: BLE001 - the child must not go on as its parent
                sys.excepthook(*sys.exc_info())
                os._exit(1)
            os._exit(0)
        status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        if status not in {0, -signal.SIGKILL}:
            sys.exit(f"The process of step {last} ended with {status}.")


if __name__ == "__main__":
    main()
