"""Who may run the operations of the catalogue, and that what is out of reach answers as what does not exist.

The operations run in this process. That each interface hands on what they refuse, tests/contract shows.
"""

from typing import Any, NamedTuple

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from api.catalogue import OPERATIONS, Effect
from api.examples import ASSET_ID
from assets.models import Asset, AssetEvent, LibraryWord, SearchEntry
from assets.search_index import reindex
from connections.bearer import principal_for_bearer
from connections.resources import API
from orgs.access import BearerPrincipal, Origin
from orgs.models import AuditEntry, Library
from raster.contracts import read_json
from raster.errors import BadUserInput, RasterError
from tests.connections.factories import connect, make_client, tokens_of
from tests.factories import AssetFactory, Cast
from tests.operations import (
    AT_A_LIBRARY,
    AT_AN_ASSET,
    AT_AN_ORGANIZATION,
    CALLS,
    IN_TRASH,
    WRITES,
    Call,
    bad_inputs,
    begin,
    put_in_trash,
    unreachable,
)

MISSING = "e" * 22


class Refusal(NamedTuple):
    """What a call is refused with, without what was sent, and what it cost."""

    code: str
    message: str
    queries: int


def key(cast: Cast, **access: str) -> BearerPrincipal:
    return principal_for_bearer(cast.key(**access).secret, Origin("rest"), API)


def refusal(call: Call, principal: BearerPrincipal, arguments: dict[str, Any], *sent: str) -> Refusal:
    command = read_json(call.takes, arguments)
    with CaptureQueriesContext(connection) as captured, pytest.raises(RasterError) as raised:
        call.run(principal, command)
    message = raised.value.message
    for word in sent:
        message = message.replace(word, "…")
    return Refusal(raised.value.code, message, len(captured))


@pytest.mark.parametrize("call", AT_A_LIBRARY, ids=str)
def test_a_library_out_of_reach_is_one_that_does_not_exist(cast: Cast, call: Call) -> None:
    principal = key(cast, barcelona="write")
    seen = {refusal(call, principal, call.at(*place), place[1]) for place in unreachable(cast).values()}
    assert len(seen) == 1, seen
    assert seen.pop().code == "API_KEY_NOT_AUTHORIZED_FOR_LIBRARY"


@pytest.mark.parametrize("call", AT_AN_ORGANIZATION, ids=str)
def test_an_organization_out_of_reach_is_one_that_does_not_exist(cast: Cast, call: Call) -> None:
    principal = key(cast, barcelona="write")
    seen = {refusal(call, principal, call.at(slug, "secret"), slug) for slug in ("globex", "nowhere")}
    assert len(seen) == 1, seen
    assert seen.pop().code == "ORGANIZATION_NOT_FOUND"


@pytest.mark.parametrize("call", WRITES, ids=str)
def test_read_does_not_write(cast: Cast, call: Call) -> None:
    begin(cast)
    principal = key(cast, barcelona="read", paris="read")
    # The asset need not exist: the level is checked before any row is looked for.
    for asset_id in (ASSET_ID, MISSING):
        assert refusal(call, principal, call.at(asset=asset_id)).code == (call.key_code or "API_KEY_READ_ONLY")
    asset = Asset.objects.get(pk=ASSET_ID)
    assert (asset.name, asset.description, asset.library, asset.trashed) == ("Harbor", "", cast.barcelona, None)
    assert {tag.text for tag in asset.tags.all()} == {"sea", "boat"}
    assert Library.objects.filter(organization=cast.acme, name="Barcelona").count() == 1
    assert (Asset.objects.count(), Library.objects.count()) == (2, 3)


@pytest.mark.parametrize("call", WRITES, ids=str)
def test_a_connection_without_write_is_told_how_to_get_it(cast: Cast, call: Call) -> None:
    connected = connect(cast.alice, make_client(), cast.acme, asked_write=False, may_write=False)
    principal = principal_for_bearer(tokens_of(connected).access, Origin("rest"), API)
    assert refusal(call, principal, call.at()).code == "INSUFFICIENT_SCOPE"


@pytest.mark.parametrize("call", AT_AN_ASSET, ids=str)
def test_missing_trashed_and_foreign_assets_answer_alike(cast: Cast, call: Call) -> None:
    principal = key(cast, barcelona="write", paris="write")
    trashed = AssetFactory(library=cast.barcelona, tagged=["sea"], trashed="2026-01-01T00:00:00Z").pk
    elsewhere = [AssetFactory(library=library, tagged=["sea"]).pk for library in (cast.paris, cast.secret)]
    missing = [MISSING, *elsewhere, *([] if call.operation.name in IN_TRASH else [trashed])]
    seen = {refusal(call, principal, call.at(asset=asset_id), asset_id) for asset_id in missing}
    assert len(seen) == 1, seen
    assert seen.pop().code == (call.key_code or "RESOURCE_NOT_FOUND")


@pytest.mark.parametrize("call", CALLS, ids=str)
def test_arguments_that_do_not_fit_are_refused(call: Call) -> None:
    for arguments in bad_inputs(call):
        with pytest.raises(BadUserInput):
            read_json(call.takes, arguments)


@pytest.mark.parametrize("call", [call for call in WRITES if not call.operation.takes_files], ids=str)
def test_a_write_is_in_search_history_and_audit_log(cast: Cast, call: Call) -> None:
    """What a write changes of assets is in search and in their history when it ends, and the write in the log."""
    begin(cast)
    if call.operation.name == "restore_assets":
        put_in_trash(ASSET_ID)
    AuditEntry.objects.all().delete()
    AssetEvent.objects.all().delete()
    before = _assets()
    connected = connect(cast.alice, make_client(), cast.acme)
    principal = principal_for_bearer(tokens_of(connected).access, Origin("rest"), API)
    call.run(principal, read_json(call.takes, call.at()))
    assert AuditEntry.objects.filter(organization=cast.acme).count() == 1
    after = _assets()
    changed = {pk for pk in before.keys() | after.keys() if before.get(pk) != after.get(pk)}
    assert changed or call not in AT_AN_ASSET
    assert changed <= set(AssetEvent.objects.values_list("asset", flat=True)), "history"
    found = _search()
    list(reindex())
    assert found == _search(), "search"


def _assets() -> dict[str, Any]:
    fields = ("library", "name", "description", "trashed", "file", "approval_state")
    return {asset.pk: ([getattr(asset, f"{name}") for name in fields], _tags(asset)) for asset in Asset.objects.all()}


def _tags(asset: Asset) -> set[str]:
    return {tag.text for tag in asset.tags.all()}


def _search() -> tuple[set[Any], set[Any]]:
    entries = SearchEntry.objects.values_list("asset", "library", "tokens")
    words = LibraryWord.objects.filter(assets__gt=0).values_list("library", "word", "assets")
    return {(asset, library, str(sorted(tokens))) for asset, library, tokens in entries}, set(words)


def test_every_row_of_the_catalogue_is_whole() -> None:
    for operation in OPERATIONS:
        assert operation.rest or operation.mcp or operation.graphql, operation.name
        assert operation.about.endswith("."), operation.name
        assert operation.run.__doc__, operation.name
        if not operation.writes:
            assert operation.idempotent and operation.effect is Effect.READ, operation.name
        read_json(operation.takes, dict(operation.example.arguments))
        assert isinstance(operation.example.record, operation.returns) or operation.name == "whoami"
    assert len({operation.name for operation in OPERATIONS}) == len(OPERATIONS)
