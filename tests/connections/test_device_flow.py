"""A device begins, polls while its person answers, and gets its tokens once."""

import logging
from datetime import timedelta

import pytest
from django.conf import settings
from django.test import Client as Browser
from django.utils import timezone

from accounts.models import RateCount
from connections import secrets
from connections.devices import STARTS_IN_ALL, STARTS_OF_ADDRESS, deny_device
from connections.ending import end_connection
from connections.models import Client, Connection, DeviceAuthorization
from orgs.models import Membership
from raster.errors import BadUserInput
from tests.apikeys.people import whole_database
from tests.connections.devices import (
    ADDRESS,
    allow,
    begin,
    begun,
    claim,
    error,
    expire,
    let_time_pass,
    person,
    poll,
    row_of,
)
from tests.connections.factories import make_client, refused, tokens_of
from tests.factories import Cast

State = DeviceAuthorization.State


@pytest.fixture(autouse=True)
def app(cast: Cast) -> None:
    make_client()


def test_an_unknown_client_begins_nothing() -> None:
    answer = begin(client_id="nobody")
    assert (answer.status_code, DeviceAuthorization.objects.count()) == (401, 0)


def test_a_client_without_the_device_grant_begins_nothing() -> None:
    make_client("browser-only", grant_types=["authorization_code"])
    assert error(begin(client_id="browser-only")) == "unauthorized_client"
    assert not DeviceAuthorization.objects.exists()


def test_scopes_that_are_all_unknown_begin_nothing() -> None:
    assert error(begin(scope="openid profile")) == "invalid_scope"


def test_parameters_in_the_address_or_sent_twice_begin_nothing() -> None:
    for twice in ("scope", "nonsense"):
        assert error(begin(**{twice: ["library:read", "library:write"]})) == "invalid_request"
    form = {"client_id": "test-app", "scope": "library:read"}
    assert error(Browser().post("/device_authorization?scope=library:write", form, secure=True)) == "invalid_request"
    assert not DeviceAuthorization.objects.exists()
    assert begin(resource=[f"{settings.BASE_URL}/mcp", f"{settings.BASE_URL}/api"]).status_code == 200


@pytest.mark.parametrize("resource", ["https://elsewhere.example/mcp", "/mcp", "not a url", f"{settings.BASE_URL}/x"])
def test_foreign_resources_begin_nothing(resource: str) -> None:
    assert error(begin(resource=resource)) == "invalid_target"


def test_an_organization_that_exists_begins_the_same_as_one_that_does_not() -> None:
    known, unknown = (begin(resource=f"{settings.BASE_URL}/mcp/o/{slug}") for slug in ("acme", "nobody-has-this"))
    assert known.status_code == unknown.status_code == 200
    assert set(known.json()) == set(unknown.json())
    assert len(known.content) == len(unknown.content)


def test_a_device_is_told_what_to_show_and_how_often_to_ask() -> None:
    answer = begin(scope="library:read", resource=f"{settings.BASE_URL}/mcp/o/acme")
    codes = answer.json()
    assert codes["device_code"].startswith("rstd_")
    assert codes["verification_uri"] == f"{settings.BASE_URL}/device"
    assert codes["verification_uri_complete"] == f"{settings.BASE_URL}/device?code={codes['user_code']}"
    assert (codes["expires_in"], codes["interval"]) == (600, 5)
    assert set(codes["user_code"].replace("-", "")) <= set(secrets.USER_CODE_ALPHABET)
    assert len(codes["user_code"]) == 9 and codes["user_code"][4] == "-"
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    row = row_of(codes)
    assert (row.asked_write, row.resource, row.address, row.user_agent) == (False, "mcp/o/acme", ADDRESS, "Box")


def test_beginning_is_a_use_of_a_client_once_a_minute_and_naming_it_is_none() -> None:
    client = Client.objects.get()
    assert error(poll({"device_code": "unknown"})) == "invalid_grant"
    assert error(begin(scope="openid")) == "invalid_scope"
    client.refresh_from_db()
    assert client.last_used is None
    begun()
    for seconds, is_written in ((30, False), (61, True)):
        before = timezone.now() - timedelta(seconds=seconds)
        Client.objects.update(last_used=before)
        begun()
        client.refresh_from_db()
        assert (client.last_used != before) is is_written


def test_neither_code_is_in_the_database() -> None:
    codes = begun()
    everything = whole_database()
    assert codes["device_code"] not in everything
    assert codes["user_code"] not in everything and codes["user_code"].replace("-", "") not in everything


def test_an_address_begins_thirty_times_an_hour() -> None:
    for _ in range(STARTS_OF_ADDRESS.most):
        begun()
    answer = begin()
    assert answer.status_code == 429
    assert int(answer.headers["Retry-After"]) > 3500


def test_very_many_begun_by_everybody_are_logged_and_stop_nobody(caplog: pytest.LogCaptureFixture) -> None:
    begun()
    assert not caplog.records
    RateCount.objects.filter(name__startswith=STARTS_IN_ALL.name).update(count=STARTS_IN_ALL.most)
    with caplog.at_level(logging.WARNING, "raster.limits"):
        begun()
    assert "Many device authorizations" in caplog.text


