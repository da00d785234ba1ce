"""Making an account, confirming its address, and choosing a new password."""

import re
from typing import Any

import pytest
from allauth.account import app_settings
from allauth.account.models import EmailAddress
from django.core.mail import EmailMessage
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from accounts.adapter import MAILS_ABOUT_SIGNING_UP
from accounts.forms import RESETS_OF_ACCOUNT, RESETS_OF_ADDRESS
from accounts.models import RateCount, User
from accounts.views import SIGN_UPS_OF_ADDRESS
from raster.tasks.models import QueuedTask
from tests.factories import PASSWORD, Cast, give_password
from tests.mails import delivered_mails

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("static_files")]
NEW_PASSWORD = "a very different sentence"


def link_in(message: EmailMessage) -> str:
    """Return the path of the first link in a mail, which is on this installation's configured address."""
    found = re.search(r"http://localhost:\d+(/\S+)", str(message.body))
    assert found
    return found[1]


@pytest.mark.parametrize("signup", ["invite", "closed"])
def test_where_sign_up_is_closed_a_page_says_so_and_nobody_is_made(
    client: Client, settings: Settings, signup: str
) -> None:
    settings.SIGNUP = signup
    assert "Sign-up is closed here" in client.get("/signup").content.decode()
    client.post("/signup", {"email": "eve@example.com", "password1": PASSWORD})
    assert not User.objects.exists()
    assert "Create an account" not in client.get("/login").content.decode()


@pytest.mark.parametrize("password", ["short", "password1234", "eve@example.com"])
def test_a_weak_password_is_refused_beside_its_field(client: Client, password: str) -> None:
    page = client.post("/signup", {"email": "eve@example.com", "password1": password}).content.decode()
    assert not User.objects.exists()
    assert 'aria-invalid="true"' in page
    assert 'aria-describedby="id_password1_helptext id_password1_error"' in page


def test_signing_up_makes_a_user_with_the_name_they_gave(client: Client) -> None:
    answer = client.post("/signup", {"email": "Eve@Example.com", "password1": PASSWORD, "name": "Eve"})
    assert answer.status_code == 302
    eve = User.objects.get()
    assert (eve.email, eve.name) == ("eve@example.com", "Eve")


def test_where_addresses_are_verified_nobody_is_in_before_they_opened_the_link(
    client: Client, settings: Settings
) -> None:
    settings.ACCOUNT_EMAIL_VERIFICATION = app_settings.EmailVerificationMethod.MANDATORY
    answer = client.post("/signup", {"email": "eve@example.com", "password1": PASSWORD})
    assert answer.headers["Location"] == "/confirm-email"
    assert "Confirm your address" in client.get("/confirm-email").content.decode()
    assert client.get("/new").status_code == 302
    path = link_in(delivered_mails()[0])
    assert "Is eve@example.com your address?" in client.get(path).content.decode()
    assert not EmailAddress.objects.get().verified
    client.post(path)
    assert EmailAddress.objects.get().verified


def test_signing_up_again_tells_the_owner_of_the_address_and_nobody_else(
    client: Client, cast: Cast, settings: Settings
) -> None:
    settings.ACCOUNT_EMAIL_VERIFICATION = app_settings.EmailVerificationMethod.MANDATORY
    known = client.post("/signup", {"email": "alice@example.com", "password1": PASSWORD})
    unknown = Client().post("/signup", {"email": "eve@example.com", "password1": PASSWORD})
    assert known.headers["Location"] == unknown.headers["Location"] == "/confirm-email"
    assert delivered_mails()[0].subject == "You have an account at Raster"
    assert User.objects.filter(email="alice@example.com").count() == 1


def test_asking_for_a_reset_tells_nothing_about_accounts(client: Client, cast: Cast) -> None:
    known = client.post("/password/reset", {"email": "alice@example.com"})
    unknown = client.post("/password/reset", {"email": "nobody@example.com"})
    assert known.status_code == unknown.status_code == 302
    assert known.headers["Location"] == unknown.headers["Location"] == "/password/reset/done"
    mails = delivered_mails()
    assert [message.to for message in mails] == [["alice@example.com"], ["nobody@example.com"]]
    assert "there is no account" in str(mails[1].body)


def ask_for_reset(client: Client, email: str, address: str = "203.0.113.7") -> Any:
    return client.post("/password/reset", {"email": email}, REMOTE_ADDR=address)


@pytest.mark.parametrize(("email", "most"), [("nobody@example.com", 1), ("Alice@Example.com", 5)])
def test_an_address_is_mailed_so_many_resets_a_day_and_the_answer_stays_the_same(
    client: Client, cast: Cast, email: str, most: int
) -> None:
    answers = [ask_for_reset(client, email) for _ in range(7)]
    assert {(answer.status_code, answer.headers["Location"]) for answer in answers} == {(302, "/password/reset/done")}
    assert len(delivered_mails()) == most
    RateCount.objects.update(expires=timezone.now())
    ask_for_reset(client, email)
    assert len(delivered_mails()) == most + 1


