"""The official Python client, which knows nothing but the address, connects with a person's help."""

import asyncio
import queue
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import httpx2
import pytest
from mcp import Client
from mcp.client.auth import OAuthClientProvider
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.auth import AuthorizationCodeResult, OAuthClientInformationFull, OAuthClientMetadata, OAuthToken
from playwright.sync_api import Page, expect
from pydantic import AnyUrl

from connections import secrets
from connections.models import AccessToken, Connection, RefreshToken
from tests.browser.oauth import SECONDS, ReturnAddress, allow, return_address, sign_in_on_the_way
from tests.factories import AssetFactory, Cast
from tests.mcp.client import HANDSHAKE, MODERN, WIRES
from tests.server import Server

#: In place of a tool: the client takes its access token for expired, and refreshes it at the next call.
EXPIRE = "expire"


@dataclass
class Storage:
    """Where the client keeps what it got, in memory."""

    tokens: OAuthToken | None = None
    client: OAuthClientInformationFull | None = None

    async def get_tokens(self) -> OAuthToken | None:
        return self.tokens

    async def set_tokens(self, tokens: OAuthToken) -> None:
        self.tokens = tokens

    async def get_client_info(self) -> OAuthClientInformationFull | None:
        return self.client

    async def set_client_info(self, client_info: OAuthClientInformationFull) -> None:
        self.client = client_info


@dataclass
class App:
    """A program with the official client. Addresses that it wants opened come out of ``to_open``."""

    mcp_url: str
    place: ReturnAddress
    wire: str = MODERN
    scope: str | None = None
    storage: Storage = field(default_factory=Storage)
    to_open: "queue.Queue[str]" = field(default_factory=queue.Queue)

    def run(self, *calls: tuple[str, dict[str, Any]]) -> list[dict[str, Any] | str]:
        """Connect, call these tools, and return their results (an error's text for those that fail)."""
        return asyncio.run(self._run(calls))

    async def _run(self, calls: tuple[tuple[str, dict[str, Any]], ...]) -> list[dict[str, Any] | str]:
        provider = OAuthClientProvider(
            server_url=self.mcp_url,
            client_metadata=OAuthClientMetadata(
                client_name="Python app", redirect_uris=[AnyUrl(self.place.url)], scope=self.scope
            ),
            storage=self.storage,
            redirect_handler=self._open,
            callback_handler=self._returned,
        )
        results: list[dict[str, Any] | str] = []
        async with httpx2.AsyncClient(auth=provider, timeout=SECONDS) as http_client:
            mode = "legacy" if self.wire == HANDSHAKE else MODERN
            async with Client(streamable_http_client(self.mcp_url, http_client=http_client), mode=mode) as client:
                for tool, arguments in calls:
                    if tool == EXPIRE:
                        provider.context.token_expiry_time = 1
                        continue
                    result = await client.call_tool(tool, arguments)
                    block = result.content[0]
                    assert block.type == "text"
                    results.append(block.text if result.is_error else result.structured_content or {})
        return results

    async def _open(self, url: str) -> None:
        self.to_open.put(url)

    async def _returned(self) -> AuthorizationCodeResult:
        came = await asyncio.to_thread(self.place.wait)
        return AuthorizationCodeResult(code=came["code"], state=came.get("state"), iss=came.get("iss"))


@pytest.mark.parametrize("wire", WIRES)
@pytest.mark.parametrize("path", ["/mcp", "/mcp/o/acme"])
def test_from_the_bare_address_to_a_connection_that_disconnect_cuts_off(
    server: Server, cast: Cast, page: Page, wire: str, path: str
) -> None:
    AssetFactory(library=cast.barcelona, name="Casa Batlló")
    listing = ("list_assets", {"organizationId": "acme", "libraryId": "barcelona"})
    with return_address() as place, ThreadPoolExecutor(1) as background:
        app = App(f"{server.url}{path}", place, wire)
        running = background.submit(app.run, ("whoami", {}), listing, (EXPIRE, {}), ("whoami", {}))
        page.goto(app.to_open.get(timeout=SECONDS))
        sign_in_on_the_way(page, cast.bob)
        allow(page)
        expect(page.get_by_role("heading", name="You can close this page")).to_be_visible()
        identity, assets, after_refresh = running.result(timeout=SECONDS)
        assert identity == {
            "organizationId": "acme",
            "organizationName": "Acme",
            "plan": "self-hosted",
            "libraries": [{"library": "barcelona", "access": "write"}],
        }
        assert isinstance(assets, dict) and [asset["name"] for asset in assets["data"]] == ["Casa Batlló"]
        assert after_refresh == identity
        assert (AccessToken.objects.count(), RefreshToken.objects.exclude(rotated=None).count()) == (2, 1)

        page.goto(f"{server.url}/settings/connected-apps")
        apps = page.get_by_role("listitem").filter(has=page.get_by_role("heading", name="Python app"))
        apps.get_by_role("button", name="Disconnect").first.click()
        expect(page.get_by_role("status").filter(has_text="isconnected")).to_be_visible()
        assert Connection.objects.get().ended is not None
        again = background.submit(app.run, ("whoami", {}))
        # The client finds itself refused, and asks the person anew.
        assert "/authorize" in app.to_open.get(timeout=SECONDS)
        place.arrived.put({"error": "access_denied", "code": "none"})
        with pytest.raises(BaseException):  # noqa: B017 - the client wraps it in groups
            again.result(timeout=SECONDS)


def test_read_only_is_what_the_app_gets_when_the_person_chooses_it(server: Server, cast: Cast, page: Page) -> None:
    with return_address() as place, ThreadPoolExecutor(1) as background:
        app = App(server.mcp_url, place)
        rename = ("rename_library", {"organizationId": "acme", "libraryId": "barcelona", "name": "Changed"})
        running = background.submit(app.run, ("whoami", {}), rename)
        page.goto(app.to_open.get(timeout=SECONDS))
        sign_in_on_the_way(page, cast.bob)
        allow(page, read_only=True)
        identity, error = running.result(timeout=SECONDS)
        assert isinstance(identity, dict) and identity["libraries"] == [{"library": "barcelona", "access": "read"}]
        assert "INSUFFICIENT_SCOPE" in str(error)
        assert app.storage.tokens is not None and app.storage.tokens.scope == "library:read offline_access"
        assert AccessToken.objects.get().digest == secrets.digest(app.storage.tokens.access_token)
