"""What every page's answer carries, and what becomes of a failure on the way to it."""

import logging
from collections.abc import Callable

from django.core.exceptions import PermissionDenied
from django.db import InterfaceError, OperationalError
from django.http import Http404, HttpRequest, HttpResponse

from raster.errors import RasterError, RateLimited
from raster.logs import RECORD
from raster.pages import error_page, service_unavailable, too_large, too_many_attempts

GetResponse = Callable[[HttpRequest], HttpResponse]
#: Where an ASGI scope says that its request's body was too large to be read.
TOO_LARGE = "raster.too_large"

logger = logging.getLogger("raster.pages")


class BrowserPolicyMiddleware:
    """Turns off what no page uses, and keeps pages with a person's data out of shared caches."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        request.encoding = "utf-8"  # of every form, whatever its header says: some that Python knows are no text
        response = self.get_response(request)
        response.headers.setdefault(
            "Permissions-Policy", "camera=(), geolocation=(), microphone=(), payment=(), usb=(), browsing-topics=()"
        )
        response.headers.setdefault("Cache-Control", "private, no-cache")
        return response


class RequestRecordMiddleware:
    """Tells the access log (raster/asgi.py) which route a request took and who made it."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        record: dict[str, object] = getattr(request, "scope", {}).get(RECORD, {})
        if request.resolver_match:
            record["route"] = request.resolver_match.route
        user = getattr(request, "_cached_user", None)  # set where a page asked; asking here would cost a query
        if user is not None and user.is_authenticated:
            record["principal"] = f"user {user.pk}"
        return response


class ErrorPageMiddleware:
    """Answers a :class:`RasterError` that a view raised: what is out of reach is a 404, like what does not exist."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if getattr(request, "scope", {}).get(TOO_LARGE):
            return too_large(request)
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        if isinstance(exception, RasterError):
            if exception.status == 404:
                raise Http404
            if exception.status == 403:
                raise PermissionDenied
            if isinstance(exception, RateLimited):
                return too_many_attempts(request, exception.retry_after)
            return error_page(request, exception.status, exception.message, "Go back and try again.")
        if isinstance(exception, OperationalError | InterfaceError):
            logger.error("The database is out of reach", exc_info=exception)
            response = service_unavailable()
            response._has_been_logged = True  # type: ignore[attr-defined]  # else Django logs it once more  # noqa: SLF001
            return response
        return None
