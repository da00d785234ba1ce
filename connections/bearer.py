"""The one way from a credential to a principal, for every API: from its text, and from its row."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple

from django.db import connection

from accounts.models import User
from apikeys import access as keys
from apikeys import secrets as key_secrets
from connections import access as tokens
from connections import resources, secrets
from connections.tokens import end_if_over
from orgs.access import BearerPrincipal, Origin, Principal, UserPrincipal
from raster.errors import InvalidAPIKey, OrganizationNotFound, Unauthenticated

Rows = Sequence[Sequence[Any]]


class Bearer(NamedTuple):
    """A well-formed credential, and the one statement that finds it: ``%s`` in it stands for ``parameter``."""

    text: str
    statement: str
    parameter: str | bytes

    def principal(self, rows: Rows, origin: Origin, resource: str) -> BearerPrincipal:
        """Return who this is, from the rows that the statement found.

        ``resource`` is the row of connections/resources.py that was called.

        Raises:
            InvalidAPIKey, Unauthenticated: it is none that is good there.
            OrganizationNotFound: it is a key, at the address of an organization that is not its own.
            ConnectionIsOver: it is to be refused, and its connection ended.
        """
        if self.text.startswith(key_secrets.PREFIX):
            principal = keys.principal_from_row(self.text, rows[0] if rows else None, origin)
            if resources.organization_of(resource) not in {None, principal.home.slug}:
                raise OrganizationNotFound
            return principal
        return tokens.principal_from_rows(rows, origin, resource, secrets.digest(self.text))


def read_bearer(text: str) -> Bearer:
    """Return a credential by its prefix, without a look into the database.

    Raises:
        InvalidAPIKey: it begins like an API key and is none.
        Unauthenticated: it is neither a key nor an access token.
    """
    if text.startswith(key_secrets.PREFIX):
        public_id = key_secrets.public_id(text)
        if public_id is None:
            raise InvalidAPIKey
        return Bearer(text, keys.KEY_STATEMENT, public_id)
    if not secrets.is_well_formed(text, secrets.ACCESS_TOKEN):
        raise Unauthenticated("This credential was refused.")
    return Bearer(text, tokens.TOKEN_STATEMENT, secrets.digest(text))


def principal_for_bearer(text: str, origin: Origin, resource: str) -> BearerPrincipal:
    """Return who came with this credential to this resource, by one statement on Django's connection.

    Raises:
        InvalidAPIKey, Unauthenticated: nobody who is let in there.
    """
    bearer = read_bearer(text)
    rows = _rows(bearer.statement, bearer.parameter)
    try:
        return bearer.principal(rows, origin, resource)
    except tokens.ConnectionIsOver as over:
        raise _ended(over) from None


def principal_for_credential(credential: tuple[str, int], made: datetime, origin: Origin) -> Principal:
    """Return who this credential (``Principal.credential``) is at this moment, for what was made with it at ``made``.

    Raises:
        InvalidAPIKey, Unauthenticated: it is good for nothing any more.
    """
    kind, row = credential
    if kind == keys.KeyPrincipal.CREDENTIAL_CLASS:
        found = _rows(keys.KEY_ROW_STATEMENT, row)
        return keys.principal_again(found[0] if found else None, origin, made)
    if kind == UserPrincipal.CREDENTIAL_CLASS:
        user = User.objects.filter(pk=row, is_active=True).first()
        if user is None:
            raise Unauthenticated("This person has no account any more.")
        return UserPrincipal(origin, user)
    try:
        return tokens.principal_from_rows(_rows(tokens.CONNECTION_STATEMENT, row), origin)
    except tokens.ConnectionIsOver as over:
        raise _ended(over) from None


def _rows(statement: str, parameter: str | bytes | int) -> Rows:
    with connection.cursor() as cursor:
        cursor.execute(statement, [parameter])
        rows: Rows = cursor.fetchall()
        return rows


def _ended(over: tokens.ConnectionIsOver) -> Unauthenticated:
    end_if_over(over.connection_id)
    return Unauthenticated(tokens.OVER)
