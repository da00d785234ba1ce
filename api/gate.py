"""The gate: what every request passes that comes with a credential, an upload link or a ticket.

It checks host, origin and HTTPS, looks the credential up on the event loop, counts the request, limits the body's size
and time, runs functions in threads, and answers. The interfaces differ in the order and in what ``Interface`` says.
Django's middleware does not run here: an API has no cookies, so neither sessions nor their protection.
"""

import asyncio
import json
import logging
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Hashable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any, TypeVar

from django.conf import settings
from django.db import DatabaseError, InterfaceError, OperationalError
from starlette.types import Message, Receive, Scope, Send

from accounts.limits import count_request, count_stranger, over_the_rate
from api.gate_database import gate_database
from connections.access import OVER, ConnectionIsOver
from connections.bearer import read_bearer
from connections.resources import metadata_url
from connections.scopes import CHALLENGED
from connections.tokens import end_if_over
from orgs.access import BearerPrincipal, Origin
from raster.deadlines import limited
from raster.errors import (
    BadUserInput,
    Forbidden,
    HTTPSRequired,
    InsufficientScope,
    InternalServerError,
    InvalidAPIKey,
    MethodNotAllowed,
    PayloadTooLarge,
    RasterError,
    RateLimited,
    ServiceUnavailable,
    Unauthenticated,
)
from raster.logs import RECORD
from raster.transport import Transport, is_loopback_host, is_served_host
from raster.workers import Workers, workers, writers

#: In a body of more bytes than values its values are counted: parsing millions holds the interpreter for seconds.
MOST_VALUES = 50_000
#: A larger body is a file, or costs more than any arguments need to.
LARGE_BODY = 1024 * 1024
#: Large bodies at the same time in this process, of the callers of one organization.
MOST_LARGE = 2
#: The largest body that comes without a credential.
ANONYMOUS_BODY = 64 * 1024
BODY_SECONDS = 30
#: A credential is looked up again after its request's body took longer than this.
FRESH_SECONDS = 0.01
RETRY_SECONDS = 5

logger = logging.getLogger("raster.gate")
Result = TypeVar("Result")
_large: Counter[int] = Counter()


class ClientGone(Exception):
    """The client closed its connection."""


@dataclass(frozen=True)
class Interface:
    """How an interface differs at the gate.

    ``headers`` are on every answer, ``preflight`` on that to a preflight. Pages of any origin may call where
    ``is_open``; elsewhere only those of ``RASTER_ALLOWED_ORIGINS``, which are told so. ``tells_rate`` says whether
    answers carry ``RateLimit`` headers.
    """

    name: str
    too_large: PayloadTooLarge
    most_bytes: int = LARGE_BODY
    headers: Mapping[str, str] = field(default_factory=dict)
    preflight: Mapping[str, str] = field(default_factory=dict)
    exposed_headers: str = ""
    is_open: bool = True
    tells_rate: bool = True


class Gate:
    """What the gate keeps while the server runs: its database connections, and what it records beside requests."""

    def __init__(self) -> None:
        self._database = gate_database()
        self._recording: dict[Hashable, asyncio.Task[None]] = {}
        self.rows = self._database.rows

    @asynccontextmanager
    async def run(self) -> AsyncIterator[None]:
        """Keep the gate open; it can be opened once."""
        await self._database.open()
        try:
            yield
        finally:
            if self._recording:
                await asyncio.wait(self._recording.values())
            await self._database.close()

    async def principal(self, text: str, origin: Origin, resource: str) -> BearerPrincipal:
        """Return who came with this credential to this resource.

        Raises:
            InvalidAPIKey, Unauthenticated: nobody who is let in there.
            OrganizationNotFound: a key, at the address of another organization.
            ServiceUnavailable: the database is out of reach.
        """
        bearer = read_bearer(text)
        rows = await self.rows(bearer.statement, bearer.parameter)
        try:
            return bearer.principal(rows, origin, resource)
        except ConnectionIsOver as over:
            self.record(("over", over.connection_id), partial(end_if_over, over.connection_id))
            raise Unauthenticated(OVER) from None

    def record(self, name: Hashable, function: Callable[[], None]) -> None:
        """Run ``function`` in a thread while the request goes on; once at a time for each name."""
        if name not in self._recording:
            task = asyncio.create_task(_recorded(function))
            self._recording[name] = task
            task.add_done_callback(lambda _: self._recording.pop(name, None))


