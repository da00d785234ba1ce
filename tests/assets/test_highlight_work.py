"""Marking matches takes time in proportion to the text, and no more than so much of it for one answer."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assets import highlights
from assets.contracts import DESCRIPTION_LENGTH
from assets.highlights import SNIPPET_LENGTH, Highlighter
from assets.search_query import Matching, Word, matching_of
from assets.search_words import indexed_words, runs, words_of
from tests.assets.searching import search
from tests.attacks.test_searches import DESCRIPTIONS, QUERIES
from tests.factories import AssetFactory, Cast

#: What is mixed in texts here: spaced and unspaced words, marks, letters that become several, emoji.
MIXED = st.text("abA .,é\u0301ßﬁ\ufdfa夏の京🌅½\u200d", max_size=60)


def words(query: str) -> list[Word]:
    return [Word(text, matching_of(text)) for text in words_of(query)]


def seconds(description: str, query: str) -> float:
    """Return how much processor time the quickest of some attempts took."""
    attempts = []
    for _ in range(5):
        highlighter = Highlighter(words(query))
        started = time.process_time()
        highlighter.highlights("", description, [])
        attempts.append(time.process_time() - started)
    return min(attempts)


@pytest.mark.parametrize("kind", DESCRIPTIONS)
def test_a_text_of_twice_the_length_takes_no_more_than_thrice_the_time(
    monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    monkeypatch.setattr(highlights, "MOST_CHARACTERS", 10**9)
    once = (DESCRIPTIONS[kind] * 20)[:100_000]
    for query in (QUERIES[kind], "nowhere"):
        assert seconds(once * 2, query) <= 3 * seconds(once, query) + 0.001


def test_an_answer_has_marks_in_so_much_text_and_the_rest_has_none(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(highlights, "MOST_CHARACTERS", 3 * DESCRIPTION_LENGTH)
    for number in range(5):
        AssetFactory(
            library=cast.barcelona,
            name="Harbour" if number else "Harbour at last",
            description="harbour " * (DESCRIPTION_LENGTH // 8),
            tagged=["harbour"],
        )
    hits = search("harbour").hits
    marked = [hit.highlights.description is not None for hit in hits]
    assert marked == [True, True, False, False, False]
    assert [hit.highlights.name for hit in hits][:2] == ["<mark>Harbour</mark>"] * 2
    assert [hit.highlights.tags for hit in hits][:2] == [["harbour"]] * 2


@pytest.mark.parametrize("text", ["e" + "\u0301" * 9_900, "\ufdfa" * 600, "夏" * 9_900])
def test_text_that_normalizes_to_more_or_less_counts_as_what_is_longer(
    monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    monkeypatch.setattr(highlights, "MOST_CHARACTERS", 10_000)
    highlighter = Highlighter(words(text[:1]))
    assert highlighter.highlights("", text, []).description
    assert highlighter.highlights("", text, []).description is None


def test_a_snippet_has_marks_of_its_own_part_alone() -> None:
    text = "x " * 200 + "harbour " * 1_000
    marked = Highlighter(words("harbour")).highlights("", text, []).description
    assert marked is not None
    assert 20 < marked.count("<mark>harbour</mark>") <= SNIPPET_LENGTH // len("harbour")


@given(MIXED)
def test_what_is_indexed_are_the_words_of_the_runs(text: str) -> None:
    expected: set[str] = set()
    for run in runs(text):
        if run.is_unspaced:
            expected |= {*run.text, *(run.text[at : at + 2] for at in range(len(run.text) - 1))}
        else:
            expected.add(run.text)
    assert indexed_words(text) == {word[:40] for word in expected}


@given(MIXED, MIXED)
def test_a_text_has_a_mark_where_it_holds_a_word(text: str, query: str) -> None:
    for word in words(query):
        there = indexed_words(text)
        if word.matching is Matching.BEGINNING:
            holds = any(indexed.startswith(word.text) for indexed in there)
        else:
            holds = word.text in there
        marked = Highlighter([word]).highlights(text, "", [text]).model_dump()
        assert ("<mark>" in (marked.get("name") or "")) == bool(marked.get("tags")) == holds
