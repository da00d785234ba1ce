"""Which organizations can be chosen, and that one page stands for all that cannot."""

import pytest
from django.db import connection as database
from django.test import Client as Browser
from django.test.utils import CaptureQueriesContext
from pytest_django import Settings

from accounts.models import User
from connections.models import AppPolicy, Client, Connection, DeviceAuthorization
from orgs.models import Library, Membership
from tests.apikeys.people import sign_in
from tests.connections.asking import allow, asked, page_for, query, told, words
from tests.connections.devices import begun, row_of
from tests.connections.factories import make_client
from tests.factories import Cast, OrganizationFactory, UserFactory

UNAVAILABLE = "This organization cannot be connected"
PRESELECTED = 'value="acme" checked'


@pytest.fixture(autouse=True)
def app(cast: Cast) -> Client:
    return make_client()


@pytest.fixture
def forbidding(cast: Cast) -> None:
    """Alice owns Initech, too, where apps are forbidden."""
    initech = OrganizationFactory(name="Initech", slug="initech")
    Membership.objects.create(organization=initech, user=cast.alice, role="owner")
    AppPolicy.objects.create(organization=initech, allows_apps=False)


def of(settings: Settings, slug: str) -> str:
    return f"{settings.BASE_URL}/mcp/o/{slug}"


def typed(user: User, **form: str) -> tuple[DeviceAuthorization, str, Browser]:
    """Let a person type the code of a device; return the device, the page's address and their browser."""
    codes = begun(**form)
    browser = sign_in(user)
    answer = browser.post("/device", {"code": codes["user_code"]})
    return row_of(codes), answer.headers["Location"], browser


@pytest.mark.usefixtures("forbidding")
def test_an_organization_that_is_unknown_not_theirs_or_forbids_apps_gives_one_page(
    cast: Cast, settings: Settings
) -> None:
    browser = sign_in(cast.alice)
    pages, queries = set(), set()
    for slug in ("nothing-there", "globex", "initech"):
        address = asked(browser, resource=of(settings, slug))
        with CaptureQueriesContext(database) as captured:
            answer = browser.get(address)
        pages.add((answer.status_code, answer.content, tuple(sorted(answer.headers.items()))))
        queries.add(len(captured))
    assert len(pages) == 1 and len(queries) == 1
    assert UNAVAILABLE in words(answer) and answer.status_code == 404
    assert "nothing-there" not in answer.content.decode()


@pytest.mark.usefixtures("forbidding")
@pytest.mark.parametrize("slug", ["nothing-there", "globex", "initech", "acme"])
def test_another_organization_than_the_one_that_was_asked_for_is_refused(
    cast: Cast, settings: Settings, slug: str
) -> None:
    browser = sign_in(cast.alice)
    address = asked(browser, resource=of(settings, slug))
    other = "acme" if slug != "acme" else "initech"
    for organization in (slug, other, "*") if slug != "acme" else (other, "*"):
        allow(browser, address, organization)
        assert not Connection.objects.exists()


def test_the_page_of_an_organization_that_cannot_be_chosen_leads_back_to_the_app(
    cast: Cast, settings: Settings
) -> None:
    page = page_for(cast.alice, resource=of(settings, "globex"))
    assert "https://app.example.com/callback?error=access_denied&state=from-the-app&iss=" in page
    assert "Return to app.example.com" in page


def test_the_organization_that_was_asked_for_is_the_only_one_and_preselected(cast: Cast, settings: Settings) -> None:
    Membership.objects.create(organization=cast.globex, user=cast.alice)
    page = page_for(cast.alice, resource=of(settings, "acme"), scope="library:read organizations:all")
    assert PRESELECTED in page
    assert "globex" not in page and "All my organizations" not in page


def test_one_organization_is_preselected_and_of_several_none(cast: Cast) -> None:
    assert PRESELECTED in page_for(cast.alice)
    Membership.objects.create(organization=cast.globex, user=cast.alice)
    page = page_for(cast.alice)
    assert 'value="acme"' in page and 'value="globex"' in page
    assert " checked>" not in page


