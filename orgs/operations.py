"""Making organizations, and deciding who is in them."""

from collections.abc import Iterable, Mapping
from secrets import token_hex

from django.db import IntegrityError, transaction

from accounts.models import User
from orgs import audit
from orgs.access import OrganizationRef, Principal, UserPrincipal
from orgs.contracts import (
    AddMember,
    ChangeRole,
    CreateOrganization,
    LimitOrganization,
    ListMembers,
    MemberLibrary,
    MemberRecord,
    OrganizationRecord,
    RemoveMember,
)
from orgs.models import Library, LibraryMembership, Membership, Organization
from orgs.ownership import check_may_own_more
from orgs.slugs import RESERVED_ORGANIZATION_SLUGS
from raster.errors import BadUserInput, Forbidden, LibraryNotAuthorized, ResourceNotFound
from raster.fold import slugify

RANKS = {Membership.Role.MEMBER: 0, Membership.Role.ADMIN: 1, Membership.Role.OWNER: 2}


def list_organizations(principal: UserPrincipal) -> list[OrganizationRecord]:
    """Return the person's organizations by name."""
    rows = Organization.objects.filter(memberships__user=principal.user)
    return [OrganizationRecord(id=row.slug, name=row.name) for row in rows]


def create_organization(principal: Principal, command: CreateOrganization, owner: User) -> OrganizationRecord:
    """Make an organization with ``owner`` in it.

    Raises:
        BadUserInput: its slug is not to be had (one answer for taken and reserved ones), or the person owns too many.
    """
    slug = command.slug or slugify(command.name) or f"organization-{token_hex(3)}"
    if principal.is_person:
        check_may_own_more(owner)
    unavailable = BadUserInput(f"The address {slug} cannot be used. Choose another one.")
    if slug in RESERVED_ORGANIZATION_SLUGS:
        raise unavailable
    try:
        with transaction.atomic():
            organization = Organization.objects.create(slug=slug, name=command.name)
            Membership.objects.create(organization=organization, user=owner, role=Membership.Role.OWNER)
            audit.record(
                principal, organization.pk, "organization.create", str(organization), after={"owner": owner.email}
            )
    except IntegrityError:
        raise unavailable from None
    return OrganizationRecord(id=organization.slug, name=organization.name)


def limit_organization(principal: Principal, command: LimitOrganization) -> None:
    """Say how much an organization may hold, in place of what the installation says. What it holds already stays.

    Raises:
        Forbidden: the caller does not run the installation.
    """
    organization = principal.organization(command.organization_id)
    if not principal.runs_installation:
        raise Forbidden
    after = {"storage": command.storage, "libraries": command.libraries}
    with transaction.atomic():
        held = Organization.objects.select_for_update(no_key=True).get(pk=organization.id)
        before = {"storage": held.storage_limit, "libraries": held.library_limit}
        if before == after:
            return
        held.storage_limit, held.library_limit = command.storage, command.libraries
        held.save(update_fields=["storage_limit", "library_limit"])
        audit.record(principal, held.pk, "organization.limit", str(held), before=before, after=after)


def list_members(principal: Principal, command: ListMembers) -> list[MemberRecord]:
    """Return who is in an organization, by address: for its owners and admins."""
    organization = principal.managed_organization(command.organization_id)
    most = RANKS[principal.role_in(organization)]
    given = [role.value for role in Membership.Role if RANKS[role] <= most]
    members = Membership.objects.filter(organization_id=organization.id).select_related("user")
    return [
        MemberRecord.model_validate(
            {
                "user_id": member.user_id,
                "email": member.user.email,
                "name": member.user.get_full_name(),
                "role": member.role,
                "sees_every_library": member.role in Membership.MANAGERS,
                "libraries": [
                    MemberLibrary.model_validate({"name": held.library.name, "role": held.role})
                    for held in member.library_memberships.all()
                ],
                "roles_to_give": given if member.role in given else [],
            }
        )
        for member in members.prefetch_related("library_memberships__library")
    ]


def add_member(principal: Principal, command: AddMember, user: User) -> None:
    """Put a person into an organization, or set the role and library roles of one who is in it.

    Raises:
        Forbidden: the role is above the principal's own.
        LibraryNotAuthorized: a library is unknown; then nothing was changed.
        BadUserInput: the organization would be left without an owner.
    """
    organization = principal.managed_organization(command.organization_id)
    role = Membership.Role(command.role)
    with transaction.atomic():
        libraries = _hold_libraries(organization, command.libraries)
        _lock(organization)
        membership = Membership.objects.filter(organization_id=organization.id, user=user).first()
        _check_rank(principal, organization, role, membership)
        if membership is None:
            membership = Membership.objects.create(organization_id=organization.id, user=user, role=role)
            audit.record(principal, organization.id, "member.add", user.email, after={"role": role.value})
        else:
            _set_role(principal, organization, membership, role)
        _set_library_roles(principal, organization, membership, libraries, command.libraries)


