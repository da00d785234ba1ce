"""Tasks for tests of the queue. What they do is a line in a file, which processes can share."""

import threading
from datetime import timedelta
from pathlib import Path

from django.utils import timezone
from django_tasks import task

from raster.tasks.durable import GiveUp, TryAgain
from raster.tasks.models import QueuedTask


@task(attempts=3, shown=("word",))
def write(word: str, path: str, secret: str = "") -> None:
    """Write that a word begins, and that it ends."""
    with Path(path).open("a") as file:
        file.write(f"begin {word}\n")
        file.flush()
        threading.Event().wait(0.01)
        file.write(f"end {word}\n")


@task(attempts=3)
def fail(reason: str) -> None:
    raise TryAgain(reason)


@task(attempts=3)
def give_up(reason: str) -> None:
    raise GiveUp(reason)


@task(attempts=3)
def break_down(secret: str) -> None:
    raise ValueError(secret)


@task
def lose_its_lease(reason: str) -> None:
    """Run for so long that another worker takes the task; then fail, if there is a reason."""
    QueuedTask.objects.update(due=timezone.now() + timedelta(hours=1))
    if reason:
        raise TryAgain(reason)


@task
def hang(path: str) -> None:
    """Write that the first run begins, and never end; end at once in a later run."""
    file = Path(path)
    begun = file.exists()
    with file.open("a") as lines:
        lines.write("begin\n")
    if not begun:
        threading.Event().wait()


def words_in(path: Path) -> list[str]:
    """Return the lines that were written."""
    return path.read_text().splitlines() if path.exists() else []
