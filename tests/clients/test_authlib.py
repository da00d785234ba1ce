"""authlib connects a person with private_key_jwt, whose assertions live an hour by default, refreshes and revokes."""

from typing import Any

import pytest
from authlib.common.security import generate_token
from authlib.integrations.requests_client import OAuth2Session, OAuthError
from authlib.oauth2.rfc7523 import PrivateKeyJWT
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from connections.models import Client, Connection
from tests.connections.flow import RETURN_ADDRESS, person, press, register
from tests.connections.signing import SigningKey, key_set, rsa_key
from tests.factories import Cast
from tests.server import Server

pytestmark = pytest.mark.once

API = {"Api-Version": "2026-07-08"}


def pem(key: SigningKey) -> str:
    text: bytes = key.private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return text.decode()


def session_of(server: Server, signs_with: SigningKey, **more: Any) -> OAuth2Session:
    """Return a session of a client that registered an RSA key, signing with this one."""
    registered = register(server, token_endpoint_auth_method="private_key_jwt", jwks=key_set(rsa_key())).json()
    session = OAuth2Session(
        registered["client_id"],
        pem(signs_with),
        token_endpoint_auth_method="private_key_jwt",
        revocation_endpoint_auth_method="private_key_jwt",
        scope="library:read library:write",
        redirect_uri=RETURN_ADDRESS,
        code_challenge_method="S256",
        token_endpoint=f"{server.url}/token",
        **more,
    )
    session.register_client_auth_method(PrivateKeyJWT(f"{server.url}/token"))
    return session


def connected(server: Server, cast: Cast, session: OAuth2Session) -> dict[str, Any]:
    """Have bob allow what the session asks for; return its token."""
    verifier = generate_token(48)
    address, _ = session.create_authorization_url(f"{server.url}/authorize", code_verifier=verifier)
    browser = person(server, cast.bob)
    asked = browser.get(address)
    assert asked.status_code == 303, asked.text
    told = press(browser, browser.get(asked.headers["location"]))
    token: dict[str, Any] = session.fetch_token(authorization_response=told.headers["location"], code_verifier=verifier)
    return token


def test_a_client_that_signs_with_another_key_gets_nothing(server: Server, cast: Cast) -> None:
    with pytest.raises(OAuthError, match="invalid_client"):
        connected(server, cast, session_of(server, rsa_key("stolen")))
    assert Client.objects.get().authentication == "private_key_jwt"


def test_it_connects_refreshes_by_itself_and_revokes(server: Server, cast: Cast) -> None:
    updated: list[dict[str, Any]] = []
    session = session_of(server, rsa_key(), update_token=lambda token, **_: updated.append(token))
    first = connected(server, cast, session)
    assert first["scope"] == "library:read library:write" and 3590 <= first["expires_in"] <= 3600
    me = session.get(f"{server.url}/api/me", headers=API).json()["data"]
    assert me["libraries"] == [{"library": "barcelona", "access": "write"}]

    session.token["expires_at"] = 1
    assert session.get(f"{server.url}/api/me", headers=API).json()["data"] == me
    [second] = updated
    assert second["access_token"] != first["access_token"]

    assert session.revoke_token(f"{server.url}/revoke", second["access_token"]).status_code == 200
    assert Connection.objects.get().ended is not None
    with pytest.raises(OAuthError, match="invalid_grant"):
        session.refresh_token()
