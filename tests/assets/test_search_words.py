"""Texts are cut into words in the same way for the index, for queries and for highlights."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assets.search_words import WORD_LENGTH, indexed_words, runs, words_of
from raster.fold import fold


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Sagrada Família at dusk", ["sagrada", "familia", "at", "dusk"]),
        ("Straße İstanbul ﬁn ½", ["strasse", "istanbul", "fin", "1", "2"]),
        ("IMG_1234-sea.side", ["img", "1234", "sea", "side"]),
        ("sea Sea SEA", ["sea"]),
        ("e\u0301te\u0301", ["ete"]),
        ("أَهْلًا بِالعالَم", ["اهلا", "بالعالم"]),
        ("हिन्दी", ["हिनदी"]),
        ("夜の京都 tower", ["夜の", "の京", "京都", "tower"]),
        ("夜", ["夜"]),
        ("🌅🌊 sea", ["🌅", "🌊", "sea"]),
        ('!? "" -- ()', []),
        ("   ", []),
        ("x" * 100, ["x" * WORD_LENGTH]),
    ],
)
def test_what_is_looked_for(text: str, words: list[str]) -> None:
    assert words_of(text) == words


def test_any_part_of_an_unspaced_run_is_indexed() -> None:
    assert indexed_words("夏の京都") == {"夏", "の", "京", "都", "夏の", "の京", "京都"}


@given(st.text())
def test_everything_that_is_looked_for_is_found_in_its_own_text(text: str) -> None:
    assert set(words_of(text)) <= indexed_words(text)


@given(st.text())
def test_words_hold_nothing_that_a_database_reads_as_an_operator(text: str) -> None:
    for word in indexed_words(text):
        assert word and all(character.isalnum() or ord(character) > 127 for character in word)
        assert not any(character.isspace() for character in word)
        assert word.split() == [word]


@given(st.text())
def test_every_folded_letter_knows_where_it_came_from(text: str) -> None:
    for run in runs(text):
        assert len(run.places) == len(run.text)
        assert list(run.places) == sorted(run.places)
        assert all(letter in fold(text[place]) for letter, place in zip(run.text, run.places, strict=True))


@given(st.text(st.characters(codec="ascii")))
def test_plain_letters_make_the_same_words_alone_and_among_others(text: str) -> None:
    *among, last = runs(f"{text} é")
    assert last.text == "e"
    assert [(run.text, list(run.places)) for run in runs(text)] == [(run.text, list(run.places)) for run in among]
