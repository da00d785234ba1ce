"""The main job: an admin makes a scoped key in the browser, and an MCP client works with it, and with nothing else."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.factories import AssetFactory, Cast
from tests.mcp.client import WIRES, call_tool, connected
from tests.server import Server, running_server

ACME = {"organizationId": "acme"}
BARCELONA = {**ACME, "libraryId": "barcelona"}


@pytest.fixture
def other_process(server: Server, server_log: Path) -> Iterator[Server]:
    """A second server process on the same database: the client speaks to this one, the browser to the first."""
    with running_server(server_log) as other:
        yield other


def give(page: Page, library: str, level: str) -> None:
    """Choose a level in the access table."""
    page.get_by_role("group", name=library).get_by_label(level).check()


def new_key(page: Page) -> str:
    return page.get_by_label("Your new API key").input_value()


@pytest.mark.parametrize("wire", WIRES)
def test_a_key_made_in_the_browser_works_until_it_is_taken_away(
    server: Server, other_process: Server, cast: Cast, alice: Page, wire: str
) -> None:
    asset = AssetFactory(library=cast.barcelona, name="Sagrada at dusk")
    mcp_url = other_process.mcp_url

    alice.goto("/acme/settings/api-keys")
    alice.get_by_role("link", name="New API key").first.click()
    alice.get_by_label("Name").fill("Campaign agent")
    alice.get_by_role("button", name="Create key").click()
    secret = new_key(alice)
    assert secret.startswith("rstk_") and len(secret) == 54
    expect(alice.get_by_text("Waiting for the first request")).to_be_visible()

    with connected(mcp_url, secret, wire) as client:
        # A new key reaches nothing.
        assert client.data("whoami")["libraries"] == []
        expect(alice.get_by_text("Waiting for the first request")).to_be_hidden()

        alice.on("dialog", lambda dialog: dialog.accept())
        alice.goto("/acme/settings/api-keys")
        assert secret not in alice.content()
        alice.get_by_role("link", name="Campaign agent", exact=True).click()
        give(alice, "Barcelona", "Write")
        give(alice, "Paris", "Read")
        alice.get_by_role("button", name="Save changes").click()
        expect(alice.get_by_role("status").filter(has_text="Saved")).to_be_visible()

        assert {row["library"]: row["access"] for row in client.data("whoami")["libraries"]} == {
            "barcelona": "write",
            "paris": "read",
        }
        assert client.data("list_assets", **BARCELONA)["data"][0]["name"] == "Sagrada at dusk"
        tagged = {"assetIds": [asset.pk], "tags": ["sunset"]}
        assert client.data("tag_assets", **BARCELONA, **tagged) == {"taggedCount": 1}
        paris = {**ACME, "libraryId": "paris"}
        assert client.error("tag_assets", **paris, **tagged)["code"] == "API_KEY_READ_ONLY"
        assert client.error("list_assets", **ACME, libraryId="secret")["status"] == 404

        give(alice, "Barcelona", "Read")
        alice.get_by_role("button", name="Save changes").click()
        expect(alice.get_by_role("status").filter(has_text="Saved")).to_be_visible()
        assert client.error("untag_assets", **BARCELONA, **tagged)["code"] == "API_KEY_READ_ONLY"

    alice.get_by_role("button", name="Regenerate").click()
    expect(alice.get_by_role("heading", level=1)).to_have_text("Regenerate Campaign agent?")
    alice.get_by_role("button", name="Regenerate").click()
    regenerated = new_key(alice)
    assert regenerated != secret
    assert call_tool(mcp_url, secret, wire, "whoami", {}).status_code == 401
    assert call_tool(mcp_url, regenerated, wire, "whoami", {}).status_code == 200

    alice.goto("/acme/settings/api-keys")
    alice.get_by_role("link", name="Campaign agent", exact=True).click()
    alice.get_by_role("button", name="Delete key").click()
    dialog = alice.get_by_role("dialog")
    dialog.get_by_label("Key name").fill("Campaign agent")
    dialog.get_by_role("button", name="Delete key").click()
    expect(alice.get_by_role("status").filter(has_text="Campaign agent")).to_be_visible()
    assert call_tool(mcp_url, regenerated, wire, "whoami", {}).status_code == 401


def test_sending_the_form_again_makes_no_second_key(server: Server, cast: Cast, alice: Page) -> None:
    alice.goto("/acme/settings/api-keys/new")
    alice.get_by_label("Name").fill("Once")
    alice.get_by_role("button", name="Create key").click()
    secret = new_key(alice)
    alice.on("dialog", lambda dialog: dialog.accept())
    alice.reload()
    assert secret not in alice.content()
    expect(alice.get_by_role("main")).to_contain_text("already created")
    assert cast.acme.api_keys.count() == 1
