"""The device flow (RFC 8628): how a device without a browser gets a connection that its person approves elsewhere."""

from datetime import datetime, timedelta

from django.db import IntegrityError, transaction
from django.utils import timezone

from accounts.limits import Limit, subject_of_address
from accounts.models import User
from connections import scopes, secrets, tokens
from connections.clients import note_use
from connections.contracts import AskedAuthorization, StartedDevice
from connections.metadata import DEVICE_GRANT
from connections.models import Client, Connection, DeviceAuthorization
from connections.protocol import OAuthError
from orgs.access import Origin
from raster.errors import BadUserInput

LIFETIME = timedelta(minutes=10)
INTERVAL_SECONDS = 5
LONGEST_INTERVAL_SECONDS = 60
#: A device that waits as long as it was told to may be heard a little early.
JITTER = timedelta(seconds=1)
USER_AGENT_LENGTH = 200
MOST_COLLISIONS = 5

STARTS_OF_ADDRESS = Limit("device start", 30, 3600)
STARTS_IN_ALL = Limit("device starts in all", 1000, 3600)

State = DeviceAuthorization.State


def start_device(client: Client, asked: scopes.Asked, resource: str, origin: Origin) -> StartedDevice:
    """Begin a device authorization for a client; ``resource`` is a row of connections/resources.py.

    Raises:
        OAuthError: the client did not register for the device grant.
        RateLimited: too many were begun from this address.
    """
    if DEVICE_GRANT not in client.grant_types:
        raise OAuthError("unauthorized_client", "This client is not registered for the device grant.")
    STARTS_OF_ADDRESS.hit(subject_of_address(origin.address))
    STARTS_IN_ALL.watch("Many device authorizations are begun")
    for _ in range(MOST_COLLISIONS):
        device_code, user_code = secrets.generate(secrets.DEVICE_CODE), secrets.generate_user_code()
        try:
            with transaction.atomic():
                DeviceAuthorization.objects.create(
                    digest=secrets.digest(device_code),
                    user_code_digest=secrets.user_code_digest(user_code),
                    client=client,
                    asked_read=asked.read,
                    asked_write=asked.write,
                    asked_offline=asked.offline,
                    all_organizations=asked.all_organizations,
                    resource=resource,
                    address=origin.address,
                    user_agent=origin.client[:USER_AGENT_LENGTH],
                    interval=INTERVAL_SECONDS,
                    expires=timezone.now() + LIFETIME,
                )
        except IntegrityError:  # somebody holds this user code; another one is as good
            continue
        note_use(client)
        return StartedDevice(device_code, user_code, round(LIFETIME.total_seconds()), INTERVAL_SECONDS)
    raise RuntimeError("No user code is free.")


def asked_by(device: DeviceAuthorization) -> AskedAuthorization:
    """Return what a device asks its person for."""
    return AskedAuthorization(
        client=device.client,
        redirect_uri="",
        state=None,
        code_challenge="",
        scope=device.asked,
        resource=device.resource,
        device=device,
    )


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


def redeem_device(client: Client, device_code: str) -> Connection:
    """Return the connection that a device was allowed, once; the tokens are the caller's to issue.

    Call it in a transaction and catch the error inside of it: a poll that is refused still changes when the next one
    may come, and the row is locked until the tokens are there, so that of parallel polls one gets them.

    Raises:
        OAuthError: in the words of RFC 8628, section 3.5.
    """
    device = _waiting_device(client, device_code)
    now = timezone.now()
    if device is None or device.state == State.REDEEMED:
        raise OAuthError("invalid_grant", "This device code is unknown or was used.")
    if device.expires <= now:
        raise OAuthError("expired_token", "This device code has expired: begin again.")
    if _note_poll(device, now):
        raise OAuthError("slow_down", f"Wait {device.interval} seconds between two requests.")
    if device.state == State.PENDING:
        raise OAuthError("authorization_pending", "Nobody has answered yet.")
    connection = device.connection
    if device.state == State.DENIED or connection is None:
        raise OAuthError("access_denied", "The request was denied.")
    if not tokens.is_alive(connection):
        raise OAuthError("invalid_grant", "This connection has ended.")
    device.state = State.REDEEMED
    device.save(update_fields=["state"])
    return connection


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


def _waiting_device(client: Client, device_code: str) -> DeviceAuthorization | None:
    if not secrets.is_well_formed(device_code, secrets.DEVICE_CODE):
        return None
    locked = DeviceAuthorization.objects.select_for_update(of=("self",))
    own = locked.select_related("connection__client", "connection__user").filter(client=client)
    return own.filter(digest=secrets.digest(device_code)).first()


def _note_poll(device: DeviceAuthorization, now: datetime) -> bool:
    """Remember this poll; return whether it came too early, which makes the device wait longer from now on."""
    interval = timedelta(seconds=device.interval)
    too_early = device.polled is not None and now - device.polled < interval - JITTER
    if too_early:
        device.interval = min(device.interval + INTERVAL_SECONDS, LONGEST_INTERVAL_SECONDS)
    device.polled = now
    device.save(update_fields=["interval", "polled"])
    return too_early
