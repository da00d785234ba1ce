"""The attacks of RFC 9700, section 4, tried over HTTP: each is refused, and what it was after stays where it was."""

import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import httpx2
import pytest
from django.conf import settings
from django.utils import timezone

from accounts.models import RateCount
from connections.models import AccessToken, AuthorizationCode, AuthorizationRequest, Client, Connection, RefreshToken
from connections.views.registration import ADDRESS_LIMIT
from tests.connections.factories import make_client
from tests.connections.flow import (
    RETURN_ADDRESS,
    App,
    answer,
    challenge_of,
    hidden_fields,
    person,
    press,
    refusal,
    register,
    sign_in,
    whoami,
    works,
)
from tests.factories import Cast
from tests.mcp.client import MODERN, call_tool, rpc_body, rpc_headers
from tests.server import Server

METADATA = "/.well-known/oauth-authorization-server"
EVIL = "https://evil.example/callback"
FAR_AWAY = {"X-Forwarded-Proto": "https", "X-Forwarded-For": "203.0.113.7", "Host": "raster.example.com"}


@pytest.fixture
def app(server: Server, cast: Cast) -> App:
    return App.registered(server)


@pytest.fixture
def alice(server: Server, cast: Cast) -> Iterator[httpx2.Client]:
    with person(server, cast.alice) as browser:
        yield browser


@pytest.fixture
def bob(server: Server, cast: Cast) -> Iterator[httpx2.Client]:
    with person(server, cast.bob) as browser:
        yield browser


def links(page: httpx2.Response) -> list[str]:
    """Return every address in a page's markup."""
    return re.findall(r'(?:href|src|action|data)="([^"]*)"', page.text)


def leads_nowhere(page: httpx2.Response) -> bool:
    """Return whether an answer is a page from which no way leads to another site."""
    return "location" not in page.headers and all(link.startswith(("/", "#")) for link in links(page))


# --- 4.1 Insufficient redirect URI validation --------------------------------------------------------------------


@pytest.mark.parametrize(
    "uri",
    [
        EVIL, f"{RETURN_ADDRESS}/", f"{RETURN_ADDRESS}/../evil", f"{RETURN_ADDRESS}/%2e%2e/evil",
        f"{RETURN_ADDRESS}?x=1", f"{RETURN_ADDRESS}#x", f"{RETURN_ADDRESS}%00", f"{RETURN_ADDRESS}%0d%0aX: y", "https://app.example.com/Callback",
        "https://app.example.com/", "https://app.example.com", "https://APP.example.com/callback",
        "https://app.example.com./callback", "https://app.example.com:443/callback", "http://app.example.com/callback",
        "https://sub.app.example.com/callback", "https://app.example.com.evil.example/callback",
        "https://app.example.com@evil.example/callback", "https://evil.example\\@app.example.com/callback",
        "https://evil.example/?https://app.example.com/callback", "https://аpp.example.com/callback",
        "https://app.example.com/callback;x", "//app.example.com/callback", "/callback", "*", "javascript:alert(1)",
    ],
)  # fmt: skip
def test_4_1_nobody_is_sent_to_an_address_that_is_not_registered_to_the_letter(
    app: App, alice: httpx2.Client, uri: str
) -> None:
    page = app.ask(alice, redirect_uri=uri)
    assert page.status_code == 400
    assert leads_nowhere(page)
    assert not AuthorizationRequest.objects.exists()


def test_4_1_without_an_address_only_the_one_that_is_registered_is_used(server: Server, alice: httpx2.Client) -> None:
    app = App.registered(server)
    told = app.allowed(alice, redirect_uri=None)
    assert told.headers["location"].startswith(f"{RETURN_ADDRESS}?")
    both = register(server, redirect_uris=[RETURN_ADDRESS, "https://app.example.com/other"]).json()["client_id"]
    assert leads_nowhere(App(server, both).ask(alice, redirect_uri=None))


# --- 4.2 Credential leakage by Referer ---------------------------------------------------------------------------


