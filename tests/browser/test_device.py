"""A terminal without a browser is connected by its person elsewhere, works, and is cut off by them."""

from typing import Any

import httpx2
from playwright.sync_api import Page, expect

from connections.metadata import DEVICE_GRANT
from connections.models import DeviceAuthorization
from tests.browser.conftest import Check
from tests.browser.oauth import sign_in_on_the_way
from tests.connections.factories import make_client
from tests.factories import Cast
from tests.mcp.client import MODERN, call_tool
from tests.server import Server

CODE = "Code"


def begin(server: Server, **form: str) -> dict[str, Any]:
    answer = httpx2.post(
        f"{server.url}/device_authorization",
        data={"client_id": "test-app", **form},
        headers={"User-Agent": "render-box/3.2 (Linux)"},
        timeout=60,
    )
    codes: dict[str, Any] = answer.json()
    return codes


def poll(server: Server, codes: dict[str, Any]) -> dict[str, Any]:
    form = {"grant_type": DEVICE_GRANT, "device_code": codes["device_code"], "client_id": "test-app"}
    tokens: dict[str, Any] = httpx2.post(f"{server.url}/token", data=form, timeout=60).json()
    return tokens


def type_code(page: Page, code: str) -> None:
    page.goto("/device")
    page.get_by_label(CODE).fill(code)
    page.get_by_role("button", name="Continue").click()


def test_a_device_is_connected_works_and_is_disconnected(server: Server, cast: Cast, page: Page, check: Check) -> None:
    make_client(name="Render box")
    codes = begin(server)
    page.goto(codes["verification_uri_complete"].replace(codes["verification_uri"], "/device"))
    sign_in_on_the_way(page, cast.bob)
    expect(page.get_by_label(CODE)).to_have_value(codes["user_code"])
    assert DeviceAuthorization.objects.get().claimed_by is None
    check(page, "device")

    page.get_by_role("button", name="Continue").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Render box")
    expect(page.get_by_role("main")).to_contain_text("render-box/3.2 (Linux)")
    expect(page.get_by_label("Read only")).to_be_checked()
    assert codes["user_code"] not in page.url
    page.get_by_role("button", name="Allow").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Your device is connected")
    check(page, "device-done")

    tokens = poll(server, codes)
    assert call_tool(server.mcp_url, tokens["access_token"], MODERN, "whoami", {}).status_code == 200
    assert poll(server, codes)["error"] == "invalid_grant"

    page.get_by_role("link", name="Connected apps", exact=True).click()
    app = page.get_by_role("listitem").filter(has=page.get_by_role("heading", name="Render box"))
    expect(app).to_contain_text("With a code")
    app.get_by_role("button", name="Disconnect").click()
    expect(page.get_by_role("status").filter(has_text="was disconnected")).to_be_visible()
    assert call_tool(server.mcp_url, tokens["access_token"], MODERN, "whoami", {}).status_code == 401


def test_a_denied_device_is_told_so(server: Server, cast: Cast, alice: Page, check: Check) -> None:
    make_client()
    codes = begin(server)
    type_code(alice, codes["user_code"].replace("-", " ").lower())
    alice.get_by_role("button", name="Cancel").click()
    expect(alice.get_by_role("heading", level=1)).to_have_text("The request was denied")
    check(alice, "device-denied")
    assert poll(server, codes)["error"] == "access_denied"


def test_a_wrong_code_is_told_next_to_the_field_and_in_time_locks(
    server: Server, cast: Cast, alice: Page, check: Check
) -> None:
    for _ in range(5):
        type_code(alice, "BCDF-GHJK")
        expect(alice.get_by_role("alert")).to_contain_text("This code is not valid")
    check(alice, "device-wrong-code")
    type_code(alice, "BCDF-GHJK")
    expect(alice.get_by_role("alert")).to_contain_text("Too many attempts. Try again in 15 minutes.")


def test_a_code_is_typed_by_keyboard_alone(server: Server, cast: Cast, alice: Page) -> None:
    make_client(name="Render box")
    codes = begin(server)
    alice.goto("/device")
    expect(alice.get_by_label(CODE)).to_be_focused()
    alice.keyboard.type(codes["user_code"].lower())
    alice.keyboard.press("Enter")
    expect(alice.get_by_role("heading", level=1)).to_contain_text("Render box")
