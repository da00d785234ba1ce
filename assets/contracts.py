"""What the operations on libraries, assets and tags take and return."""

import binascii
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, Field, PlainValidator, WithJsonSchema, model_validator

from assets.events import EventKind
from assets.models import APPROVAL_NOTE_LENGTH, NAME_LENGTH, TAG_LENGTH
from assets.search_words import words_of
from orgs.contracts import Slug
from orgs.models import NAME_LENGTH as LIBRARY_NAME_LENGTH
from raster.contracts import (
    MOST_COMPOSED,
    AssetId,
    Contract,
    LibraryId,
    Line,
    OrganizationId,
    PageNumber,
    PageSize,
    Prose,
    Record,
    ShownLine,
    ShownProse,
    Text,
)
from raster.fold import fold_case
from raster.outbound import LONGEST_URL

RESERVED_TAGS = frozenset({"index", "trash"})
MOST_ASSETS = 100
MOST_TAGS = 20
MOST_TAG_FILTERS = 50
MOST_FILES = 20
MOST_VARIANTS = 100
DESCRIPTION_LENGTH = 10_000
#: Characters of a file in base64: no request is larger.
MOST_BASE64 = 32 * 1024 * 1024
#: Of the path of a file, as Linux has it.
PATH_LENGTH = 4096
SEARCH_LENGTH = 500
MOST_SEARCH_WORDS = 20
MOST_SEARCH_LIBRARIES = 100
MOST_FOUND = 10_000
TRASH_DAYS = 30


def _tag(text: str) -> str:
    if "," in text:
        raise ValueError("a tag has no comma")
    if fold_case(text) in RESERVED_TAGS:
        raise ValueError("the tags index and trash are reserved")
    return text


def _decoded(data: Any) -> bytes:
    """Decode base64, with line breaks or without."""
    if not isinstance(data, str):
        raise ValueError("must be a text in base64")  # noqa: TRY004 - pydantic makes a refusal of this one alone
    if len(data) > MOST_BASE64:
        raise ValueError(f"has at most {MOST_BASE64} characters; larger files have a URL or an upload link")
    try:
        return binascii.a2b_base64(data.encode("ascii").translate(None, b" \t\r\n\f\v"), strict_mode=True)
    except ValueError:
        raise ValueError("is not valid base64") from None


TagText = Annotated[str, Line(TAG_LENGTH, "a tag"), AfterValidator(_tag)]
#: What no composing makes a tag of is refused; other texts that are no tag find nothing.
TagFilter = Annotated[str, Text(MOST_COMPOSED * TAG_LENGTH)]
LibraryName = Annotated[str, Line(LIBRARY_NAME_LENGTH, "a library's name"), Field(description="The library's name.")]
AssetName = Annotated[str, Line(NAME_LENGTH, "an asset's name"), Field(description="The asset's name.")]
ApprovalState = Literal["in_review", "approved", "needs_changes"]
AssetIds = Annotated[list[AssetId], Field(min_length=1, max_length=MOST_ASSETS, description="The assets' ids.")]


class ListLibraries(Contract):
    organization_id: OrganizationId
    page: PageNumber = 1
    page_size: PageSize = 50


class ListAssets(Contract):
    organization_id: OrganizationId
    library_id: LibraryId
    page: PageNumber = 1
    page_size: PageSize = 50
    tags: list[TagFilter] = Field(
        default=[],
        max_length=MOST_TAG_FILTERS,
        description="Only assets with at least one of these tags. Case does not matter.",
    )


class GetAsset(Contract):
    organization_id: OrganizationId
    library_id: LibraryId
    asset_id: AssetId


class GetAssets(Contract):
    organization_id: OrganizationId
    library_id: LibraryId
    ids: AssetIds


class LookAtAsset(GetAsset):
    preview: bool = Field(
        default=False, description="Also return a small picture of the asset to look at, where one can be made."
    )


class ListTags(Contract):
    organization_id: OrganizationId
    library_id: LibraryId
    limit: int = Field(default=100, ge=1, le=500, description="The most tags to return.")


