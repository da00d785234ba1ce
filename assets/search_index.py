"""Keeps what search knows of assets: called in the transaction of every change to what they are found by."""

import hashlib
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from datetime import UTC, datetime
from functools import reduce
from operator import or_
from typing import Any

from django.db import connection, transaction
from django.db.models import Q

from assets.models import Asset, AssetTag, LibraryWord, SearchEntry, read_tokens
from assets.search_words import indexed_words, is_unspaced
from orgs.models import Library
from raster.fold import fold_case

#: The first letter of a token says what it is of.
NAME, TAG, DESCRIPTION = "n", "t", "d"
WORD_FIELDS = NAME + TAG + DESCRIPTION
#: Places in a second, so that they grow with the moment of making and lie close together, as the index likes them.
PLACES = 256
PLACES_BEGIN = datetime(2020, 1, 1, tzinfo=UTC)
ROWS_A_STATEMENT = 1000
#: Django nests no deeper than SQLite allows.
WINDOWS_A_STATEMENT = 200


def organization_token(organization_id: int) -> str:
    """Return what every asset of an organization is found by."""
    return f"o{organization_id}"


def library_token(library_id: int) -> str:
    """Return what every asset of a library is found by."""
    return f"l{library_id}"


def approval_token(state: str) -> str:
    """Return what assets with this state of approval are found by."""
    return f"a{state.replace('_', '')}"


def tag_token(text: str) -> str:
    """Return what assets with exactly this tag are found by, whatever its case."""
    return f"x{hashlib.sha256(fold_case(text).encode()).hexdigest()[:20]}"


def index_assets(asset_ids: Iterable[str]) -> None:
    """Make search see the assets as they are now. The caller holds their rows, in a transaction."""
    ids = sorted(set(asset_ids))
    seen = {entry.asset_id: entry for entry in SearchEntry.objects.filter(pk__in=ids)}
    entries = _entries(ids)
    changed = [
        entry
        for entry in entries
        if (there := seen.get(entry.asset_id)) is None
        or (there.library_id, there.tokens) != (entry.library_id, entry.tokens)
    ]
    gone = seen.keys() - {entry.asset_id for entry in entries}
    if not changed and not gone:
        return
    _give_places([entry for entry in changed if entry.asset_id not in seen])
    for entry in changed:
        if entry.asset_id in seen:
            entry.place = seen[entry.asset_id].place
    SearchEntry.objects.filter(pk__in=gone).delete()
    SearchEntry.objects.bulk_create(
        changed,
        update_conflicts=True,
        unique_fields=["asset"],
        update_fields=["library", "organization", "tokens"],
    )
    before = [seen[asset_id] for asset_id in {*gone, *(entry.asset_id for entry in changed)} if asset_id in seen]
    words = Counter(_words(changed))
    words.subtract(_words(before))
    _count({pair: difference for pair, difference in words.items() if difference})


def reindex() -> Iterator[int]:
    """Make search see every asset as it is now, a few at a time; yield how many were looked at each time."""
    ids = list(Asset.objects.order_by("created", "id").values_list("pk", flat=True))
    for start in range(0, len(ids), ROWS_A_STATEMENT):
        some = ids[start : start + ROWS_A_STATEMENT]
        with transaction.atomic():
            assets = Asset.objects.filter(pk__in=some).order_by("pk")
            libraries = Library.objects.filter(pk__in=assets.order_by().values("library")).order_by("pk")
            list(libraries.select_for_update(no_key=True).values_list("pk", flat=True))
            index_assets(list(assets.select_for_update(no_key=True).values_list("pk", flat=True)))
        yield len(some)
    for library_id in Library.objects.order_by("pk").values_list("pk", flat=True):
        with transaction.atomic():
            _count(_miscounted(library_id))


def rebuild_full_text() -> None:
    """Make SQLite's full-text table anew of the entries. It writes all of it at once, and other writers wait."""
    if connection.vendor == "sqlite":
        with connection.cursor() as cursor:
            cursor.execute("INSERT INTO assets_search (assets_search) VALUES ('rebuild')")


def _miscounted(library_id: int) -> dict[tuple[int, str], int]:
    """Return by how much the counts of a library's words are wrong.

    One statement reads both sides at one moment, so that what others add meanwhile is right afterwards, too.
    """
    wrong: Counter[tuple[int, str]] = Counter()
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT CAST(tokens AS text), 0 FROM assets_searchentry WHERE library_id = %s "
            "UNION ALL SELECT word, assets FROM assets_libraryword WHERE library_id = %s",
            [library_id, library_id],
        )
        for text, counted in cursor:
            if counted:
                wrong[library_id, text] -= counted
            else:
                wrong.update(_words([SearchEntry(library_id=library_id, tokens=read_tokens(text))]))
    return {pair: difference for pair, difference in wrong.items() if difference}


