"""Who may do what: the principal, and the one way from slugs to the rows it may reach.

Nothing else decides about access. Every face makes one principal for a request, every operation takes it first, and
what is out of reach is never loaded.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Any, ClassVar, Literal

from django.db.models import Case, Exists, IntegerField, OuterRef, Q, QuerySet, Subquery, Value, When

from accounts.models import User
from orgs.contracts import Identities, Identity
from orgs.models import Library, LibraryMembership, Membership, Organization
from raster.contracts import shown_line
from raster.errors import Forbidden, LibraryNotAuthorized, LibraryReadOnly, OrganizationNotFound, Unauthenticated

#: Of the name that a program gives itself.
MOST_SHOWN = 500


class Level(IntEnum):
    """What a principal may do with a library. Write includes read."""

    READ = 1
    WRITE = 2

    @property
    def word(self) -> Literal["read", "write"]:
        """The level as the APIs spell it."""
        return "write" if self is Level.WRITE else "read"


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a request came from, for the audit log."""

    face: str
    address: str = ""
    user_agent: str = ""
    request_id: str = ""

    @property
    def client(self) -> str:
        """What the program calls itself, as rows and pages have it: the beginning, on one line."""
        return shown_line(self.user_agent[:MOST_SHOWN])


@dataclass(frozen=True, slots=True)
class OrganizationRef:
    """An organization that the principal belongs to."""

    id: int
    slug: str
    name: str


@dataclass(frozen=True)
class Principal(ABC):
    """The resolved caller of a request: through which credential it came and what it reaches.

    Levels are not loaded with it, since a key may have thousands: :meth:`library` joins the one that is asked for.
    """

    origin: Origin

    #: Whether this is a person, who alone may do some things (an approval needs a person's name).
    is_person: ClassVar[bool] = False
    #: Whether this is the operator, who alone may do what concerns the whole installation.
    runs_installation: ClassVar[bool] = False

    @property
    @abstractmethod
    def label(self) -> str:
        """Who this is, as ``uploadedBy`` shows it: never a secret."""

    @property
    def audit_label(self) -> str:
        """Who this is, as the audit log keeps it."""
        return self.label

    @property
    def user_id(self) -> int | None:
        """The person's row, where there is one."""
        return None

    @property
    def credential(self) -> tuple[str, int] | None:
        """The class and row of what it came with, by which it can be found again; None where it came with none."""
        return None

    @property
    def log_name(self) -> str:
        """How the access log names it: by its row, since names are private."""
        return self.label if self.credential is None else "{} {}".format(*self.credential)

    def confirm(self) -> "Principal":
        """Return the caller as its credential stands now, and keep the credential so until the transaction ends.

        For the end of what takes long, such as an upload: a credential that was revoked before is refused, and
        revoking it waits. Call it after the locks on libraries, assets and the organization.

        Raises:
            InvalidAPIKey, Unauthenticated: the credential has been revoked, has expired or was replaced.
        """
        return self

    @abstractmethod
    def organization(self, slug: str) -> OrganizationRef:
        """Return an organization of the principal.

        Raises:
            OrganizationNotFound: it is unknown, or not the principal's.
        """

    def managed_organization(self, slug: str) -> OrganizationRef:
        """Return an organization whose settings the principal manages.

        Raises:
            OrganizationNotFound: it is unknown or not the principal's.
            Forbidden: the principal is neither its owner nor its admin.
        """
        organization = self.organization(slug)
        if not self.sees_every_library(organization):
            raise Forbidden
        return organization

    def role_in(self, organization: OrganizationRef) -> Membership.Role:
        """Return the caller's present role in an organization that it belongs to.

        Raises:
            Forbidden: a program has no role.
            OrganizationNotFound: the person has left the organization.
        """
        raise Forbidden

    @abstractmethod
    def libraries(self) -> QuerySet[Library]:
        """Return every library that the principal reaches, annotated with its ``level``."""

    @abstractmethod
    def may_manage(self, library: Library) -> bool:
        """Return whether the principal may rename a library on which it has write."""

    @abstractmethod
    def check_may_create_library(self, organization: OrganizationRef) -> None:
        """Return if the principal may create a library there, else raise ``LibraryReadOnly`` or ``Forbidden``."""

    @abstractmethod
    def sees_every_library(self, organization: OrganizationRef) -> bool:
        """Return whether the principal may learn which slugs are taken there."""

    def adopt(self, library: Library) -> None:  # noqa: B027 - people reach what they made by their role
        """Take a library that the principal just made into its reach, where that does not follow from its role."""

    def library(self, organization: str, library: str, level: Level, *, lock: bool = False) -> Library:
        """Return the library with these slugs if the principal has at least ``level`` on it.

        One query joins the level, so that a library which is unknown, in another organization or out of reach takes
        the same work and gets the same answer. ``lock`` holds the row until the transaction ends, by a second query
        for those that have the level.

        Raises:
            OrganizationNotFound: the organization is unknown or not the principal's.
            LibraryNotAuthorized: the library is unknown or out of reach.
            LibraryReadOnly: it can be read, and ``level`` is write.
        """
        row = self._reached(organization, library)
        if row.level < level:
            raise LibraryReadOnly
        return self._locked(row, level) if lock else row

    def _reached(self, organization: str, library: str) -> Library:
        """Return the library with these slugs, at whatever level."""
        row = self.libraries().filter(organization_id=self.organization(organization).id, slug=library).first()
        if row is None:
            raise LibraryNotAuthorized
        return row

    def _locked(self, library: Library, level: Level) -> Library:
        """Return the library as it is now, locked; it may have gone out of reach meanwhile."""
        enough: Any = {"level__gte": level}  # annotated by libraries(), which the types do not see
        reach = self.libraries().filter(pk=library.pk, **enough)
        row = reach.select_for_update(of=("self",), no_key=True).first()
        if row is None:
            raise LibraryNotAuthorized
        return row


