"""What was done to an asset."""

from typing import cast

from assets.contracts import GetAsset, HistoryRecord, Person
from assets.events import EventKind
from assets.models import AssetEvent
from assets.records import live_asset, milliseconds
from orgs.access import Level, Principal

MOST_EVENTS = 200
ANOTHER_LIBRARY = "another library"


def list_history(principal: Principal, command: GetAsset) -> list[HistoryRecord]:
    """Return the newest events of an asset, newest first; libraries out of the caller's reach have no name.

    Raises:
        ResourceNotFound: it is no live asset of the library.
    """
    library = principal.library(command.organization_id, command.library_id, Level.READ)
    asset = live_asset(library, command.asset_id)
    events = list(AssetEvent.objects.filter(asset=asset)[:MOST_EVENTS])
    passed = {event.detail[end] for event in events if event.kind == "transfer" for end in ("before", "after")}
    names: dict[object, str] = dict(principal.libraries().filter(pk__in=passed).values_list("pk", "name"))
    return [_history_record(event, names) for event in events]


def _history_record(event: AssetEvent, libraries: dict[object, str]) -> HistoryRecord:
    before, after = event.detail.get("before", ""), event.detail.get("after", "")
    if event.kind == "transfer":
        before, after = (libraries.get(key, ANOTHER_LIBRARY) for key in (before, after))
    return HistoryRecord(
        kind=cast("EventKind", event.kind),
        at=milliseconds(event.at),
        by=Person(name=event.by_name),
        before=before,
        after=after,
        note=event.detail.get("note", ""),
        tags=event.detail.get("tags", []),
    )
