"""Load on a server: wrk posts one call of a tool again and again."""

import json
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2

from tests.mcp.client import rpc_body, rpc_headers

CONNECTIONS = 16


@dataclass(frozen=True)
class Call:
    """A tool call on one wire, with the keys that take turns as its credential."""

    url: str
    wire: str
    tool: str
    arguments: dict[str, Any]
    keys: tuple[str, ...]

    @property
    def headers(self) -> dict[str, str]:
        return rpc_headers(self.wire, "tools/call", self.tool)

    @property
    def body(self) -> dict[str, Any]:
        return rpc_body(self.wire, "tools/call", {"name": self.tool, "arguments": self.arguments})

    def answer(self, http: httpx2.Client | None = None) -> bytes:
        """Make the call once, with its first key, and return the bytes of the answer, which must be a success."""
        headers = {**self.headers, "Authorization": f"Bearer {self.keys[0]}"}
        post = http.post if http else httpx2.post
        return post(self.url, json=self.body, headers=headers).raise_for_status().content

    def script(self) -> str:
        """Return the Lua by which wrk makes the requests; JSON's strings are Lua's."""
        headers = "".join(f"  [{json.dumps(name)}] = {json.dumps(value)},\n" for name, value in self.headers.items())
        keys = ", ".join(json.dumps(f"Bearer {key}") for key in self.keys)
        return (
            f"local body = {json.dumps(json.dumps(self.body))}\n"
            f"local keys = {{ {keys} }}\nlocal requests = {{}}\nlocal turn = 0\n"
            f"init = function()\n"
            f"  for index, key in ipairs(keys) do\n"
            f"    local headers = {{\n{headers}    }}\n"
            f'    headers["Authorization"] = key\n'
            f'    requests[index] = wrk.format("POST", nil, headers, body)\n'
            f"  end\nend\n"
            f"request = function()\n  turn = turn % #requests + 1\n  return requests[turn]\nend\n"
        )


@dataclass(frozen=True)
class Request:
    """A request that is no tool call: a GET, or the POST of a body."""

    url: str
    headers: dict[str, str]
    body: str | None = None

    @property
    def method(self) -> str:
        return "GET" if self.body is None else "POST"

    def script(self) -> str:
        """Return the Lua by which wrk makes the requests."""
        headers = "".join(
            f"wrk.headers[{json.dumps(name)}] = {json.dumps(value)}\n" for name, value in self.headers.items()
        )
        body = "" if self.body is None else f"wrk.body = {json.dumps(self.body)}\n"
        return f'wrk.method = "{self.method}"\n{headers}{body}'

    def answer(self) -> bytes:
        """Make the request once and return the bytes of the answer, which must be a success."""
        response = httpx2.request(self.method, self.url, headers=self.headers, content=self.body)
        return response.raise_for_status().content


@dataclass(frozen=True)
class Result:
    """What a run of wrk saw."""

    requests_per_second: float
    p99_milliseconds: float


def run(call: Call | Request, folder: Path, seconds: int) -> Result:
    """Put load on for some seconds.

    Raises:
        RuntimeError: a request failed, so that the figure would say nothing.
    """
    script = folder / "request.lua"
    script.write_text(call.script())
    command = ["wrk", "-t1", f"-c{CONNECTIONS}", f"-d{seconds}s", "--latency", "-s", str(script), call.url]
    output = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    if "Non-2xx" in output or "Socket errors" in output:
        raise RuntimeError(f"Requests failed:\n{output}")
    rate = re.search(r"Requests/sec:\s+([\d.]+)", output)
    slow = re.search(r"99%\s+([\d.]+)(us|ms|s)", output)
    if rate is None or slow is None:
        raise RuntimeError(f"wrk said something else:\n{output}")
    unit = {"us": 0.001, "ms": 1.0, "s": 1000.0}[slow[2]]
    return Result(float(rate[1]), float(slow[1]) * unit)
