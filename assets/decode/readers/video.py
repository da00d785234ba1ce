"""A frame of a video, by PyAV where it is installed: without it, nothing is known of a video and nothing made."""

import importlib
import importlib.util
from fractions import Fraction
from pathlib import Path
from typing import Any

import pyvips

from assets.decode.pictures import Opened, from_pixels
from assets.images import check_pixels
from assets.signatures import MP4, QUICKTIME, WEBM, FileType
from raster.errors import BadUserInput

DAMAGED = "The video is damaged or cut off."
FORMATS = {MP4: "mp4", QUICKTIME: "mov", WEBM: "matroska"}
#: What FFmpeg may be given of a stranger: of its hundreds of decoders, those that such files are made with.
CODECS = frozenset(
    {"av1", "libdav1d", "h264", "hevc", "mjpeg", "mpeg4", "prores", "vp8", "vp9", "libvpx", "libvpx-vp9"}
)
#: How far into a video its poster is: many start in black.
POSTER_AT = Fraction(1, 10)
QUARTERS = {90: "d270", -270: "d270", 180: "d180", -180: "d180", 270: "d90", -90: "d90"}


def open_file(path: Path, file_type: FileType) -> Opened:
    """Open a video: the dimensions of its pictures, turned as a player turns them, and one of them."""
    if importlib.util.find_spec("av") is None:
        return Opened(None, None, None)
    av = importlib.import_module("av")
    try:
        # As a file that is open already, and with no protocol allowed, it can name no other file or address.
        container = av.open(path.open("rb"), format=FORMATS[file_type], options={"protocol_whitelist": "none"})
        video = container.streams.best("video")
    except (av.FFmpegError, OSError, ValueError):
        raise BadUserInput(DAMAGED) from None
    if video is None:
        raise BadUserInput("The video has no pictures.")
    check_pixels(video.width, video.height)
    if video.codec_context.name not in CODECS:
        return Opened(video.width or None, video.height or None, None)
    frame = _poster(av, container, video)
    width, height = frame.width, frame.height
    if frame.rotation % 180:
        width, height = height, width
    return Opened(width, height, lambda: _pixels(frame))


def _poster(av: Any, container: Any, video: Any) -> Any:
    """Return a key frame shortly before ``POSTER_AT``, or the first frame."""
    try:
        if container.duration:
            container.seek(int(container.duration * POSTER_AT))
        frame = next(container.decode(video), None)
        if frame is None:
            container.seek(0)
            frame = next(container.decode(video), None)
    except (av.FFmpegError, OSError, ValueError):
        raise BadUserInput(DAMAGED) from None
    if frame is None:
        raise BadUserInput("The video has no pictures.")
    check_pixels(frame.width, frame.height)
    return frame


def _pixels(frame: Any) -> pyvips.Image:
    plane = frame.reformat(format="rgb24").planes[0]
    row = frame.width * 3
    image = pyvips.Image.new_from_memory(bytes(plane), plane.line_size, frame.height, 1, "uchar")
    packed = image.extract_area(0, 0, row, frame.height).write_to_memory()
    upright = from_pixels(packed, (frame.width, frame.height), 3)
    turn = QUARTERS.get(frame.rotation)
    return upright.rot(turn) if turn else upright
