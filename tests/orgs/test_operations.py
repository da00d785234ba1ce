"""Who may change who is in an organization, and that an owner always stays."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from django.db import connection

from accounts.models import User
from apikeys.contracts import CreateKey
from apikeys.models import APIKey
from apikeys.operations import create_key
from orgs.access import Level, OrganizationRef, Origin, UserPrincipal
from orgs.contracts import AddMember, ChangeRole, CreateOrganization, RemoveMember, Role
from orgs.models import AuditEntry, LibraryMembership, Membership, Organization
from orgs.operations import (
    add_member,
    change_role,
    create_organization,
    remove_member,
)
from orgs.ownership import MOST_OWNED_ORGANIZATIONS
from raster.errors import (
    BadUserInput,
    Forbidden,
    LibraryNotAuthorized,
    OrganizationNotFound,
    RasterError,
    ResourceNotFound,
)
from tests.factories import OPERATOR, Cast, OrganizationFactory, UserFactory


def person(user: User) -> UserPrincipal:
    return UserPrincipal(Origin("web"), user)


def roles(organization: Organization) -> dict[str, str]:
    """Return who is in the organization and as what."""
    return dict(organization.memberships.values_list("user__email", "role"))


@pytest.fixture
def admin(cast: Cast) -> User:
    """An admin of Acme."""
    user = UserFactory(email="erin@example.com")
    Membership.objects.create(organization=cast.acme, user=user, role=Membership.Role.ADMIN)
    return user


@pytest.mark.parametrize(
    ("name", "refusal"), [("bob", Forbidden), ("carol", Forbidden), ("dave", OrganizationNotFound)]
)
def test_members_and_strangers_change_nobody(cast: Cast, name: str, refusal: type[RasterError]) -> None:
    before = roles(cast.acme)
    caller = person(getattr(cast, name))
    with pytest.raises(refusal):
        add_member(caller, AddMember(organization_id="acme", email=cast.dave.email), cast.dave)
    with pytest.raises(refusal):
        change_role(caller, ChangeRole(organization_id="acme", user_id=cast.bob.pk, role="admin"))
    with pytest.raises(refusal):
        remove_member(caller, RemoveMember(organization_id="acme", user_id=cast.carol.pk))
    assert roles(cast.acme) == before


def test_an_admin_neither_makes_nor_changes_nor_removes_owners(cast: Cast, admin: User) -> None:
    before = roles(cast.acme)
    caller = person(admin)
    with pytest.raises(Forbidden):
        add_member(caller, AddMember(organization_id="acme", email=cast.dave.email, role="owner"), cast.dave)
    with pytest.raises(Forbidden):
        change_role(caller, ChangeRole(organization_id="acme", user_id=admin.pk, role="owner"))
    with pytest.raises(Forbidden):
        change_role(caller, ChangeRole(organization_id="acme", user_id=cast.alice.pk, role="member"))
    with pytest.raises(Forbidden):
        remove_member(caller, RemoveMember(organization_id="acme", user_id=cast.alice.pk))
    assert roles(cast.acme) == before


def test_the_last_owner_can_neither_leave_nor_be_demoted(cast: Cast) -> None:
    for caller in (person(cast.alice), OPERATOR):
        with pytest.raises(BadUserInput, match="at least one owner"):
            change_role(caller, ChangeRole(organization_id="acme", user_id=cast.alice.pk, role="admin"))
        with pytest.raises(BadUserInput, match="at least one owner"):
            remove_member(caller, RemoveMember(organization_id="acme", user_id=cast.alice.pk))
    assert roles(cast.acme)["alice@example.com"] == "owner"


@pytest.mark.django_db(transaction=True)
def test_of_two_owners_who_demote_each_other_at_once_one_stays(cast: Cast) -> None:
    Membership.objects.create(organization=cast.acme, user=cast.dave, role=Membership.Role.OWNER)
    ready = Barrier(2)

    def demote(caller: User, other: User) -> bool:
        try:
            ready.wait(timeout=60)
            change_role(person(caller), ChangeRole(organization_id="acme", user_id=other.pk, role="member"))
        except RasterError:
            return False
        finally:
            connection.close()
        return True

    with ThreadPoolExecutor(2) as pool:
        outcomes = list(pool.map(demote, (cast.alice, cast.dave), (cast.dave, cast.alice)))
    assert sorted(outcomes) == [False, True]
    assert list(roles(cast.acme).values()).count("owner") == 1


def test_somebody_who_is_no_member_cannot_be_changed_or_removed(cast: Cast) -> None:
    with pytest.raises(ResourceNotFound):
        change_role(person(cast.alice), ChangeRole(organization_id="acme", user_id=cast.dave.pk, role="member"))
    with pytest.raises(ResourceNotFound):
        remove_member(person(cast.alice), RemoveMember(organization_id="acme", user_id=cast.dave.pk))


@pytest.mark.parametrize("library", ["secret", "unknown"])
def test_a_library_of_another_organization_adds_nobody(cast: Cast, library: str) -> None:
    command = AddMember(organization_id="acme", email=cast.dave.email, libraries={library: "viewer"})
    with pytest.raises(LibraryNotAuthorized):
        add_member(person(cast.alice), command, cast.dave)
    assert "dave@example.com" not in roles(cast.acme)


@pytest.mark.parametrize("role", ["admin", "member"])
def test_an_admin_manages_admins_and_members(cast: Cast, admin: User, role: Role) -> None:
    caller = person(admin)
    add_member(caller, AddMember(organization_id="acme", email=cast.dave.email, role=role), cast.dave)
    change_role(caller, ChangeRole(organization_id="acme", user_id=cast.bob.pk, role=role))
    assert roles(cast.acme) | {"dave@example.com": role, "bob@example.com": role} == roles(cast.acme)
    remove_member(caller, RemoveMember(organization_id="acme", user_id=cast.dave.pk))
    assert "dave@example.com" not in roles(cast.acme)


def test_a_removed_member_reaches_nothing_and_the_keys_they_made_stay(cast: Cast, admin: User) -> None:
    key = create_key(person(admin), CreateKey(organization_id="acme", name="Theirs", access={"barcelona": "write"}))
    LibraryMembership.objects.create(
        membership=Membership.objects.get(user=admin), library=cast.paris, role=LibraryMembership.Role.EDITOR
    )
    remove_member(person(cast.alice), RemoveMember(organization_id="acme", user_id=admin.pk))
    assert not LibraryMembership.objects.filter(membership__user=admin).exists()
    assert not person(admin).libraries().exists()
    with pytest.raises(OrganizationNotFound):
        person(admin).library("acme", "paris", Level.READ)
    row = APIKey.objects.get(pk=key.key_id)
    assert (row.created_by_name, row.grants.get().library) == ("erin@example.com", cast.barcelona)


def test_a_removed_member_who_returns_has_no_library_role_left(cast: Cast) -> None:
    remove_member(person(cast.alice), RemoveMember(organization_id="acme", user_id=cast.bob.pk))
    add_member(person(cast.alice), AddMember(organization_id="acme", email=cast.bob.email), cast.bob)
    assert not person(cast.bob).libraries().exists()


def test_every_change_is_written_down_with_what_was_and_what_is(cast: Cast) -> None:
    alice = person(cast.alice)
    add_member(
        alice, AddMember(organization_id="acme", email=cast.dave.email, libraries={"paris": "viewer"}), cast.dave
    )
    change_role(alice, ChangeRole(organization_id="acme", user_id=cast.dave.pk, role="admin"))
    change_role(alice, ChangeRole(organization_id="acme", user_id=cast.dave.pk, role="admin"))
    remove_member(alice, RemoveMember(organization_id="acme", user_id=cast.dave.pk))
    entries = AuditEntry.objects.filter(organization=cast.acme).order_by("id")
    assert [(entry.action, entry.before, entry.after) for entry in entries] == [
        ("member.add", {}, {"role": "member"}),
        ("library_member.role", {"role": None}, {"role": "viewer"}),
        ("member.role", {"role": "member"}, {"role": "admin"}),
        ("member.remove", {"role": "admin"}, {}),
    ]
    assert {entry.actor for entry in entries} == {"alice@example.com"}


@pytest.mark.parametrize("slug", ["globex", "admin", "mcp"])
def test_taken_and_reserved_slugs_get_one_answer(cast: Cast, slug: str) -> None:
    command = CreateOrganization(name="New", slug=slug)
    with pytest.raises(BadUserInput, match=rf"^The address {slug} cannot be used\. Choose another one\.$"):
        create_organization(person(cast.alice), command, cast.alice)


def test_one_person_owns_a_limited_number_of_organizations(cast: Cast) -> None:
    for _ in range(MOST_OWNED_ORGANIZATIONS - 1):
        Membership.objects.create(organization=OrganizationFactory(), user=cast.alice, role=Membership.Role.OWNER)
    with pytest.raises(BadUserInput, match="as many as one person may"):
        create_organization(person(cast.alice), CreateOrganization(name="One more"), cast.alice)
    create_organization(OPERATOR, CreateOrganization(name="One more"), cast.alice)


def test_whoever_makes_an_organization_owns_it(cast: Cast) -> None:
    made = create_organization(person(cast.bob), CreateOrganization(name="Café Zürich"), cast.bob)
    assert made.id == "cafe-zurich"
    assert roles(Organization.objects.get(slug=made.id)) == {"bob@example.com": "owner"}


class DemotedMeanwhile(UserPrincipal):
    """An admin whom somebody else makes a member between the first look at their role and the lock."""

    def managed_organization(self, slug: str) -> OrganizationRef:
        organization = super().managed_organization(slug)
        Membership.objects.filter(organization=organization.id, user=self.user).update(role="member")
        return organization


@pytest.fixture
def demoted(cast: Cast) -> DemotedMeanwhile:
    Membership.objects.filter(organization=cast.acme, user=cast.bob).update(role="admin")
    return DemotedMeanwhile(Origin("web"), cast.bob)


def test_an_admin_who_is_demoted_meanwhile_removes_nobody(cast: Cast, demoted: DemotedMeanwhile) -> None:
    with pytest.raises(Forbidden):
        remove_member(demoted, RemoveMember(organization_id="acme", user_id=cast.carol.pk))
    assert "carol@example.com" in roles(cast.acme)


def test_an_admin_who_is_demoted_meanwhile_adds_nobody(cast: Cast, demoted: DemotedMeanwhile) -> None:
    with pytest.raises(Forbidden):
        add_member(demoted, AddMember(organization_id="acme", email=cast.dave.email), cast.dave)
    assert "dave@example.com" not in roles(cast.acme)


def test_an_organization_named_in_arabic_gets_an_address(cast: Cast) -> None:
    made = create_organization(person(cast.alice), CreateOrganization(name="برشلونة"), cast.alice)
    assert made.id.startswith("organization-")
    assert Organization.objects.get(slug=made.id).name == "برشلونة"
