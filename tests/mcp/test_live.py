"""Every change of a key or its access is obeyed by a connected client's next request, in any process."""

import http.client
import json
import random
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import anyio
import httpx2
import pytest
from anyio.from_thread import start_blocking_portal
from django.db import connection, transaction
from mcp import Client
from mcp.client.streamable_http import streamable_http_client

from apikeys.contracts import DeleteKey, RegenerateKey, ScopeKey
from apikeys.operations import delete_key, regenerate_key, scope_key
from assets.models import AssetTag
from orgs.models import Library
from tests.factories import OPERATOR, AssetFactory, Cast
from tests.mcp.client import HANDSHAKE, MODERN, WIRES, call_tool, connected, error_of, post, rpc_body, rpc_headers
from tests.server import Server, running_server
from tests.waiting import wait_until

ACME = {"organizationId": "acme"}
CLIENTS = 100
WAITING_WRITES = 12
CALLS = 6


@pytest.fixture(scope="module")
def other_process(django_db_setup: None, static_files: None, server_log: Path) -> Iterator[Server]:
    """A second server process on the same database."""
    with running_server(server_log) as server:
        yield server


def scope(key_id: int, **access: str) -> None:
    scope_key(OPERATOR, ScopeKey.model_validate({"organizationId": "acme", "keyId": key_id, "access": access}))


@pytest.mark.parametrize("wire", WIRES)
def test_access_taken_away_is_gone_at_the_next_call(
    server: Server, other_process: Server, cast: Cast, wire: str
) -> None:
    key = cast.key(barcelona="write", paris="read")
    asset = AssetFactory(library=cast.barcelona)
    tag = {**ACME, "libraryId": "barcelona", "assetIds": [asset.pk]}
    with connected(server.mcp_url, key.secret, wire) as one, connected(other_process.mcp_url, key.secret, wire) as two:
        for number, client in enumerate((one, two)):
            assert client.data("tag_assets", **tag, tags=[f"tag {number}"]) == {"taggedCount": 1}
        scope(key.key_id, barcelona="read")
        for client in (one, two):
            assert client.error("tag_assets", **tag, tags=["late"])["code"] == "API_KEY_READ_ONLY"
            assert client.data("list_assets", **ACME, libraryId="barcelona")["total"] == 1
        scope(key.key_id, barcelona="none")
        for client in (one, two):
            assert client.error("list_assets", **ACME, libraryId="barcelona")["status"] == 404
            assert [row["id"] for row in client.data("list_libraries", **ACME)["data"]] == ["paris"]
        scope(key.key_id, barcelona="write")
        assert two.data("tag_assets", **tag, tags=["again"]) == {"taggedCount": 1}
    assert AssetTag.objects.count() == 3


def test_a_library_that_is_gone_leaves_every_key(server: Server, cast: Cast) -> None:
    key = cast.key(barcelona="write")
    with connected(server.mcp_url, key.secret, MODERN) as client:
        assert client.data("list_assets", **ACME, libraryId="barcelona")["total"] == 0
        Library.objects.get(slug="barcelona").delete()
        assert client.error("list_assets", **ACME, libraryId="barcelona")["status"] == 404
        assert client.data("whoami")["libraries"] == []


@pytest.mark.parametrize("wire", WIRES)
def test_a_regenerated_or_deleted_key_is_refused_by_every_process_at_once(
    server: Server, other_process: Server, cast: Cast, wire: str
) -> None:
    urls = (server.mcp_url, other_process.mcp_url)
    old = cast.key(barcelona="read")

    def statuses(secret: str) -> list[int]:
        return [call_tool(url, secret, wire, "whoami", {}).status_code for url in urls]

    assert statuses(old.secret) == [200, 200]
    new = regenerate_key(OPERATOR, RegenerateKey(organization_id="acme", key_id=old.key_id))
    assert statuses(old.secret) == [401, 401]
    assert statuses(new.secret) == [200, 200]
    delete_key(OPERATOR, DeleteKey(organization_id="acme", key_id=old.key_id))
    assert statuses(new.secret) == [401, 401]


def test_writes_that_wait_for_each_other_keep_no_read_waiting(server: Server, cast: Cast) -> None:
    key = cast.key(barcelona="write")
    renamed = {**ACME, "libraryId": "barcelona", "name": "Renamed"}
    with ThreadPoolExecutor(WAITING_WRITES) as threads:
        with transaction.atomic():
            Library.objects.select_for_update().get(pk=cast.barcelona.pk)
            writes = [
                threads.submit(call_tool, server.mcp_url, key.secret, MODERN, "rename_library", renamed)
                for _ in range(WAITING_WRITES)
            ]
            with httpx2.Client(timeout=5) as client:
                for _ in range(10):
                    arguments = {"name": "list_assets", "arguments": {**ACME, "libraryId": "barcelona"}}
                    response = post(server.mcp_url, key.secret, MODERN, "tools/call", arguments, client)
                    assert response.json()["result"]["structuredContent"]["total"] == 0
            assert not any(write.done() for write in writes)
        assert all("Renamed" in write.result().text for write in writes)


