"""Reading images: their dimensions, a blurred placeholder, and smaller versions.

Whatever libvips could open besides the types of signatures.py is switched off for the whole process.
"""

import io
from collections.abc import Iterator
from pathlib import Path

import blurhash
import pyvips

from assets.signatures import MAX_SVG_SIZE, SVG, FileType
from raster.errors import BadUserInput

WIDTHS = (320, 640, 1280, 2560)
MAX_PIXELS = 100_000_000
MAX_BANDS = 5  # CMYK with transparency; a TIFF may claim 65,535 and need the memory
MAX_WEBP_HEIGHT = 16_383
WEBP_QUALITY = 80
UNBOUNDED = 10_000_000  # libvips' own limit for a dimension
BLURHASH_EDGE = 32
DAMAGED = "The image is damaged or cut off."

pyvips.operation_block_set("VipsForeignLoad", True)
for _decoder in ("Jpeg", "Png", "Nsgif", "Webp", "Heif", "Tiff", "Svg"):
    pyvips.operation_block_set(f"VipsForeignLoad{_decoder}", False)
pyvips.cache_set_max(0)  # no file is read twice, and a cached one stays open


class Picture:
    """An image whose header was read; ``width`` and ``height`` are its pixels as displayed, of its first frame.

    Its pixels are read once, from top to bottom, and kept at no more than the largest of ``WIDTHS``.
    """

    def __init__(self, path: Path, file_type: FileType) -> None:
        """Read the header.

        Raises:
            BadUserInput: it is damaged, of another type than ``file_type``, or of more than ``MAX_PIXELS``.
        """
        if file_type is SVG and path.stat().st_size > MAX_SVG_SIZE:
            raise BadUserInput(f"An SVG may have up to {MAX_SVG_SIZE // 1024**2} MB.")
        try:
            # A source, unlike a path, tells the SVG decoder no folder from which it might read other files.
            source = pyvips.Source.new_from_file(str(path))
            self._image = pyvips.Image.new_from_source(source, "", access="sequential", fail_on="error")
        except pyvips.Error:
            raise BadUserInput(DAMAGED) from None
        if self._image.get("vips-loader").removesuffix("_source") != file_type.decoder:
            raise BadUserInput("The image is not what its first bytes say it is.")
        if self._image.width * self._image.height > MAX_PIXELS:
            raise BadUserInput(f"An image may have up to {MAX_PIXELS // 1_000_000} megapixels.")
        if self._image.bands > MAX_BANDS:
            raise BadUserInput(f"An image may have up to {MAX_BANDS} channels.")
        displayed = self._image.autorot()
        self.width: int = displayed.width
        self.height: int = displayed.height

    def read(self) -> None:
        """Read the pixels: upright, in sRGB, without metadata.

        Raises:
            BadUserInput: they are damaged or end early.
        """
        try:
            reduced = self._image.thumbnail_image(
                min(self.width, WIDTHS[-1]), height=UNBOUNDED, size="down", output_profile="srgb"
            )
            self._image = reduced.colourspace("srgb").cast("uchar").copy_memory()
        except pyvips.Error:
            raise BadUserInput(DAMAGED) from None

    def blurhash(self) -> str:
        """Return the blurhash (https://blurha.sh) of the pixels that were read, transparency shown on white."""
        tiny = self._image.thumbnail_image(BLURHASH_EDGE, size="down")
        if tiny.hasalpha():
            tiny = tiny.flatten(background=255)
        pixmap = f"P6 {tiny.width} {tiny.height} 255\n".encode() + tiny.cast("uchar").write_to_memory()
        across, down = (4, 3) if tiny.width >= tiny.height else (3, 4)
        text: str = blurhash.encode(io.BytesIO(pixmap), across, down)
        return text

    def sizes(self) -> Iterator[tuple[int, bytes]]:
        """Yield each of ``WIDTHS`` below the original's, with the WebP file of that width."""
        for width in WIDTHS:
            if width >= self.width:
                return
            resized = self._image.thumbnail_image(width, height=UNBOUNDED, size="down")
            if resized.height <= MAX_WEBP_HEIGHT:
                yield width, resized.webpsave_buffer(Q=WEBP_QUALITY, keep="none")
