"""Assertions that clients sign in place of a secret (RFC 7523, section 3)."""

import hashlib
import math
from datetime import timedelta
from typing import Any

import jwt
from django.conf import settings
from django.utils import timezone
from jwt import PyJWK, PyJWTError

from accounts.limits import Limit, subject_of_address
from connections.documents import ADDRESS_LIMIT, BadDocument, fetch_json, read_document
from connections.keys import ALGORITHMS, pick_key, usable_keys
from connections.models import Client
from raster.outbound import OutboundRefused

LONGEST_ASSERTION = 8 * 1024
LONGEST_ID = 500
#: authlib's assertions live that long unless its caller sets ``exp``.
LIFETIME = 60 * 60
LEEWAY = 30
LONGEST_KEYS = timedelta(days=1)
#: For a client whose keys are missing or old, and for one that names a key which is not among them.
OLD_KEYS_LIMIT = Limit("client keys", 30, 60)
UNKNOWN_KEY_LIMIT = Limit("client key", 1, 60)
#: Each accepted assertion keeps a row until it expires. Only the holder of the client's key can use this up.
ASSERTIONS_OF_CLIENT = Limit("client assertions", 20_000, LIFETIME)
_CLAIMS = ["iss", "sub", "aud", "exp", "jti"]


def claimed_client(assertion: str) -> str | None:
    """Return the id of the client that an assertion says it is of, which is not proven yet."""
    if len(assertion) > LONGEST_ASSERTION:
        return None
    try:
        subject = jwt.decode(assertion, options={"verify_signature": False}).get("sub")
    except (PyJWTError, ValueError, OverflowError, RecursionError):
        return None
    return subject if isinstance(subject, str) else None


def is_valid_assertion(client: Client, assertion: str, *, reading_for: str | None) -> bool:
    """Return whether a client signed an assertion for this server, a moment ago. It is good once.

    Call it outside of a transaction: it may fetch the client's keys. ``reading_for`` is the address for which it does,
    and is counted; with None, the keys at hand have to do.

    Raises:
        RateLimited: the client signed too many within the hour.
    """
    try:
        header = jwt.get_unverified_header(assertion)
        algorithm, key_id = header.get("alg"), header.get("kid")
        if algorithm not in ALGORITHMS:
            return False
        key = _find_key(client, algorithm, key_id, reading_for)
        if key is None:
            return False
        claims = jwt.decode(
            assertion, key, algorithms=[algorithm], options={"require": _CLAIMS, "verify_aud": False}, leeway=LEEWAY
        )
    except (PyJWTError, ValueError, OverflowError, RecursionError):
        return False
    return claims["iss"] == claims["sub"] == client.client_id and _is_for_us(claims["aud"]) and _spend(client, claims)


def _is_for_us(audience: Any) -> bool:
    """Return whether an assertion is for this server alone: one for several could be used by any of them."""
    names = audience if isinstance(audience, list) else [audience]
    return names in ([settings.BASE_URL], [f"{settings.BASE_URL}/token"])


def _spend(client: Client, claims: dict[str, Any]) -> bool:
    """Return whether an assertion expires within an hour and was not sent before; record that it was sent.

    Raises:
        RateLimited: see :func:`is_valid_assertion`. An assertion that is sent again does not count.
    """
    identifier, expires, now = claims["jti"], claims["exp"], timezone.now().timestamp()
    if not isinstance(identifier, str) or not 0 < len(identifier) <= LONGEST_ID:
        return False
    if not isinstance(expires, int | float) or expires > now + LIFETIME + LEEWAY:
        return False
    spent = hashlib.sha256(f"{client.client_id}\n{identifier}".encode(errors="replace")).hexdigest()
    if ASSERTIONS_OF_CLIENT.is_used_up(client.pk):
        ASSERTIONS_OF_CLIENT.hit(client.pk)
    if not Limit("client assertion", 1, math.ceil(expires - now) + LEEWAY + 1).allows(spent):
        return False
    ASSERTIONS_OF_CLIENT.hit(client.pk)
    return True


def _find_key(client: Client, algorithm: str, key_id: str | None, reading_for: str | None) -> PyJWK | None:
    """Return the public key that a signature names, reading the client's keys again where that may help."""
    if _are_old(client) and _may_read(client, OLD_KEYS_LIMIT, reading_for):
        _read_keys(client)
    key = None if _are_old(client) else pick_key(client.keys or [], algorithm, key_id)
    if key is None and _are_elsewhere(client) and _may_read(client, UNKNOWN_KEY_LIMIT, reading_for):
        _read_keys(client)
        key = None if _are_old(client) else pick_key(client.keys or [], algorithm, key_id)
    return key


def _are_elsewhere(client: Client) -> bool:
    """Return whether a client's keys are on the web, rather than given once and for all."""
    return bool(client.keys_url) or client.source == Client.Source.DOCUMENT


def _are_old(client: Client) -> bool:
    if not _are_elsewhere(client):
        return False
    return client.keys_read is None or timezone.now() >= client.keys_read + LONGEST_KEYS


def _may_read(client: Client, limit: Limit, address: str | None) -> bool:
    """Return whether the keys may be read again, and count it; an address that is out of turns uses up no client's."""
    if address is None:
        return False
    subject = subject_of_address(address)
    return not ADDRESS_LIMIT.is_used_up(subject) and limit.allows(client.pk) and ADDRESS_LIMIT.allows(subject)


def _read_keys(client: Client) -> None:
    """Read a client's keys again; those that cannot be read leave it as it is."""
    try:
        if not client.keys_url:
            client.keys, client.keys_read = (read := read_document(client.client_id)).keys, read.keys_read
            return
        _, said = fetch_json(client.keys_url)
    except (BadDocument, OutboundRefused):
        return
    keys = usable_keys(said)
    if keys:
        client.keys, client.keys_read = keys, timezone.now()
        Client.objects.filter(pk=client.pk, keys_url=client.keys_url).update(keys=keys, keys_read=client.keys_read)
