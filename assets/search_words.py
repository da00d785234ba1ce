"""The words that a text is made of, as search compares them, each with the place in the text where it stands.

Words are runs of letters, digits and marks, folded. Scripts without spaces between words are cut into single
characters and pairs instead, so that any part of a run is found; each emoji is a word.
"""

import re
import unicodedata
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from functools import cached_property, lru_cache
from itertools import accumulate
from typing import NamedTuple

from raster.fold import fold

WORD_LENGTH = 40  # longer words are compared by their beginnings
#: Thai, Lao, Burmese, Khmer, and the Chinese and Japanese scripts.
UNSPACED = re.compile(
    "[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3005-\u3007\u3040-\u30ff\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff"
    "\uf900-\ufaff\U00020000-\U0003ffff]"
)
ASCII_WORD = re.compile("[0-9a-z]+")
#: Neighbours in an unspaced run of a normalized text.
PAIR = re.compile(f"({UNSPACED.pattern})(?=  ({UNSPACED.pattern}) )")
#: Unassigned, private, or half of a pair.
NO_CHARACTERS = frozenset({"Cn", "Co", "Cs"})
NO_ASCII_WORD = {code: " " for code in range(128) if not ASCII_WORD.match(chr(code).lower())}


class Run(NamedTuple):
    """Folded characters that belong together; ``places`` has the index in the text that each came from."""

    text: str
    places: Sequence[int]
    is_unspaced: bool


class Normalized:
    """A text as its normalized words, for regular expressions to look through.

    ``text`` has a space on both sides of each word. Two neighbours in an unspaced run have exactly two spaces between
    them, and what does not belong together has one or more than two.
    """

    def __init__(self, text: str) -> None:
        if text.isascii():
            self._parts: list[str] | None = None
            self.text = f" {text.lower().translate(NO_ASCII_WORD)} "
        else:
            self._parts = list(map(_NORMALIZED.__getitem__, text))
            self.text = f" {''.join(self._parts)} "

    @cached_property
    def _starts(self) -> Sequence[int]:
        """Where in ``text`` each character of the original begins."""
        if self._parts is None:
            return range(1, len(self.text))
        return list(accumulate(map(len, self._parts), initial=1))

    def place(self, index: int) -> int:
        """Return the index in the original of the character that ``text[index]`` came from."""
        return bisect_right(self._starts, index) - 1

    def end(self, index: int, limit: int) -> int:
        """Return where that character ends with the marks that follow it, which are nothing in ``text``."""
        end = self.place(index) + 1
        if self._parts is not None:
            while end < limit and not self._parts[end]:
                end += 1
        return end


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
    normalized = Normalized(text).text
    words = {word[:WORD_LENGTH] for word in normalized.split()}
    words.update(first + second for first, second in PAIR.findall(normalized))
    return words


def is_unspaced(word: str) -> bool:
    """Return whether a word is a piece of a script that has no spaces between words."""
    return UNSPACED.match(word) is not None


@lru_cache(10_000)
def _folded(character: str) -> tuple[tuple[str, str], ...]:
    """Return what a character folds to, each part with its kind; a part of no kind ends a word."""
    # A space folds to nothing, and so does a mark that is written apart from its letter and belongs to the word.
    return tuple((folded, _kind(folded)) for folded in fold(character) or (" " if character.isspace() else ""))


class _NormalizedCharacters(dict[str, str]):
    """What each character is in a :class:`Normalized` text; filled as characters come.

    No more is kept than there are characters in Unicode that belong to words. Looking up the others is quick.
    """

    def __missing__(self, character: str) -> str:
        if unicodedata.category(character) in NO_CHARACTERS and not UNSPACED.match(character):
            return " "
        normalized = "".join(
            part if kind == "word" else f" {part} " if kind else " " for part, kind in _folded(character)
        )
        self[character] = normalized
        return normalized


_NORMALIZED = _NormalizedCharacters()


def _kind(character: str) -> str:
    if UNSPACED.match(character):
        return "unspaced"
    category = unicodedata.category(character)
    if category[0] in "LNM":
        return "word"
    return "symbol" if category == "So" else ""
