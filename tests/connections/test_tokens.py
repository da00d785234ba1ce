"""Codes are exchanged once, refresh tokens are replaced without losing a race, and replays end the connection."""

import base64
import hashlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import httpx2
import pytest
from django.db import connection as database
from django.utils import timezone

from accounts.models import RateCount, User
from connections import secrets
from connections.models import AccessToken, AuthorizationCode, Client, Connection, RefreshToken
from orgs.models import Membership
from tests.connections.factories import RETURN_ADDRESS, connect, make_client, tokens_of
from tests.factories import Cast
from tests.mcp.client import MODERN, call_tool
from tests.server import Server

VERIFIER = "a-verifier-that-only-the-client-knows-0123456789"
CHALLENGE = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).rstrip(b"=").decode()


def give_code(connection: Connection, text: str = "the-code", **fields: Any) -> str:
    Connection.objects.filter(pk=connection.pk).update(redeemed=None)
    AuthorizationCode.objects.create(
        **{
            "connection": connection,
            "digest": secrets.digest(text),
            "redirect_uri": RETURN_ADDRESS,
            "code_challenge": CHALLENGE,
            "expires": timezone.now() + timedelta(seconds=60),
            **fields,
        }
    )
    return text


def ask(server: Server, **form: Any) -> httpx2.Response:
    return httpx2.post(f"{server.url}/token", data={"client_id": "test-app", **form}, timeout=60)


def exchange(server: Server, text: str, /, **form: Any) -> httpx2.Response:
    return ask(
        server,
        **{
            "grant_type": "authorization_code",
            "code": text,
            "redirect_uri": RETURN_ADDRESS,
            "code_verifier": VERIFIER,
            **form,
        },
    )


def refresh(server: Server, token: str, **form: Any) -> httpx2.Response:
    return ask(server, grant_type="refresh_token", refresh_token=token, **form)


def works(server: Server, access: str, path: str = "/mcp") -> bool:
    return call_tool(f"{server.url}{path}", access, MODERN, "whoami", {}).status_code == 200


def refused(response: httpx2.Response, error: str, status: int = 400) -> bool:
    assert response.headers["cache-control"] == "no-store"
    return (response.status_code, response.json()["error"]) == (status, error)


@pytest.fixture
def connection(cast: Cast) -> Connection:
    return connect(cast.bob, make_client(), cast.acme)


# --- Codes -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("form", "error"),
    [
        ({"code": "another"}, "invalid_grant"),
        ({"code_verifier": "another-verifier-that-is-long-enough-0123456789"}, "invalid_grant"),
        ({"code_verifier": ""}, "invalid_grant"),
        ({"redirect_uri": "https://app.example.com/other"}, "invalid_request"),
        ({"redirect_uri": ""}, "invalid_request"),
        ({"client_id": "other-app"}, "invalid_grant"),
        ({"client_id": "unknown"}, "invalid_client"),
        ({"grant_type": "password"}, "unsupported_grant_type"),
        ({"grant_type": "client_credentials"}, "unsupported_grant_type"),
        ({"grant_type": ""}, "unsupported_grant_type"),
        ({"resource": "https://elsewhere.example.com/mcp"}, "invalid_target"),
        ({"resource": "http://localhost/mcp/o/acme"}, "invalid_target"),
    ],
)
def test_a_code_that_does_not_fit_gives_nothing_and_stays_good(
    server: Server, connection: Connection, form: dict[str, str], error: str
) -> None:
    make_client("other-app")
    code = give_code(connection)
    response = exchange(server, code, **form)
    assert response.json()["error"] == error
    assert response.status_code == (401 if error == "invalid_client" else 400)
    assert AccessToken.objects.count() == 0
    assert exchange(server, code).status_code == 200


def test_a_code_gives_tokens_for_what_was_granted(server: Server, connection: Connection) -> None:
    response = exchange(server, give_code(connection))
    assert response.status_code == 200
    assert response.headers["cache-control"] == "no-store"
    answer = response.json()
    assert answer.pop("access_token").startswith("rsto_")
    assert answer.pop("refresh_token").startswith("rstr_")
    assert 3590 <= answer.pop("expires_in") <= 3600
    assert answer == {"token_type": "Bearer", "scope": "library:read library:write"}
    assert works(server, response.json()["access_token"])


def test_the_scope_says_that_write_was_withheld(server: Server, cast: Cast) -> None:
    connection = connect(cast.bob, make_client(), cast.acme, may_write=False)
    assert exchange(server, give_code(connection)).json()["scope"] == "library:read"