def test_4_2_nothing_that_a_page_loads_or_leads_to_learns_the_address_of_a_request(
    app: App, alice: httpx2.Client
) -> None:
    page = app.shown(alice)
    refused = app.ask(alice, scope="openid")
    unknown = app.ask(alice, redirect_uri=EVIL)
    gone = alice.get("/authorize/nothing")
    for shown in (page, refused, unknown, gone):
        loaded = re.findall(r'<(?:img|script|link|iframe|object)[^>]*?(?:src|href)="([^"]*)"', shown.text)
        assert loaded and all(address.startswith("/static/") for address in loaded)
        assert "default-src 'none'" in shown.headers["content-security-policy"]
    assert page.headers["referrer-policy"] == "same-origin"
    for shown in (refused, unknown, gone, app.ask(alice), press(alice, page)):
        assert shown.headers["referrer-policy"] == "no-referrer"
    assert 'rel="noreferrer"' in refused.text


# --- 4.3 Credential leakage by browser history -------------------------------------------------------------------


def test_4_3_1_a_code_from_the_history_is_worth_nothing(app: App, alice: httpx2.Client) -> None:
    told = answer(app.allowed(alice))
    tokens = app.exchange(told["code"]).json()
    assert refusal(app.exchange(told["code"])) == "invalid_grant"
    assert not works(app.server, tokens["access_token"])
    unused = answer(app.allowed(alice))["code"]
    code = AuthorizationCode.objects.get(used=None)
    assert code.expires - timezone.now() <= timedelta(seconds=60)
    AuthorizationCode.objects.update(expires=timezone.now())
    assert refusal(app.exchange(unused)) == "invalid_grant"


def test_4_3_2_no_token_is_ever_in_an_address(app: App, alice: httpx2.Client) -> None:
    led = [app.ask(alice)]
    page = alice.get(led[0].headers["location"])
    led.append(press(alice, page))
    tokens = app.exchange(answer(led[-1])["code"]).json()
    assert "location" not in app.refresh(tokens["refresh_token"]).headers
    for step in led:
        assert "rsto_" not in step.headers["location"] and "rstr_" not in step.headers["location"]
        assert step.headers["cache-control"] == "no-store"


def test_4_3_2_tokens_are_not_asked_for_or_given_back_by_an_address(app: App, alice: httpx2.Client) -> None:
    tokens = app.connect(alice)
    form = {"client_id": app.client_id, "grant_type": "refresh_token", "refresh_token": tokens["refresh_token"]}
    for path in ("/token", "/revoke"):
        query = urlencode({**form, "token": tokens["access_token"]})
        assert httpx2.get(f"{app.server.url}{path}?{query}").status_code == 405
        assert refusal(httpx2.post(f"{app.server.url}{path}?{query}"), 401) == "invalid_client"
        assert refusal(httpx2.post(f"{app.server.url}{path}?{query}", data=form)) == "invalid_request"
    assert works(app.server, tokens["access_token"])


def test_4_3_the_servers_log_holds_none_of_what_the_flow_showed(app: App, alice: httpx2.Client) -> None:
    page = app.shown(alice)
    told = answer(press(alice, page))
    tokens = app.exchange(told["code"]).json()
    assert works(app.server, tokens["access_token"])
    log = app.server.log.read_text()
    request_id = urlsplit(str(page.url)).path.removeprefix("/authorize/")
    secrets = (told["code"], app.state, app.verifier, request_id, tokens["access_token"], tokens["refresh_token"])
    assert not [secret for secret in secrets if secret in log]


# --- 4.4 Mix-up --------------------------------------------------------------------------------------------------


def test_4_4_every_answer_names_its_giver_once_whether_it_is_a_code_or_an_error(
    server: Server, cast: Cast, alice: httpx2.Client
) -> None:
    issuer = httpx2.get(server.url + METADATA).json()
    assert issuer["authorization_response_iss_parameter_supported"] is True
    mixed_up = "https://app.example.com/callback?iss=https%3A%2F%2Fevil.example&%69ss=evil"
    make_client("staff-app", source=Client.Source.STAFF, redirect_uris=[RETURN_ADDRESS, mixed_up])
    for uri in (RETURN_ADDRESS, mixed_up):
        app = App(server, "staff-app", uri)
        answers = [
            app.allowed(alice),
            press(alice, app.shown(alice), "cancel"),
            app.ask(alice, scope="openid"),
            app.ask(alice, resource="https://evil.example/mcp"),
            app.ask(alice, code_challenge=None),
            app.ask(alice, response_type="token"),
        ]
        told = [answer(each) for each in answers]
        assert {each["iss"] for each in told} == {issuer["issuer"]} == {server.url}
        assert ["code" in each for each in told] == [True] + [False] * 5
        assert {each["state"] for each in told} == {app.state}