@dataclass(frozen=True)
class BearerPrincipal(Principal):
    """A program that came with a credential in its ``Authorization`` header: an API key or an access token."""

    #: The organizations that it was made for or granted.
    organizations: tuple[OrganizationRef, ...]
    #: Whether lists of tools show those that write: by what the credential is for, not by the level of the day.
    is_shown_writes: bool
    #: Whether its last use is to be written down by :meth:`record_use`.
    use_is_due: bool

    #: Gives the rows that :meth:`identity` takes, from the value of ``identity_parameter``.
    identity_statement: ClassVar[str]

    @property
    def queue_owner(self) -> str:
        """Behind whom its requests wait for a thread: its organization, or its user's several."""
        if len(self.organizations) == 1:
            return self.organizations[0].slug
        return f"user {self.user_id}"

    @property
    @abstractmethod
    def has_write(self) -> bool:
        """Whether it was given write at all: what it comes with may be a file."""

    @property
    @abstractmethod
    def credential(self) -> tuple[str, int]:
        """The credential's class and row, whatever its present value."""

    @property
    @abstractmethod
    def identity_parameter(self) -> int:
        """The value for the one place in ``identity_statement``."""

    @abstractmethod
    def identity(self, rows: Iterable[Sequence[Any]]) -> Identity | Identities:
        """Return what the caller is told of itself."""

    @abstractmethod
    def record_use(self) -> None:
        """Note when, from where and by which program the credential was used: at most once a minute."""


def libraries_of(user_id: int) -> QuerySet[Library]:
    """Return the libraries that a person's roles reach at the moment of the query, annotated with their ``level``."""
    manages = Membership.objects.filter(
        organization=OuterRef("organization"), user=user_id, role__in=Membership.MANAGERS
    )
    own = LibraryMembership.objects.filter(library=OuterRef("pk"), membership__user=user_id)
    role = own.order_by().values("role")[:1]
    return (
        Library.objects.annotate(library_role=Subquery(role))
        .annotate(  # type: ignore[no-redef]  # declared on the model, filled here
            level=Case(
                When(Exists(manages) | Q(library_role__in=LibraryMembership.WRITERS), then=Value(Level.WRITE)),
                When(library_role=LibraryMembership.Role.VIEWER, then=Value(Level.READ)),
                output_field=IntegerField(),
            )
        )
        .filter(level__isnull=False)
    )


