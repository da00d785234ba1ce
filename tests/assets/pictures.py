"""Files of every type for tests, made in code."""

import io
import struct
import zlib
from collections.abc import Callable
from functools import partial
from typing import Any

import av
import pillow_heif
import pyvips
from PIL import Image

from assets import images

assert images.MAX_PIXELS  # importing it switches the decoders off that no test may lean on

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
    """Return a picture as a file of one of ``KINDS``."""
    if kind in OTHERS:
        return OTHERS[kind](width, height)
    picture = painted(width, height)
    data: bytes
    if kind == "avif":
        data = picture.heifsave_buffer(compression="av1", effort=0)
    else:
        data = getattr(picture, f"{kind}save_buffer")()
    return data


def pillow(width: int = 800, height: int = 600) -> Image.Image:
    """Return the same picture as :func:`painted`, for Pillow and what builds on it."""
    return Image.frombytes("RGB", (width, height), painted(width, height).write_to_memory())


def heic(width: int = 800, height: int = 600, **options: Any) -> bytes:
    file = io.BytesIO()
    pillow_heif.from_pillow(pillow(width, height)).save(file, **options)
    return file.getvalue()


def bmp(width: int = 800, height: int = 600) -> bytes:
    file = io.BytesIO()
    pillow(width, height).save(file, "BMP")
    return file.getvalue()


def pdf(width: float = 612, height: float = 792, content: bytes = b"", extra: bytes = b"") -> bytes:
    """Return a PDF of one page of ``width`` by ``height`` points, red in its upper left quarter and grey elsewhere.

    ``content`` is drawn over it, and ``extra`` is added to the document's catalogue.
    """
    drawing = (
        b"0.47 g 0 0 %g %g re f 0.86 0.08 0.08 rg 0 %g %g %g re f " % (width, height, height / 2, width / 2, height / 2)
    ) + content
    return pdf_of(
        b"<< /Type /Catalog /Pages 2 0 R %s >>" % extra,
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 %g %g] /Contents 4 0 R >>" % (width, height),
        b"<< /Length %d >> stream\n%s\nendstream" % (len(drawing), drawing),
    )


def pdf_of(*objects: bytes) -> bytes:
    """Return a PDF of these objects, the first of which is its catalogue."""
    data, offsets = b"%PDF-1.7\n", []
    for number, content in enumerate(objects, 1):
        offsets.append(len(data))
        data += b"%d 0 obj\n%s\nendobj\n" % (number, content)
    entries = b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    return (
        data
        + b"xref\n0 %d\n0000000000 65535 f \n%s" % (len(objects) + 1, entries)
        + b"trailer << /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % (len(objects) + 1, len(data))
    )


def locked_pdf() -> bytes:
    """Return a PDF that asks for a password."""
    key = b"<" + b"0" * 64 + b">"
    data = pdf(extra=b"")
    encryption = b"/Encrypt << /Filter /Standard /V 1 /R 2 /P -4 /O %s /U %s >> /ID [<00> <00>]" % (key, key)
    return data.replace(b"/Root 1 0 R", b"/Root 1 0 R " + encryption)


def video(
    kind: str = "mp4", width: int = 800, height: int = 600, *, frames: int = 12, codec: str = "", rotation: int = 0
) -> bytes:
    """Return a silent video of two seconds: black at first, then the picture."""
    file = io.BytesIO()
    container_format = {"mkv": "matroska"}.get(kind, kind)
    with av.open(file, "w", format=container_format) as container:
        stream = container.add_stream(codec or ("libvpx" if kind in {"webm", "mkv"} else "libx264"), rate=6)
        assert isinstance(stream, av.VideoStream)
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        stream.codec_context.gop_size = 1
        if rotation:
            stream.set_display_rotation(rotation)
        for number in range(frames):
            image = pillow(width, height) if number else Image.new("RGB", (width, height))
            container.mux(stream.encode(av.VideoFrame.from_image(image)))  # type: ignore[no-untyped-call]
        container.mux(stream.encode(None))
    return file.getvalue()


def sound() -> bytes:
    """Return an MP4 without a picture."""
    file = io.BytesIO()
    with av.open(file, "w", format="mp4") as container:
        stream = container.add_stream("aac", rate=44_100)
        frame = av.AudioFrame(format="fltp", layout="mono", samples=1024)
        frame.sample_rate = 44_100
        for plane in frame.planes:
            plane.update(bytes(plane.buffer_size))
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return file.getvalue()


OTHERS: dict[str, Callable[[int, int], bytes]] = {
    "svg": lambda _width, _height: SVG,
    "heic": heic,
    "bmp": bmp,
    "pdf": lambda width, height: pdf(width * 72 / 200, height * 72 / 200),
    "mp4": partial(video, "mp4"),
    "mov": partial(video, "mov"),
    "webm": partial(video, "webm"),
}
HEADERS = ("jpeg", "png", "gif", "webp", "avif", "tiff")
KINDS = (*HEADERS, *OTHERS)


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


def webp_that_claims(width: int, height: int) -> bytes:
    """Return the header of a lossless WebP, with next to nothing behind it."""
    content = b"\x2f" + struct.pack("<I", width - 1 | (height - 1) << 14) + bytes(21)
    return b"RIFF" + struct.pack("<I", len(content) + 12) + b"WEBPVP8L" + struct.pack("<I", len(content)) + content


def gif_that_claims(width: int, height: int) -> bytes:
    """Return a small GIF whose screen and first frame promise ``width`` by ``height`` pixels."""
    data = encoded("gif", 8, 8)
    frame = data.index(b",\0\0\0\0")
    size = struct.pack("<HH", width, height)
    return data[:6] + size + data[10 : frame + 5] + size + data[frame + 9 :]


def tiff_that_claims(width: int, height: int) -> bytes:
    """Return a TIFF with these numbers in its directory."""
    data = encoded("tiff", 600, 400)
    for tag, true, claimed in ((256, 600, width), (257, 400, height)):
        data = data.replace(struct.pack("<HHII", tag, 3, 1, true), struct.pack("<HHII", tag, 3, 1, claimed))
    return data


def jpeg_that_claims(width: int, height: int) -> bytes:
    return jpeg(800, 600).replace(struct.pack(">HH", 600, 800), struct.pack(">HH", height, width), 1)


def heic_that_claims(width: int, height: int) -> bytes:
    spatial_extent = b"ispe\0\0\0\0"
    true, claimed = struct.pack(">II", 800, 600), struct.pack(">II", width, height)
    return heic(800, 600).replace(spatial_extent + true, spatial_extent + claimed)


def bmp_that_claims(width: int, height: int) -> bytes:
    data = bmp(8, 8)
    return data[:18] + struct.pack("<ii", width, height) + data[26:]


def opened(data: bytes) -> pyvips.Image:
    return pyvips.Image.new_from_buffer(data, "")
