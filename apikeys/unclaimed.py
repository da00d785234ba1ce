"""Organizations that are started without an account: how they begin, and how they end, claimed or removed.

Rows are locked in the order that holds everywhere: libraries, assets, then the organization, then what hangs on it.
"""

import logging
import threading
from dataclasses import dataclass
from datetime import timedelta
from secrets import choice
from string import ascii_lowercase, digits
from typing import Literal

from allauth.account.models import EmailAddress
from django.conf import settings
from django.core.cache import cache
from django.db import connection, transaction
from django.db.models import Count, IntegerField, Q, QuerySet, Sum, Value
from django.utils import timezone

from accounts.limits import Limit, network_of_address, subject_of_address
from accounts.models import User
from apikeys.contracts import (
    Claimed,
    ClaimOrganization,
    ClaimRecord,
    CreateKey,
    FindClaim,
    RegenerateKey,
    StartedOrganization,
    StartOrganization,
)
from apikeys.emails import mail_claim
from apikeys.models import Claim
from apikeys.operations import create_key, regenerate_key
from assets import ownership, storage
from assets.contracts import CreateLibrary
from assets.models import Asset
from assets.operations.libraries import create_library
from assets.ownership import DeletionRefused
from orgs import audit
from orgs.access import Level, OrganizationRef, Origin, Principal, UserPrincipal
from orgs.models import Library, Membership, Organization
from orgs.ownership import check_may_own_more
from raster import tokens
from raster.errors import BadUserInput, EndpointNotFound, OrganizationNotFound, RateLimited
from raster.fold import slugify

PREFIX = "rstc_"
PATH = "/claim/"
#: How long an organization is kept that is never used. In use it is kept for longer: apikeys/access.py.
UNUSED = timedelta(days=1)
STORAGE = 100 * 1024**2
LIBRARIES = 1
#: Of those that wait to be claimed: of an email address, ...
MOST_OF_AN_EMAIL = 3
#: ... of one network, ...
MOST_OF_A_NETWORK = 50
#: ... of all, of which the last 30 % are kept for networks with fewer than so many.
MOST_OF_ALL = 1000
SHARED = 0.7
FEW = 3
DAY_SECONDS = 24 * 3600
#: Of one address, of what a provider gives one customer at most, and of one network, in a day: however many it claims
#: or lets expire.
STARTS = Limit("anonymous-start", 10, DAY_SECONDS)
STARTS_OF_CUSTOMER = Limit("anonymous-start-customer", 20, DAY_SECONDS)
STARTS_OF_NETWORK = Limit("anonymous-start-network", 50, DAY_SECONDS)
CUSTOMER = (56, 32)
NETWORK = (48, 24)
#: Mails to one email address, no matter who asks for them.
MAILS = Limit("anonymous-start-mail", 1, DAY_SECONDS)
SLUG_BASE_LENGTH = 40
SLUG_RANDOM_LENGTH = 8
#: A number of this project's own, for the one lock under which unclaimed organizations are counted.
COUNTING_LOCK = 7_214_001
#: Assets that are removed in one transaction, and the pause after it in which others get their turn to write.
CHUNK = 100
PAUSE_SECONDS = 0.02
EVERY_SECONDS = 3600
LEASE = "apikeys.unclaimed"
OVER = "This link is of no use: it is unknown, it has expired, or the organization was claimed already."

logger = logging.getLogger("raster.unclaimed")


@dataclass(frozen=True)
class StarterPrincipal(Principal):
    """Someone without an account who starts an organization: reaches that organization alone, while it is made."""

    home: OrganizationRef

    @property
    def label(self) -> str:
        return "nobody yet"

    def organization(self, slug: str) -> OrganizationRef:
        if slug != self.home.slug:
            raise OrganizationNotFound
        return self.home

    def libraries(self) -> QuerySet[Library]:
        write = Value(Level.WRITE, output_field=IntegerField())
        own = Library.objects.filter(organization_id=self.home.id)
        return own.annotate(level=write)  # type: ignore[no-redef]  # declared on the model, filled here

    def may_manage(self, library: Library) -> bool:
        return True

    def check_may_create_library(self, organization: OrganizationRef) -> None:
        return

    def sees_every_library(self, organization: OrganizationRef) -> bool:
        return True


