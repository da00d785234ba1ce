"""Image files for tests, made in code."""

import struct
import zlib
from typing import Any

import pyvips

from assets import images

assert images.WIDTHS  # importing it switches the decoders off that no test may lean on

SVG = (
    b'<svg xmlns="http://www.w3.org/2000/svg" width="800" height="400">'
    b'<rect width="400" height="400" fill="red"/></svg>'
)
SCRIPTED_SVG = (
    b'<svg xmlns="http://www.w3.org/2000/svg" width="40" height="30"><script>alert(1)</script>'
    b'<rect width="40" height="30" onclick="alert(2)"/></svg>'
)


def painted(width: int = 800, height: int = 600) -> pyvips.Image:
    """Return a picture that is red in its upper left quarter and grey elsewhere."""
    red = pyvips.Image.black(max(1, width // 2), max(1, height // 2), bands=3).linear(1, [220, 20, 20])
    grey = pyvips.Image.black(width, height, bands=3).linear(1, [120, 120, 120])
    return grey.insert(red, 0, 0).cast("uchar").copy(interpretation="srgb")


def jpeg(width: int = 800, height: int = 600, *, orientation: int = 0, gps: bool = False, **options: Any) -> bytes:
    picture = painted(width, height)
    if orientation:
        picture.set_type(pyvips.GValue.gint_type, "orientation", orientation)
    if gps:
        picture.set_type(pyvips.GValue.gstr_type, "exif-ifd3-GPSLatitude", "41/1 24/1 13/1")
        picture.set_type(pyvips.GValue.gstr_type, "exif-ifd0-Make", "SecretCameraMaker")
    data: bytes = picture.jpegsave_buffer(**options)
    return data


def encoded(kind: str, width: int = 800, height: int = 600) -> bytes:
    """Return a picture as ``jpeg``, ``png``, ``gif``, ``webp``, ``avif``, ``tiff`` or ``svg``."""
    if kind == "svg":
        return SVG
    picture = painted(width, height)
    data: bytes
    if kind == "avif":
        data = picture.heifsave_buffer(compression="av1", effort=0)
    else:
        data = getattr(picture, f"{kind}save_buffer")()
    return data


def animated_gif(width: int = 400, height: int = 300, frames: int = 3) -> bytes:
    strip = pyvips.Image.arrayjoin([painted(width, height)] * frames, across=1).copy()
    strip.set_type(pyvips.GValue.gint_type, "page-height", height)
    data: bytes = strip.gifsave_buffer()
    return data


def png_that_claims(width: int, height: int) -> bytes:
    """Return a small PNG whose header promises ``width`` by ``height`` pixels."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunks = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"\0" * 64)) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + chunks


def opened(data: bytes) -> pyvips.Image:
    return pyvips.Image.new_from_buffer(data, "")
