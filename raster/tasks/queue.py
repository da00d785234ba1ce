"""Taking tasks from the queue, running them, and putting back those that failed.

A worker holds a task by a lease: if the worker is killed, the lease ends and another takes the task.
"""

import logging
import threading
from dataclasses import dataclass
from datetime import timedelta

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.module_loading import import_string

from raster.background import Bell
from raster.tasks.durable import ATTEMPTS, LEASE, DurableTask, GiveUp, TryAgain
from raster.tasks.models import ERROR_LENGTH, QueuedTask
from raster.tasks.sealing import Unreadable, unseal
from raster.workers import give_connection_back

#: After the first failure. Each pause is three times as long as the one before, up to the longest.
FIRST_PAUSE = timedelta(seconds=10)
LONGEST_PAUSE = timedelta(hours=1)
#: How long the admin shows a task that died.
DEAD_TIME = timedelta(days=30)

logger = logging.getLogger("raster.tasks")
#: Rings when this process queued a task.
bell = Bell()


@dataclass(slots=True)
class Turn:
    """The queue that a worker served last: the next one comes after it, in alphabetical order."""

    queue_name: str = ""


@dataclass(frozen=True, slots=True)
class Terms:
    """How a row is to be run. ``task`` is None where this release has no such task: another one may."""

    task: DurableTask[..., object] | None
    attempts: int = ATTEMPTS
    lease: timedelta = LEASE


def run_one(turn: Turn | None = None) -> bool:
    """Run the next task that is due, of the queue whose turn it is; return whether there was one."""
    row = _claim(turn or Turn())
    if row is None:
        return False
    give_connection_back()
    try:
        _call(row)
    except GiveUp as failure:
        _fail(row, str(failure), final=True)
    except TryAgain as failure:
        _fail(row, str(failure))
    except Exception as error:
        # Its text stays out of the database: the task did not say that it holds no secret.
        logger.error("A task raised an error", exc_info=error, extra={"fields": _fields(row)})
        _fail(row, type(error).__name__)
    else:
        _held(row).delete()
    return True


def run_due() -> int:
    """Run every task that is due, here and now; return how many there were."""
    turn, count = Turn(), 0
    while run_one(turn):
        count += 1
    return count


def try_again(rows: QuerySet[QueuedTask]) -> int:
    """Have dead tasks attempted from the start, except for those that have expired; return how many there are."""
    now = timezone.now()
    revivable = rows.exclude(died=None).filter(arguments__isnull=False, expires__gt=now)
    revived = revivable.update(died=None, attempts=0, due=now)
    transaction.on_commit(bell.ring, robust=True)
    return revived


def clean_up(stop: threading.Event | None = None) -> dict[str, int]:
    """Delete the arguments of tasks that have expired, and tasks that died a month ago; return how many of each."""
    now = timezone.now()
    expired = QueuedTask.objects.filter(expires__lte=now, arguments__isnull=False)
    missed = expired.filter(died=None).update(died=now, error="It expired before an attempt succeeded.")
    if missed:
        logger.error("Tasks expired before they succeeded", extra={"fields": {"tasks": missed}})
    wiped = expired.update(arguments=None)
    deleted, _ = QueuedTask.objects.filter(died__lte=now - DEAD_TIME).delete()
    return {"arguments of expired tasks": wiped, "dead tasks": deleted}


def _claim(turn: Turn) -> QueuedTask | None:
    ready = QueuedTask.objects.ready(timezone.now())
    for waiting in (ready.filter(queue_name__gt=turn.queue_name), ready):
        # Asked without a lock first: an idle worker keeps no writer waiting.
        while waiting.exists():
            with transaction.atomic():
                row = waiting.select_for_update(skip_locked=True, no_key=True).first()
                if row is None:
                    break
                turn.queue_name = row.queue_name
                terms = _terms(row)
                if row.attempts < terms.attempts:
                    row.attempts += 1
                    row.due = timezone.now() + terms.lease
                    row.save(update_fields=["attempts", "due"])
                    return row
            _bury(row, "Its worker stopped during every attempt.")
    return None


def _call(row: QueuedTask) -> None:
    task = _terms(row).task
    if task is None:
        raise TryAgain("This release has no such task.")
    try:
        arguments = unseal(bytes(row.arguments or b""))
    except Unreadable:
        raise GiveUp("SECRET_KEY was changed after it was queued.") from None
    task.call(*arguments["args"], **arguments["kwargs"])


def _terms(row: QueuedTask) -> Terms:
    try:
        task = import_string(row.task)
    except ImportError:
        task = None
    return Terms(task, task.attempts, task.lease) if isinstance(task, DurableTask) else Terms(None)


def _fail(row: QueuedTask, reason: str, *, final: bool = False) -> None:
    """Have the task attempted again later, or bury it after its last attempt."""
    due = timezone.now() + min(FIRST_PAUSE * 3 ** (row.attempts - 1), LONGEST_PAUSE)
    if final or row.attempts >= _terms(row).attempts or due >= row.expires:
        _bury(row, reason)
        return
    logger.warning("A task failed and will be tried again", extra={"fields": {**_fields(row), "reason": reason}})
    _held(row).update(due=due, error=reason[:ERROR_LENGTH])


def _bury(row: QueuedTask, reason: str) -> None:
    """Stop attempting a task. Its arguments are kept until it expires, for staff to try it again."""
    logger.error("A task was given up", extra={"fields": {**_fields(row), "reason": reason}})
    _held(row).update(died=timezone.now(), error=reason[:ERROR_LENGTH])


def _held(row: QueuedTask) -> QuerySet[QueuedTask]:
    """Return the row, unless its lease has ended and another worker has taken it."""
    return QueuedTask.objects.filter(pk=row.pk, due=row.due, died=None)


def _fields(row: QueuedTask) -> dict[str, object]:
    return {"task": row.task, "id": row.pk, "attempts": row.attempts}
