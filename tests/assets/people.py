"""Callers of operations, and several of them at once."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from django.db import connection

from apikeys.access import KeyPrincipal
from apikeys.models import APIKey
from orgs.access import OrganizationRef, Origin, UserPrincipal
from raster.errors import RasterError
from tests.factories import Cast

Outcome = object


def person(cast: Cast, name: str) -> UserPrincipal:
    """Return one of the cast, on the pages."""
    return UserPrincipal(Origin("web"), getattr(cast, name))


def key_principal(cast: Cast, **access: str) -> KeyPrincipal:
    """Return a new key of Acme with this access, as a caller."""
    key = APIKey.objects.get(pk=cast.key(**access).key_id)
    return KeyPrincipal(
        origin=Origin("mcp"),
        use_is_due=False,
        key_id=key.pk,
        public_id=key.public_id,
        name=key.name,
        organizations=(OrganizationRef(cast.acme.pk, cast.acme.slug, cast.acme.name),),
        is_shown_writes=True,
    )


def at_once(*calls: Callable[[], Outcome]) -> list[Outcome]:
    """Run each call in a thread with a connection of its own, all from the same moment.

    Return what each gave: its result, or the ``RasterError`` that it raised.
    """
    barrier = threading.Barrier(len(calls))

    def run(call: Callable[[], Outcome]) -> Outcome:
        try:
            connection.ensure_connection()
            barrier.wait(timeout=60)
            return call()
        except RasterError as refusal:
            return refusal
        finally:
            connection.close()

    with ThreadPoolExecutor(len(calls)) as pool:
        return list(pool.map(run, calls))
