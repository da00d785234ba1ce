"""A person sees what they connected, and ends it with one click."""

import html
import re
from datetime import timedelta

import pytest
from django.test import Client as Browser
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from accounts.models import User
from connections.ending import end_connection
from connections.models import Connection, ConnectionLibrary
from orgs.models import AuditEntry, Membership
from tests.apikeys.people import sign_in
from tests.connections.devices import allow, begun, error, expire, poll
from tests.connections.factories import connect, make_client, refused, tokens_of
from tests.factories import Cast, OrganizationFactory

PAGE = "/settings/connected-apps"


def page_of(user: User) -> str:
    """Return the text of a person's page, without tags, in one line."""
    answer = sign_in(user).get(PAGE)
    assert answer.status_code == 200
    main = answer.content.decode().partition("<main")[2]
    return " ".join(html.unescape(re.sub(r"<[^>]*>", " ", main)).split())


def is_alive(connection: Connection) -> bool:
    return Connection.objects.alive().filter(pk=connection.pk).exists()


def test_nobody_sees_or_ends_anything_before_signing_in(cast: Cast) -> None:
    connection = connect(cast.alice, make_client(), cast.acme)
    browser = Browser()
    addresses = [PAGE, f"{PAGE}/{connection.pk}/disconnect", f"{PAGE}/apps/{connection.client_id}/disconnect"]
    for answer in (browser.get(addresses[0]), *(browser.post(address) for address in addresses[1:])):
        assert answer.status_code in {302, 405} and "/login" in answer.headers.get("Location", "/login")
    assert is_alive(connection)


def test_somebody_elses_connection_answers_as_an_unknown_one(cast: Cast) -> None:
    connection = connect(cast.alice, make_client(), cast.acme)
    browser = sign_in(cast.bob)
    for path in (f"{connection.pk}/disconnect", f"apps/{connection.client_id}/disconnect"):
        foreign, unknown = browser.post(f"{PAGE}/{path}"), browser.post(f"{PAGE}/999999/disconnect")
        assert foreign.status_code == unknown.status_code == 404
    assert is_alive(connection)


def test_a_link_disconnects_nothing(cast: Cast) -> None:
    connection = connect(cast.alice, make_client(), cast.acme)
    browser = sign_in(cast.alice)
    assert browser.get(f"{PAGE}/{connection.pk}/disconnect").status_code == 405
    assert browser.get(f"{PAGE}/apps/{connection.client_id}/disconnect").status_code == 405
    assert is_alive(connection)


def test_a_form_of_another_site_disconnects_nothing(cast: Cast) -> None:
    connection = connect(cast.alice, make_client(), cast.acme)
    browser = Browser(enforce_csrf_checks=True)
    browser.force_login(cast.alice)
    assert browser.post(f"{PAGE}/{connection.pk}/disconnect").status_code == 403
    assert is_alive(connection)


def test_others_connections_are_not_shown(cast: Cast) -> None:
    connect(cast.alice, make_client(name="Alice's app"), cast.acme)
    assert "Alice's app" not in page_of(cast.bob)
    assert "Nothing connected yet" in page_of(cast.bob)


def test_what_ended_expired_or_was_never_fetched_is_not_shown(cast: Cast) -> None:
    now = timezone.now()
    connect(cast.alice, make_client("one"), cast.acme, ended=now)
    connect(cast.alice, make_client("two"), cast.acme, expires=now)
    connect(cast.alice, make_client("three"), cast.acme, redeemed=None)
    assert "Nothing connected yet" in page_of(cast.alice)


def test_a_device_can_be_disconnected_before_it_fetched_its_tokens(cast: Cast) -> None:
    make_client(name="Render box")
    codes = begun()
    connection = allow(codes, cast.alice, cast.acme)
    assert "Render box" in page_of(cast.alice)
    sign_in(cast.alice).post(f"{PAGE}/{connection.pk}/disconnect")
    assert error(poll(codes)) == "invalid_grant"
    assert "Nothing connected yet" in page_of(cast.alice)


def test_a_device_that_never_fetched_its_tokens_is_not_shown_for_long(cast: Cast) -> None:
    make_client(name="Render box")
    codes = begun()
    allow(codes, cast.alice, cast.acme)
    expire(codes)
    assert "Nothing connected yet" in page_of(cast.alice)


def test_a_connection_is_shown_in_words(cast: Cast) -> None:
    used = timezone.now() - timedelta(hours=1)
    connection = connect(
        cast.alice,
        make_client(name="Image agent", redirect_uris=["https://agent.example/back", "http://127.0.0.1/back"]),
        cast.acme,
        may_write=False,
        narrowed=True,
        way=Connection.Way.DEVICE,
        last_used=used,
        last_used_address="203.0.113.9",
        last_used_client="agent/2.1",
    )
    ConnectionLibrary.objects.create(connection=connection, library=cast.barcelona)
    text = page_of(cast.alice)
    for words in (
        "Image agent", "Not verified: it named itself. Returns to agent.example and programs on a computer.",
        "Acme acme", "Read only", "Chosen libraries: Barcelona", "With a code", "203.0.113.9", "agent/2.1",
        f"{used:%H:%M}", f"{connection.expires:%Y}",
    ):  # fmt: skip
        assert words in text, words


