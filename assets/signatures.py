"""What a file is, judged by its first bytes and never by its name."""

import contextlib
from dataclasses import dataclass
from xml.parsers import expat

HEAD_LENGTH = 64 * 1024
MAX_SVG_SIZE = 10 * 1024 * 1024
SVG_NAMESPACE = "http://www.w3.org/2000/svg"
AVIF_BRANDS = frozenset({b"avif", b"avis"})
HEIC_BRANDS = frozenset({b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs"})
HEIF_BRANDS = frozenset({b"mif1", b"mif2", b"msf1"})
#: Major brands (https://mp4ra.org) of files with pictures. Those of sound (M4A) and of raw photos (crx) are not here,
#: although such files list ``isom`` among what they are compatible with.
MP4_BRANDS = frozenset(
    {
        b"isom",
        b"avc1",
        b"av01",
        b"mp41",
        b"mp42",
        b"mp71",
        b"M4V ",
        b"M4VH",
        b"M4VP",
        b"mmp4",
        b"MSNV",
        b"XAVC",
        b"dash",
    }
    | {b"iso%d" % number for number in range(2, 10)}
)
QUICKTIME_BRAND = b"qt  "
EBML = b"\x1a\x45\xdf\xa3"
EBML_DOCTYPE = b"\x42\x82"
BMP_HEADER_LENGTHS = frozenset({12, 40, 52, 56, 64, 108, 124})


@dataclass(frozen=True, slots=True)
class FileType:
    """A type of file that assets may have.

    ``reader`` names the module of assets/decode/readers that reads it. ``loader`` is libvips' name for what must have
    read it there, where that is libvips.
    """

    content_type: str
    extension: str
    reader: str
    loader: str = ""


JPEG = FileType("image/jpeg", "jpg", "vips", "jpegload")
PNG = FileType("image/png", "png", "vips", "pngload")
GIF = FileType("image/gif", "gif", "vips", "gifload")
WEBP = FileType("image/webp", "webp", "vips", "webpload")
AVIF = FileType("image/avif", "avif", "vips", "heifload")
TIFF = FileType("image/tiff", "tiff", "vips", "tiffload")
HEIC = FileType("image/heic", "heic", "heif", "heifload")
SVG = FileType("image/svg+xml", "svg", "svg")
BMP = FileType("image/bmp", "bmp", "bmp")
PDF = FileType("application/pdf", "pdf", "pdf")
MP4 = FileType("video/mp4", "mp4", "video")
QUICKTIME = FileType("video/quicktime", "mov", "video")
WEBM = FileType("video/webm", "webm", "video")

BY_CONTENT_TYPE = {
    file_type.content_type: file_type
    for file_type in (JPEG, PNG, GIF, WEBP, AVIF, TIFF, HEIC, SVG, BMP, PDF, MP4, QUICKTIME, WEBM)
}
ACCEPTED = "JPEG, PNG, GIF, WebP, AVIF, HEIC, TIFF, BMP, SVG, PDF, MP4, WebM and QuickTime"

_PREFIXES = {
    b"\xff\xd8\xff": JPEG,
    b"\x89PNG\r\n\x1a\n": PNG,
    b"GIF87a": GIF,
    b"GIF89a": GIF,
    b"II*\x00": TIFF,
    b"MM\x00*": TIFF,
    b"II+\x00": TIFF,
    b"MM\x00+": TIFF,
    b"%PDF-": PDF,
}


def judge(head: bytes) -> FileType | None:
    """Return the type of the file that starts with ``head`` (``HEAD_LENGTH`` bytes are enough), or None."""
    for prefix, file_type in _PREFIXES.items():
        if head.startswith(prefix):
            return file_type
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return WEBP
    if head[4:8] == b"ftyp":
        return _judge_brands(head[8:12], _brands(head))
    if head.startswith(EBML):
        return WEBM if _document_type(head) == b"webm" else None
    if _is_bitmap(head):
        return BMP
    return SVG if _is_svg(head) else None


def _brands(head: bytes) -> set[bytes]:
    """Return the major and the compatible brands of a file in the ISO base media format (ISO 14496-12, 4.3)."""
    box = head[: min(int.from_bytes(head[:4], "big"), 1024)]
    return {box[8:12], *(box[start : start + 4] for start in range(16, len(box), 4))}


def _judge_brands(major: bytes, brands: set[bytes]) -> FileType | None:
    if AVIF_BRANDS & brands:
        return AVIF
    if HEIC_BRANDS & brands or major in HEIF_BRANDS:
        return HEIC
    if major == QUICKTIME_BRAND:
        return QUICKTIME
    return MP4 if major in MP4_BRANDS else None


def _document_type(head: bytes) -> bytes:
    """Return the DocType in an EBML header (RFC 8794, 11.2), which tells WebM from Matroska."""
    length, start = _ebml_size(head, len(EBML))
    end = min(start + length, len(head))
    while start < end:
        name = head[start : start + (8 - head[start].bit_length()) + 1]
        length, content = _ebml_size(head, start + len(name))
        if name == EBML_DOCTYPE:
            return head[content : content + length].rstrip(b"\x00")
        start = content + length
    return b""


def _ebml_size(head: bytes, start: int) -> tuple[int, int]:
    """Read an element's length in EBML's variable form (RFC 8794, 4); return it and where its content starts."""
    first = head[start] if start < len(head) else 0
    width = 9 - first.bit_length()
    content = start + width
    return int.from_bytes(head[start:content], "big") & ((1 << (7 * width)) - 1), content


def _is_bitmap(head: bytes) -> bool:
    """Return whether a bitmap's two headers follow each other, since many a text starts with ``BM``."""
    return (
        head[:2] == b"BM"
        and int.from_bytes(head[14:18], "little") in BMP_HEADER_LENGTHS
        and int.from_bytes(head[10:14], "little") < HEAD_LENGTH
    )


def _is_svg(head: bytes) -> bool:
    """Return whether XML text has ``svg`` as its root.

    Text that declares entities is refused: they blow up when they are expanded, and can name other files.
    """
    verdicts: list[bool] = []

    def on_doctype(_name: str, _system_id: str | None, _public_id: str | None, has_internal_subset: int) -> None:
        if has_internal_subset:
            verdicts.append(False)

    def on_element(name: str, _attributes: dict[str, str]) -> None:
        namespace, _, local_name = name.rpartition(" ")
        verdicts.append(local_name == "svg" and namespace in {"", SVG_NAMESPACE})

    parser = expat.ParserCreate(namespace_separator=" ")
    parser.StartDoctypeDeclHandler = on_doctype
    parser.StartElementHandler = on_element
    with contextlib.suppress(expat.ExpatError, ValueError, LookupError):  # no XML, or in an encoding nobody knows
        parser.Parse(head)
    return bool(verdicts) and verdicts[0]
