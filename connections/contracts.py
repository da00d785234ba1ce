"""What goes into the operations on connections, and what comes out."""

from dataclasses import dataclass
from datetime import datetime

from connections.models import Client, DeviceAuthorization
from orgs.access import OrganizationRef
from raster.contracts import Contract, OrganizationId


@dataclass(frozen=True, slots=True)
class AskedAuthorization:
    """What a client asks a person for, after every check that needs no person.

    ``resource`` is a row of connections/resources.py. A device has no return address, so ``redirect_uri`` is empty.
    """

    client: Client
    redirect_uri: str
    state: str | None
    code_challenge: str
    asked_write: bool
    all_organizations: bool
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
    """What a person is told of an app: the name it gives itself, how sure that is, and where it returns to."""

    name: str
    trust: str
    hosts: list[str]


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
