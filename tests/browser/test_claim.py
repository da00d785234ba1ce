"""From an email to an organization of one's own: a program starts it, its person claims it."""

import re

import httpx2
from playwright.sync_api import Page, expect

from accounts.people import verify_address
from orgs.models import Organization
from tests.browser.conftest import Check
from tests.browser.oauth import sign_in_on_the_way
from tests.factories import UserFactory, give_password
from tests.mcp.client import MODERN, call_tool
from tests.server import Server

ERIN = "erin@example.com"


def start(server: Server) -> dict[str, str]:
    answer = httpx2.post(
        f"{server.url}/api/libraries",
        json={"email": ERIN, "name": "برشلونة — Barcelona"},
        headers={"Api-Version": "2026-07-08"},
        timeout=60,
    )
    started: dict[str, str] = answer.json()["data"]
    return started


def open_claim(page: Page, started: dict[str, str], email: str) -> None:
    user = UserFactory(email=email)
    give_password(user)
    verify_address(user)
    page.goto("/claim/" + started["claimUrl"].rpartition("/")[2])
    sign_in_on_the_way(page, user)
    expect(page.get_by_role("heading", level=1)).to_contain_text("Claim")


def test_its_person_claims_it_and_gets_a_new_key(server: Server, page: Page, check: Check) -> None:
    started = start(server)
    assert call_tool(server.mcp_url, started["apiKey"], MODERN, "whoami", {}).status_code == 200
    open_claim(page, started, ERIN)
    expect(page.get_by_role("main")).to_contain_text("127.0.0.1")
    expect(page.get_by_label("Regenerate it")).to_be_checked()
    check(page, "claim")
    assert Organization.objects.get().unclaimed_until is not None  # looking is not claiming

    page.get_by_role("button", name="Claim").click()
    key = page.get_by_label("Your new API key").input_value()
    assert call_tool(server.mcp_url, started["apiKey"], MODERN, "whoami", {}).status_code == 401
    assert call_tool(server.mcp_url, key, MODERN, "whoami", {}).status_code == 200
    page.goto("/" + started["organizationId"])
    expect(page.get_by_role("heading", level=1)).to_contain_text("Barcelona")


def test_somebody_else_has_to_say_so_and_the_link_works_once(
    server: Server, page: Page, check: Check, problems: list[str]
) -> None:
    started = start(server)
    open_claim(page, started, "frank@example.com")
    link = page.url
    page.get_by_label("Keep it").check()
    check(page, "claim-somebody-else")
    page.get_by_label("I am somebody else").check()
    page.get_by_role("button", name="Claim").click()
    page.wait_for_url(re.compile(started["organizationId"]))
    assert call_tool(server.mcp_url, started["apiKey"], MODERN, "whoami", {}).status_code == 200
    page.goto(link)
    expect(page.get_by_role("heading", level=1)).to_have_text("This link is of no use")
    problems.clear()  # the browser's own line about the 404
    check(page, "claim-over")
