"""The pages that tell of a failure: readable for everybody, with an id that is copied in one go."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.browser.conftest import MILLISECONDS, Check
from tests.factories import AssetFactory, Cast
from tests.server import Server, free_port, running_server

pytestmark = pytest.mark.once


@pytest.fixture(scope="module")
def without_database(django_db_setup: None, static_files: None, server_log: Path) -> Iterator[Server]:
    with running_server(server_log, DATABASE_URL=f"postgresql://nobody@127.0.0.1:{free_port()}/none") as server:
        yield server


@pytest.fixture
def elsewhere(chromium: Browser, without_database: Server) -> Iterator[BrowserContext]:
    """A browser with a session, on the server without a database."""
    context = chromium.new_context(base_url=without_database.url)
    context.set_default_timeout(MILLISECONDS)
    context.add_cookies([{"name": "raster_session", "value": "a" * 32, "url": without_database.url}])
    yield context
    context.close()


def test_a_failure_shows_its_id_and_copies_it(server: Server, cast: Cast, alice: Page, check: Check) -> None:
    AssetFactory(library=cast.barcelona, width=2**31 - 1, sizes=[1])
    answer = alice.goto("/acme/barcelona")
    assert answer is not None and answer.status == 500
    expect(alice.get_by_role("heading", level=1)).to_have_text("Something went wrong")
    shown = alice.locator("#request_id")
    expect(shown).to_have_text(answer.headers["x-request-id"])
    expect(alice.get_by_role("button", name="Copy")).to_be_visible()
    shown.click()
    assert alice.evaluate("getSelection().toString()") == answer.headers["x-request-id"]
    check(alice, "error-500")


def test_a_form_that_is_too_large_is_told_in_words(server: Server, page: Page, check: Check) -> None:
    page.goto("/login")
    page.get_by_label("Email").evaluate("field => { field.type = 'text'; field.removeAttribute('maxlength') }")
    page.get_by_label("Email").evaluate("field => { field.value = 'a'.repeat(3 * 1024 * 1024) }")
    page.get_by_label("Password").fill("anything")
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("This form is too large")
    check(page, "error-413")


def test_without_a_database_a_page_says_so(elsewhere: BrowserContext, check: Check) -> None:
    page = elsewhere.new_page()
    answer = page.goto("/acme")
    assert answer is not None and answer.status == 503
    expect(page.get_by_role("heading", level=1)).to_have_text("Temporarily unavailable")
    expect(page.locator("#request_id")).to_have_text(re.compile(r"[0-9a-f]{32}"))
    check(page, "error-503")
