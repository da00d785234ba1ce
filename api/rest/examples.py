"""What each endpoint is asked and answers in the OpenAPI document: a day at Acme's library Barcelona."""

from typing import Any

from django.conf import settings

from apikeys.contracts import StartedOrganization
from assets.contracts import (
    MOST_FILES,
    ApprovalRecord,
    Approved,
    AssetRecord,
    Deleted,
    Described,
    Highlights,
    LibraryRecord,
    Person,
    Restored,
    SearchHit,
    SearchResult,
    Tagged,
    TagRecord,
    Transferred,
    Untagged,
    Uploaded,
    UploadLinkRecord,
    VariantRecord,
)
from orgs.contracts import Identity, LibraryAccess
from raster.contracts import Page, Record

ORGANIZATION = {"organizationId": "acme"}
LIBRARY = {**ORGANIZATION, "libraryId": "barcelona"}
ASSET_ID = "4Zt0pQx8yWb3kDf6sLm2Rv"
VARIANT_ID = "7Hn1cVg5uJe9aTq4oXi8Kz"
ASSET = {**LIBRARY, "assetId": ASSET_ID}
MOMENT = 1_782_900_000_000
LINK = f"{settings.BASE_URL}/upload/rstu_…"
TAGS = (TagRecord(id="harbor", count=41), TagRecord(id="sea", count=12))
APPROVAL = ApprovalRecord(state="approved", note="Good to go.", by=Person(name="Alice Jones"), at=MOMENT + 90_000)


def _facts(asset_id: str, name: str, width: int, height: int) -> dict[str, Any]:
    base = f"{settings.MEDIA_BASE_URL}/{asset_id}"
    return {
        "id": asset_id,
        "organization_id": "acme",
        "library_id": "barcelona",
        "name": name,
        "description": "",
        "tags": [],
        "content_type": "image/jpeg",
        "size": width * height // 8,
        "width": width,
        "height": height,
        "blurhash": "LEHV6nWB2yk8pyo0adR*.7kCMdnj",
        "url": f"{base}/harbor.jpg",
        "sizes": {str(size): f"{base}/{size}/{size}-5f1c9b7e.webp" for size in (320, 640, 1280, 2560) if size < width},
        "app_url": f"{settings.BASE_URL}/acme/barcelona/{asset_id}",
        "type": "main",
        "parent_id": None,
        "approval": None,
        "uploaded_by": Person(name="Alice Jones"),
        "created": MOMENT,
        "updated": MOMENT,
        "derivatives": "ready",
    }


def _asset(**changed: Any) -> AssetRecord:
    described = {"description": "The old harbor at noon.", "tags": ["harbor", "sea"], "approval": APPROVAL}
    variant = VariantRecord(
        **{**_facts(VARIANT_ID, "Harbor, cropped", 1200, 1200), "type": "variant", "parent_id": ASSET_ID}
    )
    return AssetRecord(**{**_facts(ASSET_ID, "Harbor", 4000, 3000), **described, "variants": [variant], **changed})


def _library(tags: tuple[TagRecord, ...] = (), **changed: Any) -> LibraryRecord:
    facts: dict[str, Any] = {
        "id": "barcelona",
        "name": "Barcelona",
        "assets_count": 128,
        "photos_count": 120,
        "trash_count": 3,
        "access": "write",
        "tags": [tag.id for tag in tags],
        "used_tags": list(tags),
    }
    return LibraryRecord(**{**facts, **changed})


