"""Clients that register themselves: what is refused, and what each well-known client gets."""

import json
import logging
import time
from typing import Any

import httpx2
import pytest
from django.http import HttpResponse
from django.test import Client as Browser

from accounts.limits import Limit
from connections import registration, secrets
from connections.models import Client
from connections.views.registration import ADDRESS_LIMIT
from tests.connections.client_bodies import CODE_AND_REFRESH, DEVICE_GRANT, REGISTRATIONS
from tests.server import Server

pytestmark = pytest.mark.django_db
RETURN = {"redirect_uris": ["https://app.example.com/callback"]}


def register(body: Any, **headers: str) -> HttpResponse:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Browser().post("/register", content, content_type="application/json", secure=True, headers=headers)  # type: ignore[return-value]


def registered(body: dict[str, Any]) -> dict[str, Any]:
    response = register(body)
    assert response.status_code == 201, response.content
    answer: dict[str, Any] = json.loads(response.content)
    return answer


@pytest.mark.parametrize(
    ("body", "error"),
    [
        ({}, "invalid_redirect_uri"),
        ({"redirect_uris": []}, "invalid_redirect_uri"),
        ({"redirect_uris": "https://app.example.com/callback"}, "invalid_redirect_uri"),
        ({"redirect_uris": [1]}, "invalid_redirect_uri"),
        ({"redirect_uris": ["https://app.example.com/", "javascript:alert(1)"]}, "invalid_redirect_uri"),
        ({"redirect_uris": ["http://app.example.com/"]}, "invalid_redirect_uri"),
        ({"redirect_uris": [f"https://app.example.com/{n}" for n in range(21)]}, "invalid_redirect_uri"),
        ({"redirect_uris": ["javascript:alert(1)"], "grant_types": [DEVICE_GRANT]}, "invalid_redirect_uri"),
        ({**RETURN, "token_endpoint_auth_method": "client_secret_jwt"}, "invalid_client_metadata"),
        ({**RETURN, "token_endpoint_auth_method": ["none"]}, "invalid_client_metadata"),
        ({**RETURN, "token_endpoint_auth_method": "private_key_jwt"}, "invalid_client_metadata"),
        (
            {**RETURN, "token_endpoint_auth_method": "private_key_jwt", "jwks_uri": "http://a.example/jwks"},
            "invalid_client_metadata",
        ),
        (
            {**RETURN, "token_endpoint_auth_method": "private_key_jwt", "jwks": {"keys": [{"kty": ["RSA"]}]}},
            "invalid_client_metadata",
        ),
        (
            {**REGISTRATIONS["ChatGPT"], "token_endpoint_auth_signing_alg": "HS256"},
            "invalid_client_metadata",
        ),
        ({**RETURN, "grant_types": "authorization_code"}, "invalid_client_metadata"),
        ({**RETURN, "response_types": ["token"]}, "invalid_client_metadata"),
        ([], "invalid_client_metadata"),
        ("text", "invalid_client_metadata"),
        (b"", "invalid_client_metadata"),
        (b"{", "invalid_client_metadata"),
        (b"\xff\xfe", "invalid_client_metadata"),
        (b"[" * 60_000, "invalid_client_metadata"),
        (b'{"a": ' + b"9" * 5000 + b"}", "invalid_client_metadata"),
    ],
)
def test_metadata_that_is_not_in_order_is_refused_in_the_protocols_words(body: Any, error: str) -> None:
    response = register(body)
    assert response.status_code == 400
    assert json.loads(response.content)["error"] == error
    assert response["Cache-Control"] == "no-store"
    assert not Client.objects.exists()


def test_a_body_beyond_64_kilobytes_is_refused() -> None:
    response = register({**RETURN, "client_name": "a" * 64 * 1024})
    assert response.status_code == 413
    assert not Client.objects.exists()


def test_only_post_is_answered_and_only_over_https() -> None:
    assert Browser().get("/register", secure=True).status_code == 405
    refused = Browser().post("/register", json.dumps(RETURN), content_type="application/json")
    assert refused.status_code == 403
    assert not Client.objects.exists()


@pytest.mark.parametrize("name", REGISTRATIONS)
def test_what_well_known_clients_send_is_accepted(name: str) -> None:
    body = REGISTRATIONS[name]
    answer = registered(body)
    client = Client.objects.get(client_id=answer["client_id"])
    assert client.source == Client.Source.REGISTERED
    assert client.redirect_uris == answer["redirect_uris"] == body["redirect_uris"]
    assert answer["client_name"] == body["client_name"]
    assert answer["grant_types"] == body["grant_types"]
    assert answer["response_types"] == ["code"]
    assert answer["token_endpoint_auth_method"] == body["token_endpoint_auth_method"]
    assert answer["client_id_issued_at"] == pytest.approx(time.time(), abs=60)
    assert {"library:read"} <= set(answer["scope"].split()) <= {"library:read", "library:write", "offline_access"}
    assert answer.get("application_type") == body.get("application_type")
    assert answer.get("client_uri") == body.get("client_uri")
    assert ("client_secret" in answer) == (body["token_endpoint_auth_method"] == "client_secret_post")


def test_a_client_is_public_unless_it_asks_for_a_secret_and_is_told_so() -> None:
    answer = registered(RETURN)
    assert answer["token_endpoint_auth_method"] == "none"
    assert answer["grant_types"] == CODE_AND_REFRESH
    assert answer["client_name"] == "Unnamed app"
    assert answer["scope"] == "library:read library:write offline_access"
    assert "client_secret" not in answer and "client_secret_expires_at" not in answer
    assert Client.objects.get().secret_digest is None


