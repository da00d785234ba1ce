"""What a REST request passes: host, HTTPS, version, credential, then the view of its path."""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from functools import partial
from io import BytesIO

from django.core.handlers.asgi import ASGIRequest
from django.http import HttpResponse
from django.urls import Resolver404, get_resolver
from rest_framework.response import Response
from starlette.types import Receive, Scope, Send

from accounts.limits import count_stranger
from api.exchange import PREFLIGHT, ClientGone, Exchange
from api.passes import BearerPass
from api.rest.documents import DOCUMENTS
from api.rest.endpoints import Endpoint
from api.rest.requests import read_command
from api.rest.versions import CURRENT, asked_version, is_served, read_version, takes_files_as_a_whole
from api.rest.views import enveloped
from api.uploads import Body, take_files
from assets.contracts import UploadAssets
from connections.doors import ANONYMOUS_BODY, read_authorization
from orgs.access import BearerPrincipal, Origin
from raster.errors import EndpointNotFound, MethodNotAllowed, RasterError
from raster.logs import RECORD
from raster.transport import Transport
from raster.workers import workers, writers

MOST_BYTES = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Asked:
    """What a request is for, and what its path names."""

    view: Callable[..., Response]
    endpoint: Endpoint
    version: str
    places: dict[str, str]


async def serve_rest(scope: Scope, receive: Receive, send: Send, transport: Transport, path: str) -> None:
    """Answer a request to ``path``, within the API."""
    exchange = Exchange(scope, receive, send, transport, "rest")
    exchange.headers |= {"Vary": "Api-Version", "Api-Version": CURRENT}
    try:
        response = await exchange.guarded(_respond(exchange, path))
    except ClientGone:
        return
    except RasterError as error:
        body = {"error": {"code": error.code, "message": error.message, **error.subject}}
        await exchange.answer_json(error.status, body, exchange.refusal_headers(error))
        return
    await exchange.answer(response.status_code, dict(response.items()), response.content)


async def _respond(exchange: Exchange, path: str) -> HttpResponse:
    exchange.check_transport()
    if exchange.is_preflight:
        return HttpResponse(status=204, headers=PREFLIGHT)
    if path in DOCUMENTS:
        exchange.scope[RECORD]["route"] = f"/api{path}"
        _check_method(exchange, {"GET"})
        return DOCUMENTS[path](exchange)
    version = read_version(asked_version(exchange.transport))
    exchange.headers["Api-Version"] = version
    try:
        asked = _find(exchange, path, version)
    except RasterError:
        # Only whom the API lets in is told what it has.
        await exchange.authenticate()
        raise
    if asked.endpoint.operation.anonymous:
        count_stranger(exchange.transport.address)
        body = await exchange.body(ANONYMOUS_BODY)
        return await exchange.in_worker(partial(_view, exchange, asked, body, exchange.origin), writers)
    if asked.endpoint.operation.takes_files:
        return await _take_files(exchange, asked)
    body = b""
    if asked.endpoint.takes_body:
        await exchange.authenticate()
        body = await exchange.body(MOST_BYTES)
    view = partial(_view, exchange, asked, body)
    return await exchange.run(view, writers if asked.endpoint.operation.writes else workers)


async def _take_files(exchange: Exchange, asked: Asked) -> HttpResponse:
    """Take in the files of a form, which is read only if whoever sends it may write to the library."""
    await exchange.authenticate()
    place = read_command(asked.endpoint, asked.version, asked.places, exchange.scope["query_string"], {})
    command = UploadAssets.model_validate(place.model_dump())
    way = BearerPass(
        read_authorization(exchange.scope, exchange.transport.headers),
        command.organization_id,
        command.library_id,
        as_a_whole=takes_files_as_a_whole(asked.version),
    )
    body = Body(exchange.receive)
    try:
        uploaded = await exchange.guarded(take_files(exchange.scope, exchange.transport, way, body))
    except RasterError:
        await body.linger()
        raise
    finally:
        if not body.is_whole:
            exchange.headers["Connection"] = "close"
    return HttpResponse(enveloped(asked.version, uploaded), content_type="application/json")


def _find(exchange: Exchange, path: str, version: str) -> Asked:
    """Return what a request is for.

    Raises:
        EndpointNotFound, MethodNotAllowed
    """
    if b"%2f" in exchange.scope["raw_path"].lower():  # a slash within an id, which would read as one between two
        raise EndpointNotFound
    try:
        match = get_resolver("api.rest.urls").resolve(path)
    except Resolver404:
        raise EndpointNotFound from None
    places = dict(match.kwargs)
    endpoints: dict[str, Endpoint] = places.pop("endpoints")
    served = {method: endpoint for method, endpoint in endpoints.items() if is_served(version, endpoint)}
    if not served:
        raise EndpointNotFound
    exchange.scope[RECORD]["route"] = f"/api/{match.route}"
    return Asked(match.func, served[_check_method(exchange, served)], version, places)


def _check_method(exchange: Exchange, methods: Collection[str]) -> str:
    """Return the method of a request, as endpoints have it.

    Raises:
        MethodNotAllowed: it is none of ``methods``.
    """
    method = "GET" if exchange.method == "HEAD" else exchange.method
    if method not in methods:
        allowed = sorted({*methods, "HEAD"} if "GET" in methods else methods)
        raise MethodNotAllowed(*allowed)
    return method


def _view(exchange: Exchange, asked: Asked, body: bytes, caller: BearerPrincipal | Origin) -> HttpResponse:
    headers = [(name, value) for name, value in exchange.scope["headers"] if name != b"content-length"]
    headers.append((b"content-length", str(len(body)).encode()))
    request = ASGIRequest({**exchange.scope, "headers": headers, "query_string": b""}, BytesIO(body))
    response = asked.view(
        request,
        endpoint=asked.endpoint,
        caller=caller,
        version=asked.version,
        query=exchange.scope["query_string"],
        places=asked.places,
    )
    response.render()
    return response
