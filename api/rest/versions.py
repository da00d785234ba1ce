"""The versions of the API, and all that an older one takes and shows differently.

A client pins a version, and its answers keep their shape: the older shapes are written out here, whatever becomes of
the present ones.
"""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, ClassVar, Literal, cast

from django.conf import settings
from pydantic import Field

from api.catalogue import VERSIONS
from api.rest.endpoints import Endpoint
from apikeys.contracts import StartedOrganization
from assets.contracts import (
    AssetRecord,
    LibraryRecord,
    ListAssets,
    ListLibraries,
    Person,
    SearchAssets,
    SearchHit,
    SearchResult,
    TagFilter,
    TagRecord,
    Uploaded,
    UploadLinkRecord,
    VariantRecord,
)
from orgs.access import Principal
from orgs.contracts import AnyIdentity, Identities, Identity
from raster.contracts import Contract, Page, Record
from raster.errors import APIVersionRequired, APIVersionUnsupported
from raster.transport import Transport

MAY, CURRENT = VERSIONS


def asked_version(transport: Transport) -> str:
    """Return what a request's header says of its version; an empty text where there is none."""
    return transport.headers.get(b"api-version", b"").decode("latin-1").strip()


def read_version(version: str) -> str:
    """Return a version that is served.

    Raises:
        APIVersionRequired, APIVersionUnsupported
    """
    if not version:
        raise APIVersionRequired(
            f"Send the version of the API that you use in the header Api-Version: {' or '.join(VERSIONS)}."
        )
    if version not in VERSIONS:
        raise APIVersionUnsupported(f"This version is not served. Those that are: {', '.join(VERSIONS)}.")
    return version


def is_served(version: str, endpoint: Endpoint) -> bool:
    """Return whether a version has an endpoint, on this installation."""
    if endpoint.operation.anonymous and not settings.ANONYMOUS:
        return False
    return VERSIONS.index(endpoint.operation.since) <= VERSIONS.index(version)


def description_of(version: str, endpoint: Endpoint) -> str:
    """Return what people read about an endpoint at a version."""
    return endpoint.operation.about if version != MAY else _DESCRIPTIONS.get(endpoint.name, endpoint.operation.about)


def contract_of(version: str, endpoint: Endpoint) -> type[Contract]:
    """Return what an endpoint takes at a version."""
    return (
        endpoint.operation.takes
        if version != MAY
        else _CONTRACTS.get(endpoint.operation.takes, endpoint.operation.takes)
    )


def record_of(version: str, endpoint: Endpoint) -> type[Record]:
    """Return what an endpoint answers at a version."""
    return (
        endpoint.operation.returns
        if version != MAY
        else _RECORDS.get(endpoint.operation.returns, endpoint.operation.returns)
    )


def operation_of(version: str, endpoint: Endpoint) -> Callable[[Any, Any], Record]:
    """Return what an endpoint that takes no files does at a version."""
    run = endpoint.operation.run
    if version == MAY and endpoint.operation.takes is ListLibraries:
        return lambda principal, command: _list_libraries(principal, command, run)
    return run


def takes_files_as_a_whole(version: str) -> bool:
    """Return whether one file that is refused fails an upload: clients of that time report success otherwise."""
    return version == MAY


def shaped(version: str, record: Record) -> Record:
    """Return a record as a version shows it."""
    shape = _SHAPES.get(type(record)) if version == MAY else None
    return shape(record) if shape else record


# --- 2026-05-20 ----------------------------------------------------------------------------------------------------

_DESCRIPTIONS = {
    "list_libraries": "The libraries that the credential reaches, by name: all of them, or a page where one is named.",
    "upload_assets": "Uploads up to 20 files, all of them or none. The assets are in lists and search at once.",
}
_MOST_TAG_FILTERS = 5
_PAGE_SIZE = 500
#: The widths that stand for what was shown of a picture then: of the sizes that there are, the largest up to these.
_BLURRED, _THUMB, _HIGH = 320, 640, 1280


def _tag_filter() -> Any:
    return Field(
        default=[],
        max_length=_MOST_TAG_FILTERS,
        description="Only assets with at least one of these tags. Case does not matter.",
    )


class _ListAssets(ListAssets):
    tags: list[TagFilter] = _tag_filter()


class _SearchAssets(SearchAssets):
    tags: list[TagFilter] = _tag_filter()
    approval: ClassVar[None] = None  # type: ignore[misc]  # no argument then


class ViewMetadata(Record):
    based_on_id: str | None
    created: int = Field(description="Unix time in milliseconds.")
    name: str
    url: str


class View(Record):
    """A variant of an asset."""

    id: str
    parent_id: str | None
    width: int | None = Field(description="Pixels.")
    height: int | None = Field(description="Pixels.")
    name: str
    url: str
    thumb_url: str
    type: Literal["main", "variant"]
    metadata: ViewMetadata


