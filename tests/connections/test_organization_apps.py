"""Owners and admins see what members connected to their organization, take it out, and say what may be connected."""

import html
import re
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection as database
from django.test import Client as Browser
from pytest_django import DjangoAssertNumQueries

from accounts.models import User
from connections.contracts import ChangeAppPolicy, RemoveConnection
from connections.models import AccessToken, AppPolicy, Connection, ConnectionLibrary
from connections.operations.connections import change_app_policy, remove_connection
from orgs.models import AuditEntry, Membership
from raster.errors import Forbidden, OrganizationNotFound
from tests.apikeys.people import sign_in
from tests.connections.devices import person
from tests.connections.factories import connect, make_client, refused, tokens_of
from tests.factories import Cast, LibraryFactory, UserFactory, make_cast

PAGE = "/acme/settings/connected-apps"


def page_of(user: User) -> str:
    """Return the text of the page, without tags, in one line."""
    answer = sign_in(user).get(PAGE)
    assert answer.status_code == 200
    main = answer.content.decode().partition("<main")[2]
    return " ".join(html.unescape(re.sub(r"<[^>]*>", " ", main)).split())


def remove(user: User, connection: Connection) -> int:
    return sign_in(user).post(f"{PAGE}/{connection.pk}/remove").status_code


def reached(connection: Connection) -> list[str]:
    """Return the slugs of the organizations that a connection reaches now."""
    connection.refresh_from_db()
    assert not connection.all_organizations
    return sorted(connection.memberships.values_list("organization__slug", flat=True))


def test_members_and_strangers_see_and_change_nothing(cast: Cast) -> None:
    connection = connect(cast.alice, make_client(), cast.acme)
    for user, status in ((cast.bob, 403), (cast.dave, 404)):
        browser = sign_in(user)
        for answer in (browser.get(PAGE), browser.post(PAGE, {}), browser.post(f"{PAGE}/{connection.pk}/remove")):
            assert answer.status_code == status
    assert Browser().get(PAGE).status_code == 302
    assert reached(connection) == ["acme"] and not AppPolicy.objects.exists()


def test_the_operations_refuse_members_and_strangers_themselves(cast: Cast) -> None:
    connection = connect(cast.alice, make_client(), cast.acme)
    policy = ChangeAppPolicy(organization_id="acme", allows_apps=False, allows_devices=False)
    removal = RemoveConnection(organization_id="acme", connection_id=connection.pk)
    for user, refusal in ((cast.bob, Forbidden), (cast.dave, OrganizationNotFound)):
        with pytest.raises(refusal):
            change_app_policy(person(user), policy)
        with pytest.raises(refusal):
            remove_connection(person(user), removal)


def test_a_connection_elsewhere_answers_as_an_unknown_one(cast: Cast) -> None:
    elsewhere = connect(cast.dave, make_client(), cast.globex)
    of_nobody_here = connect(cast.dave, make_client("two"), all_organizations=True)
    browser = sign_in(cast.alice)
    for pk in (elsewhere.pk, of_nobody_here.pk, 999999):
        assert browser.post(f"{PAGE}/{pk}/remove").status_code == 404
    assert reached(elsewhere) == ["globex"]


def test_a_link_removes_nothing(cast: Cast) -> None:
    connection = connect(cast.bob, make_client(), cast.acme)
    assert sign_in(cast.alice).get(f"{PAGE}/{connection.pk}/remove").status_code == 405
    assert reached(connection) == ["acme"]


def test_what_reaches_other_organizations_is_not_told(cast: Cast) -> None:
    Membership.objects.create(organization=cast.globex, user=cast.bob)
    client = make_client()
    both = connect(cast.bob, client, cast.acme, cast.globex, narrowed=True, last_used_address="203.0.113.9")
    for library in (cast.barcelona, cast.secret):
        ConnectionLibrary.objects.create(connection=both, library=library)
    connect(cast.bob, make_client("two", name="Only there"), cast.globex)
    connect(cast.dave, make_client("three", name="Somebody else's"), all_organizations=True)
    text = page_of(cast.alice)
    assert "Chosen libraries: Barcelona" in text
    for hidden in ("Secret", "Globex", "Only there", "Somebody else's", "203.0.113.9"):
        assert hidden not in text, hidden


def test_a_members_connection_is_shown_by_name_address_app_and_access(cast: Cast) -> None:
    connect(cast.bob, make_client(name="Image agent"), cast.acme, may_write=False)
    connect(cast.carol, make_client("two", name="Everywhere"), all_organizations=True)
    text = page_of(cast.alice)
    for words in (
        "Bob bob@example.com", "Image agent", "Read only", "Every library that the member reaches", "Not yet",
        "Carol carol@example.com", "Everywhere", "Connected to all of the member’s organizations",
    ):  # fmt: skip
        assert words in text, words


def test_an_admin_sees_it_too(cast: Cast) -> None:
    Membership.objects.filter(user=cast.carol).update(role="admin")
    connect(cast.bob, make_client(name="Image agent"), cast.acme)
    assert "Image agent" in page_of(cast.carol)


