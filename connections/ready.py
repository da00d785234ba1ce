"""How to connect each client, ready to follow: what to click, what to paste, as oneself or with a key."""

import base64
import json
from dataclasses import dataclass, replace
from urllib.parse import quote, urlencode

from django.conf import settings

from apikeys.commands import Command, curl_command, mcp_servers, ready_commands
from connections.metadata import DEVICE_GRANT

#: Stands for the key where none is known.
PLACEHOLDER_KEY = "rstk_…"
_FROM_OUTSIDE = "It comes from its maker's own servers, so the address must be reachable from the internet, over https."


@dataclass(frozen=True, slots=True)
class Step:
    """One thing to do. ``text`` is what to paste, ``link`` where to click, ``button`` what the link says.

    ``id`` and ``label`` name what to paste on a page.
    """

    words: str
    text: str = ""
    link: str = ""
    button: str = ""
    id: str = ""
    label: str = ""


@dataclass(frozen=True, slots=True)
class ReadyClient:
    """A client, the steps to connect it as oneself, and the command for a key; None where it takes no key."""

    id: str
    name: str
    steps: list[Step]
    key: Command | None


def ready_clients(url: str, name: str = "raster") -> list[ReadyClient]:
    """Return every client that is known to work; ``url`` is the MCP server's address, ``name`` what they call it."""
    keys = {command.id: command for command in ready_commands(PLACEHOLDER_KEY, url, name)}
    steps = {
        ("claude", "Claude (claude.ai and Desktop)"): _claude(url),
        ("claude-code", "Claude Code"): _claude_code(url, name),
        ("chatgpt", "ChatGPT"): _chatgpt(url),
        ("cursor", "Cursor"): _cursor(url, name),
        ("vs-code", "VS Code"): _vs_code(url, name),
        ("codex", "Codex"): _codex(url, name),
        ("inspector", "MCP Inspector"): _inspector(url),
        ("mcp-remote", "mcp-remote, for clients that only run programs"): _remote(url, name),
        ("curl", "curl"): _curl(url),
        ("python", "Python"): _python(url),
    }
    return [
        ReadyClient(id_, client, _named(id_, client, to_do), keys.get(id_)) for (id_, client), to_do in steps.items()
    ]


def _named(id_: str, client: str, steps: list[Step]) -> list[Step]:
    return [
        replace(step, id=f"{id_}-step-{number}", label=f"{client}, step {number}")
        for number, step in enumerate(steps, start=1)
    ]


def _claude(url: str) -> list[Step]:
    return [
        Step(
            "In Claude, open Customize → Connectors, press + and choose “Add custom connector”. In a Team or "
            "Enterprise plan an owner adds it first.",
            link="https://claude.ai/customize/connectors",
            button="Open Claude's connectors",
        ),
        Step("Give this as the remote MCP server URL, and leave the rest empty.", url),
        Step(f"Press Connect. {_FROM_OUTSIDE}"),
    ]


def _claude_code(url: str, name: str) -> list[Step]:
    return [
        Step("In a terminal:", f"claude mcp add --transport http {name} {url}"),
        Step("In Claude Code, choose the server under /mcp, and Authenticate.", "/mcp"),
    ]


def _chatgpt(url: str) -> list[Step]:
    return [
        Step(
            "In ChatGPT on the web, open Plugins, press + and choose “Add custom MCP server”. Where that is "
            "missing, turn on the developer mode in the settings first; in a workspace an admin does it.",
            link="https://chatgpt.com/plugins",
            button="Open ChatGPT's plugins",
        ),
        Step("Give this as the server URL, and OAuth as the authentication. Leave client id and secret empty.", url),
        Step(
            "Create it. ChatGPT comes from its own servers: the address must be reachable from the internet, on https."
        ),
    ]


def _cursor(url: str, name: str) -> list[Step]:
    config = base64.b64encode(json.dumps({"url": url}).encode()).decode()
    query = urlencode({"name": name, "config": config})
    return [
        Step("With one click:", link=f"cursor://anysphere.cursor-deeplink/mcp/install?{query}", button="Add to Cursor"),
        Step("Or in ~/.cursor/mcp.json:", mcp_servers(name, {"url": url})),
        Step("In Cursor's settings, under MCP, the server asks to connect."),
    ]


