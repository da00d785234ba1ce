"""What people have connected: looking at it, ending it, and what an organization lets its members connect."""

from collections import defaultdict

from django.db import transaction
from django.db.models import CharField, Exists, ExpressionWrapper, OuterRef, Prefetch, Q
from django.utils import timezone

from connections.app_facts import app_facts
from connections.contracts import (
    ChangeAppPolicy,
    ConnectedApp,
    MemberConnection,
    OwnConnection,
    Reach,
    RemoveConnection,
)
from connections.ending import end_connection, record
from connections.models import (
    AppPolicy,
    Client,
    Connection,
    ConnectionLibrary,
    ConnectionMembership,
    ConnectionQuerySet,
    DeviceAuthorization,
    not_forbidden,
)
from connections.trust import shown_name
from orgs import audit
from orgs.access import OrganizationRef, Principal, UserPrincipal
from orgs.models import Membership, Organization
from raster.errors import ResourceNotFound


def list_connected_apps(principal: UserPrincipal) -> list[ConnectedApp]:
    """Return the apps that a person has connected, by name, each with its connections."""
    granted = ConnectionMembership.objects.select_related("membership__organization").order_by(
        "membership__organization__name", "membership__organization__slug"
    )
    by_app: dict[Client, list[OwnConnection]] = defaultdict(list)
    for connection in _in_use().filter(user=principal.user).prefetch_related(Prefetch("granted", granted)):
        by_app[connection.client].append(_own_connection(connection))
    apps = [
        ConnectedApp(id=client.pk, app=app_facts(client), connections=connections)
        for client, connections in by_app.items()
    ]
    return sorted(apps, key=lambda connected: (connected.app.name.casefold(), connected.id))


def disconnect(principal: UserPrincipal, connection_id: int) -> str:
    """End one of a person's own connections; return the name of its app. An ended one stays as it is.

    Raises:
        ResourceNotFound: it is unknown, or somebody else's.
    """
    own = Connection.objects.select_related("client", "user").filter(user=principal.user)
    connection = own.filter(pk=connection_id).first()
    if connection is None:
        raise ResourceNotFound("Connection not found.")
    end_connection(principal, connection, "disconnected by its person")
    return shown_name(connection.client)


def disconnect_app(principal: UserPrincipal, client_id: int) -> str:
    """End all of a person's own connections to an app, by its row; return the app's name.

    Raises:
        ResourceNotFound: the person never connected such an app.
    """
    own = Connection.objects.select_related("client", "user").filter(user=principal.user, client__pk=client_id)
    connections = list(own)
    if not connections:
        raise ResourceNotFound("App not found.")
    with transaction.atomic():
        for connection in connections:
            if connection.ended is None:
                end_connection(principal, connection, "disconnected by its person")
    return shown_name(connections[0].client)


def list_member_connections(principal: Principal, organization: OrganizationRef) -> list[MemberConnection]:
    """Return what the members of an organization connected to it, by member: for its owners and admins.

    Raises:
        Forbidden: the principal is neither.
    """
    organization = principal.managed_organization(organization.slug)
    reaching = _in_use().filter(_reaches(organization.id)).select_related("user")
    return [
        MemberConnection(
            id=connection.pk,
            member_name=connection.user.get_full_name(),
            member_email=connection.user.email,
            app=app_facts(connection.client),
            reach=_reach(connection, organization.id),
            way=Connection.Way(connection.way).label,
            connected=connection.created,
            last_used=connection.last_used,
        )
        for connection in reaching.order_by("user__email", "-created", "-id")
    ]


