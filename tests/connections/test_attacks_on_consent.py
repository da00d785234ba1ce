"""Attacks on what a person agrees to: things swapped, sessions mixed, names found out, hosts and apps made up.

What the form of the page adds or leaves out is in test_consent_deny.py, parallel answers are in test_consent_races.py.
"""

import json
import re
from collections.abc import Iterator
from typing import Any

import httpx2
import pytest
from django.conf import settings
from django.db import connection as database
from django.test import Client as Browser
from django.test.utils import CaptureQueriesContext
from pytest_django import Settings

from connections.models import Connection
from orgs.models import AuditEntry, Membership
from tests.apikeys.people import sign_in
from tests.connections import asking, devices
from tests.connections.client_bodies import DEVICE_GRANT
from tests.connections.factories import make_client
from tests.connections.flow import (
    RETURN_ADDRESS,
    App,
    answer,
    hidden_fields,
    person,
    press,
    refusal,
    register,
    send_bytes,
    whoami,
    works,
)
from tests.connections.flow import (
    sign_in as sign_in_by_form,
)
from tests.factories import Cast, OrganizationFactory
from tests.mails import delivered_mails
from tests.mcp.client import MODERN, WIRES, comparable, connected, post, rpc_body, rpc_headers
from tests.server import Server

#: An organization that exists and is not alice's, and one that nobody has; of one length, so that answers are too.
FOREIGN, UNKNOWN = "globex", "nobody"
CSRF_TOKEN = re.compile(r'(name="csrfmiddlewaretoken" value=)"[^"]*"')


@pytest.fixture
def alice(server: Server, cast: Cast) -> Iterator[httpx2.Client]:
    with person(server, cast.alice) as browser:
        yield browser


@pytest.fixture
def alice_in_two(cast: Cast) -> None:
    """Alice is a member of Globex, too."""
    Membership.objects.create(organization=cast.globex, user=cast.alice, role="admin")


# --- Swapped organization, scope or library ----------------------------------------------------------------------


@pytest.mark.parametrize("sent", [["acme", "globex"], ["globex", "acme"], ["*", "acme"], ["acme", "*"]])
def test_an_organization_that_is_sent_beside_the_chosen_one_is_not_connected(
    server: Server, alice: httpx2.Client, sent: list[str]
) -> None:
    app = App.registered(server)
    page = app.shown(alice)
    form = {**hidden_fields(page.text), "decision": "allow", "organization": sent}
    alice.post(str(page.url), data=form)
    for connection in Connection.objects.all():
        assert [grant.membership.organization.slug for grant in connection.granted.all()] == ["acme"]
        assert not connection.all_organizations


@pytest.mark.usefixtures("alice_in_two")
def test_what_was_asked_for_one_organization_cannot_be_given_for_another_one_of_the_person(
    server: Server, alice: httpx2.Client
) -> None:
    app = App.registered(server)
    page = app.shown(alice, resource=f"{server.url}/mcp/o/acme")
    for organization in ("globex", "*"):
        refused = press(alice, page, organization=organization)
        assert refused.status_code == 200 and "cannot be chosen. Nothing was connected" in refused.text
    assert not Connection.objects.exists()
    token = app.exchange(answer(press(alice, page))["code"]).json()["access_token"]
    assert works(server, token, "/mcp/o/acme") and not works(server, token, "/mcp/o/globex")


def test_a_scope_that_is_sent_with_the_answer_gives_no_more_than_was_asked_for(
    server: Server, alice: httpx2.Client
) -> None:
    app = App.registered(server)
    page = app.shown(alice, scope="library:read")
    told = answer(press(alice, page, scope="library:read library:write", asked_write="on", may_write="on"))
    tokens = app.exchange(told["code"], scope="library:read library:write organizations:all").json()
    assert tokens["scope"] == "library:read"
    assert {each["access"] for each in whoami(server, tokens["access_token"])["libraries"]} == {"read"}


