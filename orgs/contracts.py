"""What the operations on organizations and their members take."""

from typing import Annotated, Literal

from pydantic import ConfigDict, Field

from orgs.models import NAME_LENGTH, SLUG_LENGTH
from raster.contracts import EMAIL_LENGTH, Contract, LibraryId, Line, OrganizationId, Record, ShownLine, Text

Role = Literal["owner", "admin", "member"]
LibraryRole = Literal["owner", "editor", "viewer"]


Name = Annotated[str, Line(NAME_LENGTH)]
Slug = Annotated[str, Text(SLUG_LENGTH, pattern=r"^[a-z0-9](-?[a-z0-9])*$")]


class CreateOrganization(Contract):
    name: Name
    slug: Slug | None = None


class LimitOrganization(Contract):
    """None is no limit of its own: the installation's holds."""

    organization_id: OrganizationId
    storage: int | None = Field(default=None, ge=0, le=2**62, description="Bytes of originals.")
    libraries: int | None = Field(default=None, ge=0, le=2**31 - 1)


class AddMember(Contract):
    """Library roles that are named are set; the member's others stay."""

    organization_id: OrganizationId
    email: Annotated[str, Text(EMAIL_LENGTH)]
    role: Role = "member"
    libraries: dict[LibraryId, LibraryRole] = Field(default={})


class ListMembers(Contract):
    organization_id: OrganizationId


class ChangeRole(Contract):
    organization_id: OrganizationId
    user_id: int
    role: Role


class RemoveMember(Contract):
    organization_id: OrganizationId
    user_id: int


class OrganizationRecord(Record):
    id: str
    name: ShownLine


class MemberLibrary(Record):
    name: ShownLine
    role: LibraryRole


class MemberRecord(Record):
    user_id: int
    email: str
    name: ShownLine
    role: Role
    sees_every_library: bool
    libraries: list[MemberLibrary] = Field(description="Where the member has a role of their own.")
    roles_to_give: list[Role] = Field(description="The roles that the caller may give them. None: no change at all.")

    @property
    def may_change(self) -> bool:
        """Whether the caller may change the role and remove the member."""
        return bool(self.roles_to_give)


class LibraryAccess(Record):
    library: str = Field(description="The library's id.")
    access: Literal["read", "write"]


class Identity(Record):
    """An organization that a credential reaches, and its libraries that it reaches right now."""

    organization_id: str
    organization_name: ShownLine
    plan: Literal["self-hosted"] = "self-hosted"
    libraries: list[LibraryAccess]


class Identities(Record):
    """The same for a credential that reaches every organization of its person."""

    organizations: list[Identity]


class AnyIdentity(Identity, Identities):
    """The schema of both: it requires nothing, since each kind of credential is told another part of it."""

    model_config = ConfigDict(json_schema_extra=lambda schema: schema.update(required=[]))