@pytest.mark.parametrize(
    ("asked", "scope"),
    [
        ({}, "library:read library:write"),
        ({"asked_offline": True}, "library:read library:write offline_access"),
        ({"asked_read": False}, "library:write"),
        ({"asked_read": False, "may_write": False}, "library:read"),
        ({"asked_write": False, "may_write": False}, "library:read"),
        ({"asked_read": False, "asked_write": False, "may_write": False, "asked_offline": True},
         "library:read offline_access"),
    ],
)  # fmt: skip
def test_the_scope_names_nothing_that_was_not_asked_for_and_the_client_may_refresh(
    server: Server, cast: Cast, asked: dict[str, bool], scope: str
) -> None:
    first = exchange(server, give_code(connect(cast.bob, make_client(), cast.acme, **asked))).json()
    assert first["scope"] == scope
    again = refresh(server, first["refresh_token"]).json()
    assert again["scope"] == scope
    assert refresh(server, again["refresh_token"], scope=scope).json()["scope"] == scope


def test_a_client_without_the_refresh_grant_gets_no_refresh_token(server: Server, cast: Cast) -> None:
    client = make_client(grant_types=["authorization_code"])
    answer = exchange(server, give_code(connect(cast.bob, client, cast.acme, asked_offline=True))).json()
    assert "refresh_token" not in answer
    assert answer["scope"] == "library:read library:write"
    assert RefreshToken.objects.count() == 0


def test_a_code_that_is_used_twice_ends_what_it_gave(server: Server, connection: Connection) -> None:
    code = give_code(connection)
    first = exchange(server, code).json()
    assert works(server, first["access_token"])
    assert refused(exchange(server, code), "invalid_grant")
    assert not works(server, first["access_token"])
    assert refused(refresh(server, first["refresh_token"]), "invalid_grant")
    assert Connection.objects.get().ended is not None


def test_two_exchanges_of_one_code_at_once_never_give_two_live_pairs(server: Server, connection: Connection) -> None:
    code = give_code(connection)
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: exchange(server, code), range(8)))
    assert sorted(answer.status_code for answer in answers) == [200] + [400] * 7
    [given] = [answer.json()["access_token"] for answer in answers if answer.status_code == 200]
    assert not works(server, given)


def test_an_expired_code_is_refused(server: Server, connection: Connection) -> None:
    code = give_code(connection, expires=timezone.now() - timedelta(seconds=1))
    assert refused(exchange(server, code), "invalid_grant")


def test_a_client_may_leave_the_return_address_out_since_pkce_binds_the_code(
    server: Server, connection: Connection
) -> None:
    client = Client.objects.get()
    client.redirect_uris = ["http://127.0.0.1:3000/callback", RETURN_ADDRESS]
    client.save()
    code = give_code(connection, redirect_uri="http://127.0.0.1:4567/callback")
    form = {"grant_type": "authorization_code", "code": code, "code_verifier": VERIFIER}
    assert ask(server, **form).status_code == 200


# --- Resources ---------------------------------------------------------------------------------------------------


def test_a_token_may_be_narrowed_to_a_resource(server: Server, connection: Connection) -> None:
    answer = exchange(server, give_code(connection), resource=f"{server.url.upper()}/mcp/".replace("/MCP", "/mcp"))
    assert answer.status_code == 200, answer.text
    assert AccessToken.objects.get().resource == "mcp"
    assert works(server, answer.json()["access_token"])
    api = refresh(server, answer.json()["refresh_token"], resource=f"{server.url}/api").json()
    assert not works(server, api["access_token"])


def test_a_resource_of_one_organization_is_never_within_another_grant(server: Server, connection: Connection) -> None:
    pair = tokens_of(connection)
    for resource in ("/mcp/o/acme", "/mcp/o/globex", "/mcp/o/unknown", "/other"):
        assert refused(refresh(server, pair.refresh, resource=f"{server.url}{resource}"), "invalid_target")
    assert refresh(server, pair.refresh, resource=f"{server.url}/mcp").status_code == 200


# --- Refresh -----------------------------------------------------------------------------------------------------


def test_a_refresh_replaces_the_token(server: Server, connection: Connection) -> None:
    pair = tokens_of(connection)
    answer = refresh(server, pair.refresh).json()
    assert works(server, answer["access_token"])
    assert answer["refresh_token"] != pair.refresh
    second = refresh(server, answer["refresh_token"])
    assert works(server, second.json()["access_token"])


