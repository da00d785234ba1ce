"""What goes into the operations on connections, and what comes out."""

from dataclasses import dataclass

from connections.models import Client, DeviceAuthorization


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
