"""What the APIs show of assets, made of rows and of what belongs to them."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast
from urllib.parse import quote

from django.conf import settings
from django.db import connection

from assets.contracts import ApprovalRecord, ApprovalState, AssetRecord, Person, VariantRecord
from assets.models import Asset
from orgs.models import Library
from raster.errors import ResourceNotFound

#: Both databases have their answer sooner than Django has written such a question down, so these are written out.
_VARIANTS = "SELECT * FROM assets_asset WHERE parent_id IN ({}) AND trashed IS NULL ORDER BY created, id"
_ORIGINALS = "SELECT * FROM assets_asset WHERE id IN ({}) AND parent_id IS NULL AND trashed IS NULL"
_WITH_VARIANTS = """
    SELECT * FROM assets_asset WHERE (id IN ({0}) OR parent_id IN ({0})) AND library_id = %s AND trashed IS NULL
    ORDER BY created, id
"""
#: Not joined, so that no plan begins with all of the library's tags.
_TAGS = """
    SELECT tagged.asset_id, (SELECT text FROM assets_tag WHERE id = tagged.tag_id) FROM assets_assettag tagged
    WHERE tagged.asset_id IN ({}) ORDER BY tagged.id
"""
_LISTED = "library_id = %s AND parent_id IS NULL AND trashed IS NULL"
_TAGGED = """
    AND id IN (
        SELECT tagged.asset_id FROM assets_assettag tagged JOIN assets_tag tag ON tag.id = tagged.tag_id
        WHERE tag.library_id = %s AND tag.folded IN ({})
    )
"""
_COUNTED = {
    "postgresql": "SELECT count(*) FROM assets_asset WHERE {}",
    # In order, so that it walks the index of lists: it would choose one that has it look every asset up.
    "sqlite": "SELECT count(*) FROM (SELECT 1 FROM assets_asset WHERE {} ORDER BY created DESC, id DESC)",
}
_NEWEST = """
    SELECT *, ({counted}) AS listed FROM assets_asset WHERE {listed} ORDER BY created DESC, id DESC LIMIT %s OFFSET %s
"""


@dataclass(frozen=True, slots=True)
class Parts:
    """What belongs to assets: their variants, oldest first, and the tags of both in the order of tagging."""

    variants: Mapping[str, Sequence[Asset]]
    tags: Mapping[str, Sequence[str]]


def load_parts(assets: Sequence[Asset], among: Iterable[Asset] | None = None) -> Parts:
    """Load the parts of assets by two queries; variants are those ``among`` some, or the live ones."""
    originals = [asset.pk for asset in assets if asset.parent_id is None]
    if among is None:
        among = Asset.objects.raw(_VARIANTS.format(_places(originals)), originals) if originals else ()
    variants: defaultdict[str, list[Asset]] = defaultdict(list)
    for variant in among:
        variants[str(variant.parent_id)].append(variant)
    return Parts(variants, _tags([asset.pk for group in (assets, *variants.values()) for asset in group]))


def newest_assets(library: Library, folded_tags: Collection[str], start: int, size: int) -> tuple[list[Asset], int]:
    """Return some of the library's assets, newest first, and how many there are: those with any of the tags."""
    listed = _LISTED
    values: list[Any] = [library.pk]
    if folded_tags:
        listed += _TAGGED.format(_places(folded_tags))
        values += [library.pk, *folded_tags]
    counted = _COUNTED[connection.vendor].format(listed)
    statement = _NEWEST.format(counted=counted, listed=listed)
    rows = list(Asset.objects.raw(statement, [*values, *values, size, start]))
    if rows:
        return rows, int(rows[0].listed)  # type: ignore[attr-defined]  # a column of the statement
    with connection.cursor() as cursor:
        cursor.execute(counted, values)
        return [], int(cursor.fetchone()[0])


def live_originals(asset_ids: Sequence[str]) -> list[Asset]:
    """Return those of the assets that are no variants and not in the trash, of any library."""
    return list(Asset.objects.raw(_ORIGINALS.format(_places(asset_ids)), asset_ids)) if asset_ids else []


def live_asset(library: Library, asset_id: str) -> Asset:
    """Return an asset or variant of the library that is not in the trash.

    Raises:
        ResourceNotFound: it is missing, in the trash or in another library: nobody can tell which.
    """
    asset: Asset | None = Asset.objects.filter(library=library, pk=asset_id).live().first()
    if asset is None:
        raise ResourceNotFound
    return asset


def live_record(library: Library, asset_id: str, organization_slug: str) -> AssetRecord:
    """Return what the APIs show of an asset or variant of the library; raise as :func:`live_asset` does."""
    records = live_records(library, [asset_id], organization_slug)
    if asset_id not in records:
        raise ResourceNotFound
    return records[asset_id]


def live_records(library: Library, asset_ids: Sequence[str], organization_slug: str) -> dict[str, AssetRecord]:
    """Return what the APIs show of those assets and variants of the library that are not in the trash."""
    statement = _WITH_VARIANTS.format(_places(asset_ids))
    rows = list(Asset.objects.raw(statement, [*asset_ids, *asset_ids, library.pk]))
    variants: defaultdict[str, list[Asset]] = defaultdict(list)
    for row in rows:
        if row.parent_id is not None:
            variants[row.parent_id].append(row)
    parts = Parts(variants, _tags([row.pk for row in rows]))
    wanted = set(asset_ids)
    return {row.pk: asset_record(row, organization_slug, library, parts) for row in rows if row.pk in wanted}


def _tags(asset_ids: Sequence[str]) -> Mapping[str, Sequence[str]]:
    tags: defaultdict[str, list[str]] = defaultdict(list)
    if asset_ids:
        with connection.cursor() as cursor:
            cursor.execute(_TAGS.format(_places(asset_ids)), asset_ids)
            for asset_id, text in cursor.fetchall():
                tags[asset_id].append(text)
    return tags


def _places(values: Collection[str]) -> str:
    return ", ".join(["%s"] * len(values))


def asset_record(asset: Asset, organization_slug: str, library: Library, parts: Parts) -> AssetRecord:
    """Return what the APIs show of an asset whose parts were loaded: no query."""
    return AssetRecord(
        **asset_facts(asset, organization_slug, library, parts),
        variants=[
            variant_record(variant, organization_slug, library, parts) for variant in parts.variants.get(asset.pk, ())
        ],
    )


def variant_record(variant: Asset, organization_slug: str, library: Library, parts: Parts) -> VariantRecord:
    """Return what the APIs show of a variant within its original."""
    return VariantRecord(**asset_facts(variant, organization_slug, library, parts))


def asset_facts(asset: Asset, organization_slug: str, library: Library, parts: Parts) -> dict[str, Any]:
    """Return the fields of a record that assets and variants share."""
    base = f"{settings.MEDIA_BASE_URL}/{asset.pk}"
    return {
        "id": asset.pk,
        "organization_id": organization_slug,
        "library_id": library.slug,
        "name": asset.name,
        "description": asset.description,
        "tags": parts.tags.get(asset.pk, []),
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