#: By endpoint: the arguments of a call, and the record that it is answered with.
EXAMPLES: dict[str, tuple[dict[str, Any], Record]] = {
    "whoami": (
        {},
        Identity(
            organization_id="acme",
            organization_name="Acme",
            libraries=[
                LibraryAccess(library="barcelona", access="write"),
                LibraryAccess(library="paris", access="read"),
            ],
        ),
    ),
    "create_organization": (
        {"email": "alice@example.com", "name": "Acme"},
        StartedOrganization(
            organization_id="acme-k3v8q1zd",
            library_id="library",
            api_key="rstk_…",
            claim_url=f"{settings.BASE_URL}/claim/rstc_…",
            expires_at=MOMENT + 30 * 24 * 3600 * 1000,
            email_sent=True,
        ),
    ),
    "list_libraries": (
        {**ORGANIZATION, "page": 1, "pageSize": 50},
        Page[LibraryRecord](data=[_library(TAGS)], page=1, page_size=50, total=1),
    ),
    "create_library": (
        {**ORGANIZATION, "name": "Lisbon"},
        _library(id="lisbon-x4f7", name="Lisbon", assets_count=0, photos_count=0, trash_count=0),
    ),
    "rename_library": ({**LIBRARY, "name": "Barcelona 2026"}, _library(TAGS, name="Barcelona 2026")),
    "list_assets": (
        {**LIBRARY, "page": 1, "pageSize": 50, "tags": ["harbor"]},
        Page[AssetRecord](data=[_asset()], page=1, page_size=50, total=1),
    ),
    "upload_assets": (
        LIBRARY,
        Uploaded(
            response_text="Uploaded 1 file.",
            assets=[_asset(description="", tags=[], approval=None, variants=[], sizes={}, blurhash=None)],
        ),
    ),
    "delete_assets": (
        {**LIBRARY, "ids": [ASSET_ID]},
        Deleted(success=True, message="Moved 1 asset to trash", ids=[ASSET_ID]),
    ),
    "tag_assets": ({**LIBRARY, "assetIds": [ASSET_ID], "tags": ["harbor", "sea"]}, Tagged(tagged_count=2)),
    "untag_assets": ({**LIBRARY, "assetIds": [ASSET_ID], "tags": ["sea"]}, Untagged(untagged_count=1)),
    "transfer_assets": (
        {**ORGANIZATION, "sourceLibraryId": "barcelona", "targetLibraryId": "paris", "assetIds": [ASSET_ID]},
        Transferred(transferred_count=1, source_library_id="barcelona", target_library_id="paris"),
    ),
    "restore_assets": (
        {**LIBRARY, "ids": [ASSET_ID]},
        Restored(success=True, message="Restored 1 asset from trash", ids=[ASSET_ID]),
    ),
    "get_asset": (ASSET, _asset()),
    "rename_asset": ({**ASSET, "name": "Old harbor"}, _asset(name="Old harbor")),
    "update_asset_description": (
        {**ASSET, "description": "The old harbor at noon."},
        Described(asset_id=ASSET_ID, description="The old harbor at noon."),
    ),
    "set_asset_approval": (
        {**ASSET, "state": "approved", "note": "Good to go."},
        Approved(asset_id=ASSET_ID, approval=APPROVAL),
    ),
    "promote_variant": ({**ASSET, "variantId": VARIANT_ID}, _asset(approval=None)),
    "create_upload_link": (
        {**LIBRARY, "expiresIn": 600},
        UploadLinkRecord(
            url=LINK,
            expires_at=MOMENT + 600_000,
            curl=f'curl --fail-with-body -sS -F "file=@PATH" "{LINK}"',
            max_files=MOST_FILES,
            max_bytes=settings.MAX_FILE_SIZE,
        ),
    ),
    "list_tags": (
        {**LIBRARY, "limit": 100},
        Page[TagRecord](data=[TagRecord(id="harbor", count=41)], page=1, page_size=100, total=1),
    ),
    "search_assets": (
        {**ORGANIZATION, "q": "harbor", "libraries": ["barcelona"], "page": 1, "pageSize": 50},
        SearchResult(
            hits=[
                SearchHit(
                    **_asset().model_dump(exclude={"variants"}, by_alias=False),
                    derivatives="ready",
                    variants=_asset().variants,
                    score=9,
                    highlights=Highlights(
                        name="<mark>Harbor</mark>", description="The old <mark>harbor</mark> at noon.", tags=["harbor"]
                    ),
                )
            ],
            found=1,
            found_capped=False,
            page=1,
        ),
    ),
}