# --- 4.5 Authorization code injection ----------------------------------------------------------------------------


def test_4_5_a_stolen_code_is_worth_nothing_in_the_thiefs_own_flow_with_the_same_app(
    server: Server, app: App, alice: httpx2.Client, bob: httpx2.Client
) -> None:
    stolen = answer(app.allowed(alice))["code"]
    thief = App(server, app.client_id)
    answer(thief.allowed(bob))
    assert refusal(thief.exchange(stolen)) == "invalid_grant"
    assert not AccessToken.objects.exists()
    assert app.exchange(stolen).status_code == 200


def test_4_5_a_stolen_code_is_worth_nothing_to_another_app(server: Server, app: App, alice: httpx2.Client) -> None:
    other = App.registered(server)
    stolen = answer(app.allowed(alice))["code"]
    assert refusal(other.exchange(stolen, code_verifier=app.verifier)) == "invalid_grant"
    assert app.exchange(stolen).status_code == 200


def test_4_5_a_code_is_for_the_return_address_that_it_was_sent_to(server: Server, alice: httpx2.Client) -> None:
    both = [RETURN_ADDRESS, "https://app.example.com/other"]
    app = App(server, register(server, redirect_uris=both).json()["client_id"])
    code = answer(app.allowed(alice))["code"]
    for uri in ("https://app.example.com/other", f"{RETURN_ADDRESS}/", EVIL):
        assert refusal(app.exchange(code, redirect_uri=uri)) == "invalid_request"
    assert app.exchange(code).status_code == 200


# --- 4.6 Access token injection ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "kind", ["token", "id_token", "code token", "code id_token", "id_token token", "none", "CODE", "code code"]
)
def test_4_6_no_answer_brings_a_token_so_none_can_be_slipped_in(app: App, alice: httpx2.Client, kind: str) -> None:
    for fragment in ({}, {"response_mode": "fragment"}):
        page = app.ask(alice, response_type=kind, **fragment)
        assert page.status_code == 400 and "location" not in page.headers
        assert "access_token" not in page.text and "id_token" not in page.text.replace(kind, "")
    assert not AuthorizationRequest.objects.exists()
    assert httpx2.get(app.server.url + METADATA).json()["response_types_supported"] == ["code"]


# --- 4.7 Cross-site request forgery ------------------------------------------------------------------------------


@pytest.mark.parametrize("attack", ["no token", "token of another", "own site", "null", "no cookie"])
def test_4_7_another_site_cannot_press_allow(app: App, alice: httpx2.Client, bob: httpx2.Client, attack: str) -> None:
    page = app.shown(alice)
    fields: dict[str, Any] = {}
    headers = {}
    if attack == "no token":
        fields["csrfmiddlewaretoken"] = None
    elif attack == "token of another":
        fields["csrfmiddlewaretoken"] = hidden_fields(app.shown(bob).text)["csrfmiddlewaretoken"]
    elif attack == "no cookie":
        alice.cookies.delete(settings.CSRF_COOKIE_NAME)
    else:
        headers["Origin"] = "null" if attack == "null" else "https://evil.example"
    alice.headers.update(headers)
    refused = press(alice, page, **fields)
    assert refused.status_code == 403 and "location" not in refused.headers
    assert not Connection.objects.exists()
    assert AuthorizationRequest.objects.filter(spent=None).exists()


