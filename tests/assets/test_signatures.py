"""A file's type comes from its bytes."""

import pytest

from assets.signatures import (
    AVIF,
    BMP,
    BY_CONTENT_TYPE,
    GIF,
    HEAD_LENGTH,
    HEIC,
    JPEG,
    MP4,
    PDF,
    PNG,
    QUICKTIME,
    SVG,
    TIFF,
    WEBM,
    WEBP,
    FileType,
    judge,
)
from tests.assets import pictures

NO_IMAGES = {
    "nothing": b"",
    "HTML": b"<!DOCTYPE html><html><body><svg xmlns='http://www.w3.org/2000/svg'/></body></html>",
    "other XML": b'<?xml version="1.0"?><note><svg/></note>',
    "svg of another namespace": b'<svg xmlns="http://example.com/other"/>',
    "svg that declares entities": b'<!DOCTYPE svg [<!ENTITY a "b">]><svg xmlns="http://www.w3.org/2000/svg">&a;</svg>',
    "svg with an empty internal subset": b'<!DOCTYPE svg []><svg xmlns="http://www.w3.org/2000/svg"/>',
    "svg in a made-up encoding": b'<?xml version="1.0" encoding="x-nobody"?><svg xmlns="http://www.w3.org/2000/svg"/>',
    "words": b"just svg words",
    "words that start like a bitmap": b"BMW builds cars, and this sentence is long enough for a header.",
    "half a bitmap's header": b"BM" + b"\0" * 60,
    "words before a PDF": b"See %PDF-1.7\n",
    "RIFF that is a sound": b"RIFF\x24\0\0\0WAVEfmt ",
    "sound": b"\0\0\0\x18ftypM4A \0\0\2\0isommp42",
    "a raw photo": b"\0\0\0\x18ftypcrx \0\0\0\1crx isom",
    "brands behind the box that lists them": b"\0\0\0\x10ftypwhat\0\0\0\0" + b"avifheicisom" * 4,
    "Matroska": pictures.video("mkv", 64, 48),
    "EBML without an end": b"\x1a\x45\xdf\xa3" + b"\x01" + b"\xff" * 40,
    "EBML without a document type": b"\x1a\x45\xdf\xa3\x80" + b"\0" * 40,
    "EBML of nothing": b"\x1a\x45\xdf\xa3",
    "half a PNG signature": b"\x89PNG\r\n",
    "script": b"#!/bin/sh\n",
}

SVG_FORMS = {
    "plain": pictures.SVG,
    "with a declaration": b'<?xml version="1.0" encoding="UTF-8"?>\n' + pictures.SVG,
    "with a byte order mark": b"\xef\xbb\xbf" + pictures.SVG,
    "in UTF-16": pictures.SVG.decode().encode("utf-16"),
    "after comments": b"<!-- a -->\n<!-- <html> -->" + pictures.SVG,
    "with a doctype": (
        b'<!DOCTYPE svg PUBLIC "-//W3C//DTD SVG 1.1//EN" "http://www.w3.org/Graphics/SVG/1.1/DTD/svg11.dtd">'
        + pictures.SVG
    ),
    "with a prefix": b'<s:svg xmlns:s="http://www.w3.org/2000/svg" width="9" height="9"/>',
    "longer than the head": pictures.SVG.replace(b"</svg>", b"<g/>" * 30_000),
}


@pytest.mark.parametrize("head", NO_IMAGES.values(), ids=NO_IMAGES.keys())
def test_what_is_no_image_of_ours_has_no_type(head: bytes) -> None:
    assert judge(head) is None


BY_KIND = {
    "jpeg": JPEG,
    "png": PNG,
    "gif": GIF,
    "webp": WEBP,
    "avif": AVIF,
    "tiff": TIFF,
    "svg": SVG,
    "heic": HEIC,
    "bmp": BMP,
    "pdf": PDF,
    "mp4": MP4,
    "mov": QUICKTIME,
    "webm": WEBM,
}

BRANDS = {
    "a photo of a phone": (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", HEIC),
    "a deep photo": (b"\0\0\0\x18ftypheix\0\0\0\0mif1heix", HEIC),
    "a sequence of photos": (b"\0\0\0\x18ftyphevc\0\0\0\0msf1hevc", HEIC),
    "HEIF that says mif1 first": (b"\0\0\0\x18ftypmif1\0\0\0\0mif1heic", HEIC),
    "AVIF that says mif1 first": (b"\0\0\0\x18ftypmif1\0\0\0\0mif1avif", AVIF),
    "an animated AVIF": (b"\0\0\0\x18ftypavis\0\0\0\0avisavif", AVIF),
    "a video of a camera": (b"\0\0\0\x18ftypmp42\0\0\0\0mp42isom", MP4),
    "a video of a shop": (b"\0\0\0\x18ftypM4V \0\0\0\0M4V mp42", MP4),
    "a video named after its codec": (b"\0\0\0\x18ftypavc1\0\0\0\0avc1isom", MP4),
    "a video of a Mac": (b"\0\0\0\x14ftypqt  \0\0\2\0qt  ", QUICKTIME),
}


def test_every_accepted_type_has_a_file_here() -> None:
    assert set(BY_KIND) == set(pictures.KINDS)
    assert set(BY_KIND.values()) == set(BY_CONTENT_TYPE.values())


@pytest.mark.parametrize(("kind", "file_type"), BY_KIND.items())
def test_each_type_is_known_by_its_bytes(kind: str, file_type: FileType) -> None:
    assert judge(pictures.encoded(kind, 64, 48)[:HEAD_LENGTH]) is file_type


@pytest.mark.parametrize(("head", "file_type"), BRANDS.values(), ids=BRANDS.keys())
def test_files_of_the_iso_base_media_format_are_told_apart_by_their_brands(head: bytes, file_type: FileType) -> None:
    assert judge(head) is file_type


@pytest.mark.parametrize("kind", pictures.KINDS)
def test_a_head_that_ends_anywhere_is_judged_without_an_error(kind: str) -> None:
    data = pictures.encoded(kind, 64, 48)
    for length in range(200):
        judge(data[:length])


@pytest.mark.parametrize("text", SVG_FORMS.values(), ids=SVG_FORMS.keys())
def test_svg_is_known_in_all_its_forms(text: bytes) -> None:
    assert judge(text[:65536]) is SVG


def test_html_behind_a_gif_does_not_change_what_it_is() -> None:
    assert judge(pictures.encoded("gif", 8, 8) + b"<html><script>alert(1)</script></html>") is GIF
