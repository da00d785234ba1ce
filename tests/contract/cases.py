"""One table of operations: how each is called well, badly and too much. Every transport is asked the same.

An operation without a case fails ``test_every_operation_has_a_case``.
"""

from dataclasses import dataclass, field
from typing import Any

ASSET = "a" * 22
OTHER = "b" * 22
VARIANT = "c" * 22
TRASHED = "d" * 22
LONG = "x" * 20_000
MANY = [f"{number:022}" for number in range(101)]
#: How far an operation reaches, by what its arguments name.
NOTHING, ORGANIZATION, LIBRARY = "nothing", "organization", "library"


@dataclass(frozen=True)
class Case:
    """How an operation is called.

    ``arguments`` are those of a call that succeeds, ``bad`` and ``over`` what is changed of them for one that is
    malformed or over a limit; ``key_refused`` is the code that an API key gets whose level would be enough.
    """

    arguments: dict[str, Any] = field(default_factory=dict)
    bad: dict[str, Any] = field(default_factory=dict)
    over: dict[str, Any] = field(default_factory=dict)
    reach: str = LIBRARY
    writes: bool = False
    key_refused: str = ""
    library: str = "libraryId"

    def at(self, organization: str = "acme", library: str = "barcelona", **changed: Any) -> dict[str, Any]:
        """Return the arguments of a call at a library."""
        place: dict[str, Any] = {}
        if self.reach != NOTHING:
            place["organizationId"] = organization
        if self.reach == LIBRARY:
            place[self.library] = library
        return {**place, **self.arguments, **changed}


CASES: dict[str, Case] = {
    "whoami": Case(reach=NOTHING),
    "list_libraries": Case(
        {"page": 1, "pageSize": 20}, bad={"pageSize": -1}, over={"pageSize": 501}, reach=ORGANIZATION
    ),
    "create_library": Case({"name": "New"}, bad={"name": " "}, over={"name": LONG}, reach=ORGANIZATION, writes=True),
    "rename_library": Case({"name": "Renamed"}, bad={"name": ""}, over={"name": LONG}, writes=True),
    "list_assets": Case({"page": 1, "pageSize": 20}, bad={"pageSize": 0}, over={"pageSize": 501}),
    "get_asset": Case({"assetId": ASSET}, bad={"assetId": LONG[:65]}, over={"assetId": LONG[:100]}),
    "search_assets": Case(
        {"q": "harbor", "libraries": ["barcelona"]},
        bad={"approval": "perhaps"},
        over={"q": LONG[:501]},
        reach=ORGANIZATION,
    ),
    "list_tags": Case({"limit": 20}, bad={"limit": 0}, over={"limit": 501}),
    "tag_assets": Case(
        {"assetIds": [ASSET, OTHER], "tags": ["new"]}, bad={"tags": ["index"]}, over={"assetIds": MANY}, writes=True
    ),
    "untag_assets": Case(
        {"assetIds": [ASSET], "tags": ["sea"]}, bad={"tags": ["a,b"]}, over={"tags": MANY[:21]}, writes=True
    ),
    "rename_asset": Case({"assetId": ASSET, "name": "Quay"}, bad={"name": "\t"}, over={"name": LONG}, writes=True),
    "update_asset_description": Case(
        {"assetId": ASSET, "description": "Boats."},
        bad={"assetId": LONG[:65]},
        over={"description": LONG},
        writes=True,
    ),
    "delete_assets": Case({"ids": [ASSET]}, bad={"ids": []}, over={"ids": MANY}, writes=True),
    "restore_assets": Case({"ids": [TRASHED]}, bad={"ids": []}, over={"ids": MANY}, writes=True),
    "transfer_assets": Case(
        {"targetLibraryId": "paris", "assetIds": [ASSET]},
        bad={"targetLibraryId": "barcelona"},
        over={"assetIds": MANY},
        writes=True,
        library="sourceLibraryId",
    ),
    "set_asset_approval": Case(
        {"assetId": ASSET, "state": "approved", "note": "Good"},
        bad={"state": "fine"},
        over={"note": LONG},
        writes=True,
        key_refused="APPROVAL_REQUIRES_USER",
    ),
    "promote_variant": Case(
        {"assetId": ASSET, "variantId": VARIANT}, bad={"variantId": ""}, over={"variantId": LONG[:65]}, writes=True
    ),
    "create_upload_link": Case({"expiresIn": 60}, bad={"expiresIn": 0}, over={"expiresIn": 901}, writes=True),
}
#: Tools that are another transport's uploads, whose cases are in test_uploads.py.
UPLOADS = {"upload_asset", "upload_assets"}
#: What GraphQL has no field for: an upload link is for shells, which have REST.
NOT_IN_GRAPHQL = {"create_upload_link"}
