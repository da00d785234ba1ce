"""Uploads from a library's page: the ticket in the form's address, and the session that it is bound to."""

import time

import httpx2
import pytest
from django.conf import settings
from django.test import Client, RequestFactory

from accounts.models import User
from assets.models import Asset
from assets.tickets import LIFETIME_SECONDS, upload_ticket
from orgs.models import AuditEntry, Library, LibraryMembership, Membership
from tests.api.uploading import JPEG, TEXT, comparable, staged_files, upload
from tests.apikeys.people import sign_in
from tests.factories import Cast, give_password
from tests.server import Server

pytestmark = pytest.mark.usefixtures("clean")


def ticket(browser: Client, user: User, library: Library) -> str:
    """Return the ticket that a library's page has for this browser."""
    request = RequestFactory().get("/")
    request.session, request.user = browser.session, user
    return f"web/{upload_ticket(request, library)}"


def cookies_of(browser: Client) -> dict[str, str]:
    return {"Cookie": f"{settings.SESSION_COOKIE_NAME}={browser.cookies[settings.SESSION_COOKIE_NAME].value}"}


def refused(answer: httpx2.Response) -> tuple[int, str]:
    assert Asset.objects.count() == 0
    assert answer.headers["cache-control"] == "no-store"
    return answer.status_code, answer.json()["error"]["code"]


def test_a_ticket_is_of_no_use_without_its_session(server: Server, cast: Cast) -> None:
    browser = sign_in(cast.bob)
    of_bob = ticket(browser, cast.bob, cast.barcelona)
    signed_out = sign_in(cast.bob)
    of_signed_out, cookie_of_signed_out = ticket(signed_out, cast.bob, cast.barcelona), cookies_of(signed_out)
    signed_out.logout()
    for text, cookies in (
        (of_bob, {}),
        (of_bob, {"Cookie": f"{settings.SESSION_COOKIE_NAME}="}),
        (of_bob, {"Cookie": f"{settings.SESSION_COOKIE_NAME}=unknown"}),
        (of_bob, cookies_of(sign_in(cast.bob))),
        (of_bob, cookies_of(sign_in(cast.alice))),
        (of_bob[:-1], cookies_of(browser)),
        (of_bob + "x", cookies_of(browser)),
        ("web/", cookies_of(browser)),
        ("web/x", cookies_of(browser)),
        (of_signed_out, cookie_of_signed_out),
    ):
        assert refused(upload(server, text, JPEG, headers=cookies)) == (401, "UNAUTHENTICATED"), text
    assert upload(server, of_bob, JPEG, headers=cookies_of(browser)).status_code == 200


def test_a_ticket_made_for_one_person_lets_in_no_other_in_the_same_browser(server: Server, cast: Cast) -> None:
    browser = sign_in(cast.bob)
    forged = ticket(browser, cast.alice, cast.paris)
    assert refused(upload(server, forged, JPEG, headers=cookies_of(browser))) == (401, "UNAUTHENTICATED")