def test_4_7_another_site_cannot_sign_a_person_in_as_somebody_else(app: App, cast: Cast) -> None:
    with httpx2.Client(base_url=app.server.url) as browser:
        page = app.ask(browser)
        assert browser.post(page.headers["location"], data={"login": "dave@example.com"}).status_code == 403
        signed_in = sign_in(browser, cast.bob, page)
        shown = browser.get(browser.get(signed_in.headers["location"]).headers["location"])
        assert "bob@example.com" in shown.text


@pytest.mark.parametrize(
    "state",
    ["a", "a b+c&d=e#f?g%25", "%2B%01", '{"a": "b"}', "Zürich 東京 🗺", "x" * 4096, "=", "&iss=evil"],
)
def test_4_7_the_state_comes_back_as_it_was_sent(app: App, alice: httpx2.Client, state: str) -> None:
    app.state = state
    assert answer(app.allowed(alice))["state"] == state
    assert answer(press(alice, app.shown(alice), "cancel"))["state"] == state


# --- 4.8 PKCE downgrade ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "changes",
    [
        {"code_challenge": None, "code_challenge_method": None},
        {"code_challenge": None},
        {"code_challenge": ""},
        {"code_challenge_method": None},
        {"code_challenge_method": ""},
        {"code_challenge_method": "plain"},
        {"code_challenge_method": "s256"},
        {"code_challenge_method": ["S256", "plain"]},
        {"code_challenge_method": ["plain", "S256"]},
        {"code_challenge": ["a" * 43, "b" * 43]},
        {"code_challenge": "a" * 42},
        {"code_challenge": "a" * 42 + "="},
    ],
)
def test_4_8_a_request_without_a_challenge_of_sha_256_gets_no_code(
    app: App, alice: httpx2.Client, changes: dict[str, Any]
) -> None:
    page = app.ask(alice, **changes)
    assert page.status_code == 400
    assert "invalid_request" in page.text
    assert not AuthorizationRequest.objects.exists()


@pytest.mark.parametrize("verifier", [None, "", "the challenge", "plain", "x" * 43, "a", "x" * 129])
def test_4_8_a_code_needs_the_verifier_of_its_challenge(app: App, alice: httpx2.Client, verifier: str | None) -> None:
    code = answer(app.allowed(alice))["code"]
    form: dict[str, Any] = {"code_verifier": verifier}
    if verifier == "the challenge":
        form["code_verifier"] = challenge_of(app.verifier)
    elif verifier == "plain":
        form |= {"code_verifier": challenge_of(app.verifier), "code_challenge_method": "plain"}
    assert refusal(app.exchange(code, **form)) in {"invalid_grant", "invalid_request"}
    assert not AccessToken.objects.exists()
    assert httpx2.get(app.server.url + METADATA).json()["code_challenge_methods_supported"] == ["S256"]


# --- 4.9 Access token leakage at the resource server -------------------------------------------------------------


def test_4_9_1_a_counterfeit_resource_server_gets_no_token_made_out_to_it(app: App, alice: httpx2.Client) -> None:
    port = urlsplit(app.server.url).port
    for resource in (
        "https://evil.example/mcp", f"http://evil.example:{port}/mcp", f"http://localhost.evil.example:{port}/mcp",
        f"http://localhost:{port}@evil.example/mcp", f"http://localhost:{port}/mcp/../evil", "", "mcp",
        f"http://localhost:{port}/mcp#x", f"http://localhost:{port}/mcp?x",
    ):  # fmt: skip
        assert "invalid_target" in app.ask(alice, resource=resource).text
    code = answer(app.allowed(alice))["code"]
    assert refusal(app.exchange(code, resource="https://evil.example/mcp")) == "invalid_target"
    mixed = [f"{app.server.url}/mcp", "https://evil.example/mcp"]
    assert refusal(app.exchange(code, resource=mixed)) == "invalid_target"


def test_4_9_2_a_token_that_one_resource_saw_is_worth_nothing_at_another(
    app: App, cast: Cast, alice: httpx2.Client
) -> None:
    base = app.server.url
    places = ("/mcp", "/mcp/o/acme", "/mcp/o/globex")
    for resource, good in (("/mcp", {"/mcp"}), ("/mcp/o/acme", {"/mcp/o/acme"}), ("/api", set())):
        token = app.connect(alice, resource=f"{base}{resource}")["access_token"]
        assert {place for place in places if works(app.server, token, place)} == good