def test_a_retried_refresh_gives_the_same_pair_with_the_time_that_is_left(
    server: Server, connection: Connection
) -> None:
    pair = tokens_of(connection)
    first = refresh(server, pair.refresh).json()
    AccessToken.objects.filter(digest=secrets.digest(first["access_token"])).update(
        expires=timezone.now() + timedelta(minutes=30)
    )
    again = refresh(server, pair.refresh).json()
    assert {**again, "expires_in": 0} == {**first, "expires_in": 0}
    assert 1790 <= again["expires_in"] <= 1800
    assert RefreshToken.objects.count() == 2


def test_a_retry_after_the_successor_was_used_is_refused_and_ends_nothing(
    server: Server, connection: Connection
) -> None:
    pair = tokens_of(connection)
    first = refresh(server, pair.refresh).json()
    second = refresh(server, first["refresh_token"]).json()
    assert refused(refresh(server, pair.refresh), "invalid_grant")
    assert works(server, second["access_token"])


def test_a_replay_after_two_minutes_ends_the_connection(server: Server, connection: Connection) -> None:
    pair = tokens_of(connection)
    first = refresh(server, pair.refresh).json()
    RefreshToken.objects.filter(digest=secrets.digest(pair.refresh)).update(
        rotated=timezone.now() - timedelta(seconds=121)
    )
    assert refused(refresh(server, pair.refresh), "invalid_grant")
    assert not works(server, first["access_token"])
    assert refused(refresh(server, first["refresh_token"]), "invalid_grant")


def test_parallel_refreshes_never_fail_and_get_one_pair(server: Server, connection: Connection) -> None:
    token = tokens_of(connection).refresh
    rounds = 25 if database.vendor == "postgresql" else 5
    with ThreadPoolExecutor(6) as pool:
        for _ in range(rounds):
            answers = list(pool.map(lambda _, token=token: refresh(server, token), range(6)))
            assert [answer.status_code for answer in answers] == [200] * 6, [answer.text for answer in answers]
            [(access, token)] = {(a.json()["access_token"], a.json()["refresh_token"]) for a in answers}
            assert works(server, access)


@pytest.mark.parametrize(
    ("scope", "expected"),
    [
        ("library:read", "library:read"),
        ("library:read openid", "library:read"),
        ("library:write", "library:write"),
        ("library:read offline_access", "library:read offline_access"),
        ("offline_access", "library:read offline_access"),
    ],
)
def test_a_refresh_may_ask_for_less(server: Server, connection: Connection, scope: str, expected: str) -> None:
    pair = tokens_of(connection)
    narrowed = refresh(server, pair.refresh, scope=scope).json()
    assert narrowed["scope"] == expected
    # The grant itself stays what it was.
    whole = refresh(server, narrowed["refresh_token"]).json()
    assert whole["scope"] == "library:read library:write"


@pytest.mark.parametrize("scope", ["library:write", "organizations:all", "openid", "library:read organizations:all"])
def test_a_refresh_cannot_ask_for_more(server: Server, cast: Cast, scope: str) -> None:
    pair = tokens_of(connect(cast.bob, make_client(), cast.acme, may_write=False))
    assert refused(refresh(server, pair.refresh, scope=scope), "invalid_scope")
    assert refresh(server, pair.refresh).status_code == 200


@pytest.mark.parametrize("loss", ["leaves", "is deactivated", "changed client", "inactive client", "ended", "expired"])
def test_a_connection_that_is_over_is_not_refreshed(server: Server, connection: Connection, loss: str) -> None:
    pair = tokens_of(connection)
    now = timezone.now()
    changes: dict[str, Callable[[], object]] = {
        "leaves": lambda: Membership.objects.filter(user=connection.user).delete(),
        "is deactivated": lambda: User.objects.filter(pk=connection.user_id).update(is_active=False),
        "changed client": lambda: Client.objects.update(edition=2),
        "inactive client": lambda: Client.objects.update(is_active=False),
        "ended": lambda: Connection.objects.update(ended=now),
        "expired": lambda: Connection.objects.update(expires=now),
    }
    changes[loss]()
    response = refresh(server, pair.refresh)
    assert response.json()["error"] == ("invalid_client" if loss == "inactive client" else "invalid_grant")
    if loss in {"leaves", "is deactivated", "changed client"}:
        assert Connection.objects.get().ended is not None


def test_a_refresh_token_is_good_for_thirty_idle_days_and_never_past_the_year(
    server: Server, connection: Connection
) -> None:
    first = refresh(server, tokens_of(connection).refresh).json()["refresh_token"]
    row = RefreshToken.objects.get(digest=secrets.digest(first))
    assert timedelta(days=29, hours=23) < row.expires - timezone.now() <= timedelta(days=30)
    Connection.objects.update(expires=timezone.now() + timedelta(minutes=10))
    answer = refresh(server, first).json()
    assert answer["expires_in"] <= 600
    assert RefreshToken.objects.latest("id").expires == Connection.objects.get().expires
    RefreshToken.objects.update(expires=timezone.now())
    assert refused(refresh(server, answer["refresh_token"]), "invalid_grant")