def test_a_name_shows_nothing_that_cannot_be_seen(cast: Cast) -> None:
    connect(cast.alice, make_client(name="Good\u202etxt\u200b <b>app</b>"), cast.acme)
    answer = sign_in(cast.alice).get(PAGE).content.decode()
    assert "\u202e" not in answer and "\u200b" not in answer and "<b>app</b>" not in answer


def test_access_is_told_from_what_was_granted(cast: Cast) -> None:
    client = make_client()
    connect(cast.alice, client, cast.acme)
    connect(cast.alice, client, all_organizations=True)
    connect(cast.alice, client, cast.acme, narrowed=True)
    left = connect(cast.alice, client, cast.acme)
    left.granted.all().delete()
    text = page_of(cast.alice)
    for words in (
        "Read and write", "Every library that you reach", "All of yours", "None of the chosen libraries is left",
        "None that you are still in",
    ):  # fmt: skip
        assert words in text, words


def test_connections_are_grouped_by_app(cast: Cast) -> None:
    first, second = make_client("one", name="Beta"), make_client("two", name="alpha")
    for client in (first, first, second):
        connect(cast.alice, client, cast.acme)
    text = page_of(cast.alice)
    assert text.index("alpha") < text.index("Beta")
    assert text.count("Disconnect all 2") == 1


def test_disconnecting_ends_one_connection_and_its_tokens(cast: Cast) -> None:
    client = make_client()
    ended, other = connect(cast.alice, client, cast.acme), connect(cast.alice, client, cast.acme)
    dead, kept = tokens_of(ended), tokens_of(other)
    answer = sign_in(cast.alice).post(f"{PAGE}/{ended.pk}/disconnect", follow=True)
    assert "“Test app” was disconnected." in answer.content.decode()
    assert not is_alive(ended) and is_alive(other)
    assert refused(dead.access) and not refused(kept.access)
    [entry] = AuditEntry.objects.filter(organization=cast.acme, action="connection.end")
    assert (entry.actor, entry.after) == ("alice@example.com", {"reason": "disconnected by its person"})


def test_disconnecting_twice_is_no_error_and_one_entry(cast: Cast) -> None:
    connection = connect(cast.alice, make_client(), cast.acme)
    browser = sign_in(cast.alice)
    for _ in range(2):
        assert browser.post(f"{PAGE}/{connection.pk}/disconnect").status_code == 302
    assert AuditEntry.objects.filter(action="connection.end").count() == 1


def test_disconnecting_an_app_ends_all_of_ones_own_and_no_others(cast: Cast) -> None:
    client, other_app = make_client(), make_client("other")
    own = [connect(cast.alice, client, cast.acme) for _ in range(3)]
    others = [connect(cast.bob, client, cast.acme), connect(cast.alice, other_app, cast.acme)]
    dead, kept = [tokens_of(each).access for each in own], [tokens_of(each).access for each in others]
    sign_in(cast.alice).post(f"{PAGE}/apps/{client.pk}/disconnect")
    assert not any(is_alive(connection) for connection in own)
    assert all(is_alive(connection) for connection in others)
    assert all(map(refused, dead)) and not any(map(refused, kept))


def test_an_end_is_written_down_in_every_organization_that_it_reached(cast: Cast) -> None:
    Membership.objects.create(organization=cast.globex, user=cast.alice)
    every = connect(cast.alice, make_client(), all_organizations=True)
    one = connect(cast.alice, make_client("two"), cast.acme)
    for connection in (every, one):
        end_connection(None, connection, "its refresh token was used twice")
    entries = AuditEntry.objects.filter(action="connection.end").values_list("organization__slug", "actor")
    assert sorted(entries) == [
        ("acme", "authorization server"),
        ("acme", "authorization server"),
        ("globex", "authorization server"),
    ]


@pytest.mark.parametrize("count", [1, 50])
def test_the_page_takes_as_many_queries_for_fifty_connections(
    cast: Cast, count: int, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    clients = [make_client(f"app-{number}") for number in range(min(count, 10))]
    for number in range(count):
        organization = OrganizationFactory()
        Membership.objects.create(organization=organization, user=cast.alice)
        connection = connect(cast.alice, clients[number % 10], organization, narrowed=True)
        ConnectionLibrary.objects.create(connection=connection, library=cast.barcelona)
    browser = sign_in(cast.alice)
    with django_assert_num_queries(5):  # the session, the person, connections, their organizations, their libraries
        answer = browser.get(PAGE)
    assert answer.content.decode().count("Disconnect<") == count


def test_the_settings_lead_to_the_connected_apps(cast: Cast) -> None:
    assert sign_in(cast.bob).get("/settings").headers["Location"] == PAGE
    assert Browser().get("/settings").headers["Location"].startswith("/login")
