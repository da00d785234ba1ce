"""Searching every library of an organization that the person reaches."""

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from assets.contracts import SEARCH_LENGTH
from assets.views.grids import search_grid
from orgs.principal import organization_page, principal_for_user


@require_safe
@login_required
def search(request: HttpRequest, organization: str) -> HttpResponse:
    """Show what a search finds, each with its library."""
    principal = principal_for_user(request)
    owner = principal.organization(organization)
    libraries = principal.libraries().filter(organization_id=owner.id)
    context = {
        **organization_page(principal, owner),
        "grid": search_grid(principal, {"organization_id": organization}, request, libraries),
        "searched": request.GET.get("q", "").strip(),
        "search_length": SEARCH_LENGTH,
    }
    return render(request, "assets/search.html", context)
