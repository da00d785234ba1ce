"""What strangers put into a registration, which anybody may send: nothing of it is run, followed or trusted.

The forms that return addresses may have are in test_redirect_uris.py, metadata that is not in order in
test_registration.py.
"""

import json
from typing import Any

import httpx2
import pytest
from django.test import Client as Browser

from connections.metadata import LONGEST_ADDRESS
from connections.models import Client
from connections.redirects import MOST_URIS
from connections.views.registration import ADDRESS_LIMIT, MOST_BYTES
from tests.apikeys.people import sign_in
from tests.connections.asking import allow as press_allow
from tests.connections.asking import asked as ask
from tests.connections.asking import query, text, told
from tests.connections.flow import RETURN_ADDRESS, App, person, register
from tests.factories import Cast
from tests.server import Server

pytestmark = pytest.mark.django_db
SCRIPTS = [
    "javascript:alert(1)", "JaVaScRiPt:alert(1)", " javascript:alert(1)", "java\nscript:alert(1)", "\x01javascript:x",
    "javascript://app.example.com/%0aalert(1)", "javascript%3Aalert(1)", "data:text/html,<script>alert(1)</script>",
    "data:text/html;base64,PHNjcmlwdD4=", "vbscript:x", "file:///etc/passwd", "blob:https://app.example.com/x",
    "view-source:javascript:x", "filesystem:https://a.example/x", "jar:https://a.example/x!/", "about:blank",
]  # fmt: skip
TEXT_FIELDS = ("client_uri", "logo_uri", "policy_uri", "tos_uri", "jwks_uri", "software_statement", "contacts")


def send(body: Any, **headers: str) -> Any:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Browser().post("/register", data, content_type="application/json", secure=True, headers=headers)


def refused(uri: Any) -> bool:
    """Return whether a return address is refused, alone and among good ones, and nothing is kept."""
    answers = [send({"redirect_uris": uris}) for uris in ([uri], [RETURN_ADDRESS, uri], [uri, RETURN_ADDRESS])]
    assert not Client.objects.exists()
    assert {answer.headers["Content-Type"] for answer in answers} == {"application/json"}
    return all((answer.status_code, answer.json()["error"]) == (400, "invalid_redirect_uri") for answer in answers)


# --- 1. Scripts in addresses -------------------------------------------------------------------------------------


@pytest.mark.parametrize("uri", SCRIPTS)
def test_1_an_address_that_a_browser_would_run_is_no_return_address(uri: str) -> None:
    assert refused(uri)


@pytest.mark.parametrize(
    "uri", [*SCRIPTS, "http://a.example/", "https://a.example/ x", "https://a.example/\x00", 7, {}]
)
def test_1_an_address_that_a_browser_would_run_is_kept_and_shown_nowhere(cast: Cast, uri: Any) -> None:
    answer = send({"redirect_uris": [RETURN_ADDRESS], **dict.fromkeys(TEXT_FIELDS, uri)})
    assert answer.status_code == 201
    assert not set(answer.json()) & set(TEXT_FIELDS)
    client = Client.objects.get()
    assert (client.website, client.keys_url, client.keys, client.logo) == ("", "", None, None)
    browser = sign_in(cast.alice)
    address = ask(browser, client_id=client.client_id)
    page = text(browser.get(address))
    press_allow(browser, address)
    for shown in (page, text(browser.get("/settings/connected-apps"))):
        assert "alert(1)" not in shown and "script:x" not in shown and 'href="data:' not in shown


def test_1_a_good_address_of_a_website_is_never_a_link_on_the_page_of_an_unverified_app(cast: Cast) -> None:
    said = {
        "client_uri": "https://evil.example/a",
        "logo_uri": "https://evil.example/b.png",
        "client_name": "https://bank",
    }
    client_id = send({"redirect_uris": [RETURN_ADDRESS], **said}).json()["client_id"]
    browser = sign_in(cast.alice)
    page = text(browser.get(ask(browser, client_id=client_id)))
    assert "evil.example" not in page and 'href="https://' not in page and "<img" not in page.partition("⇄")[0]


