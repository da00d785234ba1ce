"""Clearing away what nobody can use any more: codes, tokens, requests, clients, counts and sessions.

It runs while the server serves: in chunks, each a short transaction of its own, and what a request holds at that
moment stays for the next time.
"""

import threading
from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from django.core.cache import cache
from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils import timezone

from accounts.models import RateCount, Session
from assets.models import UploadLink
from connections.ending import end_connection
from connections.models import (
    AccessToken,
    AuthorizationCode,
    AuthorizationRequest,
    Client,
    Connection,
    DeviceAuthorization,
    RefreshToken,
)

CHUNK = 1000
#: Between two chunks, so that whatever waits to write gets its turn.
PAUSE_SECONDS = 0.02
#: For programs and people who come late: they are told what happened, and a code's second use still ends what it gave.
LATE_TIME = timedelta(days=1)
#: A connection whose client did not fetch its tokens, which it has minutes for.
UNREDEEMED_TIME = timedelta(days=1)
#: A client that came to nothing, since it was last heard of.
UNUSED_TIME = timedelta(days=30)
UNUSED, EXPIRED = "unused for 30 days", "its token expired"
EVERY_SECONDS = 3600
LEASE = "connections.sweep"


def sweep(stop: threading.Event | None = None) -> dict[str, int]:
    """Delete what is over, and end the connections that are; return how many of each kind.

    It stops early, between two chunks, when ``stop`` is set.
    """
    stop = stop or threading.Event()
    swept: Counter[str] = Counter({"connections that ended": _end_unused(stop)})
    for name, rows in _what_is_over():
        swept[name] += _delete(rows, stop)
    return dict(swept)


def sweep_if_due(stop: threading.Event | None = None) -> dict[str, int]:
    """Sweep if no process did in the last hour: of any number that ask, one does."""
    return sweep(stop) if cache.add(LEASE, True, EVERY_SECONDS) else {}


def _what_is_over() -> Iterator[tuple[str, QuerySet[Any]]]:
    now = timezone.now()
    over = Q(expires__lte=now)
    late = Q(expires__lte=now - LATE_TIME)
    yield "authorization codes", AuthorizationCode.objects.filter(late)
    yield "access tokens", AccessToken.objects.filter(over)
    # Those that were replaced, too, are kept until they expire: a second use ends the connection.
    yield "refresh tokens", RefreshToken.objects.filter(over)
    for kind in (AuthorizationCode.objects, AccessToken.objects, RefreshToken.objects):
        # A request held them while their connection was ended (ending.py).
        yield "tokens of ended connections", kind.exclude(connection__ended=None)
    yield "authorization requests", AuthorizationRequest.objects.filter(late)
    yield "device authorizations", DeviceAuthorization.objects.filter(late)
    yield "connections without tokens", Connection.objects.filter(redeemed=None, created__lte=now - UNREDEEMED_TIME)
    yield "unused clients", _unused_clients()
    yield "upload links", UploadLink.objects.filter(late)
    yield "rate counts", RateCount.objects.filter(over)
    yield "sessions", Session.objects.filter(expire_date__lte=now)


def _unused_clients() -> QuerySet[Client]:
    """Return the clients that made themselves known, were connected by nobody, and have been silent for a while.

    A document would be read again as that of a new client, so one that staff disabled stays.
    """
    since = timezone.now() - UNUSED_TIME
    silent = Q(last_used=None) | Q(last_used__lte=since)
    own = Client.objects.exclude(source=Client.Source.STAFF).filter(silent, created__lte=since)
    return own.filter(connections=None, is_active=True)


def _end_unused(stop: threading.Event) -> int:
    """End the connections whose client let all of its tokens expire, so that no list shows them as alive."""
    ended = 0
    held = Connection.objects.select_for_update(of=("self",), skip_locked=True).select_related("client", "user")
    for key in list(_without_living_tokens().order_by("pk").values_list("pk", flat=True)):
        if stop.is_set():
            break
        with transaction.atomic():
            connection = held.filter(pk=key).first()
            # Asked again under the lock, which whoever issues tokens holds.
            if connection is not None and _without_living_tokens().filter(pk=key).exists():
                end_connection(None, connection, UNUSED if connection.client.may_refresh else EXPIRED)
                ended += 1
    return ended


def _without_living_tokens() -> QuerySet[Connection]:
    living = {"connection": OuterRef("pk"), "expires__gt": timezone.now()}
    redeemed: QuerySet[Connection] = Connection.objects.alive().exclude(redeemed=None)
    return redeemed.exclude(
        Exists(RefreshToken.objects.filter(**living)) | Exists(AccessToken.objects.filter(**living))
    )


def _delete(rows: QuerySet[Any], stop: threading.Event) -> int:
    deleted = 0
    ahead = rows.order_by("pk")
    while not stop.is_set():
        found = list(ahead.values_list("pk", flat=True)[:CHUNK])
        if found:
            deleted += _delete_chunk(rows, found)
            ahead = ahead.filter(pk__gt=found[-1])
        if len(found) < CHUNK:
            break
        stop.wait(PAUSE_SECONDS)
    return deleted


def _delete_chunk(rows: QuerySet[Any], keys: list[Any]) -> int:
    """Delete those rows with these keys that are still over and that nobody holds; return how many."""
    everything = rows.model.objects
    with transaction.atomic():
        free = everything.filter(pk__in=keys).select_for_update(skip_locked=True)
        held = list(free.values_list("pk", flat=True))
        # Asked again under the lock: what came into use meanwhile stays.
        over = list(rows.filter(pk__in=held).values_list("pk", flat=True))
        everything.filter(pk__in=over).delete()
    return len(over)
