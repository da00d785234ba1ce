"""What a task promises: how often it is attempted, for how long it is held, and until when it is of use."""

from dataclasses import dataclass
from datetime import timedelta
from typing import ParamSpec, TypeVar

from django_tasks.base import Task

P = ParamSpec("P")
T = TypeVar("T")
ATTEMPTS = 10
LEASE = timedelta(minutes=2)
LIFETIME = timedelta(days=1)


class GiveUp(Exception):
    """For a task to raise where another attempt would fail as well. Staff read the text: it holds no secret."""


class TryAgain(Exception):
    """For a task to raise where another attempt may succeed. Staff read the text: it holds no secret."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DurableTask(Task[P, T]):
    """A task that is attempted until it succeeds. Its options are keyword arguments of ``django_tasks.task``.

    It may run twice: of a worker that was killed, nobody knows how far it came.
    """

    #: Between two attempts is a pause that grows.
    attempts: int = ATTEMPTS
    #: How long a worker holds the task. A task limits its own time, to less than that.
    lease: timedelta = LEASE
    #: After that long the task is not run, and its arguments are deleted.
    lifetime: timedelta = LIFETIME
    #: Names of the arguments that the admin shows. They are stored unencrypted.
    shown: tuple[str, ...] = ()
