"""Commands and settings that connect each client with a key, ready to paste."""

import json
from dataclasses import dataclass, field

from django.conf import settings

MCP_PROTOCOL_VERSION = "2025-11-25"


@dataclass(frozen=True, slots=True)
class Command:
    """What to paste, and where. ``text`` holds the key."""

    id: str
    client: str
    where: str
    text: str = field(repr=False)


def ready_commands(key: str) -> list[Command]:
    """Return a command for each client that is known to work, with this installation's address and ``key``."""
    url = settings.MCP_URL
    headers = {"Authorization": f"Bearer {key}"}
    server = {"name": "raster", "type": "http", "url": url, "headers": headers}
    return [
        Command("claude-code", "Claude Code", "In a terminal", _claude_code(url, key)),
        Command(
            "cursor",
            "Cursor",
            "In ~/.cursor/mcp.json",
            json.dumps({"mcpServers": {"raster": {"url": url, "headers": headers}}}, indent=2),
        ),
        Command("vs-code", "VS Code", "In a terminal", f"code --add-mcp '{json.dumps(server)}'"),
        Command("codex", "Codex", "In a terminal: the key stays in the environment", _codex(url, key)),
        Command("curl", "curl", "In a terminal: it answers with what the key reaches", _curl(url, key)),
        Command("python", "Python", 'With the official client: pip install "mcp>=2,<3"', _python(url, key)),
    ]


def _claude_code(url: str, key: str) -> str:
    return f'claude mcp add --transport http raster {url} --header "Authorization: Bearer {key}"'


def _codex(url: str, key: str) -> str:
    return f"""\
export RASTER_API_KEY={key}
cat >> ~/.codex/config.toml <<'END'
[mcp_servers.raster]
url = "{url}"
bearer_token_env_var = "RASTER_API_KEY"
END"""


def _curl(url: str, key: str) -> str:
    call = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "whoami", "arguments": {}}}
    return f"""\
curl {url} \\
  -H "Authorization: Bearer {key}" \\
  -H "Content-Type: application/json" \\
  -H "Accept: application/json, text/event-stream" \\
  -H "MCP-Protocol-Version: {MCP_PROTOCOL_VERSION}" \\
  -d '{json.dumps(call)}'"""


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
