"""One request to an API and its answer, for REST and GraphQL: who asks, what came with it, and how it is answered.

Django's middleware does not run here: an API has no cookies, so neither sessions nor their protection.
"""

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, TypeVar

from django.db import DatabaseError, InterfaceError, OperationalError
from starlette.types import Receive, Scope, Send

from accounts.limits import count_request, count_stranger, over_the_rate
from connections.bearer import principal_for_bearer
from connections.doors import check_values, read_authorization, refusal_headers
from connections.resources import API, api_root
from orgs.access import BearerPrincipal, Origin
from raster.deadlines import limited
from raster.errors import (
    BadUserInput,
    Forbidden,
    HTTPSRequired,
    InternalServerError,
    InvalidAPIKey,
    PayloadTooLarge,
    RasterError,
    RateLimited,
    ServiceUnavailable,
    Unauthenticated,
)
from raster.logs import RECORD
from raster.transport import Transport, is_served_host
from raster.workers import Workers, workers, writers

BODY_SECONDS = 30
#: Any origin may call, since what it comes with is in a header that no browser sends by itself.
CORS = {
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Expose-Headers": "Api-Version, RateLimit-Limit, RateLimit-Remaining, RateLimit-Reset, Retry-After, "
    "WWW-Authenticate, X-Request-Id",
}
PREFLIGHT = {
    "Access-Control-Allow-Methods": "GET, POST, PATCH, DELETE",
    "Access-Control-Allow-Headers": "Accept, Api-Version, Apollo-Require-Preflight, Apollographql-Client-Name, "
    "Apollographql-Client-Version, Authorization, Content-Type, Traceparent, X-Apollo-Operation-Name, "
    "X-Requested-With",
    "Access-Control-Max-Age": "7200",
}
POLICY = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}

logger = logging.getLogger("raster.api")
Result = TypeVar("Result")
_recording: dict[tuple[str, int], asyncio.Task[None]] = {}


class ClientGone(Exception):
    """Whoever was asking went away."""


