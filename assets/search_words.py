"""The words that a text is made of, as search compares them, each with the place in the text where it stands.

Words are runs of letters, digits and marks, folded. Scripts without spaces between words are cut into single
characters and pairs instead, so that any part of a run is found; each emoji is a word.
"""

import re
import unicodedata
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import NamedTuple

from raster.fold import fold

WORD_LENGTH = 40  # longer words are compared by their beginnings
#: Thai, Lao, Burmese, Khmer, and the Chinese and Japanese scripts.
UNSPACED = re.compile(
    "[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3005-\u3007\u3040-\u30ff\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff"
    "\uf900-\ufaff\U00020000-\U0003ffff]"
)
ASCII_WORD = re.compile("[0-9a-z]+")


class Run(NamedTuple):
    """Folded characters that belong together; ``places`` has the index in the text that each came from."""

    text: str
    places: Sequence[int]
    is_unspaced: bool


def runs(text: str) -> Iterator[Run]:
    """Yield the words of ``text``, and its unspaced runs uncut, in their order."""
    if text.isascii():
        # As below, in a tenth of the time: each letter folds to one, and all words are spaced.
        for word in ASCII_WORD.finditer(text.lower()):
            yield Run(word[0], range(*word.span()), is_unspaced=False)
        return
    characters: list[str] = []
    places: list[int] = []
    kind = ""
    for index, character in enumerate(text):
        for folded, now in _folded(character):
            if characters and (now != kind or kind == "symbol"):
                yield Run("".join(characters), places, kind == "unspaced")
                characters, places = [], []
            kind = now
            if kind:
                characters.append(folded)
                places.append(index)
    if characters:
        yield Run("".join(characters), places, kind == "unspaced")


def words_of(text: str) -> list[str]:
    """Return what to look for where a person types ``text``: each word once, and unspaced runs in pairs."""
    words: dict[str, None] = {}
    for run in runs(text):
        if run.is_unspaced and len(run.text) > 1:
            words.update(dict.fromkeys(run.text[at : at + 2] for at in range(len(run.text) - 1)))
        else:
            words[run.text[:WORD_LENGTH]] = None
    return list(words)


def indexed_words(text: str) -> set[str]:
    """Return everything under which ``text`` is found whole."""
    words: set[str] = set()
    for run in runs(text):
        if run.is_unspaced:
            words.update(run.text)
            words.update(run.text[at : at + 2] for at in range(len(run.text) - 1))
        else:
            words.add(run.text[:WORD_LENGTH])
    return words


def is_unspaced(word: str) -> bool:
    """Return whether a word is a piece of a script that has no spaces between words."""
    return UNSPACED.match(word) is not None


@lru_cache(10_000)
def _folded(character: str) -> tuple[tuple[str, str], ...]:
    """Return what a character folds to, each part with its kind; a part of no kind ends a word."""
    # A space folds to nothing, and so does a mark that is written apart from its letter and belongs to the word.
    return tuple((folded, _kind(folded)) for folded in fold(character) or (" " if character.isspace() else ""))


def _kind(character: str) -> str:
    if UNSPACED.match(character):
        return "unspaced"
    category = unicodedata.category(character)
    if category[0] in "LNM":
        return "word"
    return "symbol" if category == "So" else ""