def test_4_9_a_token_counts_in_the_authorization_header_alone(app: App, alice: httpx2.Client) -> None:
    token = app.connect(alice)["access_token"]
    url = app.server.mcp_url
    body = rpc_body(MODERN, "tools/call", {"name": "whoami", "arguments": {}})
    headers = rpc_headers(MODERN, "tools/call", "whoami")
    tries = [
        httpx2.post(f"{url}?access_token={token}", json=body, headers=headers),
        httpx2.post(f"{url}?token={token}", json=body, headers=headers),
        httpx2.post(url, json={**body, "access_token": token}, headers=headers),
        httpx2.post(url, data={"access_token": token}),
        httpx2.post(
            url, json=body, headers={**headers, "Cookie": f"access_token={token}; Authorization=Bearer {token}"}
        ),
        httpx2.post(url, json=body, headers={**headers, "X-Authorization": f"Bearer {token}"}),
        httpx2.post(url, json=body, headers={**headers, "Authorization": f"Basic {token}"}),
        httpx2.post(url, json=body, headers={**headers, "Authorization": token}),
        httpx2.post(url, json=body, headers={**headers, "X-Api-Key": token}),
    ]
    assert {attempt.status_code for attempt in tries} == {401}
    assert works(app.server, token)


# --- 4.10 Misuse of stolen access tokens -------------------------------------------------------------------------


@pytest.mark.parametrize("way", ["the app revokes", "the app revokes the refresh token", "the person disconnects"])
def test_4_10_a_stolen_token_ends_with_the_next_request_after_it_is_taken_back(
    app: App, alice: httpx2.Client, way: str
) -> None:
    tokens = app.connect(alice)
    assert tokens["expires_in"] <= 3600
    assert works(app.server, tokens["access_token"])
    if way == "the person disconnects":
        page = alice.get("/settings/connected-apps")
        form = {"csrfmiddlewaretoken": hidden_fields(page.text)["csrfmiddlewaretoken"]}
        alice.post(f"/settings/connected-apps/{Connection.objects.get().pk}/disconnect", data=form)
    else:
        given_back = tokens["refresh_token" if "refresh" in way else "access_token"]
        form = {"client_id": app.client_id, "token": given_back}
        assert httpx2.post(f"{app.server.url}/revoke", data=form).status_code == 200
    assert not works(app.server, tokens["access_token"])
    assert refusal(app.refresh(tokens["refresh_token"])) == "invalid_grant"


# --- 4.11 Open redirection ---------------------------------------------------------------------------------------


def test_4_11_2_nobody_is_led_on_by_a_link_to_an_app_that_anybody_could_register(
    server: Server, alice: httpx2.Client
) -> None:
    phishing = App.registered(server, EVIL, client_name="Raster sign-in")
    for changes in ({"scope": "nonsense"}, {"response_type": "token"}, {"code_challenge": None}, {"resource": "x"}):
        page = phishing.ask(alice, **changes)
        assert page.status_code == 400 and "location" not in page.headers
        [way] = [link for link in links(page) if "evil.example" in link]
        assert page.text.count(f'<a class="button" href="{way}" rel="noreferrer">Return to evil.example</a>') == 1
        assert "http-equiv" not in page.text


def test_4_11_2_before_signing_in_every_request_leads_to_the_sign_in_page(server: Server, app: App) -> None:
    for changes in ({}, {"client_id": "unknown"}, {"redirect_uri": EVIL}, {"scope": "nonsense"}):
        page = httpx2.get(server.url + app.address(**changes))
        assert page.status_code == 302
        assert page.headers["location"].startswith("/login?next=/authorize%3F")