def test_nothing_is_given_before_a_person_answers(cast: Cast) -> None:
    codes = begun()
    assert error(poll(codes)) == "authorization_pending"
    claim(codes, cast.alice)
    let_time_pass(codes, 5)
    assert error(poll(codes)) == "authorization_pending"


def test_another_client_cannot_fetch_the_tokens(cast: Cast) -> None:
    make_client("thief")
    codes = begun()
    allow(codes, cast.alice, cast.acme)
    assert error(poll(codes, client_id="thief")) == "invalid_grant"
    assert row_of(codes).polled is None
    assert poll(codes).status_code == 200


@pytest.mark.parametrize("code", ["", "rstd_nothing", "x" * 5000, "rstd_" + "a" * 49])
def test_unknown_codes_are_refused(code: str) -> None:
    assert error(poll({"device_code": code})) == "invalid_grant"


def test_a_device_that_was_denied_is_told_so(cast: Cast) -> None:
    codes = begun()
    deny_device(claim(codes, cast.alice), cast.alice)
    assert error(poll(codes)) == "access_denied"


def test_an_expired_code_is_worth_nothing_even_if_it_was_allowed(cast: Cast) -> None:
    codes = begun()
    allow(codes, cast.alice, cast.acme)
    expire(codes)
    assert error(poll(codes)) == "expired_token"


def test_polling_too_fast_slows_down_for_good() -> None:
    codes = begun()
    assert error(poll(codes)) == "authorization_pending"
    assert error(poll(codes)) == "slow_down"
    let_time_pass(codes, 6)
    assert error(poll(codes)) == "slow_down"
    assert row_of(codes).interval == 15
    let_time_pass(codes, 15)
    assert error(poll(codes)) == "authorization_pending"


def test_polling_at_the_interval_is_not_too_fast() -> None:
    codes = begun()
    for _ in range(3):
        assert error(poll(codes)) == "authorization_pending"
        let_time_pass(codes, 4.9)
    assert row_of(codes).interval == 5


def test_an_allowed_device_gets_its_tokens_once(cast: Cast) -> None:
    codes = begun()
    connection = allow(codes, cast.alice, cast.acme)
    tokens = poll(codes).json()
    assert tokens["access_token"].startswith("rsto_") and tokens["refresh_token"].startswith("rstr_")
    connection.refresh_from_db()
    assert connection.redeemed is not None
    assert row_of(codes).state == State.REDEEMED
    let_time_pass(codes, 600)
    assert error(poll(codes)) == "invalid_grant"
    assert connection.access_tokens.count() == 1


def test_a_connection_that_ended_before_it_was_fetched_gives_nothing(cast: Cast) -> None:
    codes = begun()
    connection = allow(codes, cast.alice, cast.acme)
    end_connection(person(cast.alice), connection, "changed her mind")
    assert error(poll(codes)) == "invalid_grant"


def test_a_person_who_left_the_organization_before_it_was_fetched_gives_nothing(cast: Cast) -> None:
    codes = begun()
    connection = allow(codes, cast.bob, cast.acme)
    Membership.objects.filter(user=cast.bob).delete()
    assert error(poll(codes)) == "invalid_grant"
    connection.refresh_from_db()
    assert connection.ended is not None


def test_a_resource_beyond_what_was_granted_does_not_use_the_code_up(cast: Cast) -> None:
    codes = begun(resource=f"{settings.BASE_URL}/mcp/o/acme")
    allow(codes, cast.alice, cast.acme)
    assert error(poll(codes, resource=f"{settings.BASE_URL}/mcp")) == "invalid_target"
    assert row_of(codes).state == State.ALLOWED


def test_nobody_answers_for_the_person_who_typed_the_code(cast: Cast) -> None:
    codes = begun()
    device = claim(codes, cast.alice)
    with pytest.raises(BadUserInput):
        deny_device(device, cast.bob)
    assert row_of(codes).state == State.PENDING


def test_a_code_that_nobody_typed_cannot_be_answered(cast: Cast) -> None:
    codes = begun()
    with pytest.raises(BadUserInput):
        deny_device(row_of(codes), cast.alice)


def test_an_answer_stands(cast: Cast) -> None:
    codes = begun()
    device = claim(codes, cast.alice)
    deny_device(device, cast.alice)
    with pytest.raises(BadUserInput):
        deny_device(device, cast.alice)
    with pytest.raises(BadUserInput):
        claim(codes, cast.alice)


def test_an_expired_request_cannot_be_answered(cast: Cast) -> None:
    codes = begun()
    device = claim(codes, cast.alice)
    DeviceAuthorization.objects.update(expires=timezone.now() - timedelta(seconds=1))
    with pytest.raises(BadUserInput):
        deny_device(device, cast.alice)


def test_ending_the_connection_later_kills_the_devices_tokens(cast: Cast) -> None:
    codes = begun()
    connection = allow(codes, cast.alice, cast.acme)
    access = tokens_of(connection).access
    assert not refused(access)
    end_connection(person(cast.alice), connection, "lost the device")
    assert refused(access)
    assert Connection.objects.get().ended is not None
