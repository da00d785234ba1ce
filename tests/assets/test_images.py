"""What is made of a picture: sizes without metadata, a blurhash, dimensions as displayed, and what is refused."""

from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

import pytest
import pyvips

from assets import signatures
from assets.decode.pictures import Opened, Picture
from assets.images import MAX_FRAMES, MAX_PIXELS
from assets.probe import probe
from assets.signatures import FileType, judge
from raster.errors import BadUserInput
from tests.assets import pictures


@dataclass
class Read:
    """A file that was read as the child process reads it, with the content of its sizes by width."""

    width: int | None
    height: int | None
    blurhash: str
    sizes: dict[int, bytes]


def opened(folder: Path, data: bytes, file_type: FileType | None = None) -> Opened:
    path = folder / "original"
    path.write_bytes(data)
    judged = file_type or judge(data)
    assert judged is not None
    found: Opened = import_module(f"assets.decode.readers.{judged.reader}").open_file(path, judged)
    return found


def read(folder: Path, data: bytes, file_type: FileType | None = None) -> Read:
    file = opened(folder, data, file_type)
    assert file.picture is not None and file.width is not None
    picture = Picture(file.picture(), file.width)
    sizes = {width: path.read_bytes() for width, path in picture.save_sizes(folder).items()}
    return Read(file.width, file.height, picture.blurhash(), sizes)


@pytest.mark.parametrize("kind", [kind for kind in pictures.KINDS if kind not in {"mp4", "mov", "webm", "pdf"}])
@pytest.mark.parametrize("share", [0.3, 0.7, 0.95])
def test_an_image_that_is_cut_off_is_refused(tmp_path: Path, kind: str, share: float) -> None:
    data = pictures.encoded(kind)
    with pytest.raises(BadUserInput, match="damaged or cut off"):
        read(tmp_path, data[: int(len(data) * share)], judge(data))


@pytest.mark.parametrize("kind", ["mp4", "mov", "webm", "pdf"])
def test_a_video_or_document_of_which_little_is_left_is_refused(tmp_path: Path, kind: str) -> None:
    data = pictures.encoded(kind)
    with pytest.raises(BadUserInput, match=r"damaged or cut off|no pictures"):
        read(tmp_path, data[:60], judge(data))


BOMBS = {
    "png": pictures.png_that_claims(10_001, 10_000),
    "jpeg": pictures.jpeg_that_claims(65_000, 65_000),
    "gif": pictures.gif_that_claims(65_535, 65_535),
    "webp": pictures.webp_that_claims(16_383, 16_383),
    "tiff": pictures.tiff_that_claims(65_535, 65_535),
    "heic": pictures.heic_that_claims(20_000, 20_000),
    "bmp": pictures.bmp_that_claims(20_000, 20_000),
    "svg": b'<svg xmlns="http://www.w3.org/2000/svg" width="20000" height="20000"/>',
}


@pytest.mark.parametrize("kind", BOMBS)
def test_an_image_of_too_many_pixels_is_refused_by_its_header(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "bomb"
    path.write_bytes(BOMBS[kind])
    file_type = judge(BOMBS[kind])
    assert file_type is not None
    # What reads WebP makes room for the pixels before it tells how many there are.
    with pytest.raises(BadUserInput, match="too much memory" if kind == "webp" else "100 megapixels"):
        probe(path, file_type)
    with pytest.raises(BadUserInput, match="100 megapixels"):
        opened(tmp_path, BOMBS[kind])
    assert MAX_PIXELS == 10_000 * 10_000


def test_a_decoder_that_disagrees_with_the_judged_type_refuses(tmp_path: Path) -> None:
    with pytest.raises(BadUserInput, match="not what its first bytes say"):
        opened(tmp_path, pictures.encoded("png"), signatures.JPEG)


def test_decoders_of_other_types_are_switched_off() -> None:
    portable = b"P6 1 1 255\nabc"
    with pytest.raises(pyvips.Error, match="not in a known format"):
        pyvips.Image.new_from_buffer(portable, "")


def test_an_svg_over_the_limit_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadUserInput, match="up to 10 MB"):
        read(tmp_path, pictures.SVG.replace(b"</svg>", b" " * signatures.MAX_SVG_SIZE + b"</svg>"))


def test_an_svg_reads_no_other_file(tmp_path: Path) -> None:
    (tmp_path / "secret.png").write_bytes(pictures.encoded("png"))
    svg = (
        '<svg xmlns="http://www.w3.org/2000/svg" xmlns:x="http://www.w3.org/1999/xlink" width="700" height="500">'
        f'<image x:href="secret.png" width="700" height="500"/>'
        f'<image x:href="{(tmp_path / "secret.png").as_uri()}" width="700" height="500"/></svg>'
    )
    content = read(tmp_path, svg.encode()).sizes[320]
    assert pictures.opened(content).hasalpha()
    assert pictures.opened(content)[3].max() == 0


@pytest.mark.parametrize("kind", pictures.KINDS)
def test_every_type_gives_dimensions_a_blurhash_and_the_sizes_below_its_width(tmp_path: Path, kind: str) -> None:
    picture = read(tmp_path, pictures.encoded(kind, 800, 400))
    sizes = picture.sizes
    assert (picture.width, picture.height) == (800, 400)
    assert len(picture.blurhash) == 6 + 2 * (4 * 3 - 1)
    assert sorted(sizes) == [320, 640]
    smallest = pictures.opened(sizes[320])
    assert (smallest.get("vips-loader"), smallest.width, smallest.height) == ("webpload_buffer", 320, 160)
    red, green, _ = smallest.extract_band(0, n=3).getpoint(20, 20)
    assert red > 2 * green


