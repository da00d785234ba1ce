"""The page at which an organization is claimed that was started without an account."""

import re

import pytest
from allauth.account import app_settings
from django.test import Client
from pytest_django import Settings

from accounts.models import User
from accounts.people import verify_address
from apikeys import secrets
from apikeys.contracts import StartedOrganization, StartOrganization
from apikeys.unclaimed import start_organization
from orgs.access import Origin
from orgs.models import Membership, Organization
from raster.errors import InvalidAPIKey
from tests.apikeys.people import TOO_LONG_AGO, principal_for, sign_in, whole_database
from tests.factories import PASSWORD, UserFactory, give_password
from tests.mails import delivered_mails

pytestmark = pytest.mark.usefixtures("static_files")
ERIN = "erin@example.com"
REGENERATE = {"key": "regenerate"}
#: What a page shows of an organization that is claimed, as long as the name is not in its address.
NAME = "Erin’s pictures"


@pytest.fixture
def started(db: None) -> StartedOrganization:
    return start_organization(Origin("mcp", "192.0.2.1"), StartOrganization(email=ERIN, name=NAME))


def path_of(started: StartedOrganization) -> str:
    return f"/claim/{started.claim_url.rpartition('/')[2]}"


def erin(*, seconds_ago: float = 0) -> Client:
    user = UserFactory(email=ERIN)
    give_password(user)
    verify_address(user)
    return sign_in(user, seconds_ago=seconds_ago)


def claimed() -> bool:
    return Membership.objects.exists() or Organization.objects.get().unclaimed_until is None


def test_nobody_sees_anything_before_they_signed_in(client: Client, started: StartedOrganization) -> None:
    for path in (path_of(started), "/claim/rstc_nonsense"):
        for answer in (client.get(path), client.post(path, REGENERATE)):
            assert answer.headers["Location"] == f"/login?next={path}"
    assert not claimed()


def test_a_sign_in_that_is_not_recent_is_asked_for_first(started: StartedOrganization) -> None:
    client = erin(seconds_ago=TOO_LONG_AGO)
    for answer in (client.get(path_of(started)), client.post(path_of(started), REGENERATE)):
        assert answer.headers["Location"].startswith("/reauthenticate?next=")
    assert not claimed()


def test_looking_claims_nothing_and_no_form_of_another_site_does(started: StartedOrganization) -> None:
    client = erin()
    answer = client.get(path_of(started))
    assert NAME in answer.content.decode()
    assert (answer.headers["Cache-Control"], answer.headers["Referrer-Policy"]) == ("no-store", "same-origin")
    assert re.search(r'value="regenerate"[^>]* checked', answer.content.decode())
    strict = Client(enforce_csrf_checks=True)
    strict.cookies = client.cookies
    assert strict.post(path_of(started), REGENERATE).status_code == 403
    assert not claimed()


@pytest.mark.parametrize("data", [{}, {"key": "keep"}, {"key": "other", "is_somebody_else": "on"}])
def test_a_form_without_what_it_asks_for_claims_nothing(started: StartedOrganization, data: dict[str, str]) -> None:
    stranger = sign_in(UserFactory(email="frank@example.com"))
    assert "an email address that you have not confirmed" in stranger.get(path_of(started)).content.decode()
    assert 'aria-invalid="true"' in stranger.post(path_of(started), data).content.decode()
    assert not claimed()


def test_the_new_key_is_shown_once_and_then_the_link_is_over(started: StartedOrganization) -> None:
    client = erin()
    unknown = client.get("/claim/rstc_nonsense")
    answer = client.post(path_of(started), REGENERATE)
    assert (answer.headers["Cache-Control"], answer.headers["Referrer-Policy"]) == ("no-store", "no-referrer")
    shown = secrets.PATTERN.search(answer.content.decode())
    assert shown and shown[0] != started.api_key
    with pytest.raises(InvalidAPIKey):
        principal_for(started.api_key)
    assert principal_for(shown[0]).home.slug == started.organization_id
    stored = whole_database()
    assert shown[0][-38:] not in stored
    assert started.claim_url.rpartition("_")[2] not in stored

    client.get("/")  # which shows the message
    for over in (client.get(path_of(started)), client.post(path_of(started), REGENERATE)):
        assert (over.status_code, over.headers["Cache-Control"]) == (404, "no-store")
        assert over.content.decode().count("This link is of no use") == unknown.content.decode().count(
            "This link is of no use"
        )
        assert NAME not in over.content.decode()


def test_whoever_makes_an_account_on_the_way_comes_back_to_the_page(
    client: Client, started: StartedOrganization, settings: Settings
) -> None:
    settings.SIGNUP = "open"
    settings.ACCOUNT_EMAIL_VERIFICATION = app_settings.EmailVerificationMethod.MANDATORY
    path = path_of(started)
    login = client.get(path, follow=True).content.decode()
    sign_up = re.search(r'href="(/signup\?next=[^"]+)"', login)
    assert sign_up
    assert f'name="next" value="{path}"' in client.get(sign_up[1]).content.decode()
    client.post("/signup", {"email": ERIN, "password1": PASSWORD, "next": path})
    bodies = "".join(str(message.body) for message in delivered_mails())
    confirm = re.search(r"http://localhost:\d+(/confirm-email/\S+)", bodies)
    assert confirm
    assert client.post(confirm[1]).headers["Location"] == path
    asked = client.get(path).headers["Location"]  # opening a mail is no sign-in
    assert asked.startswith("/reauthenticate?next=")
    assert client.post("/reauthenticate", {"password": PASSWORD, "next": path}).headers["Location"] == path
    page = client.get(path).content.decode()
    assert NAME in page
    assert "an email address that you have not confirmed" not in page
    assert User.objects.get().email == ERIN
