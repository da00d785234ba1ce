"""Small files whose headers take much memory or time to read, made in code."""

import struct
import zlib

from tests.assets import pictures

#: What libpng unpacks of one text at most, and of how many.
TEXT_SIZE = 7_900_000
TEXTS = 140
IFD_ENTRIES = ((256, 4, 8), (257, 4, 8), (258, 3, 8), (259, 3, 1), (262, 3, 1), (273, 4, 8), (278, 4, 8), (279, 4, 64))


def png_of_texts() -> bytes:
    """Return a PNG of about a megabyte with compressed texts of about a gigabyte."""
    image = pictures.encoded("png", 8, 8)
    header_end = 8 + 12 + 13
    text = b"Comment\0\0" + zlib.compress(b"A" * TEXT_SIZE, 9)
    chunk = struct.pack(">I", len(text)) + b"zTXt" + text + struct.pack(">I", zlib.crc32(b"zTXt" + text))
    return image[:header_end] + chunk * TEXTS + image[header_end:]


def tiff_of_directories(count: int = 100_000) -> bytes:
    """Return a TIFF of so many pages, of a hundred bytes each, which share their pixels."""
    entries = b"".join(struct.pack("<HHII", tag, kind, 1, value) for tag, kind, value in IFD_ENTRIES)
    body = struct.pack("<H", len(IFD_ENTRIES)) + entries
    length, start = len(body) + 4, 8 + 64
    last = count - 1
    directories = (body + struct.pack("<I", start + (n + 1) * length if n < last else 0) for n in range(count))
    return b"II*\0" + struct.pack("<I", start) + bytes(64) + b"".join(directories)


def webp_of_frames(count: int = 150_000) -> bytes:
    """Return an animated WebP of so many frames of one pixel."""
    frame: bytes = pictures.painted(2, 2).crop(0, 0, 1, 1).webpsave_buffer(lossless=True, keep="none")[12:]
    header = bytes(6) + bytes(6) + (10).to_bytes(3, "little") + b"\0"
    image = b"ANMF" + struct.pack("<I", len(header) + len(frame)) + header + frame
    canvas = b"VP8X" + struct.pack("<I", 10) + b"\x02\0\0\0" + bytes(6)
    animation = b"ANIM" + struct.pack("<I", 6) + bytes(6)
    content = b"WEBP" + canvas + animation + image * count
    return b"RIFF" + struct.pack("<I", len(content)) + content
