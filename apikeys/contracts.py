"""What the operations on API keys take and return."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from apikeys.models import NAME_LENGTH
from raster.contracts import Contract, LibraryId, Line, OrganizationId, Record

Access = Literal["none", "read", "write"]


def _key_name(text: str) -> str:
    if not 1 <= len(text) <= NAME_LENGTH:
        raise ValueError(f"a key's name has 1 to {NAME_LENGTH} characters")
    return text


KeyName = Annotated[Line, AfterValidator(_key_name)]
KeyId = Annotated[int, Field(description="The key's row, which stays when the key is regenerated.")]


class CreateKey(Contract):
    organization_id: OrganizationId
    name: KeyName
    expires_in_days: Literal[30, 90, 365] | None = None
    access: dict[LibraryId, Access] = Field(default_factory=dict)


class ScopeKey(Contract):
    """The access of the libraries that are named; the others keep theirs."""

    organization_id: OrganizationId
    key_id: KeyId
    access: dict[LibraryId, Access]


class RenameKey(Contract):
    organization_id: OrganizationId
    key_id: KeyId
    name: KeyName


class RegenerateKey(Contract):
    organization_id: OrganizationId
    key_id: KeyId


class DeleteKey(Contract):
    organization_id: OrganizationId
    key_id: KeyId


class RevealedKey(Record):
    """A key at the one moment when its secret is known."""

    key_id: int
    public_id: str
    name: str
    secret: str = Field(repr=False)
    expires: datetime | None
