"""Whatever its writers fill a library with, a search does no more than so much, and tells of one moment."""

import itertools
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from string import ascii_lowercase
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from assets import spelling
from assets.contracts import MOST_SEARCH_WORDS, SEARCH_LENGTH
from assets.models import LibraryWord
from assets.spelling import MOST_LONGER_READ
from orgs.access import Origin, UserPrincipal
from orgs.models import Library
from raster.errors import LibraryNotAuthorized
from tests.assets.searching import search
from tests.factories import OPERATOR, AssetFactory, Cast, LibraryFactory

MOST_READ = 400
#: As many words as are corrected, each with its mistake in its second half.
MISTYPED = ("lighthoxse", "lightnixg", "lightwexght")
MEANT = "Lighthouse lightning lightweight"
#: How exactly the work of SQLite is known.
STEPS_OF_SQLITE = 20


@pytest.fixture(autouse=True)
def _few_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spelling, "MOST_READ", MOST_READ)


def crowd(library: Library, number: int, *, beginning: str = "", end: str = "") -> None:
    """Fill a library with as many words that begin and end so."""
    middles = itertools.islice(itertools.product("qzjk", ascii_lowercase, ascii_lowercase, ascii_lowercase), number)
    words = [f"{beginning}{''.join(middle)}{end}" for middle in middles]
    LibraryWord.objects.bulk_create(
        [LibraryWord(library=library, word=word, backwards=word[::-1], assets=1) for word in words],
        ignore_conflicts=True,
    )
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE assets_libraryword")


@contextmanager
def counted() -> Iterator[list[int]]:
    """Add how much the database does: steps of SQLite, or rows of words that PostgreSQL reads."""
    done: list[int] = []
    if connection.vendor == "sqlite":
        steps = itertools.count()
        connection.connection.set_progress_handler(lambda: next(steps) < 0, STEPS_OF_SQLITE)
        yield done
        connection.connection.set_progress_handler(None, STEPS_OF_SQLITE)
        done.append(next(steps) * STEPS_OF_SQLITE)
        return
    before = _rows_read()
    yield done
    done.append(_rows_read() - before)


def _rows_read() -> int:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT seq_tup_read + idx_tup_fetch FROM pg_stat_xact_user_tables WHERE relname = 'assets_libraryword'"
        )
        return int(cursor.fetchone()[0])


def work_of(q: str, **more: Any) -> tuple[int, int]:
    """Return how much a search makes the database do, and how many statements it takes."""
    with CaptureQueriesContext(connection) as statements, counted() as done:
        search(q, **more)
    return done[0], len(statements)


