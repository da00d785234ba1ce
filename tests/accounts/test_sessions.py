"""A copy of the session table signs nobody in."""

import pytest
from django.conf import settings
from django.test import Client, RequestFactory

from accounts.models import Session
from accounts.sessions import SessionStore, digest, digest_of_session
from tests.factories import Cast

pytestmark = pytest.mark.usefixtures("static_files")


def browser_with(session_key: str) -> Client:
    client = Client()
    client.cookies[settings.SESSION_COOKIE_NAME] = session_key
    return client


def is_signed_in(client: Client) -> bool:
    return client.get("/new").status_code == 200


def test_a_stolen_row_signs_nobody_in(client: Client, cast: Cast) -> None:
    client.force_login(cast.alice)
    row = Session.objects.get()
    assert not is_signed_in(browser_with(row.session_key))
    assert not is_signed_in(browser_with(row.session_data))


def test_the_row_holds_neither_the_cookie_nor_who_it_is(client: Client, cast: Cast) -> None:
    client.force_login(cast.alice)
    cookie = client.cookies[settings.SESSION_COOKIE_NAME].value
    row = Session.objects.get()
    assert cookie not in f"{row.session_key} {row.session_data}"
    assert "_auth_user" not in row.session_data
    assert is_signed_in(browser_with(cookie))


def test_a_row_that_is_put_under_another_key_is_empty(client: Client, cast: Cast) -> None:
    client.force_login(cast.alice)
    mine = SessionStore()
    mine.create()
    own_row = Session.objects.filter(session_key=digest(str(mine.session_key)))
    victim = Session.objects.exclude(session_key__in=own_row.values("session_key")).get()
    own_row.update(session_data=victim.session_data)
    assert not is_signed_in(browser_with(str(mine.session_key)))


def test_signing_out_ends_the_session_for_every_copy_of_its_cookie(client: Client, cast: Cast) -> None:
    client.force_login(cast.alice)
    before = client.cookies[settings.SESSION_COOKIE_NAME].value
    client.post("/logout")
    assert not is_signed_in(browser_with(before))


def test_what_is_tied_to_a_session_does_not_give_its_key_away(client: Client, cast: Cast) -> None:
    client.force_login(cast.alice)
    request = RequestFactory().get("/")
    for key in (client.cookies[settings.SESSION_COOKIE_NAME].value, None):
        request.session = SessionStore(key)
        assert digest_of_session(request) == digest(key or "")
    assert digest_of_session(request) not in {row.session_key for row in Session.objects.all()}
