"""Marking in an asset's texts what a search found in them. The texts are anybody's: all else is escaped."""

import re
from collections.abc import Iterable

from django.utils.html import escape

from assets.contracts import Highlights
from assets.search_query import Matching, Word
from assets.search_words import WORD_LENGTH, Normalized, is_unspaced

#: Of a longer description, so much is shown, from so far before the first match on.
SNIPPET_LENGTH = 300
SNIPPET_LEAD = 60
#: Characters that are looked through for one answer: a page of the longest texts would take seconds.
MOST_CHARACTERS = 200_000

Span = tuple[int, int]


class Highlighter:
    """Highlights of the hits of one answer, best first. When the answer's share is used up, the rest gets none."""

    def __init__(self, words: list[Word]) -> None:
        self._left = MOST_CHARACTERS
        # Only the space is consumed, so that matches in unspaced runs may overlap. The longest one covers the others.
        longest_first = sorted(words, key=lambda word: len(word.text), reverse=True)
        self._pattern = re.compile(f" (?=({'|'.join(map(_expression, longest_first))}))") if words else None

    def highlights(self, name: str, description: str, tags: Iterable[str]) -> Highlights:
        """Return where the words are in an asset's texts."""
        if self._pattern is None:
            return Highlights()
        return Highlights(
            name=self._marked(name, self._pattern),
            tags=[tag for tag in tags if self._first(tag, self._pattern)] or None,
            description=self._snippet(description, self._pattern),
        )

    def _first(self, text: str, pattern: re.Pattern[str]) -> tuple[Normalized, re.Match[str]] | None:
        """Return the first match in a text, or None where there is none or the text is not looked at."""
        if len(text) > self._left:
            return None
        normalized = Normalized(text)
        # Marks become nothing, and some characters become eighteen.
        self._left -= max(len(text), len(normalized.text))
        match = pattern.search(normalized.text)
        return None if match is None else (normalized, match)

    def _marked(self, text: str, pattern: re.Pattern[str]) -> str | None:
        found = self._first(text, pattern)
        if found is None:
            return None
        normalized, match = found
        return _mark(text, 0, len(text), _spans(normalized, pattern, match.start(), len(text)))

    def _snippet(self, text: str, pattern: re.Pattern[str]) -> str | None:
        """Return a part of the text around the first match, cut between words where there are any."""
        if len(text) <= SNIPPET_LENGTH:
            return self._marked(text, pattern)
        found = self._first(text, pattern)
        if found is None:
            return None
        normalized, match = found
        first = normalized.place(match.start(1))
        start = max(0, min(first - SNIPPET_LEAD, len(text) - SNIPPET_LENGTH))
        if start and (space := text.find(" ", start, first)) >= 0:
            start = space + 1
        end = min(len(text), start + SNIPPET_LENGTH)
        if end < len(text) and (space := text.rfind(" ", first, end)) >= 0:
            end = space
        marked = _mark(text, start, end, _spans(normalized, pattern, match.start(), end))
        return f"{'…' if start else ''}{marked}{'…' if end < len(text) else ''}"


def _expression(word: Word) -> str:
    """Return what matches the word after the space before it."""
    if is_unspaced(word.text):
        return "  ".join(word.text) + "(?= )"
    if len(word.text) == WORD_LENGTH:
        return word.text + "[^ ]*"
    return word.text if word.matching is Matching.BEGINNING else word.text + "(?= )"


def _spans(normalized: Normalized, pattern: re.Pattern[str], at: int, end: int) -> list[Span]:
    """Return the parts of the original before ``end`` that match, in order and apart from each other.

    ``at`` is where the first match begins in the normalized text.
    """
    apart: list[Span] = []
    for match in pattern.finditer(normalized.text, at):
        begin, until = match.span(1)
        start, stop = normalized.place(begin), normalized.end(until - 1, end)
        if start >= end:
            break
        if apart and start <= apart[-1][1]:
            apart[-1] = (apart[-1][0], max(stop, apart[-1][1]))
        else:
            apart.append((start, stop))
    return apart


def _mark(text: str, start: int, end: int, spans: list[Span]) -> str:
    parts: list[str] = []
    at = start
    for begin, until in spans:
        parts += [escape(text[at:begin]), "<mark>", escape(text[begin : min(until, end)]), "</mark>"]
        at = min(until, end)
    return "".join([*parts, escape(text[at:end])])
