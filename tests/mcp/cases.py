"""One way to call each tool and resource at a library: a tool without a case here fails the tests that use them."""

import base64
from collections.abc import Callable
from typing import Any

from tests.factories import AssetFactory, Cast

#: A picture of one point, in base64.
DOT = base64.b64encode(b'<svg xmlns="http://www.w3.org/2000/svg" width="1" height="1"/>').decode()
#: What a tool is called with at a library, given the id of an asset that is not there.
Arguments = Callable[[str, str, str], dict[str, Any]]


def _at(**more: Any) -> Arguments:
    def arguments(organization: str, library: str, asset: str) -> dict[str, Any]:
        filled = {
            name: asset if value == "ASSET" else [asset] if value == ["ASSET"] else value
            for name, value in more.items()
        }
        return {"organizationId": organization, "libraryId": library, **filled}

    return arguments


def _transfer(organization: str, library: str, asset: str) -> dict[str, Any]:
    """Move an asset away to Barcelona, or from there to Paris."""
    target = "paris" if library == "barcelona" else "barcelona"
    return {
        "organizationId": organization,
        "sourceLibraryId": library,
        "targetLibraryId": target,
        "assetIds": [asset],
    }


def _search(organization: str, library: str, asset: str) -> dict[str, Any]:
    return {"organizationId": organization, "q": "secret", "libraries": [library]}


READS: dict[str, Arguments] = {
    "search_assets": _search,
    "list_assets": _at(),
    "get_asset": _at(assetId="ASSET"),
    "list_tags": _at(),
}
FILE = {"kind": "base64", "filename": "dot.svg", "mimeType": "image/svg+xml", "data": DOT}
WRITES: dict[str, Arguments] = {
    "upload_asset": _at(source=FILE, parentId="ASSET"),
    "upload_assets": _at(sources=[FILE]),
    "tag_assets": _at(assetIds=["ASSET"], tags=["new"]),
    "untag_assets": _at(assetIds=["ASSET"], tags=["sea"]),
    "update_asset_description": _at(assetId="ASSET", description="Changed"),
    "create_upload_link": _at(),
    "delete_assets": _at(ids=["ASSET"]),
    "restore_assets": _at(ids=["ASSET"]),
    "transfer_assets": _transfer,
    "rename_asset": _at(assetId="ASSET", name="Changed"),
    "set_asset_approval": _at(assetId="ASSET", state="approved"),
    "promote_variant": _at(assetId="ASSET", variantId="b" * 22),
    "rename_library": _at(name="Changed"),
}
#: They refuse an API key, once it reaches the library.
PEOPLE_ONLY = {"set_asset_approval"}
#: They find what is in the trash.
IN_TRASH = {"delete_assets", "restore_assets"}
AT_A_LIBRARY = {**READS, **WRITES}
#: Tools that name an organization and no library of it.
AT_AN_ORGANIZATION: dict[str, dict[str, Any]] = {"list_libraries": {}, "create_library": {"name": "New"}}
#: Tools that name nothing, so that there is nothing to find out with them.
AT_NOTHING = {"whoami"}

RESOURCES_AT_A_LIBRARY = {
    "raster://organizations/{organizationId}/libraries/{libraryId}/assets",
    "raster://organizations/{organizationId}/libraries/{libraryId}/tags",
}
RESOURCES_AT_AN_ORGANIZATION = {"raster://organizations/{organizationId}/libraries"}

UNREACHABLE = ("unknown", "of another organization", "without a grant")


def unreachable(cast: Cast) -> dict[str, tuple[str, str]]:
    """Return organization and library ids that a key of Acme without a grant on Paris must not tell apart."""
    AssetFactory(library=cast.paris, tagged=["secret"])
    AssetFactory(library=cast.secret, tagged=["secret"])
    return {
        "unknown": ("acme", "no-such-one"),
        "of another organization": ("acme", cast.secret.slug),
        "without a grant": ("acme", cast.paris.slug),
    }
