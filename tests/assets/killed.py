"""Uploads files in one process after the other, each killed after another step.

``python -m tests.assets.killed`` runs on the database and the data folder of its environment. A step is whatever has an
effect outside the process: a system call on files, a statement, a commit, the answer. Of each kind of step, one process
is killed after the first, another after the second, and so on until one comes to its end. It writes a line of JSON for
each process: the step that was its last, if it was killed, and the ids of the assets if it had answered.
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

#: System calls on files.
CALLS = frozenset({"open", "mkdir", "rename", "replace", "chmod", "fsync", "unlink", "remove"})
#: Functions of Django and of this project, by the end of their file's path.
FUNCTIONS = frozenset(
    {
        ("db/backends/utils.py", "execute"),
        ("db/backends/base/base.py", "_commit"),
        ("assets/staging.py", "complete"),
        ("assets/storage.py", "save_original"),
        ("assets/ingest.py", "store_assets"),
        ("assets/operations/uploads.py", "upload_sources"),
    }
)
FILES = (("sea.png", pictures.encoded("png", 40, 30)), ("sky.svg", pictures.SVG))


KINDS = (*sorted(CALLS), *sorted(name for _, name in FUNCTIONS), "answer")


class Steps:
    """Counts the steps of a kind, and kills the process after one of them."""

    def __init__(self, kind: str, last: int) -> None:
        self._kind = kind
        self._left = last
        self.answered: list[str] = []

    def __call__(self, frame: FrameType, event: str, argument: Any) -> None:
        if event == "c_return" and argument.__name__ in CALLS and argument.__module__ in {"posix", "io", "_io"}:
            self.step(argument.__name__)
        elif event == "return":
            path, name = frame.f_code.co_filename, frame.f_code.co_name
            if any(name == function and path.endswith(end) for end, function in FUNCTIONS):
                self.step(name)

    def step(self, kind: str) -> None:
        if kind != self._kind:
            return
        self._left -= 1
        if not self._left:
            self.tell(kind)
            os.kill(os.getpid(), signal.SIGKILL)

    def tell(self, last: str | None) -> None:
        sys.setprofile(None)
        line = json.dumps({"step": last, "answered": self.answered}) + "\n"
        os.write(sys.stdout.fileno(), line.encode())


def upload(kind: str, last: int) -> None:
    """Upload the files, and be killed after so many steps of a kind, if it comes to that."""
    sources = [
        Base64Source.model_construct(kind="base64", filename=name, mime_type="", data=data) for name, data in FILES
    ]
    command = UploadSources.model_construct(organization_id="acme", library_id="barcelona", sources=sources)
    steps = Steps(kind, last)
    sys.setprofile(steps)
    uploaded = upload_sources(OPERATOR, command)
    steps.answered = [asset.id for asset in uploaded.assets]
    steps.step("answer")
    steps.tell(None)


def main() -> None:
    """Fork a process for each step of each kind."""
    for kind in KINDS:
        status, last = -signal.SIGKILL, 0
        while status == -signal.SIGKILL:
            last += 1
            child = os.fork()
            if child == 0:
                try:
                    upload(kind, last)
                except BaseException:  # noqa: BLE001 - the child must not go on as its parent
                    sys.excepthook(*sys.exc_info())
                    os._exit(1)
                os._exit(0)
            status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        if status:
            sys.exit(f"The process of {kind} number {last} ended with {status}.")


if __name__ == "__main__":
    main()
