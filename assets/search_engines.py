"""Finding entries by tokens, newest first, in each database's own full text.

Both find the same. They differ in what is cheap: FTS5 walks the places of a token from the newest on and stops when it
has enough; PostgreSQL reads all rows of a token, or the newest rows whatever their tokens.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, ClassVar, Protocol

from django.db import connection
from django.db.models import QuerySet

from assets.contracts import MOST_FOUND
from assets.models import SearchEntry
from assets.search_index import library_token, organization_token
from assets.search_query import Groups, Step, Token
from orgs.models import Library

#: So many libraries are named one by one; more are compared as a set.
MOST_NAMED_LIBRARIES = 64
TABLE = "assets_searchentry"


@dataclass(frozen=True)
class Scope:
    """The libraries that a search is about: their ids where they are few, or else what selects them."""

    organization_id: int
    libraries: tuple[int, ...] | None
    many: QuerySet[Library] | None = None
    #: Whether they are all of the organization, whose own token finds their entries then.
    is_whole: bool = False

    @property
    def group(self) -> tuple[Token, ...]:
        """The tokens of which each of its entries holds one. Of ``many``, entries of other libraries hold one, too."""
        if self.is_whole or self.libraries is None:
            return (Token(organization_token(self.organization_id)),)
        return tuple(Token(library_token(library_id)) for library_id in self.libraries)

    def is_among(self, column: str) -> tuple[str, list[Any]]:
        """Return a condition that a column of entries names one of its libraries, with the condition's parameters."""
        return ("TRUE", []) if self.is_whole else self._names(column)

    def counts_words(self) -> tuple[str, list[Any]]:
        """Return a condition that one of its libraries counts a word, with the condition's parameters."""
        return self._names("library_id")

    def _names(self, column: str) -> tuple[str, list[Any]]:
        if self.libraries is not None:
            return f"{column} IN ({', '.join(['%s'] * len(self.libraries))})", list(self.libraries)
        if self.many is None:
            raise ValueError("Libraries are given by their ids, or by what selects them.")
        sql, parameters = self.many.order_by().values("pk").query.sql_with_params()
        return f"{column} IN ({sql})", list(parameters)


Found = list[tuple[str, int]]


class Engine(Protocol):
    """Where the entries of a scope are found. Nothing is found beyond the first ``MOST_FOUND``."""

    def count(self, step: Step) -> int:
        """Return how many match what the step wants, and at most one more than ``MOST_FOUND``."""

    def page(self, steps: Sequence[Step], found: int, start: int, size: int) -> Found:
        """Return the ids and scores of a page, best first, then newest first, of so many that are found."""


def engine(scope: Scope) -> Engine:
    """Return the engine of the database in use."""
    return PostgreSQL(scope) if connection.vendor == "postgresql" else SQLite(scope)


def rows_of(sql: str, parameters: Iterable[Any]) -> list[tuple[Any, ...]]:
    """Return what a statement gives."""
    with connection.cursor() as cursor:
        cursor.execute(sql, list(parameters))
        rows: list[tuple[Any, ...]] = cursor.fetchall()
    return rows


@dataclass(frozen=True)
class SQLite:
    """FTS5, whose row ids are places, so that the order of its lists is that of age."""

    scope: Scope

    def count(self, step: Step) -> int:
        source, parameters = self._source(step.wanted, None)
        sql = f"SELECT count(*) FROM (SELECT 1 {source} LIMIT {MOST_FOUND + 1})"  # noqa: S608 - no input
        [(found,)] = rows_of(sql, parameters)
        return int(found)

    def page(self, steps: Sequence[Step], found: int, start: int, size: int) -> Found:
        end = min(start + size, MOST_FOUND, found)
        places: list[tuple[int, int]] = []
        for step in steps:
            if len(places) >= end:
                break
            source, parameters = self._source(step.wanted, step.better)
            sql = f"SELECT assets_search.rowid {source} ORDER BY assets_search.rowid DESC LIMIT %s"
            places += [(place, step.score) for (place,) in rows_of(sql, [*parameters, end - len(places)])]
        shown = places[start:end]
        rows = SearchEntry.objects.filter(place__in=[place for place, _ in shown])
        ids = dict(rows.values_list("place", "asset_id"))
        return [(ids[place], score) for place, score in shown if place in ids]

    def _source(self, wanted: Groups, better: Groups | None) -> tuple[str, list[Any]]:
        expression = _match((self.scope.group, *wanted))
        if better:
            expression = f"({expression}) NOT ({_match(better)})"
        if self.scope.is_whole or self.scope.libraries is not None:
            return "FROM assets_search WHERE assets_search MATCH %s", [expression]
        # The plus keeps SQLite from looking every entry up once for each of the libraries.
        condition, parameters = self.scope.is_among("+entry.library_id")
        return (
            (
                f"FROM assets_search CROSS JOIN {TABLE} entry ON entry.place = assets_search.rowid "
                f"WHERE assets_search MATCH %s AND {condition}"
            ),
            [expression, *parameters],
        )


