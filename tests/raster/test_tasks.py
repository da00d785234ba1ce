"""The queue runs each committed task until it succeeds or dies, in turns between queues, and keeps secrets."""

import logging
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.db import transaction
from django.test import Client
from django.utils import timezone
from django_tasks.base import Task
from pytest_django import Settings

from accounts.models import User
from raster.tasks.durable import LEASE
from raster.tasks.models import QueuedTask
from raster.tasks.queue import DEAD_TIME, FIRST_PAUSE, LONGEST_PAUSE, Turn, clean_up, run_due, run_one, try_again
from tests.apikeys.people import whole_database
from tests.work import break_down, fail, give_up, lose_its_lease, words_in, write

pytestmark = pytest.mark.django_db
SECRET = "https://raster.example.com/reset/a-secret-link"
MINUTE = timedelta(minutes=1)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "words"


def let_due() -> None:
    """Let the time pass until every task may run, and every lease has ended."""
    QueuedTask.objects.update(due=timezone.now() - timedelta(seconds=1))


def let_expire() -> None:
    QueuedTask.objects.update(expires=timezone.now())


def run_until_dead(task: Task[..., Any], *arguments: str) -> QueuedTask:
    task.enqueue(*arguments)
    while run_one():
        let_due()
    row = QueuedTask.objects.get()
    assert row.died is not None
    return row


def test_a_rolled_back_transaction_queues_nothing(path: Path) -> None:
    with transaction.atomic():
        write.enqueue("word", str(path))
        transaction.set_rollback(True)
    assert run_due() == 0
    assert words_in(path) == []


def test_a_task_runs_once_and_leaves_no_row(path: Path) -> None:
    with transaction.atomic():
        write.enqueue("one", str(path))
    write.enqueue("two", path=str(path))
    assert run_due() == 2
    assert words_in(path) == ["begin one", "end one", "begin two", "end two"]
    assert not QueuedTask.objects.exists()
    assert run_due() == 0


def test_only_arguments_that_json_holds_are_taken(path: Path) -> None:
    with pytest.raises(TypeError):
        write.enqueue("word", path)  # type: ignore[arg-type]
    with pytest.raises(TypeError):
        write.enqueue("word")  # type: ignore[call-arg]
    assert not QueuedTask.objects.exists()


def test_a_task_may_be_put_off(path: Path) -> None:
    write.using(run_after=timezone.now() + MINUTE).enqueue("later", str(path))
    assert run_due() == 0
    let_due()
    assert run_due() == 1


def test_a_task_that_fails_is_tried_again_after_longer_and_longer_pauses_and_dies(
    caplog: pytest.LogCaptureFixture,
) -> None:
    fail.enqueue("The disk is full.")
    pauses = []
    for attempt in (1, 2):
        assert run_one()
        row = QueuedTask.objects.get()
        assert (row.attempts, row.died, row.error) == (attempt, None, "The disk is full.")
        pauses.append(row.due - timezone.now())
        assert not run_one()
        let_due()
    assert FIRST_PAUSE - MINUTE / 10 < pauses[0] <= FIRST_PAUSE
    assert pauses[1] > 2 * pauses[0]
    with caplog.at_level(logging.ERROR, "raster.tasks"):
        assert run_one()
    assert "A task was given up" in caplog.text
    row.refresh_from_db()
    assert row.died is not None and row.arguments is not None
    let_due()
    assert not run_one()


def test_no_pause_is_longer_than_an_hour() -> None:
    fail.enqueue("The disk is full.")
    run_one()
    QueuedTask.objects.update(attempts=1, task="tests.work.no_such_task")
    for _ in range(8):
        let_due()
        run_one()
    left = QueuedTask.objects.get().due - timezone.now()
    assert LONGEST_PAUSE - MINUTE < left <= LONGEST_PAUSE


def test_a_task_that_gives_up_dies_at_once() -> None:
    give_up.enqueue("There is no such mailbox.")
    assert run_one()
    row = QueuedTask.objects.get()
    assert row.died is not None
    assert (row.attempts, row.error) == (1, "There is no such mailbox.")


def test_a_task_of_another_release_waits_for_it(path: Path) -> None:
    write.enqueue("word", str(path))
    QueuedTask.objects.update(task="tests.work.no_such_task")
    assert run_one()
    row = QueuedTask.objects.get()
    assert (row.died, row.error) == (None, "This release has no such task.")


def test_a_path_to_something_else_is_not_called(path: Path) -> None:
    write.enqueue("word", str(path))
    QueuedTask.objects.update(task="os.remove")
    assert run_one()
    assert QueuedTask.objects.get().error == "This release has no such task."


def test_the_text_of_an_unexpected_error_stays_out_of_the_database() -> None:
    row = run_until_dead(break_down, SECRET)
    assert row.error == "ValueError"
    assert SECRET not in whole_database()


