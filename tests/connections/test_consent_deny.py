"""What a browser sends beyond what was shown, or for somebody else, allows nothing."""

from typing import Any

import pytest
from django.conf import settings
from django.test import Client as Browser

from connections.models import AppPolicy, Client, Connection, ConnectionLibrary
from orgs.models import LibraryMembership, Membership
from tests.apikeys.people import sign_in
from tests.connections.asking import allow, asked, cancel, expire_all, text, words
from tests.connections.factories import make_client
from tests.factories import Cast, LibraryFactory

START_AGAIN = "Start again in the app"
CHOOSE_AGAIN = "cannot be chosen. Nothing was connected"
ASKED_AGAIN = "Please decide here"


@pytest.fixture(autouse=True)
def app(cast: Cast) -> Client:
    return make_client()


def refused(answer: Any) -> str:
    """Return the words of the page that was shown in place of a redirect; nothing was connected."""
    assert answer.status_code in {200, 404}, answer.headers
    assert not Connection.objects.exists()
    return words(answer)


@pytest.mark.parametrize("slug", ["globex", "nothing-there"])
def test_an_organization_of_others_and_one_that_is_unknown_are_refused_alike(cast: Cast, slug: str) -> None:
    browser = sign_in(cast.alice)
    assert CHOOSE_AGAIN in refused(allow(browser, asked(browser), slug))


@pytest.mark.parametrize(
    "path", ["acme/nothing", "globex/secret", "acme/secret", "secret", "", "/", "globex/barcelona"]
)
def test_a_library_out_of_reach_is_refused(cast: Cast, path: str) -> None:
    browser = sign_in(cast.alice)
    assert CHOOSE_AGAIN in refused(allow(browser, asked(browser), library=["acme/paris", path]))


def test_a_library_that_the_person_does_not_reach_is_refused_like_an_unknown_one(cast: Cast) -> None:
    browser = sign_in(cast.carol)
    pages = {refused(allow(browser, asked(browser), library=[path])) for path in ("acme/paris", "acme/none-such")}
    assert len(pages) == 1 and CHOOSE_AGAIN in pages.pop()


def test_libraries_of_another_own_organization_are_refused_and_the_person_is_told_which(cast: Cast) -> None:
    LibraryFactory(organization=cast.globex, name="Second")
    Membership.objects.create(organization=cast.globex, user=cast.alice, role="admin")
    browser = sign_in(cast.alice)
    address = asked(browser)
    for ticked in (["globex/secret"], ["acme/paris", "globex/secret"], ["globex/none-such"]):
        page = refused(allow(browser, address, library=ticked))
        assert (
            "You ticked libraries of Globex, but chose Acme: choose Globex, or untick its libraries and choose Acme "
            "again. Nothing was connected."
        ) in page
    answer = browser.post(address, {"decision": "allow", "organization": "acme", "library": "globex/secret"})
    assert 'value="globex/secret" checked' in text(answer)
    assert allow(browser, address, library=["acme/paris"]).status_code == 303
    assert [row.library for row in ConnectionLibrary.objects.all()] == [cast.paris]


def test_libraries_of_an_organization_that_is_not_offered_are_refused_like_unknown_ones(cast: Cast) -> None:
    Membership.objects.create(organization=cast.globex, user=cast.alice, role="admin")
    AppPolicy.objects.create(organization=cast.globex, allows_apps=False)
    browser = sign_in(cast.alice)
    for changes in ({}, {"resource": f"{settings.BASE_URL}/mcp/o/acme"}):
        page = refused(allow(browser, asked(browser, **changes), library=["globex/secret"]))
        assert CHOOSE_AGAIN in page and "You ticked" not in page


def test_scopes_and_addresses_that_the_form_adds_count_for_nothing(cast: Cast) -> None:
    browser = sign_in(cast.alice)
    address = asked(browser, scope="library:read")
    more = {
        "scope": "library:write organizations:all",
        "redirect_uri": "https://evil.example/",
        "client_id": "other",
        "code_challenge": "b" * 43,
        "resource": "https://elsewhere.example/mcp",
        "state": "forged",
    }
    answer = allow(browser, address, **more)
    assert answer.headers["Location"].startswith("https://app.example.com/callback?code=")
    assert "state=from-the-app" in answer.headers["Location"]
    connection = Connection.objects.get()
    assert (connection.asked_write, connection.may_write, connection.all_organizations) == (False, False, False)
    assert connection.code.code_challenge == "a" * 43


def test_all_organizations_are_refused_to_an_app_that_did_not_ask_for_them(cast: Cast) -> None:
    browser = sign_in(cast.alice)
    assert CHOOSE_AGAIN in refused(allow(browser, asked(browser), "*"))


def test_nothing_is_allowed_without_an_organization(cast: Cast) -> None:
    Membership.objects.create(organization=cast.globex, user=cast.alice)
    browser = sign_in(cast.alice)
    assert "Choose an organization." in refused(allow(browser, asked(browser), ""))


@pytest.mark.parametrize("decision", ["", "yes", "ALLOW"])
def test_nothing_is_allowed_without_a_press_of_allow(cast: Cast, decision: str) -> None:
    browser = sign_in(cast.alice)
    answer = browser.post(asked(browser), {"decision": decision, "organization": "acme"})
    assert "Choose Allow or Cancel." in refused(answer)


