"""Words of libraries: those that begin like a word, and those that a mistyped word was meant to be.

Only words on live assets of the libraries that are searched are looked at.
"""

from collections.abc import Iterator
from functools import reduce
from operator import or_

from django.db.models import IntegerField, Q, QuerySet, Sum
from django.db.models.functions import Length

from assets.models import LibraryWord
from assets.search_engines import Scope

#: From this length on, a word may have one mistake, or two.
ONE_MISTAKE = 4
TWO_MISTAKES = 8
#: So many words that begin alike are looked for one by one.
MOST_LONGER = 100
#: Shorter beginnings have an index of their own.
SHORTEST_LONGER = 4
#: Of more words than these, counted in each library, not all are read to find one with a mistake near both its ends.
MOST_READ = 50_000
#: After every character that a word can hold.
LAST = "\U0010ffff"


def longer_words(scope: Scope, beginning: str) -> tuple[str, ...] | None:
    """Return the words that begin so, or None where they are many."""
    if len(beginning) < SHORTEST_LONGER:
        return None
    words = scope.words().filter(_begins("word", beginning)).values_list("word", flat=True).distinct()
    longer = tuple(sorted(words[: MOST_LONGER + 1]))
    return longer if len(longer) <= MOST_LONGER else None


def is_correctable(word: str) -> bool:
    """Return whether a word may be corrected: long enough, and letters only, since a number is meant as it is."""
    return len(word) >= ONE_MISTAKE and word.isalpha()


def closest_word(scope: Scope, word: str) -> str | None:
    """Return what a mistyped word was meant to be: the word with the fewest mistakes, of these the most used one."""
    most = 2 if len(word) >= TWO_MISTAKES else 1
    best: tuple[int, int, str] | None = None
    for candidates in _candidates(scope, word, most):
        near = [(mistakes(word, text, most), -uses, text) for text, uses in candidates.items()]
        best = min([*([best] if best else []), *(one for one in near if one[0] <= most)], default=None)
        # The first candidates are all that have one mistake.
        if best is not None and best[0] == 1:
            break
    return best[2] if best else None


def mistakes(one: str, other: str, most: int) -> int:
    """Return how many letters are missing, too many, wrong or swapped with the next: at most ``most`` and one more."""
    if abs(len(one) - len(other)) > most:
        return most + 1
    before: list[int] = []
    row = list(range(len(other) + 1))
    for i, letter in enumerate(one, 1):
        above, row = row, [i]
        for j, compared in enumerate(other, 1):
            cost = min(above[j] + 1, row[j - 1] + 1, above[j - 1] + (letter != compared))
            if i > 1 and j > 1 and letter == other[j - 2] and one[i - 2] == compared:
                cost = min(cost, before[j - 2] + 1)
            row.append(cost)
        if min(row) > most and min(above) > most:
            return most + 1
        before = above
    return row[-1]


def _candidates(scope: Scope, word: str, most: int) -> Iterator[dict[str, int]]:
    """Yield words with their uses, among them each word with so few mistakes.

    A word with one mistake less than it has pieces has one piece without any: the first, the last or the middle one.
    First and last are ranges of an index, and a half is shorter a list than a third.
    """
    words = (
        scope.words()
        .annotate(length=Length("word", output_field=IntegerField()))
        .filter(length__gte=len(word) - most, length__lte=len(word) + most)
        .values("word")
        .annotate(uses=Sum("assets"))
        .values_list("word", "uses")
    )
    half, third = len(word) // 2, len(word) // 3
    yield _with_ends(words, word, [half])
    # Of many libraries each would be looked into for each of many words.
    if most > 1 and scope.libraries is not None:
        cuts = [third, len(word) - third]
        yield _with_ends(words, word, cuts)
        # No index has the middles: all words are read, as long as they are not too many.
        if scope.words()[: MOST_READ + 1].count() <= MOST_READ:
            middles = (Q(word__contains=spelling[cuts[0] : cuts[1]]) for spelling in _spellings(word, cuts))
            yield dict(words.filter(reduce(or_, middles)))


def _with_ends(words: QuerySet[LibraryWord, tuple[str, int]], word: str, cuts: list[int]) -> dict[str, int]:
    """Return the words that share their first or their last piece with ``word``, one range at a time."""
    spellings = _spellings(word, cuts)
    ranges = {("word", spelling[: cuts[0]]) for spelling in spellings}
    ranges |= {("backwards", spelling[cuts[-1] :][::-1]) for spelling in spellings}
    found: dict[str, int] = {}
    for column, beginning in sorted(ranges):
        found.update(words.filter(_begins(column, beginning)))
    return found


def _spellings(word: str, cuts: list[int]) -> list[str]:
    """Return the word, and for each cut the word with the letters beside it swapped: a swap there spoils two pieces."""
    return [word, *(word[: cut - 1] + word[cut] + word[cut - 1] + word[cut + 1 :] for cut in cuts)]


def _begins(column: str, beginning: str) -> Q:
    return Q(**{f"{column}__gte": beginning, f"{column}__lt": beginning + LAST})
