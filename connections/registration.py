"""Clients that register themselves (RFC 7591), and those that staff register."""

import secrets
from dataclasses import dataclass, field

from django.db import transaction

from accounts.limits import Limit
from connections.metadata import ClientMetadata
from connections.models import Client
from connections.secrets import digest

CLIENT_ID_BYTES = 24
SECRET_BYTES = 32
#: Of everybody together; all of them are served.
ALARM = Limit("client registrations", 1000, 3600)


@dataclass(frozen=True, slots=True)
class RegisteredClient:
    """A client that was just registered. This is the one time that its secret is there, if it has one."""

    client: Client
    secret: str = field(repr=False)


def register_client(metadata: ClientMetadata) -> RegisteredClient:
    """Make a client of what it says of itself. Anybody may: it can do nothing until a person allows it to."""
    registered = _make(metadata, Client.Source.REGISTERED)
    ALARM.watch("Far more clients register than people would make")
    return registered


def register_staff_client(metadata: ClientMetadata) -> RegisteredClient:
    """Make a client that staff vouch for."""
    return _make(metadata, Client.Source.STAFF)


def change_staff_client(client_id: int, *, name: str, redirect_uris: list[str]) -> None:
    """Change a client, given by its row. Whoever connected it under another name or address is asked anew."""
    with transaction.atomic():
        client = Client.objects.select_for_update(no_key=True).get(pk=client_id)
        if (client.name, client.redirect_uris) != (name, redirect_uris):
            client.name, client.redirect_uris, client.edition = name, redirect_uris, client.edition + 1
            client.save(update_fields=["name", "redirect_uris", "edition"])


def switch_client(client_id: int, *, is_active: bool) -> None:
    """Serve a client, given by its row, or refuse it everywhere from its next request on."""
    Client.objects.filter(pk=client_id).update(is_active=is_active)


def _make(metadata: ClientMetadata, source: Client.Source) -> RegisteredClient:
    secret = secrets.token_urlsafe(SECRET_BYTES) if metadata.needs_secret else ""
    client = Client.objects.create(
        client_id=secrets.token_urlsafe(CLIENT_ID_BYTES),
        source=source,
        name=metadata.name,
        website=metadata.website,
        redirect_uris=metadata.redirect_uris,
        grant_types=metadata.grant_types,
        authentication=metadata.authentication,
        secret_digest=digest(secret) if secret else None,
        keys=metadata.keys,
        keys_url=metadata.keys_url,
    )
    return RegisteredClient(client, secret)
