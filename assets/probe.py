"""Reading at upload what a file's header tells: whether it can be opened, and its dimensions."""

import tempfile
from dataclasses import dataclass
from pathlib import Path

from assets.decoding import PROBE, Decoder, DecodingFailed
from assets.images import displayed_size, open_image
from assets.signatures import FileType
from raster.errors import BadUserInput


@dataclass(frozen=True, slots=True)
class Probed:
    """Pixels as displayed; None where nobody here can tell."""

    width: int | None
    height: int | None


def probe(path: Path, file_type: FileType) -> Probed:
    """Read a file's header: here where it is short and plain, in a child process where it is more than that.

    Raises:
        BadUserInput: it cannot be opened, is of another type than ``file_type``, or is over the limits.
    """
    if file_type.loader:
        return Probed(*displayed_size(open_image(path, file_type)))
    with tempfile.TemporaryDirectory(prefix="raster-") as folder:
        try:
            told = Decoder().run("probe", path, file_type, Path(folder), PROBE)
        except DecodingFailed:
            raise BadUserInput("The file cannot be opened within the limits of time and memory.") from None
    return Probed(told["width"], told["height"])
