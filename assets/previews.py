"""Showing an asset to who can look at pictures but not follow links: a model."""

from dataclasses import dataclass

from assets import storage
from assets.decode import PREVIEW, PREVIEW_EDGE
from assets.decoding import PROBE, Decoder, DecodingFailed
from assets.models import Asset
from assets.signatures import BY_CONTENT_TYPE, WEBP, FileType
from assets.turns import decoding_turns
from raster.errors import BadUserInput
from raster.workers import give_connection_back

NOT_YET = "There is no preview yet: it is being made. Ask again in a few seconds."
NONE = "There is no preview of this asset: none can be made of its file. Its url has the file itself."


@dataclass(frozen=True, slots=True)
class Preview:
    """A JPEG of at most ``PREVIEW_EDGE`` pixels each way; where there is none, ``words`` say why."""

    jpeg: bytes = b""
    words: str = ""


def make_preview(asset: Asset, organization_id: str) -> Preview:
    """Return a small picture of an asset or variant, made of its resized version or of its small original.

    Raises:
        RateLimited: too much is being read for the organization already.
    """
    source = _source(asset)
    if source is None:
        return Preview(words=NOT_YET if asset.derivatives == Asset.Derivatives.PENDING else NONE)
    give_connection_back()
    name, file_type = source
    try:
        with storage.local_copy(name) as path, decoding_turns.turn(organization_id):
            decoded = Decoder().run("preview", path, file_type, PROBE)
    except (BadUserInput, DecodingFailed, OSError):
        return Preview(words=NONE)
    return Preview(jpeg=decoded.files[PREVIEW]) if PREVIEW in decoded.files else Preview(words=NONE)


def _source(asset: Asset) -> tuple[str, FileType] | None:
    """Return the stored file that a preview is made of."""
    widths = [int(width) for width in asset.sizes]
    if widths:
        width = max((width for width in widths if width <= PREVIEW_EDGE), default=min(widths))
        return storage.size_name(asset.sizes[str(width)]), WEBP
    # Narrower than the smallest size: it is one itself.
    return (asset.file, BY_CONTENT_TYPE[asset.content_type]) if asset.blurhash else None
