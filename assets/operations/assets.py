"""Listing, reading, naming and describing assets."""

from django.db.models import OuterRef, Subquery

from assets.contracts import (
    AssetRecord,
    Described,
    GetAsset,
    GetAssets,
    ListAssets,
    ListLibraries,
    LookAtAsset,
    RenameAsset,
    UpdateAssetDescription,
)
from assets.events import changes
from assets.models import Asset
from assets.previews import Preview, make_preview
from assets.records import asset_record, live_asset, live_record, live_records, load_parts, newest_assets
from orgs.access import Level, Principal
from orgs.models import Library
from raster.contracts import Page
from raster.errors import ResourceNotFound
from raster.fold import fold_case


def list_assets(principal: Principal, command: ListAssets) -> Page[AssetRecord]:
    """Return a page of a library's assets, newest first, those with any of ``tags`` where tags are given."""
    library = principal.library(command.organization_id, command.library_id, Level.READ)
    folded = {fold_case(tag.strip()) for tag in command.tags or ()}
    rows, total = newest_assets(library, folded, (command.page - 1) * command.page_size, command.page_size)
    parts = load_parts(rows)
    return Page[AssetRecord](
        data=[asset_record(asset, command.organization_id, library, parts) for asset in rows],
        page=command.page,
        page_size=command.page_size,
        total=total,
    )


def get_asset(principal: Principal, command: GetAsset) -> AssetRecord:
    """Return an asset or a variant of a library.

    Raises:
        ResourceNotFound: it is missing, in the trash or in another library: nobody can tell which.
    """
    library = principal.library(command.organization_id, command.library_id, Level.READ)
    return live_record(library, command.asset_id, command.organization_id)


def preview_asset(principal: Principal, command: LookAtAsset) -> Preview:
    """Return a small picture of a live asset or variant.

    Raises:
        ResourceNotFound: it is missing, in the trash or in another library: nobody can tell which.
        RateLimited: too much is being read for the organization already.
    """
    library = principal.library(command.organization_id, command.library_id, Level.READ)
    return make_preview(live_asset(library, command.asset_id), command.organization_id)


def get_assets(principal: Principal, command: GetAssets) -> dict[str, AssetRecord]:
    """Return assets and variants of a library by their ids; those that are not found are left out."""
    library = principal.library(command.organization_id, command.library_id, Level.READ)
    return live_records(library, command.ids, command.organization_id)


def newest_pictures(principal: Principal, command: ListLibraries) -> dict[str, AssetRecord]:
    """Return the newest asset that has sizes of each library on a page of libraries, by the library's id."""
    organization = principal.organization(command.organization_id)
    newest = Asset.objects.filter(library=OuterRef("pk")).exclude(sizes={}).main().live().newest_first()
    start = (command.page - 1) * command.page_size
    libraries = (
        principal.libraries()
        .filter(organization_id=organization.id)
        .order_by("name", "slug")
        .annotate(newest=Subquery(newest.values("pk")[:1]))[start : start + command.page_size]
    )
    by_newest = {library.newest: library for library in libraries}
    assets = list(Asset.objects.filter(pk__in=[pk for pk in by_newest if pk]))
    parts = load_parts(assets)
    return {
        by_newest[asset.pk].slug: asset_record(asset, command.organization_id, by_newest[asset.pk], parts)
        for asset in assets
    }


def rename_asset(principal: Principal, command: RenameAsset) -> AssetRecord:
    """Give an asset or a variant another name; its ``url`` stays.

    Raises:
        ResourceNotFound: it is no live asset of the library.
    """
    with changes(principal, "rename") as change:
        library = principal.library(command.organization_id, command.library_id, Level.WRITE, lock=True)
        asset = _locked(library, command.asset_id)
        if asset.name != command.name:
            event = {"before": asset.name, "after": command.name}
            change.note(
                library,
                {asset.pk: event},
                target=f"{asset.name} ({asset.pk})",
                before={"name": asset.name},
                after={"name": command.name},
            )
            asset.name = command.name
            asset.save(update_fields=["name", "updated"])
        return live_record(library, asset.pk, command.organization_id)


def update_asset_description(principal: Principal, command: UpdateAssetDescription) -> Described:
    """Put another description in place of an asset's present one, verbatim.

    Raises:
        ResourceNotFound: it is no live asset of the library.
    """
    with changes(principal, "describe") as change:
        library = principal.library(command.organization_id, command.library_id, Level.WRITE, lock=True)
        asset = _locked(library, command.asset_id)
        if asset.description != command.description:
            change.note(
                library,
                [asset.pk],
                target=f"{asset.name} ({asset.pk})",
                before={"description": asset.description},
                after={"description": command.description},
            )
            asset.description = command.description
            asset.save(update_fields=["description", "updated"])
    return Described(asset_id=asset.pk, description=asset.description)


def _locked(library: Library, asset_id: str) -> Asset:
    asset: Asset | None = (
        Asset.objects.filter(library=library, pk=asset_id).live().select_for_update(no_key=True).first()
    )
    if asset is None:
        raise ResourceNotFound
    return asset
