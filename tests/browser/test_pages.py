"""Every page, in a real browser: axe finds nothing, nothing scrolls sideways at 320 px, the keyboard reaches it."""

import io
from pathlib import Path

import pytest
from django.core.management import call_command
from playwright.sync_api import Page, expect

from tests.api.uploading import wait_for_derivatives
from tests.assets import pictures
from tests.browser.conftest import Check
from tests.factories import PASSWORD, Cast, LibraryFactory, give_password
from tests.server import Server

pytestmark = pytest.mark.once

SIGNED_OUT = {"welcome": "/", "sign-in": "/login", "sign-up": "/signup", "reset": "/password/reset"}
SIGNED_IN = {
    "start": "/",
    "new-organization": "/new",
    "organization": "/acme",
    "new-library": "/acme/new",
    "library": "/acme/barcelona",
    "empty-library": "/acme/paris",
    "members": "/acme/settings/members",
    "keys": "/acme/settings/api-keys",
    "new-key": "/acme/settings/api-keys/new",
    "not-found": "/acme/nothing-here",
    "reauthenticate": "/reauthenticate",
}


@pytest.mark.parametrize("name", SIGNED_OUT)
def test_pages_for_everybody(server: Server, page: Page, name: str, check: Check) -> None:
    page.goto(SIGNED_OUT[name])
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    check(page, name)


def test_pages_for_an_owner(server: Server, cast: Cast, alice: Page, check: Check, tmp_path: Path) -> None:
    for number in range(3):
        (tmp_path / f"Photo {number}.jpg").write_bytes(pictures.jpeg(800, 400 + 100 * number))
    call_command("import_assets", "acme", "barcelona", tmp_path, stdout=io.StringIO(), stderr=io.StringIO())
    wait_for_derivatives()
    cast.key("Agent", barcelona="write", paris="read")
    for name, path in SIGNED_IN.items():
        alice.goto(path)
        expect(alice.get_by_role("heading", level=1)).to_be_visible()
        if name == "library":
            expect(alice.get_by_role("img", name="Photo")).to_have_count(3)
        check(alice, name)


def test_pages_of_one_key(server: Server, cast: Cast, alice: Page, check: Check) -> None:
    for number in range(12):
        LibraryFactory(organization=cast.acme, name=f"Library {number}", slug=f"library-{number}")
    key = cast.key("Agent", barcelona="write", paris="read")
    for name, path in {"key": "", "regenerate": "/regenerate", "delete": "/delete", "rename": "/rename"}.items():
        alice.goto(f"/acme/settings/api-keys/{key.key_id}{path}")
        expect(alice.get_by_role("heading", level=1)).to_be_visible()
        check(alice, f"key-{name}")


def test_the_reveal_page(server: Server, cast: Cast, alice: Page, check: Check) -> None:
    alice.goto("/acme/settings/api-keys/new")
    alice.get_by_label("Name").fill("Agent")
    alice.get_by_role("button", name="Create key").click()
    expect(alice.get_by_label("Your new API key")).to_be_visible()
    check(alice, "key-revealed")


def test_a_wrong_password_is_told_in_words_next_to_the_form(
    server: Server, cast: Cast, page: Page, check: Check
) -> None:
    give_password(cast.alice)
    page.goto("/login")
    page.get_by_label("Email").fill(cast.alice.email)
    page.get_by_label("Password").fill("not it")
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("alert")).to_be_visible()
    check(page, "sign-in-refused")


def test_signing_in_works_by_keyboard_alone(server: Server, cast: Cast, page: Page) -> None:
    give_password(cast.alice)
    page.goto("/login")
    page.get_by_label("Email").focus()
    page.keyboard.type(cast.alice.email)
    page.keyboard.press("Tab")
    page.keyboard.type(PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url("**/")
    expect(page.get_by_role("main")).to_contain_text("Acme")


def test_access_can_be_set_by_keyboard_alone(server: Server, cast: Cast, alice: Page) -> None:
    key = cast.key("Agent")
    alice.goto(f"/acme/settings/api-keys/{key.key_id}")
    alice.get_by_role("group", name="Barcelona").get_by_label("None").focus()
    alice.keyboard.press("ArrowRight")
    alice.get_by_role("button", name="Save changes").focus()
    alice.keyboard.press("Enter")
    expect(alice.get_by_role("status").filter(has_text="Saved")).to_be_visible()
    assert [(grant.library.slug, grant.level) for grant in cast.acme.api_keys.get().grants.all()] == [("barcelona", 1)]


def test_set_all_shown_changes_only_what_the_filter_shows(server: Server, cast: Cast, alice: Page) -> None:
    key = cast.key("Agent")
    alice.goto(f"/acme/settings/api-keys/{key.key_id}")
    alice.get_by_label("Filter libraries").fill("barc")
    expect(alice.get_by_role("group", name="Paris")).to_be_hidden()
    alice.get_by_role("group", name="Set all shown").get_by_text("Read", exact=True).click()
    alice.get_by_role("button", name="Save changes").click()
    expect(alice.get_by_role("status").filter(has_text="Saved")).to_be_visible()
    assert [grant.library.slug for grant in cast.acme.api_keys.get().grants.all()] == ["barcelona"]
