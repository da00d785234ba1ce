"""Clients from npm, which know nothing but the address, connect with a person's help: the official one and two more."""

import json
import os
import pty
import re
import select
import shutil
import subprocess
import termios
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from playwright.sync_api import Page, expect

from connections.models import Connection
from mcp_gateway.tools import TOOLS
from tests.browser.oauth import SECONDS, allow, sign_in_on_the_way
from tests.factories import Cast
from tests.mcp.test_typescript import INSTALLED
from tests.server import Server, free_port

MODULES = INSTALLED / "node_modules"
ADDRESS = re.compile(r"https?://\S+/authorize\?\S+")

pytestmark = pytest.mark.skipif(
    shutil.which("node") is None
    or not all((MODULES / name).exists() for name in ("@modelcontextprotocol/sdk", "mcp-remote")),
    reason="the clients from npm are not installed: make test does it where npm is",
)


@dataclass
class Program:
    """A running program, and the pseudo-terminal that it takes for its person's."""

    process: "subprocess.Popen[bytes]"
    terminal: int

    def line_with(self, wanted: str | re.Pattern[str]) -> str:
        """Return the first line that it prints that has this in it."""
        lines = b""
        deadline = time.monotonic() + SECONDS
        while time.monotonic() < deadline:
            readable, _, _ = select.select([self.terminal], [], [], 1)
            if not readable:
                continue
            try:
                lines += os.read(self.terminal, 65536)
            except OSError:  # how a terminal says that the program has ended
                break
            complete = lines.decode(errors="replace").split("\r\n")[:-1]
            found = [line for line in complete if re.search(wanted, line)]
            if found:
                return found[0]
        raise AssertionError(lines.decode(errors="replace"))

    def address(self) -> str:
        """Return the address that it asks its person to open."""
        found = ADDRESS.search(self.line_with(ADDRESS))
        assert found is not None
        return found[0]

    def send(self, message: dict[str, Any]) -> None:
        os.write(self.terminal, json.dumps(message).encode() + b"\n")


@contextmanager
def node(home: Path, script: Path, *arguments: str) -> Iterator[Program]:
    """Run a script in Node in a terminal, with an empty home and no browser of its own."""
    environment = {**os.environ, "HOME": str(home), "BROWSER": "true", "DISPLAY": "", "NO_COLOR": "1"}
    terminal, its_side = pty.openpty()
    settings_of_terminal = termios.tcgetattr(its_side)
    settings_of_terminal[3] &= ~(termios.ECHO | termios.ICANON)
    termios.tcsetattr(its_side, termios.TCSANOW, settings_of_terminal)
    command = ["node", str(script), *arguments]
    with subprocess.Popen(command, stdin=its_side, stdout=its_side, stderr=its_side, env=environment) as process:
        os.close(its_side)
        try:
            yield Program(process, terminal)
        finally:
            process.kill()
            os.close(terminal)


def disconnect(page: Page, server: Server, app: str) -> None:
    page.goto(f"{server.url}/settings/connected-apps")
    entry = page.get_by_role("listitem").filter(has=page.get_by_role("heading", name=app))
    entry.get_by_role("button", name="Disconnect").first.click()
    expect(page.get_by_role("status").filter(has_text="isconnected")).to_be_visible()
    assert Connection.objects.get().ended is not None


@pytest.fixture
def script() -> Path:
    return Path(shutil.copy(settings.BASE_DIR / "tests" / "mcp" / "typescript" / "oauth.mjs", INSTALLED))


def test_the_typescript_client_connects_refreshes_and_is_cut_off(
    server: Server, cast: Cast, page: Page, script: Path, tmp_path: Path
) -> None:
    with node(tmp_path, script, server.mcp_url) as program:
        page.goto(json.loads(program.line_with("open"))["open"])
        sign_in_on_the_way(page, cast.bob)
        allow(page)
        expect(page.get_by_text("You can close this page")).to_be_visible()
        result = json.loads(program.line_with("result"))["result"]
        assert result["before"] == result["after"]
        assert result["before"]["libraries"] == [{"library": "barcelona", "access": "write"}]
        assert (result["refreshed"], result["tools"]) == (True, len(TOOLS))
        disconnect(page, server, "TypeScript app")
        program.send({"go": "on"})
        assert json.loads(program.line_with("refused")) == {"refused": True}


def test_mcp_remote_connects_and_is_cut_off(server: Server, cast: Cast, page: Page, tmp_path: Path) -> None:
    initialize = {
        "jsonrpc": "2.0",
        "id": 1,
        "method": "initialize",
        "params": {
            "protocolVersion": "2025-11-25",
            "capabilities": {},
            "clientInfo": {"name": "tests", "version": "1"},
        },
    }
    whoami = {"jsonrpc": "2.0", "id": 2, "method": "tools/call", "params": {"name": "whoami", "arguments": {}}}
    with node(tmp_path, MODULES / ".bin" / "mcp-remote", server.mcp_url, str(free_port())) as program:
        program.send(initialize)
        page.goto(program.address())
        sign_in_on_the_way(page, cast.bob)
        allow(page)
        assert '"raster"' in program.line_with('"serverInfo"')
        program.send({"jsonrpc": "2.0", "method": "notifications/initialized"})
        program.send(whoami)
        assert "barcelona" in program.line_with('"id": ?2')
        page.wait_for_load_state()
        disconnect(page, server, "MCP CLI Proxy")
        program.send({**whoami, "id": 3})
        # It finds itself refused, and asks the person anew.
        assert "/authorize?" in program.address()


@pytest.mark.skipif(
    not (MODULES / "@modelcontextprotocol" / "inspector").exists(), reason="the MCP Inspector is not installed"
)
def test_the_inspectors_command_line_connects(server: Server, cast: Cast, page: Page, tmp_path: Path) -> None:
    callback = f"http://127.0.0.1:{free_port()}/oauth/callback"
    arguments = ["--cli", server.mcp_url, "--transport", "http", "--method", "tools/call", "--tool-name", "whoami"]
    with node(tmp_path, MODULES / ".bin" / "mcp-inspector", *arguments, "--callback-url", callback) as program:
        page.goto(program.address())
        sign_in_on_the_way(page, cast.bob)
        allow(page)
        assert "barcelona" in program.line_with("barcelona")
        assert program.process.wait(timeout=SECONDS) == 0
