"""What a request says: a document, the name of its operation, and variables."""

import json
from typing import Any, NamedTuple, NoReturn

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


def read_strictly(body: bytes | str) -> Any:
    """Return what JSON says: no NaN, nothing beyond what numbers and nesting may be.

    Raises:
        BadUserInput
    """
    try:
        return json.loads(body, parse_constant=_no_constant)
    except (ValueError, RecursionError):
        raise BadUserInput("The request is not valid JSON.") from None


def _no_constant(name: str) -> NoReturn:
    raise ValueError(name)
