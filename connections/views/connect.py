"""The page that says to the members of an organization how to connect a client."""

from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from connections.models import AppPolicy
from connections.ready import ready_clients
from connections.resources import organization_mcp_url
from orgs.principal import organization_page, principal_for_user


@require_safe
@login_required
def connect_page(request: HttpRequest, organization: str) -> HttpResponse:
    """Show a member how to connect a client, by this installation's address or by the organization's own."""
    principal = principal_for_user(request)
    reached = principal.organization(organization)
    own_url = organization_mcp_url(reached.slug)
    is_own = request.GET.get("address") == "own"
    address = (own_url, f"raster-{reached.slug}") if is_own else (settings.MCP_URL, "raster")
    context = organization_page(principal, reached)
    facts = {
        "own_url": own_url,
        "is_own": is_own,
        "policy": AppPolicy.of(reached.id),
        "clients": ready_clients(*address),
    }
    return render(request, "connections/connect.html", {**context, **facts})
