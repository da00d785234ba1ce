"""What tests of keys share: browsers that signed in, just now or too long ago, and the whole database as text."""

import html
import re
import time
from typing import Protocol

from allauth.account.authentication import AUTHENTICATION_METHODS_SESSION_KEY
from django.conf import settings
from django.db import connection
from django.test import Client

from accounts.models import User
from apikeys import secrets
from apikeys.access import KEY_STATEMENT, KeyPrincipal, principal_from_row
from orgs.access import Origin

TOO_LONG_AGO = settings.RECENT_SIGN_IN_SECONDS + 1


class Answer(Protocol):
    """What Django's test client gives back."""

    @property
    def content(self) -> bytes: ...


def sign_in(user: User, *, seconds_ago: float = 0) -> Client:
    """Return a browser in which ``user`` signed in that long ago."""
    client = Client(headers={"user-agent": "Tests/1.0"})
    client.force_login(user)
    session = client.session
    session[AUTHENTICATION_METHODS_SESSION_KEY] = [{"method": "password", "at": time.time() - seconds_ago}]
    session["account_authentication_methods_user"] = str(user.pk)
    session.save()
    return client


def sign_in_again(client: Client) -> None:
    """Let the person in this browser prove once more who they are."""
    session = client.session
    session[AUTHENTICATION_METHODS_SESSION_KEY] = [{"method": "password", "at": time.time(), "reauthenticated": True}]
    session.save()


def hidden_field(answer: Answer, name: str) -> str:
    """Return the value of a page's hidden field."""
    found = re.search(rf'<input type="hidden" name="{name}" value="([^"]*)"', answer.content.decode())
    assert found
    return html.unescape(found[1])


def principal_for(text: str) -> KeyPrincipal:
    """Return the principal of a key, as a face makes it.

    Raises:
        InvalidAPIKey: the key is refused.
    """
    with connection.cursor() as cursor:
        cursor.execute(KEY_STATEMENT, [secrets.public_id(text)])
        row = cursor.fetchone()
    return principal_from_row(text, row, Origin("mcp", address="203.0.113.7", user_agent="curl/8.5"))


def whole_database() -> str:
    """Return every value in every table, as text."""
    values: list[object] = []
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f"SELECT * FROM {connection.ops.quote_name(table)}")
            values += [value for row in cursor.fetchall() for value in row]
    return "\n".join(
        bytes(value).decode("latin-1") if isinstance(value, bytes | memoryview) else str(value) for value in values
    )