class _Tagging(Contract):
    organization_id: OrganizationId
    library_id: LibraryId
    asset_ids: AssetIds
    tags: list[TagText] = Field(
        min_length=1,
        max_length=MOST_TAGS,
        description=f"Tags of 1 to {TAG_LENGTH} characters without commas. Case does not matter; "
        "index and trash are reserved.",
    )


class TagAssets(_Tagging):
    pass


class UntagAssets(_Tagging):
    pass


class UploadAssets(Contract):
    organization_id: OrganizationId
    library_id: LibraryId
    parent_id: AssetId | None = Field(
        default=None, description="The id of the asset that the file becomes a variant of. It takes one file."
    )


class URLSource(Contract):
    kind: Literal["url"] = Field(description="url: the server fetches the file.")
    url: Annotated[str, Text(LONGEST_URL, pattern=r"^https?://[!-~]+$")] = Field(
        description="An http or https URL on the public internet, whose special characters are percent-encoded.",
    )


class Base64Source(Contract):
    kind: Literal["base64"] = Field(description="base64: the file is here. Prefer url for files that have one.")
    filename: Annotated[str, Text(NAME_LENGTH, least=1)] = Field(
        description="The file's name, of which the asset's name is made."
    )
    mime_type: Annotated[str, Text(255)] = Field(
        description="The file's type. What the file is, its bytes say; this is not relied on."
    )
    data: Annotated[
        bytes,
        PlainValidator(_decoded),
        WithJsonSchema({"type": "string", "contentEncoding": "base64", "description": "The file's bytes in base64."}),
    ]


Source = Annotated[URLSource | Base64Source, Field(discriminator="kind")]


class UploadSource(UploadAssets):
    source: Source = Field(description="Where the file is: at a URL, or here in base64.")


class UploadSources(Contract):
    organization_id: OrganizationId
    library_id: LibraryId
    sources: list[Source] = Field(
        min_length=1, max_length=MOST_FILES, description="Where the files are, each at a URL or here in base64."
    )


class CreateUploadLink(Contract):
    organization_id: OrganizationId
    library_id: LibraryId
    expires_in: int = Field(
        default=600, ge=1, le=900, description="Seconds after which no upload can begin with it any more."
    )


class UpdateAssetDescription(Contract):
    organization_id: OrganizationId
    library_id: LibraryId
    asset_id: AssetId
    description: Annotated[str, Prose(DESCRIPTION_LENGTH)] = Field(
        description="The new description, kept as it is. An empty one clears it."
    )


class RenameAsset(Contract):
    organization_id: OrganizationId
    library_id: LibraryId
    asset_id: AssetId
    name: AssetName


class _Trashing(Contract):
    organization_id: OrganizationId
    library_id: LibraryId
    ids: AssetIds


class DeleteAssets(_Trashing):
    pass


class RestoreAssets(_Trashing):
    pass


class ListTrash(Contract):
    organization_id: OrganizationId
    library_id: LibraryId
    page: PageNumber = 1
    page_size: PageSize = 50


class PurgeTrash(Contract):
    days: int = Field(default=TRASH_DAYS, ge=0, le=36_500, description="How long assets stay in the trash.")


class TransferAssets(Contract):
    organization_id: OrganizationId
    source_library_id: LibraryId = Field(description="The id of the library that holds the assets, its slug.")
    target_library_id: LibraryId = Field(description="The id of the library that they move to, its slug.")
    asset_ids: AssetIds

    @model_validator(mode="after")
    def _moves_somewhere_else(self) -> Self:
        if self.source_library_id == self.target_library_id:
            raise ValueError("sourceLibraryId and targetLibraryId must be two libraries")
        return self


class SetAssetApproval(Contract):
    organization_id: OrganizationId
    library_id: LibraryId
    asset_id: AssetId
    state: ApprovalState = Field(description="The judgement: in_review, approved or needs_changes.")
    note: Annotated[str, Prose(APPROVAL_NOTE_LENGTH)] = Field(
        default="", description="What to tell the uploader, such as what to change."
    )


