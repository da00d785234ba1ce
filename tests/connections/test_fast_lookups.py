"""The statements that look credentials up agree with the querysets that pages and operations use.

Both spell the same rules. Random organizations, roles, grants and states are looked up both ways.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from random import Random
from typing import Any, TypeVar

import pytest
from django.db import connection as database
from django.utils import timezone

from accounts.models import User
from apikeys import secrets as key_secrets
from apikeys.models import APIKey, KeyGrant
from connections import resources, secrets
from connections.access import CONNECTION_STATEMENT, ConnectionIsOver, principal_from_rows
from connections.bearer import principal_for_bearer, principal_for_credential, read_bearer
from connections.models import (
    AccessToken,
    AppPolicy,
    Client,
    Connection,
    ConnectionLibrary,
    ConnectionMembership,
)
from connections.tokens import is_alive
from orgs.access import BearerPrincipal, Level, Origin
from orgs.contracts import Identities
from orgs.models import Library, LibraryMembership, Membership, Organization
from raster.errors import InvalidAPIKey, Unauthenticated
from tests.factories import LibraryFactory, OrganizationFactory, UserFactory

ORIGIN = Origin("mcp")
ORGANIZATIONS, LIBRARIES, PEOPLE, CLIENTS = 6, 3, 10, 8
CONNECTIONS, KEYS = 200, 100
SEEDS = [1, 2, 3]

Found = TypeVar("Found")


@dataclass
class World:
    """Random rows, with the moments that their times are taken from: few, so that some are equal."""

    random: Random
    organizations: list[Organization]
    libraries: Sequence[Library]
    now: datetime

    def chance(self, share: float) -> bool:
        return self.random.random() < share

    def some(self, things: Iterable[Any], share: float) -> list[Any]:
        return [thing for thing in things if self.chance(share)]

    def past(self) -> datetime:
        return self.now - timedelta(days=self.random.randint(1, 4))

    def end(self) -> datetime:
        """Return when something expires: later, mostly."""
        return self.now + timedelta(days=1) if self.chance(0.95) else self.past()


@pytest.fixture(params=SEEDS)
def world(request: pytest.FixtureRequest, db: None) -> World:
    organizations = OrganizationFactory.create_batch(ORGANIZATIONS)
    libraries = [LibraryFactory(organization=each) for each in organizations for _ in range(LIBRARIES)]
    return World(Random(request.param), organizations, libraries, timezone.now())


def make_people(world: World) -> list[Membership]:
    """Make users, and put them into organizations and libraries."""
    people = [UserFactory(is_active=number > 0) for number in range(PEOPLE)]
    memberships = Membership.objects.bulk_create(
        Membership(organization=organization, user=user, role=world.random.choice(Membership.Role.values))
        for user in people
        for organization in world.some(world.organizations, 0.5)
    )
    for membership in memberships:
        membership.created = world.past()
    Membership.objects.bulk_update(memberships, ["created"])
    LibraryMembership.objects.bulk_create(
        LibraryMembership(
            membership=membership, library=library, role=world.random.choice(LibraryMembership.Role.values)
        )
        for membership in memberships
        for library in world.some(world.libraries, 0.6)
        if library.organization_id == membership.organization_id
    )
    AppPolicy.objects.bulk_create(
        AppPolicy(organization=organization, allows_apps=world.chance(0.5), allows_devices=world.chance(0.5))
        for organization in world.some(world.organizations, 0.7)
    )
    return memberships


def make_connections(world: World) -> list[Connection]:
    memberships = make_people(world)
    people = list(User.objects.all())
    clients = Client.objects.bulk_create(
        Client(client_id=f"app {number}", name="App", is_active=number > 0, edition=1 + number % 2)
        for number in range(CLIENTS)
    )
    resource = ["", "mcp", "api", *(f"mcp/o/{each.slug}" for each in world.organizations)]
    connections = Connection.objects.bulk_create(
        Connection(
            user=world.random.choice(people),
            client=(client := world.random.choice(clients)),
            client_edition=client.edition if world.chance(0.95) else 3,
            all_organizations=world.chance(0.5),
            narrowed=world.chance(0.4),
            asked_write=(asked := world.chance(0.8)),
            may_write=asked and world.chance(0.8),
            resource=world.random.choice(resource) if world.chance(0.2) else "",
            way=world.random.choice(Connection.Way.values),
            expires=world.end(),
            ended=world.past() if world.chance(0.05) else None,
        )
        for _ in range(CONNECTIONS)
    )
    for connection in connections:
        connection.created = world.past()
    Connection.objects.bulk_update(connections, ["created"])
    # Some are of another person, who is not to lend their access.
    ConnectionMembership.objects.bulk_create(
        ConnectionMembership(connection=connection, membership=membership)
        for connection in connections
        for membership in memberships
        if world.chance(0.5 if membership.user_id == connection.user_id else 0.02)
    )
    ConnectionLibrary.objects.bulk_create(
        ConnectionLibrary(connection=connection, library=library)
        for connection in connections
        for library in world.some(world.libraries, 0.5)
    )
    return connections


def make_tokens(world: World, connections: list[Connection]) -> tuple[list[AccessToken], list[str]]:
    """Give each connection an access token; return their rows and texts in the same order."""
    texts = [secrets.generate(secrets.ACCESS_TOKEN) for _ in connections]
    rows = AccessToken.objects.bulk_create(
        AccessToken(
            connection=connection,
            digest=secrets.digest(text),
            resource=connection.resource,
            may_write=world.chance(0.9),
            expires=world.end(),
        )
        for connection, text in zip(connections, texts, strict=True)
    )
    return rows, texts


def make_keys(world: World) -> Iterator[tuple[APIKey, str]]:
    generated = [key_secrets.generate() for _ in range(KEYS)]
    keys = APIKey.objects.bulk_create(
        APIKey(
            organization=world.random.choice(world.organizations),
            name=f"Key {number}",
            public_id=each.public_id,
            digest=each.digest.value,
            pepper=each.digest.pepper,
            expires=world.end() if world.chance(0.5) else None,
            regenerated=world.past() if world.chance(0.3) else None,
        )
        for number, each in enumerate(generated)
    )
    KeyGrant.objects.bulk_create(
        KeyGrant(key=key, library=library, level=world.random.choice(list(Level)))
        for key in keys
        for library in world.some(world.libraries, 0.4)
        if library.organization_id == key.organization_id
    )
    return zip(keys, [each.text for each in generated], strict=True)


def rows_of(statement: str, parameter: Any) -> Any:
    with database.cursor() as cursor:
        cursor.execute(statement, [parameter])
        return cursor.fetchall()


def told(principal: BearerPrincipal) -> dict[tuple[str, str], str]:
    """Return the levels that the caller is told of itself, by organization and library: by its statement."""
    identity = principal.identity(rows_of(principal.identity_statement, principal.identity_parameter))
    identities = identity.organizations if isinstance(identity, Identities) else [identity]
    return {(each.organization_id, held.library): held.access for each in identities for held in each.libraries}


def reached(principal: BearerPrincipal) -> dict[tuple[str, str], str]:
    """Return the levels by which operations go: by querysets."""
    libraries = principal.libraries().select_related("organization")
    return {(library.organization.slug, library.slug): Level(library.level).word for library in libraries}


def accepted(look_up: Callable[[], Found]) -> Found | None:
    try:
        return look_up()
    except (InvalidAPIKey, Unauthenticated, ConnectionIsOver):
        return None


def test_keys_are_looked_up_as_the_querysets_have_them(world: World) -> None:
    count = 0
    for key, text in make_keys(world):
        principal = accepted(partial(principal_for_bearer, text, ORIGIN, resources.MCP))
        assert (principal is not None) is not key.has_expired
        made = world.past()
        again = accepted(partial(principal_for_credential, ("key", key.pk), made, ORIGIN))
        is_same_value = key.regenerated is None or key.regenerated < made
        assert again == (principal if is_same_value else None)
        if principal is None:
            continue
        levels = reached(principal)
        assert told(principal) == levels
        assert principal.has_write is ("write" in levels.values())
        assert [each.id for each in principal.organizations] == [key.organization_id]
        count += len(levels)
    assert count > KEYS / 2


def by_id(connection_id: int) -> BearerPrincipal:
    return principal_from_rows(rows_of(CONNECTION_STATEMENT, connection_id), ORIGIN)


def by_token(text: str, resource: str) -> BearerPrincipal:
    bearer = read_bearer(text)
    return bearer.principal(rows_of(bearer.statement, bearer.parameter), ORIGIN, resource)


def test_connections_are_looked_up_as_the_querysets_have_them(world: World) -> None:
    connections = make_connections(world)
    count = 0
    for connection, token, text in zip(connections, *make_tokens(world, connections), strict=True):
        pinned = resources.organization_of(connection.resource)
        memberships = connection.reached_memberships().select_related("organization")
        granted = {each.organization.slug for each in memberships if pinned in {None, each.organization.slug}}
        resource = world.random.choice([connection.resource or resources.MCP, resources.MCP])
        by_row = accepted(partial(by_id, connection.pk))
        of_token = accepted(partial(by_token, text, resource))
        is_good = is_alive(connection) and bool(granted)  # asked last, since it ends what is over
        assert (by_row is not None) is is_good
        is_admitted = token.expires > world.now and resources.admits(token.resource, resource)
        assert (of_token is not None) is (is_good and is_admitted)
        principal = of_token or by_row
        if principal is not None:
            levels = reached(principal)
            assert told(principal) == levels
            assert {each.slug for each in principal.organizations} == granted
            count += len(levels)
    assert count > CONNECTIONS
