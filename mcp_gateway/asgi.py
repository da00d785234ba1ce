"""The MCP door: what a request passes before the MCP server sees it, in this order.

Preflight, Host, Origin, HTTPS, method, bearer, body size. Nothing of the body is read before the bearer is accepted.
"""

import asyncio
import json
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial

from django.conf import settings
from django.db import DatabaseError
from mcp.server.streamable_http_manager import StreamableHTTPSessionManager
from mcp.server.transport_security import TransportSecuritySettings
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import Message, Receive, Scope, Send

from apikeys import secrets
from apikeys.access import KEY_STATEMENT, KeyPrincipal, principal_from_row, record_use
from mcp_gateway.database import door_database
from mcp_gateway.server import PRINCIPAL, RECORD, Gateway
from orgs.access import Origin
from raster.errors import (
    Forbidden,
    HTTPSRequired,
    InvalidAPIKey,
    MethodNotAllowed,
    PayloadTooLarge,
    RasterError,
    ServiceUnavailable,
    Unauthenticated,
)
from raster.transport import Transport, is_loopback_host
from raster.workers import workers

MOST_BYTES = 32 * 1024 * 1024
ALLOWED_HEADERS = (
    "Authorization, Content-Type, Last-Event-ID, MCP-Protocol-Version, Mcp-Method, Mcp-Name, Mcp-Session-Id"
)
EXPOSED_HEADERS = "WWW-Authenticate, Retry-After, X-Request-Id"
PREFLIGHT_SECONDS = "7200"
RETRY_SECONDS = "5"
TOO_LARGE = PayloadTooLarge("An MCP request may have 32 MB.")

logger = logging.getLogger("raster.mcp")


class Door:
    """An ASGI application that lets requests with a valid credential through to the MCP server."""

    def __init__(self) -> None:
        self._database = door_database()
        self._manager = StreamableHTTPSessionManager(
            app=Gateway(self._database).server(),
            json_response=True,
            stateless=True,
            # Host and Origin were checked by the door, with the same answers on both wires.
            security_settings=TransportSecuritySettings(enable_dns_rebinding_protection=False),
            max_request_body_size=MOST_BYTES,
        )
        self._recording: dict[int, asyncio.Task[None]] = {}

    @asynccontextmanager
    async def run(self) -> AsyncIterator[None]:
        """Keep the door open; it can be opened once."""
        await self._database.open()
        try:
            async with self._manager.run():
                yield
        finally:
            if self._recording:
                await asyncio.wait(self._recording.values())
            await self._database.close()

    async def __call__(self, scope: Scope, receive: Receive, send: Send, transport: Transport) -> None:
        headers = Headers(scope=scope)
        origin = headers.get("origin")
        if origin is not None and _is_allowed_origin(origin):
            send = _with_cors(send, origin)
        try:
            if await self._is_answered_preflight(scope, headers, transport, send):
                return
            self._check_transport(scope, headers, transport)
            principal = await self._principal(scope, headers, transport)
            _check_declared_size(headers)
        except RasterError as error:
            await _refuse(send, scope, error, presented=headers.get("authorization"))
            return
        self._note_use(principal)
        scope[RECORD]["principal"] = f"rstk_{principal.public_id}"
        await self._manager.handle_request({**scope, PRINCIPAL: principal}, receive, _with_catalogue_size_error(send, scope))

    async def _is_answered_preflight(
        self, scope: Scope, headers: Headers, transport: Transport, send: Send
    ) -> bool:
        if scope["method"] != "OPTIONS" or "access-control-request-method" not in headers:
            return False
        _check_host(transport)
        _check_origin(headers)
        answer = {
            "Access-Control-Allow-Methods": "POST",
            "Access-Control-Allow-Headers": ALLOWED_HEADERS,
            "Access-Control-Max-Age": PREFLIGHT_SECONDS,
        }
        await _answer(send, 204, answer)
        return True

    def _check_transport(self, scope: Scope, headers: Headers, transport: Transport) -> None:
        _check_host(transport)
        _check_origin(headers)
        if not transport.accepted:
            raise HTTPSRequired
        if scope["method"] != "POST":
            raise MethodNotAllowed

    async def _principal(self, scope: Scope, headers: Headers, transport: Transport) -> KeyPrincipal:
        text = _bearer(headers)
        if not text.startswith(secrets.PREFIX):
            raise Unauthenticated("This credential was refused.")
        public_id = secrets.public_id(text)
        if public_id is None:
            raise InvalidAPIKey
        rows = await self._database.rows(KEY_STATEMENT, public_id)
        origin = Origin("mcp", transport.address, headers.get("user-agent", ""), scope[RECORD]["id"])
        return principal_from_row(text, rows[0] if rows else None, origin)

    def _note_use(self, principal: KeyPrincipal) -> None:
        """Have the key's last use written down while the request goes on."""
        if principal.use_is_due and principal.key_id not in self._recording:
            task = asyncio.create_task(_record_use(principal))
            self._recording[principal.key_id] = task
            task.add_done_callback(lambda _: self._recording.pop(principal.key_id, None))


