"""HEIC, by pillow-heif: the libvips of pyvips[binary] has no decoder for it."""

from pathlib import Path

import pillow_heif
import pyvips

from assets.decode.pictures import Opened, from_pixels
from assets.images import DAMAGED, check_pixels
from assets.signatures import FileType
from raster.errors import BadUserInput

BANDS = {"L": 1, "LA": 2, "RGB": 3, "RGBA": 4}


def open_file(path: Path, file_type: FileType) -> Opened:
    """Open the primary image of a file."""
    try:
        # It is upright already: libheif applies the turns that the file asks for.
        image = pillow_heif.open_heif(path, convert_hdr_to_8bit=True)
        width, height = image.size
    except (EOFError, OSError, RuntimeError, SyntaxError, ValueError):
        raise BadUserInput(DAMAGED) from None
    check_pixels(width, height)
    return Opened(width, height, lambda: _pixels(image))


def _pixels(image: pillow_heif.HeifFile) -> pyvips.Image:
    try:
        bands = BANDS[image.mode]
        row = image.size[0] * bands
        data = bytes(image.data)  # read here, as late as possible
        if image.stride != row:
            data = b"".join(data[start : start + row] for start in range(0, len(data), image.stride))
        return from_pixels(data, image.size, bands, image.info.get("icc_profile"))
    except (EOFError, KeyError, OSError, RuntimeError, SyntaxError, ValueError):
        raise BadUserInput(DAMAGED) from None