def test_a_library_that_the_answer_names_elsewhere_narrows_to_nothing_of_others(
    server: Server, alice: httpx2.Client
) -> None:
    app = App.registered(server)
    page = app.shown(alice)
    for library in ("globex/secret", "acme/secret", "acme/../globex/secret", "acme/barcelona/../../globex/secret", "%"):
        assert press(alice, page, library=library).status_code == 200
    assert not Connection.objects.exists()
    tokens = app.exchange(answer(press(alice, page, library="acme/paris"))["code"]).json()
    assert whoami(server, tokens["access_token"])["libraries"] == [{"library": "paris", "access": "write"}]


# --- Organization names found out --------------------------------------------------------------------------------


def same(answers: list[tuple[Any, ...]]) -> bool:
    """Return whether answers differ in nothing but the slug that was sent."""
    alike = {repr(each).replace(FOREIGN, "SLUG").replace(UNKNOWN, "SLUG") for each in answers}
    return len(alike) == 1


def everything(response: Any, captured: CaptureQueriesContext | None = None) -> tuple[Any, ...]:
    """Return all that a stranger sees of an answer, and how much work it was."""
    page = CSRF_TOKEN.sub(r"\1", response.content.decode())
    queries = [re.sub(r"'[^']*'|X'[^']*'|\d+", "?", entry["sql"]) for entry in captured or []]
    return response.status_code, sorted(response.headers.items()), page, queries


@pytest.mark.parametrize("path", ["/.well-known/oauth-protected-resource/mcp/o/{}", "/mcp/o/{}", "/mcp/o/{}/x"])
@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS", "POST"])
def test_metadata_and_challenges_name_no_organization_that_exists(
    server: Server, cast: Cast, method: str, path: str
) -> None:
    headers = {"Access-Control-Request-Method": "POST", "Origin": server.url}
    answers = [
        comparable(httpx2.request(method, server.url + path.format(slug), headers=headers))
        for slug in (FOREIGN, UNKNOWN, "acme")
    ]
    assert same([answers[0], answers[1]])
    assert answers[2][0] == answers[0][0]


def test_metadata_is_answered_without_a_look_into_the_database(cast: Cast) -> None:
    answers = []
    for slug in (FOREIGN, UNKNOWN):
        with CaptureQueriesContext(database) as captured:
            response = Browser().get(f"/.well-known/oauth-protected-resource/mcp/o/{slug}", secure=True)
        answers.append(everything(response, captured))
    assert same(answers) and answers[0][3] == []


def test_a_device_begins_alike_for_every_organization(cast: Cast) -> None:
    make_client()
    devices.begin()  # once a minute it is written down that the client was used
    answers = []
    for slug in (FOREIGN, UNKNOWN):
        with CaptureQueriesContext(database) as captured:
            response = devices.begin(resource=f"{settings.BASE_URL}/mcp/o/{slug}")
        codes = response.json()
        shown = everything(response, captured)
        body = shown[2].replace(codes["device_code"], "D").replace(codes["user_code"], "U")
        answers.append((*shown[:2], body, len(shown[3])))
    assert same(answers)


def test_the_page_that_a_code_leads_to_is_alike_for_every_organization(cast: Cast) -> None:
    make_client()
    browser = sign_in(cast.alice)
    answers = []
    for slug in (FOREIGN, UNKNOWN):
        codes = devices.begun(resource=f"{settings.BASE_URL}/mcp/o/{slug}")
        typed = browser.post("/device", {"code": codes["user_code"]})
        with CaptureQueriesContext(database) as captured:
            answers.append(everything(browser.get(typed.headers["Location"]), captured))
    assert same(answers) and answers[0][0] == 404


