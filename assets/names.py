"""What assets are called, made of the names that their files come with."""

import unicodedata
from pathlib import Path

from assets.models import NAME_LENGTH
from assets.signatures import FileType
from raster.contracts import INVISIBLE, MOST_COMPOSED

UNNAMED = "Untitled"
FILE_NAME_LENGTH = 100  # in a URL, each character may take up to twelve
SHOWN_LENGTH = 100


def asset_name(file_name: str) -> str:
    """Return the name for an asset that comes as ``file_name``: without extension and invisible characters."""
    return _visible(Path(file_name).stem)[:NAME_LENGTH].strip() or UNNAMED


def url_name(file_name: str, file_type: FileType) -> str:
    """Return the last part of the URL: letters and digits of any script joined by hyphens, and the true extension."""
    spaced = "".join(
        character if unicodedata.category(character)[0] in "LMN" or character in "-_" else " "
        for character in asset_name(file_name)
    )
    words = [word for word in spaced.split() if any(character.isalnum() for character in word)]
    return f"{'-'.join(words)[:FILE_NAME_LENGTH].strip('-') or 'file'}.{file_type.extension}"


def shown_name(file_name: str) -> str:
    """Return a file's name for a sentence about it: short, and without folders and invisible characters."""
    return _visible(Path(file_name).name)[:SHOWN_LENGTH].strip() or UNNAMED


def _visible(text: str) -> str:
    """Return the beginning of a text composed and without what cannot be seen: composing all of it may take long."""
    return INVISIBLE.sub("", unicodedata.normalize("NFC", text[: MOST_COMPOSED * NAME_LENGTH]))
