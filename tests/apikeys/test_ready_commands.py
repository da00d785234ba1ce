"""The commands beside a new key, run as they stand against a real server."""

import json
import shlex
import subprocess
import sys
import tomllib
from pathlib import Path

from pytest_django import Settings

from apikeys.commands import ready_commands
from tests.factories import Cast, make_cast
from tests.server import Server

SECONDS = 60


def commands(key: str) -> dict[str, str]:
    return {command.id: command.text for command in ready_commands(key)}


def run(*arguments: str) -> str:
    done = subprocess.run(arguments, capture_output=True, text=True, timeout=SECONDS, check=False)
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


def test_a_command_does_not_show_the_key_by_its_repr() -> None:
    assert "rstk_secret" not in str(ready_commands("rstk_secret"))
