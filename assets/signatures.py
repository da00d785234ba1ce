"""What a file is, judged by its first bytes and never by its name."""

import contextlib
from dataclasses import dataclass
from xml.parsers import expat

HEAD_LENGTH = 64 * 1024
MAX_SVG_SIZE = 10 * 1024 * 1024
SVG_NAMESPACE = "http://www.w3.org/2000/svg"
AVIF_BRANDS = frozenset({b"avif", b"avis"})


@dataclass(frozen=True, slots=True)
class FileType:
    """A type of file that assets may have. ``decoder`` is libvips' name for what reads it."""

    content_type: str
    extension: str
    decoder: str


JPEG = FileType("image/jpeg", "jpg", "jpegload")
PNG = FileType("image/png", "png", "pngload")
GIF = FileType("image/gif", "gif", "gifload")
WEBP = FileType("image/webp", "webp", "webpload")
AVIF = FileType("image/avif", "avif", "heifload")
TIFF = FileType("image/tiff", "tiff", "tiffload")
SVG = FileType("image/svg+xml", "svg", "svgload")

_PREFIXES = {
    b"\xff\xd8\xff": JPEG,
    b"\x89PNG\r\n\x1a\n": PNG,
    b"GIF87a": GIF,
    b"GIF89a": GIF,
    b"II*\x00": TIFF,
    b"MM\x00*": TIFF,
    b"II+\x00": TIFF,
    b"MM\x00+": TIFF,
}


def judge(head: bytes) -> FileType | None:
    """Return the type of the file that starts with ``head`` (``HEAD_LENGTH`` bytes are enough), or None."""
    for prefix, file_type in _PREFIXES.items():
        if head.startswith(prefix):
            return file_type
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return WEBP
    if head[4:8] == b"ftyp":
        return AVIF if AVIF_BRANDS & _brands(head) else None
    return SVG if _is_svg(head) else None


def _brands(head: bytes) -> set[bytes]:
    """Return the major and the compatible brands of a file in the ISO base media format (ISO 14496-12, 4.3)."""
    box = head[: min(int.from_bytes(head[:4], "big"), 1024)]
    return {box[8:12], *(box[start : start + 4] for start in range(16, len(box), 4))}


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
