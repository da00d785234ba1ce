"""What the APIs show of assets, made of rows that were loaded with their parts."""

from datetime import datetime
from typing import Any, cast
from urllib.parse import quote

from django.conf import settings
from django.db.models import Prefetch

from assets.contracts import ApprovalRecord, ApprovalState, AssetRecord, Person, VariantRecord
from assets.models import Asset, AssetQuerySet, AssetTag
from orgs.models import Library
from raster.errors import ResourceNotFound


def live_asset(library: Library, asset_id: str) -> Asset:
    """Return an asset or variant of the library that is not in the trash, with its tags and variants.

    Raises:
        ResourceNotFound: it is missing, in the trash or in another library: nobody can tell which.
    """
    asset = with_parts(Asset.objects.filter(library=library, pk=asset_id).live()).first()
    if asset is None:
        raise ResourceNotFound
    return asset


def with_parts(assets: AssetQuerySet, variants: AssetQuerySet | None = None) -> AssetQuerySet:
    """Load the assets with their tags and variants (the live ones, where ``variants`` says nothing else)."""
    tags = Prefetch("asset_tags", AssetTag.objects.select_related("tag").order_by("id"))
    shown = Asset.objects.live() if variants is None else variants
    return assets.prefetch_related(tags, Prefetch("variants", shown.order_by("created", "id").prefetch_related(tags)))


def asset_record(asset: Asset, organization_slug: str, library: Library) -> AssetRecord:
    """Return what the APIs show of an asset that was loaded by :func:`with_parts`: no query."""
    return AssetRecord(
        **asset_facts(asset, organization_slug, library),
        variants=[variant_record(variant, organization_slug, library) for variant in asset.variants.all()],
    )


def variant_record(variant: Asset, organization_slug: str, library: Library) -> VariantRecord:
    """Return what the APIs show of a variant within its original."""
    return VariantRecord(**asset_facts(variant, organization_slug, library))


def asset_facts(asset: Asset, organization_slug: str, library: Library) -> dict[str, Any]:
    """Return the fields of a record that assets and variants share."""
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
        "app_url": app_url(asset, organization_slug, library),
        "type": "main" if asset.parent_id is None else "variant",
        "parent_id": asset.parent_id,
        "approval": approval_record(asset) if asset.approval_state else None,
        "uploaded_by": Person(name=asset.uploaded_by_name),
        "created": milliseconds(asset.created),
        "updated": milliseconds(asset.updated),
        "derivatives": asset.derivatives,
    }


def approval_record(asset: Asset) -> ApprovalRecord:
    """Return what somebody thought of the file of an asset that was judged."""
    judged: datetime = asset.approval_at  # type: ignore[assignment]  # it was judged
    return ApprovalRecord(
        state=cast("ApprovalState", asset.approval_state),
        note=asset.approval_note,
        by=Person(name=asset.approval_by_name),
        at=milliseconds(judged),
    )


def app_url(asset: Asset, organization_slug: str, library: Library) -> str:
    """Return the address of the asset's page, for people."""
    return f"{settings.BASE_URL}/{organization_slug}/{library.slug}/{asset.pk}"


def milliseconds(moment: datetime) -> int:
    """Return a moment as the APIs write it: unix time in milliseconds."""
    return int(moment.timestamp() * 1000)