@pytest.mark.parametrize("method", ["client_secret_basic", "client_secret_post"])
def test_a_secret_is_shown_once_and_only_its_digest_is_kept(method: str) -> None:
    answer = registered({**RETURN, "token_endpoint_auth_method": method})
    client = Client.objects.get()
    assert len(answer["client_secret"]) == 43
    assert answer["client_secret_expires_at"] == 0
    assert bytes(client.secret_digest or b"") == secrets.digest(answer["client_secret"])
    assert client.authentication == answer["token_endpoint_auth_method"] == method


def test_every_registration_gets_an_id_of_its_own_that_nobody_can_guess() -> None:
    first, second = registered(RETURN), registered(RETURN)
    assert first["client_id"] != second["client_id"]
    assert len(first["client_id"]) == 32


def test_unknown_fields_and_grants_are_left_out() -> None:
    body = {
        **RETURN,
        "client_id": "chosen",
        "client_secret": "chosen",
        "is_active": False,
        "source": "staff",
        "grant_types": ["implicit", "authorization_code", "password", "urn:ietf:params:oauth:grant-type:jwt-bearer"],
        "response_types": ["code", "token"],
        "scope": "openid library:read admin organizations:all",
        "contacts": ["alice@example.com"],
        "client_uri": "javascript:alert(1)",
        "jwks_uri": "https://169.254.169.254/",
        "application_type": ["native"],
    }
    answer = registered(body)
    assert answer["client_id"] != "chosen" and "client_secret" not in answer
    assert answer["grant_types"] == ["authorization_code"]
    assert answer["response_types"] == ["code"]
    assert answer["scope"] == "library:read organizations:all"
    assert set(answer) == {
        "client_id", "client_id_issued_at", "client_name", "redirect_uris", "grant_types", "response_types",
        "token_endpoint_auth_method", "scope",
    }  # fmt: skip
    client = Client.objects.get()
    assert client.is_active and client.source == Client.Source.REGISTERED
    assert client.website == client.keys_url == "" and client.logo is None


def test_a_client_without_any_known_grant_gets_the_usual_ones() -> None:
    assert registered({**RETURN, "grant_types": ["implicit"]})["grant_types"] == CODE_AND_REFRESH


def test_a_client_of_the_device_grant_alone_needs_no_return_address() -> None:
    answer = registered({"client_name": "Printer", "grant_types": [DEVICE_GRANT, "refresh_token"]})
    assert answer["redirect_uris"] == [] and answer["response_types"] == []


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("  My \n\t app\x00 ", "My app"),
        ("a\u202eb\u200bc", "a b c"),
        ("\ud800", "Unnamed app"),
        ("a" * 300, "a" * 200),
        ("", "Unnamed app"),
        (None, "Unnamed app"),
        (["Claude"], "Unnamed app"),
        ("写真アプリ", "写真アプリ"),
    ],
)
def test_a_name_is_one_line_that_can_be_stored(given: Any, kept: str) -> None:
    assert registered({**RETURN, "client_name": given})["client_name"] == kept
    assert Client.objects.get().name == kept


def test_a_private_part_in_a_key_is_not_kept() -> None:
    key = {"kty": "EC", "crv": "P-256", "kid": "1", "x": EC_X, "y": EC_Y, "d": "c2VjcmV0", "extra": {"a": 1}}
    answer = registered({**RETURN, "token_endpoint_auth_method": "private_key_jwt", "jwks": {"keys": [key]}})
    kept = {"kty": "EC", "crv": "P-256", "kid": "1", "x": EC_X, "y": EC_Y}
    assert answer["jwks"] == {"keys": [kept]}
    assert Client.objects.get().keys == [kept]


def test_one_address_registers_sixty_clients_an_hour() -> None:
    for _ in range(ADDRESS_LIMIT.most):
        ADDRESS_LIMIT.hit("127.0.0.1")
    response = register(RETURN)
    assert response.status_code == 429
    assert int(response["Retry-After"]) > 3000
    assert not Client.objects.exists()


def test_far_too_many_registrations_in_total_are_served_and_said_once(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(registration, "ALARM", Limit(registration.ALARM.name, 1, 3600))
    caplog.set_level(logging.WARNING, "raster.limits")
    for _ in range(4):
        registered(RETURN)
    assert [record.levelname for record in caplog.records if record.name == "raster.limits"] == ["WARNING"]


def test_a_registration_takes_less_than_ten_milliseconds_of_cpu() -> None:
    browser, body = Browser(), json.dumps({**RETURN, "token_endpoint_auth_method": "client_secret_post"})
    spent = []
    for _ in range(20):
        started = time.process_time()
        answer = browser.post("/register", body, content_type="application/json", secure=True)
        spent.append(time.process_time() - started)
        assert answer.status_code == 201
    assert sorted(spent)[len(spent) // 2] < 0.01


def test_a_page_of_any_origin_may_register_a_client(server: Server) -> None:
    headers = {"Origin": "http://localhost:6274", "Access-Control-Request-Method": "POST"}
    preflight = httpx2.options(f"{server.url}/register", headers=headers)
    assert preflight.status_code == 204
    assert preflight.headers["access-control-allow-origin"] == "*"
    assert "content-type" in preflight.headers["access-control-allow-headers"].lower()
    response = httpx2.post(f"{server.url}/register", json=REGISTRATIONS["MCP Inspector"], headers=headers)
    assert response.status_code == 201
    assert response.headers["access-control-allow-origin"] == "*"
    assert response.headers["cache-control"] == "no-store"
    assert "set-cookie" not in response.headers


# The public point of RFC 7517, appendix A.1.
EC_X = "MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4"
EC_Y = "4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM"
