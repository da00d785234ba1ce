"""requests-oauthlib connects a person and refreshes, and says where it was granted less than it asked for."""

from typing import Any

import httpx2
import pytest
from oauthlib.oauth2 import InvalidGrantError
from requests_oauthlib import OAuth2Session

from connections.models import Connection, RefreshToken
from tests.connections.flow import RETURN_ADDRESS, person, press, register
from tests.factories import Cast
from tests.server import Server

pytestmark = pytest.mark.once

READ_WRITE = ["library:read", "library:write"]
API = {"Api-Version": "2026-07-08"}


def session_of(server: Server, scope: list[str] | None, **registered: Any) -> OAuth2Session:
    """Return a session of an app that registered itself."""
    client_id = register(server, client_name="Python app", **registered).json()["client_id"]
    return OAuth2Session(client_id, redirect_uri=RETURN_ADDRESS, scope=scope, pkce="S256")


def allowed(server: Server, session: OAuth2Session, browser: httpx2.Client, **choices: str) -> str:
    """Have a person allow what the session asks for; return the address that their browser is sent to."""
    address, _ = session.authorization_url(f"{server.url}/authorize")
    asked = browser.get(address)
    assert asked.status_code == 303, asked.text
    told = press(browser, browser.get(asked.headers["location"]), **choices)
    assert told.status_code == 303, told.text
    return told.headers["location"]


@pytest.mark.parametrize(
    "scope",
    [None, READ_WRITE, [*READ_WRITE, "offline_access"], ["library:read"], ["library:write"]],
    ids=["none", "read and write", "offline", "read", "write"],
)
def test_it_connects_and_refreshes_whatever_scope_it_asks_for(
    server: Server, cast: Cast, scope: list[str] | None
) -> None:
    session = session_of(server, scope)
    back = allowed(server, session, person(server, cast.bob))
    first = dict(session.fetch_token(f"{server.url}/token", authorization_response=back))
    assert sorted(first["scope"]) == sorted(scope or READ_WRITE)
    me = session.get(f"{server.url}/api/me", headers=API).json()["data"]
    level = "read" if scope == ["library:read"] else "write"
    assert me["libraries"] == [{"library": "barcelona", "access": level}]

    second = session.refresh_token(f"{server.url}/token", client_id=session.client_id)
    assert second["refresh_token"] != first["refresh_token"] and sorted(second["scope"]) == sorted(first["scope"])
    assert session.get(f"{server.url}/api/me", headers=API).json()["data"] == me


def test_it_refreshes_by_itself_when_its_token_has_expired(server: Server, cast: Cast) -> None:
    session = session_of(server, READ_WRITE)
    back = allowed(server, session, person(server, cast.bob))
    token = session.fetch_token(f"{server.url}/token", authorization_response=back)
    kept: list[dict[str, Any]] = []
    later = OAuth2Session(
        session.client_id,
        scope=READ_WRITE,
        token={**token, "expires_at": 1},
        auto_refresh_url=f"{server.url}/token",
        auto_refresh_kwargs={"client_id": session.client_id},
        token_updater=kept.append,
    )
    assert later.get(f"{server.url}/api/me", headers=API).status_code == 200
    assert len(kept) == 1 and RefreshToken.objects.exclude(rotated=None).count() == 1


def test_a_confidential_client_proves_itself_by_its_secret(server: Server, cast: Cast) -> None:
    registered = register(server, token_endpoint_auth_method="client_secret_basic").json()
    session = OAuth2Session(registered["client_id"], redirect_uri=RETURN_ADDRESS, scope=READ_WRITE, pkce="S256")
    back = allowed(server, session, person(server, cast.bob))
    token = session.fetch_token(
        f"{server.url}/token", authorization_response=back, client_secret=registered["client_secret"]
    )
    assert token["token_type"] == "Bearer"


@pytest.mark.parametrize(
    ("scope", "choices", "granted"),
    [
        (READ_WRITE, {"read_only": "on"}, ["library:read"]),
        (["library:read", "openid"], {}, ["library:read"]),
    ],
    ids=["read only", "unknown scope"],
)
def test_it_says_which_scope_was_not_granted(
    server: Server, cast: Cast, scope: list[str], choices: dict[str, str], granted: list[str]
) -> None:
    session = session_of(server, scope)
    back = allowed(server, session, person(server, cast.bob), **choices)
    with pytest.raises(Warning, match="Scope has changed") as raised:
        session.fetch_token(f"{server.url}/token", authorization_response=back)
    assert raised.value.token["scope"] == granted  # type: ignore[attr-defined]  # what oauthlib puts there
    assert raised.value.new_scope == granted  # type: ignore[attr-defined]


def test_it_is_told_that_its_connection_has_ended(server: Server, cast: Cast) -> None:
    session = session_of(server, READ_WRITE)
    back = allowed(server, session, person(server, cast.bob))
    session.fetch_token(f"{server.url}/token", authorization_response=back)
    Connection.objects.update(ended=Connection.objects.get().created)
    with pytest.raises(InvalidGrantError):
        session.refresh_token(f"{server.url}/token", client_id=session.client_id)