def manages_library(user_id: int, library: Library) -> bool:
    """Return whether a person owns a library or manages its organization."""
    return (
        Membership.objects.filter(user=user_id, organization_id=library.organization_id)
        .filter(
            Q(role__in=Membership.MANAGERS)
            | Q(library_memberships__library=library, library_memberships__role=LibraryMembership.Role.OWNER)
        )
        .exists()
    )


@dataclass(frozen=True)
class UserPrincipal(Principal):
    """A signed-in person, through the pages. Their levels follow their roles at each query."""

    user: User
    is_person: ClassVar[bool] = True
    CREDENTIAL_CLASS: ClassVar[str] = "user"

    @property
    def label(self) -> str:
        return self.user.get_full_name()

    @property
    def audit_label(self) -> str:
        return self.user.email

    @property
    def user_id(self) -> int:
        return self.user.pk

    @property
    def credential(self) -> tuple[str, int]:
        return self.CREDENTIAL_CLASS, self.user_id

    def confirm(self) -> "UserPrincipal":
        if not User.objects.select_for_update(no_key=True).filter(pk=self.user_id, is_active=True).exists():
            raise Unauthenticated("This account is not active.")
        return self

    def organization(self, slug: str) -> OrganizationRef:
        row = self._membership(slug).organization
        return OrganizationRef(row.pk, row.slug, row.name)

    def _membership(self, slug: str) -> Membership:
        """Return the person's membership of an organization, with the organization."""
        own = Membership.objects.filter(organization__slug=slug, user=self.user).order_by()
        row = own.select_related("organization").first()
        if row is None:
            raise OrganizationNotFound
        return row

    def role_in(self, organization: OrganizationRef) -> Membership.Role:
        membership = Membership.objects.filter(organization_id=organization.id, user=self.user).first()
        if membership is None:
            raise OrganizationNotFound
        return Membership.Role(membership.role)

    def libraries(self) -> QuerySet[Library]:
        return libraries_of(self.user_id)

    def may_manage(self, library: Library) -> bool:
        return manages_library(self.user_id, library)

    def check_may_create_library(self, organization: OrganizationRef) -> None:
        if not self.sees_every_library(organization):
            raise Forbidden("Only owners and admins of the organization create libraries.")

    def sees_every_library(self, organization: OrganizationRef) -> bool:
        return Membership.objects.filter(
            organization_id=organization.id, user=self.user, role__in=Membership.MANAGERS
        ).exists()


@dataclass(frozen=True)
class OperatorPrincipal(Principal):
    """Whoever runs the installation: its command line, or a member of its staff in the Django admin."""

    staff: User | None = None
    runs_installation: ClassVar[bool] = True

    @property
    def label(self) -> str:
        return "operator"

    @property
    def audit_label(self) -> str:
        return f"staff {self.staff.email}" if self.staff else self.label

    @property
    def user_id(self) -> int | None:
        return self.staff.pk if self.staff else None

    def organization(self, slug: str) -> OrganizationRef:
        row = Organization.objects.filter(slug=slug).first()
        if row is None:
            raise OrganizationNotFound
        return OrganizationRef(row.pk, row.slug, row.name)

    def role_in(self, organization: OrganizationRef) -> Membership.Role:
        return Membership.Role.OWNER

    def libraries(self) -> QuerySet[Library]:
        every = Value(Level.WRITE, output_field=IntegerField())
        return Library.objects.annotate(level=every)  # type: ignore[no-redef]  # declared on the model, filled here

    def may_manage(self, library: Library) -> bool:
        return True

    def check_may_create_library(self, organization: OrganizationRef) -> None:
        return

    def sees_every_library(self, organization: OrganizationRef) -> bool:
        return True
