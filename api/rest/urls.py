"""The paths of the REST API, within it."""

import re

from django.urls import URLPattern, path

from api.rest.endpoints import ENDPOINTS, Endpoint
from api.rest.views import EndpointView

ARGUMENT = re.compile(r"{\w+}")


def _paths() -> dict[str, dict[str, Endpoint]]:
    paths: dict[str, dict[str, Endpoint]] = {}
    for endpoint in ENDPOINTS:
        paths.setdefault(endpoint.rest.path, {})[endpoint.rest.method] = endpoint
    return paths


urlpatterns: list[URLPattern] = [
    path(
        template.removeprefix("/").replace("{", "<str:").replace("}", ">"),
        EndpointView.as_view(),
        {"endpoints": endpoints},
    )
    # A word of a path comes before an argument in its place.
    for template, endpoints in sorted(_paths().items(), key=lambda item: ARGUMENT.sub("~", item[0]))
]
