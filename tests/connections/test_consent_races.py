"""Two at once: of parallel answers one counts, and nobody slips in while they are taken out."""

from concurrent.futures import ThreadPoolExecutor

import httpx2
import pytest
from django.conf import settings
from django.db import connection as database
from django.db import transaction

from accounts.models import User
from assets.quota import add_use
from connections.models import AuthorizationCode, Connection, ConnectionMembership
from orgs.access import Level
from orgs.contracts import RemoveMember
from orgs.operations import remove_member
from tests.apikeys.people import hidden_field, sign_in
from tests.connections.asking import asked
from tests.connections.factories import make_client
from tests.factories import OPERATOR, Cast
from tests.server import Server
from tests.waiting import someone_waits_for_a_lock, wait_until

AT_ONCE = 6


class Person:
    """A person's browser, over real HTTP, that is shown what an app asks."""

    def __init__(self, server: Server, user: User) -> None:
        browser = sign_in(user)
        self.address = server.url + asked(browser)
        session = browser.cookies[settings.SESSION_COOKIE_NAME].value
        page = httpx2.get(self.address, cookies={settings.SESSION_COOKIE_NAME: session}, timeout=60)
        self._token = hidden_field(page, "csrfmiddlewaretoken")
        self._cookies = {
            settings.SESSION_COOKIE_NAME: session,
            settings.CSRF_COOKIE_NAME: page.cookies[settings.CSRF_COOKIE_NAME],
        }

    def answer(self, decision: str, *libraries: str) -> str:
        """Press a button; return where that leads."""
        form: dict[str, str | list[str]] = {
            "csrfmiddlewaretoken": self._token,
            "decision": decision,
            "organization": "acme",
            "library": list(libraries),
        }
        return str(
            httpx2.post(self.address, data=form, cookies=self._cookies, timeout=60).headers.get("location", "nowhere")
        )


def test_of_parallel_answers_one_counts(server: Server, cast: Cast) -> None:
    make_client()
    for round_ in range(1, 6):
        person = Person(server, cast.alice)
        with ThreadPoolExecutor(AT_ONCE) as pool:
            places = list(pool.map(person.answer, ["allow"] * AT_ONCE))
        assert len([place for place in places if "code=" in place]) == 1
        assert len([place for place in places if place.startswith("/authorize/")]) == AT_ONCE - 1
        assert Connection.objects.count() == AuthorizationCode.objects.count() == round_


def test_of_allow_and_cancel_at_once_one_counts(server: Server, cast: Cast) -> None:
    make_client()
    for _ in range(5):
        person = Person(server, cast.alice)
        before = Connection.objects.count()
        with ThreadPoolExecutor(2) as pool:
            places = list(pool.map(person.answer, ["allow", "cancel"]))
        codes = [place for place in places if "code=" in place]
        refusals = [place for place in places if "error=access_denied" in place]
        assert len(codes) + len(refusals) == 1
        assert Connection.objects.count() - before == len(codes)


def test_nobody_is_let_in_while_they_are_taken_out(server: Server, cast: Cast) -> None:
    make_client()
    for _ in range(5):
        person = Person(server, cast.bob)

        def take_out() -> None:
            try:
                remove_member(OPERATOR, RemoveMember(organization_id="acme", user_id=cast.bob.pk))
            finally:
                database.close()

        with ThreadPoolExecutor(2) as pool:
            allowing, removing = pool.submit(person.answer, "allow"), pool.submit(take_out)
            removing.result()
            allowing.result()
        assert not ConnectionMembership.objects.exists()
        cast.acme.memberships.create(user=cast.bob)


@pytest.mark.skipif(database.vendor == "sqlite", reason="SQLite has one writer at a time, so nothing to deadlock")
def test_a_consent_and_an_upload_to_a_ticked_library_lock_in_one_order(server: Server, cast: Cast) -> None:
    make_client()
    person = Person(server, cast.alice)
    with ThreadPoolExecutor(1) as pool:
        with transaction.atomic():
            OPERATOR.library("acme", "barcelona", Level.WRITE, lock=True)
            allowing = pool.submit(person.answer, "allow", "acme/barcelona")
            wait_until(someone_waits_for_a_lock)
            add_use(cast.acme.pk, 1)
        assert "code=" in allowing.result()
