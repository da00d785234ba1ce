"""Sweeping takes what is over and leaves what is not, row by row, while clients go on."""

import asyncio
import io
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import Any

import httpx2
import pytest
from django.core.cache import cache
from django.core.management import call_command
from django.db import connection as database
from django.db.models import Model
from django.utils import timezone

from accounts.models import RateCount, Session
from connections import secrets
from connections.clean_up import CHUNK, LEASE, sweep, sweep_if_due
from connections.models import (
    AccessToken,
    AuthorizationCode,
    AuthorizationRequest,
    Client,
    Connection,
    DeviceAuthorization,
    RefreshToken,
)
from connections.operations.connections import list_connected_apps
from orgs.models import AuditEntry
from raster import mail
from raster.sweeping import sweeping
from raster.tasks.models import QueuedTask
from tests.connections.devices import person
from tests.connections.factories import connect, make_client, tokens_of
from tests.factories import AssetFactory, Cast
from tests.server import Server
from tests.waiting import wait_until

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
MONTH = timedelta(days=30)
Made = dict[str, Model]


def age(row: Model, **moments: datetime) -> None:
    """Let a row be older than it is."""
    type(row)._default_manager.filter(pk=row.pk).update(**moments)


def digest(text: str) -> bytes:
    return secrets.digest(text)


def code(connection: Connection, expires: datetime, **fields: Any) -> AuthorizationCode:
    return AuthorizationCode.objects.create(
        connection=connection, digest=digest(f"code {connection.pk}"), expires=expires, **fields
    )


def request(cast: Cast, client: Client, text: str, expires: datetime, **fields: Any) -> AuthorizationRequest:
    return AuthorizationRequest.objects.create(
        digest=digest(text),
        session_digest="s",
        user=cast.alice,
        client=client,
        client_edition=1,
        asked_write=True,
        expires=expires,
        **fields,
    )


def device(client: Client, text: str, expires: datetime, **fields: Any) -> DeviceAuthorization:
    return DeviceAuthorization.objects.create(
        digest=digest(text),
        user_code_digest=digest(f"user {text}"),
        client=client,
        asked_write=True,
        expires=expires,
        **fields,
    )


def make_rows(cast: Cast, client: Client) -> tuple[Made, Made]:
    """Make a row of every kind on both sides of its limit: what is over, and what stays."""
    now = timezone.now()
    alive = [connect(user, client, cast.acme) for user in (cast.alice, cast.alice, cast.bob)]
    for connection in alive:
        tokens_of(connection)
    over: Made = {
        "code": code(alive[0], now - DAY),
        "used code": code(alive[2], now - DAY, used=now - DAY),
        "request": request(cast, client, "old", now - DAY),
        "device": device(client, "old", now - DAY),
        "unredeemed": connect(cast.alice, client, cast.acme, redeemed=None),
        "never used": make_client("never used"),
        "used once": make_client("used once", last_used=now - MONTH),
        "document": make_client("https://app.example.com/c", source=Client.Source.DOCUMENT, last_used=now - MONTH),
        "count": RateCount.objects.create(name="old", count=1, expires=now),
        "session": Session.objects.create(session_key="old", session_data="", expire_date=now),
    }
    stays: Made = {
        "code": code(alive[1], now - DAY + HOUR, used=now),
        "request": request(cast, client, "new", now - DAY + HOUR),
        "device": device(client, "new", now - DAY + HOUR),
        "unredeemed": connect(cast.alice, client, cast.acme, redeemed=None),
        "ended": connect(cast.alice, client, cast.acme, ended=now - MONTH),
        "just registered": make_client("just registered"),
        "used lately": make_client("used lately", last_used=now - MONTH + HOUR),
        "connected": make_client("connected"),
        "disabled": make_client("https://evil.example.com/c", source=Client.Source.DOCUMENT, is_active=False),
        "staff": make_client("staff", source=Client.Source.STAFF),
        "count": RateCount.objects.create(name="new", count=1, expires=now + HOUR),
        "session": Session.objects.create(session_key="new", session_data="", expire_date=now + HOUR),
    }
    connect(cast.alice, stays["connected"], cast.acme, ended=now)  # type: ignore[arg-type]  # it is a client
    for name in ("never used", "used once", "document"):
        age(over[name], created=now - MONTH)
    for name in ("used lately", "connected", "disabled", "staff"):
        age(stays[name], created=now - MONTH)
    age(stays["just registered"], created=now - MONTH + HOUR)
    age(over["unredeemed"], created=now - DAY)
    age(stays["unredeemed"], created=now - DAY + HOUR)
    return over, stays


def there(made: Made) -> set[str]:
    return {name for name, row in made.items() if type(row)._default_manager.filter(pk=row.pk).exists()}


