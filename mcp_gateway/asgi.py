"""MCP over HTTP: what a request passes at the gate before the MCP server sees it, in this order.

Host, Origin, preflight, HTTPS, method, bearer, body size. Nothing of the body is read before the bearer is accepted.
"""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from django.conf import settings
from mcp.server.lowlevel import Server
from mcp.server.streamable_http_manager import StreamableHTTPSessionManager
from mcp.server.transport_security import TransportSecuritySettings
from starlette.types import Message, Receive, Scope, Send

from accounts.limits import count_stranger
from api.gate import LARGE_BODY, ClientGone, Gate, Interface, RequestContext, body_limit
from mcp_gateway.anonymous import ORIGIN, anonymous_server
from mcp_gateway.server import CHALLENGE, IS_LARGE, PRINCIPAL, Gateway
from orgs.access import BearerPrincipal
from raster.errors import EndpointNotFound, MethodNotAllowed, PayloadTooLarge, RasterError
from raster.transport import Transport

MOST_BYTES = 32 * 1024 * 1024
INTERFACE = Interface(
    "mcp",
    too_large=PayloadTooLarge("An MCP request may have 32 MB."),
    most_bytes=MOST_BYTES,
    preflight={
        "Access-Control-Allow-Methods": "POST",
        "Access-Control-Allow-Headers": "Authorization, Content-Type, Last-Event-ID, MCP-Protocol-Version, Mcp-Method, "
        "Mcp-Name, Mcp-Session-Id, Traceparent",
        "Access-Control-Max-Age": "7200",
    },
    exposed_headers="WWW-Authenticate, Retry-After, X-Request-Id",
    is_open=False,
    tells_rate=False,
)


class MCPApplication:
    """An ASGI application that lets requests with a valid credential through to the MCP server."""

    def __init__(self, gate: Gate) -> None:
        self._gate = gate
        self._manager = _manager(Gateway(gate).server())
        self._anonymous = _manager(anonymous_server())

    @asynccontextmanager
    async def run(self) -> AsyncIterator[None]:
        """Keep it running; it can be run once."""
        async with self._manager.run(), self._anonymous.run():
            yield

    async def __call__(
        self, scope: Scope, receive: Receive, send: Send, transport: Transport, resource: str | None
    ) -> None:
        """Answer a request to an address of ``resource``, a row of connections/resources.py.

        None is the address that takes no credential, and whose server has one tool.
        """
        context = RequestContext(self._gate, INTERFACE, scope, receive, send, transport)
        try:
            context.check_host()
            if context.is_preflight:
                await context.answer_preflight()
                return
            principal = await self._let_in(context, resource)
            with body_limit(principal) as check_size:
                await self._receive(context, principal, check_size)
        except ClientGone:
            return
        except RasterError as error:
            await context.refuse(error, scope["path"])

    async def _let_in(self, context: RequestContext, resource: str | None) -> BearerPrincipal | None:
        """Return whose credential this is, or None where none is asked for, and count the request."""
        if resource is None and not settings.ANONYMOUS:
            raise EndpointNotFound
        context.check_https()
        if context.method != "POST":
            raise MethodNotAllowed
        if resource is not None:
            return await context.authenticate(resource)
        count_stranger(context.transport.address)
        return None

    async def _receive(
        self, context: RequestContext, principal: BearerPrincipal | None, check_size: Callable[[int], None]
    ) -> None:
        """Answer a request that was let in, once its body has come."""
        body = await context.body(check_size)
        scope = context.scope
        scope[IS_LARGE] = len(body) > LARGE_BODY
        if principal is None:
            scope[ORIGIN] = context.origin
            await self._anonymous.asgi_app.app(scope, _again(body, context.receive), context.send)
            return
        scope[PRINCIPAL] = context.principal
        # The SDK's own look at the size is left out: it would copy the body once more.
        await self._manager.asgi_app.app(scope, _again(body, context.receive), _with_challenge(context))


def _manager(server: Server[Any]) -> StreamableHTTPSessionManager:
    return StreamableHTTPSessionManager(
        app=server,
        json_response=True,
        stateless=True,
        # The gate has checked Host and Origin, with the same answers on both wires.
        security_settings=TransportSecuritySettings(enable_dns_rebinding_protection=False),
        max_request_body_size=MOST_BYTES,
    )


def _with_challenge(context: RequestContext) -> Send:
    """Send what the MCP server answers, unless a tool left an error that is to be answered as a challenge."""

    async def sending(message: Message) -> None:
        error = context.scope.get(CHALLENGE)
        if error is None:
            await context.send(message)
        elif message["type"] == "http.response.start":
            await context.refuse(error, context.scope["path"])

    return sending


def _again(body: bytes, receive: Receive) -> Receive:
    """Hand out a body that was read, and then whatever comes after it."""
    messages: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def receiving() -> Message:
        return messages.pop() if messages else await receive()

    return receiving
