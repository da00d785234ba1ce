"""Moving assets from one library of an organization to another."""

from django.db.models import OuterRef, Subquery
from django.utils import timezone

from assets.batches import Family, check_all_found, lock_with_variants
from assets.contracts import TransferAssets, Transferred
from assets.events import changes
from assets.models import Asset, AssetTag, Tag
from orgs.access import Level, Principal
from orgs.models import Library
from raster.errors import BadUserInput, LibraryNotAuthorized, LibraryReadOnly


def transfer_assets(principal: Principal, command: TransferAssets) -> Transferred:
    """Move assets to another library, each with its id, links, tags and variants.

    Raises:
        LibraryNotAuthorized, LibraryReadOnly: one of the two libraries is out of reach, or read only.
        ResourceNotFound: one of the assets is no live asset of the source library; then nothing was changed.
        BadUserInput: a variant is named without its original; then nothing was changed.
    """
    slugs = (command.source_library_id, command.target_library_id)
    reached = [_library(principal, command.organization_id, slug, Level.READ) for slug in slugs]
    with changes(principal, "transfer") as change:
        # In the order of their keys, whichever way the assets go.
        locked = {
            library.slug: _library(principal, command.organization_id, library.slug, Level.WRITE, lock=True)
            for library in sorted(reached, key=lambda library: library.pk)
        }
        source, target = (locked[slug] for slug in slugs)
        moving = _moving(source, command.asset_ids, lock_with_variants(source, command.asset_ids))
        Asset.objects.filter(pk__in=moving).update(library=target, updated=timezone.now())
        _take_tags_along(moving, source, target)
        change.note(
            source,
            {key: {"before": source.pk, "after": target.pk} for key in moving},
            before={"library": str(source)},
            after={"library": str(target), "assets": moving},
        )
    return Transferred(
        transferred_count=len(set(command.asset_ids)), source_library_id=source.slug, target_library_id=target.slug
    )


def _library(principal: Principal, organization: str, slug: str, level: Level, *, lock: bool = False) -> Library:
    """Return one of the two libraries; a refusal names which one it is about."""
    try:
        return principal.library(organization, slug, level, lock=lock)
    except LibraryNotAuthorized:
        raise LibraryNotAuthorized(library_id=slug) from None
    except LibraryReadOnly:
        raise LibraryReadOnly(library_id=slug) from None


def _moving(source: Library, asset_ids: list[str], family: Family) -> list[str]:
    named = {asset.pk for asset in family.named}
    check_all_found(source, asset_ids, (asset for asset in family.named if asset.trashed is None))
    if any(asset.parent_id is not None and asset.parent_id not in named for asset in family.named):
        raise BadUserInput("A variant moves with its original: name the original. Nothing was changed.")
    # Those in the trash, too: a variant is where its original is.
    return sorted([*named, *(asset.pk for asset in family.following)])


def _take_tags_along(moved: list[str], source: Library, target: Library) -> None:
    """Put the target's tags of the same text on the assets, and forget those that are on no asset of the source."""
    pairs = AssetTag.objects.filter(asset__in=moved)
    left = {tag.folded: tag for tag in Tag.objects.filter(asset_tags__in=pairs).order_by("pk").distinct()}
    Tag.objects.bulk_create(
        [Tag(library=target, text=tag.text, folded=folded) for folded, tag in left.items()], ignore_conflicts=True
    )
    text = Tag.objects.filter(pk=OuterRef(OuterRef("tag_id"))).values("folded")
    there = Tag.objects.filter(library=target, folded=Subquery(text)).values("pk")
    pairs.update(tag=Subquery(there))  # in one statement, however many there are
    Tag.objects.filter(library=source, folded__in=left, asset_tags__isnull=True).delete()
