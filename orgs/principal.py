"""Who asks for a page, and what the pages of an organization share."""

from dataclasses import dataclass, field
from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest

from orgs.access import OrganizationRef, Origin, UserPrincipal
from orgs.models import Library, Membership
from raster.logs import RECORD

MOST_IN_SIDEBAR = 50


@dataclass(frozen=True)
class PagePrincipal(UserPrincipal):
    """The person who asks for a page: what they reach is looked up once a request.

    Changes do not rely on what is kept: ``library(lock=True)`` and ``role_in`` ask the database each time.
    """

    _memberships: dict[str, Membership] = field(default_factory=dict, init=False, repr=False, compare=False)
    _libraries: dict[tuple[str, str], Library] = field(default_factory=dict, init=False, repr=False, compare=False)
    _first: dict[int, list[Library]] = field(default_factory=dict, init=False, repr=False, compare=False)

    def sees_every_library(self, organization: OrganizationRef) -> bool:
        return self._membership(organization.slug).role in Membership.MANAGERS

    def _membership(self, slug: str) -> Membership:
        if slug not in self._memberships:
            self._memberships[slug] = super()._membership(slug)
        return self._memberships[slug]

    def _reached(self, organization: str, library: str) -> Library:
        if (organization, library) not in self._libraries:
            row = super()._reached(organization, library)
            row.organization = self._membership(organization).organization
            self._libraries[organization, library] = row
        return self._libraries[organization, library]

    def first_libraries(self, organization: OrganizationRef) -> list[Library]:
        """Return the libraries that the person reaches there, by name: one more than the sidebar shows, at most."""
        if organization.id not in self._first:
            reach = self.libraries().filter(organization_id=organization.id).order_by("name", "slug")
            self._first[organization.id] = list(reach[: MOST_IN_SIDEBAR + 1])
        return self._first[organization.id]


def principal_for_user(request: HttpRequest) -> PagePrincipal:
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
    return PagePrincipal(origin, request.user)


def organization_page(principal: PagePrincipal, organization: OrganizationRef) -> dict[str, Any]:
    """Return what layouts/organization.html shows around a page: the person's libraries, and what they may do."""
    return {
        "organization": organization,
        # One more than are shown tells that there are more.
        "sidebar_libraries": principal.first_libraries(organization),
        "most_in_sidebar": MOST_IN_SIDEBAR,
        "may_manage": principal.sees_every_library(organization),
    }
