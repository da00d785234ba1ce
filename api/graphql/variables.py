"""Which variables fit which arguments: ids and other texts are interchangeable, since JSON has strings for both."""

import re
from typing import Any

from graphql import (
    GraphQLError,
    GraphQLType,
    OperationDefinitionNode,
    TypeNode,
    parse_type,
    print_ast,
    type_from_ast,
)
from graphql.validation import VariablesInAllowedPositionRule
from graphql.validation.rules.variables_in_allowed_position import allowed_variable_usage

OTHER = {"ID": "String", "String": "ID"}


class TextOrIDRule(VariablesInAllowedPositionRule):
    """GraphQL's own rule, but a variable declared ``ID`` may stand where ``String`` is expected, and vice versa.

    Clients in the field declare the same argument either way.
    """

    def leave_operation_definition(self, operation: OperationDefinitionNode, *_args: Any) -> None:
        for usage in self.context.get_recursive_variable_usages(operation):
            definition = self.var_def_map.get(usage.node.name.value)
            if definition is None or usage.type is None:
                continue
            declared = self._types(definition.type)
            if declared and not any(
                allowed_variable_usage(
                    self.context.schema, each, definition.default_value, usage.type, usage.default_value
                )
                for each in declared
            ):
                self.report_error(
                    GraphQLError(
                        f"Variable '${definition.variable.name.value}' of type '{declared[0]}' used in position "
                        f"expecting type '{usage.type}'.",
                        [definition, usage.node],
                    )
                )

    def _types(self, node: TypeNode) -> list[GraphQLType]:
        """Return the type that a variable is declared with, and the same with ``ID`` and ``String`` exchanged."""
        exchanged = parse_type(re.sub(r"\w+", lambda name: OTHER.get(name[0], name[0]), print_ast(node)))
        found = (type_from_ast(self.context.schema, each) for each in (node, exchanged))
        return [each for each in found if each is not None]