def test_asking_is_alike_for_every_organization_before_and_after_signing_in(cast: Cast) -> None:
    make_client()
    for browser in (Browser(), sign_in(cast.alice)):
        browser.get(asking.query())  # once a minute it is written down that the client was used
        answers = []
        for slug in (FOREIGN, UNKNOWN):
            with CaptureQueriesContext(database) as captured:
                response = browser.get(asking.query(resource=f"{settings.BASE_URL}/mcp/o/{slug}"))
            status, headers, page, queries = everything(response, captured)
            headers = [(name, re.sub(r"^/authorize/.*", "", value)) for name, value in headers]
            answers.append((status, headers, page, len(queries)))
        assert same(answers)


def test_refusing_is_alike_for_every_organization(server: Server, alice: httpx2.Client) -> None:
    app = App.registered(server)
    tokens = app.connect(alice)
    assert same(
        [comparable(app.refresh(tokens["refresh_token"], resource=of(server, slug))) for slug in (FOREIGN, UNKNOWN)]
    )
    pinned = app.connect(alice, resource=of(server, "acme"))["access_token"]
    for token in (tokens["access_token"], pinned, "rsto_nonsense"):
        answers = [
            comparable(post(of(server, slug), token, MODERN, "tools/call", {"name": "whoami", "arguments": {}}))
            for slug in (FOREIGN, UNKNOWN)
        ]
        assert same(answers) and answers[0][0] == 401


def of(server: Server, slug: str) -> str:
    return f"{server.url}/mcp/o/{slug}"


# --- A second session, two tabs ----------------------------------------------------------------------------------


def test_a_second_session_of_anybody_cannot_finish_what_the_first_one_was_shown(
    server: Server, cast: Cast, alice: httpx2.Client
) -> None:
    app = App.registered(server)
    page = app.shown(alice)
    for other in (cast.alice, cast.bob):
        with person(server, other) as intruder:
            form = {**hidden_fields(intruder.get("/device").text), "decision": "allow", "organization": "acme"}
            assert intruder.get(page.url.path).status_code == 404
            for decision in ("allow", "cancel"):
                refused = intruder.post(page.url.path, data={**form, "decision": decision})
                assert refused.status_code == 404 and "location" not in refused.headers
    assert not Connection.objects.exists()
    assert "code" in answer(press(alice, page))


def test_signing_in_again_in_the_same_browser_leaves_no_page_of_before_that_could_be_answered(
    server: Server, cast: Cast
) -> None:
    app = App.registered(server)
    with httpx2.Client(base_url=server.url) as browser:
        signed_in = sign_in_by_form(browser, cast.alice, app.ask(browser))
        page = browser.get(browser.get(signed_in.headers["location"]).headers["location"])
        browser.post("/logout", data=hidden_fields(browser.get("/logout").text))
        assert "code=" not in press(browser, page).headers.get("location", "")
        sign_in_by_form(browser, cast.alice, app.ask(browser))
        form = {**hidden_fields(browser.get("/device").text), "decision": "allow", "organization": "acme"}
        assert browser.post(page.url.path, data=form).status_code == 404
    assert not Connection.objects.exists()


def test_two_tabs_give_each_app_what_was_chosen_in_its_own(
    server: Server, alice: httpx2.Client, alice_in_two: None
) -> None:
    one = App.registered(server, "https://one.example.com/callback", client_name="One")
    two = App.registered(server, "https://two.example.com/callback", client_name="Two")
    pages = [one.shown(alice), two.shown(alice, scope="library:read"), one.shown(alice)]
    told = [
        answer(press(alice, page, organization=organization))
        for page, organization in reversed(list(zip(pages, ("acme", "globex", "globex"), strict=True)))
    ][::-1]
    assert [each["state"] for each in told] == [one.state, two.state, one.state]
    assert refusal(two.exchange(told[0]["code"], code_verifier=one.verifier)) == "invalid_grant"
    reached = []
    for app, each in zip((one, two, one), told, strict=True):
        tokens = app.exchange(each["code"]).json()
        said = whoami(server, tokens["access_token"])
        reached.append((said["organizationId"], {library["access"] for library in said["libraries"]}))
    assert reached == [("acme", {"write"}), ("globex", {"read"}), ("globex", {"write"})]


