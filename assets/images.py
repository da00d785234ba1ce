"""Opening images with libvips: their headers, and what is refused by them.

Whatever libvips could open besides the types of signatures.py is switched off for the whole process.
"""

from pathlib import Path

import pyvips

from assets.signatures import AVIF, HEIC, FileType
from raster.errors import BadUserInput

MAX_PIXELS = 100_000_000
MAX_BANDS = 5  # CMYK with transparency; a TIFF may claim 65,535 and need the memory
MAX_FRAMES = 10_000
DAMAGED = "The image is damaged or cut off."
TOO_MUCH_MEMORY = "The image needs too much memory to be opened."
MISNAMED = "The image is not what its first bytes say it is."
HEIF_COMPRESSIONS = {AVIF: "av1", HEIC: "hevc"}

pyvips.operation_block_set("VipsForeignLoad", True)
for _decoder in ("Jpeg", "Png", "Nsgif", "Webp", "Heif", "Tiff", "Svg"):
    pyvips.operation_block_set(f"VipsForeignLoad{_decoder}", False)
pyvips.cache_set_max(0)  # no file is read twice, and a cached one stays open


def open_image(path: Path, file_type: FileType, loader: str = "") -> pyvips.Image:
    """Read a header. The pixels of the first frame are read when something asks for them, once, from top to bottom.

    ``loader`` is libvips' name for what must have read it, ``file_type.loader`` if it is not given.

    Raises:
        BadUserInput: it is damaged, of another type than ``file_type``, or over the limits.
    """
    try:
        # A source, unlike a path, tells the SVG decoder no folder from which it might read other files.
        source = pyvips.Source.new_from_file(str(path))
        image = pyvips.Image.new_from_source(source, "", access="sequential", fail_on="error")
    except pyvips.Error as error:
        raise refusal(error) from None
    if image.get("vips-loader").removesuffix("_source") != (loader or file_type.loader):
        raise BadUserInput(MISNAMED)
    compression = HEIF_COMPRESSIONS.get(file_type)
    if compression and image.get("heif-compression") != compression:
        raise BadUserInput(MISNAMED)
    check_pixels(image.width, image.height)
    if image.bands > MAX_BANDS:
        raise BadUserInput(f"An image may have up to {MAX_BANDS} channels.")
    if image.get_typeof("n-pages") and image.get("n-pages") > MAX_FRAMES:
        raise BadUserInput(f"An image may have up to {MAX_FRAMES} frames.")
    return image


def refusal(error: pyvips.Error) -> BadUserInput:
    """Return what is told of an image that libvips could not read."""
    return BadUserInput(TOO_MUCH_MEMORY if "out of memory" in error.detail else DAMAGED)


def check_pixels(width: int, height: int) -> None:
    """Refuse an image that needs too much memory.

    Raises:
        BadUserInput: it has more than ``MAX_PIXELS``.
    """
    if width * height > MAX_PIXELS:
        raise BadUserInput(f"An image may have up to {MAX_PIXELS // 1_000_000} megapixels.")


def displayed_size(image: pyvips.Image) -> tuple[int, int]:
    """Return width and height of the pixels as they are displayed, upright."""
    displayed = image.autorot()
    return displayed.width, displayed.height
