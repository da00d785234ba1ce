"""Ending connections, and what the audit log says of them."""

from django.db import transaction
from django.utils import timezone

from connections.models import Connection
from connections.trust import shown_name
from orgs import audit
from orgs.access import Principal
from orgs.models import AuditEntry

ACTOR_WITHOUT_PERSON = "authorization server"


def end_connection(principal: Principal | None, connection: Connection, reason: str) -> None:
    """End a connection for good: its tokens are refused from this moment on. An ended one stays as it is.

    ``principal`` is who wanted it, None where a rule of the protocol did; ``reason`` goes into the audit log of each
    organization that the connection reached.
    """
    with transaction.atomic():
        # Its tokens stay until they are swept: they are refused with it, and locking them here could deadlock with
        # requests that present them, which lock a token before its connection.
        now = timezone.now()
        if not Connection.objects.filter(pk=connection.pk, ended=None).update(ended=now):
            return
        connection.ended = now
        for organization_id in connection.reached_memberships().values_list("organization", flat=True):
            record(principal, organization_id, "connection.end", connection, reason=reason)


def record(
    principal: Principal | None, organization_id: int, action: str, connection: Connection, **after: str
) -> None:
    """Write into an organization's audit log what became of a connection; None is the authorization server itself."""
    target = f"connection {connection.pk} of {connection.user.email}: {shown_name(connection.client)}"
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
