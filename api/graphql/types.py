"""The types of the GraphQL API. Each shows a record of the operations, whose descriptions it takes over."""

import inspect
import json
from collections.abc import Callable
from typing import Any, NewType, TypeVar

import strawberry
from graphql import GraphQLError
from strawberry.types import get_object_definition

from api.graphql.context import Info
from assets import contracts
from assets.staging import Staged
from orgs.contracts import AnyIdentity
from orgs.contracts import Identity as IdentityRecord
from orgs.contracts import LibraryAccess as LibraryAccessRecord
from raster.contracts import Record

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


@shows(contracts.Uploaded)
class Uploaded:
    """What came in, and in words what did not, with the reasons."""

    response_text: str
    assets: list[Asset]


@shows(contracts.Deleted)
class Deleted:
    """What went to the trash."""

    success: bool
    message: str
    ids: list[strawberry.ID]


@shows(contracts.Restored)
class Restored:
    """What came back from the trash."""

    success: bool
    message: str
    ids: list[strawberry.ID]


@shows(contracts.Tagged)
class Tagged:
    """How many tags were added."""

    tagged_count: int


@shows(contracts.Untagged)
class Untagged:
    """How many tags were removed."""

    untagged_count: int


@shows(contracts.Described)
class Described:
    """An asset's new description."""

    asset_id: strawberry.ID
    description: str


@shows(contracts.Transferred)
class Transferred:
    """What moved."""

    transferred_count: int
    source_library_id: strawberry.ID
    target_library_id: strawberry.ID


@shows(contracts.Approved)
class Approved:
    """An asset's new approval."""

    asset_id: strawberry.ID
    approval: Approval
