"""Words of libraries: those that begin like a word, and those that a mistyped word was meant to be.

Only words on live assets of the libraries that are searched are looked at, and only so many: what is in a library,
its writers decide, and a search must not take longer for it.
"""

from collections.abc import Iterable, Iterator
from functools import cached_property

from rapidfuzz.distance import OSA

from assets.search_engines import Scope, rows_of

#: From this length on, a word may have one mistake, or two.
ONE_MISTAKE = 4
TWO_MISTAKES = 8
#: A search corrects so many words, ...
MOST_CORRECTED = 3
#: ... and reads so many words of its libraries for that, each counted in each library.
MOST_READ = 50_000
#: So many words that begin alike are looked for one by one, ...
MOST_LONGER = 100
#: ... if no more than so many, each counted in each library, have to be read to know them.
MOST_LONGER_READ = 2_000
#: Shorter beginnings have an index of their own.
SHORTEST_LONGER = 4
#: After every character that a word can hold.
LAST = "\U0010ffff"


def longer_words(scope: Scope, beginning: str) -> tuple[str, ...] | None:
    """Return the words that begin so, or None where they are many."""
    if len(beginning) < SHORTEST_LONGER:
        return None
    words, read = _begin(scope, "word", beginning, MOST_LONGER_READ + 1)
    return tuple(sorted(words)) if read <= MOST_LONGER_READ and len(words) <= MOST_LONGER else None


def closest_words(scope: Scope, words: Iterable[str]) -> dict[str, str]:
    """Return what mistyped words were meant to be: nothing if that is not known of each of them, or if they are many.

    That is the word with the fewest mistakes, of these the one that most assets hold.
    """
    mistyped = list(dict.fromkeys(words))
    if len(mistyped) > MOST_CORRECTED:
        return {}
    dictionary = Dictionary(scope)
    meant: dict[str, str] = {}
    for word in mistyped:
        closest = dictionary.closest(word)
        if closest is None:
            return {}
        meant[word] = closest
    return meant


def is_correctable(word: str) -> bool:
    """Return whether a word may be corrected: long enough, and letters only, since a number is meant as it is."""
    return len(word) >= ONE_MISTAKE and word.isalpha()


class Dictionary:
    """The words of the libraries that one search is about, of which it reads so many and no more."""

    def __init__(self, scope: Scope) -> None:
        self._scope = scope
        self._left = MOST_READ

    def closest(self, word: str) -> str | None:
        """Return what a mistyped word was meant to be."""
        most = 2 if len(word) >= TWO_MISTAKES else 1
        best: tuple[int, int, str] | None = None
        for candidates in self._candidates(word, most):
            for text, uses in candidates.items():
                mistakes = OSA.distance(word, text, score_cutoff=most)
                if mistakes <= most and (best is None or (mistakes, -uses, text) < best):
                    best = (mistakes, -uses, text)
            # The first candidates are all that have one mistake.
            if best is not None and best[0] == 1:
                break
        return best[2] if best else None

    def _candidates(self, word: str, most: int) -> Iterator[dict[str, int]]:
        """Yield words with their uses, among them each word with so few mistakes.

        A word with one mistake less than it has pieces has one piece without any: the first, the last or the middle
        one. First and last are ranges of an index, and a half is shorter a list than a third.
        """
        yield self._with_ends(word, [len(word) // 2])
        # Of many libraries each would be looked into for each of many words.
        if most == 1 or self._scope.libraries is None:
            return
        third = len(word) // 3
        cuts = [third, len(word) - third]
        yield self._with_ends(word, cuts)
        # No index has the middles: all words are read, as long as they are not too many.
        if self._are_few:
            middles = sorted({spelling[cuts[0] : cuts[1]] for spelling in _spellings(word, cuts)})
            containing = " OR ".join(["word LIKE %s"] * len(middles))
            yield self._read(*_holding(self._scope, containing, [f"%{middle}%" for middle in middles], self._share))

    def _with_ends(self, word: str, cuts: list[int]) -> dict[str, int]:
        """Return the words that share their first or their last piece with ``word``, one range at a time."""
        spellings = _spellings(word, cuts)
        ranges = {("word", spelling[: cuts[0]]) for spelling in spellings}
        ranges |= {("backwards", spelling[cuts[-1] :][::-1]) for spelling in spellings}
        found: dict[str, int] = {}
        for column, beginning in sorted(ranges):
            found.update(self._read(*_begin(self._scope, column, beginning, self._share)))
        return found

    @cached_property
    def _are_few(self) -> bool:
        """Whether the libraries have so few words that all may be looked through."""
        among, libraries = self._scope.counts_words()
        sql = f"SELECT count(*) FROM (SELECT 1 FROM assets_libraryword WHERE {among} LIMIT %s) AS part"  # noqa: S608
        [(words,)] = rows_of(sql, [*libraries, MOST_READ + 1])
        return int(words) <= MOST_READ

    @property
    def _share(self) -> int:
        """Half of what may still be read, so that a list that takes all of it leaves as much to those after it."""
        return self._left // 2

    def _read(self, words: dict[str, int], read: int) -> dict[str, int]:
        self._left -= read
        return words


def _begin(scope: Scope, column: str, beginning: str, most: int) -> tuple[dict[str, int], int]:
    return _holding(scope, f"{column} >= %s AND {column} < %s", [beginning, beginning + LAST], most)


def _holding(scope: Scope, condition: str, values: list[str], most: int) -> tuple[dict[str, int], int]:
    """Return words of a condition with their uses, and how many rows were read for that: ``most`` at the most."""
    among, libraries = scope.counts_words()
    rows = rows_of(
        "SELECT word, sum(assets), count(*) FROM (SELECT word, assets FROM assets_libraryword "  # noqa: S608 - no input
        f"WHERE {among} AND ({condition}) LIMIT %s) AS part GROUP BY word",
        [*libraries, *values, most],
    )
    return {word: int(uses) for word, uses, _ in rows}, sum(read for *_, read in rows)


def _spellings(word: str, cuts: list[int]) -> list[str]:
    """Return the word, and for each cut the word with the letters beside it swapped: a swap there spoils two pieces."""
    return [word, *(word[: cut - 1] + word[cut] + word[cut - 1] + word[cut + 1 :] for cut in cuts)]