def start_organization(origin: Origin, command: StartOrganization) -> StartedOrganization:
    """Make an organization with one library and one key with write on it, for somebody who may claim it.

    Raises:
        EndpointNotFound: this installation does not allow it.
        BadUserInput: too many organizations of this email address wait to be claimed.
        RateLimited: too many were started from this address or its network, or too many wait to be claimed.
    """
    if not settings.ANONYMOUS:
        raise EndpointNotFound
    network = network_of_address(origin.address, *NETWORK)
    STARTS.hit(subject_of_address(origin.address))
    STARTS_OF_CUSTOMER.hit(network_of_address(origin.address, *CUSTOMER))
    STARTS_OF_NETWORK.hit(network)
    secret = tokens.generate(PREFIX)
    until = timezone.now() + UNUSED
    with transaction.atomic():
        _check_caps(command.email, network)
        organization = Organization.objects.create(
            slug=_slug(command.name or ""),
            name=command.name or "New organization",
            unclaimed_until=until,
            storage_limit=STORAGE,
            library_limit=LIBRARIES,
        )
        principal = StarterPrincipal(origin, OrganizationRef(organization.pk, organization.slug, organization.name))
        Claim.objects.create(
            organization=organization,
            digest=tokens.digest(secret),
            email=command.email,
            address=origin.address,
            network=network,
        )
        audit.record(principal, organization.pk, "organization.start", str(organization), after={"for": command.email})
        library = create_library(
            principal, CreateLibrary(organization_id=organization.slug, name="Library", slug="library")
        )
        key = create_key(
            principal, CreateKey(organization_id=organization.slug, name="First key", access={library.id: "write"})
        )
        claim_url = f"{settings.BASE_URL}{PATH}{secret}"
        email_sent = settings.MAIL_CONFIGURED and MAILS.allows(tokens.digest(command.email).hex())
        if email_sent:
            mail_claim(command.email, claim_url, organization.pk)
    return StartedOrganization(
        organization_id=organization.slug,
        library_id=library.id,
        api_key=key.secret,
        claim_url=claim_url,
        expires_at=int(until.timestamp() * 1000),
        email_sent=email_sent,
    )


def find_claim(principal: UserPrincipal, command: FindClaim) -> ClaimRecord:
    """Return what a link is for.

    Raises:
        EndpointNotFound: it is for nothing (any more); one answer, whatever the reason.
    """
    claim = _claims(command.secret).first()
    if claim is None:
        raise EndpointNotFound(OVER)
    organization = claim.organization
    library = organization.libraries.order_by("pk").first()
    key = organization.api_keys.order_by("pk").first()
    assets = Asset.objects.filter(library__organization=organization).aggregate(
        count=Count("pk", filter=Q(parent=None, trashed=None)), size=Sum("size")
    )
    return ClaimRecord(
        organization_id=organization.slug,
        name=organization.name,
        library=library.name if library else "",
        assets=assets["count"],
        size=assets["size"] or 0,
        key_name=key.name if key else "",
        key_label=key.label if key else "",
        key_created=key.created if key else claim.created,
        key_created_from=claim.address,
        key_last_used=key.last_used if key else None,
        key_last_used_client=key.last_used_client if key else "",
        unclaimed_until=organization.unclaimed_until or claim.created,
        is_theirs=_is_of(claim, principal.user),
    )


def claim_organization(principal: UserPrincipal, command: ClaimOrganization) -> Claimed:
    """Make a person the owner of an organization that nobody has claimed yet: from then on it is like any other.

    Raises:
        EndpointNotFound: the link is for nothing (any more).
        BadUserInput: they have not verified the address for which it was started, and do not say that they were given
            the link; or own too many organizations.
    """
    with transaction.atomic():
        claim = _claims(command.secret).first()
        if claim is None:
            raise EndpointNotFound(OVER)
        organization = Organization.objects.select_for_update(no_key=True).get(pk=claim.organization_id)
        if not _claims(command.secret).exists():  # somebody else was faster
            raise EndpointNotFound(OVER)
        if not command.is_somebody_else and not _is_of(claim, principal.user):
            raise BadUserInput("Confirm that you are somebody else and were given this link.")
        check_may_own_more(principal.user)
        claim.delete()
        organization.unclaimed_until = organization.storage_limit = organization.library_limit = None
        organization.save(update_fields=["unclaimed_until", "storage_limit", "library_limit"])
        Membership.objects.create(organization=organization, user=principal.user, role=Membership.Role.OWNER)
        after = {"for": claim.email, "regenerated": command.regenerate}
        audit.record(principal, organization.pk, "organization.claim", str(organization), after=after)
        key = organization.api_keys.order_by("pk").first()
        revealed = None
        if command.regenerate and key is not None:
            revealed = regenerate_key(principal, RegenerateKey(organization_id=organization.slug, key_id=key.pk))
    return Claimed(organization_id=organization.slug, key=revealed)


