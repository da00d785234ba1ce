"""The MCP door: what a request passes before the MCP server sees it, in this order.

Host, Origin, preflight, HTTPS, method, bearer, body size. Nothing of the body is read before the bearer is accepted.
"""

import asyncio
import json
import logging
import time
from collections.abc import AsyncIterator, Callable, Hashable
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

from django.conf import settings
from django.db import DatabaseError, InterfaceError
from mcp.server.lowlevel import Server
from mcp.server.streamable_http_manager import StreamableHTTPSessionManager
from mcp.server.transport_security import TransportSecuritySettings
from starlette.datastructures import MutableHeaders
from starlette.types import Message, Receive, Scope, Send

from accounts.limits import count_request, count_stranger
from connections.access import OVER, ConnectionIsOver
from connections.bearer import read_bearer
from connections.doors import LARGE_BODY, body_limit, check_values, read_authorization, refusal_headers
from connections.tokens import end_if_over
from mcp_gateway.anonymous import ORIGIN, anonymous_server
from mcp_gateway.database import door_database
from mcp_gateway.server import CHALLENGE, IS_LARGE, PRINCIPAL, Gateway
from orgs.access import BearerPrincipal, Origin
from raster.deadlines import limited
from raster.errors import (
    BadUserInput,
    EndpointNotFound,
    Forbidden,
    HTTPSRequired,
    InvalidAPIKey,
    MethodNotAllowed,
    PayloadTooLarge,
    RasterError,
    Unauthenticated,
)
from raster.logs import RECORD
from raster.transport import Transport, is_loopback_host, is_served_host
from raster.workers import writers

MOST_BYTES = 32 * 1024 * 1024
PREFLIGHT = {
    "Access-Control-Allow-Methods": "POST",
    "Access-Control-Allow-Headers": "Authorization, Content-Type, Last-Event-ID, MCP-Protocol-Version, Mcp-Method, "
    "Mcp-Name, Mcp-Session-Id, Traceparent",
    "Access-Control-Max-Age": "7200",
}
EXPOSED_HEADERS = "WWW-Authenticate, Retry-After, X-Request-Id"
BODY_SECONDS = 30
FRESH_SECONDS = 0.01
TOO_LARGE = PayloadTooLarge("An MCP request may have 32 MB.")

logger = logging.getLogger("raster.mcp")


class Door:
    """An ASGI application that lets requests with a valid credential through to the MCP server."""

    def __init__(self) -> None:
        self._database = door_database()
        self._manager = _manager(Gateway(self._database).server())
        self._anonymous = _manager(anonymous_server())
        self._writing: dict[Hashable, asyncio.Task[None]] = {}

    @asynccontextmanager
    async def run(self) -> AsyncIterator[None]:
        """Keep the door open; it can be opened once."""
        await self._database.open()
        try:
            async with self._manager.run(), self._anonymous.run():
                yield
        finally:
            if self._writing:
                await asyncio.wait(self._writing.values())
            await self._database.close()

    async def __call__(
        self, scope: Scope, receive: Receive, send: Send, transport: Transport, resource: str | None
    ) -> None:
        """Answer a request to an address of ``resource``, a row of connections/resources.py.

        None is the address that takes no credential, and whose server has one tool.
        """
        headers = transport.headers
        origin = headers.get(b"origin")
        if origin is not None and _is_allowed_origin(origin):
            send = _with_cors(send, origin)
        try:
            _check_host(transport)
            if origin is not None and not _is_allowed_origin(origin):
                raise Forbidden("Requests from this origin are not allowed.")
            if scope["method"] == "OPTIONS" and b"access-control-request-method" in headers:
                await _answer(send, 204, dict(PREFLIGHT))
                return
            _check_request(scope, transport, resource)
            principal = await self._let_in(scope, transport, resource)
        except RasterError as error:
            await _refuse(send, scope, error, transport)
            return
        with body_limit(principal) as check_size:
            await self._receive(scope, receive, send, transport, resource, principal, check_size)

    async def _receive(
        self,
        scope: Scope,
        receive: Receive,
        send: Send,
        transport: Transport,
        resource: str | None,
        principal: BearerPrincipal | None,
        check_size: Callable[[int], None],
    ) -> None:
        """Answer a request that was let in, once its body has come."""
        try:
            _check_declared_size(transport.headers, check_size)
            asked = time.monotonic()
            body = await _read_body(receive, check_size)
            check_values(body or b"")
            if resource is not None and time.monotonic() - asked > FRESH_SECONDS:
                # The credential may have been taken back while its request was on the way.
                principal = await self._principal(scope, transport, resource)
        except RasterError as error:
            await _refuse(send, scope, error, transport)
            return
        if body is None:
            return
        scope[IS_LARGE] = len(body) > LARGE_BODY
        if principal is None:
            scope[ORIGIN] = _origin(scope, transport)
            await self._anonymous.asgi_app.app(scope, _again(body, receive), send)
            return
        if principal.use_is_due:
            self._write(principal.credential, principal.record_use)
        scope[RECORD]["principal"] = principal.log_name
        scope[PRINCIPAL] = principal
        # The SDK's own look at the size is left out: it would copy the body once more.
        await self._manager.asgi_app.app(scope, _again(body, receive), _with_challenge(send, scope, transport))

    async def _let_in(self, scope: Scope, transport: Transport, resource: str | None) -> BearerPrincipal | None:
        """Return whose credential this is, or None where none is asked for, and count the request."""
        if resource is None:
            count_stranger(transport.address)
            return None
        try:
            principal = await self._principal(scope, transport, resource)
        except (Unauthenticated, InvalidAPIKey):
            count_stranger(transport.address)
            raise
        count_request(principal.credential)
        return principal

    async def _principal(self, scope: Scope, transport: Transport, resource: str) -> BearerPrincipal:
        bearer = read_bearer(read_authorization(scope, transport.headers))
        rows = await self._database.rows(bearer.statement, bearer.parameter)
        try:
            return bearer.principal(rows, _origin(scope, transport), resource)
        except ConnectionIsOver as over:
            self._write(("over", over.connection_id), partial(end_if_over, over.connection_id))
            raise Unauthenticated(OVER) from None

    def _write(self, name: Hashable, function: Callable[[], None]) -> None:
        """Have something written down while the request goes on; once at a time for each name."""
        if name not in self._writing:
            task = asyncio.create_task(_written(function))
            self._writing[name] = task
            task.add_done_callback(lambda _: self._writing.pop(name, None))