class Exchange:
    """One request and its answer. ``headers`` are those that every answer to it carries."""

    def __init__(self, scope: Scope, receive: Receive, send: Send, transport: Transport, face: str) -> None:
        self.scope = scope
        self.receive = receive
        self.transport = transport
        self.headers: dict[str, str] = {**POLICY, **CORS}
        self._send = send
        self._face = face
        self._is_counted = False

    @property
    def method(self) -> str:
        method: str = self.scope["method"]
        return method

    @property
    def origin(self) -> Origin:
        """Where the request came from, for the audit log."""
        user_agent = self.transport.headers.get(b"user-agent", b"").decode("latin-1")
        return Origin(self._face, self.transport.address, user_agent, self.scope[RECORD]["id"])

    @property
    def is_preflight(self) -> bool:
        return self.method == "OPTIONS" and b"access-control-request-method" in self.transport.headers

    def check_transport(self) -> None:
        """Refuse what came by another name or without HTTPS.

        Raises:
            Forbidden, HTTPSRequired
        """
        if not is_served_host(self.transport.host):
            raise Forbidden("This host name is not served here.")
        if not self.transport.accepted:
            raise HTTPSRequired

    async def run(self, operation: Callable[[BearerPrincipal], Result], pool: Workers = workers) -> Result:
        """Return what ``operation`` returns for whoever sent the request, who is looked up in the same thread.

        Raises:
            Unauthenticated, InvalidAPIKey: nobody who is let in.
            RateLimited: whoever it is asks too often; a request counts once, however often it is looked up.
            ServiceUnavailable: the database is out of reach.
            InternalServerError: something unexpected, which was logged.
        """
        try:
            text = read_authorization(self.scope, self.transport.headers)
        except Unauthenticated:
            count_stranger(self.transport.address)
            raise
        origin = self.origin
        counted, self._is_counted = not self._is_counted, True

        def with_principal() -> tuple[BearerPrincipal, Result | RasterError]:
            principal = principal_for_bearer(text, origin, API)
            try:
                if counted:
                    self._count(principal)
                return principal, operation(principal)
            except RasterError as refusal:
                return principal, refusal

        try:
            principal, outcome = await self.in_worker(with_principal, pool)
        except (Unauthenticated, InvalidAPIKey):
            count_stranger(self.transport.address)
            raise
        self.scope[RECORD]["principal"] = principal.log_name
        if principal.use_is_due:
            _record_use(principal)
        if isinstance(outcome, RasterError):
            raise outcome
        return outcome

    def _count(self, principal: BearerPrincipal) -> None:
        try:
            standing = count_request(principal.credential)
        except RateLimited as over:
            self.headers |= over_the_rate(over).headers
            raise
        if standing is not None:
            self.headers |= standing.headers

    async def authenticate(self) -> BearerPrincipal:
        """Return who sent the request, before its body is read. Raises as :meth:`run`."""
        return await self.run(lambda principal: principal)

    async def in_worker(self, function: Callable[[], Result], pool: Workers) -> Result:
        """Return what ``function`` returns in a thread of the pool. Raises as :meth:`guarded`."""
        return await self.guarded(pool.run(function))

    async def guarded(self, work: Awaitable[Result]) -> Result:
        """Return what ``work`` comes to; whatever goes wrong is a ``RasterError``.

        Raises:
            ClientGone: nobody waits for it any more.
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

    async def body(self, most: int) -> bytes:
        """Return the request's body.

        Raises:
            PayloadTooLarge: it has more than ``most`` bytes.
            BadUserInput: it was not complete after ``BODY_SECONDS``.
            ClientGone: it will never be.
        """
        declared = self.transport.headers.get(b"content-length", b"")
        if declared.isdigit() and int(declared) > most:
            raise PayloadTooLarge
        body = bytearray()
        try:
            async with asyncio.timeout(BODY_SECONDS):
                while True:
                    message = await self.receive()
                    if message["type"] == "http.disconnect":
                        raise ClientGone
                    body += message.get("body", b"")
                    if len(body) > most:
                        raise PayloadTooLarge
                    if not message.get("more_body", False):
                        check_values(body)
                        return bytes(body)
        except TimeoutError:
            raise BadUserInput(f"The request was not complete after {BODY_SECONDS} seconds.") from None

    async def answer(self, status: int, headers: Mapping[str, str], body: bytes) -> None:
        """Send an answer."""
        raw = [(name.lower().encode(), value.encode("latin-1")) for name, value in {**self.headers, **headers}.items()]
        raw.append((b"content-length", str(len(body)).encode()))
        await self._send({"type": "http.response.start", "status": status, "headers": raw})
        await self._send({"type": "http.response.body", "body": b"" if self.method == "HEAD" else body})

    async def answer_json(self, status: int, body: Any, headers: Mapping[str, str] | None = None) -> None:
        """Send an answer in JSON."""
        text = json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()
        await self.answer(status, {"Content-Type": "application/json", **(headers or {})}, text)

    def refusal_headers(self, error: RasterError) -> dict[str, str]:
        """Return what an error's answer says besides its body, and write the error's code into the access log."""
        self.scope[RECORD]["error"] = error.code
        return refusal_headers(error, self.scope, self.transport, api_root(self.transport.host))


def _record_use(principal: BearerPrincipal) -> None:
    """Have the use of a credential written down while the answer is on its way; once at a time for each."""
    if principal.credential not in _recording:
        task = asyncio.create_task(_recorded(principal))
        _recording[principal.credential] = task
        task.add_done_callback(lambda _: _recording.pop(principal.credential, None))


async def _recorded(principal: BearerPrincipal) -> None:
    try:
        with limited():  # a wait for this row is not the request's
            await writers.run(principal.record_use)
    except (DatabaseError, InterfaceError) as error:
        logger.warning("The use of a credential was not recorded", exc_info=error)


async def finish_recording() -> None:
    """Wait for what is still being written down."""
    if _recording:
        await asyncio.wait(_recording.values())