def test_the_code_of_one_tab_does_not_fit_the_verifier_of_another_tab_of_the_same_app(
    server: Server, alice: httpx2.Client
) -> None:
    first = App.registered(server)
    second = App(server, first.client_id)
    codes = [answer(app.allowed(alice))["code"] for app in (first, second)]
    assert refusal(first.exchange(codes[1])) == refusal(second.exchange(codes[0])) == "invalid_grant"
    assert first.exchange(codes[0]).status_code == second.exchange(codes[1]).status_code == 200


def test_a_code_that_is_sent_again_ends_its_own_connection_and_no_other(server: Server, alice: httpx2.Client) -> None:
    app = App.registered(server)
    other = app.connect(alice)["access_token"]
    code = answer(app.allowed(alice))["code"]
    token = app.exchange(code).json()["access_token"]
    for form in ({}, {"code_verifier": "x" * 43}):
        assert refusal(app.exchange(code, **form)) == "invalid_grant"
    assert not works(server, token) and works(server, other)


# --- A token of one organization at another ----------------------------------------------------------------------


@pytest.mark.usefixtures("alice_in_two")
@pytest.mark.parametrize("wire", WIRES)
@pytest.mark.parametrize("path", ["/mcp", "/mcp/o/acme"])
def test_a_token_of_one_organization_reaches_nothing_of_another_one_of_its_person(
    server: Server, alice: httpx2.Client, wire: str, path: str
) -> None:
    app = App.registered(server)
    token = app.connect(alice, resource=f"{server.url}{path}")["access_token"]
    assert whoami(server, token, path)["organizationId"] == "acme"
    assert not works(server, token, "/mcp/o/globex")
    with connected(f"{server.url}{path}", token, wire) as client:
        errors = [client.error("list_libraries", organizationId=slug) for slug in (FOREIGN, UNKNOWN)] + [
            client.error("list_assets", organizationId=slug, libraryId="secret") for slug in (FOREIGN, UNKNOWN)
        ]
    assert {error["code"] for error in errors} == {"ORGANIZATION_NOT_FOUND"}
    assert len({json.dumps(error) for error in errors}) == 1


# --- Loopback ports ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::1]"])
def test_a_program_may_listen_on_any_port_and_gets_its_code_there_alone(
    server: Server, alice: httpx2.Client, host: str
) -> None:
    registered = register(server, redirect_uris=[f"http://{host}:3118/callback"]).json()["client_id"]
    app = App(server, registered, f"http://{host}:51234/callback")
    answered = app.allowed(alice)
    assert answered.headers["location"].startswith(f"http://{host}:51234/callback?")
    code = answer(answered)["code"]
    for uri in (f"http://{host}:3118/callback", f"http://{host}/callback", f"http://{host}:51235/callback"):
        assert refusal(app.exchange(code, redirect_uri=uri)) == "invalid_request"
    assert app.exchange(code).status_code == 200


@pytest.mark.parametrize(
    "uri",
    [
        "http://127.0.0.1:3118/other", "http://127.0.0.1:3118/callback/", "http://127.0.0.1:3118/callback?x=1",
        "http://127.0.0.1:3118/../callback", "http://127.0.0.1:3118//callback", "http://127.0.0.1:3118/%63allback",
        "http://127.0.0.2:3118/callback", "http://localhost:3118/callback", "http://[::1]:3118/callback",
        "https://127.0.0.1:3118/callback", "http://127.0.0.1:3118@evil.example/callback", "http://127.1:3118/callback",
        "http://127.0.0.1.evil.example:3118/callback", "http://127.0.0.1:/callback", "http://127.0.0.1:99999/callback",
        "http://127.0.0.1:-1/callback", "http://127.0.0.1:3118x/callback", "http://0x7f000001:3118/callback",
        "http://127.0.0.1:3118\\@evil.example/callback", "http://10.0.0.1:3118/callback", "http://0.0.0.0:3118/callback",
    ],
)  # fmt: skip
def test_but_for_the_port_a_programs_address_is_the_registered_one(
    server: Server, alice: httpx2.Client, uri: str
) -> None:
    app = App.registered(server, "http://127.0.0.1:3118/callback")
    page = app.ask(alice, redirect_uri=uri)
    assert page.status_code == 400 and "location" not in page.headers
    assert "It is not known here, or it asked to return to an address that is not its own" in page.text


