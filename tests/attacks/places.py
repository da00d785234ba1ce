"""Every place of an interface that takes a text, so that what reaches one reaches all of them.

They are found in the schemas of tools, endpoints, fields and contracts, so that a new argument is covered.
"""

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, NamedTuple

from graphql import GraphQLEnumType, GraphQLInputType, GraphQLList, GraphQLNonNull, get_named_type

import mcp_gateway.tools  # noqa: F401 - with these, all contracts are there
from raster.contracts import Contract

UNKNOWN = "(an unknown name)"
STRING, INTEGER, FLAG = "x", 1, True


def _contracts(base: type[Contract]) -> Iterator[type[Contract]]:
    for contract in base.__subclasses__():
        yield contract
        yield from _contracts(contract)


CONTRACTS = sorted({each for each in _contracts(Contract) if not each.__module__.startswith("tests.")}, key=str)


class Place(NamedTuple):
    """Where a text goes: its path, and the arguments with a text in it."""

    where: str
    filled: Callable[[str], Any]


def places(schema: dict[str, Any]) -> Iterator[Place]:
    """Yield every place for a text in what a JSON Schema describes, and an argument with a name that nobody knows."""
    yield from _places(schema)
    yield Place(UNKNOWN, lambda text: {**example(schema), text: 1})


def _places(schema: dict[str, Any]) -> Iterator[Place]:
    for option in schema.get("anyOf", schema.get("oneOf", [])):
        yield from _places(option)
    kind = schema.get("type")
    if kind == "string" and not {"enum", "const"} & schema.keys():
        yield Place("", str)
    elif kind == "array":
        for inner in _places(schema["items"]):
            yield Place(f"[]{inner.where}", partial(_in_list, inner))
    elif kind == "object":
        for name, of_name in schema.get("properties", {}).items():
            for inner in _places(of_name):
                yield Place(f".{name}{inner.where}", partial(_in_object, schema, name, inner))
        if isinstance(values := schema.get("additionalProperties"), dict):
            yield Place("(a name)", lambda text: {text: example(values)})


def _in_list(inner: Place, text: str) -> list[Any]:
    return [inner.filled(text)]


def _in_object(schema: dict[str, Any], name: str, inner: Place, text: str) -> dict[str, Any]:
    return {**example(schema), name: inner.filled(text)}


def example(schema: dict[str, Any]) -> Any:
    """Return a value of a JSON Schema: small, and right enough that only what is put into it can be wrong."""
    options = schema.get("anyOf", schema.get("oneOf"))
    if options:
        return example(options[0])
    if "const" in schema:
        return schema["const"]
    if "enum" in schema:
        return schema["enum"][0]
    kind = schema.get("type")
    if kind == "array":
        return [example(schema["items"])]
    if kind == "object":
        return {name: example(schema["properties"][name]) for name in schema.get("required", [])}
    return {"string": STRING, "integer": INTEGER, "boolean": FLAG}.get(str(kind))


def takes_text(kind: GraphQLInputType) -> bool:
    """Return whether an argument of GraphQL is a text or a list of texts."""
    return get_named_type(kind).name in {"String", "ID"}


def graphql_value(kind: GraphQLInputType, text: str = STRING) -> Any:
    """Return a value of an argument of GraphQL, with this text wherever it has one."""
    if isinstance(kind, GraphQLNonNull):
        return graphql_value(kind.of_type, text)
    if isinstance(kind, GraphQLList):
        return [graphql_value(kind.of_type, text)] if takes_text(kind) else []
    if isinstance(kind, GraphQLEnumType):
        return next(iter(kind.values))
    return text if takes_text(kind) else INTEGER
