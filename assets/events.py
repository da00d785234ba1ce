"""Changes of assets: what search, the history of each asset and the audit log keep of them."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Literal

from django.db import transaction

from assets.models import AssetEvent
from assets.search_index import index_assets
from orgs import audit
from orgs.access import Principal
from orgs.models import Library

EventKind = Literal[
    "upload",
    "describe",
    "rename",
    "tag",
    "untag",
    "transfer",
    "trash",
    "restore",
    "approve",
    "promote",
    "variant",
]


@dataclass
class Changes:
    """What an operation has changed so far; see :func:`changes`."""

    principal: Principal
    kind: EventKind
    _details: dict[str, Mapping[str, Any]] = field(default_factory=dict)

    def note(
        self,
        library: Library,
        assets: Mapping[str, Mapping[str, Any]] | Iterable[str],
        *,
        target: str = "",
        before: dict[str, Any] | None = None,
        after: dict[str, Any] | None = None,
    ) -> None:
        """Note which assets changed, each with the detail for its history where there is one.

        The audit log gets one entry about ``target``, the library if empty, with ``before`` and ``after``.
        """
        self._details |= assets if isinstance(assets, Mapping) else {key: {} for key in assets}
        action = f"asset.{self.kind}"
        audit.record(
            self.principal, library.organization_id, action, target or str(library), before=before, after=after
        )

    def finish(self) -> None:
        """Bring search and history up to date."""
        if self._details:
            index_assets(self._details)
            record_events(self.principal, self.kind, self._details)


@contextmanager
def changes(principal: Principal, kind: EventKind) -> Iterator[Changes]:
    """Open the transaction of a write to assets.

    When the block ends, what it noted is in search, in the history of each asset and in the audit log.
    """
    with transaction.atomic():
        changed = Changes(principal, kind)
        yield changed
        changed.finish()


def record_event(principal: Principal, asset_ids: Iterable[str], kind: EventKind, **detail: Any) -> None:
    """Record in the history of each asset, in the change's own transaction, that ``principal`` changed it."""
    record_events(principal, kind, dict.fromkeys(asset_ids, detail))


def record_events(principal: Principal, kind: EventKind, details: Mapping[str, Mapping[str, Any]]) -> None:
    """Do the same with a detail of its own for each asset, by its id."""
    AssetEvent.objects.bulk_create(
        AssetEvent(asset_id=asset_id, kind=kind, by_id=principal.user_id, by_name=principal.label, detail=detail)
        for asset_id, detail in details.items()
    )