def _vs_code(url: str, name: str) -> list[Step]:
    server = json.dumps({"name": name, "type": "http", "url": url})
    return [
        Step("With one click:", link=f"vscode:mcp/install?{quote(server, safe='')}", button="Add to VS Code"),
        Step("Or in a terminal:", f"code --add-mcp '{server}'"),
        Step("VS Code asks to sign in when it starts the server."),
    ]


def _codex(url: str, name: str) -> list[Step]:
    return [
        Step("In a terminal:", f"codex mcp add {name} --url {url}"),
        Step("If it does not open the browser by itself:", f"codex mcp login {name}"),
    ]


def _inspector(url: str) -> list[Step]:
    call = f"npx -y @modelcontextprotocol/inspector --cli {url} --transport http --method tools/call --tool-name whoami"
    return [Step("In a terminal, with Node.js. It prints the address to open:", call)]


def _remote(url: str, name: str) -> list[Step]:
    server = {"command": "npx", "args": ["-y", "mcp-remote", url]}
    return [
        Step("In the client's settings. It needs Node.js, and opens the browser by itself:", mcp_servers(name, server)),
        Step(
            "Where no browser is, sign in once with a code that you type elsewhere:",
            f"npx -y mcp-remote {url} --device-code",
        ),
    ]


def _curl(url: str) -> list[Step]:
    base = settings.BASE_URL
    body = json.dumps({"client_name": "curl", "grant_types": [DEVICE_GRANT]})
    begin = f"""\
field() {{ sed "s/.*\\"$1\\": \\"\\([^\\"]*\\)\\".*/\\1/"; }}
client=$(curl -s {base}/register -H "Content-Type: application/json" \\
  -d '{body}' | field client_id)
started=$(curl -s {base}/device_authorization -d client_id=$client -d resource={url})
echo "$started" | field verification_uri_complete"""
    redeem = f"""\
token=$(curl -s {base}/token -d client_id=$client \\
  -d grant_type={DEVICE_GRANT} \\
  -d device_code=$(echo "$started" | field device_code) | field access_token)"""
    return [
        Step("In a terminal, register and ask for a code:", begin),
        Step(
            "Open the address that it prints, on any device, and allow it. Then fetch the token, good for an hour:",
            redeem,
        ),
        Step("It answers with what you reach:", curl_command(url, "$token")),
    ]


def _python(url: str) -> list[Step]:
    return [Step('With the official client: pip install "mcp>=2,<3". It opens the browser by itself:', _program(url))]


def _program(url: str) -> str:
    return f"""\
import asyncio
import webbrowser
from http.server import BaseHTTPRequestHandler, HTTPServer
from urllib.parse import parse_qs, urlsplit

import httpx2
from mcp import Client
from mcp.client.auth import OAuthClientProvider
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.auth import AuthorizationCodeResult, OAuthClientMetadata

URL = "{url}"
returned = {{}}


class Return(BaseHTTPRequestHandler):
    def do_GET(self):
        returned.update(parse_qs(urlsplit(self.path).query))
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"Connected. You can close this page.")


class Memory:
    \"\"\"Keep them in a file of your own to connect once.\"\"\"

    tokens = client = None

    async def get_tokens(self):
        return self.tokens

    async def set_tokens(self, tokens):
        self.tokens = tokens

    async def get_client_info(self):
        return self.client

    async def set_client_info(self, client):
        self.client = client


async def main():
    place = HTTPServer(("127.0.0.1", 0), Return)

    async def show(address):
        print("Opening", address, flush=True)
        webbrowser.open(address)

    async def wait():
        while "state" not in returned:
            await asyncio.to_thread(place.handle_request)
        answer = {{name: values[0] for name, values in returned.items()}}
        return AuthorizationCodeResult(code=answer.get("code", ""), state=answer["state"], iss=answer.get("iss"))

    me = OAuthClientMetadata(
        client_name="Python", redirect_uris=[f"http://127.0.0.1:{{place.server_port}}/callback"]
    )
    auth = OAuthClientProvider(URL, me, Memory(), show, wait)
    async with httpx2.AsyncClient(auth=auth) as http:
        async with Client(streamable_http_client(URL, http_client=http)) as raster:
            answer = await raster.call_tool("whoami", {{}})
            print(answer.structured_content)


asyncio.run(main())"""
