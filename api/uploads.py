"""Uploads over HTTP, on raw ASGI routes beside the MCP door, since they are streams of any length.

``POST /upload/<link>`` takes an upload link (assets/upload_links.py), ``POST /upload/web/<ticket>`` the
form of a library's page (assets/tickets.py). Both take ``multipart/form-data``: up to twenty files under any names,
and a field ``parentId`` where the file is to become a variant. Who may upload there is decided before a byte of the
body is read, and once more in the transaction that stores the files. The answer is that of ``upload_assets``, or the
catalogue's error; a browser that asks for a page is sent back to the library with the same in words. Pages of other
origins may not call.
"""

import asyncio
import logging
import threading
import time
from collections import Counter
from collections.abc import Awaitable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any, TypeVar

import anyio.to_thread
from django.conf import settings
from django.http import HttpResponse
from starlette.types import Message, Receive, Scope, Send

from accounts.limits import subject_of_address
from api.gate import ClientGone, Gate, Interface, RequestContext, guarded, send_answer
from api.multipart import Form
from api.passes import LinkPass, Pass, TicketPass
from assets.admission import Admission
from assets.contracts import MOST_FILES, UploadAssets, Uploaded
from assets.operations.uploads import check_may_upload, upload_assets
from assets.quota import Room
from assets.upload_links import PATH
from orgs.access import Origin
from raster.contracts import read_json
from raster.errors import (
    BadUserInput,
    MethodNotAllowed,
    PayloadTooLarge,
    RasterError,
    RateLimited,
    ServiceUnavailable,
)
from raster.logs import RECORD
from raster.transport import Transport
from raster.workers import fetchers, workers, writers

PREFIX = PATH
WEB_PREFIX = f"{PREFIX}web/"
#: How much of a body is handed to the disk at once: what an upload takes of memory, a few times over.
BLOCK_SIZE = 1024 * 1024
IDLE_SECONDS = 30.0
UPLOAD_SECONDS = 3600.0
#: When it is to be known who may upload where, and from when on bytes a second are asked for.
BEGIN_SECONDS = 30.0
LEAST_RATE = 4096
BUSY_RATE = 16 * LEAST_RATE
#: Of fields and of what stands between the parts of a form.
OVERHEAD = 1024 * 1024
#: A body that is refused on its way is read on for a while: many programs look for an answer only when they have sent.
LINGER_SECONDS = 5.0
LINGER_SIZE = 64 * 1024 * 1024
RETRY_SECONDS = 5
#: Uploads that a process receives at the same time: into one organization, from one address and in all.
MOST_OF_ONE = 8
MOST_OF_ADDRESS = 24
MOST_UNDER_WAY = 64
#: Beyond those, for organizations that have none.
RESERVED = 16
_HEADERS = {
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
}
LINK, WEB = (
    Interface(name, PayloadTooLarge(), headers=_HEADERS, is_open=True, tells_rate=False) for name in ("link", "web")
)


logger = logging.getLogger("raster.uploads")
Result = TypeVar("Result")
_under_way: Counter[str] = Counter()
_counting = threading.Lock()


class Body:
    """A request's body, on its way."""

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self.has_begun = False
        self.is_whole = False

    async def read_into(self, form: Form) -> None:
        """Read all of it, to the disk: memory does not grow with it.

        Raises:
            ClientGone: it will never be whole.
            BadUserInput: it comes too slowly, or is no form.
            PayloadTooLarge, StorageLimitExceeded: more comes than may.
        """
        block = bytearray()
        begun, received = time.monotonic(), 0
        try:
            async with asyncio.timeout(UPLOAD_SECONDS):
                while not self.is_whole:
                    async with asyncio.timeout(IDLE_SECONDS):
                        block += await self._next()
                    if len(block) >= BLOCK_SIZE or self.is_whole or not form.is_admitted:
                        received += len(block)
                        await _to_its_end(anyio.to_thread.run_sync(form.feed, bytes(block)))
                        block.clear()
                    seconds = time.monotonic() - begun
                    if seconds > BEGIN_SECONDS and (
                        not form.is_admitted or received + len(block) < seconds * least_rate()
                    ):
                        raise TimeoutError
        except TimeoutError:
            raise BadUserInput("The upload came too slowly.") from None
        form.finish()

    async def linger(self) -> None:
        """Read on for a while, if anything was read at all, so that an answer is seen by who is still sending."""
        left = LINGER_SIZE
        try:
            async with asyncio.timeout(LINGER_SECONDS):
                while self.has_begun and not self.is_whole and left > 0:
                    left -= len(await self._next())
        except (TimeoutError, ClientGone):
            return

    async def _next(self) -> bytes:
        self.has_begun = True
        message = await self._receive()
        if message["type"] == "http.disconnect":
            raise ClientGone
        self.is_whole = not message.get("more_body", False)
        content: bytes = message.get("body", b"")
        return content


