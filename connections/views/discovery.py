"""What a client that knows nothing but an address reads first: whose tokens work there, and where to get one.

Whether something is a resource is decided by the form of its address alone, so nobody learns here which organizations
exist (RFC 9728, RFC 8414).
"""

from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse

from connections import resources, scopes
from connections.keys import ALGORITHMS
from connections.metadata import GRANTS
from connections.models import Client
from connections.protocol import oauth_endpoint
from raster.errors import EndpointNotFound

CACHED = {"Cache-Control": "public, max-age=3600"}
AUTHENTICATION_METHODS = [method.value for method in Client.Authentication]


@oauth_endpoint("GET", "HEAD")
def protected_resource(request: HttpRequest) -> HttpResponse:
    """Describe the resource at this path of this host; without a path, the host's own: its API, or its MCP server."""
    host = _host(request)
    path = request.path.removeprefix(resources.METADATA_PATH)
    if path in {"", "/"}:
        path = "/" if host in {settings.MCP_HOST, settings.API_HOST} else "/mcp"
    if not resources.is_our_origin(request.scheme or "", host) or resources.row_of_path(host, path) is None:
        raise EndpointNotFound
    return JsonResponse(
        {
            "resource": f"{request.scheme}://{host}{path.removesuffix('/') or '/'}",
            "authorization_servers": [settings.BASE_URL],
            "scopes_supported": [scopes.READ, scopes.WRITE],
            "bearer_methods_supported": ["header"],
            "resource_name": "Raster",
            "resource_documentation": f"{settings.BASE_URL}/docs/connect",
        },
        headers=CACHED,
    )


@oauth_endpoint("GET", "HEAD")
def authorization_server(request: HttpRequest) -> HttpResponse:
    """Describe the authorization server: the same on every host."""
    base = settings.BASE_URL
    return JsonResponse(
        {
            "issuer": base,
            "authorization_endpoint": f"{base}/authorize",
            "token_endpoint": f"{base}/token",
            "registration_endpoint": f"{base}/register",
            "revocation_endpoint": f"{base}/revoke",
            "device_authorization_endpoint": f"{base}/device_authorization",
            "scopes_supported": list(scopes.LISTED),
            "response_types_supported": ["code"],
            "response_modes_supported": ["query"],
            "grant_types_supported": list(GRANTS),
            "code_challenge_methods_supported": ["S256"],
            "token_endpoint_auth_methods_supported": AUTHENTICATION_METHODS,
            "token_endpoint_auth_signing_alg_values_supported": list(ALGORITHMS),
            "revocation_endpoint_auth_methods_supported": AUTHENTICATION_METHODS,
            "revocation_endpoint_auth_signing_alg_values_supported": list(ALGORITHMS),
            "client_id_metadata_document_supported": True,
            "authorization_response_iss_parameter_supported": True,
            "service_documentation": f"{base}/docs/connect",
        },
        headers=CACHED,
    )


@oauth_endpoint("GET", "HEAD")
def nothing(request: HttpRequest) -> HttpResponse:
    """Answer clients that try one place after the other: also browsers must be able to read that there is nothing."""
    raise EndpointNotFound


def _host(request: HttpRequest) -> str:
    """Return the host that was called in lower case, without the port that its scheme has anyway."""
    return request.get_host().lower().removesuffix(":443" if request.is_secure() else ":80")