# --- Host headers ------------------------------------------------------------------------------------------------

PATHS = [
    "/.well-known/oauth-authorization-server",
    "/.well-known/oauth-protected-resource",
    "/.well-known/oauth-protected-resource/mcp",
    "/authorize?client_id=x",
    "/mcp",
    "/device",
]
OVER_HTTPS = b"X-Forwarded-Proto: https\r\nX-Forwarded-For: 203.0.113.7\r\n"


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize(
    "head",
    [
        b"{path} HTTP/1.1\r\nHost: evil.example\r\n",
        b"{path} HTTP/1.1\r\nHost: raster.example.com:8443\r\n",
        b"{path} HTTP/1.1\r\nHost: raster.example.com:443@evil.example\r\n",
        b"{path} HTTP/1.1\r\nHost: evil.example:443\r\n",
        b"{path} HTTP/1.1\r\nHost: raster.example.com.evil.example\r\n",
        b"{path} HTTP/1.1\r\nHost: evil.example/raster.example.com\r\n",
        b"{path} HTTP/1.1\r\nHost: raster.example.com evil.example\r\n",
        b"{path} HTTP/1.1\r\nHost: raster.example.com, evil.example\r\n",
        b"{path} HTTP/1.1\r\nHost: raster.example.com#evil.example\r\n",
        b"{path} HTTP/1.1\r\nHost: raster.example.com?evil.example\r\n",
        b'{path} HTTP/1.1\r\nHost: raster.example.com" evil="evil.example\r\n',
        b"{path} HTTP/1.1\r\nHost: raster.example.com:evil\r\n",
        b"{path} HTTP/1.1\r\nHost: raster.example.com:\xb2\r\n",
        b"{path} HTTP/1.1\r\nHost: evil.example\r\nHost: raster.example.com\r\n",
        b"{path} HTTP/1.1\r\nHost: raster.example.com\r\nHost: evil.example\r\n",
        b"{path} HTTP/1.1\r\nHost: raster.example.com\r\nX-Forwarded-Host: evil.example\r\n",
        b"{path} HTTP/1.1\r\nHost: raster.example.com\r\nForwarded: host=evil.example;proto=https\r\n",
        b"http://evil.example{path} HTTP/1.1\r\nHost: raster.example.com\r\n",
        b"https://evil.example{path} HTTP/1.1\r\nHost: raster.example.com\r\n",
        b"//evil.example{path} HTTP/1.1\r\nHost: raster.example.com\r\n",
        b"{path} HTTP/1.1\r\nHost:\r\n",
        b"{path} HTTP/1.1\r\n",
        b"{path} HTTP/1.0\r\n",
        b"{path} HTTP/1.0\r\nHost: evil.example\r\n",
    ],
)
def test_no_answer_repeats_a_host_that_is_not_the_servers(
    transactional_db: None, behind_proxy: Server, path: str, head: bytes
) -> None:
    method = b"POST " if path == "/mcp" else b"GET "
    request = method + head.replace(b"{path}", path.encode()) + OVER_HTTPS
    status, text = send_bytes(behind_proxy, request + b"Content-Length: 0\r\nConnection: close\r\n\r\n")
    assert status < 500
    text = re.sub(r"x-request-id: \w+", "", text)  # any digits
    for stranger in ("evil", "8443", "127.0.0.1", "\xb2"):
        assert stranger not in text
    for said in re.findall(r"https?://[^\"' ,<\\]+", text):
        assert re.fullmatch(r"https://raster\.example\.com(?:/.*)?", said), said


