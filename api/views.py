"""Pages about the APIs."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from api.rest.reference import reference
from api.rest.versions import CURRENT, VERSIONS


@require_safe
def rest_reference(request: HttpRequest) -> HttpResponse:
    """Show the OpenAPI document of a version of the REST API."""
    version = request.GET.get("version", CURRENT)
    if version not in VERSIONS:
        version = CURRENT
    context = {"version": version, "versions": VERSIONS[::-1], "reference": reference(version)}
    return render(request, "api/reference.html", context)
