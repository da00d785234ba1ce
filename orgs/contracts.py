"""What the operations on organizations and their members take."""

from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from orgs.models import NAME_LENGTH, SLUG_LENGTH
from raster.contracts import Contract, LibraryId, Line, OrganizationId, Record

Role = Literal["owner", "admin", "member"]
LibraryRole = Literal["owner", "editor", "viewer"]


def _name(text: str) -> str:
    if not 1 <= len(text) <= NAME_LENGTH:
        raise ValueError(f"a name has 1 to {NAME_LENGTH} characters")
    return text


Name = Annotated[Line, AfterValidator(_name)]


class CreateOrganization(Contract):
    name: Name
    slug: str | None = Field(default=None, max_length=SLUG_LENGTH, pattern=r"^[a-z0-9](-?[a-z0-9])*$")


class AddMember(Contract):
    """Library roles that are named are set; the member's others stay."""

    organization_id: OrganizationId
    email: str
    role: Role = "member"
    libraries: dict[LibraryId, LibraryRole] = {}


class ChangeRole(Contract):
    organization_id: OrganizationId
    user_id: int
    role: Role


class RemoveMember(Contract):
    organization_id: OrganizationId
    user_id: int


class OrganizationRecord(Record):
    id: str
    name: str
