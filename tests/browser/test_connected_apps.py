"""People see what they and their members connected, and end it with a click, by mouse or by keyboard."""

from datetime import timedelta

import pytest
from django.utils import timezone
from playwright.sync_api import Locator, Page, expect

from connections.models import AppPolicy, Client, Connection, ConnectionLibrary
from orgs.models import Membership
from tests.browser.conftest import Check
from tests.connections.factories import connect, make_client, tokens_of
from tests.factories import Cast
from tests.mcp.client import MODERN, call_tool
from tests.server import Server

pytestmark = pytest.mark.once

PAGE = "/settings/connected-apps"
ORGANIZATION_PAGE = "/acme/settings/connected-apps"
USED = {"last_used_address": "203.0.113.9", "last_used_client": "claude-code/2.1.7 (cli)"}


@pytest.fixture
def connected(cast: Cast) -> Connection:
    """Three apps of alice, one of them connected twice; returns the connection of one that is connected once."""
    Membership.objects.create(organization=cast.globex, user=cast.alice, role="member")
    now = timezone.now()
    verified = make_client(
        "https://claude.ai/oauth/client.json",
        name="Claude",
        source=Client.Source.DOCUMENT,
        redirect_uris=["https://claude.ai/api/mcp/auth_callback"],
    )
    connect(cast.alice, verified, cast.acme, last_used=now - timedelta(minutes=3), **USED)
    connect(cast.alice, verified, cast.globex, may_write=False)
    cursor = make_client(
        "cursor", name="Cursor", redirect_uris=["cursor://anysphere.cursor-mcp/back", "http://localhost/back"]
    )
    narrow = connect(cast.alice, cursor, cast.acme, narrowed=True, last_used=now - timedelta(days=9), **USED)
    for library in (cast.barcelona, cast.paris):
        ConnectionLibrary.objects.create(connection=narrow, library=library)
    box = make_client(
        "box", name="A render farm with a name that is much longer than names should be, but is", redirect_uris=[]
    )
    return connect(cast.alice, box, all_organizations=True, way=Connection.Way.DEVICE)


def app(page: Page, name: str) -> Locator:
    return page.get_by_role("listitem").filter(has=page.get_by_role("heading", name=name))


def test_without_apps_the_page_says_how_to_connect_one(server: Server, cast: Cast, alice: Page, check: Check) -> None:
    alice.get_by_role("link", name="Your settings").click()
    expect(alice.get_by_role("heading", name="Nothing connected yet")).to_be_visible()
    expect(alice.get_by_label("MCP server address")).to_have_value(server.mcp_url)
    check(alice, "connected-apps-empty")


def test_the_connected_apps_are_grouped_and_ended_with_a_click(
    server: Server, connected: Connection, alice: Page, check: Check
) -> None:
    pair = tokens_of(connected)
    alice.goto(PAGE)
    expect(app(alice, "Claude").get_by_role("button", name="Disconnect Claude, connected on")).to_have_count(2)
    check(alice, "connected-apps")

    assert call_tool(server.mcp_url, pair.access, MODERN, "whoami", {}).status_code == 200
    app(alice, "A render farm").get_by_role("button", name="Disconnect").click()
    expect(alice.get_by_role("status").filter(has_text="was disconnected")).to_be_visible()
    assert call_tool(server.mcp_url, pair.access, MODERN, "whoami", {}).status_code == 401

    app(alice, "Claude").get_by_role("button", name="Disconnect all 2").click()
    expect(alice.get_by_role("status").filter(has_text="“Claude” was disconnected everywhere")).to_be_visible()
    expect(alice.get_by_role("heading", level=2)).to_have_text(["Cursor"])


def test_disconnecting_works_by_keyboard_alone(server: Server, connected: Connection, alice: Page) -> None:
    alice.goto(PAGE)
    app(alice, "Cursor").get_by_role("button", name="Disconnect").focus()
    alice.keyboard.press("Enter")
    expect(alice.get_by_role("heading", level=2).filter(has_text="Cursor")).to_have_count(0)
    assert Connection.objects.filter(ended=None).count() == 3


def test_an_admin_takes_the_organization_out_and_forbids_new_ones(
    server: Server, cast: Cast, connected: Connection, alice: Page, check: Check
) -> None:
    connect(cast.bob, Client.objects.get(client_id="cursor"), cast.acme, may_write=False)
    alice.goto("/acme/settings/members")
    alice.get_by_role("link", name="Connected apps").click()
    expect(alice.get_by_role("main")).not_to_contain_text("203.0.113.9")
    check(alice, "organization-apps")

    alice.get_by_role("button", name="Remove Cursor of bob@example.com").click()
    expect(alice.get_by_role("status").filter(has_text="“Cursor” was removed")).to_be_visible()
    alice.get_by_label("Members may connect devices with a code").uncheck()
    alice.get_by_role("button", name="Save changes").click()
    expect(alice.get_by_role("status").filter(has_text="Saved")).to_be_visible()
    expect(alice.get_by_label("Members may connect devices with a code")).not_to_be_checked()
    assert AppPolicy.of(cast.acme.pk).allows_apps and not AppPolicy.of(cast.acme.pk).allows_devices


def test_an_organization_without_apps_says_so(server: Server, cast: Cast, alice: Page, check: Check) -> None:
    alice.goto(ORGANIZATION_PAGE)
    expect(alice.get_by_role("heading", name="No connected apps")).to_be_visible()
    check(alice, "organization-apps-empty")
