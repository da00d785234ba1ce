"""What a REST request brings its operation: arguments from its path, its query string and its body."""

from typing import Any
from urllib.parse import parse_qs

from api.rest.endpoints import Endpoint
from api.rest.versions import contract_of
from raster.contracts import NAME_SHOWN, Contract, read_json, read_query, read_strictly
from raster.errors import BadUserInput

MOST_PARAMETERS = 1000


def read_command(
    endpoint: Endpoint, version: str, places: dict[str, str], query: bytes, arguments: dict[str, Any]
) -> Contract:
    """Return what an endpoint is asked for: ``places`` are the arguments of the path, ``arguments`` the body's.

    Raises:
        BadUserInput: naming each argument that does not fit, or that comes from two places.
    """
    contract = contract_of(version, endpoint)
    asked = read_query(contract, _parameters(query))
    if asked and not endpoint.takes_query:
        raise BadUserInput((_name(asked), "send it in the body, not in the address"))
    for more in (asked, arguments):
        if twice := places.keys() & more.keys():
            raise BadUserInput((_name(twice), "is in the path already"))
    if twice := asked.keys() & arguments.keys():
        raise BadUserInput((_name(twice), "comes both in the address and in the body"))
    return read_json(contract, {**places, **asked, **arguments})


def read_body(content_type: str, body: bytes) -> dict[str, Any]:
    """Return the arguments in a body: strict JSON, in UTF-8, or nothing at all.

    Raises:
        BadUserInput: it is of another type, malformed, no object, or an argument comes twice.
    """
    if not body:
        return {}
    kind = content_type.partition(";")[0].strip().lower()
    if kind and kind != "application/json" and not (kind.startswith("application/") and kind.endswith("+json")):
        raise BadUserInput("Send the arguments as JSON, with 'Content-Type: application/json'.")
    arguments = read_strictly(body)
    if not isinstance(arguments, dict):
        raise BadUserInput("Send the arguments as a JSON object.")
    return arguments


def _parameters(query: bytes) -> dict[str, list[str]]:
    try:
        return parse_qs(query.decode("latin-1"), keep_blank_values=True, max_num_fields=MOST_PARAMETERS)
    except ValueError:
        raise BadUserInput(f"An address has at most {MOST_PARAMETERS} parameters.") from None


def _name(names: Any) -> str:
    """Return one of some names, the same each time."""
    first: str = min(names)
    return first[:NAME_SHOWN]