def test_a_ticket_lasts_half_a_day(server: Server, cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    browser = sign_in(cast.bob)
    now = time.time()
    with monkeypatch.context() as earlier:
        earlier.setattr(time, "time", lambda: now - LIFETIME_SECONDS - 5)
        old = ticket(browser, cast.bob, cast.barcelona)
    assert refused(upload(server, old, JPEG, headers=cookies_of(browser))) == (401, "UNAUTHENTICATED")


def test_a_ticket_follows_what_becomes_of_its_person_and_library(server: Server, cast: Cast) -> None:
    browser = sign_in(cast.bob)
    of_bob, cookies = ticket(browser, cast.bob, cast.barcelona), cookies_of(browser)
    role = LibraryMembership.objects.filter(membership__user=cast.bob)
    role.update(role=LibraryMembership.Role.VIEWER)
    assert refused(upload(server, of_bob, JPEG, headers=cookies)) == (403, "API_KEY_READ_ONLY")
    role.delete()
    assert refused(upload(server, of_bob, JPEG, headers=cookies)) == (404, "API_KEY_NOT_AUTHORIZED_FOR_LIBRARY")
    Membership.objects.filter(user=cast.bob).delete()
    assert refused(upload(server, of_bob, JPEG, headers=cookies)) == (404, "ORGANIZATION_NOT_FOUND")

    browser = sign_in(cast.alice)
    of_alice, cookies = ticket(browser, cast.alice, cast.barcelona), cookies_of(browser)
    give_password(cast.alice)  # a changed password ends other sessions
    assert refused(upload(server, of_alice, JPEG, headers=cookies)) == (401, "UNAUTHENTICATED")

    browser = sign_in(cast.alice)
    of_alice, cookies = ticket(browser, cast.alice, cast.barcelona), cookies_of(browser)
    User.objects.filter(pk=cast.alice.pk).update(is_active=False)
    assert refused(upload(server, of_alice, JPEG, headers=cookies)) == (401, "UNAUTHENTICATED")
    User.objects.filter(pk=cast.alice.pk).update(is_active=True)

    browser = sign_in(cast.alice)
    of_alice, cookies = ticket(browser, cast.alice, cast.barcelona), cookies_of(browser)
    cast.barcelona.delete()
    assert refused(upload(server, of_alice, JPEG, headers=cookies)) == (404, "API_KEY_NOT_AUTHORIZED_FOR_LIBRARY")


def test_a_viewer_uploads_nothing(server: Server, cast: Cast) -> None:
    browser = sign_in(cast.carol)
    answer = upload(server, ticket(browser, cast.carol, cast.barcelona), JPEG, headers=cookies_of(browser))
    assert refused(answer) == (403, "API_KEY_READ_ONLY")


def test_a_library_out_of_reach_answers_like_one_that_never_was(server: Server, cast: Cast) -> None:
    browser = sign_in(cast.carol)
    unknown = Library(organization=cast.acme, slug="nowhere")
    of_another = Library(organization=cast.acme, slug=cast.secret.slug)
    answers = [
        comparable(upload(server, ticket(browser, cast.carol, library), JPEG, headers=cookies_of(browser)))
        for library in (unknown, of_another, cast.paris)
    ]
    assert answers[0] == answers[1] == answers[2]
    assert "API_KEY_NOT_AUTHORIZED_FOR_LIBRARY" in answers[0][2]


def test_a_page_uploads_again_and_again_with_one_ticket(server: Server, cast: Cast) -> None:
    browser = sign_in(cast.bob)
    of_bob, cookies = ticket(browser, cast.bob, cast.barcelona), cookies_of(browser)
    first = upload(server, of_bob, JPEG, TEXT, headers=cookies)
    assert first.json()["responseText"].startswith("Uploaded 1 of 2 files. Left out: words.png")
    second = upload(server, of_bob, ("夕日.jpg", JPEG[1]), headers=cookies)
    assert [asset["name"] for asset in second.json()["assets"]] == ["夕日"]
    assert Asset.objects.count() == 2
    entry = AuditEntry.objects.filter(action="asset.upload")[0]
    assert (entry.face, entry.actor) == ("web", "bob@example.com")
    assert len(server.logged(second.headers["x-request-id"], "/upload/web/<ticket>")) == 1
    assert of_bob.removeprefix("web/") not in server.log.read_text()


def test_a_form_without_javascript_leads_back_to_the_library_and_says_what_happened(server: Server, cast: Cast) -> None:
    browser = sign_in(cast.bob)
    of_bob = ticket(browser, cast.bob, cast.barcelona)
    asks_for_page = {**cookies_of(browser), "Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}
    for files, sentence in (
        ([JPEG], "Uploaded 1 file."),
        ([TEXT], "Left out: words.png"),
        ([], "No file came"),
    ):
        answer = upload(server, of_bob, *(files or [("", b"")]), headers=asks_for_page)
        assert (answer.status_code, answer.headers["location"]) == (303, "/acme/barcelona")
        cookie = answer.headers["set-cookie"].partition(";")[0]
        page = httpx2.get(f"{server.url}/acme/barcelona", headers={"Cookie": f"{asks_for_page['Cookie']}; {cookie}"})
        assert page.status_code == 200 and sentence in page.text
    assert Asset.objects.count() == 1
    # Signed out, the library's page asks to sign in.
    browser.logout()
    answer = upload(server, of_bob, JPEG, headers=asks_for_page)
    assert (answer.status_code, answer.headers["location"]) == (303, "/acme/barcelona")
    assert upload(server, "web/x", JPEG, headers=asks_for_page).status_code == 401
    assert Asset.objects.count() == 1
    assert staged_files() == []
