"""How clients prove who they are: by one method, their own, and by an assertion once."""

import base64
import hmac
import json
import time
from datetime import timedelta
from typing import Any
from urllib.parse import quote_plus

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from django.conf import settings
from django.core.cache import cache
from django.db import OperationalError, connection
from django.http import HttpResponse
from django.test import Client as Browser
from django.utils import timezone

from accounts.models import RateCount
from connections import secrets
from connections.assertions import ASSERTIONS_OF_CLIENT, LEEWAY, OLD_KEYS_LIMIT
from connections.clean_up import sweep
from connections.client_authentication import FAILURE_LIMIT
from connections.documents import ADDRESS_LIMIT
from connections.models import Client
from tests.connections.client_bodies import DOCUMENTS
from tests.connections.factories import make_client
from tests.connections.signing import ASSERTION_TYPE, SigningKey, ec_key, key_set, rsa_key
from tests.sites import Site

pytestmark = pytest.mark.django_db
SECRET = "a secret of 43 characters: +/%&= and so on"
JWKS_PATH = "/oauth/jwks.json"


def ask(parameters: dict[str, Any] | None = None, authorization: str | None = None, **more: Any) -> HttpResponse:
    """Revoke a token that is unknown: that is no error for a client that proves who it is."""
    headers = {} if authorization is None else {"Authorization": authorization}
    body = {"token": "unknown", **(parameters or {}), **more}
    response: Any = Browser().post("/revoke", body, secure=True, headers=headers)
    return response  # type: ignore[no-any-return]


def is_accepted(response: HttpResponse) -> bool:
    if response.status_code == 200:
        return True
    assert response.status_code == 401
    assert json.loads(response.content)["error"] == "invalid_client"
    assert response["Cache-Control"] == "no-store"
    return False


def confidential(method: str = "client_secret_basic", client_id: str = "app", **fields: Any) -> Client:
    return make_client(client_id, authentication=method, secret_digest=secrets.digest(SECRET), **fields)


def basic(client_id: str = "app", secret: str = SECRET, *, encode: bool = True) -> str:
    pair = f"{quote_plus(client_id)}:{quote_plus(secret)}" if encode else f"{client_id}:{secret}"
    return "Basic " + base64.b64encode(pair.encode()).decode()


def signing_client(*keys: SigningKey, client_id: str = "app", **fields: Any) -> Client:
    values = {"authentication": "private_key_jwt", "keys": key_set(*keys)["keys"], **fields}
    return make_client(client_id, **values)


def signed(assertion: str, **more: Any) -> HttpResponse:
    return ask({"client_assertion_type": ASSERTION_TYPE, "client_assertion": assertion, **more})


# --- Secrets ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("parameters", "authorization"),
    [
        ({}, None),
        ({"client_id": ""}, None),
        ({"client_id": "unknown"}, None),
        ({"client_id": "app\x00"}, None),
        ({"client_id": "ä" * 100}, None),
        ({"client_id": "a" * 5000}, None),
        ({"client_id": "public", "client_secret": SECRET}, None),
        ({}, basic("public", SECRET)),
        ({"client_id": "basic"}, None),
        ({"client_id": "basic", "client_secret": SECRET}, None),
        ({"client_id": "basic", "client_secret": ""}, None),
        ({}, basic("basic", "")),
        ({}, basic("post", "")),
        ({}, basic("signing", "")),
        ({}, basic("", "")),
        ({}, basic("basic", SECRET + "x")),
        ({}, basic("basic", SECRET[:-1])),
        ({}, basic("basic", SECRET, encode=False)),
        ({}, basic("unknown", SECRET)),
        ({"client_id": "public"}, basic("basic")),
        ({}, "Basic"),
        ({}, "Basic !!!"),
        ({}, "Basic " + base64.b64encode(b"basic").decode()),
        ({}, "Basic " + base64.b64encode(b"\xff:\xff").decode()),
        ({"client_id": "public"}, "Bearer rsto_x"),
        ({"client_id": "post"}, None),
        ({"client_id": "post", "client_secret": "wrong"}, None),
        ({}, basic("post")),
        ({"client_id": "without-secret", "client_secret": "x"}, None),
        ({"client_id": "inactive"}, None),
        ({"client_id": "signing"}, None),
        ({"client_id": "signing", "client_secret": SECRET}, None),
    ],
)
def test_a_client_that_does_not_use_its_own_method_is_refused(
    parameters: dict[str, str], authorization: str | None
) -> None:
    make_client("public")
    confidential(client_id="basic")
    confidential("client_secret_post", "post")
    make_client("without-secret", authentication="client_secret_post")
    make_client("inactive", is_active=False)
    signing_client(ec_key(), client_id="signing", secret_digest=secrets.digest(SECRET))
    response = ask(parameters, authorization)
    assert not is_accepted(response)
    assert response.headers.get("WWW-Authenticate") == ('Basic realm="raster"' if authorization else None)


