"""What the doors of all APIs ask of a request before its body is read, and what their refusals say of credentials."""

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from starlette.types import Scope

from connections.resources import metadata_url
from connections.scopes import CHALLENGED
from orgs.access import BearerPrincipal
from raster.errors import (
    BadUserInput,
    InsufficientScope,
    InvalidAPIKey,
    MethodNotAllowed,
    PayloadTooLarge,
    RasterError,
    RateLimited,
    Unauthenticated,
)
from raster.transport import Transport

_large: Counter[int] = Counter()
RETRY_SECONDS = 5
#: In a body of more bytes than values its values are counted: parsing millions holds the interpreter for seconds.
MOST_VALUES = 50_000
#: A larger body is a file, or costs more than any arguments need to.
LARGE_BODY = 1024 * 1024
#: Large bodies at the same time in this process, of the callers of one organization.
MOST_LARGE = 2
#: The largest body that comes without a credential.
ANONYMOUS_BODY = 64 * 1024


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
