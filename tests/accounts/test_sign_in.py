"""Signing in with an address and a password, with one answer to everything that is wrong."""

import pytest
from django.test import Client
from pytest_django import Settings

from accounts.models import User
from tests.factories import PASSWORD, Cast, give_password

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("static_files")]


def try_to_sign_in(client: Client, email: str, password: str, path: str = "/login") -> tuple[int, str]:
    """Return the status of an attempt to sign in and, after a redirect, where it leads; else the page."""
    answer = client.post(path, {"login": email, "password": password})
    return answer.status_code, answer.headers.get("Location", answer.content.decode())


def without_what_was_typed(page: str, email: str) -> str:
    lines = page.replace(email, "").splitlines()
    return "\n".join(line for line in lines if "csrfmiddlewaretoken" not in line)


def test_a_wrong_password_and_an_unknown_address_get_the_same_answer(client: Client, cast: Cast) -> None:
    give_password(cast.alice)
    status, wrong = try_to_sign_in(client, "alice@example.com", "wrong")
    status_of_unknown, unknown = try_to_sign_in(client, "nobody@example.com", "wrong")
    assert (status, status_of_unknown) == (200, 200)
    assert without_what_was_typed(wrong, "alice@example.com") == without_what_was_typed(unknown, "nobody@example.com")
    assert 'role="alert"' in wrong


def test_an_account_that_is_switched_off_does_not_sign_in(client: Client, cast: Cast) -> None:
    give_password(cast.alice)
    User.objects.filter(pk=cast.alice.pk).update(is_active=False)
    try_to_sign_in(client, "alice@example.com", PASSWORD)
    assert client.get("/new").headers["Location"] == "/login?next=/new"


def test_the_right_password_signs_in_in_whatever_case_the_address_is_written(client: Client, cast: Cast) -> None:
    give_password(cast.alice)
    assert try_to_sign_in(client, "Alice@Example.com", PASSWORD) == (302, "/")
    assert "Acme" in client.get("/").content.decode()


def test_after_signing_in_one_lands_on_the_page_that_was_asked_for(client: Client, cast: Cast) -> None:
    give_password(cast.alice)
    answer = client.get("/acme/barcelona")
    assert answer.headers["Location"] == "/login?next=/acme/barcelona"
    asked = {"login": "alice@example.com", "password": PASSWORD, "next": "/acme/barcelona"}
    assert client.post("/login", asked).headers["Location"] == "/acme/barcelona"


@pytest.mark.parametrize("elsewhere", ["https://evil.example/", "//evil.example", "javascript:alert(1)"])
def test_signing_in_never_leads_elsewhere(client: Client, cast: Cast, elsewhere: str) -> None:
    give_password(cast.alice)
    answer = client.post("/login", {"login": "alice@example.com", "password": PASSWORD, "next": elsewhere})
    assert answer.headers["Location"] == "/"


def test_signing_out_is_asked_first_and_ends_the_session(client: Client, cast: Cast) -> None:
    client.force_login(cast.alice)
    assert "Sign out?" in client.get("/logout").content.decode()
    assert "Your organizations" in client.get("/").content.decode()
    assert client.post("/logout").headers["Location"] == "/"
    assert "Your organizations" not in client.get("/").content.decode()


def test_the_form_has_labels_and_no_way_to_a_reset_where_no_mail_can_be_sent(
    client: Client, settings: Settings
) -> None:
    assert "Forgot your password?" in client.get("/login").content.decode()
    settings.MAIL_CONFIGURED = False
    page = client.get("/login").content.decode()
    assert "Forgot your password?" not in page
    assert '<label for="id_login">Email</label>' in page
    assert '<label for="id_password">Password</label>' in page


def test_a_form_from_another_site_is_refused_with_a_page_that_says_what_to_do(cast: Cast) -> None:
    client = Client(enforce_csrf_checks=True)
    answer = client.post("/login", {"login": "alice@example.com", "password": PASSWORD})
    assert answer.status_code == 403
    assert "This form is out of date" in answer.content.decode()
