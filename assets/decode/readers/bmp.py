"""Bitmaps, by Pillow."""

from pathlib import Path

import pyvips
from PIL import Image, UnidentifiedImageError

from assets.decode.pictures import Opened, from_pixels
from assets.images import DAMAGED, check_pixels
from assets.signatures import FileType
from raster.errors import BadUserInput

Image.MAX_IMAGE_PIXELS = None  # check_pixels() has a limit of its own, for every type


def open_file(path: Path, file_type: FileType) -> Opened:
    """Open a bitmap."""
    try:
        image = Image.open(path, formats=["BMP"])
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError):
        raise BadUserInput(DAMAGED) from None
    check_pixels(*image.size)
    return Opened(*image.size, lambda: _pixels(image))


def _pixels(image: Image.Image) -> pyvips.Image:
    mode = "RGBA" if image.mode == "RGBA" else "RGB"
    try:
        return from_pixels(image.convert(mode).tobytes(), image.size, len(mode))
    except (EOFError, OSError, SyntaxError, ValueError):
        raise BadUserInput(DAMAGED) from None
