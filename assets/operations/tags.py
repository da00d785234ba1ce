"""Putting tags on assets, taking them off, and listing them."""

from django.db import transaction
from django.db.models import Count, Q
from django.utils import timezone

from assets.contracts import ListTags, TagAssets, Tagged, TagRecord, UntagAssets, Untagged
from assets.models import Asset, AssetTag, Tag
from orgs import audit
from orgs.access import Level, Principal
from orgs.models import Library
from raster.contracts import Page
from raster.errors import ResourceNotFound
from raster.fold import fold_case


def list_tags(principal: Principal, command: ListTags) -> Page[TagRecord]:
    """Return the tags on the library's live assets, most used first."""
    library = principal.library(command.organization_id, command.library_id, Level.READ)
    live = Q(asset_tags__asset__trashed__isnull=True, asset_tags__asset__parent__isnull=True)
    tags = Tag.objects.filter(library=library).annotate(uses=Count("asset_tags", filter=live)).filter(uses__gt=0)
    return Page[TagRecord](
        data=[TagRecord(id=tag.text, count=tag.uses) for tag in tags.order_by("-uses", "folded")[: command.limit]],
        page=1,
        page_size=command.limit,
        total=tags.count(),
    )


def tag_assets(principal: Principal, command: TagAssets) -> Tagged:
    """Put every tag on every asset. A tag that is there already, in whatever case, stays as it is written.

    Raises:
        ResourceNotFound: one of the assets is not a live asset of the library; then nothing was changed.
    """
    with transaction.atomic():
        library = principal.library(command.organization_id, command.library_id, Level.WRITE, lock=True)
        asset_ids = _live_ids(library, command.asset_ids)
        written = {fold_case(text): text for text in reversed(command.tags)}
        Tag.objects.bulk_create(
            [Tag(library=library, text=text, folded=folded) for folded, text in reversed(written.items())],
            ignore_conflicts=True,
        )
        tags = Tag.objects.filter(library=library, folded__in=written)
        pairs = {(asset_id, tag.pk) for asset_id in asset_ids for tag in tags}
        there = set(AssetTag.objects.filter(asset__in=asset_ids, tag__in=tags).values_list("asset_id", "tag_id"))
        new = sorted(pairs - there)
        AssetTag.objects.bulk_create([AssetTag(asset_id=asset_id, tag_id=tag_id) for asset_id, tag_id in new])
        if new:
            _record(principal, library, "asset.tag", sorted({asset_id for asset_id, _ in new}), command.tags)
    return Tagged(tagged_count=len(new))


def untag_assets(principal: Principal, command: UntagAssets) -> Untagged:
    """Take every tag off every asset; a tag that is on no asset any more is forgotten.

    Raises:
        ResourceNotFound: one of the assets is not a live asset of the library; then nothing was changed.
    """
    with transaction.atomic():
        library = principal.library(command.organization_id, command.library_id, Level.WRITE, lock=True)
        asset_ids = _live_ids(library, command.asset_ids)
        tags = Tag.objects.filter(library=library, folded__in={fold_case(text) for text in command.tags})
        pairs = AssetTag.objects.filter(asset__in=asset_ids, tag__in=tags)
        touched = sorted(set(pairs.values_list("asset_id", flat=True)))
        removed, _ = pairs.delete()
        tags.filter(asset_tags__isnull=True).delete()
        if removed:
            _record(principal, library, "asset.untag", touched, command.tags)
    return Untagged(untagged_count=removed)


def _live_ids(library: Library, asset_ids: list[str]) -> list[str]:
    wanted = set(asset_ids)
    found = list(
        Asset.objects.filter(library=library, pk__in=wanted)
        .live()
        .order_by("pk")
        .select_for_update(no_key=True)
        .values_list("pk", flat=True)
    )
    if len(found) != len(wanted):
        raise ResourceNotFound("At least one of the assets was not found; nothing was changed.")
    return found


def _record(principal: Principal, library: Library, action: str, asset_ids: list[str], tags: list[str]) -> None:
    Asset.objects.filter(pk__in=asset_ids).update(updated=timezone.now())
    audit.record(principal, library.organization_id, action, str(library), after={"assets": asset_ids, "tags": tags})
