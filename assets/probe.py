"""Reading at upload what a file's header tells: whether it can be opened, and its dimensions."""

from dataclasses import dataclass
from pathlib import Path

from assets.decoding import PROBE, Decoder, DecodingFailed, Limits
from assets.signatures import FileType
from assets.turns import decoding_turns
from raster.errors import BadUserInput
from raster.workers import give_connection_back


@dataclass(frozen=True, slots=True)
class Probed:
    """Pixels as displayed; None where nobody here can tell."""

    width: int | None
    height: int | None


def probe(path: Path, file_type: FileType, owner: str = "", limits: Limits = PROBE) -> Probed:
    """Have a file's header read in a child process, when it is the turn of ``owner``, an organization.

    Raises:
        BadUserInput: it cannot be opened within the limits, or is of another type than ``file_type``.
        RateLimited: too much is being read for ``owner`` already.
    """
    give_connection_back()
    with decoding_turns.turn(owner):
        try:
            told = Decoder().run("probe", path, file_type, limits)
        except DecodingFailed:
            raise BadUserInput("The file cannot be opened within the limits of time and memory.") from None
    return Probed(told.width, told.height)
