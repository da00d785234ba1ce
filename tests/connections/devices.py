"""What tests of the device flow share: a device that begins and polls, and a person who answers it."""

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any, Protocol

from django.db import transaction
from django.test import Client as Browser
from django.utils import timezone

from accounts.models import User
from connections import secrets
from connections.devices import allow_device
from connections.metadata import DEVICE_GRANT
from connections.models import Connection, DeviceAuthorization
from connections.operations.devices import claim_device
from orgs.access import Origin, UserPrincipal
from orgs.models import Organization
from tests.connections.factories import connect

ADDRESS = "203.0.113.7"


class Answer(Protocol):
    """What Django's test client gives back."""

    @property
    def status_code(self) -> int: ...

    @property
    def content(self) -> bytes: ...

    @property
    def headers(self) -> Mapping[str, str]: ...

    @property
    def json(self) -> Callable[[], Any]: ...


def begin(**form: Any) -> Answer:
    """Ask for codes, as a device does."""
    form = {"client_id": "test-app", **form}
    return Browser().post(
        "/device_authorization", form, secure=True, REMOTE_ADDR=ADDRESS, headers={"user-agent": "Box"}
    )


def begun(**form: Any) -> dict[str, Any]:
    """Return the codes that a device gets."""
    answer = begin(**form)
    assert answer.status_code == 200, answer.content
    codes: dict[str, Any] = answer.json()
    return codes


def poll(codes: dict[str, Any], **form: Any) -> Answer:
    """Ask for tokens, as a device does while its person answers."""
    form = {"grant_type": DEVICE_GRANT, "device_code": codes["device_code"], "client_id": "test-app", **form}
    return Browser().post("/token", form, secure=True)


def error(answer: Answer) -> str:
    """Return the protocol's word for why a request was refused."""
    assert answer.status_code == 400, answer.content
    word: str = answer.json()["error"]
    return word


def row_of(codes: dict[str, Any]) -> DeviceAuthorization:
    return DeviceAuthorization.objects.get(digest=secrets.digest(codes["device_code"]))


def person(user: User, address: str = "198.51.100.4") -> UserPrincipal:
    return UserPrincipal(Origin("web", address=address, user_agent="Tests/1.0"), user)


def claim(codes: dict[str, Any], user: User) -> DeviceAuthorization:
    """Let a person type the code."""
    return claim_device(person(user), codes["user_code"])


def allow(codes: dict[str, Any], user: User, *organizations: Organization, **fields: Any) -> Connection:
    """Let a person type the code and allow the device these organizations."""
    device = claim(codes, user)
    fields = {"way": Connection.Way.DEVICE, "redeemed": None, "resource": device.resource, **fields}
    with transaction.atomic():
        connection = connect(user, device.client, *organizations, **fields)
        allow_device(device, connection)
    return connection


def let_time_pass(codes: dict[str, Any], seconds: float) -> None:
    """Make the last poll so much older."""
    row = row_of(codes)
    DeviceAuthorization.objects.filter(pk=row.pk).update(polled=timezone.now() - timedelta(seconds=seconds))


def expire(codes: dict[str, Any]) -> None:
    DeviceAuthorization.objects.filter(pk=row_of(codes).pk).update(expires=timezone.now())