class PromoteVariant(Contract):
    organization_id: OrganizationId
    library_id: LibraryId
    asset_id: AssetId
    variant_id: AssetId = Field(description="The id of the variant, one of the asset's variants.")


class CreateLibrary(Contract):
    organization_id: OrganizationId
    name: LibraryName
    slug: Slug | None = Field(
        default=None,
        description="The library's id in addresses: lower case letters, digits and single hyphens. Callers that do "
        "not see every library of the organization get four random characters added.",
    )


class RenameLibrary(Contract):
    organization_id: OrganizationId
    library_id: LibraryId
    name: LibraryName


class Person(Record):
    name: ShownLine


class ApprovalRecord(Record):
    """What somebody thought of an asset's file."""

    state: ApprovalState
    note: ShownProse
    by: Person
    at: int = Field(description="Unix time in milliseconds.")


class VariantRecord(Record):
    """What is known of an asset, except for its variants."""

    id: str
    organization_id: str
    library_id: str
    name: ShownLine = Field(max_length=NAME_LENGTH)
    description: ShownProse
    tags: list[ShownLine]
    content_type: str
    size: int = Field(description="Bytes.")
    width: int | None = Field(description="Pixels.")
    height: int | None = Field(description="Pixels.")
    blurhash: str | None
    url: str = Field(description="The original file. Whoever has the link can read it.")
    sizes: dict[str, str] = Field(description="Width in pixels to the URL of a WebP version of that width.")
    app_url: str = Field(description="The asset's page, for people.")
    type: Literal["main", "variant"]
    parent_id: str | None
    approval: ApprovalRecord | None = Field(description="Null: nobody has judged it.")
    uploaded_by: Person
    created: int = Field(description="Unix time in milliseconds.")
    updated: int = Field(description="Unix time in milliseconds.")
    derivatives: Literal["pending", "ready", "failed"] = Field(exclude=True, description="For pages alone.")


class AssetRecord(VariantRecord):
    """An asset with its variants, oldest first."""

    variants: list[VariantRecord]


class TrashedAsset(AssetRecord):
    """An asset in the trash, with the variants that went there with it. Its links work again when it is restored."""

    trashed: int = Field(description="Unix time in milliseconds.")
    removed_from: int = Field(description="When it is removed for good, at the earliest: unix time in milliseconds.")


class Uploaded(Record):
    """What came in, and in words what did not, with the reasons."""

    response_text: str = Field(description="Tell people this: how many files came in, and which did not and why.")
    assets: list[AssetRecord] = Field(description="Their sizes and blurhash follow within seconds.")


class UploadLinkRecord(Record):
    """A link with which files come in once. Whoever has it can use it."""

    url: str = Field(description="POST a form with files (multipart/form-data) here, once. It is a credential.")
    expires_at: int = Field(description="Unix time in milliseconds.")
    curl: str = Field(
        description="Run this in a shell with PATH replaced by the file's path; repeat -F for more files. The answer "
        "is that of upload_assets, and the exit code tells whether it succeeded."
    )
    max_files: int = Field(description="The most files that it takes.")
    max_bytes: int = Field(description="The largest file that it takes.")


class Deleted(Record):
    """What went to the trash."""

    success: bool
    message: str
    ids: list[str] = Field(description="Those of the ids that were not in the trash yet.")


class Restored(Record):
    """What came back from the trash."""

    success: bool
    message: str
    ids: list[str] = Field(description="Those of the ids that were in the trash.")


class Purged(Record):
    assets: int = Field(description="Assets and variants that are gone.")


class Transferred(Record):
    """What moved."""

    transferred_count: int = Field(description="Assets of assetIds; their variants moved with them.")
    source_library_id: str
    target_library_id: str


class Approved(Record):
    """An asset's new approval."""

    asset_id: str
    approval: ApprovalRecord


class HistoryRecord(Record):
    """Something that was done to an asset. ``before``, ``after``, ``note`` and ``tags`` are filled where they fit."""

    kind: EventKind
    at: int = Field(description="Unix time in milliseconds.")
    by: Person
    before: ShownLine = Field(description="The former name, library or state of approval.")
    after: ShownLine = Field(description="The new name, library or state of approval, or the name of the variant.")
    note: ShownProse
    tags: list[ShownLine]


