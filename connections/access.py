"""From the text of an access token to the principal it stands for.

Like API keys (apikeys/access.py): one statement, which the MCP door runs on its event loop and other faces through
Django's connection, gives the token, its connection, the person and their organizations as they are at that moment.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

from django.db import connection
from django.db.models import IntegerField, Q, QuerySet, Value
from django.utils import timezone

from accounts.models import User, shown_name
from apikeys.access import CLIENT_LENGTH, USE_RECORDED_EVERY, moment
from connections import resources
from connections.models import Connection, ConnectionLibrary
from orgs.access import BearerPrincipal, Level, OrganizationRef, Origin, libraries_of, manages_library
from orgs.contracts import Identities, Identity, LibraryAccess
from orgs.models import Library, Membership
from raster.errors import Forbidden, InsufficientScope, LibraryReadOnly, OrganizationNotFound, Unauthenticated

# The memberships that a connection reaches: Connection.reached_memberships() in SQL. tests/connections/
# test_fast_lookups.py compares the statements here with the querysets.
_GRANTED = """m.user_id = c.user_id AND CASE WHEN c.all_organizations THEN NOT EXISTS (
        SELECT 1 FROM connections_apppolicy p WHERE p.organization_id = m.organization_id AND m.created > c.created
        AND (NOT p.allows_apps OR (c.way = 'device' AND NOT p.allows_devices)))
    ELSE EXISTS (
        SELECT 1 FROM connections_connectionmembership g WHERE g.connection_id = c.id AND g.membership_id = m.id) END"""
_CONNECTION = """c.id, c.ended, c.expires, c.all_organizations, c.narrowed, c.asked_write, c.may_write,
           c.last_used, k.name, k.is_active AND k.edition = c.client_edition, u.id, u.email, u.name, u.is_active,
           o.id, o.slug, o.name"""
_ITS_PARTS = f"""
    JOIN connections_client k ON k.id = c.client_id
    JOIN accounts_user u ON u.id = c.user_id
    LEFT JOIN orgs_membership m ON {_GRANTED}
    LEFT JOIN orgs_organization o ON o.id = m.organization_id"""
#: A token with its connection and person, once for each organization that it reaches (once, with empty ones, for none).
TOKEN_STATEMENT = f"""
    SELECT t.expires, t.resource, t.may_write, {_CONNECTION}
    FROM connections_accesstoken t JOIN connections_connection c ON c.id = t.connection_id {_ITS_PARTS}
    WHERE t.digest = %s ORDER BY o.name, o.slug
"""  # noqa: S608 - put together of constants
#: The same of a connection without a token, for what was made through it: as a token of all that it grants.
CONNECTION_STATEMENT = f"""
    SELECT c.expires, c.resource, c.may_write, {_CONNECTION}
    FROM connections_connection c {_ITS_PARTS}
    WHERE c.id = %s ORDER BY o.name, o.slug
"""  # noqa: S608 - put together of constants
#: Every level that a connection's person has at this moment where the connection reaches.
LEVELS_STATEMENT = f"""
    SELECT m.organization_id, l.slug,
           CASE WHEN m.role IN ('owner', 'admin') OR r.role IN ('owner', 'editor') THEN 2 ELSE 1 END
    FROM connections_connection c
    JOIN orgs_membership m ON {_GRANTED}
    JOIN orgs_library l ON l.organization_id = m.organization_id
    LEFT JOIN orgs_librarymembership r ON r.membership_id = m.id AND r.library_id = l.id
    WHERE c.id = %s AND (m.role IN ('owner', 'admin') OR r.id IS NOT NULL) AND (NOT c.narrowed OR EXISTS (
        SELECT 1 FROM connections_connectionlibrary n WHERE n.connection_id = c.id AND n.library_id = l.id))
    ORDER BY l.name, l.slug
