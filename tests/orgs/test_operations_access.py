"""The levels of people: who reaches which library, and how."""

from contextlib import AbstractContextManager, nullcontext
from typing import Any

import pytest
from django.db import transaction

from orgs.access import Level, OrganizationRef, Origin, UserPrincipal
from orgs.models import LibraryMembership, Membership
from orgs.principal import PagePrincipal
from raster.errors import Forbidden, LibraryNotAuthorized, LibraryReadOnly, OrganizationNotFound
from tests.assets.people import key_principal
from tests.factories import OPERATOR, Cast

READS, WRITES = "reads", "writes"
TABLE = [
    ("alice", "acme", "barcelona", WRITES),
    ("alice", "acme", "paris", WRITES),
    ("alice", "acme", "unknown", LibraryNotAuthorized),
    ("alice", "acme", "secret", LibraryNotAuthorized),
    ("alice", "globex", "secret", OrganizationNotFound),
    ("alice", "unknown", "barcelona", OrganizationNotFound),
    ("bob", "acme", "barcelona", WRITES),
    ("bob", "acme", "paris", LibraryNotAuthorized),
    ("bob", "acme", "unknown", LibraryNotAuthorized),
    ("bob", "globex", "secret", OrganizationNotFound),
    ("carol", "acme", "barcelona", READS),
    ("carol", "acme", "paris", LibraryNotAuthorized),
    ("carol", "globex", "secret", OrganizationNotFound),
    ("dave", "acme", "barcelona", OrganizationNotFound),
    ("dave", "globex", "secret", WRITES),
    ("dave", "globex", "barcelona", LibraryNotAuthorized),
    ("operator", "acme", "barcelona", WRITES),
    ("operator", "acme", "secret", LibraryNotAuthorized),
]


def principal(cast: Cast, name: str) -> Any:
    return OPERATOR if name == "operator" else UserPrincipal(Origin("web"), getattr(cast, name))


@pytest.mark.parametrize(("name", "organization", "library", "outcome"), TABLE)
def test_each_person_reaches_what_their_roles_say(
    cast: Cast, name: str, organization: str, library: str, outcome: Any
) -> None:
    caller = principal(cast, name)
    refused_to_read: AbstractContextManager[Any] = (
        nullcontext() if outcome in {READS, WRITES} else pytest.raises(outcome)
    )
    refused_to_write = pytest.raises(LibraryReadOnly) if outcome == READS else refused_to_read
    with refused_to_write:
        caller.library(organization, library, Level.WRITE)
    with refused_to_read:
        assert caller.library(organization, library, Level.READ).slug == library


@pytest.mark.parametrize(
    ("name", "slugs"),
    [
        ("alice", {"barcelona", "paris"}),
        ("bob", {"barcelona"}),
        ("carol", {"barcelona"}),
        ("dave", {"secret"}),
        ("operator", {"barcelona", "paris", "secret"}),
    ],
)
def test_lists_hold_the_reachable_libraries_and_no_others(cast: Cast, name: str, slugs: set[str]) -> None:
    assert {library.slug for library in principal(cast, name).libraries()} == slugs


@pytest.mark.parametrize(("library_role", "may"), [("owner", True), ("editor", False), ("viewer", False)])
def test_of_a_librarys_roles_only_its_owner_manages_it(cast: Cast, library_role: str, may: bool) -> None:
    LibraryMembership.objects.filter(membership__user=cast.bob).update(role=library_role)
    assert principal(cast, "bob").may_manage(cast.barcelona) is may
    assert principal(cast, "bob").may_manage(cast.paris) is False


@pytest.mark.parametrize(
    ("role", "manages"), [(Membership.Role.MEMBER, False), (Membership.Role.ADMIN, True), (Membership.Role.OWNER, True)]
)
def test_owners_and_admins_manage_the_organization(cast: Cast, role: Membership.Role, manages: bool) -> None:
    Membership.objects.filter(organization=cast.acme, user=cast.carol).update(role=role)
    carol, acme = principal(cast, "carol"), OrganizationRef(cast.acme.pk, "acme", "Acme")
    with nullcontext() if manages else pytest.raises(Forbidden):
        carol.managed_organization("acme")
    with nullcontext() if manages else pytest.raises(Forbidden):
        carol.check_may_create_library(acme)
    assert carol.sees_every_library(acme) is manages
    assert {library.slug for library in carol.libraries()} == ({"barcelona", "paris"} if manages else {"barcelona"})


def test_a_key_has_no_role(cast: Cast) -> None:
    key = key_principal(cast, barcelona="write")
    with pytest.raises(Forbidden):
        key.role_in(key.home)


def test_logs_name_callers_by_their_rows(cast: Cast) -> None:
    assert principal(cast, "bob").log_name == f"user {cast.bob.pk}"
    assert OPERATOR.log_name == "operator"
    key = key_principal(cast)
    assert key.log_name == f"key {key.public_id}"


def test_what_is_kept_for_a_page_lets_no_change_through(cast: Cast) -> None:
    bob = PagePrincipal(Origin("web"), cast.bob)
    acme = bob.organization("acme")
    bob.library("acme", "barcelona", Level.WRITE)
    LibraryMembership.objects.filter(membership__user=cast.bob).update(role="viewer")
    with transaction.atomic(), pytest.raises(LibraryNotAuthorized):
        bob.library("acme", "barcelona", Level.WRITE, lock=True)
    Membership.objects.filter(user=cast.bob).update(role="admin")
    assert bob.role_in(acme) == "admin"


def test_a_page_asks_for_the_same_library_once(cast: Cast, django_assert_num_queries: Any) -> None:
    alice = PagePrincipal(Origin("web"), cast.alice)
    with django_assert_num_queries(2):
        for _ in range(2):
            library = alice.library("acme", "barcelona", Level.READ)
            assert alice.managed_organization("acme").name == library.organization.name
    for organization, slug, refusal in (
        ("acme", "secret", LibraryNotAuthorized),
        ("globex", "barcelona", OrganizationNotFound),
    ):
        with pytest.raises(refusal):
            alice.library(organization, slug, Level.READ)


def test_unknown_unreachable_and_foreign_libraries_take_the_same_queries(
    cast: Cast, django_assert_num_queries: Any
) -> None:
    for slug in ("unknown", "paris", "secret"):
        with django_assert_num_queries(2), pytest.raises(LibraryNotAuthorized) as refusal:
            principal(cast, "bob").library("acme", slug, Level.WRITE)
        assert refusal.value.message == LibraryNotAuthorized.default_message
