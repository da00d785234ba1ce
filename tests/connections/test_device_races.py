"""Two at once: of parallel polls one gets the tokens, of parallel people one gets the code, and no ending is lost."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx2
from django.db import connection as database

from connections import secrets
from connections.metadata import DEVICE_GRANT
from connections.models import AccessToken, Client, Connection, DeviceAuthorization, RefreshToken
from connections.operations.connections import disconnect
from connections.operations.devices import claim_device
from orgs.models import AuditEntry
from raster.errors import BadUserInput
from tests.connections.devices import allow, person
from tests.connections.factories import connect, make_client, tokens_of
from tests.factories import Cast
from tests.mcp.client import MODERN, call_tool
from tests.server import Server

AT_ONCE = 6


def begin(server: Server, client_id: str = "test-app") -> dict[str, Any]:
    answer = httpx2.post(f"{server.url}/device_authorization", data={"client_id": client_id}, timeout=60)
    codes: dict[str, Any] = answer.json()
    return codes


def poll(server: Server, codes: dict[str, Any], client_id: str = "test-app") -> httpx2.Response:
    form = {"grant_type": DEVICE_GRANT, "device_code": codes["device_code"], "client_id": client_id}
    return httpx2.post(f"{server.url}/token", data=form, timeout=60)


def test_of_parallel_polls_one_gets_the_tokens(server: Server, cast: Cast) -> None:
    make_client()
    for _ in range(5):
        codes = begin(server)
        connection = allow(codes, cast.alice, cast.acme)
        with ThreadPoolExecutor(AT_ONCE) as pool:
            answers = list(pool.map(lambda _, codes=codes: poll(server, codes), range(AT_ONCE)))
        given = [answer for answer in answers if answer.status_code == 200]
        assert len(given) == 1
        assert {answer.json()["error"] for answer in answers if answer not in given} == {"invalid_grant"}
        assert AccessToken.objects.filter(connection=connection).count() == 1
        assert call_tool(server.mcp_url, given[0].json()["access_token"], MODERN, "whoami", {}).status_code == 200


def test_of_two_clients_the_one_that_began_wins(server: Server, cast: Cast) -> None:
    make_client()
    make_client("thief")
    for _ in range(5):
        codes = begin(server)
        allow(codes, cast.alice, cast.acme)
        with ThreadPoolExecutor(2 * AT_ONCE) as pool:
            names = ["thief", "test-app"] * AT_ONCE
            answers = list(pool.map(lambda name, codes=codes: poll(server, codes, name), names))
        winners = [name for name, answer in zip(names, answers, strict=True) if answer.status_code == 200]
        assert winners == ["test-app"]
    assert not AccessToken.objects.filter(connection__client__client_id="thief").exists()


def test_of_parallel_people_one_gets_the_code(server: Server, cast: Cast) -> None:
    make_client()
    people = [cast.alice, cast.bob, cast.carol, cast.dave]
    for _ in range(5):
        codes = begin(server)

        def type_it(user: Any, codes: dict[str, Any] = codes) -> int | None:
            try:
                claimed = claim_device(person(user), codes["user_code"]).claimed_by_id
            except BadUserInput:
                return None
            finally:
                database.close()
            assert claimed == user.pk
            return claimed

        with ThreadPoolExecutor(len(people)) as pool:
            claims = [pk for pk in pool.map(type_it, people) if pk is not None]
        row = DeviceAuthorization.objects.get(digest=secrets.digest(codes["device_code"]))
        assert claims == [row.claimed_by_id]


def test_disconnecting_while_the_app_refreshes_holds_nobody_up_and_leaves_no_way_in(server: Server, cast: Cast) -> None:
    client: Client = make_client()
    for _ in range(5):
        connection = connect(cast.alice, client, cast.acme)
        pair = tokens_of(connection)
        form = {"grant_type": "refresh_token", "refresh_token": pair.refresh, "client_id": "test-app"}

        def end(connection: Connection = connection) -> None:
            try:
                disconnect(person(cast.alice), connection.pk)
            finally:
                database.close()

        with ThreadPoolExecutor(AT_ONCE) as pool:
            refreshes = [
                pool.submit(httpx2.post, f"{server.url}/token", data=form, timeout=30) for _ in range(AT_ONCE - 2)
            ]
            for ending in [pool.submit(end), pool.submit(end)]:
                ending.result()
        answers = [refresh.result() for refresh in refreshes]
        assert {answer.status_code for answer in answers} <= {200, 400}
        given = {answer.json()["access_token"] for answer in answers if answer.status_code == 200}
        for token in {pair.access, *given}:
            assert call_tool(server.mcp_url, token, MODERN, "whoami", {}).status_code == 401
        again = httpx2.post(f"{server.url}/token", data=form, timeout=60)
        assert again.json()["error"] == "invalid_grant"
    assert AuditEntry.objects.filter(action="connection.end").count() == 5
    assert not RefreshToken.objects.filter(connection__ended=None).exists()
