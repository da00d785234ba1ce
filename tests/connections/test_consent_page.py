"""What the page says, and that it always asks."""

from typing import Any

import pytest
from django.test import Client as Browser

from accounts.models import RateCount
from connections.models import AuthorizationRequest, Client, Connection
from connections.operations.authorization import REQUESTS_OF_USER
from tests.apikeys.people import sign_in
from tests.connections.asking import allow, asked, make_document_client, page_for, query, text, told, words
from tests.connections.devices import begun, row_of
from tests.connections.factories import make_client
from tests.factories import PASSWORD, Cast, give_password


@pytest.fixture(autouse=True)
def app(cast: Cast) -> Client:
    return make_client()


@pytest.mark.parametrize("skip", ["prompt=none", "prompt=login", "approval_prompt=auto", "approval_prompt=force"])
def test_nothing_in_the_address_skips_the_page(cast: Cast, skip: str) -> None:
    browser = sign_in(cast.alice)
    allow(browser, asked(browser))
    answer = browser.get(f"{query()}&{skip}", follow=True)
    assert "“Test app” wants to connect to Raster" in words(answer)
    assert Connection.objects.count() == 1


def test_nobody_can_be_asked_without_end(cast: Cast) -> None:
    browser = sign_in(cast.alice)
    asked(browser)
    RateCount.objects.filter(name__startswith=REQUESTS_OF_USER.name).update(count=REQUESTS_OF_USER.most)
    answer = browser.get(query())
    assert answer.status_code == 429 and AuthorizationRequest.objects.count() == 1
    asked(sign_in(cast.bob))


def test_what_was_allowed_before_is_asked_again(cast: Cast) -> None:
    browser = sign_in(cast.alice)
    for number in range(1, 3):
        address = asked(browser)
        assert "Allow" in words(browser.get(address))
        allow(browser, address)
        assert Connection.objects.count() == number


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"client_id": "unknown"},
        {"redirect_uri": "https://evil.example/"},
        {"client_id": "https://claude.ai/oauth/client"},
        {"response_type": "token"},
        {"client_id": None, "redirect_uri": None},
    ],
)
def test_before_signing_in_everything_leads_to_the_sign_in_page_alone(changes: dict[str, Any]) -> None:
    answer = Browser().get(query(**changes))
    assert answer.status_code == 302
    assert answer.headers["Location"].startswith("/login?next=/authorize")
    assert answer.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize("state", ["plain", "a&b=c#d?e+f g%20ü", "x" * 3000])
def test_signing_in_on_the_way_keeps_every_parameter(cast: Cast, state: str) -> None:
    give_password(cast.alice)
    browser = Browser()
    sign_in_page = browser.get(query(state=state)).headers["Location"]
    form = browser.get(sign_in_page)
    [following] = [line for line in text(form).splitlines() if 'name="next"' in line]
    back = following.partition('value="')[2].partition('"')[0]
    answer = browser.post("/login", {"login": cast.alice.email, "password": PASSWORD, "next": back})
    answer = browser.get(answer.headers["Location"])
    assert told(allow(browser, answer.headers["Location"]))["state"] == [state]


def test_another_account_can_be_used_without_starting_again(cast: Cast) -> None:
    browser = sign_in(cast.bob)
    address = asked(browser, state="a&b", resource=None, scope="library:read offline_access organizations:all")
    page = browser.get(address)
    again = text(page).partition('name="next" value="')[2].partition('"')[0]
    assert "bob@example.com" in words(page)
    answer = browser.post("/logout", {"next": again})
    assert answer.headers["Location"] == again
    assert browser.get(again).headers["Location"].startswith("/login?next=/authorize")
    browser.force_login(cast.alice)
    fresh = browser.get(again).headers["Location"]
    assert "alice@example.com" in words(browser.get(fresh))
    assert "All my organizations" in words(browser.get(fresh))
    assert told(allow(browser, fresh))["state"] == ["a&b"]
    connection = Connection.objects.get()
    assert (connection.user, connection.asked_write) == (cast.alice, False)
    assert (connection.asked_read, connection.asked_offline) == (True, True)


def test_the_page_cannot_be_framed_or_kept_and_may_lead_to_the_app(cast: Cast) -> None:
    browser = sign_in(cast.alice)
    answer = browser.get(asked(browser))
    policy = answer.headers["Content-Security-Policy"]
    assert "frame-ancestors 'none'" in policy and "form-action" not in policy and "script-src 'self'" in policy
    assert answer.headers["X-Frame-Options"] == "DENY"
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["Referrer-Policy"] == "same-origin"
    assert answer.headers["Cross-Origin-Opener-Policy"] == "same-origin"


def test_what_leads_to_the_app_and_the_pages_of_errors_tell_no_address_of_ours(cast: Cast) -> None:
    browser = sign_in(cast.alice)
    answers = [allow(browser, asked(browser)), browser.get(query(client_id="unknown")), browser.get("/authorize/x")]
    for answer in answers:
        assert answer.headers["Referrer-Policy"] == "no-referrer"
        assert answer.headers["Cache-Control"] == "no-store"
        assert answer.headers["X-Frame-Options"] == "DENY"


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("Good\u202eeman", "Goodeman"),
        ("Zero\u200bwidth\u2060 \ufeffname", "Zerowidth name"),
        ("<script>alert(1)</script>", "<script>alert(1)</script>"),
        ("Two\nlines\tand more", "Two lines and more"),
        ("Nice” (checked by Raster) “", "Nice' (checked by Raster) '"),
        ("x" * 200, "x" * 63 + "…"),
        ("\u200b\u3164\u2800", "An app without a name"),
        ("A" + "\u0301" * 40, "Á\u0301\u0301"),
    ],
)
def test_a_name_shows_nothing_but_its_letters(cast: Cast, app: Client, name: str, shown: str) -> None:
    Client.objects.filter(pk=app.pk).update(name=name)
    browser = sign_in(cast.alice)
    page = browser.get(asked(browser)).content.decode()
    assert f"“<bdi>{shown.replace('<', '&lt;').replace('>', '&gt;').replace(chr(39), '&#x27;')}</bdi>” wants" in page


