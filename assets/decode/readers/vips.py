"""What libvips reads by itself: JPEG, PNG, GIF, WebP, AVIF and TIFF."""

from pathlib import Path

from assets.decode.pictures import Opened
from assets.images import displayed_size, open_image
from assets.signatures import FileType


def open_file(path: Path, file_type: FileType) -> Opened:
    """Open an image: its first frame."""
    image = open_image(path, file_type)
    return Opened(*displayed_size(image), lambda: image)