"""  # noqa: S608 - put together of constants
REFUSED = "This access token was refused: it is unknown, expired or was revoked."
OVER = "This access token was refused: its connection is over."


class ConnectionIsOver(Exception):
    """A connection has lost the person or the organizations that it stood for, and is to be ended."""

    def __init__(self, connection_id: int) -> None:
        self.connection_id = connection_id
        super().__init__(f"connection {connection_id}")


@dataclass(frozen=True)
class ConnectionPrincipal(BearerPrincipal):
    """A person, through a client they connected: reaches what the person reaches, within what they granted.

    ``may_write`` says whether the token has write; ``withheld`` whether it was asked for and not given.
    """

    connection_id: int
    person_id: int
    email: str
    name: str
    client_name: str
    all_organizations: bool
    narrowed: bool
    may_write: bool
    withheld: bool
    #: The digest of its token, and the resource that was called; None for a connection without a token.
    token: bytes | None = field(repr=False)
    resource: str | None

    is_person: ClassVar[bool] = True
    identity_statement: ClassVar[str] = LEVELS_STATEMENT
    CREDENTIAL_CLASS: ClassVar[str] = "connection"

    @property
    def has_write(self) -> bool:
        return self.may_write

    @property
    def credential(self) -> tuple[str, int]:
        return self.CREDENTIAL_CLASS, self.connection_id

    @property
    def identity_parameter(self) -> int:
        return self.connection_id

    @property
    def label(self) -> str:
        return shown_name(self.name, self.email)

    @property
    def audit_label(self) -> str:
        return f"{self.email} through {self.client_name}"

    @property
    def user_id(self) -> int:
        return self.person_id

    def confirm(self) -> "ConnectionPrincipal":
        held = Connection.objects.select_for_update(no_key=True).filter(pk=self.connection_id)
        person = User.objects.select_for_update(no_key=True).filter(pk=self.person_id)
        if not held.exists() or not person.exists():
            raise Unauthenticated(REFUSED)
        with connection.cursor() as cursor:
            if self.token is None:
                cursor.execute(CONNECTION_STATEMENT, [self.connection_id])
            else:
                cursor.execute(TOKEN_STATEMENT, [self.token])
            rows = cursor.fetchall()
        try:
            return principal_from_rows(rows, self.origin, self.resource, self.token)
        except ConnectionIsOver:
            # This transaction is undone, so the next request ends the connection.
            raise Unauthenticated(OVER) from None

    def organization(self, slug: str) -> OrganizationRef:
        for organization in self.organizations:
            if organization.slug == slug:
                return organization
        raise OrganizationNotFound

    def managed_organization(self, slug: str) -> OrganizationRef:
        """Refuse: settings are for people on the pages, not for what they connected."""
        self.organization(slug)
        raise Forbidden

    def libraries(self) -> QuerySet[Library]:
        reach = libraries_of(self.person_id).filter(organization__in=[each.id for each in self.organizations])
        if self.narrowed:
            reach = reach.filter(connection_choices__connection=self.connection_id)
        if not self.may_write:
            only = Value(Level.READ, output_field=IntegerField())
            reach = reach.annotate(level=only)  # type: ignore[no-redef]  # declared on the model, filled here
        return reach

    def library(self, organization: str, library: str, level: Level, *, lock: bool = False) -> Library:
        """Return a library as every principal does; write also needs a connection that was given write.

        Raises:
            InsufficientScope: the library is in reach, and the connection was not given write.
        """
        try:
            return super().library(organization, library, level, lock=lock)
        except LibraryReadOnly:
            self._check_may_write()
            raise

    def may_manage(self, library: Library) -> bool:
        return manages_library(self.person_id, library)

    def check_may_create_library(self, organization: OrganizationRef) -> None:
        self._check_may_write()
        if not self._roles(organization).filter(role=Membership.Role.OWNER).exists():
            raise Forbidden("Only owners of the organization create libraries through an app.")

    def sees_every_library(self, organization: OrganizationRef) -> bool:
        return not self.narrowed and self._roles(organization).filter(role__in=Membership.MANAGERS).exists()

    def adopt(self, library: Library) -> None:
        if self.narrowed:
            ConnectionLibrary.objects.create(connection_id=self.connection_id, library=library)

    def identity(self, rows: Iterable[Sequence[Any]]) -> Identity | Identities:
        libraries: dict[int, list[LibraryAccess]] = {organization.id: [] for organization in self.organizations}
        for organization_id, slug, level in rows:
            if organization_id in libraries:
                word = Level(level if self.may_write else Level.READ).word
                libraries[organization_id].append(LibraryAccess(library=slug, access=word))
        identities = [
            Identity(organization_id=each.slug, organization_name=each.name, libraries=libraries[each.id])
            for each in self.organizations
        ]
        several = self.all_organizations or len(identities) > 1  # what is left of all, after an admin took one out
        return Identities(organizations=identities) if several else identities[0]

    def record_use(self) -> None:
        now = timezone.now()
        due = Q(last_used=None) | Q(last_used__lt=now - USE_RECORDED_EVERY)
        Connection.objects.filter(due, pk=self.connection_id).update(
            last_used=now,
            last_used_address=self.origin.address,
            last_used_client=self.origin.client[:CLIENT_LENGTH],
        )

    def _check_may_write(self) -> None:
        if not self.may_write:
            raise InsufficientScope(withheld=self.withheld)

    def _roles(self, organization: OrganizationRef) -> QuerySet[Membership]:
        return Membership.objects.filter(organization_id=organization.id, user=self.person_id)


def principal_from_rows(
    rows: Sequence[Sequence[Any]], origin: Origin, resource: str | None = None, token: bytes | None = None
) -> ConnectionPrincipal:
    """Return the principal of an access token at a resource, from the rows that ``TOKEN_STATEMENT`` found for it.

    ``resource`` is the row of connections/resources.py that was called, and ``token`` the token's digest; None for a
    connection without a token.

    Raises:
        Unauthenticated: there is no such token, it has expired or was revoked, or it is for another resource.
        ConnectionIsOver: its person was deactivated or has left every organization that it was granted.
    """
    refused = Unauthenticated(REFUSED)
    if not rows:
        raise refused
    (
        token_expires, token_resource, token_writes, connection_id, ended, connection_expires, all_organizations,
        narrowed, asked_write, may_write, last_used, client_name, client_stands, person_id, email, name, active, *_,
    ) = rows[0]  # fmt: skip
    now = timezone.now()
    if ended is not None or not client_stands or moment(token_expires) <= now or moment(connection_expires) <= now:
        raise refused
    organizations = tuple(OrganizationRef(*row[-3:]) for row in rows if row[-3] is not None)
    if not active or not organizations:
        raise ConnectionIsOver(connection_id)
    pinned = resources.organization_of(token_resource)
    reached = tuple(each for each in organizations if pinned in {None, each.slug})
    if (resource is not None and not resources.admits(token_resource, resource)) or not reached:
        raise refused
    return ConnectionPrincipal(
        origin=origin,
        organizations=reached,
        is_shown_writes=bool(may_write or not asked_write),
        use_is_due=last_used is None or moment(last_used) < now - USE_RECORDED_EVERY,
        connection_id=connection_id,
        person_id=person_id,
        email=email,
        name=name,
        client_name=client_name,
        all_organizations=bool(all_organizations) and pinned is None,
        narrowed=bool(narrowed),
        may_write=bool(may_write and token_writes),
        withheld=bool(asked_write and not may_write),
        token=token,
        resource=resource,
    )
