"""The documentation in a real browser: readable, reachable by keyboard, on narrow screens, and without JavaScript."""

import pytest
from playwright.sync_api import Page, expect

from documentation.pages import PAGES
from tests.browser.conftest import Check
from tests.server import Server

pytestmark = pytest.mark.once


@pytest.mark.parametrize("path", ["/docs", *(f"/docs/{slug}" for slug in PAGES if slug != "connect")])
def test_every_page_is_for_everybody(server: Server, page: Page, path: str, check: Check) -> None:
    page.goto(path)
    check(page, path.strip("/").replace("/", "-"))


def test_the_pages_lead_to_each_other(server: Server, page: Page) -> None:
    page.goto("/")
    page.get_by_role("link", name="Documentation").click()
    page.get_by_role("main").get_by_role("link", name="MCP tools and resources").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("MCP tools and resources")
    page.get_by_role("navigation", name="On this page").get_by_role("link", name="Tools").click()
    expect(page.get_by_role("heading", name="Tools", exact=True)).to_be_in_viewport()
    page.get_by_role("link", name="Next REST").click()
    expect(page.get_by_role("navigation", name="Documentation").locator("[aria-current=page]")).to_have_text("REST")


def test_a_narrow_screen_shows_the_page_first_and_the_list_by_a_link(server: Server, page: Page) -> None:
    page.set_viewport_size({"width": 320, "height": 600})
    page.goto("/docs/rest")
    expect(page.get_by_role("heading", level=1)).to_be_in_viewport()
    page.get_by_role("link", name="All pages").click()
    expect(page.get_by_role("main").get_by_role("link", name="GraphQL")).to_be_visible()


def test_samples_can_be_copied(server: Server, page: Page) -> None:
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.goto("/docs/start")
    page.get_by_role("button", name="Copy").first.click()
    expect(page.get_by_role("button", name="Copied")).to_be_visible()
    assert f"{server.url}/api/libraries" in page.evaluate("navigator.clipboard.readText()")


def test_without_javascript_nothing_is_missing(server: Server, page: Page) -> None:
    plain = page.context.browser.new_context(java_script_enabled=False, base_url=server.url)  # type: ignore[union-attr]
    try:
        quiet = plain.new_page()
        quiet.goto("/docs/rest")
        expect(quiet.get_by_text("Api-Version: 2026-07-08", exact=False).first).to_be_visible()
        expect(quiet.get_by_role("button", name="Copy")).to_have_count(0)
        quiet.get_by_role("navigation", name="Documentation").get_by_role("link", name="Errors").click()
        expect(quiet.get_by_text("API_KEY_READ_ONLY").first).to_be_visible()
    finally:
        plain.close()
