"""The mutations: each translates its arguments into one operation."""

from typing import Any, cast

import strawberry

from api.graphql import types
from api.graphql.context import Info, answers, call
from assets.contracts import (
    CreateLibrary,
    DeleteAssets,
    PromoteVariant,
    RenameAsset,
    RenameLibrary,
    RestoreAssets,
    SetAssetApproval,
    TagAssets,
    TransferAssets,
    UntagAssets,
    UpdateAssetDescription,
    UploadAssets,
    Uploaded,
)
from assets.operations.approvals import set_asset_approval
from assets.operations.assets import rename_asset, update_asset_description
from assets.operations.libraries import create_library, rename_library
from assets.operations.tags import tag_assets, untag_assets
from assets.operations.transfers import transfer_assets
from assets.operations.trash import delete_assets, restore_assets
from assets.operations.uploads import upload_assets
from assets.operations.variants import promote_variant
from assets.staging import Staged
from orgs.access import Principal
from raster.errors import BadUserInput

ID = strawberry.ID


@strawberry.type(
    description="What can be changed. The changes of a request are made one after another, each whole or not at all; "
    "the first that fails is null and the others are made nevertheless."
)
class Mutation:
    @answers(
        types.Uploaded | None,
        "Uploads up to 20 files, which come as parts of a form (GraphQL multipart request). Files of a "
        "type that is not taken are left out, and responseText says which and why. email is not used.",
    )
    def upload_assets(
        self,
        info: Info,
        organization_id: ID,
        library_id: ID,
        files: list[types.Upload],
        email: str | None = strawberry.UNSET,
    ) -> Any:
        if len({id(file) for file in files}) < len(files):
            raise BadUserInput(("files", "holds a file twice"))

        def upload(principal: Principal, command: UploadAssets) -> Uploaded:
            return upload_assets(principal, command, cast("list[Staged]", files))

        return call(info, upload, UploadAssets, organization_id=organization_id, library_id=library_id)

    @answers(
        types.Deleted | None,
        "Moves assets to the trash of their library, each with its variants. They can be restored for 30 days.",
    )
    def delete_assets(self, info: Info, organization_id: ID, library_id: ID, assets: list[ID]) -> Any:
        return call(
            info, delete_assets, DeleteAssets, organization_id=organization_id, library_id=library_id, ids=assets
        )

    @answers(
        types.Restored | None,
        "Brings assets back from the trash, with their variants, their tags and the same url as before.",
    )
    def restore_assets(self, info: Info, organization_id: ID, library_id: ID, assets: list[ID]) -> Any:
        return call(
            info, restore_assets, RestoreAssets, organization_id=organization_id, library_id=library_id, ids=assets
        )

    @answers(types.Tagged | None, "Adds tags to assets: to all of them or to none.")
    def tag_assets(self, info: Info, organization_id: ID, library_id: ID, asset_ids: list[ID], tags: list[str]) -> Any:
        return call(
            info,
            tag_assets,
            TagAssets,
            organization_id=organization_id,
            library_id=library_id,
            asset_ids=asset_ids,
            tags=tags,
        )

    @answers(types.Untagged | None, "Removes tags from assets: from all of them or from none.")
    def untag_assets(
        self, info: Info, organization_id: ID, library_id: ID, asset_ids: list[ID], tags: list[str]
    ) -> Any:
        return call(
            info,
            untag_assets,
            UntagAssets,
            organization_id=organization_id,
            library_id=library_id,
            asset_ids=asset_ids,
            tags=tags,
        )

    @answers(
        types.Asset | None,
        "Gives an asset or a variant another name. Its id and its url stay.",
    )
    def rename_asset(self, info: Info, organization_id: ID, library_id: ID, asset_id: ID, name: str) -> Any:
        return call(
            info,
            rename_asset,
            RenameAsset,
            organization_id=organization_id,
            library_id=library_id,
            asset_id=asset_id,
            name=name,
        )

    @answers(
        types.Described | None,
        "Replaces the description of an asset, kept exactly as given; an empty one clears it.",
    )
    def update_asset_description(
        self, info: Info, organization_id: ID, library_id: ID, asset_id: ID, description: str
    ) -> Any:
        return call(
            info,
            update_asset_description,
            UpdateAssetDescription,
            organization_id=organization_id,
            library_id=library_id,
            asset_id=asset_id,
            description=description,
        )

    @answers(
        types.Transferred | None,
        "Moves assets to another library of the organization; their ids, urls, tags and variants stay as they are.",
    )
    def transfer_assets(
        self,
        info: Info,
        organization_id: ID,
        source_library_id: ID,
        target_library_id: ID,
        asset_ids: list[ID],
    ) -> Any:
        return call(
            info,
            transfer_assets,
            TransferAssets,
            organization_id=organization_id,
            source_library_id=source_library_id,
            target_library_id=target_library_id,
            asset_ids=asset_ids,
        )

    @answers(
        types.Approved | None,
        "Records a person's judgement of an asset's file: in_review, approved or needs_changes. It "
        "replaces the one before. An API key sets none.",
    )
    def set_asset_approval(
        self,
        info: Info,
        organization_id: ID,
        library_id: ID,
        asset_id: ID,
        state: str,
        note: str | None = strawberry.UNSET,
    ) -> Any:
        return call(
            info,
            set_asset_approval,
            SetAssetApproval,
            organization_id=organization_id,
            library_id=library_id,
            asset_id=asset_id,
            state=state,
            note=note,
        )

    @answers(
        types.Asset | None,
        "Swaps the files of an asset and one of its variants. Their ids and urls stay.",
    )
    def promote_variant(self, info: Info, organization_id: ID, library_id: ID, asset_id: ID, variant_id: ID) -> Any:
        return call(
            info,
            promote_variant,
            PromoteVariant,
            organization_id=organization_id,
            library_id=library_id,
            asset_id=asset_id,
            variant_id=variant_id,
        )

    @answers(
        types.Library | None,
        "Creates a library, with write for this credential. Its id may differ from the slug that was asked for.",
    )
    def create_library(self, info: Info, organization_id: ID, name: str, slug: str | None = strawberry.UNSET) -> Any:
        return call(info, create_library, CreateLibrary, organization_id=organization_id, name=name, slug=slug)

    @answers(types.Library | None, "Gives a library another name. Its id stays.")
    def rename_library(self, info: Info, organization_id: ID, library_id: ID, name: str) -> Any:
        return call(
            info, rename_library, RenameLibrary, organization_id=organization_id, library_id=library_id, name=name
        )
