"""Two at once: of parallel answers one counts, and nobody slips in while they are taken out."""

from concurrent.futures import ThreadPoolExecutor

import httpx2
from django.conf import settings
from django.db import connection as database

from accounts.models import User
from connections.models import AuthorizationCode, Connection, ConnectionMembership
from orgs.contracts import RemoveMember
from orgs.operations import remove_member
from tests.apikeys.people import hidden_field, sign_in
from tests.connections.asking import asked
from tests.connections.factories import make_client
from tests.factories import OPERATOR, Cast
from tests.server import Server

AT_ONCE = 6


class Person:
    """A person's browser, over real HTTP, that is shown what an app asks."""

    def __init__(self, server: Server, user: User) -> None:
        browser = sign_in(user)
        self.address = server.url + asked(browser)
        session = browser.cookies[settings.SESSION_COOKIE_NAME].value
        page = httpx2.get(self.address, cookies={settings.SESSION_COOKIE_NAME: session}, timeout=30)
        self._token = hidden_field(page, "csrfmiddlewaretoken")
        self._cookies = {
            settings.SESSION_COOKIE_NAME: session,
            settings.CSRF_COOKIE_NAME: page.cookies[settings.CSRF_COOKIE_NAME],
        }

    def answer(self, decision: str) -> str:
        """Press a button; return where that leads."""
        form = {"csrfmiddlewaretoken": self._token, "decision": decision, "organization": "acme"}
        return str(
            httpx2.post(self.address, data=form, cookies=self._cookies, timeout=30).headers.get("location", "nowhere")
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
