"""Reading at upload what a file's header tells: whether it can be opened, and its dimensions."""

from dataclasses import dataclass
from pathlib import Path

from assets.images import Picture
from assets.signatures import FileType


@dataclass(frozen=True, slots=True)
class Probed:
    """Pixels as displayed; None where nobody here can tell."""

    width: int | None
    height: int | None


def probe(path: Path, file_type: FileType) -> Probed:
    """Read a file's header.

    Raises:
        BadUserInput: it cannot be opened, is of another type than ``file_type``, or is over the limits.
    """
    picture = Picture(path, file_type)
    return Probed(picture.width, picture.height)
