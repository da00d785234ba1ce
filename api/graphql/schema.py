"""The schema, and how a request is run by it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import strawberry
from graphql import (
    DocumentNode,
    FieldNode,
    GraphQLError,
    GraphQLSyntaxError,
    OperationDefinitionNode,
    OperationType,
    specified_rules,
    validate,
)
from graphql.validation import VariablesInAllowedPositionRule
from strawberry.extensions import SchemaExtension
from strawberry.schema.config import StrawberryConfig
from strawberry.types import ExecutionContext

from api.graphql.context import Context
from api.graphql.fields import roots
from api.graphql.limits import LONGEST_KEPT, MOST_KEPT, Limits, operation_of, parse_document
from api.graphql.types import BIG_INT, UPLOAD, BigInt, Upload
from api.graphql.variables import TextOrIDRule
from orgs.access import BearerPrincipal
from raster.errors import BadUserInput, RasterError

MOST_PROBLEMS = 5
MESSAGE_LENGTH = 500
RULES = [TextOrIDRule if rule is VariablesInAllowedPositionRule else rule for rule in specified_rules]


class _Prepared(SchemaExtension):
    """Hands over the document that was parsed and validated before."""

    def on_operation(self) -> Iterator[None]:
        context = self.execution_context.context
        if isinstance(context, Context):
            self.execution_context.graphql_document = context.request.document
            self.execution_context.validation_rules = ()
        yield


class _Schema(strawberry.Schema):
    def process_errors(self, errors: list[GraphQLError], execution_context: ExecutionContext | None = None) -> None:
        """Log nothing: what is unexpected is raised again by :func:`execute`."""


schema = _Schema(
    *roots(),
    config=StrawberryConfig(scalar_map={BigInt: BIG_INT, Upload: UPLOAD}),
    extensions=[_Prepared],
)


@dataclass(frozen=True)
class Request:
    """A request that is valid, and within the limits."""

    document: DocumentNode
    operation: OperationDefinitionNode
    variables: dict[str, Any]
    root_fields: Sequence[FieldNode]

    @property
    def is_mutation(self) -> bool:
        return self.operation.operation is OperationType.MUTATION

    @property
    def summary(self) -> str:
        """What it asks for, for the access log."""
        return " ".join(field.name.value for field in self.root_fields)


@dataclass(frozen=True)
class Outcome:
    """What a request ended as, and the errors of the catalogue that are in it."""

    body: dict[str, Any]
    refusals: Sequence[RasterError] = ()


def prepare(text: str, name: str | None, variables: dict[str, Any]) -> Request | Outcome:
    """Return a request that may be run, or what is wrong with it.

    Raises:
        BadUserInput: it asks for more than one may.
    """
    try:
        document = parse_document(text)
    except GraphQLSyntaxError as error:
        return _refused([error])
    operation = operation_of(document, name)
    root_fields = Limits(document, variables).check(operation)
    errors = _kept_problems(text) if len(text) <= LONGEST_KEPT else _problems(text)
    return _refused(errors[:MOST_PROBLEMS]) if errors else Request(document, operation, variables, root_fields)


def _problems(text: str) -> list[GraphQLError]:
    return validate(schema._schema, parse_document(text), RULES, max_errors=MOST_PROBLEMS)  # noqa: SLF001 - no other way to it


_kept_problems = lru_cache(maxsize=MOST_KEPT)(_problems)


def execute(request: Request, principal: BearerPrincipal) -> Outcome:
    """Run a request. What goes wrong unexpectedly is raised."""
    result = schema.execute_sync(
        None,
        request.variables,
        Context(principal, request),
        operation_name=request.operation.name.value if request.operation.name else None,
    )
    if not result.errors:
        return Outcome({"data": result.data})
    return _refused(result.errors, data=result.data)


def refusal_body(refusal: RasterError) -> dict[str, Any]:
    """Return the answer to a request of which nothing was run."""
    return {"errors": [{"message": refusal.message, "extensions": _extensions(refusal)}]}


def _refused(errors: Sequence[GraphQLError], **more: Any) -> Outcome:
    refusals = [_refusal(error) for error in errors]
    shown = [
        {**error.formatted, "message": refusal.message, "extensions": _extensions(refusal)}
        for error, refusal in zip(errors, refusals, strict=True)
    ]
    return Outcome({"errors": shown, **more}, refusals)


def _refusal(error: GraphQLError) -> RasterError:
    """Return an error in the catalogue's words; raise what was not expected."""
    original: Exception | None = error
    while isinstance(original, GraphQLError):
        original = original.original_error
    if original is None:
        return BadUserInput(error.message[:MESSAGE_LENGTH])
    if isinstance(original, RasterError):
        return original
    raise original


def _extensions(refusal: RasterError) -> dict[str, Any]:
    return {"code": refusal.code, "http": {"status": refusal.status}, **refusal.subject}
