"""The table of the REST API: each method and path, the operation behind it, and what people read about it.

The addresses, the views and the OpenAPI document are made of it.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from django.db import connection

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
)
from assets.operations.approvals import set_asset_approval
from assets.operations.assets import get_asset, list_assets, rename_asset, update_asset_description
from assets.operations.libraries import create_library, list_libraries, rename_library
from assets.operations.search import search_assets
from assets.operations.tags import list_tags, tag_assets, untag_assets
from assets.operations.transfers import transfer_assets
from assets.operations.trash import delete_assets, restore_assets
from assets.operations.upload_links import create_upload_link
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

ORGANIZATION = "/organizations/{organizationId}"
LIBRARIES = f"{ORGANIZATION}/libraries"
LIBRARY = f"{LIBRARIES}/{{libraryId}}"
ASSETS = f"{LIBRARY}/assets"
ASSET = f"{ASSETS}/{{assetId}}"
#: The fields of forms with files that are files.
FILES = "files"


class NoArguments(Contract):
    pass


def who_am_i(principal: BearerPrincipal, command: NoArguments) -> Identity | Identities:
    """Return which organizations and libraries the caller reaches."""
    with connection.cursor() as cursor:
        cursor.execute(principal.identity_statement, [principal.identity_parameter])
        return principal.identity(cursor.fetchall())


@dataclass(frozen=True)
class Endpoint:
    """A method of a path. What the path names and what comes in the query or the body make up its contract.

    ``operation`` is None where files come, which are received before it runs. ``errors`` are those beyond what its
    path and its method imply. An ``anonymous`` one asks for no credential: its operation takes the request's origin.
    """

    method: str
    path: str
    name: str
    group: str
    summary: str
    description: str
    contract: type[Contract]
    record: type[Record]
    operation: Callable[[Any, Any], Record] | None
    status: int = 200
    errors: tuple[type[RasterError], ...] = ()
    anonymous: bool = False

    @cached_property
    def places(self) -> tuple[str, ...]:
        """The arguments that the path names."""
        return tuple(re.findall(r"{(\w+)}", self.path))

    @property
    def takes_query(self) -> bool:
        """Whether arguments may be in the query; a DELETE takes them there as well, as many programs send no body."""
        return self.method in {"GET", "DELETE"}

    @property
    def takes_body(self) -> bool:
        return self.method != "GET"

    @property
    def takes_files(self) -> bool:
        return self.operation is None

    @property
    def writes(self) -> bool:
        return self.method != "GET"

    @property
    def needs_arguments(self) -> bool:
        """Whether there are arguments beyond the path's that cannot be left out."""
        required = {field.alias for field in self.contract.model_fields.values() if field.is_required()}
        return self.takes_files or not required <= set(self.places)


