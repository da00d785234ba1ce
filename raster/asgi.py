"""The ASGI application: sends each request to MCP, the APIs, uploads, files or pages, and logs a line of it."""

import asyncio
import gc
import json
import logging
import os
import threading
import time
from contextlib import AsyncExitStack
from typing import Any, cast
from urllib.parse import quote

import django
from django.conf import settings
from django.core.asgi import get_asgi_application
from starlette.types import Message, Receive, Scope, Send

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "raster.settings")
django.setup(set_prefix=False)

from accounts import limits  # noqa: E402 - needs the settings
from api.asgi import serve_api  # noqa: E402
from api.gate import Gate, send_answer  # noqa: E402
from api.uploads import PREFIX as UPLOAD_PREFIX  # noqa: E402
from api.uploads import serve_upload  # noqa: E402
from apikeys.unclaimed import remove_unclaimed_if_due  # noqa: E402
from assets import derivatives  # noqa: E402
from assets.clean_up import purge_if_due, sweep_files_if_due  # noqa: E402
from assets.health import CHECKS  # noqa: E402
from assets.serving import serve_media  # noqa: E402
from connections.clean_up import sweep_if_due  # noqa: E402
from connections.resources import API, MCP, row_of_path  # noqa: E402
from mcp_gateway.anonymous import PATH as ANONYMOUS_PATH  # noqa: E402
from mcp_gateway.asgi import MCPApplication  # noqa: E402
from raster.background import working  # noqa: E402
from raster.deadlines import limited  # noqa: E402
from raster.errors import EndpointNotFound, HTTPSRequired, InternalServerError, PayloadTooLarge, RasterError  # noqa: E402
from raster.health import report  # noqa: E402
from raster.logs import RECORD, request_id, write_access  # noqa: E402
from raster.middleware import TOO_LARGE  # noqa: E402
from raster.sweeping import sweeping  # noqa: E402
from raster.tasks import worker as tasks  # noqa: E402
from raster.tasks.queue import clean_up as clean_up_tasks  # noqa: E402
from raster.transport import Transport, transport_of  # noqa: E402
from raster.workers import decoders, fetchers, sweepers, workers, writers  # noqa: E402

MEDIA_PREFIX = "/media/"
WELL_KNOWN_PREFIX = "/.well-known/"
#: Of the MCP server, below its own address; on a host of its own that is the root.
CARD_PATH = "/mcp/server-card"
#: How long a server that is told to stop waits for the checks of its start.
STOP_SECONDS = 2

logger = logging.getLogger("raster.asgi")


class RequestTooLarge(Exception):
    """More of a request's body came than its path takes."""


