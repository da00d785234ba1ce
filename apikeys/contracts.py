"""What the operations on API keys take and return."""

from datetime import datetime
from typing import Annotated, Literal

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from pydantic import AfterValidator, Field

from apikeys.models import NAME_LENGTH
from orgs.contracts import Name
from raster.contracts import ADDRESS_LENGTH, EMAIL_LENGTH, Contract, LibraryId, Line, OrganizationId, Record, ShownLine

Access = Literal["none", "read", "write"]


def _email(text: str) -> str:
    try:
        validate_email(text)
    except ValidationError:
        raise ValueError("must be an email address") from None
    return text.lower()


KeyName = Annotated[str, Line(NAME_LENGTH, "a key's name")]
#: As it stands in the address of a page.
ClaimSecret = Annotated[str, Field(max_length=ADDRESS_LENGTH)]
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


class StartOrganization(Contract):
    email: Annotated[str, Line(EMAIL_LENGTH, "an email address"), AfterValidator(_email)] = Field(
        description="The address of the person whom the organization is for: they can claim it."
    )
    name: Name | None = Field(default=None, description="The organization's name.")


class StartedOrganization(Record):
    """An organization that nobody has claimed yet, with one library and a key that writes to it."""

    organization_id: str
    library_id: str
    api_key: str = Field(repr=False, description="An API key with write on the library. It is told once: keep it.")
    claim_url: str = Field(
        repr=False,
        description="Give this link to the person whom it is for, and to nobody else: whoever has it can take the "
        "organization over.",
    )
    expires_at: int = Field(
        description="When it is removed, unless it is claimed or used: unix time in milliseconds. "
        "From its first use on it is kept for 30 days."
    )
    email_sent: bool = Field(description="Whether the link was mailed to the address too: at most once a day.")


class FindClaim(Contract):
    secret: ClaimSecret


class ClaimOrganization(Contract):
    secret: ClaimSecret
    regenerate: bool = Field(description="Whether the key gets a new value; if not, whoever has it keeps it.")
    is_somebody_else: bool = Field(default=False, description="I have another address and was given the link.")


class ClaimRecord(Record):
    """What somebody claims. ``is_theirs``: they verified the address for which it was started."""

    organization_id: str
    name: ShownLine
    library: ShownLine
    assets: int
    size: int = Field(description="Bytes.")
    key_name: ShownLine
    key_label: str
    key_created: datetime
    key_created_from: str
    key_last_used: datetime | None
    key_last_used_client: ShownLine
    unclaimed_until: datetime
    is_theirs: bool


class Claimed(Record):
    organization_id: str
    key: RevealedKey | None = Field(description="The key's new value, where it got one.")