# --- 2. Wildcards and partial matches ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "uri", ["*", "https://*", "https://*.example.com/callback", "https://app.*/callback", "https://*:443/", "http://*/"]
)
def test_2_a_wildcard_is_no_host(uri: str) -> None:
    assert refused(uri)


@pytest.mark.parametrize(
    ("registered", "asked"),
    [
        ("https://app.example.com/*", "https://app.example.com/evil"),
        ("https://app.example.com/callback*", "https://app.example.com/callback-evil"),
        ("https://app.example.com/", "https://app.example.com/evil"),
        ("https://app.example.com", "https://app.example.com.evil.example"),
        ("https://app.example.com/a?x=*", "https://app.example.com/a?x=1"),
        ("https://app.example.com/(a)", "https://app.example.com/a"),
        ("com.example.app:/*", "com.example.app:/evil"),
        ("cursor://callback", "cursor://callback.evil/x"),
    ],
)
def test_2_what_looks_like_a_pattern_is_a_text(cast: Cast, registered: str, asked: str) -> None:
    client_id = send({"redirect_uris": [registered]}).json()["client_id"]
    answer = sign_in(cast.alice).get(query(client_id=client_id, redirect_uri=asked))
    assert answer.status_code == 400 and "Location" not in answer.headers


# --- 3. Plain HTTP to other machines -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "uri",
    [
        "http://app.example.com/", "http://10.0.0.1/", "http://192.168.0.1:80/", "http://169.254.169.254/latest",
        "http://127.0.0.1.nip.io/", "http://localhost.example.com/", "http://127.0.0.2/", "http://0/", "http://[::]/",
        "http://127.0.0.1%2eevil.example/", "http://localhost%00.evil.example/", "http://localhost./", "HTTP://localhost/",
        "http://127.0.0.1。evil.example/", "http:localhost/", "http:///localhost/", "http://localhost\\.evil.example/",
    ],
)  # fmt: skip
def test_3_plain_http_leads_to_this_computer_alone(uri: str) -> None:
    assert refused(uri)


# --- 4. Names and passwords in addresses -------------------------------------------------------------------------


@pytest.mark.parametrize(
    "uri",
    [
        "https://bank.example@evil.example/", "https://bank.example:443@evil.example/", "https://@evil.example/",
        "https://a:b@evil.example/", "https://bank.example%40evil.example/", "http://localhost@evil.example/",
        "http://localhost:3118@evil.example/", "http://evil.example#@localhost/", "http://evil.example?@localhost/",
        "https://bank.example\\@evil.example/", "cursor://bank.example@evil/", "https://[::1]@evil.example/",
    ],
)  # fmt: skip
def test_4_an_address_names_its_host_and_nothing_before_it(uri: str) -> None:
    assert refused(uri)


# --- 5. Fragments ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("end", ["#", "#a", "?a#b", "#access_token=x", "/#/callback"])
@pytest.mark.parametrize("base", [RETURN_ADDRESS, "http://localhost:1/callback", "cursor://callback"])
def test_5_an_address_ends_before_its_fragment(base: str, end: str) -> None:
    assert refused(base + end)


# --- 6. Paths that climb -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "asked",
    ["/callback/..", "/callback/../evil", "/a/../callback", "/callback/%2e%2e/evil", "/callback/%2E%2E%2Fevil",
     "/callback/..;/evil", "/./callback", "//callback", "/callback/.", "/callback%2f..%2fevil", "/callback\\..\\evil"],
)  # fmt: skip
def test_6_a_path_is_compared_and_never_resolved(cast: Cast, asked: str) -> None:
    client_id = send({"redirect_uris": [RETURN_ADDRESS, "http://localhost:1/callback"]}).json()["client_id"]
    browser = sign_in(cast.alice)
    for origin in ("https://app.example.com", "http://localhost:1", "http://localhost:2"):
        answer = browser.get(query(client_id=client_id, redirect_uri=origin + asked))
        assert answer.status_code == 400 and "Location" not in answer.headers


