"""The child process that decodes: its limits hold, whatever the file does, and its surroundings hold no secret."""

import resource
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from django.conf import settings

from assets.decoding import DERIVE, PROBE, Decoded, Decoder, DecodingFailed, Limits, _environment
from assets.probe import Probed, probe
from assets.signatures import BY_CONTENT_TYPE, HEIC, JPEG, MP4, PDF, SVG, WEBM, FileType, judge
from raster.errors import BadUserInput
from tests.assets import pictures
from tests.waiting import wait_until

GIGABYTE = 1024**3
# A small drawing whose filters keep a processor busy for minutes.
SLOW_SVG = (
    b'<svg xmlns="http://www.w3.org/2000/svg" width="3000" height="3000">'
    b'<filter id="f" x="0" y="0" width="1" height="1">'
    + b'<feTurbulence type="turbulence" baseFrequency="0.5" numOctaves="9"/>' * 40
    + b'</filter><rect width="3000" height="3000" filter="url(#f)"/></svg>'
)


def written(folder: Path, data: bytes) -> tuple[Path, FileType]:
    path = folder / "file"
    path.write_bytes(data)
    file_type = judge(data)
    assert file_type is not None
    return path, file_type


@pytest.mark.parametrize("kind", pictures.KINDS)
def test_the_child_makes_sizes_of_every_type(tmp_path: Path, kind: str) -> None:
    path, file_type = written(tmp_path, pictures.encoded(kind, 800, 400))
    told = Decoder().run("derive", path, file_type, DERIVE)
    assert (told.width, told.height, len(told.blurhash or "")) == (800, 400, 28)
    assert list(told.files) == ["320.webp", "640.webp"]
    small = pictures.opened(told.files["320.webp"])
    assert (small.get("vips-loader"), small.width, small.height) == ("webpload_buffer", 320, 160)
    red, green, *_ = small.getpoint(20, 20)
    assert red > 2 * green


def test_what_is_cut_off_is_refused_in_words(tmp_path: Path) -> None:
    path, file_type = written(tmp_path, pictures.jpeg()[:3000])
    with pytest.raises(BadUserInput, match="damaged or cut off"):
        Decoder().run("derive", path, file_type, DERIVE)


def test_a_file_that_takes_too_long_is_given_up_in_time(tmp_path: Path) -> None:
    path, file_type = written(tmp_path, SLOW_SVG)
    started = time.monotonic()
    with pytest.raises(DecodingFailed):
        Decoder().run("derive", path, file_type, Limits(1, 2 * GIGABYTE))
    assert time.monotonic() - started < 5


def test_a_file_that_needs_too_much_memory_is_given_up(tmp_path: Path) -> None:
    path, file_type = written(tmp_path, pictures.bmp(6000, 6000))
    assert Decoder().run("derive", path, file_type, DERIVE).width == 6000
    with pytest.raises((DecodingFailed, BadUserInput)):
        Decoder().run("derive", path, file_type, Limits(30, 400 * 1024**2))


def test_the_limits_are_the_kernels(tmp_path: Path) -> None:
    program = (
        f"from assets.decode.jobs import limit; limit(7, {GIGABYTE}); import resource as r, signal; "
        "print(r.getrlimit(r.RLIMIT_AS)[1], r.getrlimit(r.RLIMIT_CPU)[1], r.getrlimit(r.RLIMIT_CORE)[1], "
        "0 < signal.alarm(0) <= 7)"
    )
    ran = subprocess.run([sys.executable, "-c", program], cwd=settings.BASE_DIR, capture_output=True, check=True)
    assert ran.stdout.decode().split() == [str(GIGABYTE), "7", "0", "True"]
    assert resource.getrlimit(resource.RLIMIT_AS)[0] == resource.RLIM_INFINITY


def test_the_child_knows_no_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET_KEY", "not for children")
    environment = _environment()
    assert not [name for name in environment if "SECRET" in name or "RASTER" in name or "DATABASE" in name]


def test_another_thread_ends_the_child_and_no_other_starts(tmp_path: Path) -> None:
    path, file_type = written(tmp_path, SLOW_SVG)
    decoder, failures = Decoder(), []

    def run() -> None:
        try:
            decoder.run("derive", path, file_type, DERIVE)
        except DecodingFailed as failure:
            failures.append(str(failure))

    thread = threading.Thread(target=run)
    thread.start()
    wait_until(lambda: decoder.busy)
    decoder.stop()
    thread.join(timeout=60)
    assert len(failures) == 1
    with pytest.raises(DecodingFailed, match="stopped"):
        decoder.run("probe", path, file_type, PROBE)