class TagRecord(Record):
    id: ShownLine = Field(description="The tag's text.")
    count: int = Field(description="Assets with the tag.")
    type: Literal["user"] = "user"


class LibraryRecord(Record):
    id: str
    name: ShownLine
    assets_count: int
    photos_count: int
    trash_count: int
    access: Literal["read", "write"] = Field(description="The caller's level on the library.")
    tags: list[ShownLine] = Field(description="The ten most used tags.")
    used_tags: list[TagRecord] = Field(exclude=True, description="The same with their counts, for older API versions.")


class Tagged(Record):
    """How many tags were added."""

    tagged_count: int = Field(description="Pairs of asset and tag that are new.")


class Untagged(Record):
    """How many tags were removed."""

    untagged_count: int = Field(description="Pairs of asset and tag that are gone.")


class Described(Record):
    """An asset's new description."""

    asset_id: str
    description: str


def _searchable(text: str) -> str:
    if len(words_of(text)) > MOST_SEARCH_WORDS:
        raise ValueError(f"a search has at most {MOST_SEARCH_WORDS} words")
    return text


class SearchAssets(Contract):
    organization_id: OrganizationId
    q: Annotated[str, Text(SEARCH_LENGTH), AfterValidator(_searchable)] = Field(
        description="Words that must all be in an asset's name, tags or description. Accents and case do not matter, "
        "and a word may be given by its beginning. An empty text lists everything, newest first.",
    )
    libraries: list[LibraryId] | None = Field(
        default=None,
        min_length=1,
        max_length=MOST_SEARCH_LIBRARIES,
        description="Only assets of these libraries, by id; all that can be reached where it is left out.",
    )
    approval: Literal["in_review", "approved", "needs_changes"] | None = Field(
        default=None, description="Only assets whose approval is in this state."
    )
    tags: list[TagFilter] = Field(
        default=[],
        max_length=MOST_TAG_FILTERS,
        description="Only assets with at least one of these tags. Case does not matter.",
    )
    page: PageNumber = 1
    page_size: PageSize = 50


def _is_absent(value: object) -> bool:
    return value is None


class Highlights(Record):
    """Where the words were found; a field that holds none of them is left out."""

    name: str | None = Field(
        default=None, exclude_if=_is_absent, description="The name as HTML: matches in <mark>, all else escaped."
    )
    description: str | None = Field(
        default=None, exclude_if=_is_absent, description="The part of the description that matches, as HTML like name."
    )
    tags: list[str] | None = Field(
        default=None, exclude_if=_is_absent, description="The tags that match, as they are written: no HTML."
    )


class SearchHit(AssetRecord):
    """An asset that a search found."""

    score: int = Field(
        description="How well it matches, by the weakest of the words: 9, 8 or 7 where that is in the name (whole, its "
        "beginning, corrected), 6, 5 or 4 in a tag, 3, 2 or 1 in the description; 0 where nothing was asked for."
    )
    highlights: Highlights


class SearchResult(Record):
    """One page of what a search found, best first, then newest first."""

    hits: list[SearchHit]
    found: int = Field(description=f"Assets on all pages together, counted up to {MOST_FOUND}.")
    found_capped: bool = Field(description=f"Whether there are more than {MOST_FOUND}; pages end there, too.")
    page: int = Field(description="The page, counted from 1.")
    corrected: str | None = Field(
        default=None,
        exclude_if=_is_absent,
        description="What was searched for instead, where a word that is nowhere looks mistyped.",
    )


class ImportFile(Contract):
    organization_id: OrganizationId
    library_id: LibraryId
    file_name: Annotated[str, Text(PATH_LENGTH, least=1)] = Field(
        description="The file's name, which the asset's name is made of."
    )


class ImportedFile(Record):
    asset_id: str
    name: str
    already_there: bool = Field(description="The library holds the same file already, and nothing was stored.")
