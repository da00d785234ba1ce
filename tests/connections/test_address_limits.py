"""Whoever has an IPv6 network has more addresses than anybody could count: at every limit it is one."""

from typing import Any

import pytest
from django.test import Client as Browser

from accounts.limits import Limit
from accounts.models import RateCount
from connections import documents
from connections.client_authentication import FAILURE_LIMIT
from connections.clients import find_client
from connections.devices import STARTS_OF_ADDRESS
from connections.operations.devices import CODES_OF_ADDRESS
from connections.views.registration import ADDRESS_LIMIT
from raster.errors import RateLimited
from tests.apikeys.people import sign_in
from tests.connections.factories import make_client
from tests.factories import Cast

ONE, ANOTHER, ELSEWHERE = "2001:db8:0:7::1", "2001:db8:0:7:ffff:1:2:3", "2001:db8:0:8::1"


def use_up(limit: Limit) -> None:
    """Let whoever was counted once have had all of their tries."""
    assert RateCount.objects.filter(name__startswith=f"{limit.name}:").update(count=limit.most) == 1


def post(path: str, address: str, form: dict[str, Any], browser: Browser | None = None, **more: Any) -> int:
    return (browser or Browser()).post(path, form, secure=True, REMOTE_ADDR=address, **more).status_code


@pytest.mark.django_db
def test_registrations() -> None:
    body = {"redirect_uris": ["https://app.example.com/callback"]}

    def register(address: str) -> int:
        return post("/register", address, body, content_type="application/json")

    assert register(ONE) == 201
    use_up(ADDRESS_LIMIT)
    assert (register(ANOTHER), register(ELSEWHERE)) == (429, 201)


@pytest.mark.django_db
def test_readings_of_documents() -> None:
    url = "https://127.0.0.1/client.json"  # no place to read from: counted, and refused
    assert find_client(url, address=ONE) is None
    use_up(documents.ADDRESS_LIMIT)
    with pytest.raises(RateLimited):
        find_client(url, address=ANOTHER)
    assert find_client(url, address=ELSEWHERE) is None


@pytest.mark.django_db
def test_starts_of_devices() -> None:
    make_client()

    def start(address: str) -> int:
        return post("/device_authorization", address, {"client_id": "test-app"})

    assert start(ONE) == 200
    use_up(STARTS_OF_ADDRESS)
    assert (start(ANOTHER), start(ELSEWHERE)) == (429, 200)


def test_wrong_codes(cast: Cast) -> None:
    def type_code(user: Any, address: str) -> int:
        return post("/device", address, {"code": "BCDF-GHJK"}, sign_in(user))

    assert type_code(cast.alice, ONE) == 200
    use_up(CODES_OF_ADDRESS)
    assert (type_code(cast.bob, ANOTHER), type_code(cast.carol, ELSEWHERE)) == (429, 200)


@pytest.mark.django_db
def test_failures_of_a_client_to_prove_who_it_is() -> None:
    make_client(authentication="client_secret_post")

    def fail(address: str) -> int:
        return post("/revoke", address, {"client_id": "test-app", "client_secret": "wrong", "token": "x"})

    assert fail(ONE) == 401
    use_up(FAILURE_LIMIT)
    assert (fail(ANOTHER), fail(ELSEWHERE)) == (429, 401)
