"""The pages of what is connected: a person's own, and an organization's for its owners and admins."""

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from connections.app_policy_form import AppPolicyForm
from connections.contracts import RemoveConnection
from connections.models import AppPolicy
from connections.operations.connections import (
    change_app_policy,
    disconnect,
    disconnect_app,
    list_connected_apps,
    list_member_connections,
    remove_connection,
)
from orgs.principal import principal_for_user

page = require_http_methods(["GET", "HEAD", "POST"])


@require_safe
@login_required
def settings_page(request: HttpRequest) -> HttpResponse:
    """Lead to the first of a person's own settings."""
    return redirect("connected_apps")


@require_safe
@login_required
def own_page(request: HttpRequest) -> HttpResponse:
    """Show a person what they have connected."""
    apps = list_connected_apps(principal_for_user(request))
    return render(request, "connections/connected_apps.html", {"apps": apps})


@require_POST
@login_required
def disconnect_page(request: HttpRequest, connection_id: int) -> HttpResponse:
    """End one connection of the person's own."""
    name = disconnect(principal_for_user(request), connection_id)
    messages.success(request, f"“{name}” was disconnected. Its next request is refused.")
    return redirect("connected_apps")


@require_POST
@login_required
def disconnect_app_page(request: HttpRequest, client_id: int) -> HttpResponse:
    """End all connections of the person's own to an app."""
    name = disconnect_app(principal_for_user(request), client_id)
    messages.success(request, f"“{name}” was disconnected everywhere. Its next request is refused.")
    return redirect("connected_apps")


@page
@login_required
def organization_page(request: HttpRequest, organization: str) -> HttpResponse:
    """Show what an organization's members connected to it; save what they may connect."""
    principal = principal_for_user(request)
    managed = principal.managed_organization(organization)
    policy = AppPolicy.of(managed.id)
    form = AppPolicyForm(request.POST if request.method == "POST" else None, policy=policy)
    if form.is_valid():
        change_app_policy(principal, form.command(managed))
        messages.success(request, "Saved. It holds for what is connected from now on.")
        return redirect("organization_connected_apps", managed.slug)
    connections = list_member_connections(principal, managed)
    context = {"organization": managed, "connections": connections, "form": form}
    return render(request, "connections/organization_apps.html", context)


@require_POST
@login_required
def remove_page(request: HttpRequest, organization: str, connection_id: int) -> HttpResponse:
    """Take the organization out of a member's connection."""
    command = RemoveConnection(organization_id=organization, connection_id=connection_id)
    name = remove_connection(principal_for_user(request), command)
    messages.success(request, f"“{name}” was removed. It is refused here from its next request on.")
    return redirect("organization_connected_apps", organization)
