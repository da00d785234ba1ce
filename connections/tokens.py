"""Codes into tokens, tokens into their successors, and what becomes of those that are used twice.

Everything here runs in the transaction of one request to the token endpoint, which locks the row that the client
presents: of parallel requests with one code or refresh token, each sees what the one before it left.
"""

from dataclasses import dataclass
from datetime import timedelta

from django.db import transaction
from django.utils import timezone

from connections import resources, scopes, secrets
from connections.ending import end_connection
from connections.models import (
    AccessToken,
    AuthorizationCode,
    Client,
    Connection,
    RefreshToken,
)

ACCESS_LIFETIME = timedelta(hours=1)
REFRESH_IDLE_LIFETIME = timedelta(days=30)
#: How long a refresh token that was just replaced gives the same pair again.
RETRY_TIME = timedelta(minutes=2)


@dataclass(frozen=True, slots=True)
class Issued:
    """A pair as a client gets it. ``seconds`` are those that the access token has left."""

    pair: secrets.Pair
    seconds: int
    scope: str
    may_refresh: bool

    def answer(self) -> dict[str, int | str]:
        """Return it in the words of the protocol (RFC 6749, section 5.1)."""
        refresh = {"refresh_token": self.pair.refresh} if self.may_refresh else {}
        return {
            "access_token": self.pair.access,
            "token_type": "Bearer",
            "expires_in": self.seconds,
            "scope": self.scope,
            **refresh,
        }


def find_code(client: Client, text: str) -> AuthorizationCode | None:
    """Return a client's code if it may be exchanged now, with its row locked.

    A code that was used before ends the connection that it gave (RFC 6749, section 4.1.2).
    """
    code = (
        AuthorizationCode.objects.select_for_update(of=("self",))
        .select_related("connection__client", "connection__user")
        .filter(digest=secrets.digest(text), connection__client=client)
        .first()
    )
    if code is None:
        return None
    if code.used is not None:
        end_connection(None, code.connection, "its code was used twice")
        return None
    if code.expires <= timezone.now() or not is_alive(code.connection):
        return None
    return code


def spend_code(code: AuthorizationCode) -> None:
    """Mark a code as used, whose tokens were made in this transaction."""
    code.used = timezone.now()
    code.save(update_fields=["used"])


def find_refresh_token(client: Client, text: str) -> RefreshToken | None:
    """Return a client's refresh token if it may be used now, with its row locked.

    One that was replaced less than two minutes ago is good for the same successor again, as long as that was not used
    itself. An older one has been copied: it ends the connection (RFC 9700, section 4.14.2).
    """
    if not secrets.is_well_formed(text, secrets.REFRESH_TOKEN):
        return None
    token = (
        RefreshToken.objects.select_for_update(of=("self",))
        .select_related("connection__client", "connection__user")
        .filter(digest=secrets.digest(text), connection__client=client)
        .first()
    )
    now = timezone.now()
    if token is None or token.expires <= now or not is_alive(token.connection):
        return None
    if token.rotated is None:
        return token
    if token.rotated < now - RETRY_TIME:
        end_connection(None, token.connection, "its refresh token was used twice")
        return None
    successor = RefreshToken.objects.filter(predecessor=token, access_token__isnull=False).first()
    if successor is None or successor.rotated is not None:
        return None
    # It differs where the newest pepper was changed meanwhile.
    return token if bytes(successor.digest) == secrets.digest(secrets.successor(text).refresh) else None


def connection_of(text: str) -> int | None:
    """Return the id of the connection of a refresh token, whatever its state; None for any other text."""
    if not secrets.is_well_formed(text, secrets.REFRESH_TOKEN):
        return None
    return RefreshToken.objects.filter(digest=secrets.digest(text)).values_list("connection", flat=True).first()


def is_alive(connection: Connection) -> bool:
    """Return whether a connection still stands for somebody; one that has lost all that it stood for is ended."""
    now = timezone.now()
    if connection.ended is not None or connection.expires <= now or not connection.client.is_active:
        return False
    if connection.client.edition != connection.client_edition:
        end_connection(None, connection, "the app changed its name, return addresses or keys")
        return False
    if not connection.user.is_active or not connection.reached_memberships().exists():
        end_connection(None, connection, "its person lost the access")
        return False
    return True


