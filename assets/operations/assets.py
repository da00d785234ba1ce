"""Listing, reading and describing assets."""

from datetime import datetime
from typing import Any
from urllib.parse import quote

from django.conf import settings
from django.db import transaction
from django.db.models import OuterRef, Prefetch, Subquery

from assets.contracts import (
    AssetRecord,
    Described,
    GetAsset,
    ListAssets,
    ListLibraries,
    Person,
    UpdateAssetDescription,
    VariantRecord,
)
from assets.models import Asset, AssetQuerySet, AssetTag
from orgs import audit
from orgs.access import Level, Principal
from orgs.models import Library
from raster.contracts import Page
from raster.errors import ResourceNotFound
from raster.fold import fold_case


def list_assets(principal: Principal, command: ListAssets) -> Page[AssetRecord]:
    """Return a page of a library's assets, newest first, those with any of ``tags`` where tags are given."""
    library = principal.library(command.organization_id, command.library_id, Level.READ)
    assets = Asset.objects.filter(library=library).main().live()
    if command.tags:
        folded = {fold_case(tag.strip()) for tag in command.tags}
        tagged = AssetTag.objects.filter(tag__library=library, tag__folded__in=folded).values("asset")
        assets = assets.filter(pk__in=tagged)
    start = (command.page - 1) * command.page_size
    rows = _with_parts(assets.newest_first())[start : start + command.page_size]
    return Page[AssetRecord](
        data=[asset_record(asset, command.organization_id, library) for asset in rows],
        page=command.page,
        page_size=command.page_size,
        total=assets.count(),
    )


def get_asset(principal: Principal, command: GetAsset) -> AssetRecord:
    """Return an asset or a variant of a library.

    Raises:
        ResourceNotFound: it is missing, in the trash or in another library: nobody can tell which.
    """
    library = principal.library(command.organization_id, command.library_id, Level.READ)
    return asset_record(live_asset(library, command.asset_id), command.organization_id, library)


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
    return {
        by_newest[asset.pk].slug: asset_record(asset, command.organization_id, by_newest[asset.pk])
        for asset in _with_parts(Asset.objects.filter(pk__in=[pk for pk in by_newest if pk]))
    }


def update_asset_description(principal: Principal, command: UpdateAssetDescription) -> Described:
    """Put another description in place of an asset's present one, verbatim."""
    with transaction.atomic():
        library = principal.library(command.organization_id, command.library_id, Level.WRITE)
        asset = Asset.objects.filter(library=library, pk=command.asset_id).live().select_for_update(no_key=True).first()
        if asset is None:
            raise ResourceNotFound
        if asset.description != command.description:
            audit.record(
                principal,
                library.organization_id,
                "asset.describe",
                f"{asset.name} ({asset.pk})",
                before={"description": asset.description},
                after={"description": command.description},
            )
            asset.description = command.description
            asset.save(update_fields=["description", "updated"])
    return Described(asset_id=asset.pk, description=asset.description)


def live_asset(library: Library, asset_id: str) -> Asset:
    """Return an asset or variant of the library that is not in the trash, with its tags and variants."""
    asset = _with_parts(Asset.objects.filter(library=library, pk=asset_id).live()).first()
    if asset is None:
        raise ResourceNotFound
    return asset


def asset_record(asset: Asset, organization_slug: str, library: Library) -> AssetRecord:
    """Return what the APIs show of an asset that was loaded by this module: no query."""
    return AssetRecord(
        **_facts(asset, organization_slug, library),
        variants=[VariantRecord(**_facts(variant, organization_slug, library)) for variant in asset.variants.all()],
    )


def _with_parts(assets: AssetQuerySet) -> AssetQuerySet:
    tags = Prefetch("asset_tags", AssetTag.objects.select_related("tag").order_by("id"))
    variants = Prefetch("variants", Asset.objects.live().order_by("created", "id").prefetch_related(tags))
    return assets.prefetch_related(tags, variants)


def _facts(asset: Asset, organization_slug: str, library: Library) -> dict[str, Any]:
    base = f"{settings.MEDIA_BASE_URL}/{asset.pk}"
    return {
        "id": asset.pk,
        "organization_id": organization_slug,
        "library_id": library.slug,
        "name": asset.name,
        "description": asset.description,
        "tags": [asset_tag.tag.text for asset_tag in asset.asset_tags.all()],
        "content_type": asset.content_type,
        "size": asset.size,
        "width": asset.width,
        "height": asset.height,
        "blurhash": asset.blurhash,
        "url": f"{base}/{quote(asset.file_name)}",
        "sizes": {width: f"{base}/{width}/{name}" for width, name in asset.sizes.items()},
        "app_url": f"{settings.BASE_URL}/{organization_slug}/{library.slug}/{asset.pk}",
        "type": "main" if asset.parent_id is None else "variant",
        "parent_id": asset.parent_id,
        "approval": None,
        "uploaded_by": Person(name=asset.uploaded_by_name),
        "created": _milliseconds(asset.created),
        "updated": _milliseconds(asset.updated),
    }


def _milliseconds(moment: datetime) -> int:
    return int(moment.timestamp() * 1000)