@pytest.mark.parametrize(
    "place",
    [EVIL, "//evil.example", "/\\evil.example", "https:evil.example", "javascript:alert(1)", "\t//evil.example"],
)
def test_4_11_2_signing_in_and_out_leads_to_no_other_site(
    server: Server, cast: Cast, alice: httpx2.Client, place: str
) -> None:
    with httpx2.Client(base_url=server.url) as browser:
        start = httpx2.Response(302, headers={"location": f"/login?{urlencode({'next': place})}"})
        signed_in = sign_in(browser, cast.bob, start)
        assert (signed_in.status_code, signed_in.headers["location"]) == (302, "/")
    form = {**hidden_fields(alice.get("/logout").text), "next": place}
    assert alice.post("/logout", data=form).headers["location"] == "/"


# --- 4.12 307 redirect -------------------------------------------------------------------------------------------


def test_4_12_no_redirect_makes_a_browser_send_a_form_again(server: Server, app: App, cast: Cast) -> None:
    with httpx2.Client(base_url=server.url) as browser:
        signed_in = sign_in(browser, cast.alice, app.ask(browser))
        assert signed_in.status_code == 302  # which browsers follow with GET
        asked = browser.get(signed_in.headers["location"])
        assert asked.status_code == 303
        for decision in ("allow", "cancel"):
            answered = press(browser, app.shown(browser), decision)
            assert answered.status_code == 303
            again = press(browser, app.shown(browser), decision)
            assert again.status_code == 303
        page = browser.get("/device")
        form = {"client_id": app.client_id}
        codes = httpx2.post(f"{server.url}/device_authorization", data=form).json()
        typed = browser.post("/device", data={**hidden_fields(page.text), "code": codes["user_code"]})
        assert typed.status_code in {302, 303}


# --- 4.13 TLS terminating reverse proxies ------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/token", "/revoke", "/register", "/device_authorization", METADATA, "/mcp"])
def test_4_13_whoever_is_no_proxy_cannot_claim_to_have_come_over_https(
    transactional_db: None, in_the_open: Server, path: str
) -> None:
    for claim in (
        {"X-Forwarded-Proto": "https"}, {"X-Forwarded-Ssl": "on"}, {"Forwarded": "proto=https;host=raster.example.com"},
        {"X-Forwarded-Scheme": "https"}, {"Front-End-Https": "on"}, {"X-Url-Scheme": "https"},
    ):  # fmt: skip
        response = httpx2.post(in_the_open.url + path, headers={"Host": "raster.example.com", **claim})
        assert response.json()["error"]["code"] == "HTTPS_REQUIRED"


@pytest.mark.parametrize(
    "name",
    ["X-Forwarded-Host", "X-Host", "X-Original-Host", "X-Forwarded-Server", "X-HTTP-Host-Override", "Forwarded",
     "X-Forwarded-Port", "X-Forwarded-Prefix", "X-Script-Name", "X-Original-URL", "X-Rewrite-URL"],
)  # fmt: skip
def test_4_13_no_header_of_a_client_changes_what_the_server_says_of_itself(
    transactional_db: None, behind_proxy: Server, name: str
) -> None:
    value = "host=evil.example" if name == "Forwarded" else "evil.example"
    paths = (METADATA, "/.well-known/oauth-protected-resource/mcp", "/authorize?client_id=x", "/device", "/login")
    for method, path in [*(("GET", path) for path in paths), ("POST", "/mcp"), ("POST", "/token")]:
        plain = httpx2.request(method, behind_proxy.url + path, headers=FAR_AWAY)
        tricked = httpx2.request(method, behind_proxy.url + path, headers={**FAR_AWAY, name: value})
        assert tricked.status_code == plain.status_code != 500
        for header in ("location", "www-authenticate"):
            assert tricked.headers.get(header) == plain.headers.get(header)
        assert "evil" not in tricked.text and "evil" not in str(tricked.headers)


def test_4_13_a_made_up_address_in_front_of_the_true_one_gets_nobody_around_a_limit(
    transactional_db: None, behind_proxy: Server
) -> None:
    def registering(forwarded: str) -> int:
        headers = {**FAR_AWAY, "X-Forwarded-For": forwarded}
        body = {"redirect_uris": [RETURN_ADDRESS]}
        return httpx2.post(f"{behind_proxy.url}/register", json=body, headers=headers).status_code

    assert registering("203.0.113.7") == 201
    RateCount.objects.filter(name__startswith=ADDRESS_LIMIT.name).update(count=ADDRESS_LIMIT.most)
    assert registering("203.0.113.7") == 429
    assert registering("198.51.100.1, 203.0.113.7") == 429
    assert registering("127.0.0.1, 203.0.113.7") == 429
    assert registering("nonsense, 203.0.113.7, 127.0.0.1") == 429
    assert registering("203.0.113.8") == 201