def _match(groups: Groups) -> str:
    """Return an expression of FTS5. Tokens hold nothing that would have to be escaped (see ``search_words``)."""
    return " AND ".join("({})".format(" OR ".join(map(_matched, group))) for group in groups)


def _matched(token: Token) -> str:
    return f'"{token.text}"*' if token.is_beginning else f'"{token.text}"'


@dataclass(frozen=True)
class PostgreSQL:
    """A column of type tsvector: looks through the newest entries first, and asks its GIN index if they are not enough.

    The planner is led: what it believes of two words together, or of a limit, can be wrong by orders of magnitude.
    """

    scope: Scope

    #: So many of the newest entries are looked through at first, which takes a millisecond, ...
    newest: ClassVar = 4_000
    #: ... and so many if more than can be shown are known to match: nearly as much as the index takes for them.
    newer: ClassVar = 200_000
    #: If a smaller share of the newest matches, the index counts them sooner than the newest: of an organization, ...
    dense: ClassVar = 0.15
    #: ... and of a library, whose entries lie among those of others.
    dense_in_library: ClassVar = 0.6
    #: If fewer of the newest have a score, the index has them sooner than many of the newest are looked through.
    sparse: ClassVar = 20
    #: So many are sorted by score at once; of more, each score is looked for by itself.
    ranked: ClassVar = 2_000
    #: Libraries with more entries than this are no way into the index.
    few: ClassVar = 50_000

    def count(self, step: Step) -> int:
        matching, seen = self._count_newest(step, self.newest)
        if seen < self.newest:
            return min(matching, MOST_FOUND + 1)
        if matching >= (self.dense if self._only_library is None else self.dense_in_library) * self.newest:
            enough = int(MOST_FOUND * 1.5 * self.newest / matching)
            matching, seen = self._count_newest(step, enough)
            if seen < enough or matching > MOST_FOUND:
                return min(matching, MOST_FOUND + 1)
        source, parameters = self._indexed(step.wanted, None)
        [(found,)] = rows_of(
            f"WITH matching AS MATERIALIZED (SELECT 1 {source}) "  # noqa: S608 - no input
            f"SELECT count(*) FROM (SELECT 1 FROM matching LIMIT {MOST_FOUND + 1}) AS first",
            parameters,
        )
        return int(found)

    def page(self, steps: Sequence[Step], found: int, start: int, size: int) -> Found:
        end = min(start + size, MOST_FOUND, found)
        if end <= start:
            return []
        if found <= self.ranked:
            return self._ranked(steps, start, end)
        shown: Found = []
        for step in steps:
            if len(shown) < end:
                ids = self._step(step, end - len(shown), is_capped=found > MOST_FOUND)
                shown += [(asset_id, step.score) for asset_id in ids]
        return shown[start:end]

    def _ranked(self, steps: Sequence[Step], start: int, end: int) -> Found:
        source, parameters = self._indexed(steps[-1].wanted, None)
        whens = " ".join(["WHEN tokens @@ %s::tsquery THEN %s"] * (len(steps) - 1))
        scores = [value for step in steps[:-1] for value in (_query(step.wanted, None), step.score)]
        score = f"CASE {whens} ELSE %s END" if whens else "%s"
        rows = rows_of(
            f"WITH matching AS MATERIALIZED (SELECT asset_id, place, {score} AS score {source}) "  # noqa: S608 - no input
            "SELECT asset_id, score FROM matching ORDER BY score DESC, place DESC, asset_id DESC LIMIT %s OFFSET %s",
            [*scores, steps[-1].score, *parameters, end - start, start],
        )
        return [(asset_id, int(score)) for asset_id, score in rows]

    def _step(self, step: Step, most: int, *, is_capped: bool) -> list[str]:
        """Return the newest assets of one score."""
        for window in (self.newest, self.newer) if is_capped else (self.newest,):
            source, parameters = self._newest(window)
            condition, values = self._matches(step)
            rows = rows_of(
                f"SELECT asset_id FROM {source} WHERE {condition} "  # noqa: S608 - no input
                "ORDER BY place DESC, asset_id DESC LIMIT %s",
                [*parameters, *values, most],
            )
            if len(rows) == most:
                return [asset_id for (asset_id,) in rows]
            if len(rows) < self.sparse:
                break
        source, parameters = self._indexed(step.wanted, step.better)
        rows = rows_of(
            f"WITH matching AS MATERIALIZED (SELECT asset_id, place {source}) "  # noqa: S608 - no input
            "SELECT asset_id FROM matching ORDER BY place DESC, asset_id DESC LIMIT %s",
            [*parameters, most],
        )
        return [asset_id for (asset_id,) in rows]

    def _count_newest(self, step: Step, window: int) -> tuple[int, int]:
        """Return how many of the newest match what the step wants, and of how many."""
        source, parameters = self._newest(window)
        condition, values = self._matches(replace(step, better=None))
        sql = f"SELECT count(*) FILTER (WHERE {condition}), count(*) FROM {source}"  # noqa: S608 - no input
        [(matching, seen)] = rows_of(sql, [*values, *parameters])
        return matching, seen

    def _newest(self, window: int) -> tuple[str, list[Any]]:
        """Return a table of the newest entries of the library, or of the organization that the libraries are in."""
        if self._only_library is not None:
            where, value = "library_id", self._only_library
        else:
            where, value = "organization_id", self.scope.organization_id
        return (
            (
                f"(SELECT asset_id, place, library_id, tokens FROM {TABLE} WHERE {where} = %s "  # noqa: S608 - no input
                "ORDER BY place DESC, asset_id DESC LIMIT %s) AS newest"
            ),
            [value, window],
        )

    def _matches(self, step: Step) -> tuple[str, list[Any]]:
        condition, parameters = self.scope.is_among("library_id")
        if not step.wanted:
            return condition, parameters
        return f"{condition} AND tokens @@ %s::tsquery", [*parameters, _query(step.wanted, step.better)]

    def _indexed(self, wanted: Groups, better: Groups | None) -> tuple[str, list[Any]]:
        """Return what gives the matching entries of the scope by the index, in no order."""
        if self._libraries_are_few:
            query = _query((self.scope.group, *wanted), better)
            return f"FROM {TABLE} WHERE tokens @@ %s::tsquery", [query]
        everywhere = replace(self.scope, is_whole=True).group
        condition, parameters = self.scope.is_among("library_id")
        query = _query((everywhere, *wanted), better)
        return f"FROM {TABLE} WHERE tokens @@ %s::tsquery AND {condition}", [query, *parameters]

    @property
    def _only_library(self) -> int | None:
        libraries = self.scope.libraries
        return libraries[0] if libraries is not None and len(libraries) == 1 else None

    @cached_property
    def _libraries_are_few(self) -> bool:
        """Whether the index is best entered by the libraries' own tokens."""
        if self.scope.is_whole or self.scope.libraries is None:
            return False
        if self._only_library is not None:
            return True
        entries = SearchEntry.objects.filter(library__in=self.scope.libraries)
        return entries[: self.few].count() < self.few


def _query(wanted: Groups, better: Groups | None) -> str:
    """Return a tsquery. Tokens hold nothing that would have to be escaped (see ``search_words``)."""
    query = " & ".join("({})".format(" | ".join(map(_lexeme, group))) for group in wanted)
    return f"{query} & !({_query(better, None)})" if better else query


def _lexeme(token: Token) -> str:
    return f"'{token.text}':*" if token.is_beginning else f"'{token.text}'"
