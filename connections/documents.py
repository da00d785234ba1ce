"""Client ID Metadata Documents: clients whose id is the URL of what they say of themselves.

https://datatracker.ietf.org/doc/draft-ietf-oauth-client-id-metadata-document/ A document is kept as a row and read
again when its HTTP headers ask for it. While its site is away the copy goes on serving for some days, its keys for one.

A change that would end every connection is believed when it was read twice: the servers of one site may not agree with
each other for a while. Until then only what the document says before and after the change is good.
"""

import json
import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import unquote, urlsplit

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from accounts.limits import Limit, subject_of_address
from connections.logos import read_logo
from connections.metadata import UNNAMED, ClientMetadata, read_metadata
from connections.models import CLIENT_ID_LENGTH, Client
from connections.protocol import OAuthError
from connections.redirects import is_our_own
from connections.trust import host_of, is_on_site
from raster.outbound import OutboundRefused, fetch

MOST_BYTES = 64 * 1024
MOST_LOGO_BYTES = 256 * 1024
SECONDS = 5.0
LOGO_SECONDS = 3.0
SHORTEST_FRESHNESS = timedelta(minutes=1)
USUAL_FRESHNESS = timedelta(hours=1)
LONGEST_FRESHNESS = timedelta(days=1)
LONGEST_STALE = timedelta(days=7)
#: Between two readings of the same change.
BELIEVED_AFTER = timedelta(minutes=1)
#: For an address that makes this server read documents.
ADDRESS_LIMIT = Limit("client documents", 60, 600)
LOGO_LIMIT = Limit("client logo", 1, 24 * 3600)
_PATH = re.compile(r"https://[^/?#]+/[^?#]+(?:\?[^#]*)?")

_JSON_TYPE = re.compile(r"application/(?:[a-z0-9.+-]+\+)?json")


Essentials = dict[str, Any]


class BadDocument(Exception):
    """The document is not there, or does not say what it must."""


def is_document_url(client_id: str) -> bool:
    """Return whether a client id is the URL of a metadata document, by its form; none is on a host of ours.

    What people upload is served from one, and nobody's app may be verified by it.
    """
    if len(client_id) > CLIENT_ID_LENGTH or not _PATH.fullmatch(client_id):
        return False
    try:
        parts = urlsplit(client_id)
        _ = parts.port  # raises for what is no port
    except ValueError:
        return False
    if is_our_own(client_id):
        return False
    segments = unquote(parts.path).split("/")
    return "@" not in parts.netloc and bool(parts.hostname) and not {".", ".."}.intersection(segments)


def find_document_client(url: str, *, address: str) -> Client | None:
    """Return the client of a metadata document, reading it where it is new or no longer fresh.

    ``address`` is who asks, and is counted. A client whose document cannot be read again stays for ``LONGEST_STALE``.

    Raises:
        RateLimited: the address had too many documents read, and this one is needed.
    """
    client = Client.objects.filter(client_id=url, source=Client.Source.DOCUMENT).first()
    now = timezone.now()
    if client is not None and (not client.is_active or (client.fresh_until and now < client.fresh_until)):
        return client if client.is_active else None
    may_be_stale = client is not None and client.read is not None and now < client.read + LONGEST_STALE
    try:
        if client is None or not may_be_stale:
            ADDRESS_LIMIT.hit(subject_of_address(address))
            return read_document(url)
        return read_document(url) if _is_my_turn(client, now, address) else client
    except (BadDocument, OutboundRefused):
        return client if may_be_stale else None


def _is_my_turn(client: Client, now: datetime, address: str) -> bool:
    """Take the turn to read a document again: one request does, and the others go on with the copy meanwhile.

    An address that had its readings takes no turn, with which nothing would be read.
    """
    subject = subject_of_address(address)
    if ADDRESS_LIMIT.is_used_up(subject):
        return False
    mine: QuerySet[Client] = Client.objects.filter(pk=client.pk, fresh_until=client.fresh_until)
    if not mine.update(fresh_until=now + SHORTEST_FRESHNESS):
        return False
    ADDRESS_LIMIT.allows(subject)  # counted; what was allowed above is done
    return True


def read_document(url: str) -> Client:
    """Read a document and keep what it says.

    Raises:
        OutboundRefused: it cannot be fetched.
        BadDocument: it is not in order.
    """
    headers, said = fetch_json(url)
    metadata = _checked(url, said)
    client = _keep(url, metadata, _freshness(headers))
    _read_logo(client, metadata.logo_url)
    return client


def fetch_json(url: str) -> tuple[Mapping[str, str], dict[str, Any]]:
    """Return the headers and the JSON object that are at a URL.

    Raises:
        OutboundRefused: it cannot be fetched.
        BadDocument: it is no JSON object.
    """
    fetched = fetch(url, most_bytes=MOST_BYTES, seconds=SECONDS, accept="application/json")
    content_type = fetched.headers.get("content-type", "").partition(";")[0].strip().lower()
    try:
        said = json.loads(fetched.body)
    except (ValueError, RecursionError):
        raise BadDocument from None
    if not isinstance(said, dict) or not _JSON_TYPE.fullmatch(content_type):
        raise BadDocument
    return fetched.headers, said


def _checked(url: str, said: dict[str, Any]) -> ClientMetadata:
    if said.get("client_id") != url or "client_secret" in said:
        raise BadDocument
    try:
        metadata = read_metadata(said)
    except OAuthError:
        raise BadDocument from None
    # Everybody can read a document, so a secret in it would be none.
    if metadata.needs_secret or metadata.name == UNNAMED:
        raise BadDocument
    return metadata


