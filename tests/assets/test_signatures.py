"""A file's type comes from its bytes."""

import pytest

from assets.signatures import AVIF, GIF, JPEG, PNG, SVG, TIFF, WEBP, FileType, judge
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
    "PDF": b"%PDF-1.7\n",
    "BMP": b"BM" + b"\0" * 60,
    "RIFF that is a sound": b"RIFF\x24\0\0\0WAVEfmt ",
    "HEIC": b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + b"avif" * 4,
    "MP4": b"\0\0\0\x18ftypisom\0\0\2\0isomiso2",
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


@pytest.mark.parametrize(
    ("kind", "file_type"),
    [("jpeg", JPEG), ("png", PNG), ("gif", GIF), ("webp", WEBP), ("avif", AVIF), ("tiff", TIFF), ("svg", SVG)],
)
def test_each_type_is_known_by_its_bytes(kind: str, file_type: FileType) -> None:
    assert judge(pictures.encoded(kind, 64, 48)[:65536]) is file_type


@pytest.mark.parametrize("text", SVG_FORMS.values(), ids=SVG_FORMS.keys())
def test_svg_is_known_in_all_its_forms(text: bytes) -> None:
    assert judge(text[:65536]) is SVG


def test_html_behind_a_gif_does_not_change_what_it_is() -> None:
    assert judge(pictures.encoded("gif", 8, 8) + b"<html><script>alert(1)</script></html>") is GIF
