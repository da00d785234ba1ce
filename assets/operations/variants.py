"""Putting a variant in the place of its original."""

from assets.contracts import AssetRecord, PromoteVariant
from assets.events import changes
from assets.models import Asset
from assets.records import live_record
from orgs.access import Level, Principal
from orgs.models import Library
from raster.errors import Conflict, ResourceNotFound, VariantNotFound


def promote_variant(principal: Principal, command: PromoteVariant) -> AssetRecord:
    """Let the asset's own ``url`` serve the variant's file, and the variant's the former original.

    Both keep their ids, links, names, descriptions and tags. What is of the file goes with it: its type, dimensions
    and sizes, who uploaded it, and what somebody thought of it.

    Raises:
        ResourceNotFound: the asset is no live asset of the library.
        VariantNotFound: the variant is no live variant of that asset.
        Conflict: another promote of the asset was running when this one was asked for.
    """
    seen = _asset_and_variant(principal.library(command.organization_id, command.library_id, Level.WRITE), command)
    with changes(principal, "promote") as change:
        library = principal.library(command.organization_id, command.library_id, Level.WRITE, lock=True)
        asset, variant = _asset_and_variant(library, command, lock=True)
        # Whoever waited for another promote would undo it.
        if (asset.file, variant.file) != tuple(part.file for part in seen):
            raise Conflict
        for field in (*Asset.FILE_FIELDS, *Asset.APPROVAL_FIELDS):
            ours, theirs = getattr(asset, field), getattr(variant, field)
            setattr(asset, field, theirs)
            setattr(variant, field, ours)
        for part in (asset, variant):
            part.save(update_fields=[*Asset.FILE_FIELDS, *Asset.APPROVAL_FIELDS, "updated"])
        change.note(
            library,
            {key: {"after": variant.name} for key in (asset.pk, variant.pk)},
            target=f"{asset.name} ({asset.pk})",
            before={"digest": variant.digest},
            after={"digest": asset.digest, "variant": variant.pk},
        )
        return live_record(library, asset.pk, command.organization_id)


def _asset_and_variant(library: Library, command: PromoteVariant, *, lock: bool = False) -> tuple[Asset, Asset]:
    rows = Asset.objects.filter(library=library, pk__in=(command.asset_id, command.variant_id)).live().order_by("pk")
    found = {asset.pk: asset for asset in (rows.select_for_update(no_key=True) if lock else rows)}
    if command.asset_id not in found:
        raise ResourceNotFound
    variant = found.get(command.variant_id)
    if variant is None or variant.parent_id != command.asset_id:
        raise VariantNotFound
    return found[command.asset_id], variant