def remove_connection(principal: Principal, command: RemoveConnection) -> str:
    """Take an organization out of a member's connection; return the name of its app.

    A connection that reached nothing else ends. One to all organizations is one to each of the others from then on,
    and does not follow its person into new ones.

    Raises:
        ResourceNotFound: no such connection reaches the organization.
    """
    organization = principal.managed_organization(command.organization_id)
    with transaction.atomic():
        reaching = Connection.objects.filter(_reaches(organization.id), pk=command.connection_id, ended=None)
        locked = Connection.objects.select_for_update(of=("self",), no_key=True).select_related("client", "user")
        connection = locked.filter(pk__in=reaching.values("pk")).first()
        if connection is None or not reaching.exists():  # asked again under the lock
            raise ResourceNotFound("Connection not found.")
        record(principal, organization.id, "connection.remove", connection)
        if connection.all_organizations:
            _grant_each(connection)
        connection.granted.filter(membership__organization=organization.id).delete()
        connection.chosen.filter(library__organization=organization.id).delete()
        if not connection.granted.exists():
            end_connection(principal, connection, "removed by an admin")
    return shown_name(connection.client)


def change_app_policy(principal: Principal, command: ChangeAppPolicy) -> None:
    """Say whether members may connect apps, and devices by a code, from now on. What is connected stays."""
    organization = principal.managed_organization(command.organization_id)
    after = {"allows_apps": command.allows_apps, "allows_devices": command.allows_devices}
    with transaction.atomic():
        held = Organization.objects.select_for_update(no_key=True).get(pk=organization.id)
        policy = AppPolicy.of(held.pk)
        before = {"allows_apps": policy.allows_apps, "allows_devices": policy.allows_devices}
        if before == after:
            return
        AppPolicy.objects.update_or_create(organization=held, defaults=after)
        audit.record(principal, held.pk, "app_policy.change", str(held), before=before, after=after)


def _in_use() -> ConnectionQuerySet:
    """Return the connections that live and whose client fetched its tokens, with what they chose.

    A device that was allowed counts before it fetched them: its person may think better of it at once.
    """
    chosen = ConnectionLibrary.objects.select_related("library__organization").order_by(
        "library__name", "library__slug"
    )
    will_fetch = Q(device__state=DeviceAuthorization.State.ALLOWED, device__expires__gt=timezone.now())
    used = Connection.objects.alive().filter(Q(redeemed__isnull=False) | will_fetch)
    return used.select_related("client").prefetch_related(Prefetch("chosen", chosen))


def _reaches(organization_id: int) -> Q:
    """Return the condition on connections that they reach an organization at this moment."""
    granted = ConnectionMembership.objects.filter(membership__organization=organization_id)
    members = Membership.objects.filter(organization=organization_id, user=OuterRef("user"))
    way = ExpressionWrapper(OuterRef("way"), output_field=CharField())
    reached = Exists(not_forbidden(members, OuterRef("created"), way))
    return Q(pk__in=granted.values("connection")) | Q(reached, all_organizations=True)


def _grant_each(connection: Connection) -> None:
    """Turn a connection to all organizations of its person into one to each of those they are in."""
    own = connection.reached_memberships().order_by("pk").select_for_update(of=("self",), no_key=True)
    rows = [ConnectionMembership(connection=connection, membership=membership) for membership in own]
    ConnectionMembership.objects.bulk_create(rows, ignore_conflicts=True)
    connection.all_organizations = False
    connection.save(update_fields=["all_organizations"])


def _own_connection(connection: Connection) -> OwnConnection:
    granted = [grant.membership.organization for grant in connection.granted.all()]
    return OwnConnection(
        id=connection.pk,
        organizations=[OrganizationRef(row.pk, row.slug, row.name) for row in granted],
        reach=_reach(connection),
        way=Connection.Way(connection.way).label,
        connected=connection.created,
        expires=connection.expires,
        last_used=connection.last_used,
        last_used_address=connection.last_used_address,
        last_used_client=connection.last_used_client,
    )


def _reach(connection: Connection, organization_id: int | None = None) -> Reach:
    """Return what a connection may do, in one organization alone where that is given."""
    chosen = [choice.library for choice in connection.chosen.all()]
    several = organization_id is None and connection.all_organizations
    return Reach(
        may_write=connection.may_write,
        all_organizations=connection.all_organizations,
        narrowed=connection.narrowed,
        libraries=[
            f"{library.name} in {library.organization.name}" if several else library.name
            for library in chosen
            if organization_id in {None, library.organization_id}
        ],
    )
