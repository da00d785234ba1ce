"""The queue: a row for each task that has not been done."""

from datetime import datetime
from typing import ClassVar

from django.db import models
from django.db.models import Q

ABOUT_LENGTH = 500
ERROR_LENGTH = 200


class QueuedTaskQuerySet(models.QuerySet["QueuedTask"]):
    def ready(self, now: datetime) -> "QueuedTaskQuerySet":
        """Return the tasks that a worker may run now, queue by queue, of each queue the oldest first."""
        return self.filter(died=None, due__lte=now, expires__gt=now).order_by("queue_name", "due", "pk")

    def dead(self) -> "QueuedTaskQuerySet":
        """Return the tasks that are no longer attempted."""
        return self.exclude(died=None)


class QueuedTask(models.Model):
    """A task that waits, runs or has died. A task that succeeds is deleted.

    A worker holds a task by a lease: ``due`` is then the lease's end, after which another worker may take it.
    """

    task = models.CharField(max_length=200, help_text="The path of the function.")
    about = models.CharField(max_length=ABOUT_LENGTH, blank=True, help_text="What it is and for whom. Never a secret.")
    queue_name = models.CharField(max_length=100, help_text="Queues take turns: one for each organization.")
    arguments = models.BinaryField(null=True, help_text="Encrypted (sealing.py).")
    created = models.DateTimeField(auto_now_add=True)
    due = models.DateTimeField(help_text="When it may run next.")
    expires = models.DateTimeField(help_text="When its arguments are deleted, whatever became of it.")
    attempts = models.PositiveSmallIntegerField(default=0)
    died = models.DateTimeField(null=True)
    error = models.CharField("last error", max_length=ERROR_LENGTH, blank=True)

    objects: ClassVar[QueuedTaskQuerySet] = QueuedTaskQuerySet.as_manager()  # type: ignore[assignment]

    class Meta:
        verbose_name = "task"
        indexes = (
            models.Index(fields=("queue_name", "due"), name="tasks_waiting", condition=Q(died=None)),
            models.Index(fields=("expires",), name="tasks_expiring", condition=Q(arguments__isnull=False)),
            models.Index(fields=("died",), name="tasks_dead", condition=Q(died__isnull=False)),
        )

    def __str__(self) -> str:
        return f"{self.task} {self.pk}"
