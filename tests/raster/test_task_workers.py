"""Workers share the queue: a task runs in one of them, and outlives the one that is killed."""

import os
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from pathlib import Path

import pytest
from django.conf import settings
from django.utils import timezone

from raster.tasks.models import QueuedTask
from raster.tasks.queue import run_one
from raster.tasks.worker import Worker
from tests.server import database_url
from tests.waiting import wait_until
from tests.work import hang, words_in, write

pytestmark = pytest.mark.django_db(transaction=True)
TASKS = 60
#: Longer than a test may take.
NEVER = 3600.0


@contextmanager
def worker_process() -> Iterator[subprocess.Popen[bytes]]:
    """Run ``manage.py worker`` on the test database until the block ends."""
    process = subprocess.Popen(
        [sys.executable, "manage.py", "worker"],
        cwd=settings.BASE_DIR,
        env={**os.environ, "DATABASE_URL": database_url()},
        stderr=subprocess.DEVNULL,
    )
    try:
        yield process
    finally:
        process.terminate()
        process.wait(timeout=60)


@contextmanager
def worker_thread(poll: float) -> Iterator[None]:
    worker = Worker(poll)
    thread = threading.Thread(target=worker.run)
    thread.start()
    try:
        yield
    finally:
        worker.stop()
        thread.join()


def test_a_task_outlives_a_worker_that_is_killed_in_the_middle(tmp_path: Path) -> None:
    hang.enqueue(str(tmp_path / "words"))
    with worker_process() as process:
        wait_until(lambda: words_in(tmp_path / "words") == ["begin"])
        process.kill()
        process.wait()
    assert not run_one()
    assert QueuedTask.objects.get().attempts == 1
    QueuedTask.objects.update(due=timezone.now() - timedelta(seconds=1))
    with worker_process():
        wait_until(lambda: not QueuedTask.objects.exists())
    assert words_in(tmp_path / "words") == ["begin", "begin"]


def test_no_two_workers_run_a_task_at_once(tmp_path: Path) -> None:
    for number in range(TASKS):
        write.using(queue_name=f"organization-{number % 3}").enqueue(str(number), str(tmp_path / "words"))
    with ExitStack() as workers:
        for _ in range(2):
            workers.enter_context(worker_process())
        for _ in range(2):
            workers.enter_context(worker_thread(0.01))
        wait_until(lambda: not QueuedTask.objects.exists())
    lines = Counter(words_in(tmp_path / "words"))
    assert lines == Counter(f"{what} {number}" for number in range(TASKS) for what in ("begin", "end"))


def test_a_worker_begins_as_soon_as_its_process_commits(tmp_path: Path) -> None:
    with worker_thread(poll=NEVER):
        write.enqueue("word", str(tmp_path / "words"))
        wait_until(lambda: not QueuedTask.objects.exists())


def test_a_worker_finds_a_task_whose_time_has_come(tmp_path: Path) -> None:
    write.using(run_after=timezone.now() + timedelta(seconds=NEVER)).enqueue("word", str(tmp_path / "words"))
    with worker_thread(poll=0.01):
        QueuedTask.objects.update(due=timezone.now())  # which wakes nobody
        wait_until(lambda: not QueuedTask.objects.exists())
