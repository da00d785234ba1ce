"""Assets with files in the storage, whatever these hold."""

import hashlib
from datetime import timedelta
from typing import Any

from django.core.files.storage import default_storage
from django.db.models import F

from assets import storage
from assets.clean_up import APART, sweep_staged, sweep_stored
from assets.models import Asset, Leftover
from assets.staging import stage
from orgs.models import Library
from tests.factories import AssetFactory


def stored_asset(library: Library, data: bytes, **fields: Any) -> Asset:
    """Make an asset whose original holds ``data``, with one size, and count its bytes."""
    asset: Asset = AssetFactory(library=library, size=len(data), digest=hashlib.sha256(data).hexdigest(), **fields)
    with stage("file", [data]) as staged:
        asset.file = storage.save_original(asset.pk, staged.path)
    asset.sizes = {"320": storage.save_size(asset.file, b"size of " + data)}
    asset.save()
    library.organization.storage_used += len(data)
    library.organization.save()
    return asset


def content_of(asset: Asset) -> bytes:
    """Return what the asset's original holds."""
    with default_storage.open(asset.file) as file:
        data: bytes = file.read()
    return data


def sweep_for_days() -> dict[str, int]:
    """Clean up once, and again as two days later, however many files go; return what went in all."""
    first = {"staged files": sweep_staged(), "stored files": sweep_stored(confirmed=True)}
    grow_older(APART)
    again = {"staged files": sweep_staged(), "stored files": sweep_stored(confirmed=True)}
    return {name: first[name] + again[name] for name in first}


def grow_older(time: timedelta) -> None:
    """Have what clean-ups found so far have been found so much earlier."""
    Leftover.objects.update(found=F("found") - time, seen=F("seen") - time)
