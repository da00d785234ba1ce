"""The types of the GraphQL API. Each shows a record of the operations, whose descriptions it takes over."""

import inspect
import json
from collections.abc import Callable
from typing import Any, NewType, TypeVar, get_args, get_origin

import strawberry
from graphql import GraphQLError
from strawberry.types import get_object_definition

from api.graphql.context import Info
from assets import contracts
from assets.staging import Staged
from orgs.contracts import AnyIdentity
from orgs.contracts import Identity as IdentityRecord
from orgs.contracts import LibraryAccess as LibraryAccessRecord
from raster.contracts import Page, Record

AnyType = TypeVar("AnyType")
#: GraphQL's own Int ends at 2³¹.
BigInt = NewType("BigInt", int)
BIG_INT = strawberry.scalar(
    name="BigInt", description="A whole number, exact up to 2⁵³.", serialize=int, parse_value=int
)

Upload = NewType("Upload", object)


def _staged(value: object) -> Staged:
    if not isinstance(value, Staged):
        raise GraphQLError("A file is sent as a part of a form: see the GraphQL multipart request specification.")
    return value


UPLOAD = strawberry.scalar(
    name="Upload", description="A file that comes as a part of the form.", serialize=str, parse_value=_staged
)


_TYPES: dict[type[Record], Any] = {}


def is_id(name: str) -> bool:
    """Return whether what an argument or a field is called says that it is an id."""
    return name in {"id", "ids", "libraries"} or name.endswith(("_id", "_ids"))


def shows(record: type[Record], *left_out: str) -> Callable[[type[AnyType]], type[AnyType]]:
    """Make a class the type of a record: it shows every field of it but those ``left_out``.

    Records are resolved as they are, without being made instances of the class.
    """

    def typed(cls: type[AnyType]) -> type[AnyType]:
        for name in cls.__annotations__:
            setattr(cls, name, strawberry.field(description=record.model_fields[name].description))
        made = strawberry.type(cls, description=inspect.cleandoc(cls.__doc__ or ""))
        shown = {field.python_name for field in get_object_definition(made, strict=True).fields}
        missing = record.model_fields.keys() - shown - set(left_out)
        if missing:
            raise TypeError(f"{cls.__name__} does not show {', '.join(sorted(missing))}.")
        _TYPES[record] = made
        return made

    return typed


@shows(contracts.Person)
class Person:
    """A person, or the API key that did something."""

    name: str


@shows(contracts.ApprovalRecord)
class Approval:
    """What somebody thought of an asset's file."""

    state: str
    note: str
    by: Person
    at: BigInt


def _sizes(root: Any) -> str:
    return json.dumps(root.sizes, separators=(",", ":"))


_SIZES = "Width in pixels to the URL of a WebP version of that width: an object in JSON, {} where there are none."


@shows(contracts.VariantRecord, "derivatives")
class Variant:
    """An asset that belongs to another one, its original."""

    id: strawberry.ID
    organization_id: strawberry.ID
    library_id: strawberry.ID
    name: str
    description: str
    tags: list[str]
    content_type: str
    size: BigInt
    width: int | None
    height: int | None
    blurhash: str | None
    url: str
    app_url: str
    type: str
    parent_id: strawberry.ID | None
    approval: Approval | None
    uploaded_by: Person
    created: BigInt
    updated: BigInt
    sizes = strawberry.field(resolver=_sizes, description=_SIZES)


def _variants(root: Any, info: Info) -> Any:
    info.context.spend(info, root.variants)
    return root.variants


def _libraries(root: Any, info: Info) -> Any:
    info.context.spend(info, root.libraries)
    return root.libraries


def _organizations(root: Any, info: Info) -> Any:
    info.context.spend(info, root.organizations)
    return root.organizations


@shows(contracts.AssetRecord, "derivatives")
class Asset(Variant):
    """An asset with its variants, oldest first."""

    variants = strawberry.field(resolver=_variants, graphql_type=list[Variant])
    views = strawberry.field(
        resolver=_variants, graphql_type=list[Variant], deprecation_reason="It is called variants now."
    )


@shows(contracts.Highlights)
class Highlights:
    """Where the words were found; null where a field holds none of them."""

    name: str | None
    description: str | None
    tags: list[str] | None


@shows(contracts.SearchHit, "derivatives")
class SearchHit(Asset):
    """An asset that a search found."""

    score: int
    highlights: Highlights


@shows(contracts.SearchResult)
class SearchResult:
    """One page of what a search found, best first, then newest first."""

    hits: list[SearchHit]
    found: int
    found_capped: bool
    page: int
    corrected: str | None


@shows(contracts.LibraryRecord, "used_tags")
class Library:
    """A library, with the caller's level on it."""

    id: strawberry.ID
    name: str
    assets_count: int
    photos_count: int
    trash_count: int
    access: str
    tags: list[str]


@shows(contracts.TagRecord)
class Tag:
    """A tag of a library."""

    id: strawberry.ID
    count: int
    type: str


@shows(LibraryAccessRecord)
class LibraryAccess:
    """A library that the credential reaches."""

    library: strawberry.ID
    access: str


@shows(IdentityRecord)
class Identity:
    """An organization that the credential reaches, and its libraries that it reaches right now."""

    organization_id: strawberry.ID
    organization_name: str
    plan: str
    libraries = strawberry.field(resolver=_libraries, graphql_type=list[LibraryAccess])


@shows(AnyIdentity)
class Viewer:
    """Who the credential stands for.

    One for a single organization is told of it; one for every organization of its person is told organizations.
    """

    organization_id: strawberry.ID | None
    organization_name: str | None
    plan: str | None
    libraries = strawberry.field(resolver=_libraries, graphql_type=list[LibraryAccess] | None)
    organizations = strawberry.field(resolver=_organizations, graphql_type=list[Identity] | None)


def type_of(record: type[Record]) -> Any:
    """Return the type that shows a record, made from its fields where none is written above; of a page its list."""
    generic = record.__pydantic_generic_metadata__
    if generic["origin"] is Page:
        return list[type_of(generic["args"][0])]  # type: ignore[misc]  # made at run time
    if record not in _TYPES:
        fields = {name: _field_type(name, field.annotation) for name, field in record.model_fields.items()}
        namespace = {"__annotations__": fields, "__doc__": record.__doc__}
        _TYPES[record] = shows(record)(type(record.__name__.removesuffix("Record"), (), namespace))
    return _TYPES[record]


def _field_type(name: str, annotation: Any) -> Any:
    if annotation in {str, list[str]} and is_id(name):
        return strawberry.ID if annotation is str else list[strawberry.ID]
    if get_origin(annotation) is list:
        return list[_field_type("", get_args(annotation)[0])]  # type: ignore[misc]  # made at run time
    return type_of(annotation) if issubclass(annotation, Record) else annotation
