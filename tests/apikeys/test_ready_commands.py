"""The commands beside a new key, run as they stand against a real server."""

import json
import os
import shlex
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from pytest_django import Settings

from apikeys.commands import ready_commands
from tests.factories import Cast, make_cast
from tests.mcp.test_typescript import INSTALLED
from tests.server import Server

SECONDS = 60
MODULES = INSTALLED / "node_modules"
INITIALIZE = {
    "jsonrpc": "2.0",
    "id": 0,
    "method": "initialize",
    "params": {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "tests", "version": "1"}},
}


def commands(key: str) -> dict[str, str]:
    return {command.id: command.text for command in ready_commands(key)}


def run(*arguments: str, env: dict[str, str] | None = None) -> str:
    done = subprocess.run(arguments, capture_output=True, text=True, timeout=SECONDS, check=False, env=env)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_curl_and_the_python_client_learn_what_the_key_reaches(server: Server, settings: Settings) -> None:
    settings.MCP_URL = server.mcp_url
    key = make_cast().key(barcelona="write").secret
    reach = [{"library": "barcelona", "access": "write"}]
    answer = json.loads(run("bash", "-c", commands(key)["curl"]))
    assert answer["result"]["structuredContent"]["libraries"] == reach
    assert str(reach) in run(sys.executable, "-c", commands(key)["python"])


def test_the_settings_of_each_client_hold_the_address_and_the_key(
    cast: Cast, settings: Settings, tmp_path: Path
) -> None:
    settings.MCP_URL = "https://raster.example.com/mcp"
    key = cast.key().secret
    ready = commands(key)
    bearer = {"Authorization": f"Bearer {key}"}
    assert json.loads(ready["cursor"]) == {"mcpServers": {"raster": {"url": settings.MCP_URL, "headers": bearer}}}

    program, option, added = shlex.split(ready["vs-code"])
    assert (program, option) == ("code", "--add-mcp")
    assert json.loads(added) == {"name": "raster", "type": "http", "url": settings.MCP_URL, "headers": bearer}

    remote = json.loads(ready["mcp-remote"])["mcpServers"]["raster"]
    assert remote["args"][-2:] == ["--header", "Authorization:${RASTER_AUTHORIZATION}"]
    assert remote["env"] == {"RASTER_AUTHORIZATION": f"Bearer {key}"}
    assert shlex.split(ready["inspector"])[-2:] == ["--header", f"Authorization: Bearer {key}"]

    assert shlex.split(ready["claude-code"]) == [
        *("claude", "mcp", "add", "--transport", "http", "raster", settings.MCP_URL),
        *("--header", f"Authorization: Bearer {key}"),
    ]

    (tmp_path / ".codex").mkdir()
    script = f'HOME="{tmp_path}"\n{ready["codex"]}\necho "$RASTER_API_KEY"'
    assert run("bash", "-c", script).strip() == key
    assert tomllib.loads((tmp_path / ".codex" / "config.toml").read_text()) == {
        "mcp_servers": {"raster": {"url": settings.MCP_URL, "bearer_token_env_var": "RASTER_API_KEY"}}
    }


@pytest.mark.skipif(
    shutil.which("node") is None or not (MODULES / "@modelcontextprotocol" / "inspector").exists(),
    reason="the clients from npm are not installed: make test does it where npm is",
)
def test_the_inspector_and_mcp_remote_learn_what_the_key_reaches(
    server: Server, settings: Settings, tmp_path: Path
) -> None:
    settings.MCP_URL = server.mcp_url
    key = make_cast().key(barcelona="write").secret
    home = {**os.environ, "HOME": str(tmp_path)}
    program = MODULES / ".bin" / "mcp-inspector"
    npx = "npx -y @modelcontextprotocol/inspector"
    assert "barcelona" in run("bash", "-c", commands(key)["inspector"].replace(npx, f"node {program}"), env=home)

    remote = json.loads(commands(key)["mcp-remote"])["mcpServers"]["raster"]
    call = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "whoami", "arguments": {}}}
    start = ["node", str(MODULES / "mcp-remote" / "dist" / "proxy.js"), *remote["args"][2:]]
    with subprocess.Popen(
        start, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env={**home, **remote["env"]}
    ) as process:
        assert process.stdin is not None and process.stdout is not None
        for message in (INITIALIZE, {"jsonrpc": "2.0", "method": "notifications/initialized"}, call):
            process.stdin.write(json.dumps(message) + "\n")
            process.stdin.flush()
        assert any("barcelona" in line for line in process.stdout)
        process.kill()


def test_a_command_does_not_show_the_key_by_its_repr() -> None:
    assert "rstk_secret" not in str(ready_commands("rstk_secret"))
