"""Putting tags on assets, taking them off, and listing them."""

from django.db.models import Count, Q, Window
from django.utils import timezone

from assets.batches import lock_assets
from assets.contracts import ListTags, TagAssets, Tagged, TagRecord, UntagAssets, Untagged
from assets.events import Changes, changes
from assets.models import Asset, AssetTag, Tag
from orgs.access import Level, Principal
from orgs.models import Library
from raster.contracts import Page
from raster.fold import fold_case


def list_tags(principal: Principal, command: ListTags) -> Page[TagRecord]:
    """Return the tags on the library's live assets, most used first."""
    library = principal.library(command.organization_id, command.library_id, Level.READ)
    live = Q(asset_tags__asset__trashed__isnull=True, asset_tags__asset__parent__isnull=True)
    used = Tag.objects.filter(library=library).annotate(uses=Count("asset_tags", filter=live)).filter(uses__gt=0)
    tags = used.annotate(total=Window(Count("*"))).order_by("-uses", "folded")[: command.limit]
    return Page[TagRecord](
        data=[TagRecord(id=tag.text, count=tag.uses) for tag in tags],
        page=1,
        page_size=command.limit,
        total=tags[0].total if tags else 0,
    )


def tag_assets(principal: Principal, command: TagAssets) -> Tagged:
    """Put every tag on every asset. A tag that is there already, in whatever case, stays as it is written.

    Raises:
        ResourceNotFound: one of the assets is not a live asset of the library; then nothing was changed.
    """
    with changes(principal, "tag") as change:
        library = principal.library(command.organization_id, command.library_id, Level.WRITE, lock=True)
        asset_ids = [asset.pk for asset in lock_assets(library, command.asset_ids)]
        written = {fold_case(text): text for text in reversed(command.tags)}
        Tag.objects.bulk_create(
            [Tag(library=library, text=text, folded=folded) for folded, text in reversed(written.items())],
            ignore_conflicts=True,
        )
        texts = dict(Tag.objects.filter(library=library, folded__in=written).order_by("pk").values_list("pk", "text"))
        pairs = {(asset_id, tag_id) for asset_id in asset_ids for tag_id in texts}
        there = set(AssetTag.objects.filter(asset__in=asset_ids, tag__in=texts).values_list("asset_id", "tag_id"))
        new = sorted(pairs - there)
        AssetTag.objects.bulk_create([AssetTag(asset_id=asset_id, tag_id=tag_id) for asset_id, tag_id in new])
        if new:
            _note(change, library, [(asset_id, texts[tag_id]) for asset_id, tag_id in new], command.tags)
    return Tagged(tagged_count=len(new))


def untag_assets(principal: Principal, command: UntagAssets) -> Untagged:
    """Take every tag off every asset; a tag that is on no asset any more is forgotten.

    Raises:
        ResourceNotFound: one of the assets is not a live asset of the library; then nothing was changed.
    """
    with changes(principal, "untag") as change:
        library = principal.library(command.organization_id, command.library_id, Level.WRITE, lock=True)
        asset_ids = [asset.pk for asset in lock_assets(library, command.asset_ids)]
        tags = Tag.objects.filter(library=library, folded__in={fold_case(text) for text in command.tags})
        pairs = AssetTag.objects.filter(asset__in=asset_ids, tag__in=tags)
        gone = sorted(pairs.values_list("asset_id", "tag__text"))
        pairs.delete()
        tags.filter(asset_tags__isnull=True).delete()
        if gone:
            _note(change, library, gone, command.tags)
    return Untagged(untagged_count=len(gone))


def _note(change: Changes, library: Library, pairs: list[tuple[str, str]], tags: list[str]) -> None:
    """Note which pairs of an asset's id and a tag's text are new or gone, after a call that named ``tags``."""
    texts: dict[str, list[str]] = {}
    for asset_id, text in pairs:
        texts.setdefault(asset_id, []).append(text)
    Asset.objects.filter(pk__in=texts).update(updated=timezone.now())
    details = {asset_id: {"tags": changed} for asset_id, changed in texts.items()}
    change.note(library, details, after={"assets": list(texts), "tags": tags})
