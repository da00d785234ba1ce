"""Pages about the APIs."""

from functools import cache
from typing import Any

from csp.decorators import csp_update
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe
from graphql import build_schema, introspection_from_schema

from api.catalogue import VERSIONS
from api.graphql.schema import schema
from api.rest.reference import reference
from api.rest.versions import CURRENT
from orgs.operations import manages_any_organization
from orgs.principal import principal_for_user


@require_safe
def rest_reference(request: HttpRequest) -> HttpResponse:
    """Show the OpenAPI document of a version of the REST API."""
    version = request.GET.get("version", CURRENT)
    if version not in VERSIONS:
        version = CURRENT
    context = {"version": version, "versions": VERSIONS[::-1], "reference": reference(version)}
    return render(request, "api/reference.html", context)


@require_safe
@login_required
@csp_update({"font-src": ["data:"]})  # GraphiQL's own
def graphql_playground(request: HttpRequest) -> HttpResponse:
    """Let owners and admins try GraphQL, with a credential that the page asks for."""
    if not manages_any_organization(principal_for_user(request)):
        raise Http404
    return render(request, "api/graphql.html", {"schema": schema.as_str(), "introspection": introspection()})


@cache
def introspection() -> dict[str, Any]:
    """Return the schema as GraphiQL reads it, so that it knows the fields before it has a credential."""
    return dict(introspection_from_schema(build_schema(schema.as_str())))
