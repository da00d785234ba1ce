"""Clients, connections and tokens for tests."""

from datetime import timedelta
from typing import Any

from django.utils import timezone

from accounts.models import User
from connections import secrets
from connections.bearer import principal_for_bearer
from connections.models import (
    CONNECTION_LIFETIME,
    AccessToken,
    Client,
    Connection,
    ConnectionMembership,
    RefreshToken,
)
from orgs.access import Origin
from orgs.models import Membership, Organization
from raster.errors import Unauthenticated

RETURN_ADDRESS = "https://app.example.com/callback"
ALL_GRANTS = ["authorization_code", "refresh_token", "urn:ietf:params:oauth:grant-type:device_code"]


def make_client(client_id: str = "test-app", **fields: Any) -> Client:
    """Make a public client that registered itself."""
    return Client.objects.create(
        **{
            "client_id": client_id,
            "source": Client.Source.REGISTERED,
            "name": "Test app",
            "redirect_uris": [RETURN_ADDRESS],
            "grant_types": ALL_GRANTS,
            **fields,
        }
    )


def connect(user: User, client: Client, *organizations: Organization, **fields: Any) -> Connection:
    """Make a connection of a user that reaches these organizations, as after a first token."""
    connection = Connection.objects.create(
        **{
            "user": user,
            "client": client,
            "client_edition": client.edition,
            "asked_write": True,
            "may_write": True,
            "expires": timezone.now() + CONNECTION_LIFETIME,
            "redeemed": timezone.now(),
            **fields,
        }
    )
    for membership in Membership.objects.filter(user=user, organization__in=organizations):
        ConnectionMembership.objects.create(connection=connection, membership=membership)
    return connection


def tokens_of(connection: Connection, **fields: Any) -> secrets.Pair:
    """Give a connection a pair of tokens; ``fields`` are the access token's."""
    pair = secrets.generate_pair()
    now = timezone.now()
    refresh = RefreshToken.objects.create(
        connection=connection, digest=secrets.digest(pair.refresh), expires=now + timedelta(days=30)
    )
    AccessToken.objects.create(
        **{
            "connection": connection,
            "digest": secrets.digest(pair.access),
            "refresh_token": refresh,
            "resource": connection.resource,
            "may_write": connection.may_write,
            "expires": now + timedelta(hours=1),
            **fields,
        }
    )
    return pair


def refused(access: str) -> bool:
    """Return whether an access token is refused by every API, at the moment of asking."""
    try:
        principal_for_bearer(access, Origin("mcp"), "mcp")
    except Unauthenticated:
        return True
    return False