@pytest.mark.parametrize("q", [MISTYPED[0], " ".join(MISTYPED), "ligh", "light", "lighter " + " ".join(MISTYPED)])
@pytest.mark.parametrize("libraries", [["barcelona"], None])
def test_more_words_in_a_library_are_no_more_work(cast: Cast, q: str, libraries: list[str] | None) -> None:
    AssetFactory(library=cast.paris, name=MEANT)
    done: list[tuple[int, int]] = []
    for number in (2_000, 6_000):
        crowd(cast.barcelona, number, beginning="light")
        for word in MISTYPED:
            crowd(cast.barcelona, number, end=word[len(word) // 2 :])
        done.append(work_of(q, libraries=libraries))
    (crowded, statements), (more_crowded, as_many_statements) = done
    assert as_many_statements == statements
    assert more_crowded <= crowded * 1.05, "where the words lie in an index makes the small difference"


def test_what_a_word_was_meant_to_be_is_found_in_a_crowd(cast: Cast) -> None:
    """Words with the same end are more than all that may be read; that with the same beginning is read all the same."""
    AssetFactory(library=cast.barcelona, name=MEANT)
    for word in MISTYPED:
        crowd(cast.barcelona, MOST_READ + 1, end=word[len(word) // 2 :])
    for q in (*MISTYPED, " ".join(MISTYPED)):
        assert search(q).found == 1, q
    assert search(" ".join(MISTYPED)).corrected == MEANT.lower()


def test_no_more_than_three_words_are_corrected(cast: Cast) -> None:
    AssetFactory(library=cast.barcelona, name=f"{MEANT} lightship")
    three, four = " ".join(MISTYPED), " ".join([*MISTYPED, "lightshxp"])
    assert (search(three).found, search(f"{three} lightship").found) == (1, 1)
    assert (search(four).found, search(four).corrected) == (0, None)
    assert work_of(four)[1] < work_of(three)[1], "nothing is looked up in vain"
    assert search(f"{three} {MISTYPED[0]}").found == 1, "one that is there twice is one"


def test_the_longest_search_takes_so_many_statements(cast: Cast) -> None:
    crowd(cast.barcelona, 6_000, beginning="ligh")
    words = [f"ligh{letter}xxxxxxxxxxxxxxxxx" for letter in ascii_lowercase[:MOST_SEARCH_WORDS]]
    longest = " ".join(words)
    assert SEARCH_LENGTH - 50 < len(longest) <= SEARCH_LENGTH
    alone, of_one = work_of(words[0])
    longest_takes, statements = work_of(longest)
    assert statements <= of_one + MOST_SEARCH_WORDS
    assert longest_takes <= alone * MOST_SEARCH_WORDS
    beginnings, statements = work_of(" ".join(f"ligh{letter}" for letter in ascii_lowercase[:MOST_SEARCH_WORDS]))
    assert statements <= of_one + MOST_SEARCH_WORDS
    if connection.vendor == "postgresql":
        assert beginnings <= MOST_SEARCH_WORDS * (MOST_LONGER_READ + 1)


class Meanwhile:
    """Has something done by somebody else when a statement first speaks of a table."""

    def __init__(self, table: str, happening: Callable[[], object]) -> None:
        self._table = table
        self._happening: Callable[[], object] | None = happening

    def __call__(self, execute: Callable[..., Any], sql: str, *others: Any) -> Any:
        happening = self._happening
        if happening is not None and self._table in sql:
            self._happening = None
            other = threading.Thread(target=_elsewhere, args=[happening])
            other.start()
            other.join()
            assert self._happening is None
        return execute(sql, *others)


def _elsewhere(happening: Callable[[], object]) -> None:
    try:
        happening()
    finally:
        connection.close()


@pytest.mark.parametrize("table", ["assets_libraryword", "assets_search", "assets_asset"])
@pytest.mark.parametrize("who", ["alice", "operator"])
def test_a_library_that_is_made_meanwhile_is_not_counted(
    transactional_db: None, cast: Cast, table: str, who: str
) -> None:
    """The caller searches all libraries of the organization, and the new one is none of theirs."""
    for library in (cast.barcelona, cast.paris):
        AssetFactory(library=library, name="Harbour")
    made: list[Library] = []

    def make() -> None:
        made.append(LibraryFactory(organization=cast.acme, name="Rome"))
        AssetFactory(library=made[0], name="Harbour")

    by = OPERATOR if who == "operator" else UserPrincipal(Origin("web"), cast.alice)
    with connection.execute_wrapper(Meanwhile(table, make)):
        result = search("harbour", by=by)
    assert made
    assert (result.found, len(result.hits)) == (2, 2)
    assert search("harbour", by=by).found == 3


def test_what_goes_meanwhile_is_counted_and_shown(transactional_db: None, cast: Cast) -> None:
    assets = [AssetFactory(library=cast.barcelona, name="Harbour") for _ in range(2)]
    gone: list[object] = []
    with connection.execute_wrapper(Meanwhile("assets_asset", lambda: gone.append(assets[0].delete()))):
        result = search("harbour")
    assert gone
    assert (result.found, len(result.hits)) == (2, 2)


def test_a_search_that_fails_leaves_no_transaction_open(transactional_db: None, cast: Cast) -> None:
    with pytest.raises(LibraryNotAuthorized):
        search("harbour", libraries=["nowhere"])
    AssetFactory(library=cast.barcelona, name="Harbour")
    assert search("harbour").found == 1
