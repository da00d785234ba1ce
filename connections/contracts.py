"""What goes into the operations on connections, and what comes out."""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated

from pydantic import Field

from connections.models import Client, DeviceAuthorization
from connections.return_address import ReturnPlace
from connections.scopes import Asked
from connections.trust import Trust
from orgs.access import OrganizationRef
from orgs.models import SLUG_LENGTH
from raster.contracts import ADDRESS_LENGTH, Contract, OrganizationId, Text

MOST_CHOSEN_LIBRARIES = 10_000
FIRST_LIBRARIES = 12


@dataclass(frozen=True, slots=True)
class AskedAuthorization:
    """What a client asks a person for, after every check that needs no person.

    ``resource`` is a row of connections/resources.py. A device has no return address, so ``redirect_uri`` is empty.
    """

    client: Client
    redirect_uri: str
    state: str | None
    code_challenge: str
    scope: Asked
    resource: str
    device: DeviceAuthorization | None = None


@dataclass(frozen=True, slots=True)
class StartedDevice:
    """What a device is told, and shows to its person (RFC 8628, section 3.2). Times are in seconds."""

    device_code: str
    user_code: str
    expires_in: int
    interval: int


@dataclass(frozen=True, slots=True)
class Reach:
    """What a connection may do, as its person granted it; their own access at the moment is the limit of it.

    ``libraries`` are the chosen ones by name, where it is ``narrowed``.
    """

    may_write: bool
    all_organizations: bool
    narrowed: bool
    libraries: list[str]


@dataclass(frozen=True, slots=True)
class OwnConnection:
    """A connection as its person sees it."""

    id: int
    organizations: list[OrganizationRef]
    reach: Reach
    way: str
    connected: datetime
    expires: datetime
    last_used: datetime | None
    last_used_address: str
    last_used_client: str


@dataclass(frozen=True, slots=True)
class AppFacts:
    """What lists say of an app: its name, how sure it is who it is, and where it returns to."""

    name: str
    trust: str
    returns_to: str


@dataclass(frozen=True, slots=True)
class ConnectedApp:
    """An app and its connections to one person, the newest first."""

    id: int
    app: AppFacts
    connections: list[OwnConnection]


@dataclass(frozen=True, slots=True)
class MemberConnection:
    """A member's connection as the admins of one organization see it: as far as it reaches this organization."""

    id: int
    member_name: str
    member_email: str
    app: AppFacts
    reach: Reach
    way: str
    connected: datetime
    last_used: datetime | None


class RemoveConnection(Contract):
    """Takes an organization out of a connection of one of its members."""

    organization_id: OrganizationId
    connection_id: int


class ChangeAppPolicy(Contract):
    """Says what members may connect from now on; what is connected stays."""

    organization_id: OrganizationId
    allows_apps: bool
    allows_devices: bool


class Allow(Contract):
    """Allows what a person was shown, within what they chose there.

    ``libraries`` are ``organization/library``, by their slugs; with none the connection is not narrowed.
    """

    request_id: Annotated[str, Text(ADDRESS_LENGTH)]
    organization_id: OrganizationId | None = None
    all_organizations: bool = False
    read_only: bool = False
    libraries: list[Annotated[str, Text(2 * SLUG_LENGTH + 1)]] = Field(
        default_factory=list, max_length=MOST_CHOSEN_LIBRARIES
    )


@dataclass(frozen=True, slots=True)
class LibraryChoice:
    """A library that the person reaches. ``can_write`` is what the connection could do where write is given."""

    path: str
    slug: str
    name: str
    can_write: bool
    is_chosen: bool


@dataclass(frozen=True, slots=True)
class OrganizationChoice:
    """An organization of the person, and what of it they reach; nothing is said of one that cannot be chosen."""

    slug: str
    name: str
    role: str
    is_allowed: bool
    is_chosen: bool
    libraries: list[LibraryChoice]

    @property
    def first(self) -> list[LibraryChoice]:
        return self.libraries[:FIRST_LIBRARIES]

    @property
    def is_narrowed(self) -> bool:
        return any(library.is_chosen for library in self.libraries)

    @property
    def more(self) -> int:
        return max(0, len(self.libraries) - FIRST_LIBRARIES)


@dataclass(frozen=True, slots=True)
class DeviceStart:
    """Where and when a device's request was started, as far as that is known."""

    address: str
    user_agent: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Consent:
    """What a person is asked, all of it; with no organization where the one that the app names cannot be chosen.

    ``is_named`` says that the app asks for one organization; ``refused_address`` tells it that it was refused;
    ``again`` is where all began, for another account.
    """

    request_id: str
    client_id: int
    app_name: str
    trust: Trust
    has_logo: bool
    returns_to: ReturnPlace | None
    organizations: list[OrganizationChoice]
    is_named: bool
    offers_all: bool
    all_is_chosen: bool
    asked_write: bool
    read_only: bool
    may_refresh: bool
    device: DeviceStart | None
    refused_address: str
    again: str

    @property
    def can_be_allowed(self) -> bool:
        return any(organization.is_allowed for organization in self.organizations)
