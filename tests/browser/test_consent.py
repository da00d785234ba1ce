"""An app asks to connect, in a real browser: what the page shows, by mouse and by keyboard, and where it leads."""

import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import BrowserContext, Locator, Page, expect

from connections.models import AppPolicy, Client, Connection
from orgs.models import Library, Membership
from tests.assets.pictures import painted
from tests.browser.conftest import Check
from tests.connections.asking import make_document_client, query
from tests.connections.devices import begin
from tests.connections.factories import make_client
from tests.factories import PASSWORD, Cast, OrganizationFactory, give_password
from tests.server import Server
from tests.waiting import wait_until

pytestmark = pytest.mark.once


class App:
    """An app on this computer, which waits for the person to come back."""

    def __init__(self) -> None:
        self.told: list[dict[str, list[str]]] = []
        app = self

        class Callback(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                parts = urlsplit(self.path)
                if parts.path == "/callback":
                    app.told.append({**parse_qs(parts.query), "referer": [self.headers.get("Referer", "")]})
                self.send_response(200)
                self.send_header("Content-Type", "text/html")
                self.end_headers()
                self.wfile.write(b"<!doctype html><title>App</title><link rel=icon href='data:,'><h1>Welcome back</h1>")

            def log_message(self, *arguments: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Callback)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    @property
    def callback(self) -> str:
        return f"http://127.0.0.1:{self.server.server_port}/callback"


@pytest.fixture
def app(cast: Cast) -> Iterator[App]:
    app = App()
    make_client(name="Claude Code", redirect_uris=["http://127.0.0.1/callback"])
    yield app
    app.server.shutdown()
    app.server.server_close()


@pytest.fixture
def shown(app: App, alice: Page) -> Callable[..., Page]:
    """Let the app ask alice; ``changes`` are those of its request."""

    def ask(**changes: Any) -> Page:
        alice.goto(query(**{"redirect_uri": app.callback, **changes}))
        expect(alice.get_by_role("heading", level=1)).to_be_visible()
        return alice

    return ask


def second_organization(cast: Cast) -> None:
    norte = OrganizationFactory(name="Studio Norte", slug="studio-norte")
    membership = Membership.objects.create(organization=norte, user=cast.alice)
    for name in ("Fair", "Press"):
        library = Library.objects.create(organization=norte, name=name, slug=name.lower())
        membership.library_memberships.create(library=library, role="viewer")


def level_on(page: Page, library: str) -> Locator:
    """Return what the page says of a library that would be reached."""
    return page.get_by_role("listitem", include_hidden=True).filter(has_text=library).first


def test_one_organization(server: Server, app: App, shown: Callable[..., Page], check: Check) -> None:
    page = shown()
    expect(page.get_by_role("heading", level=1)).to_have_text("“Claude Code” wants to connect to Raster")
    group = page.get_by_role("group", name="Organization")
    expect(group.get_by_role("radio", name="Acme")).to_be_checked()
    expect(level_on(page, "Barcelona")).to_have_text("Barcelona · write", use_inner_text=True)
    check(page, "consent-one")
    page.get_by_role("button", name="Allow").click()
    expect(page.get_by_role("heading")).to_have_text("Welcome back")
    [told] = app.told
    assert set(told) == {"code", "state", "iss", "referer"} and told["referer"] == [""]
    assert Connection.objects.get().may_write


def test_cancel_leads_back_with_nothing(server: Server, app: App, shown: Callable[..., Page]) -> None:
    shown().get_by_role("button", name="Cancel").click()
    wait_until(lambda: bool(app.told))
    assert app.told[0]["error"] == ["access_denied"]
    assert not Connection.objects.exists()


def test_several_organizations(server: Server, cast: Cast, app: App, shown: Callable[..., Page], check: Check) -> None:
    second_organization(cast)
    initech = OrganizationFactory(name="Initech", slug="initech")
    Membership.objects.create(organization=initech, user=cast.alice, role="owner")
    AppPolicy.objects.create(organization=initech, allows_apps=False)
    page = shown()
    assert page.get_by_role("radio", checked=True).count() == 0
    expect(level_on(page, "Barcelona")).to_be_hidden()
    check(page, "consent-several")
    page.get_by_role("radio", name="Studio Norte").check()
    expect(level_on(page, "Fair")).to_be_visible()
    expect(level_on(page, "Barcelona")).to_be_hidden()
    expect(page.get_by_role("radio", name="Initech")).to_be_disabled()
    check(page, "consent-several-chosen")
    page.get_by_role("button", name="Allow").click()
    expect(page.get_by_role("heading")).to_have_text("Welcome back")
    [grant] = Connection.objects.get().granted.all()
    assert grant.membership.organization.slug == "studio-norte"


def test_all_organizations(server: Server, cast: Cast, app: App, shown: Callable[..., Page], check: Check) -> None:
    second_organization(cast)
    page = shown(scope="library:read library:write organizations:all")
    page.get_by_role("radio", name="All my organizations").check()
    expect(level_on(page, "Fair")).to_be_visible()
    expect(level_on(page, "Barcelona")).to_be_visible()
    check(page, "consent-all")
    page.get_by_role("button", name="Allow").click()
    expect(page.get_by_role("heading")).to_have_text("Welcome back")
    assert Connection.objects.get().all_organizations


def test_nothing_chosen_is_said_beside_the_form_and_takes_the_focus(
    server: Server, cast: Cast, app: App, shown: Callable[..., Page], check: Check
) -> None:
    second_organization(cast)
    page = shown()
    page.get_by_role("button", name="Allow").click()
    expect(page.get_by_role("alert")).to_contain_text("Choose an organization.")
    expect(page.get_by_role("alert")).to_be_focused()
    check(page, "consent-problem")
    page.get_by_role("radio", name="Acme").check()
    page.get_by_role("button", name="Allow").click()
    expect(page.get_by_role("heading")).to_have_text("Welcome back")


def test_narrowed_to_some_of_many_libraries(
    server: Server, cast: Cast, app: App, shown: Callable[..., Page], check: Check
) -> None:
    second_organization(cast)
    rows = [Library(organization=cast.acme, name=f"Campaign {n:03}", slug=f"campaign-{n}") for n in range(1000)]
    Library.objects.bulk_create(rows)
    page = shown()
    page.get_by_role("radio", name="Studio Norte").check()
    page.get_by_text("Choose libraries…").last.click()
    page.get_by_role("checkbox", name="Press").check()
    page.get_by_role("radio", name="Acme").check()
    page.get_by_text("Choose libraries…").first.click()
    page.get_by_label("Filter libraries of Acme").fill("77")
    expect(page.get_by_role("checkbox", name="Campaign 000")).to_be_hidden()
    page.get_by_role("checkbox", name="Campaign 077").check()
    page.get_by_role("checkbox", name="Campaign 177").check()
    page.get_by_label("Filter libraries of Acme").press("Enter")
    expect(page.get_by_text("2 of 1,002 chosen")).to_be_visible()
    expect(page.get_by_text("only what is ticked").first).to_be_visible()
    expect(level_on(page, "Barcelona")).to_be_hidden()
    check(page, "consent-narrowed")
    page.get_by_role("checkbox", name="Read only").check()
    page.get_by_role("button", name="Allow").click()
    expect(page.get_by_role("heading")).to_have_text("Welcome back")
    connection = Connection.objects.get()
    # What was ticked in the organization that was not chosen in the end is not sent.
    assert set(connection.libraries.values_list("slug", flat=True)) == {"campaign-77", "campaign-177"}
    assert not connection.may_write


def test_a_device(server: Server, cast: Cast, app: App, alice: Page, check: Check) -> None:
    codes: Any = begin()
    alice.goto("/device")
    alice.get_by_label("Code").fill(codes.json()["user_code"])
    alice.get_by_role("button", name="Continue").click()
    expect(alice.get_by_text("If somebody sent you this code, cancel.")).to_be_visible()
    expect(alice.get_by_role("checkbox", name="Read only")).to_be_checked()
    check(alice, "consent-device")
    alice.get_by_role("button", name="Allow").click()
    expect(alice.get_by_role("heading", level=1)).to_have_text("Your device is connected")
    assert Connection.objects.get().way == "device"


def test_by_keyboard_alone(server: Server, cast: Cast, app: App, shown: Callable[..., Page]) -> None:
    second_organization(cast)
    page = shown()
    names = []
    for _ in range(12):
        page.keyboard.press("Tab")
        focused = page.evaluate("document.activeElement.value || document.activeElement.textContent.trim()")
        names.append(focused)
        if focused == "acme":
            page.keyboard.press("Space")
        if page.evaluate("document.activeElement.textContent") == "Allow":
            page.keyboard.press("Enter")
            break
    expect(page.get_by_role("heading")).to_have_text("Welcome back")
    assert Connection.objects.exists(), names


def test_without_javascript_everything_can_be_chosen(
    server: Server, cast: Cast, app: App, context: BrowserContext
) -> None:
    assert context.browser is not None
    plain = context.browser.new_context(base_url=server.url, java_script_enabled=False)
    give_password(cast.alice)
    page = plain.new_page()
    page.goto(query(redirect_uri=app.callback, scope="library:read library:write"))
    page.get_by_label("Email").fill(cast.alice.email)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.get_by_text("Choose libraries…").click()
    page.get_by_role("checkbox", name="Read only").check()
    expect(level_on(page, "Paris")).to_have_text("Paris · read", use_inner_text=True)
    page.get_by_role("checkbox", name="Paris").check()
    expect(page.get_by_text("only what is ticked").first).to_be_visible()
    page.get_by_role("button", name="Allow").click()
    expect(page.get_by_role("heading")).to_have_text("Welcome back")
    plain.close()
    connection = Connection.objects.get()
    assert [library.slug for library in connection.libraries.all()] == ["paris"] and not connection.may_write


def test_another_account_and_back(server: Server, cast: Cast, app: App, shown: Callable[..., Page]) -> None:
    page = shown(state="kept")
    page.get_by_role("button", name="Use another account").click()
    give_password(cast.bob)
    page.get_by_label("Email").fill(cast.bob.email)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_text("bob@example.com")).to_be_visible()
    page.get_by_role("button", name="Allow").click()
    expect(page.get_by_role("heading")).to_have_text("Welcome back")
    assert app.told[0]["state"] == ["kept"] and Connection.objects.get().user == cast.bob


