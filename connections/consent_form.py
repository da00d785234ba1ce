"""What a person chose on the consent page. What they may choose is the operation's to say."""

from typing import Any

from django.http import QueryDict

from connections.contracts import Allow
from raster.contracts import read_json
from raster.errors import BadUserInput

#: The choice of every organization; no slug looks like it.
ALL_ORGANIZATIONS = "*"


def read_answer(data: QueryDict, request_id: str) -> Allow | None:
    """Return what a person allows, or None where they refuse.

    Raises:
        BadUserInput: it is neither.
    """
    decision = data.get("decision")
    if decision == "cancel":
        return None
    if decision != "allow":
        raise BadUserInput("Choose Allow or Cancel.")
    organization = data.get("organization", "")
    arguments: dict[str, Any] = {
        "request_id": request_id,
        "organization_id": None if organization in {"", ALL_ORGANIZATIONS} else organization,
        "all_organizations": organization == ALL_ORGANIZATIONS,
        "read_only": "read_only" in data,
        "libraries": data.getlist("library"),
    }
    return read_json(Allow, arguments)
