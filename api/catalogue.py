"""The catalogue of operations: one row says everything that any interface needs to know about an operation.

MCP's tools, REST's endpoints, GraphQL's fields, the OpenAPI document, the reference pages, the tables in docs and the
tests of access are made from these rows.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from functools import cached_property
from typing import Any

from django.db import connection

from api.examples import (
    ACME,
    APPROVAL,
    ASSET_AT_BARCELONA,
    ASSET_ID,
    BARCELONA,
    IDENTITY,
    SOURCE,
    STARTED,
    TAGS,
    UPLOAD_LINK,
    UPLOADED,
    VARIANT_ID,
    a_library,
    a_page,
    a_search,
    an_asset,
)
from apikeys.contracts import StartedOrganization, StartOrganization
from apikeys.unclaimed import start_organization
from assets.contracts import (
    Approved,
    AssetRecord,
    CreateLibrary,
    CreateUploadLink,
    DeleteAssets,
    Deleted,
    Described,
    GetAsset,
    LibraryRecord,
    ListAssets,
    ListLibraries,
    ListTags,
    LookAtAsset,
    PromoteVariant,
    RenameAsset,
    RenameLibrary,
    RestoreAssets,
    Restored,
    SearchAssets,
    SearchResult,
    SetAssetApproval,
    TagAssets,
    Tagged,
    TagRecord,
    TransferAssets,
    Transferred,
    UntagAssets,
    Untagged,
    UpdateAssetDescription,
    UploadAssets,
    Uploaded,
    UploadLinkRecord,
    UploadSource,
    UploadSources,
)
from assets.operations.approvals import set_asset_approval
from assets.operations.assets import get_asset, list_assets, rename_asset, update_asset_description
from assets.operations.libraries import create_library, list_libraries, rename_library
from assets.operations.search import search_assets
from assets.operations.tags import list_tags, tag_assets, untag_assets
from assets.operations.transfers import transfer_assets
from assets.operations.trash import delete_assets, restore_assets
from assets.operations.upload_links import create_upload_link
from assets.operations.uploads import upload_assets, upload_source, upload_sources
from assets.operations.variants import promote_variant
from orgs.access import BearerPrincipal
from orgs.contracts import AnyIdentity, Identities, Identity
from raster.contracts import Contract, Page, Record
from raster.errors import (
    ApprovalRequiresUser,
    Conflict,
    EphemeralLibraryLimitExceeded,
    EphemeralStorageLimitExceeded,
    Forbidden,
    LibraryLimitExceeded,
    LibraryURLTaken,
    RasterError,
    ResourceNotFound,
    StorageLimitExceeded,
    VariantNotFound,
)

#: The dated versions of the REST API, oldest first. An operation is in those from its ``since`` on.
VERSIONS = ("2026-05-20", "2026-07-08")

ORGANIZATION = "/organizations/{organizationId}"
LIBRARIES = f"{ORGANIZATION}/libraries"
LIBRARY = f"{LIBRARIES}/{{libraryId}}"
ASSETS = f"{LIBRARY}/assets"
ASSET = f"{ASSETS}/{{assetId}}"


class Effect(Enum):
    """What an operation does to what is there."""

    READ = "reads"
    WRITE = "adds, or changes so that nothing is lost"
    DESTRUCTIVE = "replaces or removes"


@dataclass(frozen=True)
class Rest:
    """How REST offers an operation. Arguments that the path does not name are in the query or the body."""

    method: str
    path: str
    group: str
    status: int = 200

    @cached_property
    def places(self) -> tuple[str, ...]:
        """The arguments that the path names."""
        return tuple(re.findall(r"{(\w+)}", self.path))


@dataclass(frozen=True)
class Graphql:
    """How GraphQL offers an operation.

    ``arguments`` are the names that differ there, by those of the contract; ``texts`` the arguments that look like ids
    and are declared ``String``; ``left_out`` those that it does not offer. A list that counts its pages ``from_zero``
    answers with its entries alone.
    """

    name: str
    arguments: Mapping[str, str] = field(default_factory=dict)
    texts: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()
    from_zero: bool = False


@dataclass(frozen=True)
class Mcp:
    """How MCP offers an operation.

    Where a tool's arguments differ, ``takes`` and ``run`` are its own, and ``arguments`` is what its example is called
    with beside those of the operation's.
    """

    takes: type[Contract] | None = None
    run: Callable[[Any, Any], Record] | None = None
    arguments: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Example:
    """A call and its record. The tests of access make the same call."""

    arguments: Mapping[str, Any]
    record: Record


@dataclass(frozen=True, kw_only=True)
class Operation:
    """One operation.

    ``about`` is for people, and for models as well unless ``for_models`` says more. ``rest``, ``graphql`` and ``mcp``
    are None where an interface does not offer it. ``errors`` are those beyond what its arguments and its effect imply.
    One that ``takes_files`` gets files beside its contract: as a form, or in the arguments of its tool. An
    ``anonymous`` one asks for no credential; it is run with the request's origin in place of a principal.
    """

    name: str
    run: Callable[..., Record]
    takes: type[Contract]
    returns: type[Record]
    effect: Effect
    title: str
    about: str
    example: Example
    for_models: str = ""
    rest: Rest | None = None
    graphql: Graphql | None = None
    mcp: Mcp | None = None
    since: str = VERSIONS[0]
    idempotent: bool = True
    takes_files: bool = False
    anonymous: bool = False
    errors: tuple[type[RasterError], ...] = ()

    @property
    def writes(self) -> bool:
        return self.effect is not Effect.READ


class NoArguments(Contract):
    pass


def who_am_i(principal: BearerPrincipal, command: NoArguments) -> Identity | Identities:
    """Return which organizations and libraries the caller reaches."""
    with connection.cursor() as cursor:
        cursor.execute(principal.identity_statement, [principal.identity_parameter])
        return principal.identity(cursor.fetchall())


OPERATIONS: tuple[Operation, ...] = (
    Operation(
        name="whoami",
        run=who_am_i,
        takes=NoArguments,
        returns=AnyIdentity,
        effect=Effect.READ,
        title="Who am I",
        about="Returns the organization that the credential reaches, and which of its libraries with read or write. A "
        "credential for several organizations gets all of them, under `organizations`.",
        for_models="Returns the organization that this credential reaches, and which of its libraries with read or "
        "write (a credential for several organizations gets all of them, under organizations). Call it first: its ids "
        "are the arguments of every other tool.",
        rest=Rest("GET", "/me", "Account"),
        graphql=Graphql("viewer"),
        mcp=Mcp(),
        example=Example({}, IDENTITY),
    ),
    Operation(
        name="create_organization",
        run=start_organization,
        takes=StartOrganization,
        returns=StartedOrganization,
        effect=Effect.WRITE,
        title="Create organization",
        about="Creates an organization with one library, and an API key that writes to it, without an account. It is "
        "removed after a day if it is not used, or 30 days after its first use, unless the user with the email address "
        "claims it by the link in `claimUrl`. Needs no credential.",
        for_models="Creates an organization with one library for a user who has no account yet, and an API key that "
        "writes to it. It holds 100 MB and is removed after a day if it is not used, or 30 days after its first use, "
        "unless the user claims it: give them claimUrl, and keep apiKey, which is shown once. Ask the user for their "
        "email address; do not make one up.",
        rest=Rest("POST", "/libraries", "Account"),
        mcp=Mcp(),
        idempotent=False,
        anonymous=True,
        example=Example({"email": "alice@example.com", "name": "Acme"}, STARTED),
    ),
    Operation(
        name="list_libraries",
        run=list_libraries,
        takes=ListLibraries,
        returns=Page[LibraryRecord],
        effect=Effect.READ,
        title="List libraries",
        about="Lists the libraries of an organization that the credential reaches, by name, with their counts of "
        "assets and their most used tags.",
        rest=Rest("GET", LIBRARIES, "Libraries"),
        graphql=Graphql("libraries", texts=("organization_id",), from_zero=True),
        mcp=Mcp(),
        example=Example({**ACME, "page": 1, "pageSize": 50}, a_page(a_library(TAGS))),
    ),
    Operation(
        name="list_assets",
        run=list_assets,
        takes=ListAssets,
        returns=Page[AssetRecord],
        effect=Effect.READ,
        title="List assets",
        about="Lists the assets of a library, newest first, or only those with any of the given tags.",
        for_models="Lists the assets of a library, newest first, optionally only those with any of the given tags. "
        "Each asset has a permanent url of its file: hand that url to people.",
        rest=Rest("GET", ASSETS, "Assets"),
        graphql=Graphql("assets", from_zero=True),
        mcp=Mcp(),
        example=Example({**BARCELONA, "page": 1, "pageSize": 50, "tags": ["harbor"]}, a_page(an_asset())),
    ),
    Operation(
        name="get_asset",
        run=get_asset,
        takes=GetAsset,
        returns=AssetRecord,
        effect=Effect.READ,
        title="Get asset",
        about="Returns one asset or variant: its name, description, tags, dimensions in pixels, size in bytes, and the "
        "permanent url of its file.",
        for_models="Returns one asset: name, description, tags, dimensions in pixels, size in bytes, and the url of "
        "its file. With preview you also get to see it, small.",
        rest=Rest("GET", ASSET, "Assets"),
        graphql=Graphql("asset"),
        mcp=Mcp(takes=LookAtAsset),
        errors=(ResourceNotFound,),
        example=Example(ASSET_AT_BARCELONA, an_asset()),
    ),
    Operation(
        name="search_assets",
        run=search_assets,
        takes=SearchAssets,
        returns=SearchResult,
        effect=Effect.READ,
        title="Search assets",
        about="Finds assets by words in their names, tags and descriptions, in every library that the credential "
        "reaches or in those given: best matches first, then newest. An empty `q` lists everything, newest first.",
        for_models="Finds assets by words in their names, tags and descriptions, in every library that this credential "
        "reaches or in those given: best matches first, then newest. All words must be in an asset. Mistyped words are "
        "corrected, and corrected says what was searched instead. An empty q lists everything, newest first.",
        rest=Rest("GET", f"{ORGANIZATION}/search/assets", "Assets"),
        graphql=Graphql("searchAssets", left_out=("tags",)),
        mcp=Mcp(),
        example=Example({**ACME, "q": "harbor", "libraries": ["barcelona"], "page": 1, "pageSize": 50}, a_search()),
    ),
    Operation(
        name="list_tags",
        run=list_tags,
        takes=ListTags,
        returns=Page[TagRecord],
        effect=Effect.READ,
        title="List tags",
        about="Lists the tags in use in a library and how many assets have each, most used first.",
        for_models="Lists the tags in use in a library with how many assets have each, most used first. Look here "
        "before inventing a new tag.",
        rest=Rest("GET", f"{LIBRARY}/tags", "Tags"),
        graphql=Graphql("tags"),
        mcp=Mcp(),
        example=Example({**BARCELONA, "limit": 100}, a_page(TAGS[0], page_size=100)),
    ),
    Operation(
        name="upload_asset",
        run=upload_source,
        takes=UploadSource,
        returns=Uploaded,
        effect=Effect.WRITE,
        title="Upload asset",
        about="Uploads one file from a URL, which the server fetches, or from base64 (small files only), optionally as "
        "a variant of an asset (parentId). The asset is in lists and search at once, and its url is permanent.",
        mcp=Mcp(),
        idempotent=False,
        takes_files=True,
        errors=(ResourceNotFound, StorageLimitExceeded, EphemeralStorageLimitExceeded),
        example=Example(
            {
                **BARCELONA,
                "source": SOURCE,
                "parentId": ASSET_ID,
            },
            UPLOADED,
        ),
    ),
    Operation(
        name="upload_assets",
        run=upload_assets,
        takes=UploadAssets,
        returns=Uploaded,
        effect=Effect.WRITE,
        title="Upload assets",
        about="Uploads up to 20 files, as parts of a form. Files of an unsupported type are left out, and "
        "`responseText` says which and why. The assets are in lists and search at once.",
        for_models="Uploads up to 20 files at once, each from a URL, which the server fetches, or from base64 (small "
        "files only). If a URL cannot be fetched nothing is uploaded; files of an unsupported type are left out, and "
        "responseText says which and why.",
        rest=Rest("POST", ASSETS, "Uploads"),
        graphql=Graphql("uploadAssets", left_out=("parent_id",)),
        mcp=Mcp(takes=UploadSources, run=upload_sources, arguments={"sources": [SOURCE]}),
        idempotent=False,
        takes_files=True,
        errors=(ResourceNotFound, StorageLimitExceeded, EphemeralStorageLimitExceeded),
        example=Example(BARCELONA, UPLOADED),
    ),
    Operation(
        name="tag_assets",
        run=tag_assets,
        takes=TagAssets,
        returns=Tagged,
        effect=Effect.WRITE,
        title="Tag assets",
        about="Adds tags to assets. Tags that are there already stay. Either every asset is tagged or none is.",
        rest=Rest("POST", f"{ASSETS}/tag", "Tags"),
        graphql=Graphql("tagAssets"),
        mcp=Mcp(),
        errors=(ResourceNotFound,),
        example=Example({**BARCELONA, "assetIds": [ASSET_ID], "tags": ["harbor", "sea"]}, Tagged(tagged_count=2)),
    ),
    Operation(
        name="untag_assets",
        run=untag_assets,
        takes=UntagAssets,
        returns=Untagged,
        effect=Effect.DESTRUCTIVE,
        title="Untag assets",
        about="Removes tags from assets. Either they are removed from every asset or from none.",
        rest=Rest("POST", f"{ASSETS}/untag", "Tags"),
        graphql=Graphql("untagAssets"),
        mcp=Mcp(),
        errors=(ResourceNotFound,),
        example=Example({**BARCELONA, "assetIds": [ASSET_ID], "tags": ["sea"]}, Untagged(untagged_count=1)),
    ),
    Operation(
        name="update_asset_description",
        run=update_asset_description,
        takes=UpdateAssetDescription,
        returns=Described,
        effect=Effect.DESTRUCTIVE,
        title="Update asset description",
        about="Replaces the description of an asset, kept exactly as given; an empty one clears it.",
        rest=Rest("PATCH", f"{ASSET}/description", "Assets"),
        graphql=Graphql("updateAssetDescription"),
        mcp=Mcp(),
        errors=(ResourceNotFound,),
        example=Example(
            {**ASSET_AT_BARCELONA, "description": "The old harbor at noon."},
            Described(asset_id=ASSET_ID, description="The old harbor at noon."),
        ),
    ),
    Operation(
        name="create_upload_link",
        run=create_upload_link,
        takes=CreateUploadLink,
        returns=UploadLinkRecord,
        effect=Effect.WRITE,
        title="Create upload link",
        about="Creates a link that uploads files to the library once, within minutes. It is a credential.",
        for_models="Creates a link with which a shell uploads local files to one library, once and within minutes: run "
        "its curl line with PATH replaced by the file's path. Use it for files on this machine, instead of base64. The "
        "link is a credential: keep it out of messages and files.",
        rest=Rest("POST", f"{LIBRARY}/upload-links", "Uploads"),
        mcp=Mcp(),
        idempotent=False,
        example=Example({**BARCELONA, "expiresIn": 600}, UPLOAD_LINK),
    ),
    Operation(
        name="delete_assets",
        run=delete_assets,
        takes=DeleteAssets,
        returns=Deleted,
        effect=Effect.DESTRUCTIVE,
        title="Delete assets",
        about="Moves assets to the trash of their library, each with its variants. They can be restored for 30 days. "
        "Either all of them are moved or none is; those in the trash already stay there.",
        for_models="Moves assets to the trash of their library, each with its variants: they leave every list and "
        "search, and their url stops working at once. They can be restored with restore_assets for 30 days and are "
        "then deleted permanently. Naming one that is in the trash already changes nothing. Either all of them are "
        "moved or none is.",
        rest=Rest("DELETE", ASSETS, "Assets"),
        graphql=Graphql("deleteAssets", arguments={"ids": "assets"}),
        mcp=Mcp(),
        errors=(ResourceNotFound,),
        example=Example(
            {**BARCELONA, "ids": [ASSET_ID]}, Deleted(success=True, message="Moved 1 asset to trash", ids=[ASSET_ID])
        ),
    ),
    Operation(
        name="restore_assets",
        run=restore_assets,
        takes=RestoreAssets,
        returns=Restored,
        effect=Effect.WRITE,
        title="Restore assets",
        about="Restores assets from the trash by their ids, with the variants that were deleted with them, their tags "
        "and the same url as before. Naming one that is not in the trash changes nothing. Either all of them are "
        "restored or none is.",
        rest=Rest("POST", f"{ASSETS}/restore", "Assets"),
        graphql=Graphql("restoreAssets", arguments={"ids": "assets"}),
        mcp=Mcp(),
        errors=(ResourceNotFound,),
        example=Example(
            {**BARCELONA, "ids": [ASSET_ID]},
            Restored(success=True, message="Restored 1 asset from trash", ids=[ASSET_ID]),
        ),
    ),
    Operation(
        name="transfer_assets",
        run=transfer_assets,
        takes=TransferAssets,
        returns=Transferred,
        effect=Effect.DESTRUCTIVE,
        title="Transfer assets",
        about="Moves assets to another library of the organization. Their ids, urls, tags and variants stay. Either "
        "all of them are moved or none is. Needs write on both libraries.",
        for_models="Moves assets to another library of the same organization; their ids, urls, tags and variants stay. "
        "From then on they are found under the target library's id only, so a second call answers that they were not "
        "found. A variant moves with its original, never alone. Either all of them are moved or none is. Needs write "
        "on both libraries.",
        rest=Rest("POST", f"{LIBRARIES}/{{sourceLibraryId}}/assets/transfer", "Assets"),
        graphql=Graphql("transferAssets"),
        mcp=Mcp(),
        idempotent=False,
        errors=(ResourceNotFound,),
        example=Example(
            {**ACME, "sourceLibraryId": "barcelona", "targetLibraryId": "paris", "assetIds": [ASSET_ID]},
            Transferred(transferred_count=1, source_library_id="barcelona", target_library_id="paris"),
        ),
    ),
    Operation(
        name="rename_asset",
        run=rename_asset,
        takes=RenameAsset,
        returns=AssetRecord,
        effect=Effect.DESTRUCTIVE,
        title="Rename asset",
        about="Gives an asset or a variant another name. Its id and its url stay.",
        rest=Rest("PATCH", ASSET, "Assets"),
        graphql=Graphql("renameAsset"),
        mcp=Mcp(),
        errors=(ResourceNotFound,),
        example=Example({**ASSET_AT_BARCELONA, "name": "Old harbor"}, an_asset(name="Old harbor")),
    ),
    Operation(
        name="set_asset_approval",
        run=set_asset_approval,
        takes=SetAssetApproval,
        returns=Approved,
        effect=Effect.DESTRUCTIVE,
        title="Set asset approval",
        about="Sets the review status of an asset's file, for the user who connected the program, in place of the one "
        "before. Works over OAuth only, since a review needs a user.",
        for_models="Sets the review status of an asset's file for the user you act for: in_review, approved or "
        "needs_changes, with an optional note. It replaces the one before, and the uploader is told by mail when the "
        "file is approved or needs changes: set it only when the user asked for it. Works over OAuth only, as a review "
        "needs a user: with an API key it answers APPROVAL_REQUIRES_USER.",
        rest=Rest("PATCH", f"{ASSET}/approval", "Assets"),
        graphql=Graphql("setAssetApproval"),
        mcp=Mcp(),
        since="2026-07-08",
        errors=(ResourceNotFound, ApprovalRequiresUser),
        example=Example(
            {**ASSET_AT_BARCELONA, "state": "approved", "note": "Good to go."},
            Approved(asset_id=ASSET_ID, approval=APPROVAL),
        ),
    ),
    Operation(
        name="promote_variant",
        run=promote_variant,
        takes=PromoteVariant,
        returns=AssetRecord,
        effect=Effect.DESTRUCTIVE,
        title="Promote variant",
        about="Swaps the files of an asset and one of its variants: the asset's url serves the variant's file from now "
        "on, and the former original becomes a variant.",
        for_models="Swaps the files of an asset and one of its variants: the asset's url serves the variant's file "
        "from now on, and the variant's id and url stand for the former original. Names, descriptions and tags stay "
        "where they are; approvals go with the files. A second call with the same ids swaps them back.",
        rest=Rest("POST", f"{ASSET}/promote", "Assets"),
        graphql=Graphql("promoteVariant"),
        mcp=Mcp(),
        idempotent=False,
        errors=(ResourceNotFound, VariantNotFound, Conflict),
        example=Example({**ASSET_AT_BARCELONA, "variantId": VARIANT_ID}, an_asset(approval=None)),
    ),
    Operation(
        name="create_library",
        run=create_library,
        takes=CreateLibrary,
        returns=LibraryRecord,
        effect=Effect.WRITE,
        title="Create library",
        about="Creates a library in the organization, with write for this credential. Its id may differ from the slug "
        "that was asked for. Needs an API key with write on at least one library, or an owner of the organization.",
        rest=Rest("POST", LIBRARIES, "Libraries", status=201),
        graphql=Graphql("createLibrary"),
        mcp=Mcp(),
        idempotent=False,
        errors=(Forbidden, LibraryURLTaken, LibraryLimitExceeded, EphemeralLibraryLimitExceeded),
        example=Example(
            {**ACME, "name": "Lisbon"},
            a_library(id="lisbon-x4f7", name="Lisbon", assets_count=0, photos_count=0, trash_count=0),
        ),
    ),
    Operation(
        name="rename_library",
        run=rename_library,
        takes=RenameLibrary,
        returns=LibraryRecord,
        effect=Effect.DESTRUCTIVE,
        title="Rename library",
        about="Gives a library another name. Its id stays.",
        rest=Rest("PATCH", LIBRARY, "Libraries"),
        graphql=Graphql("renameLibrary"),
        mcp=Mcp(),
        errors=(Forbidden,),
        example=Example({**BARCELONA, "name": "Barcelona 2026"}, a_library(TAGS, name="Barcelona 2026")),
    ),
)
BY_NAME = {operation.name: operation for operation in OPERATIONS}