async def _recorded(function: Callable[[], None]) -> None:
    try:
        with limited():  # a wait for this row is not the request's
            await writers.run(function)
    except (DatabaseError, InterfaceError) as error:
        logger.warning("The use of a credential was not recorded", exc_info=error)


class RequestContext:
    """One request at the gate. ``headers`` are those that every answer to it carries."""

    def __init__(
        self, gate: Gate, interface: Interface, scope: Scope, receive: Receive, send: Send, transport: Transport
    ) -> None:
        self.gate = gate
        self.scope = scope
        self.receive = receive
        self.transport = transport
        self.headers: dict[str, str] = dict(interface.headers)
        self._interface = interface
        self._send = send
        self._resource = ""
        self._principal: BearerPrincipal | None = None
        self._page_origin = transport.headers.get(b"origin")
        if self._page_origin is not None and not interface.is_open and _is_allowed_origin(self._page_origin):
            self.headers |= {
                "Access-Control-Allow-Origin": self._page_origin.decode("latin-1"),
                "Access-Control-Expose-Headers": interface.exposed_headers,
                "Vary": "Origin",
            }

    @property
    def method(self) -> str:
        method: str = self.scope["method"]
        return method

    @property
    def record(self) -> dict[str, Any]:
        """The request's line in the access log."""
        record: dict[str, Any] = self.scope[RECORD]
        return record

    @property
    def origin(self) -> Origin:
        """Where the request came from, for the audit log."""
        user_agent = self.transport.headers.get(b"user-agent", b"").decode("latin-1")
        return Origin(self._interface.name, self.transport.address, user_agent, self.record["id"])

    @property
    def is_preflight(self) -> bool:
        return self.method == "OPTIONS" and b"access-control-request-method" in self.transport.headers

    def check_host(self) -> None:
        """Refuse a request that came by another name, or from a page of an origin that may not call.

        Raises:
            Forbidden
        """
        if not is_served_host(self.transport.host):
            raise Forbidden("This host name is not served here.")
        if not self._interface.is_open and self._page_origin is not None and not _is_allowed_origin(self._page_origin):
            raise Forbidden("Requests from this origin are not allowed.")

    def check_https(self) -> None:
        """Refuse plain HTTP.

        Raises:
            HTTPSRequired
        """
        if not self.transport.accepted:
            raise HTTPSRequired

    async def authenticate(self, resource: str) -> BearerPrincipal:
        """Return who sent the request, before its body is read, and count the request.

        Raises:
            Unauthenticated, InvalidAPIKey: nobody who is let in.
            RateLimited: too many requests.
            ServiceUnavailable: the database is out of reach.
        """
        self._resource = resource
        try:
            principal = await self._look_up()
        except (Unauthenticated, InvalidAPIKey):
            count_stranger(self.transport.address)
            raise
        self._count(principal)
        self._principal = principal
        self.record["principal"] = principal.log_name
        if principal.use_is_due:
            self.gate.record(principal.credential, principal.record_use)
        return principal

    async def _look_up(self) -> BearerPrincipal:
        text = read_authorization(self.scope, self.transport.headers)
        return await self.gate.principal(text, self.origin, self._resource)

    def _count(self, principal: BearerPrincipal) -> None:
        try:
            status = count_request(principal.credential)
        except RateLimited as refusal:
            if self._interface.tells_rate:
                self.headers |= over_the_rate(refusal).headers
            raise
        if status is not None and self._interface.tells_rate:
            self.headers |= status.headers

    @property
    def principal(self) -> BearerPrincipal:
        """Who sent the request; :meth:`authenticate` has found out."""
        if self._principal is None:
            raise Unauthenticated
        return self._principal

    async def run(self, operation: Callable[[BearerPrincipal], Result], pool: Workers = workers) -> Result:
        """Return what ``operation`` returns for whoever sent the request, in a thread. Raises as :func:`guarded`."""
        principal = self.principal
        return await guarded(pool.run(lambda: operation(principal), principal.queue_owner))

    async def body(self, check_size: Callable[[int], None] | None = None, most: int | None = None) -> bytes:
        """Return the request's body. A credential whose request's body took its time is looked up again.

        Raises:
            PayloadTooLarge: it has more than ``most`` bytes, those of the interface if None, or ``check_size`` says so.
            BadUserInput: it was not complete after ``BODY_SECONDS``.
            ClientGone: it will never be.
            Unauthenticated, InvalidAPIKey: the credential was revoked meanwhile.
        """
        most = self._interface.most_bytes if most is None else most
        begun = time.monotonic()

        def check(size: int) -> None:
            if size > most:
                raise self._interface.too_large
            if check_size is not None:
                check_size(size)

        declared = self.transport.headers.get(b"content-length", b"")
        if declared.isdigit():
            check(int(declared))
        body = await _read_body(self.receive, check)
        check_values(body)
        if self._principal is not None and time.monotonic() - begun > FRESH_SECONDS:
            self._principal = await self._look_up()
        return body

    async def send(self, message: Message) -> None:
        """Send a part of an answer that somebody else makes, with the headers of every answer."""
        if message["type"] == "http.response.start":
            message = {**message, "headers": [*message["headers"], *_raw(self.headers)]}
        await self._send(message)

    async def answer(self, status: int, headers: Mapping[str, str], body: bytes) -> None:
        """Send an answer."""
        await send_answer(self._send, status, {**self.headers, **headers}, body, is_head=self.method == "HEAD")

    async def answer_json(self, status: int, body: Any, headers: Mapping[str, str] | None = None) -> None:
        """Send an answer in JSON."""
        text = json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()
        await self.answer(status, {"Content-Type": "application/json", **(headers or {})}, text)

    async def answer_preflight(self) -> None:
        await self.answer(204, self._interface.preflight, b"")

    async def refuse(self, error: RasterError, path: str) -> None:
        """Answer with an error; ``path`` is that of the resource that was asked for."""
        await self.answer_json(error.status, error.body, self.refusal_headers(error, path))

    def refusal_headers(self, error: RasterError, path: str) -> dict[str, str]:
        """Return what an error's answer says besides its body, and record the error's code in the access log."""
        self.record["error"] = error.code
        return refusal_headers(error, self.scope, self.transport, path)