async def _record_use(principal: KeyPrincipal) -> None:
    try:
        await workers.run(partial(record_use, principal))
    except DatabaseError as error:
        logger.warning("The last use of a key was not recorded", exc_info=error)


def _bearer(headers: Headers) -> str:
    values = headers.getlist("authorization")
    scheme, _, text = values[0].partition(" ") if len(values) == 1 else ("", "", "")
    text = text.strip(" ")
    if scheme.lower() != "bearer" or not text:
        raise Unauthenticated
    return text


def _check_host(transport: Transport) -> None:
    if transport.host in settings.SERVED_HOSTS or (settings.DEV and is_loopback_host(transport.host)):
        return
    raise Forbidden("This host name is not served here.")


def _check_origin(headers: Headers) -> None:
    origin = headers.get("origin")
    if origin is not None and not _is_allowed_origin(origin):
        raise Forbidden("Requests from this origin are not allowed.")


def _is_allowed_origin(origin: str) -> bool:
    if origin.lower() in settings.ALLOWED_ORIGINS:
        return True
    scheme, _, host = origin.lower().partition("://")
    return bool(settings.DEV) and scheme in {"http", "https"} and is_loopback_host(host)


def _check_declared_size(headers: Headers) -> None:
    declared = headers.get("content-length", "")
    if declared.isdecimal() and int(declared) > MOST_BYTES:
        raise TOO_LARGE


def _challenge(error: RasterError, presented: str | None) -> str | None:
    if error.status != Unauthenticated.status:
        return None
    return 'Bearer realm="raster", error="invalid_token"' if presented is not None else 'Bearer realm="raster"'


async def _refuse(send: Send, scope: Scope, error: RasterError, presented: str | None) -> None:
    scope[RECORD]["error"] = error.code
    headers = {}
    if (challenge := _challenge(error, presented)) is not None:
        headers["WWW-Authenticate"] = challenge
    if isinstance(error, MethodNotAllowed):
        headers["Allow"] = "POST"
    if isinstance(error, ServiceUnavailable):
        headers["Retry-After"] = RETRY_SECONDS
    await _answer(send, error.status, headers, error)


async def _answer(send: Send, status: int, headers: dict[str, str], error: RasterError | None = None) -> None:
    body = b""
    if error is not None:
        body = json.dumps({"error": {"code": error.code, "message": error.message}}).encode()
        headers["Content-Type"] = "application/json"
    headers["Content-Length"] = str(len(body))
    raw = [(name.lower().encode(), value.encode()) for name, value in headers.items()]
    await send({"type": "http.response.start", "status": status, "headers": raw})
    await send({"type": "http.response.body", "body": body})


def _with_cors(send: Send, origin: str) -> Send:
    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            headers["Access-Control-Allow-Origin"] = origin
            headers["Access-Control-Expose-Headers"] = EXPOSED_HEADERS
            headers.add_vary_header("Origin")
        await send(message)

    return sending


def _with_catalogue_size_error(send: Send, scope: Scope) -> Send:
    """Put the catalogue's body in place of the SDK's own where a body without a declared size turns out too large."""
    refused = False

    async def sending(message: Message) -> None:
        nonlocal refused
        if message["type"] == "http.response.start" and message["status"] == PayloadTooLarge.status:
            refused = True
            await _refuse(send, scope, TOO_LARGE, presented=None)
        elif not refused:
            await send(message)

    return sending
