"""What every page shares: the site's facts, the look of forms, and the pages that people meet when something fails."""

import re
import sys
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from django.conf import settings
from django.db import InterfaceError, OperationalError
from django.forms.renderers import TemplatesSetting
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.template.loader import render_to_string

from raster.contracts import Page
from raster.logs import request_id

#: Up to here a wait is given in seconds, and beyond in minutes.
LONGEST_IN_SECONDS = 120
PAGE_NUMBER = re.compile(r"[1-9][0-9]{0,5}")


class FormRenderer(TemplatesSetting):
    """Renders forms with templates/components/form.html and fields with templates/components/field.html."""

    form_template_name = "components/form.html"
    field_template_name = "components/field.html"


def site(request: HttpRequest) -> dict[str, Any]:
    """Return what every template may use of this installation."""
    return {
        "base_url": settings.BASE_URL,
        "mcp_url": settings.MCP_URL,
        "signup_open": settings.SIGNUP == "open",
        "mail_configured": settings.MAIL_CONFIGURED,
    }


@dataclass(frozen=True)
class Paging:
    """Where a page of a list stands among its pages, for components/pagination.html."""

    number: int
    count: int

    @classmethod
    def of(cls, page: Page[Any]) -> "Paging":
        return cls(page.page, max(1, -(-page.total // page.page_size)))

    @property
    def previous(self) -> int | None:
        return min(self.number - 1, self.count) if self.number > 1 else None

    @property
    def next(self) -> int | None:
        return self.number + 1 if self.number < self.count else None


def page_number(request: HttpRequest) -> int:
    """Return the page that ``?page=`` asks for; the first for anything that is no page."""
    text = request.GET.get("page", "")
    return int(text) if PAGE_NUMBER.fullmatch(text) else 1


def moment(milliseconds: int) -> datetime:
    """Return a moment of a record for components/time.html."""
    return datetime.fromtimestamp(milliseconds / 1000, UTC)


def error_page(request: HttpRequest, status: int, title: str, advice: str) -> HttpResponse:
    """Return a page that says what happened and what to do."""
    return render(request, "error.html", _facts(status, title, advice), status=status)


def failure_page(status: int, title: str, advice: str) -> HttpResponse:
    """Return a page for a failure of the server: it needs no session, which would be read from the database."""
    return HttpResponse(render_to_string("error.html", _facts(status, title, advice)), status=status)


def _facts(status: int, title: str, advice: str) -> dict[str, Any]:
    return {"status": status, "title": title, "advice": advice, "request_id": request_id.get()}


def service_unavailable() -> HttpResponse:
    response = failure_page(503, "Temporarily unavailable", "Try again in a few seconds.")
    response.headers["Retry-After"] = "5"
    return response


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """Answer a form that does not belong to this session, as one from before a sign-in in another tab."""
    return error_page(
        request, 403, "This form is out of date", "Go back, reload the page and send it again. Nothing was changed."
    )


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    return error_page(request, 400, "This request is not valid", "Go back, reload the page and try again.")


def permission_denied(request: HttpRequest, exception: Exception) -> HttpResponse:
    return error_page(
        request, 403, "Your role does not allow this", "An owner or admin of the organization can do it for you."
    )


def page_not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    return error_page(
        request,
        404,
        "There is nothing here",
        "It may have moved, or it is not shared with the account you signed in with.",
    )


def too_large(request: HttpRequest) -> HttpResponse:
    return error_page(request, 413, "This form is too large", "Nothing was saved. Go back and send less at once.")


def wait_in_words(seconds: int) -> str:
    """Return the sentence for somebody who did something too often."""
    if seconds > LONGEST_IN_SECONDS:
        return f"Too many attempts. Try again in {-(-seconds // 60)} minutes."
    return f"Too many attempts. Try again in {seconds} second{'' if seconds == 1 else 's'}."


def too_many_attempts(request: HttpRequest, retry_after: int) -> HttpResponse:
    """Return the page for somebody who has to wait for ``retry_after`` seconds."""
    response = error_page(request, 429, "Please wait", wait_in_words(retry_after))
    response.headers["Retry-After"] = str(retry_after)
    return response


def server_error(request: HttpRequest) -> HttpResponse:
    # Of a view, raster.middleware.ErrorPageMiddleware sees it first; this one failed around it, as in a session's save.
    if isinstance(sys.exception(), OperationalError | InterfaceError):
        return service_unavailable()
    return failure_page(
        500, "Something went wrong", "The error has been logged. No partial changes were saved. Try again in a moment."
    )