# --- 7. Other spellings ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "uri",
    [
        "https://app.example.com./callback", "https://.app.example.com/", "https://аpp.example.com/",
        "https://app。example.com/", "https://app%2eexample.com/", "https://app.example.com%00.evil.example/",
        "https://app.example.com:0x50/", "https://app.example.com:65536/", "https://app.example.com:/",
        "https://app.example.com:80:80/", "https://app.example.com:+443/", "https://app.example.com:-1/",
        "https://app.example.com:٤٤٣/", "https:app.example.com/", "https:/app.example.com/",
        "https:\\\\app.example.com",
        "HTTPS://app.example.com/", "https://app.example.com\t/", "https://app.example.com/\u202ecallback",
        "https://app.example.com/\ud800", "\ufeffhttps://app.example.com/", "https://app.example.com/é",
    ],
)  # fmt: skip
def test_7_an_address_has_one_spelling(uri: str) -> None:
    assert refused(uri)


@pytest.mark.parametrize(
    "asked",
    ["https://APP.example.com/callback", "https://app.example.com:443/callback", "https://app.example.com/%63allback",
     "https://app.example.com/callback%20", "https://app.example.com/CALLBACK", "https://app.example.com/callback?"],
)  # fmt: skip
def test_7_another_spelling_is_another_address(cast: Cast, asked: str) -> None:
    client_id = send({"redirect_uris": [RETURN_ADDRESS]}).json()["client_id"]
    answer = sign_in(cast.alice).get(query(client_id=client_id, redirect_uri=asked))
    assert answer.status_code == 400 and "Location" not in answer.headers


def test_7_an_international_name_is_shown_as_it_is_sent(cast: Cast) -> None:
    client_id = send({"redirect_uris": ["https://xn--pple-43d.com/callback"]}).json()["client_id"]
    browser = sign_in(cast.alice)
    page = text(browser.get(ask(browser, client_id=client_id, redirect_uri="https://xn--pple-43d.com/callback")))
    assert "<b>xn--pple-43d.com</b>" in page and "аpple" not in page


# --- 8. Bodies ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"[" * 60_000, 400),
        (b'{"a":' * 10_000 + b"1" + b"}" * 10_000, 400),
        (b'{"client_name": "' + b"a" * MOST_BYTES + b'"}', 413),
        (b" " * (MOST_BYTES + 1), 413),
        (b'{"redirect_uris": ["https://a.example/"', 400),
        (b"redirect_uris=https%3A%2F%2Fa.example%2F", 400),
        (b"<?xml version='1.0'?><a/>", 400),
        (b"\x00", 400),
        (b"\xff\xfe{\x00}\x00", 400),
        (b'{"redirect_uris": "https://a.example/"}', 400),
        (b'{"redirect_uris": [["https://a.example/"]]}', 400),
        (b'{"redirect_uris": [' + b'"https://a.example/",' * MOST_URIS + b'"https://a.example/"]}', 400),
        (b'{"redirect_uris": [' + b"0," * 30_000 + b"0]}", 400),
        (b'{"redirect_uris": ["https://a.example/' + b"a" * 2000 + b'"]}', 400),
        (b'{"redirect_uris": ["https://a.example/"], "grant_types": [' + b'"a",' * 15_000 + b"1]}", 400),
        (b'{"redirect_uris": ["https://a.example/"], "x": 1' + b"0" * 5000 + b"}", 400),
    ],
)  # fmt: skip
def test_8_a_body_that_is_too_large_too_deep_or_no_json_is_refused(body: bytes, status: int) -> None:
    answer = send(body)
    assert answer.status_code == status
    assert answer.json()["error"] in {"invalid_client_metadata", "invalid_redirect_uri"}
    assert not Client.objects.exists()


