"""The page of the REST API, in a real browser, for people without an account."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Check

pytestmark = pytest.mark.once


def test_the_page_shows_every_endpoint_of_either_version(page: Page, check: Check) -> None:
    page.goto("/api/docs")
    expect(page.get_by_role("heading", name="REST API")).to_be_visible()
    upload = page.get_by_role("region", name="Upload assets", exact=True)
    expect(upload).to_contain_text("POST /organizations/{organizationId}/libraries/{libraryId}/assets")
    upload.get_by_text("Answers").click()
    expect(upload).to_contain_text("STORAGE_LIMIT_EXCEEDED")
    expect(page.get_by_role("heading", name="Set asset approval")).to_be_visible()
    check(page, "rest-reference")
    page.get_by_role("link", name="2026-05-20").click()
    page.wait_for_url(re.compile("version=2026-05-20"))
    expect(page.get_by_role("heading", name="View", exact=True)).to_be_visible()
    expect(page.get_by_role("heading", name="Set asset approval")).not_to_be_visible()


def test_a_link_of_a_field_leads_to_the_object(page: Page) -> None:
    page.goto("/api/docs")
    page.get_by_role("region", name="AssetPage: fields").get_by_role("link", name="Asset", exact=True).click()
    expect(page).to_have_url(re.compile("#object-Asset$"))
