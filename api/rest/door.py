"""What a REST request passes: host, HTTPS, version, credential, then the view of its path."""

from io import BytesIO

from django.core.handlers.asgi import ASGIRequest
from django.http import HttpResponse
from django.urls import Resolver404, get_resolver
from rest_framework.response import Response
from starlette.types import Receive, Scope, Send

from api.exchange import PREFLIGHT, PRINCIPAL, ClientGone, Exchange
from orgs.access import BearerPrincipal
from raster.errors import APIVersionRequired, APIVersionUnsupported, EndpointNotFound, RasterError
from raster.transport import Transport
from raster.workers import workers, writers

VERSIONS = ("2026-05-20", "2026-07-08")
#: Where the request's ASGI scope has its version.
VERSION = "raster.version"
MOST_BYTES = 1024 * 1024


async def serve_rest(scope: Scope, receive: Receive, send: Send, transport: Transport, path: str) -> None:
    """Answer a request to ``path``, within the API."""
    exchange = Exchange(scope, receive, send, transport, "rest")
    exchange.headers |= {"Vary": "Api-Version", "Api-Version": VERSIONS[-1]}
    try:
        response = await _respond(exchange, path)
    except ClientGone:
        return
    except RasterError as error:
        body = {"error": {"code": error.code, "message": error.message}}
        await exchange.answer_json(error.status, body, exchange.refusal_headers(error))
        return
    await exchange.answer(response.status_code, dict(response.items()), response.content)


async def _respond(exchange: Exchange, path: str) -> HttpResponse:
    exchange.check_transport()
    if exchange.is_preflight:
        return HttpResponse(status=204, headers=PREFLIGHT)
    version = read_version(exchange.transport)
    exchange.headers["Api-Version"] = version
    body = b""
    if exchange.method not in {"GET", "HEAD"}:
        await exchange.authenticate()
        body = await exchange.body(MOST_BYTES)

    def view(principal: BearerPrincipal) -> HttpResponse:
        try:
            match = get_resolver("api.rest.urls").resolve(path)
        except Resolver404:
            raise EndpointNotFound from None
        exchange.scope["raster.record"]["route"] = f"/api/{match.route}"
        request = ASGIRequest({**exchange.scope, "path": path, PRINCIPAL: principal, VERSION: version}, BytesIO(body))
        response: Response = match.func(request, *match.args, **match.kwargs)
        response.render()
        return response

    return await exchange.run(view, workers if exchange.method in {"GET", "HEAD"} else writers)


def read_version(transport: Transport) -> str:
    """Return the version that a request asks for.

    Raises:
        APIVersionRequired, APIVersionUnsupported
    """
    version = transport.headers.get(b"api-version", b"").decode("latin-1").strip()
    if not version:
        raise APIVersionRequired
    if version not in VERSIONS:
        raise APIVersionUnsupported(f"This version is not served. Those that are: {', '.join(VERSIONS)}.")
    return version