def test_4_13_headers_that_name_a_user_or_a_certificate_let_nobody_in(
    transactional_db: None, behind_proxy: Server, cast: Cast
) -> None:
    make_client("secret-app", authentication=Client.Authentication.BASIC)
    names = ("Remote-User", "X-Remote-User", "X-Forwarded-User", "X-Forwarded-Email", "X-SSL-Client-S-DN")
    claims = dict.fromkeys(names, "alice@example.com")
    headers = {**FAR_AWAY, **claims, "X-SSL-Client-Verify": "SUCCESS", "X-Client-Cert": "secret-app"}
    for path in ("/authorize?client_id=secret-app", "/device", "/settings/connected-apps"):
        assert httpx2.get(behind_proxy.url + path, headers=headers).headers["location"].startswith("/login?next=")
    form = {"client_id": "secret-app", "grant_type": "refresh_token", "refresh_token": "x"}
    assert httpx2.post(f"{behind_proxy.url}/token", data=form, headers=headers).json()["error"] == "invalid_client"
    assert httpx2.post(f"{behind_proxy.url}/mcp", headers=headers).status_code == 401


# --- 4.14 Refresh token protection -------------------------------------------------------------------------------


def test_4_14_a_refresh_token_is_replaced_and_its_replay_ends_the_connection(app: App, alice: httpx2.Client) -> None:
    first = app.connect(alice)
    second = app.refresh(first["refresh_token"]).json()
    assert second["refresh_token"] != first["refresh_token"]
    RefreshToken.objects.filter(rotated__isnull=False).update(rotated=timezone.now() - timedelta(minutes=3))
    assert refusal(app.refresh(first["refresh_token"])) == "invalid_grant"
    assert refusal(app.refresh(second["refresh_token"])) == "invalid_grant"
    assert not works(app.server, second["access_token"])


def test_4_14_a_refresh_token_is_of_its_client_alone(server: Server, app: App, alice: httpx2.Client) -> None:
    tokens = app.connect(alice)
    thief = App.registered(server)
    assert refusal(thief.refresh(tokens["refresh_token"])) == "invalid_grant"
    assert refusal(app.token(client_id=None, grant_type="refresh_token", **tokens), 401) == "invalid_client"
    assert app.refresh(tokens["refresh_token"]).status_code == 200


def test_4_14_a_clients_refresh_token_needs_its_secret(server: Server, alice: httpx2.Client) -> None:
    said = register(server, token_endpoint_auth_method="client_secret_post").json()
    app, secret = App(server, said["client_id"]), said["client_secret"]
    code = answer(app.allowed(alice))["code"]
    assert refusal(app.exchange(code), 401) == "invalid_client"
    tokens = app.exchange(code, client_secret=secret).json()
    for wrong in (None, "", f"{secret}x"):
        assert refusal(app.refresh(tokens["refresh_token"], client_secret=wrong), 401) == "invalid_client"
    assert app.refresh(tokens["refresh_token"], client_secret=secret).status_code == 200


def test_4_14_a_refresh_widens_neither_scope_nor_resource(app: App, cast: Cast, alice: httpx2.Client) -> None:
    tokens = app.connect(alice, scope="library:read", resource=f"{app.server.url}/mcp")
    for scope in ("library:write", "library:read library:write", "organizations:all"):
        assert refusal(app.refresh(tokens["refresh_token"], scope=scope)) == "invalid_scope"
    for path in ("/api", "/mcp/o/acme", "/mcp/o/globex"):
        assert refusal(app.refresh(tokens["refresh_token"], resource=f"{app.server.url}{path}")) == "invalid_target"
    fresh = app.refresh(tokens["refresh_token"]).json()
    assert fresh["scope"] == "library:read"
    arguments = {"organizationId": "acme", "name": "New"}
    refused = call_tool(app.server.mcp_url, fresh["access_token"], MODERN, "create_library", arguments)
    assert refused.status_code == 403


