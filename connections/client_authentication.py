"""How a client proves who it is (RFC 6749, section 2.3; RFC 7523): by the one method that it is registered with."""

import base64
import binascii
import hmac
from dataclasses import dataclass
from urllib.parse import unquote_plus

from django.http import HttpRequest, QueryDict

from accounts.limits import Limit, subject_of_address
from connections import secrets
from connections.assertions import claimed_client, is_valid_assertion
from connections.clients import find_client
from connections.models import Client
from connections.protocol import OAuthError

FAILURE_LIMIT = Limit("client authentication", 30, 600)
ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
PARAMETERS = ("client_id", "client_secret", "client_assertion", "client_assertion_type")


@dataclass(frozen=True, slots=True)
class Presented:
    """What a request presents: the client that it says it is, how it proves that, and with what."""

    client_id: str
    method: Client.Authentication
    proof: str = ""


def authenticate_client(request: HttpRequest) -> Client:
    """Return the client that makes a request. Call it outside of a transaction.

    Once a client failed too often from an address, nothing more is fetched for it there, and further failures are
    told to wait. A right proof still counts: others may share the address.

    Raises:
        OAuthError: ``invalid_request`` where more than one method is used, ``invalid_client`` for everything else.
        RateLimited: this client failed too often from this address, or signed too many assertions.
    """
    address = request.META.get("REMOTE_ADDR", "")
    presented = _presented(request)
    if presented is None:
        raise _refusal(request)
    client = find_client(presented.client_id, address=address)
    if client is None:
        raise _refusal(request)
    failures = f"{client.pk} {subject_of_address(address)}"
    reading_for = None if FAILURE_LIMIT.is_used_up(failures) else address
    if presented.method != client.authentication or not _is_proven(client, presented, reading_for):
        FAILURE_LIMIT.hit(failures)
        raise _refusal(request)
    return client


def _presented(request: HttpRequest) -> Presented | None:
    if any(len(request.POST.getlist(name)) > 1 for name in PARAMETERS):
        raise OAuthError("invalid_request", "A parameter is sent more than once.")
    client_id = request.POST.get("client_id", "")
    client_secret = request.POST.get("client_secret", "")
    header = request.headers.get("Authorization")
    if (header is not None) + bool(client_secret) + ("client_assertion" in request.POST) > 1:
        raise OAuthError("invalid_request", "Authenticate the client by one method only.")
    if "client_assertion" in request.POST:
        return _signed(request.POST, client_id)
    if header is not None:
        presented = _basic(header)
        return presented if presented and client_id in {"", presented.client_id} else None
    if client_secret:
        return Presented(client_id, Client.Authentication.POST, client_secret)
    return Presented(client_id, Client.Authentication.NONE) if client_id else None


def _basic(header: str) -> Presented | None:
    """Return what a Basic header presents: id and secret, each form-encoded before they were joined.

    An empty secret is the same as none (RFC 6749, section 2.3.1): requests-oauthlib sends it for public clients.
    """
    scheme, _, encoded = header.partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        client_id, colon, secret = base64.b64decode(encoded.strip(), validate=True).decode().partition(":")
    except (binascii.Error, ValueError):
        return None
    if not colon:
        return None
    method = Client.Authentication.BASIC if secret else Client.Authentication.NONE
    return Presented(unquote_plus(client_id), method, unquote_plus(secret))


def _signed(parameters: QueryDict, client_id: str) -> Presented | None:
    """Return what a signed assertion presents, which names its client itself."""
    assertion = parameters.get("client_assertion", "")
    claimed = claimed_client(assertion)
    if parameters.get("client_assertion_type") != ASSERTION_TYPE or not claimed or client_id not in {"", claimed}:
        return None
    return Presented(claimed, Client.Authentication.PRIVATE_KEY_JWT, assertion)


def _is_proven(client: Client, presented: Presented, reading_for: str | None) -> bool:
    if presented.method == Client.Authentication.NONE:
        return True
    if presented.method == Client.Authentication.PRIVATE_KEY_JWT:
        return is_valid_assertion(client, presented.proof, reading_for=reading_for)
    if client.secret_digest is None:
        return False
    return hmac.compare_digest(bytes(client.secret_digest), secrets.digest(presented.proof))


def _refusal(request: HttpRequest) -> OAuthError:
    """Return the one answer to every failure: an unknown client and a wrong secret look the same."""
    headers = {"WWW-Authenticate": 'Basic realm="raster"'} if "Authorization" in request.headers else {}
    return OAuthError("invalid_client", "The client is unknown or did not prove who it is.", 401, headers)