def test_whatever_a_library_prints_stays_out_of_the_answer(tmp_path: Path) -> None:
    # PDFium and FFmpeg write warnings about such files.
    data = pictures.pdf().replace(b"startxref", b"startxxxx")
    path, file_type = written(tmp_path, data)
    told = Decoder().run("probe", path, file_type, PROBE)
    assert (told.width, told.height) == (1700, 2200)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (pictures.pdf_of(b"<< /Type /Catalog /Pages 2 0 R >>", b"<< /Type /Pages /Kids [] /Count 0 >>"), "damaged"),
        (b"%PDF-1.7\nand then no document", "damaged"),
        (pictures.pdf(20_000, 20_000), "no size that can be shown"),
        (pictures.locked_pdf(), "password"),
        (pictures.sound(), "no pictures"),
        (pictures.video("mp4")[:400], "damaged"),
        (b"\0\0\0\x18ftypisom\0\0\2\0isomiso2" + b"\0" * 400, "damaged"),
        (pictures.video("webm")[:100], "damaged|no pictures"),
    ],
    ids=["no page", "no document", "huge page", "locked", "sound", "half a video", "a hollow video", "half a WebM"],
)
def test_documents_and_videos_that_cannot_be_opened_are_refused_at_upload(
    tmp_path: Path, data: bytes, reason: str
) -> None:
    path, file_type = written(tmp_path, data)
    with pytest.raises(BadUserInput, match=reason):
        probe(path, file_type)


def test_a_document_is_its_first_page(tmp_path: Path) -> None:
    path, _ = written(tmp_path, pictures.pdf(612, 792))
    assert probe(path, PDF) == Probed(1700, 2200)
    path, _ = written(tmp_path, pictures.pdf(14_400, 14_400))
    assert probe(path, PDF) == Probed(10_000, 10_000)


def test_a_documents_scripts_and_links_do_nothing(tmp_path: Path) -> None:
    action = b"/OpenAction << /S /JavaScript /JS (app.alert(1); while (true) {}) >>"
    path, _ = written(tmp_path, pictures.pdf(extra=action))
    told = Decoder().run("derive", path, PDF, DERIVE)
    assert list(told.files) == ["320.webp", "640.webp", "1280.webp"]


@pytest.mark.parametrize(
    ("rotation", "size"), [(0, (800, 400)), (90, (400, 800)), (180, (800, 400)), (270, (400, 800))]
)
def test_a_video_is_as_it_is_played(tmp_path: Path, rotation: int, size: tuple[int, int]) -> None:
    path, _ = written(tmp_path, pictures.video("mp4", 800, 400, rotation=rotation))
    assert probe(path, MP4) == Probed(*size)
    told = Decoder().run("derive", path, MP4, DERIVE)
    small = pictures.opened(told.files["320.webp"])
    corners = {0: (0, 0), 90: (0, 1), 180: (1, 1), 270: (1, 0)}  # turned to the left, as the display matrix is read
    across, down = corners[rotation]
    red, green, *_ = small.getpoint(20 + across * (small.width - 40), 20 + down * (small.height - 40))
    assert red > 2 * green


def test_a_video_in_a_codec_that_is_not_decoded_has_dimensions_and_no_poster(tmp_path: Path) -> None:
    path, file_type = written(tmp_path, pictures.video("mov", codec="dvvideo", width=720, height=576))
    assert probe(path, file_type) == Probed(720, 576)
    assert Decoder().run("derive", path, file_type, DERIVE) == Decoded(720, 576)


def test_a_video_names_no_other_file(tmp_path: Path) -> None:
    """A playlist in a WebM's or MP4's clothes, which FFmpeg would follow if it might choose the format."""
    secret = tmp_path / "secret.mp4"
    secret.write_bytes(pictures.video())
    for head in (b"\0\0\0\x18ftypisom\0\0\2\0isomiso2", b"\x1a\x45\xdf\xa3\x87\x42\x82\x84webm"):
        path, file_type = written(tmp_path, head + f"\n#EXTM3U\n#EXTINF:1,\nfile://{secret}\n".encode())
        assert file_type in {MP4, WEBM}
        with pytest.raises(BadUserInput):
            probe(path, file_type)


def test_a_preview_is_a_small_jpeg(tmp_path: Path) -> None:
    path, _ = written(tmp_path, pictures.SVG)
    told = Decoder().run("preview", path, SVG, PROBE)
    small = pictures.opened(told.files["preview.jpg"])
    assert (small.get("vips-loader"), small.width, small.height) == ("jpegload_buffer", 640, 320)
    assert min(small.getpoint(600, 300)) > 250


def test_every_type_has_a_reader() -> None:
    readers = {path.stem for path in (settings.BASE_DIR / "assets" / "decode" / "readers").glob("[a-z]*.py")}
    assert {file_type.reader for file_type in BY_CONTENT_TYPE.values()} == readers
    assert {HEIC.reader, JPEG.reader} == {"heif", "vips"}