def end_if_over(connection_id: int) -> None:
    """End a connection that has lost its person or every organization that it was granted."""
    with transaction.atomic():
        is_alive(Connection.objects.select_related("client", "user").get(pk=connection_id))


def issue(connection: Connection, pair: secrets.Pair, resource: str, asked: scopes.Asked) -> Issued:
    """Keep the first pair of tokens of a connection.

    Without the refresh grant the client gets no refresh token, so the row of one is not made.
    """
    now = timezone.now()
    if connection.redeemed is None:
        connection.redeemed = now
        connection.save(update_fields=["redeemed"])
    refresh = _keep_refresh_token(connection, pair, None) if connection.client.may_refresh else None
    return _keep_access_token(connection, pair, refresh, resource, asked)


def replace(token: RefreshToken, pair: secrets.Pair, resource: str, asked: scopes.Asked) -> Issued:
    """Replace a refresh token that :func:`find_refresh_token` returned; the same pair is kept once, however often."""
    if token.rotated is not None:
        kept = AccessToken.objects.get(refresh_token__predecessor=token)
        return _issued(kept, token.connection, pair, asked)
    token.rotated = timezone.now()
    token.save(update_fields=["rotated"])
    successor = _keep_refresh_token(token.connection, pair, token)
    return _keep_access_token(token.connection, pair, successor, resource, asked)


def revoke(client: Client, text: str) -> None:
    """End the connection of a client's token (RFC 7009); a text that is none of its tokens changes nothing."""
    for model, prefix in ((AccessToken, secrets.ACCESS_TOKEN), (RefreshToken, secrets.REFRESH_TOKEN)):
        if secrets.is_well_formed(text, prefix):
            token = model.objects.filter(digest=secrets.digest(text), connection__client=client).first()
            if token is not None:
                end_connection(None, token.connection, "the app ended it")


def narrowed_resource(granted: str, asked: list[str]) -> str | None:
    """Return the row that a token is for, from the ``resource`` parameters of a request; None where it may not be."""
    if not asked:
        return granted
    row = row_of_all(asked)
    return row if row is not None and resources.narrows(row, granted) else None


def row_of_all(asked: list[str]) -> str | None:
    """Return the one row that ``resource`` parameters name together, or None: MCP and API together are unbound."""
    rows = {resources.row_of(text) for text in asked}
    if rows == {resources.MCP, resources.API}:
        return resources.UNBOUND
    return rows.pop() if len(rows) == 1 else None


def scope_of(connection: Connection) -> str:
    """Return the scope that a connection was granted."""
    return _granted_scope(connection, connection.asked, may_write=connection.may_write)


def _granted_scope(connection: Connection, asked: scopes.Asked, *, may_write: bool) -> str:
    return scopes.granted_scope(
        asked,
        may_write=may_write,
        all_organizations=connection.all_organizations,
        may_refresh=connection.client.may_refresh,
    )


def _keep_refresh_token(connection: Connection, pair: secrets.Pair, predecessor: RefreshToken | None) -> RefreshToken:
    return RefreshToken.objects.create(
        connection=connection,
        digest=secrets.digest(pair.refresh),
        predecessor=predecessor,
        expires=min(timezone.now() + REFRESH_IDLE_LIFETIME, connection.expires),
    )


def _keep_access_token(
    connection: Connection, pair: secrets.Pair, refresh: RefreshToken | None, resource: str, asked: scopes.Asked
) -> Issued:
    token = AccessToken.objects.create(
        connection=connection,
        digest=secrets.digest(pair.access),
        refresh_token=refresh,
        resource=resource,
        may_write=asked.write and connection.may_write,
        expires=min(timezone.now() + ACCESS_LIFETIME, connection.expires),
    )
    return _issued(token, connection, pair, asked)


def _issued(token: AccessToken, connection: Connection, pair: secrets.Pair, asked: scopes.Asked) -> Issued:
    seconds = max(0, round((token.expires - timezone.now()).total_seconds()))
    scope = _granted_scope(connection, asked, may_write=token.may_write)
    return Issued(pair, seconds, scope, connection.client.may_refresh)