def test_all_of_them_is_offered_to_apps_that_asked_and_never_preselected(cast: Cast) -> None:
    assert "All my organizations" not in page_for(cast.alice)
    page = page_for(cast.alice, scope="library:read organizations:all")
    assert 'value="*" data-all>' in page


@pytest.mark.usefixtures("forbidding")
def test_an_organization_that_forbids_apps_is_shown_as_such_and_keeps_all_from_being_chosen(cast: Cast) -> None:
    browser = sign_in(cast.alice)
    address = asked(browser, scope="library:read organizations:all")
    page = browser.get(address).content.decode()
    assert 'value="initech" disabled' in page and "do not allow apps to connect" in page
    assert "All my organizations" not in page
    for organization in ("initech", "*"):
        assert allow(browser, address, organization).status_code == 200
    assert not Connection.objects.exists()
    assert "code" in told(allow(browser, address))


def test_an_organization_may_forbid_devices_alone(cast: Cast) -> None:
    AppPolicy.objects.create(organization=cast.acme, allows_devices=False)
    device, address, browser = typed(cast.alice)
    page = browser.get(address)
    assert "do not allow devices to connect by a code" in words(page)
    assert allow(browser, address).status_code == 200
    device.refresh_from_db()
    assert device.state == "pending" and not Connection.objects.exists()
    browser = sign_in(cast.alice)
    assert "code" in told(allow(browser, asked(browser)))


def test_forbidding_apps_forbids_devices_too(cast: Cast) -> None:
    AppPolicy.objects.create(organization=cast.acme, allows_apps=False)
    _, address, browser = typed(cast.alice)
    assert allow(browser, address).status_code == 200
    assert not Connection.objects.exists()


def test_where_every_organization_forbids_apps_there_is_nothing_to_allow(cast: Cast) -> None:
    AppPolicy.objects.create(organization=cast.acme, allows_apps=False)
    page = page_for(cast.alice)
    assert "None of your organizations can be chosen" in page
    assert 'value="allow"' not in page and 'value="cancel"' in page


def test_a_person_without_an_organization_is_told_so(cast: Cast) -> None:
    browser = sign_in(UserFactory(email="new@example.com"))
    page = browser.get(asked(browser))
    assert "You are in no organization yet" in words(page)
    assert 'href="/new"' in page.content.decode() and 'value="cancel"' in page.content.decode()
    assert 'value="allow"' not in page.content.decode()


def test_before_signing_in_existing_and_unknown_organizations_get_one_answer(cast: Cast, settings: Settings) -> None:
    browser = sign_in(cast.alice)
    browser.logout()
    with CaptureQueriesContext(database) as captured:
        answers = [browser.get(query(resource=of(settings, slug))) for slug in ("acme", "nope")]
    assert {answer.status_code for answer in answers} == {302}
    assert answers[0].headers["Location"].replace("acme", "nope") == answers[1].headers["Location"]
    assert not [entry for entry in captured if "connections_" in entry["sql"] or "orgs_" in entry["sql"]]


def test_a_thousand_libraries_and_ten_organizations_take_a_few_queries(cast: Cast) -> None:
    Library.objects.bulk_create(
        [
            Library(organization=cast.acme, name=f"Library {number:04}", slug=f"library-{number}")
            for number in range(1000)
        ]
    )
    for number in range(10):
        organization = OrganizationFactory(name=f"Other {number}", slug=f"other-{number}")
        Membership.objects.create(organization=organization, user=cast.alice)
    browser = sign_in(cast.alice)
    address = asked(browser)
    with CaptureQueriesContext(database) as captured:
        page = browser.get(address).content.decode()
    assert len(captured) <= 6  # session, person, request, memberships, libraries
    assert "and 990 more" in page and page.count('name="library"') == 1002
    many = [f"acme/library-{number}" for number in range(0, 1000, 2)]
    with CaptureQueriesContext(database) as captured:
        assert "code" in told(allow(browser, address, library=many))
    assert len(captured) <= 25
    assert Connection.objects.get().chosen.count() == 500