def test_every_refusal_is_the_same() -> None:
    confidential()
    refusals = [
        ask(authorization=basic(secret="wrong")),
        ask(authorization=basic("unknown")),
        ask(authorization="Basic !!!"),
        ask({"client_id": "app"}, "Digest x"),
    ]
    assert len({refused.content for refused in refusals}) == 1


@pytest.mark.parametrize(
    ("parameters", "authorization"),
    [
        ({"client_id": "app", "client_secret": SECRET}, basic()),
        ({"client_assertion": "x", "client_assertion_type": ASSERTION_TYPE}, basic()),
        ({"client_assertion": "x", "client_id": "app", "client_secret": SECRET}, None),
        ({"client_id": ["app", "app"]}, None),
        ({"client_id": "app", "client_secret": [SECRET, "x"]}, None),
    ],
)
def test_more_than_one_method_at_once_is_an_invalid_request(
    parameters: dict[str, Any], authorization: str | None
) -> None:
    confidential()
    response = ask(parameters, authorization)
    assert response.status_code == 400
    assert json.loads(response.content)["error"] == "invalid_request"


def test_credentials_in_the_query_are_not_read() -> None:
    make_client("app")
    response: Any = Browser().post("/revoke?client_id=app", {"token": "unknown"}, secure=True)
    assert not is_accepted(response)


def test_clients_prove_who_they_are_by_their_own_method() -> None:
    make_client("public")
    confidential(client_id="basic")
    confidential("client_secret_post", "post")
    assert is_accepted(ask({"client_id": "public"}))
    assert is_accepted(ask({"client_id": "public", "client_secret": ""}))
    assert is_accepted(ask(authorization=basic("public", "")))
    assert is_accepted(ask(authorization=basic("basic")))
    assert is_accepted(ask({"client_id": "basic"}, basic("basic").replace("Basic", "basic")))
    assert is_accepted(ask({"client_id": "post", "client_secret": SECRET}))
    assert not Client.objects.exclude(last_used=None).exists()  # its id is no secret: that is no use yet


def test_an_id_and_a_secret_are_form_encoded_in_the_header() -> None:
    confidential(client_id="https://app.example.com/a b:c", source=Client.Source.STAFF)
    assert is_accepted(ask(authorization=basic("https://app.example.com/a b:c")))


def test_a_client_that_fails_too_often_from_an_address_has_to_wait_and_still_gets_in_when_it_is_right() -> None:
    client = confidential()
    for _ in range(FAILURE_LIMIT.most):
        FAILURE_LIMIT.hit(f"{client.pk} 127.0.0.1")
    assert ask(authorization=basic(secret="wrong")).status_code == 429
    assert is_accepted(ask(authorization=basic()))


# --- Signed assertions -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("key", [rsa_key(), ec_key()])
@pytest.mark.parametrize("audience", ["{base}", "{base}/token", ["{base}"], ["{base}/token"]])
def test_a_signed_assertion_is_accepted(key: SigningKey, audience: Any) -> None:
    signing_client(rsa_key(), ec_key())
    wanted = json.loads(json.dumps(audience).replace("{base}", settings.BASE_URL))
    assert is_accepted(signed(key.assertion("app", aud=wanted), client_id="app"))
    assert is_accepted(signed(key.assertion("app", aud=wanted)))


@pytest.mark.parametrize(
    "claims",
    [
        {"iss": None}, {"iss": "other"}, {"sub": None}, {"sub": "other"}, {"iss": "other", "sub": "other"},
        {"aud": None}, {"aud": "https://other.example"}, {"aud": f"{settings.BASE_URL}/"}, {"aud": []},
        {"aud": [settings.BASE_URL, "https://other.example"]}, {"aud": f"{settings.BASE_URL}/authorize"},
        {"aud": {"a": 1}}, {"exp": None}, {"exp": int(time.time()) - 60}, {"exp": int(time.time()) + 5400},
        {"exp": 10**30}, {"exp": float("inf")}, {"exp": str(int(time.time()) + 60)}, {"exp": "soon"},
        {"jti": None}, {"jti": ""}, {"jti": "a" * 501}, {"nbf": int(time.time()) + 100_000}, {"iat": float("inf")},
    ],
)  # fmt: skip
def test_an_assertion_whose_claims_are_not_in_order_is_refused(claims: dict[str, Any]) -> None:
    signing_client(ec_key())
    make_client("other")
    assert not is_accepted(signed(ec_key().assertion("app", **claims)))


