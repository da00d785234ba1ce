"""The page at /graphql and the schema as a file, which are for everybody."""

import json
import shlex
from typing import Any

import httpx2
import pytest
from django.test import Client as Browser
from pytest_django.asserts import assertContains, assertNotContains

from api.graphql.reference import RootField, reference
from api.graphql.schema import Request, prepare, schema
from tests.api.graphql.client import ask, refusal
from tests.factories import AssetFactory, Cast
from tests.server import Server

PAGE = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}
FIELDS = [field for group in reference({}).groups for field in group.fields]


def request_of(field: RootField) -> dict[str, Any]:
    """Return what the command of a field sends, as JSON."""
    words = shlex.split(field.request)
    [sent] = [word.removeprefix("operations=") for word in words if word.startswith(("{", "operations="))]
    request: dict[str, Any] = json.loads(sent)
    return request


@pytest.mark.parametrize("accept", ["application/json", "*/*", ""])
def test_programs_without_a_credential_get_a_challenge_and_no_page(server: Server, accept: str) -> None:
    answer = httpx2.get(f"{server.url}/graphql", headers={"Accept": accept})
    assert refusal(answer) == (401, "UNAUTHENTICATED")
    assert "resource_metadata" in answer.headers["WWW-Authenticate"]


def test_a_browser_that_sends_a_bearer_gets_no_page(server: Server) -> None:
    answer = httpx2.get(f"{server.url}/graphql", headers={**PAGE, "Authorization": "Bearer rstk_wrong"})
    assert answer.status_code == 401
    assert answer.headers["Content-Type"] == "application/json"


def test_a_session_is_no_credential(server: Server, cast: Cast) -> None:
    browser = Browser()
    browser.force_login(cast.alice)
    cookies = {name: morsel.value for name, morsel in browser.cookies.items()}
    answer = httpx2.post(f"{server.url}/graphql", json={"query": "{ viewer { plan } }"}, cookies=cookies)
    assert refusal(answer) == (401, "UNAUTHENTICATED")


def test_the_page_is_for_everybody_and_names_only_what_its_reader_reaches(cast: Cast) -> None:
    cast.acme.slug = "acme-org"
    cast.acme.save()
    AssetFactory(library=cast.barcelona)
    for person, shown in {None: False, cast.dave: False, cast.alice: True, cast.carol: True}.items():
        browser = Browser()
        if person:
            browser.force_login(person)
        answer = browser.get("/graphql", headers=PAGE)
        assert answer.status_code == 200
        assert "unsafe" not in answer.headers["Content-Security-Policy"]
        assert {"Accept", "Authorization"} <= set(answer.headers["Vary"].split(", "))
        assert ("acme-org" in answer.content.decode()) is shown, person


def test_a_browser_reaches_the_page(server: Server) -> None:
    answer = httpx2.get(f"{server.url}/graphql", headers=PAGE, follow_redirects=False)
    assert answer.status_code == 200
    assert f"{server.url}/graphql" in answer.text


def test_the_schema_is_a_file_that_everybody_may_download(server: Server) -> None:
    assert httpx2.get(f"{server.url}/docs/schema.graphql").text == schema.as_str() + "\n"


def test_every_type_and_every_field_is_on_the_page(db: None) -> None:
    page = Browser().get("/graphql")
    for name in ("organizationId", "searchAssets", "SearchHit", "BigInt", "Upload"):
        assertContains(page, name)
    assertContains(page, "Deprecated. It is called variants now.")
    assertContains(page, "Int! = 50")
    assertNotContains(page, "__schema")


@pytest.mark.parametrize("field", FIELDS, ids=lambda field: field.name)
def test_every_request_is_valid_and_within_the_limits(field: RootField) -> None:
    request = request_of(field)
    prepared = prepare(request["query"], None, request["variables"])
    assert isinstance(prepared, Request), prepared
    assert "…" not in json.dumps(request), "each argument has an example"


def test_the_requests_run_as_they_are_with_a_key(server: Server, cast: Cast) -> None:
    AssetFactory(library=cast.barcelona, name="Harbor")
    key = cast.key(barcelona="write").secret
    for field in FIELDS:
        if field.operation == "query" and field.name != "asset":
            answer = ask(server, key, **request_of(field))
            assert answer.status_code == 200, (field.name, answer.text)
            assert list(answer.json()["data"]) == [field.name]
