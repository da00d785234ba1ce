"""The records that the examples of operations answer with: a day at Acme's library Barcelona."""

from typing import Any, TypeVar

from django.conf import settings

from apikeys.contracts import StartedOrganization
from assets.contracts import (
    MOST_FILES,
    ApprovalRecord,
    AssetRecord,
    Highlights,
    LibraryRecord,
    Person,
    SearchHit,
    SearchResult,
    TagRecord,
    Uploaded,
    UploadLinkRecord,
    VariantRecord,
)
from orgs.contracts import Identity, LibraryAccess
from raster.contracts import Page, Record

AnyRecord = TypeVar("AnyRecord", bound=Record)

ACME = {"organizationId": "acme"}
BARCELONA = {**ACME, "libraryId": "barcelona"}
ASSET_ID = "4Zt0pQx8yWb3kDf6sLm2Rv"
VARIANT_ID = "7Hn1cVg5uJe9aTq4oXi8Kz"
ASSET_AT_BARCELONA = {**BARCELONA, "assetId": ASSET_ID}
MOMENT = 1_782_900_000_000
#: A file of one point, in base64.
SOURCE = {
    "kind": "base64",
    "filename": "dot.svg",
    "mimeType": "image/svg+xml",
    "data": "PHN2ZyB4bWxucz0iaHR0cDovL3d3dy53My5vcmcvMjAwMC9zdmciIHdpZHRoPSIxIiBoZWlnaHQ9IjEiLz4=",
}
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


def an_asset(**changed: Any) -> AssetRecord:
    described = {"description": "The old harbor at noon.", "tags": ["harbor", "sea"], "approval": APPROVAL}
    variant = VariantRecord(
        **{**_facts(VARIANT_ID, "Harbor, cropped", 1200, 1200), "type": "variant", "parent_id": ASSET_ID}
    )
    return AssetRecord(**{**_facts(ASSET_ID, "Harbor", 4000, 3000), **described, "variants": [variant], **changed})


def a_library(tags: tuple[TagRecord, ...] = (), **changed: Any) -> LibraryRecord:
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


def a_page(record: AnyRecord, page_size: int = 50) -> Page[AnyRecord]:
    """Return a page with one record."""
    return Page[type(record)](data=[record], page=1, page_size=page_size, total=1)  # type: ignore[misc, operator, no-any-return]


def a_search() -> SearchResult:
    """Return what a search for "harbor" finds."""
    asset = an_asset()
    hit = SearchHit(
        **asset.model_dump(exclude={"variants"}, by_alias=False),
        derivatives=asset.derivatives,
        variants=asset.variants,
        score=9,
        highlights=Highlights(
            name="<mark>Harbor</mark>", description="The old <mark>harbor</mark> at noon.", tags=["harbor"]
        ),
    )
    return SearchResult(hits=[hit], found=1, found_capped=False, page=1)


IDENTITY = Identity(
    organization_id="acme",
    organization_name="Acme",
    libraries=[LibraryAccess(library="barcelona", access="write"), LibraryAccess(library="paris", access="read")],
)
STARTED = StartedOrganization(
    organization_id="acme-k3v8q1zd",
    library_id="library",
    api_key="rstk_…",
    claim_url=f"{settings.BASE_URL}/claim/rstc_…",
    expires_at=MOMENT + 30 * 24 * 3600 * 1000,
    email_sent=True,
)
UPLOADED = Uploaded(
    response_text="Uploaded 1 file.",
    assets=[an_asset(description="", tags=[], approval=None, variants=[], sizes={}, blurhash=None)],
)
UPLOAD_LINK = UploadLinkRecord(
    url=LINK,
    expires_at=MOMENT + 600_000,
    curl=f'curl --fail-with-body -sS -F "file=@PATH" "{LINK}"',
    max_files=MOST_FILES,
    max_bytes=settings.MAX_FILE_SIZE,
)
