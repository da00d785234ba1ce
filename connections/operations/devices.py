"""The device flow (RFC 8628): how a device without a browser gets a connection that its person approves elsewhere."""

from django.db import transaction
from django.utils import timezone

from accounts.models import User
from connections.models import Connection, DeviceAuthorization
from raster.errors import BadUserInput

State = DeviceAuthorization.State


def allow_device(device: DeviceAuthorization, connection: Connection) -> None:
    """Let the device fetch the tokens of a connection that its person just made.

    Raises:
        BadUserInput: its code has expired, was answered already, or was typed by somebody else.
    """
    _answer(device, connection.user, State.ALLOWED, connection)


def deny_device(device: DeviceAuthorization, user: User) -> None:
    """Tell the device that its person refused.

    Raises:
        BadUserInput: its code has expired, was answered already, or was typed by somebody else.
    """
    _answer(device, user, State.DENIED, None)


def _answer(device: DeviceAuthorization, user: User, state: State, connection: Connection | None) -> None:
    with transaction.atomic():
        waiting = DeviceAuthorization.objects.select_for_update().filter(
            pk=device.pk, state=State.PENDING, claimed_by=user, expires__gt=timezone.now()
        )
        row = waiting.first()
        if row is None:
            raise BadUserInput("This code has expired or was used. Start again on your device.")
        row.state, row.connection = state, connection
        row.save(update_fields=["state", "connection"])