class AssetOfMay(Record):
    """An asset with its variants, oldest first."""

    id: str
    organization_id: str
    library_id: str
    name: str
    description: str
    tags: list[str]
    content_type: str
    size: int = Field(description="Bytes.")
    width: int | None = Field(description="Pixels.")
    height: int | None = Field(description="Pixels.")
    blurhash: str | None
    url: str = Field(description="The original file. Whoever has the link can read it.")
    thumb_url: str = Field(description=f"A version of up to {_THUMB} pixels in width, or the original file.")
    thumb_high_url: str = Field(description=f"A version of up to {_HIGH} pixels in width, or the original file.")
    thumb_url_blurred: str = Field(
        description=f"A version of up to {_BLURRED} pixels in width, or the original file: to be shown blurred while "
        "another one loads."
    )
    app_url: str = Field(description="The asset's page, for people.")
    type: Literal["main", "variant"]
    parent_id: str | None
    views: list[View]
    uploaded_by: Person
    created: int = Field(description="Unix time in milliseconds.")
    updated: int = Field(description="Unix time in milliseconds.")


class UploadedOfMay(Record):
    """What came in."""

    response_text: str = Field(description="How many files came in.")
    assets: list[AssetOfMay]


class HighlightsOfMay(Record):
    """Where the words were found; a field that holds none of them is left out."""

    name: str | None = Field(
        default=None,
        exclude_if=lambda value: value is None,
        description="The name as HTML: matches in <mark>, all else escaped.",
    )
    tags: list[str] | None = Field(
        default=None,
        exclude_if=lambda value: value is None,
        description="The tags that match, as they are written: no HTML.",
    )


class SearchHitOfMay(AssetOfMay):
    """An asset that a search found."""

    score: int = Field(description="How well it matches, from 9 down to 1; 0 where nothing was asked for.")
    highlights: HighlightsOfMay


class SearchResultOfMay(Record):
    """One page of what a search found, best first, then newest first."""

    hits: list[SearchHitOfMay]
    found: int = Field(description="Assets on all pages together.")
    found_capped: bool = Field(description="Whether there are more than `found`; pages end there, too.")
    page: int = Field(description="The page, counted from 1.")
    corrected: str | None = Field(
        default=None,
        exclude_if=lambda value: value is None,
        description="What was searched for instead, where a word that is nowhere looks mistyped.",
    )


class LibraryOfMay(Record):
    id: str
    name: str
    assets_count: int
    photos_count: int
    trash_count: int
    access: Literal["read", "write"] = Field(description="The caller's level on the library.")
    tags: list[TagRecord] = Field(description="The ten most used tags.")


class StartedOrganizationOfMay(Record):
    """An organization that nobody has claimed yet, with one library and a key that writes to it."""

    organization_id: str
    library_id: str
    api_key: str = Field(repr=False, description="An API key with write on the library. It is told once: keep it.")
    claim_url: str = Field(
        repr=False,
        description="Give this link to the person whom it is for, and to nobody else: whoever has it can take the "
        "organization over.",
    )
    expires_at: datetime = Field(
        description="When it is removed, unless it is claimed or used. From its first use on it is kept for 30 days."
    )
    email_sent: bool = Field(description="Whether the link was mailed to the address too: at most once a day.")


class UploadLinkOfMay(Record):
    """A link with which files come in once. Whoever has it can use it."""

    url: str = Field(description="POST a form with files (multipart/form-data) here, once. It is a credential.")
    expires_at: datetime
    curl: str = Field(
        description="Run this in a shell with PATH replaced by the file's path; repeat -F for more files. The answer "
        "is that of upload_assets, and the exit code tells whether it succeeded."
    )
    max_files: int = Field(description="The most files that it takes.")
    max_bytes: int = Field(description="The largest file that it takes.")


class IdentityOfMay(Record):
    """An organization that a credential reaches, and the ids of its libraries that it reaches right now."""

    organization_id: str
    organization_name: str
    plan: Literal["self-hosted"] = "self-hosted"
    libraries: list[str]


class IdentitiesOfMay(Record):
    """The same for a credential that reaches every organization of its person."""

    organizations: list[IdentityOfMay]


class AnyIdentityOfMay(IdentityOfMay, IdentitiesOfMay):
    """The schema of both: each kind of credential is told another part of it."""

    model_config = AnyIdentity.model_config


def _list_libraries(principal: Principal, command: ListLibraries, operation: Callable[[Any, Any], Record]) -> Record:
    """Return all libraries where no page is asked for."""
    if "page" in command.model_fields_set:
        return operation(principal, command)
    data: list[LibraryRecord] = []
    while True:
        number = len(data) // _PAGE_SIZE + 1
        place = {"organization_id": command.organization_id, "page": number, "page_size": _PAGE_SIZE}
        page = cast("Page[LibraryRecord]", operation(principal, ListLibraries.model_validate(place)))
        data += page.data
        if len(page.data) < _PAGE_SIZE:
            return Page[LibraryRecord](data=data, page=1, page_size=len(data), total=len(data))


