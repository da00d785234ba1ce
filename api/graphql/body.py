"""What a request says: a document, the name of its operation, and variables."""

from typing import Any, NamedTuple

from raster.contracts import read_strictly
from raster.errors import BadUserInput


class Asked(NamedTuple):
    """A request as it came."""

    text: str
    name: str | None
    variables: dict[str, Any]


def read_request(body: bytes | str) -> Asked:
    """Return what is asked.

    Raises:
        BadUserInput
    """
    request = read_strictly(body)
    if not isinstance(request, dict):
        raise BadUserInput("Send one request: an object with query, and with variables and operationName if need be.")
    text, name, variables = request.get("query"), request.get("operationName"), request.get("variables")
    if not isinstance(text, str):
        raise BadUserInput("query: is required" if text is None else "query: must be a text")
    if not isinstance(name, str | None):
        raise BadUserInput("operationName: must be a text")
    if not isinstance(variables, dict | None):
        raise BadUserInput("variables: must be an object")
    return Asked(text, name or None, variables or {})
