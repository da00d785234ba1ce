"""What the fields of one request share: who asks, and what is loaded for several of them at once."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar, cast

import strawberry
from graphql import IntValueNode, StringValueNode, ValueNode, VariableNode
from pydantic.alias_generators import to_camel

from api.graphql.limits import MOST_COST, too_much
from assets.contracts import AssetRecord, GetAsset, GetAssets
from assets.operations.assets import get_assets
from orgs.access import BearerPrincipal
from raster.contracts import AnyContract, read_json
from raster.errors import BadUserInput, ResourceNotFound

Result = TypeVar("Result")
AnyResolver = TypeVar("AnyResolver", bound=Callable[..., Any])


@dataclass
class Context:
    """Of one request.

    ``loaded`` are the assets that were loaded for several of its fields, ``left`` the values that may still come of
    lists of any length.
    """

    principal: BearerPrincipal
    request: Any
    loaded: dict[tuple[str, str], dict[str, AssetRecord]] = field(default_factory=dict)
    left: int = MOST_COST

    def spend(self, info: "Info", entries: Sequence[Any] | None) -> None:
        """Count what a list holds whose size no argument says: judging the document had to guess it.

        Raises:
            BadUserInput: with it the answer holds more values than one may.
        """
        nodes = info._raw_info.field_nodes  # noqa: SLF001 - what graphql-core knows of the field
        fields = sum(len(node.selection_set.selections) for node in nodes if node.selection_set)
        self.left -= len(entries or ()) * (1 + fields)
        if self.left < 0:
            raise too_much()


Info = strawberry.Info[Context, None]


def answers(shown: object, description: str) -> Callable[[AnyResolver], AnyResolver]:
    """Make a method a field that is of the type ``shown``, whatever record it returns."""
    made: Callable[[AnyResolver], AnyResolver] = strawberry.field(
        graphql_type=cast("Any", shown), description=description
    )
    return made


def call(
    info: Info, operation: Callable[[Any, AnyContract], Result], contract: type[AnyContract], **arguments: Any
) -> Result:
    """Run an operation by its contract, as the other APIs do; what is null was not given."""
    given = {
        to_camel(name): value
        for name, value in arguments.items()
        if value is not None and value is not strawberry.UNSET
    }
    return operation(info.context.principal, read_json(contract, given))


def asset_of(info: Info, **arguments: Any) -> AssetRecord:
    """Return an asset. The first field that asks loads those of all fields that ask for one of the same library."""
    command = read_json(GetAsset, {to_camel(name): value for name, value in arguments.items()})
    place = command.organization_id, command.library_id
    context = info.context
    if place not in context.loaded:
        wanted = dict.fromkeys([command.asset_id, *_also_wanted(info, place)])
        batch = GetAssets(organization_id=place[0], library_id=place[1], ids=list(wanted))
        context.loaded[place] = get_assets(context.principal, batch)
    found = context.loaded[place].get(command.asset_id)
    if found is None:
        raise ResourceNotFound
    return found


def _also_wanted(info: Info, place: tuple[str, str]) -> list[str]:
    """Return which assets of a library the fields beside this one ask for; what is no id, its own field refuses."""
    wanted = []
    for node in info.context.request.root_fields:
        if node.name.value == info.field_name:
            arguments = {argument.name.value: _value(info, argument.value) for argument in node.arguments or ()}
            try:
                command = read_json(GetAsset, arguments)
            except BadUserInput:
                continue
            if (command.organization_id, command.library_id) == place:
                wanted.append(command.asset_id)
    return wanted


def _value(info: Info, node: ValueNode) -> Any:
    if isinstance(node, VariableNode):
        return info.variable_values.get(node.name.value)
    return node.value if isinstance(node, StringValueNode | IntValueNode) else None