def test_a_page_that_was_answered_is_shown_anew(server: Server, app: App, shown: Callable[..., Page]) -> None:
    page = shown()
    page.get_by_role("button", name="Allow").click()
    expect(page.get_by_role("heading")).to_have_text("Welcome back")
    page.go_back()
    expect(page.get_by_text("Please decide here.")).to_be_visible()
    page.get_by_role("button", name="Cancel").click()
    wait_until(lambda: len(app.told) == 2)
    assert Connection.objects.count() == 1


def test_kinds_of_trust(server: Server, cast: Cast, app: App, shown: Callable[..., Page], check: Check) -> None:
    make_document_client(logo=painted(64, 64).pngsave_buffer())
    make_client("long", name="W" * 30 + " und weiter " + "Wörterbuch" * 8, redirect_uris=["com.example.app:/callback"])
    pages = {
        "consent-verified": {
            "client_id": "https://claude.ai/oauth/client",
            "redirect_uri": "https://claude.ai/callback",
        },
        "consent-read": {"scope": "library:read"},
        "consent-program": {"client_id": "long", "redirect_uri": "com.example.app:/callback"},
    }
    for name, changes in pages.items():
        check(shown(**changes), name)


def test_a_program_is_opened_by_its_scheme(server: Server, app: App, shown: Callable[..., Page]) -> None:
    Client.objects.update(redirect_uris=["cursor://anysphere.cursor-mcp/oauth/callback"])
    page = shown(redirect_uri="cursor://anysphere.cursor-mcp/oauth/callback")
    with page.expect_response(lambda response: response.request.method == "POST") as answered:
        page.get_by_role("button", name="Allow").click()
    assert answered.value.status == 303
    assert answered.value.headers["location"].startswith("cursor://anysphere.cursor-mcp/oauth/callback?code=")


def test_the_pages_of_errors(server: Server, cast: Cast, app: App, shown: Callable[..., Page], check: Check) -> None:
    pages = {
        "consent-unknown-app": query(client_id="unknown"),
        "consent-wrong-request": query(redirect_uri=app.callback, code_challenge=None),
        "consent-unavailable": query(redirect_uri=app.callback, resource=f"{server.url}/mcp/o/globex"),
        "consent-start-again": "/authorize/made-up",
    }
    page = shown()
    for name, path in pages.items():
        page.goto(path)
        check(page, name)
    page.goto(pages["consent-wrong-request"])
    page.get_by_role("link", name="Return to the program").click()
    expect(page.get_by_role("heading")).to_have_text("Welcome back")
    assert app.told[0]["error"] == ["invalid_request"] and app.told[0]["referer"] == [""]


def test_a_person_without_an_organization(
    server: Server, cast: Cast, app: App, shown: Callable[..., Page], check: Check
) -> None:
    Membership.objects.filter(user=cast.alice).delete()
    check(shown(), "consent-nowhere")
