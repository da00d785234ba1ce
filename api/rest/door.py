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
from api.gate import ANONYMOUS_BODY, ClientGone, Gate, RequestContext, guarded
from api.interfaces import REST
from api.passes import BearerPass
from api.rest.documents import DOCUMENTS
from api.rest.endpoints import Endpoint
from api.rest.requests import read_command
from api.rest.versions import CURRENT, asked_version, is_served, read_version, takes_files_as_a_whole
from api.rest.views import enveloped
from api.uploads import Body, take_files
from assets.contracts import UploadAssets
from connections.resources import API, api_root
from orgs.access import BearerPrincipal, Origin
from raster.errors import EndpointNotFound, MethodNotAllowed, RasterError
from raster.logs import RECORD
from raster.transport import Transport
from raster.workers import workers, writers


@dataclass(frozen=True, slots=True)
class Asked:
    """What a request is for, and what its path names."""

    view: Callable[..., Response]
    endpoint: Endpoint
    version: str
    places: dict[str, str]


async def serve_rest(gate: Gate, scope: Scope, receive: Receive, send: Send, transport: Transport, path: str) -> None:
    """Answer a request to ``path``, within the API."""
    context = RequestContext(gate, REST, scope, receive, send, transport)
    context.headers |= {"Vary": "Api-Version", "Api-Version": CURRENT}
    try:
        response = await guarded(_respond(context, path))
    except ClientGone:
        return
    except RasterError as error:
        await context.refuse(error, api_root(transport.host))
        return
    await context.answer(response.status_code, dict(response.items()), response.content)


async def _respond(context: RequestContext, path: str) -> HttpResponse:
    context.check_host()
    context.check_https()
    if context.is_preflight:
        return HttpResponse(status=204, headers=REST.preflight)
    if path in DOCUMENTS:
        context.scope[RECORD]["route"] = f"/api{path}"
        _check_method(context, {"GET"})
        return DOCUMENTS[path](context)
    version = read_version(asked_version(context.transport))
    context.headers["Api-Version"] = version
    try:
        asked = _find(context, path, version)
    except RasterError:
        # Only whom the API lets in is told what it has.
        await context.authenticate(API)
        raise
    if asked.endpoint.operation.anonymous:
        count_stranger(context.transport.address)
        body = await context.body(most=ANONYMOUS_BODY)
        return await guarded(writers.run(partial(_view, context, asked, body, context.origin)))
    if asked.endpoint.operation.takes_files:
        return await _take_files(context, asked)
    await context.authenticate(API)
    body = await context.body() if asked.endpoint.takes_body else b""
    view = partial(_view, context, asked, body)
    return await context.run(view, writers if asked.endpoint.operation.writes else workers)


async def _take_files(context: RequestContext, asked: Asked) -> HttpResponse:
    """Take in the files of a form, which is read only if whoever sends it may write to the library."""
    await context.authenticate(API)
    place = read_command(asked.endpoint, asked.version, asked.places, context.scope["query_string"], {})
    command = UploadAssets.model_validate(place.model_dump())
    way = BearerPass(
        context.principal,
        command.organization_id,
        command.library_id,
        as_a_whole=takes_files_as_a_whole(asked.version),
    )
    body = Body(context.receive)
    try:
        uploaded = await guarded(take_files(context, way, body))
    except RasterError:
        await body.linger()
        raise
    finally:
        if not body.is_whole:
            context.headers["Connection"] = "close"
    return HttpResponse(enveloped(asked.version, uploaded), content_type="application/json")


def _find(context: RequestContext, path: str, version: str) -> Asked:
    """Return what a request is for.

    Raises:
        EndpointNotFound, MethodNotAllowed
    """
    if b"%2f" in context.scope["raw_path"].lower():  # a slash within an id, which would read as one between two
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
    context.scope[RECORD]["route"] = f"/api/{match.route}"
    return Asked(match.func, served[_check_method(context, served)], version, places)


def _check_method(context: RequestContext, methods: Collection[str]) -> str:
    """Return the method of a request, as endpoints have it.

    Raises:
        MethodNotAllowed: it is none of ``methods``.
    """
    method = "GET" if context.method == "HEAD" else context.method
    if method not in methods:
        allowed = sorted({*methods, "HEAD"} if "GET" in methods else methods)
        raise MethodNotAllowed(*allowed)
    return method


def _view(context: RequestContext, asked: Asked, body: bytes, caller: BearerPrincipal | Origin) -> HttpResponse:
    headers = [(name, value) for name, value in context.scope["headers"] if name != b"content-length"]
    headers.append((b"content-length", str(len(body)).encode()))
    request = ASGIRequest({**context.scope, "headers": headers, "query_string": b""}, BytesIO(body))
    response = asked.view(
        request,
        endpoint=asked.endpoint,
        caller=caller,
        version=asked.version,
        query=context.scope["query_string"],
        places=asked.places,
    )
    response.render()
    return response
