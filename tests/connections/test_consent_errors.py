"""Requests that are wrong: a page, or an answer to the app, and never a way to send people elsewhere."""

from typing import Any

import pytest
from django.test import Client as Browser
from pytest_django import Settings

from connections.models import AuthorizationRequest, Client
from connections.return_address import with_answer
from tests.apikeys.people import sign_in
from tests.connections.asking import STATE, make_document_client, query, text, told, words
from tests.connections.factories import RETURN_ADDRESS, make_client
from tests.factories import Cast
from tests.sites import Site

WRONG = [
    ({"response_type": "token"}, "unauthorized_client unsupported_response_type"),
    ({"response_type": None}, "invalid_request"),
    ({"code_challenge": None}, "invalid_request"),
    ({"code_challenge_method": "plain"}, "invalid_request"),
    ({"code_challenge_method": None}, "invalid_request"),
    ({"code_challenge": "short"}, "invalid_request"),
    ({"scope": "openid profile"}, "invalid_scope"),
    ({"resource": "https://other.example/mcp"}, "invalid_target"),
]


@pytest.fixture(autouse=True)
def app(cast: Cast) -> Client:
    return make_client()


@pytest.fixture
def browser(cast: Cast) -> Browser:
    return sign_in(cast.alice)


@pytest.mark.parametrize(
    "changes",
    [
        {"client_id": "unknown"},
        {"client_id": None},
        {"client_id": "\x00"},
        {"redirect_uri": "https://evil.example/callback"},
        {"redirect_uri": f"{RETURN_ADDRESS}/more"},
        {"redirect_uri": f"{RETURN_ADDRESS}?more=1"},
        {"redirect_uri": "https://app.example.com@evil.example/callback"},
        {"redirect_uri": "https://app.example.com.evil.example/callback"},
        {"redirect_uri": "javascript:alert(1)"},
        {"redirect_uri": "//evil.example"},
        {"redirect_uri": ""},
        {"redirect_uri": [RETURN_ADDRESS, "https://evil.example/"]},
        {"client_id": ["test-app", "unknown"]},
    ],
)
def test_an_unknown_app_or_return_address_is_a_page_that_leads_nowhere(
    browser: Browser, changes: dict[str, Any]
) -> None:
    answer = browser.get(query(**changes))
    if answer.status_code == 303:  # an empty parameter counts as left out, where there is one address only
        assert changes == {"redirect_uri": ""} and answer.headers["Location"].startswith("/authorize/")
        return
    assert answer.status_code == 400
    assert "This app cannot be connected" in words(answer)
    assert "evil" not in answer.content.decode() and "Return to" not in words(answer)
    assert not AuthorizationRequest.objects.exists()


@pytest.mark.parametrize(("changes", "errors"), WRONG)
@pytest.mark.parametrize("client_id", ["test-app", "https://evil.example/client.json"])
def test_an_app_that_anybody_could_make_sends_nobody_on_by_itself(
    browser: Browser, client_id: str, changes: dict[str, Any], errors: str
) -> None:
    make_document_client("https://evil.example/client.json", name="Claude", redirect_uris=[RETURN_ADDRESS])
    answer = browser.get(query(**{"client_id": client_id, **changes}))
    assert answer.status_code == 400 and "Location" not in answer.headers
    page = text(answer)
    assert "Return to app.example.com" in page
    link = page.partition('href="https://app.example.com')[2].partition('"')[0]
    assert link.startswith("/callback?error=") and link.partition("error=")[2].partition("&")[0] in errors.split()
    assert f"state={STATE}" in link and link.count("iss=") == 1 and link.endswith("iss=http%3A%2F%2Flocalhost%3A8000")


@pytest.mark.parametrize(("changes", "errors"), WRONG)
def test_an_app_of_the_staff_is_told_what_is_wrong(
    browser: Browser, settings: Settings, changes: dict[str, Any], errors: str
) -> None:
    make_client("staff-app", source=Client.Source.STAFF)
    answer = browser.get(query(**{"client_id": "staff-app", **changes}))
    assert answer.headers["Location"].startswith(f"{RETURN_ADDRESS}?error=")
    parameters = told(answer)
    assert parameters["error"][0] in errors.split()
    assert (parameters["state"], parameters["iss"]) == ([STATE], [settings.BASE_URL])


def test_nothing_but_looking_is_possible_at_the_endpoint(browser: Browser) -> None:
    for method in ("post", "put", "delete"):
        assert getattr(browser, method)(query()).status_code == 405


def test_asking_for_no_answer_keeps_no_request_and_reads_no_document(browser: Browser, site: Site) -> None:
    url = site.page("/client.json", {})
    for client_id in ("test-app", url):
        answer = browser.head(query(client_id=client_id))
        assert (answer.status_code, answer.headers["Allow"]) == (405, "GET")
    assert not AuthorizationRequest.objects.exists()
    assert site.asked == []
    assert browser.get(query(client_id=url)).status_code == 400
    assert site.paths_asked() == ["/client.json"]


@pytest.mark.parametrize(
    ("uri", "address"),
    [
        ("https://a.example/cb", "https://a.example/cb?code=c%20d&state=s%26&iss=I"),
        ("https://a.example/cb?", "https://a.example/cb?code=c%20d&state=s%26&iss=I"),
        ("https://a.example/cb?x=1&y=%20", "https://a.example/cb?x=1&y=%20&code=c%20d&state=s%26&iss=I"),
        ("https://a.example/cb?iss=evil&x=1", "https://a.example/cb?x=1&code=c%20d&state=s%26&iss=I"),
        ("https://a.example/cb?%69ss=evil&code=1&state=2", "https://a.example/cb?code=c%20d&state=s%26&iss=I"),
        ("http://127.0.0.1:3118", "http://127.0.0.1:3118?code=c%20d&state=s%26&iss=I"),
        ("com.example.app:/cb?iss=evil", "com.example.app:/cb?code=c%20d&state=s%26&iss=I"),
        ("cursor://mcp/cb?server=a", "cursor://mcp/cb?server=a&code=c%20d&state=s%26&iss=I"),
    ],
)
def test_an_answer_keeps_the_address_and_names_its_giver_once(settings: Settings, uri: str, address: str) -> None:
    issuer = settings.BASE_URL.replace(":", "%3A").replace("/", "%2F")
    assert with_answer(uri, {"code": "c d", "state": "s&", "error": None}) == address.replace("=I", f"={issuer}")