@dataclass
class History:
    """The access that a key had over time: what it could show at a moment is what was granted around that moment."""

    states: list[tuple[float, float, dict[str, str]]] = field(default_factory=list)

    def note(self, started: float, access: dict[str, str]) -> None:
        """``access`` was committed between ``started`` and now."""
        self.states.append((started, time.monotonic(), access))

    def possible(self, asked: float, answered: float) -> list[dict[str, str]]:
        """Return the accesses that were granted at some moment between asking and answering."""
        ends = [committed for _, committed, _ in self.states[1:]] + [float("inf")]
        return [
            access
            for (started, _, access), ended in zip(self.states, ends, strict=True)
            if started <= answered and asked <= ended
        ]


@dataclass(frozen=True)
class Answer:
    asked: float
    answered: float
    tool: str
    library: str
    result: Any


async def ask_again_and_again(url: str, secret: str, number: int, answers: list[Answer]) -> None:
    """Connect a client of its own and call tools; whatever is no proper answer raises."""
    chooser = random.Random(number)
    async with (
        httpx2.AsyncClient(headers={"Authorization": f"Bearer {secret}"}, timeout=60) as http_client,
        Client(streamable_http_client(url, http_client=http_client), mode=("legacy", MODERN)[number % 2]) as client,
    ):
        for _ in range(CALLS):
            library = chooser.choice(["barcelona", "paris"])
            tool = chooser.choice(["whoami", "list_assets", "rename_library"])
            arguments: dict[str, Any] = {} if tool == "whoami" else {**ACME, "libraryId": library}
            if tool == "rename_library":
                arguments["name"] = f"Renamed by {number}"
            asked = time.monotonic()
            result = await client.call_tool(tool, arguments)
            answers.append(Answer(asked, time.monotonic(), tool, library, result))


def shown(answer: Answer) -> dict[str, str] | str:
    """Return what an answer shows of the access: all of it, or the word for the one library that was asked for."""
    if answer.tool == "whoami":
        return {row["library"]: row["access"] for row in answer.result.structured_content["libraries"]}
    if not answer.result.is_error:
        return "write" if answer.tool == "rename_library" else "at least read"
    return {"API_KEY_READ_ONLY": "read", "API_KEY_NOT_AUTHORIZED_FOR_LIBRARY": "none"}[error_of(answer.result)["code"]]


def agrees(answer: Answer, access: dict[str, str]) -> bool:
    seen = shown(answer)
    if isinstance(seen, dict):
        return seen == access
    level = access.get(answer.library, "none")
    return level != "none" if seen == "at least read" else level == seen


def open_files(server: Server) -> int:
    return sum(1 for _ in Path(f"/proc/{server.process.pid}/fd").iterdir())


def test_a_hundred_clients_never_see_more_than_is_granted_while_grants_change(server: Server, cast: Cast) -> None:
    key = cast.key()
    AssetFactory(library=cast.barcelona)
    chooser = random.Random(20260728)
    history, answers = History(), list[Answer]()
    history.note(time.monotonic(), {})
    call_tool(server.mcp_url, key.secret, MODERN, "list_libraries", ACME)
    files_before = open_files(server)
    said = len(server.log.read_text())

    async def everybody() -> None:
        async with anyio.create_task_group() as group:
            for number in range(CLIENTS):
                group.start_soon(ask_again_and_again, server.mcp_url, key.secret, number, answers)

    with start_blocking_portal() as portal:
        running = portal.start_task_soon(everybody)
        while not running.done():
            access = {slug: chooser.choice(["none", "read", "write"]) for slug in ("barcelona", "paris")}
            started = time.monotonic()
            scope(key.key_id, **access)
            history.note(started, {slug: level for slug, level in access.items() if level != "none"})
            with suppress(TimeoutError):
                running.exception(timeout=0.02)
        running.result()

    assert len(answers) == CLIENTS * CALLS
    assert len(history.states) > 20
    for answer in answers:
        possible = history.possible(answer.asked, answer.answered)
        assert any(agrees(answer, access) for access in possible), (answer, possible)
    assert "INTERNAL_SERVER_ERROR" not in server.log.read_text()[said:]
    wait_until(lambda: open_files(server) <= files_before + 30)
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()")
            [count] = cursor.fetchone()
        assert count < 60


@pytest.mark.parametrize("taken_back", ["regenerated", "deleted"])
def test_a_key_taken_back_while_its_request_arrives_slowly_is_refused(
    server: Server, cast: Cast, taken_back: str
) -> None:
    key = cast.key(barcelona="write")
    body = json.dumps(rpc_body(HANDSHAKE, "tools/call", {"name": "whoami", "arguments": {}})).encode()
    slow = http.client.HTTPConnection(server.url.removeprefix("http://"), timeout=60)
    slow.putrequest("POST", "/mcp")
    for name, value in rpc_headers(HANDSHAKE, "tools/call").items():
        slow.putheader(name, value)
    slow.putheader("Authorization", f"Bearer {key.secret}")
    slow.putheader("Content-Length", str(len(body)))
    slow.endheaders(body[:5])
    # Another request after it was answered: the first one's headers were read.
    assert call_tool(server.mcp_url, key.secret, MODERN, "whoami", {}).status_code == 200
    if taken_back == "regenerated":
        regenerate_key(OPERATOR, RegenerateKey(organization_id="acme", key_id=key.key_id))
    else:
        delete_key(OPERATOR, DeleteKey(organization_id="acme", key_id=key.key_id))
    slow.send(body[5:])
    assert slow.getresponse().status == 401
    slow.close()
