"""Who asks for a page, and what the pages of an organization share."""

from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest

from orgs.access import OrganizationRef, Origin, UserPrincipal
from raster.logs import RECORD

MOST_IN_SIDEBAR = 50


def principal_for_user(request: HttpRequest) -> UserPrincipal:
    """Return the signed-in person who asks for a page.

    Raises:
        PermissionDenied: nobody is signed in, which ``login_required`` tells more kindly.
    """
    if not request.user.is_authenticated:
        raise PermissionDenied
    record: dict[str, Any] = getattr(request, "scope", {}).get(RECORD, {})
    origin = Origin(
        face="web",
        address=request.META.get("REMOTE_ADDR", ""),
        user_agent=request.headers.get("User-Agent", ""),
        request_id=record.get("id", ""),
    )
    return UserPrincipal(origin, request.user)


def organization_page(principal: UserPrincipal, organization: OrganizationRef) -> dict[str, Any]:
    """Return what layouts/organization.html shows around a page: the person's libraries, and what they may do."""
    return {
        "organization": organization,
        # One more than are shown tells that there are more.
        "sidebar_libraries": principal.libraries().filter(organization_id=organization.id)[: MOST_IN_SIDEBAR + 1],
        "most_in_sidebar": MOST_IN_SIDEBAR,
        "may_manage": principal.sees_every_library(organization),
    }
