"""What a name may be, whatever it names."""

from typing import Annotated

import pytest
from pydantic import TypeAdapter, ValidationError

from raster.contracts import Line

LINE = TypeAdapter[str](Annotated[str, Line(100)])


@pytest.mark.parametrize("text", ["\u200b", "a\u202eb", "a\nb", "\u200d", "nul\x00", "\u200e"])
def test_what_cannot_be_seen_is_refused(text: str) -> None:
    with pytest.raises(ValidationError):
        LINE.validate_python(text)


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("  برشلونة ", "برشلونة"),
        ("cafe\u0301", "café"),
        ("👩\u200d🎨", "👩\u200d🎨"),
        ("می\u200cخواهم", "می\u200cخواهم"),
    ],
)
def test_words_of_every_script_are_kept(text: str, kept: str) -> None:
    assert LINE.validate_python(text) == kept