def read_authorization(scope: Scope, headers: dict[bytes, bytes]) -> str:
    """Return the credential of the one ``Authorization`` header.

    Raises:
        Unauthenticated: there is none, more than one, or it is of another scheme.
    """
    scheme, _, text = headers.get(b"authorization", b"").decode("latin-1").partition(" ")
    text = text.strip(" ")
    if scheme.lower() != "bearer" or not text:
        raise Unauthenticated
    if len(headers) != len(scope["headers"]) and sum(name == b"authorization" for name, _ in scope["headers"]) > 1:
        raise Unauthenticated
    return text


def _is_allowed_origin(origin: bytes) -> bool:
    text = origin.decode("latin-1").lower()
    if text in settings.ALLOWED_ORIGINS:
        return True
    scheme, _, host = text.partition("://")
    return bool(settings.DEV) and scheme in {"http", "https"} and is_loopback_host(host)


async def _read_body(receive: Receive, check_size: Callable[[int], None]) -> bytes:
    """Return a request's body, whose size is checked as it grows.

    Raises:
        BadUserInput: it was not complete after ``BODY_SECONDS``.
        ClientGone: it will never be.
    """
    body = bytearray()
    try:
        async with asyncio.timeout(BODY_SECONDS):
            while True:
                message = await receive()
                if message["type"] == "http.disconnect":
                    raise ClientGone
                body += message.get("body", b"")
                check_size(len(body))
                if not message.get("more_body", False):
                    return bytes(body)
    except TimeoutError:
        raise BadUserInput(f"The request was not complete after {BODY_SECONDS} seconds.") from None


