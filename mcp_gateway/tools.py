"""The tools and resources: which operation each runs, and the words that models and people read about it."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar
from urllib.parse import unquote

import mcp_types

from assets.contracts import (
    Approved,
    AssetRecord,
    CreateLibrary,
    CreateUploadLink,
    DeleteAssets,
    Deleted,
    Described,
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
    Uploaded,
    UploadLinkRecord,
    UploadSource,
    UploadSources,
    VariantRecord,
)
from assets.operations.approvals import set_asset_approval
from assets.operations.assets import get_asset, list_assets, rename_asset, update_asset_description
from assets.operations.libraries import create_library, list_libraries, rename_library
from assets.operations.search import search_assets
from assets.operations.tags import list_tags, tag_assets, untag_assets
from assets.operations.transfers import transfer_assets
from assets.operations.trash import delete_assets, restore_assets
from assets.operations.upload_links import create_upload_link
from assets.operations.uploads import upload_source, upload_sources
from assets.operations.variants import promote_variant
from mcp_gateway.content import Block, preview_blocks
from orgs.access import Principal
from orgs.contracts import AnyIdentity
from raster.contracts import Contract, Page, Record, json_schema
from raster.workers import Workers, fetchers

AnyContract = TypeVar("AnyContract", bound=Contract)


class NoArguments(Contract):
    pass


@dataclass(frozen=True)
class Tool(Generic[AnyContract]):
    """A tool. ``operation`` is None for ``whoami`` alone, which the door answers on its event loop.

    ``takes_files`` says that a call may be large, and ``pool`` is where a slow one runs. ``links`` returns the assets
    of its record that the result links to, and ``preview`` what follows where the arguments ask for it.
    """

    name: str
    title: str
    description: str
    contract: type[AnyContract]
    record: type[Record]
    operation: Callable[[Principal, AnyContract], Record] | None
    writes: bool = False
    destructive: bool = False
    idempotent: bool = True
    open_world: bool = False
    takes_files: bool = False
    pool: Workers | None = None
    links: Callable[[Any], Sequence[VariantRecord]] | None = None
    preview: Callable[[Principal, AnyContract], list[Block]] | None = None
    definition: mcp_types.Tool = field(init=False)

    def __post_init__(self) -> None:
        definition = mcp_types.Tool(
            name=self.name,
            title=self.title,
            description=self.description,
            input_schema=json_schema(self.contract),
            output_schema=json_schema(self.record, output=True),
            annotations=mcp_types.ToolAnnotations(
                title=self.title,
                read_only_hint=not self.writes,
                destructive_hint=self.destructive,
                idempotent_hint=self.idempotent,
                open_world_hint=self.open_world,
            ),
        )
        object.__setattr__(self, "definition", definition)


_tools: tuple[Tool[Any], ...] = (
    Tool(
        "whoami",
        "Who am I",
        "Tells which organization this credential reaches and which of its libraries, each with read or write (a "
        "credential for several organizations is told all of them, under organizations). Call it first: its ids are "
        "the arguments of every other tool.",
        NoArguments,
        AnyIdentity,
        None,
    ),
    Tool(
        "list_libraries",
        "List libraries",
        "Lists the libraries that this credential reaches in an organization, with their counts of assets and their "
        "most used tags.",
        ListLibraries,
        Page[LibraryRecord],
        list_libraries,
    ),
    Tool(
        "list_assets",
        "List assets",
        "Lists the assets of a library, newest first, optionally only those with any of the given tags. Each asset "
        "has a permanent url of its file: hand that url to people.",
        ListAssets,
        Page[AssetRecord],
        list_assets,
        links=lambda page: page.data,
    ),
    Tool(
        "get_asset",
        "Get asset",
        "Returns one asset: name, description, tags, dimensions in pixels, size in bytes, and the url of its file. "
        "With preview you also get to see it, small.",
        LookAtAsset,
        AssetRecord,
        get_asset,
        preview=preview_blocks,
    ),
    Tool(
        "search_assets",
        "Search assets",
        "Finds assets by words in their names, tags and descriptions, in every library that this credential reaches or "
        "in those given: best matches first, then newest. All words must be in an asset. Mistyped words are corrected, "
        "and corrected says what was searched instead. An empty q lists everything, newest first.",
        SearchAssets,
        SearchResult,
        search_assets,
        links=lambda result: result.hits,
    ),
    Tool(
        "list_tags",
        "List tags",
        "Lists the tags in use in a library with how many assets carry each, most used first. Look here before "
        "inventing a new tag.",
        ListTags,
        Page[TagRecord],
        list_tags,
    ),
    Tool(
        "upload_asset",
        "Upload asset",
        "Uploads one file from a URL, which the server fetches, or from base64 (small files only), optionally as a "
        "variant of an asset (parentId). The asset is in lists and search at once, and its url is permanent. Needs "
        "write.",
        UploadSource,
        Uploaded,
        upload_source,
        writes=True,
        idempotent=False,
        open_world=True,
        takes_files=True,
        pool=fetchers,
    ),
    Tool(
        "upload_assets",
        "Upload assets",
        "Uploads up to 20 files at once, each from a URL, which the server fetches, or from base64 (small files only). "
        "If a URL cannot be fetched nothing is uploaded; files of a type that is not taken are left out, and "
        "responseText says which and why. Needs write.",
        UploadSources,
        Uploaded,
        upload_sources,
        writes=True,
        idempotent=False,
        open_world=True,
        takes_files=True,
        pool=fetchers,
    ),
    Tool(
        "tag_assets",
        "Tag assets",
        "Adds tags to assets. Tags that are there already stay. Either every asset is tagged or none is. Needs write.",
        TagAssets,
        Tagged,
        tag_assets,
        writes=True,
    ),
    Tool(
        "untag_assets",
        "Untag assets",
        "Removes tags from assets. Either it is done for every asset or for none. Needs write.",
        UntagAssets,
        Untagged,
        untag_assets,
        writes=True,
        destructive=True,
    ),
    Tool(
        "update_asset_description",
        "Update asset description",
        "Replaces the description of an asset, kept exactly as given; an empty one clears it. Needs write.",
        UpdateAssetDescription,
        Described,
        update_asset_description,
        writes=True,
        destructive=True,
    ),
    Tool(
        "create_upload_link",
        "Create upload link",
        "Makes a link with which a shell uploads local files to one library, once and within minutes: run its curl "
        "line with PATH replaced by the file's path. Use it for files on this machine, instead of base64. The link is "
        "a credential: keep it out of messages and files. Needs write.",
        CreateUploadLink,
        UploadLinkRecord,
        create_upload_link,
        writes=True,
        idempotent=False,
    ),
    Tool(
        "delete_assets",
        "Delete assets",
        "Moves assets to the trash of their library, each with its variants: they leave every list and search, and "
        "their url stops working at once. They can be brought back with restore_assets for 30 days and are then "
        "removed for good. Naming one that is in the trash already changes nothing. Either all of them go or none "
        "does. Needs write.",
        DeleteAssets,
        Deleted,
        delete_assets,
        writes=True,
        destructive=True,
    ),
    Tool(
        "restore_assets",
        "Restore assets",
        "Brings assets back from the trash by their ids, with the variants that went there with them, their tags and "
        "the same url as before. Naming one that is not in the trash changes nothing. Either all of them come back or "
        "none does. Needs write.",
        RestoreAssets,
        Restored,
        restore_assets,
        writes=True,
    ),
    Tool(
        "transfer_assets",
        "Transfer assets",
        "Moves assets to another library of the same organization; their ids, urls, tags and variants stay as they "
        "are. From then on they are found under the target library's id only, so doing it again answers that they "
        "were not found. A variant moves with its original, never alone. Either all of them move or none does. Needs "
        "write on both libraries.",
        TransferAssets,
        Transferred,
        transfer_assets,
        writes=True,
        destructive=True,
        idempotent=False,
    ),
    Tool(
        "rename_asset",
        "Rename asset",
        "Gives an asset or a variant another name. Its id and its url stay. Needs write.",
        RenameAsset,
        AssetRecord,
        rename_asset,
        writes=True,
        destructive=True,
    ),
    Tool(
        "set_asset_approval",
        "Set asset approval",
        "Records the judgement of the person you act for on an asset's file: in_review, approved or needs_changes, "
        "with an optional note. It replaces the one before, and whoever uploaded the file is told by mail when it is "
        "approved or needs changes: set it only when the person asked for it. Works over OAuth only, as an approval "
        "needs a person: with an API key it answers APPROVAL_REQUIRES_USER. Needs write.",
        SetAssetApproval,
        Approved,
        set_asset_approval,
        writes=True,
        destructive=True,
    ),
    Tool(
        "promote_variant",
        "Promote variant",
        "Swaps the files of an asset and one of its variants: the asset's url serves the variant's file from now on, "
        "and the variant's id and url stand for the former original. Names, descriptions and tags stay where they "
        "are; approvals go with the files. Doing it again with the same ids swaps them back. Needs write.",
        PromoteVariant,
        AssetRecord,
        promote_variant,
        writes=True,
        destructive=True,
        idempotent=False,
    ),
    Tool(
        "create_library",
        "Create library",
        "Creates a library in the organization, with write for this credential. Its id is in the answer: it may "
        "differ from the slug that was asked for. Needs an API key with write on at least one library, or a person who "
        "owns the organization.",
        CreateLibrary,
        LibraryRecord,
        create_library,
        writes=True,
        idempotent=False,
    ),
    Tool(
        "rename_library",
        "Rename library",
        "Gives a library another name. Its id stays. Needs write.",
        RenameLibrary,
        LibraryRecord,
        rename_library,
        writes=True,
        destructive=True,
    ),
)
TOOLS = {tool.name: tool for tool in _tools}


@dataclass(frozen=True)
class Resource:
    """A resource template and the read that answers it."""

    template: str
    name: str
    title: str
    description: str
    contract: type[Contract]
    operation: Callable[[Principal, Any], Record]

    @property
    def definition(self) -> mcp_types.ResourceTemplate:
        return mcp_types.ResourceTemplate(
            uri_template=self.template,
            name=self.name,
            title=self.title,
            description=self.description,
            mime_type="application/json",
        )

    def arguments(self, uri: str) -> dict[str, str] | None:
        """Return what a URI says in the template's places, or None where it is not of this template."""
        pattern = re.sub(r"\\\{(\w+)\\\}", r"(?P<\1>[^/?#]+)", re.escape(self.template))
        match = re.fullmatch(pattern, uri)
        return match and {name: unquote(value) for name, value in match.groupdict().items()}


RESOURCES = (
    Resource(
        "raster://organizations/{organizationId}/libraries",
        "libraries",
        "Libraries",
        "The libraries of an organization that this credential reaches.",
        ListLibraries,
        list_libraries,
    ),
    Resource(
        "raster://organizations/{organizationId}/libraries/{libraryId}/assets",
        "assets",
        "Assets",
        "The newest assets of a library: the first page of list_assets.",
        ListAssets,
        list_assets,
    ),
    Resource(
        "raster://organizations/{organizationId}/libraries/{libraryId}/tags",
        "tags",
        "Tags",
        "The tags in use in a library, most used first.",
        ListTags,
        list_tags,
    ),
)
