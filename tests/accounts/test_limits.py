"""How often somebody may do something: who is counted as one, and what happens when it is too often."""

import logging
from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from accounts.limits import Limit, subject_of_address
from accounts.models import RateCount
from raster.errors import RateLimited

LIMIT = Limit("tries", 2, 60)
LOGGER = "raster.limits"


def refused(subject: str | int) -> int:
    with pytest.raises(RateLimited) as caught:
        LIMIT.hit(subject)
    return caught.value.retry_after


@pytest.mark.parametrize(
    ("address", "subject"),
    [
        ("203.0.113.7", "203.0.113.7"),
        ("::ffff:203.0.113.7", "203.0.113.7"),
        ("::ffff:cb00:7107", "203.0.113.7"),
        ("2001:db8:1:2::", "2001:db8:1:2::/64"),
        ("2001:DB8:1:2:ffff:ffff:ffff:ffff", "2001:db8:1:2::/64"),
        ("2001:db8:1:3::1", "2001:db8:1:3::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("::1", "::/64"),
        ("", ""),
        ("no address", "no address"),
    ],
)
def test_an_ipv6_address_is_counted_by_what_its_owner_cannot_change(address: str, subject: str) -> None:
    assert subject_of_address(address) == subject


@pytest.mark.django_db
def test_once_too_often_is_refused_with_the_seconds_that_are_left() -> None:
    for _ in range(LIMIT.most):
        LIMIT.hit("a")
    assert 58 <= refused("a") <= 60
    LIMIT.hit("b")


@pytest.mark.django_db
def test_what_turned_out_right_is_taken_off_the_count_and_nothing_before_it() -> None:
    LIMIT.hit("a")
    for _ in range(3):
        LIMIT.hit("a")
        LIMIT.give_back("a")
    assert RateCount.objects.get().count == 1
    for _ in range(3):
        LIMIT.give_back("a")
    assert RateCount.objects.get().count == 0
    LIMIT.give_back("b")


@pytest.mark.django_db
def test_the_seconds_that_are_left_are_never_too_few() -> None:
    for _ in range(LIMIT.most):
        LIMIT.hit("a")
    RateCount.objects.update(expires=timezone.now() + timedelta(seconds=40.2))
    assert refused("a") == 41


@pytest.mark.django_db
def test_a_new_span_begins_when_the_old_one_is_over() -> None:
    for _ in range(LIMIT.most + 1):
        LIMIT.allows("a")
    assert LIMIT.is_used_up("a")
    RateCount.objects.update(expires=timezone.now())
    assert not LIMIT.is_used_up("a")
    assert LIMIT.allows("a")
    assert RateCount.objects.get().count == 1


@pytest.mark.django_db
def test_a_refusal_needs_no_second_look_at_a_count_that_may_be_gone() -> None:
    for _ in range(LIMIT.most):
        LIMIT.hit("a")

    def vanishing(execute: object, sql: str, params: object, many: bool, context: object) -> object:
        assert sql.lstrip().startswith("INSERT"), "Between two statements a sweep may delete the row."
        return execute(sql, params, many, context)  # type: ignore[operator]  # as Django calls it

    with connection.execute_wrapper(vanishing):
        assert refused("a") > 50
        assert not LIMIT.allows("a")


@pytest.mark.django_db
def test_asking_whether_more_is_allowed_counts_nothing() -> None:
    for _ in range(5):
        assert not LIMIT.is_used_up("a")
    assert [LIMIT.allows("a") for _ in range(3)] == [True, True, False]
    assert LIMIT.is_used_up("a") and not LIMIT.is_used_up("b")


@pytest.mark.django_db
def test_an_alarm_stops_nobody_and_sounds_once_in_a_span(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING, LOGGER)
    for _ in range(6):
        LIMIT.watch("Many tries")
    assert [record.message for record in caplog.records] == ["Many tries"]
    RateCount.objects.update(expires=timezone.now())
    for _ in range(6):
        LIMIT.watch("Many tries")
    assert len(caplog.records) == 2