def _up_to(asset: VariantRecord, width: int) -> str:
    fitting = [size for size in asset.sizes if int(size) <= width]
    return asset.sizes[max(fitting, key=int)] if fitting else asset.url


def _view(variant: VariantRecord) -> View:
    return View(
        id=variant.id,
        parent_id=variant.parent_id,
        width=variant.width,
        height=variant.height,
        name=variant.name,
        url=variant.url,
        thumb_url=_up_to(variant, _THUMB),
        type=variant.type,
        metadata=ViewMetadata(
            based_on_id=variant.parent_id, created=variant.created, name=variant.name, url=variant.url
        ),
    )


def _facts(asset: AssetRecord) -> dict[str, Any]:
    kept = AssetOfMay.model_fields.keys() & type(asset).model_fields.keys()
    return {
        **{name: getattr(asset, name) for name in kept},
        "thumb_url": _up_to(asset, _THUMB),
        "thumb_high_url": _up_to(asset, _HIGH),
        "thumb_url_blurred": _up_to(asset, _BLURRED),
        "views": [_view(variant) for variant in asset.variants],
    }


def _asset(asset: AssetRecord) -> AssetOfMay:
    return AssetOfMay(**_facts(asset))


def _hit(hit: SearchHit) -> SearchHitOfMay:
    highlights = HighlightsOfMay(name=hit.highlights.name, tags=hit.highlights.tags)
    return SearchHitOfMay(**_facts(hit), score=hit.score, highlights=highlights)


def _page(page: Page[AssetRecord]) -> Page[AssetOfMay]:
    data = [_asset(asset) for asset in page.data]
    return Page[AssetOfMay](data=data, page=page.page, page_size=page.page_size, total=page.total)


def _uploaded(uploaded: Uploaded) -> UploadedOfMay:
    return UploadedOfMay(response_text=uploaded.response_text, assets=[_asset(asset) for asset in uploaded.assets])


def _found(result: SearchResult) -> SearchResultOfMay:
    return SearchResultOfMay(
        hits=[_hit(hit) for hit in result.hits],
        found=result.found,
        found_capped=result.found_capped,
        page=result.page,
        corrected=result.corrected,
    )


def _library(library: LibraryRecord) -> LibraryOfMay:
    kept = LibraryOfMay.model_fields.keys() - {"tags"}
    return LibraryOfMay(**{name: getattr(library, name) for name in kept}, tags=library.used_tags)


def _libraries(page: Page[LibraryRecord]) -> Page[LibraryOfMay]:
    data = [_library(library) for library in page.data]
    return Page[LibraryOfMay](data=data, page=page.page, page_size=page.page_size, total=page.total)


def _moment(milliseconds: int) -> datetime:
    return datetime.fromtimestamp(milliseconds // 1000, UTC)


def _started(started: StartedOrganization) -> StartedOrganizationOfMay:
    return StartedOrganizationOfMay(**{**dict(started), "expires_at": _moment(started.expires_at)})


def _upload_link(link: UploadLinkRecord) -> UploadLinkOfMay:
    return UploadLinkOfMay(**{**dict(link), "expires_at": _moment(link.expires_at)})


def _identity(identity: Identity) -> IdentityOfMay:
    return IdentityOfMay(
        organization_id=identity.organization_id,
        organization_name=identity.organization_name,
        plan=identity.plan,
        libraries=[library.library for library in identity.libraries],
    )


def _identities(identities: Identities) -> IdentitiesOfMay:
    return IdentitiesOfMay(organizations=[_identity(identity) for identity in identities.organizations])


_CONTRACTS: dict[type[Contract], type[Contract]] = {ListAssets: _ListAssets, SearchAssets: _SearchAssets}
_RECORDS: dict[type[Record], type[Record]] = {
    AnyIdentity: AnyIdentityOfMay,
    AssetRecord: AssetOfMay,
    LibraryRecord: LibraryOfMay,
    Page[AssetRecord]: Page[AssetOfMay],
    Page[LibraryRecord]: Page[LibraryOfMay],
    SearchResult: SearchResultOfMay,
    StartedOrganization: StartedOrganizationOfMay,
    UploadLinkRecord: UploadLinkOfMay,
    Uploaded: UploadedOfMay,
}
_SHAPES: dict[type[Record], Callable[[Any], Record]] = {
    Identity: _identity,
    Identities: _identities,
    AssetRecord: _asset,
    LibraryRecord: _library,
    Page[AssetRecord]: _page,
    Page[LibraryRecord]: _libraries,
    SearchResult: _found,
    StartedOrganization: _started,
    UploadLinkRecord: _upload_link,
    Uploaded: _uploaded,
}