def test_parallel_replays_end_the_connection_and_none_of_them_waits_for_another(
    server: Server, connection: Connection
) -> None:
    old = [tokens_of(connection).refresh]
    for _ in range(5):
        old.append(refresh(server, old[-1]).json()["refresh_token"])
    RefreshToken.objects.exclude(rotated=None).update(rotated=timezone.now() - timedelta(minutes=5))
    with ThreadPoolExecutor(5) as pool:
        answers = list(pool.map(lambda token: refresh(server, token), old[:5]))
    assert all(refused(answer, "invalid_grant") for answer in answers)
    assert Connection.objects.get().ended is not None


def test_a_connection_is_limited_by_itself_and_a_client_by_each_address(server: Server, connection: Connection) -> None:
    pair = tokens_of(connection)
    other = tokens_of(connect(connection.user, connection.client, all_organizations=True))
    hour = timezone.now() + timedelta(hours=1)
    RateCount.objects.create(name=f"token connection:{connection.pk}", count=600, expires=hour)
    response = refresh(server, pair.refresh)
    assert (response.status_code, response.json()["error"]) == (429, "temporarily_unavailable")
    assert 3500 < int(response.headers["retry-after"]) <= 3600
    RateCount.objects.create(name=f"token client:{connection.client_id} 203.0.113.9", count=6000, expires=hour)
    assert refresh(server, other.refresh).status_code == 200, "another address used the client's id up for itself alone"
    RateCount.objects.filter(name__startswith="token client:").update(count=6000)
    assert refresh(server, other.refresh).status_code == 429


def test_another_clients_refresh_token_is_refused(server: Server, connection: Connection) -> None:
    make_client("other-app")
    pair = tokens_of(connection)
    assert refused(refresh(server, pair.refresh, client_id="other-app"), "invalid_grant")
    assert refused(refresh(server, pair.access), "invalid_grant")
    assert refresh(server, pair.refresh).status_code == 200


# --- Revocation --------------------------------------------------------------------------------------------------


def revoke(server: Server, **form: str) -> httpx2.Response:
    return httpx2.post(f"{server.url}/revoke", data={"client_id": "test-app", **form}, timeout=60)


@pytest.mark.parametrize("which", ["access", "refresh"])
def test_revoking_either_token_ends_the_connection(server: Server, connection: Connection, which: str) -> None:
    pair = tokens_of(connection)
    assert revoke(server, token=getattr(pair, which)).status_code == 200
    assert not works(server, pair.access)
    assert refused(refresh(server, pair.refresh), "invalid_grant")
    assert revoke(server, token=getattr(pair, which), token_type_hint="nonsense").status_code == 200


def test_nobody_revokes_the_token_of_another_client(server: Server, connection: Connection) -> None:
    make_client("other-app")
    pair = tokens_of(connection)
    assert revoke(server, client_id="other-app", token=pair.refresh).status_code == 200
    assert works(server, pair.access)
    assert refused(revoke(server, client_id="unknown", token=pair.refresh), "invalid_client", 401)
    assert refused(revoke(server), "invalid_request")


# --- The endpoint ------------------------------------------------------------------------------------------------


def test_a_token_request_by_another_method_or_with_a_query_is_refused(server: Server, connection: Connection) -> None:
    pair = tokens_of(connection)
    assert httpx2.get(f"{server.url}/token").status_code == 405
    form = {"client_id": "test-app", "grant_type": "refresh_token", "refresh_token": pair.refresh}
    assert httpx2.post(f"{server.url}/token", params=form).status_code in {400, 401}
    assert httpx2.post(f"{server.url}/token?x=1", data=form).status_code == 400
    assert RefreshToken.objects.count() == 1


def test_a_page_of_another_origin_may_call_it_without_cookies(server: Server, connection: Connection) -> None:
    preflight = httpx2.options(
        f"{server.url}/token",
        headers={"Origin": "https://inspector.example.com", "Access-Control-Request-Method": "POST"},
    )
    assert preflight.status_code == 204
    assert preflight.headers["access-control-allow-origin"] == "*"
    assert "access-control-allow-credentials" not in preflight.headers
    assert refresh(server, tokens_of(connection).refresh).headers["access-control-allow-origin"] == "*"
