"""What the endpoints of the authorization server have in common: errors, CORS, and what they refuse before anything."""

import logging
from collections.abc import Callable
from functools import wraps
from typing import Any

from django.core.exceptions import BadRequest, SuspiciousOperation
from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.http.multipartparser import MultiPartParserError
from django.views.decorators.csrf import csrf_exempt

from orgs.access import Origin
from raster.errors import HTTPSRequired, MethodNotAllowed, RasterError, RateLimited, ServiceUnavailable
from raster.logs import RECORD

logger = logging.getLogger("raster.connections")
Endpoint = Callable[[HttpRequest], HttpResponse]
PREFLIGHT_SECONDS = 7200
ALLOWED_HEADERS = "Authorization, Content-Type, MCP-Protocol-Version, Traceparent"


class OAuthError(Exception):
    """A failure that a client is told in the protocol's words (RFC 6749, section 5.2).

    ``error`` is a code of the protocol; ``description`` is for the client's developer and holds no secret.
    """

    def __init__(self, error: str, description: str, status: int = 400, headers: dict[str, str] | None = None) -> None:
        self.error = error
        self.description = description
        self.status = status
        self.headers = headers or {}
        super().__init__(f"{error}: {description}")

    def answer(self) -> HttpResponse:
        body = {"error": self.error, "error_description": self.description}
        return JsonResponse(body, status=self.status, headers=self.headers)


def oauth_endpoint(*methods: str) -> Callable[[Endpoint], Endpoint]:
    """Make a view an endpoint that programs call, browsers of any origin included.

    Over HTTPS alone, with these methods, without cookies. A request over plain HTTP is refused rather than redirected:
    what it carries was already seen on the way.
    """

    def decorate(view: Endpoint) -> Endpoint:
        @csrf_exempt
        @wraps(view)
        def endpoint(request: HttpRequest) -> HttpResponse:
            response = _answer(view, request, methods)
            response.headers["Access-Control-Allow-Origin"] = "*"
            response.headers.setdefault("Cache-Control", "no-store")
            return response

        return endpoint

    return decorate


def _answer(  # noqa: PLR0911 - one for each kind of failure
    view: Endpoint, request: HttpRequest, methods: tuple[str, ...]
) -> HttpResponse:
    allowed = ", ".join(methods)
    if request.method == "OPTIONS":
        headers = {
            "Access-Control-Allow-Methods": allowed,
            "Access-Control-Allow-Headers": ALLOWED_HEADERS,
            "Access-Control-Max-Age": str(PREFLIGHT_SECONDS),
            "Allow": allowed,
        }
        return HttpResponse(status=204, headers=headers)
    try:
        if not is_accepted(request):
            raise HTTPSRequired
        if request.method not in methods:
            raise MethodNotAllowed(*methods)
        request.encoding = "utf-8"  # of every parameter (RFC 6749, appendix B), whatever the request's header says
        return view(request)
    except OAuthError as error:
        return error.answer()
    except (BadRequest, MultiPartParserError, SuspiciousOperation):
        return OAuthError("invalid_request", "The request cannot be read.").answer()
    except RateLimited as error:
        return _later(error)
    except (OperationalError, InterfaceError) as error:
        logger.error("The database is out of reach", exc_info=error)
        return _later(ServiceUnavailable())
    except RasterError as error:
        headers = {"Allow": error.allowed} if isinstance(error, MethodNotAllowed) else {}
        body = error.body
        return JsonResponse(body, status=error.status, headers=headers)


def check_parameters(request: HttpRequest) -> None:
    """Refuse parameters in the address, which is written down on the way, and those that are sent more than once.

    Several resources can be named (RFC 8707, section 2).

    Raises:
        OAuthError: ``invalid_request``.
    """
    if request.META.get("QUERY_STRING"):
        raise OAuthError("invalid_request", "Send the parameters in the body.")
    if any(len(values) > 1 for name, values in request.POST.lists() if name != "resource"):
        raise OAuthError("invalid_request", "A parameter is sent more than once.")


def _later(error: RasterError) -> HttpResponse:
    """Answer that the same request may succeed later."""
    headers = {"Retry-After": str(error.retry_after)}
    refusal = OAuthError("temporarily_unavailable", error.message, error.status, headers)
    return refusal.answer()


def is_accepted(request: HttpRequest) -> bool:
    """Return whether the request came over HTTPS, or over loopback in development (raster/transport.py)."""
    accepted: bool = getattr(request, "scope", {}).get("raster.accepted", request.is_secure())
    return accepted


def origin_of(request: HttpRequest, face: str = "oauth") -> Origin:
    """Return where a request of a client came from, for the audit log."""
    record: dict[str, Any] = getattr(request, "scope", {}).get(RECORD, {})
    return Origin(
        face=face,
        address=request.META.get("REMOTE_ADDR", ""),
        user_agent=request.headers.get("User-Agent", ""),
        request_id=record.get("id", ""),
    )
