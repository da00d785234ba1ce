"""The pages that say how to connect: in a real browser, and what they say followed to the end."""

import json
import os
import re
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from connections.ready import ready_clients
from tests.browser.conftest import Check
from tests.browser.oauth import SECONDS, allow, sign_in_on_the_way
from tests.factories import Cast
from tests.mcp.test_typescript import INSTALLED
from tests.server import Server

pytestmark = pytest.mark.once

ADDRESS = re.compile(r"https?://\S+/(?:authorize|device)\?\S+")


def texts(server: Server, client: str, settings: Any) -> list[str]:
    """Return what the page has to paste for a client on this server."""
    settings.BASE_URL = server.url
    [ready] = [each for each in ready_clients(server.mcp_url) if each.id == client]
    return [step.text for step in ready.steps if step.text]


@contextmanager
def running(*command: str, **environment: str) -> Iterator[subprocess.Popen[str]]:
    """Run a program that opens no browser of its own; one that says nothing more is ended after a while."""
    environment = {**os.environ, "BROWSER": "true", "DISPLAY": "", "PYTHONUNBUFFERED": "1", **environment}
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=environment
    ) as process:
        too_long = threading.Timer(2 * SECONDS, process.kill)
        too_long.start()
        try:
            yield process
        finally:
            too_long.cancel()
            process.kill()


def line_with(process: subprocess.Popen[str], wanted: str | re.Pattern[str]) -> str:
    """Return the first line that a program prints that has this in it."""
    assert process.stdout is not None
    lines = []
    for line in process.stdout:
        lines.append(line)
        if re.search(wanted, line):
            return line
    raise AssertionError("".join(lines))


def address_in(line: str) -> str:
    found = ADDRESS.search(line)
    assert found is not None
    return found[0]


def allow_device(page: Page, cast: Cast, address: str) -> None:
    page.goto(address)
    sign_in_on_the_way(page, cast.bob)
    page.get_by_role("button", name="Continue").click()
    allow(page)


def test_members_find_the_page_and_a_client_by_keyboard_or_click(
    server: Server, cast: Cast, alice: Page, check: Check
) -> None:
    alice.goto("/acme")
    alice.get_by_role("link", name="Connect", exact=True).click()
    expect(alice.get_by_role("heading", name="Connect Raster")).to_be_visible()
    expect(alice.get_by_label("MCP server address", exact=True)).to_have_value(re.compile(r"/mcp$"))
    check(alice, "connect")
    for client in ready_clients(server.mcp_url)[1:]:
        alice.get_by_text(client.name, exact=True).first.click()
        expect(alice.locator("details[open]")).to_have_count(1)
    alice.get_by_text("Cursor", exact=True).first.click()
    check(alice, "connect-cursor")
    alice.get_by_role("link", name="Acme alone").click()
    alice.get_by_text("Claude Code", exact=True).first.click()
    expect(alice.get_by_label("Claude Code, step 1")).to_contain_text(re.compile(r"raster-acme \S+/mcp/o/acme$"))
    check(alice, "connect-own-address")


def test_everybody_finds_the_documentation(server: Server, page: Page, check: Check) -> None:
    page.goto("/")
    page.get_by_role("link", name="Steps for each client").click()
    expect(page.get_by_role("heading", name="Connect a client")).to_be_visible()
    page.get_by_text("curl", exact=True).first.click()
    check(page, "docs-connect")


def test_without_javascript_each_client_opens_and_nothing_is_missing(server: Server, cast: Cast, page: Page) -> None:
    plain = page.context.browser.new_context(java_script_enabled=False, base_url=server.url)  # type: ignore[union-attr]
    try:
        quiet = plain.new_page()
        quiet.goto("/docs/connect")
        quiet.get_by_text("Codex", exact=True).click()
        expect(quiet.get_by_text("codex mcp add raster", exact=False)).to_be_visible()
        expect(quiet.get_by_role("button", name="Copy")).to_have_count(0)
    finally:
        plain.close()


def test_the_python_program_connects_as_it_stands(server: Server, cast: Cast, page: Page, settings: Any) -> None:
    [program] = texts(server, "python", settings)
    with running(sys.executable, "-c", program) as process:
        page.goto(address_in(line_with(process, ADDRESS)))
        sign_in_on_the_way(page, cast.bob)
        allow(page)
        expect(page.get_by_text("You can close this page")).to_be_visible()
        assert "'library': 'barcelona', 'access': 'write'" in line_with(process, "organizationId")
        assert process.wait(timeout=SECONDS) == 0


def test_the_curl_commands_connect_a_terminal_without_a_browser(
    server: Server, cast: Cast, page: Page, settings: Any
) -> None:
    begin, redeem, call = texts(server, "curl", settings)
    with running("bash") as process:
        assert process.stdin is not None
        process.stdin.write(f"{begin}\n")
        process.stdin.flush()
        allow_device(page, cast, address_in(line_with(process, ADDRESS)))
        expect(page.get_by_role("heading", name=re.compile("device", re.IGNORECASE))).to_be_visible()
        process.stdin.write(f"{redeem}\n{call} -s; echo\n")
        process.stdin.close()
        answer = json.loads(line_with(process, "jsonrpc"))
        assert answer["result"]["structuredContent"]["libraries"] == [{"library": "barcelona", "access": "read"}]


@pytest.mark.skipif(
    shutil.which("node") is None or not (INSTALLED / "node_modules" / "mcp-remote").exists(),
    reason="mcp-remote is not installed: make test does it where npm is",
)
def test_mcp_remote_connects_by_a_code(server: Server, cast: Cast, page: Page, settings: Any, tmp_path: Path) -> None:
    command = texts(server, "mcp-remote", settings)[1].removeprefix("npx -y mcp-remote ").split()
    program = INSTALLED / "node_modules" / "mcp-remote" / "dist" / "proxy.js"
    with running("node", str(program), *command, HOME=str(tmp_path)) as process:
        allow_device(page, cast, address_in(line_with(process, ADDRESS)))
        line_with(process, "(?i)connected|proxy established")