def _entries(ids: Collection[str]) -> list[SearchEntry]:
    """Return new entries for those of the assets that can be found, oldest first."""
    assets = (
        Asset.objects.filter(pk__in=ids)
        .main()
        .live()
        .order_by("created", "id")
        .values("id", "name", "description", "approval_state", "created", "library", "library__organization")
    )
    tags: defaultdict[str, list[str]] = defaultdict(list)
    for asset_id, text in AssetTag.objects.filter(asset__in=ids).values_list("asset", "tag__text"):
        tags[asset_id].append(text)
    return [
        SearchEntry(
            asset_id=asset["id"],
            library_id=asset["library"],
            organization_id=asset["library__organization"],
            place=int((asset["created"] - PLACES_BEGIN).total_seconds()) * PLACES,
            tokens=_tokens(asset, tags[asset["id"]]),
        )
        for asset in assets
    ]


def _tokens(asset: Mapping[str, Any], tags: list[str]) -> set[str]:
    tokens = {organization_token(asset["library__organization"]), library_token(asset["library"])}
    if asset["approval_state"]:
        tokens.add(approval_token(asset["approval_state"]))
    for letter, texts in ((NAME, [asset["name"]]), (TAG, tags), (DESCRIPTION, [asset["description"]])):
        tokens.update(letter + word for text in texts for word in indexed_words(text))
    tokens.update(map(tag_token, tags))
    return tokens


def _give_places(entries: list[SearchEntry]) -> None:
    """Move entries, oldest first, to the next free place after the second in which their asset was made.

    On SQLite a place belongs to one entry, and there is one writer at a time. On PostgreSQL writers at the same time
    may take the same one.
    """
    for start in range(0, len(entries), WINDOWS_A_STATEMENT):
        some = entries[start : start + WINDOWS_A_STATEMENT]
        known = _Places(some)
        last = entries[start - 1].place if start else -(2**62)
        for entry in some:
            entry.place = last = known.next_free(max(entry.place, last + 1))


class _Places:
    """Which places are taken, as far as somebody asked: by one query for the seconds of some entries, then further."""

    def __init__(self, entries: list[SearchEntry]) -> None:
        self._organizations = {entry.organization_id for entry in entries}
        self._taken: set[int] = set()
        self._windows: list[range] = []
        self._width = PLACES
        self._look({entry.place for entry in entries})

    def next_free(self, place: int) -> int:
        """Return the first place from this one on that nothing has."""
        while True:
            window = next((window for window in self._windows if place in window), None)
            if window is None:
                self._look({place})
            elif place in self._taken:
                place += 1
            else:
                return place

    def _look(self, begins: Collection[int]) -> None:
        """Learn what is taken from each of these places on: wider each time, since whole seconds may be full."""
        windows = [range(begin, begin + self._width) for begin in sorted(begins)]
        asked = reduce(or_, (Q(place__range=(window.start, window.stop - 1)) for window in windows))
        near = SearchEntry.objects.filter(asked)
        if connection.vendor == "postgresql":
            near = near.filter(organization__in=self._organizations)
        self._taken.update(near.values_list("place", flat=True))
        self._windows += windows
        self._width *= 2


def _words(entries: Iterable[SearchEntry]) -> Iterator[tuple[int, str]]:
    """Yield each word of each entry with its library."""
    for entry in entries:
        for word in {token[1:] for token in entry.tokens if token[0] in WORD_FIELDS}:
            if not is_unspaced(word):
                yield entry.library_id, word


def _count(differences: dict[tuple[int, str], int]) -> None:
    """Add to the counts of words, and forget those that nothing holds any more."""
    table = connection.ops.quote_name(LibraryWord._meta.db_table)  # noqa: SLF001 - Django's public name for it
    # In one order for all writers, of whom none holds a word that another one before it waits for.
    ordered = sorted(differences.items())
    for start in range(0, len(ordered), ROWS_A_STATEMENT):
        some = ordered[start : start + ROWS_A_STATEMENT]
        rows = ", ".join(["(%s, %s, %s, %s)"] * len(some))
        values = [value for (library, word), change in some for value in (library, word, word[::-1], change)]
        with connection.cursor() as cursor:
            cursor.execute(
                f"INSERT INTO {table} (library_id, word, backwards, assets) VALUES {rows} "  # noqa: S608 - no input
                f"ON CONFLICT (library_id, word) DO UPDATE SET assets = {table}.assets + excluded.assets",
                values,
            )
    gone: defaultdict[int, list[str]] = defaultdict(list)
    for (library, word), change in differences.items():
        if change < 0:
            gone[library].append(word)
    for library, words in gone.items():
        LibraryWord.objects.filter(library=library, word__in=words, assets__lte=0).delete()
