"""The page at /graphql, which owners and admins get in a browser."""

import httpx2
import pytest
from django.test import Client as Browser
from pytest_django.asserts import assertContains, assertRedirects

from tests.api.graphql.client import refusal
from tests.factories import Cast
from tests.server import Server

PAGE = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}


def test_nobody_signed_in_is_asked_to_sign_in(db: None) -> None:
    answer = Browser().get("/graphql", headers=PAGE)
    assertRedirects(answer, "/login?next=/graphql", fetch_redirect_response=False)


def test_members_get_no_such_page(cast: Cast) -> None:
    for person in (cast.bob, cast.carol):
        browser = Browser()
        browser.force_login(person)
        assert browser.get("/graphql", headers=PAGE).status_code == 404


def test_owners_get_a_page_with_the_schema(cast: Cast) -> None:
    browser = Browser()
    browser.force_login(cast.alice)
    answer = browser.get("/graphql", headers=PAGE)
    assertContains(answer, "type Query {")
    assert "unsafe" not in answer.headers["Content-Security-Policy"]


@pytest.mark.parametrize("accept", ["application/json", "*/*", ""])
def test_programs_without_a_credential_get_a_challenge_and_no_page(server: Server, accept: str) -> None:
    answer = httpx2.get(f"{server.url}/graphql", headers={"Accept": accept})
    assert refusal(answer) == (401, "UNAUTHENTICATED")
    assert "resource_metadata" in answer.headers["WWW-Authenticate"]


def test_a_browser_reaches_the_page(server: Server) -> None:
    answer = httpx2.get(f"{server.url}/graphql", headers=PAGE, follow_redirects=False)
    assert (answer.status_code, answer.headers["Location"]) == (302, "/login?next=/graphql")


def test_a_session_is_no_credential(server: Server, cast: Cast) -> None:
    browser = Browser()
    browser.force_login(cast.alice)
    cookies = {name: morsel.value for name, morsel in browser.cookies.items()}
    answer = httpx2.post(f"{server.url}/graphql", json={"query": "{ viewer { plan } }"}, cookies=cookies)
    assert refusal(answer) == (401, "UNAUTHENTICATED")