def test_removing_the_only_organization_ends_the_connection(cast: Cast) -> None:
    connection = connect(cast.bob, make_client(), cast.acme)
    access = tokens_of(connection).access
    assert remove(cast.alice, connection) == 302
    connection.refresh_from_db()
    assert connection.ended is not None
    assert refused(access)
    entries = AuditEntry.objects.filter(organization=cast.acme, action__startswith="connection.")
    assert [(entry.action, entry.actor) for entry in entries] == [("connection.remove", "alice@example.com")]
    assert remove(cast.alice, connection) == 404


def test_removing_one_of_several_leaves_the_others(cast: Cast) -> None:
    Membership.objects.create(organization=cast.globex, user=cast.bob)
    connection = connect(cast.bob, make_client(), cast.acme, cast.globex, narrowed=True)
    for library in (cast.barcelona, cast.secret):
        ConnectionLibrary.objects.create(connection=connection, library=library)
    tokens_of(connection)
    assert remove(cast.alice, connection) == 302
    assert reached(connection) == ["globex"] and connection.ended is None
    assert [choice.library for choice in connection.chosen.all()] == [cast.secret]
    assert AccessToken.objects.count() == 1
    assert not AuditEntry.objects.filter(organization=cast.globex).exists()


def test_a_connection_to_all_organizations_loses_this_one_for_good(cast: Cast) -> None:
    Membership.objects.create(organization=cast.globex, user=cast.bob)
    connection = connect(cast.bob, make_client(), all_organizations=True)
    assert remove(cast.alice, connection) == 302
    assert reached(connection) == ["globex"] and connection.ended is None
    Membership.objects.filter(organization=cast.acme, user=cast.bob).delete()
    Membership.objects.create(organization=cast.acme, user=cast.bob)
    assert reached(connection) == ["globex"]


def test_a_connection_to_all_organizations_of_one_ends(cast: Cast) -> None:
    connection = connect(cast.bob, make_client(), all_organizations=True)
    assert remove(cast.alice, connection) == 302
    connection.refresh_from_db()
    assert connection.ended is not None


def test_without_a_policy_everything_may_be_connected(cast: Cast) -> None:
    policy = AppPolicy.of(cast.acme.pk)
    assert policy.allows_apps and policy.allows_devices and policy.pk is None


def test_the_switches_hold_for_new_connections_and_are_written_down(cast: Cast) -> None:
    connection = connect(cast.bob, make_client(), cast.acme)
    browser = sign_in(cast.alice)
    assert browser.post(PAGE, {"allows_apps": "on"}).status_code == 302
    policy = AppPolicy.of(cast.acme.pk)
    assert (policy.allows_apps, policy.allows_devices) == (True, False)
    assert browser.post(PAGE, {}).status_code == 302
    assert browser.post(PAGE, {}).status_code == 302
    policy = AppPolicy.of(cast.acme.pk)
    assert (policy.allows_apps, policy.allows_devices) == (False, False)
    assert reached(connection) == ["acme"] and connection.ended is None
    changes = AuditEntry.objects.filter(organization=cast.acme, action="app_policy.change").order_by("pk")
    assert [(entry.before, entry.after) for entry in changes] == [
        ({"allows_apps": True, "allows_devices": True}, {"allows_apps": True, "allows_devices": False}),
        ({"allows_apps": True, "allows_devices": False}, {"allows_apps": False, "allows_devices": False}),
    ]


def test_the_form_shows_the_switches_as_they_are(cast: Cast) -> None:
    AppPolicy.objects.create(organization=cast.acme, allows_apps=True, allows_devices=False)
    page = sign_in(cast.alice).get(PAGE).content.decode()
    assert re.search(r'<input type="checkbox" name="allows_apps"[^>]* checked', page)
    assert not re.search(r'<input type="checkbox" name="allows_devices"[^>]* checked', page)


@pytest.mark.parametrize("count", [1, 50])
def test_the_page_takes_as_many_queries_for_fifty_connections(
    cast: Cast, count: int, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    client = make_client()
    for number in range(count):
        user = UserFactory()
        Membership.objects.create(organization=cast.acme, user=user)
        connection = connect(user, client, cast.acme, narrowed=True)
        library = LibraryFactory(organization=cast.acme, slug=f"chosen-{number}")
        ConnectionLibrary.objects.create(connection=connection, library=library)
    browser = sign_in(cast.alice)
    # The session, the person, their membership, the policy, connections, their libraries.
    with django_assert_num_queries(6):
        answer = browser.get(PAGE)
    assert answer.content.decode().count("Remove<") == count


def test_admins_of_two_organizations_take_both_out_at_once(transactional_db: None) -> None:
    cast = make_cast()
    for _ in range(5):
        user = UserFactory()
        for organization in (cast.acme, cast.globex):
            Membership.objects.create(organization=organization, user=user)
        connection = connect(user, make_client(f"app-{user.pk}"), all_organizations=True)

        def take_out(admin: User, slug: str, pk: int = connection.pk) -> None:
            try:
                remove_connection(person(admin), RemoveConnection(organization_id=slug, connection_id=pk))
            finally:
                database.close()

        with ThreadPoolExecutor(2) as pool:
            list(pool.map(take_out, (cast.alice, cast.dave), ("acme", "globex")))
        assert reached(connection) == []
        assert connection.ended is not None
