"""A bystander: a program of another organization that works while somebody attacks the server."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import httpx2

from tests.factories import AssetFactory, Cast, make_key
from tests.mcp.client import MODERN, call_tool
from tests.server import Server

#: What each call of the bystander may take, while the attack runs.
SECONDS = 2.0
#: On a machine that is busy with other work: so many times the slowest call before the attack.
TIMES_CALM = 4
MINIMUM_CALLS = 6


@dataclass
class Bystander:
    """Globex's agent. ``calls`` has the seconds that each call took, ``failures`` what went wrong."""

    server: Server
    key: str
    calls: list[float] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)
    limit: float = field(default=float("inf"), init=False)

    def work(self) -> None:
        """Make one call of each kind: MCP, REST, GraphQL and a page."""
        library = {"organizationId": "globex", "libraryId": "secret"}
        bearer = {"Authorization": f"Bearer {self.key}"}
        rest, mcp = f"{self.server.url}/api/organizations/globex", self.server.mcp_url
        document = '{ assets(organizationId: "globex", libraryId: "secret") { id } }'
        search = {"organizationId": "globex", "q": "harbor"}
        self._call("whoami", lambda: call_tool(mcp, self.key, MODERN, "whoami", {}))
        self._call("list_assets", lambda: call_tool(mcp, self.key, MODERN, "list_assets", library))
        self._call("search_assets", lambda: call_tool(mcp, self.key, MODERN, "search_assets", search))
        self._call(
            "REST",
            lambda: httpx2.get(
                f"{rest}/libraries/secret/assets", headers={**bearer, "Api-Version": "2026-07-08"}, timeout=30
            ),
        )
        self._call(
            "GraphQL",
            lambda: httpx2.post(f"{self.server.url}/graphql", json={"query": document}, headers=bearer, timeout=30),
        )
        self._call("page", lambda: httpx2.get(f"{self.server.url}/login", timeout=30))

    def _call(self, name: str, call: Callable[[], httpx2.Response]) -> None:
        started = time.monotonic()
        try:
            response = call()
        except httpx2.HTTPError as error:
            self.failures.append(f"{name}: {error!r}")
            return
        seconds = time.monotonic() - started
        self.calls.append(seconds)
        if response.status_code != 200 or '"isError":true' in response.text.replace(" ", ""):
            self.failures.append(f"{name}: {response.status_code} {response.text[:200]}")
        elif seconds > self.limit:
            self.failures.append(f"{name}: {seconds:.1f} s")


def make_bystander(server: Server, cast: Cast) -> Bystander:
    """Return the bystander, whose library has an asset to find."""
    AssetFactory(library=cast.secret, name="Old harbor")
    return Bystander(server, make_key(cast.globex, "Bystander", secret="read").secret)


@contextmanager
def working(bystander: Bystander) -> Iterator[None]:
    """Have the bystander work until the block ends, at least once over; fail if any call failed or took too long."""
    bystander.work()  # what the first call of each kind sets up is not the attack's
    begun = len(bystander.calls)
    bystander.work()
    assert not bystander.failures, bystander.failures
    bystander.limit = max(SECONDS, TIMES_CALM * max(bystander.calls[begun:]))
    stop = threading.Event()
    begun = len(bystander.calls)

    def work() -> None:
        while not stop.is_set():
            bystander.work()

    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()
    assert not bystander.failures, bystander.failures
    assert len(bystander.calls) >= begun + MINIMUM_CALLS
