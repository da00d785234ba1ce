"""One way to call each endpoint at a library, out of the example that the OpenAPI document has of it."""

from typing import Any

from api.rest.endpoints import ENDPOINTS, FILES, Endpoint
from api.rest.examples import ASSET_ID, EXAMPLES
from tests.api.uploading import JPEG

#: They name nothing, so that there is nothing to find out with them.
AT_NOTHING = {"whoami", "create_organization"}
#: They name an organization and no library of it.
AT_AN_ORGANIZATION = {"list_libraries", "create_library"}
#: They find what is in the trash.
IN_TRASH = {"delete_assets", "restore_assets"}
#: They refuse an API key, once it reaches the library.
PEOPLE_ONLY = {"set_asset_approval"}
BY_NAME = {endpoint.name: endpoint for endpoint in ENDPOINTS}
AT_A_LIBRARY = [name for name in BY_NAME if name not in AT_NOTHING | AT_AN_ORGANIZATION]
AT_AN_ASSET = [name for name in AT_A_LIBRARY if ASSET_ID in str(EXAMPLES[name][0])]
WRITES = [name for name in AT_A_LIBRARY if BY_NAME[name].writes]


def arguments_of(
    endpoint: Endpoint, organization: str = "acme", library: str = "barcelona", asset: str = ASSET_ID
) -> dict[str, Any]:
    """Return the arguments of a call at these places."""
    instead = {
        "organizationId": organization,
        "libraryId": library,
        "sourceLibraryId": library,
        "targetLibraryId": "paris" if library == "barcelona" else "barcelona",
        "libraries": [library],
        "assetId": asset,
        "assetIds": [asset],
        "ids": [asset],
    }
    return {name: instead.get(name, value) for name, value in EXAMPLES[endpoint.name][0].items()}


def request_of(endpoint: Endpoint, *place: str) -> tuple[str, str, dict[str, Any]]:
    """Return method, path and what else a request has that calls an endpoint at these places."""
    arguments = arguments_of(endpoint, *place)
    path = endpoint.path
    for name in endpoint.places:
        path = path.replace(f"{{{name}}}", arguments.pop(name))
    if endpoint.takes_files:
        return endpoint.method, path, {"files": [(FILES, JPEG)]}
    return endpoint.method, path, {"json" if endpoint.takes_body else "params": arguments}
