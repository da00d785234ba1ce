"""An organization's home, and new libraries."""

import pytest
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from orgs.models import Library, LibraryMembership
from tests.factories import AssetFactory, Cast, LibraryFactory

pytestmark = pytest.mark.usefixtures("static_files")


@pytest.mark.parametrize("path", ["/acme", "/acme/new"])
def test_whoever_is_signed_out_signs_in_first(client: Client, cast: Cast, path: str) -> None:
    assert client.get(path).headers["Location"] == f"/login?next={path}"


@pytest.mark.parametrize("page", ["", "/new"])
def test_an_organization_of_others_looks_like_one_that_is_not_there(client: Client, cast: Cast, page: str) -> None:
    client.force_login(cast.dave)
    others, nobodys = client.get(f"/acme{page}"), client.get(f"/nobodys{page}")
    assert others.status_code == nobodys.status_code == 404
    assert others.content == nobodys.content
    assert client.post("/acme/new", {"name": "Mine"}).status_code == 404


def test_members_make_no_libraries(client: Client, cast: Cast) -> None:
    client.force_login(cast.bob)
    assert client.get("/acme/new").status_code == 403
    assert client.post("/acme/new", {"name": "Mine"}).status_code == 403
    assert "New library" not in client.get("/acme").content.decode()
    assert not Library.objects.filter(name="Mine").exists()


def test_a_member_sees_the_libraries_they_have_a_role_in(client: Client, cast: Cast) -> None:
    for user, level in ((cast.bob, "Write"), (cast.carol, "Read")):
        client.force_login(user)
        page = client.get("/acme").content.decode()
        assert "/acme/barcelona" in page
        assert f">{level}</span>" in page
        assert "Paris" not in page
        assert "Settings" not in page


def test_a_member_without_a_library_is_told_what_to_wait_for(client: Client, cast: Cast) -> None:
    LibraryMembership.objects.all().delete()
    client.force_login(cast.carol)
    page = client.get("/acme").content.decode()
    assert "No library is shared with you yet" in page
    assert "Barcelona" not in page


def test_cards_have_counts_and_the_newest_picture(client: Client, cast: Cast) -> None:
    AssetFactory(library=cast.barcelona, sizes={"320": "old.webp"})
    newest = AssetFactory(library=cast.barcelona, sizes={"640": "b.webp", "320": "a.webp"})
    AssetFactory(library=cast.barcelona)
    client.force_login(cast.alice)
    page = client.get("/acme").content.decode()
    assert "3 assets" in page
    assert f"/media/{newest.pk}/320/a.webp 320w, " in page
    assert "old.webp" not in page


@pytest.mark.parametrize("slug", ["barcelona", "settings"])
def test_a_taken_or_reserved_address_is_said_at_its_field(client: Client, cast: Cast, slug: str) -> None:
    client.force_login(cast.alice)
    page = client.post("/acme/new", {"name": "Mine", "slug": slug}).content.decode()
    assert "Another library of this organization has this address." in page
    assert 'aria-describedby="id_slug_helptext id_slug_error"' in page


def test_making_a_library_leads_to_it(client: Client, cast: Cast) -> None:
    client.force_login(cast.alice)
    assert client.post("/acme/new", {"name": "Lisbon"}).headers["Location"] == "/acme/lisbon"
    assert "No assets yet" in client.get("/acme/lisbon").content.decode()


def test_the_home_takes_as_many_queries_for_many_libraries(
    client: Client, cast: Cast, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    for _ in range(20):
        AssetFactory(library=LibraryFactory(organization=cast.acme), sizes={"320": "a.webp"}, tagged=["sea"])
    client.force_login(cast.alice)
    with django_assert_max_num_queries(16):
        assert client.get("/acme").content.decode().count('class="tile"') == 22
