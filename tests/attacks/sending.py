"""Attackers in processes of their own, so that making and sending what is large does not slow the bystander."""

import json
import os
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing import get_context
from typing import Any

import httpx2

from tests.attacks.inputs import LONG
from tests.mcp.client import MODERN, call_tool, rpc_body, rpc_headers

SECONDS = 120
ATTACKERS = 2
NICENESS = 15


@dataclass(frozen=True)
class LongCall:
    """A call of a tool over MCP whose ``argument`` is a long text, or a list of several. An empty key sends none."""

    url: str
    key: str
    wire: str
    tool: str
    arguments: dict[str, Any]
    argument: str
    kind: str
    size: int
    times: int = 0

    def send(self) -> tuple[int, str, str]:
        """Return the status of the answer, how long to wait before another call, and its text."""
        text = LONG[self.kind](self.size)
        arguments = {**self.arguments, self.argument: [text] * self.times if self.times else text}
        body = rpc_body(self.wire, "tools/call", {"name": self.tool, "arguments": arguments})
        headers = rpc_headers(self.wire, "tools/call", self.tool)
        if self.key:
            headers["Authorization"] = f"Bearer {self.key}"
        content = json.dumps(body, ensure_ascii=False).encode()
        answer = httpx2.post(self.url, content=content, headers=headers, timeout=SECONDS)
        return answer.status_code, answer.headers.get("Retry-After", ""), answer.text


def call_at_once(url: str, key: str, tool: str, arguments: dict[str, Any], times: int) -> list[bool]:
    """Call a tool so many times at once; return of each call whether it succeeded."""

    def call(_: int) -> bool:
        return b'"isError":false' in call_tool(url, key, MODERN, tool, arguments).content

    with ThreadPoolExecutor(times) as threads:
        return list(threads.map(call, range(times)))


@contextmanager
def attackers() -> Iterator[ProcessPoolExecutor]:
    """Yield a pool of processes that are there already when the attack begins.

    They give way to the server and the bystander: elsewhere they have a machine of their own.
    """
    context = get_context("spawn")
    with ProcessPoolExecutor(ATTACKERS, mp_context=context, initializer=os.nice, initargs=(NICENESS,)) as pool:
        list(pool.map(abs, range(ATTACKERS)))
        yield pool
