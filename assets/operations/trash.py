"""Moving assets to the trash, listing and restoring what is there, and removing it for good when its time is over."""

import threading
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from assets import ownership, quota, storage
from assets.batches import lock_with_variants
from assets.contracts import (
    TRASH_DAYS,
    DeleteAssets,
    Deleted,
    ListTrash,
    Purged,
    PurgeTrash,
    RestoreAssets,
    Restored,
    TrashedAsset,
)
from assets.events import changes
from assets.models import Asset, Tag
from assets.records import Parts, asset_facts, load_parts, milliseconds, variant_record
from orgs import audit
from orgs.access import Level, Principal
from orgs.models import Library
from raster.contracts import Page
from raster.errors import BadUserInput

CHUNK = 100
#: Between two chunks, so that whatever waits to write gets its turn.
PAUSE_SECONDS = 0.02


def delete_assets(principal: Principal, command: DeleteAssets) -> Deleted:
    """Move assets to the trash, originals with their variants; those that are there already stay as they are.

    Raises:
        ResourceNotFound: one of the assets is not in the library, nor in its trash; then nothing was changed.
    """
    with changes(principal, "trash") as change:
        library = principal.library(command.organization_id, command.library_id, Level.WRITE, lock=True)
        family = lock_with_variants(library, command.ids)
        going = {asset.pk for asset in family.named if asset.trashed is None}
        following = [asset.pk for asset in family.following if asset.trashed is None and asset.parent_id in going]
        moved = sorted([*going, *following])
        if moved:
            now = timezone.now()
            Asset.objects.filter(pk__in=moved).update(trashed=now, updated=now)
            change.note(library, moved, after={"assets": moved})
    ids = [asset_id for asset_id in dict.fromkeys(command.ids) if asset_id in going]
    return Deleted(success=True, message=f"Moved {_counted(ids)} to trash", ids=ids)


def restore_assets(principal: Principal, command: RestoreAssets) -> Restored:
    """Take assets out of the trash, originals with the variants that went there with them.

    A variant that was put there by itself stays until it is named, and comes back to its original only: so not while
    that is in the trash and stays there.

    Raises:
        ResourceNotFound: one of the assets is not in the library, nor in its trash; then nothing was changed.
        BadUserInput: the original of one of them stays in the trash; then nothing was changed.
    """
    with changes(principal, "restore") as change:
        library = principal.library(command.organization_id, command.library_id, Level.WRITE, lock=True)
        family = lock_with_variants(library, command.ids)
        coming = {asset.pk: asset.trashed for asset in family.named if asset.trashed is not None}
        originals = {asset.parent_id for asset in family.named if asset.pk in coming and asset.parent_id} - set(coming)
        if Asset.objects.filter(pk__in=originals, trashed__isnull=False).exists():
            raise BadUserInput(
                "The original of one of these variants is in the trash: restore the original, and its variants come "
                "with it. Nothing was changed."
            )
        following = [
            asset.pk
            for asset in family.following
            if asset.trashed is not None and asset.trashed == coming.get(asset.parent_id or "")
        ]
        moved = sorted([*coming, *following])
        if moved:
            Asset.objects.filter(pk__in=moved).update(trashed=None, updated=timezone.now())
            change.note(library, moved, after={"assets": moved})
    ids = [asset_id for asset_id in dict.fromkeys(command.ids) if asset_id in coming]
    return Restored(success=True, message=f"Restored {_counted(ids)} from trash", ids=ids)


def list_trash(principal: Principal, command: ListTrash) -> Page[TrashedAsset]:
    """Return a page of what is in a library's trash, what came there last first, for those who may restore it."""
    library = principal.library(command.organization_id, command.library_id, Level.WRITE)
    assets = Asset.objects.filter(library=library).in_trash()
    start = (command.page - 1) * command.page_size
    rows = list(assets.order_by("-trashed", "-id")[start : start + command.page_size])
    followers = Asset.objects.filter(parent__in=rows, trashed__isnull=False).order_by("created", "id")
    parts = load_parts(rows, followers)
    return Page[TrashedAsset](
        data=[_trashed_asset(asset, command.organization_id, library, parts) for asset in rows],
        page=command.page,
        page_size=command.page_size,
        total=assets.count(),
    )


def purge_trash(principal: Principal, command: PurgeTrash, stop: threading.Event | None = None) -> Purged:
    """Permanently delete assets trashed more than ``days`` ago, with their files, in chunks, until ``stop`` is set.

    Raises:
        DeletionRefused: the files may not be deleted; then the rows stay, too.
    """
    stop = stop or threading.Event()
    before = timezone.now() - timedelta(days=command.days)
    libraries = Asset.objects.filter(trashed__lte=before).order_by().values_list("library", flat=True).distinct()
    assets = 0
    for library_id in sorted(libraries):
        while not stop.is_set():
            ownership.check_may_delete()
            purged = _purge_chunk(principal, library_id, before)
            if not purged:
                break
            assets += purged
            stop.wait(PAUSE_SECONDS)
    return Purged(assets=assets)


def _purge_chunk(principal: Principal, library_id: int, before: datetime) -> int:
    """Remove some assets of a library, and forget the tags that are on no other; return how many."""
    with transaction.atomic():
        library = Library.objects.select_for_update(no_key=True).filter(pk=library_id).first()
        if library is None:
            return 0
        due = Asset.objects.filter(library=library, trashed__lte=before).order_by("pk").values_list("pk", flat=True)
        chosen = list(due[:CHUNK])
        rows = Asset.objects.filter(Q(pk__in=chosen) | Q(parent__in=chosen)).order_by("pk")
        assets = list(rows.select_for_update())
        if not assets:
            return 0
        keys = [asset.pk for asset in assets]
        tags = list(Tag.objects.filter(asset_tags__asset__in=keys).values_list("pk", flat=True).distinct())
        Asset.objects.filter(pk__in=keys).delete()
        Tag.objects.filter(pk__in=tags, asset_tags__isnull=True).delete()
        quota.add_use(library.organization_id, -sum(asset.size for asset in assets))
        names = [f"{asset.name} ({asset.pk})" for asset in assets]
        audit.record(principal, library.organization_id, "asset.purge", str(library), before={"assets": names})
        files = [name for asset in assets for name in storage.names_of(asset.file, asset.sizes)]

        def delete_files() -> None:
            ownership.delete(files)

        # A file that stays behind is found by the sweep; an error here would be of a purge that has happened.
        transaction.on_commit(delete_files, robust=True)  # no partial: Django fails to log one
    return len(assets)


def _trashed_asset(asset: Asset, organization_slug: str, library: Library, parts: Parts) -> TrashedAsset:
    trashed: datetime = asset.trashed  # type: ignore[assignment]  # it is in the trash
    return TrashedAsset(
        **asset_facts(asset, organization_slug, library, parts),
        variants=[
            variant_record(variant, organization_slug, library, parts)
            for variant in parts.variants.get(asset.pk, ())
            if variant.trashed == trashed
        ],
        trashed=milliseconds(trashed),
        removed_from=milliseconds(trashed + timedelta(days=TRASH_DAYS)),
    )


def _counted(ids: list[str]) -> str:
    return "1 asset" if len(ids) == 1 else f"{len(ids)} assets"
