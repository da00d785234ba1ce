"""How much one request may ask for, judged before anything of it is validated or run.

Validation compares fields with each other and execution resolves one after another, so a short text can ask for hours
of work. What is counted here bounds both.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any, NamedTuple, NoReturn, cast

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLSyntaxError,
    InlineFragmentNode,
    IntValueNode,
    OperationDefinitionNode,
    SelectionSetNode,
    VariableNode,
)
from graphql.language.parser import Parser

from raster.errors import BadUserInput

MOST_CHARACTERS = 20_000
MOST_TOKENS = 1_500
MOST_OPERATIONS = 10
MOST_FRAGMENTS = 20
MOST_FIELDS = 300
MOST_ROOT_FIELDS = 10
MOST_ALIASES = 30
#: Of fields with one name in one selection: validation compares each with each.
MOST_REPEATS = 3
MOST_DEPTH = 8
#: Tools ask for types within types.
MOST_INTROSPECTION_DEPTH = 18
#: Of values in an answer, as the sizes of its pages suggest.
MOST_COST = 100_000
LARGEST_PAGE = 500
#: What a list without a size counts as.
LISTS = {
    "variants": 5,
    "views": 5,
    "organizations": 10,
    "types": 35,
    "fields": 10,
    "args": 3,
    "enumValues": 3,
    "inputFields": 2,
    "possibleTypes": 2,
    "interfaces": 2,
    "directives": 5,
}
PAGES = {"libraries": 50, "assets": 50, "searchAssets": 50, "tags": 100}
SIZES = {"pageSize", "limit"}
#: Longer documents are parsed each time.
LONGEST_KEPT = 4_000
MOST_KEPT = 64


class Measures(NamedTuple):
    """How deep a selection goes, and how many values it may answer with."""

    depth: int
    cost: int


@lru_cache(maxsize=MOST_KEPT)
def _kept(text: str) -> DocumentNode:
    return _parsed(text)


def parse_document(text: str) -> DocumentNode:
    """Return a document.

    Raises:
        GraphQLSyntaxError: it is none, or longer than one may be.
        BadUserInput: it is nested too deeply.
    """
    if len(text) > MOST_CHARACTERS:
        raise BadUserInput(f"A document has at most {MOST_CHARACTERS} characters.")
    return _kept(text) if len(text) <= LONGEST_KEPT else _parsed(text)


def _parsed(text: str) -> DocumentNode:
    parser = Parser(text, max_tokens=MOST_TOKENS)
    try:
        return parser.parse_document()
    except RecursionError:
        raise BadUserInput("The document is nested too deeply.") from None
    except GraphQLSyntaxError:
        if parser.token_count > MOST_TOKENS:
            raise BadUserInput(f"A document has at most {MOST_TOKENS} tokens.") from None
        raise


def operation_of(document: DocumentNode, name: str | None) -> OperationDefinitionNode:
    """Return the operation that a request means.

    Raises:
        BadUserInput: there is none of the name, or several and no name.
    """
    operations = [node for node in document.definitions if isinstance(node, OperationDefinitionNode)]
    if len(operations) > MOST_OPERATIONS:
        raise BadUserInput(f"A document has at most {MOST_OPERATIONS} operations.")
    found = [node for node in operations if name is None or (node.name is not None and node.name.value == name)]
    if not found:
        raise BadUserInput(
            ("operationName", "the document has no such operation") if name else "The document asks nothing."
        )
    if len(found) > 1:
        raise BadUserInput(("operationName", "is required where a document has several operations"))
    return found[0]


class Limits:
    """Measures the operations of a document; ``root_fields`` are those of the one that is meant."""

    def __init__(self, document: DocumentNode, variables: Mapping[str, Any]) -> None:
        self._document = document
        self._variables = variables
        self._fragments = {
            node.name.value: node for node in document.definitions if isinstance(node, FragmentDefinitionNode)
        }
        self._measured: dict[str, Measures] = {}
        self._open: set[str] = set()
        self._fields = self._aliases = 0
        self._defaults: dict[str, Any] = {}

    def check(self, operation: OperationDefinitionNode) -> list[FieldNode]:
        """Refuse a document that asks for more than one may; return the root fields of its operation.

        Raises:
            BadUserInput: naming the limit.
        """
        if len(self._fragments) > MOST_FRAGMENTS:
            _refuse("fragments", MOST_FRAGMENTS)
        for node in self._document.definitions:
            if isinstance(node, OperationDefinitionNode):
                self._defaults = {
                    variable.variable.name.value: variable.default_value for variable in node.variable_definitions or ()
                }
                self._measure(node.selection_set, 1, MOST_DEPTH)
        for name in self._fragments:
            self._measure_fragment(name, 1, MOST_INTROSPECTION_DEPTH)
        root_fields = []
        for field in self._root_fields(operation.selection_set):
            root_fields.append(field)
            if len(root_fields) > MOST_ROOT_FIELDS:
                _refuse("fields at its root", MOST_ROOT_FIELDS)
        return root_fields

    def _root_fields(self, selections: SelectionSetNode) -> Iterator[FieldNode]:
        """Yield them; no fragment holds itself, as they were measured, but many may hold many."""
        for selection in selections.selections:
            if isinstance(selection, FieldNode):
                yield selection
            elif isinstance(selection, InlineFragmentNode):
                yield from self._root_fields(selection.selection_set)
            elif isinstance(selection, FragmentSpreadNode) and selection.name.value in self._fragments:
                yield from self._root_fields(self._fragments[selection.name.value].selection_set)

    def _measure(self, selections: SelectionSetNode, depth: int, limit: int) -> Measures:
        """Measure what is selected at a depth that has a limit."""
        if depth > limit:
            _refuse("levels", limit)
        repeats: Counter[str] = Counter()
        deepest = cost = 0
        for selection in selections.selections:
            if isinstance(selection, FieldNode):
                measures = self._measure_field(selection, depth, limit)
                repeats[(selection.alias or selection.name).value] += 1
            elif isinstance(selection, InlineFragmentNode):
                measures = self._measure(selection.selection_set, depth, limit)
                cost += 1
            else:
                measures = self._measure_fragment(cast("FragmentSpreadNode", selection).name.value, depth, limit)
                cost += 1
            deepest = max(deepest, measures.depth)
            cost += measures.cost
        if repeats and max(repeats.values()) > MOST_REPEATS:
            raise BadUserInput(f"A selection has each name at most {MOST_REPEATS} times.")
        if cost > MOST_COST:
            raise too_much()
        return Measures(deepest, cost)

    def _measure_field(self, field: FieldNode, depth: int, limit: int) -> Measures:
        self._fields += 1
        self._aliases += field.alias is not None
        if self._fields > MOST_FIELDS:
            _refuse("fields", MOST_FIELDS)
        if self._aliases > MOST_ALIASES:
            _refuse("aliases", MOST_ALIASES)
        if field.selection_set is None:
            return Measures(1, 1)
        if field.name.value in {"__schema", "__type"}:
            limit = MOST_INTROSPECTION_DEPTH
        inner = self._measure(field.selection_set, depth + 1, limit)
        return Measures(inner.depth + 1, self._entries(field) * (1 + inner.cost))

    def _measure_fragment(self, name: str, depth: int, limit: int) -> Measures:
        if name in self._open:
            raise BadUserInput("A fragment must not contain itself.")
        if name not in self._fragments:
            return Measures(0, 0)  # validation says so
        measures = self._measured.get(name)
        if measures is None:
            self._open.add(name)
            measures = self._measured[name] = self._measure(self._fragments[name].selection_set, depth, limit)
            self._open.discard(name)
        if depth - 1 + measures.depth > limit:
            _refuse("levels", limit)
        return measures

    def _entries(self, field: FieldNode) -> int:
        """Return how many entries a field may have."""
        name = field.name.value
        if name not in PAGES:
            return LISTS.get(name, 1)
        for argument in field.arguments or ():
            if argument.name.value in SIZES:
                value = argument.value
                size = self._variable(value.name.value) if isinstance(value, VariableNode) else value
                if isinstance(size, IntValueNode):
                    size = int(size.value) if len(size.value) <= len(str(LARGEST_PAGE)) else LARGEST_PAGE
                return min(max(size, 1), LARGEST_PAGE) if isinstance(size, int) else LARGEST_PAGE
        return PAGES[name]

    def _variable(self, name: str) -> Any:
        return self._variables[name] if name in self._variables else self._defaults.get(name)


def too_much() -> BadUserInput:
    """Return the refusal of an answer of too many values."""
    return BadUserInput(f"The document asks for more than {MOST_COST} values: ask for smaller pages or fewer fields.")


def _refuse(what: str, most: int) -> NoReturn:
    raise BadUserInput(f"A document has at most {most} {what}.")
