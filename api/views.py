"""Pages about the APIs."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.cache import patch_vary_headers
from django.views.decorators.http import require_safe

from api.catalogue import VERSIONS
from api.graphql import reference as graphql
from api.rest.reference import reference
from api.rest.versions import CURRENT
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
def graphql_reference(request: HttpRequest) -> HttpResponse:
    """Show the GraphQL schema with requests, which name a library of the user who is signed in."""
    library, ids = None, {}
    if request.user.is_authenticated:
        library = principal_for_user(request).libraries().select_related("organization").first()
    if library:
        slug = library.slug
        ids = {"organizationId": library.organization.slug, "libraryId": slug, "sourceLibraryId": slug}
    response = render(request, "api/graphql.html", {"library": library, "reference": graphql.reference(ids)})
    patch_vary_headers(response, ["Accept", "Authorization"])  # by which programs reach the API at this URL
    return response