def remove_unclaimed(stop: threading.Event | None = None) -> dict[str, int]:
    """Remove organizations whose time is over, with their files: one after another, until ``stop`` is set.

    Raises:
        DeletionRefused: the files may not be deleted; then the organizations stay, too.
    """
    stop = stop or threading.Event()
    due = Organization.objects.filter(unclaimed_until__lte=timezone.now()).order_by("pk")
    removed = 0
    for organization_id in list(due.values_list("pk", flat=True)):
        while not stop.is_set():
            ownership.check_may_delete()
            outcome = _remove_some(organization_id)
            if outcome != "some":
                removed += outcome == "removed"
                break
            stop.wait(PAUSE_SECONDS)
    return {"unclaimed organizations": removed}


def remove_unclaimed_if_due(stop: threading.Event | None = None) -> dict[str, int]:
    """Remove them if no process did in the last hour."""
    if not cache.add(LEASE, True, EVERY_SECONDS):
        return {}
    try:
        return remove_unclaimed(stop)
    except DeletionRefused as refusal:
        logger.error("Organizations that nobody claimed stay. %s", refusal)
        return {}


def _remove_some(organization_id: int) -> Literal["some", "removed", "kept"]:
    """Remove some assets of an organization whose time is over, or itself when it has none left."""
    with transaction.atomic():
        libraries = Library.objects.filter(organization=organization_id).order_by("pk")
        held = list(libraries.select_for_update().values_list("pk", flat=True))
        originals = Asset.objects.filter(library__in=held, parent=None).order_by("pk").values_list("pk", flat=True)
        chosen = list(originals[:CHUNK])
        family = Asset.objects.filter(Q(pk__in=chosen) | Q(parent__in=chosen)).order_by("pk")
        assets = list(family.select_for_update())
        due = Organization.objects.filter(pk=organization_id, unclaimed_until__lte=timezone.now())
        organization = due.select_for_update().first()
        if organization is None:  # somebody claimed or removed it meanwhile
            return "kept"
        if not assets:
            organization.delete()
            return "removed"
        Asset.objects.filter(pk__in=[asset.pk for asset in assets]).delete()
        files = [name for asset in assets for name in storage.names_of(asset.file, asset.sizes)]

        def delete_files() -> None:
            ownership.delete(files)

        # A file that stays behind is found by the sweep.
        transaction.on_commit(delete_files, robust=True)  # no partial: Django fails to log one
    return "some"


def _claims(secret: str) -> QuerySet[Claim]:
    return Claim.objects.select_related("organization").filter(
        digest=tokens.digest(secret), organization__unclaimed_until__gt=timezone.now()
    )


def _is_of(claim: Claim, user: User) -> bool:
    return bool(EmailAddress.objects.filter(user=user, email__iexact=claim.email, verified=True).exists())


def _check_caps(email: str, network: str) -> None:
    """Count what waits to be claimed; whoever counts at the same time waits until this one is written."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [COUNTING_LOCK])
    waiting = Claim.objects.filter(organization__unclaimed_until__gt=timezone.now())
    of_network = waiting.filter(network=network)
    if waiting.filter(email=email).count() >= MOST_OF_AN_EMAIL:
        raise BadUserInput(
            f"{MOST_OF_AN_EMAIL} organizations of this email address wait to be claimed. Claim one of them first."
        )
    _check_room(of_network, MOST_OF_A_NETWORK)
    _check_room(waiting, MOST_OF_ALL if of_network.count() < FEW else int(MOST_OF_ALL * SHARED))


def _check_room(waiting: QuerySet[Claim], most: int) -> None:
    """Refuse one more than ``most``, until enough of those that wait have expired."""
    over = waiting.count() - most
    if over >= 0:
        now = timezone.now()
        ends = waiting.order_by("organization__unclaimed_until").values_list("organization__unclaimed_until", flat=True)
        raise RateLimited(retry_after=((ends[over] or now) - now).total_seconds())


def _slug(name: str) -> str:
    """Return a slug that nobody can guess, so that none is taken and none tells which are."""
    base = slugify(name)[:SLUG_BASE_LENGTH].strip("-") or "organization"
    return f"{base}-{''.join(choice(ascii_lowercase + digits) for _ in range(SLUG_RANDOM_LENGTH))}"