class Application:
    """Dispatches by host and path. Each request gets an id, which its answer, its log line and the audit log carry."""

    def __init__(self) -> None:
        self._pages = get_asgi_application()
        self._gate = Gate()
        self._mcp = MCPApplication(self._gate)
        self._running = AsyncExitStack()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._lifespan(receive, send)
        elif scope["type"] == "http":
            await self._request(scope, receive, send)
        else:
            await send({"type": "websocket.close", "code": 1000})

    async def _lifespan(self, receive: Receive, send: Send) -> None:
        await receive()
        try:
            await self._running.enter_async_context(self._gate.run())
            await self._running.enter_async_context(self._mcp.run())
            for limit in (limits.credentials, limits.addresses):
                await self._running.enter_async_context(limit.shared())
            for sweep in (sweep_if_due, purge_if_due, remove_unclaimed_if_due, sweep_files_if_due, clean_up_tasks):
                await self._running.enter_async_context(sweeping(sweep))
            if settings.WORKER == "server":
                await self._running.enter_async_context(working(derivatives.Worker()))
                await self._running.enter_async_context(working(tasks.Worker()))
        except Exception as error:
            logger.error("The server cannot start", exc_info=error)
            await send({"type": "lifespan.startup.failed", "message": "See the log line before this one."})
            return
        # What the start left behind is never garbage; without it collections are short.
        gc.collect()
        gc.freeze()
        gc.set_threshold(50_000, 50, 100)
        # Beside serving: what works goes on even where something does not.
        checking = threading.Thread(target=report, args=(CHECKS,), name="health", daemon=True)
        checking.start()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await self._running.aclose()
        await asyncio.to_thread(checking.join, STOP_SECONDS)
        for pool in (decoders, fetchers, sweepers, workers, writers):
            pool.close()
        await send({"type": "lifespan.shutdown.complete"})

    async def _request(self, scope: Scope, receive: Receive, send: Send) -> None:
        started = time.perf_counter()
        transport = transport_of(scope)
        record: dict[str, Any] = {"id": os.urandom(16).hex(), "method": scope["method"]}
        request_id.set(record["id"])
        id_header = (b"x-request-id", record["id"].encode())
        scope = {
            **scope,
            "scheme": "https" if transport.secure else "http",
            "client": (transport.address, 0),
            RECORD: record,
            "raster.accepted": transport.accepted,
        }

        async def sending(message: Message) -> None:
            if message["type"] == "http.response.start":
                record["status"] = message["status"]
                message = {**message, "headers": [*message["headers"], id_header]}
            await send(message)

        try:
            with limited():
                await self._dispatch(scope, receive, sending, transport)
        except Exception as error:
            logger.error("A request failed", exc_info=error)
            if "status" in record:
                raise
            await _answer(sending, InternalServerError())
        finally:
            record["address"] = transport.address
            record["milliseconds"] = round((time.perf_counter() - started) * 1000, 1)
            write_access(record)

    async def _dispatch(self, scope: Scope, receive: Receive, send: Send, transport: Transport) -> None:
        path: str = scope["path"]
        record = scope[RECORD]
        resource = row_of_path(transport.host, path)
        is_well_known = path.startswith(WELL_KNOWN_PREFIX)  # what each host says of itself
        if resource not in {None, API} or _is_anonymous(transport.host, path):
            record["route"] = {None: ANONYMOUS_PATH, MCP: "/mcp"}.get(resource, "/mcp/o/<organization>")
            await self._mcp(scope, receive, send, transport, resource)
        elif transport.host == settings.MCP_HOST and path in {CARD_PATH, CARD_PATH.removeprefix("/mcp")}:
            await self._page({**scope, "path": CARD_PATH}, receive, send)
        elif transport.host == settings.MCP_HOST and not is_well_known:
            await _answer(send, EndpointNotFound())
        elif transport.host == settings.API_HOST and not is_well_known:
            await serve_api(self._gate, scope, receive, send, transport)
        elif not transport.accepted and settings.DEV:
            await _answer(send, HTTPSRequired())
        elif transport.host == settings.MEDIA_HOST and not is_well_known:
            record["route"] = MEDIA_PREFIX
            await _media(path.removeprefix("/"), scope, receive, send, transport)
        elif path.startswith(UPLOAD_PREFIX):
            await serve_upload(self._gate, scope, receive, send, transport)
        elif path.startswith(MEDIA_PREFIX):
            record["route"] = MEDIA_PREFIX
            await _media_among_pages(path.removeprefix(MEDIA_PREFIX), scope, receive, send, transport)
        elif is_well_known or not await serve_api(self._gate, scope, receive, send, transport):
            await self._page(scope, receive, send)

    async def _page(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = dict(scope["headers"])
        declared = headers.get(b"content-length", b"0")
        if declared.isdigit() and int(declared) > settings.MAX_PAGE_BODY:
            await self._refuse_body(scope, send)
            return
        received = 0

        async def receiving() -> Message:
            nonlocal received
            message = await receive()
            received += len(message.get("body", b""))
            if received > settings.MAX_PAGE_BODY:
                raise RequestTooLarge
            return message

        try:
            await self._pages(cast("dict[str, Any]", scope), receiving, cast("Any", send))
        except RequestTooLarge:
            await self._refuse_body(scope, send)

    async def _refuse_body(self, scope: Scope, send: Send) -> None:
        """Answer a browser with a page, which the middleware makes of a request without a body, and others in JSON."""
        if b"text/html" not in dict(scope["headers"]).get(b"accept", b""):
            await _answer(send, PayloadTooLarge())
            return
        messages: list[Message] = [{"type": "http.request", "body": b"", "more_body": False}]

        async def receiving() -> Message:
            if not messages:
                await asyncio.Event().wait()  # until the answer is sent: Django listens for the client to leave
            return messages.pop()

        await self._pages({**scope, TOO_LARGE: True}, receiving, cast("Any", send))


async def _media(path: str, scope: Scope, receive: Receive, send: Send, transport: Transport) -> None:
    if transport.accepted:
        await serve_media(path, scope, receive, send)
    else:
        await _redirect_to_media(send, path, scope)


async def _media_among_pages(path: str, scope: Scope, receive: Receive, send: Send, transport: Transport) -> None:
    if settings.MEDIA_HOST:
        await _redirect_to_media(send, path, scope)
    else:
        await _media(path, scope, receive, send, transport)


async def _redirect_to_media(send: Send, path: str, scope: Scope) -> None:
    query = b"?" + scope["query_string"] if scope["query_string"] else b""
    location = f"{settings.MEDIA_BASE_URL}/{quote(path)}".encode() + query
    headers = [(b"location", location), (b"content-length", b"0"), (b"access-control-allow-origin", b"*")]
    await send({"type": "http.response.start", "status": 308, "headers": headers})
    await send({"type": "http.response.body", "body": b""})


def _is_anonymous(host: str, path: str) -> bool:
    """Return whether an address is the MCP server's that takes no credential."""
    own = ANONYMOUS_PATH.removeprefix("/mcp") if host == settings.MCP_HOST else ANONYMOUS_PATH
    return path.removesuffix("/") in {ANONYMOUS_PATH, own}


async def _answer(send: Send, error: RasterError) -> None:
    body = json.dumps(error.body).encode()
    await send_answer(send, error.status, {"Content-Type": "application/json"}, body)


application = Application()