def change_role(principal: Principal, command: ChangeRole) -> None:
    """Give a member another role.

    Raises:
        ResourceNotFound: the person is no member.
        Forbidden: the present or the new role is above the principal's own.
        BadUserInput: the organization would be left without an owner.
    """
    organization = principal.managed_organization(command.organization_id)
    role = Membership.Role(command.role)
    with transaction.atomic():
        membership = _member(organization, command.user_id)
        _check_rank(principal, organization, role, membership)
        _set_role(principal, organization, membership, role)


def remove_member(principal: Principal, command: RemoveMember) -> None:
    """Take a person out of an organization and of all its libraries. The API keys they made go on working.

    Raises:
        ResourceNotFound: the person is no member.
        Forbidden: their role is above the principal's own.
        BadUserInput: the organization would be left without an owner.
    """
    organization = principal.managed_organization(command.organization_id)
    with transaction.atomic():
        membership = _member(organization, command.user_id)
        _check_rank(principal, organization, Membership.Role(membership.role), membership)
        _check_an_owner_stays(organization, membership)
        audit.record(
            principal, organization.id, "member.remove", membership.user.email, before={"role": membership.role}
        )
        membership.delete()


def _lock(organization: OrganizationRef) -> None:
    """Let one change of an organization's members run at a time, so that an owner always stays."""
    Organization.objects.select_for_update(no_key=True).get(pk=organization.id)


def _hold_libraries(organization: OrganizationRef, slugs: Iterable[str]) -> dict[str, Library]:
    """Lock libraries, and return by their slugs those that there are: before the organization, as everywhere."""
    libraries = Library.objects.filter(organization_id=organization.id, slug__in=list(slugs)).order_by("pk")
    return {library.slug: library for library in libraries.select_for_update(no_key=True)}


def _member(organization: OrganizationRef, user_id: int) -> Membership:
    _lock(organization)
    membership = Membership.objects.select_related("user").filter(organization_id=organization.id, user=user_id).first()
    if membership is None:
        raise ResourceNotFound("This person is not a member of the organization.")
    return membership


def _check_rank(
    principal: Principal, organization: OrganizationRef, role: Membership.Role, membership: Membership | None
) -> None:
    own = principal.role_in(organization)
    if own not in Membership.MANAGERS:  # asked again under the lock: they may have been demoted meanwhile
        raise Forbidden
    concerned = [role] if membership is None else [role, Membership.Role(membership.role)]
    if max(RANKS[role] for role in concerned) > RANKS[own]:
        raise Forbidden("Only an owner makes, changes and removes owners.")


def _check_an_owner_stays(organization: OrganizationRef, leaving: Membership) -> None:
    owners = Membership.objects.filter(organization_id=organization.id, role=Membership.Role.OWNER)
    if leaving.role == Membership.Role.OWNER and not owners.exclude(pk=leaving.pk).exists():
        raise BadUserInput("An organization keeps at least one owner. Make somebody else an owner first.")


def _set_role(
    principal: Principal, organization: OrganizationRef, membership: Membership, role: Membership.Role
) -> None:
    if membership.role == role:
        return
    _check_an_owner_stays(organization, membership)
    audit.record(
        principal,
        organization.id,
        "member.role",
        membership.user.email,
        before={"role": membership.role},
        after={"role": role.value},
    )
    membership.role = role
    membership.save(update_fields=["role"])


def _set_library_roles(
    principal: Principal,
    organization: OrganizationRef,
    membership: Membership,
    libraries: Mapping[str, Library],
    roles: Mapping[str, str],
) -> None:
    if len(libraries) != len(roles):
        raise LibraryNotAuthorized
    for slug, role in roles.items():
        held, made = LibraryMembership.objects.get_or_create(
            membership=membership, library=libraries[slug], defaults={"role": role}
        )
        before = None if made else held.role
        if before != role:
            LibraryMembership.objects.filter(pk=held.pk).update(role=role)
            audit.record(
                principal,
                organization.id,
                "library_member.role",
                f"{membership.user.email} in {libraries[slug]}",
                before={"role": before},
                after={"role": role},
            )
