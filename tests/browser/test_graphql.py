"""GraphQL in a real browser: called from pages of other origins, as plugins of CMSs do, and the page of its schema."""

from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from assets.models import Asset
from tests.assets import pictures
from tests.browser.conftest import Check
from tests.factories import AssetFactory, Cast
from tests.server import Server

pytestmark = pytest.mark.once

LIBRARIES = (
    "query Query($organizationId: String!) { libraries(organizationId: $organizationId) { id name photosCount } }"
)
ASSETS = """
    query Query($organizationId: ID!, $libraryId: ID!, $page: Int!, $pageSize: Int!, $tags: [String!]) {
      assets(organizationId: $organizationId, libraryId: $libraryId, page: $page, pageSize: $pageSize, tags: $tags) {
        id name url width height views { id url }
      }
    }"""
UPLOAD = """
    mutation Upload($organizationId: ID!, $libraryId: ID!, $files: [Upload!]!) {
      uploadAssets(organizationId: $organizationId, libraryId: $libraryId, files: $files) {
        responseText
        assets { name }
      }
    }"""
ASK = """
async ({ url, key, query, variables }) => {
  const answer = await fetch(url, {
    method: "POST",
    headers: {
      "Content-Type": "application/json",
      Authorization: `Bearer ${key}`,
      "Apollo-Require-Preflight": "true",
    },
    body: JSON.stringify({ query, operationName: "Query", variables }),
  });
  return { status: answer.status, id: answer.headers.get("X-Request-Id"), body: await answer.json() };
}
"""
SEND = """
async ({ url, key, query, variables, bytes, headers }) => {
  const form = new FormData();
  form.append("operations", JSON.stringify({ query, variables: { ...variables, files: [null] } }));
  form.append("map", JSON.stringify({ 0: ["variables.files.0"] }));
  form.append("0", new File([Uint8Array.from(bytes)], "old harbour.jpg", { type: "image/jpeg" }));
  const credential = { Authorization: `Bearer ${key}` };
  const answer = await fetch(url, { method: "POST", headers: { ...credential, ...headers }, body: form });
  return { status: answer.status, body: await answer.json() };
}
"""
PLACE = {"organizationId": "acme", "libraryId": "barcelona"}


class _Elsewhere(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        self.wfile.write(b"<!doctype html><title>CMS</title><link rel=icon href=data:,>")

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def elsewhere(page: Page) -> Iterator[Page]:
    """A page of another origin."""
    with ThreadingHTTPServer(("127.0.0.1", 0), _Elsewhere) as site:
        Thread(target=site.serve_forever, daemon=True).start()
        page.goto(f"http://127.0.0.1:{site.server_port}/")
        yield page
        site.shutdown()


def only_the_refusal_was_logged(problems: list[str]) -> None:
    [problem] = problems
    assert problem.startswith("Failed to load resource")
    problems.clear()


def test_plugins_ask_from_pages_of_their_own(elsewhere: Page, server: Server, cast: Cast, problems: list[str]) -> None:
    asset = AssetFactory(library=cast.barcelona)
    key = cast.key(barcelona="read").secret

    def ask(query: str, **variables: Any) -> Any:
        sent = {"url": f"{server.url}/graphql", "key": key, "query": query, "variables": variables}
        answer = elsewhere.evaluate(ASK, sent)
        assert answer["id"], "a page may read the request's id"
        return answer

    assert ask(LIBRARIES, organizationId="acme")["body"]["data"] == {
        "libraries": [{"id": "barcelona", "name": "Barcelona", "photosCount": 1}]
    }
    [shown] = ask(ASSETS, **PLACE, page=0, pageSize=500, tags=[])["body"]["data"]["assets"]
    assert shown["id"] == asset.pk
    refused = ask(ASSETS, organizationId="acme", libraryId="paris", page=0, pageSize=500, tags=[])
    assert (refused["status"], refused["body"]["errors"][0]["extensions"]["code"]) == (
        404,
        "API_KEY_NOT_AUTHORIZED_FOR_LIBRARY",
    )
    only_the_refusal_was_logged(problems)


def test_plugins_upload_from_pages_of_their_own(
    elsewhere: Page, server: Server, cast: Cast, problems: list[str]
) -> None:
    key = cast.key(barcelona="write").secret
    sent = {
        "url": f"{server.url}/graphql",
        "key": key,
        "query": UPLOAD,
        "variables": PLACE,
        "bytes": list(pictures.jpeg()),
    }
    assert elsewhere.evaluate(SEND, {**sent, "headers": {}})["status"] == 400
    assert not Asset.objects.exists()
    only_the_refusal_was_logged(problems)
    answer = elsewhere.evaluate(SEND, {**sent, "headers": {"Apollo-Require-Preflight": "true"}})
    assert answer["body"]["data"]["uploadAssets"] == {
        "responseText": "Uploaded 1 file.",
        "assets": [{"name": "old harbour"}],
    }


def test_the_page_shows_the_schema_to_everybody(server: Server, page: Page, check: Check) -> None:
    page.goto("/graphql")
    expect(page.get_by_role("heading", level=1)).to_have_text("GraphQL API")
    check(page, "graphql")
    page.get_by_role("navigation", name="On this page").get_by_role("link", name="searchAssets").click()
    search = page.get_by_role("region", name="searchAssets", exact=True)
    expect(search).to_be_in_viewport()
    expect(search.get_by_role("region", name="searchAssets: arguments")).to_contain_text("organizationId")
    search.get_by_role("link", name="SearchResult").click()
    expect(page).to_have_url(f"{server.url}/graphql#object-SearchResult")
    with page.expect_download() as download:
        page.get_by_role("link", name="Download schema").click()
    assert "type Query {" in download.value.path().read_text()


def test_a_request_names_a_library_of_the_reader_and_can_be_copied(alice: Page, cast: Cast) -> None:
    alice.context.grant_permissions(["clipboard-read", "clipboard-write"])
    alice.goto("/graphql")
    expect(alice.get_by_text("a library that you reach")).to_contain_text("Barcelona of Acme")
    alice.get_by_role("region", name="assets", exact=True).get_by_role("button", name="Copy").click()
    copied = alice.evaluate("navigator.clipboard.readText()")
    assert copied.startswith("curl ") and '"libraryId": "barcelona"' in copied


def test_the_page_needs_no_javascript(server: Server, page: Page) -> None:
    plain = page.context.browser.new_context(java_script_enabled=False, base_url=server.url)  # type: ignore[union-attr]
    try:
        quiet = plain.new_page()
        quiet.goto("/graphql")
        expect(quiet.get_by_role("region", name="viewer: a request")).to_contain_text("curl ")
        expect(quiet.get_by_role("button", name="Copy")).to_have_count(0)
    finally:
        plain.close()
