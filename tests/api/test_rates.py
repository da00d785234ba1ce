"""How fast one credential and one address may ask, over all APIs and all processes together."""

import time
from collections.abc import Iterator
from contextlib import ExitStack

import httpx2
import pytest

from accounts.limits import MINUTE, RequestLimit
from accounts.models import RateCount
from apikeys.contracts import RegenerateKey
from apikeys.operations import regenerate_key
from raster.errors import RateLimited
from tests.factories import OPERATOR, Cast, make_key
from tests.mcp.client import MODERN, call_tool
from tests.server import Server, running_server
from tests.waiting import wait_until

MOST = 6
NOBODY = "rstk_nobody"
ROOM = 30  # seconds of a minute that a test takes at most


@pytest.fixture
def two(transactional_db: None, static_files: None, tmp_path: object, server_log: object) -> Iterator[list[Server]]:
    """Two processes on one database, at the begin of a minute."""
    limits = {"RASTER_CREDENTIAL_RATE": str(MOST), "RASTER_ADDRESS_RATE": str(MOST)}
    with ExitStack() as running:
        servers = [running.enter_context(running_server(server_log, **limits)) for _ in range(2)]  # type: ignore[arg-type]
        wait_until(lambda: time.time() % MINUTE < MINUTE - ROOM, MINUTE)
        yield servers


def me(server: Server, key: str) -> httpx2.Response:
    return httpx2.get(f"{server.url}/api/me", headers={"Authorization": f"Bearer {key}", "Api-Version": "2026-07-08"})


def shared() -> int:
    """Return what the processes have added up of credentials."""
    return sum(RateCount.objects.filter(name__startswith="credential:").values_list("count", flat=True))


def test_one_request_too_many_is_refused_on_every_transport_and_by_every_process(two: list[Server], cast: Cast) -> None:
    one, other = two
    key, second = make_key(cast.acme, "First", barcelona="read"), make_key(cast.acme, "Second", barcelona="read")
    for number in range(MOST - 2):
        answer = me(one, key.secret)
        assert (answer.status_code, answer.headers["RateLimit-Remaining"]) == (200, str(MOST - number - 1))
    assert call_tool(one.mcp_url, key.secret, MODERN, "whoami", {}).status_code == 200
    assert me(one, key.secret).headers["RateLimit-Limit"] == str(MOST)

    over = me(one, key.secret)
    assert (over.status_code, over.json()["error"]["code"]) == (429, "RATE_LIMITED")
    assert 1 <= int(over.headers["Retry-After"]) <= MINUTE
    assert (over.headers["RateLimit-Limit"], over.headers["RateLimit-Remaining"]) == (str(MOST), "0")
    over = call_tool(one.mcp_url, key.secret, MODERN, "whoami", {})
    assert (over.status_code, over.json()["error"]["code"]) == (429, "RATE_LIMITED")
    assert "Retry-After" in over.headers

    # Another process learns of it as soon as it has something to add itself.
    wait_until(lambda: shared() == MOST)
    assert me(other, key.secret).status_code == 200
    wait_until(lambda: me(other, key.secret).status_code == 429)

    # A new value of the same key is the same credential; another key is another one.
    renewed = regenerate_key(OPERATOR, RegenerateKey(organization_id="acme", key_id=key.key_id))
    assert me(one, renewed.secret).status_code == 429
    assert me(one, second.secret).status_code == 200
    wait_until(lambda: shared() >= MOST + 2)


def test_strangers_are_refused_sooner_than_looked_up_and_nobody_else_is(two: list[Server], cast: Cast) -> None:
    one, _ = two
    key = make_key(cast.acme, barcelona="read")
    for number in range(MOST):
        headers = {"Api-Version": "2026-07-08"} if number % 2 else {"Authorization": f"Bearer {NOBODY}"}
        path = "/api/me" if number % 2 else "/mcp"
        assert httpx2.request("GET" if number % 2 else "POST", f"{one.url}{path}", headers=headers).status_code == 401
    assert me(one, NOBODY).status_code == 429
    assert httpx2.post(f"{one.url}/mcp").status_code == 429
    assert me(one, key.secret).status_code == 200
    wait_until(lambda: shared() == 1)


def test_the_next_minute_begins_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 1_800_000_000.0
    monkeypatch.setattr(time, "time", lambda: now)
    rate = RequestLimit("test", 1)
    standing = rate.hit("one")
    assert standing is not None
    assert standing.headers == {"RateLimit-Limit": "1", "RateLimit-Remaining": "0", "RateLimit-Reset": "60"}
    with pytest.raises(RateLimited) as refused:
        rate.hit("one")
    assert refused.value.retry_after == 60
    now += MINUTE
    assert rate.hit("one") is not None


def test_without_a_limit_nothing_is_counted() -> None:
    assert RequestLimit("test", None).hit("one") is None