@pytest.mark.django_db
def test_what_is_not_over_stays_and_what_is_goes(cast: Cast) -> None:
    over, stays = make_rows(cast, make_client())
    assert sweep() == {
        "connections that ended": 0,
        "authorization codes": 2,
        "access tokens": 0,
        "refresh tokens": 0,
        "tokens of ended connections": 0,
        "authorization requests": 1,
        "device authorizations": 1,
        "connections without tokens": 1,
        "unused clients": 3,
        "upload links": 0,
        "rate counts": 1,
        "sessions": 1,
    }
    assert there(stays) == set(stays)
    assert there(over) == set()
    assert not any(sweep().values())


@pytest.mark.django_db
def test_tokens_stay_until_they_expire_and_replaced_ones_too(cast: Cast) -> None:
    now = timezone.now()
    connection = connect(cast.alice, make_client(), cast.acme)
    tokens_of(connection)
    first = RefreshToken.objects.get()
    age(first, rotated=now - DAY)
    successor = RefreshToken.objects.create(
        connection=connection, digest=digest("successor"), predecessor=first, expires=now + DAY
    )
    AccessToken.objects.create(
        connection=connection, digest=digest("access"), refresh_token=successor, may_write=True, expires=now
    )
    assert sweep()["access tokens"] == 1
    assert AccessToken.objects.get().refresh_token == first
    assert RefreshToken.objects.count() == 2

    age(first, expires=now)
    assert sweep()["refresh tokens"] == 1
    assert RefreshToken.objects.get() == successor
    successor.refresh_from_db()
    assert successor.predecessor is None
    assert AccessToken.objects.get().refresh_token is None


@pytest.mark.django_db
def test_an_ended_connection_stays_for_the_record_and_its_tokens_go(cast: Cast) -> None:
    client = make_client()
    ended, alive = connect(cast.alice, client, cast.acme), connect(cast.alice, client, cast.acme)
    for connection in (ended, alive):
        tokens_of(connection)
        code(connection, timezone.now() + HOUR)
    age(ended, ended=timezone.now())
    assert sweep()["tokens of ended connections"] == 3
    assert set(Connection.objects.all()) == {ended, alive}
    for model in (AccessToken, RefreshToken, AuthorizationCode):
        assert model._default_manager.get().connection == alive


@pytest.mark.django_db
def test_a_connection_whose_tokens_all_expired_ends_and_one_with_any_that_lives_does_not(cast: Cast) -> None:
    now = timezone.now()
    client, once = make_client(), make_client("once", grant_types=["authorization_code"])
    made = {
        name: connect(cast.alice, once if name == "once" else client, cast.acme)
        for name in ("access", "refresh", "both", "none", "gone", "once")
    }
    waiting = connect(cast.alice, client, cast.acme, redeemed=None)
    for name, connection in made.items():
        if name != "gone":
            tokens_of(connection)
    for name, connection in made.items():
        if name in {"access", "none", "once"}:
            connection.refresh_tokens.update(expires=now)
        if name in {"refresh", "none", "once"}:
            connection.access_tokens.update(expires=now)
    assert sweep()["connections that ended"] == 3
    alive = set(Connection.objects.filter(ended=None))
    assert alive == {made["access"], made["refresh"], made["both"], waiting}
    entries = AuditEntry.objects.filter(organization=cast.acme, action="connection.end").order_by("pk")
    assert [(entry.actor, entry.after["reason"]) for entry in entries] == [
        ("authorization server", "unused for 30 days"),
        ("authorization server", "unused for 30 days"),
        ("authorization server", "its token expired"),
    ]
    assert sweep()["connections that ended"] == 0
    assert {app.app.name for app in list_connected_apps(person(cast.alice))} == {"Test app"}
    assert sum(len(app.connections) for app in list_connected_apps(person(cast.alice))) == 3


@pytest.mark.django_db
def test_more_rows_than_one_chunk_all_go(cast: Cast) -> None:
    connection = connect(cast.alice, make_client(), cast.acme)
    expires = timezone.now()
    AccessToken.objects.bulk_create(
        AccessToken(connection=connection, digest=digest(str(number)), may_write=False, expires=expires)
        for number in range(2 * CHUNK + 1)
    )
    assert sweep()["access tokens"] == 2 * CHUNK + 1
    assert not AccessToken.objects.exists()


@pytest.mark.django_db
def test_a_sweep_that_is_told_to_stop_deletes_no_more(cast: Cast) -> None:
    over, _ = make_rows(cast, make_client())
    stop = threading.Event()
    stop.set()
    assert not any(sweep(stop).values())
    assert there(over) == set(over)


@pytest.mark.django_db
def test_the_command_says_what_it_deleted(cast: Cast, own_storage: None) -> None:
    AssetFactory(library=cast.barcelona)
    make_rows(cast, make_client())
    mail.send("alice@example.com", "A link", "https://raster.example.com/…", what="link")
    QueuedTask.objects.update(expires=timezone.now())
    out = io.StringIO()
    call_command("sweep", stdout=out)
    assert "1 arguments of expired tasks\n" in out.getvalue()
    assert "2 authorization codes\n" in out.getvalue()
    assert "0 access tokens\n" in out.getvalue()


