"""Words of libraries: those that begin like a word, and those that a mistyped word was meant to be.

Only words on live assets of the libraries that are searched are looked at.
"""

from collections.abc import Iterator

from django.db.models import IntegerField, Q, QuerySet, Sum
from django.db.models.functions import Length

from assets.models import LibraryWord
from assets.search_engines import Scope
from orgs.models import Library

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
    words = _words(scope).filter(_begins("word", beginning)).values_list("word", flat=True).distinct()
    longer = tuple(sorted(words[: MOST_LONGER + 1]))
    return longer if len(longer) <= MOST_LONGER else None


def is_known(scope: Scope, word: str) -> bool:
    """Return whether any asset holds the word, or one that begins so."""
    return _words(scope).filter(_begins("word", word)).exists()


def is_correctable(word: str) -> bool:
    """Return whether a word may be corrected: long enough, and letters only, since a number is meant as it is."""
    return len(word) >= ONE_MISTAKE and word.isalpha()


def closest_word(scope: Scope, word: str) -> str | None:
    """Return what a mistyped word was meant to be: the word with the fewest mistakes, of these the most used one."""
    most = 2 if len(word) >= TWO_MISTAKES else 1
    for is_range, condition in _possible(word, most):
        # No index has the middles of words: all of them are read, as long as they are not too many.
        if not is_range and _words(scope)[:MOST_READ].count() == MOST_READ:
            return None
        candidates = (
            _words(scope)
            .filter(condition)
            .annotate(length=Length("word", output_field=IntegerField()))
            .filter(length__gte=len(word) - most, length__lte=len(word) + most)
            .values("word")
            .annotate(uses=Sum("assets"))
            .values_list("word", "uses")
        )
        near = [(mistakes(word, text, most), -uses, text) for text, uses in candidates]
        best = min((candidate for candidate in near if candidate[0] <= most), default=None)
        if best is not None:
            return best[2]
    return None


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


def _possible(word: str, most: int) -> Iterator[tuple[bool, Q]]:
    """Yield conditions of which each word with so few mistakes meets one, and whether it is one of ranges alone.

    The word is cut into one piece more than there may be mistakes, so that one piece has none: the first, the last or
    the middle one. A swap at a cut spoils two pieces and is undone before.
    """
    length = len(word) // (most + 1)
    cuts = [length] if most == 1 else [length, len(word) - length]
    spellings = [word, *(word[: cut - 1] + word[cut] + word[cut - 1] + word[cut + 1 :] for cut in cuts)]
    ends = Q()
    middles = Q()
    for spelling in spellings:
        ends |= _begins("word", spelling[: cuts[0]]) | _begins("backwards", spelling[cuts[-1] :][::-1])
        if most > 1:
            middles |= Q(word__contains=spelling[cuts[0] : cuts[-1]])
    yield True, ends
    if most > 1:
        yield False, middles


def _begins(field: str, beginning: str) -> Q:
    return Q(**{f"{field}__gte": beginning, f"{field}__lt": beginning + LAST})


def _words(scope: Scope) -> QuerySet[LibraryWord]:
    if scope.libraries is not None:
        return LibraryWord.objects.filter(library__in=scope.libraries)
    if scope.many is not None:
        return LibraryWord.objects.filter(library__in=scope.many.order_by().values("pk"))
    return LibraryWord.objects.filter(
        library__in=Library.objects.filter(organization=scope.organization_id).values("pk")
    )
