"""What the endpoints for programs answer has the form that clients parse (RFC 6749, sections 5.1 and 5.2)."""

import re
from typing import Any

import httpx2
import pytest

from raster.errors import RateLimited, ServiceUnavailable
from tests.connections.flow import EVERY_GRANT, App, person, register
from tests.factories import Cast
from tests.server import Server

#: What an error_description may hold: ASCII without quotation marks and backslashes.
DESCRIPTION = re.compile(r"[\x20-\x21\x23-\x5B\x5D-\x7E]+")
DEVICE_GRANT = EVERY_GRANT[2]
SECONDS = 60


def check_refusal(response: httpx2.Response) -> None:
    assert response.headers["Content-Type"] == "application/json"
    assert response.headers["Cache-Control"] == "no-store"
    body = response.json()
    assert body.keys() <= {"error", "error_description"}
    assert re.fullmatch(r"[a-z_]+", body["error"])
    assert DESCRIPTION.fullmatch(body.get("error_description", "-")), body


@pytest.mark.parametrize(
    ("path", "form"),
    [
        ("/token", {}),
        ("/token", {"client_id": 'unknown"\\é'}),
        ("/token", {"client_id": "*"}),
        ("/token", {"client_id": "*", "grant_type": 'pass"word\\é'}),
        ("/token", {"client_id": "*", "grant_type": "authorization_code"}),
        ("/token", {"client_id": "*", "grant_type": "authorization_code", "code": 'x"\\é'}),
        ("/token", {"client_id": "*", "grant_type": "refresh_token"}),
        ("/token", {"client_id": "*", "grant_type": "refresh_token", "refresh_token": 'x"\\é'}),
        ("/token", {"client_id": "*", "grant_type": DEVICE_GRANT, "device_code": 'x"\\é'}),
        ("/token", {"client_id": ["*", "*"]}),
        ("/token?code=x", {"client_id": "*", "grant_type": "authorization_code"}),
        ("/revoke", {"client_id": "*"}),
        ("/device_authorization", {"client_id": "*", "scope": 'x"\\é'}),
        ("/device_authorization", {"client_id": "*", "resource": 'x"\\é'}),
    ],
)
def test_a_refusal_is_json_that_nobody_keeps_in_characters_of_the_protocol(
    server: Server, path: str, form: dict[str, Any]
) -> None:
    app = App.registered(server)
    sent = {name: app.client_id if value == "*" else value for name, value in form.items()}
    response = httpx2.post(f"{server.url}{path}", data=sent, timeout=SECONDS)
    assert response.status_code in {400, 401}
    check_refusal(response)


@pytest.mark.parametrize(
    "metadata",
    [
        {"redirect_uris": ['http://x"\\é']},
        {"redirect_uris": "x"},
        {"token_endpoint_auth_method": 'x"\\é'},
        {"response_types": ['x"\\é']},
        {"token_endpoint_auth_method": "private_key_jwt", "jwks_uri": 'x"\\é'},
    ],
)
def test_a_refused_registration_has_the_same_form(server: Server, metadata: dict[str, Any]) -> None:
    response = register(server, **metadata)
    assert response.status_code == 400
    check_refusal(response)


def test_what_is_told_of_waiting_has_the_characters_of_the_protocol() -> None:
    for error in (RateLimited, ServiceUnavailable):
        assert DESCRIPTION.fullmatch(error.default_message)


def test_tokens_come_with_a_number_of_seconds_and_are_kept_by_nobody(server: Server, cast: Cast) -> None:
    app = App.registered(server)
    code = app.allowed(person(server, cast.bob)).headers["location"].partition("code=")[2].partition("&")[0]
    for response in (given := app.exchange(code), app.refresh(given.json()["refresh_token"])):
        assert response.headers["Content-Type"] == "application/json"
        assert response.headers["Cache-Control"] == "no-store"
        told = response.json()
        assert type(told["expires_in"]) is int and told["token_type"] == "Bearer"