ENDPOINTS: tuple[Endpoint, ...] = (
    Endpoint(
        "GET",
        "/me",
        "whoami",
        "Account",
        "Who the credential is",
        "Which organization the credential reaches, and which of its libraries with read or write. A credential for "
        "several organizations is told all of them, under `organizations`.",
        NoArguments,
        AnyIdentity,
        who_am_i,
    ),
    Endpoint(
        "POST",
        "/libraries",
        "create_organization",
        "Account",
        "Start with no account",
        "Makes an organization with one library, and an API key that writes to it. It is held for a day, and for 30 "
        "days from its first use on, until the person with the email address claims it by the link in `claimUrl`. "
        "Needs no credential.",
        StartOrganization,
        StartedOrganization,
        start_organization,
        anonymous=True,
    ),
    Endpoint(
        "GET",
        LIBRARIES,
        "list_libraries",
        "Libraries",
        "List libraries",
        "The libraries that the credential reaches, by name, with their counts of assets and their most used tags.",
        ListLibraries,
        Page[LibraryRecord],
        list_libraries,
    ),
    Endpoint(
        "POST",
        LIBRARIES,
        "create_library",
        "Libraries",
        "Create a library",
        "Makes a library, with write for the credential. Its id may differ from the slug that was asked for. Needs an "
        "API key with write on at least one library, or a person who owns the organization.",
        CreateLibrary,
        LibraryRecord,
        create_library,
        status=201,
        errors=(Forbidden, LibraryURLTaken, LibraryLimitExceeded, EphemeralLibraryLimitExceeded),
    ),
    Endpoint(
        "PATCH",
        LIBRARY,
        "rename_library",
        "Libraries",
        "Rename a library",
        "Gives a library another name. Its id stays.",
        RenameLibrary,
        LibraryRecord,
        rename_library,
        errors=(Forbidden,),
    ),
    Endpoint(
        "GET",
        ASSETS,
        "list_assets",
        "Assets",
        "List assets",
        "The assets of a library, newest first, or only those with any of the given tags.",
        ListAssets,
        Page[AssetRecord],
        list_assets,
    ),
    Endpoint(
        "POST",
        ASSETS,
        "upload_assets",
        "Uploads",
        "Upload files",
        "Uploads up to 20 files. Those of a type that is not taken are left out, and `responseText` says which and "
        "why. The assets are in lists and search at once.",
        UploadAssets,
        Uploaded,
        None,
        errors=(ResourceNotFound, StorageLimitExceeded, EphemeralStorageLimitExceeded),
    ),
    Endpoint(
        "DELETE",
        ASSETS,
        "delete_assets",
        "Assets",
        "Move assets to the trash",
        "Moves assets to the trash, each with its variants. They can be restored for 30 days. Either all of them go "
        "or none does; those that are there already stay. The ids may be in the query as well.",
        DeleteAssets,
        Deleted,
        delete_assets,
        errors=(ResourceNotFound,),
    ),
    Endpoint(
        "POST",
        f"{ASSETS}/tag",
        "tag_assets",
        "Tags",
        "Put tags on assets",
        "Adds tags to assets. Tags that are there already stay. Either every asset is tagged or none is.",
        TagAssets,
        Tagged,
        tag_assets,
        errors=(ResourceNotFound,),
    ),
    Endpoint(
        "POST",
        f"{ASSETS}/untag",
        "untag_assets",
        "Tags",
        "Take tags off assets",
        "Removes tags from assets. Either it is done for every asset or for none.",
        UntagAssets,
        Untagged,
        untag_assets,
        errors=(ResourceNotFound,),
    ),
    Endpoint(
        "POST",
        f"{LIBRARIES}/{{sourceLibraryId}}/assets/transfer",
        "transfer_assets",
        "Assets",
        "Move assets to another library",
        "Moves assets to another library of the organization. Their ids, urls, tags and variants stay. Either all of "
        "them move or none does. Needs write on both libraries.",
        TransferAssets,
        Transferred,
        transfer_assets,
        errors=(ResourceNotFound,),
    ),
    Endpoint(
        "POST",
        f"{ASSETS}/restore",
        "restore_assets",
        "Assets",
        "Restore assets from the trash",
        "Brings assets back from the trash, with the variants that went there with them. Either all of them come back "
        "or none does.",
        RestoreAssets,
        Restored,
        restore_assets,
        errors=(ResourceNotFound,),
    ),
    Endpoint(
        "GET",
        ASSET,
        "get_asset",
        "Assets",
        "Get an asset",
        "One asset or variant: its name, description, tags, dimensions, and the permanent url of its file.",
        GetAsset,
        AssetRecord,
        get_asset,
        errors=(ResourceNotFound,),
    ),
    Endpoint(
        "PATCH",
        ASSET,
        "rename_asset",
        "Assets",
        "Rename an asset",
        "Gives an asset or a variant another name. Its id and its url stay.",
        RenameAsset,
        AssetRecord,
        rename_asset,
        errors=(ResourceNotFound,),
    ),
    Endpoint(
        "PATCH",
        f"{ASSET}/description",
        "update_asset_description",
        "Assets",
        "Describe an asset",
        "Replaces the description of an asset, kept exactly as given; an empty one clears it.",
        UpdateAssetDescription,
        Described,
        update_asset_description,
        errors=(ResourceNotFound,),
    ),
    Endpoint(
        "PATCH",
        f"{ASSET}/approval",
        "set_asset_approval",
        "Assets",
        "Approve an asset, or ask for changes",
        "Records the judgement of the person who connected the program, in place of the one before. Works over OAuth "
        "only, since it needs a person.",
        SetAssetApproval,
        Approved,
        set_asset_approval,
        errors=(ResourceNotFound, ApprovalRequiresUser),
    ),
    Endpoint(
        "POST",
        f"{ASSET}/promote",
        "promote_variant",
        "Assets",
        "Promote a variant",
        "Swaps the files of an asset and one of its variants: the asset's url serves the variant's file from now on, "
        "and the former original becomes a variant.",
        PromoteVariant,
        AssetRecord,
        promote_variant,
        errors=(ResourceNotFound, VariantNotFound, Conflict),
    ),
    Endpoint(
        "POST",
        f"{LIBRARY}/upload-links",
        "create_upload_link",
        "Uploads",
        "Make an upload link",
        "Makes a link with which files are uploaded to the library once, within minutes. It is a credential.",
        CreateUploadLink,
        UploadLinkRecord,
        create_upload_link,
    ),
    Endpoint(
        "GET",
        f"{LIBRARY}/tags",
        "list_tags",
        "Tags",
        "List tags",
        "The tags in use in a library and how many assets carry each, most used first.",
        ListTags,
        Page[TagRecord],
        list_tags,
    ),
    Endpoint(
        "GET",
        f"{ORGANIZATION}/search/assets",
        "search_assets",
        "Assets",
        "Search assets",
        "Finds assets by words in their names, tags and descriptions, in every library that the credential reaches or "
        "in those given: best matches first, then newest. An empty `q` lists everything, newest first.",
        SearchAssets,
        SearchResult,
        search_assets,
    ),
)
