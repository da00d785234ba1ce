"""The history of each asset: what was done to it and by whom, for everybody who sees the asset."""

from collections.abc import Iterable, Mapping
from typing import Any, Literal

from assets.models import AssetEvent
from orgs.access import Principal

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


def record_event(principal: Principal, asset_ids: Iterable[str], kind: EventKind, **detail: Any) -> None:
    """Write into the history of each asset, in the change's own transaction, that ``principal`` changed it."""
    record_events(principal, kind, dict.fromkeys(asset_ids, detail))


def record_events(principal: Principal, kind: EventKind, details: Mapping[str, Mapping[str, Any]]) -> None:
    """Do the same with a detail of its own for each asset, by its id."""
    AssetEvent.objects.bulk_create(
        AssetEvent(asset_id=asset_id, kind=kind, by_id=principal.user_id, by_name=principal.label, detail=detail)
        for asset_id, detail in details.items()
    )
