"""The audit log: one entry for each change, written in the change's own transaction."""

from typing import Any

from orgs.access import Principal
from orgs.models import AuditEntry


def record(
    principal: Principal,
    organization_id: int,
    action: str,
    target: str,
    *,
    before: dict[str, Any] | None = None,
    after: dict[str, Any] | None = None,
) -> None:
    """Write down that ``principal`` did ``action`` to ``target``.

    ``action`` is ``noun.verb`` (``api_key.create``); ``target`` is the thing's name and public id; ``before`` and
    ``after`` hold only what changed, and never a secret.
    """
    origin = principal.origin
    AuditEntry.objects.create(
        organization_id=organization_id,
        action=action,
        actor=principal.audit_label[:254],
        actor_user_id=principal.user_id,
        target=target[:254],
        before=before or {},
        after=after or {},
        face=origin.face,
        address=origin.address,
        user_agent=origin.client[:200],
        request_id=origin.request_id,
    )