def test_resets_that_others_ask_for_keep_nobody_from_their_own(client: Client, cast: Cast) -> None:
    """The link in an earlier message works, and a known browser has a count of its own."""
    give_password(cast.alice)
    client.post("/login", {"login": "alice@example.com", "password": PASSWORD})
    client.post("/logout")
    for number in range(30):
        ask_for_reset(Client(), "alice@example.com", f"203.0.113.{number}")
    assert "Choose a new password" in client.get(link_in(delivered_mails()[0]), follow=True).content.decode()
    ask_for_reset(client, "alice@example.com")
    assert len(delivered_mails()) == RESETS_OF_ACCOUNT.most + 1


def test_an_address_asks_for_so_many_resets_and_waits_a_minute_at_most(client: Client, cast: Cast) -> None:
    for number in range(RESETS_OF_ADDRESS.most):
        ask_for_reset(client, f"user{number}@example.com")
    refused = ask_for_reset(client, "alice@example.com")
    assert (refused.status_code, len(delivered_mails())) == (429, RESETS_OF_ADDRESS.most)
    assert f"Too many attempts. Try again in {refused.headers['Retry-After']} seconds." in refused.content.decode()


@pytest.mark.parametrize("email", ["alice@example.com", "eve@example.com"])
def test_an_address_is_mailed_so_often_a_day_about_signing_up(
    client: Client, cast: Cast, settings: Settings, email: str
) -> None:
    settings.ACCOUNT_EMAIL_VERIFICATION = app_settings.EmailVerificationMethod.MANDATORY
    for _ in range(MAILS_ABOUT_SIGNING_UP.most + 2):
        answer = Client().post("/signup", {"email": email, "password1": PASSWORD})
        assert answer.headers["Location"] == "/confirm-email"
    assert len(delivered_mails()) == MAILS_ABOUT_SIGNING_UP.most


def test_signing_in_again_and_again_mails_a_stranger_no_more(client: Client, settings: Settings) -> None:
    settings.ACCOUNT_EMAIL_VERIFICATION = app_settings.EmailVerificationMethod.MANDATORY
    client.post("/signup", {"email": "eve@example.com", "password1": PASSWORD})
    for _ in range(MAILS_ABOUT_SIGNING_UP.most + 1):
        Client().post("/login", {"login": "eve@example.com", "password": PASSWORD})
    assert len(delivered_mails()) == MAILS_ABOUT_SIGNING_UP.most


def test_an_address_signs_up_so_often_and_waits_a_minute_at_most(client: Client) -> None:
    for _ in range(SIGN_UPS_OF_ADDRESS.most):
        assert client.post("/signup", {"email": "no address"}).status_code == 200
    refused = client.post("/signup", {"email": "eve@example.com", "password1": PASSWORD})
    assert refused.status_code == 429 and 50 < int(refused.headers["Retry-After"]) <= 60
    assert not User.objects.exists()


@pytest.mark.parametrize("key", ["0-key", "1-key", "zz-abc-def"])
def test_a_made_up_link_changes_nothing(client: Client, cast: Cast, key: str) -> None:
    page = client.get(f"/password/reset/key/{key}", follow=True).content.decode()
    assert "This link has ended" in page


def test_a_reset_changes_the_password_once_and_tells_its_owner(client: Client, cast: Cast) -> None:
    give_password(cast.alice)
    EmailAddress.objects.create(user=cast.alice, email=cast.alice.email, verified=True, primary=True)
    client.post("/password/reset", {"email": "alice@example.com"}, headers={"host": "localhost"})
    path = link_in(delivered_mails()[0])
    form = client.get(path)
    answer = client.post(form.headers["Location"], {"password1": NEW_PASSWORD, "password2": NEW_PASSWORD})
    assert answer.headers["Location"] == "/password/reset/key/done"
    assert "Your password is changed" in client.get("/password/reset/key/done").content.decode()
    cast.alice.refresh_from_db()
    assert cast.alice.check_password(NEW_PASSWORD)
    assert "This link has ended" in Client().get(path, follow=True).content.decode()
    assert delivered_mails()[1].subject == "Your password for Raster was changed"


def test_where_no_mail_can_be_sent_the_reset_page_says_whom_to_ask(
    client: Client, cast: Cast, settings: Settings
) -> None:
    settings.MAIL_CONFIGURED = False
    assert "Ask whoever runs it" in client.get("/password/reset").content.decode()
    client.post("/password/reset", {"email": "alice@example.com"})
    assert not delivered_mails()


def test_where_no_mail_can_be_sent_none_is_queued(client: Client, settings: Settings) -> None:
    settings.MAIL_CONFIGURED = False
    client.post("/signup", {"email": "eve@example.com", "password1": PASSWORD})
    assert User.objects.exists() and not QueuedTask.objects.exists()


@pytest.mark.parametrize("path", ["/inactive", "/confirm-email", "/password/reset/done", "/password/reset/key/done"])
def test_every_page_around_signing_in_is_in_our_layout(client: Client, path: str) -> None:
    page = client.get(path).content.decode()
    assert 'href="#main"' in page
    assert "style=" not in page


def test_a_confirmation_link_that_has_ended_is_a_page_too(client: Client) -> None:
    assert "This link has ended" in client.get("/confirm-email/MQ:made:up").content.decode()
