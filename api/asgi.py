"""Which requests are for the APIs, and which of the two: REST below ``/api``, GraphQL at ``/graphql``."""

from django.conf import settings
from starlette.types import Receive, Scope, Send

from api.rest.door import serve_rest
from raster.transport import Transport

REST_PREFIX = "/api"


def rest_path(host: str, path: str) -> str | None:
    """Return a path within the REST API, or None where it is of something else: on the API host its root is there."""
    if path == REST_PREFIX or path.startswith(f"{REST_PREFIX}/"):
        return path.removeprefix(REST_PREFIX) or "/"
    return path if settings.API_HOST and host == settings.API_HOST else None


async def serve_api(scope: Scope, receive: Receive, send: Send, transport: Transport) -> bool:
    """Answer a request to an API, or return False where it is none."""
    path = rest_path(transport.host, scope["path"])
    if path is None:
        return False
    await serve_rest(scope, receive, send, transport, path)
    return True
