"""The endpoints at which clients get tokens and give them back."""

from django.db import transaction
from django.http import HttpRequest, HttpResponse, JsonResponse

from accounts.limits import Limit, subject_of_request
from connections import secrets, tokens
from connections.client_authentication import authenticate_client
from connections.clients import note_use
from connections.devices import redeem_device
from connections.metadata import DEVICE_GRANT
from connections.models import Client
from connections.protocol import OAuthError, check_parameters, oauth_endpoint
from connections.toolkit import token_response

#: A client's id is no secret, so it is counted for each address: nobody uses it up for others. Hosted agents refresh
#: for many people from a few addresses.
CLIENT_LIMIT = Limit("token client", 6000, 60)
CONNECTION_LIMIT = Limit("token connection", 600, 60)


@oauth_endpoint("POST")
def token(request: HttpRequest) -> HttpResponse:
    """Exchange a code, a refresh token or a device code for tokens."""
    client = authenticate_client(request)
    check_parameters(request)
    CLIENT_LIMIT.hit(f"{client.pk} {subject_of_request(request)}")
    connection = tokens.connection_of(request.POST.get("refresh_token", ""))
    if connection is not None:
        CONNECTION_LIMIT.hit(connection)
    is_device = request.POST.get("grant_type") == DEVICE_GRANT
    response = _device_token(request, client) if is_device else _token(request, client)
    if response.status_code == 200:
        note_use(client)
    return response


@oauth_endpoint("POST")
def revoke(request: HttpRequest) -> HttpResponse:
    """End the connection that a token belongs to; a token that is unknown is no error (RFC 7009, section 2.2)."""
    client = authenticate_client(request)
    check_parameters(request)
    text = request.POST.get("token", "")
    if not text:
        raise OAuthError("invalid_request", "Missing token parameter.")
    tokens.revoke(client, text)
    return HttpResponse()


def _token(request: HttpRequest, client: Client) -> HttpResponse:
    with transaction.atomic():
        return token_response(request, client)


def _device_token(request: HttpRequest, client: Client) -> HttpResponse:
    with transaction.atomic():
        try:
            connection = redeem_device(client, request.POST.get("device_code", ""))
        except OAuthError as error:  # answered here, so that what the poll changed is kept
            return error.answer()
        row = tokens.narrowed_resource(connection.resource, request.POST.getlist("resource"))
        if row is None:
            transaction.set_rollback(True)
            raise OAuthError("invalid_target", "This resource is not what was granted.")
        issued = tokens.issue(connection, secrets.generate_pair(), row, connection.asked)
    return JsonResponse(issued.answer())
