"""The library that a page is of: found by who asks, with the level that the page needs, before anything else."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import Any, Concatenate, ParamSpec

from django.contrib.auth.decorators import login_required
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, resolve_url
from django.views.decorators.http import require_safe

from orgs.access import Level, OrganizationRef
from orgs.models import Library
from orgs.principal import MOST_IN_SIDEBAR, PagePrincipal, organization_page, principal_for_user

P = ParamSpec("P")


@dataclass(frozen=True)
class Place:
    """A library, and who asks for a page of it."""

    principal: PagePrincipal
    organization: OrganizationRef
    library: Library

    @property
    def ids(self) -> dict[str, str]:
        """The arguments by which operations know it."""
        return {"organization_id": self.organization.slug, "library_id": self.library.slug}

    @property
    def may_write(self) -> bool:
        return self.library.level >= Level.WRITE

    def page(self) -> dict[str, Any]:
        """Return what every page of the library shows."""
        page = organization_page(self.principal, self.organization)
        return {**page, "library": self.library, "may_write": self.may_write}

    def other_libraries(self) -> QuerySet[Library]:
        """Return the organization's other libraries in which the person may change something, by name."""
        enough: Any = {"level__gte": Level.WRITE}  # annotated by libraries(), which the types do not see
        reach = self.principal.libraries().filter(organization_id=self.organization.id, **enough)
        return reach.exclude(pk=self.library.pk).order_by("name", "slug")

    def loaded_libraries(self) -> list[Library] | None:
        """Return the same from the sidebar; None where that does not hold them all."""
        first = self.principal.first_libraries(self.organization)
        if len(first) > MOST_IN_SIDEBAR:
            return None
        return [each for each in first if each.level >= Level.WRITE and each != self.library]


View = Callable[Concatenate[HttpRequest, Place, P], HttpResponse]


def for_readers(view: View[P]) -> Callable[..., HttpResponse]:
    """Show a page to whoever may read the library."""

    @require_safe
    @login_required
    @wraps(view)
    def guarded(request: HttpRequest, organization: str, library: str, *args: P.args, **kwargs: P.kwargs) -> Any:
        return view(request, _place(request, organization, library, Level.READ), *args, **kwargs)

    return guarded


def for_writers(view: View[P]) -> Callable[..., HttpResponse]:
    """Show a page to whoever may change something in the library."""

    @require_safe
    @login_required
    @wraps(view)
    def guarded(request: HttpRequest, organization: str, library: str, *args: P.args, **kwargs: P.kwargs) -> Any:
        return view(request, _place(request, organization, library, Level.WRITE), *args, **kwargs)

    return guarded


def changing(view: View[P]) -> Callable[..., HttpResponse]:
    """Let whoever may change something in the library send a form.

    Who comes to its address in another way, as after signing in anew, is led to the page that has the form.
    """

    @login_required
    @wraps(view)
    def guarded(request: HttpRequest, organization: str, library: str, *args: P.args, **kwargs: P.kwargs) -> Any:
        place = _place(request, organization, library, Level.WRITE)
        if request.method != "POST":
            return back(request, place, str(kwargs.get("asset") or ""))
        return view(request, place, *args, **kwargs)

    return guarded


def back(request: HttpRequest, place: Place, asset: str = "") -> HttpResponse:
    """Lead to an asset's page, or to the library as it was looked at: the form's address has the same query."""
    slugs = (place.organization.slug, place.library.slug)
    if asset:
        return redirect("asset", *slugs, asset)
    query = request.GET.urlencode()
    return redirect(resolve_url("library", *slugs) + (f"?{query}" if query else ""))


def _place(request: HttpRequest, organization: str, library: str, level: Level) -> Place:
    principal = principal_for_user(request)
    row = principal.library(organization, library, level)
    return Place(principal, principal.organization(organization), row)
