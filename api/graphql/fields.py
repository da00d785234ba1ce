"""The fields of queries and mutations, each made from its row in the catalogue."""

import inspect
from collections.abc import Callable
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, cast, get_args, get_origin

import strawberry
from pydantic import Field
from pydantic.fields import FieldInfo

from api.catalogue import OPERATIONS, Graphql, Operation
from api.graphql.context import Info, asset_of, call
from api.graphql.types import Upload, is_id, type_of
from assets.contracts import AssetRecord, UploadAssets, Uploaded
from assets.operations.uploads import upload_assets
from assets.staging import Staged
from orgs.access import Principal
from orgs.contracts import AnyIdentity
from raster.contracts import Contract, Page, read_json
from raster.errors import BadUserInput

Resolver = Callable[..., Any]


class _FromZero(Contract):
    page: Annotated[int, Field(ge=0, le=999_999)]


def roots() -> tuple[type, type]:
    """Return the types of queries and of mutations."""
    offered = [(operation, operation.graphql) for operation in OPERATIONS if operation.graphql is not None]
    query = {row.name: _field(operation, row) for operation, row in offered if not operation.writes}
    mutation = {row.name: _field(operation, row) for operation, row in offered if operation.writes}
    return (
        strawberry.type(type("Query", (), query), description="What can be read."),
        strawberry.type(
            type("Mutation", (), mutation),
            description="What can be changed. The mutations of a request run one after another, each as a whole or not "
            "at all. If one fails, its field is null and the others still run.",
        ),
    )


def _field(operation: Operation, row: Graphql) -> Any:
    answer = type_of(operation.returns)
    resolver = _RESOLVERS.get(operation.name, _resolver)(operation, row)
    return strawberry.field(
        resolver=resolver,
        name=row.name,
        graphql_type=cast("Any", answer | None if operation.writes else answer),
        description=f"{operation.about} Pages count from 0." if row.from_zero else operation.about,
    )


def _resolver(operation: Operation, row: Graphql) -> Resolver:
    """Return a function that takes the arguments of an operation's contract and runs it."""
    renamed = {theirs: ours for ours, theirs in row.arguments.items()}

    def resolve(info: Info, **given: Any) -> Any:
        arguments = {renamed.get(name, name): value for name, value in given.items()}
        if row.from_zero:
            arguments["page"] = read_json(_FromZero, {"page": arguments["page"]}).page + 1
        record = call(info, operation.run, operation.takes, **arguments)
        return record.data if isinstance(record, Page) else record

    return _with_arguments(resolve, _parameters(operation, row))


def _viewer(operation: Operation, row: Graphql) -> Resolver:
    """Return a function that answers for any credential with all fields: what does not concern it is null."""

    def resolve(info: Info) -> AnyIdentity:
        identity = call(info, operation.run, operation.takes)
        return AnyIdentity.model_construct(**{**dict.fromkeys(AnyIdentity.model_fields), **dict(identity)})

    return resolve


def _asset(operation: Operation, row: Graphql) -> Resolver:
    """Return a function that loads the assets of a request together."""

    def resolve(info: Info, **given: Any) -> AssetRecord:
        return asset_of(info, **given)

    return _with_arguments(resolve, _parameters(operation, row))


def _upload(operation: Operation, row: Graphql) -> Resolver:
    """Return a function that takes the files of a form. ``email`` is accepted and not used."""

    def resolve(info: Info, *, files: list[Upload], email: str | None = strawberry.UNSET, **given: Any) -> Uploaded:
        if len({id(file) for file in files}) < len(files):
            raise BadUserInput(("files", "holds a file twice"))

        def upload(principal: Principal, command: UploadAssets) -> Uploaded:
            return upload_assets(principal, command, cast("list[Staged]", files))

        return call(info, upload, UploadAssets, **given)

    own = list(inspect.signature(resolve).parameters.values())[1:-1]
    return _with_arguments(resolve, [*_parameters(operation, row), *own])


_RESOLVERS: dict[str, Callable[[Operation, Graphql], Resolver]] = {
    "whoami": _viewer,
    "get_asset": _asset,
    "upload_assets": _upload,
}


def _with_arguments(resolve: Resolver, parameters: list[inspect.Parameter]) -> Resolver:
    """Give a function that takes any arguments the signature that Strawberry reads."""
    info = inspect.Parameter("info", inspect.Parameter.POSITIONAL_OR_KEYWORD, annotation=Info)
    resolve.__signature__ = inspect.Signature([info, *parameters])  # type: ignore[attr-defined]
    return resolve


def _parameters(operation: Operation, row: Graphql) -> list[inspect.Parameter]:
    return [
        inspect.Parameter(
            row.arguments.get(name, name),
            inspect.Parameter.KEYWORD_ONLY,
            annotation=_argument_type(name, field, is_text=name in row.texts),
            default=_default(name, field, row),
        )
        for name, field in operation.takes.model_fields.items()
        if name not in row.left_out
    ]


def _argument_type(name: str, field: FieldInfo, *, is_text: bool) -> Any:
    plain = _plain(field.annotation)
    if plain is str or plain == list[str]:
        word: Any = str if is_text or not is_id(name) else strawberry.ID
        plain = list[word] if plain != str else word  # noqa: E721 - list[str] is no class
    is_optional = not field.is_required() and (field.default is None or plain not in {int, bool})
    return plain | None if is_optional else plain


def _default(name: str, field: FieldInfo, row: Graphql) -> Any:
    if field.is_required():
        return inspect.Parameter.empty
    if row.from_zero and name == "page":
        return 0
    return field.default if isinstance(field.default, int) else strawberry.UNSET


def _plain(annotation: Any) -> Any:
    """Return the type of a field of a contract without limits, choices and null."""
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return _plain(arguments[0])
    if origin is Literal:
        return str
    if origin is list:
        return list[_plain(arguments[0])]  # type: ignore[misc]  # made at run time
    if origin in {Union, UnionType}:
        [option] = [each for each in arguments if each is not NoneType]
        return _plain(option)
    return annotation