def test_another_person_and_another_session_of_the_same_person_see_and_allow_nothing(cast: Cast) -> None:
    address = asked(sign_in(cast.alice))
    for other in (sign_in(cast.bob), sign_in(cast.alice)):
        for answer in (other.get(address), allow(other, address), cancel(other, address)):
            assert answer.status_code == 404
            assert START_AGAIN in refused(answer)


def test_an_unknown_id_looks_like_somebody_elses(cast: Cast) -> None:
    address = asked(sign_in(cast.alice))
    browser = sign_in(cast.bob)
    foreign, unknown = (browser.get(address), browser.get("/authorize/made-up"))
    assert (foreign.status_code, foreign.content) == (unknown.status_code, unknown.content)


def test_a_person_who_signed_in_where_another_was_shown_the_page_allows_nothing(cast: Cast) -> None:
    browser = sign_in(cast.alice)
    address = asked(browser)
    browser.force_login(cast.bob)
    assert START_AGAIN in refused(allow(browser, address))


def test_an_expired_page_is_shown_anew_and_allows_nothing(cast: Cast) -> None:
    browser = sign_in(cast.alice)
    address = asked(browser)
    expire_all()
    answer = allow(browser, address)
    fresh = answer.headers["Location"]
    assert answer.status_code == 303 and fresh.startswith("/authorize/") and fresh != address
    assert ASKED_AGAIN in refused(browser.get(fresh))
    assert allow(browser, fresh).headers["Location"].startswith("https://app.example.com/callback?code=")


def test_a_spent_page_is_shown_anew_with_another_id(cast: Cast) -> None:
    browser = sign_in(cast.alice)
    address = asked(browser)
    allow(browser, address)
    for use in (allow, cancel, Browser.get):
        answer = use(browser, address)
        assert answer.status_code == 303
        assert ASKED_AGAIN in words(browser.get(answer.headers["Location"]))
    assert Connection.objects.count() == 1


def test_a_form_of_another_site_is_refused(cast: Cast) -> None:
    browser = Browser(enforce_csrf_checks=True)
    browser.force_login(cast.alice)
    address = asked(browser)
    assert allow(browser, address).status_code == 403
    assert not Connection.objects.exists()


def test_nobody_allows_for_an_organization_that_they_left_meanwhile(cast: Cast) -> None:
    browser = sign_in(cast.bob)
    address = asked(browser)
    browser.get(address)
    Membership.objects.filter(user=cast.bob).delete()
    assert "You are in no organization yet" in refused(allow(browser, address))


def test_nobody_allows_a_library_that_they_lost_meanwhile(cast: Cast) -> None:
    browser = sign_in(cast.bob)
    address = asked(browser)
    LibraryMembership.objects.filter(membership__user=cast.bob).delete()
    assert CHOOSE_AGAIN in refused(allow(browser, address, library=["acme/barcelona"]))


def test_nobody_allows_where_admins_forbid_apps_meanwhile(cast: Cast) -> None:
    browser = sign_in(cast.alice)
    address = asked(browser)
    AppPolicy.objects.create(organization=cast.acme, allows_apps=False)
    page = refused(allow(browser, address))
    assert CHOOSE_AGAIN in page and "Its admins do not allow apps to connect." in page


def test_an_app_that_changed_meanwhile_is_shown_anew(cast: Cast, app: Client) -> None:
    browser = sign_in(cast.alice)
    address = asked(browser)
    Client.objects.filter(pk=app.pk).update(name="Somebody else", edition=2)
    answer = allow(browser, address)
    assert "Somebody else" in refused(browser.get(answer.headers["Location"]))


@pytest.mark.parametrize("change", [{"is_active": False}, {"edition": 2, "redirect_uris": ["https://new.example/"]}])
def test_an_app_that_may_not_return_there_any_more_gets_nothing(
    cast: Cast, app: Client, change: dict[str, Any]
) -> None:
    browser = sign_in(cast.alice)
    address = asked(browser)
    Client.objects.filter(pk=app.pk).update(**change)
    for answer in (allow(browser, address), cancel(browser, address), browser.get(address)):
        assert answer.status_code == 404 and START_AGAIN in refused(answer)


def test_a_deactivated_person_is_asked_to_sign_in(cast: Cast) -> None:
    browser = sign_in(cast.alice)
    address = asked(browser)
    cast.alice.is_active = False
    cast.alice.save()
    assert allow(browser, address).headers["Location"].startswith("/login?next=")
    assert not Connection.objects.exists()


def test_too_many_libraries_are_refused_before_any_is_looked_up(cast: Cast) -> None:
    browser = sign_in(cast.alice)
    answer = allow(browser, asked(browser), library=["acme/paris"] * 10_001)
    assert "libraries" in refused(answer)


def test_choosing_libraries_limits_the_connection_to_them(cast: Cast) -> None:
    LibraryFactory(organization=cast.acme, name="Rome", slug="rome")
    browser = sign_in(cast.alice)
    allow(browser, asked(browser), library=["acme/paris", "acme/rome", "acme/paris"])
    connection = Connection.objects.get()
    assert connection.narrowed
    assert set(ConnectionLibrary.objects.values_list("library__slug", flat=True)) == {"paris", "rome"}


def test_what_was_chosen_is_still_chosen_where_the_page_is_shown_again(cast: Cast) -> None:
    browser = sign_in(cast.alice)
    page = text(allow(browser, asked(browser), library=["acme/paris", "acme/none"], read_only="on"))
    assert 'value="acme/paris" checked' in page
    assert 'name="read_only" aria-describedby="read_only_help" checked' in page
    assert 'value="acme" checked' in page