def test_an_assertion_may_live_an_hour_and_is_kept_as_long() -> None:
    signing_client(ec_key())
    expires = int(time.time()) + 3600
    assertion = ec_key().assertion("app", exp=expires)
    assert is_accepted(signed(assertion))
    row = RateCount.objects.get(name__startswith="client assertion:")
    assert row.expires.timestamp() > expires + LEEWAY
    assert row.expires.timestamp() < expires + LEEWAY + 5
    sweep()
    assert not is_accepted(signed(assertion))


def test_a_client_can_fill_the_memory_of_assertions_only_so_far() -> None:
    client = signing_client(ec_key())
    signing_client(ec_key(), client_id="other")
    replayed = ec_key().assertion("app")
    assert is_accepted(signed(replayed))
    RateCount.objects.filter(name=f"client assertions:{client.pk}").update(count=ASSERTIONS_OF_CLIENT.most - 1)
    assert not is_accepted(signed(replayed))  # and does not count
    assert is_accepted(signed(ec_key().assertion("app")))
    before = RateCount.objects.filter(name__startswith="client assertion:").count()
    refused = signed(ec_key().assertion("app"))
    assert (refused.status_code, json.loads(refused.content)["error"]) == (429, "temporarily_unavailable")
    assert 0 < int(refused["Retry-After"]) <= 3600
    assert RateCount.objects.filter(name__startswith="client assertion:").count() == before
    assert is_accepted(signed(ec_key().assertion("other")))


def test_an_assertion_is_good_once() -> None:
    signing_client(rsa_key(), ec_key())
    assertion = ec_key().assertion("app", jti="the-one")
    assert is_accepted(signed(assertion))
    assert not is_accepted(signed(assertion))
    assert not is_accepted(signed(rsa_key().assertion("app", jti="the-one")))
    signing_client(ec_key(), client_id="other")
    assert is_accepted(signed(ec_key().assertion("other", jti="the-one")))


def test_what_was_spent_is_kept_where_nothing_is_thrown_away_before_its_time() -> None:
    signing_client(ec_key())
    assertion = ec_key().assertion("app")
    assert is_accepted(signed(assertion))
    cache.clear()
    sweep()
    assert not is_accepted(signed(assertion))
    RateCount.objects.filter(name__startswith="client assertion:").update(expires=timezone.now())
    assert sweep()["rate counts"] == 1


