"""Marking in an asset's texts what a search found in them. The texts are anybody's: all else is escaped."""

from collections.abc import Iterable, Iterator

from django.utils.html import escape

from assets.contracts import Highlights
from assets.search_query import Matching, Word
from assets.search_words import WORD_LENGTH, runs
from raster.fold import fold

#: Of a longer description, so much is shown, from so far before the first match on.
SNIPPET_LENGTH = 300
SNIPPET_LEAD = 60

Span = tuple[int, int]


def highlights(name: str, description: str, tags: Iterable[str], words: list[Word]) -> Highlights:
    """Return where the words are in an asset's texts."""
    if not words:
        return Highlights()
    in_name, in_description = _spans(name, words), _spans(description, words)
    return Highlights(
        name=_marked(name, in_name) if in_name else None,
        description=_snippet(description, in_description) if in_description else None,
        tags=[tag for tag in tags if _spans(tag, words)] or None,
    )


def _spans(text: str, words: list[Word]) -> list[Span]:
    """Return the parts of ``text`` that match, in order and apart from each other."""
    spans = sorted(
        (run.places[start], _end(text, run.places[end - 1]))
        for run in runs(text)
        for word in words
        for start, end in _matches(run.text, run.is_unspaced, word)
    )
    apart: list[Span] = []
    for start, end in spans:
        if apart and start <= apart[-1][1]:
            apart[-1] = (apart[-1][0], max(end, apart[-1][1]))
        else:
            apart.append((start, end))
    return apart


def _matches(run: str, is_unspaced: bool, word: Word) -> Iterator[Span]:
    if is_unspaced:
        at = run.find(word.text)
        while at >= 0:
            yield at, at + len(word.text)
            at = run.find(word.text, at + 1)
    elif run[:WORD_LENGTH] == word.text:
        yield 0, len(run)
    elif word.matching is Matching.BEGINNING and run.startswith(word.text):
        yield 0, len(word.text)


def _end(text: str, last: int) -> int:
    """Return where the character at ``last`` ends with the marks that follow it, which fold to nothing."""
    end = last + 1
    while end < len(text) and not text[end].isspace() and not fold(text[end]):
        end += 1
    return end


def _marked(text: str, spans: list[Span]) -> str:
    parts: list[str] = []
    at = 0
    for start, end in spans:
        parts += [escape(text[at:start]), "<mark>", escape(text[start:end]), "</mark>"]
        at = end
    return "".join([*parts, escape(text[at:])])


def _snippet(text: str, spans: list[Span]) -> str:
    """Return a part of the text around the first match, cut between words where there are any."""
    if len(text) <= SNIPPET_LENGTH:
        return _marked(text, spans)
    first = spans[0][0]
    start = max(0, min(first - SNIPPET_LEAD, len(text) - SNIPPET_LENGTH))
    if start and (space := text.find(" ", start, first)) >= 0:
        start = space + 1
    end = min(len(text), start + SNIPPET_LENGTH)
    if end < len(text) and (space := text.rfind(" ", first, end)) >= 0:
        end = space
    inside = [(max(at, start) - start, min(until, end) - start) for at, until in spans if start <= at < end]
    return f"{'…' if start else ''}{_marked(text[start:end], inside)}{'…' if end < len(text) else ''}"
