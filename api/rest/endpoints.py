"""The endpoints of the REST API: the operations of the catalogue that it offers, each as a method of a path.

The addresses, the views, the OpenAPI document and the reference page are made from them.
"""

from dataclasses import dataclass

from api.catalogue import OPERATIONS, Operation, Rest

#: The fields of forms with files that are files.
FILES = "files"


@dataclass(frozen=True)
class Endpoint:
    """An operation, as REST offers it."""

    operation: Operation
    rest: Rest

    @property
    def name(self) -> str:
        return self.operation.name

    @property
    def takes_query(self) -> bool:
        """Whether arguments may be in the query; a DELETE takes them there as well, as many programs send no body."""
        return self.rest.method in {"GET", "DELETE"}

    @property
    def takes_body(self) -> bool:
        return self.rest.method != "GET"

    @property
    def needs_arguments(self) -> bool:
        """Whether there are arguments beyond the path's that cannot be left out."""
        required = {field.alias for field in self.operation.takes.model_fields.values() if field.is_required()}
        return self.operation.takes_files or not required <= set(self.rest.places)


ENDPOINTS = tuple(Endpoint(operation, operation.rest) for operation in OPERATIONS if operation.rest is not None)