def _manager(server: Server[Any]) -> StreamableHTTPSessionManager:
    return StreamableHTTPSessionManager(
        app=server,
        json_response=True,
        stateless=True,
        # Host and Origin were checked by the door, with the same answers on both wires.
        security_settings=TransportSecuritySettings(enable_dns_rebinding_protection=False),
        max_request_body_size=MOST_BYTES,
    )


def _origin(scope: Scope, transport: Transport) -> Origin:
    user_agent = transport.headers.get(b"user-agent", b"").decode("latin-1")
    return Origin("mcp", transport.address, user_agent, scope[RECORD]["id"])


async def _written(function: Callable[[], None]) -> None:
    try:
        with limited():  # a wait for this row is not the request's
            await writers.run(function)
    except (DatabaseError, InterfaceError) as error:
        logger.warning("The use of a credential was not recorded", exc_info=error)


def _check_host(transport: Transport) -> None:
    if not is_served_host(transport.host):
        raise Forbidden("This host name is not served here.")


def _is_allowed_origin(origin: bytes) -> bool:
    text = origin.decode("latin-1").lower()
    if text in settings.ALLOWED_ORIGINS:
        return True
    scheme, _, host = text.partition("://")
    return bool(settings.DEV) and scheme in {"http", "https"} and is_loopback_host(host)


def _check_request(scope: Scope, transport: Transport, resource: str | None) -> None:
    if resource is None and not settings.ANONYMOUS:
        raise EndpointNotFound
    if not transport.accepted:
        raise HTTPSRequired
    if scope["method"] != "POST":
        raise MethodNotAllowed


def _check_declared_size(headers: dict[bytes, bytes], check_size: Callable[[int], None]) -> None:
    declared = headers.get(b"content-length", b"")
    if declared.isdigit():
        size = int(declared)
        if size > MOST_BYTES:
            raise TOO_LARGE
        check_size(size)


async def _refuse(send: Send, scope: Scope, error: RasterError, transport: Transport) -> None:
    """Answer with the catalogue's body, and for 401 and a lack of scope with what a client does about it."""
    scope[RECORD]["error"] = error.code
    headers = refusal_headers(error, scope, transport, scope["path"])
    await _answer(send, error.status, headers, error)


def _with_challenge(send: Send, scope: Scope, transport: Transport) -> Send:
    """Send what the MCP server answers, unless a tool left an error that is to be answered as a challenge."""

    async def sending(message: Message) -> None:
        error = scope.get(CHALLENGE)
        if error is None:
            await send(message)
        elif message["type"] == "http.response.start":
            await _refuse(send, scope, error, transport)

    return sending


async def _answer(send: Send, status: int, headers: dict[str, str], error: RasterError | None = None) -> None:
    body = b""
    if error is not None:
        body = json.dumps({"error": {"code": error.code, "message": error.message}}).encode()
        headers["Content-Type"] = "application/json"
    headers["Content-Length"] = str(len(body))
    raw = [(name.lower().encode(), value.encode()) for name, value in headers.items()]
    await send({"type": "http.response.start", "status": status, "headers": raw})
    await send({"type": "http.response.body", "body": body})


def _with_cors(send: Send, origin: bytes) -> Send:
    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            headers["Access-Control-Allow-Origin"] = origin.decode("latin-1")
            headers["Access-Control-Expose-Headers"] = EXPOSED_HEADERS
            headers.add_vary_header("Origin")
        await send(message)

    return sending


async def _read_body(receive: Receive, check_size: Callable[[int], None]) -> bytes | None:
    """Return the request's body, or None where the client went away before it was complete.

    Raises:
        PayloadTooLarge: it has more than ``MOST_BYTES``, or than the caller may send.
        RateLimited: it is large, and so are others of the organization.
        BadUserInput: it is not complete after ``BODY_SECONDS``.
    """
    body = bytearray()
    try:
        async with asyncio.timeout(BODY_SECONDS):
            while True:
                message = await receive()
                if message["type"] == "http.disconnect":
                    return None
                body += message.get("body", b"")
                if len(body) > MOST_BYTES:
                    raise TOO_LARGE
                check_size(len(body))
                if not message.get("more_body", False):
                    return bytes(body)
    except TimeoutError:
        raise BadUserInput(f"The request was not complete after {BODY_SECONDS} seconds.") from None


def _again(body: bytes, receive: Receive) -> Receive:
    """Hand out a body that was read, and then whatever comes after it."""
    messages: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def receiving() -> Message:
        return messages.pop() if messages else await receive()

    return receiving
