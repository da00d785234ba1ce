"""The paths of the REST API, within it."""

from django.urls import URLPattern, path

from api.rest.endpoints import ENDPOINTS, Endpoint
from api.rest.views import EndpointView


def _paths() -> dict[str, dict[str, Endpoint]]:
    paths: dict[str, dict[str, Endpoint]] = {}
    for endpoint in ENDPOINTS:
        paths.setdefault(endpoint.path, {})[endpoint.method] = endpoint
    return paths


urlpatterns: list[URLPattern] = [
    path(
        template.removeprefix("/").replace("{", "<str:").replace("}", ">"),
        EndpointView.as_view(),
        {"endpoints": endpoints},
    )
    for template, endpoints in _paths().items()
]
