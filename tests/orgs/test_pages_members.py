"""Who is in an organization, and who decides about it."""

import pytest
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from orgs.models import AuditEntry, LibraryMembership, Membership
from tests.apikeys.people import sign_in
from tests.factories import Cast, UserFactory

pytestmark = pytest.mark.usefixtures("static_files")

PAGES = ["", "/{bob}", "/{bob}/remove"]
every_page = pytest.mark.parametrize("page", PAGES)


def address(cast: Cast, page: str, organization: str = "acme") -> str:
    return f"/{organization}/settings/members{page.format(bob=cast.bob.pk)}"


def role(cast: Cast, name: str) -> str:
    return Membership.objects.get(organization=cast.acme, user=getattr(cast, name)).role


def make_admin(cast: Cast, name: str) -> None:
    Membership.objects.filter(user=getattr(cast, name)).update(role="admin")


@every_page
@pytest.mark.parametrize(("name", "status"), [("bob", 403), ("carol", 403), ("dave", 404)])
def test_members_are_refused_and_others_learn_nothing(cast: Cast, page: str, name: str, status: int) -> None:
    client = sign_in(getattr(cast, name))
    answers = [client.get(address(cast, page)), client.get(address(cast, page, "globex" if status == 403 else "no"))]
    if page:
        answers[1:1] = [client.post(address(cast, page), {"role": "owner"})]
    for answer in answers[:-1]:
        assert answer.status_code == status
        assert "alice@example.com" not in answer.content.decode()
    assert answers[-1].status_code == 404
    assert role(cast, "bob") == "member"


@every_page
def test_whoever_is_signed_out_signs_in_first(client: Client, cast: Cast, page: str) -> None:
    path = address(cast, page)
    assert client.get(path).headers["Location"] == f"/login?next={path}"


def test_the_settings_lead_to_the_members(cast: Cast) -> None:
    assert sign_in(cast.alice).get("/acme/settings").headers["Location"] == "/acme/settings/members"


@pytest.mark.parametrize("page", ["/{other}", "/{other}/remove", "/999999", "/99999999999999999999999999"])
def test_a_person_of_another_organization_is_not_found(cast: Cast, page: str) -> None:
    path = f"/acme/settings/members{page.format(other=cast.dave.pk)}"
    client = sign_in(cast.alice)
    assert client.get(path).status_code == 404
    assert client.post(path, {"role": "member"}).status_code == 404
    assert Membership.objects.filter(user=cast.dave).exists()


def test_an_admin_neither_changes_nor_removes_an_owner(cast: Cast) -> None:
    make_admin(cast, "bob")
    client = sign_in(cast.bob)
    owner = f"/acme/settings/members/{cast.alice.pk}"
    assert owner not in client.get("/acme/settings/members").content.decode()
    for path in (owner, f"{owner}/remove"):
        assert client.get(path).status_code == 403
        assert client.post(path, {"role": "member"}).status_code == 403
    assert role(cast, "alice") == "owner"


def test_an_admin_gives_no_role_above_their_own(cast: Cast) -> None:
    make_admin(cast, "bob")
    client = sign_in(cast.bob)
    path = f"/acme/settings/members/{cast.carol.pk}"
    assert 'value="owner"' not in client.get(path).content.decode()
    assert "Select a valid choice" in client.post(path, {"role": "owner"}).content.decode()
    assert role(cast, "carol") == "member"


def test_the_last_owner_stays_and_is_told_why(cast: Cast) -> None:
    client = sign_in(cast.alice)
    path = f"/acme/settings/members/{cast.alice.pk}"
    why = "An organization keeps at least one owner"
    assert why in client.post(path, {"role": "member"}).content.decode()
    assert why in client.post(f"{path}/remove").content.decode()
    assert role(cast, "alice") == "owner"


def test_the_list_shows_roles_and_libraries(cast: Cast) -> None:
    page = sign_in(cast.alice).get("/acme/settings/members").content.decode()
    assert "Barcelona · editor" in page
    assert "Barcelona · viewer" in page
    assert "Every library" in page
    assert "dave@example.com" not in page


def test_an_owner_changes_a_role_which_holds_at_the_next_request(cast: Cast) -> None:
    bob = sign_in(cast.bob)
    assert bob.get("/acme/paris").status_code == 404
    answer = sign_in(cast.alice).post(address(cast, "/{bob}"), {"role": "admin"}, follow=True)
    assert "bob@example.com has the role admin now." in answer.content.decode()
    assert bob.get("/acme/paris").status_code == 200
    entry = AuditEntry.objects.get(action="member.role")
    assert (entry.actor, entry.target, entry.before, entry.after) == (
        "alice@example.com",
        "bob@example.com",
        {"role": "member"},
        {"role": "admin"},
    )


def test_removing_says_what_happens_and_is_named_for_the_act(cast: Cast) -> None:
    client = sign_in(cast.alice)
    page = client.get(address(cast, "/{bob}/remove")).content.decode()
    assert "1 library in it: Barcelona" in page
    assert '<button class="button danger">Remove bob@example.com</button>' in page
    assert Membership.objects.filter(user=cast.bob).exists()


def test_whoever_is_removed_is_out_at_the_next_request(cast: Cast) -> None:
    bob = sign_in(cast.bob)
    assert bob.get("/acme/barcelona").status_code == 200
    answer = sign_in(cast.alice).post(address(cast, "/{bob}/remove"), follow=True)
    assert "bob@example.com was removed from Acme." in answer.content.decode()
    assert bob.get("/acme/barcelona").status_code == 404
    assert not LibraryMembership.objects.filter(membership__user=cast.bob).exists()


def test_whoever_removes_themselves_lands_on_a_page(cast: Cast) -> None:
    make_admin(cast, "bob")
    answer = sign_in(cast.bob).post(address(cast, "/{bob}/remove"), follow=True)
    assert answer.redirect_chain == [("/", 302)]


def test_whoever_lowers_their_own_role_lands_on_a_page(cast: Cast) -> None:
    make_admin(cast, "bob")
    answer = sign_in(cast.bob).post(address(cast, "/{bob}"), {"role": "member"}, follow=True)
    assert answer.redirect_chain == [("/acme", 302)]
    assert answer.status_code == 200


def test_the_list_takes_as_many_queries_for_many_members(
    cast: Cast, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    for number in range(20):
        membership = Membership.objects.create(organization=cast.acme, user=UserFactory(), role="member")
        LibraryMembership.objects.create(membership=membership, library=(cast.barcelona, cast.paris)[number % 2])
    client = sign_in(cast.alice)
    with django_assert_max_num_queries(10):
        assert client.get("/acme/settings/members").content.decode().count("Change role") == 23