# --- 4.15 A client that impersonates a resource owner ------------------------------------------------------------


@pytest.mark.parametrize("kind", ["id", "email"])
def test_4_15_a_client_named_like_a_person_is_not_that_person(
    server: Server, cast: Cast, bob: httpx2.Client, kind: str
) -> None:
    name = str(cast.alice.pk) if kind == "id" else cast.alice.email
    make_client(name, source=Client.Source.STAFF, name=name)
    app = App(server, name)
    tokens = app.connect(bob)
    assert whoami(server, tokens["access_token"])["libraries"] == [{"library": "barcelona", "access": "write"}]
    assert Connection.objects.get().user == cast.bob
    for grant in ("client_credentials", "password", "urn:ietf:params:oauth:grant-type:jwt-bearer"):
        refused = app.token(grant_type=grant, username="alice@example.com", password="x", assertion="x")
        assert refusal(refused) == "unsupported_grant_type"


def test_4_15_no_client_chooses_its_own_id(server: Server, cast: Cast) -> None:
    said = register(server, client_id=cast.alice.email, client_secret="x", sub=str(cast.alice.pk)).json()
    assert said["client_id"] not in {cast.alice.email, str(cast.alice.pk)} and len(said["client_id"]) == 32


# --- 4.16 Clickjacking -------------------------------------------------------------------------------------------


def test_4_16_no_page_on_which_something_is_decided_can_be_framed(
    server: Server, app: App, alice: httpx2.Client
) -> None:
    pages = [
        app.shown(alice), app.ask(alice, scope="openid"), app.ask(alice, redirect_uri=EVIL),
        app.shown(alice, resource=f"{server.url}/mcp/o/globex"), alice.get("/authorize/nothing"), alice.get("/device"),
        alice.get("/device/done"), alice.get("/settings/connected-apps"), alice.get("/logout"),
        httpx2.get(f"{server.url}/login"), app.ask(alice), press(alice, app.shown(alice), "cancel"),
    ]  # fmt: skip
    for page in pages:
        assert page.headers["x-frame-options"] == "DENY"
        assert "frame-ancestors 'none'" in page.headers["content-security-policy"]
        assert page.headers["cross-origin-opener-policy"] == "same-origin"


# --- 4.17 In-browser communication flows -------------------------------------------------------------------------


@pytest.mark.parametrize("mode", ["web_message", "form_post", "fragment", "query.jwt", "jwt"])
def test_4_17_an_answer_is_a_redirect_and_never_a_message_or_a_form(app: App, alice: httpx2.Client, mode: str) -> None:
    answered = app.allowed(alice, response_mode=mode, web_message_uri=EVIL, prompt="none")
    assert set(answer(answered)) == {"code", "state", "iss"}
    assert answered.headers["location"].startswith(f"{RETURN_ADDRESS}?") and not answered.content
    assert httpx2.get(app.server.url + METADATA).json()["response_modes_supported"] == ["query"]


def test_4_17_no_script_of_ours_talks_to_another_window() -> None:
    for script in (Path(settings.BASE_DIR) / "static/js").glob("*.js"):
        text = script.read_text()
        assert "postMessage" not in text and "window.opener" not in text and '"message"' not in text


def test_4_17_scripts_of_other_sites_read_no_page_on_which_something_is_decided(app: App, alice: httpx2.Client) -> None:
    alice.headers["Origin"] = "https://evil.example"
    for page in (app.ask(alice), app.shown(alice), app.ask(alice, scope="openid"), alice.get("/device")):
        assert not [name for name in page.headers if name.startswith("access-control-")]
    preflight = alice.options("/authorize", headers={"Access-Control-Request-Method": "GET"})
    assert not [name for name in preflight.headers if name.startswith("access-control-")]
    assert parse_qs(urlsplit(app.ask(alice).headers["location"]).query) == {}
