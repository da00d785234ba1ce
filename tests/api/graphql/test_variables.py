"""A variable declared ``ID`` fits where text is expected, and the other way round; nothing else does."""

import pytest
from graphql import (
    GraphQLArgument,
    GraphQLObjectType,
    get_named_type,
    is_leaf_type,
    is_list_type,
    is_non_null_type,
)

from api.graphql.schema import Outcome, prepare, schema

OTHER = {"ID": "String", "String": "ID"}
ROOTS: dict[str, GraphQLObjectType] = {
    kind: root
    for kind, root in (
        ("query", schema._schema.query_type),
        ("mutation", schema._schema.mutation_type),
    )
    if root is not None
}
ARGUMENTS = [
    (kind, field, name)
    for kind, root in ROOTS.items()
    for field, definition in root.fields.items()
    for name, argument in definition.args.items()
    if get_named_type(argument.type).name in OTHER
]


def literal(argument: GraphQLArgument) -> str:
    kind = argument.type.of_type if is_non_null_type(argument.type) else argument.type
    return "[]" if is_list_type(kind) else {"Int": "1"}.get(str(kind), '"a"')


def document(kind: str, field: str, name: str, declared: str) -> str:
    definition = ROOTS[kind].fields[field]
    arguments = [
        f"{each}: {'$it' if each == name else literal(argument)}"
        for each, argument in definition.args.items()
        if each == name or is_non_null_type(argument.type)
    ]
    selection = "" if is_leaf_type(get_named_type(definition.type)) else "{ __typename }"
    return f"{kind} ($it: {declared}) {{ {field}({', '.join(arguments)}) {selection} }}"


@pytest.mark.parametrize(("kind", "field", "name"), ARGUMENTS)
def test_every_text_argument_takes_either_declaration(kind: str, field: str, name: str) -> None:
    type_name = str(ROOTS[kind].fields[field].args[name].type)
    named = get_named_type(ROOTS[kind].fields[field].args[name].type).name
    for declared in (type_name, type_name.replace(named, OTHER[named])):
        request = prepare(document(kind, field, name, declared), None, {"it": None})
        assert not isinstance(request, Outcome), request


@pytest.mark.parametrize("declared", ["Int!", "Boolean!", "String", "ID", "[ID!]!", "[String!]!", "Upload!"])
def test_other_declarations_are_refused(declared: str) -> None:
    request = prepare(document("query", "asset", "assetId", declared), None, {})
    assert isinstance(request, Outcome)


def test_a_refusal_names_the_type_as_it_was_declared() -> None:
    request = prepare(document("query", "asset", "assetId", "String"), None, {})
    assert isinstance(request, Outcome)
    assert "Variable '$it' of type 'String' used in position expecting type 'ID!'." in str(request.body)
