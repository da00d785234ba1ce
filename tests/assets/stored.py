"""Assets with files in the storage, whatever these hold."""

import hashlib
import io
from pathlib import Path
from typing import Any

from django.conf import settings

from assets import storage
from assets.models import Asset
from orgs.models import Library
from tests.factories import AssetFactory


def stored_asset(library: Library, data: bytes, **fields: Any) -> Asset:
    """Make an asset whose original holds ``data``, with one size, and count its bytes."""
    asset: Asset = AssetFactory(library=library, size=len(data), digest=hashlib.sha256(data).hexdigest(), **fields)
    asset.file = storage.save_original(asset.pk, data, io.BytesIO()).name
    asset.sizes = {"320": storage.save_size(asset.pk, b"size of " + data)}
    asset.save()
    library.organization.storage_used += len(data)
    library.organization.save()
    return asset


def content_of(asset: Asset) -> bytes:
    """Return what the asset's original holds."""
    return (Path(settings.MEDIA_ROOT) / asset.file).read_bytes()
