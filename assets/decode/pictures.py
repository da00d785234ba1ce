"""What is made of a picture: a blurred placeholder, smaller versions, and a preview for models."""

import io
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import blurhash
import pyvips

from assets.decode import LOGO_EDGE, PREVIEW_EDGE, SIZES, WIDTHS
from assets.images import refusal

MAX_WEBP_HEIGHT = 16_383
WEBP_QUALITY = 80
WEBP_EFFORT = 2  # of 6: a third of the time of 4, for files that are 2 % larger
JPEG_QUALITY = 80
UNBOUNDED = 10_000_000  # libvips' own limit for a dimension
BLURHASH_EDGE = 32
ICC_PROFILE = "icc-profile-data"


@dataclass(frozen=True, slots=True)
class Opened:
    """A file whose header was read. ``picture`` returns its pixels, not yet read; None where none can be had.

    They may be fewer than ``width`` and ``height`` say, but no fewer than the widest of ``WIDTHS`` across.
    """

    width: int | None
    height: int | None
    picture: Callable[[], pyvips.Image] | None


class Picture:
    """Pixels that were read: upright, in sRGB, without metadata, no wider than the widest of ``WIDTHS``."""

    def __init__(self, image: pyvips.Image, width: int) -> None:
        """Read the pixels of an image that is displayed ``width`` wide.

        Raises:
            BadUserInput: they are damaged or end early.
        """
        self.width = width
        # Without a profile there is nothing to convert from, and the conversion takes longer than all the rest.
        profile = {"output_profile": "srgb"} if image.get_typeof(ICC_PROFILE) else {}
        try:
            reduced = image.thumbnail_image(min(width, WIDTHS[-1]), height=UNBOUNDED, size="down", **profile)
            self._image = reduced.colourspace("srgb").cast("uchar").copy_memory()
        except pyvips.Error as error:
            raise refusal(error) from None

    def blurhash(self) -> str:
        """Return the blurhash (https://blurha.sh), transparency shown on white."""
        tiny = _on_white(self._image.thumbnail_image(BLURHASH_EDGE, size="down"))
        pixmap = f"P6 {tiny.width} {tiny.height} 255\n".encode() + tiny.cast("uchar").write_to_memory()
        across, down = (4, 3) if tiny.width >= tiny.height else (3, 4)
        text: str = blurhash.encode(io.BytesIO(pixmap), across, down)
        return text

    def save_sizes(self, folder: Path) -> dict[int, Path]:
        """Write the WebP file of each of ``WIDTHS`` below the original's into ``folder``; return them by width."""
        paths = {width: folder / name for name, width in SIZES.items() if width < self.width}
        with ThreadPoolExecutor(2) as pool:
            # The largest, which takes as long as all others, first.
            saved = {width: pool.submit(self._save_size, width, path) for width, path in reversed(paths.items())}
        return {width: path for width, path in paths.items() if saved[width].result()}

    def save_preview(self, path: Path) -> None:
        """Write a JPEG, which every model reads, of at most ``PREVIEW_EDGE`` pixels each way."""
        small = _on_white(self._image.thumbnail_image(PREVIEW_EDGE, height=PREVIEW_EDGE, size="down"))
        small.jpegsave(str(path), Q=JPEG_QUALITY, keep="none")

    def save_logo(self, path: Path) -> None:
        """Write a PNG of at most ``LOGO_EDGE`` pixels each way."""
        small = self._image.thumbnail_image(LOGO_EDGE, height=LOGO_EDGE, size="down")
        small.pngsave(str(path), keep="none")

    def _save_size(self, width: int, path: Path) -> bool:
        resized = self._image.thumbnail_image(width, height=UNBOUNDED, size="down")
        if resized.height > MAX_WEBP_HEIGHT:
            return False
        resized.webpsave(str(path), Q=WEBP_QUALITY, effort=WEBP_EFFORT, keep="none")
        return True


def from_pixels(data: bytes, size: tuple[int, int], bands: int, profile: bytes | None = None) -> pyvips.Image:
    """Return an image of eight bits a channel, row after row, in the colours of an ICC profile or else sRGB."""
    image = pyvips.Image.new_from_memory(data, *size, bands, "uchar")
    image = image.copy(interpretation="srgb" if bands >= 3 else "b-w")
    if profile:
        image.set_type(pyvips.GValue.blob_type, ICC_PROFILE, profile)
    return image


def _on_white(image: pyvips.Image) -> pyvips.Image:
    return image.flatten(background=255) if image.hasalpha() else image
