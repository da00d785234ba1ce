"""What the page of the GraphQL API shows of the schema, with a request for each query and mutation."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from django.conf import settings
from graphql import (
    GraphQLArgument,
    GraphQLField,
    GraphQLInputField,
    GraphQLNamedType,
    GraphQLObjectType,
    GraphQLSchema,
    build_schema,
    get_named_type,
    get_nullable_type,
    is_introspection_type,
    is_leaf_type,
    is_list_type,
    is_required_argument,
    is_specified_scalar_type,
    print_ast,
)
from pydantic.alias_generators import to_snake

from api.catalogue import OPERATIONS
from api.graphql.schema import schema
from api.rest.reference import Field, Kind, ShownObject, command_line, prose

#: The arguments of the examples, by field.
_EXAMPLES: dict[str, dict[str, Any]] = {
    operation.graphql.name: {
        operation.graphql.arguments.get(to_snake(name), name): value
        for name, value in operation.example.arguments.items()
    }
    for operation in OPERATIONS
    if operation.graphql is not None
}


@dataclass(frozen=True, slots=True)
class RootField:
    """A query or a mutation."""

    name: str
    operation: str
    text: str
    kind: Kind
    arguments: tuple[Field, ...]
    request: str


@dataclass(frozen=True, slots=True)
class Group:
    """The queries, or the mutations."""

    name: str
    text: str
    fields: tuple[RootField, ...]

    @property
    def id(self) -> str:
        return self.name.lower()


@dataclass(frozen=True, slots=True)
class Reference:
    """The whole page."""

    url: str
    groups: tuple[Group, ...]
    types: tuple[ShownObject, ...]


@cache
def described_schema() -> GraphQLSchema:
    """Return the schema as its clients know it."""
    return build_schema(schema.as_str())


def reference(ids: Mapping[str, str]) -> Reference:
    """Return what the page shows; ``ids`` replaces arguments of the examples."""
    described = described_schema()
    roots = {
        ("query", "Queries"): described.query_type,
        ("mutation", "Mutations"): described.mutation_type,
    }
    url = settings.API_URL if settings.API_HOST else f"{settings.BASE_URL}/graphql"
    groups = (
        Group(title, root.description or "", tuple(_root_fields(url, operation, root, ids)))
        for (operation, title), root in roots.items()
        if root
    )
    types = (
        ShownObject(name, prose(type_.description or ""), tuple(_fields(type_)))
        for name, type_ in sorted(described.type_map.items())
        if type_ not in roots.values() and not is_specified_scalar_type(type_) and not is_introspection_type(type_)
    )
    return Reference(url, tuple(groups), tuple(types))


def typed(field: GraphQLField | GraphQLInputField | GraphQLArgument) -> str:
    """Return the type of a field or an argument, with the default of the latter."""
    default = getattr(field.ast_node, "default_value", None)
    return f"{field.type} = {print_ast(default)}" if default else str(field.type)


def _root_fields(url: str, operation: str, root: GraphQLObjectType, ids: Mapping[str, str]) -> Iterator[RootField]:
    for name, field in root.fields.items():
        request = _request(url, operation, name, field, {**_EXAMPLES[name], **ids})
        arguments = tuple(
            Field(each, _kind(argument), prose(argument.description or ""), required=is_required_argument(argument))
            for each, argument in field.args.items()
        )
        yield RootField(name, operation, prose(field.description or ""), _kind(field), arguments, request)


def _fields(type_: GraphQLNamedType) -> Iterator[Field]:
    for name, field in getattr(type_, "fields", {}).items():
        deprecated = f"Deprecated. {field.deprecation_reason}" if field.deprecation_reason else ""
        yield Field(name, _kind(field), prose(" ".join(filter(None, (field.description, deprecated)))))


def _kind(field: GraphQLField | GraphQLInputField | GraphQLArgument) -> Kind:
    named = get_named_type(field.type)
    if is_specified_scalar_type(named):
        return Kind(typed(field))
    before, name, after = typed(field).partition(named.name)
    return Kind(before, name, after)


def _request(url: str, operation: str, name: str, field: GraphQLField, values: Mapping[str, Any]) -> str:
    """Return a request as a line for a shell, with every argument that is required."""
    required = {each: argument for each, argument in field.args.items() if is_required_argument(argument)}
    files = [each for each, argument in required.items() if get_named_type(argument.type).name == "Upload"]
    declared = f" ({', '.join(f'${each}: {argument.type}' for each, argument in required.items())})"
    passed = f"({', '.join(f'{each}: ${each}' for each in required)})"
    called = f"{name}{passed if required else ''} {_selection(field)}"
    request = {
        "query": f"{operation}{declared if required else ''} {{ {called} }}",
        "variables": {each: [None] if each in files else values.get(each, "…") for each in required},
    }
    words = ["curl", url, "-H", "Authorization: Bearer rstk_…"]
    if not files:
        return command_line([*words, "--json", json.dumps(request, ensure_ascii=False)])
    parts = {"operations": request, "map": {"0": [f"variables.{each}.0" for each in files]}}
    form = [f"{part}={json.dumps(value, ensure_ascii=False)}" for part, value in parts.items()]
    words += ["-H", "Apollo-Require-Preflight: 1"]
    return command_line([*words, *(word for part in (*form, "0=@harbor.jpg") for word in ("-F", part))])


def _selection(field: GraphQLField) -> str:
    """Return the fields to ask for: all but deprecated ones, and lists of objects within an object that has an id."""
    type_ = get_named_type(field.type)
    if not isinstance(type_, GraphQLObjectType):
        return ""
    chosen = []
    for name, child in type_.fields.items():
        is_list_of_objects = is_list_type(get_nullable_type(child.type)) and not is_leaf_type(
            get_named_type(child.type)
        )
        if not child.deprecation_reason and not (is_list_of_objects and "id" in type_.fields):
            chosen.append(f"{name} {_selection(child)}".rstrip())
    return f"{{ {' '.join(chosen)} }}"