async def serve_upload(gate: Gate, scope: Scope, receive: Receive, send: Send, transport: Transport) -> None:
    """Answer a request to an address below ``PREFIX``."""
    path: str = scope["path"]
    is_web = path.startswith(WEB_PREFIX)
    scope[RECORD]["route"] = f"{WEB_PREFIX}<ticket>" if is_web else f"{PREFIX}<link>"
    cookies = transport.headers.get(b"cookie", b"").decode("latin-1")
    way = TicketPass(path.removeprefix(WEB_PREFIX), cookies) if is_web else LinkPass(path.removeprefix(PREFIX))
    context = RequestContext(gate, WEB if is_web else LINK, scope, receive, send, transport)
    body = Body(receive)
    outcome: Uploaded | RasterError
    try:
        context.check_host()
        context.check_https()
        if context.method != "POST":
            raise MethodNotAllowed
        outcome = await take_files(context, way, body)
    except ClientGone:
        return
    except RasterError as refusal:
        context.record["error"] = refusal.code
        outcome = refusal
        await body.linger()
    if not body.is_whole:
        context.headers["Connection"] = "close"
    accept = transport.headers.get(b"accept", b"")
    wants_page = transport.accepted and b"text/html" in accept and b"application/json" not in accept
    page = await guarded(workers.run(partial(way.page_answer, outcome))) if wants_page else None
    if page is not None:
        await _send_page(context, send, page)
    elif isinstance(outcome, RasterError):
        await context.refuse(outcome, path)
    else:
        await context.answer(200, {"Content-Type": "application/json"}, outcome.model_dump_json().encode())


async def take_files(context: RequestContext, way: Pass, body: Body) -> Uploaded:
    """Return what came of the files in a form that is on its way, if its pass is good now and when they are stored."""
    admission, room = await guarded(workers.run(partial(_admit, way, context.origin)))
    context.record["principal"] = admission.principal.log_name
    form = Form(context.transport.headers.get(b"content-type", b""), room)
    check_declared_size(context.transport, room)
    try:
        with under_way(admission.organization_id, context.transport.address):
            claimed = asyncio.ensure_future(guarded(writers.run(way.claim)))
            try:
                await _to_its_end(claimed)
                await body.read_into(form)
            except BaseException:
                if _has_succeeded(claimed):
                    await _to_its_end(guarded(writers.run(way.give_back)))
                raise
            return await guarded(fetchers.run(partial(_upload_form, admission, form, way), admission.organization_id))
    finally:
        await _to_its_end(anyio.to_thread.run_sync(form.discard))


@contextmanager
def under_way(organization: str, address: str) -> Iterator[None]:
    """Count an upload that was admitted until it is answered; very many slow ones would cost others theirs.

    ``RESERVED`` places are for organizations that have no upload under way.

    Raises:
        RateLimited: there are as many as there may be, into ``organization`` (its slug), from ``address`` or in all.
    """
    owners = (f"organization {organization}", f"address {subject_of_address(address)}")
    with _counting:
        into, sent = (_under_way[owner] for owner in owners)
        most = MOST_UNDER_WAY if into else MOST_UNDER_WAY + RESERVED
        if into >= MOST_OF_ONE or sent >= MOST_OF_ADDRESS or _under_way["all"] >= most:
            raise RateLimited(retry_after=RETRY_SECONDS)
        _under_way.update((*owners, "all"))
    try:
        yield
    finally:
        with _counting:
            _under_way.subtract((*owners, "all"))
            for owner in owners:
                if not _under_way[owner]:
                    del _under_way[owner]


def least_rate() -> int:
    """Return how many bytes a second an upload has to send: more where many are under way."""
    return LEAST_RATE if _under_way["all"] < MOST_UNDER_WAY // 2 else BUSY_RATE


async def _to_its_end(work: Awaitable[Result]) -> Result:
    """Return what comes of work in a thread; who is cancelled meanwhile waits for it all the same."""
    task = asyncio.ensure_future(work)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait([task])
        raise


def _has_succeeded(task: asyncio.Future[Any]) -> bool:
    return task.done() and not task.cancelled() and task.exception() is None


def _admit(way: Pass, origin: Origin) -> tuple[Admission, Room]:
    """Return whom the request's pass lets in, and what there is room for."""
    admission = way.admit(origin)
    return admission, check_may_upload(admission.principal, _command(admission))


def _upload_form(admission: Admission, form: Form, way: Pass) -> Uploaded:
    if not form.files:
        raise BadUserInput("No file came: send each as a part of the form that has a file name.")
    parent = form.fields.get("parentId", "").strip()
    try:
        return upload_assets(admission.principal, _command(admission, parent), form.files, as_a_whole=way.as_a_whole)
    except (RateLimited, ServiceUnavailable):
        # Nothing came in, and whoever is told to try again needs the same pass for it.
        way.give_back()
        raise
    except RasterError as refusal:
        raise way.refusal(refusal) from None


def _command(admission: Admission, parent: str = "") -> UploadAssets:
    place = {"organizationId": admission.organization_id, "libraryId": admission.library_id}
    return read_json(UploadAssets, {**place, "parentId": parent} if parent else place)


def check_declared_size(transport: Transport, room: Room) -> None:
    """Refuse a body that says that it is larger than it may be.

    Raises:
        PayloadTooLarge, StorageLimitExceeded
    """
    declared = transport.headers.get(b"content-length", b"")
    size = int(declared) - OVERHEAD if declared.isdigit() else 0
    if size > MOST_FILES * settings.MAX_FILE_SIZE:
        raise PayloadTooLarge
    room.check(size)


async def _send_page(context: RequestContext, send: Send, page: HttpResponse) -> None:
    """Lead a browser back to its page, with the cookies that say what happened."""
    cookies = [(b"set-cookie", cookie.OutputString().encode("latin-1")) for cookie in page.cookies.values()]

    async def with_cookies(message: Message) -> None:
        if message["type"] == "http.response.start":
            message = {**message, "headers": [*message["headers"], *cookies]}
        await send(message)

    await send_answer(with_cookies, page.status_code, {**context.headers, "Location": page.headers["Location"]}, b"")
