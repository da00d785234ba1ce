"""A PostgreSQL server that takes connections and says nothing costs a request ten seconds, and nothing afterwards."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx2
import psycopg
import pytest
from django.conf import settings

from tests.api.rest.asking import BARCELONA, CURRENT
from tests.api.uploading import JPEG
from tests.mcp.client import HANDSHAKE, MODERN, WIRES, rpc_body, rpc_headers
from tests.postgres import PostgreSQLMissing, frozen, throw_away_cluster
from tests.server import Server, running_server
from tests.waiting import wait_until

#: Ten, and some for a machine with much to do.
SECONDS = 12
AT_ONCE = 40
ACME = {"organizationId": "acme"}
LIBRARY = {**ACME, "libraryId": "barcelona"}
FILL_SECONDS = 120


@dataclass
class Service:
    """A server on a database of its own, and what its users hold."""

    database: str
    server: Server
    key: str
    session: str
    links: list[str]
    #: One for all calls with a key: making one takes longer than a call, and would count as the server's time.
    client: httpx2.Client = field(default_factory=lambda: httpx2.Client(timeout=SECONDS), repr=False)

    @property
    def bearer(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.key}"}

    @property
    def cookies(self) -> dict[str, str]:
        return {settings.SESSION_COOKIE_NAME: self.session}

    def tool(self, wire: str, name: str, arguments: dict[str, Any]) -> httpx2.Response:
        headers = {**rpc_headers(wire, "tools/call", name), **self.bearer}
        body = rpc_body(wire, "tools/call", {"name": name, "arguments": arguments})
        return self.client.post(self.server.mcp_url, json=body, headers=headers)

    def rest(self, method: str, path: str, **more: Any) -> httpx2.Response:
        headers = {**self.bearer, "Api-Version": CURRENT}
        return self.client.request(method, f"{self.server.url}/api{path}", headers=headers, **more)

    def graphql(self, document: str) -> httpx2.Response:
        return httpx2.post(f"{self.server.url}/graphql", json={"query": document}, headers=self.bearer, timeout=SECONDS)

    def page(self, path: str) -> httpx2.Response:
        return httpx2.get(self.server.url + path, cookies=self.cookies, timeout=SECONDS)

    def token(self) -> str:
        """Return what every form is sent with."""
        token: str = self.page("/acme/new").cookies[settings.CSRF_COOKIE_NAME]
        return token

    def form(self, path: str, token: str, **fields: str) -> httpx2.Response:
        cookies = {**self.cookies, settings.CSRF_COOKIE_NAME: token}
        fields["csrfmiddlewaretoken"] = token
        return httpx2.post(self.server.url + path, data=fields, cookies=cookies, timeout=SECONDS)

    def upload(self) -> httpx2.Response:
        return httpx2.post(f"{self.server.url}/upload/{self.links[0]}", files=[("file", JPEG)], timeout=SECONDS)

    def works(self) -> bool:
        """Return whether each interface answers."""
        document = '{ assets(organizationId: "acme", libraryId: "barcelona") { id } }'
        answers = [
            self.tool(MODERN, "whoami", {}),
            self.tool(HANDSHAKE, "list_assets", LIBRARY),
            self.rest("GET", f"{BARCELONA}/assets"),
            self.graphql(document),
            self.page("/acme"),
        ]
        return all(answer.status_code == 200 and '"isError":true' not in answer.text for answer in answers)

    def rows(self, statement: str) -> list[tuple[Any, ...]]:
        with psycopg.connect(self.database) as connection:
            return connection.execute(statement).fetchall()

    def wait_until_nothing_runs(self) -> None:
        """Wait until the database has done, or given up, all that it was asked to do before."""
        others = "datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'"
        wait_until(lambda: self.rows(f"SELECT 1 FROM pg_stat_activity WHERE {others} AND state <> 'idle'") == [])


@pytest.fixture(scope="module")
def service(static_files: None, tmp_path_factory: pytest.TempPathFactory, server_log: Path) -> Iterator[Service]:
    folder = tmp_path_factory.mktemp("service")
    (folder / "static").symlink_to(settings.STATIC_ROOT)
    try:
        with throw_away_cluster() as url:
            environment = {
                "DATABASE_URL": url,
                "RASTER_DATA_DIR": str(folder),
                # What runs beside the requests runs, too.
                "RASTER_WORKER": "server",
                "RASTER_CREDENTIAL_RATE": "100000",
            }
            filling = subprocess.run(
                [sys.executable, "-m", "tests.raster.filled"],
                cwd=settings.BASE_DIR,
                env={**os.environ, **environment},
                stdout=subprocess.PIPE,
                timeout=FILL_SECONDS,
                check=True,
            )
            with running_server(server_log, **environment) as server:
                made = Service(url, server, **json.loads(filling.stdout))
                with made.client:
                    yield made
    except PostgreSQLMissing as missing:
        pytest.skip(str(missing))


@contextmanager
def freezing(service: Service) -> Iterator[None]:
    """Freeze the database of a server that works, whose pools hold connections; expect that it works again after."""
    wait_until(service.works)
    with frozen(service.database):
        yield
    wait_until(service.works)


def timed(call: Callable[[], httpx2.Response]) -> tuple[httpx2.Response, float]:
    started = time.monotonic()
    return call(), time.monotonic() - started


def test_every_interface_answers_503_and_nothing_is_done_later(service: Service) -> None:
    taken = service.upload()
    assert taken.status_code == 200, taken.text
    media = taken.json()["assets"][0]["url"]
    service.links.pop(0)
    token = service.token()
    create = 'mutation { createLibrary(organizationId: "acme", name: "From GraphQL") { id } }'
    calls: dict[str, Callable[[], httpx2.Response]] = {
        "page": lambda: service.page("/acme"),
        "form": lambda: service.form("/acme/new", token, name="From a page", slug="from-a-page"),
        "media": lambda: httpx2.get(service.server.url + urlsplit(media).path, timeout=SECONDS),
        "upload": service.upload,
        "REST": lambda: service.rest("GET", f"{BARCELONA}/assets"),
        "REST write": lambda: service.rest("POST", "/organizations/acme/libraries", json={"name": "From REST"}),
        "GraphQL": lambda: service.graphql("{ viewer { organizationId } }"),
        "GraphQL write": lambda: service.graphql(create),
    }
    for wire in WIRES:
        calls[f"MCP {wire}"] = lambda wire=wire: service.tool(wire, "whoami", {})  # type: ignore[misc]
        calls[f"MCP write {wire}"] = lambda wire=wire: service.tool(wire, "create_library", {**ACME, "name": wire})  # type: ignore[misc]
    before = service.rows("SELECT name FROM orgs_library ORDER BY id")
    assets = service.rows("SELECT count(*) FROM assets_asset")
    with freezing(service), ThreadPoolExecutor(len(calls)) as threads:
        answers = {name: threads.submit(timed, call) for name, call in calls.items()}
        for name, answer in answers.items():
            response, seconds = answer.result()
            assert response.status_code == 503, (name, response.text)
            assert response.headers["Retry-After"], name
            assert seconds < SECONDS, name
            if name in {"page", "form"}:
                assert "Temporarily unavailable" in response.text
            elif name != "media":
                assert "SERVICE_UNAVAILABLE" in response.text, name
    service.wait_until_nothing_runs()
    assert service.rows("SELECT name FROM orgs_library ORDER BY id") == before
    assert service.rows("SELECT count(*) FROM assets_asset") == assets
    # The link was not used up.
    assert service.upload().status_code == 200
    service.links.pop(0)


@pytest.mark.parametrize("freeze", [True, False], ids=["frozen", "locked"])
def test_a_write_that_was_given_up_in_its_middle_is_not_committed(service: Service, freeze: bool) -> None:
    wait_until(service.works)
    waiting = "SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
    rename = {**LIBRARY, "name": "Renamed too late"}
    with ThreadPoolExecutor(2) as threads, psycopg.connect(service.database) as holder:
        holder.execute("SELECT 1 FROM orgs_library WHERE slug = 'barcelona' FOR UPDATE")
        over_rest = threads.submit(timed, lambda: service.rest("PATCH", BARCELONA, json={"name": "Renamed too late"}))
        over_mcp = threads.submit(timed, lambda: service.tool(MODERN, "rename_library", rename))
        wait_until(lambda: len(service.rows(waiting)) == len((over_rest, over_mcp)))
        if freeze:
            with frozen(service.database):
                answers = [over_rest.result(), over_mcp.result()]
        else:
            answers = [over_rest.result(), over_mcp.result()]
        holder.rollback()
    for response, seconds in answers:
        assert "SERVICE_UNAVAILABLE" in response.text
        assert seconds < SECONDS
    assert answers[0][0].status_code == 503
    service.wait_until_nothing_runs()
    assert service.rows("SELECT name FROM orgs_library WHERE slug = 'barcelona'") == [("Barcelona",)]
    wait_until(service.works)


def test_a_page_whose_session_cannot_be_saved_is_the_same_503(service: Service) -> None:
    wait_until(service.works)
    [(key,)] = service.rows("SELECT id FROM apikeys_apikey")
    # Without a recent sign-in, the choices are kept in the session.
    choices = {"was": "", "access.paris": "write"}
    token = service.token()
    with psycopg.connect(service.database) as holder:
        holder.execute("SELECT 1 FROM accounts_session FOR UPDATE")
        response, seconds = timed(lambda: service.form(f"/acme/settings/api-keys/{key}", token, **choices))
    assert (response.status_code, response.headers["Retry-After"]) == (503, "5")
    assert "Temporarily unavailable" in response.text
    assert seconds < SECONDS


def test_requests_that_queue_for_a_thread_wait_no_longer_than_others(service: Service) -> None:
    with freezing(service), ThreadPoolExecutor(2 * AT_ONCE) as threads:
        answers = []
        for _ in range(AT_ONCE):
            answers.append(threads.submit(timed, lambda: service.rest("GET", f"{BARCELONA}/assets")))
            answers.append(threads.submit(timed, lambda: service.tool(MODERN, "list_assets", LIBRARY)))
        for answer in answers:
            response, seconds = answer.result()
            assert response.status_code == 503
            assert seconds < SECONDS


def process_facts(service: Service) -> tuple[int, int]:
    """Return how many threads and open files the server has."""
    process = Path(f"/proc/{service.server.process.pid}")
    return len(list((process / "task").iterdir())), len(list((process / "fd").iterdir()))


def counted_requests(service: Service) -> int:
    [(count,)] = service.rows("SELECT coalesce(sum(count), 0) FROM accounts_ratecount")
    return int(count)


def test_freezing_again_and_again_leaves_nothing_behind(service: Service) -> None:
    def freeze() -> None:
        with freezing(service), ThreadPoolExecutor(AT_ONCE) as threads:
            answers = [threads.submit(service.rest, "GET", "/me") for _ in range(AT_ONCE // 4)]
            answers += [threads.submit(service.page, "/acme") for _ in range(AT_ONCE // 4)]
            answers += [threads.submit(service.tool, HANDSHAKE, "whoami", {}) for _ in range(AT_ONCE // 4)]
            assert {answer.result().status_code for answer in answers} == {503}

    freeze()
    threads, files = process_facts(service)
    for _ in range(2):
        freeze()
    wait_until(lambda: process_facts(service)[0] <= threads + 2)
    wait_until(lambda: process_facts(service)[1] <= files + 10)
    pools = settings.DATABASE_POOL + settings.DATABASE_MCP_POOL
    [(connections,)] = service.rows("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()")
    assert connections <= pools
    # What runs beside the requests goes on: counts are shared, uses are recorded, sizes are made.
    before = counted_requests(service)
    assert service.rest("GET", "/me").status_code == 200
    wait_until(lambda: counted_requests(service) != before)
    asset_id = service.upload().json()["assets"][0]["id"]
    wait_until(lambda: bool(service.rest("GET", f"{BARCELONA}/assets/{asset_id}").json()["data"]["sizes"]))
