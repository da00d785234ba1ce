"""The start page and new organizations."""

import pytest
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from orgs.models import AuditEntry, Membership, Organization
from tests.factories import Cast, OrganizationFactory

pytestmark = pytest.mark.usefixtures("static_files")


def test_a_stranger_learns_what_this_is_and_no_names(client: Client, cast: Cast) -> None:
    page = client.get("/").content.decode()
    assert "http://localhost:8000/mcp" in page
    assert "Acme" not in page


def test_making_an_organization_needs_a_sign_in(client: Client, cast: Cast) -> None:
    assert client.post("/new", {"name": "Initech"}).headers["Location"] == "/login?next=/new"
    assert not Organization.objects.filter(name="Initech").exists()


@pytest.mark.parametrize("slug", ["globex", "settings", "acme"])
def test_taken_and_reserved_addresses_get_one_message(client: Client, cast: Cast, slug: str) -> None:
    client.force_login(cast.alice)
    page = client.post("/new", {"name": "Initech", "slug": slug}).content.decode()
    assert f"The address {slug} cannot be used. Choose another one." in page
    assert not Organization.objects.filter(name="Initech").exists()


@pytest.mark.parametrize("fields", [{}, {"name": " "}, {"name": "A\u202eB"}, {"name": "A", "slug": "No Slug"}])
def test_what_does_not_fit_is_said_in_the_form(client: Client, cast: Cast, fields: dict[str, str]) -> None:
    client.force_login(cast.alice)
    answer = client.post("/new", fields)
    assert answer.status_code == 200
    assert 'role="alert"' in answer.content.decode()
    assert Organization.objects.count() == 2


def test_a_name_that_does_not_fit_is_explained_beside_the_name(client: Client, cast: Cast) -> None:
    client.force_login(cast.alice)
    for path in ("/new", "/acme/new"):
        form = client.post(path, {"name": "A\u202eB"}).context["form"]
        assert form.errors == {"name": ["Must be one line of text without control or invisible characters."]}


def test_a_person_sees_their_organizations_by_name_and_slug_and_no_others(client: Client, cast: Cast) -> None:
    client.force_login(cast.bob)
    page = client.get("/").content.decode()
    assert "Acme" in page
    assert ">acme<" in page
    assert "Globex" not in page


def test_a_person_without_an_organization_is_offered_the_first_step(client: Client, cast: Cast) -> None:
    Membership.objects.filter(user=cast.carol).delete()
    client.force_login(cast.carol)
    assert "No organization yet" in client.get("/").content.decode()


def test_making_an_organization_leads_to_its_home_and_is_written_down(client: Client, cast: Cast) -> None:
    client.force_login(cast.carol)
    answer = client.post("/new", {"name": "Été & Co"}, headers={"user-agent": "Firefox"})
    assert answer.headers["Location"] == "/ete-co"
    assert "No library yet" in client.get("/ete-co").content.decode()
    entry = AuditEntry.objects.get(action="organization.create")
    assert (entry.actor, entry.face, entry.address, entry.user_agent) == (
        "carol@example.com",
        "web",
        "127.0.0.1",
        "Firefox",
    )


def test_the_list_takes_as_many_queries_for_many_organizations(
    client: Client, cast: Cast, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    for _ in range(20):
        Membership.objects.create(organization=OrganizationFactory(), user=cast.alice, role="member")
    client.force_login(cast.alice)
    with django_assert_max_num_queries(3):
        assert client.get("/").content.decode().count('class="entry"') == 21