def test_an_image_as_wide_as_the_smallest_size_has_none(tmp_path: Path) -> None:
    assert read(tmp_path, pictures.jpeg(320, 200)).sizes == {}
    assert len(read(tmp_path, pictures.jpeg(1, 1)).blurhash) == 28


def test_a_wide_image_has_all_sizes(tmp_path: Path) -> None:
    sizes = read(tmp_path, pictures.jpeg(2600, 40)).sizes
    widths = {width: pictures.opened(content).width for width, content in sizes.items()}
    assert widths == {width: width for width in (320, 640, 1280, 2560)}


def test_a_size_that_would_be_higher_than_webp_allows_is_left_out(tmp_path: Path) -> None:
    assert read(tmp_path, pictures.encoded("png", 400, 30_000)).sizes == {}


@pytest.mark.parametrize("orientation", range(1, 9))
def test_orientation_is_applied_to_dimensions_and_sizes(tmp_path: Path, orientation: int) -> None:
    picture = read(tmp_path, pictures.jpeg(800, 400, orientation=orientation))
    turned = orientation >= 5
    assert (picture.width, picture.height) == ((400, 800) if turned else (800, 400))
    content = picture.sizes[320]
    small = pictures.opened(content)
    assert (small.width, small.height) == ((320, 640) if turned else (320, 160))
    assert small.get_typeof("orientation") == 0
    corners = {1: (0, 0), 2: (1, 0), 3: (1, 1), 4: (0, 1), 5: (0, 0), 6: (1, 0), 7: (1, 1), 8: (0, 1)}
    across, down = corners[orientation]
    red, green, _ = small.getpoint(20 + across * (small.width - 40), 20 + down * (small.height - 40))
    assert red > 2 * green


def test_sizes_carry_no_place_and_no_camera(tmp_path: Path) -> None:
    data = pictures.jpeg(gps=True, orientation=6)
    assert "exif-ifd3-GPSLatitude" in pictures.opened(data).get_fields()
    assert b"SecretCameraMaker" in data
    for content in read(tmp_path, data).sizes.values():
        assert not [field for field in pictures.opened(content).get_fields() if "exif" in field or "xmp" in field]
        assert b"EXIF" not in content
        assert b"SecretCameraMaker" not in content


def test_the_colours_of_another_profile_become_srgb(tmp_path: Path) -> None:
    wide = pictures.painted().icc_transform("p3", input_profile="srgb")
    content = read(tmp_path, wide.jpegsave_buffer(Q=100)).sizes[320]
    small = pictures.opened(content)
    assert small.get_typeof("icc-profile-data") == 0
    assert small.getpoint(20, 20) == pytest.approx([220, 20, 20], abs=12)


def test_print_colours_grey_and_deep_colours_are_read(tmp_path: Path) -> None:
    picture = pictures.painted()
    variants = (
        picture.icc_export(output_profile="cmyk").jpegsave_buffer(),
        picture.colourspace("b-w").jpegsave_buffer(),
        picture.colourspace("rgb16").pngsave_buffer(bitdepth=16),
        picture.colourspace("grey16").pngsave_buffer(bitdepth=16),
        picture.bandjoin(128).pngsave_buffer(),
    )
    for data in variants:
        read_one = read(tmp_path, data)
        assert len(read_one.blurhash) == 28
        assert sorted(read_one.sizes) == [320, 640]


def test_an_animation_is_its_first_frame(tmp_path: Path) -> None:
    picture = read(tmp_path, pictures.animated_gif(400, 300))
    assert (picture.width, picture.height) == (400, 300)
    small = pictures.opened(picture.sizes[320])
    assert (small.width, small.height) == (320, 240)


def test_an_image_of_too_many_frames_is_refused(tmp_path: Path) -> None:
    data = pictures.encoded("gif", 8, 8)
    frame = data[data.index(b"\x2c") : -1]
    with pytest.raises(BadUserInput, match="10000 frames"):
        opened(tmp_path, data[:-1] + frame * MAX_FRAMES + b"\x3b")


def test_html_behind_a_gif_reaches_no_size(tmp_path: Path) -> None:
    picture = read(tmp_path, pictures.encoded("gif") + b"<html><script>alert(1)</script></html>")
    assert sorted(picture.sizes) == [320, 640]
    assert not [content for content in picture.sizes.values() if b"script" in content]


def test_avif_and_heic_that_hold_each_other_are_refused(tmp_path: Path) -> None:
    with pytest.raises(BadUserInput, match="not what its first bytes say"):
        opened(tmp_path, pictures.heic(64, 48), signatures.AVIF)
    avif = pictures.encoded("avif", 64, 48).replace(b"ftypavif", b"ftypheic").replace(b"mif1avif", b"mif1heic")
    assert judge(avif) is signatures.HEIC
    with pytest.raises(BadUserInput, match="damaged"):
        read(tmp_path, avif)


@pytest.mark.parametrize("kind", pictures.KINDS)
def test_the_header_tells_the_dimensions_that_the_pixels_have(tmp_path: Path, kind: str) -> None:
    data = pictures.encoded(kind, 800, 400)
    path = tmp_path / "file"
    path.write_bytes(data)
    file_type = judge(data)
    assert file_type is not None
    probed = probe(path, file_type)
    picture = read(tmp_path, data)
    assert (probed.width, probed.height) == (picture.width, picture.height) == (800, 400)