@pytest.mark.django_db
def test_of_all_processes_that_ask_one_sweeps_in_an_hour(cast: Cast) -> None:
    cache.delete(LEASE)
    make_rows(cast, make_client())
    assert sweep_if_due()["sessions"] == 1
    Session.objects.create(session_key="later", session_data="", expire_date=timezone.now())
    assert sweep_if_due() == {}
    cache.delete(LEASE)
    assert sweep_if_due()["sessions"] == 1


@pytest.mark.django_db(transaction=True)
def test_a_server_sweeps_beside_serving_and_goes_on_after_a_failure(cast: Cast, caplog: Any) -> None:
    over, stays = make_rows(cast, make_client())
    calls: list[str] = []

    def failing_once(stop: threading.Event) -> dict[str, int]:
        calls.append("called")
        if len(calls) == 1:
            raise OSError("The disk is full.")
        return sweep(stop)

    # In a thread of its own: Playwright, where it ran before, keeps a loop in this one.
    with ThreadPoolExecutor(1) as pool:
        pool.submit(lambda: asyncio.run(run_until(failing_once, lambda: len(calls) > 2))).result()
    assert (there(over), there(stays)) == (set(), set(stays))
    assert "Sweeping failed" in caplog.text


async def run_until(work: Callable[[threading.Event], dict[str, int]], condition: Callable[[], bool]) -> None:
    async with sweeping(work, every=0.001):
        await asyncio.to_thread(wait_until, condition)


def test_clients_refresh_while_it_sweeps_and_none_fails(server: Server, cast: Cast) -> None:
    client = make_client()
    connections = [connect(cast.alice, client, cast.acme) for _ in range(2)]
    first = [tokens_of(connection).refresh for connection in connections]
    stop = threading.Event()

    def refresh_on_and_on(token: str) -> int:
        rounds = 0
        while not stop.is_set() or rounds < 10:
            form = {"grant_type": "refresh_token", "refresh_token": token, "client_id": client.client_id}
            answer = httpx2.post(f"{server.url}/token", data=form, timeout=60)
            assert answer.status_code == 200, answer.text
            token = answer.json()["refresh_token"]
            rounds += 1
        return rounds

    with ThreadPoolExecutor(len(first)) as pool:
        running = [pool.submit(refresh_on_and_on, token) for token in first]
        try:
            for number in range(12):
                make_rubbish(connections[0], number)
                swept = sweep()
                assert (swept["access tokens"], swept["refresh tokens"]) == (CHUNK + 1, CHUNK + 1)
        finally:
            stop.set()
        assert all(each.result() >= 10 for each in running)
    assert not Connection.objects.exclude(ended=None).exists()
    assert RefreshToken.objects.filter(rotated=None).count() == len(first)


def make_rubbish(connection: Connection, number: int) -> None:
    """Make more expired tokens than a chunk, one of them the predecessor of a token that is in use."""
    now = timezone.now()
    names = [f"{number} {count}" for count in range(CHUNK + 1)]
    refresh = RefreshToken.objects.bulk_create(
        RefreshToken(connection=connection, digest=digest(f"refresh {name}"), rotated=now, expires=now)
        for name in names
    )
    AccessToken.objects.bulk_create(
        AccessToken(connection=connection, digest=digest(name), may_write=False, expires=now) for name in names
    )
    used = RefreshToken.objects.filter(connection=connection, rotated=None, predecessor__rotated=None).first()
    if used is not None:
        RefreshToken.objects.filter(pk=used.pk).update(predecessor=refresh[0])


@pytest.mark.skipif("database.vendor == 'sqlite'", reason="SQLite has one writer and holds no rows")
@pytest.mark.django_db(transaction=True)
def test_a_connection_that_a_request_holds_is_left_for_the_next_time(cast: Cast) -> None:
    connect(cast.alice, make_client(), cast.acme)
    other = database.copy()
    try:
        with other.cursor() as cursor:
            cursor.execute("BEGIN")
            cursor.execute("SELECT 1 FROM connections_connection FOR UPDATE")
            assert sweep()["connections that ended"] == 0
            cursor.execute("ROLLBACK")
    finally:
        other.close()
    assert sweep()["connections that ended"] == 1


@pytest.mark.skipif("database.vendor == 'sqlite'", reason="SQLite has one writer and holds no rows")
@pytest.mark.django_db(transaction=True)
def test_what_a_request_holds_is_left_for_the_next_time(cast: Cast) -> None:
    tokens_of(connect(cast.alice, make_client(), cast.acme), expires=timezone.now())
    other = database.copy()
    try:
        with other.cursor() as cursor:
            cursor.execute("BEGIN")
            cursor.execute("SELECT 1 FROM connections_accesstoken FOR UPDATE")
            assert sweep()["access tokens"] == 0
            cursor.execute("ROLLBACK")
    finally:
        other.close()
    assert sweep()["access tokens"] == 1
