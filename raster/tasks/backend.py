"""The backend of Django's tasks that adds a task to the queue, in the transaction of its caller."""

import inspect
from typing import Any, TypeVar

from django.db import transaction
from django.utils import timezone
from django_tasks.backends.base import BaseTaskBackend
from django_tasks.base import Task, TaskResult, TaskResultStatus

from raster.tasks.durable import DurableTask
from raster.tasks.models import ABOUT_LENGTH, QueuedTask
from raster.tasks.queue import bell
from raster.tasks.sealing import seal

T = TypeVar("T")


class QueueBackend(BaseTaskBackend):
    """Adds rows to the queue. ``queue_name`` may be any text: queues take turns, so none keeps another waiting."""

    task_class = DurableTask
    supports_defer = True

    def enqueue(self, task: Task[..., T], args: tuple[Any, ...], kwargs: dict[str, Any]) -> TaskResult[T]:
        """Queue a task. If the caller's transaction is rolled back, nothing is queued."""
        if not isinstance(task, DurableTask):
            raise TypeError(f"{task.module_path} was not made for this backend.")
        named = inspect.signature(task.func).bind(*args, **kwargs).arguments
        now = timezone.now()
        row = QueuedTask(
            task=task.module_path,
            about=" · ".join(str(named[name]) for name in task.shown)[:ABOUT_LENGTH],
            queue_name=task.queue_name,
            due=task.run_after or now,
            expires=now + task.lifetime,
        )
        # Django's record of a task checks that the arguments are JSON, and has them as the task will get them.
        result: TaskResult[T] = TaskResult(
            task=task,
            id="",
            status=TaskResultStatus.READY,
            enqueued_at=now,
            started_at=None,
            finished_at=None,
            last_attempted_at=None,
            args=list(args),
            kwargs=kwargs,
            backend=self.alias,
            errors=[],
            worker_ids=[],
        )
        row.arguments = seal({"args": result.args, "kwargs": result.kwargs})
        row.save(force_insert=True)
        transaction.on_commit(bell.ring, robust=True)
        object.__setattr__(result, "id", str(row.pk))  # as Django's own backends do
        return result
