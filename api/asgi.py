"""Which requests are for the APIs, and which of the two: REST below ``/api``, GraphQL at ``/graphql``."""

from django.conf import settings
from starlette.types import Receive, Scope, Send

from api.gate import Gate
from api.graphql.door import SAFE, serve_graphql
from api.rest.documents import PAGE_PATH
from api.rest.door import serve_rest
from raster.transport import Transport

REST_PREFIX = "/api"
GRAPHQL_PATH = "/graphql"


def rest_path(host: str, path: str) -> str | None:
    """Return a path within the REST API, or None where it is of something else: on the API host its root is there."""
    if path == REST_PREFIX or path.startswith(f"{REST_PREFIX}/"):
        return path.removeprefix(REST_PREFIX) or "/"
    return path if settings.API_HOST and host == settings.API_HOST else None


def is_graphql(scope: Scope, transport: Transport) -> bool:
    """Return whether a request is for the GraphQL API, rather than for its page.

    Browsers ask for the page by GET without a bearer, and programs run queries by GET with one.
    """
    on_api_host = bool(settings.API_HOST) and transport.host == settings.API_HOST
    has_bearer = b"authorization" in transport.headers
    if scope["path"] == "/":
        return on_api_host and (scope["method"] == "POST" or (scope["method"] in SAFE and has_bearer))
    is_page = scope["method"] in SAFE and not has_bearer and b"text/html" in transport.headers.get(b"accept", b"")
    return scope["path"].removesuffix("/") == GRAPHQL_PATH and (on_api_host or not is_page)


async def serve_api(gate: Gate, scope: Scope, receive: Receive, send: Send, transport: Transport) -> bool:
    """Answer a request to an API, or return False where it is none."""
    if is_graphql(scope, transport):
        await serve_graphql(gate, scope, receive, send, transport)
        return True
    path = rest_path(transport.host, scope["path"])
    is_page = path == PAGE_PATH and transport.host != settings.API_HOST and scope["method"] in SAFE
    if path is None or is_page:
        return False
    await serve_rest(gate, scope, receive, send, transport, path)
    return True