def test_a_default_port_is_the_same_host(transactional_db: None, behind_proxy: Server) -> None:
    for host in (b"raster.example.com:443", b"RASTER.example.COM"):
        path = b"/.well-known/oauth-protected-resource/mcp"
        request = b"GET " + path + b" HTTP/1.1\r\nHost: " + host + b"\r\n" + OVER_HTTPS + b"Connection: close\r\n\r\n"
        status, text = send_bytes(behind_proxy, request)
        assert status == 200 and '"resource": "https://raster.example.com/mcp"' in text


# --- Names -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "shown", "warns"),
    [
        ("Сlaude", "Сlaude", True),  # with a Cyrillic letter
        ("C l a u d e", "C l a u d e", True),
        ("C1aude C0de", "C1aude C0de", True),
        ("Ｃlaude", "Claude", True),
        ("\u202eedualC", "edualC", False),
        ("Claude\u200b\u2066\u202d", "Claude", True),
        ("Raster” (verified by Raster) “x", "Raster' (verified by Raster) 'x", True),
        ("سورة Claude", "سورة Claude", True),
        ("Chat\u00adGPT", "Chat GPT", True),
        ("Rаster Support", "Rаster Support", True),
        ('"><img src=//evil.example>', "'><img src=//evil.example>", False),
    ],
)
def test_a_name_that_is_made_to_look_like_another_is_shown_for_what_it_is_everywhere(
    cast: Cast,
    settings: Settings,
    name: str,
    shown: str,
    warns: bool,
) -> None:
    settings.MAIL_CONFIGURED = True
    body = {"client_name": name, "redirect_uris": [RETURN_ADDRESS], "grant_types": ["authorization_code", DEVICE_GRANT]}
    registered = Browser().post("/register", json.dumps(body), content_type="application/json", secure=True).json()
    browser = sign_in(cast.alice)
    address = asking.asked(browser, client_id=registered["client_id"])
    page = browser.get(address)
    assert f"“{shown}” wants to connect" in asking.text(page).replace("<bdi>", "").replace("</bdi>", "")
    assert "Nobody has checked who made it" in asking.text(page)
    assert ("Its name resembles" in asking.text(page)) == warns
    asking.allow(browser, address)
    Connection.objects.update(redeemed=Connection.objects.get().created)
    pages = [page, browser.get("/settings/connected-apps"), browser.get("/acme/settings/connected-apps")]
    [sent] = delivered_mails()
    places = [asking.text(each) for each in pages] + [sent.subject, sent.body]
    places += [entry.target for entry in AuditEntry.objects.all()]
    for place in places:
        assert shown in place
        assert not set("\u200b\u00ad\u202d\u202e\u2066").intersection(place)
    for each in pages:
        assert "<img src=//evil" not in each.content.decode()


def test_an_organization_that_is_named_like_another_is_told_from_it_by_its_slug(cast: Cast) -> None:
    twin = OrganizationFactory(name="Acme", slug="acme-2")
    Membership.objects.create(organization=twin, user=cast.alice)
    make_client()
    browser = sign_in(cast.alice)
    said = asking.words(browser.get(asking.asked(browser)))
    assert "Acme acme You are an owner" in said and "Acme acme-2 You are a member" in said


def test_a_request_without_the_protocols_headers_is_judged_by_its_credential_first(server: Server) -> None:
    for slug in (FOREIGN, UNKNOWN):
        body = rpc_body(MODERN, "tools/call", {"name": "whoami", "arguments": {}})
        refused = httpx2.post(of(server, slug), json=body, headers=rpc_headers(MODERN, "tools/call", "whoami"))
        assert refused.status_code == 401
        assert f"/.well-known/oauth-protected-resource/mcp/o/{slug}" in refused.headers["www-authenticate"]
