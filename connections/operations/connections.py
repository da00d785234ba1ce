"""Ending connections, and what an organization lets its members connect."""

from django.db import transaction
from django.utils import timezone

from connections.models import AccessToken, AppPolicy, AuthorizationCode, Connection, RefreshToken
from orgs import audit
from orgs.access import Principal
from orgs.models import AuditEntry, Membership

ACTOR_WITHOUT_PERSON = "authorization server"


def app_policy(organization_id: int) -> AppPolicy:
    """Return what an organization lets its members connect; without a row, everything."""
    return AppPolicy.objects.filter(organization=organization_id).first() or AppPolicy(organization_id=organization_id)


def end_connection(principal: Principal | None, connection: Connection, reason: str) -> None:
    """End a connection for good: its tokens are refused from this moment on. An ended one stays as it is.

    ``principal`` is who wanted it, None where a rule of the protocol did; ``reason`` goes into the audit log of each
    organization that the connection reached.
    """
    with transaction.atomic():
        reached = organizations_of(connection)
        # Tokens first, and none that another request holds: whoever presents a token locks it before the connection,
        # and waiting for each other would hold up both. What is left over is as dead as its connection.
        for model in (AccessToken, RefreshToken, AuthorizationCode):
            free = model.objects.filter(connection=connection).select_for_update(skip_locked=True)
            model.objects.filter(pk__in=list(free.values_list("pk", flat=True))).delete()
        now = timezone.now()
        if not Connection.objects.filter(pk=connection.pk, ended=None).update(ended=now):
            return
        connection.ended = now
        for organization_id in reached:
            record(principal, organization_id, "connection.end", connection, reason=reason)


def organizations_of(connection: Connection) -> list[int]:
    """Return the ids of the organizations that a connection reaches at this moment."""
    own = Membership.objects.filter(user=connection.user_id)
    granted = own if connection.all_organizations else own.filter(connection_grants__connection=connection)
    return list(granted.values_list("organization", flat=True))


def record(
    principal: Principal | None, organization_id: int, action: str, connection: Connection, **after: str
) -> None:
    """Write into an organization's audit log what became of a connection; None is the authorization server itself."""
    target = f"{connection.client.name} of {connection.user.email}, connection {connection.pk}"
    if principal is not None:
        audit.record(principal, organization_id, action, target, after=after)
        return
    AuditEntry.objects.create(
        organization_id=organization_id,
        action=action,
        actor=ACTOR_WITHOUT_PERSON,
        target=target[:254],
        after=after,
        face="oauth",
    )