def _keep(url: str, metadata: ClientMetadata, freshness: timedelta) -> Client:
    """Write down what a document says. What people agreed to is another edition when it changes."""
    now = timezone.now()
    said = {
        "name": metadata.name,
        "website": metadata.website,
        "redirect_uris": metadata.redirect_uris,
        "grant_types": metadata.grant_types,
        "authentication": metadata.authentication,
        "keys_url": metadata.keys_url,
        "read": now,
        "fresh_until": now + freshness,
        "change": None,
        "change_read": None,
    }
    if not metadata.keys_url:
        said |= {"keys": metadata.keys, "keys_read": now if metadata.keys else None}
    with transaction.atomic():
        client, is_new = Client.objects.select_for_update().get_or_create(
            client_id=url, defaults={**said, "source": Client.Source.DOCUMENT}
        )
        if client.source != Client.Source.DOCUMENT:
            raise BadDocument
        if is_new:
            return client
        agreed, given = _agreed(client), _essentials(metadata)
        is_changed = not _is_same(agreed, given)
        if is_changed and not _is_believed(client, given, now):
            said |= _meanwhile(client, agreed, given, now)
        else:
            client.edition += is_changed
            if client.keys_url != metadata.keys_url and metadata.keys_url:
                said |= {"keys": None, "keys_read": None}
        for field, value in said.items():
            setattr(client, field, value)
        client.save(update_fields=["edition", *said])
    return client


def _essentials(said: Client | ClientMetadata) -> Essentials:
    """Return what people agreed to of a client; keys only where it gives them itself."""
    return {
        "name": said.name,
        "redirect_uris": said.redirect_uris,
        "authentication": str(said.authentication),
        "keys_url": said.keys_url,
        "keys": [] if said.keys_url else said.keys or [],
    }


def _agreed(client: Client) -> Essentials:
    """Return what the document of a client says, or what it said before a change that is not believed yet."""
    if client.change is not None:
        agreed: Essentials = client.change["agreed"]
        return agreed
    return _essentials(client)


def _is_same(one: Essentials, other: Essentials) -> bool:
    """Return whether two readings are the same but for the order of what they list."""

    def in_order(said: Essentials) -> Essentials:
        keys = sorted(json.dumps(key, sort_keys=True) for key in said["keys"])
        return {**said, "redirect_uris": sorted(said["redirect_uris"]), "keys": keys}

    return in_order(one) == in_order(other)


def _is_believed(client: Client, given: Essentials, now: datetime) -> bool:
    """Return whether the document said the same when it was read before, not just now."""
    read = client.change_read
    return _is_known(client, given) and read is not None and now >= read + BELIEVED_AFTER


def _is_known(client: Client, given: Essentials) -> bool:
    """Return whether it is the change that was read last."""
    return client.change is not None and _is_same(client.change["given"], given)


def _meanwhile(client: Client, agreed: Essentials, given: Essentials, now: datetime) -> dict[str, Any]:
    """Return what to go by until a change is believed: return addresses and keys that are in both readings.

    The rest is as it was.
    """
    keys, keys_read = client.keys, client.keys_read
    if not agreed["keys_url"]:
        keys = [key for key in agreed["keys"] if key in given["keys"]] or None
        keys_read = now if keys else None
    return {
        **agreed,
        "redirect_uris": [uri for uri in agreed["redirect_uris"] if uri in given["redirect_uris"]],
        "keys": keys,
        "keys_read": keys_read,
        "fresh_until": now + BELIEVED_AFTER,
        "change": {"agreed": agreed, "given": given},
        "change_read": client.change_read if _is_known(client, given) else now,
    }


def _freshness(headers: Mapping[str, str]) -> timedelta:
    """Return how long a document is fresh by its headers (RFC 9111, section 4.2), within our own bounds."""
    directives = {
        name.strip().lower(): value.strip(' "')
        for name, _, value in (part.partition("=") for part in headers.get("cache-control", "").split(","))
    }
    freshness = USUAL_FRESHNESS
    if "no-store" in directives or "no-cache" in directives:
        freshness = SHORTEST_FRESHNESS
    elif directives.get("max-age", "").isdecimal():
        age = headers.get("age", "")
        # More digits than that are a day, too.
        seconds = int(directives["max-age"][:9]) - (int(age[:9]) if age.isdecimal() else 0)
        freshness = timedelta(seconds=seconds)
    elif "expires" in headers:
        freshness = _until(headers["expires"], headers.get("date", ""))
    return min(max(freshness, SHORTEST_FRESHNESS), LONGEST_FRESHNESS)


def _until(expires: str, date: str) -> timedelta:
    try:
        end = parsedate_to_datetime(expires)
        start = parsedate_to_datetime(date) if date else timezone.now()
        return end - start
    except (ValueError, TypeError, OverflowError):  # no date: expired (RFC 9111, section 5.3)
        return timedelta(0)


def _read_logo(client: Client, logo_url: str) -> None:
    """Keep a copy of the logo that the site of a document shows for its app; one that cannot be read is no error."""
    if not logo_url or not is_on_site(host_of(logo_url), host_of(client.client_id)):
        logo = None
    elif LOGO_LIMIT.allows(client.pk):
        try:
            logo = read_logo(fetch(logo_url, most_bytes=MOST_LOGO_BYTES, seconds=LOGO_SECONDS, accept="image/*").body)
        except OutboundRefused:
            return
    else:
        return
    if logo != client.logo:
        client.logo = logo
        client.save(update_fields=["logo"])
