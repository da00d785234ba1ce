"""What a request says: a document, the name of its operation, and variables."""

from typing import Any, NamedTuple
from urllib.parse import parse_qs

from raster.contracts import read_strictly
from raster.errors import BadUserInput

MOST_PARAMETERS = 10


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
    return _asked(read_strictly(body))


def read_query_string(query: bytes) -> Asked:
    """Return what a GET request asks: its variables are an object in JSON.

    Raises:
        BadUserInput
    """
    try:
        parameters = parse_qs(query.decode("ascii"), errors="strict", max_num_fields=MOST_PARAMETERS)
    except ValueError:
        raise BadUserInput("The query string is not valid.") from None
    if any(len(values) > 1 for values in parameters.values()):
        raise BadUserInput("The query string names a parameter twice.")
    request: dict[str, Any] = {name: values[0] for name, values in parameters.items()}
    if "variables" in request:
        request["variables"] = read_strictly(request["variables"])
    return _asked(request)


def _asked(request: Any) -> Asked:
    if not isinstance(request, dict):
        raise BadUserInput("Send one request: an object with query, and with variables and operationName if need be.")
    text, name, variables = request.get("query"), request.get("operationName"), request.get("variables")
    if not isinstance(text, str):
        raise BadUserInput(("query", "is required" if text is None else "must be a text"))
    if not isinstance(name, str | None):
        raise BadUserInput(("operationName", "must be a text"))
    if not isinstance(variables, dict | None):
        raise BadUserInput(("variables", "must be an object"))
    return Asked(text, name or None, variables or {})
