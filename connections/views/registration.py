"""The endpoint at which clients register themselves (RFC 7591)."""

import json
from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse

from accounts.limits import Limit, subject_of_request
from connections.metadata import CODE_GRANT, ClientMetadata, read_metadata
from connections.protocol import OAuthError, oauth_endpoint
from connections.registration import RegisteredClient, register_client

MOST_BYTES = 64 * 1024
#: Generous: many people of one office, or one hosted agent, come from one address.
ADDRESS_LIMIT = Limit("client registration", 60, 3600)


@oauth_endpoint("POST")
def register(request: HttpRequest) -> HttpResponse:
    """Register the client that the body describes, and answer what was kept of it."""
    ADDRESS_LIMIT.hit(subject_of_request(request))
    metadata = read_metadata(_json_object(request))
    return JsonResponse(_answer(metadata, register_client(metadata)), status=201)


def _json_object(request: HttpRequest) -> dict[str, Any]:
    if len(request.body) > MOST_BYTES:
        raise OAuthError("invalid_client_metadata", f"The body may have {MOST_BYTES // 1024} KB.", 413)
    try:
        said = json.loads(request.body)
    except (ValueError, RecursionError):
        raise OAuthError("invalid_client_metadata", "The body is no JSON.") from None
    if not isinstance(said, dict):
        raise OAuthError("invalid_client_metadata", "The body is no JSON object.")
    return said


def _answer(metadata: ClientMetadata, registered: RegisteredClient) -> dict[str, Any]:
    client = registered.client
    answer: dict[str, Any] = {
        "client_id": client.client_id,
        "client_id_issued_at": int(client.created.timestamp()),
        "client_name": client.name,
        "redirect_uris": client.redirect_uris,
        "grant_types": client.grant_types,
        "response_types": ["code"] if CODE_GRANT in client.grant_types else [],
        "token_endpoint_auth_method": metadata.authentication.value,
        "scope": metadata.scope,
    }
    if registered.secret:
        answer |= {"client_secret": registered.secret, "client_secret_expires_at": 0}
    if metadata.keys:
        answer["jwks"] = {"keys": metadata.keys}
    given = {
        "client_uri": metadata.website,
        "jwks_uri": metadata.keys_url,
        "application_type": metadata.application_type,
    }
    return answer | {name: value for name, value in given.items() if value}
