"""Logos of apps: small pictures of ours, made of what a site gives."""

import pyvips

from assets.images import MAX_BANDS

EDGE = 128
MAX_PIXELS = 16_000_000
# Drawings are left out: a page waits for this, and how long a drawing takes is its maker's choice.
_DECODERS = frozenset({"pngload", "jpegload", "webpload", "gifload"})


def read_logo(content: bytes) -> bytes | None:
    """Return a picture as a PNG of at most ``EDGE`` pixels each way; None where it is none that can be read."""
    try:
        image = pyvips.Image.new_from_source(pyvips.Source.new_from_memory(content), "", fail_on="error")
        decoder = image.get("vips-loader").removesuffix("_source")
        if decoder not in _DECODERS or image.bands > MAX_BANDS or image.width * image.height > MAX_PIXELS:
            return None
        small = image.thumbnail_image(EDGE, height=EDGE, size="down", output_profile="srgb")
        png: bytes = small.colourspace("srgb").cast("uchar").pngsave_buffer(keep="none")
    except pyvips.Error:
        return None
    return png
