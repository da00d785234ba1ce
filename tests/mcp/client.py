"""Clients for tests of the MCP door: the official one on either wire, and plain HTTP."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import httpx2
from anyio.from_thread import BlockingPortal, start_blocking_portal
from mcp import Client
from mcp.client.streamable_http import streamable_http_client
from mcp_types import CallToolResult

MODERN = "2026-07-28"
HANDSHAKE = "2025-11-25"
WIRES = (MODERN, HANDSHAKE)
SECONDS = 60


@dataclass
class ConnectedClient:
    """The official client, connected, for code that is not async."""

    client: Client
    portal: BlockingPortal

    def call(self, tool: str, **arguments: Any) -> CallToolResult:
        """Call a tool and return its result, whether it is an error or not."""
        result: CallToolResult = self.portal.call(self.client.call_tool, tool, arguments)
        return result

    def data(self, tool: str, **arguments: Any) -> dict[str, Any]:
        """Call a tool that must succeed and return its structured content."""
        result = self.call(tool, **arguments)
        assert not result.is_error, result.content
        content: dict[str, Any] | None = result.structured_content
        assert content is not None
        return content

    def error(self, tool: str, **arguments: Any) -> dict[str, Any]:
        """Call a tool that must fail and return its error: code, message and status."""
        result = self.call(tool, **arguments)
        assert result.is_error
        assert result.structured_content is None
        return error_of(result)


def error_of(result: CallToolResult) -> dict[str, Any]:
    """Return the error of a tool result: its one text block is the JSON of it."""
    [block] = result.content
    assert block.type == "text"
    error: dict[str, Any] = json.loads(block.text)["error"]
    return error


@contextmanager
def connected(url: str, key: str, wire: str) -> Iterator[ConnectedClient]:
    """Connect the official client with an API key over one of the two wires."""
    http_client = httpx2.AsyncClient(headers={"Authorization": f"Bearer {key}"}, timeout=SECONDS)
    client = Client(
        streamable_http_client(url, http_client=http_client), mode="legacy" if wire == HANDSHAKE else MODERN
    )
    with start_blocking_portal() as portal, portal.wrap_async_context_manager(client):
        yield ConnectedClient(client, portal)
        portal.call(http_client.aclose)


def rpc_headers(wire: str, method: str, name: str | None = None) -> dict[str, str]:
    """Return the headers that a request of that wire carries, the credential aside."""
    headers = {
        "Content-Type": "application/json",
        "Accept": "application/json, text/event-stream",
        "MCP-Protocol-Version": wire,
    }
    if wire == MODERN:
        headers["Mcp-Method"] = method
        if name is not None:
            headers["Mcp-Name"] = name
    return headers


def rpc_body(wire: str, method: str, params: dict[str, Any]) -> dict[str, Any]:
    """Return the JSON-RPC request of that wire."""
    if wire == MODERN:
        meta = {
            "io.modelcontextprotocol/protocolVersion": MODERN,
            "io.modelcontextprotocol/clientInfo": {"name": "tests", "version": "1"},
            "io.modelcontextprotocol/clientCapabilities": {},
        }
        params = {**params, "_meta": meta}
    return {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}


def post(
    url: str, key: str, wire: str, method: str, params: dict[str, Any], client: httpx2.Client | None = None
) -> httpx2.Response:
    """Send one request and return the whole HTTP answer."""
    name = params.get("name") or params.get("uri")
    headers = {**rpc_headers(wire, method, name), "Authorization": f"Bearer {key}"}
    body = rpc_body(wire, method, params)
    if client is not None:
        return client.post(url, json=body, headers=headers)
    return httpx2.post(url, json=body, headers=headers, timeout=SECONDS)


def call_tool(url: str, key: str, wire: str, tool: str, arguments: dict[str, Any]) -> httpx2.Response:
    """Call a tool over plain HTTP and return the whole answer."""
    return post(url, key, wire, "tools/call", {"name": tool, "arguments": arguments})


def comparable(response: httpx2.Response) -> tuple[int, dict[str, str], str]:
    """Return what two answers must share to be equal: all but the date and the request's id."""
    headers = {name: value for name, value in response.headers.items() if name not in {"date", "x-request-id"}}
    return response.status_code, headers, response.text.replace(response.headers.get("x-request-id", "-"), "ID")


def masked(answer: tuple[int, dict[str, str], str], *sent: str) -> tuple[int, dict[str, str], str]:
    """Return a comparable answer without what the caller sent, which a refusal may repeat, and without its length."""
    status, headers, text = answer
    for word in sent:
        text = text.replace(word, "…")
    return status, {name: value for name, value in headers.items() if name != "content-length"}, text