def test_a_task_that_is_held_is_not_taken_before_its_lease_ends(path: Path) -> None:
    write.enqueue("word", str(path))
    QueuedTask.objects.update(due=timezone.now() + LEASE, attempts=1)
    assert not run_one()
    let_due()
    assert run_one()
    assert words_in(path) == ["begin word", "end word"]


def test_a_task_that_stops_every_worker_dies(path: Path) -> None:
    write.enqueue("word", str(path))
    QueuedTask.objects.update(attempts=3)
    assert not run_one()
    assert QueuedTask.objects.get().died is not None
    assert words_in(path) == []


@pytest.mark.parametrize("reason", ["", "The disk is full."])
def test_a_worker_that_comes_too_late_changes_nothing_for_the_one_that_has_the_task(reason: str) -> None:
    lose_its_lease.enqueue(reason)
    assert run_one()
    row = QueuedTask.objects.get()
    assert (row.error, row.died) == ("", None)
    assert row.due > timezone.now() + LEASE


def test_queues_take_turns(path: Path) -> None:
    for word in ("a1", "a2", "a3", "b1", "c1", "c2"):
        write.using(queue_name=f"organization-{word[0]}").enqueue(word, str(path))
    turn = Turn()
    while run_one(turn):
        pass
    assert [line.split()[1] for line in words_in(path) if line.startswith("end")] == [
        "a1",
        "b1",
        "c1",
        "a2",
        "c2",
        "a3",
    ]


def test_the_arguments_are_encrypted_except_for_those_that_are_shown(path: Path) -> None:
    write.enqueue("shown", str(path), secret=SECRET)
    dump = whole_database()
    assert "shown" in dump and "tests.work.write" in dump
    assert SECRET not in dump and str(path) not in dump


def test_under_another_secret_key_a_task_dies(path: Path, settings: Settings) -> None:
    write.enqueue("word", str(path))
    settings.SECRET_KEY = "another secret key that is long enough to be one"
    assert run_one()
    row = QueuedTask.objects.get()
    assert row.died is not None
    assert row.error == "SECRET_KEY was changed after it was queued."


def test_an_expired_task_is_not_run_and_loses_its_arguments(path: Path, caplog: pytest.LogCaptureFixture) -> None:
    write.enqueue("word", str(path))
    let_expire()
    assert not run_one()
    assert clean_up() == {"arguments of expired tasks": 1, "dead tasks": 0}
    row = QueuedTask.objects.get()
    assert row.arguments is None and row.died is not None
    assert "Tasks expired" in caplog.text
    assert try_again(QueuedTask.objects.all()) == 0
    assert clean_up() == {"arguments of expired tasks": 0, "dead tasks": 0}
    assert words_in(path) == []


def test_a_dead_task_keeps_its_arguments_until_it_expires_and_is_deleted_after_a_month() -> None:
    row = run_until_dead(fail, "The disk is full.")
    clean_up()
    row.refresh_from_db()
    assert row.arguments is not None
    let_expire()
    clean_up()
    row.refresh_from_db()
    assert row.arguments is None and row.error == "The disk is full."
    QueuedTask.objects.update(died=timezone.now() - DEAD_TIME)
    clean_up()
    assert not QueuedTask.objects.exists()


def test_a_task_is_not_put_off_beyond_its_end() -> None:
    fail.enqueue("The disk is full.")
    QueuedTask.objects.update(expires=timezone.now() + FIRST_PAUSE / 2)
    run_one()
    assert QueuedTask.objects.get().died is not None


def staff(*permissions: str) -> Client:
    user = User.objects.create_user("staff@example.com", is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__in=permissions))
    client = Client()
    client.force_login(user)
    return client


def test_staff_who_may_only_look_cannot_try_again() -> None:
    row = run_until_dead(fail, "The disk is full.")
    client = staff("view_queuedtask")
    assert "The disk is full." in client.get("/admin/tasks/queuedtask/").content.decode()
    client.post("/admin/tasks/queuedtask/", {"action": "try_again", "_selected_action": [row.pk]})
    row.refresh_from_db()
    assert row.died is not None


def test_staff_see_what_died_and_have_it_tried_again(path: Path) -> None:
    write.enqueue("word", str(path))
    QueuedTask.objects.update(attempts=3)
    run_one()
    row = QueuedTask.objects.get()
    client = staff("view_queuedtask", "change_queuedtask")
    page = client.get("/admin/tasks/queuedtask/").content.decode()
    assert "Its worker stopped during every attempt." in page and ">word<" in page
    assert str(path) not in client.get(f"/admin/tasks/queuedtask/{row.pk}/change/").content.decode()
    answer = client.post("/admin/tasks/queuedtask/", {"action": "try_again", "_selected_action": [row.pk]}, follow=True)
    assert "1 of the selected tasks will be tried again." in answer.content.decode()
    run_due()
    assert words_in(path) == ["begin word", "end word"]