def test_the_libraries_are_named_with_the_level_that_the_app_would_have(cast: Cast) -> None:
    browser = sign_in(cast.carol)
    assert "Barcelona · read" in words(browser.get(asked(browser)))
    assert "Paris" not in page_for(cast.carol)
    assert '<span class="badge write">Paris · ' in page_for(cast.alice)
    assert '<span class="badge read">Paris · read' in page_for(cast.alice, scope="library:read")


def test_an_app_that_asks_for_reading_alone_gets_no_switch(cast: Cast) -> None:
    page = page_for(cast.alice, scope="library:read")
    assert 'name="read_only"' not in page and "This app did not ask to change anything" in page


def test_it_says_how_long_it_lasts_and_how_it_ends(cast: Cast, app: Client) -> None:
    assert "Ends after 30 days unused, and after a year at the latest." in page_for(cast.alice)
    Client.objects.filter(pk=app.pk).update(grant_types=["authorization_code"])
    page = page_for(cast.alice)
    assert "Ends after an hour." in page and "Settings → Connected apps" in page


def test_it_says_where_it_leads(cast: Cast, app: Client) -> None:
    uris = {
        "https://app.example.com:8443/cb": "Takes you to app.example.com:8443.",
        "http://localhost:3118/callback": "Takes you to a program on this computer (localhost). Go on only",
        "cursor://anysphere.cursor-mcp/oauth": "Takes you to the app that opens cursor: links. Go on only",
    }
    Client.objects.filter(pk=app.pk).update(redirect_uris=list(uris))
    browser = sign_in(cast.alice)
    for uri, sentence in uris.items():
        assert sentence in words(browser.get(asked(browser, redirect_uri=uri)))


def test_a_logo_is_shown_for_a_verified_domain_alone_and_served_by_us(cast: Cast) -> None:
    logo = b"\x89PNG\r\n\x1a\n"
    client = make_document_client(logo=logo, redirect_uris=["https://claude.ai/callback", "http://localhost/callback"])
    address = f"/authorize/logo/{client.pk}"
    verified = page_for(cast.alice, client_id=client.client_id, redirect_uri="https://claude.ai/callback")
    assert f'src="{address}"' in verified and "Verified domain: claude.ai" in verified
    local = page_for(cast.alice, client_id=client.client_id, redirect_uri="http://localhost:3118/callback")
    assert address not in local and "any program here could claim to be it" in local
    answer = sign_in(cast.alice).get(address)
    assert (answer.content, answer.headers["Content-Type"]) == (logo, "image/png")
    assert Browser().get(address).status_code == 302


def test_a_document_in_the_name_of_a_known_product_shows_no_logo_and_a_warning(cast: Cast) -> None:
    client = make_document_client("https://evil.example/c.json", logo=b"x", redirect_uris=["https://evil.example/cb"])
    page = page_for(cast.alice, client_id=client.client_id, redirect_uri="https://evil.example/cb")
    assert "Its name resembles Claude, but evil.example is not claude.ai." in page
    assert "Verified domain: evil.example" in page
    assert 'class="badge good"' not in page and "/authorize/logo/" not in page


def test_an_app_that_is_not_verified_has_no_logo(cast: Cast, app: Client) -> None:
    Client.objects.filter(pk=app.pk).update(logo=b"x")
    assert "/authorize/logo/" not in page_for(cast.alice)
    assert sign_in(cast.alice).get(f"/authorize/logo/{app.pk}").status_code == 404


def test_a_device_is_shown_with_where_it_was_started_and_read_only_preselected(cast: Cast) -> None:
    codes = begun()
    browser = sign_in(cast.alice)
    address = browser.post("/device", {"code": codes["user_code"]}).headers["Location"]
    page = browser.get(address)
    said = words(page)
    assert "If somebody sent you this code, cancel." in said
    assert "from 203.0.113.7 Box" in said and "at 127.0.0.1 Tests/1.0" in said
    assert 'aria-describedby="read_only_help" checked' in text(page)
    assert text(page).count('name="next" value="/device"') == 1
    answer = allow(browser, address, read_only="on")
    assert (answer.status_code, answer.headers["Location"]) == (303, "/device/done")
    connection = row_of(codes).connection
    assert connection is not None and (connection.way, connection.may_write) == ("device", False)
    assert browser.get(address).headers["Location"] == "/device/done"


def test_a_device_that_is_refused_is_told_so(cast: Cast) -> None:
    codes = begun()
    browser = sign_in(cast.alice)
    address = browser.post("/device", {"code": codes["user_code"]}).headers["Location"]
    answer = browser.post(address, {"decision": "cancel"})
    assert answer.headers["Location"] == "/device/done?denied=1"
    assert row_of(codes).state == "denied" and not Connection.objects.exists()
    assert browser.get(address).headers["Location"] == "/device/done?denied=1"
