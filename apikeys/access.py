"""From the text of an API key to the principal it stands for.

The MCP door looks keys up on its event loop and other faces through Django's connection; both run the statements
here and turn rows into principals by the functions here.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar

from django.db import transaction
from django.db.models import F, Q, QuerySet
from django.db.models.functions import Coalesce
from django.utils import timezone

from apikeys import secrets
from apikeys.models import APIKey, KeyGrant
from orgs.access import BearerPrincipal, Level, OrganizationRef, Origin
from orgs.contracts import Identity, LibraryAccess
from orgs.models import Library, Organization
from raster.errors import InvalidAPIKey, LibraryReadOnly, OrganizationNotFound

_KEYS = """
    SELECT k.id, k.public_id, k.name, k.digest, k.pepper, k.expires, k.first_used, k.last_used,
           o.id, o.slug, o.name,
           EXISTS (SELECT 1 FROM apikeys_keygrant g WHERE g.key_id = k.id AND g.level = 2), k.regenerated
    FROM apikeys_apikey k JOIN orgs_organization o ON o.id = k.organization_id
"""
#: A key with its organization, by public id. The only statement that runs before a credential is accepted.
KEY_STATEMENT = f"{_KEYS} WHERE k.public_id = %s"
#: The same by its row, for what was made with the key.
KEY_ROW_STATEMENT = f"{_KEYS} WHERE k.id = %s"
#: Every level of a key, by its id.
LEVELS_STATEMENT = """
    SELECT l.slug, g.level FROM apikeys_keygrant g JOIN orgs_library l ON l.id = g.library_id
    WHERE g.key_id = %s ORDER BY l.name, l.slug
"""
#: How long an organization that nobody has claimed is kept from its first use on.
UNCLAIMED_IN_USE = timedelta(days=30)
USE_RECORDED_EVERY = timedelta(minutes=1)
CLIENT_LENGTH = 200
EXPIRED = "This API key has expired. An admin of the organization can make a new one."


@dataclass(frozen=True)
class KeyPrincipal(BearerPrincipal):
    """A caller with an API key: reaches the libraries that the key was granted, in the key's organization alone."""

    key_id: int
    public_id: str
    name: str

    identity_statement: ClassVar[str] = LEVELS_STATEMENT
    CREDENTIAL_CLASS: ClassVar[str] = "key"

    @property
    def has_write(self) -> bool:
        return self.is_shown_writes

    @property
    def credential(self) -> tuple[str, int]:
        return self.CREDENTIAL_CLASS, self.key_id

    @property
    def log_name(self) -> str:
        return f"key {self.public_id}"

    @property
    def home(self) -> OrganizationRef:
        """The one organization that it belongs to."""
        return self.organizations[0]

    @property
    def identity_parameter(self) -> int:
        return self.key_id

    @property
    def label(self) -> str:
        return self.name

    @property
    def audit_label(self) -> str:
        return f"key {self.name} (rstk_{self.public_id}…)"

    def confirm(self) -> "KeyPrincipal":
        held = APIKey.objects.select_for_update(no_key=True).filter(pk=self.key_id, public_id=self.public_id).first()
        if held is None:
            raise InvalidAPIKey
        if held.has_expired:
            raise InvalidAPIKey(EXPIRED)
        return self

    def organization(self, slug: str) -> OrganizationRef:
        if slug != self.home.slug:
            raise OrganizationNotFound
        return self.home

    def libraries(self) -> QuerySet[Library]:
        granted = Library.objects.filter(key_grants__key=self.key_id)
        return granted.annotate(level=F("key_grants__level"))  # type: ignore[no-redef]  # declared on the model, filled here

    def may_manage(self, library: Library) -> bool:
        return library.level >= Level.WRITE

    def check_may_create_library(self, organization: OrganizationRef) -> None:
        if not KeyGrant.objects.filter(key=self.key_id, level=Level.WRITE).exists():
            raise LibraryReadOnly("Creating a library needs a key with write access to at least one library.")

    def sees_every_library(self, organization: OrganizationRef) -> bool:
        return False

    def adopt(self, library: Library) -> None:
        if not APIKey.objects.select_for_update(no_key=True).filter(pk=self.key_id).exists():
            raise InvalidAPIKey
        self.check_may_create_library(self.home)
        KeyGrant.objects.create(key_id=self.key_id, library=library, level=Level.WRITE)

    def identity(self, rows: Iterable[Sequence[Any]]) -> Identity:
        return Identity(
            organization_id=self.home.slug,
            organization_name=self.home.name,
            libraries=[LibraryAccess(library=slug, access=Level(level).word) for slug, level in rows],
        )

    def record_use(self) -> None:
        """Note the key's use; one with a value that was regenerated meanwhile is no use of the new one.

        An organization that nobody has claimed is kept for longer from its first use on.
        """
        now = timezone.now()
        with transaction.atomic():
            if APIKey.objects.filter(pk=self.key_id, public_id=self.public_id, first_used=None).exists():
                # The organization's row before the key's, as everywhere.
                unclaimed = Organization.objects.filter(pk=self.home.id, unclaimed_until__gt=now)
                unclaimed.update(unclaimed_until=now + UNCLAIMED_IN_USE)
            self._record_use(now)

    def _record_use(self, now: datetime) -> None:
        due = Q(first_used=None) | Q(last_used=None) | Q(last_used__lt=now - USE_RECORDED_EVERY)
        APIKey.objects.filter(due, pk=self.key_id, public_id=self.public_id).update(
            first_used=Coalesce(F("first_used"), now),
            last_used=now,
            last_used_address=self.origin.address,
            last_used_client=self.origin.client[:CLIENT_LENGTH],
        )


def principal_from_row(text: str, row: Sequence[Any] | None, origin: Origin) -> KeyPrincipal:
    """Return the principal of a key, from its text and the row that ``KEY_STATEMENT`` found for its public id.

    Raises:
        InvalidAPIKey: there is no row, or the secret is wrong; the same work is done for both. Only a key whose
            secret is right is told that it has expired.
    """
    stored = None if row is None else secrets.Digest(bytes(row[3]), row[4])
    if not secrets.matches(text, stored) or row is None:
        raise InvalidAPIKey
    return _principal(row, origin)


def principal_again(row: Sequence[Any] | None, origin: Origin, made: datetime) -> KeyPrincipal:
    """Return the principal of a key with which something was made, from the row of ``KEY_ROW_STATEMENT``.

    Raises:
        InvalidAPIKey: the key is gone, has expired, or has had another value since.
    """
    if row is None or (row[-1] is not None and moment(row[-1]) >= made):
        raise InvalidAPIKey
    return _principal(row, origin)


def _principal(row: Sequence[Any], origin: Origin) -> KeyPrincipal:
    key_id, public_id, name, _, _, expires, first_used, last_used, *organization, writes, _ = row
    now = timezone.now()
    if expires is not None and moment(expires) <= now:
        raise InvalidAPIKey(EXPIRED)
    return KeyPrincipal(
        origin=origin,
        key_id=key_id,
        public_id=public_id,
        name=name,
        organizations=(OrganizationRef(*organization),),
        is_shown_writes=bool(writes),
        use_is_due=first_used is None or last_used is None or moment(last_used) < now - USE_RECORDED_EVERY,
    )


def moment(value: datetime | str) -> datetime:
    """Return a time as any connection gives it: SQLite keeps UTC as text, which Django's connection parses."""
    moment = value if isinstance(value, datetime) else datetime.fromisoformat(value)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