def check_values(body: bytes | bytearray) -> None:
    """Refuse a body in JSON of very many values, by what stands between them; base64 holds none of it.

    Raises:
        BadUserInput
    """
    if len(body) > MOST_VALUES and sum(body.count(mark) for mark in (b",", b"[", b"{")) > MOST_VALUES:
        raise BadUserInput("The request holds more values than any operation takes.")


@contextmanager
def body_limit(principal: BearerPrincipal | None) -> Iterator[Callable[[int], None]]:
    """Yield what to tell the size of a body, as soon as it is known and as it grows; for one thread.

    The size is checked against what the caller may send: more than ``LARGE_BODY`` only with write, and no more than
    ``MOST_LARGE`` such bodies of each organization until the block ends.

    Raises:
        PayloadTooLarge, RateLimited: by what is yielded.
    """
    held: set[int] = set()

    def check(size: int) -> None:
        if principal is None:
            if size > ANONYMOUS_BODY:
                raise PayloadTooLarge(f"A request without a credential may have {ANONYMOUS_BODY // 1024} KB.")
        elif size > LARGE_BODY and not held:
            if not principal.has_write:
                raise PayloadTooLarge("A request over 1 MB holds a file, which needs a credential with write access.")
            organizations = {organization.id for organization in principal.organizations}
            if any(_large[organization] >= MOST_LARGE for organization in organizations):
                raise RateLimited(retry_after=RETRY_SECONDS)
            held.update(organizations)
            _large.update(held)

    try:
        yield check
    finally:
        _large.subtract(held)
        for organization in held:
            if not _large[organization]:
                del _large[organization]


async def guarded(work: Awaitable[Result]) -> Result:
    """Return what ``work`` comes to; whatever goes wrong unexpectedly is logged, and is a ``RasterError``.

    Raises:
        ServiceUnavailable: the database is out of reach.
        InternalServerError: anything else.
    """
    try:
        return await work
    except (RasterError, ClientGone):
        raise
    except (OperationalError, InterfaceError) as error:
        logger.error("The database is out of reach", exc_info=error)
        raise ServiceUnavailable from None
    except Exception as error:
        logger.error("An operation failed", exc_info=error)
        raise InternalServerError from None


async def send_answer(
    send: Send, status: int, headers: Mapping[str, str], body: bytes, *, is_head: bool = False
) -> None:
    """Send an answer with a body, which the answer to a HEAD request tells the length of alone."""
    raw = [*_raw(headers), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": raw})
    await send({"type": "http.response.body", "body": b"" if is_head else body})


def _raw(headers: Mapping[str, str]) -> list[tuple[bytes, bytes]]:
    return [(name.lower().encode(), value.encode("latin-1")) for name, value in headers.items()]


def refusal_headers(error: RasterError, scope: Scope, transport: Transport, path: str) -> dict[str, str]:
    """Return what an error's answer says besides its body; ``path`` is the resource's, for its metadata."""
    headers: dict[str, str] = {}
    if isinstance(error, InvalidAPIKey):
        # Without the metadata, which would make clients start OAuth.
        headers["WWW-Authenticate"] = 'Bearer error="invalid_token"'
    elif isinstance(error, Unauthenticated) or (isinstance(error, InsufficientScope) and not error.withheld):
        headers["WWW-Authenticate"] = _challenge(error, scope, transport, path)
    if isinstance(error, MethodNotAllowed):
        headers["Allow"] = error.allowed
    if error.retry_after is not None:
        headers["Retry-After"] = str(error.retry_after)
    return headers


def _challenge(error: RasterError, scope: Scope, transport: Transport, path: str) -> str:
    """Return the challenge (RFC 6750, section 3, and RFC 9728, section 5.1), which names every scope ever needed."""
    metadata = metadata_url(scope["scheme"], transport.host, path)
    parts = [f'resource_metadata="{metadata}"', f'scope="{CHALLENGED}"']
    if isinstance(error, InsufficientScope):
        parts.insert(0, 'error="insufficient_scope"')
    elif b"authorization" in transport.headers:
        parts.insert(0, 'error="invalid_token"')
    return f"Bearer {', '.join(parts)}"