def test_8_what_is_far_too_large_is_refused_before_it_is_read(server: Server) -> None:
    for content in (b"a" * 3_000_000, (b"a" * 100_000 for _ in range(30))):
        answer = httpx2.post(f"{server.url}/register", content=content, timeout=60)
        assert answer.status_code == 413 and answer.json()["error"]["code"] == "PAYLOAD_TOO_LARGE"
    assert not Client.objects.exists()


def test_8_a_field_that_is_there_twice_counts_once_and_the_answer_says_which(cast: Cast) -> None:
    body = b'{"redirect_uris": ["https://one.example/"], "redirect_uris": ["https://two.example/"]}'
    said = send(body).json()
    assert said["redirect_uris"] == Client.objects.get().redirect_uris == ["https://two.example/"]
    answer = sign_in(cast.alice).get(query(client_id=said["client_id"], redirect_uri="https://one.example/"))
    assert answer.status_code == 400
    hidden = b'{"redirect_uris": ["https://one.example/"], "redirect_uris": ["javascript:alert(1)"]}'
    assert send(hidden).status_code == 400


def test_8_nothing_in_a_registration_makes_a_client_more_than_one_that_registered_itself(cast: Cast) -> None:
    body = {
        "redirect_uris": [RETURN_ADDRESS],
        "source": "staff",
        "is_staff": True,
        "skip_authorization": True,
        "trusted": True,
        "pk": 1,
        "id": 1,
        "edition": 99,
        "scope": "library:read organizations:all admin",
        "software_statement": "eyJhbGciOiJub25lIn0.eyJpc3MiOiJyYXN0ZXIifQ.",
        "grant_types": ["client_credentials", "password", "implicit", "authorization_code"],
        "registration_access_token": "x",
        "__proto__": {"source": "staff"},
    }
    answer = send(body).json()
    client = Client.objects.get()
    assert (client.source, client.edition, client.grant_types) == ("registered", 1, ["authorization_code"])
    assert "registration_access_token" not in answer and "registration_client_uri" not in answer
    browser = sign_in(cast.alice)
    assert "Not verified" in text(browser.get(ask(browser, client_id=client.client_id)))


def test_8_long_addresses_are_left_out() -> None:
    long = "https://a.example/" + "a" * LONGEST_ADDRESS
    answer = send({"redirect_uris": [RETURN_ADDRESS], "client_uri": long, "logo_uri": long}).json()
    assert "client_uri" not in answer


# --- 9. Flooding -------------------------------------------------------------------------------------------------


def test_9_a_flood_from_one_address_is_told_to_wait_and_keeps_nobody_from_what_they_have(
    server: Server, cast: Cast
) -> None:
    with person(server, cast.alice) as alice:
        app = App.registered(server)
        tokens = app.connect(alice)
        answers = [register(server, redirect_uris=["javascript:x"]) for _ in range(30)]
        answers += [register(server) for _ in range(ADDRESS_LIMIT.most - 31)]
        assert {answer.status_code for answer in answers} == {400, 201}
        flooded = register(server)
        assert flooded.status_code == 429
        assert 0 < int(flooded.headers["retry-after"]) <= ADDRESS_LIMIT.seconds
        assert flooded.json()["error"] == "temporarily_unavailable"
        assert flooded.headers["cache-control"] == "no-store"
        assert Client.objects.count() == ADDRESS_LIMIT.most - 30
        assert app.refresh(tokens["refresh_token"]).status_code == 200
        assert app.connect(alice)["access_token"]


def test_9_a_client_of_a_flood_can_do_nothing_until_a_person_lets_it(cast: Cast) -> None:
    client_id = send({"redirect_uris": [RETURN_ADDRESS]}).json()["client_id"]
    for form in ({"grant_type": "client_credentials"}, {"grant_type": "authorization_code", "code": "x"}):
        answer = Browser().post("/token", {"client_id": client_id, **form}, secure=True)
        assert answer.status_code == 400
    browser = sign_in(cast.alice)
    assert "code" in told(press_allow(browser, ask(browser, client_id=client_id)))
