"""Signing in with a code, and the page for somebody who has to wait, in a real browser."""

import re

import pytest
from playwright.sync_api import Page, expect

from accounts.models import RateCount
from accounts.sign_in import FAILURES_OF_ACCOUNT, FAILURES_OF_BROWSER, account_subject
from tests.browser.conftest import Check
from tests.factories import PASSWORD, Cast, give_password
from tests.mails import delivered_mails
from tests.server import Server
from tests.waiting import wait_until

pytestmark = pytest.mark.once

CODE = re.compile(r"^([A-Z]{4}-[A-Z]{4})$", re.MULTILINE)


def sign_in(page: Page, email: str, password: str = PASSWORD) -> None:
    page.goto("/login")
    page.get_by_label("Email").fill(email)
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Sign in").click()


def mailed_codes() -> list[str]:
    """Return the codes that were mailed, oldest first."""
    return [code for mail in delivered_mails() for code in CODE.findall(str(mail.body))]


def test_somebody_signs_in_with_a_code_while_their_account_is_attacked(
    server: Server, cast: Cast, page: Page, check: Check
) -> None:
    give_password(cast.alice)
    for _ in range(FAILURES_OF_ACCOUNT.most):
        FAILURES_OF_ACCOUNT.allows(account_subject(cast.alice.email))
    sign_in(page, cast.alice.email)
    expect(page.get_by_role("heading", level=1, name="Check your email")).to_be_visible()
    expect(page.get_by_label("Code", exact=True)).to_be_focused()
    check(page, "sign-in-code")
    page.get_by_label("Code", exact=True).fill("BCDF-GHJK")
    page.get_by_role("button", name="Continue").click()
    expect(page.get_by_role("alert")).to_contain_text("This code is wrong")
    check(page, "sign-in-code-wrong")
    wait_until(lambda: bool(mailed_codes()))
    page.get_by_label("Code", exact=True).fill(mailed_codes()[-1].lower())
    page.keyboard.press("Enter")
    page.wait_for_url("**/")
    expect(page.get_by_role("main")).to_contain_text("Acme")


def test_the_longest_address_without_an_account_gets_the_same_page(
    server: Server, cast: Cast, page: Page, check: Check
) -> None:
    email = f"{'a' * 64}@{'b' * 63}.{'c' * 63}.example"
    for _ in range(FAILURES_OF_ACCOUNT.most):
        FAILURES_OF_ACCOUNT.allows(account_subject(email))
    sign_in(page, email)
    expect(page.get_by_role("heading", level=1, name="Check your email")).to_be_visible()
    check(page, "sign-in-code-longest")


def test_a_person_is_told_how_long_to_wait(server: Server, cast: Cast, alice: Page, check: Check) -> None:
    alice.goto("/logout")
    alice.get_by_role("button", name="Sign out").click()
    sign_in(alice, cast.alice.email, "not it")
    expect(alice.get_by_role("alert")).to_be_visible()
    RateCount.objects.filter(name__startswith=f"{FAILURES_OF_BROWSER.name}:").update(count=FAILURES_OF_BROWSER.most)
    sign_in(alice, cast.alice.email)
    expect(alice.get_by_role("main")).to_contain_text(re.compile(r"Too many attempts\. Try again in [345] minutes\."))
    check(alice, "sign-in-wait")
