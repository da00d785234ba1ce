"""Locking the assets that an operation names, all of them or none.

Libraries are locked before, and the organization afterwards: docs/architecture.md has the order.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from django.db.models import Q

from assets.models import Asset
from orgs.models import Library
from raster.errors import ResourceNotFound


@dataclass(frozen=True, slots=True)
class Family:
    """The assets that a call named, and those of their variants that it did not name."""

    named: list[Asset]
    following: list[Asset]


def lock_assets(library: Library, asset_ids: list[str]) -> list[Asset]:
    """Lock live assets of a locked library until the transaction ends, and return them, each once.

    Raises:
        ResourceNotFound: one of them is missing, in the trash or in another library.
    """
    found = list(
        Asset.objects.filter(library=library, pk__in=set(asset_ids))
        .live()
        .order_by("pk")
        .select_for_update(no_key=True)
    )
    check_all_found(library, asset_ids, found)
    return found


def lock_with_variants(library: Library, asset_ids: list[str]) -> Family:
    """Lock assets of a locked library, in the trash or not, and every variant of theirs until the transaction ends.

    Raises:
        ResourceNotFound: one of those that are named is missing or in another library.
    """
    wanted = set(asset_ids)
    rows = Asset.objects.filter(Q(pk__in=wanted) | Q(parent__in=wanted), library=library)
    found = list(rows.order_by("pk").select_for_update(no_key=True))
    named = [asset for asset in found if asset.pk in wanted]
    check_all_found(library, asset_ids, named)
    return Family(named=named, following=[asset for asset in found if asset.pk not in wanted])


def check_all_found(library: Library, asset_ids: list[str], found: Iterable[Asset]) -> None:
    """Refuse a call that names an asset which is not among ``found``.

    Raises:
        ResourceNotFound: naming each of those ids once.
    """
    ids = {asset.pk for asset in found}
    missing = [asset_id for asset_id in dict.fromkeys(asset_ids) if asset_id not in ids]
    if missing:
        raise ResourceNotFound(
            "At least one of the assets was not found; nothing was changed.", ids=missing, library_id=library.slug
        )