def test_a_database_that_cannot_write_down_what_was_spent_is_no_refusal() -> None:
    signing_client(ec_key())
    assertion = ec_key().assertion("app")

    def full(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        if "INSERT" in sql:
            raise OperationalError("database or disk is full")
        return execute(sql, params, many, context)

    with connection.execute_wrapper(full):
        answer = signed(assertion)
    assert (answer.status_code, json.loads(answer.content)["error"]) == (503, "temporarily_unavailable")
    assert is_accepted(signed(assertion))


def test_an_assertion_with_a_wrong_signature_spends_nothing() -> None:
    signing_client(ec_key())
    stranger = SigningKey(ec_key("stranger").private, "ec-1", "ES256")
    assert not is_accepted(signed(stranger.assertion("app", jti="the-one")))
    assert is_accepted(signed(ec_key().assertion("app", jti="the-one")))


def with_header(assertion: str, **header: str) -> tuple[str, str]:
    """Return what is signed of an assertion, under another header, and its old signature."""
    _, claims, signature = assertion.split(".")
    encoded = base64.urlsafe_b64encode(json.dumps(header).encode()).rstrip(b"=").decode()
    return f"{encoded}.{claims}", signature


def forged(kind: str) -> str:
    good = ec_key().assertion("app")
    unsigned, signature = with_header(good, alg="none", kid="ec-1")
    shared, _ = with_header(good, alg="HS256", kid="ec-1")
    public = ec_key().private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    mac = base64.urlsafe_b64encode(hmac.digest(public, shared.encode(), "sha256")).rstrip(b"=").decode()
    return {
        "unsigned": f"{unsigned}.",
        "said to be unsigned": f"{unsigned}.{signature}",
        "public key as secret": f"{shared}.{mac}",
        "another algorithm": SigningKey(rsa_key().private, "rsa-1", "RS512").assertion("app"),
        "padding that was not agreed": SigningKey(rsa_key().private, "rsa-1", "PS256").assertion("app"),
        "key of another kind": ec_key().assertion("app", header={"kid": "rsa-1"}),
        "key in its own header": SigningKey(ec_key("own").private, "own", "ES256").assertion(
            "app", header={"kid": "ec-1", "jwk": ec_key("own").public(), "jku": "https://evil.example/jwks"}
        ),
        "no key named": ec_key().assertion("app", header={"typ": "JWT"}),
        "no signature": good.rpartition(".")[0] + ".",
        "no assertion": "x.y.z",
        "empty": "",
        "huge": good + "A" * 10_000,
    }[kind]


@pytest.mark.parametrize(
    "kind",
    [
        "unsigned", "said to be unsigned", "public key as secret", "another algorithm",
        "padding that was not agreed", "key of another kind",
        "key in its own header", "no signature", "no assertion", "empty", "huge",
    ],
)  # fmt: skip
def test_a_forged_assertion_is_refused(kind: str) -> None:
    signing_client(rsa_key(), ec_key())
    assert not is_accepted(signed(forged(kind)))


def test_an_assertion_that_names_no_key_is_of_the_only_key() -> None:
    signing_client(ec_key())
    assert is_accepted(signed(forged("no key named")))
    Client.objects.update(keys=key_set(ec_key(), ec_key("ec-2"))["keys"])
    assert not is_accepted(signed(forged("no key named")))


@pytest.mark.parametrize(
    "parameters",
    [
        {"client_id": "other"},
        {"client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:saml2-bearer"},
        {"client_assertion_type": ""},
    ],
)
def test_an_assertion_must_come_with_its_type_and_its_clients_id(parameters: dict[str, str]) -> None:
    signing_client(ec_key())
    make_client("other")
    assert not is_accepted(signed(ec_key().assertion("app"), **parameters))


def test_a_client_of_another_method_cannot_sign() -> None:
    signing_client(ec_key(), authentication="none")
    assert not is_accepted(signed(ec_key().assertion("app")))


# --- Keys on the web -------------------------------------------------------------------------------------------------


def test_keys_are_fetched_once_and_kept_for_a_day(site: Site) -> None:
    client = signing_client(keys=None, keys_url=site.page(JWKS_PATH, key_set(rsa_key())))
    for _ in range(2):
        assert is_accepted(signed(rsa_key().assertion("app")))
    assert site.paths_asked() == [JWKS_PATH]
    Client.objects.update(keys_read=timezone.now() - timedelta(hours=24, seconds=1))
    assert is_accepted(signed(rsa_key().assertion("app")))
    assert site.paths_asked() == [JWKS_PATH] * 2
    client.refresh_from_db()
    assert client.edition == 1


def test_keys_older_than_a_day_are_not_used_while_their_site_is_away(site: Site) -> None:
    signing_client(keys=None, keys_url=site.page(JWKS_PATH, key_set(rsa_key())))
    assert is_accepted(signed(rsa_key().assertion("app")))
    site.page(JWKS_PATH, b"", 503)
    Client.objects.update(keys_read=timezone.now() - timedelta(hours=23))
    assert is_accepted(signed(rsa_key().assertion("app")))
    Client.objects.update(keys_read=timezone.now() - timedelta(hours=24, seconds=1))
    assert not is_accepted(signed(rsa_key().assertion("app")))


def test_an_unknown_key_has_them_read_again_once_a_minute(site: Site) -> None:
    signing_client(keys=None, keys_url=site.page(JWKS_PATH, key_set(rsa_key())))
    assert is_accepted(signed(rsa_key().assertion("app")))
    site.page(JWKS_PATH, key_set(rsa_key(), rsa_key("rsa-2")))
    assert is_accepted(signed(rsa_key("rsa-2").assertion("app")))
    site.page(JWKS_PATH, key_set(rsa_key("rsa-3")))
    assert not is_accepted(signed(rsa_key("rsa-3").assertion("app")))
    assert site.paths_asked() == [JWKS_PATH] * 2


@pytest.mark.parametrize("answer", [{"keys": []}, {"keys": "x"}, {}, b"no JSON", b"[]"])
def test_keys_that_cannot_be_read_let_nobody_in(site: Site, answer: Any) -> None:
    signing_client(keys=None, keys_url=site.page(JWKS_PATH, answer))
    assert not is_accepted(signed(rsa_key().assertion("app")))


def test_keys_are_not_fetched_from_private_addresses(site: Site, settings: Any) -> None:
    url = site.page(JWKS_PATH, key_set(rsa_key()))
    settings.FETCH_ALLOWED_HOSTS = frozenset()
    signing_client(keys=None, keys_url=url)
    assert not is_accepted(signed(rsa_key().assertion("app")))
    assert site.asked == []


def test_a_client_that_makes_keys_be_read_all_the_time_is_stopped(site: Site) -> None:
    client = signing_client(keys=None, keys_url=site.page(JWKS_PATH, b"", 503))
    for _ in range(OLD_KEYS_LIMIT.most):
        OLD_KEYS_LIMIT.hit(client.pk)
    assert not is_accepted(signed(rsa_key().assertion("app")))
    assert len(site.asked) <= 1


def test_an_address_that_had_its_readings_has_no_keys_read_for_any_client(site: Site) -> None:
    for number in (1, 2):
        signing_client(client_id=f"app-{number}", keys=None, keys_url=site.page(JWKS_PATH, key_set(rsa_key())))
    for _ in range(ADDRESS_LIMIT.most - 1):
        ADDRESS_LIMIT.hit("127.0.0.1")
    assert is_accepted(signed(rsa_key().assertion("app-1")))
    assert not is_accepted(signed(rsa_key().assertion("app-2")))
    assert len(site.asked) == 1
    assert not RateCount.objects.filter(
        name=f"{OLD_KEYS_LIMIT.name}:{Client.objects.get(client_id='app-2').pk}"
    ).exists()
    assert is_accepted(signed(rsa_key().assertion("app-1")))


def test_a_client_that_failed_too_often_has_nothing_fetched_and_what_is_right_still_counts(site: Site) -> None:
    client = signing_client(keys=None, keys_url=site.page(JWKS_PATH, key_set(rsa_key())))
    assert is_accepted(signed(rsa_key().assertion("app")))
    for _ in range(FAILURE_LIMIT.most):
        FAILURE_LIMIT.hit(f"{client.pk} 127.0.0.1")
    site.page(JWKS_PATH, key_set(rsa_key("rsa-2")))
    assert signed(rsa_key("rsa-2").assertion("app")).status_code == 429
    assert site.paths_asked() == [JWKS_PATH]
    assert is_accepted(signed(rsa_key().assertion("app")))
    RateCount.objects.filter(name__startswith=FAILURE_LIMIT.name).delete()
    assert is_accepted(signed(rsa_key("rsa-2").assertion("app")))


def test_chatgpts_document_lets_it_sign(site: Site) -> None:
    keys_url = site.page(JWKS_PATH, key_set(rsa_key()))
    path = "/oauth/Ab3kQ9xT0v/client.json"
    url = site.page(path, {**DOCUMENTS["ChatGPT"], "client_id": site.origin + path, "jwks_uri": keys_url})
    assert is_accepted(signed(rsa_key().assertion(url), client_id=url))
    assert is_accepted(signed(rsa_key().assertion(url)))
    assert not is_accepted(ask({"client_id": url}))
    assert site.paths_asked() == [path, JWKS_PATH]


def test_a_key_that_a_document_gives_itself_is_a_day_old_at_most(site: Site) -> None:
    path = "/client.json"
    said = {**DOCUMENTS["ChatGPT"], "client_id": site.origin + path, "jwks_uri": None, "jwks": key_set(ec_key())}
    url = site.page(path, said)
    assert is_accepted(signed(ec_key().assertion(url)))
    site.page(path, b"", 503)
    Client.objects.update(keys_read=timezone.now() - timedelta(hours=24, seconds=1))
    assert not is_accepted(signed(ec_key().assertion(url)))
    site.page(path, {**said, "jwks": key_set(ec_key("ec-2"))})
    assert not is_accepted(signed(ec_key("ec-2").assertion(url)))
    Client.objects.update(change_read=timezone.now() - timedelta(minutes=1))
    assert is_accepted(signed(ec_key("ec-2").assertion(url)))
    assert Client.objects.get().edition == 2
