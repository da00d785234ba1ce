"""The principal of a page: whoever signed in."""

from typing import cast

from django.http import HttpRequest

from accounts.models import User
from orgs.access import Origin, UserPrincipal


def principal_for_user(request: HttpRequest) -> UserPrincipal:
    """Return the signed-in person as the principal of a request to a page."""
    record: dict[str, str] = getattr(request, "scope", {}).get("raster.record", {})
    origin = Origin(
        face="web",
        address=request.META.get("REMOTE_ADDR", ""),
        user_agent=request.headers.get("User-Agent", ""),
        request_id=record.get("id", ""),
    )
    return UserPrincipal(origin, cast("User", request.user))
