"""Drawings, by libvips with librsvg, which runs no script and fetches nothing."""

from pathlib import Path

from assets.decode.pictures import Opened
from assets.images import open_image
from assets.signatures import MAX_SVG_SIZE, FileType
from raster.errors import BadUserInput


def open_file(path: Path, file_type: FileType) -> Opened:
    """Open a drawing of at most ``MAX_SVG_SIZE`` bytes."""
    if path.stat().st_size > MAX_SVG_SIZE:
        raise BadUserInput(f"An SVG may have up to {MAX_SVG_SIZE // 1024**2} MB.")
    image = open_image(path, file_type, "svgload")
    return Opened(image.width, image.height, lambda: image)
