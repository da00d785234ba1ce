"""Commands and settings that connect each client with a key, ready to paste."""

import json
from dataclasses import dataclass, field
from typing import Any

from django.conf import settings

MCP_PROTOCOL_VERSION = "2025-11-25"


@dataclass(frozen=True, slots=True)
class Command:
    """What to paste, and where. ``text`` holds the key."""

    id: str
    client: str
    where: str
    text: str = field(repr=False)


def ready_commands(key: str, url: str | None = None, name: str = "raster") -> list[Command]:
    """Return a command for each client that is known to work with a key.

    ``url`` is the MCP server's address (this installation's where none is given), ``name`` what clients call it.
    """
    url = url or settings.MCP_URL
    headers = {"Authorization": f"Bearer {key}"}
    server = {"name": name, "type": "http", "url": url, "headers": headers}
    return [
        Command("claude-code", "Claude Code", "In a terminal", _claude_code(url, name, key)),
        Command("cursor", "Cursor", "In ~/.cursor/mcp.json", mcp_servers(name, {"url": url, "headers": headers})),
        Command("vs-code", "VS Code", "In a terminal", f"code --add-mcp '{_json(server)}'"),
        Command("codex", "Codex", "In a terminal: the key stays in the environment", _codex(url, name, key)),
        Command("inspector", "MCP Inspector", "In a terminal", _inspector(url, key)),
        Command(
            "mcp-remote", "mcp-remote", "In the settings of a client that only runs programs", _remote(url, name, key)
        ),
        Command("curl", "curl", "In a terminal: it answers with what the key reaches", curl_command(url, key)),
        Command("python", "Python", 'With the official client: pip install "mcp>=2,<3"', _python(url, key)),
    ]


def mcp_servers(name: str, server: dict[str, Any]) -> str:
    """Return the JSON by which many clients are told of a server."""
    return _json({"mcpServers": {name: server}}, indent=2)


def curl_command(url: str, bearer: str) -> str:
    """Return the call of ``whoami`` by curl, with this text as its bearer."""
    call = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "whoami", "arguments": {}}}
    return f"""\
curl {url} \\
  -H "Authorization: Bearer {bearer}" \\
  -H "Content-Type: application/json" \\
  -H "Accept: application/json, text/event-stream" \\
  -H "MCP-Protocol-Version: {MCP_PROTOCOL_VERSION}" \\
  -d '{_json(call)}'"""


def _json(value: dict[str, Any], indent: int | None = None) -> str:
    return json.dumps(value, indent=indent, ensure_ascii=False)


def _claude_code(url: str, name: str, key: str) -> str:
    return f'claude mcp add --transport http {name} {url} --header "Authorization: Bearer {key}"'


def _codex(url: str, name: str, key: str) -> str:
    return f"""\
export RASTER_API_KEY={key}
cat >> ~/.codex/config.toml <<'END'
[mcp_servers.{name}]
url = "{url}"
bearer_token_env_var = "RASTER_API_KEY"
END"""


def _inspector(url: str, key: str) -> str:
    call = f"npx -y @modelcontextprotocol/inspector --cli {url} --transport http --method tools/call --tool-name whoami"
    return f'{call} \\\n  --header "Authorization: Bearer {key}"'


def _remote(url: str, name: str, key: str) -> str:
    # Some clients take an argument with a space in it apart.
    arguments = ["-y", "mcp-remote", url, "--header", "Authorization:${RASTER_AUTHORIZATION}"]
    environment = {"RASTER_AUTHORIZATION": f"Bearer {key}"}
    return mcp_servers(name, {"command": "npx", "args": arguments, "env": environment})


def _python(url: str, key: str) -> str:
    return f"""\
import asyncio

import httpx2
from mcp import Client
from mcp.client.streamable_http import streamable_http_client


async def main():
    headers = {{"Authorization": "Bearer {key}"}}
    async with httpx2.AsyncClient(headers=headers) as http:
        async with Client(streamable_http_client("{url}", http_client=http)) as raster:
            answer = await raster.call_tool("whoami", {{}})
            print(answer.structured_content)


asyncio.run(main())"""
